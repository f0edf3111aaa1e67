//! Leaving a provider alone that does not answer, and finding out when it does again.

use parking_lot::Mutex;
use std::{num::NonZeroU32, time::Duration};
use tokio::time::Instant;

/// When calls are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After so many calls in a row that could not be sent or got no usable answer.
    pub failures: NonZeroU32,
    /// For how long, before one call is let through to see.
    pub hold: Duration,
}

#[derive(Debug)]
pub(super) struct Breaker {
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Calls in a row without an answer.
    failures: u32,
    /// Nothing goes through before this moment; none: nothing is held.
    held_until: Option<Instant>,
    /// Somebody went through to see.
    probed: bool,
}

/// Leave to call once.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, state: Mutex::default() }
    }

    /// Leave to call now, or none while calls are held.
    pub(super) fn pass(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.state.lock();
        let is_probe = match state.held_until {
            None => false,
            Some(until) if now < until || state.probed => return None,
            Some(_) => {
                state.probed = true;
                true
            }
        };
        Some(Pass { breaker: self, is_probe })
    }

    /// Whether calls are held at this moment.
    pub(super) fn holds(&self, now: Instant) -> bool {
        let state = self.state.lock();
        state.held_until.is_some_and(|until| now < until || state.probed)
    }
}

impl Pass<'_> {
    /// The provider answered: nothing is held any more. Answers whether something was.
    pub(super) fn answered(mut self) -> bool {
        self.is_probe = false;
        let held = std::mem::take(&mut *self.breaker.state.lock()).held_until;
        held.is_some()
    }

    /// It did not. Answers whether calls are held from now on and were not before.
    pub(super) fn unanswered(mut self, now: Instant) -> bool {
        let Patience { failures, hold } = self.breaker.patience;
        let mut state = self.breaker.state.lock();
        state.failures = state.failures.saturating_add(1);
        if self.is_probe {
            self.is_probe = false;
            state.probed = false;
            state.held_until = Some(now + hold);
            return false;
        }
        // Calls that left before they were held do not prolong it.
        if state.failures < failures.get() || state.held_until.is_some() {
            return false;
        }
        state.held_until = Some(now + hold);
        true
    }
}

impl Drop for Pass<'_> {
    /// A probe that was given up leaves room for the next.
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state.lock().probed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(5);

    fn breaker() -> Breaker {
        Breaker::new(Patience { failures: NonZeroU32::new(3).unwrap(), hold: HOLD })
    }

    #[test]
    fn calls_are_held_after_failures_in_a_row_only() {
        let (breaker, now) = (breaker(), Instant::now());
        for _ in 0..10 {
            assert!(!breaker.pass(now).unwrap().unanswered(now));
            assert!(!breaker.pass(now).unwrap().unanswered(now));
            assert!(!breaker.pass(now).unwrap().answered());
        }
        assert!(!breaker.pass(now).unwrap().unanswered(now));
        assert!(!breaker.pass(now).unwrap().unanswered(now));
        assert!(breaker.pass(now).unwrap().unanswered(now), "the third one in a row");
        assert!(breaker.holds(now) && breaker.pass(now).is_none());
        assert!(breaker.pass(now + HOLD - Duration::from_millis(1)).is_none());
    }

    #[test]
    fn one_call_finds_out_whether_the_provider_is_back() {
        let (breaker, now) = (breaker(), Instant::now());
        let early = breaker.pass(now).unwrap();
        for _ in 0..3 {
            breaker.pass(now).unwrap().unanswered(now);
        }
        let later = now + HOLD;
        let probe = breaker.pass(later).unwrap();
        assert!(breaker.pass(later).is_none(), "one at a time");
        assert!(!early.unanswered(later), "what left before does not prolong it");
        assert!(!probe.unanswered(later), "it was held before");
        assert!(breaker.pass(later).is_none());
        drop(breaker.pass(later + HOLD).unwrap());
        let probe = breaker.pass(later + HOLD).expect("who gave up leaves room for another");
        assert!(probe.answered());
        assert!(
            !breaker.holds(later + HOLD)
                && breaker.pass(later + HOLD).is_some()
                && breaker.pass(later + HOLD).is_some()
        );
    }
}
