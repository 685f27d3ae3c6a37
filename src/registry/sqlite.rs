//! The embedded registry: one SQLite file, for one process.
//!
//! Write-ahead log, `synchronous = FULL`. One thread owns the writing connection and commits all waiting requests
//! together; a second one reads what is committed, so that questions do not wait for the disk.

mod store;
mod worker;

use std::{collections::HashSet, fs::File, path::Path};

use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

pub use store::OpenError;
use store::Store;
use worker::{Admission, Session, Transactions, Worker, unavailable};

use super::{
    Answer, Begun, DocumentId, DocumentState, DocumentStatus, Format, Intent, Issued, IssuedDocument, Level,
    MOST_FOUND, MOST_STATUS_CHANGES, Packaging, Registry, RegistryError, Sha256, StatusChange,
};
use crate::core::time::Time;

/// The columns that [`read_intent`] reads, in its order.
const INTENT: &str = "d.id, d.client, d.idempotency_key, d.request_digest, d.kind, d.document_digest, d.signer, \
                      d.level_requested, d.format, d.packaging, d.media_type, d.begun_at";

/// The registry in an SQLite file.
///
/// Dropping it finishes what waits, closes the file and frees it for the next process.
///
/// The reader stands before the writer, because fields are dropped in this order and the last connection to close
/// empties the write-ahead log into the file.
pub struct SqliteRegistry {
    reader: Worker,
    writer: Worker,
    /// Let go after both workers have closed their connections.
    _lock: File,
}

impl SqliteRegistry {
    /// Opens the registry, making the file (mode 0600) if it is missing and bringing its schema up to date.
    ///
    /// The file belongs to one process at a time; side files `-wal`, `-shm` and `.lock` stand beside it.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(path: &Path, started_at: Time) -> Result<Self, OpenError> {
        let store = Store::open(path, started_at)?;
        let (run, path) = (store.run, store.path);
        let session = |connection| Session { connection, run, doubtful: HashSet::new() };
        let failed = |source| OpenError::Thread { path: path.clone(), source };
        let writer = Worker::start("registry-write", Transactions::Grouped, session(store.writer)).map_err(failed)?;
        let reader = Worker::start("registry-read", Transactions::Single, session(store.reader)).map_err(failed)?;
        Ok(Self { reader, writer, _lock: store.lock })
    }

    /// A question, answered from what is committed.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let work = move |session: &Session| work(&session.connection).map_err(unavailable);
        Box::pin(self.reader.ask(Admission::Refuse, None, work))
    }
}

impl Registry for SqliteRegistry {
    fn begin(&self, intent: Intent) -> Answer<'_, Begun> {
        Box::pin(async move {
            intent.check()?;
            self.writer.ask(Admission::Refuse, None, move |session| begin(session, intent)).await
        })
    }

    fn complete(&self, document_id: DocumentId, issued: Issued) -> Answer<'_, ()> {
        Box::pin(async move {
            issued.check()?;
            let work = move |session: &Session| complete(session, document_id, issued);
            self.writer.ask(Admission::Wait, Some(document_id), work).await
        })
    }

    fn abandon(&self, document_id: DocumentId) -> Answer<'_, ()> {
        let work = move |session: &Session| {
            let statement = "DELETE FROM document WHERE id = ?1 AND progress = 'begun' AND run = ?2";
            if session.doubtful.contains(&document_id) {
                return Err(RegistryError::NotInProgress(document_id));
            }
            expect_one(session, statement, document_id)
        };
        Box::pin(self.writer.ask(Admission::Wait, None, work))
    }

    fn mark_unknown(&self, document_id: DocumentId) -> Answer<'_, ()> {
        let work = move |session: &Session| {
            let statement =
                "UPDATE document SET progress = 'unknown' WHERE id = ?1 AND run = ?2 AND progress <> 'issued'";
            expect_one(session, statement, document_id)
        };
        Box::pin(self.writer.ask(Admission::Wait, Some(document_id), work))
    }

    fn recover(&self) -> Answer<'_, Vec<Intent>> {
        Box::pin(self.writer.ask(Admission::Wait, None, |session| recover(session).map_err(unavailable)))
    }

    fn document(&self, document_id: DocumentId) -> Answer<'_, Option<IssuedDocument>> {
        self.read(move |connection| read_document(connection, document_id))
    }

    fn signature(&self, document_id: DocumentId) -> Answer<'_, Option<Vec<u8>>> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT cms FROM signature WHERE document_id = ?1 ORDER BY version DESC LIMIT 1")?
                .query_row([document_id.as_bytes()], |row| row.get(0))
                .optional()
        })
    }

    fn status(&self, document_id: DocumentId) -> Answer<'_, Option<DocumentStatus>> {
        self.read(move |connection| read_status(connection, document_id))
    }

    fn set_status(&self, document_id: DocumentId, change: StatusChange) -> Answer<'_, DocumentStatus> {
        Box::pin(async move {
            change.check()?;
            let work = move |session: &Session| set_status(&session.connection, document_id, change);
            self.writer.ask(Admission::Refuse, None, work).await
        })
    }

    fn find_by_digest(&self, document_digest: Sha256) -> Answer<'_, Vec<DocumentId>> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM document WHERE document_digest = ?1 AND progress = 'issued' \
                     ORDER BY signed_at DESC, id LIMIT ?2",
                )?
                .query_map(params![document_digest, MOST_FOUND as i64], |row| row.get(0).map(DocumentId::from_bytes))?
                .collect()
        })
    }
}

