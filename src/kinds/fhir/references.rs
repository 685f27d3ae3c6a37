//! The entries of a Bundle, and what references lead to (FHIR R4 Bundle §2.36.4.1, contained resources §2.28.2.3): exactly one resource, or
//! the document says two things.

use std::collections::HashMap;

use serde_json::Value;

use super::values::is_text;
use crate::kinds::{ContentFault, json::step};

/// What stands in a Bundle.
pub struct Resources<'a> {
    entries: Vec<Entry<'a>>,
    by_url: HashMap<&'a str, usize>,
    /// As in `Patient/1`; `None`: several are called so.
    by_name: HashMap<String, Option<usize>>,
}

/// One entry, and what its resource contains, by id.
struct Entry<'a> {
    full_url: &'a str,
    resource: &'a Value,
    contained: HashMap<&'a str, &'a Value>,
}

impl<'a> Resources<'a> {
    pub fn read(entries: &'a [Value]) -> Result<Self, ContentFault> {
        let mut read = Self { entries: Vec::new(), by_url: HashMap::new(), by_name: HashMap::new() };
        for (index, entry) in entries.iter().enumerate() {
            let fault = |name: &str, rule: &str| Err(ContentFault::new(format!("/entry/{index}/{name}"), rule));
            let resource = &entry["resource"];
            let Some(kind) = resource["resourceType"].as_str() else {
                return fault("resource/resourceType", "must name the type of the resource");
            };
            let full_url = entry["fullUrl"].as_str().unwrap_or_default();
            let is_absolute =
                ["http://", "https://", "urn:uuid:", "urn:oid:"].iter().any(|start| full_url.starts_with(start));
            if !is_absolute || full_url.contains("/_history/") {
                let rule = "must be an absolute URL, urn:uuid: or urn:oid:, without a version (FHIR bdl-8)";
                return fault("fullUrl", rule);
            }
            let id = resource["id"].as_str();
            if let Some(id) = id.filter(|_| full_url.contains("://"))
                && !full_url.ends_with(&format!("/{kind}/{id}"))
            {
                return fault("fullUrl", "must end in the type and the id of the resource");
            }
            if read.by_url.insert(full_url, index).is_some() {
                return fault("fullUrl", "must differ from those of other entries (FHIR bdl-7)");
            }
            if let Some(id) = id {
                let called = read.by_name.entry(format!("{kind}/{id}"));
                called.and_modify(|several| *several = None).or_insert(Some(index));
            }
            let mut contained = HashMap::new();
            for (at, inner) in resource["contained"].as_array().into_iter().flatten().enumerate() {
                let place = format!("resource/contained/{at}/id");
                let Some(id) = inner["id"].as_str() else { return fault(&place, "must be there (FHIR dom-2)") };
                if contained.insert(id, inner).is_some() {
                    return fault(&place, "must differ from those of others that are contained");
                }
            }
            read.entries.push(Entry { full_url, resource, contained });
        }
        Ok(read)
    }

    /// The resource of the first entry.
    pub fn first(&self) -> &'a Value {
        self.entries.first().map_or(&Value::Null, |entry| entry.resource)
    }

    /// What a Reference in the first entry leads to, and the path of that; `None`: it is none.
    pub fn led_to(&self, reference: &Value) -> Option<(&'a Value, String)> {
        let text = reference["reference"].as_str()?;
        match self.resolve(text, self.entries.first()?)? {
            Found::Entry(index) => Some((self.entries[index].resource, format!("/entry/{index}/resource"))),
            Found::Contained(inner) => Some((inner, "/entry/0/resource/contained".to_owned())),
        }
    }

    /// Every `reference` leads to an entry of this Bundle, or into its own resource.
    pub fn check_references(&self) -> Result<(), ContentFault> {
        for (index, entry) in self.entries.iter().enumerate() {
            self.check_within(entry.resource, entry, &mut format!("/entry/{index}/resource"))?;
        }
        Ok(())
    }

    fn check_within(&self, value: &Value, holder: &Entry<'_>, path: &mut String) -> Result<(), ContentFault> {
        let length = path.len();
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    step(path, name);
                    match member {
                        Value::String(text) if name == "reference" && self.resolve(text, holder).is_none() => {
                            return Err(ContentFault::new(&*path, "must lead to one entry of this Bundle"));
                        }
                        // An element of this name is a Reference itself.
                        Value::Object(inner) if name == "reference" && !is_reference(inner) => {
                            return Err(ContentFault::new(&*path, "must be a Reference"));
                        }
                        Value::String(_) | Value::Object(_) => self.check_within(member, holder, path)?,
                        _ if name == "reference" => {
                            return Err(ContentFault::new(
                                &*path,
                                "must be text that leads to an entry of this Bundle",
                            ));
                        }
                        _ => self.check_within(member, holder, path)?,
                    }
                    path.truncate(length);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    step(path, &index.to_string());
                    self.check_within(item, holder, path)?;
                    path.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn resolve(&self, reference: &str, holder: &Entry<'_>) -> Option<Found<'_, 'a>> {
        if let Some(id) = reference.strip_prefix('#') {
            if id.is_empty() {
                return self.by_url.get(holder.full_url).map(|index| Found::Entry(*index));
            }
            // By the holder's own place: what it contains lives as long as the Bundle.
            let own = self.by_url.get(holder.full_url)?;
            return self.entries[*own].contained.get(id).map(Found::Contained);
        }
        let (whole, version) = match reference.split_once("/_history/") {
            Some((whole, version)) => (whole, Some(version)),
            None => (reference, None),
        };
        let index = if whole.contains(':') { *self.by_url.get(whole)? } else { self.relative(whole, holder)? };
        let found = version.is_none_or(|version| self.entries[index].resource["meta"]["versionId"] == version);
        found.then_some(Found::Entry(index))
    }

    /// By the address of the server on which the holder is; else the one that is called so, wherever it is.
    fn relative(&self, whole: &str, holder: &Entry<'_>) -> Option<usize> {
        let root = holder.full_url.rsplitn(3, '/').nth(2).filter(|root| root.contains("://"));
        let at_root = root.and_then(|root| self.by_url.get(format!("{root}/{whole}").as_str()));
        let called = self.by_name.get(whole);
        match (at_root, called) {
            (Some(index), _) => Some(*index),
            (None, Some(called)) => *called,
            (None, None) => None,
        }
    }
}

/// What a reference leads to.
enum Found<'b, 'a> {
    Entry(usize),
    Contained(&'b &'a Value),
}

/// It says what it leads to.
fn is_reference(members: &serde_json::Map<String, Value>) -> bool {
    members.get("reference").is_some_and(is_text) || members.get("identifier").is_some_and(Value::is_object)
}
