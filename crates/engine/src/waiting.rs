//! Waking those that wait for something of this process: later callbacks for an earlier one, a customer's page for the
//! directory server.

use parking_lot::Mutex;
use std::{collections::HashMap, hash::Hash, sync::Arc};
use tokio::sync::Notify;

/// Who waits for what.
pub(crate) struct Waiting<K>(Mutex<HashMap<K, Arc<Notify>>>);

impl<K> Default for Waiting<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Waiting<K> {
    /// What somebody who waits for `what` waits on.
    pub(crate) fn on(&self, what: K) -> Arc<Notify> {
        self.0.lock().entry(what).or_default().clone()
    }

    /// Wakes all that wait for `what`.
    pub(crate) fn wake(&self, what: &K) {
        if let Some(notify) = self.0.lock().remove(what) {
            notify.notify_waiters();
        }
    }
}
