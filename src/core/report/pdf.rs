//! The part of the answer about a signature in a PDF: its field, what it covers, and what came after it.

use serde::Serialize;

use super::check::{Check, CheckResult, Remark, Step};
use crate::core::pdf::associated::EmbeddedFile;
use crate::core::validation::SignatureValidation;
use crate::core::validation::pades::PdfCause;
use crate::core::verdict::{Cause, Failure, Verdict};

/// `null` for a signature that stands in no PDF.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PdfReport {
    /// Full name of its field.
    pub field: String,
    /// It covers the first so many octets of the file, all but itself; `None`: it does not say.
    pub covers: Option<usize>,
    /// Octets of the file.
    pub size: usize,
    /// As its signer wrote them; nobody checked them.
    pub reason: Option<String>,
    pub location: Option<String>,
    /// What a certification allows: 1 nothing, 2 forms and signatures, 3 annotations too.
    pub certification: Option<u8>,
    /// What was added since, and may be: `validation-data`, `time-stamp`, `signature`, `form-filled`.
    pub additions: Vec<&'static str>,
}

/// A file embedded in a PDF; what signs the PDF signs it too.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    pub name: String,
    /// As the PDF says.
    pub media_type: Option<String>,
    /// `AFRelationship`: `Data`, `Source` or another.
    pub relationship: Option<String>,
    /// It belongs to the whole document.
    pub associated: bool,
    /// In octets, and of its content; `None`: it was not read.
    pub size: Option<usize>,
    pub sha256: Option<String>,
    /// `passed`, or what is wrong with it.
    pub code: &'static str,
}

impl FileReport {
    pub(super) fn of(file: &EmbeddedFile) -> Self {
        let content = file.content.as_ref().ok();
        let is_fhir = file.media_type.as_deref() == Some("application/fhir+json");
        let remark = match content {
            None => Remark::PdfFileUnreadable,
            Some(content) if [content.has_stated_size, content.has_stated_checksum].contains(&Some(false)) => {
                Remark::PdfFileDiffers
            }
            Some(content) if is_fhir && !content.is_bundle => Remark::PdfFileNoBundle,
            Some(_) => Remark::Passed,
        };
        Self {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            relationship: file.relationship.clone(),
            associated: file.is_associated,
            size: content.map(|content| content.size),
            sha256: content.map(|content| hex::encode(content.sha256)),
            code: remark.code(),
        }
    }
}

impl PdfReport {
    pub(super) fn of(signature: &SignatureValidation) -> Option<Self> {
        let in_pdf = signature.in_pdf.as_deref()?;
        Some(Self {
            field: in_pdf.field.clone(),
            covers: in_pdf.covers,
            size: in_pdf.size,
            reason: in_pdf.reason.clone(),
            location: in_pdf.location.clone(),
            certification: in_pdf.certification,
            additions: in_pdf.additions.iter().map(|addition| addition.name()).collect(),
        })
    }
}

/// `full-document`, or the `revision` up to which a signature in a PDF covers it.
pub(super) fn scope(signature: &SignatureValidation) -> &'static str {
    match signature.in_pdf.as_deref() {
        Some(in_pdf) if in_pdf.covers != Some(in_pdf.size) => "revision",
        _ => "full-document",
    }
}

/// What was checked of the PDF beside the message, each its line.
pub(super) fn add(signature: &SignatureValidation, checks: &mut Vec<Check>) {
    use CheckResult::{Failed, Indeterminate, Warning};
    let Some(in_pdf) = signature.in_pdf.as_deref() else { return };
    if in_pdf.has_other_type {
        checks.push(Check::new(Step::PdfDictionary, Warning, Remark::PdfOtherType.code()));
    }
    let code = signature.verdict.code();
    checks.push(match &signature.verdict {
        Verdict::TotalFailed(Failure::PdfChanged(forbidden)) => {
            Check { detail: Some(forbidden.place.clone()), ..Check::new(Step::PdfChanges, Failed, code) }
        }
        Verdict::Indeterminate(Cause::Pdf(PdfCause::Unreadable(fault))) => {
            Check { detail: Some(fault.to_string()), ..Check::new(Step::PdfChanges, Indeterminate, code) }
        }
        Verdict::Indeterminate(Cause::Pdf(PdfCause::VisibleAddition | PdfCause::BrokenAddition)) => {
            Check::new(Step::PdfChanges, Indeterminate, code)
        }
        Verdict::TotalFailed(_) => Check::new(Step::PdfChanges, CheckResult::Skipped, Remark::NotJudged.code()),
        _ => Check::passed(Step::PdfChanges),
    });
    if matches!(signature.verdict, Verdict::Indeterminate(Cause::Pdf(PdfCause::ActiveContent))) {
        checks.push(Check::new(Step::PdfContent, Indeterminate, code));
    }
    for shadow in &in_pdf.shadows {
        let decides = code == shadow.code();
        let result = if decides { Indeterminate } else { Warning };
        checks.push(Check::new(Step::PdfContent, result, shadow.code()));
    }
}
