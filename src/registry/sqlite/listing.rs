//! The statements of places in the status lists.

use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

use super::{
    UNKNOWN_NAME, read_named,
    worker::{Session, unavailable},
};
use crate::{
    core::time::Time,
    registry::{DocumentState, Listed, RegistryError, StatusPlace, exchange::Progress, listed::LATEST_UNKNOWN},
};

/// Two columns from this one on.
pub(super) fn read_place(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<StatusPlace>> {
    let (list, index) = (row.get::<_, Option<i64>>(column)?, row.get::<_, Option<i64>>(column + 1)?);
    let (Some(list), Some(index)) = (list, index) else { return Ok(None) };
    let place = StatusPlace::new(list, index);
    let damaged = || rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, UNKNOWN_NAME.into());
    place.map(Some).ok_or_else(damaged)
}

/// Behind every block that was leased, and every place that a document has: an imported one was leased elsewhere.
pub(super) fn lease(session: &Session) -> Result<u32, RegistryError> {
    let next = next_block(&session.connection).map_err(unavailable)?;
    session
        .connection
        .prepare_cached("INSERT INTO status_block (number, run) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![next, session.run]))
        .map_err(unavailable)?;
    Ok(next)
}

/// The number of the first block that belongs to nobody.
pub(super) fn next_block(connection: &Connection) -> rusqlite::Result<u32> {
    let leased: i64 = connection
        .prepare_cached("SELECT COALESCE(MAX(number), -1) FROM status_block")?
        .query_row([], |row| row.get(0))?;
    let last = connection
        .prepare_cached(
            "SELECT status_list, status_index FROM document WHERE status_list IS NOT NULL \
             ORDER BY status_list DESC, status_index DESC LIMIT 1",
        )?
        .query_row([], |row| read_place(row, 0))
        .optional()?
        .flatten();
    let next = leased.max(last.map_or(-1, StatusPlace::block)) + 1;
    u32::try_from(next).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, next))
}

pub(super) fn listed(
    connection: &Connection,
    since: Option<Time>,
    after: Option<StatusPlace>,
    most: usize,
) -> rusqlite::Result<Vec<Listed>> {
    let (list, index) = after.map_or((-1, -1), |place| (i64::from(place.list), i64::from(place.index)));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let read = |row: &Row<'_>| {
        let place = read_place(row, 0)?.ok_or(rusqlite::Error::InvalidQuery)?;
        let is_void = read_named(row, 2, Progress::from_name)? == Progress::Unknown;
        let state = if is_void { None } else { Some(read_named(row, 3, DocumentState::from_name)?) };
        Ok(Listed::new(place, state))
    };
    let Some(since) = since else {
        return connection
            .prepare_cached(
                "SELECT status_list, status_index, progress, state FROM document WHERE status_list IS NOT NULL \
                 AND (progress = 'unknown' OR state <> 'in-force') AND (status_list, status_index) > (?1, ?2) \
                 ORDER BY status_list, status_index LIMIT ?3",
            )?
            .query_map(params![list, index, most], read)?
            .collect();
    };
    connection
        .prepare_cached(
            "SELECT d.status_list, d.status_index, d.progress, d.state FROM document d \
             WHERE d.id IN (SELECT c.document_id FROM status_change c WHERE c.changed_at >= ?4) \
             AND d.status_list IS NOT NULL AND (d.status_list, d.status_index) > (?1, ?2) \
             UNION SELECT v.status_list, v.status_index, v.progress, v.state FROM document v \
             WHERE v.status_list IS NOT NULL AND v.progress = 'unknown' AND v.begun_at >= ?5 \
             AND (v.status_list, v.status_index) > (?1, ?2) ORDER BY 1, 2 LIMIT ?3",
        )?
        .query_map(params![list, index, most, since.unix(), since.plus_seconds(-LATEST_UNKNOWN).unix()], read)?
        .collect()
}
