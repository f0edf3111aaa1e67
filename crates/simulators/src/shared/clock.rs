//! Time of a simulator, which a sandbox may move forward.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Tells the time: seconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A clock, and how far it has been moved.
pub(crate) struct Moved {
    clock: Clock,
    /// Seconds.
    ahead: AtomicI64,
}

impl Moved {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, ahead: AtomicI64::new(0) }
    }

    /// Seconds since the epoch, as the simulator sees it.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// Moves the time to `seconds` ahead. Error: it is further ahead already, by so many.
    pub(crate) fn move_to(&self, seconds: i64) -> Result<(), i64> {
        self.ahead
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |ahead| (seconds >= ahead).then_some(seconds))
            .map(drop)
    }
}
