//! Why an order to sign is not carried out.

use super::existing::ExistingError;
use super::sign_lookup::LookupOrderError;
use crate::core::cms::{CmsError, document_reference::ReferenceFieldFault};
use crate::core::log::LogFault;
use crate::kinds::ContentFault;
use crate::registry::{DocumentId, Level, RegistryError};
use crate::signing::SigningError;
use crate::signing::pades::PadesError;

/// Why nothing is released.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("level {level} cannot be made here; {} can", levels_up_to(*.highest))]
    LevelNotAvailable { level: Level, highest: Level },
    #[error("documents of kind {0:?} are not issued here, or not for this client")]
    KindNotPermitted(String),
    #[error("the key {0:?} does not sign this kind, or not for this client")]
    SignerNotPermitted(String),
    #[error("for this kind the content itself must be sent, not its digest")]
    DigestNotPermitted,
    #[error("with a digest in place of the content the packaging must be detached")]
    DigestNeedsDetached,
    #[error("the certificate of the key cannot be relied on now ({code}): renew it, or wait for fresh revocation data")]
    SignerNotUsable { code: &'static str },
    #[error(
        "the key {0:?} does not sign at this time, and no other of its authority does: see from and until of its [[key]]"
    )]
    OutsideWindow(String),
    /// By the rules about kinds of documents.
    #[error("the key {key:?} holds no office whose signature documents of kind {kind:?} need now")]
    IssuerNotAuthorised { key: String, kind: String },
    #[error("the idempotency key was used for another request (document {0}): use a new key for a new request")]
    DifferentBody(DocumentId),
    #[error("a request with this idempotency key is being worked on: ask again in a moment")]
    InProgress(DocumentId),
    #[error("an earlier attempt with this idempotency key (document {0}, void) left no result: use a new key")]
    StateUnknown(DocumentId),
    /// It is no document of its kind.
    #[error(transparent)]
    Malformed(#[from] ContentFault),
    #[error(transparent)]
    Reference(#[from] ReferenceFieldFault),
    #[error(transparent)]
    Existing(#[from] ExistingError),
    #[error(transparent)]
    Pdf(#[from] PadesError),
    /// Of the signatures that stand in the PDF.
    #[error("{0}")]
    ExistingInPdf(ExistingError),
    #[error("with its signature the PDF would have more than is recorded")]
    PdfTooLarge,
    /// By what its holder asks for it.
    #[error(transparent)]
    Lookup(#[from] LookupOrderError),
    #[error("neither the request nor the existing signature has the content")]
    NoContent,
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("the recorded signature of document {document_id} cannot be read")]
    Recorded { document_id: DocumentId, source: CmsError },
    #[error("the issuance log gives no promise: {0}")]
    LogPromise(#[from] LogFault),
    #[error("no random number could be had")]
    Random(#[source] openssl::error::ErrorStack),
    #[error("the work ended without a result; see the log")]
    Interrupted,
}

/// As in `B-B and B-T`.
fn levels_up_to(highest: Level) -> String {
    let names: Vec<_> = Level::ALL.iter().filter(|level| highest.reaches(**level)).map(|level| level.name()).collect();
    names.join(" and ")
}
