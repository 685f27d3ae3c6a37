//! The statements of issuing: an attempt is begun, and ends as issued, taken back or unknown.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    listing, lookup, raising, read_named,
    worker::{Session, unavailable},
};
use crate::{
    core::time::Time,
    registry::{Begun, DocumentId, Format, Intent, Issued, IssuedDocument, Level, Packaging, RegistryError, Sha256},
};

/// The columns that [`read_intent`] reads, in its order.
pub(super) const INTENT: &str = "d.id, d.client, d.idempotency_key, d.request_digest, d.kind, d.document_digest, d.signer, \
                      d.level_requested, d.format, d.packaging, d.media_type, d.begun_at, d.status_list, d.status_index";

/// Inserts the intent if its key is new, else judges the attempt that has the key.
pub(super) fn begin(session: &Session, intent: Intent) -> Result<Begun, RegistryError> {
    let connection = &session.connection;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO document (id, client, idempotency_key, request_digest, kind, document_digest, signer, \
             level_requested, format, packaging, media_type, begun_at, run, progress, status_list, status_index) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'begun', ?14, ?15) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                intent.document_id.as_bytes(),
                intent.client,
                intent.idempotency_key,
                intent.request_digest,
                intent.kind,
                intent.document_digest,
                intent.signer,
                intent.level_requested.name(),
                intent.format.name(),
                intent.packaging.name(),
                intent.media_type,
                intent.begun_at.unix(),
                session.run,
                intent.status_place.map(|place| place.list),
                intent.status_place.map(|place| place.index),
            ])
        })
        .map_err(unavailable)?;
    if inserted == 1 {
        return Ok(Begun::Fresh);
    }
    let earlier = connection
        .prepare_cached(
            "SELECT id, request_digest, progress, run FROM document WHERE client = ?1 AND idempotency_key = ?2",
        )
        .and_then(|mut statement| {
            let key = [&intent.client, &intent.idempotency_key];
            statement
                .query_row(key, |row| {
                    let id = DocumentId::from_bytes(row.get(0)?);
                    Ok((id, row.get::<_, Sha256>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
                })
                .optional()
        })
        .map_err(unavailable)?;
    let Some((document_id, request_digest, progress, run)) = earlier else {
        return Err(RegistryError::DocumentIdTaken(intent.document_id));
    };
    if request_digest != intent.request_digest {
        return Ok(Begun::DifferentBody { document_id });
    }
    if let Some(document) = read_document(connection, document_id).map_err(unavailable)? {
        return Ok(Begun::Replay(Box::new(document)));
    }
    if progress == "begun" && run == session.run && !session.doubtful.contains(&document_id) {
        return Ok(Begun::InProgress { document_id });
    }
    Ok(Begun::StateUnknown { document_id })
}

/// Makes the attempt an issued document with version 1 of its signature, to be raised if more was ordered; the same again changes
/// nothing.
pub(super) fn complete(session: &Session, document_id: DocumentId, issued: Issued) -> Result<(), RegistryError> {
    let connection = &session.connection;
    let updated = connection
        .prepare_cached(
            "UPDATE document SET progress = 'issued', state = 'in-force', signed_at = ?3, \
             signer_certificate_sha256 = ?4, log_salt = ?5, log_since = iif(?5 IS NULL, NULL, ?3) \
             WHERE id = ?1 AND run = ?2 AND progress = 'begun'",
        )
        .and_then(|mut statement| {
            let (id, signed_at) = (document_id.as_bytes(), issued.signed_at.unix());
            let certificate = issued.signer_certificate_sha256;
            statement.execute(params![id, session.run, signed_at, certificate, issued.log_salt])
        })
        .map_err(unavailable)?;
    if updated == 0 {
        let recorded = read_document(connection, document_id).map_err(unavailable)?;
        let same = recorded.is_some_and(|document| document.issued.is_same(&issued));
        return if same { Ok(()) } else { Err(RegistryError::NotInProgress(document_id)) };
    }
    connection
        .prepare_cached("INSERT INTO signature (document_id, version, level, cms) VALUES (?1, 1, ?2, ?3)")
        .and_then(|mut statement| {
            statement.execute(params![document_id.as_bytes(), issued.level_reached.name(), issued.signature])
        })
        .map_err(unavailable)?;
    lookup::insert(connection, document_id, &issued.lookup).map_err(unavailable)?;
    raising::enqueue(connection, document_id, issued.level_reached, issued.signed_at).map_err(unavailable)
}

/// A statement over `(id, run)` that must touch one row.
pub(super) fn expect_one(session: &Session, statement: &str, document_id: DocumentId) -> Result<(), RegistryError> {
    let touched = session
        .connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute(params![document_id.as_bytes(), session.run]))
        .map_err(unavailable)?;
    if touched == 1 { Ok(()) } else { Err(RegistryError::NotInProgress(document_id)) }
}

/// Marks what other runs left unfinished, and returns it, oldest first. What they gave up to raise is tried again.
pub(super) fn recover(session: &Session) -> rusqlite::Result<Vec<Intent>> {
    let connection = &session.connection;
    let left = "FROM document d WHERE d.progress = 'begun' AND d.run <> ?1";
    let intents = connection
        .prepare(&format!("SELECT {INTENT} {left} ORDER BY d.begun_at, d.id"))?
        .query_map([session.run], read_intent)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    connection
        .execute("UPDATE document SET progress = 'unknown' WHERE progress = 'begun' AND run <> ?1", [session.run])?;
    raising::revive(connection)?;
    Ok(intents)
}

/// The record as released: version 1 of the signature.
pub(super) fn read_document(
    connection: &Connection,
    document_id: DocumentId,
) -> rusqlite::Result<Option<IssuedDocument>> {
    let statement = format!(
        "SELECT {INTENT}, s.cms, s.level, d.signed_at, d.signer_certificate_sha256, d.log_salt \
         FROM document d JOIN signature s ON s.document_id = d.id AND s.version = 1 \
         WHERE d.id = ?1 AND d.progress = 'issued'"
    );
    connection
        .prepare_cached(&statement)?
        .query_row([document_id.as_bytes()], |row| {
            let issued = Issued {
                signature: row.get(14)?,
                level_reached: read_named(row, 15, Level::from_name)?,
                signed_at: Time::from_unix(row.get(16)?),
                signer_certificate_sha256: row.get(17)?,
                log_salt: row.get(18)?,
                lookup: Vec::new(),
            };
            Ok(IssuedDocument { intent: read_intent(row)?, issued })
        })
        .optional()
}

/// The first fourteen columns, as [`INTENT`] lists them.
pub(super) fn read_intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        document_id: DocumentId::from_bytes(row.get(0)?),
        client: row.get(1)?,
        idempotency_key: row.get(2)?,
        request_digest: row.get(3)?,
        kind: row.get(4)?,
        document_digest: row.get(5)?,
        signer: row.get(6)?,
        level_requested: read_named(row, 7, Level::from_name)?,
        format: read_named(row, 8, Format::from_name)?,
        packaging: read_named(row, 9, Packaging::from_name)?,
        media_type: row.get(10)?,
        begun_at: Time::from_unix(row.get(11)?),
        status_place: listing::read_place(row, 12)?,
    })
}
