//! Documents of FHIR R4 (4.0.1): what chapter 3.3 (Documents) and the invariants of Bundle and Composition demand. The elements of each
//! single resource are for the schema of the kind.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{ContentFault, content::Section, json::step};

const LOINC: &str = "http://loinc.org";
/// Elements of Composition with a minimum of 1, and its subject, without which a health paper is about nobody.
const COMPOSITION: [&str; 6] = ["status", "type", "subject", "date", "author", "title"];

/// Holds a Bundle against the rules of a document, and its Composition against the sections that it must have.
///
/// # Errors
/// The path of the first fault.
pub fn check(bundle: &Value, sections: &[Section]) -> Result<(), ContentFault> {
    let is = |name: &str, value: &str| bundle[name] == value;
    if !is("resourceType", "Bundle") {
        return Err(ContentFault::new("/resourceType", "must be Bundle"));
    }
    if !is("type", "document") {
        return Err(ContentFault::new("/type", "must be document"));
    }
    let identifier = &bundle["identifier"];
    if !(is_text(&identifier["system"]) && is_text(&identifier["value"])) {
        return Err(ContentFault::new("/identifier", "must have a system and a value (FHIR bdl-9)"));
    }
    if !is_text(&bundle["timestamp"]) {
        return Err(ContentFault::new("/timestamp", "must say when the document was put together (FHIR bdl-10)"));
    }
    let entries = bundle["entry"].as_array().filter(|entries| !entries.is_empty());
    let entries = entries.ok_or_else(|| ContentFault::new("/entry", "must have entries"))?;
    let resources = Resources::read(entries)?;
    composition(&entries[0]["resource"], sections, &resources)?;
    for (index, entry) in entries.iter().enumerate() {
        let mut path = format!("/entry/{index}/resource");
        let resource = &entry["resource"];
        resources.check_references(resource, &Holder { full_url: full_url(entry), resource }, &mut path)?;
    }
    Ok(())
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn full_url(entry: &Value) -> &str {
    entry["fullUrl"].as_str().unwrap_or_default()
}

/// The first entry (bdl-11): its own elements, and its sections.
fn composition(composition: &Value, sections: &[Section], resources: &Resources<'_>) -> Result<(), ContentFault> {
    const PATH: &str = "/entry/0/resource";
    if composition["resourceType"] != "Composition" {
        return Err(ContentFault::new(PATH, "must be the Composition (FHIR bdl-11)"));
    }
    for name in COMPOSITION {
        let there = match &composition[name] {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        if !there {
            return Err(ContentFault::new(format!("{PATH}/{name}"), "must be there"));
        }
    }
    let subject = composition["subject"]["reference"].as_str().and_then(|reference| resources.by_url.get(reference));
    if subject.is_some_and(|subject| subject["resourceType"] != "Patient") {
        return Err(ContentFault::new(format!("{PATH}/subject"), "must be a Patient"));
    }
    let given = composition["section"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, section) in given.iter().enumerate() {
        check_section(section, &format!("{PATH}/section/{index}"))?;
    }
    let missing = sections.iter().find(|wanted| !given.iter().any(|section| has_code(section, &wanted.codes)));
    match missing {
        None => Ok(()),
        Some(Section { name, codes }) => {
            let rule = format!("must have a section of {name}, with the LOINC code {}", codes.join(" or "));
            Err(ContentFault::new(format!("{PATH}/section"), rule))
        }
    }
}

/// A title, and something below it (cmp-1); those within it too.
fn check_section(section: &Value, path: &str) -> Result<(), ContentFault> {
    if !is_text(&section["title"]) {
        return Err(ContentFault::new(format!("{path}/title"), "must be there"));
    }
    let has = |name: &str| section[name].as_array().is_some_and(|items| !items.is_empty());
    if !(section["text"].is_object() || has("entry") || has("section")) {
        return Err(ContentFault::new(path, "must have text, entries or sections of its own (FHIR cmp-1)"));
    }
    let within = section["section"].as_array().map(Vec::as_slice).unwrap_or_default();
    within
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

/// What references lead to.
struct Resources<'a> {
    by_url: HashMap<&'a str, &'a Value>,
    /// As in `Patient/1`.
    by_name: HashSet<String>,
}

/// The entry in which a reference stands.
struct Holder<'a> {
    full_url: &'a str,
    resource: &'a Value,
}

impl<'a> Resources<'a> {
    fn read(entries: &'a [Value]) -> Result<Self, ContentFault> {
        let (mut by_url, mut by_name) = (HashMap::new(), HashSet::new());
        for (index, entry) in entries.iter().enumerate() {
            let fault = |name: &str, rule: &str| Err(ContentFault::new(format!("/entry/{index}/{name}"), rule));
            let resource = &entry["resource"];
            let Some(kind) = resource["resourceType"].as_str() else {
                return fault("resource/resourceType", "must name the type of the resource");
            };
            let url = full_url(entry);
            if !url.contains(':') || url.contains("/_history/") {
                return fault("fullUrl", "must be an absolute URL or urn:uuid:, without a version (FHIR bdl-8)");
            }
            if by_url.insert(url, resource).is_some() {
                return fault("fullUrl", "must differ from those of other entries (FHIR bdl-7)");
            }
            if let Some(id) = resource["id"].as_str() {
                by_name.insert(format!("{kind}/{id}"));
            }
        }
        Ok(Self { by_url, by_name })
    }

    /// Every `reference` leads to an entry of this Bundle, or into its own resource.
    fn check_references(&self, value: &Value, holder: &Holder<'_>, path: &mut String) -> Result<(), ContentFault> {
        let length = path.len();
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    step(path, name);
                    match member {
                        Value::String(reference) if name == "reference" && !self.resolves(reference, holder) => {
                            return Err(ContentFault::new(&*path, "must lead to an entry of this Bundle"));
                        }
                        _ => self.check_references(member, holder, path)?,
                    }
                    path.truncate(length);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    step(path, &index.to_string());
                    self.check_references(item, holder, path)?;
                    path.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Bundle §2.36.4.1, and contained resources (§2.28.2.3).
    fn resolves(&self, reference: &str, holder: &Holder<'_>) -> bool {
        if let Some(id) = reference.strip_prefix('#') {
            let contained = holder.resource["contained"].as_array().map(Vec::as_slice).unwrap_or_default();
            return id.is_empty() || contained.iter().any(|resource| resource["id"] == id);
        }
        let whole = reference.split("/_history/").next().unwrap_or_default();
        if whole.contains(':') {
            return self.by_url.contains_key(whole);
        }
        let root = holder.full_url.rsplitn(3, '/').nth(2).filter(|root| root.contains("://"));
        root.is_some_and(|root| self.by_url.contains_key(format!("{root}/{whole}").as_str()))
            || self.by_name.contains(whole)
    }
}
