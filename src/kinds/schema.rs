//! JSON Schema (draft 2020-12) as the kinds use it: schemas of the same folder refer to each other, nothing is fetched.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::{ContentFault, json, kind::KindFault, vocabulary};

/// What the names of files are relative to; nobody is asked there.
const BASE: &str = "https://kinds.invalid/";

/// The schemas of a folder, by the names of their files.
#[derive(Clone, Debug, Default)]
pub struct Schemas(BTreeMap<String, Arc<Value>>);

/// One that documents are held against.
pub struct Schema {
    /// The name of its file.
    pub name: String,
    validator: Validator,
    /// For words about what is broken.
    schemas: Schemas,
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Schema").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Schemas {
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), KindFault> {
        let value = json::parse(text.as_bytes()).map_err(|fault| KindFault::Schema(fault.to_string()))?;
        self.0.insert(name.to_owned(), Arc::new(value));
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|value| &**value)
    }

    /// The names of all.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Makes the schema of this name ready.
    pub(super) fn compile(&self, name: &str) -> Result<Schema, KindFault> {
        let text = self.0.get(name).ok_or_else(|| KindFault::SchemaMissing(name.to_owned()))?;
        vocabulary::check(name, text, self)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_base_uri(format!("{BASE}{name}"))
            .with_retriever(self.clone())
            // Patterns cost time in proportion to the text.
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .build(text)
            .map_err(|error| KindFault::Schema(error.to_string()))?;
        Ok(Schema { name: name.to_owned(), validator, schemas: self.clone() })
    }
}

impl Retrieve for Schemas {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(BASE).unwrap_or_default();
        self.get(name)
            .cloned()
            .ok_or_else(|| format!("no schema {:?} stands in the folder, and none is fetched", uri.as_str()).into())
    }
}

impl Schema {
    /// # Errors
    /// The path of the first fault, and words about it. No other is looked for: there may be as many as the document has values.
    pub fn check(&self, value: &Value) -> Result<(), ContentFault> {
        let fault = |error: ValidationError<'_>| ContentFault::new(error.instance_path().as_str(), self.rule(&error));
        self.validator.validate(value).map_err(fault)
    }

    /// What the schema's own words demand there; else those of the library, without the value and without names that the schema has not.
    fn rule(&self, error: &ValidationError<'_>) -> String {
        let schema = || {
            let location = error.absolute_keyword_location()?.as_str();
            let (file, pointer) = location.strip_prefix(BASE)?.split_once('#')?;
            let (parent, _) = pointer.rsplit_once('/')?;
            self.schemas.get(file)?.pointer(parent)
        };
        let unknown = matches!(
            error.kind(),
            ValidationErrorKind::AdditionalProperties { .. }
                | ValidationErrorKind::UnevaluatedProperties { .. }
                | ValidationErrorKind::PropertyNames { .. }
        );
        if unknown {
            let members = schema().and_then(|schema| schema.get("properties")?.as_object());
            let names: Vec<&str> = members.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            return format!("has a member that is not known there; those that are: {}", names.join(", "));
        }
        let described = schema().and_then(|schema| schema.get("description")?.as_str());
        described.map_or_else(|| error.masked().to_string(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(text: &Value) -> Result<Schema, KindFault> {
        let mut schemas = Schemas::default();
        schemas.add("common.schema.json", include_str!("../../config/kinds/common.schema.json"))?;
        schemas.add("a.schema.json", &text.to_string())?;
        schemas.compile("a.schema.json")
    }

    #[test]
    fn a_fault_has_its_path_and_the_words_of_the_schema_and_no_value() {
        let date = json!({"$ref": "common.schema.json#/$defs/date"});
        let schema = schema(&json!({
            "properties": {"a/b": {"items": date}, "id": {"$ref": "common.schema.json#/$defs/citizenId"}},
            "required": ["id"],
        }));
        let schema = schema.expect("a schema");
        assert_eq!(schema.check(&json!({"a/b": ["2026-08-03"], "id": "001099000001"})), Ok(()));
        let fault =
            schema.check(&json!({"a/b": ["2026-08-03", "2026-02-30"], "id": "secret"})).expect_err("two faults");
        assert_eq!((fault.path.as_str(), fault.rule.as_str()), ("/a~1b/1", "must be a date such as 2026-08-03"));
        let fault = schema.check(&json!({})).expect_err("no id");
        assert_eq!((fault.path.as_str(), fault.rule.contains("\"id\"")), ("", true), "{fault}");
        let fault = schema.check(&json!({"id": 5})).expect_err("no text");
        assert!(!fault.to_string().contains('5'), "{fault}");
    }

    #[test]
    fn a_schema_may_lead_to_itself_deeper_in_the_document() {
        let schema =
            schema(&json!({"properties": {"a": {"$ref": "#"}}, "additionalProperties": false})).expect("a schema");
        assert_eq!(schema.check(&json!({"a": {"a": {}}})), Ok(()));
        let fault = schema.check(&json!({"a": {"001099000001": {}}})).expect_err("unknown");
        assert_eq!((fault.path.as_str(), fault.rule.ends_with("those that are: a")), ("/a", true), "{fault}");
    }

    /// Of a document with a fault in each of its values one is told, at the cost of one.
    #[test]
    fn many_faults_cost_what_one_costs() {
        let schema = schema(&json!({"items": {"required": ["a", "b", "c"]}})).expect("a schema");
        let many = json!(vec![json!({}); 100_000]);
        let began = std::time::Instant::now();
        assert_eq!(schema.check(&many).expect_err("faults").path, "/0");
        let one = began.elapsed();
        let began = std::time::Instant::now();
        assert!(schema.validator.iter_errors(&many).count() >= 300_000);
        assert!(one * 20 < began.elapsed(), "{one:?}");
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_refused() {
        for text in [
            json!({"$ref": "https://example.org/schema.json"}),
            json!({"$ref": "other.schema.json"}),
            json!({"type": "strings"}),
            json!({"pattern": "(a"}),
            json!({"pattern": "(?=a)b"}),
            json!({"format": "nonsense"}),
            json!({"require": ["a"]}),
            json!({"properties": {"a": {"maxlength": 5}}}),
            json!({"items": {"allOf": [{"additionalProprties": false}]}}),
            json!({"contentEncoding": "base64"}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            json!({"$ref": "#"}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
            json!({"properties": 5, "items": 7}),
        ] {
            assert!(matches!(schema(&text), Err(KindFault::Schema(_))), "{text}");
        }
    }
}
