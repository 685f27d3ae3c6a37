//! Signatures in PDF (EN 319 142-1; ISO 32000-2 §12.8): each by the blocks for CMS, over exactly the octets that it covers.
//!
//! A signature passes only if nothing can be added to what it covers: its dictionary leaves out `Contents` and nothing else, and the file
//! ends where it does. Of what comes after a signature nothing is judged yet, so that such a signature is undetermined.

use super::basic::{Container, SignatureValidation};
use super::content::{DigestedBytes, SignedContent};
use super::format::FormatFault;
use super::level::Level;
use super::{ContentDescription, Validation, ValidationRequest, conclude, judge_message};
use crate::core::cms::SignedData;
use crate::core::der::ber;
use crate::core::memory::Memory;
use crate::core::pdf::changes::{self, Forbidden};
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::signature::{self, SignatureDictionary, SignatureFault, SignatureField, SubFilter};
use crate::core::pdf::{self, active, text};
use crate::core::verdict::{Cause, Failure, Verdict};

/// What of a PDF stands in the way of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdfCause {
    /// It cannot be read as one document that is the same to everybody.
    Unreadable(PdfFault),
    Encrypted,
    /// It has something like a signature that its form does not list.
    Unlisted,
    /// What it shows can change without its octets.
    ActiveContent,
    /// A signature that can be seen was added after this one: what it shows could hide what was signed.
    LaterRevision,
}

impl PdfCause {
    /// Stable code of the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "pdf-unreadable",
            Self::Encrypted => "pdf-encrypted",
            Self::Unlisted => "pdf-signature-unlisted",
            Self::ActiveContent => "pdf-active-content",
            Self::LaterRevision => "pdf-visible-addition",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Unreadable(_) => [Self::Unreadable(PdfFault { at: 0, kind: PdfFaultKind::End })],
            Self::Encrypted => [Self::Encrypted],
            Self::Unlisted => [Self::Unlisted],
            Self::ActiveContent => [Self::ActiveContent],
            Self::LaterRevision => [Self::LaterRevision],
        })
    }
}

impl From<PdfFault> for Cause {
    fn from(fault: PdfFault) -> Self {
        Self::Pdf(if fault.kind == PdfFaultKind::Encrypted { PdfCause::Encrypted } else { PdfCause::Unreadable(fault) })
    }
}

/// Judges the signatures of a PDF.
pub fn validate(request: &ValidationRequest<'_>) -> Validation {
    let own = Memory::of_one_validation();
    let request =
        &ValidationRequest { memory: if request.memory.is_none() { &own } else { request.memory }, ..*request };
    let description = ContentDescription {
        sha256: SignedContent::Bytes(DigestedBytes::new(request.document)).sha256(),
        media_type: Some("application/pdf"),
        ..ContentDescription::default()
    };
    match signatures(request) {
        Ok(signatures) => conclude(request, signatures, description),
        Err(cause) => {
            let validation = conclude(request, Vec::new(), description);
            Validation { verdict: Verdict::Indeterminate(cause), ..validation }
        }
    }
}

fn signatures(request: &ValidationRequest<'_>) -> Result<Vec<SignatureValidation>, Cause> {
    if !pdf::contains_byte_range(request.document) {
        return Err(Cause::NoSignature);
    }
    let document = Document::read(request.document)?;
    let fields = signature::fields(&document)?;
    if fields.is_empty() {
        return Err(Cause::Pdf(PdfCause::Unlisted));
    }
    let is_active = active::content(&document)?;
    let judged = fields.iter().map(|field| {
        let mut signature = match &field.dictionary {
            Ok(dictionary) => {
                let signature = one(request, dictionary);
                since(&document, field, dictionary, signature)
            }
            Err(fault) => {
                let mut signature = SignatureValidation::unreadable(FormatFault::Pdf(*fault));
                if *fault == SignatureFault::SubFilter {
                    signature.verdict = Verdict::Indeterminate(Cause::UnsupportedFormat);
                }
                signature
            }
        };
        if is_active && matches!(signature.verdict, Verdict::TotalPassed(_)) {
            signature.verdict = Verdict::Indeterminate(Cause::Pdf(PdfCause::ActiveContent));
        }
        signature
    });
    Ok(judged.collect())
}

