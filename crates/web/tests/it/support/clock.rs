//! A clock that stands still until it is moved.

use ferropay_domain::time::Timestamp;
use ferropay_engine::clock::Clock;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// Where every test begins: noon of a Saturday.
const START: &str = "2026-11-21T12:00:00Z";

/// The time of the platform and of the simulated acquirer.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Self {
        let clock = Self(AtomicI64::new(0));
        clock.set(START);
        clock
    }

    /// Moves to a moment in ISO 8601.
    pub(crate) fn set(&self, moment: &str) {
        let moment: jiff::Timestamp = moment.parse().unwrap();
        self.0.store(moment.as_microsecond(), Ordering::SeqCst);
    }

    /// Moves on.
    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
