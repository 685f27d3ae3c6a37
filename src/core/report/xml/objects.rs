//! Validation objects (TS 119 102-2 §4.4): certificates, revocation data and time-stamps, each named by its SHA-256.

use std::collections::BTreeSet;

use super::writer::XmlWriter;
use super::{
    FAILED, INDETERMINATE, PASSED, STATUS, date_time, digest, reference, report_data, status, words, writable,
};
use crate::core::report::{
    CertificateReport, CountersignatureReport, Report, RevocationReport, SignatureReport, TimestampReport, message,
};

const OBJECT: &str = "urn:etsi:019102:validationObject:";

pub fn certificate_id(CertificateReport(certificate): &CertificateReport) -> String {
    format!("certificate-{}", certificate.fingerprint_text())
}

/// A token can stand on several signatures, and pass on one of them alone.
pub fn timestamp_id(signature: &SignatureReport, index: usize) -> String {
    format!("{}-timestamp-{}", signature.id, index + 1)
}

fn revocation_ids(report: &RevocationReport) -> impl Iterator<Item = String> {
    report.fingerprints.iter().map(|fingerprint| format!("{}-{}", report.source, hex::encode(fingerprint)))
}

/// The time-stamp that shows the best signature time.
pub fn proof(report: &Report, signature: &SignatureReport) -> Option<String> {
    let best = signature.best_signature_time.filter(|best| *best < report.validation_time);
    let shows = |stamp: &TimestampReport| stamp.code == "passed" && stamp.time == best && !stamp.is_of_content();
    let index = best.and_then(|_| signature.timestamps.iter().position(shows))?;
    Some(timestamp_id(signature, index))
}

/// What a verdict rests on, of a signature or of a time-stamp.
pub struct Judged<'a> {
    certificates: &'a [CertificateReport],
    is_anchored: bool,
    revocation: &'a [RevocationReport],
    code: &'static str,
}

impl<'a> Judged<'a> {
    pub fn of_signature(signature: &'a SignatureReport) -> Self {
        Self {
            certificates: &signature.certificates,
            is_anchored: signature.is_anchored,
            revocation: &signature.revocation,
            code: signature.code,
        }
    }

    fn of_timestamp(timestamp: &'a TimestampReport) -> Self {
        Self {
            certificates: &timestamp.certificates,
            is_anchored: timestamp.is_anchored,
            revocation: &timestamp.revocation,
            code: timestamp.code,
        }
    }
}

/// `AssociatedValidationReportData` (§4.3.12): anchor, chain, revocation, and the code with its words.
pub fn associated(writer: &mut XmlWriter, judged: &Judged<'_>) {
    writer.element("AssociatedValidationReportData", &[], |writer| {
        let anchor = judged.certificates.last().filter(|_| judged.is_anchored);
        if let Some(anchor) = anchor {
            reference(writer, "TrustAnchor", &certificate_id(anchor));
        }
        if let Some((signer, above)) = judged.certificates.split_first() {
            writer.element("CertificateChain", &[], |writer| {
                reference(writer, "SigningCertificate", &certificate_id(signer));
                let between =
                    if anchor.is_some() { above.split_last().map_or(above, |(_, between)| between) } else { above };
                for certificate in between {
                    reference(writer, "IntermediateCertificate", &certificate_id(certificate));
                }
                if let Some(anchor) = anchor {
                    reference(writer, "TrustAnchor", &certificate_id(anchor));
                }
            });
        }
        let mut related = BTreeSet::new();
        for id in judged.revocation.iter().flat_map(revocation_ids) {
            if related.insert(id.clone()) {
                reference(writer, "RelatedValidationObject", &id);
            }
        }
        let revoked = judged.revocation.iter().find_map(|status| Some((status, writable(status.revocation_time)?)));
        if let Some((status, time)) = revoked {
            writer.element("RevocationStatusInformation", &[], |writer| {
                reference(
                    writer,
                    "ValidationObjectId",
                    &certificate_id(&CertificateReport(status.certificate.clone())),
                );
                writer.leaf("RevocationTime", &[], &date_time(time));
                if let Some(id) = revocation_ids(status).next() {
                    reference(writer, "RevocationObject", &id);
                }
            });
        }
        writer.element("AdditionalValidationReportData", &[], |writer| {
            report_data(writer, "code", |writer| writer.leaf("antin:Code", &[], judged.code));
            report_data(writer, "message", |writer| words(writer, "antin:Message", message::of(judged.code).message));
        });
    });
}

