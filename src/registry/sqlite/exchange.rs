//! All of a registry file, record by record.

use std::{future::ready, path::Path};

use rusqlite::{Connection, Row, params};

use super::{
    faults::store_faults,
    issuing::{INTENT, read_intent},
    lookup, read_named,
    standing::read_changes,
    store::{OpenError, Store, open_to_read},
    worker::unavailable,
};
use crate::{
    core::time::Time,
    disk::Lock,
    registry::{
        Answer, DocumentId, DocumentState, Intent, Level, Logged, Newest, RegistryError,
        exchange::{Fault, LARGEST_PAGE, MOST_ON_A_PAGE, Next, Progress, Raising, Reader, Record, Release, Writer},
    },
};

/// Reads a registry file at one moment; the service may go on with it.
pub struct SqliteReader {
    connection: Connection,
}

impl SqliteReader {
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open_to_read(path)?;
        let begun = connection.execute_batch("BEGIN");
        begun.map_err(|source| OpenError::Store { path: path.to_owned(), source })?;
        Ok(Self { connection })
    }

    /// At most `most` records.
    fn read_page(&self, after: Option<DocumentId>, most: usize) -> rusqlite::Result<Vec<Record>> {
        let mut room = LARGEST_PAGE;
        let mut records: Vec<Record> = Vec::new();
        let statement = format!(
            "SELECT {INTENT}, d.progress, d.signed_at, d.signer_certificate_sha256, d.state, \
             (SELECT COALESCE(SUM(length(cms)), 0) FROM signature s WHERE s.document_id = d.id) \
             FROM document d WHERE ?1 IS NULL OR d.id > ?1 ORDER BY d.id LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&statement)?;
        let after = after.as_ref().map(DocumentId::as_bytes);
        let mut rows = statement.query(params![after, most as i64])?;
        while let Some(row) = rows.next()? {
            let octets = usize::try_from(row.get::<_, i64>(18)?).unwrap_or(usize::MAX);
            if octets > room && !records.is_empty() {
                break;
            }
            room = room.saturating_sub(octets);
            records.push(read_record(row)?);
        }
        for record in &mut records {
            self.complete(record)?;
        }
        Ok(records)
    }

    /// With what other tables hold of it.
    fn complete(&self, record: &mut Record) -> rusqlite::Result<()> {
        let id = record.intent.document_id;
        let id = id.as_bytes();
        let mut statement = self
            .connection
            .prepare_cached("SELECT version, level, cms FROM signature WHERE document_id = ?1 ORDER BY version")?;
        let signature = |row: &Row<'_>| {
            let level = read_named(row, 1, Level::from_name)?;
            Ok(Newest { version: row.get(0)?, level, signature: row.get(2)? })
        };
        record.signatures = statement.query_map([id], signature)?.collect::<rusqlite::Result<_>>()?;
        record.history = read_changes(&self.connection, record.intent.document_id)?;
        let mut statement = self
            .connection
            .prepare_cached("SELECT since, due_at, attempts, given_up FROM raising WHERE document_id = ?1")?;
        let raising = |row: &Row<'_>| {
            let (since, due_at) = (Time::from_unix(row.get(0)?), Time::from_unix(row.get(1)?));
            Ok(Raising { since, due_at, attempts: row.get(2)?, given_up: row.get(3)? })
        };
        record.raising = statement.query_map([id], raising)?.next().transpose()?;
        let mut statement = self.connection.prepare_cached("SELECT ends_at FROM renewal WHERE document_id = ?1")?;
        let renewal = |row: &Row<'_>| row.get(0).map(Time::from_unix);
        record.renewal = statement.query_map([id], renewal)?.next().transpose()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT log_salt, log_since, log_position FROM document WHERE id = ?1 AND log_salt IS NOT NULL",
        )?;
        let log = |row: &Row<'_>| {
            let position = row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned);
            Ok(Logged { salt: row.get(0)?, since: Time::from_unix(row.get(1)?), position })
        };
        record.log = statement.query_map([id], log)?.next().transpose()?;
        record.lookup = lookup::read(&self.connection, record.intent.document_id)?;
        Ok(())
    }

    fn read_next_id(&self, after: Option<DocumentId>) -> rusqlite::Result<Option<DocumentId>> {
        let statement = "SELECT id FROM document WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT 1";
        let mut statement = self.connection.prepare_cached(statement)?;
        let after = after.as_ref().map(DocumentId::as_bytes);
        statement.query_map([after], |row| row.get(0).map(DocumentId::from_bytes))?.next().transpose()
    }

    fn read_unknown(&self, after: Option<DocumentId>) -> rusqlite::Result<Vec<Intent>> {
        let statement = format!(
            "SELECT {INTENT} FROM document d WHERE d.progress = 'unknown' AND (?1 IS NULL OR d.id > ?1) \
             ORDER BY d.id LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&statement)?;
        let after = after.as_ref().map(DocumentId::as_bytes);
        statement.query_map(params![after, MOST_ON_A_PAGE as i64], read_intent)?.collect()
    }
}

