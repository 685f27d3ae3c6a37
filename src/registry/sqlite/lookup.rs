//! The statements of the lookup.

use rusqlite::{Connection, Row, params};

use crate::{
    core::lookup::{DIGEST_OCTETS, LookupDigest, LookupKeyId},
    registry::{DocumentId, LookupEntry, MOST_FOUND},
};

/// Adds the ways to ask for a document that was just issued; a part of its own transaction.
pub(super) fn insert(
    connection: &Connection,
    document_id: DocumentId,
    entries: &[LookupEntry],
) -> rusqlite::Result<()> {
    for LookupEntry { digest, key } in entries {
        connection
            .prepare_cached(
                "INSERT INTO lookup_digest (digest, document_id, key_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![digest.0, document_id.as_bytes(), key.0])?;
    }
    Ok(())
}

/// The issued documents with one of these digests, the latest signed first. Each digest takes a query, whether it is there or not.
pub(super) fn find(connection: &Connection, digests: &[LookupDigest]) -> rusqlite::Result<Vec<DocumentId>> {
    let mut found = Vec::new();
    for digest in digests {
        let mut statement = connection.prepare_cached(
            "SELECT d.id, d.signed_at FROM lookup_digest l JOIN document d ON d.id = l.document_id \
             WHERE l.digest = ?1 AND d.progress = 'issued' ORDER BY d.signed_at DESC, d.id LIMIT ?2",
        )?;
        let mut rows = statement.query(params![digest.0, MOST_FOUND as i64])?;
        while let Some(row) = rows.next()? {
            found.push((row.get::<_, i64>(1)?, DocumentId::from_bytes(row.get(0)?)));
        }
    }
    found.sort_unstable_by(|one, other| (other.0, one.1).cmp(&(one.0, other.1)));
    found.dedup();
    found.truncate(MOST_FOUND);
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// All of one document, in the order of the digests.
pub(super) fn read(connection: &Connection, document_id: DocumentId) -> rusqlite::Result<Vec<LookupEntry>> {
    let entry = |row: &Row<'_>| {
        let digest: [u8; DIGEST_OCTETS] = row.get(0)?;
        Ok(LookupEntry { digest: LookupDigest(digest), key: LookupKeyId(row.get(1)?) })
    };
    let statement = "SELECT digest, key_id FROM lookup_digest WHERE document_id = ?1 ORDER BY digest";
    connection.prepare_cached(statement)?.query_map([document_id.as_bytes()], entry)?.collect()
}
