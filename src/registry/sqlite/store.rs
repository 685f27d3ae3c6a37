//! The registry's file: made, locked for one process, brought to the newest schema.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{
    core::time::Time,
    disk::{self, Lock},
};

/// Each brings `user_version` from its index to the next number.
pub(super) const MIGRATIONS: [&str; 7] = [
    include_str!("../schema.sql"),
    include_str!("../raising.sql"),
    include_str!("../renewing.sql"),
    include_str!("../logging.sql"),
    include_str!("../listing.sql"),
    include_str!("../lookup.sql"),
    include_str!("log_columns.sql"),
];
/// `ANTN`: tells the registry from any other SQLite file (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x414e_544e;
/// How long a statement waits for a lock that a reader outside this process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than the registry has statements, so that each is prepared once.
const STATEMENTS_KEPT: usize = 32;

/// Why the registry could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path}: the registry cannot be opened; check the path, its owner and free space")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: another process uses this registry; stop it first")]
    InUse { path: PathBuf },
    #[error("{path}: this file is no antin registry; name another file in the configuration")]
    Foreign { path: PathBuf },
    #[error(
        "{path}: the registry has schema version {found}, this program knows up to {known}; run the newer program, or \
         restore the backup made before the upgrade"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{path}: the registry has schema version {found}, and is brought to version {known} when the service starts on it; start it \
         once, or use the program that wrote it"
    )]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error("{path}: the registry is damaged; restore the newest backup")]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("{path}: the registry's file system cannot hold a write-ahead log; use a local disk")]
    NoWriteAheadLog { path: PathBuf },
    #[error("{path}: the registry cannot be used; check free space and the disk's health")]
    Store { path: PathBuf, source: rusqlite::Error },
    #[error("{path}: no thread for the registry could be started")]
    Thread { path: PathBuf, source: io::Error },
}

/// An opened registry file.
pub(super) struct Store {
    pub(super) path: PathBuf,
    pub(super) writer: Connection,
    pub(super) reader: Connection,
    /// The number of this start of the service.
    pub(super) run: i64,
    /// Held as long as the registry is open; the kernel lets go of it when the process dies.
    pub(super) lock: Lock,
}

impl Store {
    /// Opens the file, making it (mode 0600) and its folder (mode 0700) if they are missing.
    pub(super) fn open(path: &Path, started_at: Time) -> Result<Self, OpenError> {
        let path = std::path::absolute(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let lock = prepare_files(&path)?;
        let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let sorted = |source| sort_error(&path, source);
        identify(&path, &writer)?;
        // FULL: in write-ahead mode every commit is followed by fsync; NORMAL would lose the last ones with the power.
        writer
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
            .map_err(sorted)?;
        let mode: String = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sorted)?;
        if mode != "wal" {
            return Err(OpenError::NoWriteAheadLog { path });
        }
        migrate(&path, &mut writer)?;
        let run = writer
            .query_row(
                "INSERT INTO run (number, started_at) SELECT COALESCE(MAX(number), 0) + 1, ?1 FROM run RETURNING number",
                [started_at.unix()],
                |row| row.get(0),
            )
            .map_err(sorted)?;
        let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { path, writer, reader, run, lock })
    }
}

/// Opens an existing registry to be read, beside the process that has it too: in write-ahead mode each reads what was committed
/// when it began.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, OpenError> {
    std::fs::metadata(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    identify(path, &connection)?;
    let found = pragma(&connection, "user_version").map_err(|source| sort_error(path, source))?;
    let known = MIGRATIONS.len() as i64;
    if found < known {
        return Err(OpenError::Older { path: path.to_owned(), found, known });
    }
    Ok(connection)
}

/// Makes the folder and the files as far as they are missing, durably, and takes the lock.
///
/// The lock has a file of its own: closing a second descriptor of the database would drop SQLite's own locks on it.
fn prepare_files(path: &Path) -> Result<Lock, OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    let folder = path.parent().ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
    disk::make_folder(folder).map_err(failed)?;
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock_path).map_err(failed)?;
    let lock = Lock::take(lock).map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => failed(source),
    })?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        // SQLite gives its side files the mode of the main one; the folder's entry is ours to make durable.
        Ok(_) => File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(failed(source)),
    }
    Ok(lock)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let sorted = |source| sort_error(path, source);
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(sorted)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sorted)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;").map_err(sorted)?;
    Ok(connection)
}

/// Ours, or empty; and not of a later version.
fn identify(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let sorted = |source| sort_error(path, source);
    let id = pragma(connection, "application_id").map_err(sorted)?;
    let tables: i64 =
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sorted)?;
    if id != APPLICATION_ID && (id != 0 || tables != 0) {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let (found, known) = (pragma(connection, "user_version").map_err(sorted)?, MIGRATIONS.len() as i64);
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    Ok(())
}

/// Runs the migrations still to be done, each in a transaction of its own.
fn migrate(path: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let sorted = |source| sort_error(path, source);
    let done = usize::try_from(pragma(connection, "user_version").map_err(sorted)?).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = connection.transaction().map_err(sorted)?;
        transaction.execute_batch(migration).map_err(sorted)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sorted)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1).map_err(sorted)?;
        transaction.commit().map_err(sorted)?;
    }
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn sort_error(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, source },
        _ => OpenError::Store { path, source },
    }
}
