//! Issued documents: their record, their signature, their standing.

use std::sync::Arc;

use tokio::sync::Notify;

use super::permission::Client;
use crate::{
    clock,
    config::Operation,
    registry::{
        DocumentId, DocumentState, DocumentStatus, IssuedDocument, Newest, Registry, RegistryError, StatusChange,
    },
};

/// Answers questions about issued documents.
pub struct DocumentService {
    registry: Arc<dyn Registry>,
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
    pub const fn new(registry: Arc<dyn Registry>, changed: Arc<Notify>) -> Self {
        Self { registry, changed }
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

    /// Changes the standing, for those who may sign its kind.
    pub async fn set_status(
        &self,
        client: &Client,
        document_id: DocumentId,
        order: StatusOrder,
    ) -> Result<DocumentStatus, DocumentError> {
        let document = self.registry.document(document_id).await?.ok_or(DocumentError::Unknown)?;
        if !client.may_sign_kind(&document.intent.kind) {
            return Err(DocumentError::Unknown);
        }
        let StatusOrder { state, reason, superseded_by } = order;
        let change = StatusChange { state, superseded_by, client: client.name.clone(), at: clock::now(), reason };
        let status = self.registry.set_status(document_id, change).await?;
        self.changed.notify_one();
        Ok(status)
    }
}
