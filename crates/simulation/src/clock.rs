//! Time of a simulation: it stands still while anybody has something to do and leaps to the next moment somebody waits
//! for when nobody has.

use ferropay_domain::time::Timestamp;
use ferropay_engine::clock::Clock;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// When every simulation begins: 2026-03-02T09:00:00Z.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_seconds(1_772_442_000);

/// Follows the paused time of the runtime of the present life; what earlier lives lasted is added.
#[derive(Debug)]
pub(crate) struct VirtualClock(Mutex<(Timestamp, Option<Instant>)>);

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((BEGINNING, None)))
    }

    /// A runtime has started, and its time runs from here.
    pub(crate) fn begin_life(&self) {
        self.0.lock().1 = Some(Instant::now());
    }

    /// The runtime ends.
    pub(crate) fn end_life(&self) {
        let now = self.now();
        *self.0.lock() = (now, None);
    }

    /// The machine slept, or its clock was put right: time passes that nobody measured.
    pub(crate) fn leap(&self, span: Duration) {
        let mut clock = self.0.lock();
        clock.0 = clock.0.plus(span);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let (base, since) = *self.0.lock();
        since.map_or(base, |since| base.plus(since.elapsed()))
    }
}