/// Inserts the intent if its key is new, else judges the attempt that has the key.
fn begin(session: &Session, intent: Intent) -> Result<Begun, RegistryError> {
    let connection = &session.connection;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO document (id, client, idempotency_key, request_digest, kind, document_digest, signer, \
             level_requested, format, packaging, media_type, begun_at, run, progress) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'begun') ON CONFLICT DO NOTHING",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                intent.document_id.as_bytes(),
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
                session.run,
            ])
        })
        .map_err(unavailable)?;
    if inserted == 1 {
        return Ok(Begun::Fresh);
    }
    let earlier = connection
        .prepare_cached(
            "SELECT id, request_digest, progress, run FROM document WHERE client = ?1 AND idempotency_key = ?2",
        )
        .and_then(|mut statement| {
            let key = [&intent.client, &intent.idempotency_key];
            statement
                .query_row(key, |row| {
                    let id = DocumentId::from_bytes(row.get(0)?);
                    Ok((id, row.get::<_, Sha256>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
                })
                .optional()
        })
        .map_err(unavailable)?;
    let Some((document_id, request_digest, progress, run)) = earlier else {
        return Err(RegistryError::DocumentIdTaken(intent.document_id));
    };
    if request_digest != intent.request_digest {
        return Ok(Begun::DifferentBody { document_id });
    }
    if let Some(document) = read_document(connection, document_id).map_err(unavailable)? {
        return Ok(Begun::Replay(Box::new(document)));
    }
    if progress == "begun" && run == session.run && !session.doubtful.contains(&document_id) {
        return Ok(Begun::InProgress { document_id });
    }
    Ok(Begun::StateUnknown { document_id })
}

fn complete(session: &Session, document_id: DocumentId, issued: Issued) -> Result<(), RegistryError> {
    let connection = &session.connection;
    let updated = connection
        .prepare_cached(
            "UPDATE document SET progress = 'issued', state = 'in-force', signed_at = ?3, \
             signer_certificate_sha256 = ?4 WHERE id = ?1 AND run = ?2 AND progress = 'begun'",
        )
        .and_then(|mut statement| {
            let (id, signed_at) = (document_id.as_bytes(), issued.signed_at.unix());
            statement.execute(params![id, session.run, signed_at, issued.signer_certificate_sha256])
        })
        .map_err(unavailable)?;
    if updated == 0 {
        let recorded = read_document(connection, document_id).map_err(unavailable)?;
        let same = recorded.is_some_and(|document| document.issued == issued);
        return if same { Ok(()) } else { Err(RegistryError::NotInProgress(document_id)) };
    }
    connection
        .prepare_cached("INSERT INTO signature (document_id, version, level, cms) VALUES (?1, 1, ?2, ?3)")
        .and_then(|mut statement| {
            statement.execute(params![document_id.as_bytes(), issued.level_reached.name(), issued.signature])
        })
        .map_err(unavailable)?;
    Ok(())
}

/// A statement over `(id, run)` that must touch one row.
fn expect_one(session: &Session, statement: &str, document_id: DocumentId) -> Result<(), RegistryError> {
    let touched = session
        .connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute(params![document_id.as_bytes(), session.run]))
        .map_err(unavailable)?;
    if touched == 1 { Ok(()) } else { Err(RegistryError::NotInProgress(document_id)) }
}

