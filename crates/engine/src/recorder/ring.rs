//! The records kept: a queue bounded in number and in memory, numbered without gaps.

use super::record::Record;
use std::{collections::VecDeque, sync::Arc};

#[derive(Debug)]
pub(super) struct Ring {
    records: VecDeque<Arc<Record>>,
    /// The number of the newest record.
    newest: u64,
    /// What the records weigh together, bytes.
    weight: usize,
    most: usize,
    most_bytes: usize,
}

impl Ring {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self { records: VecDeque::new(), newest: 0, weight: 0, most, most_bytes }
    }

    /// Numbers and keeps a record; answers those that have to make room, to be dropped outside any lock.
    pub(super) fn push(&mut self, mut record: Record) -> Vec<Arc<Record>> {
        self.newest += 1;
        record.number = self.newest;
        self.weight += record.weight();
        self.records.push_back(Arc::new(record));
        let mut forgotten = Vec::new();
        while (self.records.len() > self.most || self.weight > self.most_bytes)
            && let Some(oldest) = self.records.pop_front()
        {
            self.weight = self.weight.saturating_sub(oldest.weight());
            forgotten.push(oldest);
        }
        forgotten
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// How many of the oldest numbers are no longer kept.
    fn forgotten(&self) -> u64 {
        self.newest.saturating_sub(u64::try_from(self.records.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<Record>> {
        let position = number.checked_sub(self.forgotten())?.checked_sub(1)?;
        self.records.get(usize::try_from(position).ok()?).cloned()
    }

    /// The records after `number`, oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<Arc<Record>> {
        let skipped = number.saturating_sub(self.forgotten());
        self.records.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).cloned().collect()
    }
}
