//! The statements of the issuance log's order.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    SqliteRegistry,
    worker::{Admission, Session, unavailable},
};
use crate::{
    core::{log::Salt, time::Time},
    registry::{Answer, Append, DocumentId, IssuanceQueue, Lead, LogHead, Loggable, RegistryError, Unlogged},
};

const LOGGABLE: &str = "SELECT id, kind, document_digest, signed_at, signer_certificate_sha256, log_salt, log_position \
                        FROM document";

fn loggable(row: &Row<'_>) -> rusqlite::Result<Loggable> {
    Ok(Loggable {
        document_id: DocumentId::from_bytes(row.get(0)?),
        kind: row.get(1)?,
        document_digest: row.get(2)?,
        signed_at: Time::from_unix(row.get(3)?),
        signer_certificate_sha256: row.get(4)?,
        salt: row.get(5)?,
        position: row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
    })
}

fn head(connection: &Connection) -> rusqlite::Result<LogHead> {
    connection
        .prepare_cached("SELECT size, root FROM log_head WHERE number = 1")?
        .query_row([], |row| Ok(LogHead { size: row.get::<_, i64>(0)?.cast_unsigned(), root: row.get(1)? }))
}

/// Lets an issued document wait that does not.
fn enlist(connection: &Connection, document_id: DocumentId, salt: &Salt, since: Time) -> rusqlite::Result<()> {
    let wait =
        "UPDATE document SET log_salt = ?2, log_since = ?3 WHERE id = ?1 AND progress = 'issued' AND log_salt IS NULL";
    connection.prepare_cached(wait)?.execute(params![document_id.as_bytes(), salt, since.unix()]).map(drop)
}

fn append(session: &Session, append: &Append) -> Result<bool, RegistryError> {
    let connection = &session.connection;
    let from = append.lead.head;
    if head(connection).map_err(unavailable)? != from {
        return Ok(false);
    }
    let size = from.size.cast_signed();
    for (position, document_id) in (size..).zip(&append.documents) {
        let given = connection
            .prepare_cached(
                "UPDATE document SET log_position = ?2 WHERE id = ?1 AND log_salt IS NOT NULL AND log_position IS NULL",
            )
            .and_then(|mut statement| statement.execute(params![document_id.as_bytes(), position]))
            .map_err(unavailable)?;
        if given != 1 {
            // One process alone gives positions, and the size was that of before.
            return Err(unavailable(rusqlite::Error::StatementChangedRows(given)));
        }
    }
    connection
        .prepare_cached("UPDATE log_head SET size = ?1, root = ?2 WHERE number = 1")
        .and_then(|mut statement| statement.execute(params![size + append.documents.len() as i64, append.root]))
        .map(|_| true)
        .map_err(unavailable)
}

fn unlogged(connection: &Connection, after: Option<DocumentId>, most: usize) -> rusqlite::Result<Unlogged> {
    let mut statement = connection.prepare_cached(
        "SELECT id, log_salt IS NULL AND progress = 'issued' FROM document WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let after = after.as_ref().map(DocumentId::as_bytes);
    let mut rows = statement.query(params![after, most as i64])?;
    let mut unlogged = Unlogged::default();
    while let Some(row) = rows.next()? {
        let document_id = DocumentId::from_bytes(row.get(0)?);
        unlogged.last = Some(document_id);
        if row.get(1)? {
            unlogged.found.push(document_id);
        }
    }
    Ok(unlogged)
}

impl IssuanceQueue for SqliteRegistry {
    fn log_head(&self) -> Answer<'_, LogHead> {
        self.read(head)
    }

    /// What is read here was synced before.
    fn confirmed_head(&self) -> Answer<'_, LogHead> {
        self.log_head()
    }

    /// One process has the file.
    fn lead(&self, _: Duration) -> Answer<'_, Option<Lead>> {
        self.read(|connection| Ok(Some(Lead { fence: 0, head: head(connection)? })))
    }

    fn waiting(&self, most: usize) -> Answer<'_, Vec<Loggable>> {
        self.read(move |connection| {
            let statement = format!(
                "{LOGGABLE} WHERE log_salt IS NOT NULL AND log_position IS NULL ORDER BY log_since, rowid LIMIT ?1"
            );
            connection.prepare_cached(&statement)?.query_map([most as i64], loggable)?.collect()
        })
    }

    fn append(&self, order: Append) -> Answer<'_, bool> {
        Box::pin(self.writer.ask(Admission::Wait, None, move |session| append(session, &order)))
    }

    fn sequenced(&self, from: u64, most: usize) -> Answer<'_, Vec<Loggable>> {
        self.read(move |connection| {
            let statement = format!("{LOGGABLE} WHERE log_position >= ?1 ORDER BY log_position LIMIT ?2");
            let from = i64::try_from(from).unwrap_or(i64::MAX);
            connection.prepare_cached(&statement)?.query_map([from, most as i64], loggable)?.collect()
        })
    }

    fn loggable(&self, document_id: DocumentId) -> Answer<'_, Option<Loggable>> {
        self.read(move |connection| {
            let statement = format!("{LOGGABLE} WHERE id = ?1 AND log_salt IS NOT NULL");
            connection.prepare_cached(&statement)?.query_row([document_id.as_bytes()], loggable).optional()
        })
    }

    fn unlogged(&self, after: Option<DocumentId>, most: usize) -> Answer<'_, Unlogged> {
        self.read(move |connection| unlogged(connection, after, most))
    }

    fn enlist(&self, documents: Vec<(DocumentId, Salt)>, now: Time) -> Answer<'_, ()> {
        let work = move |session: &Session| {
            for (document_id, salt) in &documents {
                enlist(&session.connection, *document_id, salt, now).map_err(unavailable)?;
            }
            Ok(())
        };
        Box::pin(self.writer.ask(Admission::Wait, None, work))
    }
}
