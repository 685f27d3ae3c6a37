//! The part of the answer about one signature: its time-stamps, certificates and revocation data.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use super::VerdictReport;
use super::check::{self, Check, Remark};
use super::countersignature::{self, CountersignatureReport};
use super::pdf::{self, PdfReport};
use crate::core::path::revocation::Source;
use crate::core::path::{PathFault, PathOutcome};
use crate::core::policy::{Policy, RevocationMode};
use crate::core::time::Time;
use crate::core::validation::SignatureValidation;
use crate::core::validation::basic::Container;
use crate::core::validation::level::Level;
use crate::core::validation::timestamp::{TimestampKind, TimestampValidation};
use crate::core::verdict::Indication;
use crate::core::x509::Certificate;

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
    /// `full-document`; `revision` of a PDF that later ones follow.
    pub scope: &'static str,
    pub pdf: Option<PdfReport>,
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
    /// When one of `certificates` was revoked, where that is what speaks against the path.
    #[serde(skip)]
    pub revoked_at: Option<Time>,
    /// The octets of the signature value.
    #[serde(skip)]
    pub value: Vec<u8>,
}

/// A time-stamp; it never lowers the verdict of the signature it is on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimestampReport {
    /// Over what: `signature`, `archive` for all that was there then, `content`, or `document`: a PDF up to a revision.
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

impl SignatureReport {
    pub(super) fn new(
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
            scope: pdf::scope(signature),
            pdf: PdfReport::of(signature),
            certificates: certificates(signature),
            revocation: revocation_reports(signature, time),
            timestamps: timestamps(signature, time),
            countersignatures: countersignature::reports(signature, time),
            checks: check::checks(signature, policy, revocation, time),
            is_anchored: is_anchored(signature),
            revoked_at: match &signature.path {
                Some(PathOutcome::Invalid { fault: PathFault::Revoked { date, .. }, .. }) => Some(*date),
                _ => None,
            },
            value: signature.value.clone(),
        }
    }
}

/// Those over the signature, and those over what it signs, among which are document time-stamps of earlier revisions.
fn timestamps(signature: &SignatureValidation, time: Time) -> Vec<TimestampReport> {
    let over_it = signature.timestamps.iter().map(|stamp| TimestampReport::new(stamp, time));
    let content = signature
        .content_timestamps
        .iter()
        .map(|stamp| TimestampReport { over: TimestampKind::Content.name(), ..TimestampReport::new(stamp, time) });
    over_it.chain(content).collect()
}

const fn format(signature: &SignatureValidation) -> &'static str {
    match (signature.container, signature.level) {
        (Container::Cms, Some(Level::Archival)) => "CAdES-BASELINE-LTA",
        (Container::Cms, Some(Level::LongTerm)) => "CAdES-BASELINE-LT",
        (Container::Cms, Some(Level::Timestamped)) => "CAdES-BASELINE-T",
        (Container::Cms, Some(Level::Basic)) => "CAdES-BASELINE-B",
        (Container::Cms, None) => "CMS",
        (Container::Pades, Some(Level::Archival)) => "PAdES-BASELINE-LTA",
        (Container::Pades, Some(Level::LongTerm)) => "PAdES-BASELINE-LT",
        (Container::Pades, Some(Level::Timestamped)) => "PAdES-BASELINE-T",
        (Container::Pades, Some(Level::Basic)) => "PAdES-BASELINE-B",
        (Container::Pades | Container::PdfPkcs7, _) => "PDF-PKCS7",
    }
}

pub(super) fn signed_by(signature: &SignatureValidation) -> Option<String> {
    match &signature.signer {
        Ok(signer) => Some(signer.display_name().to_owned()),
        Err(_) => signature.signer_description.clone(),
    }
}

impl TimestampReport {
    /// Over all that was there then, not over the signature value alone.
    pub fn is_archive(&self) -> bool {
        [TimestampKind::ArchiveV3.name(), TimestampKind::Document.name()].contains(&self.over)
    }

    /// Over the content, before it was signed.
    pub fn is_of_content(&self) -> bool {
        self.over == TimestampKind::Content.name()
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
pub(super) fn certificates(signature: &SignatureValidation) -> Vec<CertificateReport> {
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

pub(super) fn revocation_reports(signature: &SignatureValidation, time: Time) -> Vec<RevocationReport> {
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
