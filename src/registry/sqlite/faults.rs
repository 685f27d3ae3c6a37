//! What is wrong with a registry file beside its records.

use std::collections::BTreeMap;

use rusqlite::{Connection, types::ValueRef};

use super::store::MIGRATIONS;
use crate::registry::{
    DocumentId,
    exchange::{Fault, MOST_STORE_FAULTS, OF_DOCUMENTS},
};

type Found = Vec<(Option<DocumentId>, Fault)>;

pub(super) fn store_faults(connection: &Connection) -> rusqlite::Result<Found> {
    let mut found = integrity(connection)?;
    let wanted = {
        let made = Connection::open_in_memory()?;
        MIGRATIONS.iter().try_for_each(|migration| made.execute_batch(migration))?;
        schema(&made)?
    };
    let there = schema(connection)?;
    let differences = wanted.iter().filter_map(|(name, sql)| match there.get(name) {
        None => Some(format!("{} {} is missing", name.0, name.1)),
        Some(other) if other != sql => Some(format!("{} {} is not as the service makes it", name.0, name.1)),
        Some(_) => None,
    });
    let differences = differences.chain(
        there
            .keys()
            .filter(|name| !wanted.contains_key(name))
            .map(|(kind, name)| format!("{kind} {name:?} is not ours")),
    );
    found.extend(differences.take(MOST_STORE_FAULTS).map(|what| (None, Fault::Schema(what))));
    // What follows asks tables that must be there.
    if wanted.keys().filter(|(kind, _)| kind == "table").all(|name| there.contains_key(name)) {
        for table in OF_DOCUMENTS {
            found.extend(orphans(connection, table)?);
        }
        found.extend(positions(connection)?);
    }
    Ok(found)
}

/// What SQLite finds wrong with its pages, indices, checks; and starts that documents name and that are not there.
fn integrity(connection: &Connection) -> rusqlite::Result<Found> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MOST_STORE_FAULTS})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let lines = lines.into_iter().filter(|line| line != "ok").map(|line| (None, Fault::Integrity(line)));
    let runs: i64 = connection.query_row(
        "SELECT COUNT(*) FROM document d WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.number = d.run)",
        [],
        |row| row.get(0),
    )?;
    let runs =
        (runs > 0).then(|| (None, Fault::Integrity(format!("{runs} documents are of a start that is not there"))));
    Ok(lines.chain(runs).collect())
}

/// Kind and name of all that was made, and how.
fn schema(connection: &Connection) -> rusqlite::Result<BTreeMap<(String, String), Option<String>>> {
    let all =
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' AND name <> 'sqlite_sequence'";
    let made = |row: &rusqlite::Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    connection.prepare(all)?.query_map([], made)?.collect()
}

/// Rows of documents that are not there.
fn orphans(connection: &Connection, table: &'static str) -> rusqlite::Result<Found> {
    let mut statement = connection.prepare(&format!(
        "SELECT DISTINCT document_id FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.id = t.document_id) \
         LIMIT {MOST_STORE_FAULTS}"
    ))?;
    let orphan = |row: &rusqlite::Row<'_>| {
        let id = match row.get_ref(0)? {
            ValueRef::Blob(octets) => hex::encode(octets),
            other => format!("{:?}", other.data_type()),
        };
        Ok((None, Fault::Orphan { table, id }))
    };
    statement.query_map([], orphan)?.collect()
}

fn positions(connection: &Connection) -> rusqlite::Result<Found> {
    let mut statement = connection.prepare(&format!(
        "SELECT document_id FROM status_change GROUP BY document_id HAVING MIN(position) <> 1 OR MAX(position) <> COUNT(*) \
         LIMIT {MOST_STORE_FAULTS}"
    ))?;
    let wrong = |row: &rusqlite::Row<'_>| {
        let id = row.get_ref(0)?.as_blob().ok().and_then(|octets| octets.try_into().ok());
        Ok((id.map(DocumentId::from_bytes), Fault::Positions))
    };
    statement.query_map([], wrong)?.collect()
}
