//! Kinds of documents as data: what may be issued as what, who has to sign it, how long it is good for, who may be told of it.
//!
//! `config/kinds/*.toml` says it, one file a kind, with the JSON Schemas beside them. They are held in the program; a folder in the
//! settings (`kinds-folder`) adds kinds, or takes the place of one. [`kind`] is the form of such a file, [`content`] holds a document
//! against its kind: [`json`] reads it, [`fhir`] knows documents of FHIR R4, [`schema`] runs JSON Schema.

pub mod content;
pub mod fhir;
pub mod json;
pub mod kind;
pub mod lookup;
pub mod schema;
mod vocabulary;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

pub use content::ContentFault;
pub use kind::DocumentKind;

use crate::core::document_kind::DocumentKinds;
use kind::KindFault;
use schema::Schemas;

/// Octets of one file in a folder of kinds.
const LONGEST_FILE: u64 = 1 << 20;
/// Files in a folder of kinds.
const MOST_FILES: usize = 1000;
const SCHEMA_END: &str = ".schema.json";

macro_rules! files {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../../config/kinds/", $name)))),+] };
}

/// The files of `config/kinds`.
const HELD: &[(&str, &str)] = files![
    "common.schema.json",
    "health-book.schema.json",
    "health-book.toml",
    "health-check.schema.json",
    "health-check.toml",
    "judicial-certificate-1.schema.json",
    "judicial-certificate-1.toml",
    "judicial-certificate-2.schema.json",
    "judicial-certificate-2.toml",
    "judicial-certificate.toml",
    "re-examination.schema.json",
    "re-examination.toml",
    "referral.schema.json",
    "referral.toml",
    "social-security-visit.schema.json",
    "social-security-visit.toml",
];

static KINDS: LazyLock<Arc<Kinds>> =
    LazyLock::new(|| Arc::new(Kinds::read(HELD.iter().copied()).expect("the files in the tree")));

/// Every kind that is known here.
#[derive(Debug)]
pub struct Kinds {
    by_name: BTreeMap<String, DocumentKind>,
    schemas: Schemas,
}

/// Why files of kinds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KindsError {
    #[error("cannot read {}: name a folder of kinds, or a file in it, that this user may read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: larger than {LONGEST_FILE} bytes, or more than {MOST_FILES} files: not a folder of kinds", path.display())]
    TooLarge { path: PathBuf },
    #[error("{file}: {fault}")]
    Kind { file: String, fault: KindFault },
}

