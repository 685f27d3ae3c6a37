//! Folders that are still there when the power fails; who has what lies in a folder.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

/// Makes a folder (mode 0700) and those above it as far as they are missing, and their names durable: each is an entry of the
/// folder above it, which is synced.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(above).and_then(|above| above.sync_all()).inspect_err(|_| {
            // One that stays would be taken for durable the next time.
            let _ = std::fs::remove_dir(path);
        }),
    }
}

/// A locked file: what stands beside it belongs to one process. The kernel lets go of it when the process dies.
pub struct Lock(File);

impl Lock {
    /// Does not wait.
    pub fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// The file itself.
    pub const fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for Lock {
    /// Closing would not do while a child process that is just being started has a copy of the descriptor.
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_once_and_files_are_in_the_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("a/b/c");
        make_folder(&deep).expect("made");
        make_folder(&deep).expect("there already");
        std::fs::write(deep.join("file"), "").expect("written");
        assert!(make_folder(&deep.join("file")).is_err() && make_folder(&deep.join("file/d")).is_err());
    }
}
