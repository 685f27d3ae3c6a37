//! The one who writes a log's folder.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::folder::{CHECKPOINT, Folder, FolderError, Written};
use super::signer::NoteSigner;
use crate::core::log::tile::{WIDTH, decode_entries, encode_entries};
use crate::core::log::{Checkpoint, Edge, Entry, Hash, LogFault, Note, TileKind, TileName, merkle};
use crate::disk::{self, Lock};

/// Held by the process that writes.
const LOCK: &str = "log.lock";

/// Why a log's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the issuance log in {} cannot be used; check the folder, its owner and free space", folder.display())]
    Unusable { folder: PathBuf, source: io::Error },
    #[error("the issuance log in {} is in use by another process", folder.display())]
    InUse { folder: PathBuf },
    #[error(
        "the issuance log in {} was changed or is another one's; keep the folder for who looks into it, and set an empty one: it is \
         written anew from the registry", folder.display()
    )]
    Broken { folder: PathBuf, source: FolderError },
}

/// Why entries are not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("the folder of the issuance log cannot be written; check free space and the disk's health")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Log(#[from] LogFault),
}

/// Writes the tiles and checkpoints of one log.
pub struct Publisher {
    folder: Folder,
    edge: Edge,
    /// Entries of the bundle that is not full, as it is written.
    bundle: Vec<u8>,
    /// What stands in the checkpoint.
    published: Checkpoint,
    note: Note,
    /// Rows of partial tiles that are on the disk, by row: what need not be written again.
    kept: Vec<TileName>,
    /// Tiles that became full since the last checkpoint.
    full: Vec<TileName>,
    written: Written,
    _lock: Lock,
}

impl Publisher {
    /// Goes on with the log in this folder, or begins one with the checkpoint of an empty tree.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(path: &Path, key: &NoteSigner) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable { folder: path.to_owned(), source };
        disk::make_folder(path).map_err(unusable)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK));
        let lock = Lock::take(lock.map_err(unusable)?).map_err(|_| OpenError::InUse { folder: path.to_owned() })?;
        let broken = |source| OpenError::Broken { folder: path.to_owned(), source };
        let mut folder = Folder::new(path);
        let found = match folder.checkpoint() {
            Ok(octets) => Some(octets),
            Err(FolderError::Missing { .. }) => None,
            Err(error) => return Err(broken(error)),
        };
        let origin = key.verifier().name().to_owned();
        let (published, note) = match &found {
            Some(octets) => Checkpoint::open(octets, key.verifier()).map_err(|fault| broken(fault.into()))?,
            None => {
                let empty = Checkpoint { origin, size: 0, root: merkle::empty_root() };
                let note = key.checkpoint(&empty).map_err(|fault| broken(fault.into()))?;
                (empty, note)
            }
        };
        let edge = Edge::read(&mut folder, published.size).map_err(broken)?;
        if edge.root() != published.root {
            return Err(broken(LogFault::Root { size: published.size }.into()));
        }
        let bundle = read_bundle(&folder, published.size).map_err(broken)?;
        let kept = edge.partial().into_iter().map(|(name, _)| name).collect();
        let mut publisher = Self {
            folder,
            edge,
            bundle,
            published,
            note,
            kept,
            full: Vec::new(),
            written: Written::default(),
            _lock: lock,
        };
        if found.is_none() {
            let text = publisher.note.to_string();
            publisher.put_checkpoint(&text).map_err(unusable)?;
        }
        Ok(publisher)
    }

    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// How many entries were added, published or not.
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over them.
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The root that there would be with these entries behind.
    pub fn root_with<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) -> Hash {
        let mut edge = self.edge.clone();
        for entry in entries {
            drop(edge.push(entry.leaf_hash()));
        }
        edge.root()
    }

    pub const fn published(&self) -> &Checkpoint {
        &self.published
    }

    /// The signed checkpoint, with the cosignatures it has.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Adds entries, whose order is decided for ever. Full tiles are written at once; nothing is published yet.
    ///
    /// # Errors
    /// [`PublishError`]; entries before the failure are added, and [`Self::size`] says how many.
    pub fn add<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) -> Result<(), PublishError> {
        for entry in entries {
            let before = self.bundle.len();
            self.bundle.extend(encode_entries([&entry.encode()[..]])?);
            if !(self.edge.size() + 1).is_multiple_of(WIDTH) {
                drop(self.edge.push(entry.leaf_hash()));
                continue;
            }
            let mut edge = self.edge.clone();
            let tiles = edge.push(entry.leaf_hash());
            if let Err(error) = self.put_full(tiles) {
                self.bundle.truncate(before);
                return Err(error.into());
            }
            self.edge = edge;
            self.bundle.clear();
        }
        Ok(())
    }

    /// The bundle that is full now, and the tiles that are.
    fn put_full(&mut self, tiles: Vec<(TileName, Vec<u8>)>) -> io::Result<()> {
        let name = TileName { kind: TileKind::Entries, index: self.edge.size() / WIDTH, width: WIDTH as u16 };
        self.folder.write(&name.to_string(), &self.bundle, &mut self.written)?;
        self.full.push(name);
        for (name, octets) in tiles {
            self.folder.write(&name.to_string(), &octets, &mut self.written)?;
            self.full.push(name);
        }
        Ok(())
    }

    /// Publishes what was added: all tiles on the disk, then the checkpoint that stands on them.
    ///
    /// # Errors
    /// [`PublishError`]; the checkpoint of before stays.
    pub fn publish(&mut self, key: &NoteSigner) -> Result<(), PublishError> {
        let size = self.edge.size();
        if size == self.published.size {
            return Ok(());
        }
        let partial = self.edge.partial();
        for (name, octets) in &partial {
            if !self.kept.contains(name) {
                self.folder.write(&name.to_string(), octets, &mut self.written)?;
            }
        }
        if let Some(name) = TileName::in_tree(TileKind::Entries, size / WIDTH, size) {
            self.folder.write(&name.to_string(), &self.bundle, &mut self.written)?;
        }
        self.written.sync()?;
        let origin = key.verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root: self.edge.root() };
        let note = key.checkpoint(&checkpoint)?;
        self.put_checkpoint(&note.to_string())?;
        (self.published, self.note) = (checkpoint, note);
        self.kept = partial.into_iter().map(|(name, _)| name).collect();
        self.full.drain(..).for_each(|name| self.folder.forget_partial(&name));
        Ok(())
    }

    /// Puts a note of the same checkpoint in place of the one that is published: with more cosignatures.
    ///
    /// # Errors
    /// [`PublishError`]; another text is refused.
    pub fn put_note(&mut self, note: Note) -> Result<(), PublishError> {
        if note.text != self.note.text {
            return Err(LogFault::Form { of: "checkpoint", rule: "be the one that is published" }.into());
        }
        self.put_checkpoint(&note.to_string())?;
        self.note = note;
        Ok(())
    }

    fn put_checkpoint(&mut self, text: &str) -> io::Result<()> {
        self.folder.write(CHECKPOINT, text.as_bytes(), &mut self.written)?;
        self.written.sync()
    }
}

/// The bundle at the end of a tree, if it is not full.
fn read_bundle(folder: &Folder, size: u64) -> Result<Vec<u8>, FolderError> {
    let Some(name) = TileName::in_tree(TileKind::Entries, size / WIDTH, size) else { return Ok(Vec::new()) };
    let (found, octets) = folder.tile_or_full(&name)?;
    let entries = decode_entries(&found, &octets)?;
    Ok(encode_entries(entries.into_iter().take(usize::from(name.width)))?)
}
