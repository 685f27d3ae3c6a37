//! The statements of standing: whether an issued document is in force, and how that came about.

use rusqlite::{Connection, OptionalExtension, params};

use super::{read_named, worker::unavailable};
use crate::{
    core::time::Time,
    registry::{DocumentId, DocumentState, DocumentStatus, MOST_STATUS_CHANGES, RegistryError, StatusChange},
};

/// Records a change that the rules allow.
pub(super) fn set_status(
    connection: &Connection,
    document_id: DocumentId,
    change: StatusChange,
) -> Result<DocumentStatus, RegistryError> {
    let mut status = read_status(connection, document_id)
        .map_err(unavailable)?
        .ok_or(RegistryError::UnknownDocument(document_id))?;
    if !status.state.may_become(change.state) {
        return Err(RegistryError::StatusConflict { document_id, from: status.state, to: change.state });
    }
    if status.history.len() >= MOST_STATUS_CHANGES {
        return Err(RegistryError::HistoryFull(document_id));
    }
    if let Some(successor) = change.superseded_by {
        // In force, so that replacements form no circle.
        let standing = read_status(connection, successor).map_err(unavailable)?;
        let in_force = standing.is_some_and(|standing| standing.state == DocumentState::InForce);
        if successor == document_id || !in_force {
            return Err(RegistryError::SuccessorNotInForce { document_id, successor });
        }
    }
    connection
        .prepare_cached("UPDATE document SET state = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![document_id.as_bytes(), change.state.name()]))
        .and_then(|_| {
            connection.prepare_cached(
                "INSERT INTO status_change (document_id, position, state, superseded_by, client, changed_at, reason) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
        })
        .and_then(|mut statement| {
            statement.execute(params![
                document_id.as_bytes(),
                status.history.len() as i64 + 1,
                change.state.name(),
                change.superseded_by.as_ref().map(DocumentId::as_bytes),
                change.client,
                change.at.unix(),
                change.reason,
            ])
        })
        .map_err(unavailable)?;
    status.state = change.state;
    status.since = change.at;
    status.superseded_by = change.superseded_by;
    status.history.push(change);
    Ok(status)
}

/// The standing as the changes made it, all of them read.
pub(super) fn read_status(
    connection: &Connection,
    document_id: DocumentId,
) -> rusqlite::Result<Option<DocumentStatus>> {
    let id = document_id.as_bytes();
    let now = connection
        .prepare_cached("SELECT state, signed_at FROM document WHERE id = ?1 AND progress = 'issued'")?
        .query_row([id], |row| Ok((read_named(row, 0, DocumentState::from_name)?, Time::from_unix(row.get(1)?))))
        .optional()?;
    let Some((state, signed_at)) = now else { return Ok(None) };
    let history = read_changes(connection, document_id)?;
    let (since, superseded_by) =
        history.last().map_or((signed_at, None), |change: &StatusChange| (change.at, change.superseded_by));
    Ok(Some(DocumentStatus { state, since, superseded_by, history }))
}

/// Every change of its standing, in order.
pub(super) fn read_changes(connection: &Connection, document_id: DocumentId) -> rusqlite::Result<Vec<StatusChange>> {
    connection
        .prepare_cached(
            "SELECT state, superseded_by, client, changed_at, reason FROM status_change \
             WHERE document_id = ?1 ORDER BY position",
        )?
        .query_map([document_id.as_bytes()], |row| {
            Ok(StatusChange {
                state: read_named(row, 0, DocumentState::from_name)?,
                superseded_by: row.get::<_, Option<[u8; 16]>>(1)?.map(DocumentId::from_bytes),
                client: row.get(2)?,
                at: Time::from_unix(row.get(3)?),
                reason: row.get(4)?,
            })
        })?
        .collect()
}
