//! The power fails: of the files below a folder that is left which was synced, and of the rest what chance leaves.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::kit::random::Random;

/// Octets that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// How a disk behaves.
#[derive(Clone, Copy)]
pub enum Manner {
    Honest,
    /// Nothing that is synced is kept.
    Lies,
    /// So many syncs fail from the first on (`EIO`), or writes (`ENOSPC`).
    Fails {
        how: &'static str,
        first: usize,
        count: usize,
    },
}

/// The shim of `shim.c`, and the disk that it keeps.
pub struct Disk {
    folder: tempfile::TempDir,
    library: PathBuf,
    random: Random,
}

impl Disk {
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/shim.c");
        let output = Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl")
            .output()
            .expect("cc");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { folder, library, random: Random::of(name) }
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// A life over this disk.
    pub fn attach(&self, command: &mut Command, root: &Path, manner: Manner) {
        let _ = fs::remove_dir_all(self.kept());
        fs::create_dir(self.kept()).expect("a folder");
        command.env("LD_PRELOAD", &self.library).env("SHIM_ROOT", root).env("SHIM_DISK", self.kept());
        match manner {
            Manner::Honest => {}
            Manner::Lies => drop(command.env("SHIM_LIES", "1")),
            Manner::Fails { how, first, count } => drop(command.env("SHIM_FAILS", format!("{how} {first} {count}"))),
        }
    }

    /// Puts in the place of `root` what a power failure leaves of it.
    pub fn fail(&mut self, root: &Path) {
        // What has no name in a synced folder is lost; of the contents beyond what was synced each sector may have been written.
        let now = contents(root);
        let modes = modes(root);
        let top = fs::read_to_string(self.kept().join("root")).expect("a life that began");
        let left = root.with_extension("left");
        let _ = fs::remove_dir_all(&left);
        self.lay(&left, top.trim(), &now);
        for (path, mode) in modes {
            if let Ok(path) = path.strip_prefix(root).map(|path| left.join(path))
                && path.exists()
            {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
            }
        }
        fs::remove_dir_all(root).expect("removed");
        fs::rename(&left, root).expect("renamed");
    }

    fn lay(&mut self, path: &Path, inode: &str, now: &HashMap<String, Vec<u8>>) {
        fs::create_dir_all(path).expect("a folder");
        let names = fs::read_to_string(self.kept().join(format!("folder-{inode}"))).unwrap_or_default();
        for line in names.lines() {
            let [kind, inode, name] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            if kind == "d" {
                self.lay(&path.join(name), inode, now);
            } else {
                let synced = fs::read(self.kept().join(format!("file-{inode}"))).unwrap_or_default();
                let current = now.get(inode).unwrap_or(&synced);
                fs::write(path.join(name), self.torn(&synced, current)).expect("written");
            }
        }
    }

    /// Sectors of before and of now, and one of the two lengths.
    fn torn(&mut self, synced: &[u8], current: &[u8]) -> Vec<u8> {
        if self.random.below(3) == 0 {
            return synced.to_vec();
        }
        let length = *self.random.pick(&[synced.len(), current.len()]);
        let mut left = Vec::with_capacity(length);
        while left.len() < length {
            let end = (left.len() + SECTOR).min(length);
            let of_now = self.random.below(2) == 0;
            let sector = if of_now { current } else { synced };
            for at in left.len()..end {
                // Never written: zeros.
                left.push(sector.get(at).copied().unwrap_or(0));
            }
        }
        left
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found
}

/// What programs would read now, by inode.
fn contents(folder: &Path) -> HashMap<String, Vec<u8>> {
    use std::os::unix::fs::MetadataExt;
    let files = files(folder).into_iter().filter(|path| path.is_file());
    files
        .map(|path| (fs::metadata(&path).expect("a file").ino().to_string(), fs::read(&path).expect("a file")))
        .collect()
}

fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mode = |path: PathBuf| {
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        (path, mode & 0o777)
    };
    files(folder).into_iter().map(mode).collect()
}
