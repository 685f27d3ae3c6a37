//! Issued documents: their record, their signature, their standing.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{keys::SharedKeys, permission::Client, sign::is_called};
use crate::{
    clock,
    config::Operation,
    kinds::Kinds,
    registry::{
        DocumentId, DocumentState, DocumentStatus, Intent, IssuedDocument, Newest, Registry, RegistryError,
        StatusChange,
    },
};

/// Answers questions about issued documents.
pub struct DocumentService {
    registry: Arc<dyn Registry>,
    keys: SharedKeys,
    kinds: Arc<Kinds>,
    /// Told of changes, for those who publish them.
    changed: Arc<Notify>,
}

/// A change of standing as a client asks for it.
pub struct StatusOrder {
    pub state: DocumentState,
    pub reason: String,
    pub superseded_by: Option<DocumentId>,
}

#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not issued here, or not for this client's eyes: which of the two is not said.
    #[error("no document of this id was issued here for you")]
    Unknown,
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl DocumentService {
    pub const fn new(registry: Arc<dyn Registry>, keys: SharedKeys, kinds: Arc<Kinds>, changed: Arc<Notify>) -> Self {
        Self { registry, keys, kinds, changed }
    }

    pub const fn registry(&self) -> &Arc<dyn Registry> {
        &self.registry
    }

    /// The record, for those who may sign its kind and those who may verify.
    pub async fn document(&self, client: &Client, document_id: DocumentId) -> Result<IssuedDocument, DocumentError> {
        let document = self.registry.document(document_id).await?.ok_or(DocumentError::Unknown)?;
        if client.may_sign_kind(&document.intent.kind) || client.may(Operation::Verify) {
            return Ok(document);
        }
        Err(DocumentError::Unknown)
    }

    pub async fn status(&self, document_id: DocumentId) -> Result<DocumentStatus, DocumentError> {
        self.registry.status(document_id).await?.ok_or(DocumentError::Unknown)
    }

    /// The newest signature, without content, and its level; for those who may see the record.
    pub async fn newest(&self, document_id: DocumentId) -> Result<Newest, DocumentError> {
        self.registry.newest(document_id).await?.ok_or(DocumentError::Unknown)
    }

    /// This client issued it, or may sign its kind with the key that signed it: nobody else changes what an issuer said.
    fn is_issuer(&self, client: &Client, document: &IssuedDocument) -> bool {
        let Intent { client: issuer, kind, signer, .. } = &document.intent;
        let keys = self.keys.load();
        let mut names = keys.iter().filter(|key| is_called(&***key, signer)).filter_map(|key| key.authority());
        client.may_sign_kind(kind)
            && (*issuer == client.name
                || client.may_sign(kind, signer)
                || names.any(|authority| client.may_sign(kind, authority)))
    }

    /// Where the paper is presented it is used up, if its kind is good for one office.
    fn may_use_up(&self, client: &Client, document: &IssuedDocument, order: &StatusOrder) -> bool {
        let kind = &document.intent.kind;
        let is_single_use = self.kinds.get(kind).is_some_and(|kind| kind.reliance.single_use);
        order.state == DocumentState::Used && is_single_use && client.may_use_up(kind)
    }

    /// Changes the standing, for its issuer; whoever may use up its kind may use it up.
    pub async fn set_status(
        &self,
        client: &Client,
        document_id: DocumentId,
        order: StatusOrder,
    ) -> Result<DocumentStatus, DocumentError> {
        let document = self.registry.document(document_id).await?.ok_or(DocumentError::Unknown)?;
        let is_issuer = self.is_issuer(client, &document);
        if !is_issuer && !self.may_use_up(client, &document, &order) {
            return Err(DocumentError::Unknown);
        }
        let StatusOrder { state, reason, superseded_by } = order;
        if let Some(successor) = superseded_by {
            // What stands in its place is of the same issuer; of others' documents nothing is told.
            let known = self.registry.document(successor).await?;
            if !known.is_some_and(|known| self.is_issuer(client, &known)) {
                return Err(RegistryError::SuccessorNotInForce { document_id, successor }.into());
            }
        }
        let change = StatusChange { state, superseded_by, client: client.name.clone(), at: clock::now(), reason };
        let mut status = self.registry.set_status(document_id, change).await?;
        self.changed.notify_one();
        if !is_issuer {
            // What others did with it is the issuer's alone.
            status.history.retain(|change| change.client == client.name);
        }
        Ok(status)
    }
}
