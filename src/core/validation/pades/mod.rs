//! Signatures in PDF (EN 319 142-1; ISO 32000-2 §12.8): each by the blocks for CMS, over exactly the octets that it covers, with the
//! evidence in the security store, and document time-stamps as proofs of what is before them.
//!
//! A signature passes only if nothing can be added to what it covers: its dictionary leaves out `Contents` and nothing else, and it ends
//! where a revision does. What later revisions do is judged in `revision.rs`.

pub mod cause;
pub mod contents;
pub mod digests;
pub mod in_pdf;
mod profile;
mod revision;
mod stamps;

use std::ops::Range;
use std::sync::Arc;

pub use cause::{PdfCause, Shadow};
use digests::RangeDigests;
pub use in_pdf::InPdf;
use revision::Revisions;
use stamps::{DocumentStamp, Provable};

use super::basic::{Container, SignatureValidation};
use super::content::{Content, DigestedBytes, SignedContent};
use super::embedded::{Encodings, Together};
use super::format::FormatFault;
use super::stamps::{self as message_stamps, Stamp, Stamps, Token};
use super::{Around, ContentDescription, Validation, ValidationRequest, conclude, judge_signers};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::SignedData;
use crate::core::memory::Memory;
use crate::core::pdf::associated::{self, EmbeddedFile};
use crate::core::pdf::changes::Addition;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::security_store::{self, Item};
use crate::core::pdf::signature::{self, ByteRange, SignatureDictionary, SignatureFault, SignatureField, SubFilter};
use crate::core::pdf::survey::{Survey, survey};
use crate::core::pdf::{self, page, text};
use crate::core::policy::ShadowContent;
use crate::core::time::Time;
use crate::core::verdict::{Cause, Failure, Verdict};

/// Judges the signatures of a PDF.
pub fn validate(request: &ValidationRequest<'_>) -> Validation {
    let own = Memory::of_one_validation();
    let request =
        &ValidationRequest { memory: if request.memory.is_none() { &own } else { request.memory }, ..*request };
    let read = Signed::read(request.document);
    let digests = RangeDigests::new(request.document, read.as_ref().map(Signed::ranges).unwrap_or_default());
    let files = read.as_ref().ok().and_then(Signed::files);
    let signatures = read.map(|signed| signed.judge(request, &digests));
    let description = ContentDescription {
        files,
        sha256: Some(digests.whole(DigestAlgorithm::Sha256)),
        media_type: Some("application/pdf"),
        ..ContentDescription::default()
    };
    match signatures {
        Ok(signatures) => conclude(request, signatures, description),
        Err(cause) => {
            let validation = conclude(request, Vec::new(), description);
            Validation { verdict: Verdict::Indeterminate(cause), ..validation }
        }
    }
}

/// A PDF with fields that are signed.
struct Signed<'a> {
    document: Document<'a>,
    /// In the order in which they were signed; those that cannot be, last.
    fields: Vec<SignatureField>,
    survey: Survey,
    /// Why they cannot be told.
    pages: Option<PdfFault>,
    items: Vec<Item>,
}

/// A signature that can be judged, or a document time-stamp.
struct Part {
    /// Its field's place, and its range's.
    field: usize,
    index: usize,
    sub_filter: SubFilter,
    contents: Range<usize>,
    range: ByteRange,
    /// Of its message.
    der: Option<Vec<u8>>,
}

impl<'a> Signed<'a> {
    fn read(octets: &'a [u8]) -> Result<Self, Cause> {
        let document = Document::read(octets);
        let fields = document.as_ref().map_err(Clone::clone).and_then(signature::fields);
        if fields.as_ref().map_or(true, Vec::is_empty) && !pdf::contains_byte_range(octets) {
            return Err(Cause::NoSignature);
        }
        let (document, mut fields) = (document?, fields?);
        if fields.is_empty() {
            return Err(Cause::Pdf(PdfCause::Unlisted));
        }
        fields
            .sort_by_key(|field| field.dictionary.as_ref().map_or(usize::MAX, |dictionary| dictionary.byte_range.end));
        let survey = survey(&document)?;
        let items = security_store::read(&document)?;
        // Which pages there are must be the same to everybody.
        let pages = page::pages(&document).err();
        Ok(Self { document, fields, survey, pages, items })
    }

    /// What is embedded, by an allowance of its own.
    fn files(&self) -> Option<Vec<EmbeddedFile>> {
        let document = self.document.up_to(self.document.octets().len())?;
        associated::embedded(&document).ok()
    }

