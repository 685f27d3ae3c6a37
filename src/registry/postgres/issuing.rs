//! The statements of issuing: an attempt is begun, and ends as issued, taken back or unknown. Each is one statement, which is its
//! own transaction: one round trip, and the server puts many on disk together.

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::{RunId, fault::Fault, listing, lookup::columns, named, octets};
use crate::{
    core::time::Time,
    registry::{Begun, DocumentId, Format, Intent, Issued, IssuedDocument, Level, Packaging, RegistryError, Sha256},
};

/// The columns that [`read_intent`] reads, in its order.
pub(super) const INTENT: &str = "d.id, d.client, d.idempotency_key, d.request_digest, d.kind, d.document_digest, d.signer, \
                                 d.level_requested, d.format, d.packaging, d.media_type, d.begun_at, d.status_list, d.status_index";

/// What stands where the intent would.
pub(super) enum Earlier {
    Found {
        document_id: DocumentId,
        request_digest: Sha256,
        progress: String,
        run: RunId,
        /// The node that began it is alive, by the database's clock.
        lives: bool,
    },
    /// The id belongs to another key, or the place in the status lists to another document.
    IdTaken,
    /// It was there, and was taken back meanwhile.
    Gone,
}

/// Inserts the intent if its key and its id are new; says whether it did.
pub(super) async fn insert(client: &Client, intent: &Intent, run: &RunId) -> Result<bool, Fault> {
    let statement = client
        .prepare_cached(
            "INSERT INTO antin.document (id, client, idempotency_key, request_digest, kind, document_digest, signer, \
             level_requested, format, packaging, media_type, begun_at, run, progress, status_list, status_index) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'begun', $14, $15) ON CONFLICT DO NOTHING",
        )
        .await?;
    let inserted = client
        .execute(
            &statement,
            &[
                &&intent.document_id.as_bytes()[..],
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
                &&run[..],
                &intent.status_place.map(|place| i64::from(place.list)),
                &intent.status_place.map(|place| i64::from(place.index)),
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// What keeps an intent from being inserted. A statement of its own: it sees what was committed while the other waited.
pub(super) async fn earlier(client: &Client, intent: &Intent) -> Result<Earlier, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT d.id, d.request_digest, d.progress, d.run, \
             EXISTS (SELECT 1 FROM antin.run r WHERE r.id = d.run AND r.lease_until > now()) \
             FROM antin.document d WHERE d.client = $1 AND d.idempotency_key = $2",
        )
        .await?;
    if let Some(row) = client.query_opt(&statement, &[&intent.client, &intent.idempotency_key]).await? {
        return Ok(Earlier::Found {
            document_id: DocumentId::from_bytes(octets(&row, 0)?),
            request_digest: octets(&row, 1)?,
            progress: row.try_get(2).map_err(Fault::Damaged)?,
            run: octets(&row, 3)?,
            lives: row.try_get(4).map_err(Fault::Damaged)?,
        });
    }
    let statement = client
        .prepare_cached(
            "SELECT 1 FROM antin.document WHERE id = $1 OR (status_list = $2 AND status_index = $3) LIMIT 1",
        )
        .await?;
    let list = intent.status_place.map(|place| i64::from(place.list));
    let index = intent.status_place.map(|place| i64::from(place.index));
    let taken = client.query_opt(&statement, &[&&intent.document_id.as_bytes()[..], &list, &index]).await?.is_some();
    Ok(if taken { Earlier::IdTaken } else { Earlier::Gone })
}

/// What an earlier attempt means for the same request. `ended_here`: whether an attempt of this run is known to have ended without
/// a record.
pub(super) async fn judge(
    client: &Client,
    intent: &Intent,
    earlier: Earlier,
    own: &RunId,
    ended_here: impl Fn(&DocumentId) -> bool + Send,
) -> Result<Option<Begun>, Fault> {
    let (document_id, request_digest, progress, run, lives) = match earlier {
        Earlier::Found { document_id, request_digest, progress, run, lives } => {
            (document_id, request_digest, progress, run, lives)
        }
        Earlier::IdTaken => return Err(RegistryError::DocumentIdTaken(intent.document_id).into()),
        Earlier::Gone => return Ok(None),
    };
    if request_digest != intent.request_digest {
        return Ok(Some(Begun::DifferentBody { document_id }));
    }
    if let Some(document) = read_document(client, document_id).await? {
        confirm(client, document_id).await?;
        return Ok(Some(Begun::Replay(Box::new(document))));
    }
    let in_work = progress == "begun" && if run == *own { !ended_here(&document_id) } else { lives };
    Ok(Some(if in_work { Begun::InProgress { document_id } } else { Begun::StateUnknown { document_id } }))
}

/// Makes the attempt an issued document with version 1 of its signature, to be raised if more was ordered; the same again changes
/// nothing. PDFs are not raised here: the record has no document.
pub(super) async fn complete(
    client: &Client,
    document_id: DocumentId,
    issued: &Issued,
    run: &RunId,
) -> Result<(), Fault> {
    let statement = client
        .prepare_cached(
            "WITH done AS (\
                UPDATE antin.document SET progress = 'issued', state = 'in-force', signed_at = $3, \
                signer_certificate_sha256 = $4 WHERE id = $1 AND run = $2 AND progress = 'begun' \
                RETURNING id, level_requested, format\
             ), signed AS (\
                INSERT INTO antin.signature (document_id, version, level, cms) SELECT id, 1, $5, $6 FROM done \
                RETURNING document_id\
             ), queued AS (\
                INSERT INTO antin.raising (document_id, since, due_at) \
                SELECT id, $3, $3 FROM done WHERE level_requested <> $5 AND format <> 'pades' RETURNING document_id\
             ), logged AS (\
                INSERT INTO antin.log_entry (document_id, salt, since) \
                SELECT id, $7::BYTEA, $3 FROM done WHERE $7::BYTEA IS NOT NULL RETURNING document_id\
             ), looked_up AS (\
                INSERT INTO antin.lookup_digest (digest, document_id, key_id) SELECT given.digest, done.id, given.key_id \
                FROM done, unnest($8::BYTEA[], $9::BYTEA[]) AS given (digest, key_id) RETURNING document_id\
             ) SELECT COUNT(*) FROM done",
        )
        .await?;
    let id = &document_id.as_bytes()[..];
    let (digests, keys) = columns(&issued.lookup);
    let row = client
        .query_one(
            &statement,
            &[
                &id,
                &&run[..],
                &issued.signed_at.unix(),
                &&issued.signer_certificate_sha256[..],
                &issued.level_reached.name(),
                &issued.signature,
                &issued.log_salt.as_ref().map(|salt| &salt[..]),
                &digests,
                &keys,
            ],
        )
        .await?;
    if row.try_get::<_, i64>(0).map_err(Fault::Damaged)? == 1 {
        return Ok(());
    }
    let recorded = read_document(client, document_id).await?;
    if recorded.is_none_or(|document| !document.issued.is_same(issued)) {
        return Err(RegistryError::NotInProgress(document_id).into());
    }
    confirm(client, document_id).await
}

/// Whoever is told of a record that is there releases it, and the server may show what it has not confirmed: a commit that was to
/// wait for a standby is seen after the server was restarted, or was told not to wait. What is written now is confirmed after it.
async fn confirm(client: &Client, document_id: DocumentId) -> Result<(), Fault> {
    let statement =
        client.prepare_cached("UPDATE antin.document SET state = state WHERE id = $1 AND progress = 'issued'").await?;
    client.execute(&statement, &[&&document_id.as_bytes()[..]]).await?;
    Ok(())
}

/// Takes back what was begun by this run; says whether there was anything.
pub(super) async fn take_back(client: &Client, document_id: DocumentId, run: &RunId) -> Result<bool, Fault> {
    let statement = "DELETE FROM antin.document WHERE id = $1 AND run = $2 AND progress = 'begun'";
    touch(client, statement, document_id, run).await
}

/// Ends what was begun by this run as unknown; says whether it is.
pub(super) async fn mark_unknown(client: &Client, document_id: DocumentId, run: &RunId) -> Result<bool, Fault> {
    let statement =
        "UPDATE antin.document SET progress = 'unknown' WHERE id = $1 AND run = $2 AND progress <> 'issued'";
    touch(client, statement, document_id, run).await
}

async fn touch(client: &Client, statement: &str, document_id: DocumentId, run: &RunId) -> Result<bool, Fault> {
    let prepared = client.prepare_cached(statement).await?;
    Ok(client.execute(&prepared, &[&&document_id.as_bytes()[..], &&run[..]]).await? == 1)
}

/// The record as released: version 1 of the signature.
pub(super) async fn read_document(client: &Client, document_id: DocumentId) -> Result<Option<IssuedDocument>, Fault> {
    let statement = format!(
        "SELECT {INTENT}, s.cms, s.level, d.signed_at, d.signer_certificate_sha256, l.salt \
         FROM antin.document d JOIN antin.signature s ON s.document_id = d.id AND s.version = 1 \
         LEFT JOIN antin.log_entry l ON l.document_id = d.id \
         WHERE d.id = $1 AND d.progress = 'issued'"
    );
    let statement = client.prepare_cached(&statement).await?;
    let row = client.query_opt(&statement, &[&&document_id.as_bytes()[..]]).await?;
    let Some(row) = row else { return Ok(None) };
    let salt: Option<&[u8]> = row.try_get(18).map_err(Fault::Damaged)?;
    let issued = Issued {
        signature: row.try_get(14).map_err(Fault::Damaged)?,
        level_reached: named(&row, 15, Level::from_name)?,
        signed_at: Time::from_unix(row.try_get(16).map_err(Fault::Damaged)?),
        signer_certificate_sha256: octets(&row, 17)?,
        log_salt: salt.map(|_| octets(&row, 18)).transpose()?,
        lookup: Vec::new(),
    };
    Ok(Some(IssuedDocument { intent: read_intent(&row)?, issued }))
}

/// The first fourteen columns, as [`INTENT`] lists them.
pub(super) fn read_intent(row: &Row) -> Result<Intent, Fault> {
    let text = |column: usize| row.try_get::<_, String>(column).map_err(Fault::Damaged);
    Ok(Intent {
        document_id: DocumentId::from_bytes(octets(row, 0)?),
        client: text(1)?,
        idempotency_key: text(2)?,
        request_digest: octets(row, 3)?,
        kind: text(4)?,
        document_digest: octets(row, 5)?,
        signer: text(6)?,
        level_requested: named(row, 7, Level::from_name)?,
        format: named(row, 8, Format::from_name)?,
        packaging: named(row, 9, Packaging::from_name)?,
        media_type: text(10)?,
        begun_at: Time::from_unix(row.try_get(11).map_err(Fault::Damaged)?),
        status_place: listing::read_place(row, 12)?,
    })
}
