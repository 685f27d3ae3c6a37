//! What can be wrong in a registry, and what is to be done about it.

use super::Progress;
use crate::{
    core::time::Time,
    registry::{DocumentId, DocumentState, Level},
};

/// What contradicts what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{field} must be {rule}")]
    Text { field: &'static str, rule: &'static str },
    #[error("it is {0} and has what only issued documents have")]
    NotIssued(Progress),
    #[error("it is issued, without time, certificate and state")]
    NoRelease,
    #[error("it is issued and has no signature")]
    NoSignature,
    #[error("signature {found} stands where {expected} belongs")]
    Version { expected: u32, found: u32 },
    #[error("signature {0} is empty or larger than is recorded")]
    SignatureSize(u32),
    #[error("signature {0} has a lower level than the one before")]
    Level(u32),
    #[error("change {0} of its standing breaks the rules")]
    Change(usize),
    #[error("it is {recorded}, and its history ends with {told}")]
    State { recorded: DocumentState, told: DocumentState },
    #[error("it has more changes of standing than are recorded")]
    History,
    #[error("a PDF waits for a level, which is not raised here")]
    Raising,
    #[error("the end of an archive time-stamp is noted, and its newest signature has none")]
    Renewal,
    #[error("its digests of the lookup are too many, or not each there once")]
    Lookup,
    #[error("it has position {0} in the issuance log, and fewer positions were given")]
    Position(u64),
    #[error("{field} is a time that no calendar has")]
    NoTime { field: &'static str },
    #[error("its successor is itself")]
    OwnSuccessor,
    #[error("signature {0} is no CMS SignedData that can be read")]
    Cms(u32),
    #[error("signature {0} is no update of a PDF with a signature that can be read")]
    Pdf(u32),
    #[error("signature {0} is of another content than the record says")]
    Content(u32),
    #[error("the value of a signature in signature {0} is not what the key of its certificate made")]
    Value(u32),
    #[error("no signer of signature {0} has the certificate that is recorded")]
    Certificate(u32),
    #[error("signature {version} was made at {told}, the record says {recorded}")]
    SigningTime { version: u32, told: Time, recorded: Time },
    #[error("signature {version} is of document {id:?} of kind {kind:?}")]
    Reference { version: u32, kind: String, id: String },
    #[error("signature {0} does not say which document it is of")]
    NoReference(u32),
    #[error("signature {version} is recorded as {recorded}, and is {found}")]
    OtherLevel { version: u32, recorded: Level, found: Level },
    #[error("it was signed before it was begun")]
    SignedBeforeBegun,
    #[error("change {0} of its standing is earlier than what comes before it")]
    ChangeBefore(usize),
    #[error("{requested} was ordered, {reached} is reached, and it does not wait to be raised")]
    NotWaiting { requested: Level, reached: Level },
    #[error("its successor {0} was not issued here")]
    Successor(DocumentId),
    #[error("its record cannot be read: {0}")]
    Unreadable(String),
    #[error("the changes of its standing are not numbered from 1 on without gaps")]
    Positions,
    #[error("table {table} has rows of {id}, which is no document here")]
    Orphan { table: &'static str, id: String },
    #[error("{0}")]
    Schema(String),
    #[error("the database finds in its own file: {0}")]
    Integrity(String),
}

impl Fault {
    /// What is to be done about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Integrity(_) => "stop the service, and restore the newest backup that has none of this",
            Self::Schema(_) => {
                "somebody changed the tables: find out who and why, then export, and import into a new registry"
            }
            Self::NotWaiting { .. } | Self::Raising => {
                "nobody raises it: order antin extend for it by hand, and compare the record with a backup"
            }
            Self::SignedBeforeBegun | Self::ChangeBefore(_) | Self::NoTime { .. } => {
                "compare it with the audit log and a backup; if a clock was wrong, note which, for the record stays as it is"
            }
            _ => {
                "compare it with the audit log and a backup: restore what was there, and find out who wrote to the database"
            }
        }
    }
}
