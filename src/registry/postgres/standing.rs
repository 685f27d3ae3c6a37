//! The statements of standing: whether an issued document is in force, and how that came about.

use deadpool_postgres::{GenericClient, Transaction};

use super::{fault::Fault, named, octets};
use crate::{
    core::time::Time,
    registry::{DocumentId, DocumentState, DocumentStatus, MOST_STATUS_CHANGES, RegistryError, StatusChange},
};

/// Records a change that the rules allow. The transaction is serializable: what was read here still holds when it is committed.
pub(super) async fn set_status(
    transaction: &Transaction<'_>,
    document_id: DocumentId,
    change: StatusChange,
) -> Result<DocumentStatus, Fault> {
    let status = read_status(transaction, document_id).await?;
    let mut status = status.ok_or(RegistryError::UnknownDocument(document_id))?;
    if !status.state.may_become(change.state) {
        return Err(RegistryError::StatusConflict { document_id, from: status.state, to: change.state }.into());
    }
    if status.history.len() >= MOST_STATUS_CHANGES {
        return Err(RegistryError::HistoryFull(document_id).into());
    }
    if let Some(successor) = change.superseded_by {
        // In force, so that replacements form no circle.
        let standing = read_status(transaction, successor).await?;
        let in_force = standing.is_some_and(|standing| standing.state == DocumentState::InForce);
        if successor == document_id || !in_force {
            return Err(RegistryError::SuccessorNotInForce { document_id, successor }.into());
        }
    }
    let id = &document_id.as_bytes()[..];
    let statement = transaction.prepare_cached("UPDATE antin.document SET state = $2 WHERE id = $1").await?;
    transaction.execute(&statement, &[&id, &change.state.name()]).await?;
    let statement = transaction
        .prepare_cached(
            "INSERT INTO antin.status_change (document_id, position, state, superseded_by, client, changed_at, reason) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .await?;
    let position = i64::try_from(status.history.len()).unwrap_or(i64::MAX).saturating_add(1);
    let successor = change.superseded_by.as_ref().map(|successor| &successor.as_bytes()[..]);
    let at = change.at.unix();
    transaction
        .execute(&statement, &[&id, &position, &change.state.name(), &successor, &change.client, &at, &change.reason])
        .await?;
    status.state = change.state;
    status.since = change.at;
    status.superseded_by = change.superseded_by;
    status.history.push(change);
    Ok(status)
}

/// The standing as the changes made it, all of them read.
pub(super) async fn read_status(
    client: &impl GenericClient,
    document_id: DocumentId,
) -> Result<Option<DocumentStatus>, Fault> {
    let id = &document_id.as_bytes()[..];
    // One statement, so that state and history are of one moment.
    let statement = client
        .prepare_cached(
            "SELECT d.state, d.signed_at, c.state, c.superseded_by, c.client, c.changed_at, c.reason \
             FROM antin.document d LEFT JOIN antin.status_change c ON c.document_id = d.id \
             WHERE d.id = $1 AND d.progress = 'issued' ORDER BY c.position",
        )
        .await?;
    let rows = client.query(&statement, &[&id]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let state = named(first, 0, DocumentState::from_name)?;
    let signed_at = Time::from_unix(first.try_get(1).map_err(Fault::Damaged)?);
    let mut history: Vec<StatusChange> = Vec::new();
    for row in &rows {
        // A document without any change has one row without one.
        if row.try_get::<_, Option<&str>>(2).map_err(Fault::Damaged)?.is_none() {
            break;
        }
        let successor: Option<&[u8]> = row.try_get(3).map_err(Fault::Damaged)?;
        history.push(StatusChange {
            state: named(row, 2, DocumentState::from_name)?,
            superseded_by: successor.map(|_| octets(row, 3)).transpose()?.map(DocumentId::from_bytes),
            client: row.try_get(4).map_err(Fault::Damaged)?,
            at: Time::from_unix(row.try_get(5).map_err(Fault::Damaged)?),
            reason: row.try_get(6).map_err(Fault::Damaged)?,
        });
    }
    let (since, superseded_by) = history.last().map_or((signed_at, None), |change| (change.at, change.superseded_by));
    Ok(Some(DocumentStatus { state, since, superseded_by, history }))
}
