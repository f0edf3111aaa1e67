//! Waking callbacks that wait for an earlier one.

use ferropay_domain::callback::Subject;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Notify;

/// Callbacks that wait for an earlier one of the same subject.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<HashMap<Subject, Arc<Notify>>>);

impl Waiting {
    /// What a callback of `subject` waits on.
    pub(crate) fn on(&self, subject: Subject) -> Arc<Notify> {
        self.0.lock().entry(subject).or_default().clone()
    }

    /// Wakes all that wait for an earlier callback of `subject`.
    pub(crate) fn wake(&self, subject: Subject) {
        if let Some(notify) = self.0.lock().remove(&subject) {
            notify.notify_waiters();
        }
    }
}
