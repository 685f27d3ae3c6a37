//! Our answer in the fields of SiVa 3 (`docs/siva.md`).
//!
//! SiVa's clients act on `indication` and on the count of valid signatures, and know nothing of a document's standing. So no signature is
//! reported as passed where the document is not to be relied on and none of its signatures says why.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::core::{
    oid,
    policy::Policy,
    report::{CertificateReport, Check, CheckResult, Outcome, Report, SignatureReport, TimestampReport, message},
    time::Time,
    x509::Certificate,
};

/// SiVa's names of policies.
pub const POLICIES: [&str; 2] = ["POLv3", "POLv4"];
pub const DEFAULT_POLICY: &str = "POLv4";
const PASSED: &str = "TOTAL-PASSED";

/// Our policy for one of [`POLICIES`], or for one of ours, if it `is_held`; `Some(None)`: that of the settings.
pub fn policy(name: &str, is_held: impl Fn(&str) -> bool) -> Option<Option<&str>> {
    match name {
        "POLv3" => Some(Some("any-ades")),
        "POLv4" => Some(None),
        other => is_held(other).then_some(Some(other)),
    }
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportType {
    Simple,
    Detailed,
    Diagnostic,
}

impl ReportType {
    pub fn from_name(name: &str) -> Option<Self> {
        let types = [("Simple", Self::Simple), ("Detailed", Self::Detailed), ("Diagnostic", Self::Diagnostic)];
        types.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, found)| found)
    }
}

/// What the caller said beside the document.
pub struct Asked {
    pub filename: String,
    /// As the caller called it.
    pub policy_name: String,
    pub report_type: ReportType,
}

/// `{"validationReport": {…}}`. `sha256`: of the document as it was sent.
pub fn validation_report(asked: &Asked, report: &Report, policy: &Policy, sha256: &[u8; 32]) -> Value {
    let mut whole = json!({"validationConclusion": conclusion(asked, report, policy, sha256)});
    match asked.report_type {
        ReportType::Simple => {}
        ReportType::Detailed => {
            let signatures = report.signatures.iter();
            let process = signatures.map(|signature| json!({"id": signature.id, "checks": signature.checks}));
            whole["validationProcess"] = json!({"signatures": process.collect::<Vec<_>>()});
        }
        ReportType::Diagnostic => whole["diagnosticData"] = json!(report),
    }
    json!({"validationReport": whole})
}

fn conclusion(asked: &Asked, report: &Report, policy: &Policy, sha256: &[u8; 32]) -> Value {
    let reliance = &report.reliance;
    let is_relied_on = reliance.outcome == Outcome::Accept;
    // It is not the signatures that speak against it, or none of them shows that it does.
    let by_signatures = report.verdict.indication != PASSED && !report.signatures.iter().all(has_passed);
    let silent = !is_relied_on && !by_signatures;
    let signatures: Vec<Value> =
        report.signatures.iter().map(|one| signature(one, report, &asked.filename, silent)).collect();
    let valid = if silent { 0 } else { report.signatures.iter().filter(|one| has_passed(one)).count() };
    let warnings: Vec<Value> = (!is_relied_on)
        .then(|| content(&format!("{}: {}", reliance.outcome.name(), words(reliance.code))))
        .into_iter()
        .collect();
    json!({
        "policy": {
            "policyName": asked.policy_name,
            "policyDescription": format!("{} ({} {})", policy.description, policy.id, policy.version),
            "policyUrl": format!("urn:antin:policy:{}:{}", policy.id, policy.version),
        },
        "signaturesCount": report.signatures.len(),
        "validSignaturesCount": valid,
        "validationLevel": "ARCHIVAL_DATA",
        "validationTime": report.validation_time,
        "validationWarnings": warnings,
        "validatedDocument": {
            "filename": asked.filename,
            "fileHash": STANDARD.encode(sha256),
            "hashAlgo": "SHA256",
        },
        "signatureForm": null,
        "signatures": signatures,
        "timeStampTokens": [],
    })
}

