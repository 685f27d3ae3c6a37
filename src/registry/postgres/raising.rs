//! The statements of the queue of signatures whose level is to be raised.

use std::time::Duration;

use deadpool_postgres::{Client, Transaction};
use tokio_postgres::Row;

use super::{RunId, fault::Fault, named, small};
use crate::{
    core::time::Time,
    registry::{Again, Backlog, DocumentId, Due, Level, Newest, Raised, RegistryError},
};

/// Documents put into the queue at one time because their time-stamps end.
const MOST_RENEWED: i64 = 100;

const NEWEST: &str =
    "SELECT version, level, cms FROM antin.signature WHERE document_id = $1 ORDER BY version DESC LIMIT 1";

/// Puts what was given up into the queue again.
pub(super) async fn revive(client: &Client) -> Result<(), Fault> {
    client.execute("UPDATE antin.raising SET given_up = FALSE, attempts = 0 WHERE given_up", &[]).await?;
    Ok(())
}

pub(super) async fn newest(client: &Client, document_id: DocumentId) -> Result<Option<Newest>, Fault> {
    let statement = client.prepare_cached(NEWEST).await?;
    let row = client.query_opt(&statement, &[&&document_id.as_bytes()[..]]).await?;
    row.as_ref().map(read_newest).transpose()
}

fn read_newest(row: &Row) -> Result<Newest, Fault> {
    Ok(Newest {
        version: small(row, 0)?,
        level: named(row, 1, Level::from_name)?,
        signature: row.try_get(2).map_err(Fault::Damaged)?,
    })
}

/// What is due, and claims it: other nodes leave it alone for as long as `claim` says, by the database's clock, and this node lives.
/// It gets it again whenever it asks.
pub(super) async fn due(
    client: &Client,
    now: Time,
    most: usize,
    run: &RunId,
    claim: Duration,
) -> Result<Vec<Due>, Fault> {
    let statement = client
        .prepare_cached(
            "WITH picked AS (\
                SELECT document_id FROM antin.raising WHERE NOT given_up AND due_at <= $1 \
                AND (claimed_by IS NULL OR claimed_by = $3 OR claimed_until <= now() OR NOT EXISTS (\
                    SELECT 1 FROM antin.run WHERE id = claimed_by AND lease_until > now())) \
                ORDER BY due_at, document_id LIMIT $2 FOR UPDATE\
             ) UPDATE antin.raising r SET claimed_by = $3, claimed_until = now() + $4::TEXT::INTERVAL \
             FROM picked WHERE r.document_id = picked.document_id \
             RETURNING r.document_id, r.since, r.attempts, r.due_at",
        )
        .await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&now.unix(), &most, &&run[..], &interval(claim)]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let number = |column: usize| row.try_get::<_, i64>(column).map_err(Fault::Damaged);
        let document_id = DocumentId::from_bytes(super::octets(row, 0)?);
        found.push((number(3)?, Due { document_id, since: Time::from_unix(number(1)?), attempts: small(row, 2)? }));
    }
    found.sort_by_key(|(due_at, due)| (*due_at, due.document_id));
    Ok(found.into_iter().map(|(_, due)| due).collect())
}

/// As SQL reads a length of time.
pub(super) fn interval(time: Duration) -> String {
    format!("{} seconds", time.as_secs())
}

pub(super) async fn backlog(client: &Client) -> Result<Backlog, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT COUNT(*) FILTER (WHERE NOT given_up), COUNT(*) FILTER (WHERE given_up), \
             MIN(since) FILTER (WHERE NOT given_up) FROM antin.raising",
        )
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    let oldest: Option<i64> = row.try_get(2).map_err(Fault::Damaged)?;
    Ok(Backlog { waiting: small(&row, 0)?, oldest: oldest.map(Time::from_unix), given_up: small(&row, 1)? })
}

