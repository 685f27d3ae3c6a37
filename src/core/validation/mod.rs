//! The validation process of EN 319 102-1, one building block a file:
//! [`format`](mod@format) §5.2.2, [`signer`] §5.2.3, [`certificate`] §5.2.6, [`cryptographic`] §5.2.7, [`acceptance`] §5.2.8,
//! [`basic`] §5.3, which puts them together for one signature, [`timestamp`] §5.4, and [`long_term`] §5.5 and §5.6, with
//! [`stamps`] and the evidence [`embedded`] in the message; [`level`] says what it has; beside the standard [`countersignature`] and
//! [`required`]. [`validate`] judges a whole document.

pub mod acceptance;
pub mod basic;
mod bounds;
pub mod certificate;
pub mod content;
pub mod countersignature;
pub mod cryptographic;
pub mod embedded;
pub mod format;
pub mod level;
pub mod long_term;
pub mod pades;
pub mod required;
pub mod signer;
pub mod stamps;
pub mod timestamp;
pub mod timestamp_answer;
pub mod used;
pub mod wanted;

pub use basic::SignatureValidation;
use basic::{Container, Material};
pub use content::Content;
use content::SignedContent;
use embedded::{Encodings, Together};
use long_term::Outer;
pub use required::{Requirement, Shortfall};
use stamps::Stamps;
pub use stamps::demands;
pub use wanted::Wanted;

use super::algorithm::DigestAlgorithm;
use super::cms::document_reference::DocumentReference;
use super::cms::{CmsError, SignedData};
use super::der::ber;
use super::evidence::Evidence;
use super::memory::Memory;
use super::path::{Pool, Work};
use super::pdf;
use super::pdf::associated::EmbeddedFile;
use super::policy::{Policy, Purpose, RevocationMode};
use super::time::Time;
use super::verdict::Verdict;
use super::x509::TrustStore;

/// All that a verdict depends on.
#[derive(Clone, Copy)]
pub struct ValidationRequest<'a> {
    /// A CMS message or a PDF.
    pub document: &'a [u8],
    /// Content given beside a detached signature.
    pub content: Content<'a>,
    pub evidence: &'a Evidence,
    pub trust: &'a TrustStore,
    pub policy: &'a Policy,
    pub revocation: RevocationMode,
    pub time: Time,
    /// Remembered computations: never changes an answer, but one that an allowance of work ended.
    pub memory: &'a Memory,
}

/// The judgement of a document: the verdict and all that it rests on.
#[derive(Debug)]
pub struct Validation {
    pub verdict: Verdict,
    pub signatures: Vec<SignatureValidation>,
    pub content: ContentDescription,
    pub requirement: Requirement,
}

impl Validation {
    /// The signatures that decide about the document.
    pub fn deciding(&self) -> impl Iterator<Item = &SignatureValidation> {
        let signatures = self.signatures.iter().enumerate();
        signatures.filter(|(index, _)| self.requirement.counts(*index)).map(|(_, signature)| signature)
    }
}

/// What the signatures are about.
#[derive(Clone, Debug, Default)]
pub struct ContentDescription {
    pub sha256: Option<Vec<u8>>,
    pub media_type: Option<&'static str>,
    /// What every signer that names the document says it is, or those who suffice for it; `None` if none does or they differ.
    pub reference: Option<DocumentReference>,
    /// Signers name different documents: it cannot be told which one this is.
    pub references_differ: bool,
    /// Digests were given in place of the content.
    pub by_digest: bool,
    /// Files embedded in a PDF; `None`: it is none, or they cannot be listed.
    pub files: Option<Vec<EmbeddedFile>>,
}

/// Bytes that are neither a CMS signature nor a PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub CmsError);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "neither a CMS signature nor a PDF: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// Judges every signature of a document at a time, with the evidence given.
pub fn validate(request: &ValidationRequest<'_>) -> Result<Validation, Unreadable> {
    let fault = match SignedData::decode(request.document) {
        Ok(message) => return Ok(validate_message(request, &message)),
        Err(fault) => fault,
    };
    // An enveloping signature over a PDF holds a PDF header too, hence this order.
    if pdf::is_pdf(request.document) {
        return Ok(pades::validate(request));
    }
    if !matches!(fault, CmsError::Encoding(_)) {
        return Err(Unreadable(fault));
    }
    // BER is allowed in the envelope: rewritten once, then read as strictly as anything.
    let normalised = ber::normalise_content_info(request.document).map_err(|_| Unreadable(fault))?;
    let message = SignedData::decode(&normalised).map_err(Unreadable)?;
    Ok(validate_message(request, &message))
}

