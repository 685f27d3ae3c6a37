//! The first entry of a document (FHIR R4 bdl-11): its own elements, whom it is about, and its sections.

use serde_json::Value;

use super::{
    narrative,
    references::Resources,
    values::{is_concept, is_date, is_date_time, is_text},
};
use crate::kinds::{ContentFault, content::Section};

const LOINC: &str = "http://loinc.org";
const PATH: &str = "/entry/0/resource";

/// Of a health paper: who it is about is demanded too.
pub fn check(resources: &Resources<'_>, sections: &[Section]) -> Result<(), ContentFault> {
    let composition = resources.first();
    if composition["resourceType"] != "Composition" {
        return Err(ContentFault::new(PATH, "must be the Composition (FHIR bdl-11)"));
    }
    let fault = |name: &str, rule: &str| Err(ContentFault::new(format!("{PATH}/{name}"), rule));
    if !["preliminary", "final", "amended"].iter().any(|status| composition["status"] == *status) {
        return fault("status", "must be preliminary, final or amended");
    }
    if !is_concept(&composition["type"]) {
        return fault("type", "must have a code, or text");
    }
    if !is_date_time(&composition["date"]) {
        return fault("date", "must be a date, or a time with its zone");
    }
    let authors = composition["author"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_someone = |author: &Value| {
        ["reference", "display"].iter().any(|name| is_text(&author[name])) || author["identifier"].is_object()
    };
    if authors.is_empty() || !authors.iter().all(is_someone) {
        return fault("author", "must name who wrote it");
    }
    if !is_text(&composition["title"]) {
        return fault("title", "must be there");
    }
    match resources.led_to(&composition["subject"]) {
        Some((patient, path)) if patient["resourceType"] == "Patient" => check_patient(patient, &path)?,
        _ => return fault("subject", "must lead to a Patient"),
    }
    check_sections(composition, sections)
}

/// The person of the paper, without whom it is about nobody: Decision 1332, the administrative group.
fn check_patient(patient: &Value, path: &str) -> Result<(), ContentFault> {
    let items = |name: &str| patient[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_name = |name: &Value| is_text(&name["text"]) || is_text(&name["family"]);
    let rule = if !items("identifier").iter().any(|identifier| is_text(&identifier["value"])) {
        Some(("identifier", "must have an identifier with a value"))
    } else if !items("name").iter().any(is_name) {
        Some(("name", "must have a name"))
    } else if !["male", "female", "other", "unknown"].iter().any(|gender| patient["gender"] == *gender) {
        Some(("gender", "must be male, female, other or unknown"))
    } else if !is_date(&patient["birthDate"]) {
        Some(("birthDate", "must be a date, or a part of one, such as 1978-11-17 or 1978"))
    } else {
        None
    };
    rule.map_or(Ok(()), |(name, rule)| Err(ContentFault::new(format!("{path}/{name}"), rule)))
}

fn check_sections(composition: &Value, wanted: &[Section]) -> Result<(), ContentFault> {
    let given = match &composition["section"] {
        Value::Null => &[],
        Value::Array(items) => items.as_slice(),
        _ => return Err(ContentFault::new(format!("{PATH}/section"), "must be a list")),
    };
    for (index, section) in given.iter().enumerate() {
        check_section(section, &format!("{PATH}/section/{index}"))?;
    }
    // Each stands for one of those that are wanted.
    let mut free: Vec<&Value> = given.iter().collect();
    for Section { name, codes } in wanted {
        let Some(at) = free.iter().position(|section| has_code(section, codes)) else {
            let rule = format!("must have a section of {name}, with the LOINC code {}", codes.join(" or "));
            return Err(ContentFault::new(format!("{PATH}/section"), rule));
        };
        free.remove(at);
    }
    Ok(())
}

/// A title, and something below it (cmp-1), or why there is nothing (cmp-2); those within it too.
fn check_section(section: &Value, path: &str) -> Result<(), ContentFault> {
    if !is_text(&section["title"]) {
        return Err(ContentFault::new(format!("{path}/title"), "must be there"));
    }
    if let Some((member, rule)) = section.get("text").and_then(narrative::fault) {
        return Err(ContentFault::new(format!("{path}/text{member}"), rule));
    }
    let items = |name: &str| section[name].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, entry) in items("entry").iter().enumerate() {
        if !is_text(&entry["reference"]) {
            return Err(ContentFault::new(format!("{path}/entry/{index}"), "must lead to an entry of this Bundle"));
        }
    }
    let is_empty = items("entry").is_empty() && items("section").is_empty();
    if is_empty && section.get("text").is_none() && !is_concept(&section["emptyReason"]) {
        let rule = "must have text, entries or sections of its own (FHIR cmp-1), or say why it is empty";
        return Err(ContentFault::new(path, rule));
    }
    items("section")
        .iter()
        .enumerate()
        .try_for_each(|(index, section)| check_section(section, &format!("{path}/section/{index}")))
}

/// One of these LOINC codes is the section's, or that of one within it.
fn has_code(section: &Value, codes: &[String]) -> bool {
    let own = section["code"]["coding"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_wanted = |coding: &Value| {
        coding["system"] == LOINC
            && coding["code"].as_str().is_some_and(|code| codes.iter().any(|wanted| wanted == code))
    };
    let within = section["section"].as_array().map(Vec::as_slice).unwrap_or_default();
    own.iter().any(is_wanted) || within.iter().any(|section| has_code(section, codes))
}
