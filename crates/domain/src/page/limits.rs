//! How long a session of the Payment Page may be used.

use crate::time::Timestamp;
use std::time::Duration;

/// The furthest that `best_before` may lie ahead; beyond it the page has no limit (P-236).
pub const FURTHEST: Duration = Duration::from_hours(30 * 24);

/// How long a customer has to give data that were found missing, where the session has no end of its own (P-195).
pub const CLARIFICATION: Duration = Duration::from_mins(30);

/// The span before the end in which it is counted down (P-237).
pub const LAST_SPAN: Duration = Duration::from_mins(5);

/// The end of a session that was opened at `opened` with this `best_before`; none where it has no limit (P-236). An end that
/// has passed already is an end.
pub fn end(best_before: Option<Timestamp>, opened: Timestamp) -> Option<Timestamp> {
    best_before.filter(|end| *end <= opened.plus(FURTHEST))
}

/// What the panel with the time shows (P-237).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Until the end, zero when it is over.
    pub span: Duration,
    /// Whether the last five minutes have begun.
    pub is_last: bool,
}

/// What remains until `end`.
pub fn remaining(end: Timestamp, now: Timestamp) -> Remaining {
    let span = end.since(now);
    Remaining { span, is_last: span <= LAST_SPAN }
}

/// Whether the customer may confirm no more (P-239).
pub fn is_over(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_some_and(|end| end <= now)
}

/// Until when missing data may be given that were found missing at `found`: the session's end, or half an hour (P-195).
pub fn clarification_end(session_end: Option<Timestamp>, found: Timestamp) -> Timestamp {
    session_end.unwrap_or_else(|| found.plus(CLARIFICATION))
}

/// Why no further attempt is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRetry {
    /// The project does not offer any.
    Off,
    /// As many as there may be were made.
    UsedUp,
    /// The time for them is over.
    Late,
    /// The customer is sent to the merchant's page by itself, and so never sees the offer (P-228).
    SentAway,
}

/// What decides on a further attempt (P-223 to P-228).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How many attempts may follow the first; none where the project offers no retries.
    pub most: u16,
    /// How long they may go on after the first failure.
    pub span: Duration,
}

impl Retries {
    /// Until when another attempt may be made: the end of the session where it has one, else a span from the first failure
    /// (P-227).
    pub fn end(self, session_end: Option<Timestamp>, first_failure: Timestamp) -> Timestamp {
        session_end.unwrap_or_else(|| first_failure.plus(self.span))
    }

    /// Until when the customer may try again, after `failed` attempts of which the first failed at `first_failure`.
    ///
    /// # Errors
    /// Another attempt is not offered; the reason.
    pub fn offer(
        self,
        failed: u16,
        first_failure: Timestamp,
        session_end: Option<Timestamp>,
        is_sent_away: bool,
        now: Timestamp,
    ) -> Result<Timestamp, NoRetry> {
        let end = self.end(session_end, first_failure);
        if self.most == 0 {
            Err(NoRetry::Off)
        } else if is_sent_away {
            Err(NoRetry::SentAway)
        } else if failed > self.most {
            Err(NoRetry::UsedUp)
        } else if now >= end {
            Err(NoRetry::Late)
        } else {
            Ok(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    const DAY: i64 = 86_400;
    const USUAL: Retries = Retries { most: 5, span: Duration::from_mins(10) };

    // P-236
    #[test]
    fn an_end_more_than_thirty_days_away_is_none() {
        assert_eq!(end(None, at(0)), None);
        assert_eq!(end(Some(at(60)), at(0)), Some(at(60)));
        assert_eq!(end(Some(at(30 * DAY)), at(0)), Some(at(30 * DAY)));
        assert_eq!(end(Some(at(30 * DAY + 1)), at(0)), None);
        assert_eq!(end(Some(at(5)), at(10)), Some(at(5)));
    }

    // P-237, P-239
    #[test]
    fn what_remains_is_counted_down_and_the_last_five_minutes_are_marked() {
        let marked = |now| remaining(at(1_000), at(now));
        assert_eq!(marked(699), Remaining { span: Duration::from_secs(301), is_last: false });
        assert_eq!(marked(700), Remaining { span: Duration::from_mins(5), is_last: true });
        assert_eq!(marked(1_001), Remaining { span: Duration::ZERO, is_last: true });
        assert!(!is_over(Some(at(1_000)), at(999)));
        assert!(is_over(Some(at(1_000)), at(1_000)));
        assert!(!is_over(None, at(1_000)));
    }

    // P-195, P-238
    #[test]
    fn missing_data_may_be_given_until_the_session_ends_or_for_half_an_hour() {
        assert_eq!(clarification_end(None, at(100)), at(1_900));
        assert_eq!(clarification_end(Some(at(130)), at(100)), at(130));
        assert_eq!(clarification_end(Some(at(9_000)), at(100)), at(9_000));
    }

    // P-223, P-226
    #[test]
    fn five_attempts_may_follow_the_first_within_the_time() {
        for failed in 1..=5 {
            assert_eq!(USUAL.offer(failed, at(0), None, false, at(10)), Ok(at(600)), "{failed}");
        }
        assert_eq!(USUAL.offer(6, at(0), None, false, at(10)), Err(NoRetry::UsedUp));
        assert_eq!(USUAL.offer(1, at(0), None, false, at(599)), Ok(at(600)));
        assert_eq!(USUAL.offer(1, at(0), None, false, at(600)), Err(NoRetry::Late));
        let off = Retries { most: 0, ..USUAL };
        assert_eq!(off.offer(1, at(0), None, false, at(10)), Err(NoRetry::Off));
    }

    // P-227, P-238
    #[test]
    fn the_end_of_the_session_takes_the_place_of_the_time_for_retries() {
        assert_eq!(USUAL.offer(2, at(0), Some(at(5_000)), false, at(4_999)), Ok(at(5_000)));
        assert_eq!(USUAL.offer(2, at(0), Some(at(60)), false, at(60)), Err(NoRetry::Late));
    }

    // P-228, P-284
    #[test]
    fn a_customer_who_is_sent_away_after_a_decline_is_offered_nothing() {
        assert_eq!(USUAL.offer(1, at(0), None, true, at(10)), Err(NoRetry::SentAway));
    }
}
