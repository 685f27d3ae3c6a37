//! What is about the SQLite file alone.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use antin::registry::{
    Registry,
    sqlite::{OpenError, SqliteRegistry},
};
use tempfile::TempDir;

use super::{STARTED, document_id, issue};

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data/registry.db");
    (folder, path)
}

fn open(path: &Path) -> Arc<dyn Registry> {
    Arc::new(SqliteRegistry::open(path, STARTED).expect("a registry"))
}

#[test]
fn the_file_is_private_and_one_process_has_it() {
    let (_folder, path) = file();
    let registry = open(&path);
    for name in ["registry.db", "registry.db-wal", "registry.db-shm", "registry.db.lock"] {
        let mode = fs::metadata(path.with_file_name(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(matches!(SqliteRegistry::open(&path, STARTED), Err(OpenError::InUse { .. })));
    drop(registry);
    assert!(!path.with_file_name("registry.db-wal").exists(), "a clean close empties the log");
    open(&path);
}

#[test]
fn another_file_is_refused_with_a_word_of_advice() {
    let (_folder, path) = file();
    drop(open(&path));
    let edit = |statement: &str| {
        rusqlite::Connection::open(&path).expect("a file").execute_batch(statement).expect("an edit");
        SqliteRegistry::open(&path, STARTED).err().expect("refused")
    };
    let newer = edit("PRAGMA user_version = 9");
    assert!(matches!(newer, OpenError::Newer { found: 9, known: 7, .. }), "{newer}");
    assert!(newer.to_string().contains("run the newer program"), "{newer}");
    assert!(matches!(edit("PRAGMA user_version = 1; PRAGMA application_id = 7"), OpenError::Foreign { .. }));

    fs::write(&path, "this is a letter, not a registry".repeat(100)).expect("written");
    assert!(matches!(SqliteRegistry::open(&path, STARTED), Err(OpenError::Foreign { .. })));
    assert!(fs::read_to_string(&path).expect("read").starts_with("this is a letter"), "it was left alone");

    let folder_as_file = SqliteRegistry::open(path.parent().expect("a folder"), STARTED).err().expect("refused");
    assert!(matches!(folder_as_file, OpenError::Store { .. } | OpenError::File { .. }), "{folder_as_file}");
}

/// A registry of before there was a queue gets one.
#[tokio::test]
async fn an_older_registry_goes_on() {
    let (_folder, path) = file();
    let registry = open(&path);
    issue(&*registry, 1).await;
    drop(registry);
    let older = rusqlite::Connection::open(&path).expect("a file");
    older
        .execute_batch(
            "DROP INDEX document_by_log_position; DROP INDEX document_waiting; ALTER TABLE document DROP COLUMN log_position; \
             ALTER TABLE document DROP COLUMN log_since; ALTER TABLE document DROP COLUMN log_salt; DROP TABLE lookup_digest; DROP TABLE log_head; DROP TABLE renewal; DROP TABLE raising; DROP TABLE status_block; DROP INDEX document_by_status_place; \
             DROP INDEX document_listed; DROP INDEX document_void; DROP INDEX status_change_by_time; \
             ALTER TABLE document DROP COLUMN status_list; ALTER TABLE document DROP COLUMN status_index; \
             PRAGMA user_version = 1",
        )
        .expect("as it was");
    drop(older);
    let registry = open(&path);
    assert_eq!(registry.newest(document_id(1)).await.expect("read").map(|newest| newest.version), Some(1));
    issue(&*registry, 2).await;
    let due = registry.due(STARTED.plus_seconds(9), 9).await.expect("read");
    assert_eq!(due.iter().map(|due| due.document_id).collect::<Vec<_>>(), [document_id(2)]);
}

/// The log's order of a registry of version 6, which had a table for it, is what it was.
#[tokio::test]
async fn places_in_the_log_go_along() {
    let (_folder, path) = file();
    let registry = open(&path);
    for number in 1..=3 {
        issue(&*registry, number).await;
    }
    drop(registry);
    let older = rusqlite::Connection::open(&path).expect("a file");
    older
        .execute_batch(
            "DROP INDEX document_by_log_position; DROP INDEX document_waiting; ALTER TABLE document DROP COLUMN log_position; \
             ALTER TABLE document DROP COLUMN log_since; ALTER TABLE document DROP COLUMN log_salt; \
             CREATE TABLE log_entry (document_id BLOB NOT NULL PRIMARY KEY REFERENCES document (id), salt BLOB NOT NULL, \
             since INTEGER NOT NULL, position INTEGER) STRICT, WITHOUT ROWID; \
             UPDATE log_head SET size = 1, root = zeroblob(32); PRAGMA user_version = 6",
        )
        .expect("as it was");
    let places = [(1, Some(0)), (3, None)];
    for (number, position) in places {
        let (id, salt) = (document_id(number), [number as u8; 32]);
        older
            .execute("INSERT INTO log_entry VALUES (?1, ?2, 1780000007, ?3)", (id.as_bytes(), salt, position))
            .expect("a row");
    }
    drop(older);
    let registry = open(&path);
    let queue = registry.issuance_queue();
    assert_eq!(queue.log_head().await.expect("read").size, 1);
    let waiting = queue.waiting(9).await.expect("read");
    assert_eq!(waiting.iter().map(|one| (one.document_id, one.salt)).collect::<Vec<_>>(), [(document_id(3), [3; 32])]);
    let logged = queue.sequenced(0, 9).await.expect("read");
    assert_eq!(
        logged.iter().map(|one| (one.document_id, one.position)).collect::<Vec<_>>(),
        [(document_id(1), Some(0))]
    );
    assert_eq!(queue.unlogged(None, 9).await.expect("read").found, [document_id(2)]);
}
