//! The health-book export against the rules of a FHIR R4 (4.0.1) document: R4 chapter 3.3 (documents), the required elements
//! of each resource it uses, and the sections an International Patient Summary reader looks for.

use std::collections::{BTreeMap, BTreeSet};

use antin::cli::demo::HEALTH_BOOK;
use serde_json::Value;

/// Elements with a minimum of 1 in R4, for each kind of resource in the export; `[x]` stands for any choice of type.
const REQUIRED: [(&str, &[&str]); 19] = [
    ("AllergyIntolerance", &["patient", "clinicalStatus", "code"]),
    ("CarePlan", &["status", "intent", "subject"]),
    ("Composition", &["status", "type", "date", "author", "title", "subject"]),
    ("Condition", &["subject", "clinicalStatus", "verificationStatus", "code"]),
    ("Coverage", &["status", "beneficiary", "payor"]),
    ("DiagnosticReport", &["status", "code"]),
    ("Encounter", &["status", "class", "subject"]),
    ("FamilyMemberHistory", &["status", "patient", "relationship"]),
    ("Immunization", &["status", "vaccineCode", "patient", "occurrence[x]"]),
    ("MedicationStatement", &["status", "medication[x]", "subject"]),
    ("Observation", &["status", "code", "subject", "effective[x]"]),
    ("Organization", &["identifier", "name"]),
    ("Patient", &["identifier", "name", "gender", "birthDate"]),
    ("Practitioner", &["identifier", "name"]),
    ("PractitionerRole", &["practitioner", "organization"]),
    ("Procedure", &["status", "subject", "performed[x]"]),
    // What every resource of a document carries, and the parts checked with the same table.
    ("*", &["id", "language", "text"]),
    ("Bundle", &["identifier", "type", "timestamp", "entry"]),
    ("section", &["title", "code", "text", "entry"]),
];

/// LOINC code of the section, the resources it lists, the group of Decision 1332/QĐ-BYT it belongs to.
const SECTIONS: [(&str, &[&str], &str); 14] = [
    ("48768-6", &["Coverage"], "administrative"),
    ("48765-2", &["AllergyIntolerance"], "history"),
    ("11450-4", &["Condition"], "history"),
    ("11348-0", &["Condition"], "history"),
    ("47519-4", &["Procedure"], "history"),
    ("11369-6", &["Immunization"], "history"),
    ("10157-6", &["FamilyMemberHistory"], "history"),
    ("29762-2", &["Observation"], "history"),
    ("46240-8", &["Encounter"], "visit"),
    ("8716-3", &["Observation"], "visit"),
    ("30954-2", &["DiagnosticReport", "Observation"], "visit"),
    ("10160-0", &["MedicationStatement"], "treatment-summary"),
    ("8648-8", &["Encounter", "Condition"], "treatment-summary"),
    ("18776-5", &["CarePlan"], "treatment-summary"),
];

fn bundle() -> Value {
    serde_json::from_str(HEALTH_BOOK).unwrap()
}

fn kind(resource: &Value) -> &str {
    resource["resourceType"].as_str().unwrap()
}

/// The resources by `fullUrl`; fails on one that is there twice.
fn resources(bundle: &Value) -> BTreeMap<&str, &Value> {
    let mut found = BTreeMap::new();
    for entry in bundle["entry"].as_array().unwrap() {
        let url = entry["fullUrl"].as_str().unwrap();
        assert!(found.insert(url, &entry["resource"]).is_none(), "{url} is there twice");
    }
    found
}

/// Calls `visit` with every object in the value, from the outside in.
fn every_object<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|inner| every_object(inner, visit));
        }
        Value::Array(items) => items.iter().for_each(|inner| every_object(inner, visit)),
        _ => {}
    }
}

fn references(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    every_object(value, &mut |object| found.extend(object.get("reference").and_then(Value::as_str)));
    found
}

fn missing<'a>(value: &Value, kind: &str) -> Vec<&'a str> {
    let (_, required) = REQUIRED.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("no rule for {kind}"));
    let object = value.as_object().unwrap();
    let there = |name: &str| match name.strip_suffix("[x]") {
        Some(stem) => object.keys().any(|key| key.starts_with(stem)),
        None => object.get(name).is_some_and(|value| !value.is_null()),
    };
    required.iter().copied().filter(|name| !there(name)).collect()
}

