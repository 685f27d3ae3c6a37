//! The embedded registry: one SQLite file, for one process.
//!
//! Write-ahead log, `synchronous = FULL`. One thread owns the writing connection and commits all waiting requests
//! together; a second one reads what is committed, so that questions do not wait for the disk.

mod exchange;
mod faults;
mod issuing;
mod listing;
mod logging;
mod lookup;
mod raising;
mod standing;
mod store;
mod worker;

use std::{collections::HashSet, path::Path};

use rusqlite::{Connection, Row, params, types::Type};

pub use exchange::{SqliteReader, SqliteWriter};
pub use store::OpenError;

use issuing::{begin, complete, expect_one, read_document, recover};
use standing::{read_status, set_status};
use store::Store;
use worker::{Admission, Session, Transactions, Worker, unavailable};

use super::{
    Again, Answer, Backlog, Begun, DocumentId, DocumentStatus, Due, Intent, IssuanceQueue, Issued, IssuedDocument,
    Listed, MOST_FOUND, Newest, Raised, Registry, RegistryError, Sha256, StatusChange, StatusPlace,
};
use crate::{
    core::{lookup::LookupDigest, time::Time},
    disk::Lock,
};

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
    _lock: Lock,
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

    fn newest(&self, document_id: DocumentId) -> Answer<'_, Option<Newest>> {
        self.read(move |connection| raising::newest(connection, document_id))
    }

    fn due(&self, now: Time, most: usize) -> Answer<'_, Vec<Due>> {
        self.read(move |connection| raising::due(connection, now, most))
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        self.read(raising::backlog)
    }

    fn raise(&self, document_id: DocumentId, raised: Raised) -> Answer<'_, ()> {
        Box::pin(async move {
            raised.check()?;
            let work = move |session: &Session| raising::raise(session, document_id, raised);
            self.writer.ask(Admission::Wait, None, work).await
        })
    }

    fn renew(&self, before: Time, now: Time) -> Answer<'_, ()> {
        Box::pin(async move {
            if !self.read(move |connection| raising::ends_before(connection, before)).await? {
                return Ok(());
            }
            self.writer.ask(Admission::Wait, None, move |session| raising::renew(session, before, now)).await
        })
    }

    fn put_off(&self, document_id: DocumentId, again: Again) -> Answer<'_, ()> {
        let work = move |session: &Session| raising::put_off(session, document_id, again);
        Box::pin(self.writer.ask(Admission::Wait, None, work))
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

    fn lease_status_places(&self) -> Answer<'_, u32> {
        Box::pin(self.writer.ask(Admission::Refuse, None, listing::lease))
    }

    fn status_blocks(&self) -> Answer<'_, u32> {
        self.read(listing::next_block)
    }

    fn listed(&self, since: Option<Time>, after: Option<StatusPlace>, most: usize) -> Answer<'_, Vec<Listed>> {
        self.read(move |connection| listing::listed(connection, since, after, most))
    }

    fn look_up(&self, digests: Vec<LookupDigest>) -> Answer<'_, Vec<DocumentId>> {
        self.read(move |connection| lookup::find(connection, &digests))
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

    fn issuance_queue(&self) -> &dyn IssuanceQueue {
        self
    }
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
    use crate::registry::{Format, Level, Packaging};

    type Work = Box<dyn FnOnce(&Session) -> Result<(), RegistryError> + Send>;

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
            status_place: None,
        }
    }

    fn issued(length: usize) -> Issued {
        Issued {
            signature: vec![0x30; length],
            level_reached: Level::Basic,
            signed_at: Time::from_unix(1_001),
            signer_certificate_sha256: [7; 32],
            log_salt: None,
            lookup: Vec::new(),
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
        let ask = |work: Work| {
            let registry = Arc::clone(&registry);
            async move { registry.writer.ask(Admission::Wait, None, work).await }
        };
        let hold = tokio::spawn(ask(Box::new(move |_| {
            holding.send(()).expect("the test waits");
            held.recv().expect("the test releases");
            Ok(())
        })));
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
        // In the queue in this order: each is asked when it is first polled.
        let queued = async {
            release.send(()).expect("the writer waits");
        };
        let (first, failing, last, ()) = tokio::join!(biased; first, failing, last, queued);
        assert!(hold.await.expect("no panic").is_ok());
        assert!(first.is_ok());
        assert!(matches!(failing, Err(RegistryError::HistoryFull(_))));
        assert!(last.is_ok());
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
