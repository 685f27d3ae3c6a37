//! What commands write: files, and lines for whoever looks on.

use std::fmt::Display;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::exit::{self, CommandError};

/// Says a line on standard output; that nobody reads it is no failure.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Likewise on standard error.
pub fn note(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What the `option` names must not be written over what it is made from.
pub fn check<'a>(option: &str, out: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), CommandError> {
    if inputs.into_iter().any(|input| is_same_file(out, input)) {
        let message = format!("{option} {} is an input too: name another file", out.display());
        return Err(CommandError::new(exit::USAGE, message));
    }
    Ok(())
}

/// By any name; a file that does not exist is no other.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// The file is there whole or not at all. What is no regular file (a device, a pipe, a link to either) is written to, and stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(path, bytes);
    }
    let target = std::fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".part");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path).inspect_err(|_| drop(std::fs::remove_file(&temporary)))
}
