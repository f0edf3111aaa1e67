//! Counting what waits, for whoever watches the platform.

use super::{reads::clock_number, rows::senseless};
use crate::{Backlog, DueWork};
use ferropay_domain::{change::TaskKey, ids::ProjectId, payment::AttemptStatus, time::Timestamp};
use rusqlite::{Connection, Result, params};

/// What is due by each of these clocks, and what waits besides. Every count is by an index.
pub(super) fn backlog(it: &Connection, clocks: &[(Option<ProjectId>, Timestamp)]) -> Result<Backlog> {
    let mut due = Vec::new();
    let mut statement = it.prepare_cached(
        "SELECT kind, min(number), count(*), sum(tries > 0), min(due) FROM tasks
         WHERE clock = ?1 AND due <= ?2 GROUP BY kind",
    )?;
    for (clock, now) in clocks {
        let rows = statement.query_map(params![clock_number(*clock), now.micros()], |row| {
            let (kind, number) = (row.get(0)?, row.get(1)?);
            Ok(DueWork {
                example: TaskKey::from_parts(kind, number).ok_or_else(|| senseless(0, "kind of task"))?,
                clock: *clock,
                count: number_of(row.get(2)?),
                retried: number_of(row.get(3)?),
                earliest: Timestamp::from_micros(row.get(4)?),
            })
        })?;
        for row in rows {
            due.push(row?);
        }
    }
    let count = |sql: &str| it.prepare_cached(sql)?.query_row([], |row| row.get(0)).map(number_of);
    let (unknown, reversing) = (AttemptStatus::Unknown.number(), AttemptStatus::Reversing.number());
    Ok(Backlog {
        due,
        // Kinds 1, 2 and 3 are calls, reversals and deliveries.
        deliveries_open: count("SELECT count(*) FROM tasks WHERE kind = 3")?,
        deliveries_parked: count("SELECT count(*) FROM deliveries WHERE state = 3")?,
        attempts_unknown: it
            .prepare_cached(
                "SELECT count(*) FROM tasks AS t JOIN attempts AS a ON a.reference = t.number
                 WHERE t.kind IN (1, 2) AND a.status IN (?1, ?2)",
            )?
            .query_row(params![unknown, reversing], |row| row.get(0))
            .map(number_of)?,
    })
}

fn number_of(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
