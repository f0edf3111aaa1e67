//! Taking away what has lost its use, a little at a time and beside everything else.
//!
//! A table is gone through by its key, some rows at a time; whoever does it says where to go on. Nothing that identifies is taken
//! away: a callback stays with its number, subject and deliveries, what a provider reported with its identifier, so that neither
//! is taken for new when it comes again, and the audit finds what it looks for.
//!
//! What is taken away does not come back, so no single clock may say that it is old: [`Moments`] tell what else knows the time, and
//! [`sure_moment`] goes by the earliest of them. A fingerprint is found for a day (a rule of looking it up), and kept for a week more.

use crate::{Answer, Notification};
use ferropay_domain::{ids::ProviderAccountId, time::Timestamp};
use std::time::Duration;

/// What may be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgettable {
    /// Fingerprints of requests that expired a week before the moment (real time), or earlier.
    Fingerprints,
    /// Bodies of callbacks made before the moment (the project's time) that are delivered, or had no address. One that waits or was
    /// given up keeps its body.
    CallbackBodies,
    /// What providers reported before the moment (real time); that they did stays known. The platform's own records stay, and so
    /// does what nobody has acted on: see [`Unresolved`].
    Evidence,
}

/// How long a fingerprint is kept beyond its end.
const BEYOND_THE_END: Duration = Duration::from_hours(7 * 24);

impl Forgettable {
    /// Before which moment a row's own has to lie, microseconds, when things are forgotten by `moment`.
    pub(crate) fn bound(self, moment: Timestamp) -> i64 {
        match self {
            Self::Fingerprints => moment.minus(BEYOND_THE_END),
            Self::CallbackBodies | Self::Evidence => moment,
        }
        .micros()
    }
}

/// The account of the inbox under which the platform keeps what it did itself: no provider's.
pub const OWN_ACCOUNT: ProviderAccountId = ProviderAccountId::new(0);

/// Evidence that nobody has acted on: what somebody may still have to look at is never taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// An answer about an attempt that nobody knows.
    NoAttempt,
    /// An answer that came to a node that may not act on it.
    Fenced,
    /// What stood differently with a provider when a hold was released.
    LeftAtRelease,
}

impl Unresolved {
    /// The identifier under which it is kept.
    pub fn named(self, what: &str) -> String {
        let kind = match self {
            Self::NoAttempt => "no attempt",
            Self::Fenced => "fenced",
            Self::LeftAtRelease => "left at a release",
        };
        format!("{kind}: {what}")
    }
}

/// The condition under which a row of the inbox is a provider's report and settled.
pub(crate) const SETTLED_REPORT: &str = "inbox.account <> 0 AND inbox.id NOT LIKE 'no attempt: %'
    AND inbox.id NOT LIKE 'fenced: %' AND inbox.id NOT LIKE 'left at a release: %'";

/// The condition under which a row of the inbox is about an attempt that nobody knows.
pub(crate) const WITHOUT_ATTEMPT: &str = "inbox.account <> 0 AND inbox.id LIKE 'no attempt: %'";

/// What tells the time besides this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// When the newest request was made, real time, by the clock of whoever accepted it.
    pub newest: Option<Timestamp>,
    /// What the server of the database says, where it has a clock of its own.
    pub server: Option<Timestamp>,
}

/// The latest moment that everybody is sure has come. `own` is what this process's clock says, `at_start` what was known when it
/// began, before it wrote anything, and `ran` for how long it has run since; `server` is what the server says now. A clock that was
/// ahead at the start is ahead of the newest row by as much, and counts for nothing.
pub fn sure_moment(own: Timestamp, at_start: Moments, ran: Duration, server: Option<Timestamp>) -> Timestamp {
    let rows = at_start.newest.map(|newest| newest.plus(ran));
    [rows, server].into_iter().flatten().fold(own, Timestamp::min)
}

/// A place in a table, from which to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub(crate) number: i64,
    pub(crate) rest: Vec<u8>,
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// How many rows were taken away or emptied.
    pub rows: usize,
    /// Where to go on; none at the end.
    pub next: Option<Place>,
}

/// Forgetting.
pub trait Retention {
    /// What tells the time besides this process.
    fn moments(&self) -> Answer<'_, Moments>;

    /// Looks at the next rows behind `from`, at most so many, and takes away what may be forgotten. Each row is looked at once more as
    /// it is changed, so that what has become needed meanwhile stays.
    fn forget(
        &self,
        what: Forgettable,
        from: Option<Place>,
        before: Timestamp,
        most: u32,
    ) -> Answer<'_, Forgotten>;

    /// What providers said about attempts that nobody knows ([`Unresolved::NoAttempt`]), newest first, at most so many. All of the inbox
    /// is looked at, for people ask for it rarely.
    fn without_attempt(&self, most: u32) -> Answer<'_, Vec<Notification>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_of_everything_else_is_not_believed() {
        let hours = |hours: i64| Timestamp::from_seconds(1_780_000_000 + hours * 3_600);
        let rows = Moments { newest: Some(hours(0)), server: None };
        let ran = Duration::from_hours(2);
        assert_eq!(sure_moment(hours(2), rows, ran, None), hours(2));
        assert_eq!(sure_moment(hours(5_000), rows, ran, None), hours(2), "the newest row says");
        assert_eq!(
            sure_moment(hours(5_000), Moments::default(), ran, Some(hours(1))),
            hours(1),
            "the server says"
        );
        assert_eq!(
            sure_moment(hours(-3), rows, ran, Some(hours(2))),
            hours(-3),
            "one that is behind forgets late"
        );
        assert_eq!(
            sure_moment(hours(2), Moments::default(), ran, None),
            hours(2),
            "nothing was there before"
        );
    }

    #[test]
    fn what_is_open_is_named_as_the_condition_spares_it() {
        for open in [Unresolved::NoAttempt, Unresolved::Fenced, Unresolved::LeftAtRelease] {
            assert!(SETTLED_REPORT.contains(&format!("NOT LIKE '{}'", open.named("%"))), "{open:?}");
        }
        assert!(SETTLED_REPORT.contains(&format!("account <> {}", OWN_ACCOUNT.get())));
        assert!(WITHOUT_ATTEMPT.contains(&Unresolved::NoAttempt.named("%")));
    }
}
