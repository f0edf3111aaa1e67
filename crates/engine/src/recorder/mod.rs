//! What happened lately in test projects, for people to look at.
//!
//! The recorder keeps the last few thousand requests, callback tries, provider messages and machine steps of test
//! projects in memory. It is a window, not a log: it starts empty, forgets the oldest, and nothing depends on it.
//! Production projects are never recorded. Recording lies on the way of every sale, so it only moves what exists
//! already; names, sentences and layouts are made when somebody looks. Card numbers and verification values do not
//! get in: bodies come without them, whatever else could be one is masked before it is kept, and a refused request is
//! explained (see [`explain`]) from a body that is wiped afterwards.

mod correspondence;
mod explain;
mod record;
mod ring;

pub use correspondence::Correspondence;
pub use explain::Explained;
pub use record::{Content, Delivery, Direction, Field, Message, Record, Request, Steps, What};

use crate::projects::KnownProject;
use ferropay_domain::{
    change::ChangeSet,
    ids::{PaymentKey, ProjectId},
    project::Environment,
    time::Timestamp,
};
use parking_lot::Mutex;
use ring::Ring;
use std::sync::{Arc, atomic::AtomicU32};
use tokio::sync::Notify;

/// How many records are kept.
const MOST: usize = 5_000;

/// How much memory they may keep, bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The recorder of this process.
#[derive(Debug)]
pub struct Recorder {
    ring: Mutex<Ring>,
    changed: Notify,
    /// How many explanations are being worked out.
    explaining: Arc<AtomicU32>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            ring: Mutex::new(Ring::new(MOST, MOST_BYTES)),
            changed: Notify::new(),
            explaining: Arc::default(),
        }
    }
}

/// What every record says of where it belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The project; see [`Record::project`].
    pub project: Option<ProjectId>,
    /// How far its clock is ahead, microseconds.
    pub ahead: i64,
}

impl Place {
    /// Where records of a project belong; none for production projects, which are not recorded.
    pub fn of(known: &KnownProject) -> Option<Self> {
        (known.project.environment == Environment::Test)
            .then_some(Self { project: Some(known.project.id), ahead: known.clock_offset })
    }
}

impl Recorder {
    /// Keeps a record.
    pub fn push(
        &self,
        place: Place,
        at: Timestamp,
        payment: Option<PaymentKey>,
        payment_id: Option<Box<str>>,
        what: What,
    ) {
        let Place { project, ahead } = place;
        let record = Record { number: 0, at, ahead, project, payment, payment_id, what };
        let forgotten = self.ring.lock().push(record);
        self.changed.notify_waiters();
        drop(forgotten);
    }

    /// The record with this number, while it is kept.
    pub fn get(&self, number: u64) -> Option<Arc<Record>> {
        self.ring.lock().get(number)
    }

    /// Everything kept, oldest first.
    pub fn all(&self) -> Vec<Arc<Record>> {
        self.ring.lock().after(0)
    }

    /// What was recorded after `number`, oldest first.
    pub fn after(&self, number: u64) -> Vec<Arc<Record>> {
        self.ring.lock().after(number)
    }

    /// The number of the newest record; 0 when there is none.
    pub fn newest(&self) -> u64 {
        self.ring.lock().newest()
    }

    /// Completes when something has been recorded after `number`, or an explanation has been worked out, or
    /// [`wake`](Self::wake) is called.
    pub async fn changed(&self, number: u64) {
        let changed = self.changed.notified();
        let mut changed = std::pin::pin!(changed);
        // Registered before looking, so that nothing recorded in between is missed.
        changed.as_mut().enable();
        if self.newest() == number {
            changed.await;
        }
    }

    /// Wakes everybody who waits for something new.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Keeps the steps a committed decision took.
    pub(crate) fn steps(&self, known: &KnownProject, walk: Walk, at: Timestamp) {
        let Some(place) = Place::of(known) else { return };
        self.push(place, at, Some(walk.payment), Some(walk.payment_id), What::Steps(walk.steps));
    }
}

/// The steps of a decision, taken out of its change set before that is handed to the store.
#[derive(Debug)]
pub(crate) struct Walk {
    payment: PaymentKey,
    payment_id: Box<str>,
    steps: Steps,
}

impl Walk {
    /// The steps in a change set of a test project.
    pub(crate) fn take(known: &KnownProject, changes: &mut ChangeSet) -> Option<Self> {
        if changes.walked.is_empty() || known.project.environment != Environment::Test {
            return None;
        }
        let payment = changes.payment.as_ref()?.payment();
        let steps = Steps {
            kind: changes.operations.first()?.record().kind,
            attempt: changes.attempts.first().map(|write| write.record().status),
            walked: std::mem::take(&mut changes.walked),
        };
        Some(Self { payment: payment.key, payment_id: payment.id.as_str().into(), steps })
    }
}

#[cfg(test)]
mod tests;
