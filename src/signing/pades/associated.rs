//! A file put into a PDF before anybody signs it (ISO 32000-2 §14.13): a FHIR Bundle in the health book that shows it.

use super::PadesError;
use super::form::{append, catalogue};
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::PdfFault;
use crate::core::pdf::object::{Dictionary, Object};
use crate::core::pdf::update::Update;
use crate::core::pdf::{archival, associated, signature};
use crate::core::time::Time;
use crate::core::{crypto, pdf};

/// Characters of a name and of a media type.
const LONGEST: usize = 200;
/// Octets of a file: what is found again within the bounds of the reader.
const LARGEST: usize = 16 << 20;

/// What the file is to the document (ISO 32000-2 table 43).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// The document was made from it.
    Source,
    /// It holds what the document shows, to be computed with.
    Data,
}

/// A file that is to be embedded.
#[derive(Clone, Copy, Debug)]
pub struct AssociatedFile<'a> {
    pub name: &'a str,
    pub media_type: &'a str,
    pub relationship: Relationship,
    pub description: Option<&'a str>,
    pub modified: Time,
    pub octets: &'a [u8],
}

/// Why a file is not embedded.
#[derive(Debug, thiserror::Error)]
pub enum AssociatedError {
    #[error(transparent)]
    Pades(#[from] PadesError),
    #[error("the PDF is signed: a file must be embedded before")]
    Signed,
    #[error("the PDF says that it is PDF/A-{part}, which may not hold such a file: make it PDF/A-3")]
    Archival { part: u8 },
    #[error("the PDF has an embedded file {name:?} already")]
    Exists { name: String },
    #[error("the {what} of the embedded file is empty, too long or has control characters")]
    Text { what: &'static str },
    #[error("the embedded file has {length} octets, more than {LARGEST}")]
    TooLarge { length: usize },
}

impl From<PdfFault> for AssociatedError {
    fn from(fault: PdfFault) -> Self {
        Self::Pades(fault.into())
    }
}

/// The update that embeds the file, to be put behind the document.
///
/// # Errors
/// The document is signed or certified, says that it is PDF/A-1 or PDF/A-2, has a file of that name, or cannot be read with certainty.
pub fn embed(octets: &[u8], file: &AssociatedFile<'_>) -> Result<Vec<u8>, AssociatedError> {
    for (what, text) in [("name", file.name), ("media type", file.media_type)] {
        let length = text.chars().count();
        if !(1..=LONGEST).contains(&length) || text.chars().any(char::is_control) {
            return Err(AssociatedError::Text { what });
        }
    }
    if file.octets.len() > LARGEST {
        return Err(AssociatedError::TooLarge { length: file.octets.len() });
    }
    let document = Document::read(octets)?;
    let is_signed = pdf::contains_byte_range(octets) || !signature::fields(&document)?.is_empty();
    if is_signed || document.catalogue()?.get(b"Perms").is_some() {
        return Err(AssociatedError::Signed);
    }
    if let Some(part @ 1..=2) = archival::claimed_part(&document)? {
        return Err(AssociatedError::Archival { part });
    }
    let mut names = associated::names(&document)?;
    let name = Object::of_text(file.name);
    let Object::String { octets: own, .. } = &name else { return Err(AssociatedError::Text { what: "name" }) };
    let is_there = associated::embedded(&document)?.iter().any(|embedded| embedded.name == file.name);
    if is_there || names.iter().any(|(known, _)| known == own) {
        return Err(AssociatedError::Exists { name: file.name.to_owned() });
    }

    let mut update = Update::new(&document);
    let length = i64::try_from(file.octets.len()).unwrap_or(i64::MAX);
    let mut parameters = Dictionary::default()
        .with("Size", Object::Integer(length))
        .with("ModDate", Object::of_text(&super::date(file.modified)));
    if let Some(checksum) = crypto::md5(file.octets) {
        parameters.set(b"CheckSum", Object::of_octets(checksum.to_vec()));
    }
    let stream = Dictionary::default()
        .with("Type", Object::of_name("EmbeddedFile"))
        .with("Subtype", Object::of_name(file.media_type))
        .with("Params", Object::Dictionary(parameters));
    let stream = Object::Reference(update.add_stream(stream, file.octets.to_vec()));
    let relationship = match file.relationship {
        Relationship::Source => "Source",
        Relationship::Data => "Data",
    };
    let mut specification = Dictionary::default()
        .with("Type", Object::of_name("Filespec"))
        .with("F", name.clone())
        .with("UF", name.clone())
        .with("AFRelationship", Object::of_name(relationship))
        .with("EF", Object::Dictionary(Dictionary::default().with("F", stream.clone()).with("UF", stream)));
    if let Some(description) = file.description {
        specification.set(b"Desc", Object::of_text(description));
    }
    let specification = update.add(Object::Dictionary(specification));

    // The whole tree of names as one leaf, in the order of their octets (§7.9.6).
    names.push((own.clone(), Object::Reference(specification)));
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    let pairs = names.into_iter().flat_map(|(octets, value)| [Object::String { octets, is_hex: false }, value]);
    let tree = update.add(Object::Dictionary(Dictionary::default().with("Names", Object::of_array(pairs))));
    let (root, mut catalogue) = catalogue(&document, &update)?;
    let all = document.dictionary(&catalogue, b"Names")?.unwrap_or_default();
    let all = all.with("EmbeddedFiles", Object::Reference(tree));
    match catalogue.get(b"Names").and_then(|value| value.object.as_reference()) {
        Some(own) => update.put(own, Object::Dictionary(all)),
        None => catalogue.set(b"Names", Object::Dictionary(all)),
    }
    append(&document, &mut update, &mut catalogue, b"AF", specification)?;
    update.put(root, Object::Dictionary(catalogue));
    Ok(update.finish()?.octets)
}
