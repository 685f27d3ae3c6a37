//! Documents of FHIR R4 (4.0.1): what chapter 3.3 (Documents) and the invariants of Bundle and Composition demand, and of whom they are. The
//! elements of all other resources are for the schema of the kind.
//!
//! `references` is what references lead to, `composition` the first entry with its subject, `narrative` text for people, `understood` what
//! may not be passed over, `values` the primitive types.

mod composition;
mod narrative;
mod references;
mod understood;
mod values;

use serde_json::Value;

use super::{ContentFault, content::Section};
use references::Resources;
use values::{is_instant, is_text};

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
    if !is_instant(&bundle["timestamp"]) {
        let rule = "must say when the document was put together, as in 2026-08-03T09:30:00+07:00 (FHIR bdl-10)";
        return Err(ContentFault::new("/timestamp", rule));
    }
    let entries = bundle["entry"].as_array().filter(|entries| !entries.is_empty());
    let entries = entries.ok_or_else(|| ContentFault::new("/entry", "must have entries"))?;
    let resources = Resources::read(entries)?;
    understood::check(bundle, entries)?;
    resources.check_references()?;
    composition::check(&resources, sections)
}
