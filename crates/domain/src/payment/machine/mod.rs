//! The machines, as tables. A transition that is not in a table does not exist: asking for it is the error
//! 3081 for operations and a refused decision for payments and attempts.

mod attempts;
mod operations;
mod payments;

pub use attempts::{ATTEMPTS, AttemptEvent, attempt_after};
pub use operations::{Event, Notice, OPERATIONS, PaymentEffect, Transition, transition};
pub use payments::{
    AUTOMATIC, CONTRACT, LINK, ON_DEMAND, ONE_STEP_PURCHASE, PAYOUT, PaymentMachine, PaymentRow,
    TWO_STEP_PURCHASE, VERIFICATION, payment_may_become,
};
