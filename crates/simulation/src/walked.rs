//! How often each row of the machines was walked.

use ferropay_domain::{
    payment::{
        AttemptStatus, OperationKind, PaymentStatus,
        machine::{ATTEMPTS, AttemptEvent, OPERATIONS, PaymentMachine, Transition},
    },
    series::{SERIES, SeriesRow},
};
use std::collections::BTreeMap;

/// Counts by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walks {
    operations: BTreeMap<(usize, OperationKind), u64>,
    payments: BTreeMap<(PaymentStatus, PaymentStatus), u64>,
    attempts: BTreeMap<(AttemptStatus, AttemptStatus), u64>,
    series: BTreeMap<usize, u64>,
}

/// One row, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The row's number in the requirements; empty where it has none.
    pub id: &'static str,
    /// What walks.
    pub what: &'static str,
    /// The state before.
    pub from: &'static str,
    /// What happens; empty where the table does not say.
    pub event: &'static str,
    /// The state after.
    pub to: &'static str,
    /// How often.
    pub times: u64,
}

impl Walks {
    pub(crate) fn row(&mut self, row: &'static Transition, kind: OperationKind) {
        if let Some(position) = OPERATIONS.iter().position(|it| it == row) {
            *self.operations.entry((position, kind)).or_default() += 1;
        }
    }

    pub(crate) fn payment(&mut self, from: PaymentStatus, to: PaymentStatus) {
        *self.payments.entry((from, to)).or_default() += 1;
    }

    pub(crate) fn attempt(&mut self, from: AttemptStatus, to: AttemptStatus) {
        *self.attempts.entry((from, to)).or_default() += 1;
    }

    /// A row of the series' machine, by its place in the table.
    pub(crate) fn series(&mut self, row: usize) {
        *self.series.entry(row).or_default() += 1;
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (key, times) in &other.operations {
            *self.operations.entry(*key).or_default() += times;
        }
        for (key, times) in &other.payments {
            *self.payments.entry(*key).or_default() += times;
        }
        for (key, times) in &other.attempts {
            *self.attempts.entry(*key).or_default() += times;
        }
        for (key, times) in &other.series {
            *self.series.entry(*key).or_default() += times;
        }
    }

    /// Every row of the operations' machine, by kind of operation.
    pub fn operations(&self) -> Vec<Walk> {
        let mut walks = Vec::new();
        for (position, row) in OPERATIONS.iter().enumerate() {
            for kind in row.kinds {
                walks.push(Walk {
                    id: row.id,
                    what: kind.text(),
                    from: row.from.map_or("(new)", |from| from.text()),
                    event: row.event.name(),
                    to: row.to.text(),
                    times: self.operations.get(&(position, *kind)).copied().unwrap_or(0),
                });
            }
        }
        walks
    }

    /// Every change of a payment's status.
    pub fn payments(&self) -> Vec<Walk> {
        let mut walks = Vec::new();
        for (id, from, followers) in PaymentMachine::ALL.iter().flat_map(|machine| machine.rows()) {
            for to in *followers {
                let times = self.payments.get(&(*from, *to)).copied().unwrap_or(0);
                walks.push(Walk { id, what: "payment", from: from.text(), event: "", to: to.text(), times });
            }
        }
        // A payment that stays as it is walks nothing; machines share statuses.
        walks.retain(|walk| walk.from != walk.to);
        let mut known: Vec<(&str, &str)> = Vec::new();
        walks.retain(|walk| {
            let fresh = !known.contains(&(walk.from, walk.to));
            known.push((walk.from, walk.to));
            fresh
        });
        walks
    }

    /// Every row of the attempts' machine.
    pub fn attempts(&self) -> Vec<Walk> {
        let row = |(from, event, to): &(AttemptStatus, AttemptEvent, AttemptStatus)| Walk {
            id: "",
            what: "attempt",
            from: from.text(),
            event: event.name(),
            to: to.text(),
            times: self.attempts.get(&(*from, *to)).copied().unwrap_or(0),
        };
        ATTEMPTS.iter().map(row).collect()
    }

    /// Every row of the machine of series.
    pub fn of_series(&self) -> Vec<Walk> {
        let row = |(place, (id, from, event, to)): (usize, &SeriesRow)| Walk {
            id,
            what: "series",
            from: from.text(),
            event: event.name(),
            to: to.text(),
            times: self.series.get(&place).copied().unwrap_or(0),
        };
        SERIES.iter().enumerate().map(row).collect()
    }

    /// The rows of all machines, by machine.
    pub fn all(&self) -> [(&'static str, Vec<Walk>); 4] {
        [
            ("Operations", self.operations()),
            ("Payments", self.payments()),
            ("Attempts", self.attempts()),
            ("Series", self.of_series()),
        ]
    }
}
