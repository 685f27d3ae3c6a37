//! The statements of the issuance log's order. One node gives positions as long as its lease lasts, by the database's clock; what holds if
//! two believe that they do is the one row of `antin.log_head`: it goes on only from the size and the fence that the node knows.

use std::time::Duration;

use deadpool_postgres::{Client, Transaction};
use tokio_postgres::Row;

use super::{PostgresRegistry, RunId, contradiction, fault::Fault, octets, raising::interval, session::attempt};
use crate::{
    core::{log::Salt, time::Time},
    registry::{Answer, Append, DocumentId, IssuanceQueue, Lead, LogHead, Loggable, Unlogged},
};

const LOGGABLE: &str = "SELECT d.id, d.kind, d.document_digest, d.signed_at, d.signer_certificate_sha256, l.salt, l.position \
                        FROM antin.log_entry l JOIN antin.document d ON d.id = l.document_id";

fn loggable(row: &Row) -> Result<Loggable, Fault> {
    let position: Option<i64> = row.try_get(6).map_err(Fault::Damaged)?;
    Ok(Loggable {
        document_id: DocumentId::from_bytes(octets(row, 0)?),
        kind: row.try_get(1).map_err(Fault::Damaged)?,
        document_digest: octets(row, 2)?,
        signed_at: Time::from_unix(row.try_get(3).map_err(Fault::Damaged)?),
        signer_certificate_sha256: octets(row, 4)?,
        salt: octets(row, 5)?,
        position: position.map(i64::cast_unsigned),
    })
}

/// Of a row that begins with size and root.
fn head(row: &Row) -> Result<LogHead, Fault> {
    let size: i64 = row.try_get(0).map_err(Fault::Damaged)?;
    let root: Option<&[u8]> = row.try_get(1).map_err(Fault::Damaged)?;
    Ok(LogHead { size: size.cast_unsigned(), root: root.map(|_| octets(row, 1)).transpose()? })
}

async fn read_head(client: &Client) -> Result<LogHead, Fault> {
    let statement = client.prepare_cached("SELECT size, root FROM antin.log_head WHERE number = 1").await?;
    head(&client.query_one(&statement, &[]).await?)
}

/// The server may show what it has not confirmed; what is written now is confirmed after it.
async fn confirmed_head(client: &Client) -> Result<LogHead, Fault> {
    let statement = "UPDATE antin.log_head SET size = size WHERE number = 1 RETURNING size, root";
    let statement = client.prepare_cached(statement).await?;
    head(&client.query_one(&statement, &[]).await?)
}

async fn lead(client: &Client, run: &RunId, lease: Duration) -> Result<Option<Lead>, Fault> {
    // Nothing is written while more than half of the lease is left.
    let statement = client
        .prepare_cached(
            "UPDATE antin.log_head SET fence = CASE WHEN holder = $1 THEN fence ELSE fence + 1 END, holder = $1, \
             held_until = now() + $2::TEXT::INTERVAL WHERE number = 1 AND (held_until IS NULL OR held_until <= now() \
             OR (holder = $1 AND held_until < now() + $3::TEXT::INTERVAL))",
        )
        .await?;
    client.execute(&statement, &[&&run[..], &interval(lease), &interval(lease / 2)]).await?;
    let statement = client
        .prepare_cached(
            "SELECT size, root, fence FROM antin.log_head WHERE number = 1 AND holder = $1 AND held_until > now()",
        )
        .await?;
    let Some(row) = client.query_opt(&statement, &[&&run[..]]).await? else { return Ok(None) };
    Ok(Some(Lead { fence: row.try_get(2).map_err(Fault::Damaged)?, head: head(&row)? }))
}

/// Lets another node give positions at once.
pub(super) async fn resign(client: &Client, run: &RunId) -> Result<(), Fault> {
    client.execute("UPDATE antin.log_head SET held_until = now() WHERE holder = $1", &[&&run[..]]).await?;
    Ok(())
}

/// False: nothing was done, and nothing may be committed.
async fn append(transaction: &Transaction<'_>, append: &Append) -> Result<bool, Fault> {
    let Append { lead, documents, root } = append;
    let size = lead.head.size.cast_signed();
    let statement = transaction
        .prepare_cached(
            "UPDATE antin.log_head SET size = $1, root = $2 WHERE number = 1 AND size = $3 AND fence = $4 \
             AND root IS NOT DISTINCT FROM $5",
        )
        .await?;
    let after = size + documents.len() as i64;
    let before = lead.head.root.as_ref().map(|root| &root[..]);
    if transaction.execute(&statement, &[&after, &&root[..], &size, &lead.fence, &before]).await? != 1 {
        return Ok(false);
    }
    let statement = transaction
        .prepare_cached(
            "UPDATE antin.log_entry SET position = given.position + $2 \
             FROM unnest($1::BYTEA[]) WITH ORDINALITY AS given (document_id, position) \
             WHERE antin.log_entry.document_id = given.document_id AND antin.log_entry.position IS NULL",
        )
        .await?;
    let ids: Vec<&[u8]> = documents.iter().map(|id| &id.as_bytes()[..]).collect();
    let given = transaction.execute(&statement, &[&ids, &(size - 1)]).await?;
    if given != documents.len() as u64 {
        return Err(contradiction("documents that wait for the log and have a position in it"));
    }
    Ok(true)
}