fn has_passed(signature: &SignatureReport) -> bool {
    signature.indication == PASSED
}

/// `silent`: the document is not relied on, and no signature says why.
fn signature(signature: &SignatureReport, report: &Report, filename: &str, silent: bool) -> Value {
    let silent = silent && has_passed(signature);
    let (indication, sub_indication) =
        if silent { ("INDETERMINATE", None) } else { (signature.indication, signature.sub_indication) };
    let code = if silent { report.reliance.code } else { signature.code };
    let errors: Vec<Value> = if indication == PASSED { Vec::new() } else { vec![content(&words(code))] };
    let is_warning = |check: &&Check| check.result == CheckResult::Warning;
    let warnings = signature.checks.iter().filter(is_warning).map(|check| content(&words(check.code)));
    let signer = signature.certificates.first().map(|signer| &*signer.0);
    let subject = |of| signer.and_then(|signer| signer.subject.attribute(of));
    let hash = report.document.sha256.as_ref().and_then(|sha256| hex::decode(sha256).ok());
    json!({
        "id": signature.id,
        "claimedSigningTime": signature.claimed_signing_time,
        "indication": indication,
        "subIndication": sub_indication,
        "signatureFormat": signature.format.replace('-', "_"),
        "signatureMethod": signature.algorithm.as_deref().map(method),
        // Nothing here judges the legal level under Regulation (EU) 910/2014.
        "signatureLevel": "NA",
        "signedBy": signed_by(signature, signer),
        "subjectDistinguishedName": {
            "serialNumber": subject(oid::SERIAL_NUMBER),
            "commonName": subject(oid::COMMON_NAME),
            "givenName": subject(oid::GIVEN_NAME),
            "surname": subject(oid::SURNAME),
        },
        "errors": errors,
        "warnings": warnings.collect::<Vec<_>>(),
        "signatureScopes": [{
            "name": filename,
            "scope": "FULL",
            "content": "Full document",
            "hashAlgo": hash.as_ref().map(|_| "SHA256"),
            "hash": hash.map(|hash| STANDARD.encode(hash)),
        }],
        "certificates": certificates(signature),
        "info": info(signature, report.validation_time),
    })
}

/// "surname, givenName, serialNumber" where the name has them, else the common name.
fn signed_by(signature: &SignatureReport, signer: Option<&Certificate>) -> Option<String> {
    let parts = [oid::SURNAME, oid::GIVEN_NAME, oid::SERIAL_NUMBER];
    let parts = signer.and_then(|signer| parts.into_iter().map(|of| signer.subject.attribute(of)).collect());
    parts.map(|parts: Vec<String>| parts.join(", ")).or_else(|| signature.signed_by.clone())
}

fn certificates(signature: &SignatureReport) -> Vec<Value> {
    let signing = chain(&signature.certificates).map(|mut one| {
        one["type"] = "SIGNING".into();
        one
    });
    let stamps = signature.timestamps.iter().filter_map(|stamp| {
        let mut one = chain(&stamp.certificates)?;
        one["type"] = match (stamp.is_archive(), stamp.is_of_content()) {
            (true, _) => "ARCHIVE_TIMESTAMP",
            (false, true) => "CONTENT_TIMESTAMP",
            (false, false) => "SIGNATURE_TIMESTAMP",
        }
        .into();
        Some(one)
    });
    signing.into_iter().chain(stamps).collect()
}

/// The first certificate, with its issuer in it, and so on.
fn chain(certificates: &[CertificateReport]) -> Option<Value> {
    certificates.iter().rev().fold(None, |issuer, CertificateReport(certificate)| {
        let common_name = certificate.subject.attribute(oid::COMMON_NAME);
        let mut one = json!({
            "commonName": common_name.unwrap_or_else(|| certificate.display_name().to_owned()),
            "content": STANDARD.encode(certificate.der()),
        });
        if let Some(issuer) = issuer {
            one["issuer"] = issuer;
        }
        Some(one)
    })
}