/// Adds a version; the last one wanted ends the waiting.
pub(super) async fn raise(
    transaction: &Transaction<'_>,
    document_id: DocumentId,
    raised: &Raised,
) -> Result<(), Fault> {
    let id = &document_id.as_bytes()[..];
    let statement = transaction.prepare_cached(NEWEST).await?;
    let held = transaction.query_opt(&statement, &[&id]).await?;
    let held = held.ok_or(RegistryError::UnknownDocument(document_id))?;
    let held = read_newest(&held)?;
    if held.version == raised.from_version.saturating_add(1)
        && (held.level, &held.signature) == (raised.level, &raised.signature)
    {
        // It may be seen and not be confirmed; what is written now is confirmed after it.
        let statement = transaction
            .prepare_cached("UPDATE antin.signature SET level = level WHERE document_id = $1 AND version = $2")
            .await?;
        transaction.execute(&statement, &[&id, &i64::from(held.version)]).await?;
        return Ok(());
    }
    if held.version != raised.from_version || !raised.level.reaches(held.level) {
        return Err(RegistryError::AlreadyRaised(document_id).into());
    }
    let level = raised.level.name();
    let statement = transaction
        .prepare_cached("INSERT INTO antin.signature (document_id, version, level, cms) VALUES ($1, $2, $3, $4)")
        .await?;
    let version = i64::from(held.version) + 1;
    let added = transaction.execute(&statement, &[&id, &version, &level, &raised.signature]).await;
    if let Err(error) = added {
        // Where two nodes raise at one time, the other one may have been first.
        let taken = error.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION);
        return Err(if taken { RegistryError::AlreadyRaised(document_id).into() } else { error.into() });
    }
    // What comes next is another matter, and for whoever comes first.
    let statement = transaction
        .prepare_cached(
            "UPDATE antin.raising SET attempts = 0, claimed_by = NULL, claimed_until = NULL WHERE document_id = $1",
        )
        .await?;
    transaction.execute(&statement, &[&id]).await?;
    let statement = transaction
        .prepare_cached(
            "DELETE FROM antin.raising WHERE document_id = $1 \
             AND EXISTS (SELECT 1 FROM antin.document WHERE id = $1 AND level_requested = $2)",
        )
        .await?;
    transaction.execute(&statement, &[&id, &level]).await?;
    if let Some(ends_at) = raised.proves_until {
        let statement = transaction
            .prepare_cached(
                "INSERT INTO antin.renewal (document_id, ends_at) VALUES ($1, $2) \
                 ON CONFLICT (document_id) DO UPDATE SET ends_at = excluded.ends_at",
            )
            .await?;
        transaction.execute(&statement, &[&id, &ends_at.unix()]).await?;
    }
    Ok(())
}

/// A time-stamp ends before this time.
pub(super) async fn ends_before(client: &Client, time: Time) -> Result<bool, Fault> {
    let statement = client.prepare_cached("SELECT EXISTS (SELECT 1 FROM antin.renewal WHERE ends_at < $1)").await?;
    client.query_one(&statement, &[&time.unix()]).await?.try_get(0).map_err(Fault::Damaged)
}

/// Puts the documents whose time-stamps end before `time`, the first to end first, into the queue.
pub(super) async fn renew(client: &Client, time: Time, now: Time) -> Result<(), Fault> {
    let statement = client
        .prepare_cached(
            "WITH taken AS (\
                DELETE FROM antin.renewal WHERE document_id IN (\
                    SELECT document_id FROM antin.renewal WHERE ends_at < $1 ORDER BY ends_at, document_id LIMIT $2\
                ) RETURNING document_id\
             ) INSERT INTO antin.raising (document_id, since, due_at) SELECT document_id, $3, $3 FROM taken \
             ON CONFLICT (document_id) DO NOTHING",
        )
        .await?;
    client.execute(&statement, &[&time.unix(), &MOST_RENEWED, &now.unix()]).await?;
    Ok(())
}

pub(super) async fn put_off(client: &Client, document_id: DocumentId, again: Again) -> Result<(), Fault> {
    let statement = client
        .prepare_cached(
            "UPDATE antin.raising SET attempts = attempts + $2, due_at = COALESCE($3, due_at), given_up = $4, \
             claimed_by = NULL, claimed_until = NULL WHERE document_id = $1 AND NOT given_up",
        )
        .await?;
    let (counted, due_at, given_up) = match again {
        Again::At(time) => (1_i64, Some(time.unix()), false),
        Again::Uncounted(time) => (0, Some(time.unix()), false),
        Again::Never => (1, None, true),
    };
    client.execute(&statement, &[&&document_id.as_bytes()[..], &counted, &due_at, &given_up]).await?;
    Ok(())
}
