//! Whether a copied log is whole: every entry, every hash, every root, against what its key signed.

use super::folder::{Folder, FolderError};
use crate::core::log::tile::{WIDTH, decode_entries};
use crate::core::log::{Checkpoint, Edge, Entry, Hash, LogFault, Note, TileKind, TileName, VerifierKey, merkle};

/// Why an audit has no good end.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log, or what is held against it, is not as it was signed.
    #[error("{place}: {fault}")]
    Changed { place: String, fault: LogFault },
    /// A file that belongs to the log is not there.
    #[error("{name}: missing from the log")]
    Missing { name: String },
    /// A file cannot be read.
    #[error("{name}: cannot be read")]
    Read { name: String, source: std::io::Error },
}

/// A log that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    pub checkpoint: Checkpoint,
    /// The checkpoint as its log published it.
    pub note: Note,
    /// Files that were compared, the checkpoint not counted.
    pub files: u64,
}

fn sort(place: &str, error: FolderError) -> AuditError {
    match error {
        FolderError::Missing { name } => AuditError::Missing { name },
        FolderError::Read { name, source } => AuditError::Read { name, source },
        FolderError::Log(fault) => AuditError::Changed { place: place.to_owned(), fault },
    }
}

/// Reads a whole log: each entry is in its place, each tile that its tree has holds the hashes of the entries, and the root is that which the
/// log signed. Each older checkpoint is one of the same log, signed, and its tree the beginning of this one.
///
/// # Errors
/// [`AuditError`]: the first place that is wrong.
pub fn audit(folder: &Folder, key: &VerifierKey, older: &[(String, Vec<u8>)]) -> Result<Audited, AuditError> {
    let octets = folder.checkpoint().map_err(|error| sort("checkpoint", error))?;
    let changed = |place: &str, fault| AuditError::Changed { place: place.to_owned(), fault };
    let (checkpoint, note) = Checkpoint::open(&octets, key).map_err(|fault| changed("checkpoint", fault))?;
    let size = checkpoint.size;
    let mut wanted: Vec<(u64, Hash, &str)> = Vec::new();
    for (name, octets) in older {
        let (older, _) = Checkpoint::open(octets, key).map_err(|fault| changed(name, fault))?;
        if older.size > size {
            return Err(changed(name, LogFault::Rollback { from: older.size, to: size }));
        }
        wanted.push((older.size, older.root, name));
    }
    wanted.sort_unstable();
    let mut wanted = wanted.into_iter().peekable();
    let (mut edge, mut files) = (Edge::default(), 0);
    let mut pass = |edge: &Edge| {
        while let Some((older, root, name)) = wanted.next_if(|(older, ..)| *older == edge.size()) {
            let own = if older == 0 { merkle::empty_root() } else { edge.root() };
            if root != own {
                return Err(changed(name, LogFault::Fork { from: older, to: size }));
            }
        }
        Ok(())
    };
    pass(&edge)?;
    for index in 0..size.div_ceil(WIDTH) {
        let (octets, name) = bundle(folder, index, size)?;
        files += 1;
        let entries = decode_entries(&name, &octets).map_err(|fault| changed(&name.to_string(), fault))?;
        let hashes: Vec<Hash> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
        for (entry, hash) in entries.iter().zip(hashes) {
            Entry::decode(entry).map_err(|fault| changed(&name.to_string(), fault))?;
            for (tile, expected) in edge.push(hash) {
                files += compare(folder, &tile, &expected)?;
            }
            pass(&edge)?;
        }
    }
    for (tile, expected) in edge.partial() {
        files += compare(folder, &tile, &expected)?;
    }
    if edge.root() != checkpoint.root {
        return Err(changed("checkpoint", LogFault::Root { size }));
    }
    files += earlier(folder, size)?;
    Ok(Audited { checkpoint, note, files })
}