/// Opening and closing tags of the narrative match, and only elements that R4 allows in it appear (rule txt-1).
fn check_narrative(div: &str) {
    const ALLOWED: [&str; 10] = ["div", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"];
    assert!(div.starts_with("<div xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"vi\" lang=\"vi\">"), "{div}");
    let mut open = Vec::new();
    let mut rest = div;
    let mut text = false;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a bare > in {div}");
        text |= !rest[..at].trim().is_empty();
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{div}"),
            None => {
                let name = tag.split(' ').next().unwrap();
                assert!(ALLOWED.contains(&name), "<{name}> in {div}");
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.is_empty() && text, "unfinished or empty: {div}");
}

#[test]
fn the_bundle_is_a_document_that_starts_with_its_composition() {
    let bundle = bundle();
    assert_eq!(kind(&bundle), "Bundle");
    assert_eq!(bundle["type"], "document");
    assert_eq!(missing(&bundle, "Bundle"), [""; 0]);
    assert!(bundle["identifier"]["system"].is_string() && bundle["identifier"]["value"].is_string(), "rule bdl-9");
    let kinds: Vec<&str> = bundle["entry"].as_array().unwrap().iter().map(|entry| kind(&entry["resource"])).collect();
    assert_eq!(kinds[0], "Composition", "rule bdl-11");
    assert_eq!(kinds.iter().filter(|&&name| name == "Composition").count(), 1);
    assert_eq!(kinds.iter().filter(|&&name| name == "Patient").count(), 1);
}

#[test]
fn every_full_url_is_unique_and_names_its_resource() {
    let bundle = bundle();
    for (url, resource) in resources(&bundle) {
        let id = resource["id"].as_str().unwrap();
        assert_eq!(url, format!("urn:uuid:{id}"));
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
        assert!(id.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f' | '-')), "{id}");
    }
}

#[test]
fn every_reference_resolves_and_every_resource_is_reached() {
    let bundle = bundle();
    let resources = resources(&bundle);
    let first = bundle["entry"][0]["fullUrl"].as_str().unwrap();
    let mut reached = BTreeSet::from([first]);
    let mut waiting = vec![first];
    while let Some(url) = waiting.pop() {
        for reference in references(resources[url]) {
            assert!(resources.contains_key(reference), "{reference}, named in {url}, is not in the bundle");
            if reached.insert(reference) {
                waiting.push(reference);
            }
        }
    }
    let lost: Vec<_> = resources.keys().filter(|url| !reached.contains(*url)).collect();
    assert!(lost.is_empty(), "not part of the document: {lost:?}");
}

#[test]
fn every_resource_has_what_r4_requires_and_a_narrative() {
    let bundle = bundle();
    for (url, resource) in resources(&bundle) {
        for rule in [kind(resource), "*"] {
            assert_eq!(missing(resource, rule), [""; 0], "{url} ({})", kind(resource));
        }
        check_narrative(resource["text"]["div"].as_str().unwrap());
    }
}

#[test]
fn all_sections_are_there_with_text_and_the_right_resources() {
    let bundle = bundle();
    let resources = resources(&bundle);
    let sections = bundle["entry"][0]["resource"]["section"].as_array().unwrap();
    let mut seen = Vec::new();
    for section in sections {
        assert_eq!(missing(section, "section"), [""; 0]);
        check_narrative(section["text"]["div"].as_str().unwrap());
        let coding = section["code"]["coding"].as_array().unwrap();
        assert_eq!(coding[0]["system"], "http://loinc.org");
        let code = coding[0]["code"].as_str().unwrap();
        let (_, kinds, group) = SECTIONS.iter().find(|(loinc, ..)| *loinc == code).expect("a known section");
        assert_eq!(coding[1]["code"], *group, "{code}");
        let listed = references(&section["entry"]);
        assert!(!listed.is_empty(), "{code} lists nothing");
        let listed_kinds: BTreeSet<&str> = listed.iter().map(|url| kind(resources[url])).collect();
        assert_eq!(listed_kinds, kinds.iter().copied().collect(), "{code}");
        seen.push(code);
    }
    let expected: Vec<&str> = SECTIONS.iter().map(|(loinc, ..)| *loinc).collect();
    assert_eq!(seen, expected);
    let groups: BTreeSet<&str> = SECTIONS.iter().map(|(.., group)| *group).collect();
    assert_eq!(groups, BTreeSet::from(["administrative", "history", "visit", "treatment-summary"]));
}

#[test]
fn codes_name_their_system_and_quantities_their_unit() {
    let bundle = bundle();
    let mut quantities = 0;
    every_object(&bundle, &mut |object| {
        for coding in object.get("coding").and_then(Value::as_array).into_iter().flatten() {
            for part in ["system", "code", "display"] {
                assert!(coding[part].as_str().is_some_and(|text| !text.is_empty()), "{part} of {coding}");
            }
        }
        if object.get("value").is_some_and(Value::is_number) && object.contains_key("system") {
            assert_eq!(object["system"], "http://unitsofmeasure.org");
            assert!(object["code"].is_string() && object["unit"].is_string(), "{object:?}");
            quantities += 1;
        }
    });
    assert!(quantities > 15, "only {quantities} quantities were found");
}

#[test]
fn diagnoses_are_icd_10_and_everything_is_about_the_one_patient() {
    let bundle = bundle();
    let resources = resources(&bundle);
    let patient = resources.iter().find(|(_, resource)| kind(resource) == "Patient").unwrap().0;
    for resource in resources.values() {
        for key in ["subject", "patient", "beneficiary"] {
            if let Some(about) = resource.get(key) {
                assert_eq!(about["reference"], *patient, "{}", kind(resource));
            }
        }
        if kind(resource) == "Condition" {
            assert_eq!(resource["code"]["coding"][0]["system"], "http://hl7.org/fhir/sid/icd-10");
        }
    }
}

#[test]
fn the_patient_cannot_be_taken_for_a_real_one() {
    let bundle = bundle();
    let patient =
        bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).find(|it| kind(it) == "Patient");
    let number = patient.unwrap()["identifier"][0]["value"].as_str().unwrap();
    assert_eq!(number.len(), 12);
    assert!(number.starts_with("999"), "no province has the code 999: {number}");
    assert_eq!(bundle["meta"]["tag"][0]["code"], "HTEST");
    assert!(bundle["entry"][0]["resource"]["title"].as_str().unwrap().contains("MẪU THỬ NGHIỆM"));
}
