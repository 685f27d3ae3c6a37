//! The statements of the queue of signatures whose level is to be raised.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    read_named,
    worker::{Session, unavailable},
};
use crate::{
    core::time::Time,
    registry::{Again, Backlog, DocumentId, Due, Format, Level, Newest, Raised, RegistryError},
};

/// Documents put into the queue at one time because their time-stamps end.
const MOST_RENEWED: i64 = 100;

/// Puts a document just issued into the queue, if more was ordered than it has; a part of its own transaction. PDFs are not raised
/// here: the record has no document.
pub(super) fn enqueue(
    connection: &Connection,
    document_id: DocumentId,
    reached: Level,
    since: Time,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO raising (document_id, since, due_at) \
             SELECT id, ?3, ?3 FROM document WHERE id = ?1 AND level_requested <> ?2 AND format <> ?4",
        )?
        .execute(params![document_id.as_bytes(), reached.name(), since.unix(), Format::Pades.name()])
        .map(drop)
}

/// Puts what was given up into the queue again.
pub(super) fn revive(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE raising SET given_up = 0, attempts = 0 WHERE given_up = 1", []).map(drop)
}

pub(super) fn newest(connection: &Connection, document_id: DocumentId) -> rusqlite::Result<Option<Newest>> {
    connection
        .prepare_cached(
            "SELECT version, level, cms FROM signature WHERE document_id = ?1 ORDER BY version DESC LIMIT 1",
        )?
        .query_row([document_id.as_bytes()], |row| {
            Ok(Newest { version: row.get(0)?, level: read_named(row, 1, Level::from_name)?, signature: row.get(2)? })
        })
        .optional()
}

pub(super) fn due(connection: &Connection, now: Time, most: usize) -> rusqlite::Result<Vec<Due>> {
    connection
        .prepare_cached(
            "SELECT document_id, since, attempts FROM raising WHERE given_up = 0 AND due_at <= ?1 ORDER BY due_at LIMIT ?2",
        )?
        .query_map(params![now.unix(), most as i64], |row| {
            Ok(Due {
                document_id: DocumentId::from_bytes(row.get(0)?),
                since: Time::from_unix(row.get(1)?),
                attempts: row.get(2)?,
            })
        })?
        .collect()
}

pub(super) fn backlog(connection: &Connection) -> rusqlite::Result<Backlog> {
    connection
        .prepare_cached(
            "SELECT COUNT(*) FILTER (WHERE given_up = 0), MIN(since) FILTER (WHERE given_up = 0), \
             COUNT(*) FILTER (WHERE given_up = 1) FROM raising",
        )?
        .query_row([], |row| {
            Ok(Backlog {
                waiting: row.get(0)?,
                oldest: row.get::<_, Option<i64>>(1)?.map(Time::from_unix),
                given_up: row.get(2)?,
            })
        })
}

/// Adds a version; the last one wanted ends the waiting.
pub(super) fn raise(session: &Session, document_id: DocumentId, raised: Raised) -> Result<(), RegistryError> {
    let connection = &session.connection;
    let held = newest(connection, document_id).map_err(unavailable)?;
    let held = held.ok_or(RegistryError::UnknownDocument(document_id))?;
    if held.version == raised.from_version.saturating_add(1)
        && (held.level, &held.signature) == (raised.level, &raised.signature)
    {
        return Ok(());
    }
    if held.version != raised.from_version || !raised.level.reaches(held.level) {
        return Err(RegistryError::AlreadyRaised(document_id));
    }
    let (id, level) = (document_id.as_bytes(), raised.level.name());
    connection
        .prepare_cached("INSERT INTO signature (document_id, version, level, cms) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.execute(params![id, held.version + 1, level, raised.signature]))
        .map_err(unavailable)?;
    // What comes next is another matter.
    connection
        .prepare_cached("UPDATE raising SET attempts = 0 WHERE document_id = ?1")
        .and_then(|mut statement| statement.execute([id]))
        .map_err(unavailable)?;
    connection
        .prepare_cached(
            "DELETE FROM raising WHERE document_id = ?1 \
             AND EXISTS (SELECT 1 FROM document WHERE id = ?1 AND level_requested = ?2)",
        )
        .and_then(|mut statement| statement.execute(params![id, level]))
        .map_err(unavailable)?;
    if let Some(ends_at) = raised.proves_until {
        connection
            .prepare_cached("INSERT OR REPLACE INTO renewal (document_id, ends_at) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![id, ends_at.unix()]))
            .map_err(unavailable)?;
    }
    Ok(())
}

/// A time-stamp ends before this time.
pub(super) fn ends_before(connection: &Connection, time: Time) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM renewal WHERE ends_at < ?1)")?
        .query_row([time.unix()], |row| row.get(0))
}

/// Puts the documents whose time-stamps end before `time`, the first to end first, into the queue.
pub(super) fn renew(session: &Session, time: Time, now: Time) -> Result<(), RegistryError> {
    let first = "SELECT document_id FROM renewal WHERE ends_at < ?1 ORDER BY ends_at LIMIT ?2";
    let put =
        format!("INSERT OR IGNORE INTO raising (document_id, since, due_at) SELECT document_id, ?3, ?3 FROM ({first})");
    let taken = format!("DELETE FROM renewal WHERE document_id IN ({first})");
    let execute = || {
        let connection = &session.connection;
        connection.prepare_cached(&put)?.execute(params![time.unix(), MOST_RENEWED, now.unix()])?;
        connection.prepare_cached(&taken)?.execute(params![time.unix(), MOST_RENEWED])
    };
    execute().map(drop).map_err(unavailable)
}

pub(super) fn put_off(session: &Session, document_id: DocumentId, again: Again) -> Result<(), RegistryError> {
    let statement = "UPDATE raising SET attempts = attempts + ?2, due_at = COALESCE(?3, due_at), given_up = ?4 \
                     WHERE document_id = ?1 AND given_up = 0";
    let (counted, due_at, given_up) = match again {
        Again::At(time) => (true, Some(time.unix()), false),
        Again::Uncounted(time) => (false, Some(time.unix()), false),
        Again::Never => (true, None, true),
    };
    session
        .connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute(params![document_id.as_bytes(), counted, due_at, given_up]))
        .map(drop)
        .map_err(unavailable)
}
