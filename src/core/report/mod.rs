//! The answer of the verify API and of `antin verify --format json`, in the contract's words (`docs/api.md`).

pub mod check;
pub mod countersignature;
pub mod message;
pub mod text;
pub mod xml;

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use super::path::PathOutcome;
use super::path::revocation::Source;
use super::policy::{Policy, RevocationMode};
use super::time::Time;
use super::validation::level::Level;
use super::validation::timestamp::TimestampValidation;
use super::validation::{Requirement, Shortfall, SignatureValidation, Validation};
use super::verdict::{Indication, Verdict};
use super::x509::Certificate;

use check::Remark;
pub use check::{Check, CheckResult, Step};
pub use countersignature::CountersignatureReport;
pub use message::{Message, Text};

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
    /// `None`: not published or not asked for.
    pub status: Option<StatusReport>,
    /// Digests were given in place of the content.
    #[serde(skip)]
    pub by_digest: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    pub state: String,
    pub checked_at: Time,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureReport {
    pub id: String,
    pub format: &'static str,
    pub indication: &'static str,
    pub sub_indication: Option<&'static str>,
    pub code: &'static str,
    pub signed_by: Option<String>,
    pub claimed_signing_time: Option<Time>,
    pub best_signature_time: Option<Time>,
    pub algorithm: Option<String>,
    pub scope: &'static str,
    /// From the signer upwards, the anchor last.
    pub certificates: Vec<CertificateReport>,
    pub revocation: Vec<RevocationReport>,
    pub timestamps: Vec<TimestampReport>,
    #[serde(rename = "counterSignatures")]
    pub countersignatures: Vec<CountersignatureReport>,
    pub checks: Vec<Check>,
    /// `certificates` is a valid path, whose last one is the anchor.
    #[serde(skip)]
    pub is_anchored: bool,
    /// The octets of the signature value.
    #[serde(skip)]
    pub value: Vec<u8>,
}

/// A time-stamp; it never lowers the verdict of the signature it is on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimestampReport {
    /// Over what: `signature`, or `archive` for all that was there then.
    #[serde(rename = "type")]
    pub over: &'static str,
    /// As its authority states it, the fraction of a second rounded up; `None`: the token cannot be read.
    pub time: Option<Time>,
    pub indication: &'static str,
    pub sub_indication: Option<&'static str>,
    pub code: &'static str,
    pub signed_by: Option<String>,
    pub algorithm: Option<String>,
    pub certificates: Vec<CertificateReport>,
    pub revocation: Vec<RevocationReport>,
    /// `certificates` is a valid path, whose last one is the anchor.
    #[serde(skip)]
    pub is_anchored: bool,
    /// SHA-256 of the token.
    #[serde(skip)]
    pub fingerprint: [u8; 32],
}

/// A certificate in an answer, as `CertificateFields`. The same few authorities stand in nearly all of them: each is rendered once.
#[derive(Clone, Debug)]
pub struct CertificateReport(pub Arc<Certificate>);

/// `{subject, issuer, serialNumber, notBefore, notAfter, sha256}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateFields<'a> {
    subject: &'a str,
    issuer: &'a str,
    serial_number: &'a str,
    not_before: Time,
    not_after: Time,
    sha256: &'a str,
}

impl<'a> CertificateFields<'a> {
    pub fn of(certificate: &'a Certificate) -> Self {
        Self {
            subject: certificate.subject.text(),
            issuer: certificate.issuer.text(),
            serial_number: certificate.serial_number_text(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            sha256: certificate.fingerprint_text(),
        }
    }
}

impl Serialize for CertificateReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let render = |certificate: &Certificate| {
            to_raw_value(&CertificateFields::of(certificate)).expect("texts and times have a JSON form")
        };
        self.0.rendered(render).serialize(serializer)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevocationReport {
    /// Named by its SHA-256, as in `certificates`.
    #[serde(serialize_with = "fingerprint")]
    pub certificate: Arc<Certificate>,
    pub source: &'static str,
    /// `good`; `revoked` at `revocationTime`, which is after the signature was made.
    pub status: &'static str,
    pub revocation_time: Option<Time>,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub age_seconds: i64,
    /// SHA-256 of each CRL or `BasicOCSPResponse` that was needed.
    #[serde(skip)]
    pub fingerprints: Vec<[u8; 32]>,
}

fn fingerprint<S: Serializer>(certificate: &Certificate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(certificate.fingerprint_text())
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
                status: None,
                by_digest: content.by_digest,
            },
            signatures: signatures
                .map(|(index, signature)| SignatureReport::new(index, signature, policy, revocation, time))
                .collect(),
        }
    }
}

