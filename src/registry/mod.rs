//! The record of issued documents: what was asked, what was signed, whether the paper still stands.
//!
//! *Record before release*: the intent is durable → the key signs → the signature is checked → the result is durable →
//! the answer leaves. In terms of [`Registry`]:
//!
//! 1. [`begin`](Registry::begin) answers [`Begun::Fresh`]: the intent is on disk and this caller, and no other, may sign;
//! 2. the key signs, the signature is verified;
//! 3. [`complete`](Registry::complete) returns: the signature is on disk and may be released.
//!
//! An attempt that fails before the key was used is taken back with [`abandon`](Registry::abandon). From the moment the
//! key was asked, whatever fails ends in `complete` or [`mark_unknown`](Registry::mark_unknown). An attempt whose
//! process died is found by [`recover`](Registry::recover) and never signed again under its idempotency key.
//!
//! A signature below the level that was ordered is put into a durable queue together with its record; [`raise`](Registry::raise) adds
//! the raised one, and never takes away an earlier one.
//!
//! The record holds digests and signatures without content; the content itself and personal data never enter it.

pub mod exchange;
mod listed;
mod log;
mod lookup;
pub mod postgres;
mod raising;
mod record;
pub mod sqlite;
mod status;

use std::{error::Error, future::Future, pin::Pin, sync::Arc};

use crate::core::{lookup::LookupDigest, time::Time};
pub use listed::{BLOCK, LIST_ENTRIES, Listed, StatusPlace};
pub use log::{Append, IssuanceQueue, Lead, LogHead, Loggable, Logged, Unlogged};
pub use lookup::{LookupEntry, MOST_LOOKUP_ENTRIES};
pub use raising::{Again, Backlog, Due, Newest, Raised};
pub use record::{
    DocumentId, Format, Intent, InvalidDocumentId, Issued, IssuedDocument, LONGEST_CLIENT, LONGEST_IDEMPOTENCY_KEY,
    LONGEST_SIGNATURE, Level, Packaging, Sha256,
};
pub use status::{DocumentState, DocumentStatus, LONGEST_REASON, MOST_STATUS_CHANGES, StatusChange};

/// What a registry method returns: a future to be driven to its end.
///
/// Dropping it early leaves open whether the request was carried out; therefore issuing runs in a task of its own, which
/// a client that hangs up does not cancel. Boxed so that the service can hold an `Arc<dyn Registry>`; the box costs
/// nothing beside the disk.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RegistryError>> + Send + 'a>>;

/// The most documents that [`Registry::find_by_digest`] and [`Registry::look_up`] return.
pub const MOST_FOUND: usize = 100;

/// A durable store of intents, issued documents and their standing.
///
/// **Durability contract**: when a method that writes answers `Ok`, its effect survives the death of the process, of
/// the kernel and of the power supply. When it answers [`RegistryError::Unavailable`], the effect is either absent or
/// complete, never partial, and the caller releases nothing.
pub trait Registry: Send + Sync {
    /// Makes the intent durable, or says why nothing may be signed.
    ///
    /// The idempotency key belongs to the client: of any number of parallel requests with one key, one gets
    /// [`Begun::Fresh`].
    ///
    /// # Errors
    /// [`Invalid`](RegistryError::Invalid), [`DocumentIdTaken`](RegistryError::DocumentIdTaken),
    /// [`Overloaded`](RegistryError::Overloaded) (nothing was done, ask again), [`Unavailable`](RegistryError::Unavailable).
    fn begin(&self, intent: Intent) -> Answer<'_, Begun>;

    /// Makes the signature durable; only after `Ok` may it be released.
    ///
    /// May be called again after [`Unavailable`](RegistryError::Unavailable); the same result twice is `Ok`.
    ///
    /// # Errors
    /// [`NotInProgress`](RegistryError::NotInProgress): this process began no such attempt, or it ended otherwise;
    /// the signature must not be released.
    fn complete(&self, document_id: DocumentId, issued: Issued) -> Answer<'_, ()>;

    /// Takes back an attempt for which the key was **not** used; its idempotency key is free again.
    ///
    /// # Errors
    /// [`NotInProgress`](RegistryError::NotInProgress), also when `complete` was tried before.
    fn abandon(&self, document_id: DocumentId) -> Answer<'_, ()>;

    /// Ends an attempt for which the key was, or may have been, used and whose signature is not released (the key
    /// device failed half-way, the signature did not verify). Its idempotency key is spent, its id void.
    ///
    /// # Errors
    /// [`NotInProgress`](RegistryError::NotInProgress) if it was issued or never begun here.
    fn mark_unknown(&self, document_id: DocumentId) -> Answer<'_, ()>;

    /// Called once at start, before the first `begin`: marks the unfinished attempts of dead processes as unknown and
    /// returns them, oldest first, to be shown to the operator. Signatures that were given up to be raised wait again. A store that
    /// several nodes share goes on to mark, and to log, what nodes leave that die later.
    fn recover(&self) -> Answer<'_, Vec<Intent>>;