/// The entries of a bundle of the tree: its name cut to the size, and the octets of exactly these entries.
fn bundle(folder: &Folder, index: u64, size: u64) -> Result<(Vec<u8>, TileName), AuditError> {
    let missing = || AuditError::Missing { name: format!("bundle {index}") };
    let name = TileName::in_tree(TileKind::Entries, index, size).ok_or_else(missing)?;
    let place = name.to_string();
    let (found, octets) = folder.tile_or_full(&name).map_err(|error| sort(&place, error))?;
    if found == name {
        return Ok((octets, name));
    }
    // The copy went on: of a full bundle the beginning belongs to this tree.
    let entries = decode_entries(&found, &octets);
    let entries = entries.map_err(|fault| AuditError::Changed { place: place.clone(), fault })?;
    let own = entries.into_iter().take(usize::from(name.width));
    let own = crate::core::log::tile::encode_entries(own);
    Ok((own.map_err(|fault| AuditError::Changed { place, fault })?, name))
}

/// The tile holds these hashes; so does, as far as it goes, the full one in its place.
fn compare(folder: &Folder, name: &TileName, expected: &[u8]) -> Result<u64, AuditError> {
    let place = name.to_string();
    let (_, found) = folder.tile_or_full(name).map_err(|error| sort(&place, error))?;
    let is_whole = found.len() == expected.len() || found.len() == name.full().octets();
    if is_whole && found.starts_with(expected) {
        return Ok(1);
    }
    let fault = if is_whole {
        LogFault::Root { size: expected.len() as u64 / 32 }
    } else {
        LogFault::TileLength { tile: place.clone(), expected: expected.len(), found: found.len() }
    };
    Err(AuditError::Changed { place, fault })
}

/// What was published of the tiles of this tree while they were narrower, where it still lies there, is their beginning: whoever holds a checkpoint
/// of that time reads it. How many were compared; the tree itself is whole.
fn earlier(folder: &Folder, size: u64) -> Result<u64, AuditError> {
    let mut files = 0;
    let rows = (0..).map(TileKind::Hashes).take_while(|row| TileName::in_tree(*row, 0, size).is_some());
    for kind in std::iter::once(TileKind::Entries).chain(rows) {
        for name in (0..).map_while(|index| TileName::in_tree(kind, index, size)) {
            files += earlier_of(folder, &name, size)?;
        }
    }
    Ok(files)
}

/// The same of one tile.
fn earlier_of(folder: &Folder, name: &TileName, size: u64) -> Result<u64, AuditError> {
    let failed = |error| sort(&name.to_string(), error);
    let widths = folder.partial_widths(name).map_err(failed)?;
    let widths: Vec<u16> = widths.into_iter().filter(|width| *width < name.width).collect();
    if widths.is_empty() {
        return Ok(0);
    }
    let whole = match name.kind {
        TileKind::Entries => bundle(folder, name.index, size)?.0,
        TileKind::Hashes(_) => folder.tile_or_full(name).map_err(failed)?.1,
    };
    for width in &widths {
        let narrower = TileName { width: *width, ..*name };
        let place = narrower.to_string();
        let found = folder.exact(&narrower).map_err(|error| sort(&place, error))?;
        let is_beginning = whole.starts_with(&found)
            && match name.kind {
                TileKind::Entries => decode_entries(&narrower, &found).is_ok(),
                TileKind::Hashes(_) => found.len() == narrower.octets(),
            };
        if !is_beginning {
            return Err(AuditError::Changed { place, fault: LogFault::Beginning });
        }
    }
    Ok(widths.len() as u64)
}

/// Tells each entry from a position on, with its position, of a log that was audited.
///
/// # Errors
/// [`AuditError`].
pub fn entries(folder: &Folder, from: u64, size: u64, mut tell: impl FnMut(u64, &Entry)) -> Result<(), AuditError> {
    for index in from / WIDTH..size.div_ceil(WIDTH) {
        let (octets, name) = bundle(folder, index, size)?;
        let changed = |fault| AuditError::Changed { place: name.to_string(), fault };
        for (position, entry) in (index * WIDTH..).zip(decode_entries(&name, &octets).map_err(changed)?) {
            if position >= from {
                tell(position, &Entry::decode(entry).map_err(changed)?);
            }
        }
    }
    Ok(())
}