/// A row of `document`.
fn read_record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let release = match row.get::<_, Option<i64>>(15)? {
        Some(signed_at) => Some(Release {
            signed_at: Time::from_unix(signed_at),
            signer_certificate_sha256: row.get(16)?,
            state: read_named(row, 17, DocumentState::from_name)?,
        }),
        None => None,
    };
    Ok(Record {
        intent: read_intent(row)?,
        progress: read_named(row, 14, Progress::from_name)?,
        release,
        signatures: Vec::new(),
        history: Vec::new(),
        raising: None,
        renewal: None,
        log: None,
        lookup: Vec::new(),
    })
}

impl Reader for SqliteReader {
    fn page(&mut self, after: Option<DocumentId>) -> Answer<'_, Vec<Record>> {
        Box::pin(ready(self.read_page(after, MOST_ON_A_PAGE).map_err(unavailable)))
    }

    fn next(&mut self, after: Option<DocumentId>) -> Answer<'_, Next> {
        let read = self.read_next_id(after).map_err(unavailable).and_then(|id| {
            let Some(id) = id else { return Ok(None) };
            match self.read_page(after, 1).map_err(unavailable) {
                Ok(records) => Ok(records.into_iter().next().map(|record| (id, Ok(record)))),
                Err(RegistryError::Damaged { source }) => Ok(Some((id, Err(source.to_string())))),
                Err(error) => Err(error),
            }
        });
        Box::pin(ready(read))
    }

    fn faults(&mut self) -> Answer<'_, Vec<(Option<DocumentId>, Fault)>> {
        Box::pin(ready(store_faults(&self.connection).map_err(unavailable)))
    }

    fn unknown(&mut self, after: Option<DocumentId>) -> Answer<'_, Vec<Intent>> {
        Box::pin(ready(self.read_unknown(after).map_err(unavailable)))
    }

    fn is_issued(&mut self, document_id: DocumentId) -> Answer<'_, bool> {
        let asked = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM document WHERE id = ?1 AND progress = 'issued')")
            .and_then(|mut statement| statement.query_row([document_id.as_bytes()], |row| row.get(0)));
        Box::pin(ready(asked.map_err(unavailable)))
    }
}

/// Fills a registry file, in one transaction.
pub struct SqliteWriter {
    connection: Connection,
    run: i64,
    /// Held until the end.
    _lock: Lock,
}

