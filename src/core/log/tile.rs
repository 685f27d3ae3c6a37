//! Tiles: the tree in pieces of 256 hashes, and the entries in bundles of 256 (C2SP tlog-tiles).

use std::fmt;
use std::str::FromStr;

use super::{Hash, LogFault};

/// Hashes of a full tile, entries of a full bundle.
pub const WIDTH: u64 = 256;
/// Levels of the tree between two rows of tiles.
pub const HEIGHT: u32 = 8;
/// The highest row of tiles that a path may name.
const HIGHEST: u8 = 63;
/// Octets of the longest path.
const LONGEST_PATH: usize = 64;
const LONGEST_ENTRY: usize = u16::MAX as usize;

/// What lies in a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this row: in row 0 of entries, above of full tiles of the row below.
    Hashes(u8),
    /// Entries, each behind its length in two octets.
    Entries,
}

/// The name of a tile, which says what lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileName {
    pub kind: TileKind,
    pub index: u64,
    /// 1 to 256; below 256 it is partial.
    pub width: u16,
}

impl TileName {
    /// The tile with number `index` as a tree of `size` entries has it; `None`: it has none.
    pub fn in_tree(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let row = match kind {
            TileKind::Hashes(row) => row,
            TileKind::Entries => 0,
        };
        let hashes = size.checked_shr(HEIGHT * u32::from(row)).unwrap_or(0);
        let left = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        let width = u16::try_from(left).ok().filter(|width| *width > 0)?;
        Some(Self { kind, index, width })
    }

    pub const fn is_partial(&self) -> bool {
        (self.width as u64) < WIDTH
    }

    /// The same tile when it is full.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: WIDTH as u16, ..self }
    }

    /// Octets of a tile of hashes.
    pub fn octets(&self) -> usize {
        usize::from(self.width) * size_of::<Hash>()
    }
}

