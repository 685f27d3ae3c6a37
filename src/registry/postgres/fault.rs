//! What can go wrong between here and the server, and what is made of it.

use std::{path::PathBuf, sync::Arc};

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::{Error, error::SqlState};

use crate::{net::FetcherError, registry::RegistryError};

/// Why the registry could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not the parser's own words, which may quote a password.
    #[error(
        "registry.postgres.url cannot be read: write postgres://USER@HOST[:PORT][,HOST…]/DATABASE?target_session_attrs=read-write"
    )]
    Url,
    #[error("{path}: the password of the registry's database cannot be read")]
    PasswordFile { path: PathBuf, source: std::io::Error },
    #[error("registry.postgres.password-env: the environment variable {name} holds no password")]
    PasswordEnv { name: String },
    #[error("{path}: the authorities of the registry's database cannot be read")]
    Authorities { path: PathBuf, source: std::io::Error },
    #[error("registry.postgres: TLS cannot be set up")]
    Tls(#[from] FetcherError),
    #[error(
        "the registry's database cannot be used: check that a server of registry.postgres.url runs, lets this user in and can be written to"
    )]
    Unreachable { source: Arc<dyn std::error::Error + Send + Sync> },
    #[error(
        "the registry's database does not keep what it confirms: {setting} is off; set it to on, and restart the server"
    )]
    NotDurable { setting: String },
    #[error(
        "the registry's database is encoded in {encoding}, which does not have every letter of a reason; make it with ENCODING 'UTF8' \
         (TEMPLATE template0), and bring what is in this one over with antin registry export and import"
    )]
    Encoding { encoding: String },
    #[error(
        "the registry's database has schema version {found}, this program knows up to {known}; run the newer program, or \
         restore the backup made before the upgrade"
    )]
    Newer { found: i64, known: i64 },
    #[error("the registry's tables cannot be made; let the user own the database, or give it CREATE there")]
    Migration { source: Arc<dyn std::error::Error + Send + Sync> },
    #[error("no random number could be had")]
    Random(#[source] openssl::error::ErrorStack),
}

impl OpenError {
    /// The settings are wrong, and not the server.
    pub const fn is_of_settings(&self) -> bool {
        matches!(
            self,
            Self::Url | Self::PasswordFile { .. } | Self::PasswordEnv { .. } | Self::Authorities { .. } | Self::Tls(_)
        )
    }
}

/// Why one piece of work was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The registry's own answer.
    Registry(RegistryError),
    Query(Error),
    /// What came back contradicts itself.
    Damaged(Error),
}

impl From<RegistryError> for Fault {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Query(error)
    }
}

impl Fault {
    /// The server undid the work because it met other work: the same again may succeed.
    pub(super) fn is_collision(&self) -> bool {
        let Self::Query(error) = self else { return false };
        matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
    }

    /// The connection answered as it should and can be used again.
    pub(super) fn leaves_connection(&self) -> bool {
        self.is_collision() || matches!(self, Self::Registry(_))
    }
}

impl From<Fault> for RegistryError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Registry(error) => error,
            Fault::Damaged(error) => Self::Damaged { source: Arc::new(error) },
            Fault::Query(error) => {
                let corrupted = [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED];
                let damaged = error.code().is_some_and(|code| corrupted.contains(code));
                let source = Arc::new(error);
                if damaged { Self::Damaged { source } } else { Self::Unavailable { source } }
            }
        }
    }
}

/// What the client library has no error for.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionFault {
    #[error("the database did not answer in time")]
    Late,
    #[error("no connection to the database could be made in time")]
    NotConnected,
    #[error("the database confirmed a commit that its standby may not have; see the server's log")]
    NotReplicated,
    #[error("{setting} is off at the server: it does not keep what it confirms")]
    NotDurable { setting: String },
    #[error("another transaction was in the way, time after time")]
    Collisions,
    #[error("the connection pool is closed")]
    Closed,
}

impl From<SessionFault> for RegistryError {
    fn from(fault: SessionFault) -> Self {
        Self::Unavailable { source: Arc::new(fault) }
    }
}

impl From<SessionFault> for Fault {
    fn from(fault: SessionFault) -> Self {
        Self::Registry(fault.into())
    }
}

/// What begins the message of a hook that found a server that is not durable; the name of the setting follows.
pub(super) const NOT_DURABLE: &str = "not durable: ";
/// What begins the message of a hook that found a database of another encoding than UTF-8; its name follows.
pub(super) const OTHER_ENCODING: &str = "other encoding: ";

/// Why there is no connection.
pub(super) fn sort_pool_error(error: PoolError) -> RegistryError {
    match error {
        // All are at work.
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => RegistryError::Overloaded,
        PoolError::Timeout(_) => SessionFault::NotConnected.into(),
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            RegistryError::Unavailable { source: Arc::new(error) }
        }
        PoolError::PostCreateHook(HookError::Message(message)) => match message.strip_prefix(NOT_DURABLE) {
            Some(setting) => SessionFault::NotDurable { setting: setting.to_owned() }.into(),
            None => SessionFault::NotConnected.into(),
        },
        PoolError::Closed | PoolError::NoRuntimeSpecified => SessionFault::Closed.into(),
    }
}
