//! Which paper a record is of. Who adds a signature to a paper signs the same document: the paper keeps the id that its first signer stated, and
//! with it its one standing. A further signature has a record of its own, and no standing.

use crate::{
    core::cms::{SignedData, attributes::SignedAttributes, document_reference::DocumentReference},
    registry::{DocumentId, Format, IssuedDocument, Registry, RegistryError},
    signing::pades,
};

/// The paper of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paper {
    /// First signed here: the record that has its standing.
    Here(Box<IssuedDocument>),
    /// First signed elsewhere, where its standing is told, under this name.
    Elsewhere(DocumentReference),
}

impl Paper {
    /// As its signers state it.
    pub fn id(&self) -> String {
        match self {
            Self::Here(first) => first.intent.document_id.to_string(),
            Self::Elsewhere(reference) => reference.id().to_owned(),
        }
    }
}

/// The paper that this record is of; `None`: what was signed unseen is of none.
///
/// # Errors
/// The registry's.
pub async fn of(registry: &dyn Registry, document: IssuedDocument) -> Result<Option<Paper>, RegistryError> {
    if document.intent.format == Format::Raw {
        return Ok(None);
    }
    let own = document.intent.document_id.to_string();
    let Some(reference) = stated(&document).into_iter().find(|stated| stated.id() != own) else {
        return Ok(Some(Paper::Here(Box::new(document))));
    };
    let first = match reference.id().parse::<DocumentId>() {
        Ok(id) => registry.document(id).await?,
        Err(_) => None,
    };
    let first = first.filter(|first| stated(first).contains(&reference));
    Ok(Some(first.map_or(Paper::Elsewhere(reference), |first| Paper::Here(Box::new(first)))))
}

/// The documents that the signers of the recorded message state; they are one, unless the message was made elsewhere.
pub fn stated(document: &IssuedDocument) -> Vec<DocumentReference> {
    let recorded = &document.issued.signature;
    match document.intent.format {
        Format::Cades => stated_in(recorded),
        Format::Pades => pades::message_in(recorded).map(|message| stated_in(&message)).unwrap_or_default(),
        Format::Raw => Vec::new(),
    }
}

fn stated_in(message: &[u8]) -> Vec<DocumentReference> {
    let Ok(message) = SignedData::decode(message) else { return Vec::new() };
    let signed = message.signer_infos.iter().filter_map(|signer| signer.signed_attributes);
    signed.filter_map(|attributes| SignedAttributes::decode(attributes).ok()?.document_reference).collect()
}
