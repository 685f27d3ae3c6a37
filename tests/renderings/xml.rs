//! What the XML says is what the answer says.

use antin::core::report::{Report, xml};
use serde_json::Value;

use super::{HOSTILE, reports, run};

const ETSI: &str = "{http://uri.etsi.org/19102/v1.2.1#}";
const OWN: &str = "{urn:antin:report:1}";

/// The document as expat reads it.
fn parsed(report: &Report) -> Value {
    let written = xml::render(report);
    let output = run("python3".as_ref(), "parse.py", &written);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{written}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn named(name: &str) -> Report {
    reports().into_iter().find(|(one, _)| *one == name).expect(name).1
}

/// Every element at the end of a path of local names, each one level below the one before.
fn at<'a>(element: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let Some((first, rest)) = path.split_first() else { return vec![element] };
    let children = element["children"].as_array().expect("a list").iter();
    let fits = |child: &&Value| [ETSI, OWN].iter().any(|space| child["name"] == format!("{space}{first}"));
    children.filter(fits).flat_map(|child| at(child, rest)).collect()
}

fn texts<'a>(element: &'a Value, path: &[&str]) -> Vec<&'a str> {
    at(element, path).into_iter().map(|found| found["text"].as_str().expect("text")).collect()
}

#[test]
fn every_report_is_well_formed_and_says_the_verdict() {
    for (name, report) in reports() {
        let document = parsed(&report);
        assert_eq!(document["name"], format!("{ETSI}ValidationReport"), "{name}");
        let signatures = at(&document, &["SignatureValidationReport"]);
        assert_eq!(signatures.len(), report.signatures.len().max(1), "{name}");
        for (index, element) in signatures.into_iter().enumerate() {
            let (indication, sub_indication) = match report.signatures.get(index) {
                Some(signature) => (signature.indication, signature.sub_indication),
                None => (report.verdict.indication, report.verdict.sub_indication),
            };
            let uri = match indication {
                "TOTAL-PASSED" => "urn:etsi:019102:mainindication:total-passed",
                "TOTAL-FAILED" => "urn:etsi:019102:mainindication:total-failed",
                _ => "urn:etsi:019102:mainindication:indeterminate",
            };
            assert_eq!(texts(element, &["SignatureValidationStatus", "MainIndication"]), [uri], "{name}");
            let sub_indication = sub_indication.map(|sub| format!("urn:etsi:019102:subindication:{sub}"));
            let written = texts(element, &["SignatureValidationStatus", "SubIndication"]);
            assert_eq!(written, sub_indication.iter().collect::<Vec<_>>(), "{name}");
            let [reliance] = at(element, &["Reliance"])[..] else { panic!("{name}: one reliance") };
            let outcome = (&reliance["attributes"]["outcome"], &reliance["attributes"]["code"]);
            assert_eq!(outcome, (&report.reliance.outcome.name().into(), &report.reliance.code.into()), "{name}");
            assert_eq!(
                texts(reliance, &["Message"]),
                [report.reliance.message.vi, report.reliance.message.en],
                "{name}"
            );
        }
    }
}

#[test]
fn a_name_stays_text_whatever_is_in_it() {
    let report = named("hostile");
    let document = parsed(&report);
    let shown: String = HOSTILE
        .chars()
        .map(|character| match character {
            '\u{1}' | '\u{b}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            other => other,
        })
        .collect();
    let signer = texts(&document, &["SignatureValidationReport", "SignerInformation", "Signer"]);
    assert_eq!(signer, [shown], "and nothing of it is lost that XML can say");
}

#[test]
fn each_check_is_a_constraint_with_its_clause() {
    for (name, report) in reports() {
        let document = parsed(&report);
        for (element, signature) in at(&document, &["SignatureValidationReport"]).into_iter().zip(&report.signatures) {
            let constraints = at(element, &["ValidationConstraintsEvaluationReport", "ValidationConstraint"]);
            assert_eq!(constraints.len(), signature.checks.len(), "{name}");
            for (constraint, check) in constraints.into_iter().zip(&signature.checks) {
                let result = serde_json::to_value(check).expect("JSON");
                let identifier = format!("urn:antin:check:{}", check.step.name());
                assert_eq!(texts(constraint, &["ValidationConstraintIdentifier"]), [identifier]);
                assert_eq!(texts(constraint, &["ValidationConstraintParameter", "Value"]), [check.step.clause()]);
                let status = texts(constraint, &["ConstraintStatus", "Status"]);
                let indication = texts(constraint, &["ValidationStatus", "MainIndication"]);
                if check.code == "revocation-not-checked" {
                    assert_eq!((status, indication.len()), (vec!["urn:etsi:019102:constraintStatus:disabled"], 0));
                    continue;
                }
                assert_eq!(status, ["urn:etsi:019102:constraintStatus:applied"]);
                let expected = match result["result"].as_str().expect("text") {
                    "passed" | "warning" => "urn:etsi:019102:mainindication:passed",
                    "failed" => "urn:etsi:019102:mainindication:failed",
                    _ => "urn:etsi:019102:mainindication:indeterminate",
                };
                assert_eq!(indication, [expected], "{name} {}", check.code);
                let data = ["AssociatedValidationReportData", "AdditionalValidationReportData", "ReportData", "Value"];
                let code = texts(constraint, &[&["ValidationStatus"], &data[..], &["Code"]].concat());
                let said = (result["result"] != "passed").then_some(check.code);
                assert_eq!(code, said.into_iter().collect::<Vec<_>>(), "{name}");
            }
        }
    }
}

