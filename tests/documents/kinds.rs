//! The sample of each kind is good; whatever is changed in it is found, with its path, and nothing of what it says is repeated.

use antin::{
    core::lookup::LookupKey,
    kinds::{ContentFault, Kinds},
};
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

/// As those who hold the paper type it, without marks; nothing for those that the public is not told of, and none of JSON that is.
#[test]
fn samples_are_found_by_their_five_fields() {
    let key = LookupKey::new(&(0..32).collect::<Vec<u8>>()).unwrap();
    let mut found = 0;
    for (kind, media_type, document) in SAMPLES {
        let described = Kinds::held().get(kind).expect(kind);
        let fields = described.lookup_fields(media_type, document).expect(kind);
        let may_be = media_type == "application/json" && !described.disclosure.public.is_empty();
        assert_eq!(!fields.is_empty(), may_be, "{kind}, {media_type}");
        for fields in fields {
            let [marked, plain] = key.of_document(&fields).unwrap();
            assert!(key.of_question(&fields).unwrap().is_same(&marked) && !marked.is_same(&plain), "{kind}");
            found += 1;
        }
    }
    assert!(found >= 4, "{found}");
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
            format!("/entry/{at}/resource/birthDate"),
        ),
        (set("/entry/3/resource/resourceType", Value::Null), "/entry/3/resource/resourceType".into()),
    ];
    for (change, path) in changes {
        let fault = fault("health-book", change);
        assert_eq!(fault.path, path, "{fault}");
    }
}

/// Who passes over what he does not understand reads another document than the one that was meant.
#[test]
fn what_would_change_the_meaning_of_a_health_book_is_refused() {
    let put = |path: &str, name: &str, value: Value| {
        let mut bundle = small();
        bundle.pointer_mut(path).expect(path)[name] = value;
        check("health-book", "application/fhir+json", bundle.to_string().as_bytes()).map_err(|fault| fault.path)
    };
    let negated = json!([{"url": "http://a/not", "valueBoolean": true}]);
    let acting = json!({"status": "generated", "div": "<div><script>a()</script></div>"});
    for (path, name, value) in [
        ("", "implicitRules", json!("http://a/rules")),
        ("", "total", json!(1)),
        ("", "nobodyKnows", json!(1)),
        ("", "modifierExtension", negated.clone()),
        ("/entry/1", "request", json!({"method": "DELETE", "url": "Patient/1"})),
        ("/entry/1", "search", json!({"mode": "match"})),
        ("/entry/1", "modifierExtension", negated.clone()),
        ("/entry/1/resource", "implicitRules", json!("http://a/rules")),
        ("/entry/1/resource", "modifierExtension", negated.clone()),
        ("/entry/0/resource/section/0", "modifierExtension", negated),
    ] {
        assert_eq!(put(path, name, value), Err(format!("{path}/{name}")), "{path}/{name}");
    }
    assert_eq!(put("/entry/1/resource", "text", acting.clone()), Err("/entry/1/resource/text/div".to_owned()));
    let contained = json!([{"resourceType": "Organization", "id": "a", "text": acting}]);
    let path = "/entry/1/resource/contained/0/text/div".to_owned();
    assert_eq!(put("/entry/1/resource", "contained", contained), Err(path));
    for (path, name, value) in [
        ("", "meta", json!({"lastUpdated": "2026-08-03T09:30:00+07:00"})),
        ("", "language", json!("vi")),
        ("", "_language", json!({"id": "a"})),
        ("/entry/1", "link", json!([])),
        ("/entry/1/resource", "extension", json!([{"url": "http://a/b", "valueString": "c"}])),
        ("/entry/1/resource", "modifierExtension", json!([])),
    ] {
        assert_eq!(put(path, name, value), Ok(()), "{path}/{name}");
    }
}

