//! Counting what waits, for whoever watches the platform.

use super::{
    connection::Live,
    reads::clock_number,
    rows::{Result, at, number, senseless},
};
use crate::{Backlog, DueWork};
use ferropay_domain::{change::TaskKey, ids::ProjectId, payment::AttemptStatus, time::Timestamp};

/// What is due by each of these clocks, and what waits besides.
pub(super) async fn backlog(live: &Live, clocks: &[(Option<ProjectId>, Timestamp)]) -> Result<Backlog> {
    let mut due = Vec::new();
    for (clock, now) in clocks {
        let sql = "SELECT kind, min(number), count(*), count(*) FILTER (WHERE tries > 0), min(due) FROM tasks
                   WHERE clock = $1 AND due <= $2 GROUP BY kind";
        for row in live.all(sql, &[&clock_number(*clock), &now.micros()]).await? {
            due.push(DueWork {
                example: TaskKey::from_parts(number(&row, 0)?, number(&row, 1)?)
                    .ok_or_else(|| senseless(0, "kind of task"))?,
                clock: *clock,
                count: number(&row, 2)?,
                retried: number(&row, 3)?,
                earliest: at(&row, 4)?,
            });
        }
    }
    // Kinds 1, 2 and 3 are calls, reversals and deliveries.
    let sql = "SELECT (SELECT count(*) FROM tasks WHERE kind = 3), (SELECT count(*) FROM deliveries WHERE state = 3),
                   (SELECT count(*) FROM tasks AS t JOIN attempts AS a ON a.reference = t.number
                    WHERE t.kind IN (1, 2) AND a.status IN ($1, $2))";
    let [unknown, reversing] =
        [AttemptStatus::Unknown, AttemptStatus::Reversing].map(|it| i16::from(it.number()));
    let counted = live.first(sql, &[&unknown, &reversing]).await?;
    let counted = counted.ok_or_else(|| senseless(0, "counts"))?;
    Ok(Backlog {
        due,
        deliveries_open: number(&counted, 0)?,
        deliveries_parked: number(&counted, 1)?,
        attempts_unknown: number(&counted, 2)?,
    })
}
