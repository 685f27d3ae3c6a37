//! What was changed in a PDF after a signature, and may not be.

use super::{Dictionary, Document, Object, Reference, same_values};
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

/// A change of pages, if there is one: people ask for it first. Else the change that was found.
pub fn gravest(signed: &Document<'_>, now: &Document<'_>, found: Forbidden) -> Result<Forbidden, PdfFault> {
    let mut gravest = found;
    for number in now.numbers_since(signed) {
        let (before, after) = (dictionary(signed, number)?, dictionary(now, number)?);
        let kind = |one: &Option<Dictionary>| one.as_ref().and_then(|one| one.name(b"Type").map(<[u8]>::to_vec));
        let place = format!("object {number}");
        match (kind(&before).as_deref(), kind(&after).as_deref()) {
            (Some(b"Pages"), _) if differ(&before, &after, b"Kids") => return Ok(Change::Pages.at(place)),
            (None, Some(b"Page")) => return Ok(Change::Pages.at(place)),
            (Some(b"Page"), _)
                if [&b"Contents"[..], b"Resources", b"MediaBox", b"CropBox", b"Rotate"]
                    .iter()
                    .any(|key| differ(&before, &after, key)) =>
            {
                gravest = Change::Page.at(place);
            }
            _ => {}
        }
    }
    Ok(gravest)
}

fn dictionary(document: &Document<'_>, number: u32) -> Result<Option<Dictionary>, PdfFault> {
    let Some(reference) = document.in_use(number) else { return Ok(None) };
    Ok(document.object(reference)?.and_then(|found| match found.value.object {
        Object::Dictionary(dictionary) => Some(dictionary),
        _ => None,
    }))
}

fn differ(one: &Option<Dictionary>, other: &Option<Dictionary>, key: &[u8]) -> bool {
    let value = |dictionary: &Option<Dictionary>| dictionary.as_ref().and_then(|found| found.get(key).cloned());
    !same_values(value(one).as_ref(), value(other).as_ref())
}
