//! What a PDF says of a signature beside its message, and what came after it.

use super::Shadow;
use crate::core::pdf::changes::Addition;
use crate::core::pdf::document::Document;
use crate::core::pdf::signature::SignatureField;
use crate::core::pdf::text;

/// For people who read the answer; what its signer wrote is signed, but nobody checked it.
#[derive(Clone, Debug, Default)]
pub struct InPdf {
    /// Full name of its field.
    pub field: String,
    /// Octets of the file up to which it covers all but itself; `None`: its dictionary does not say so.
    pub covers: Option<usize>,
    /// Octets of the file.
    pub size: usize,
    pub reason: Option<String>,
    pub location: Option<String>,
    /// Its dictionary has another type than its kind demands (ISO 32000-2 table 255).
    pub has_other_type: bool,
    /// What later revisions added, and may.
    pub additions: Vec<Addition>,
    /// `P` of its certification (ISO 32000-2 table 257).
    pub certification: Option<u8>,
    /// What the document has that is not shown.
    pub shadows: Vec<Shadow>,
}

impl InPdf {
    /// Before what came later is known.
    pub fn new(document: &Document<'_>, field: &SignatureField) -> Self {
        let size = document.octets().len();
        let certification = field.permissions.certification;
        let own = Self { field: field.name.clone(), size, certification, ..Self::default() };
        let Ok(dictionary) = &field.dictionary else { return own };
        Self {
            covers: Some(dictionary.byte_range.end),
            reason: dictionary.reason.as_deref().map(text::string),
            location: dictionary.location.as_deref().map(text::string),
            has_other_type: dictionary.has_other_type,
            ..own
        }
    }
}
