//! Merkle tree hashing and proofs, RFC 6962 §2.1 and RFC 9162 §2.1, over SHA-256.

use openssl::sha::Sha256;

use super::LogFault;

/// A Merkle tree hash.
pub type Hash = [u8; 32];

/// The most hashes of an inclusion proof, and of a consistency proof: trees have fewer than 2^63 entries.
pub const MOST_HASHES: usize = 63;

/// MTH({d}): `0x00` before the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(&[0x00]);
    hasher.update(entry);
    hasher.finish()
}

/// `0x01` before both halves.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(&[0x01]);
    hasher.update(left);
    hasher.update(right);
    hasher.finish()
}

/// MTH of no entries: the digest of nothing.
pub fn empty_root() -> Hash {
    Sha256::new().finish()
}

/// The root of a complete tree over these hashes, of which there are a power of two.
pub fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.first().copied()
}

/// The hashes of complete subtrees: number `index` of those over `2^level` entries.
pub trait Subtrees {
    type Error;

    /// # Errors
    /// Whatever keeps it from being read.
    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Nodes of a tree, from the right to the left: the largest power of two below `count`.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// MTH(D[start:end]); `start` is a multiple of a power of two that is not below the length, which is above 0.
fn range<S: Subtrees>(from: &mut S, start: u64, end: u64) -> Result<Hash, S::Error> {
    let count = end - start;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return from.subtree(level, start >> level);
    }
    let middle = start + split(count);
    let left = range(from, start, middle)?;
    let right = range(from, middle, end)?;
    Ok(node_hash(&left, &right))
}

/// The root of the tree of the first `size` entries.
///
/// # Errors
/// Of the reader.
pub fn root<S: Subtrees>(from: &mut S, size: u64) -> Result<Hash, S::Error> {
    if size == 0 { Ok(empty_root()) } else { range(from, 0, size) }
}