/// References as servers write them: relative to the base of the entry, with a version, into the resource itself.
#[test]
fn references_resolve_as_the_standard_has_it() {
    let text = include_str!("../../testvectors/documents/health-book-small.json");
    let patient = "urn:uuid:00000000-0000-4000-8000-000000000003";
    let at_server = text.replace(patient, "https://his.example/fhir/Patient/1");
    let at_server = at_server.replace("\"id\":\"00000000-0000-4000-8000-000000000003\"", "\"id\":\"1\"");
    let resolves = |reference: &str| {
        let subject = "\"subject\":{\"reference\":\"https://his.example/fhir/Patient/1\"}";
        assert!(at_server.contains(subject));
        let changed = at_server.replace(subject, &format!("\"subject\":{{\"reference\":\"{reference}\"}}"));
        check("health-book", "application/fhir+json", changed.as_bytes()).is_ok()
    };
    assert!(resolves("https://his.example/fhir/Patient/1"));
    assert!(!resolves("https://his.example/fhir/Patient/1/_history/7"), "there is no such version");
    assert!(resolves("Patient/1"));
    assert!(!resolves("#"), "the Composition is no Patient");
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
        ("judicial-certificate", "application/pdf", b"%PDF-1.7\n", "must be a PDF that can be read"),
        ("judicial-certificate-1", "application/pdf", b"%PDF-%%EOF", "must be a PDF that can be read"),
        ("referral", "application/json", b"{\"number\": -0}", "no -0; one stands in line 1"),
        ("health-book", "application/fhir+json", b"[]", "/resourceType: must be Bundle"),
        ("health-book", "application/fhir+json", b"{\"resourceType\": \"Patient\"}", "/resourceType: must be Bundle"),
    ] {
        let fault = check(kind, media_type, document).expect_err(words);
        assert!(fault.to_string().contains(words), "{fault}, not {words}");
    }
}

type Change = fn(&mut Value);

const ORGANIZATION: &str = "urn:uuid:00000000-0000-4000-8000-000000000004";

fn small() -> Value {
    serde_json::from_str(include_str!("../../testvectors/documents/health-book-small.json")).unwrap()
}

fn composition(bundle: &mut Value) -> &mut Value {
    &mut bundle["entry"][0]["resource"]
}