    fn ranges(&self) -> Vec<ByteRange> {
        self.readable().map(|(_, dictionary)| dictionary.byte_range).collect()
    }

    fn readable(&self) -> impl Iterator<Item = (usize, &SignatureDictionary)> {
        let fields = self.fields.iter().enumerate();
        fields.filter_map(|(place, field)| Some((place, field.dictionary.as_ref().ok()?)))
    }

    fn parts(&self) -> Vec<Part> {
        let readable = self.readable().enumerate();
        readable
            .map(|(index, (field, dictionary))| {
                let contents = dictionary.contents.clone();
                let digits = &self.document.octets()[contents.start + 1..contents.end - 1];
                let (sub_filter, range) = (dictionary.sub_filter, dictionary.byte_range);
                Part { field, index, sub_filter, contents, range, der: contents::message(digits) }
            })
            .collect()
    }

    /// Judges each signature; `digests` of [`Self::ranges`].
    fn judge(&self, request: &ValidationRequest<'_>, digests: &RangeDigests<'_>) -> Vec<SignatureValidation> {
        let parts = self.parts();
        let (stamps, signatures): (Vec<&Part>, Vec<&Part>) =
            parts.iter().partition(|part| part.sub_filter == SubFilter::TimeStamp);
        let messages: Vec<Option<SignedData<'_>>> = signatures.iter().map(|part| message(part)).collect();
        let is_whole = is_what_was_given(request, digests);
        let content = |part: &&Part| match is_whole {
            true => SignedContent::Bytes(DigestedBytes::of_pdf(digests, part.index)),
            false => SignedContent::Conflict,
        };
        let contents: Vec<SignedContent<'_>> = signatures.iter().map(content).collect();
        let tokens: Vec<Vec<Token<'_>>> =
            messages.iter().map(|message| message.as_ref().map(message_stamps::find).unwrap_or_default()).collect();
        let on_messages: Vec<Option<Stamps<'_>>> = messages
            .iter()
            .zip(contents.iter().zip(&tokens))
            .map(|(message, (content, tokens))| message.as_ref().map(|message| Stamps::read(message, content, tokens)))
            .collect();
        let stamps: Vec<DocumentStamp<'_>> = stamps
            .iter()
            .map(|part| {
                let stamp = Stamp::of_document(part.der.as_deref().unwrap_or_default());
                DocumentStamp { stamp, range: part.range, index: part.index }
            })
            .collect();
        let mut encodings = stamps::encodings(self.items.iter());
        messages.iter().flatten().for_each(|message| encodings.extend(Encodings::of(message)));
        let own = Together::new(request, &encodings);
        on_messages.iter().flatten().for_each(|on_message| encodings.extend(on_message.encodings()));
        stamps.iter().for_each(|stamp| encodings.extend(stamp.stamp.encodings()));
        let together = Together::new(request, &encodings);
        let spans = signatures.iter().map(|part| part.contents.clone()).zip(&on_messages);
        let provable = Provable {
            messages: spans.filter_map(|(span, on_message)| Some((span, on_message.as_ref()?))).collect(),
            items: &self.items,
        };
        let judged = stamps::judge(request, stamps, digests, &provable, &together);
        let mut validations: Vec<Option<SignatureValidation>> = self.fields.iter().map(|_| None).collect();
        for (part, ((message, content), on_message)) in
            signatures.iter().zip(messages.iter().zip(&contents).zip(&on_messages))
        {
            let field = &self.fields[part.field];
            let (Some(message), Some(on_message)) = (message, on_message) else {
                validations[part.field] = Some(SignatureValidation::unreadable(FormatFault::PdfMessage));
                continue;
            };
            let outer = judged.around(&part.contents, part.range);
            let in_pdf = Some(as_what(field, part.sub_filter));
            let around = Around { own: &own, together: &together, outer: &outer, in_pdf };
            let mut judged = judge_signers(request, message, content, on_message, around);
            let mut signature = judged.pop();
            if let Some(signature) = &mut signature
                && !matches!(signature.verdict, Verdict::TotalFailed(_))
                && let Err(fault) = profile::check(message, signature.signer.as_ref().ok().map(Arc::as_ref))
            {
                signature.verdict = Verdict::TotalFailed(Failure::Format(fault));
            }
            validations[part.field] = signature;
        }
        let broken_stamps = judged.broken();
        let revisions = Revisions::new(&self.document, &self.fields, request.policy.pdf.form_filling);
        let refuses_shadows = request.policy.pdf.shadow_content == ShadowContent::Undetermined;
        // The newest first: what an older one allows depends on them.
        let mut is_broken_since = false;
        let mut finished = Vec::new();
        for (place, validation) in validations.into_iter().enumerate().rev() {
            let end = self.fields[place].dictionary.as_ref().ok().map(|dictionary| dictionary.byte_range.end);
            let is_stamp_broken = end.is_none_or(|end| broken_stamps.iter().any(|broken| *broken > end));
            let Some(mut signature) = self.finished(place, validation, &revisions, refuses_shadows) else { continue };
            if is_broken_since || is_stamp_broken {
                worsen(&mut signature, PdfCause::BrokenAddition);
            }
            is_broken_since |= match &signature.verdict {
                Verdict::TotalFailed(failure) => failure.is_of_integrity(),
                Verdict::Indeterminate(cause) => *cause == Cause::UnsupportedFormat,
                Verdict::TotalPassed(_) => false,
            };
            if matches!(signature.verdict, Verdict::TotalPassed(_)) {
                revisions.passed(place);
            }
            finished.push(signature);
        }
        // Only a certification that passes lets somebody fill in fields.
        if !finished.last().is_some_and(|first| matches!(first.verdict, Verdict::TotalPassed(_))) {
            for signature in &mut finished {
                let additions = signature.in_pdf.as_ref().map(|in_pdf| in_pdf.additions.as_slice());
                if additions.is_some_and(|additions| additions.contains(&Addition::FormFilled)) {
                    worsen(signature, PdfCause::VisibleAddition);
                }
            }
        }
        finished.reverse();
        finished
    }

