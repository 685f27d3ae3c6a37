//! Adding a signature to one that is there: what is checked before the key is used, and before anything is released.

use super::{
    existing::{Existing, ExistingError, JudgedContent, Stated},
    papers,
    sign::{SignContent, SignError, SignRequest, SignService},
};
use crate::{
    core::{algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto},
    registry::{DocumentId, DocumentState, IssuedDocument, LONGEST_SIGNATURE, Sha256},
    signing::{IssuingKey, SigningError},
};

/// Octets that one signature with its certificates takes, and more.
const ROOM_FOR_ONE: usize = 256 * 1024;

/// Reads the signature to which another is to be added; what it carries is the content, if none was given.
pub(super) fn read_existing(request: &mut SignRequest) -> Result<Option<Existing>, SignError> {
    let Some(bytes) = &request.existing_signature else {
        return if matches!(request.content, SignContent::Existing) { Err(SignError::NoContent) } else { Ok(None) };
    };
    let (existing, content) = Existing::read(bytes)?;
    match (&request.content, content) {
        (SignContent::Existing, Some(content)) => request.content = SignContent::Document(content.into()),
        (SignContent::Existing, None) => return Err(SignError::NoContent),
        (SignContent::Document(_) | SignContent::Digest(_), None) => {}
        (SignContent::Document(given), Some(content)) if *given == content => {}
        (SignContent::Digest(given), Some(content)) if *given == crypto::sha256(&content) => {}
        (SignContent::Document(_) | SignContent::Digest(_), Some(_)) => {
            return Err(ExistingError::Broken { code: "content-differs" }.into());
        }
    }
    Ok(Some(existing))
}

impl SignContent {
    /// As the signatures that are there are judged over it.
    fn judged(&self) -> JudgedContent {
        match self {
            Self::Document(document) => JudgedContent::Bytes(document.clone()),
            Self::Digest(digest) => JudgedContent::Digests(vec![(DigestAlgorithm::Sha256, digest.to_vec())]),
            Self::Existing => JudgedContent::Digests(Vec::new()),
        }
    }
}

impl SignService {
    /// Judges the existing signature, if there is one: the document that its signers state, which was issued here with this very content and
    /// stands, or is another's where the settings allow that.
    pub(super) async fn check_existing(
        &self,
        existing: Option<&Existing>,
        request: &SignRequest,
        document_digest: &Sha256,
    ) -> Result<Option<Stated>, SignError> {
        let Some(existing) = existing else { return Ok(None) };
        if existing.detached().len() > LONGEST_SIGNATURE - ROOM_FOR_ONE {
            return Err(ExistingError::TooLarge.into());
        }
        let stated = existing.judge(&self.verify, &request.content.judged(), &request.kind).await?;
        let Some(reference) = stated else { return Ok(None) };
        let is_content = |document: &IssuedDocument| document.intent.document_digest == *document_digest;
        Ok(Some(self.found(reference, &request.kind, is_content).await?))
    }

    /// The paper that signers state, to which a signature is added: one of the record with this content that is in force, or another's, where
    /// the settings allow that. What bears the id of a paper of the record and is not it gets no signature.
    pub(super) async fn found(
        &self,
        reference: DocumentReference,
        kind: &str,
        is_content: impl Fn(&IssuedDocument) -> bool,
    ) -> Result<Stated, SignError> {
        let recorded = match reference.id().parse::<DocumentId>() {
            Ok(document_id) => self.registry.document(document_id).await?,
            Err(_) => None,
        };
        let Some(document) = recorded else {
            let is_allowed = self.kinds.get(kind).is_some_and(|kind| kind.foreign_references);
            return if is_allowed {
                Ok(Stated { reference, is_here: false })
            } else {
                Err(ExistingError::Foreign.into())
            };
        };
        if !is_content(&document) || !papers::stated(&document).contains(&reference) {
            return Err(ExistingError::Foreign.into());
        }
        match self.registry.status(document.intent.document_id).await? {
            Some(status) if status.state == DocumentState::InForce => Ok(Stated { reference, is_here: true }),
            _ => Err(ExistingError::NotInForce.into()),
        }
    }

    /// The signature added to the existing one, if there is one, and all of them judged once more: nothing is released that does not pass.
    pub(super) async fn added(
        &self,
        existing: Option<&Existing>,
        signature: Vec<u8>,
        request: &SignRequest,
        reference: &DocumentReference,
        key: &dyn IssuingKey,
    ) -> Result<Vec<u8>, SignError> {
        let Some(existing) = existing else { return Ok(signature) };
        let all = existing.with(&signature)?;
        let wrong = |code| SigningError::SelfCheck { key: key.name().to_owned(), code };
        match all.judge(&self.verify, &request.content.judged(), &request.kind).await {
            Ok(Some(stated)) if stated == *reference => Ok(all.detached().to_vec()),
            Ok(_) => Err(wrong("document-reference").into()),
            Err(ExistingError::Broken { code } | ExistingError::Undetermined { code }) => Err(wrong(code).into()),
            Err(error) => Err(error.into()),
        }
    }
}
