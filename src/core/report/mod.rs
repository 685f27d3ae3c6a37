//! The answer of the verify API and of `antin verify --format json`, in the contract's words (`docs/api.md`).

pub mod check;
pub mod countersignature;
pub mod logged;
pub mod message;
pub mod obstacle;
pub mod pdf;
pub mod signature;
pub mod text;
mod time_check;
pub mod xml;

use serde::Serialize;

use super::policy::{Policy, RevocationMode};
use super::time::Time;
use super::validation::{Requirement, Shortfall, Validation};
use super::verdict::{Indication, Verdict};

pub use check::{Check, CheckResult, Step};
pub use countersignature::CountersignatureReport;
pub use logged::LogReport;
pub use message::{Message, Text};
pub use obstacle::Obstacle;
pub use pdf::{FileReport, PdfReport};
pub use signature::{CertificateFields, CertificateReport, RevocationReport, SignatureReport, TimestampReport};

/// May the document be relied on?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    Accept,
    Reject,
    Undetermined,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
            Self::Undetermined => "UNDETERMINED",
        }
    }
}

/// The whole answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub reliance: Reliance,
    pub verdict: VerdictReport,
    pub validation_time: Time,
    /// The earliest time at which all signatures that decide are proved to have existed; without trusted time-stamps the validation time.
    pub best_signature_time: Option<Time>,
    pub policy: PolicyReport,
    /// `None`: judged by what is held and at hand; a service always is.
    pub evidence: Option<EvidenceReport>,
    pub document: DocumentReport,
    pub signatures: Vec<SignatureReport>,
}

/// The one field to act on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reliance {
    pub outcome: Outcome,
    pub code: &'static str,
    pub message: Text,
    pub remedy: Text,
    /// When the same question may get a better answer, as far as it is known: something was fetched in vain.
    pub retry_at: Option<Time>,
}

/// The verdict of EN 319 102-1 alone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictReport {
    pub indication: &'static str,
    pub sub_indication: Option<&'static str>,
    pub code: &'static str,
}

#[derive(Debug, Serialize)]
pub struct PolicyReport {
    pub id: String,
    pub version: String,
    /// `required`; `if-available` and `off` on the command line only.
    pub revocation: &'static str,
}

/// A file of saved evidence that alone decided: time, policy and trust anchors are its own, and not those of the machine.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceReport {
    /// Of the file.
    pub sha256: String,
    /// SHA-256 of each certificate that it trusts.
    pub trust_anchors: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentReport {
    /// Of the signed content.
    pub sha256: Option<String>,
    pub media_type: Option<&'static str>,
    /// As its signers state it in their signed attributes.
    pub kind: Option<String>,
    pub id: Option<String>,
    /// Files embedded in a PDF; `None`: it is none, or they cannot be listed.
    pub files: Option<Vec<FileReport>>,
    /// `None`: not published or not asked for.
    pub status: Option<StatusReport>,
    /// `None`: nobody asked for its place in an issuance log, or it was not shown.
    pub log: Option<LogReport>,
    /// The last second for which its kind has it good, for the purpose named; `None`: no end is laid down, it is not known, or not asked for.
    pub valid_until: Option<Time>,
    /// Digests were given in place of the content.
    #[serde(skip)]
    pub by_digest: bool,
}

/// The source of a standing that the record of this service has.
pub const REGISTRY: &str = "registry";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    pub state: String,
    /// As of when: now in the record of this service; when a list was signed.
    pub checked_at: Time,
    /// How old it was when the document was judged.
    pub age_seconds: i64,
    /// `registry`: the record of this service; `status-list`: a signed list of its issuer.
    pub source: &'static str,
}

impl StatusReport {
    /// From the record of this service.
    pub fn of_registry(state: &str, now: Time) -> Self {
        Self { state: state.to_owned(), checked_at: now, age_seconds: 0, source: REGISTRY }
    }

    /// From a list signed at `issued_at`.
    pub fn of_list(state: &str, issued_at: Time, now: Time) -> Self {
        let age_seconds = now.seconds_since(issued_at).max(0);
        Self { state: state.to_owned(), checked_at: issued_at, age_seconds, source: "status-list" }
    }
}

impl Report {
    /// The answer for a validation at `time` under `policy`, before the document's standing is considered.
    pub fn new(validation: &Validation, policy: &Policy, revocation: RevocationMode, time: Time) -> Self {
        let verdict = VerdictReport::new(&validation.verdict);
        let outcome = match validation.verdict.indication() {
            Indication::TotalPassed => Outcome::Accept,
            Indication::TotalFailed => Outcome::Reject,
            Indication::Indeterminate => Outcome::Undetermined,
        };
        let content = &validation.content;
        let signatures = validation.signatures.iter().enumerate();
        Self {
            reliance: match &validation.requirement {
                _ if outcome != Outcome::Accept => Reliance::new(outcome, verdict.code),
                _ if content.references_differ => {
                    Reliance::new(Outcome::Undetermined, Obstacle::ReferencesDiffer.code())
                }
                Requirement::Unmet(_, shortfall) => Reliance::wanting(*shortfall),
                Requirement::None | Requirement::Met(_) => Reliance::new(outcome, verdict.code),
            },
            verdict,
            validation_time: time,
            best_signature_time: validation.deciding().map(|signature| signature.best_signature_time(time)).max(),
            policy: PolicyReport {
                id: policy.id.clone(),
                version: policy.version.clone(),
                revocation: match revocation {
                    RevocationMode::Required => "required",
                    RevocationMode::IfAvailable => "if-available",
                    RevocationMode::Off => "off",
                },
            },
            evidence: None,
            document: DocumentReport {
                sha256: content.sha256.as_ref().map(hex::encode),
                media_type: content.media_type,
                kind: content.reference.as_ref().map(|reference| reference.kind().to_owned()),
                id: content.reference.as_ref().map(|reference| reference.id().to_owned()),
                files: content.files.as_ref().map(|files| files.iter().map(FileReport::of).collect()),
                status: None,
                log: None,
                valid_until: None,
                by_digest: content.by_digest,
            },
            signatures: signatures
                .map(|(index, signature)| SignatureReport::new(index, signature, policy, revocation, time))
                .collect(),
        }
    }
}

impl Reliance {
    pub fn new(outcome: Outcome, code: &'static str) -> Self {
        let Message { message, remedy } = message::of(code);
        Self { outcome, code, message, remedy, retry_at: None }
    }

    /// All signatures that count pass, and do not suffice. Only another file, or one more signature, makes good what is missing; what this
    /// system does not know, or nobody can know by this file, is undetermined.
    fn wanting(shortfall: Shortfall) -> Self {
        let (outcome, obstacle) = match shortfall {
            Shortfall::SignatureMissing => (Outcome::Reject, Obstacle::RequiredSignatureMissing),
            Shortfall::NotAuthorised => (Outcome::Reject, Obstacle::IssuerNotAuthorised),
            Shortfall::RoleUnknown => (Outcome::Undetermined, Obstacle::SignerRoleUnknown),
            Shortfall::TimeNotProved => (Outcome::Undetermined, Obstacle::SigningTimeNotProved),
        };
        Self::new(outcome, obstacle.code())
    }
}

impl VerdictReport {
    fn new(verdict: &Verdict) -> Self {
        Self { indication: verdict.indication().name(), sub_indication: verdict.sub_indication(), code: verdict.code() }
    }
}
