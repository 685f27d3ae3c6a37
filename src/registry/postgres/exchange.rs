//! All of a registry in a database, record by record.

use std::{collections::HashMap, sync::Arc, time::Duration};

use deadpool_postgres::{Client, Object};
use futures_util::future::try_join_all;
use tokio::time::timeout;
use tokio_postgres::Row;

use super::{
    OpenError, RunId,
    connect::Door,
    fault::{Fault, SessionFault},
    faults::store_faults,
    issuing::{INTENT, read_intent},
    lookup,
    migrate::migrate,
    named, octets, small, unreachable,
};
use crate::{
    config::PostgresSettings,
    core::time::Time,
    registry::{
        Answer, DocumentId, DocumentState, Intent, Level, Logged, Newest, RegistryError, StatusChange,
        exchange::{self, LARGEST_PAGE, MOST_ON_A_PAGE, Next, Progress, Raising, Reader, Record, Release, Writer},
    },
};

/// The longest a page may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A connection of its own, which ends with its owner.
struct Link(Option<Client>);

impl Link {
    async fn open(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let mut client = Door::new(settings)?.pool(1).get().await.map_err(unreachable)?;
        migrate(&mut client).await?;
        Ok(Self(Some(client)))
    }

    fn client(&self) -> Result<&Client, Fault> {
        self.0.as_ref().ok_or_else(|| SessionFault::Closed.into())
    }
}

impl Drop for Link {
    /// What was begun on it is undone by the server.
    fn drop(&mut self) {
        self.0.take().map(Object::take);
    }
}

fn failed(source: tokio_postgres::Error) -> OpenError {
    OpenError::Unreachable { source: Arc::new(source) }
}

async fn within<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, RegistryError> {
    let done = timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(SessionFault::Late.into()));
    done.map_err(RegistryError::from)
}

/// Reads a registry at one moment; nodes may go on with it.
pub struct PostgresReader {
    link: Link,
}