fn recover(session: &Session) -> rusqlite::Result<Vec<Intent>> {
    let connection = &session.connection;
    let left = "FROM document d WHERE d.progress = 'begun' AND d.run <> ?1";
    let intents = connection
        .prepare(&format!("SELECT {INTENT} {left} ORDER BY d.begun_at, d.id"))?
        .query_map([session.run], read_intent)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    connection
        .execute("UPDATE document SET progress = 'unknown' WHERE progress = 'begun' AND run <> ?1", [session.run])?;
    Ok(intents)
}

fn set_status(
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

/// The record as released: version 1 of the signature.
fn read_document(connection: &Connection, document_id: DocumentId) -> rusqlite::Result<Option<IssuedDocument>> {
    let statement = format!(
        "SELECT {INTENT}, s.cms, s.level, d.signed_at, d.signer_certificate_sha256 \
         FROM document d JOIN signature s ON s.document_id = d.id AND s.version = 1 \
         WHERE d.id = ?1 AND d.progress = 'issued'"
    );
    connection
        .prepare_cached(&statement)?
        .query_row([document_id.as_bytes()], |row| {
            let issued = Issued {
                signature: row.get(12)?,
                level_reached: read_named(row, 13, Level::from_name)?,
                signed_at: Time::from_unix(row.get(14)?),
                signer_certificate_sha256: row.get(15)?,
            };
            Ok(IssuedDocument { intent: read_intent(row)?, issued })
        })
        .optional()
}

/// The first twelve columns, as [`INTENT`] lists them.
fn read_intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        document_id: DocumentId::from_bytes(row.get(0)?),
        client: row.get(1)?,
        idempotency_key: row.get(2)?,
        request_digest: row.get(3)?,
        kind: row.get(4)?,
        document_digest: row.get(5)?,
        signer: row.get(6)?,
        level_requested: read_named(row, 7, Level::from_name)?,
        format: read_named(row, 8, Format::from_name)?,
        packaging: read_named(row, 9, Packaging::from_name)?,
        media_type: row.get(10)?,
        begun_at: Time::from_unix(row.get(11)?),
    })
}

