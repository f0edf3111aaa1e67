//! What a decision about an operation is made on.

use crate::{
    change::MachineBreak,
    payment::{Attempt, Operation, Payment},
    series::Series,
};

/// A payment, one of its operations, the attempt the decision is about or the latest one, and the series that a debit with
/// stored credentials belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The payment.
    pub payment: &'a Payment,
    /// The operation.
    pub operation: &'a Operation,
    /// The attempt, when there is one.
    pub attempt: Option<&'a Attempt>,
    /// The series; decisions about its debits cannot be made without it.
    pub series: Option<&'a Series>,
}

impl<'a> Facts<'a> {
    /// The facts with the attempt that the decision is about.
    ///
    /// # Errors
    /// There is none, which is a defect.
    pub(super) fn about_attempt(self, event: &'static str) -> Result<(Self, &'a Attempt), MachineBreak> {
        let attempt = self.attempt.ok_or(MachineBreak { from: "no attempt", event })?;
        Ok((self, attempt))
    }
}

impl<'a> From<(&'a Payment, &'a Operation, Option<&'a Attempt>)> for Facts<'a> {
    fn from((payment, operation, attempt): (&'a Payment, &'a Operation, Option<&'a Attempt>)) -> Self {
        Self { payment, operation, attempt, series: None }
    }
}

impl<'a> From<(&'a Payment, &'a Operation, &'a Attempt)> for Facts<'a> {
    fn from((payment, operation, attempt): (&'a Payment, &'a Operation, &'a Attempt)) -> Self {
        Self { payment, operation, attempt: Some(attempt), series: None }
    }
}