impl Kinds {
    /// Those that come with antin.
    pub fn held() -> &'static Arc<Self> {
        &KINDS
    }

    /// Those that come with antin and those in this folder, which go first: `*.toml`, with their `*.schema.json`.
    pub fn with_folder(folder: &Path) -> Result<Self, KindsError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| KindsError::Read { path, source }
        };
        let mut own: Vec<(String, String)> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !name.ends_with(".toml") && !name.ends_with(SCHEMA_END) {
                continue;
            }
            if std::fs::metadata(&path).map_err(failed(&path))?.len() > LONGEST_FILE || own.len() == MOST_FILES {
                return Err(KindsError::TooLarge { path });
            }
            own.push((name.to_owned(), std::fs::read_to_string(&path).map_err(failed(&path))?));
        }
        own.sort_unstable();
        let own: Vec<(&str, &str)> = own.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let others = HELD.iter().copied().filter(|(name, _)| own.iter().all(|(other, _)| other != name));
        Self::read(others.chain(own.iter().copied()))
    }

    /// From the files of a folder, by their names.
    fn read<'a>(files: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Result<Self, KindsError> {
        let about = |file: &str| {
            let file = file.to_owned();
            move |fault| KindsError::Kind { file, fault }
        };
        let mut schemas = Schemas::default();
        for (name, text) in files.clone().filter(|(name, _)| name.ends_with(SCHEMA_END)) {
            schemas.add(name, text).map_err(about(name))?;
        }
        // One that no kind uses is a mistake all the more.
        for name in schemas.names() {
            schemas.compile(name).map_err(about(name))?;
        }
        let mut by_name = BTreeMap::new();
        for (name, text) in files.filter(|(name, _)| name.ends_with(".toml")) {
            let kind = DocumentKind::read(text, &schemas).map_err(about(name))?;
            if name.strip_suffix(".toml") != Some(&kind.name) {
                return Err(about(name)(KindFault::Name));
            }
            by_name.insert(kind.name.clone(), kind);
        }
        Ok(Self { by_name, schemas })
    }

    pub fn get(&self, name: &str) -> Option<&DocumentKind> {
        self.by_name.get(name)
    }

    /// In order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &DocumentKind> {
        self.by_name.values()
    }

    /// The JSON Schema in this file.
    pub fn schema(&self, file: &str) -> Option<&serde_json::Value> {
        self.schemas.get(file)
    }

    /// The text of a file of rules (`config/document-kinds.toml`) completed: the kinds that it does not name have the signers of these,
    /// roles that it does not name are held by nobody who could be told. What cannot be read is left as it is.
    pub fn complete_rules(&self, text: &str) -> String {
        let Ok(rules) = DocumentKinds::parse(text) else { return text.to_owned() };
        let mut whole = text.to_owned();
        let mut roles: Vec<&str> = Vec::new();
        for kind in self.iter().filter(|kind| !kind.periods.is_empty() && rules.periods(&kind.name).is_none()) {
            whole.push_str(&kind.rules());
            roles.extend(kind.periods.iter().flat_map(|period| &period.signers).flatten().map(String::as_str));
        }
        roles.sort_unstable();
        roles.dedup();
        for role in roles.into_iter().filter(|role| !rules.has_role(role)) {
            whole.push_str(&format!("\n[role.{role}]\nproofs = []\n"));
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::time::Time;

    #[test]
    fn every_file_of_the_folder_is_held() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/kinds");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        found.sort_unstable();
        assert_eq!(found, HELD.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(Kinds::held().iter().count(), 8);
    }

    #[test]
    fn a_folder_adds_a_kind_and_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        let kind = |name: &str| {
            format!(
                "name = \"{name}\"\ntitle = {{ vi = \"a\", en = \"b\" }}\n[[content]]\nmedia-type = \"application/json\"\n\
                 form = \"json\"\nschema = \"own.schema.json\"\nmaximum-bytes = 100\n"
            )
        };
        write("own.schema.json", "{\"$ref\": \"common.schema.json#/$defs/date\"}");
        write("permit.toml", &kind("permit"));
        write("referral.toml", &kind("referral"));
        write("README.md", "no kind");
        let kinds = Kinds::with_folder(folder.path()).expect("kinds");
        assert_eq!(kinds.iter().count(), 9);
        for name in ["permit", "referral"] {
            let held = kinds.get(name).expect(name);
            assert_eq!(held.check("application/json", b"\"2026-08-03\""), Ok(()), "{name}");
            assert!(held.check("application/json", b"\"yesterday\"").is_err(), "{name}");
        }
        write("other.toml", &kind("permit"));
        let error = Kinds::with_folder(folder.path()).expect_err("another name").to_string();
        assert!(error.starts_with("other.toml: "), "{error}");
    }

    #[test]
    fn the_rules_in_the_tree_are_read_and_say_what_the_law_does() {
        let text = Kinds::held().complete_rules(include_str!("../../config/document-kinds.toml"));
        let kinds = DocumentKinds::parse(&text).expect("the files in the tree");
        let needed = |kind: &str, time: &str| {
            let time = Time::parse_rfc3339(time).expect("a time");
            let periods = kinds.periods(kind).expect("rules");
            periods.iter().find(|period| period.contains(time)).map(|period| period.signers.clone())
        };
        let roles = |groups: &[&[&str]]| -> Option<Vec<Vec<String>>> {
            Some(groups.iter().map(|group| group.iter().map(|role| (*role).to_owned()).collect()).collect())
        };
        for kind in ["judicial-certificate", "judicial-certificate-1", "judicial-certificate-2"] {
            assert_eq!(needed(kind, "2025-02-28T23:59:59+07:00"), roles(&[&["justice-department"]]));
            assert_eq!(needed(kind, "2025-03-01T00:00:00+07:00"), roles(&[&["public-security"]]));
        }
        for kind in ["referral", "re-examination"] {
            assert_eq!(needed(kind, "2026-05-31T23:59:59+07:00"), roles(&[&["doctor", "facility"]]));
            assert_eq!(needed(kind, "2026-06-01T00:00:00+07:00"), roles(&[&["doctor"], &["facility"]]));
        }
        assert_eq!(kinds.periods("driving-licence"), None);
        assert!(kinds.has_role("doctor") && !kinds.can_prove("doctor"));
    }

    #[test]
    fn rules_are_completed_by_what_the_kinds_say_and_never_replaced() {
        let own = "[role.office]\nproofs = [{ organization = [\"A\"] }]\n[[kind]]\nnames = [\"referral\"]\nperiods = [{ signers = [[\"office\"]] }]\n";
        let rules = DocumentKinds::parse(&Kinds::held().complete_rules(own)).expect("rules");
        assert_eq!(rules.periods("referral").expect("own")[0].signers, [["office"]]);
        let judicial = rules.periods("judicial-certificate-2").expect("held");
        assert_eq!(judicial, Kinds::held().get("judicial-certificate-2").expect("held").periods);
        assert!(rules.periods("health-book").is_none());
        assert!(rules.can_prove("office") && !rules.can_prove("public-security"));
        assert_eq!(Kinds::held().complete_rules("no rules"), "no rules");
    }
}