impl SqliteWriter {
    /// Opens the file as the service does, and no service beside it. `None`: there are documents in it.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(path: &Path, started_at: Time) -> Result<Option<Self>, OpenError> {
        let Store { path, writer, reader, run, lock } = Store::open(path, started_at)?;
        drop(reader);
        let failed = |source| OpenError::Store { path: path.clone(), source };
        // A successor may come after the document that it replaces.
        writer.execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON").map_err(failed)?;
        let holds: bool =
            writer.query_row("SELECT EXISTS (SELECT 1 FROM document)", [], |row| row.get(0)).map_err(failed)?;
        Ok((!holds).then_some(Self { connection: writer, run, _lock: lock }))
    }

    fn put(&self, record: &Record) -> rusqlite::Result<()> {
        let (connection, intent) = (&self.connection, &record.intent);
        let id = intent.document_id.as_bytes();
        let release = record.release.as_ref();
        let progress = if record.progress == Progress::Begun { Progress::Unknown } else { record.progress };
        connection
            .prepare_cached(
                "INSERT INTO document (id, client, idempotency_key, request_digest, kind, document_digest, signer, \
                 level_requested, format, packaging, media_type, begun_at, run, progress, signed_at, \
                 signer_certificate_sha256, state, status_list, status_index, log_salt, log_since, log_position) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
            )?
            .execute(params![
                id,
                intent.client,
                intent.idempotency_key,
                intent.request_digest,
                intent.kind,
                intent.document_digest,
                intent.signer,
                intent.level_requested.name(),
                intent.format.name(),
                intent.packaging.name(),
                intent.media_type,
                intent.begun_at.unix(),
                self.run,
                progress.name(),
                release.map(|release| release.signed_at.unix()),
                release.map(|release| release.signer_certificate_sha256),
                release.map(|release| release.state.name()),
                intent.status_place.map(|place| place.list),
                intent.status_place.map(|place| place.index),
                record.log.map(|log| log.salt),
                record.log.map(|log| log.since.unix()),
                record.log.and_then(|log| log.position).map(u64::cast_signed),
            ])?;
        for signature in &record.signatures {
            connection
                .prepare_cached("INSERT INTO signature (document_id, version, level, cms) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id, signature.version, signature.level.name(), signature.signature])?;
        }
        for (position, change) in (1_i64..).zip(&record.history) {
            connection
                .prepare_cached(
                    "INSERT INTO status_change (document_id, position, state, superseded_by, client, changed_at, reason) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    id,
                    position,
                    change.state.name(),
                    change.superseded_by.as_ref().map(DocumentId::as_bytes),
                    change.client,
                    change.at.unix(),
                    change.reason,
                ])?;
        }
        if let Some(raising) = record.raising {
            connection
                .prepare_cached(
                    "INSERT INTO raising (document_id, since, due_at, attempts, given_up) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    id,
                    raising.since.unix(),
                    raising.due_at.unix(),
                    raising.attempts,
                    raising.given_up
                ])?;
        }
        if let Some(ends_at) = record.renewal {
            connection
                .prepare_cached("INSERT INTO renewal (document_id, ends_at) VALUES (?1, ?2)")?
                .execute(params![id, ends_at.unix()])?;
        }
        lookup::insert(connection, intent.document_id, &record.lookup)
    }

    /// A document whose successor was not issued here; if there is none, all is durable.
    fn end(&self) -> rusqlite::Result<Option<DocumentId>> {
        let lost = self
            .connection
            .prepare(
                "SELECT c.document_id FROM status_change c WHERE c.superseded_by IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM document d WHERE d.id = c.superseded_by AND d.progress = 'issued') LIMIT 1",
            )?
            .query_map([], |row| row.get(0).map(DocumentId::from_bytes))?
            .next()
            .transpose()?;
        if lost.is_none() {
            // Whoever goes on with the log says its root.
            let size = "UPDATE log_head SET root = NULL, size = (SELECT COUNT(log_position) FROM document WHERE log_position IS NOT NULL)";
            self.connection.execute_batch(size)?;
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(lost)
    }
}

impl Writer for SqliteWriter {
    fn insert(&mut self, record: Record) -> Answer<'_, ()> {
        Box::pin(ready(self.put(&record).map_err(unavailable)))
    }

    fn finish(self: Box<Self>) -> Answer<'static, Option<DocumentId>> {
        let ended: Result<_, RegistryError> = self.end().map_err(unavailable);
        Box::pin(ready(ended))
    }
}
