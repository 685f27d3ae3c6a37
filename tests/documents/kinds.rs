//! The sample of each kind is good; whatever is changed in it is found, with its path, and nothing of what it says is repeated.

use antin::kinds::{ContentFault, Kinds};
use serde_json::{Value, json};

/// Kind, media type, sample.
pub const SAMPLES: [(&str, &str, &[u8]); 9] = [
    ("health-book", "application/fhir+json", include_bytes!("../../testvectors/documents/health-book.json")),
    ("judicial-certificate", "application/pdf", include_bytes!("../../testvectors/documents/judicial-certificate.pdf")),
    (
        "judicial-certificate-1",
        "application/pdf",
        include_bytes!("../../testvectors/documents/judicial-certificate.pdf"),
    ),
    (
        "judicial-certificate-1",
        "application/json",
        include_bytes!("../../testvectors/documents/judicial-certificate.json"),
    ),
    (
        "judicial-certificate-2",
        "application/json",
        include_bytes!("../../testvectors/documents/judicial-certificate-2.json"),
    ),
    ("referral", "application/json", include_bytes!("../../testvectors/documents/referral.json")),
    ("re-examination", "application/json", include_bytes!("../../testvectors/documents/re-examination.json")),
    ("health-check", "application/json", include_bytes!("../../testvectors/documents/health-check.json")),
    (
        "social-security-visit",
        "application/json",
        include_bytes!("../../testvectors/documents/social-security-visit.json"),
    ),
];

fn check(kind: &str, media_type: &str, document: &[u8]) -> Result<(), ContentFault> {
    Kinds::held().get(kind).expect(kind).check(media_type, document)
}

fn sample(kind: &str) -> Value {
    let (_, _, text) = SAMPLES.iter().find(|(name, media, _)| *name == kind && media.ends_with("json")).expect(kind);
    serde_json::from_slice(text).unwrap()
}

/// The fault of a sample in which `change` was made.
fn fault(kind: &str, change: impl FnOnce(&mut Value)) -> ContentFault {
    let mut value = sample(kind);
    change(&mut value);
    let media_type = if kind == "health-book" { "application/fhir+json" } else { "application/json" };
    check(kind, media_type, value.to_string().as_bytes()).expect_err("a fault")
}

#[test]
fn there_is_a_good_sample_of_each_kind() {
    for (kind, media_type, document) in SAMPLES {
        assert_eq!(check(kind, media_type, document), Ok(()), "{kind}");
        let with_parameter = format!("{} ; charset=utf-8", media_type.to_uppercase());
        assert_eq!(check(kind, &with_parameter, document), Ok(()), "{kind}");
        assert_eq!(Kinds::held().get(kind).expect(kind).check_untold(document), Ok(()), "{kind}");
    }
    for kind in Kinds::held().iter() {
        assert!(SAMPLES.iter().any(|(name, ..)| *name == kind.name), "no sample of {}", kind.name);
    }
    let small = include_bytes!("../../testvectors/documents/health-book-small.json");
    assert_eq!(check("health-book", "application/fhir+json", small), Ok(()));
}

/// Each member that a schema of ours demands, taken away; and one that nobody knows, put in: everywhere in the sample.
#[test]
fn no_member_of_a_paper_can_be_added_and_the_required_ones_not_left_out() {
    let mut missing = 0;
    for (kind, media_type, document) in SAMPLES.iter().filter(|(_, media_type, _)| *media_type == "application/json") {
        let whole: Value = serde_json::from_slice(document).unwrap();
        let mut objects = Vec::new();
        collect_objects(&whole, &mut String::new(), &mut objects);
        for path in objects {
            let mut more = whole.clone();
            more.pointer_mut(&path).unwrap()["unknownMember"] = json!(1);
            let fault = check(kind, media_type, more.to_string().as_bytes()).expect_err(&path);
            assert_eq!(fault.path, path, "{kind}: {fault}");
            for name in whole.pointer(&path).unwrap().as_object().unwrap().keys() {
                let mut less = whole.clone();
                less.pointer_mut(&path).unwrap().as_object_mut().unwrap().remove(name);
                if let Err(fault) = check(kind, media_type, less.to_string().as_bytes()) {
                    assert!(fault.path == path && fault.rule.contains(name.as_str()), "{kind}: {fault}");
                    missing += 1;
                }
                let mut other = whole.clone();
                other.pointer_mut(&path).unwrap()[name] = json!({"secret": "x"});
                let fault = check(kind, media_type, other.to_string().as_bytes()).expect_err(name);
                assert!(fault.path.starts_with(&format!("{path}/{name}")), "{kind}: {fault}");
                assert!(!fault.to_string().contains("secret") || fault.rule.contains("unexpected"), "{kind}: {fault}");
            }
        }
    }
    assert!(missing > 80, "only {missing} are required");
}

