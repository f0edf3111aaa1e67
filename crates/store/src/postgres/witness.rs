//! Whether the database is still the one this store wrote to.
//!
//! What the server has once told to be durable is there for good, unless another takes its place that does not have the last of it:
//! a replica that lagged behind, or the same database brought back to an earlier moment. Each writer's row tells which of its
//! batches the database has. As long as it has the last one of each that this store was told of, it has everything this store
//! knows: logs are replayed in their order. If it has not, nothing that is known here may be relied on, not the numbers of
//! accounts and not what was answered, and only people can say what providers were asked for meanwhile.

use super::{
    connection::{Live, Trouble},
    nodes::CLOCK,
    recovery,
};
use ferropay_domain::time::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use uuid::Uuid;

/// What a process whose database is another one says to whoever wants something written.
pub(super) const WHY: &str =
    "the database does not have what this process wrote to it: start the process anew";

/// What the writers of a store know to be durable.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// The last batch of each writer.
    written: Mutex<BTreeMap<Uuid, i64>>,
    /// The database was found to be another one, and is held.
    is_held: AtomicBool,
}

impl Witness {
    /// The server has told a writer that a batch is durable.
    pub(super) fn saw(&self, slot: Uuid, batch: i64) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(slot, batch);
    }

    /// The first writer whose last batch the database does not have, if there is one, in words.
    pub(super) async fn missed(&self, live: &Live) -> Result<Option<String>, Trouble> {
        let (slots, batches): (Vec<Uuid>, Vec<i64>) = {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.iter().map(|(slot, batch)| (*slot, *batch)).unzip()
        };
        let sql = "SELECT x.batch, w.batch FROM unnest($1::uuid[], $2::int8[]) AS x(slot, batch)
            LEFT JOIN writers AS w ON w.slot = x.slot WHERE w.batch IS NULL OR w.batch < x.batch LIMIT 1";
        let row = live.first(sql, &[&slots, &batches]).await?;
        Ok(row.map(|row| told(row.get(0), row.get(1))))
    }

    /// Whether the database was found to be another one, and is held by now.
    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// Begins a recovery hold, unless one is in force.
    pub(super) async fn hold(&self, live: &Live) -> Result<(), Trouble> {
        let row = live.first(&format!("SELECT {CLOCK}"), &[]).await?;
        let now = row.ok_or_else(|| Trouble::Senseless("the server does not tell the time".into()))?;
        recovery::hold(live, None, Timestamp::from_micros(now.get(0))).await?;
        self.is_held.store(true, Ordering::Release);
        Ok(())
    }
}

/// How far the database is.
pub(super) fn told(known: i64, found: Option<i64>) -> String {
    match found {
        Some(found) => format!("batch {known} of a writer was the last, the database says {found}"),
        None => format!("batch {known} of a writer was the last, the database knows no such writer"),
    }
}