fn validate_message(request: &ValidationRequest<'_>, message: &SignedData<'_>) -> Validation {
    let own = Memory::of_one_validation();
    let request =
        &ValidationRequest { memory: if request.memory.is_none() { &own } else { request.memory }, ..*request };
    let content = SignedContent::new(message.content, request.content);
    let signatures = judge_message(request, message, &content);
    let description = ContentDescription {
        sha256: content.sha256().filter(|_| content.is_at_hand() || signatures.iter().any(matches_sha256)),
        media_type: content.media_type(),
        by_digest: matches!(content, SignedContent::Digests(_)),
        ..ContentDescription::default()
    };
    conclude(request, signatures, description)
}

/// Judges every signer of a message over this content.
fn judge_message(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    content: &SignedContent<'_>,
) -> Vec<SignatureValidation> {
    let tokens = stamps::find(message);
    let stamps = Stamps::read(message, content, &tokens);
    let mut encodings = Encodings::of(message);
    let own = Together::new(request, &encodings);
    // What came with the time-stamps reveals revocations too.
    encodings.extend(stamps.encodings());
    let together = if tokens.is_empty() { own.clone() } else { Together::new(request, &encodings) };
    let around = Around { own: &own, together: &together, outer: &Outer::default(), in_pdf: None };
    judge_signers(request, message, content, &stamps, around)
}

/// What is outside a message and matters for its signatures.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Evidence of the caller and what came with the document.
    own: &'a Together,
    /// And what came with time-stamps.
    together: &'a Together,
    outer: &'a Outer,
    /// As what it stands in a PDF, and the time that its dictionary says; `None`: it is a document of its own.
    in_pdf: Option<(Container, Option<Time>)>,
}

fn judge_signers(
    request: &ValidationRequest<'_>,
    message: &SignedData<'_>,
    content: &SignedContent<'_>,
    stamps: &Stamps<'_>,
    around: Around<'_>,
) -> Vec<SignatureValidation> {
    let signers = message.signer_infos.len();
    let work = Work::default();
    let claimed_time = around.in_pdf.and_then(|(_, claimed_time)| claimed_time);
    let material =
        Material { claimed_time, ..Material::new(request, around.together, Purpose::DocumentSigning, &work) };
    let pool = Pool::new();
    let judge = |signer| {
        let work = Work::share(signers, &pool);
        basic::validate(request, message, signer, content, Material { work: &work, ..material })
    };
    let mut signatures: Vec<SignatureValidation> = message.signer_infos.iter().map(judge).collect();
    long_term::validate(request, message, &mut signatures, content, stamps, (around.together, around.outer));
    countersignature::judge(request, message, &mut signatures, material);
    for signature in &mut signatures {
        if let Some((container, claimed_time)) = around.in_pdf {
            signature.container = container;
            // EN 319 142-1 §6.3, table 1: the dictionary says the time, and names no other.
            let is_stated = container == Container::Pades && claimed_time.is_some();
            signature.is_baseline = is_stated && signature.references_certificate;
        }
        signature.level = level::of(signature, around.own, request.memory);
    }
    signatures
}

/// What the signatures of a document make of it.
fn conclude(
    request: &ValidationRequest<'_>,
    mut signatures: Vec<SignatureValidation>,
    content: ContentDescription,
) -> Validation {
    if let Some(required) = request.policy.required_level {
        for signature in &mut signatures {
            acceptance::require_level(required, signature);
        }
    }
    let assessment = required::assess(&signatures, &request.policy.document_kinds, request.time);
    let content = ContentDescription {
        reference: assessment.reference,
        references_differ: assessment.references_differ,
        ..content
    };
    let requirement = assessment.requirement;
    Validation { verdict: required::overall(&signatures, &requirement), signatures, content, requirement }
}

/// The SHA-256 given in place of the content is the one that was signed.
fn matches_sha256(signature: &SignatureValidation) -> bool {
    let by_sha256 = signature.algorithm.as_ref().is_ok_and(|algorithm| algorithm.digest() == DigestAlgorithm::Sha256);
    by_sha256 && signature.format.is_ok() && matches!(signature.digest, Some(Ok(_)))
}
