//! `case.toml`, read: every key known, every file there, the edit made.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file as `testvectors/README.md` describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    at: String,
    policy: String,
    clause: String,
    source: String,
    content: Option<PathBuf>,
    #[serde(default)]
    trust_anchors: Vec<PathBuf>,
    #[serde(default)]
    intermediates: Vec<PathBuf>,
    #[serde(default)]
    crls: Vec<PathBuf>,
    edit: Option<Edit>,
    expect: Expected,
}

/// Octets of the input or of its content, others in their place; before the case is judged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    of: EditedFile,
    /// Octets before the first one changed.
    offset: usize,
    /// Hex: what must stand there, so that an edit never outlives its file.
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum EditedFile {
    Input,
    Content,
}

/// The words of the answer, and the exit code of `antin verify`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expected {
    pub outcome: String,
    pub indication: String,
    pub sub_indication: Option<String>,
    pub code: String,
    pub exit: i32,
}

/// A case ready to be judged: all paths are those of files that exist.
#[derive(Debug)]
pub struct Case {
    pub at: String,
    pub policy: String,
    pub input: PathBuf,
    pub content: Option<PathBuf>,
    pub trust_anchors: Vec<PathBuf>,
    pub intermediates: Vec<PathBuf>,
    pub crls: Vec<PathBuf>,
    pub expect: Expected,
}

impl Case {
    /// Reads the case in `folder`. An edited file is written to `scratch`. Err: what is wrong, in words.
    pub fn read(folder: &Path, scratch: &Path) -> Result<Self, String> {
        let path = folder.join("case.toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let written: Written = toml::from_str(&text).map_err(|error| format!("case.toml: {error}"))?;
        if written.clause.is_empty() || written.source.is_empty() {
            return Err("case.toml: clause and source say why and whence; neither is empty".to_owned());
        }
        let found = |path: &PathBuf| {
            let path = folder.join(path);
            if path.is_file() { Ok(path) } else { Err(format!("there is no {}", path.display())) }
        };
        let all = |paths: &[PathBuf]| paths.iter().map(&found).collect::<Result<Vec<_>, _>>();
        let mut case = Self {
            trust_anchors: all(&written.trust_anchors)?,
            intermediates: all(&written.intermediates)?,
            crls: all(&written.crls)?,
            input: input(folder)?,
            content: written.content.as_ref().map(found).transpose()?,
            at: written.at,
            policy: written.policy,
            expect: written.expect,
        };
        match written.edit {
            Some(edit @ Edit { of: EditedFile::Input, .. }) => case.input = edit.made(&case.input, scratch)?,
            Some(edit) => {
                let content = case.content.as_ref().ok_or("edit: there is no content to edit")?;
                case.content = Some(edit.made(content, scratch)?);
            }
            None => {}
        }
        Ok(case)
    }
}

/// The one file of a folder that is called `input`.
fn input(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?.flatten().map(|entry| entry.path());
    let inputs: Vec<PathBuf> = entries.filter(|path| path.file_stem().is_some_and(|stem| stem == "input")).collect();
    <[PathBuf; 1]>::try_from(inputs)
        .map(|[input]| input)
        .map_err(|found| format!("{} files are called input", found.len()))
}

impl Edit {
    fn made(&self, path: &Path, scratch: &Path) -> Result<PathBuf, String> {
        let octets = |text: &str| hex::decode(text).map_err(|error| format!("edit: {text:?}: {error}"));
        let (from, to) = (octets(&self.from)?, octets(&self.to)?);
        let mut file = fs::read(path).map_err(|error| error.to_string())?;
        let range = self.offset..self.offset + from.len();
        if from.is_empty() || from == to || file.get(range.clone()) != Some(&from[..]) {
            return Err(format!("edit: {} is not what stands at {} of {}", self.from, self.offset, path.display()));
        }
        file.splice(range, to);
        let out = scratch.join(path.file_name().unwrap_or_default());
        fs::create_dir_all(scratch).and_then(|()| fs::write(&out, file)).map_err(|error| error.to_string())?;
        Ok(out)
    }
}
