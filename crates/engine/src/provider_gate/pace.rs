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
///
/// While there is a line of those who wait as long as it takes, others have room beside it: the line takes no turn that would come
/// later than three quarters of the longest wait, and others, who may wait for all of it, no more than every second turn in the
/// long run. So the line always leaves a turn within their reach, and goes on however many they are.
#[derive(Debug)]
pub(super) struct Pace {
    between: Duration,
    /// How much earlier than evenly spaced a turn may come.
    tolerance: Duration,
    /// How long whoever does not stand in a line waits for a turn.
    longest_wait: Duration,
    next: Mutex<Next>,
}

/// When the next turn would come if all were evenly spaced; none: at once.
#[derive(Debug, Default)]
struct Next {
    /// Anybody's.
    turn: Option<Instant>,
    /// That of somebody beside a line.
    beside: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Rate, longest_wait: Duration) -> Self {
        let between = Duration::from_secs(1) / rate.per_second.get();
        let tolerance = between.saturating_mul(rate.burst.get().saturating_sub(1));
        Self { between, tolerance, longest_wait, next: Mutex::default() }
    }

    /// Takes the next turn of somebody who stands in no line and answers how long it is until then, or none when that is
    /// longer than the longest wait.
    pub(super) fn take(&self, now: Instant) -> Option<Duration> {
        let mut next = self.next.lock();
        self.take_within(&mut next, now, self.longest_wait)
    }

    /// Takes a turn for the first in the line and answers how long it is until then, or, where there is none within what a
    /// line may use of the longest wait, after how long there will be one.
    pub(super) fn take_in_line(&self, now: Instant) -> Result<Duration, Duration> {
        let mut next = self.next.lock();
        let taken = self.take_within(&mut next, now, self.reach_of_line());
        taken.ok_or_else(|| self.until(next.turn, now).saturating_sub(self.reach_of_line()))
    }

    /// Takes a turn of somebody who does not stand in the line there is. Where the rate is so low that the longest wait has no
    /// room for another turn after those of the line, it may be one turn later.
    pub(super) fn take_beside_line(&self, now: Instant) -> Option<Duration> {
        let patience = self.longest_wait.max(self.reach_of_line() + self.between);
        let mut next = self.next.lock();
        if self.until(next.beside, now) > patience.saturating_sub(self.reach_of_line()) {
            return None;
        }
        let taken = self.take_within(&mut next, now, patience)?;
        let even = next.beside.map_or(now, |beside| beside.max(now));
        next.beside = Some(even + self.between * 2);
        Some(taken)
    }

    /// How long whoever asked now would wait.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.until(self.next.lock().turn, now)
    }

    /// Takes the next turn and answers how long it is until then; none is taken when that is longer than `patience`.
    fn take_within(&self, next: &mut Next, now: Instant, patience: Duration) -> Option<Duration> {
        let wait = self.until(next.turn, now);
        if wait > patience {
            return None;
        }
        let even = next.turn.map_or(now, |next| next.max(now));
        next.turn = Some(even + self.between);
        Some(wait)
    }

    /// How far ahead the line takes turns.
    fn reach_of_line(&self) -> Duration {
        self.longest_wait / 4 * 3
    }

    fn until(&self, even: Option<Instant>, now: Instant) -> Duration {
        let even = even.map_or(Duration::ZERO, |even| even.saturating_duration_since(now));
        even.saturating_sub(self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: u32, burst: u32, longest_wait: Duration) -> Pace {
        let number = |it| NonZeroU32::new(it).unwrap();
        Pace::new(Rate { per_second: number(per_second), burst: number(burst) }, longest_wait)
    }

    #[test]
    fn a_burst_goes_at_once_and_what_exceeds_it_waits_evenly_spaced() {
        let pace = pace(10, 3, Duration::MAX);
        let start = Instant::now();
        let waits: Vec<_> = (0..6).map(|_| pace.take(start).unwrap().as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
        let later = start + Duration::from_millis(350);
        assert_eq!(pace.take(later).unwrap().as_millis(), 50);
    }

    #[test]
    fn in_the_long_run_no_more_go_than_the_rate_allows() {
        for (per_second, burst) in [(1, 1), (7, 2), (50, 50), (3_000, 100)] {
            let pace = pace(per_second, burst, Duration::ZERO);
            let start = Instant::now();
            // Somebody asks every millisecond for ten seconds, and takes a turn only if it is there.
            let went =
                (0..10_000).filter(|it| pace.take(start + Duration::from_millis(*it)).is_some()).count();
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
        let pace = pace(1, 1, Duration::from_secs(2));
        let start = Instant::now();
        let taken = (0..100).filter(|_| pace.take(start).is_some()).count();
        assert_eq!(taken, 3, "now, after one second and after two");
        assert_eq!(pace.wait(start), Duration::from_secs(3));
        assert_eq!(pace.take(start + Duration::from_secs(3)), Some(Duration::ZERO));
    }

    /// Rates, bursts and longest waits, milliseconds.
    const PACES: [(u32, u32, u64); 6] =
        [(1, 1, 0), (2, 1, 1_000), (5, 1, 10_000), (50, 10, 1_000), (300, 1, 10_000), (7, 20, 300)];

    #[test]
    fn a_line_and_those_beside_it_both_go_on_however_many_they_are() {
        for it in PACES {
            let (per_second, burst, longest_wait) = it;
            let pace = pace(per_second, burst, Duration::from_millis(longest_wait));
            let start = Instant::now();
            let (mut in_line, mut beside) = (0, 0);
            let (mut last_in_line, mut last_beside) = (0, 0);
            // Both always want another turn; those beside the line ask more often.
            for ms in 0..120_000 {
                let now = start + Duration::from_millis(ms);
                if pace.take_beside_line(now).is_some() {
                    (beside, last_beside) = (beside + 1, ms);
                }
                if ms % 3 == 0 && pace.take_in_line(now).is_ok() {
                    (in_line, last_in_line) = (in_line + 1, ms);
                }
                let most = 5 + 3_000 / u64::from(per_second);
                assert!(ms - last_in_line <= most, "{it:?}: nobody of the line for {most} ms");
                assert!(ms - last_beside <= most, "{it:?}: nobody beside the line for {most} ms");
            }
            let all = in_line + beside;
            assert!(in_line * 5 >= all * 2 && beside * 5 >= all * 2, "{it:?}: {in_line} and {beside}");
            let most = per_second * (120 + u32::try_from(longest_wait.div_ceil(1_000)).unwrap() + 1) + burst;
            assert!(all <= most && all * 10 >= per_second * 120 * 9, "{it:?}: {all} of {most}");
        }
    }

    #[test]
    fn a_line_always_leaves_a_turn_to_somebody_who_comes_now_and_then_and_takes_all_others() {
        for it in PACES {
            let (per_second, burst, longest_wait) = it;
            let pace = pace(per_second, burst, Duration::from_millis(longest_wait));
            let start = Instant::now();
            let mut all = 0;
            for ms in 0..120_000 {
                let now = start + Duration::from_millis(ms);
                while pace.take_in_line(now).is_ok() {
                    all += 1;
                }
                let until_one_is_free = pace.take_in_line(now).unwrap_err();
                assert!(until_one_is_free <= Duration::from_secs(3) / per_second, "{it:?}");
                // Once in some seconds, at any moment between two turns.
                if ms % 3_457 == 0 {
                    let longest = Duration::from_millis(longest_wait) + Duration::from_secs(1) / per_second;
                    assert!(pace.take_beside_line(now).is_some_and(|wait| wait <= longest), "{it:?} {ms}");
                    all += 1;
                }
            }
            assert!(all * 10 >= per_second * 120 * 9, "{it:?}: {all}");
        }
    }
}