fn collect_objects(value: &Value, path: &mut String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(path.clone());
            for (name, member) in members {
                let length = path.len();
                path.push_str(&format!("/{name}"));
                collect_objects(member, path, found);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                path.push_str(&format!("/{index}"));
                collect_objects(item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[test]
fn values_that_break_a_rule_are_found_by_their_path() {
    type Change = (&'static str, &'static str, Value);
    let changes: [Change; 14] = [
        ("referral", "/patient/citizenId", json!("12345")),
        ("referral", "/patient/birthDate", json!("1978-02-30")),
        ("referral", "/issuedAt", json!("2026-07-20")),
        ("referral", "/diagnoses/1/code", json!("diabetes")),
        ("referral", "/diagnoses", json!([])),
        ("referral", "/patient/fullName", json!("a\u{1b}[31mb")),
        ("referral", "/reason", json!("because")),
        ("re-examination", "/appointment/date", json!("soon")),
        ("health-check", "/physical/bloodPressure", json!("high")),
        ("health-check", "/conclusion/class", json!("VI")),
        ("social-security-visit", "/total", json!(-1)),
        ("social-security-visit", "/items/0/quantity", json!(0)),
        ("judicial-certificate-1", "/person/identityPaper/number", json!("<script>")),
        ("judicial-certificate-2", "/purpose", json!("recruitment")),
    ];
    for (kind, path, value) in changes {
        let fault = fault(kind, |paper| *paper.pointer_mut(path).expect(path) = value.clone());
        assert_eq!(fault.path, path, "{kind}: {fault}");
        let said = value.as_str().unwrap_or("nothing of the kind");
        assert!(!fault.to_string().contains(said), "{kind}: {fault}");
    }
}

/// Of form 1, what belongs to form 2 alone: expunged convictions never get into a paper for an employer.
#[test]
fn form_1_has_no_place_for_what_form_2_says() {
    let two = sample("judicial-certificate-2").to_string();
    assert!(check("judicial-certificate-1", "application/json", two.as_bytes()).is_err());
    let conviction = sample("judicial-certificate-2")["convictions"][0].clone();
    let fault = fault("judicial-certificate-1", |paper| paper["convictions"] = json!([conviction]));
    assert_eq!(fault.path, "/convictions/0");
}

#[test]
fn a_health_book_is_a_document_whose_references_resolve() {
    let patient = |bundle: &Value| {
        let entries = bundle["entry"].as_array().unwrap();
        entries.iter().position(|entry| entry["resource"]["resourceType"] == "Patient").unwrap()
    };
    let at = patient(&sample("health-book"));
    type Change = Box<dyn FnOnce(&mut Value)>;
    let set = |path: &'static str, value: Value| -> Change {
        Box::new(move |bundle: &mut Value| *bundle.pointer_mut(path).expect(path) = value)
    };
    let changes: Vec<(Change, String)> = vec![
        (set("/resourceType", json!("Patient")), "/resourceType".into()),
        (set("/type", json!("collection")), "/type".into()),
        (set("/identifier", json!({"value": "1"})), "/identifier".into()),
        (set("/timestamp", json!("")), "/timestamp".into()),
        (set("/entry", json!([])), "/entry".into()),
        (Box::new(|bundle| bundle["entry"].as_array_mut().unwrap().swap(0, 1)), "/entry/0/resource".into()),
        (set("/entry/0/resource/title", Value::Null), "/entry/0/resource/title".into()),
        (set("/entry/0/resource/author", json!([])), "/entry/0/resource/author".into()),
        (set("/entry/0/resource/section/0/title", json!(" ")), "/entry/0/resource/section/0/title".into()),
        (
            Box::new(|bundle| {
                let section = bundle.pointer_mut("/entry/0/resource/section/1").unwrap().as_object_mut().unwrap();
                section.remove("text");
                section.remove("entry");
            }),
            "/entry/0/resource/section/1".into(),
        ),
        (
            Box::new(|bundle| {
                bundle.pointer_mut("/entry/0/resource/section").unwrap().as_array_mut().unwrap().truncate(3)
            }),
            "/entry/0/resource/section".into(),
        ),
        (set("/entry/1/fullUrl", json!("urn:uuid:9420f0c3-13ad-5790-b6c5-cec42acb0bf7")), "/entry/1/fullUrl".into()),
        (set("/entry/1/fullUrl", json!("Patient/1")), "/entry/1/fullUrl".into()),
        (
            set("/entry/0/resource/subject/reference", json!("urn:uuid:00000000-0000-4000-8000-000000000009")),
            "/entry/0/resource/subject/reference".into(),
        ),
        (
            set("/entry/0/resource/custodian/reference", json!("https://elsewhere.example/Organization/1")),
            "/entry/0/resource/custodian/reference".into(),
        ),
        (set("/entry/0/resource/custodian/reference", json!("#one")), "/entry/0/resource/custodian/reference".into()),
        (
            set("/entry/0/resource/subject/reference", json!("urn:uuid:3a0e4f86-de29-5877-9da6-37ab7f55e0bd")),
            "/entry/0/resource/subject".into(),
        ),
        (
            Box::new(move |bundle| drop(bundle["entry"][at]["resource"].as_object_mut().unwrap().remove("birthDate"))),
            "/entry".into(),
        ),
        (set("/entry/3/resource/resourceType", Value::Null), "/entry/3/resource/resourceType".into()),
    ];
    for (change, path) in changes {
        let fault = fault("health-book", change);
        assert_eq!(fault.path, path, "{fault}");
    }
}

/// References as servers write them: relative to the base of the entry, with a version, into the resource itself.
#[test]
fn references_resolve_as_the_standard_has_it() {
    let text = include_str!("../../testvectors/documents/health-book-small.json");
    let patient = "urn:uuid:00000000-0000-4000-8000-000000000003";
    let at_server = text.replace(patient, "https://his.example/fhir/Patient/1");
    let resolves = |reference: &str| {
        let subject = "\"subject\":{\"reference\":\"https://his.example/fhir/Patient/1\"}";
        assert!(at_server.contains(subject));
        let changed = at_server.replace(subject, &format!("\"subject\":{{\"reference\":\"{reference}\"}}"));
        check("health-book", "application/fhir+json", changed.as_bytes()).is_ok()
    };
    assert!(resolves("https://his.example/fhir/Patient/1"));
    assert!(resolves("https://his.example/fhir/Patient/1/_history/7"));
    assert!(resolves("Patient/00000000-0000-4000-8000-000000000003"));
    assert!(resolves("#"));
    assert!(!resolves("Patient/2"));
    assert!(!resolves("https://his.example/fhir/Patient/2"));
    assert!(!resolves(""));
}

#[test]
fn what_is_no_document_of_the_kind_is_refused_by_a_word_about_it() {
    let large = vec![b' '; 2 << 20];
    let deep = "[".repeat(200_000);
    for (kind, media_type, document, words) in [
        ("referral", "application/json", &b"{\"number\": 1, \"number\": 2}"[..], "/number: must stand there once"),
        ("referral", "application/json", b"{", "line 1, column 1"),
        ("referral", "application/json", b"", "must be JSON"),
        ("referral", "application/json", deep.as_bytes(), "must be JSON"),
        ("referral", "application/json", &large, "at most 1048576 bytes"),
        ("referral", "application/xml", b"<a/>", "documents of this kind are application/json, application/pdf"),
        ("referral", "", b"{}", "documents of this kind are"),
        ("judicial-certificate", "application/pdf", b"{}", "must be a PDF"),
        ("judicial-certificate", "application/pdf", b"%PDF-1.7\n", "must be a PDF"),
        ("health-book", "application/fhir+json", b"[]", "/resourceType: must be Bundle"),
        ("health-book", "application/fhir+json", b"{\"resourceType\": \"Patient\"}", "/resourceType: must be Bundle"),
    ] {
        let fault = check(kind, media_type, document).expect_err(words);
        assert!(fault.to_string().contains(words), "{fault}, not {words}");
    }
}
