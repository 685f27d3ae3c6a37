//! A document held against what its kind says of its media type.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    fhir, json,
    kind::KindFault,
    lookup::LookupPointers,
    schema::{Schema, Schemas},
};
use crate::core::{
    lookup::LookupFields,
    pdf::{document::Document, page, survey::survey},
};

/// What documents of a kind are under one media type.
#[derive(Debug)]
pub struct Content {
    /// Without parameters.
    pub media_type: String,
    pub form: Form,
    pub maximum_bytes: usize,
    /// Of JSON.
    pub schema: Option<Schema>,
    /// Of a FHIR document: sections that its Composition must have.
    pub sections: Vec<Section>,
    /// Where JSON says by what the public may ask for it.
    pub lookup: Option<LookupPointers>,
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// RFC 8259, each name once.
    Json,
    /// A Bundle of FHIR R4 (4.0.1) that is a document, in JSON.
    FhirDocument,
    /// ISO 32000, with pages, without scripts and what else acts.
    Pdf,
    /// Anything: nobody here looks into it.
    Octets,
}

/// A section that must be there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// For people.
    pub name: String,
    /// One of these LOINC codes.
    pub codes: Vec<String>,
}

/// As it stands in the file of the kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenContent {
    media_type: String,
    form: Form,
    maximum_bytes: usize,
    schema: Option<String>,
    #[serde(default)]
    sections: Vec<Section>,
    lookup: Option<LookupPointers>,
}

/// Where a document breaks which rule of its kind. It repeats nothing of what the document says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {rule}", if path.is_empty() { "the document" } else { path })]
pub struct ContentFault {
    /// A JSON Pointer (RFC 6901) into the document; empty: all of it.
    pub path: String,
    /// What must be there.
    pub rule: String,
    /// It is about the media type, not the document.
    pub of_media_type: bool,
}

/// The longest path and rule that are told, in bytes: names in a path are the document's own.
const LONGEST_TOLD: usize = 1024;

impl ContentFault {
    pub(super) fn new(path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { path: cut(path.into()), rule: cut(rule.into()), of_media_type: false }
    }

    pub(super) fn media_type(known: &str) -> Self {
        Self { path: String::new(), rule: format!("documents of this kind are {known}"), of_media_type: true }
    }
}

impl WrittenContent {
    pub(super) fn with(self, schemas: &Schemas) -> Result<Content, KindFault> {
        let Self { media_type, form, maximum_bytes, schema, sections, lookup } = self;
        let (kind, of_kind) = media_type.split_once('/').unwrap_or_default();
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
        if !is_token(kind) || !is_token(of_kind) || media_type.contains(';') || media_type.len() > 127 {
            return Err(KindFault::Value("content.media-type", "be a media type without parameters"));
        }
        if maximum_bytes == 0 {
            return Err(KindFault::Value("content.maximum-bytes", "be above 0"));
        }
        if schema.is_some() != matches!(form, Form::Json | Form::FhirDocument) {
            return Err(KindFault::Value("content.schema", "be given for JSON, and for nothing else"));
        }
        let has_codes = |section: &Section| !section.name.is_empty() && !section.codes.is_empty();
        if !sections.iter().all(has_codes) || (!sections.is_empty() && form != Form::FhirDocument) {
            return Err(KindFault::Value("content.sections", "have a name and codes, in a fhir-document"));
        }
        if lookup.is_some() && form != Form::Json {
            return Err(KindFault::Value("content.lookup", "be given for json, and for nothing else"));
        }
        lookup.as_ref().map_or(Ok(()), LookupPointers::check)?;
        let schema = schema.map(|name| schemas.compile(&name)).transpose()?;
        Ok(Content { media_type, form, maximum_bytes, schema, sections, lookup })
    }
}

impl Content {
    pub(super) fn check(&self, document: &[u8]) -> Result<(), ContentFault> {
        if document.len() > self.maximum_bytes {
            return Err(ContentFault::new("", format!("must have at most {} bytes", self.maximum_bytes)));
        }
        match self.form {
            Form::Octets => Ok(()),
            Form::Pdf => check_pdf(document),
            Form::Json => self.check_schema(&json::parse(document)?),
            Form::FhirDocument => {
                let value = json::parse(document)?;
                fhir::check(&value, &self.sections)?;
                self.check_schema(&value)
            }
        }
    }

    /// What the document, which was checked, says of the five fields.
    pub(super) fn lookup_fields(&self, document: &[u8]) -> Result<Vec<LookupFields>, ContentFault> {
        let Some(pointers) = &self.lookup else { return Ok(Vec::new()) };
        pointers.fields(&json::parse(document)?)
    }

    fn check_schema(&self, value: &Value) -> Result<(), ContentFault> {
        self.schema.as_ref().map_or(Ok(()), |schema| schema.check(value))
    }
}

/// As it is read for a signature in it: whoever signs beside it says as much.
fn check_pdf(document: &[u8]) -> Result<(), ContentFault> {
    let fault = |rule: String| Err(ContentFault::new("", rule));
    if !document.starts_with(b"%PDF-") {
        return fault("must be a PDF".to_owned());
    }
    let read = Document::read(document);
    let looked = read.and_then(|document| Ok((page::pages(&document)?.len(), survey(&document)?.is_active)));
    match looked {
        Err(cause) => fault(format!("must be a PDF that can be read: {cause}")),
        Ok((0, _)) => fault("must be a PDF with pages".to_owned()),
        Ok((_, true)) => fault("must be a PDF without scripts, XFA forms and actions".to_owned()),
        Ok(_) => Ok(()),
    }
}

/// No more of it than is told.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST_TOLD {
        let end = (0..=LONGEST_TOLD).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
