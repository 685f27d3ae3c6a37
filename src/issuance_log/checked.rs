//! Tiles that are part of a tree with a known root: what somebody else wrote into the folder is not given out as the log's.

use super::folder::{Folder, FolderError};
use crate::core::log::tile::{HEIGHT, WIDTH, decode_entries, decode_hashes, encode_entries};
use crate::core::log::{Edge, Hash, LogFault, TileKind, TileName, TileTree, merkle};

/// The tree that a folder is held to.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    pub size: u64,
    pub root: Hash,
}

/// A tile of this tree, or a beginning of one that was published before.
///
/// # Errors
/// [`FolderError::Missing`]: there is none of this name; [`FolderError::Log`]: it is not part of the tree.
pub fn tile(folder: &Folder, name: &TileName, tree: Signed) -> Result<Vec<u8>, FolderError> {
    let missing = || FolderError::Missing { name: name.to_string() };
    let own = TileName::in_tree(name.kind, name.index, tree.size).filter(|own| own.width >= name.width);
    let own = own.ok_or_else(missing)?;
    let octets = folder.exact(name)?;
    let whole = match name.kind {
        TileKind::Hashes(row) => hashes(folder, &own, row, tree)?,
        TileKind::Entries => entries(folder, &own, tree)?,
    };
    let has_width = match name.kind {
        TileKind::Hashes(_) => octets.len() == name.octets(),
        TileKind::Entries => decode_entries(name, &octets).is_ok(),
    };
    if has_width && whole.starts_with(&octets) { Ok(octets) } else { Err(LogFault::Beginning.into()) }
}

/// A tile of hashes as wide as the tree has it.
fn hashes(folder: &Folder, own: &TileName, row: u8, tree: Signed) -> Result<Vec<u8>, FolderError> {
    let wrong = LogFault::Root { size: tree.size };
    if own.is_partial() {
        // The edge makes the root, with all partial tiles in it.
        let edge = Edge::read(&mut folder.clone(), tree.size)?;
        let partial = edge.partial().into_iter().find(|(name, _)| name == own);
        return match partial {
            Some((_, octets)) if edge.root() == tree.root => Ok(octets),
            _ => Err(wrong.into()),
        };
    }
    let octets = folder.exact(own)?;
    let root = merkle::complete_root(&decode_hashes(own, &octets)?).ok_or(wrong)?;
    let level = HEIGHT * (u32::from(row) + 1);
    let path = TileTree::new(folder.clone(), tree.size).subtree_inclusion(level, own.index)?;
    merkle::verify_subtree(&root, (level, own.index), tree.size, &path, &tree.root)?;
    Ok(octets)
}

/// A bundle of entries as long as the tree has it.
fn entries(folder: &Folder, own: &TileName, tree: Signed) -> Result<Vec<u8>, FolderError> {
    let (found, octets) = folder.tile_or_full(own)?;
    let entries: Vec<&[u8]> = decode_entries(&found, &octets)?.into_iter().take(usize::from(own.width)).collect();
    let of_hashes = TileName { kind: TileKind::Hashes(0), ..*own };
    let leaves = hashes(folder, &of_hashes, 0, tree)?;
    let own_leaves: Vec<u8> = entries.iter().flat_map(|entry| merkle::leaf_hash(entry)).collect();
    if own_leaves != leaves {
        return Err(LogFault::Root { size: own.index * WIDTH + u64::from(own.width) }.into());
    }
    Ok(encode_entries(entries)?)
}
