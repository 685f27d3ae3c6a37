//! What changes how a document is to be read (FHIR R4 §2.1.0.1.2, §2.4.0.1): who signs it without understanding it would sign what he does not
//! know. And what stands in bundles that are no documents (bdl-1 to bdl-4).

use serde_json::Value;

use super::narrative;
use crate::kinds::{ContentFault, json::step};

/// Members of a document; an underscore before a name of a primitive one stands for its id and extensions.
const BUNDLE: [&str; 10] =
    ["resourceType", "id", "meta", "language", "identifier", "type", "timestamp", "link", "entry", "signature"];
const ENTRY: [&str; 5] = ["id", "extension", "link", "fullUrl", "resource"];

/// Nothing in the Bundle changes the meaning of the rest, or belongs to another kind of Bundle; all narratives are text for people.
///
/// # Errors
/// The path of the first fault.
pub fn check(bundle: &Value, entries: &[Value]) -> Result<(), ContentFault> {
    if let Some(name) = unknown_member(bundle, &BUNDLE) {
        return Err(ContentFault::new(format!("/{name}"), "is no member of a document (FHIR bdl-1)"));
    }
    for (index, entry) in entries.iter().enumerate() {
        if let Some(name) = unknown_member(entry, &ENTRY) {
            let rule = "is no member of an entry of a document (FHIR bdl-2 to bdl-4)";
            return Err(ContentFault::new(format!("/entry/{index}/{name}"), rule));
        }
        let (path, resource) = (format!("/entry/{index}/resource"), &entry["resource"]);
        check_narrative(resource, &path)?;
        for (at, inner) in resource["contained"].as_array().into_iter().flatten().enumerate() {
            check_narrative(inner, &format!("{path}/contained/{at}"))?;
        }
        check_modifiers(resource, &mut path.clone())?;
    }
    Ok(())
}

/// A member that is not one of these. Of one that is long the beginning.
fn unknown_member(value: &Value, known: &[&str]) -> Option<String> {
    let members = value.as_object()?;
    let name = members.keys().find(|name| !known.contains(&name.strip_prefix('_').unwrap_or(name)))?;
    let mut path = String::new();
    step(&mut path, name);
    Some(path.split_off(1))
}

fn check_narrative(resource: &Value, path: &str) -> Result<(), ContentFault> {
    match resource.get("text").and_then(narrative::fault) {
        Some((member, rule)) => Err(ContentFault::new(format!("{path}/text{member}"), rule)),
        None => Ok(()),
    }
}

/// No extension that may not be passed over is understood here, nor are rules that stand elsewhere.
fn check_modifiers(value: &Value, path: &mut String) -> Result<(), ContentFault> {
    let length = path.len();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                step(path, name);
                let rule = match name.as_str() {
                    "modifierExtension" if !is_empty(member) => {
                        Some("changes the meaning of what it stands in: not understood here")
                    }
                    "implicitRules" if !is_empty(member) => {
                        Some("must not be there: the document is read by FHIR R4 alone")
                    }
                    _ => None,
                };
                if let Some(rule) = rule {
                    return Err(ContentFault::new(&*path, rule));
                }
                check_modifiers(member, path)?;
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                step(path, &index.to_string());
                check_modifiers(item, path)?;
                path.truncate(length);
            }
        }
        _ => {}
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