/// `SignatureValidationObjects`, each once.
pub fn write(writer: &mut XmlWriter, report: &Report) {
    let signatures = &report.signatures;
    let stamps = || signatures.iter().flat_map(|signature| &signature.timestamps);
    let certificates = signatures.iter().flat_map(|signature| &signature.certificates);
    let certificates = certificates.chain(stamps().flat_map(|stamp| &stamp.certificates));
    let certificates =
        certificates.chain(signatures.iter().flat_map(|one| of_countersignatures(&one.countersignatures)));
    let revocation = signatures.iter().flat_map(|signature| &signature.revocation);
    let revocation = revocation.chain(stamps().flat_map(|stamp| &stamp.revocation));
    if signatures.iter().all(|signature| signature.certificates.is_empty() && signature.timestamps.is_empty()) {
        return;
    }
    writer.element("SignatureValidationObjects", &[], |writer| {
        let mut written = BTreeSet::new();
        for certificate in certificates {
            let id = certificate_id(certificate);
            if written.insert(id.clone()) {
                object(writer, &id, "certificate", certificate.0.fingerprint(), |_| {});
            }
        }
        for status in revocation {
            let kind = if status.source == "crl" { "CRL" } else { "OCSPResponse" };
            for (id, fingerprint) in revocation_ids(status).zip(&status.fingerprints) {
                if written.insert(id.clone()) {
                    object(writer, &id, kind, fingerprint, |_| {});
                }
            }
        }
        for signature in signatures {
            for (index, stamp) in signature.timestamps.iter().enumerate() {
                let id = timestamp_id(signature, index);
                object(writer, &id, "timestamp", &stamp.fingerprint, |writer| timestamp(writer, stamp));
            }
        }
    });
}

/// Of counter-signatures, and of those on them.
fn of_countersignatures(reports: &[CountersignatureReport]) -> Vec<&CertificateReport> {
    let mut found = Vec::new();
    for one in reports {
        found.extend(&one.certificates);
        found.extend(of_countersignatures(&one.countersignatures));
    }
    found
}

fn object(writer: &mut XmlWriter, id: &str, kind: &str, sha256: &[u8; 32], more: impl FnOnce(&mut XmlWriter)) {
    writer.element("ValidationObject", &[("id", id.into())], |writer| {
        writer.leaf("ObjectType", &[], &format!("{OBJECT}{kind}"));
        writer.element("ValidationObjectRepresentation", &[], |writer| digest(writer, sha256));
        more(writer);
    });
}

/// What a time-stamp proves, and its own judgement (§4.4.7, §4.4.8).
fn timestamp(writer: &mut XmlWriter, stamp: &TimestampReport) {
    if let Some(time) = writable(stamp.time).filter(|_| stamp.code == "passed") {
        writer.element("POEProvisioning", &[], |writer| writer.leaf("POETime", &[], &date_time(time)));
    }
    writer.element("ValidationReport", &[], |writer| {
        if let Some(signer) = stamp.certificates.first() {
            writer.element("SignerInformation", &[], |writer| {
                reference(writer, "SignerCertificate", &certificate_id(signer));
                if let Some(name) = &stamp.signed_by {
                    writer.leaf("Signer", &[], name);
                }
            });
        }
        let indication = match stamp.indication {
            "TOTAL-PASSED" => PASSED,
            "TOTAL-FAILED" => FAILED,
            _ => INDETERMINATE,
        };
        status(writer, STATUS, indication, stamp.sub_indication, |writer| {
            associated(writer, &Judged::of_timestamp(stamp));
        });
    });
}
