//! Each check of a signature with its clause of EN 319 102-1, its result, and a code that says why.

use std::sync::LazyLock;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{pdf, time_check};
use crate::core::algorithm::SignatureAlgorithm;
use crate::core::path::{PathFault, PathOutcome};
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::validation::SignatureValidation;
use crate::core::validation::acceptance::AcceptanceFault;
use crate::core::validation::cryptographic::DigestFault;
use crate::core::verdict::{Cause, Failure, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    Passed,
    Failed,
    Indeterminate,
    /// Does not change the verdict.
    Warning,
    Skipped,
}

/// What a check can say that no verdict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    Passed,
    /// What the check needs is missing, so that there is nothing to judge.
    NotJudged,
    SignedAttributesReordered,
    /// Switched off by the caller.
    RevocationNotChecked,
    RsaPaddingNotPss,
    /// The dictionary of a signature in a PDF names another type.
    PdfOtherType,
    /// A file embedded in a PDF cannot be read, or is too long to be.
    PdfFileUnreadable,
    /// It has another length or checksum than the PDF says.
    PdfFileDiffers,
    /// It is said to be FHIR and is no Bundle.
    PdfFileNoBundle,
}

impl Remark {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotJudged => "not-judged",
            Self::SignedAttributesReordered => "signed-attributes-reordered",
            Self::RevocationNotChecked => "revocation-not-checked",
            Self::RsaPaddingNotPss => "rsa-padding-not-pss",
            Self::PdfOtherType => "pdf-signature-type",
            Self::PdfFileUnreadable => "pdf-file-unreadable",
            Self::PdfFileDiffers => "pdf-file-differs",
            Self::PdfFileNoBundle => "pdf-file-no-bundle",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Passed => [Self::Passed],
            Self::NotJudged => [Self::NotJudged],
            Self::SignedAttributesReordered => [Self::SignedAttributesReordered],
            Self::RevocationNotChecked => [Self::RevocationNotChecked],
            Self::RsaPaddingNotPss => [Self::RsaPaddingNotPss],
            Self::PdfOtherType => [Self::PdfOtherType],
            Self::PdfFileUnreadable => [Self::PdfFileUnreadable],
            Self::PdfFileDiffers => [Self::PdfFileDiffers],
            Self::PdfFileNoBundle => [Self::PdfFileNoBundle],
        })
    }
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Format,
    AttributeOrder,
    SigningCertificate,
    SigningCertificateReference,
    CertificationPath,
    Revocation,
    MessageDigest,
    SignatureValue,
    Acceptance,
    ContentTimestamp,
    BestSignatureTime,
    PastValidation,
    PdfDictionary,
    PdfChanges,
    PdfContent,
    RsaPadding,
}

impl Step {
    pub const ALL: [Self; 16] = [
        Self::Format,
        Self::AttributeOrder,
        Self::SigningCertificate,
        Self::SigningCertificateReference,
        Self::CertificationPath,
        Self::Revocation,
        Self::MessageDigest,
        Self::SignatureValue,
        Self::Acceptance,
        Self::ContentTimestamp,
        Self::BestSignatureTime,
        Self::PastValidation,
        Self::PdfDictionary,
        Self::PdfChanges,
        Self::PdfContent,
        Self::RsaPadding,
    ];

    /// Of EN 319 102-1, unless it says something else.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::Format | Self::AttributeOrder => "5.2.2",
            Self::SigningCertificate | Self::SigningCertificateReference => "5.2.3",
            Self::CertificationPath | Self::Revocation => "5.2.6",
            Self::MessageDigest | Self::SignatureValue => "5.2.7",
            Self::Acceptance => "5.2.8",
            Self::ContentTimestamp => "5.3.4",
            Self::BestSignatureTime => "5.5.4",
            Self::PastValidation => "5.6.2.4",
            Self::PdfDictionary => "ISO 32000-2 12.8.1",
            Self::PdfChanges => "ISO 32000-2 12.8.2.2",
            Self::PdfContent => "EN 319 142-1 5.1",
            Self::RsaPadding => "Circular 15/2025",
        }
    }

    /// Stable name of the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::AttributeOrder => "attribute-order",
            Self::SigningCertificate => "signing-certificate",
            Self::SigningCertificateReference => "signing-certificate-reference",
            Self::CertificationPath => "certification-path",
            Self::Revocation => "revocation",
            Self::MessageDigest => "message-digest",
            Self::SignatureValue => "signature-value",
            Self::Acceptance => "acceptance",
            Self::ContentTimestamp => "content-time-stamp",
            Self::BestSignatureTime => "best-signature-time",
            Self::PastValidation => "past-validation",
            Self::PdfDictionary => "pdf-dictionary",
            Self::PdfChanges => "pdf-changes",
            Self::PdfContent => "pdf-content",
            Self::RsaPadding => "rsa-padding",
        }
    }
}