fn one(request: &ValidationRequest<'_>, dictionary: &SignatureDictionary) -> SignatureValidation {
    let container = match dictionary.sub_filter {
        SubFilter::Cades => Container::Pades,
        SubFilter::Pkcs7 => Container::PdfPkcs7,
        SubFilter::TimeStamp => {
            let mut signature = SignatureValidation::unreadable(FormatFault::Pdf(SignatureFault::SubFilter));
            signature.verdict = Verdict::Indeterminate(Cause::UnsupportedFormat);
            return signature;
        }
    };
    let octets = request.document;
    let digits = &octets[dictionary.contents.start + 1..dictionary.contents.end - 1];
    let Some(message) = hex::decode(digits).ok().and_then(message) else {
        return SignatureValidation::unreadable(FormatFault::PdfMessage);
    };
    let decoded = SignedData::decode(&message).ok();
    let Some(decoded) = decoded.filter(|decoded| decoded.content.is_none() && decoded.signer_infos.len() == 1) else {
        return SignatureValidation::unreadable(FormatFault::PdfMessage);
    };
    let range = dictionary.byte_range;
    let content = DigestedBytes::of_parts(&octets[..range.first], &octets[range.second..range.end]);
    let claimed_time = dictionary.claimed_time.as_deref().and_then(text::date);
    let judged = judge_message(request, &decoded, &SignedContent::Bytes(content), claimed_time).pop();
    let mut signature = judged.unwrap_or_else(|| SignatureValidation::unreadable(FormatFault::PdfMessage));
    signature.container = container;
    // EN 319 142-1 §6.3, table 1: the dictionary says the time, and names no other.
    signature.is_baseline = container == Container::Pades && signature.references_certificate && claimed_time.is_some();
    // Its evidence stands in the document, which is not read yet.
    signature.level = signature.level.filter(|_| signature.is_baseline).map(|level| level.min(Level::Timestamped));
    signature
}

/// What came after the signature, if anything did.
fn since(
    document: &Document<'_>,
    field: &SignatureField,
    dictionary: &SignatureDictionary,
    mut signature: SignatureValidation,
) -> SignatureValidation {
    let end = dictionary.byte_range.end;
    if end == document.octets().len() || matches!(signature.verdict, Verdict::TotalFailed(_)) {
        return signature;
    }
    let Ok(signed) = Document::read(&document.octets()[..end]) else {
        return SignatureValidation::unreadable(FormatFault::Pdf(SignatureFault::End));
    };
    let failed = |forbidden| Verdict::TotalFailed(Failure::PdfChanged(forbidden));
    let is_it = |own: &SignatureField| {
        own.name == field.name
            && own.value == field.value
            && own.dictionary.as_ref().is_ok_and(|own| own.contents == dictionary.contents)
    };
    let was_there = signature::fields(&signed).is_ok_and(|fields| fields.iter().any(is_it));
    let changed = changes::since(&signed, document);
    match changed {
        _ if !was_there => signature.verdict = failed(Forbidden::Structure),
        Ok(Ok(_)) => {}
        Ok(Err(Forbidden::Visible)) => {
            if matches!(signature.verdict, Verdict::TotalPassed(_)) {
                signature.verdict = Verdict::Indeterminate(Cause::Pdf(PdfCause::LaterRevision));
            }
        }
        Ok(Err(forbidden)) => signature.verdict = failed(forbidden),
        Err(fault) => signature.verdict = Verdict::Indeterminate(fault.into()),
    }
    signature
}

/// The DER of the message in front of zeros; `None` if something else follows it.
fn message(contents: Vec<u8>) -> Option<Vec<u8>> {
    let [0x30, length, rest @ ..] = contents.as_slice() else { return None };
    let header = match length {
        0x80 => return indefinite(&contents),
        0x81..=0x84 => usize::from(length - 0x80),
        0..=0x7F => 0,
        _ => return None,
    };
    let length = match header {
        0 => usize::from(*length),
        _ => rest.get(..header)?.iter().fold(0, |value, octet| value << 8 | usize::from(*octet)),
    };
    let end = length.checked_add(2 + header).filter(|end| *end <= contents.len())?;
    let is_padded = contents[end..].iter().all(|octet| *octet == 0);
    let mut message = contents;
    message.truncate(end);
    if SignedData::decode(&message).is_err() {
        message = ber::normalise_content_info(&message).ok()?;
    }
    is_padded.then_some(message)
}

/// A BER message of indefinite length ends with zeros of its own.
fn indefinite(contents: &[u8]) -> Option<Vec<u8>> {
    let end = contents.iter().rposition(|octet| *octet != 0)? + 1;
    let ends = (1..=33).map(|zeros| end + zeros).take_while(|end| *end <= contents.len());
    ends.map(|end| ber::normalise_content_info(&contents[..end])).find_map(Result::ok)
}