/// The book is about one person, whom it names itself, and says something of each thing that is wanted.
#[test]
fn a_health_book_is_about_one_person_and_says_something() {
    const SUBJECT: &str = "/entry/0/resource/subject";
    const SECTION: &str = "/entry/0/resource/section/0";
    fn subject(bundle: &mut Value, subject: Value) {
        composition(bundle)["subject"] = subject;
    }
    fn section(bundle: &mut Value) -> &mut Value {
        &mut composition(bundle)["section"][0]
    }
    let another_patient = |bundle: &mut Value| {
        let whole = bundle["entry"][1]["resource"].clone();
        let url = "urn:uuid:00000000-0000-4000-8000-000000000009";
        bundle["entry"].as_array_mut().unwrap().push(json!({"fullUrl": url, "resource": whole}));
        bundle["entry"][1]["resource"] = json!({"resourceType": "Patient"});
    };
    let one_for_all = |bundle: &mut Value| {
        let sections = composition(bundle)["section"].as_array_mut().unwrap();
        let codes: Vec<Value> = sections.iter().map(|section| section["code"]["coding"][0].clone()).collect();
        sections[0]["code"]["coding"] = codes.into();
        sections.truncate(1);
    };
    let twice = |bundle: &mut Value| {
        let patient = bundle["entry"][1]["resource"].clone();
        for server in ["a", "b"] {
            let mut patient = patient.clone();
            patient["id"] = "1".into();
            let entry = json!({"fullUrl": format!("https://{server}/fhir/Patient/1"), "resource": patient});
            bundle["entry"].as_array_mut().unwrap().push(entry);
        }
        subject(bundle, json!({"reference": "Patient/1"}));
    };
    let contained_twice = |bundle: &mut Value| {
        let inner = json!({"resourceType": "Organization", "id": "p"});
        composition(bundle)["contained"] = json!([inner, inner]);
        composition(bundle)["custodian"] = json!({"reference": "#p"});
    };
    let changes: &[(Change, &str)] = &[
        (|bundle| subject(bundle, json!({})), SUBJECT),
        (|bundle| subject(bundle, json!(true)), SUBJECT),
        (|bundle| subject(bundle, json!({"display": "X"})), SUBJECT),
        (|bundle| subject(bundle, json!([{"reference": ORGANIZATION}])), SUBJECT),
        (|bundle| subject(bundle, json!({"reference": "Organization/00000000-0000-4000-8000-000000000004"})), SUBJECT),
        (|bundle| subject(bundle, json!({"reference": "#"})), SUBJECT),
        (|bundle| subject(bundle, json!({"reference": null})), "/entry/0/resource/subject/reference"),
        (|bundle| subject(bundle, json!({"reference": [ORGANIZATION]})), "/entry/0/resource/subject/reference"),
        (|bundle| subject(bundle, json!({"reference": {"x": 1}})), "/entry/0/resource/subject/reference"),
        (another_patient, "/entry/1/resource/identifier"),
        (twice, "/entry/0/resource/subject/reference"),
        (contained_twice, "/entry/0/resource/contained/1/id"),
        (|bundle| bundle["entry"][1]["fullUrl"] = json!("https://a/Patient/77"), "/entry/1/fullUrl"),
        (|bundle| bundle["entry"][1]["fullUrl"] = json!("javascript:alert(1)"), "/entry/1/fullUrl"),
        (|bundle| composition(bundle)["status"] = json!("entered-in-error"), "/entry/0/resource/status"),
        (|bundle| composition(bundle)["type"] = json!({}), "/entry/0/resource/type"),
        (|bundle| composition(bundle)["date"] = json!("yesterday"), "/entry/0/resource/date"),
        (|bundle| composition(bundle)["author"] = json!([null]), "/entry/0/resource/author"),
        (|bundle| composition(bundle)["author"] = json!("me"), "/entry/0/resource/author"),
        (|bundle| bundle["timestamp"] = json!("never"), "/timestamp"),
        (|bundle| section(bundle)["text"] = json!({}), "/entry/0/resource/section/0/text/status"),
        (|bundle| section(bundle)["text"]["div"] = json!(7), "/entry/0/resource/section/0/text/div"),
        (
            |bundle| section(bundle)["text"]["div"] = json!("<div><script>alert(1)</script></div>"),
            "/entry/0/resource/section/0/text/div",
        ),
        (|bundle| section(bundle)["entry"] = json!([null]), "/entry/0/resource/section/0/entry/0"),
        (|bundle| section(bundle)["entry"] = json!([{}]), "/entry/0/resource/section/0/entry/0"),
        (|bundle| drop(section(bundle).as_object_mut().unwrap().remove("text")), SECTION),
        (one_for_all, "/entry/0/resource/section"),
        (|bundle| bundle["entry"][1]["resource"]["name"] = json!([null]), "/entry/1/resource/name"),
        (
            |bundle| bundle["entry"][1]["resource"]["identifier"] = json!([{"value": " "}]),
            "/entry/1/resource/identifier",
        ),
        (|bundle| bundle["entry"][1]["resource"]["birthDate"] = json!("1978-13-45"), "/entry/1/resource/birthDate"),
    ];
    for (number, (change, path)) in changes.iter().enumerate() {
        let mut bundle = small();
        change(&mut bundle);
        let fault = check("health-book", "application/fhir+json", bundle.to_string().as_bytes()).expect_err(path);
        assert_eq!(fault.path, *path, "{number}: {fault}");
    }
}