async fn unlogged(client: &Client, after: Option<DocumentId>, most: usize) -> Result<Unlogged, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT d.id, l.document_id IS NULL AND d.progress = 'issued' FROM antin.document d \
             LEFT JOIN antin.log_entry l ON l.document_id = d.id WHERE d.id > $1 ORDER BY d.id LIMIT $2",
        )
        .await?;
    // Nothing is shorter than no octet at all, and every id is longer.
    let from = after.as_ref().map_or(&[][..], |id| id.as_bytes());
    let mut unlogged = Unlogged::default();
    for row in client.query(&statement, &[&from, &(most as i64)]).await? {
        let document_id = DocumentId::from_bytes(octets(&row, 0)?);
        unlogged.last = Some(document_id);
        if row.try_get(1).map_err(Fault::Damaged)? {
            unlogged.found.push(document_id);
        }
    }
    Ok(unlogged)
}

impl IssuanceQueue for PostgresRegistry {
    fn log_head(&self) -> Answer<'_, LogHead> {
        Box::pin(async move {
            let done: Result<_, Fault> = attempt!(&self.shared.sessions, session => read_head(session.client()));
            Ok(done?)
        })
    }

    fn confirmed_head(&self) -> Answer<'_, LogHead> {
        Box::pin(async move {
            let done: Result<_, Fault> = attempt!(&self.shared.sessions, session => confirmed_head(session.client()));
            Ok(done?)
        })
    }

    fn lead(&self, lease: Duration) -> Answer<'_, Option<Lead>> {
        Box::pin(async move {
            let run = &self.shared.run;
            let done: Result<_, Fault> = attempt!(&self.shared.sessions, session => lead(session.client(), run, lease));
            Ok(done?)
        })
    }

    fn waiting(&self, most: usize) -> Answer<'_, Vec<Loggable>> {
        Box::pin(async move {
            let done: Result<Vec<_>, Fault> = attempt!(&self.shared.sessions, session => async {
                let statement = format!("{LOGGABLE} WHERE l.position IS NULL ORDER BY l.since, l.document_id LIMIT $1");
                let statement = session.client().prepare_cached(&statement).await?;
                session.client().query(&statement, &[&(most as i64)]).await?.iter().map(loggable).collect()
            });
            Ok(done?)
        })
    }

    fn append(&self, order: Append) -> Answer<'_, bool> {
        Box::pin(async move {
            let done: Result<bool, Fault> = attempt!(&self.shared.sessions, session => async {
                let transaction = session.serializable().await?;
                let is_done = append(&transaction, &order).await?;
                if is_done {
                    transaction.commit().await?;
                } else {
                    transaction.rollback().await?;
                }
                Ok(is_done)
            });
            Ok(done?)
        })
    }

    fn sequenced(&self, from: u64, most: usize) -> Answer<'_, Vec<Loggable>> {
        Box::pin(async move {
            let from = i64::try_from(from).unwrap_or(i64::MAX);
            let done: Result<Vec<_>, Fault> = attempt!(&self.shared.sessions, session => async {
                let statement = format!("{LOGGABLE} WHERE l.position >= $1 ORDER BY l.position LIMIT $2");
                let statement = session.client().prepare_cached(&statement).await?;
                session.client().query(&statement, &[&from, &(most as i64)]).await?.iter().map(loggable).collect()
            });
            Ok(done?)
        })
    }

    fn loggable(&self, document_id: DocumentId) -> Answer<'_, Option<Loggable>> {
        Box::pin(async move {
            let done: Result<_, Fault> = attempt!(&self.shared.sessions, session => async {
                let statement = format!("{LOGGABLE} WHERE l.document_id = $1");
                let statement = session.client().prepare_cached(&statement).await?;
                let row = session.client().query_opt(&statement, &[&&document_id.as_bytes()[..]]).await?;
                row.as_ref().map(loggable).transpose()
            });
            Ok(done?)
        })
    }

    fn unlogged(&self, after: Option<DocumentId>, most: usize) -> Answer<'_, Unlogged> {
        Box::pin(async move {
            let done: Result<_, Fault> =
                attempt!(&self.shared.sessions, session => unlogged(session.client(), after, most));
            Ok(done?)
        })
    }

    fn enlist(&self, documents: Vec<(DocumentId, Salt)>, now: Time) -> Answer<'_, ()> {
        Box::pin(async move {
            let ids: Vec<&[u8]> = documents.iter().map(|(id, _)| &id.as_bytes()[..]).collect();
            let salts: Vec<&[u8]> = documents.iter().map(|(_, salt)| &salt[..]).collect();
            let done: Result<(), Fault> = attempt!(&self.shared.sessions, session => async {
                let statement = session
                    .client()
                    .prepare_cached(
                        "INSERT INTO antin.log_entry (document_id, salt, since) \
                         SELECT document_id, salt, $3 FROM unnest($1::BYTEA[], $2::BYTEA[]) AS given (document_id, salt) \
                         ON CONFLICT (document_id) DO NOTHING",
                    )
                    .await?;
                session.client().execute(&statement, &[&ids, &salts, &now.unix()]).await?;
                Ok(())
            });
            Ok(done?)
        })
    }
}