/// `PATH(index, D[size])`, the leaf's sibling first (RFC 9162 §2.1.3.1); `index` is below `size`.
///
/// # Errors
/// Of the reader.
pub fn inclusion<S: Subtrees>(from: &mut S, index: u64, size: u64) -> Result<Vec<Hash>, S::Error> {
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range(from, middle, end)?);
            end = middle;
        } else {
            path.push(range(from, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// `PROOF(older, D[newer])` (RFC 9162 §2.1.4.1); empty if `older` is 0 or `newer`, and never above it.
///
/// # Errors
/// Of the reader.
pub fn consistency<S: Subtrees>(from: &mut S, older: u64, newer: u64) -> Result<Vec<Hash>, S::Error> {
    if older == 0 || older >= newer {
        return Ok(Vec::new());
    }
    let (mut start, mut end, mut path, mut is_whole) = (0, newer, Vec::new(), true);
    while older < end {
        let middle = start + split(end - start);
        if older <= middle {
            path.push(range(from, middle, end)?);
            end = middle;
        } else {
            path.push(range(from, start, middle)?);
            start = middle;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(range(from, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// RFC 9162 §2.1.3.2: the entry with this leaf hash stands at `index` in the tree of `size` entries with this root.
///
/// # Errors
/// [`LogFault::Range`], [`LogFault::ProofLength`], [`LogFault::Root`].
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), LogFault> {
    if index >= size {
        return Err(LogFault::Range { index, size });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(LogFault::ProofLength);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(LogFault::ProofLength);
    }
    if hash == *root { Ok(()) } else { Err(LogFault::Root { size }) }
}

/// The complete subtree that is the `index`th of its level (of 2^level entries) has this root, as part of the tree of `size` entries with this
/// root. From its level on the way up is that of [`verify_inclusion`].
///
/// # Errors
/// As there.
pub fn verify_subtree(
    hash: &Hash,
    (level, index): (u32, u64),
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), LogFault> {
    let end = index.checked_add(1).and_then(|next| next.checked_mul(1_u64.checked_shl(level)?));
    if end.is_none_or(|end| end > size) {
        return Err(LogFault::Range { index, size });
    }
    verify_inclusion(hash, index, ((size - 1) >> level) + 1, path, root).map_err(|fault| match fault {
        LogFault::Root { .. } => LogFault::Root { size },
        other => other,
    })
}

/// RFC 9162 §2.1.4.2: the tree of `from.0` entries with the root `from.1` is the beginning of the tree `to`.
///
/// # Errors
/// [`LogFault::Rollback`], [`LogFault::ProofLength`], [`LogFault::Fork`].
pub fn verify_consistency(from: (u64, &Hash), to: (u64, &Hash), path: &[Hash]) -> Result<(), LogFault> {
    let ((older, older_root), (newer, newer_root)) = (from, to);
    let fork = LogFault::Fork { from: older, to: newer };
    if older > newer {
        return Err(LogFault::Rollback { from: older, to: newer });
    }
    if older == newer || older == 0 {
        if !path.is_empty() {
            return Err(LogFault::ProofLength);
        }
        let expected = if older == 0 { &empty_root() } else { newer_root };
        return if older_root == expected { Ok(()) } else { Err(fork) };
    }
    let mut hashes = path.iter();
    let (mut node, mut last) = (older - 1, newer - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let first = if older.is_power_of_two() { Some(older_root) } else { hashes.next() };
    let first = first.ok_or(LogFault::ProofLength)?;
    let (mut of_older, mut of_newer) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return Err(LogFault::ProofLength);
        }
        if node & 1 == 1 || node == last {
            of_older = node_hash(hash, &of_older);
            of_newer = node_hash(hash, &of_newer);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            of_newer = node_hash(&of_newer, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(LogFault::ProofLength);
    }
    if of_older == *older_root && of_newer == *newer_root { Ok(()) } else { Err(fork) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in memory, by the definition alone.
    struct Leaves(Vec<Hash>);

    impl Leaves {
        fn of(count: usize) -> Self {
            Self((0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect())
        }

        /// MTH of RFC 6962 §2.1, word by word.
        fn defined(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => empty_root(),
                [one] => *one,
                many => {
                    let split = many.len().next_power_of_two() / 2;
                    node_hash(&Self::defined(&many[..split]), &Self::defined(&many[split..]))
                }
            }
        }
    }

    impl Subtrees for Leaves {
        type Error = std::convert::Infallible;

        fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error> {
            let (width, start) = (1_usize << level, (index as usize) << level);
            Ok(Self::defined(&self.0[start..start + width]))
        }
    }

    /// The tree of Certificate Transparency's reference tests: eight leaves and their roots.
    #[test]
    fn the_reference_tree_has_its_roots() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Leaves(leaves.iter().map(|leaf| leaf_hash(leaf)).collect());
        assert_eq!(hex::encode(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (size, expected) in (1..).zip(roots) {
            assert_eq!(hex::encode(root(&mut tree, size).expect("in memory")), expected, "{size}");
        }
        // Audit and consistency paths of the same reference.
        let told = |hashes: Vec<Hash>| hashes.iter().map(hex::encode).collect::<Vec<_>>();
        let path = told(inclusion(&mut tree, 5, 8).expect("in memory"));
        let expected = [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(path, expected);
        let path = told(consistency(&mut tree, 6, 8).expect("in memory"));
        let expected = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(path, expected);
    }

    #[test]
    fn every_proof_of_small_trees_is_right_and_no_other_is() {
        for size in 1..=33_u64 {
            let mut tree = Leaves::of(size as usize);
            let whole = root(&mut tree, size).expect("in memory");
            assert_eq!(whole, Leaves::defined(&tree.0));
            for index in 0..size {
                let leaf = tree.0[index as usize];
                let path = inclusion(&mut tree, index, size).expect("in memory");
                assert_eq!(verify_inclusion(&leaf, index, size, &path, &whole), Ok(()), "{index} of {size}");
                for other in (0..size).filter(|other| *other != index) {
                    assert!(verify_inclusion(&leaf, other, size, &path, &whole).is_err(), "{other} for {index}");
                }
                let mut longer = path.clone();
                longer.push(whole);
                assert!(verify_inclusion(&leaf, index, size, &longer, &whole).is_err());
                if !path.is_empty() {
                    assert!(verify_inclusion(&leaf, index, size, &path[1..], &whole).is_err());
                }
            }
            assert_eq!(verify_inclusion(&whole, size, size, &[], &whole), Err(LogFault::Range { index: size, size }));
            for older in 0..=size {
                let before = root(&mut tree, older).expect("in memory");
                let path = consistency(&mut tree, older, size).expect("in memory");
                assert_eq!(verify_consistency((older, &before), (size, &whole), &path), Ok(()), "{older} to {size}");
                for at in 0..path.len() {
                    let mut wrong = path.clone();
                    wrong[at][7] ^= 1;
                    assert!(verify_consistency((older, &before), (size, &whole), &wrong).is_err());
                }
                let mut other = before;
                other[0] ^= 1;
                assert!(verify_consistency((older, &other), (size, &whole), &path).is_err(), "{older} to {size}");
            }
        }
    }

    #[test]
    fn an_older_tree_is_never_larger() {
        let root = empty_root();
        assert_eq!(verify_consistency((2, &root), (1, &root), &[]), Err(LogFault::Rollback { from: 2, to: 1 }));
    }
}
