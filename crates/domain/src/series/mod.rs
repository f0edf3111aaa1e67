//! Series of payments with stored credentials: what the platform knows of one, when a debit is due, how long the series
//! runs, and when a declined debit is tried again.
//!
//! A series is an aggregate of its own beside the payments it brings: it has a version that guards every change of it, and
//! one timer for whatever it does by itself. It remembers the debit that is open, so that there is one at most, and the
//! moment of the schedule that comes next.

mod expiry;
mod machine;
mod record;
mod retry;
mod schedule;

pub use expiry::{ExpiryParts, InvalidExpiry, valid_thru};
pub use machine::{SERIES, SeriesEvent, SeriesRow, series_after};
pub(crate) use record::day_of;
pub use record::{
    Agreement, DebitThere, Due, Plan, Registration, Retry, Scheduled, Series, SeriesDebit, SeriesDetail,
    SeriesKind, SeriesStatus, SeriesStep,
};
pub use retry::{RetryPlan, next_retry};
pub use schedule::{Interval, InvalidInterval, Period, Schedule, Slot};
