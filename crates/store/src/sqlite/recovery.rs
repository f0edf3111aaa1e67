//! The mark of a recovery hold.

use crate::{NODES_PASSED_OVER, Recovery};
use ferropay_domain::{ids::ProviderAccountId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, params};

pub(super) fn read(it: &Connection) -> Result<Option<Recovery>> {
    let sql = "SELECT copied_at, held_since, released_at, highest_known FROM recovery";
    it.prepare_cached(sql)?
        .query_row([], |row| {
            Ok(Recovery {
                copied_at: row.get::<_, Option<i64>>(0)?.map(Timestamp::from_micros),
                held_since: Timestamp::from_micros(row.get(1)?),
                released_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_micros),
                highest_known: row.get(3)?,
            })
        })
        .optional()
}

/// A look at every attempt; asked for only after a restore.
pub(super) fn accounts(it: &Connection) -> Result<Vec<ProviderAccountId>> {
    let mut statement = it.prepare_cached("SELECT DISTINCT account FROM attempts ORDER BY account")?;
    statement.query_map([], |row| row.get(0).map(ProviderAccountId::new))?.collect()
}

pub(super) fn hold(it: &Connection, copied_at: Option<Timestamp>, now: Timestamp) -> Result<bool> {
    let begun = it.execute(
        "INSERT INTO recovery (id, copied_at, held_since, released_at, highest_known) VALUES (1, ?1, ?2, NULL, 0)
         ON CONFLICT (id) DO UPDATE SET copied_at = ?1, held_since = ?2, released_at = NULL
            WHERE released_at IS NOT NULL",
        params![copied_at.map(Timestamp::micros), now.micros()],
    )?;
    if begun == 0 {
        return Ok(false);
    }
    it.execute(
        "INSERT INTO nodes (number, enrolled_at)
         VALUES ((coalesce((SELECT number FROM nodes ORDER BY id DESC LIMIT 1), 255) + ?1) % 256, ?2)",
        params![NODES_PASSED_OVER, now.micros()],
    )?;
    Ok(true)
}

pub(super) fn release(it: &Connection, highest_known: i64, now: Timestamp) -> Result<bool> {
    let released = it.execute(
        "UPDATE recovery SET released_at = ?2, highest_known = max(highest_known, ?1) WHERE released_at IS NULL",
        params![highest_known, now.micros()],
    )?;
    Ok(released > 0)
}
