//! The registry through its trait, across restarts, races and deaths of processes and servers: every test on SQLite and on
//! PostgreSQL, but for those that are about one of them.

mod check;
mod child;
mod commands;
mod deaths;
mod exchange;
mod failover;
mod file;
mod issuing;
mod listing;
mod nodes;
mod queue;
mod servers;
mod standing;

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use antin::{
    config::PostgresSettings,
    core::time::Time,
    registry::{
        Begun, DocumentId, DocumentState, Format, Intent, Issued, Level, Packaging, Registry, StatusChange,
        postgres::PostgresRegistry, sqlite::SqliteRegistry,
    },
};
use tempfile::TempDir;

use crate::kit::postgres;

const STARTED: Time = Time::from_unix(1_780_000_000);
/// Seconds of a lease in these tests.
const LEASE: u64 = 2;

/// Each test of the list, on both stores.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::registry::Place::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::registry::Place::postgres()).await;
            })+
        }
    };
}
use on_both;

/// Where a test's registry is.
enum Place {
    Sqlite { _folder: TempDir, path: PathBuf },
    Postgres { url: String },
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/registry.db");
        Self::Sqlite { _folder: folder, path }
    }

    fn postgres() -> Self {
        Self::Postgres { url: postgres::shared().database() }
    }

    /// A path or a URL, for a copy of this program.
    fn address(&self) -> String {
        match self {
            Self::Sqlite { path, .. } => path.to_str().expect("text").to_owned(),
            Self::Postgres { url } => url.clone(),
        }
    }

    async fn open(&self) -> Arc<dyn Registry> {
        open(&self.address()).await
    }

    /// Ends a node politely.
    async fn close(&self, registry: Arc<dyn Registry>) {
        drop(registry);
        self.outlive(Duration::from_secs(20)).await;
    }

    /// Waits until no node has a lease.
    async fn outlive(&self, patience: Duration) {
        let Self::Postgres { url } = self else { return };
        let database = url.rsplit('/').next().expect("a name");
        for _ in 0..patience.as_millis() / 50 {
            let alive = "SELECT COUNT(*) FROM antin.run WHERE lease_until > now()";
            if postgres::shared().psql(database, alive) == ["0"] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("a lease that does not end");
    }

    /// How long a dead node's work stays in progress.
    async fn forget_the_dead(&self) {
        self.outlive(Duration::from_secs(LEASE + 20)).await;
    }
}

fn settings(url: &str) -> PostgresSettings {
    PostgresSettings { lease_seconds: LEASE, ..postgres::settings(url) }
}

async fn open(address: &str) -> Arc<dyn Registry> {
    if address.starts_with("postgres://") {
        Arc::new(PostgresRegistry::open(&settings(address), STARTED).await.expect("a registry"))
    } else {
        Arc::new(SqliteRegistry::open(address.as_ref(), STARTED).expect("a registry"))
    }
}

fn document_id(number: u128) -> DocumentId {
    DocumentId::from_bytes(number.to_be_bytes())
}

fn intent(number: u128, key: &str) -> Intent {
    Intent {
        document_id: document_id(number),
        client: "issuing-system".to_owned(),
        idempotency_key: key.to_owned(),
        request_digest: [1; 32],
        kind: "health-book".to_owned(),
        document_digest: [2; 32],
        signer: "health".to_owned(),
        level_requested: Level::Timestamped,
        format: Format::Cades,
        packaging: Packaging::Detached,
        media_type: "application/fhir+json".to_owned(),
        begun_at: STARTED,
        status_place: None,
    }
}

fn issued(number: u128) -> Issued {
    Issued {
        signature: number.to_be_bytes().to_vec(),
        level_reached: Level::Basic,
        signed_at: STARTED.plus_seconds(1),
        signer_certificate_sha256: [3; 32],
        log_salt: None,
        lookup: Vec::new(),
    }
}

fn change(state: DocumentState, at: i64) -> StatusChange {
    StatusChange {
        state,
        superseded_by: None,
        client: "issuing-system".to_owned(),
        at: STARTED.plus_seconds(at),
        reason: "Cấp lại theo đề nghị".to_owned(),
    }
}

async fn issue(registry: &dyn Registry, number: u128) {
    let begun = registry.begin(intent(number, &format!("key-{number}"))).await;
    assert_eq!(begun.expect("begun"), Begun::Fresh);
    registry.complete(document_id(number), issued(number)).await.expect("complete");
}

/// Waits in a thread that runs no task.
async fn pause(seconds: f64) {
    tokio::task::spawn_blocking(move || thread::sleep(Duration::from_secs_f64(seconds))).await.expect("no panic");
}