    /// Called once at the end, when nothing is in progress any more: other nodes need not wait to see that this one is gone.
    fn leave(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The record of an issued document; `None` if this id was never issued here (void ids included).
    fn document(&self, document_id: DocumentId) -> Answer<'_, Option<IssuedDocument>>;

    /// The newest signature of an issued document; `None` if never issued here.
    fn newest(&self, document_id: DocumentId) -> Answer<'_, Option<Newest>>;

    /// Of the documents whose signature has not reached the level that was ordered, those to be tried now, the longest due first, at
    /// most `most`. [`complete`](Self::complete) puts them into this queue together with their signature. Of several nodes one at a
    /// time gets a document, as far as can be; that matters for the work alone, and [`raise`](Self::raise) decides.
    fn due(&self, now: Time, most: usize) -> Answer<'_, Vec<Due>>;

    /// How many are in this queue.
    fn backlog(&self) -> Answer<'_, Backlog>;

    /// Records a raised signature beside those that were before, which stay. The level that was ordered ends the waiting. The same
    /// twice is `Ok`.
    ///
    /// # Errors
    /// [`UnknownDocument`](RegistryError::UnknownDocument); [`AlreadyRaised`](RegistryError::AlreadyRaised) if it was made of
    /// another signature than the newest, or has a lower level.
    fn raise(&self, document_id: DocumentId, raised: Raised) -> Answer<'_, ()>;

    /// Puts the documents whose newest archive time-stamps end before a time, some at a time, the first to end first, into the queue
    /// again, where [`raise`](Self::raise) adds another of the same level.
    fn renew(&self, before: Time, now: Time) -> Answer<'_, ()>;

    /// Notes an attempt that failed, and when the next is due; of a document that does not wait nothing is noted.
    fn put_off(&self, document_id: DocumentId, again: Again) -> Answer<'_, ()>;

    /// The standing of an issued document with its history, oldest change first; `None` if never issued here.
    fn status(&self, document_id: DocumentId) -> Answer<'_, Option<DocumentStatus>>;

    /// Changes the standing. Of two callers who mark the same single-use paper as used, one succeeds.
    ///
    /// # Errors
    /// [`UnknownDocument`](RegistryError::UnknownDocument), [`StatusConflict`](RegistryError::StatusConflict),
    /// [`SuccessorNotInForce`](RegistryError::SuccessorNotInForce), [`HistoryFull`](RegistryError::HistoryFull).
    fn set_status(&self, document_id: DocumentId, change: StatusChange) -> Answer<'_, DocumentStatus>;

    /// Leases the next block of [`BLOCK`] places in the status lists to this start of this node: its number, which is never given out
    /// again. What is not used of it is wasted.
    fn lease_status_places(&self) -> Answer<'_, u32>;

    /// How many blocks were leased; places beyond them belong to nobody.
    fn status_blocks(&self) -> Answer<'_, u32>;

    /// What status lists say about documents: of all that are not in force, or of all whose standing was changed since a time, as the
    /// nodes say it. In the order of their places, those behind `after`, at most `most`.
    fn listed(&self, since: Option<Time>, after: Option<StatusPlace>, most: usize) -> Answer<'_, Vec<Listed>>;

    /// The issued documents with this content digest, the latest signed first, at most [`MOST_FOUND`].
    fn find_by_digest(&self, document_digest: Sha256) -> Answer<'_, Vec<DocumentId>>;

    /// The issued documents that one of these digests of five fields is of, the latest signed first, at most [`MOST_FOUND`].
    /// [`complete`](Self::complete) records the digests with the same commit.
    fn look_up(&self, digests: Vec<LookupDigest>) -> Answer<'_, Vec<DocumentId>>;

    /// The order of the issuance log. [`complete`](Self::complete) lets a document wait there, if it has a salt, with the same commit.
    fn issuance_queue(&self) -> &dyn IssuanceQueue;
}

/// What [`Registry::begin`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The intent is durable: sign.
    Fresh,
    /// Done before, with the same request: answer with this, the very same record.
    Replay(Box<IssuedDocument>),
    /// Another request with this key and body is being worked on now: ask again later.
    InProgress { document_id: DocumentId },
    /// The key was used by this client for another request (HTTP 409).
    DifferentBody { document_id: DocumentId },
    /// An earlier attempt ended without a trace of its result (HTTP 409 `signature-state-unknown`): its id is void, a
    /// new key may sign anew.
    StateUnknown { document_id: DocumentId },
}

/// Why the record could not be written or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// A field breaks its rule; nothing was written.
    #[error("{field} must be {rule}")]
    Invalid { field: &'static str, rule: &'static str },
    /// The random id is in use: draw another.
    #[error("document id {0} is taken; draw another")]
    DocumentIdTaken(DocumentId),
    /// There is no unfinished attempt of this process with this id.
    #[error("no signing of document {0} is in progress here; release nothing for it")]
    NotInProgress(DocumentId),
    /// Never issued here.
    #[error("no document {0} was issued here")]
    UnknownDocument(DocumentId),
    /// The paper's standing does not allow this change.
    #[error("document {document_id} is {from} and cannot become {to}")]
    StatusConflict { document_id: DocumentId, from: DocumentState, to: DocumentState },
    /// A document can be replaced only by another one issued here that is in force.
    #[error("document {successor} is not in force here and cannot replace {document_id}")]
    SuccessorNotInForce { document_id: DocumentId, successor: DocumentId },
    /// Too many status changes for one document.
    #[error("document {0} has {MOST_STATUS_CHANGES} status changes; no more are recorded")]
    HistoryFull(DocumentId),
    /// The signature is not the newest any more.
    #[error("the signature of document {0} was raised already")]
    AlreadyRaised(DocumentId),
    /// Too many requests wait; nothing was done.
    #[error("the registry's queue is full; ask again in a moment")]
    Overloaded,
    /// The store failed (disk full, input/output error, locked, server gone): nothing may be released.
    #[error("the registry cannot be used now; check disk space, the disk's health and the database, then ask again")]
    Unavailable { source: Arc<dyn Error + Send + Sync> },
    /// What is stored contradicts itself.
    #[error("the registry is damaged; stop the service and restore the newest backup")]
    Damaged { source: Arc<dyn Error + Send + Sync> },
    /// The registry was shut down.
    #[error("the registry has stopped; restart the service")]
    Stopped,
}
