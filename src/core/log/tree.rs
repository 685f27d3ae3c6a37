//! The tree as tiles hold it: proofs read from tiles, and tiles grown at their edge.

use std::collections::HashMap;

use super::merkle::{Subtrees, complete_root, consistency, empty_root, inclusion, node_hash, root};
use super::tile::{HEIGHT, WIDTH, decode_hashes};
use super::{Hash, LogFault, TileKind, TileName};

/// Where tiles come from.
pub trait TileSource {
    type Error: From<LogFault>;

    /// The octets of a tile; of a partial one also the full one's, of which the beginning counts.
    ///
    /// # Errors
    /// It cannot be read.
    fn tile(&mut self, name: &TileName) -> Result<Vec<u8>, Self::Error>;
}

/// A tree of a certain size over a source of tiles, each of which is read once.
pub struct TileTree<S> {
    source: S,
    size: u64,
    read: HashMap<(u8, u64), Vec<Hash>>,
}

impl<S: TileSource> TileTree<S> {
    pub fn new(source: S, size: u64) -> Self {
        Self { source, size, read: HashMap::new() }
    }

    /// How many tiles were read.
    pub fn tiles_read(&self) -> usize {
        self.read.len()
    }

    /// # Errors
    /// Of the source, or of a tile.
    pub fn root(&mut self) -> Result<Hash, S::Error> {
        let size = self.size;
        root(self, size)
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// As [`Self::root`]; [`LogFault::Rollback`]: there are fewer.
    pub fn root_of(&mut self, size: u64) -> Result<Hash, S::Error> {
        if size > self.size {
            return Err(LogFault::Rollback { from: size, to: self.size }.into());
        }
        root(self, size)
    }

    /// # Errors
    /// As [`Self::root`]; [`LogFault::Range`].
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, S::Error> {
        let size = self.size;
        if index >= size {
            return Err(LogFault::Range { index, size }.into());
        }
        inclusion(self, index, size)
    }

    /// From a complete subtree, the `index`th of `level`, to the root: what [`verify_subtree`](super::merkle::verify_subtree) takes.
    ///
    /// # Errors
    /// As [`Self::inclusion`].
    pub fn subtree_inclusion(&mut self, level: u32, index: u64) -> Result<Vec<Hash>, S::Error> {
        let size = self.size;
        let first = index.checked_mul(1_u64.checked_shl(level).unwrap_or(u64::MAX));
        let path = self.inclusion(first.ok_or(LogFault::Range { index, size })?)?;
        Ok(path.get(level as usize..).ok_or(LogFault::ProofLength)?.to_vec())
    }

    /// From an older tree to this one.
    ///
    /// # Errors
    /// As [`Self::root`]; [`LogFault::Rollback`].
    pub fn consistency(&mut self, older: u64) -> Result<Vec<Hash>, S::Error> {
        let size = self.size;
        if older > size {
            return Err(LogFault::Rollback { from: older, to: size }.into());
        }
        consistency(self, older, size)
    }
}

impl<S: TileSource> Subtrees for TileTree<S> {
    type Error = S::Error;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, S::Error> {
        let (row, height) = ((level / HEIGHT) as u8, level % HEIGHT);
        let first = index << height;
        let (tile, at) = (first / WIDTH, (first % WIDTH) as usize);
        if !self.read.contains_key(&(row, tile)) {
            let name = TileName::in_tree(TileKind::Hashes(row), tile, self.size);
            let name = name.ok_or(LogFault::Range { index: first, size: self.size })?;
            let mut octets = self.source.tile(&name)?;
            if octets.len() == name.full().octets() {
                octets.truncate(name.octets());
            }
            self.read.insert((row, tile), decode_hashes(&name, &octets)?);
        }
        let hashes = self.read.get(&(row, tile)).and_then(|hashes| hashes.get(at..at + (1 << height)));
        let hash = hashes.and_then(complete_root);
        Ok(hash.ok_or(LogFault::Range { index: first, size: self.size })?)
    }
}

/// The right edge of a tree: of each row the hashes of its tile that is not full yet. All that is needed to grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree that tiles hold.
    ///
    /// # Errors
    /// Of the source, or of a tile.
    pub fn read<S: TileSource>(source: &mut S, size: u64) -> Result<Self, S::Error> {
        let mut rows = Vec::new();
        let mut count = size;
        while count > 0 {
            let (row, index) = (rows.len() as u8, count / WIDTH);
            let hashes = match TileName::in_tree(TileKind::Hashes(row), index, size) {
                None => Vec::new(),
                Some(name) => {
                    let mut octets = source.tile(&name)?;
                    if octets.len() == name.full().octets() {
                        octets.truncate(name.octets());
                    }
                    decode_hashes(&name, &octets)?
                }
            };
            rows.push(hashes);
            count /= WIDTH;
        }
        Ok(Self { size, rows })
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds an entry; gives the tiles that are full now, the lowest first.
    pub fn push(&mut self, leaf: Hash) -> Vec<(TileName, Vec<u8>)> {
        let (mut full, mut hash) = (Vec::new(), leaf);
        self.size += 1;
        for row in 0_u8.. {
            if self.rows.len() <= usize::from(row) {
                self.rows.push(Vec::new());
            }
            let hashes = &mut self.rows[usize::from(row)];
            hashes.push(hash);
            if (hashes.len() as u64) < WIDTH {
                break;
            }
            let hashes = std::mem::take(hashes);
            let index = (self.size >> (HEIGHT * (u32::from(row) + 1))) - 1;
            full.push((TileName { kind: TileKind::Hashes(row), index, width: WIDTH as u16 }, hashes.concat()));
            match complete_root(&hashes) {
                Some(root) => hash = root,
                None => break,
            }
        }
        full
    }

    /// The tiles that are not full, the lowest first.
    pub fn partial(&self) -> Vec<(TileName, Vec<u8>)> {
        let rows = (0_u8..).zip(&self.rows).filter(|(_, hashes)| !hashes.is_empty());
        let named = rows.map(|(row, hashes)| {
            let index = self.size >> (HEIGHT * (u32::from(row) + 1));
            let width = hashes.len() as u16;
            (TileName { kind: TileKind::Hashes(row), index, width }, hashes.concat())
        });
        named.collect()
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.rows {
            // The peaks of a row, from the right: its hashes in powers of two, the largest on the left.
            let mut end = hashes.len();
            while end > 0 {
                let start = end - (1 << end.trailing_zeros());
                if let Some(peak) = complete_root(&hashes[start..end]) {
                    root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
                }
                end = start;
            }
        }
        root.unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::merkle::{leaf_hash, verify_consistency, verify_inclusion, verify_subtree};
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(HashMap<TileName, Vec<u8>>);

    impl TileSource for Kept {
        type Error = LogFault;

        fn tile(&mut self, name: &TileName) -> Result<Vec<u8>, LogFault> {
            let found = self.0.get(name).or_else(|| self.0.get(&name.full()));
            found.cloned().ok_or(LogFault::Form { of: "tile", rule: "be there" })
        }
    }

    #[test]
    fn tiles_that_grew_give_every_root_and_proof() {
        let (mut edge, mut kept, mut roots) = (Edge::default(), Kept::default(), vec![empty_root()]);
        let leaf = |number: u64| leaf_hash(&number.to_be_bytes());
        for number in 0..70_000_u64 {
            kept.0.extend(edge.push(leaf(number)));
            if number % 997 == 0 || !(600..=69_990).contains(&number) {
                kept.0.extend(edge.partial());
                roots.resize(number as usize + 2, [0; 32]);
                roots[number as usize + 1] = edge.root();
                assert_eq!(Edge::read(&mut kept, number + 1), Ok(edge.clone()), "{number}");
            }
        }
        let size = 70_000;
        let mut tree = TileTree::new(kept.clone(), size);
        let whole = tree.root().expect("all tiles");
        assert_eq!(whole, edge.root());
        for index in [0, 1, 255, 256, 257, 65_535, 65_536, 69_887, 69_888, 69_999] {
            let mut tree = TileTree::new(kept.clone(), size);
            let path = tree.inclusion(index).expect("all tiles");
            assert_eq!(verify_inclusion(&leaf(index), index, size, &path, &whole), Ok(()), "{index}");
            assert!(tree.tiles_read() <= 6, "{index}: {} tiles", tree.tiles_read());
        }
        for (level, index) in
            [(0, 69_999), (1, 34_999), (4, 0), (8, 0), (8, 272), (8, 255), (9, 135), (12, 16), (16, 0)]
        {
            let path = tree.subtree_inclusion(level, index).expect("all tiles");
            let mut own = Edge::default();
            (index << level..(index + 1) << level).for_each(|number| drop(own.push(leaf(number))));
            let verify = |hash: &Hash, at| verify_subtree(hash, at, size, &path, &whole);
            assert_eq!(verify(&own.root(), (level, index)), Ok(()), "{level} {index}");
            assert!(verify(&leaf(1_000_000), (level, index)).is_err(), "{level} {index}");
            assert!(verify(&own.root(), (level, index + 1)).is_err(), "{level} {index}");
        }
        assert!(tree.subtree_inclusion(16, 1).is_err() && tree.subtree_inclusion(64, 1).is_err());
        for (older, before) in (0_u64..).zip(&roots).filter(|(_, root)| **root != [0; 32]) {
            let path = tree.consistency(older).expect("all tiles");
            assert_eq!(verify_consistency((older, before), (size, &whole), &path), Ok(()), "{older}");
            assert_eq!(tree.root_of(older), Ok(*before));
        }
        assert_eq!(tree.inclusion(size), Err(LogFault::Range { index: size, size }));
        assert!(tree.consistency(size + 1).is_err() && tree.root_of(size + 1).is_err());
    }
}