    /// With what the document says of it beside its message; `None`: it is a document time-stamp.
    fn finished(
        &self,
        place: usize,
        judged: Option<SignatureValidation>,
        revisions: &Revisions<'_, '_>,
        refuses_shadows: bool,
    ) -> Option<SignatureValidation> {
        let field = &self.fields[place];
        let mut signature = match (judged, &field.dictionary) {
            (Some(judged), _) => judged,
            (None, Ok(_)) => return None,
            (None, Err(fault)) => {
                let mut signature = SignatureValidation::unreadable(FormatFault::Pdf(*fault));
                if *fault == SignatureFault::SubFilter {
                    signature.verdict = Verdict::Indeterminate(Cause::UnsupportedFormat);
                }
                signature
            }
        };
        let mut in_pdf = InPdf::new(&self.document, field);
        revisions.judge(place, &mut signature, &mut in_pdf);
        in_pdf.shadows = Shadow::of(self.survey);
        let stands_in_the_way = if let Some(fault) = &self.pages {
            Some(PdfCause::Unreadable(fault.clone()))
        } else if self.survey.is_active {
            Some(PdfCause::ActiveContent)
        } else {
            in_pdf.shadows.first().filter(|_| refuses_shadows).map(|shadow| PdfCause::Shadow(*shadow))
        };
        if let Some(cause) = stands_in_the_way {
            worsen(&mut signature, cause);
        }
        signature.in_pdf = Some(Box::new(in_pdf));
        Some(signature)
    }
}

/// What was given beside a PDF can only be the PDF: its signatures are about nothing else.
fn is_what_was_given(request: &ValidationRequest<'_>, digests: &RangeDigests<'_>) -> bool {
    match request.content {
        Content::None => true,
        Content::Bytes(bytes) => bytes == request.document,
        Content::Digests(given) => given.iter().all(|(algorithm, value)| digests.whole(*algorithm) == *value),
    }
}

/// Takes its pass.
fn worsen(signature: &mut SignatureValidation, cause: PdfCause) {
    if matches!(signature.verdict, Verdict::TotalPassed(_)) {
        signature.verdict = Verdict::Indeterminate(Cause::Pdf(cause));
    }
}

/// The one message of one signer over what is not in it.
fn message(part: &Part) -> Option<SignedData<'_>> {
    let decoded = SignedData::decode(part.der.as_deref()?).ok()?;
    Some(decoded).filter(|decoded| decoded.content.is_none() && decoded.signer_infos.len() == 1)
}

/// As what a signature is judged, and the time that its dictionary says.
fn as_what(field: &SignatureField, sub_filter: SubFilter) -> (Container, Option<Time>) {
    let claimed = field.dictionary.as_ref().ok().and_then(|dictionary| dictionary.claimed_time.as_deref());
    let container = if sub_filter == SubFilter::Cades { Container::Pades } else { Container::PdfPkcs7 };
    (container, claimed.and_then(text::date))
}