impl PostgresReader {
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let link = Link::open(settings).await?;
        if let Some(client) = &link.0 {
            // One page after the other may take as long as whoever takes them.
            let begin = "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            client.batch_execute(begin).await.map_err(failed)?;
        }
        Ok(Self { link })
    }

    /// At most `most` records.
    async fn read_page(&self, after: Option<DocumentId>, most: usize) -> Result<Vec<Record>, Fault> {
        let client = self.link.client()?;
        let statement = client
            .prepare_cached(&format!(
                "SELECT {INTENT}, d.progress, d.signed_at, d.signer_certificate_sha256, d.state, \
                 (SELECT COALESCE(SUM(octet_length(s.cms)), 0)::BIGINT FROM antin.signature s WHERE s.document_id = d.id) \
                 FROM antin.document d WHERE d.id > $1 ORDER BY d.id LIMIT $2"
            ))
            .await?;
        // Nothing is shorter than no octet at all, and every id is longer.
        let from = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let (mut room, mut records, mut places) = (LARGEST_PAGE, Vec::new(), HashMap::new());
        for row in client.query(&statement, &[&from, &(most as i64)]).await? {
            let size: i64 = row.try_get(18).map_err(Fault::Damaged)?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > room && !records.is_empty() {
                break;
            }
            room = room.saturating_sub(size);
            let record = read_record(&row)?;
            places.insert(record.intent.document_id, records.len());
            records.push(record);
        }
        let Some(last) = records.last().map(|record| record.intent.document_id) else { return Ok(records) };
        let last = &last.as_bytes()[..];
        let mut within = async |statement: &str, put: fn(&mut Record, &Row) -> Result<(), Fault>| {
            let statement = client.prepare_cached(statement).await?;
            for row in client.query(&statement, &[&from, &last]).await? {
                let place = places.get(&DocumentId::from_bytes(octets(&row, 0)?));
                if let Some(record) = place.and_then(|place| records.get_mut(*place)) {
                    put(record, &row)?;
                }
            }
            Ok::<(), Fault>(())
        };
        let signatures = "SELECT document_id, version, level, cms FROM antin.signature \
                          WHERE document_id > $1 AND document_id <= $2 ORDER BY document_id, version";
        within(signatures, put_signature).await?;
        let changes = "SELECT document_id, state, superseded_by, client, changed_at, reason FROM antin.status_change \
                       WHERE document_id > $1 AND document_id <= $2 ORDER BY document_id, position";
        within(changes, put_change).await?;
        let raising = "SELECT document_id, since, due_at, attempts, given_up FROM antin.raising \
                       WHERE document_id > $1 AND document_id <= $2";
        within(raising, put_raising).await?;
        let renewals = "SELECT document_id, ends_at FROM antin.renewal WHERE document_id > $1 AND document_id <= $2";
        within(renewals, put_renewal).await?;
        let places = "SELECT document_id, salt, since, position FROM antin.log_entry \
                      WHERE document_id > $1 AND document_id <= $2";
        within(places, put_place).await?;
        let lookup = "SELECT document_id, digest, key_id FROM antin.lookup_digest \
                      WHERE document_id > $1 AND document_id <= $2 ORDER BY document_id, digest";
        within(lookup, put_lookup).await?;
        Ok(records)
    }

    async fn read_next_id(&self, after: Option<DocumentId>) -> Result<Option<DocumentId>, Fault> {
        let client = self.link.client()?;
        let statement =
            client.prepare_cached("SELECT id FROM antin.document WHERE id > $1 ORDER BY id LIMIT 1").await?;
        let from = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let row = client.query_opt(&statement, &[&from]).await?;
        row.map(|row| octets(&row, 0).map(DocumentId::from_bytes)).transpose()
    }

    async fn read_unknown(&self, after: Option<DocumentId>) -> Result<Vec<Intent>, Fault> {
        let client = self.link.client()?;
        let statement = client
            .prepare_cached(&format!(
                "SELECT {INTENT} FROM antin.document d WHERE d.progress = 'unknown' AND d.id > $1 ORDER BY d.id LIMIT $2"
            ))
            .await?;
        let from = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let rows = client.query(&statement, &[&from, &(MOST_ON_A_PAGE as i64)]).await?;
        rows.iter().map(read_intent).collect()
    }

    async fn ask_issued(&self, document_id: DocumentId) -> Result<bool, Fault> {
        let client = self.link.client()?;
        let statement =
            client.prepare_cached("SELECT 1 FROM antin.document WHERE id = $1 AND progress = 'issued'").await?;
        Ok(client.query_opt(&statement, &[&&document_id.as_bytes()[..]]).await?.is_some())
    }
}

/// A row of `antin.document`.
fn read_record(row: &Row) -> Result<Record, Fault> {
    let release = match row.try_get::<_, Option<i64>>(15).map_err(Fault::Damaged)? {
        Some(signed_at) => Some(Release {
            signed_at: Time::from_unix(signed_at),
            signer_certificate_sha256: octets(row, 16)?,
            state: named(row, 17, DocumentState::from_name)?,
        }),
        None => None,
    };
    Ok(Record {
        intent: read_intent(row)?,
        progress: named(row, 14, Progress::from_name)?,
        release,
        signatures: Vec::new(),
        history: Vec::new(),
        raising: None,
        renewal: None,
        log: None,
        lookup: Vec::new(),
    })
}

fn put_signature(record: &mut Record, row: &Row) -> Result<(), Fault> {
    let (version, level) = (small(row, 1)?, named(row, 2, Level::from_name)?);
    record.signatures.push(Newest { version, level, signature: row.try_get(3).map_err(Fault::Damaged)? });
    Ok(())
}

fn put_change(record: &mut Record, row: &Row) -> Result<(), Fault> {
    let successor: Option<&[u8]> = row.try_get(2).map_err(Fault::Damaged)?;
    record.history.push(StatusChange {
        state: named(row, 1, DocumentState::from_name)?,
        superseded_by: successor.map(|_| octets(row, 2)).transpose()?.map(DocumentId::from_bytes),
        client: row.try_get(3).map_err(Fault::Damaged)?,
        at: Time::from_unix(row.try_get(4).map_err(Fault::Damaged)?),
        reason: row.try_get(5).map_err(Fault::Damaged)?,
    });
    Ok(())
}