/// Certificates, lists and time-stamps by their digests, and what proves the time.
#[test]
fn what_a_verdict_rests_on_is_named_by_digest() {
    let report = named("revoked later");
    assert_eq!(report.verdict.code, "valid", "the time-stamp is older than the revocation");
    let document = parsed(&report);
    let objects = at(&document, &["SignatureValidationObjects", "ValidationObject"]);
    let kinds: Vec<_> = objects.iter().flat_map(|object| texts(object, &["ObjectType"])).collect();
    let count =
        |kind: &str| kinds.iter().filter(|found| **found == format!("urn:etsi:019102:validationObject:{kind}")).count();
    // The signer, the CA, the root, the authority of the time-stamps; the lists of root and CA; three tokens.
    assert_eq!((count("certificate"), count("CRL"), count("timestamp")), (4, 2, 3), "{kinds:?}");
    let signature = &report.signatures[0];
    let crls: Vec<String> = signature.revocation.iter().map(|status| hex::encode(status.fingerprints[0])).collect();
    for crl in crls {
        assert!(objects.iter().any(|object| object["attributes"]["id"] == format!("crl-{crl}")), "{crl}");
    }
    let proof = at(&document, &["SignatureValidationReport", "ValidationTimeInfo", "BestSignatureTime", "POEObject"]);
    assert_eq!(proof[0]["attributes"]["VOReference"], "signature-1-timestamp-1");
    let best = signature.best_signature_time.expect("a time").to_string();
    let time = ["SignatureValidationReport", "ValidationTimeInfo", "BestSignatureTime", "POETime"];
    assert_eq!(texts(&document, &time), [best]);
    let data = ["SignatureValidationReport", "SignatureValidationStatus", "AssociatedValidationReportData"];
    let revoked = texts(&document, &[&data[..], &["RevocationStatusInformation", "RevocationTime"]].concat());
    assert_eq!(revoked, [signature.revocation[0].revocation_time.expect("revoked").to_string()]);
    let judged: Vec<_> = objects
        .iter()
        .flat_map(|object| texts(object, &["ValidationReport", "SignatureValidationStatus", "MainIndication"]))
        .collect();
    let (passed, failed) = ("urn:etsi:019102:mainindication:passed", "urn:etsi:019102:mainindication:failed");
    assert_eq!(judged, [passed, failed, failed]);
}

#[test]
fn counter_signatures_stand_beside_their_signature_each_with_those_on_it() {
    let report = named("countersigned");
    assert_eq!(report.signatures[0].countersignatures[0].code, "passed");
    let document = parsed(&report);
    let [first] = at(&document, &["SignatureValidationReport", "CounterSignature"])[..] else { panic!("one") };
    assert_eq!(first["attributes"]["indication"], "TOTAL-PASSED");
    let second = at(first, &["CounterSignature"]);
    assert_eq!(texts(second[0], &["Signer"]), ["Usual signer"]);
    for certificate in at(first, &["Certificate"]).into_iter().chain(at(second[0], &["Certificate"])) {
        let objects = at(&document, &["SignatureValidationObjects", "ValidationObject"]);
        let leads = |object: &&Value| object["attributes"]["id"] == certificate["attributes"]["VOReference"];
        assert!(objects.iter().any(leads), "{certificate}");
    }
}

/// Signatures of others, where the vectors are there: which time-stamp is over what.
#[test]
fn archive_time_stamps_are_told_from_those_over_the_signature() {
    let Some((_, report)) = reports().into_iter().find(|(name, _)| *name == "wild attached") else { return };
    let document = parsed(&report);
    let attributes = ["SignatureValidationReport", "SignatureAttributes"];
    let count = |name: &str| at(&document, &[&attributes[..], &[name]].concat()).len();
    assert_eq!((count("ArchiveTimeStamp"), count("SignatureTimeStamp")), (2, 1));
    let process = ["SignatureValidationReport", "SignatureValidationProcess", "SignatureValidationProcessID"];
    assert_eq!(texts(&document, &process), ["urn:etsi:019102:validationprocess:LTA"]);
}
