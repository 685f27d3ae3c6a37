//! The statements of the lookup.

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::{fault::Fault, octets};
use crate::{
    core::lookup::{LookupDigest, LookupKeyId},
    registry::{DocumentId, LookupEntry, MOST_FOUND},
};

/// The issued documents with one of these digests, the latest signed first.
pub(super) async fn find(client: &Client, digests: &[LookupDigest]) -> Result<Vec<DocumentId>, Fault> {
    let statement = client
        .prepare_cached(
            "SELECT d.id FROM antin.document d WHERE d.progress = 'issued' AND d.id IN \
             (SELECT l.document_id FROM antin.lookup_digest l WHERE l.digest = ANY($1)) \
             ORDER BY d.signed_at DESC, d.id LIMIT $2",
        )
        .await?;
    let digests: Vec<&[u8]> = digests.iter().map(|digest| &digest.0[..]).collect();
    let rows = client.query(&statement, &[&digests, &(MOST_FOUND as i64)]).await?;
    rows.iter().map(|row| octets(row, 0).map(DocumentId::from_bytes)).collect()
}

/// Adds the ways to ask for a document that is read in.
pub(super) async fn insert(client: &Client, document_id: &[u8], entries: &[LookupEntry]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let statement = client
        .prepare_cached(
            "INSERT INTO antin.lookup_digest (digest, document_id, key_id) \
             SELECT given.digest, $1, given.key_id FROM unnest($2::BYTEA[], $3::BYTEA[]) AS given (digest, key_id)",
        )
        .await?;
    let (digests, keys) = columns(entries);
    client.execute(&statement, &[&document_id, &digests, &keys]).await?;
    Ok(())
}

/// As arrays of the same length.
pub(super) fn columns(entries: &[LookupEntry]) -> (Vec<&[u8]>, Vec<&[u8]>) {
    entries.iter().map(|entry| (&entry.digest.0[..], &entry.key.0[..])).unzip()
}

/// A row of `document_id`, `digest`, `key_id`.
pub(super) fn entry(row: &Row) -> Result<LookupEntry, Fault> {
    Ok(LookupEntry { digest: LookupDigest(octets(row, 1)?), key: LookupKeyId(octets(row, 2)?) })
}