fn put_raising(record: &mut Record, row: &Row) -> Result<(), Fault> {
    let time = |column: usize| row.try_get(column).map(Time::from_unix).map_err(Fault::Damaged);
    let given_up = row.try_get(4).map_err(Fault::Damaged)?;
    record.raising = Some(Raising { since: time(1)?, due_at: time(2)?, attempts: small(row, 3)?, given_up });
    Ok(())
}

fn put_renewal(record: &mut Record, row: &Row) -> Result<(), Fault> {
    record.renewal = Some(Time::from_unix(row.try_get(1).map_err(Fault::Damaged)?));
    Ok(())
}

fn put_place(record: &mut Record, row: &Row) -> Result<(), Fault> {
    let since = row.try_get(2).map(Time::from_unix).map_err(Fault::Damaged)?;
    let position: Option<i64> = row.try_get(3).map_err(Fault::Damaged)?;
    record.log = Some(Logged { salt: octets(row, 1)?, since, position: position.map(i64::cast_unsigned) });
    Ok(())
}

fn put_lookup(record: &mut Record, row: &Row) -> Result<(), Fault> {
    record.lookup.push(lookup::entry(row)?);
    Ok(())
}

impl Reader for PostgresReader {
    fn page(&mut self, after: Option<DocumentId>) -> Answer<'_, Vec<Record>> {
        Box::pin(async move { within(self.read_page(after, MOST_ON_A_PAGE)).await })
    }

    fn next(&mut self, after: Option<DocumentId>) -> Answer<'_, Next> {
        Box::pin(async move {
            let Some(id) = within(self.read_next_id(after)).await? else { return Ok(None) };
            match within(self.read_page(after, 1)).await {
                Ok(records) => Ok(records.into_iter().next().map(|record| (id, Ok(record)))),
                Err(RegistryError::Damaged { source }) => Ok(Some((id, Err(source.to_string())))),
                Err(error) => Err(error),
            }
        })
    }

    fn faults(&mut self) -> Answer<'_, Vec<(Option<DocumentId>, exchange::Fault)>> {
        Box::pin(async move { within(async { store_faults(self.link.client()?).await }).await })
    }

    fn unknown(&mut self, after: Option<DocumentId>) -> Answer<'_, Vec<Intent>> {
        Box::pin(async move { within(self.read_unknown(after)).await })
    }

    fn is_issued(&mut self, document_id: DocumentId) -> Answer<'_, bool> {
        Box::pin(async move { within(self.ask_issued(document_id)).await })
    }
}

/// Fills a registry in a database, in one transaction.
pub struct PostgresWriter {
    link: Link,
    run: RunId,
}

/// Why a database is not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    /// There are documents in it.
    Documents,
    /// A service works on it.
    Service,
}

