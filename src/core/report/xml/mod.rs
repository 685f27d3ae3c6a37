//! The answer as a validation report of ETSI TS 119 102-2 (V1.2.1 to V1.3.1, one namespace), for machines and archives that know that
//! format. What it has no place for stands in elements of our own, at the places that it leaves open: the reliance, and the code and the
//! words of each check.

mod objects;
mod writer;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::check::Remark;
use super::{Check, CheckResult, CountersignatureReport, Report, SignatureReport, TimestampReport, message};
use crate::core::time::Time;
use crate::core::validation::timestamp::TimestampKind;

use writer::XmlWriter;

const REPORT: &str = "http://uri.etsi.org/19102/v1.2.1#";
const XML_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// Elements of our own.
const OWN: &str = "urn:antin:report:1";
const SHA_256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// TS 119 102-2 §4.3.4.2: a verdict about a signature, or (`PASSED`, `FAILED`) about one constraint or object.
const PASSED: &str = "urn:etsi:019102:mainindication:passed";
const FAILED: &str = "urn:etsi:019102:mainindication:failed";
const INDETERMINATE: &str = "urn:etsi:019102:mainindication:indeterminate";
/// The verdict about a signature or an object.
const STATUS: &str = "SignatureValidationStatus";

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const FIRST: Time = Time::from_unix(-62_135_596_800);
const LAST: Time = Time::from_unix(253_402_300_799);

/// Renders the answer.
pub fn render(report: &Report) -> String {
    let mut writer = XmlWriter::new();
    let namespaces = [
        ("xmlns", REPORT.into()),
        ("xmlns:ds", XML_SIGNATURE.into()),
        ("xmlns:xades", XADES.into()),
        ("xmlns:antin", OWN.into()),
    ];
    writer.element("ValidationReport", &namespaces, |writer| {
        for signature in &report.signatures {
            writer.element("SignatureValidationReport", &[], |writer| signature_report(writer, report, signature));
        }
        // The format wants one report at least: of a document without signatures it has the verdict alone.
        if report.signatures.is_empty() {
            writer.element("SignatureValidationReport", &[], |writer| {
                policy_and_checks(writer, report, &[]);
                times(writer, report, report.best_signature_time, None);
                signers_document(writer, report);
                let verdict = &report.verdict;
                status(writer, STATUS, total(verdict.indication), verdict.sub_indication, |_| {});
                reliance(writer, report);
            });
        }
        objects::write(writer, report);
    });
    writer.finish()
}

fn signature_report(writer: &mut XmlWriter, report: &Report, signature: &SignatureReport) {
    writer.element("SignatureIdentifier", &[("id", (&*signature.id).into())], |writer| {
        writer.leaf("ds:SignatureValue", &[], &STANDARD.encode(&signature.value));
        writer.leaf("HashOnly", &[], "false");
        writer.leaf("DocHashOnly", &[], if report.document.by_digest { "true" } else { "false" });
    });
    policy_and_checks(writer, report, &signature.checks);
    times(writer, report, signature.best_signature_time, objects::proof(report, signature));
    signers_document(writer, report);
    attributes(writer, signature);
    if let Some(signer) = signature.certificates.first() {
        writer.element("SignerInformation", &[], |writer| {
            reference(writer, "SignerCertificate", &objects::certificate_id(signer));
            if let Some(name) = &signature.signed_by {
                writer.leaf("Signer", &[], name);
            }
        });
    }
    writer.element("SignatureValidationProcess", &[], |writer| {
        // EN 319 102-1 §5.3 alone, with §5.5, or with §5.6.
        let process = match signature.timestamps.iter().any(TimestampReport::is_archive) {
            true => "LTA",
            false if signature.timestamps.iter().all(TimestampReport::is_of_content) => "Basic",
            false => "LTVM",
        };
        writer.leaf("SignatureValidationProcessID", &[], &format!("urn:etsi:019102:validationprocess:{process}"));
    });
    status(writer, STATUS, total(signature.indication), signature.sub_indication, |writer| {
        objects::associated(writer, &objects::Judged::of_signature(signature));
    });
    reliance(writer, report);
    countersignatures(writer, &signature.countersignatures);
}

/// `SignaturePolicyImplied`: the policy has no digest of its own; its name is given.
fn policy_and_checks(writer: &mut XmlWriter, report: &Report, checks: &[Check]) {
    writer.element("ValidationConstraintsEvaluationReport", &[], |writer| {
        writer.element("SignatureValidationPolicy", &[], |writer| {
            writer
                .element("SignaturePolicyIdentifier", &[], |writer| writer.empty("xades:SignaturePolicyImplied", &[]));
            let policy = &report.policy;
            writer.leaf("PolicyName", &[], &format!("{} {}", policy.id, policy.version));
            let uri = format!("urn:antin:policy:{}:{}", part_of_uri(&policy.id), part_of_uri(&policy.version));
            writer.leaf("FormalPolicyURI", &[], &uri);
        });
        for check in checks {
            writer.element("ValidationConstraint", &[], |writer| constraint(writer, check));
        }
    });
}