/// Why a document is not relied on although its signatures are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A purpose was named, and nothing signed says what kind of document it is.
    KindUnknown,
    /// Signers name different documents.
    ReferencesDiffer,
    /// A purpose was named, and nothing says what documents of this kind serve for.
    PurposeUnknown,
    /// The standing was asked for and could not be learnt.
    StatusUnknown,
    Withdrawn,
    Suspended,
    Superseded,
    Used,
    /// Past the validity that its kind and purpose give it.
    Expired,
    RequiredSignatureMissing,
    /// The signer had no authority over this kind of document at that date.
    IssuerNotAuthorised,
    /// Nobody can be shown to hold an office whose signature the kind requires: the rules of this system do not say.
    SignerRoleUnknown,
    /// The signatures suffice by the rules of an earlier time, and nothing proves that they were made then.
    SigningTimeNotProved,
    PurposeNotAllowed,
    /// A receipt about a document, and no document.
    Receipt,
}

impl Obstacle {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KindUnknown => "kind-unknown",
            Self::ReferencesDiffer => "document-references-differ",
            Self::PurposeUnknown => "purpose-unknown",
            Self::StatusUnknown => "status-unknown",
            Self::Withdrawn => "document-withdrawn",
            Self::Suspended => "document-suspended",
            Self::Superseded => "document-superseded",
            Self::Used => "document-used",
            Self::Expired => "document-expired",
            Self::RequiredSignatureMissing => "required-signature-missing",
            Self::IssuerNotAuthorised => "issuer-not-authorised",
            Self::SignerRoleUnknown => "signer-role-unknown",
            Self::SigningTimeNotProved => "signing-time-not-proved",
            Self::PurposeNotAllowed => "purpose-not-allowed",
            Self::Receipt => "receipt-not-a-document",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::KindUnknown => [Self::KindUnknown],
            Self::ReferencesDiffer => [Self::ReferencesDiffer],
            Self::PurposeUnknown => [Self::PurposeUnknown],
            Self::StatusUnknown => [Self::StatusUnknown],
            Self::Withdrawn => [Self::Withdrawn],
            Self::Suspended => [Self::Suspended],
            Self::Superseded => [Self::Superseded],
            Self::Used => [Self::Used],
            Self::Expired => [Self::Expired],
            Self::RequiredSignatureMissing => [Self::RequiredSignatureMissing],
            Self::IssuerNotAuthorised => [Self::IssuerNotAuthorised],
            Self::SignerRoleUnknown => [Self::SignerRoleUnknown],
            Self::SigningTimeNotProved => [Self::SigningTimeNotProved],
            Self::PurposeNotAllowed => [Self::PurposeNotAllowed],
            Self::Receipt => [Self::Receipt],
        })
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

impl SignatureReport {
    fn new(
        index: usize,
        signature: &SignatureValidation,
        policy: &Policy,
        revocation: RevocationMode,
        time: Time,
    ) -> Self {
        let verdict = VerdictReport::new(&signature.verdict);
        Self {
            id: format!("signature-{}", index + 1),
            format: format(signature),
            indication: verdict.indication,
            sub_indication: verdict.sub_indication,
            code: verdict.code,
            signed_by: signed_by(signature),
            claimed_signing_time: signature.claimed_signing_time,
            best_signature_time: Some(signature.best_signature_time(time)),
            algorithm: signature.algorithm.as_ref().ok().map(ToString::to_string),
            scope: "full-document",
            certificates: certificates(signature),
            revocation: revocation_reports(signature, time),
            timestamps: signature.timestamps.iter().map(|timestamp| TimestampReport::new(timestamp, time)).collect(),
            countersignatures: countersignature::reports(signature, time),
            checks: check::checks(signature, policy, revocation),
            is_anchored: is_anchored(signature),
            value: signature.value.clone(),
        }
    }
}