impl PostgresWriter {
    /// Makes the tables where they are missing.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(settings: &PostgresSettings) -> Result<Result<Self, Occupied>, OpenError> {
        let link = Link::open(settings).await?;
        // Of no start of the service.
        let mut run = [0; 16];
        openssl::rand::rand_bytes(&mut run).map_err(OpenError::Random)?;
        let writer = Self { link, run };
        if let Some(client) = &writer.link.0 {
            let begin = "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL SERIALIZABLE";
            client.batch_execute(begin).await.map_err(failed)?;
            let held = "SELECT EXISTS (SELECT 1 FROM antin.document), \
                        EXISTS (SELECT 1 FROM antin.run WHERE lease_until > now())";
            let row = client.query_one(held, &[]).await.map_err(failed)?;
            if row.try_get(0).map_err(failed)? {
                return Ok(Err(Occupied::Documents));
            }
            if row.try_get(1).map_err(failed)? {
                return Ok(Err(Occupied::Service));
            }
        }
        Ok(Ok(writer))
    }

    async fn put(&self, record: &Record) -> Result<(), Fault> {
        let (client, intent) = (self.link.client()?, &record.intent);
        let id = &intent.document_id.as_bytes()[..];
        let release = record.release.as_ref();
        let progress = if record.progress == Progress::Begun { Progress::Unknown } else { record.progress };
        let statement = client
            .prepare_cached(
                "INSERT INTO antin.document (id, client, idempotency_key, request_digest, kind, document_digest, signer, \
                 level_requested, format, packaging, media_type, begun_at, run, progress, signed_at, \
                 signer_certificate_sha256, state, status_list, status_index) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            )
            .await?;
        client
            .execute(
                &statement,
                &[
                    &id,
                    &intent.client,
                    &intent.idempotency_key,
                    &&intent.request_digest[..],
                    &intent.kind,
                    &&intent.document_digest[..],
                    &intent.signer,
                    &intent.level_requested.name(),
                    &intent.format.name(),
                    &intent.packaging.name(),
                    &intent.media_type,
                    &intent.begun_at.unix(),
                    &&self.run[..],
                    &progress.name(),
                    &release.map(|release| release.signed_at.unix()),
                    &release.map(|release| &release.signer_certificate_sha256[..]),
                    &release.map(|release| release.state.name()),
                    &intent.status_place.map(|place| i64::from(place.list)),
                    &intent.status_place.map(|place| i64::from(place.index)),
                ],
            )
            .await?;
        let statement = client
            .prepare_cached("INSERT INTO antin.signature (document_id, version, level, cms) VALUES ($1, $2, $3, $4)")
            .await?;
        let statement = &statement;
        try_join_all(record.signatures.iter().map(|one| async move {
            let version = i64::from(one.version);
            client.execute(statement, &[&id, &version, &one.level.name(), &one.signature]).await
        }))
        .await?;
        let statement = client
            .prepare_cached(
                "INSERT INTO antin.status_change (document_id, position, state, superseded_by, client, changed_at, reason) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .await?;
        let statement = &statement;
        try_join_all((1_i64..).zip(&record.history).map(|(position, one)| async move {
            let successor = one.superseded_by.as_ref().map(|successor| &successor.as_bytes()[..]);
            let (state, at) = (one.state.name(), one.at.unix());
            client.execute(statement, &[&id, &position, &state, &successor, &one.client, &at, &one.reason]).await
        }))
        .await?;
        if let Some(raising) = record.raising {
            let statement = client
                .prepare_cached(
                    "INSERT INTO antin.raising (document_id, since, due_at, attempts, given_up) VALUES ($1, $2, $3, $4, $5)",
                )
                .await?;
            let (since, due_at) = (raising.since.unix(), raising.due_at.unix());
            let attempts = i64::from(raising.attempts);
            client.execute(&statement, &[&id, &since, &due_at, &attempts, &raising.given_up]).await?;
        }
        if let Some(ends_at) = record.renewal {
            let statement =
                client.prepare_cached("INSERT INTO antin.renewal (document_id, ends_at) VALUES ($1, $2)").await?;
            client.execute(&statement, &[&id, &ends_at.unix()]).await?;
        }
        if let Some(log) = record.log {
            let statement = client
                .prepare_cached(
                    "INSERT INTO antin.log_entry (document_id, salt, since, position) VALUES ($1, $2, $3, $4)",
                )
                .await?;
            let position = log.position.map(u64::cast_signed);
            client.execute(&statement, &[&id, &&log.salt[..], &log.since.unix(), &position]).await?;
        }
        lookup::insert(client, id, &record.lookup).await
    }

    async fn end(&self) -> Result<Option<DocumentId>, Fault> {
        let client = self.link.client()?;
        let lost = "SELECT c.document_id FROM antin.status_change c WHERE c.superseded_by IS NOT NULL AND NOT EXISTS \
                    (SELECT 1 FROM antin.document d WHERE d.id = c.superseded_by AND d.progress = 'issued') LIMIT 1";
        if let Some(row) = client.query_opt(lost, &[]).await? {
            return Ok(Some(DocumentId::from_bytes(octets(&row, 0)?)));
        }
        // Whoever goes on with the log says its root.
        let size = "UPDATE antin.log_head SET root = NULL, size = (SELECT COUNT(position) FROM antin.log_entry)";
        client.batch_execute(size).await?;
        client.batch_execute("COMMIT").await?;
        Ok(None)
    }
}

impl Writer for PostgresWriter {
    fn insert(&mut self, record: Record) -> Answer<'_, ()> {
        Box::pin(async move { within(self.put(&record)).await })
    }

    fn finish(self: Box<Self>) -> Answer<'static, Option<DocumentId>> {
        Box::pin(async move { within(self.end()).await })
    }
}