/// What issuers ordinarily write is good.
#[test]
fn ordinary_papers_are_good() {
    let with = |kind: &str, changes: &[(&str, Value)]| {
        let mut paper = sample(kind);
        for (path, value) in changes {
            let (parent, name) = path.rsplit_once('/').expect("a path");
            let parent = paper.pointer_mut(parent).expect(path);
            match name.parse::<usize>() {
                Ok(index) => parent[index] = value.clone(),
                Err(_) => parent[name] = value.clone(),
            }
        }
        assert_eq!(check(kind, "application/json", paper.to_string().as_bytes()), Ok(()), "{kind} {changes:?}");
    };
    let newborn = [("/patient/citizenId", Value::Null), ("/patient/birthDate", json!("2026"))];
    let foreigner = [("/patient/citizenId", Value::Null), ("/patient/passport", json!("PA-1234567"))];
    for kind in ["referral", "re-examination", "health-check", "social-security-visit"] {
        with(kind, &newborn);
        with(kind, &foreigner);
        with(kind, &[("/patient/citizenId", json!("012345678")), ("/patient/gender", json!("Nu\u{31b}\u{303}"))]);
        with(kind, &[("/number", json!("GCT-ĐN-2026 000001")), ("/patient/address", Value::Null)]);
        with(kind, &[("/patient/insuranceNumber", Value::Null)]);
    }
    with("referral", &[("/diagnoses/0/code", json!("A17.0†")), ("/conditionAtReferral", json!("a\r\n\tb"))]);
    with("referral", &[("/diagnoses/0/code", json!("G01*")), ("/from/code", json!("K9901"))]);
    with("social-security-visit", &[("/dischargedAt", Value::Null), ("/items/0/unitPrice", json!(1_250.125))]);
    with(
        "judicial-certificate-1",
        &[("/fileCode", json!("000.00.01.H99-260803-0001")), ("/positionBans", Value::Null)],
    );
    with("judicial-certificate-1", &[("/person/ethnicity", Value::Null), ("/person/birthDate", json!("1950"))]);
    let mut nothing_known = small();
    let section = &mut composition(&mut nothing_known)["section"][0];
    section.as_object_mut().unwrap().remove("text");
    section["emptyReason"] = json!({"coding": [{"code": "nilknown"}]});
    assert_eq!(check("health-book", "application/fhir+json", nothing_known.to_string().as_bytes()), Ok(()));
}

/// What people would see otherwise than it is written.
#[test]
fn names_change_no_direction_and_answers_repeat_none() {
    for name in ["Nguyễn\u{202e}Văn", "a\u{2066}b", "a\u{85}b", "a\u{2028}b"] {
        let fault = fault("referral", |paper| paper["patient"]["fullName"] = json!(name));
        assert_eq!(fault.path, "/patient/fullName");
    }
    let secret = "001099000001".repeat(1000);
    let fault = fault("referral", |paper| paper["patient"][&secret] = json!(1));
    assert!(fault.path == "/patient" && !fault.to_string().contains("001099"), "{fault}");
    let twice = format!("{{\"{secret}\":1,\"{secret}\":2}}");
    let told = check("referral", "application/json", twice.as_bytes()).expect_err("twice").to_string();
    assert!(told.len() < 3_000, "{}", told.len());
}

/// References into one's own resource cost what they are, not the product of both: hardly more than references to the entry itself.
#[test]
fn many_contained_resources_and_references_are_read_once() {
    let checked = |reference: &str| {
        let mut bundle = small();
        let contained = (0..20_000).map(|number| json!({"resourceType": "Device", "id": format!("z{number}")}));
        bundle["entry"][1]["resource"]["contained"] = contained.collect();
        bundle["entry"][1]["resource"]["link"] = (0..20_000).map(|_| json!({"reference": reference})).collect();
        let text = bundle.to_string();
        let began = std::time::Instant::now();
        assert_eq!(check("health-book", "application/fhir+json", text.as_bytes()), Ok(()));
        began.elapsed()
    };
    let (baseline, contained) = (checked("#"), checked("#z19999"));
    assert!(contained < 10 * baseline, "{contained:?}, and {baseline:?} without");
}
