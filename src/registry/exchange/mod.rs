//! All that a registry holds, record by record: written out, read in, checked, whichever store it is in.
//!
//! A store gives a [`Reader`], which sees one moment of it whatever else goes on, and a [`Writer`], whose records are all there in
//! the end or none. Between them nothing larger than a page of records is held.

mod check;
mod fault;
mod line;
mod signature;
mod transfer;

pub use check::{Checked, check, faults};
pub use fault::Fault;
pub use line::{LONGEST_LINE, LineFault};
pub use transfer::{Counts, ExchangeError, export, import};

use super::{
    Answer, DocumentId, DocumentState, Intent, Logged, LookupEntry, Newest, Sha256, StatusChange, record::named,
};
use crate::core::time::Time;

/// The most records on a page.
pub const MOST_ON_A_PAGE: usize = 256;
/// The octets of signatures on a page beyond which no further record is put on it.
pub const LARGEST_PAGE: usize = 16 << 20;

/// Faults of one kind that a store tells of itself.
pub const MOST_STORE_FAULTS: usize = 1000;

/// The tables of every store whose rows belong to a document.
pub(super) const OF_DOCUMENTS: [&str; 5] = ["signature", "status_change", "raising", "renewal", "lookup_digest"];

named! {
    /// How far an attempt came.
    Progress {
        /// The key was asked, or is about to be.
        Begun = "begun",
        Issued = "issued",
        /// It ended without a trace of its result: id void, key spent.
        Unknown = "unknown",
    }
}

/// One attempt with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub intent: Intent,
    pub progress: Progress,
    /// Of an issued document.
    pub release: Option<Release>,
    /// Every version, the first first.
    pub signatures: Vec<Newest>,
    /// Every change of standing, the first first.
    pub history: Vec<StatusChange>,
    /// It waits for a higher level.
    pub raising: Option<Raising>,
    /// When its newest archive time-stamp ends, if another is to follow.
    pub renewal: Option<Time>,
    /// Its place in the issuance log.
    pub log: Option<Logged>,
    /// How the holder of the paper asks for it, in the order of the digests.
    pub lookup: Vec<LookupEntry>,
}

/// What an issued document has beside its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub signed_at: Time,
    /// SHA-256 of the signer's certificate, DER.
    pub signer_certificate_sha256: Sha256,
    pub state: DocumentState,
}

/// A place in the queue of signatures to be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raising {
    pub since: Time,
    pub due_at: Time,
    pub attempts: u32,
    pub given_up: bool,
}

/// The record that follows, by its id; `Err`: why it cannot be read.
pub type Next = Option<(DocumentId, Result<Record, String>)>;

/// Reads a registry as it is at one moment.
pub trait Reader: Send {
    /// The records that follow `after` in the order of their ids, as many as fit on a page; none: that was all.
    fn page(&mut self, after: Option<DocumentId>) -> Answer<'_, Vec<Record>>;

    /// The one that follows `after`, which may be one that cannot be read.
    fn next(&mut self, after: Option<DocumentId>) -> Answer<'_, Next>;

    /// What is wrong with the store beside its records: tables, references, what the database itself finds; no more than
    /// [`MOST_STORE_FAULTS`] of a kind.
    fn faults(&mut self) -> Answer<'_, Vec<(Option<DocumentId>, Fault)>>;

    /// Likewise the intents of the attempts whose state is unknown.
    fn unknown(&mut self, after: Option<DocumentId>) -> Answer<'_, Vec<Intent>>;

    /// It was issued here.
    fn is_issued(&mut self, document_id: DocumentId) -> Answer<'_, bool>;
}

/// Fills an empty registry. Dropped before its end it leaves nothing.
pub trait Writer: Send {
    /// Adds a record as it was, but that an attempt that was begun is unknown: whoever began it is not here.
    fn insert(&mut self, record: Record) -> Answer<'_, ()>;

    /// Makes all of it durable; gives a document whose successor is not there, in which case nothing is.
    fn finish(self: Box<Self>) -> Answer<'static, Option<DocumentId>>;
}
