//! Turns at a steady rate, handed out in the order in which they are asked for.

use parking_lot::Mutex;
use std::{num::NonZeroU32, time::Duration};
use tokio::time::Instant;

/// How many calls an account's provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In a second, in the long run.
    pub per_second: NonZeroU32,
    /// At once, after a while without any.
    pub burst: NonZeroU32,
}

/// Hands out turns. Each is a moment, so that no timer has to run for those who wait: they sleep until theirs comes.
#[derive(Debug)]
pub(super) struct Pace {
    between: Duration,
    /// How much earlier than evenly spaced a turn may come.
    tolerance: Duration,
    /// When the next turn would come if all were evenly spaced.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        let between = Duration::from_secs(1) / rate.per_second.get();
        let tolerance = between.saturating_mul(rate.burst.get().saturating_sub(1));
        Self { between, tolerance, next: Mutex::default() }
    }

    /// Takes the next turn and answers how long it is until then; none is taken when that is longer than `patience`.
    pub(super) fn take(&self, now: Instant, patience: Duration) -> Option<Duration> {
        let mut next = self.next.lock();
        let even = next.map_or(now, |next| next.max(now));
        let wait = self.until(even, now);
        if wait > patience {
            return None;
        }
        *next = Some(even + self.between);
        Some(wait)
    }

    /// How long whoever asked now would wait.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let next = *self.next.lock();
        next.map_or(Duration::ZERO, |next| self.until(next, now))
    }

    fn until(&self, even: Instant, now: Instant) -> Duration {
        even.saturating_duration_since(now).saturating_sub(self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: u32, burst: u32) -> Pace {
        let number = |it| NonZeroU32::new(it).unwrap();
        Pace::new(Rate { per_second: number(per_second), burst: number(burst) })
    }

    #[test]
    fn a_burst_goes_at_once_and_what_exceeds_it_waits_evenly_spaced() {
        let pace = pace(10, 3);
        let start = Instant::now();
        let waits: Vec<_> = (0..6).map(|_| pace.take(start, Duration::MAX).unwrap().as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
        let later = start + Duration::from_millis(350);
        assert_eq!(pace.take(later, Duration::MAX).unwrap().as_millis(), 50);
    }

    #[test]
    fn in_the_long_run_no_more_go_than_the_rate_allows() {
        for (per_second, burst) in [(1, 1), (7, 2), (50, 50), (3_000, 100)] {
            let pace = pace(per_second, burst);
            let start = Instant::now();
            // Somebody asks every millisecond for ten seconds, and takes a turn only if it is there.
            let went = (0..10_000)
                .filter(|it| pace.take(start + Duration::from_millis(*it), Duration::ZERO).is_some())
                .count();
            let most = usize::try_from(10 * per_second + burst).unwrap();
            assert!(went <= most, "{went} of {most} at {per_second} and {burst}");
            assert!(
                went + 2 >= most.min(10_000) - most / 100,
                "{went} of {most} at {per_second} and {burst}"
            );
        }
    }

    #[test]
    fn nobody_waits_longer_than_the_bound_and_who_is_refused_takes_no_turn() {
        let pace = pace(1, 1);
        let start = Instant::now();
        let patience = Duration::from_secs(2);
        let taken = (0..100).filter(|_| pace.take(start, patience).is_some()).count();
        assert_eq!(taken, 3, "now, after one second and after two");
        assert_eq!(pace.wait(start), Duration::from_secs(3));
        assert_eq!(pace.take(start + Duration::from_secs(3), Duration::ZERO), Some(Duration::ZERO));
    }
}
