//! The mark of a recovery hold. Each change is one statement, and so all of it or nothing.

use super::{
    connection::{Live, Parameter},
    rows::{Result, maybe, number},
};
use crate::{NODES_PASSED_OVER, Recovery};
use ferropay_domain::{ids::ProviderAccountId, time::Timestamp};

pub(super) async fn read(live: &Live) -> Result<Option<Recovery>> {
    let sql = "SELECT copied_at, held_since, released_at, highest_known FROM recovery";
    let Some(row) = live.first(sql, &[]).await? else { return Ok(None) };
    Ok(Some(Recovery {
        copied_at: maybe(&row, 0)?.map(Timestamp::from_micros),
        held_since: Timestamp::from_micros(number(&row, 1)?),
        released_at: maybe(&row, 2)?.map(Timestamp::from_micros),
        highest_known: number(&row, 3)?,
    }))
}

/// A look at every attempt; asked for only after a restore.
pub(super) async fn accounts(live: &Live) -> Result<Vec<ProviderAccountId>> {
    let found = live.all("SELECT DISTINCT account FROM attempts ORDER BY account", &[]).await?;
    found.iter().map(|row| number(row, 0).map(ProviderAccountId::new)).collect()
}

pub(super) async fn hold(live: &Live, copied_at: Option<Timestamp>, now: Timestamp) -> Result<bool> {
    let sql = "WITH held AS (
            INSERT INTO recovery AS r (id, copied_at, held_since, released_at, highest_known)
            VALUES (1, $1, $2, NULL, 0)
            ON CONFLICT (id) DO UPDATE SET copied_at = $1, held_since = $2, released_at = NULL
                WHERE r.released_at IS NOT NULL
            RETURNING r.id),
        last AS (SELECT id, number FROM nodes ORDER BY id DESC LIMIT 1),
        passed AS (
            INSERT INTO nodes (id, number, enrolled_at)
            SELECT coalesce((SELECT id FROM last), 0) + 1,
                (coalesce((SELECT number FROM last), 255) + $3::int4) % 256, $2 FROM held)
        SELECT id::int8 FROM held";
    let copied_at = copied_at.map(Timestamp::micros);
    let row: [Parameter<'_>; 3] = [&copied_at, &now.micros(), &i32::from(NODES_PASSED_OVER)];
    Ok(live.first(sql, &row).await?.is_some())
}

pub(super) async fn release(live: &Live, highest_known: i64, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE recovery SET released_at = $2, highest_known = greatest(highest_known, $1)
        WHERE released_at IS NULL";
    let row: [Parameter<'_>; 2] = [&highest_known, &now.micros()];
    Ok(live.execute(sql, &row).await? > 0)
}
