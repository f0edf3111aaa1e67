//! What happened lately in test projects, for people to look at.
//!
//! The recorder keeps the last few thousand requests, callback tries, provider messages and machine steps of test
//! projects in memory. It is a window, not a log: it starts empty, forgets the oldest, and nothing depends on it.
//! Production projects are never recorded. Recording lies on the way of every sale, so it only moves what exists
//! already; names, sentences and layouts are made when somebody looks. Under load, when nobody could follow anyway and
//! the window would be a second long, most is left out, and only counted. Card numbers and verification values do not
//! get in: bodies come without them, whatever else could be one is masked before it is kept, and a refused request is
//! explained (see [`explain`]) from a body that is wiped afterwards.

pub(crate) mod authentication;
mod correspondence;
mod explain;
mod record;
mod ring;

pub use correspondence::Correspondence;
pub use explain::Explained;
pub use record::{Content, Delivery, Direction, Field, Message, Question, Record, Request, Steps, What};

use crate::projects::KnownProject;
use ferropay_domain::{
    change::ChangeSet,
    ids::{PaymentKey, ProjectId},
    project::Environment,
    time::Timestamp,
};
use parking_lot::Mutex;
use ring::Ring;
use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// How many records are kept.
const MOST: usize = 5_000;

/// How much memory they may keep, bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How many records are kept of one second. What comes beyond is left out: nobody could follow it, and it would cost
/// every sale of a load test several microseconds.
const MOST_IN_A_SECOND: u64 = 1_000;

/// The recorder of this process.
#[derive(Debug)]
pub struct Recorder {
    ring: Mutex<Ring>,
    changed: Notify,
    /// The second lived in (upper half) and how many records it has had (lower half).
    pace: AtomicU64,
    /// How many records were left out since the start.
    left_out: AtomicU64,
    /// How many explanations are being worked out.
    explaining: Arc<AtomicU32>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            ring: Mutex::new(Ring::new(MOST, MOST_BYTES)),
            changed: Notify::new(),
            pace: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            explaining: Arc::default(),
        }
    }
}

/// Permission to keep a record, and what it says of where it belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    project: Option<ProjectId>,
    ahead: i64,
}

impl Recorder {
    /// The place of something that happened at `at` (real time) in a project; none for production projects, which are
    /// not recorded, and when this second has had its records. To be asked for before anything is made for a record.
    pub fn place(&self, known: &KnownProject, at: Timestamp) -> Option<Place> {
        if known.project.environment != Environment::Test || !self.admits(at) {
            return None;
        }
        Some(Place { project: Some(known.project.id), ahead: known.clock_offset })
    }

    /// The same for what belongs to no project.
    pub fn place_of_nobody(&self, at: Timestamp) -> Option<Place> {
        self.admits(at).then_some(Place { project: None, ahead: 0 })
    }

    /// Counts a record of the second of `at`, unless it has had its number.
    fn admits(&self, at: Timestamp) -> bool {
        let second = u64::try_from(at.seconds()).unwrap_or(0) << 32;
        let counted = self.pace.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |pace| {
            match pace.checked_sub(second) {
                Some(count) if u32::try_from(count).is_ok() => (count < MOST_IN_A_SECOND).then_some(pace + 1),
                // Another second, also when the clock was set back.
                _ => Some(second + 1),
            }
        });
        if counted.is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        counted.is_ok()
    }

    /// How many records were left out since the start, because too much happened in a second.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

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
        // Of a number that no record has yet there is nothing to tell either.
        if self.newest() <= number {
            changed.await;
        }
    }

    /// Wakes everybody who waits for something new.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Keeps the steps a committed decision took.
    pub(crate) fn steps(&self, walk: Walk, at: Timestamp) {
        self.push(walk.place, at, Some(walk.payment), Some(walk.payment_id), What::Steps(walk.steps));
    }
}

/// The steps of a decision, taken out of its change set before that is handed to the store.
#[derive(Debug)]
pub(crate) struct Walk {
    place: Place,
    payment: PaymentKey,
    payment_id: Box<str>,
    steps: Steps,
}

impl Walk {
    /// The steps in a change set, where they are to be recorded.
    pub(crate) fn of(
        recorder: &Recorder,
        known: &KnownProject,
        changes: &ChangeSet,
        at: Timestamp,
    ) -> Option<Self> {
        if changes.walked.is_empty() {
            return None;
        }
        let place = recorder.place(known, at)?;
        let payment = changes.payment.as_ref()?.payment();
        let steps = Steps {
            kind: changes.operations.first()?.record().kind,
            attempt: changes.attempts.first().map(|write| write.record().status),
            walked: changes.walked.clone(),
        };
        Some(Self { place, payment: payment.key, payment_id: payment.id.as_str().into(), steps })
    }
}

#[cfg(test)]
mod tests;