/// One line of the explanation; in JSON `{clause, name, result, code, detail}`.
#[derive(Clone, Debug)]
pub struct Check {
    pub step: Step,
    pub result: CheckResult,
    pub code: &'static str,
    /// Operands in words, such as the certificate and the date of a revocation.
    pub detail: Option<String>,
}

impl Check {
    pub(super) const fn new(step: Step, result: CheckResult, code: &'static str) -> Self {
        Self { step, result, code, detail: None }
    }

    pub(super) const fn passed(step: Step) -> Self {
        Self::new(step, CheckResult::Passed, Remark::Passed.code())
    }

    fn rendered(&self) -> Box<RawValue> {
        #[derive(Serialize)]
        struct CheckFields<'a> {
            clause: &'a str,
            name: &'a str,
            result: CheckResult,
            code: &'a str,
            detail: Option<&'a str>,
        }
        to_raw_value(&CheckFields {
            clause: self.step.clause(),
            name: self.step.name(),
            result: self.result,
            code: self.code,
            detail: self.detail.as_deref(),
        })
        .expect("texts have a JSON form")
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// What passed says the same in every answer: rendered once, in the order of [`Step::ALL`].
        static PASSED: LazyLock<Vec<Box<RawValue>>> =
            LazyLock::new(|| Step::ALL.map(|step| Check::passed(step).rendered()).into());
        match (self.result, &self.detail) {
            (CheckResult::Passed, None) if self.code == Remark::Passed.code() => {
                PASSED[self.step as usize].serialize(serializer)
            }
            _ => self.rendered().serialize(serializer),
        }
    }
}

/// The checks of one signature in the order of the standard.
pub fn checks(signature: &SignatureValidation, policy: &Policy, revocation: RevocationMode, time: Time) -> Vec<Check> {
    use CheckResult::{Failed, Indeterminate, Skipped, Warning};
    let mut checks = Vec::with_capacity(Step::ALL.len());
    checks.push(match &signature.format {
        Ok(_) => Check::passed(Step::Format),
        Err(fault) => Check::new(Step::Format, Failed, fault.code()),
    });
    if signature.reordered {
        checks.push(Check::new(Step::AttributeOrder, Warning, Remark::SignedAttributesReordered.code()));
    }
    checks.push(match &signature.signer {
        Ok(_) => Check::passed(Step::SigningCertificate),
        Err(fault) => Check::new(Step::SigningCertificate, Indeterminate, fault.code()),
    });
    if signature.signer.is_ok() && !signature.references_certificate && !policy.require_signing_certificate {
        let code = AcceptanceFault::SigningCertificateMissing.code();
        checks.push(Check::new(Step::SigningCertificateReference, Warning, code));
    }
    certificate_checks(signature, revocation, &mut checks);
    checks.push(match &signature.digest {
        Some(Ok(_)) => Check::passed(Step::MessageDigest),
        Some(Err(fault)) => {
            let (result, detail) = match fault {
                DigestFault::Mismatch | DigestFault::ContentDiffers => (Failed, None),
                DigestFault::ContentMissing => (Indeterminate, None),
                DigestFault::DigestNotGiven(algorithm) => (Indeterminate, Some(algorithm.to_string())),
            };
            let code = Verdict::from(fault.clone()).code();
            Check { detail, ..Check::new(Step::MessageDigest, result, code) }
        }
        None => Check::new(Step::MessageDigest, Skipped, Remark::NotJudged.code()),
    });
    checks.push(match (&signature.signature, &signature.algorithm) {
        (Some(Ok(_)), _) => Check::passed(Step::SignatureValue),
        (Some(Err(fault)), _) => {
            let code = Verdict::TotalFailed(Failure::Signature(*fault)).code();
            Check::new(Step::SignatureValue, Failed, code)
        }
        (None, Err(unknown)) => Check {
            detail: Some(unknown.0.clone()),
            ..Check::new(
                Step::SignatureValue,
                Indeterminate,
                Verdict::Indeterminate(Cause::UnknownAlgorithm(unknown.clone())).code(),
            )
        },
        (None, Ok(_)) => Check::new(Step::SignatureValue, Skipped, Remark::NotJudged.code()),
    });
    checks.push(match &signature.acceptance {
        Some(Ok(_)) => Check::passed(Step::Acceptance),
        Some(Err(fault)) => Check::new(Step::Acceptance, Indeterminate, fault.code()),
        None => Check::new(Step::Acceptance, Skipped, Remark::NotJudged.code()),
    });
    time_check::add(signature, time, &mut checks);
    pdf::add(signature, &mut checks);
    if policy.report_padding_conformity {
        checks.extend(padding_check(signature));
    }
    checks
}

