//! What a schema may say: a word that nobody here knows checks nothing, and whoever wrote it believes that it does. So it is an error.

use std::collections::HashSet;

use serde_json::Value;

use super::{kind::KindFault, schema::Schemas};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What is below a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    /// No schema.
    Value,
    /// A schema for something that the value has.
    Part,
    /// Such, by name.
    Parts,
    /// Such, one after the other.
    PartList,
    /// A schema for the value itself.
    Same,
    SameList,
    SameByName,
}

/// Keywords of draft 2020-12: core, applicators, validation, annotations. What is not here is not known, though the draft has it: dynamic
/// references, names of places, content that is encoded.
const KEYWORDS: &[(&str, Below)] = &[
    ("$schema", Below::Value),
    ("$comment", Below::Value),
    ("$defs", Below::Parts),
    ("$ref", Below::Value),
    ("title", Below::Value),
    ("description", Below::Value),
    ("default", Below::Value),
    ("examples", Below::Value),
    ("deprecated", Below::Value),
    ("type", Below::Value),
    ("enum", Below::Value),
    ("const", Below::Value),
    ("multipleOf", Below::Value),
    ("maximum", Below::Value),
    ("exclusiveMaximum", Below::Value),
    ("minimum", Below::Value),
    ("exclusiveMinimum", Below::Value),
    ("maxLength", Below::Value),
    ("minLength", Below::Value),
    ("pattern", Below::Value),
    ("format", Below::Value),
    ("maxItems", Below::Value),
    ("minItems", Below::Value),
    ("uniqueItems", Below::Value),
    ("maxContains", Below::Value),
    ("minContains", Below::Value),
    ("maxProperties", Below::Value),
    ("minProperties", Below::Value),
    ("required", Below::Value),
    ("dependentRequired", Below::Value),
    ("properties", Below::Parts),
    ("patternProperties", Below::Parts),
    ("additionalProperties", Below::Part),
    ("unevaluatedProperties", Below::Part),
    ("propertyNames", Below::Part),
    ("prefixItems", Below::PartList),
    ("items", Below::Part),
    ("unevaluatedItems", Below::Part),
    ("contains", Below::Part),
    ("dependentSchemas", Below::SameByName),
    ("allOf", Below::SameList),
    ("anyOf", Below::SameList),
    ("oneOf", Below::SameList),
    ("not", Below::Same),
    ("if", Below::Same),
    ("then", Below::Same),
    ("else", Below::Same),
];

/// The schema of this name says nothing but what is known, and leads nowhere into itself without going deeper into the document.
pub(super) fn check(name: &str, schema: &Value, schemas: &Schemas) -> Result<(), KindFault> {
    let mut walk = Walk { schemas, name, circle: HashSet::new(), free_of_circles: HashSet::new() };
    walk.known(schema, "")
}

struct Walk<'a> {
    schemas: &'a Schemas,
    name: &'a str,
    /// Where the walk is, by references and words about the same value.
    circle: HashSet<(String, String)>,
    free_of_circles: HashSet<(String, String)>,
}

impl Walk<'_> {
    fn fault(&self, path: &str, rule: &str) -> KindFault {
        KindFault::Schema(format!("{}#{path}: {rule}", self.name))
    }

    fn known(&mut self, schema: &Value, path: &str) -> Result<(), KindFault> {
        let members = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(members) => members,
            _ => return Err(self.fault(path, "must be a schema: an object, true or false")),
        };
        for (keyword, value) in members {
            let path = format!("{path}/{keyword}");
            let Some((_, below)) = KEYWORDS.iter().find(|(known, _)| known == keyword) else {
                return Err(self.fault(&path, "is no keyword that is known here"));
            };
            if keyword == "$schema" && value != DRAFT {
                return Err(self.fault(&path, &format!("must be {DRAFT}: other drafts are not known")));
            }
            for (step, inner) in parts(*below, value) {
                self.known(inner, &format!("{path}{step}"))?;
            }
        }
        self.circles(self.name.to_owned(), path.to_owned(), schema)
    }

    /// Follows what is said of the same value.
    fn circles(&mut self, file: String, pointer: String, schema: &Value) -> Result<(), KindFault> {
        let place = (file, pointer);
        if self.free_of_circles.contains(&place) {
            return Ok(());
        }
        if !self.circle.insert(place.clone()) {
            return Err(self.fault(&place.1, "leads back to itself and says nothing of the document"));
        }
        let (file, pointer) = place.clone();
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            if keyword == "$ref" {
                let (other, at) = value
                    .as_str()
                    .unwrap_or_default()
                    .split_once('#')
                    .unwrap_or((value.as_str().unwrap_or_default(), ""));
                let other = if other.is_empty() { file.clone() } else { other.to_owned() };
                let schemas = self.schemas;
                // One that leads nowhere is told when the schema is made ready.
                if let Some(target) = schemas.get(&other).and_then(|whole| whole.pointer(at)) {
                    self.circles(other, at.to_owned(), target)?;
                }
                continue;
            }
            let below = KEYWORDS.iter().find(|(known, _)| known == keyword).map_or(Below::Value, |(_, below)| *below);
            if matches!(below, Below::Same | Below::SameList | Below::SameByName) {
                for (step, inner) in parts(below, value) {
                    self.circles(file.clone(), format!("{pointer}/{keyword}{step}"), inner)?;
                }
            }
        }
        self.circle.remove(&place);
        self.free_of_circles.insert(place);
        Ok(())
    }
}

/// The schemas below a keyword, each with the step to it.
fn parts(below: Below, value: &Value) -> Vec<(String, &Value)> {
    match below {
        Below::Value => Vec::new(),
        Below::Part | Below::Same => vec![(String::new(), value)],
        Below::Parts | Below::SameByName => {
            let members = value.as_object().into_iter().flatten();
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            members.map(|(name, inner)| (format!("/{}", escaped(name)), inner)).collect()
        }
        Below::PartList | Below::SameList => {
            let items = value.as_array().into_iter().flatten().enumerate();
            items.map(|(index, inner)| (format!("/{index}"), inner)).collect()
        }
    }
}
