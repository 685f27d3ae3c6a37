//! By what whoever holds a paper finds its record: digests of five fields (`core/lookup`), never the fields.

use crate::core::lookup::{LookupDigest, LookupKeyId};

/// The most of one document.
pub const MOST_LOOKUP_ENTRIES: usize = 32;

/// One way to ask for a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupEntry {
    pub digest: LookupDigest,
    /// Of the key that made it.
    pub key: LookupKeyId,
}
