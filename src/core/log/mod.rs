//! The issuance log: an append-only Merkle tree over what was issued, told so that anybody can check it.
//!
//! The tree is that of RFC 6962 §2.1 (RFC 9162 §2.1) over SHA-256; what is published of it has the forms of C2SP: tlog-tiles, tlog-checkpoint
//! and signed-note, tlog-cosignature, tlog-proof. An entry says which certificate signed when, and nothing of the document but a salted digest.

pub mod checkpoint;
pub mod entry;
mod fault;
pub mod merkle;
pub mod note;
pub mod promise;
pub mod proof;
pub mod tile;
mod tree;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use entry::{Entry, Opening, Salt};
pub use fault::LogFault;
pub use merkle::Hash;
pub use note::{KeyKind, Note, VerifierKey};
pub use promise::Promise;
pub use proof::LogProof;
pub use tile::{TileKind, TileName};
pub use tree::{Edge, TileSource, TileTree};