fn constraint(writer: &mut XmlWriter, check: &Check) {
    writer.leaf("ValidationConstraintIdentifier", &[], &format!("urn:antin:check:{}", check.step.name()));
    writer.element("ValidationConstraintParameter", &[], |writer| {
        writer.leaf("Type", &[], "urn:antin:report:clause");
        writer.leaf("Value", &[], check.step.clause());
    });
    let is_off = check.code == Remark::RevocationNotChecked.code();
    writer.element("ConstraintStatus", &[], |writer| {
        let applied = if is_off { "disabled" } else { "applied" };
        writer.leaf("Status", &[], &format!("urn:etsi:019102:constraintStatus:{applied}"));
    });
    if is_off {
        return;
    }
    let indication = match check.result {
        // A warning changes no verdict: its words are below.
        CheckResult::Passed | CheckResult::Warning => PASSED,
        CheckResult::Failed => FAILED,
        CheckResult::Indeterminate | CheckResult::Skipped => INDETERMINATE,
    };
    status(writer, "ValidationStatus", indication, None, |writer| {
        if check.result == CheckResult::Passed {
            return;
        }
        writer.element("AssociatedValidationReportData", &[], |writer| {
            writer.element("AdditionalValidationReportData", &[], |writer| {
                report_data(writer, "code", |writer| writer.leaf("antin:Code", &[], check.code));
                report_data(writer, "message", |writer| {
                    words(writer, "antin:Message", message::of(check.code).message)
                });
                if let Some(detail) = &check.detail {
                    report_data(writer, "detail", |writer| writer.leaf("antin:Detail", &[], detail));
                }
            });
        });
    });
}

fn report_data(writer: &mut XmlWriter, kind: &str, value: impl FnOnce(&mut XmlWriter)) {
    writer.element("ReportData", &[], |writer| {
        writer.leaf("Type", &[], &format!("urn:antin:report:{kind}"));
        writer.element("Value", &[], value);
    });
}

/// In both languages.
fn words(writer: &mut XmlWriter, name: &'static str, text: super::Text) {
    writer.leaf(name, &[("xml:lang", "vi".into())], text.vi);
    writer.leaf(name, &[("xml:lang", "en".into())], text.en);
}

/// `proof`: the id of the time-stamp that proves the best signature time.
fn times(writer: &mut XmlWriter, report: &Report, best_signature_time: Option<Time>, proof: Option<String>) {
    writer.element("ValidationTimeInfo", &[], |writer| {
        writer.leaf("ValidationTime", &[], &date_time(report.validation_time));
        writer.element("BestSignatureTime", &[], |writer| {
            // Without a signature nothing is older than the validation.
            writer.leaf("POETime", &[], &date_time(best_signature_time.unwrap_or(report.validation_time)));
            writer.leaf("TypeOfProof", &[], "urn:etsi:019102:poetype:validation");
            if let Some(proof) = proof {
                reference(writer, "POEObject", &proof);
            }
        });
    });
}

fn signers_document(writer: &mut XmlWriter, report: &Report) {
    let sha256 = report.document.sha256.as_ref().and_then(|sha256| hex::decode(sha256).ok());
    if let Some(sha256) = sha256 {
        writer.element("SignersDocument", &[], |writer| digest(writer, &sha256));
    }
}

fn attributes(writer: &mut XmlWriter, signature: &SignatureReport) {
    let stamped =
        || signature.timestamps.iter().enumerate().filter_map(|(index, stamp)| Some((index, writable(stamp.time)?)));
    let claimed = writable(signature.claimed_signing_time);
    if claimed.is_none() && stamped().next().is_none() {
        return;
    }
    writer.element("SignatureAttributes", &[], |writer| {
        if let Some(time) = claimed {
            writer.element("SigningTime", &[("Signed", "true".into())], |writer| {
                writer.leaf("Time", &[], &date_time(time));
            });
        }
        for (index, time) in stamped() {
            let stamp = &signature.timestamps[index];
            let (name, is_signed) = match (stamp.is_archive(), stamp.is_of_content()) {
                _ if stamp.over == TimestampKind::Document.name() => ("DocTimeStamp", "false"),
                (true, _) => ("ArchiveTimeStamp", "false"),
                (false, true) => ("AllDataObjectsTimeStamp", "true"),
                (false, false) => ("SignatureTimeStamp", "false"),
            };
            writer.element(name, &[("Signed", is_signed.into())], |writer| {
                reference(writer, "AttributeObject", &objects::timestamp_id(signature, index));
                writer.leaf("TimeStampValue", &[], &date_time(time));
            });
        }
    });
}