impl fmt::Display for TileName {
    /// The path below the prefix of the log, as `tile/0/x001/x234/067.p/5`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(row) => write!(formatter, "tile/{row}")?,
            TileKind::Entries => formatter.write_str("tile/entries")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            let sign = if left == 0 { "" } else { "x" };
            write!(formatter, "/{sign}{group:03}")?;
        }
        if self.is_partial() { write!(formatter, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TileName {
    type Err = LogFault;

    /// One spelling alone: what is read back has the same path.
    fn from_str(path: &str) -> Result<Self, LogFault> {
        let wrong =
            || LogFault::Form { of: "path of a tile", rule: "be tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]" };
        if path.len() > LONGEST_PATH {
            return Err(LogFault::TooLong { of: "path of a tile", limit: LONGEST_PATH });
        }
        let rest = path.strip_prefix("tile/").ok_or_else(wrong)?;
        let (row, rest) = rest.split_once('/').ok_or_else(wrong)?;
        let kind = match row {
            "entries" => TileKind::Entries,
            row => TileKind::Hashes(row.parse().ok().filter(|row| *row <= HIGHEST).ok_or_else(wrong)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, WIDTH as u16),
            Some((number, width)) => {
                (number, width.parse().ok().filter(|width| (1..256).contains(width)).ok_or_else(wrong)?)
            }
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let value: u64 = digits.parse().map_err(|_| wrong())?;
            index = index.checked_mul(1000).and_then(|index| index.checked_add(value)).ok_or_else(wrong)?;
        }
        let name = Self { kind, index, width };
        if name.to_string() == path { Ok(name) } else { Err(wrong()) }
    }
}

/// The hashes of a tile.
///
/// # Errors
/// [`LogFault::TileLength`].
pub fn decode_hashes(name: &TileName, octets: &[u8]) -> Result<Vec<Hash>, LogFault> {
    if octets.len() != name.octets() {
        return Err(LogFault::TileLength { tile: name.to_string(), expected: name.octets(), found: octets.len() });
    }
    Ok(octets.chunks_exact(size_of::<Hash>()).map(|hash| hash.try_into().expect("32 octets each")).collect())
}

/// Entries as a bundle.
///
/// # Errors
/// [`LogFault::TooLong`]: one has more than 65,535 octets.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, LogFault> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len());
        let length = length.map_err(|_| LogFault::TooLong { of: "entry", limit: LONGEST_ENTRY })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle, exactly as many as its width says.
///
/// # Errors
/// [`LogFault::Form`].
pub fn decode_entries<'a>(name: &TileName, mut octets: &'a [u8]) -> Result<Vec<&'a [u8]>, LogFault> {
    let wrong = || LogFault::Form { of: "bundle of entries", rule: "have as many whole entries as its name says" };
    let mut entries = Vec::with_capacity(usize::from(name.width));
    for _ in 0..name.width {
        let (length, rest) = octets.split_first_chunk::<2>().ok_or_else(wrong)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(wrong)?;
        entries.push(entry);
        octets = rest;
    }
    if octets.is_empty() { Ok(entries) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let hashes = |row, index, width| TileName { kind: TileKind::Hashes(row), index, width };
        for (name, path) in [
            (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (hashes(0, 0, 1), "tile/0/000.p/1"),
            (hashes(2, 999, 255), "tile/2/999.p/255"),
            (hashes(63, 1000, 256), "tile/63/x001/000"),
            (TileName { kind: TileKind::Entries, index: 273, width: 112 }, "tile/entries/273.p/112"),
            (hashes(1, u64::MAX, 256), "tile/1/x018/x446/x744/x073/x709/x551/615"),
        ] {
            assert_eq!(name.to_string(), path);
            assert_eq!(path.parse(), Ok(name));
        }
        for wrong in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/x001",
            "tile/0/001/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0/../000",
            "tile/0/+12",
            "tile/entries/x001/x234/67",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "checkpoint",
            "tile/0/000.p/5/6",
            "TILE/0/000",
        ] {
            assert!(wrong.parse::<TileName>().is_err(), "{wrong}");
        }
    }

    /// The example of the specification: a tree of 70,000 entries.
    #[test]
    fn a_tree_has_the_tiles_that_the_specification_counts() {
        let width = |row, index| TileName::in_tree(TileKind::Hashes(row), index, 70_000).map(|name| name.width);
        assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (Some(256), Some(112), None));
        assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (Some(256), Some(17), None));
        assert_eq!((width(2, 0), width(3, 0), width(63, 0)), (Some(1), None, None));
        let of_256 = |row| TileName::in_tree(TileKind::Hashes(row), 0, 256).map(|name| name.width);
        assert_eq!((of_256(0), of_256(1), of_256(2)), (Some(256), Some(1), None));
        assert_eq!(TileName::in_tree(TileKind::Entries, 273, 70_000).map(|name| name.width), Some(112));
        assert_eq!(TileName::in_tree(TileKind::Entries, u64::MAX, 70_000), None);
    }

    #[test]
    fn a_bundle_has_whole_entries_and_nothing_else() {
        let name = TileName { kind: TileKind::Entries, index: 0, width: 3 };
        let entries: [&[u8]; 3] = [b"one", b"", b"three"];
        let bundle = encode_entries(entries).expect("short");
        assert_eq!(decode_entries(&name, &bundle).expect("a bundle"), entries);
        for end in 0..bundle.len() {
            assert!(decode_entries(&name, &bundle[..end]).is_err());
        }
        let longer = [&bundle[..], &[0]].concat();
        assert!(decode_entries(&name, &longer).is_err());
        assert!(encode_entries([&[0; 65_536][..]]).is_err());
        let hashes = TileName { kind: TileKind::Hashes(0), ..name };
        assert!(decode_hashes(&hashes, &[0; 96]).is_ok() && decode_hashes(&hashes, &[0; 95]).is_err());
    }
}
