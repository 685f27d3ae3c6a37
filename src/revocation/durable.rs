//! Files that are replaced as a whole: whoever reads one, after a crash too, finds the old content or the new.
//!
//! What is not finished yet lies beside the file under a name that nobody else has, locked by who writes it. A crash leaves it
//! there unlocked; [`sweep`] takes it away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ends the name of what is not finished.
const UNFINISHED: &str = ".new";
/// Another process may sweep a file away in the moment between its making and its locking.
const TRIES: u32 = 3;
/// Names of one folder that are looked at.
const NAMES: usize = 65_536;

/// What could not be done, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl Fault {
    pub fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, path: path.to_owned(), source }
    }
}

/// When this returns, the content survives a crash. Several processes may do it at once: one of them is the last.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), Fault> {
    replace_by(path, |file| file.write_all(content))
}

/// The same with the content that `write` writes.
pub(super) fn replace_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Fault> {
    let (unfinished, mut file) = create_beside(path)?;
    let written = write(&mut file).and_then(|()| file.sync_all()).map_err(Fault::of("write", &unfinished));
    let replaced = written.and_then(|()| fs::rename(&unfinished, path).map_err(Fault::of("replace", path)));
    if replaced.is_err() {
        // Else the next start does it.
        let _ = fs::remove_file(&unfinished);
    }
    replaced?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(Fault::of("flush", parent))
}

/// A new file that is ours, and locked where the disk knows locks.
fn create_beside(path: &Path) -> Result<(PathBuf, File), Fault> {
    let mut left = TRIES;
    loop {
        let unfinished = beside(path, &format!(".{}{UNFINISHED}", unique()));
        let made = OpenOptions::new().write(true).create_new(true).open(&unfinished);
        let file = made.map_err(Fault::of("write", &unfinished))?;
        let is_swept = matches!(file.try_lock(), Err(TryLockError::WouldBlock))
            || file.metadata().is_ok_and(|data| data.nlink() == 0);
        left -= 1;
        if !is_swept || left == 0 {
            return Ok((unfinished, file));
        }
    }
}

/// Removes what crashed processes left unfinished in a folder under names that begin with `start`. Nothing that a living one is
/// still writing.
pub(super) fn sweep(folder: &Path, start: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().take(NAMES) {
        let is_unfinished =
            entry.file_name().to_str().is_some_and(|name| name.starts_with(start) && name.ends_with(UNFINISHED));
        if !is_unfinished || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if let Ok(file) = OpenOptions::new().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            // Whoever may not remove it leaves it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The path with an ending behind its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A name that no other process, on this machine or another, has at this moment.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut octets = [0; 8];
    if openssl::rand::rand_bytes(&mut octets).is_err() {
        // The file is made only if there is none of its name.
        octets = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    }
    format!("{}-{}", std::process::id(), hex::encode(octets))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn many_may_replace_one_file_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        replace(path, &[writer; 5000]).expect("replaced");
                        let content = fs::read(path).expect("read");
                        assert!(content.len() == 5000 && content.iter().all(|octet| *octet == content[0]));
                    }
                });
            }
        });
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn what_a_crash_left_is_swept_and_what_is_being_written_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path();
        for name in ["marks.json", "marks.json.new", "marks.json.1-aa.new", "other.new", "marks.json.lock"] {
            fs::write(folder.join(name), "x").expect("written");
        }
        fs::create_dir(folder.join("marks.json.folder.new")).expect("made");
        let (writing, _file) = create_beside(&folder.join("marks.json")).expect("a file");
        sweep(folder, "marks.json.");
        let writing = writing.file_name().expect("a name").to_str().expect("text");
        let mut left = ["marks.json", "marks.json.folder.new", "marks.json.lock", writing, "other.new"];
        left.sort_unstable();
        assert_eq!(names(folder), left);
        sweep(&folder.join("none"), "");
    }
}
