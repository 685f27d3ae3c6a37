//! What later revisions did to a PDF that was signed (ISO 32000-2 §12.8.2; EN 319 142-1 §5.4).

use super::{InPdf, PdfCause};
use crate::core::pdf::changes::{self, Forbidden};
use crate::core::pdf::document::Document;
use crate::core::pdf::signature::{self, SignatureDictionary, SignatureFault, SignatureField};
use crate::core::validation::basic::SignatureValidation;
use crate::core::validation::format::FormatFault;
use crate::core::verdict::{Cause, Failure, Verdict};

/// Takes what they did into the judgement of the signature: it can only become worse.
pub fn judge(
    document: &Document<'_>,
    field: &SignatureField,
    dictionary: &SignatureDictionary,
    signature: &mut SignatureValidation,
    in_pdf: &mut InPdf,
) {
    let end = dictionary.byte_range.end;
    if end == document.octets().len() || matches!(signature.verdict, Verdict::TotalFailed(_)) {
        return;
    }
    let Ok(signed) = Document::read(&document.octets()[..end]) else {
        signature.verdict = Verdict::TotalFailed(Failure::Format(FormatFault::Pdf(SignatureFault::End)));
        return;
    };
    let failed = |forbidden| Verdict::TotalFailed(Failure::PdfChanged(forbidden));
    let is_it = |own: &SignatureField| {
        own.name == field.name
            && own.value == field.value
            && own.dictionary.as_ref().is_ok_and(|own| own.contents == dictionary.contents)
    };
    let was_there = signature::fields(&signed).is_ok_and(|fields| fields.iter().any(is_it));
    match changes::since(&signed, document) {
        _ if !was_there => signature.verdict = failed(Forbidden::Structure),
        Ok(Ok(additions)) => in_pdf.additions = additions,
        Ok(Err(Forbidden::Visible)) => {
            if matches!(signature.verdict, Verdict::TotalPassed(_)) {
                signature.verdict = Verdict::Indeterminate(Cause::Pdf(PdfCause::LaterRevision));
            }
        }
        Ok(Err(forbidden)) => signature.verdict = failed(forbidden),
        Err(fault) => signature.verdict = Verdict::Indeterminate(fault.into()),
    }
}