const fn format(signature: &SignatureValidation) -> &'static str {
    match signature.level {
        Some(Level::Archival) => "CAdES-BASELINE-LTA",
        Some(Level::LongTerm) => "CAdES-BASELINE-LT",
        Some(Level::Timestamped) => "CAdES-BASELINE-T",
        Some(Level::Basic) => "CAdES-BASELINE-B",
        None => "CMS",
    }
}

fn signed_by(signature: &SignatureValidation) -> Option<String> {
    match &signature.signer {
        Ok(signer) => Some(signer.display_name().to_owned()),
        Err(_) => signature.signer_description.clone(),
    }
}

impl TimestampReport {
    /// Over all that was there then, not over the signature value alone.
    pub fn is_archive(&self) -> bool {
        self.over == "archive"
    }

    fn new(timestamp: &TimestampValidation, time: Time) -> Self {
        let (indication, sub_indication, code) = match &timestamp.outcome {
            Ok(_) => (Indication::TotalPassed.name(), None, Remark::Passed.code()),
            Err(fault) => (fault.indication().name(), fault.sub_indication(), fault.code()),
        };
        let signature = timestamp.signature.as_deref();
        Self {
            over: timestamp.kind.name(),
            time: timestamp.gen_time,
            indication,
            sub_indication,
            code,
            signed_by: signature.and_then(signed_by),
            algorithm: timestamp.algorithm().map(|algorithm| algorithm.to_string()),
            certificates: signature.map(certificates).unwrap_or_default(),
            revocation: signature.map(|signature| revocation_reports(signature, time)).unwrap_or_default(),
            is_anchored: signature.is_some_and(is_anchored),
            fingerprint: timestamp.fingerprint,
        }
    }
}

/// The valid path with its anchor, or as far as the most telling rejected one goes.
fn certificates(signature: &SignatureValidation) -> Vec<CertificateReport> {
    match &signature.path {
        Some(PathOutcome::Valid(path)) => {
            let anchor = Some(path.anchor()).filter(|anchor| !path.certificates().contains(anchor));
            path.certificates().iter().chain(anchor).cloned().map(CertificateReport).collect()
        }
        Some(PathOutcome::Invalid { fault, rejected }) => {
            let telling = rejected.iter().find(|rejected| rejected.fault == *fault);
            let certificates = telling.map(|rejected| rejected.certificates.as_slice()).unwrap_or_default();
            certificates.iter().cloned().map(CertificateReport).collect()
        }
        None => signature.signer.iter().cloned().map(CertificateReport).collect(),
    }
}

const fn is_anchored(signature: &SignatureValidation) -> bool {
    matches!(signature.path, Some(PathOutcome::Valid(_)))
}

fn revocation_reports(signature: &SignatureValidation, time: Time) -> Vec<RevocationReport> {
    let Some(PathOutcome::Valid(path)) = &signature.path else { return Vec::new() };
    let statuses = path.revocation().iter();
    statuses
        .map(|status| RevocationReport {
            certificate: Arc::clone(&status.certificate),
            source: match status.source {
                Source::Crl => "crl",
                Source::Ocsp => "ocsp",
            },
            status: if status.revoked_since.is_some() { "revoked" } else { "good" },
            revocation_time: status.revoked_since,
            this_update: status.this_update,
            next_update: status.next_update,
            age_seconds: time.seconds_since(status.this_update),
            fingerprints: status.fingerprints.clone(),
        })
        .collect()
}