fn read_status(connection: &Connection, document_id: DocumentId) -> rusqlite::Result<Option<DocumentStatus>> {
    let id = document_id.as_bytes();
    let now = connection
        .prepare_cached("SELECT state, signed_at FROM document WHERE id = ?1 AND progress = 'issued'")?
        .query_row([id], |row| Ok((read_named(row, 0, DocumentState::from_name)?, Time::from_unix(row.get(1)?))))
        .optional()?;
    let Some((state, signed_at)) = now else { return Ok(None) };
    let history = connection
        .prepare_cached(
            "SELECT state, superseded_by, client, changed_at, reason FROM status_change \
             WHERE document_id = ?1 ORDER BY position",
        )?
        .query_map([id], |row| {
            Ok(StatusChange {
                state: read_named(row, 0, DocumentState::from_name)?,
                superseded_by: row.get::<_, Option<[u8; 16]>>(1)?.map(DocumentId::from_bytes),
                client: row.get(2)?,
                at: Time::from_unix(row.get(3)?),
                reason: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let (since, superseded_by) =
        history.last().map_or((signed_at, None), |change: &StatusChange| (change.at, change.superseded_by));
    Ok(Some(DocumentStatus { state, since, superseded_by, history }))
}

/// A column that holds a name of a closed set.
fn read_named<T>(row: &Row<'_>, column: usize, from_name: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let name: String = row.get(column)?;
    from_name(&name).ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, UNKNOWN_NAME.into()))
}

const UNKNOWN_NAME: &str = "a name that this version does not know";

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        sync::{Arc, mpsc},
    };

    use super::*;

    fn intent(number: u8) -> Intent {
        Intent {
            document_id: DocumentId::from_bytes([number; 16]),
            client: "issuing-system".to_owned(),
            idempotency_key: format!("key-{number}"),
            request_digest: [number; 32],
            kind: "health-book".to_owned(),
            document_digest: [number; 32],
            signer: "health".to_owned(),
            level_requested: Level::Basic,
            format: Format::Cades,
            packaging: Packaging::Detached,
            media_type: "application/fhir+json".to_owned(),
            begun_at: Time::from_unix(1_000),
        }
    }

    fn issued(length: usize) -> Issued {
        Issued {
            signature: vec![0x30; length],
            level_reached: Level::Basic,
            signed_at: Time::from_unix(1_001),
            signer_certificate_sha256: [7; 32],
        }
    }

    /// What the writer's connection is told between requests.
    async fn tell(registry: &SqliteRegistry, pragma: &'static str, value: i64) -> i64 {
        let work = move |session: &Session| {
            session.connection.pragma_update_and_check(None, pragma, value, |row| row.get(0)).map_err(unavailable)
        };
        registry.writer.ask(Admission::Wait, None, work).await.expect("a pragma")
    }

    #[tokio::test]
    async fn a_full_disk_refuses_releases_nothing_and_heals() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.db");
        let registry = SqliteRegistry::open(&path, Time::from_unix(0)).expect("a registry");
        assert_eq!(registry.begin(intent(1)).await.expect("begun"), Begun::Fresh);
        let before = tell(&registry, "max_page_count", 1).await;
        let refused = registry.complete(intent(1).document_id, issued(100_000)).await;
        let Err(error @ RegistryError::Unavailable { .. }) = refused else { panic!("{refused:?}") };
        assert!(error.source().is_some_and(|source| source.to_string().contains("full")), "{error:?}");
        assert_eq!(registry.document(intent(1).document_id).await.expect("a read"), None);

        // The key was used: the attempt is neither in progress nor to be taken back, and a new one begins nothing.
        let again = registry.begin(Intent { document_id: DocumentId::from_bytes([9; 16]), ..intent(1) }).await;
        assert_eq!(again.expect("begun"), Begun::StateUnknown { document_id: intent(1).document_id });
        let taken_back = registry.abandon(intent(1).document_id).await;
        assert!(matches!(taken_back, Err(RegistryError::NotInProgress(_))), "{taken_back:?}");

        tell(&registry, "max_page_count", before + 1_000).await;
        registry.complete(intent(1).document_id, issued(100_000)).await.expect("room again");
        assert!(matches!(registry.begin(intent(1)).await, Ok(Begun::Replay(_))));
    }

    /// One request of a group fails; the others of the same commit stand.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_failing_request_does_not_take_its_group_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.db");
        let registry = Arc::new(SqliteRegistry::open(&path, Time::from_unix(0)).expect("a registry"));
        // The writer is held until all three wait in its queue, so that they are one group.
        let (release, held) = mpsc::channel::<()>();
        let (holding, holds) = mpsc::channel::<()>();
        let ask = |work: Box<dyn FnOnce(&Session) -> Result<(), RegistryError> + Send>| {
            let registry = Arc::clone(&registry);
            tokio::spawn(async move { registry.writer.ask(Admission::Wait, None, work).await })
        };
        let hold = ask(Box::new(move |_| {
            holding.send(()).expect("the test waits");
            held.recv().expect("the test releases");
            Ok(())
        }));
        holds.recv().expect("the writer is held");
        let first = ask(Box::new(|session| begin(session, intent(1)).map(|_| ())));
        let failing = ask(Box::new(|session| {
            begin(session, intent(2))?;
            Err(RegistryError::HistoryFull(intent(2).document_id))
        }));
        let last = ask(Box::new(|session| {
            // Both earlier requests ran in this very transaction; the failing one left nothing.
            let seen: i64 = session
                .connection
                .query_row("SELECT COUNT(*) FROM document", [], |row| row.get(0))
                .map_err(unavailable)?;
            begin(session, intent(3))?;
            if seen == 1 { Ok(()) } else { Err(RegistryError::Stopped) }
        }));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        release.send(()).expect("the writer waits");
        assert!(hold.await.expect("no panic").is_ok());
        assert!(first.await.expect("no panic").is_ok());
        assert!(matches!(failing.await.expect("no panic"), Err(RegistryError::HistoryFull(_))));
        assert!(last.await.expect("no panic").is_ok());
        assert!(matches!(registry.begin(intent(1)).await, Ok(Begun::InProgress { .. })));
        assert_eq!(registry.begin(intent(2)).await.expect("begun"), Begun::Fresh);
    }

    #[tokio::test]
    async fn commits_are_synchronous_and_names_of_a_later_version_are_damage() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.db");
        let registry = SqliteRegistry::open(&path, Time::from_unix(0)).expect("a registry");
        let full = registry.writer.ask(Admission::Wait, None, |session| {
            session.connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).map_err(unavailable)
        });
        assert_eq!(full.await.expect("a pragma"), 2);
        registry.begin(intent(1)).await.expect("begun");
        registry.complete(intent(1).document_id, issued(10)).await.expect("complete");
        let rename = registry.writer.ask(Admission::Wait, None, |session| {
            session.connection.execute("UPDATE document SET format = 'xades'", []).map_err(unavailable)
        });
        assert_eq!(rename.await.expect("renamed"), 1);
        let read = registry.document(intent(1).document_id).await;
        assert!(matches!(read, Err(RegistryError::Damaged { .. })), "{read:?}");
    }
}
