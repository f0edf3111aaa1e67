//! Refusing what there is no room for, before it is taken on.
//!
//! Everything that waits in memory is bounded: connections by the server, tasks in hand by the registry, calls by the
//! gate of their provider, and what the store has been given by what is refused here. What was accepted is never
//! refused afterwards: it stands in the store, and waits there when memory is full.

use crate::engine::Engine;
use ferropay_domain::{
    change::{ChangeSet, TaskKey, Write},
    ids::{AttemptId, ProviderAccountId},
};

impl Engine {
    /// Whether the store has more before it than it should; requests had better come later.
    pub fn is_overloaded(&self) -> bool {
        let effort = self.store.effort();
        effort.commits_waiting.max(effort.reads_waiting) >= self.settings.most_waiting
    }

    /// Whether what a request would set going can be begun within a reasonable time.
    pub(crate) fn has_room_for(&self, changes: &ChangeSet) -> bool {
        let called = changes.tasks.iter().filter_map(|task| match task.key {
            TaskKey::Call(attempt) => account_of(attempt, changes),
            _ => None,
        });
        !called.filter_map(|account| self.gate(account)).any(|gate| gate.is_full())
    }
}

fn account_of(attempt: AttemptId, changes: &ChangeSet) -> Option<ProviderAccountId> {
    let mut written = changes.attempts.iter().map(Write::record);
    written.find(|it| it.id == attempt).map(|it| it.account)
}
