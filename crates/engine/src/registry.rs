//! What this process is working on, so that no task is done twice at a time and memory stays bounded.

use ferropay_domain::change::TaskKey;
use parking_lot::Mutex;
use std::{collections::HashSet, sync::Arc};
use tokio::sync::Notify;

/// How many tasks are carried in memory at most; the rest stays in the store until its turn comes.
const MAX_CARRIED: usize = 8_192;

/// The tasks in hand.
#[derive(Default)]
pub(crate) struct Registry {
    tasks: Mutex<HashSet<TaskKey>>,
    idle: Notify,
}

/// A task in hand; given back when dropped.
pub(crate) struct InHand {
    registry: Arc<Registry>,
    key: TaskKey,
}

impl Registry {
    /// Takes a task, unless it is in hand already or too many are.
    pub(crate) fn take(self: &Arc<Self>, key: TaskKey) -> Option<InHand> {
        let mut tasks = self.tasks.lock();
        if tasks.len() >= MAX_CARRIED || !tasks.insert(key) {
            return None;
        }
        Some(InHand { registry: self.clone(), key })
    }

    /// Whether a task is in hand.
    pub(crate) fn has(&self, key: TaskKey) -> bool {
        self.tasks.lock().contains(&key)
    }

    /// How many tasks are in hand.
    pub(crate) fn len(&self) -> usize {
        self.tasks.lock().len()
    }

    /// Waits until nothing is in hand.
    pub(crate) async fn idle(&self) {
        loop {
            let notified = self.idle.notified();
            if self.len() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut tasks = self.registry.tasks.lock();
        tasks.remove(&self.key);
        if tasks.is_empty() {
            self.registry.idle.notify_waiters();
        }
    }
}
