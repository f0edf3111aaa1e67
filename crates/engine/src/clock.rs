//! The one place that reads the machine's clock.
//!
//! A machine's clock may jump, by hours: somebody sets it, a time service corrects it, a virtual machine is moved. A payment
//! must not expire because of that, nor must work that is due wait until a clock that was set back has come that far again. So
//! a process reads it once and counts from there by the clock that only ever goes forward; where the two disagree, what it
//! tells approaches the machine's clock by a tenth of the time that passes, and never goes back.

use ferropay_domain::time::Timestamp;
use parking_lot::Mutex;
use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What part of the time that passes, one in this many, a disagreement with the machine's clock is made good by at most.
const SLOWNESS: i64 = 10;

/// A change of the disagreement that is told to the operator, microseconds.
const JUMP: i64 = 1_000_000;

/// Where the engine gets real time from.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, but steadily: what it said when it was read first in this process, and the time that has passed since.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        static COURSE: LazyLock<Mutex<Course>> =
            LazyLock::new(|| Mutex::new(Course::begin(MachineClock.now().micros(), passed())));
        Timestamp::from_micros(COURSE.lock().follow(MachineClock.now().micros(), passed()))
    }
}

/// The machine's clock as it is, jumps and all: for looking at it, not for deciding by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the machine's clock is read")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(micros(since))
    }
}

/// How long the machine has been up, time asleep included where the system counts it.
pub(crate) fn passed() -> i64 {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(id);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// A clock's course, in microseconds.
#[derive(Debug)]
struct Course {
    told: i64,
    /// The steady clock's reading then.
    at: i64,
    /// What is left of the time that passed, too short for the clock to be moved by a part of it.
    unused: i64,
    /// How far the machine's clock was ahead of what was told.
    ahead: i64,
}

impl Course {
    const fn begin(machine: i64, steady: i64) -> Self {
        Self { told: machine, at: steady, unused: 0, ahead: 0 }
    }

    /// The time, as the machine's clock and the steady one say.
    fn follow(&mut self, machine: i64, steady: i64) -> i64 {
        let went = steady.saturating_sub(self.at).max(0);
        let told = self.told.saturating_add(went);
        let ahead = machine.saturating_sub(told);
        let jumped = ahead.saturating_sub(self.ahead);
        if jumped.abs() >= JUMP {
            let (jumped, ahead) = (jumped / JUMP, ahead / JUMP);
            tracing::error!(
                "the machine's clock has jumped by {jumped} s and is now {ahead} s off; it is followed slowly: \
                 set it right, or start again if it is right now"
            );
        }
        // However often it is asked, that part is of all the time that passes.
        let usable = went.saturating_add(self.unused);
        let most = usable / SLOWNESS;
        self.unused = usable % SLOWNESS;
        self.at = steady.max(self.at);
        self.told = told.saturating_add(ahead.clamp(most.saturating_neg(), most));
        self.ahead = machine.saturating_sub(self.told);
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3_600 * SECOND;

    #[test]
    fn a_clock_that_jumps_is_followed_slowly_and_never_back() {
        for jump in [3 * HOUR, -3 * HOUR] {
            let mut course = Course::begin(1_000 * HOUR, 5 * HOUR);
            let mut before = 1_000 * HOUR;
            for second in 1..=600 {
                let now = course.follow(1_000 * HOUR + second * SECOND + jump, 5 * HOUR + second * SECOND);
                assert!(now > before, "it goes on, and not back");
                let off = now - (1_000 * HOUR + second * SECOND);
                assert!(off.abs() <= second * SECOND / 10, "{off} off after {second} s");
                assert_eq!(off.signum(), jump.signum());
                before = now;
            }
        }
    }

    #[test]
    fn a_clock_that_jumps_is_followed_however_often_it_is_asked() {
        for every in [1, 7, 9, 15, 19, 1_000] {
            let mut course = Course::begin(0, 0);
            let asked = (1..=10 * SECOND / every).map(|time| time * every);
            let told = asked.map(|at| course.follow(at + HOUR, at) - at).last().unwrap();
            assert!((told - SECOND).abs() <= every, "{told} after ten seconds, asked every {every}");
        }
    }

    #[test]
    fn a_clock_that_is_corrected_a_little_is_followed_at_once() {
        let mut course = Course::begin(0, 0);
        assert_eq!(course.follow(10 * SECOND + 900, 10 * SECOND), 10 * SECOND + 900);
        assert_eq!(course.follow(20 * SECOND - 900, 20 * SECOND), 20 * SECOND - 900);
        // Read twice at the same moment.
        assert_eq!(course.follow(20 * SECOND - 900, 20 * SECOND), 20 * SECOND - 900);
    }

    #[test]
    fn a_disagreement_ends_after_ten_times_as_long() {
        let mut course = Course::begin(0, 0);
        let machine = |second: i64| second * SECOND + HOUR;
        let last = (1..=36_000).map(|second| course.follow(machine(second), second * SECOND)).last();
        assert_eq!(last, Some(machine(36_000)));
    }

    #[test]
    fn the_time_is_that_of_the_machine() {
        let (told, machine) = (SystemClock.now(), MachineClock.now());
        let apart = told.since(machine).max(machine.since(told));
        assert!(apart < Duration::from_secs(2), "{apart:?}");
        assert!(SystemClock.now() >= told);
    }
}
