//! What was changed in a PDF after a signature, and may not be.

use super::{Document, Object, Reference};
use crate::core::pdf::fault::PdfFault;

/// A change that no addition needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    pub change: Change,
    /// Which object, or which key.
    pub place: String,
}

/// Of what a change is, as far as people care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The later revisions do not build on the one that was signed.
    Structure,
    /// What a page shows, or how.
    Page,
    /// Which pages there are.
    Pages,
    /// A note, stamp or other mark on a page.
    Annotation,
    /// The value of a field.
    FormFilled,
    /// Fields, or what the form says of them.
    Form,
    /// A signature that was there: its dictionary says something else.
    Signature,
    /// What the document says of itself as a whole: names, layers, what happens when it is opened.
    Catalogue,
    /// Its title, author and the like.
    Metadata,
    /// The certification allows no such addition.
    Certified,
    /// A signature locked the field.
    Locked,
    /// Something else.
    Object,
}

impl Change {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Structure => "pdf-changed-structure",
            Self::Page => "pdf-changed-page",
            Self::Pages => "pdf-changed-pages",
            Self::Annotation => "pdf-changed-annotation",
            Self::FormFilled => "pdf-changed-form-filled",
            Self::Form => "pdf-changed-form",
            Self::Signature => "pdf-changed-signature",
            Self::Catalogue => "pdf-changed-catalogue",
            Self::Metadata => "pdf-changed-metadata",
            Self::Certified => "pdf-changed-against-certification",
            Self::Locked => "pdf-changed-locked-field",
            Self::Object => "pdf-changed-object",
        }
    }

    /// By a key or an object in words.
    pub fn at(self, place: impl Into<String>) -> Forbidden {
        Forbidden { change: self, place: place.into() }
    }

    pub fn key(self, key: &[u8]) -> Forbidden {
        self.at(format!("/{}", String::from_utf8_lossy(key)))
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Structure => [Self::Structure],
            Self::Page => [Self::Page],
            Self::Pages => [Self::Pages],
            Self::Annotation => [Self::Annotation],
            Self::FormFilled => [Self::FormFilled],
            Self::Form => [Self::Form],
            Self::Signature => [Self::Signature],
            Self::Catalogue => [Self::Catalogue],
            Self::Metadata => [Self::Metadata],
            Self::Certified => [Self::Certified],
            Self::Locked => [Self::Locked],
            Self::Object => [Self::Object],
        })
    }
}

/// Says of what a change is, by the object as it was signed, or as it came.
pub fn describe(signed: &Document<'_>, now: &Document<'_>, number: u32) -> Result<Forbidden, PdfFault> {
    let reference = Reference { number, generation: 0 };
    let place = format!("object {number}");
    let found = match signed.object(reference)? {
        Some(found) => Some(found),
        None => now.object(reference)?,
    };
    let Some(found) = found else { return Ok(Change::Object.at(place)) };
    let Object::Dictionary(dictionary) = &found.value.object else { return Ok(Change::Object.at(place)) };
    let change = match dictionary.name(b"Type") {
        Some(b"Page") => Change::Page,
        Some(b"Pages") => Change::Pages,
        Some(b"Catalog") => Change::Catalogue,
        Some(b"Sig" | b"DocTimeStamp") => Change::Signature,
        Some(b"Font" | b"FontDescriptor" | b"XObject" | b"ExtGState" | b"Pattern") => Change::Page,
        _ if dictionary.get(b"FT").is_some() || dictionary.name(b"Subtype") == Some(b"Widget") => Change::Form,
        Some(b"Annot") => Change::Annotation,
        _ if dictionary.get(b"Rect").is_some() => Change::Annotation,
        _ if dictionary.get(b"ByteRange").is_some() => Change::Signature,
        _ if found.is_stream => Change::Page,
        _ => Change::Object,
    };
    Ok(change.at(place))
}
