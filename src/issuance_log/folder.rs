//! The files of a log, read and written.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::core::log::note::LONGEST_NOTE;
use crate::core::log::tile::WIDTH;
use crate::core::log::{LogFault, TileKind, TileName, TileSource};
use crate::disk;

/// The name of the signed checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// Octets of the largest bundle of entries.
const LARGEST_BUNDLE: u64 = 256 * (2 + u16::MAX as u64);

/// Folders that are remembered to be durable.
const MOST_DURABLE: usize = 256;

/// A folder that holds a log, our own or a copy.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Why a piece of a log was not had from its folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{name}: missing from the log")]
    Missing { name: String },
    #[error("{name}: cannot be read")]
    Read { name: String, source: io::Error },
    #[error(transparent)]
    Log(#[from] LogFault),
}

impl Folder {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of at most so many octets.
    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FolderError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FolderError::Missing { name: name.to_owned() },
            _ => FolderError::Read { name: name.to_owned(), source },
        };
        let mut octets = Vec::new();
        let file = File::open(self.path.join(name)).map_err(failed)?;
        file.take(limit + 1).read_to_end(&mut octets).map_err(failed)?;
        if octets.len() as u64 > limit {
            return Err(LogFault::TooLong { of: "file of a log", limit: limit as usize }.into());
        }
        Ok(octets)
    }

    /// The signed checkpoint.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn checkpoint(&self) -> Result<Vec<u8>, FolderError> {
        self.read(CHECKPOINT, LONGEST_NOTE as u64)
    }

    /// Exactly this tile, as it lies there.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn exact(&self, name: &TileName) -> Result<Vec<u8>, FolderError> {
        let limit = match name.kind {
            TileKind::Hashes(_) => name.full().octets() as u64,
            TileKind::Entries => LARGEST_BUNDLE,
        };
        self.read(&name.to_string(), limit)
    }

    /// This tile, or the full one of which it is the beginning.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn tile_or_full(&self, name: &TileName) -> Result<(TileName, Vec<u8>), FolderError> {
        match self.exact(name) {
            Err(FolderError::Missing { .. }) if name.is_partial() => {
                let missing = |error| match error {
                    FolderError::Missing { .. } => FolderError::Missing { name: name.to_string() },
                    other => other,
                };
                Ok((name.full(), self.exact(&name.full()).map_err(missing)?))
            }
            found => found.map(|octets| (*name, octets)),
        }
    }

    /// The widths of the partial tiles that lie in the place of this one, ascending: beginnings of it that were published before.
    ///
    /// # Errors
    /// [`FolderError`]: the place cannot be read.
    pub fn partial_widths(&self, name: &TileName) -> Result<Vec<u16>, FolderError> {
        let place = format!("{}.p", name.full());
        let failed = |source| FolderError::Read { name: place.clone(), source };
        let entries = match fs::read_dir(self.path.join(&place)) {
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                return Ok(Vec::new());
            }
            entries => entries.map_err(failed)?,
        };
        let mut widths = Vec::new();
        for entry in entries {
            let width = entry.map_err(failed)?.file_name().to_str().and_then(|name| name.parse().ok());
            widths.extend(width.filter(|width| (1..WIDTH as u16).contains(width)));
        }
        widths.sort_unstable();
        Ok(widths)
    }

    /// Writes a file whole or not at all, synced; the folder of its name is synced later, by [`Written::sync`].
    pub(super) fn write(&self, name: &str, octets: &[u8], written: &mut Written) -> io::Result<()> {
        let path = self.path.join(name);
        let above = path.parent().unwrap_or(&self.path);
        disk::make_folder(above)?;
        let mut unfinished = path.clone().into_os_string();
        unfinished.push(".new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        written.add(above, &self.path);
        Ok(())
    }

    /// Takes away the partial tiles of one that is full now. Nothing stands on them any more.
    pub(super) fn forget_partial(&self, full: &TileName) {
        let mut path = self.path.join(full.full().to_string()).into_os_string();
        path.push(".p");
        // What stays is in nobody's way.
        let _ = fs::remove_dir_all(PathBuf::from(path));
    }
}

/// The folders in which names are new.
#[derive(Debug, Default)]
pub(super) struct Written {
    waiting: BTreeSet<PathBuf>,
    /// Whose own names are on the disk, and those of the folders above them.
    durable: BTreeSet<PathBuf>,
}

impl Written {
    /// A name in this folder of the log is new. That the folder was there says nothing of its own name: whoever made it may have died, or the
    /// disk have failed, before it was synced.
    fn add(&mut self, folder: &Path, log: &Path) {
        self.waiting.insert(folder.to_owned());
        if !self.durable.contains(folder) {
            let above = folder.ancestors().skip(1).take_while(|above| above.starts_with(log));
            self.waiting.extend(above.map(Path::to_owned));
        }
    }

    /// The names are on the disk when this returns; after an error those wait that are not.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.durable.len() > MOST_DURABLE {
            self.durable.clear();
        }
        // Those above come first, so that a folder is durable when all of these are.
        while let Some(folder) = self.waiting.first() {
            File::open(folder)?.sync_all()?;
            self.durable.extend(self.waiting.pop_first());
        }
        Ok(())
    }
}

impl TileSource for Folder {
    type Error = FolderError;

    fn tile(&mut self, name: &TileName) -> Result<Vec<u8>, FolderError> {
        self.tile_or_full(name).map(|(_, octets)| octets)
    }
}
