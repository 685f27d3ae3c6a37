//! The order of the issuance log: documents wait from their release on, one node gives them positions, and none is ever given anew.

use std::time::Duration;

use super::{Answer, DocumentId, Sha256};
use crate::core::log::{Hash, Opening, Salt};
use crate::core::time::Time;

/// The place of a document in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    pub salt: Salt,
    /// Since when it waits, or waited.
    pub since: Time,
    /// `None`: it waits.
    pub position: Option<u64>,
}

/// A document of the log, with all that its entry is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loggable {
    pub document_id: DocumentId,
    pub kind: String,
    pub document_digest: Sha256,
    pub signed_at: Time,
    pub signer_certificate_sha256: Sha256,
    pub salt: Salt,
    pub position: Option<u64>,
}

impl Loggable {
    pub fn opening(&self) -> Opening {
        Opening {
            document_id: *self.document_id.as_bytes(),
            kind: self.kind.clone(),
            document_digest: self.document_digest,
            signer_certificate_sha256: self.signer_certificate_sha256,
            signed_at: self.signed_at,
            salt: self.salt,
        }
    }
}

/// How far the log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogHead {
    /// So many positions were given: 0 to `size` - 1.
    pub size: u64,
    /// Of the tree over them; `None`: nobody has said it yet.
    pub root: Option<Hash>,
}

/// This node gives positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Another one each time that another node begins to.
    pub fence: i64,
    pub head: LogHead,
}

/// The next positions, for these documents in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    pub lead: Lead,
    /// None: the root alone is said.
    pub documents: Vec<DocumentId>,
    /// Of the tree with them.
    pub root: Hash,
}

/// Issued documents among which some are not in the log, and do not wait to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unlogged {
    pub found: Vec<DocumentId>,
    /// The last that was looked at; `None`: there was none any more.
    pub last: Option<DocumentId>,
}

/// The part of a registry that keeps the order of the log. What it confirms is durable, as [`super::Registry`] says.
pub trait IssuanceQueue: Send + Sync {
    fn log_head(&self) -> Answer<'_, LogHead>;

    /// The same, of which nothing can be lost any more: what a node publishes that did not append it itself.
    fn confirmed_head(&self) -> Answer<'_, LogHead>;

    /// Takes or keeps the right to give positions; `None`: another node has it.
    fn lead(&self, lease: Duration) -> Answer<'_, Option<Lead>>;

    /// Those that wait, the longest first, at most `most`.
    fn waiting(&self, most: usize) -> Answer<'_, Vec<Loggable>>;

    /// Gives the next positions, all or none; false: the log went on meanwhile, or another node gives them. After an error it may have
    /// been done: [`Self::log_head`] tells.
    fn append(&self, append: Append) -> Answer<'_, bool>;

    /// Those with positions from this one on, in their order without a gap, at most `most`.
    fn sequenced(&self, from: u64, most: usize) -> Answer<'_, Vec<Loggable>>;

    /// `None`: it is not in the log, and does not wait to be.
    fn loggable(&self, document_id: DocumentId) -> Answer<'_, Option<Loggable>>;

    /// Of the next `most` issued documents in the order of their ids those that are not in the log: of before there was one, or
    /// imported.
    fn unlogged(&self, after: Option<DocumentId>, most: usize) -> Answer<'_, Unlogged>;

    /// Lets these wait, each with its salt; of those that do already nothing is changed.
    fn enlist(&self, documents: Vec<(DocumentId, Salt)>, now: Time) -> Answer<'_, ()>;
}
