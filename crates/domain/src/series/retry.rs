//! When a declined debit of a series is tried again (G-397 to G-400).

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// The next scheduled debit has to be at least this much later than the attempt: 12.5 hours after the last try where
/// tries are 12 hours apart, 24.5 where they are 24 (G-398).
const MARGIN: Duration = Duration::from_mins(30);

/// Hours from the first decline to each attempt of the platform's own plan: seven within six days (G-397).
const DEFAULT_HOURS: [u32; 7] = [12, 24, 48, 72, 96, 120, 144];

/// When a project tries declined debits again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryPlan {
    /// After 12 and 24 hours, and then daily to the sixth day (G-397).
    #[default]
    Standard,
    /// On these days after the decline, at its time of the day: up to ten different numbers from 1 to 10, in order
    /// (G-399, D-34).
    Days(Vec<u8>),
}

impl RetryPlan {
    /// From the first decline to the attempt with this number, counted from 0.
    fn offset(&self, number: usize) -> Option<Duration> {
        let hours = match self {
            Self::Standard => *DEFAULT_HOURS.get(number)?,
            Self::Days(days) => u32::from(*days.get(number)?).checked_mul(24)?,
        };
        HOUR.checked_mul(hours)
    }
}

/// When a debit that was declined first at `first` is tried next, after `made` attempts that were declined too. `None`
/// when no attempt is left, or the next scheduled debit comes too soon after it (G-398).
pub fn next_retry(
    plan: &RetryPlan,
    first: Timestamp,
    made: usize,
    next_debit: Option<Timestamp>,
) -> Option<Timestamp> {
    let at = first.plus(plan.offset(made)?);
    let in_time = next_debit.is_none_or(|debit| at.plus(MARGIN) <= debit);
    in_time.then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn hours(span: u64) -> Duration {
        Duration::from_hours(span)
    }

    // G-397
    #[test]
    fn the_standard_plan_has_seven_attempts_within_six_days() {
        let plan = RetryPlan::Standard;
        let attempts: Vec<_> = (0..).map_while(|made| next_retry(&plan, FIRST, made, None)).collect();
        let offsets: Vec<_> = attempts.iter().map(|at| at.since(FIRST).as_secs() / 3600).collect();
        assert_eq!(offsets, [12, 24, 48, 72, 96, 120, 144]);
    }

    // G-398
    #[test]
    fn an_attempt_needs_half_an_hour_more_than_its_step_before_the_next_debit() {
        let plan = RetryPlan::Standard;
        let at = |made, next: Duration| next_retry(&plan, FIRST, made, Some(FIRST.plus(next)));
        let half = Duration::from_mins(30);
        assert_eq!(at(0, hours(12) + half), Some(FIRST.plus(hours(12))));
        assert_eq!(at(0, hours(12) + Duration::from_mins(29)), None);
        // A daily series: one attempt, and the second would come too near to the next debit.
        assert!(at(0, hours(24)).is_some());
        assert_eq!(at(1, hours(24)), None);
        assert_eq!(at(2, hours(48) + half), Some(FIRST.plus(hours(48))));
        assert_eq!(at(2, hours(48)), None);
    }

    // G-399, G-400
    #[test]
    fn a_plan_of_ones_own_counts_days_from_the_first_decline() {
        let plan = RetryPlan::Days(vec![1, 4, 10]);
        let attempts: Vec<_> = (0..).map_while(|made| next_retry(&plan, FIRST, made, None)).collect();
        assert_eq!(attempts, [24, 96, 240].map(|span| FIRST.plus(hours(span))));
        assert_eq!(next_retry(&RetryPlan::Days(Vec::new()), FIRST, 0, None), None);
    }
}
