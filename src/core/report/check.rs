//! Each check of a signature with its clause of EN 319 102-1, its result, and a code that says why.

use serde::Serialize;

use crate::core::algorithm::SignatureAlgorithm;
use crate::core::path::{PathFault, PathOutcome};
use crate::core::policy::{Policy, RevocationMode};
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
        })
    }
}

/// One line of the explanation.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub clause: &'static str,
    pub name: &'static str,
    pub result: CheckResult,
    pub code: &'static str,
    /// Operands in words, such as the certificate and the date of a revocation.
    pub detail: Option<String>,
}

impl Check {
    const fn new(clause: &'static str, name: &'static str, result: CheckResult, code: &'static str) -> Self {
        Self { clause, name, result, code, detail: None }
    }

    const fn passed(clause: &'static str, name: &'static str) -> Self {
        Self::new(clause, name, CheckResult::Passed, Remark::Passed.code())
    }
}

/// The checks of one signature in the order of the standard.
pub fn checks(signature: &SignatureValidation, policy: &Policy, revocation: RevocationMode) -> Vec<Check> {
    use CheckResult::{Failed, Indeterminate, Skipped, Warning};
    let mut checks = Vec::with_capacity(10);
    checks.push(match &signature.format {
        Ok(_) => Check::passed("5.2.2", "format"),
        Err(fault) => Check::new("5.2.2", "format", Failed, fault.code()),
    });
    if signature.reordered {
        checks.push(Check::new("5.2.2", "attribute-order", Warning, Remark::SignedAttributesReordered.code()));
    }
    checks.push(match &signature.signer {
        Ok(_) => Check::passed("5.2.3", "signing-certificate"),
        Err(fault) => Check::new("5.2.3", "signing-certificate", Indeterminate, fault.code()),
    });
    if signature.signer.is_ok() && !signature.references_certificate && !policy.require_signing_certificate {
        let code = AcceptanceFault::SigningCertificateMissing.code();
        checks.push(Check::new("5.2.3", "signing-certificate-reference", Warning, code));
    }
    certificate_checks(signature, revocation, &mut checks);
    checks.push(match &signature.digest {
        Some(Ok(_)) => Check::passed("5.2.7", "message-digest"),
        Some(Err(fault)) => {
            let (result, detail) = match fault {
                DigestFault::Mismatch | DigestFault::ContentDiffers => (Failed, None),
                DigestFault::ContentMissing => (Indeterminate, None),
                DigestFault::DigestNotGiven(algorithm) => (Indeterminate, Some(algorithm.to_string())),
            };
            let code = Verdict::from(fault.clone()).code();
            Check { detail, ..Check::new("5.2.7", "message-digest", result, code) }
        }
        None => Check::new("5.2.7", "message-digest", Skipped, Remark::NotJudged.code()),
    });
    checks.push(match (&signature.signature, &signature.algorithm) {
        (Some(Ok(_)), _) => Check::passed("5.2.7", "signature-value"),
        (Some(Err(fault)), _) => {
            let code = Verdict::TotalFailed(Failure::Signature(*fault)).code();
            Check::new("5.2.7", "signature-value", Failed, code)
        }
        (None, Err(unknown)) => Check {
            detail: Some(unknown.0.clone()),
            ..Check::new(
                "5.2.7",
                "signature-value",
                Indeterminate,
                Verdict::Indeterminate(Cause::UnknownAlgorithm(unknown.clone())).code(),
            )
        },
        (None, Ok(_)) => Check::new("5.2.7", "signature-value", Skipped, Remark::NotJudged.code()),
    });
    checks.push(match &signature.acceptance {
        Some(Ok(_)) => Check::passed("5.2.8", "acceptance"),
        Some(Err(fault)) => Check::new("5.2.8", "acceptance", Indeterminate, fault.code()),
        None => Check::new("5.2.8", "acceptance", Skipped, Remark::NotJudged.code()),
    });
    if policy.report_padding_conformity {
        checks.extend(padding_check(signature));
    }
    checks
}

/// Path and revocation, each its line.
fn certificate_checks(signature: &SignatureValidation, revocation: RevocationMode, checks: &mut Vec<Check>) {
    use CheckResult::{Indeterminate, Skipped, Warning};
    const CLAUSE: &str = "5.2.6";
    let (path, status) = match &signature.path {
        None => (Check::new(CLAUSE, "certification-path", Skipped, Remark::NotJudged.code()), None),
        Some(PathOutcome::Valid(path)) => {
            let below_anchor = path.certificates().iter().filter(|certificate| *certificate != path.anchor()).count();
            let status = match revocation {
                RevocationMode::Off => Check::new(CLAUSE, "revocation", Warning, Remark::RevocationNotChecked.code()),
                _ if path.revocation().len() == below_anchor => Check::passed(CLAUSE, "revocation"),
                _ => Check::new(CLAUSE, "revocation", Warning, PathFault::RevocationUnknown(0).code()),
            };
            (Check::passed(CLAUSE, "certification-path"), Some(status))
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
                let status = Check { detail, ..Check::new(CLAUSE, "revocation", Indeterminate, fault.code()) };
                (Check::passed(CLAUSE, "certification-path"), Some(status))
            } else {
                let path = Check { detail, ..Check::new(CLAUSE, "certification-path", Indeterminate, fault.code()) };
                (path, None)
            }
        }
    };
    checks.push(path);
    checks.extend(status);
}

/// The certificate concerned, with what else the fault carries.
fn fault_detail(signature: &SignatureValidation, fault: &PathFault) -> Option<String> {
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
        PathFault::Expired(_) => certificate.map(|certificate| certificate.not_after.to_string()),
        PathFault::NotYetValid(_) => certificate.map(|certificate| certificate.not_before.to_string()),
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
        SignatureAlgorithm::RsaPss(_) => Some(Check::passed("Circular 15/2025", "rsa-padding")),
        SignatureAlgorithm::RsaPkcs1(_) => {
            Some(Check::new("Circular 15/2025", "rsa-padding", CheckResult::Warning, Remark::RsaPaddingNotPss.code()))
        }
        SignatureAlgorithm::Ecdsa(_) => None,
    }
}
