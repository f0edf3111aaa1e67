//! Series of payments with stored credentials: when a debit is due, how long the series runs, and when a declined debit
//! is tried again.
//!
//! Only calendar rules so far: which moments follow from what the merchant registered.

mod expiry;
mod retry;
mod schedule;

pub use expiry::{ExpiryParts, InvalidExpiry, valid_thru};
pub use retry::{RetryPlan, next_retry};
pub use schedule::{Interval, InvalidInterval, Period, Schedule, Slot};
