//! JSON request bodies, field by field.
#![no_main]

use antin_fuzz::field::{FieldError, Fields};
use libfuzzer_sys::fuzz_target;

const KNOWN: &[&str] = &["document", "filename", "signature", "digests", "purpose", "metadata"];

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = read(bytes) {
        assert!(error.field.chars().count() <= 64 && !error.fault.to_string().is_empty());
    }
});

fn read(bytes: &[u8]) -> Result<(), FieldError> {
    let fields = Fields::read(bytes, KNOWN)?;
    // What the lenient reader of another crate takes for an object is one, with these members.
    let value: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        // Nested deeper than that reader goes.
        Err(_) => serde_json::Value::Null,
    };
    if let Some(text) = fields.text("filename")?
        && value.is_object()
    {
        assert_eq!(value["filename"].as_str(), Some(text.as_ref()));
    }
    fields.base64("document")?;
    fields.base64("signature")?;
    fields.named("purpose", &["archive"], |name| (name == "archive").then_some(()))?;
    fields.object_text("metadata")?;
    fields.object("metadata", &["a"])?;
    for digest in fields.objects("digests", 8, &["algorithm", "value"])?.into_iter().flatten() {
        digest.text("algorithm")?;
        digest.required("value", digest.base64("value")?)?;
    }
    Ok(())
}