/// What the caller is to act on; it is about the whole document and stands in the report of each signature.
fn reliance(writer: &mut XmlWriter, report: &Report) {
    let reliance = &report.reliance;
    let attributes = [("outcome", reliance.outcome.name().into()), ("code", reliance.code.into())];
    writer.element("antin:Reliance", &attributes, |writer| {
        words(writer, "antin:Message", reliance.message);
        words(writer, "antin:Remedy", reliance.remedy);
        let document = &report.document;
        if let (Some(kind), Some(id)) = (&document.kind, &document.id) {
            writer.empty("antin:Document", &[("kind", kind.into()), ("id", id.into())]);
        }
        if let Some(status) = &document.status {
            let checked_at = date_time(status.checked_at);
            writer.empty("antin:Status", &[("state", (&*status.state).into()), ("checkedAt", checked_at.into())]);
        }
        writer.leaf("antin:Revocation", &[], report.policy.revocation);
        if let Some(evidence) = &report.evidence {
            writer.element("antin:SavedEvidence", &[("sha256", (&*evidence.sha256).into())], |writer| {
                for anchor in &evidence.trust_anchors {
                    writer.empty("antin:TrustAnchor", &[("sha256", anchor.into())]);
                }
            });
        }
    });
}

/// The format has a place for the attribute alone: their judgement stands beside that of the signature, each with those on it in it.
fn countersignatures(writer: &mut XmlWriter, reports: &[CountersignatureReport]) {
    for one in reports {
        let sub_indication = one.sub_indication.unwrap_or_default();
        let attributes = [
            ("indication", one.indication.into()),
            ("subIndication", sub_indication.into()),
            ("code", one.code.into()),
        ];
        writer.element("antin:CounterSignature", &attributes, |writer| {
            if let Some(name) = &one.signed_by {
                writer.leaf("antin:Signer", &[], name);
            }
            if let Some(time) = one.claimed_signing_time {
                writer.leaf("antin:ClaimedSigningTime", &[], &date_time(time));
            }
            for certificate in &one.certificates {
                writer.empty("antin:Certificate", &[("VOReference", objects::certificate_id(certificate).into())]);
            }
            countersignatures(writer, &one.countersignatures);
        });
    }
}

/// `ValidationStatusType`; `data` writes its associated report data.
fn status(
    writer: &mut XmlWriter,
    name: &'static str,
    indication: &str,
    sub_indication: Option<&str>,
    data: impl FnOnce(&mut XmlWriter),
) {
    writer.element(name, &[], |writer| {
        writer.leaf("MainIndication", &[], indication);
        if let Some(sub_indication) = sub_indication {
            writer.leaf("SubIndication", &[], &format!("urn:etsi:019102:subindication:{sub_indication}"));
        }
        data(writer);
    });
}

/// `TOTAL-PASSED` as its URI.
fn total(indication: &str) -> &'static str {
    match indication {
        "TOTAL-PASSED" => "urn:etsi:019102:mainindication:total-passed",
        "TOTAL-FAILED" => "urn:etsi:019102:mainindication:total-failed",
        _ => INDETERMINATE,
    }
}

/// `VOReferenceType`.
fn reference(writer: &mut XmlWriter, name: &'static str, id: &str) {
    writer.empty(name, &[("VOReference", id.into())]);
}

/// `DigestAlgAndValueType`, SHA-256.
fn digest(writer: &mut XmlWriter, sha256: &[u8]) {
    writer.element("DigestAlgAndValue", &[], |writer| {
        writer.empty("ds:DigestMethod", &[("Algorithm", SHA_256.into())]);
        writer.leaf("ds:DigestValue", &[], &STANDARD.encode(sha256));
    });
}

/// `xs:dateTime`.
fn date_time(time: Time) -> String {
    time.to_string()
}

/// A time that others wrote, if `xs:dateTime` has its year: there is no year 0.
fn writable(time: Option<Time>) -> Option<Time> {
    time.filter(|time| (FIRST..=LAST).contains(time))
}

/// A name that somebody gave as one part of a URN (RFC 3986 §2.1).
fn part_of_uri(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if name.bytes().all(plain) {
        return name.into();
    }
    let encoded = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(encoded).collect::<String>().into()
}
