//! The schema, brought up to date once, however many nodes start at one time.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::Client;
use tokio::time::sleep;
use tokio_postgres::{Error, IsolationLevel, error::SqlState};

use super::fault::OpenError;

/// Each brings the schema from its index to the next version. Every statement of them may be repeated: not every engine undoes
/// what a transaction did to the schema.
pub(super) const MIGRATIONS: [&str; 4] =
    [include_str!("schema.sql"), include_str!("logging.sql"), include_str!("listing.sql"), include_str!("lookup.sql")];
/// Where the versions that were applied are noted.
const NOTED: &str = "CREATE SCHEMA IF NOT EXISTS antin; \
                     CREATE TABLE IF NOT EXISTS antin.migration (version BIGINT NOT NULL PRIMARY KEY)";
/// How often a node that meets another one at this work looks again.
const MOST_MEETINGS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// The newest version this program knows.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

pub(super) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    let mut met = 0;
    loop {
        let error = match apply(client).await {
            Ok(found) if found > NEWEST => return Err(OpenError::Newer { found, known: NEWEST }),
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        met += 1;
        if met >= MOST_MEETINGS || !another_node_is_at_it(&error) {
            return Err(OpenError::Migration { source: Arc::new(error) });
        }
        sleep(PAUSE).await;
    }
}

/// The version that the schema has in the end.
async fn apply(client: &mut Client) -> Result<i64, Error> {
    // Asked before it is made, for a user who may not make it.
    let is_noted = "SELECT COUNT(*) FROM information_schema.tables \
                    WHERE table_schema = 'antin' AND table_name = 'migration'";
    if client.query_one(is_noted, &[]).await?.try_get::<_, i64>(0)? == 0 {
        client.batch_execute(NOTED).await?;
    }
    let applied = client.query_one("SELECT COALESCE(MAX(version), 0) FROM antin.migration", &[]).await?;
    let applied: i64 = applied.try_get(0)?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > applied) {
        let transaction = client.build_transaction().isolation_level(IsolationLevel::Serializable).start().await?;
        // Who is second waits here for the end of the first.
        let noted = "INSERT INTO antin.migration (version) VALUES ($1) ON CONFLICT (version) DO NOTHING";
        if transaction.execute(noted, &[&version]).await? == 1 {
            transaction.batch_execute(migration).await?;
        }
        transaction.commit().await?;
    }
    Ok(applied.max(NEWEST))
}

/// What a server answers to two who make the same thing at one time.
fn another_node_is_at_it(error: &Error) -> bool {
    let known = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_SCHEMA,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        // "tuple concurrently updated"
        SqlState::INTERNAL_ERROR,
    ];
    error.code().is_some_and(|code| known.contains(code))
}
