//! Issued documents: their record, their signature, their standing.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{
    keys::SharedKeys,
    papers::{self, Paper},
    permission::Client,
    sign::is_called,
};
use crate::{
    clock,
    config::Operation,
    kinds::Kinds,
    registry::{
        DocumentId, DocumentState, DocumentStatus, Format, Intent, IssuedDocument, Newest, Registry, RegistryError,
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
    /// This client's is one more signature of somebody else's paper.
    #[error(
        "this is the record of a further signature of document {0}, which has the standing: who issued that one first changes it, under its id"
    )]
    FurtherSignature(String),
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

    /// The record, for those who may sign its kind and those who may verify. What was signed unseen is shown to nobody: it is no document.
    pub async fn document(&self, client: &Client, document_id: DocumentId) -> Result<IssuedDocument, DocumentError> {
        let document = self.registry.document(document_id).await?.ok_or(DocumentError::Unknown)?;
        let may_see = client.may_sign_kind(&document.intent.kind) || client.may(Operation::Verify);
        if may_see && document.intent.format != Format::Raw { Ok(document) } else { Err(DocumentError::Unknown) }
    }

    /// The paper that a record is of, and its standing; `None`: that is told elsewhere.
    pub async fn standing(&self, document: IssuedDocument) -> Result<(Paper, Option<DocumentStatus>), DocumentError> {
        let paper = self.paper(document).await?;
        let status = match &paper {
            Paper::Here(first) => self.registry.status(first.intent.document_id).await?,
            Paper::Elsewhere(_) => None,
        };
        Ok((paper, status))
    }

    async fn paper(&self, document: IssuedDocument) -> Result<Paper, DocumentError> {
        papers::of(&*self.registry, document).await?.ok_or(DocumentError::Unknown)
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

    /// Changes the standing of the paper that this record is of, for the issuer of its first signature; whoever may use up its kind may use it
    /// up.
    pub async fn set_status(
        &self,
        client: &Client,
        document_id: DocumentId,
        order: StatusOrder,
    ) -> Result<DocumentStatus, DocumentError> {
        let record = self.registry.document(document_id).await?.ok_or(DocumentError::Unknown)?;
        let may_use_up = self.may_use_up(client, &record, &order);
        let is_concerned = may_use_up || self.is_issuer(client, &record);
        let first = match self.paper(record).await? {
            Paper::Here(first) if may_use_up || self.is_issuer(client, &first) => first,
            paper if is_concerned => return Err(DocumentError::FurtherSignature(paper.id())),
            _ => return Err(DocumentError::Unknown),
        };
        let (document_id, is_issuer) = (first.intent.document_id, self.is_issuer(client, &first));
        let StatusOrder { state, reason, superseded_by } = order;
        let superseded_by = match superseded_by {
            Some(successor) => Some(
                self.successor(client, successor)
                    .await?
                    .ok_or_else(|| RegistryError::SuccessorNotInForce { document_id, successor })?,
            ),
            None => None,
        };
        let change = StatusChange { state, superseded_by, client: client.name.clone(), at: clock::now(), reason };
        let mut status = self.registry.set_status(document_id, change).await?;
        self.changed.notify_one();
        if !is_issuer {
            // What others did with it is the issuer's alone.
            status.history.retain(|change| change.client == client.name);
        }
        Ok(status)
    }

    /// The paper that takes the place of another is of the same issuer; of others' documents nothing is told.
    async fn successor(&self, client: &Client, successor: DocumentId) -> Result<Option<DocumentId>, DocumentError> {
        let Some(record) = self.registry.document(successor).await? else { return Ok(None) };
        match papers::of(&*self.registry, record).await? {
            Some(Paper::Here(first)) if self.is_issuer(client, &first) => Ok(Some(first.intent.document_id)),
            _ => Ok(None),
        }
    }
}