/// Path and revocation, each its line.
fn certificate_checks(signature: &SignatureValidation, revocation: RevocationMode, checks: &mut Vec<Check>) {
    use CheckResult::{Indeterminate, Skipped, Warning};
    let (path, status) = match &signature.path {
        None => (Check::new(Step::CertificationPath, Skipped, Remark::NotJudged.code()), None),
        Some(PathOutcome::Valid(path)) => {
            let below_anchor = path.certificates().iter().filter(|certificate| *certificate != path.anchor()).count();
            let status = match revocation {
                RevocationMode::Off => Check::new(Step::Revocation, Warning, Remark::RevocationNotChecked.code()),
                _ if path.revocation().len() == below_anchor => Check::passed(Step::Revocation),
                _ => Check::new(Step::Revocation, Warning, PathFault::RevocationUnknown(0).code()),
            };
            (Check::passed(Step::CertificationPath), Some(status))
        }
        Some(PathOutcome::Invalid { fault, .. }) => {
            let detail = fault_detail(signature, fault);
            let about_revocation = matches!(
                fault,
                PathFault::Revoked { .. }
                    | PathFault::OnHold { .. }
                    | PathFault::RevocationStale { .. }
                    | PathFault::RevocationUnclear(_)
                    | PathFault::RevocationUnknown(_)
            );
            if about_revocation {
                let status = Check { detail, ..Check::new(Step::Revocation, Indeterminate, fault.code()) };
                (Check::passed(Step::CertificationPath), Some(status))
            } else {
                let path = Check { detail, ..Check::new(Step::CertificationPath, Indeterminate, fault.code()) };
                (path, None)
            }
        }
    };
    checks.push(path);
    checks.extend(status);
}

/// The certificate concerned, with what else the fault carries.
pub(super) fn fault_detail(signature: &SignatureValidation, fault: &PathFault) -> Option<String> {
    let Some(PathOutcome::Invalid { rejected, .. }) = &signature.path else { return None };
    let telling = rejected.iter().find(|rejected| rejected.fault == *fault);
    let certificate = telling.zip(fault.position()).and_then(|(path, position)| path.with_anchor().nth(position));
    let subject = certificate.map(|certificate| certificate.subject.to_string());
    let operand = match fault {
        PathFault::Revoked { date, reason, .. } => Some(format!("{date}, {}", reason.name())),
        PathFault::OnHold { date, .. } => Some(date.to_string()),
        PathFault::RevocationStale { ended: Some(ended), .. } => Some(ended.to_string()),
        PathFault::UnknownAlgorithm(_, identifier) | PathFault::ExtensionNotUnderstood(_, identifier) => {
            Some(identifier.clone())
        }
        PathFault::BudgetSpent(budget) => Some(budget.name().to_owned()),
        PathFault::Expired { .. } => certificate.map(|certificate| certificate.not_after.to_string()),
        PathFault::NotYetValid { .. } => certificate.map(|certificate| certificate.not_before.to_string()),
        PathFault::IssuerNotFound(_) => certificate.map(|certificate| format!("issuer {}", certificate.issuer)),
        _ => None,
    };
    match (subject, operand) {
        (Some(subject), Some(operand)) => Some(format!("{subject}: {operand}")),
        (subject, operand) => subject.or(operand),
    }
}

/// Circular 15/2025 names RSASSA-PSS; PKCS #1 v1.5 is what most documents in the field have.
fn padding_check(signature: &SignatureValidation) -> Option<Check> {
    match signature.algorithm.as_ref().ok()? {
        SignatureAlgorithm::RsaPss(_) => Some(Check::passed(Step::RsaPadding)),
        SignatureAlgorithm::RsaPkcs1(_) => {
            Some(Check::new(Step::RsaPadding, CheckResult::Warning, Remark::RsaPaddingNotPss.code()))
        }
        SignatureAlgorithm::Ecdsa(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passed_check_is_rendered_as_its_own_step() {
        for step in Step::ALL {
            let passed = Check::passed(step);
            let other = Check { code: Remark::NotJudged.code(), ..passed.clone() };
            for check in [passed, other] {
                let rendered = serde_json::to_value(&check).expect("JSON");
                assert_eq!(rendered["clause"], step.clause());
                assert_eq!(rendered["name"], step.name());
                assert_eq!((&rendered["result"], &rendered["code"]), (&"passed".into(), &check.code.into()));
                assert!(rendered["detail"].is_null());
            }
        }
    }
}