fn info(signature: &SignatureReport, validation_time: Time) -> Value {
    // Without proof the time of validation is no signing time.
    let best = signature.best_signature_time.filter(|best| *best < validation_time);
    let passed = |stamp: &&TimestampReport| stamp.code == "passed";
    let stamps = signature.timestamps.iter().filter(|stamp| !stamp.is_of_content());
    let (archive, of_value): (Vec<_>, Vec<_>) = stamps.partition(|stamp| stamp.is_archive());
    let stamp = of_value.iter().copied().find(passed).or_else(|| of_value.first().copied());
    let of_signer = signature.revocation.first().filter(|status| status.source == "ocsp");
    json!({
        "bestSignatureTime": best,
        "timestampCreationTime": stamp.and_then(|stamp| stamp.time),
        "ocspResponseCreationTime": of_signer.map(|status| status.this_update),
        "timeAssertionMessageImprint": null,
        "signerRole": [],
        "signatureProductionPlace": null,
        "signingReason": null,
        "archiveTimeStamps": archive.into_iter().map(archive_timestamp).collect::<Vec<_>>(),
    })
}

fn archive_timestamp(stamp: &TimestampReport) -> Value {
    let authority = stamp.certificates.first();
    json!({
        "signedTime": stamp.time,
        "indication": if stamp.code == "passed" { "PASSED" } else { "FAILED" },
        "subIndication": stamp.sub_indication,
        "signedBy": stamp.signed_by,
        "country": authority.and_then(|authority| authority.0.subject.attribute(oid::COUNTRY)),
        // The answer names the token by what it says, and does not repeat it.
        "content": null,
    })
}

/// RFC 9231 §2.3; an algorithm that has no URI there is named by what we call it.
fn method(algorithm: &str) -> String {
    let (family, digest) = algorithm.split_once("-with-").unwrap_or((algorithm, ""));
    // sha-256 and sha3-256.
    let short = digest.replacen("sha-", "sha", 1);
    let is_sha3 = digest.starts_with("sha3");
    match (family, is_sha3) {
        ("ecdsa", false) => format!("http://www.w3.org/2001/04/xmldsig-more#ecdsa-{short}"),
        ("ecdsa", true) => format!("http://www.w3.org/2021/04/xmldsig-more#ecdsa-{short}"),
        ("rsa-pkcs1", false) if short == "sha1" => "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned(),
        ("rsa-pkcs1", false) => format!("http://www.w3.org/2001/04/xmldsig-more#rsa-{short}"),
        ("rsa-pss", _) => format!("http://www.w3.org/2007/05/xmldsig-more#{short}-rsa-MGF1"),
        _ => format!("urn:antin:algorithm:{algorithm}"),
    }
}

fn content(words: &str) -> Value {
    json!({"content": words})
}

/// For people and, by the code in brackets, for machines.
fn words(code: &'static str) -> String {
    let message = message::of(code).message;
    format!("{} / {} [{code}]", message.en, message.vi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_have_the_uris_of_rfc_9231() {
        for (ours, uri) in [
            ("ecdsa-with-sha-256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
            ("ecdsa-with-sha3-384", "http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-384"),
            ("rsa-pkcs1-with-sha-1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
            ("rsa-pkcs1-with-sha-512", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
            ("rsa-pss-with-sha-256", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
            ("rsa-pss-with-sha3-256", "http://www.w3.org/2007/05/xmldsig-more#sha3-256-rsa-MGF1"),
            ("rsa-pkcs1-with-sha3-256", "urn:antin:algorithm:rsa-pkcs1-with-sha3-256"),
        ] {
            assert_eq!(method(ours), uri);
        }
    }

    #[test]
    fn policies_are_siva_s_and_ours() {
        let policy = |name| policy(name, |name| name == "strict");
        assert_eq!(policy("POLv3"), Some(Some("any-ades")));
        assert_eq!((policy(DEFAULT_POLICY), policy("strict")), (Some(None), Some(Some("strict"))));
        assert!(policy("POLv5").is_none() && policy("").is_none());
    }
}
