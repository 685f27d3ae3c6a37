//! The statements of places in the status lists.

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::{RunId, contradiction, fault::Fault, named};
use crate::{
    core::time::Time,
    registry::{DocumentState, Listed, StatusPlace, exchange::Progress, listed::LATEST_UNKNOWN},
};

/// Two columns from this one on.
pub(super) fn read_place(row: &Row, column: usize) -> Result<Option<StatusPlace>, Fault> {
    let number = |column: usize| row.try_get::<_, Option<i64>>(column).map_err(Fault::Damaged);
    let (Some(list), Some(index)) = (number(column)?, number(column + 1)?) else { return Ok(None) };
    StatusPlace::new(list, index)
        .map(Some)
        .ok_or_else(|| contradiction("a place in the status lists that there is not"))
}

/// Tries to lease the next block; `None`: another node was faster.
pub(super) async fn lease(client: &Client, run: &RunId) -> Result<Option<u32>, Fault> {
    let next = next_block(client).await?;
    let statement = client
        .prepare_cached("INSERT INTO antin.status_block (number, run) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .await?;
    let inserted = client.execute(&statement, &[&i64::from(next), &&run[..]]).await?;
    Ok((inserted == 1).then_some(next))
}

/// The number of the first block that belongs to nobody: behind every block that was leased, and every place that a document has, for
/// an imported one was leased elsewhere.
pub(super) async fn next_block(client: &Client) -> Result<u32, Fault> {
    let statement = client.prepare_cached("SELECT COALESCE(MAX(number), -1) FROM antin.status_block").await?;
    let leased: i64 = client.query_one(&statement, &[]).await?.try_get(0).map_err(Fault::Damaged)?;
    let statement = client
        .prepare_cached(
            "SELECT status_list, status_index FROM antin.document WHERE status_list IS NOT NULL \
             ORDER BY status_list DESC, status_index DESC LIMIT 1",
        )
        .await?;
    let last = client.query_opt(&statement, &[]).await?;
    let last = last.map(|row| read_place(&row, 0)).transpose()?.flatten();
    let next = leased.max(last.map_or(-1, StatusPlace::block)) + 1;
    u32::try_from(next).map_err(|_| contradiction("a block of the status lists that there is not"))
}

pub(super) async fn listed(
    client: &Client,
    since: Option<Time>,
    after: Option<StatusPlace>,
    most: usize,
) -> Result<Vec<Listed>, Fault> {
    let (list, index) = after.map_or((-1, -1), |place| (i64::from(place.list), i64::from(place.index)));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = match since {
        None => {
            let statement = client
                .prepare_cached(
                    "SELECT status_list, status_index, progress, state FROM antin.document WHERE status_list IS NOT NULL \
                     AND (progress = 'unknown' OR state <> 'in-force') AND (status_list, status_index) > ($1, $2) \
                     ORDER BY status_list, status_index LIMIT $3",
                )
                .await?;
            client.query(&statement, &[&list, &index, &most]).await?
        }
        Some(since) => {
            let statement = client
                .prepare_cached(
                    "SELECT d.status_list, d.status_index, d.progress, d.state FROM antin.document d \
                     WHERE d.id IN (SELECT c.document_id FROM antin.status_change c WHERE c.changed_at >= $4) \
                     AND d.status_list IS NOT NULL AND (d.status_list, d.status_index) > ($1, $2) \
                     UNION SELECT v.status_list, v.status_index, v.progress, v.state FROM antin.document v \
                     WHERE v.status_list IS NOT NULL AND v.progress = 'unknown' AND v.begun_at >= $5 \
                     AND (v.status_list, v.status_index) > ($1, $2) ORDER BY 1, 2 LIMIT $3",
                )
                .await?;
            let void_since = since.plus_seconds(-LATEST_UNKNOWN).unix();
            client.query(&statement, &[&list, &index, &most, &since.unix(), &void_since]).await?
        }
    };
    let read = |row: &Row| {
        let place = read_place(row, 0)?.ok_or_else(|| contradiction("a listed document without a place"))?;
        let is_void = named(row, 2, Progress::from_name)? == Progress::Unknown;
        let state = if is_void { None } else { Some(named(row, 3, DocumentState::from_name)?) };
        Ok(Listed::new(place, state))
    };
    rows.iter().map(read).collect()
}
