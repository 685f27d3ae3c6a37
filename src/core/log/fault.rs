//! What is wrong with a piece of a log.

use std::fmt;

/// Why a piece of a log does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFault {
    /// A form of C2SP or of ours is broken: which, and the rule.
    Form { of: &'static str, rule: &'static str },
    /// Longer than is read.
    TooLong { of: &'static str, limit: usize },
    /// A key that is asked for signed nothing here.
    NotSignedBy { name: String },
    /// A signature of a known key is not one.
    Signature { name: String },
    /// The checkpoint is of another log.
    Origin { expected: String, found: String },
    /// The position is not below the size.
    Range { index: u64, size: u64 },
    /// An older tree is larger than the newer one.
    Rollback { from: u64, to: u64 },
    /// The hashes do not lead to this root.
    Root { size: u64 },
    /// A tile of before is no beginning of the one that took its place.
    Beginning,
    /// The older tree is no beginning of the newer one: a fork, or history was changed.
    Fork { from: u64, to: u64 },
    /// A proof has another length than the tree asks for.
    ProofLength,
    /// A tile has not the octets that its width asks for.
    TileLength { tile: String, expected: usize, found: usize },
    /// What was opened is not what the entry holds.
    Opening,
    /// OpenSSL cannot compute with this key.
    Key { name: String },
}

impl fmt::Display for LogFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form { of, rule } => write!(formatter, "{of}: must {rule}"),
            Self::TooLong { of, limit } => write!(formatter, "{of}: longer than {limit} octets"),
            Self::NotSignedBy { name } => write!(formatter, "not signed by {name:?}"),
            Self::Signature { name } => write!(formatter, "the signature of {name:?} is wrong"),
            Self::Origin { expected, found } => write!(formatter, "of the log {found:?}, not {expected:?}"),
            Self::Range { index, size } => write!(formatter, "position {index} is not in a tree of {size} entries"),
            Self::Rollback { from, to } => {
                write!(formatter, "the log has {to} entries and had {from} before: its end was taken away")
            }
            Self::Root { size } => write!(formatter, "the hashes do not make the root of the tree of {size} entries"),
            Self::Beginning => formatter.write_str("it is no beginning of the tile that took its place"),
            Self::Fork { from, to } => {
                write!(formatter, "the tree of {from} entries is no beginning of that of {to}: history was changed")
            }
            Self::ProofLength => formatter.write_str("the proof has another length than the tree asks for"),
            Self::TileLength { tile, expected, found } => {
                write!(formatter, "{tile} has {found} octets where {expected} belong")
            }
            Self::Opening => formatter.write_str("the entry is not that of this document"),
            Self::Key { name } => write!(formatter, "nothing can be computed with the key of {name:?}"),
        }
    }
}

impl std::error::Error for LogFault {}
