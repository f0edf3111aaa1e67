//! Additional attempts: a customer whose purchase failed tries again, with another card or the same, and it stays one
//! payment (G-512).

use super::{OperationKind, Payment, PaymentStatus};
use crate::{card::CardSummary, ids::OperationId, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a purchase's customer may still do when it fails. It is fixed when the payment is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// What is done again: `Sale` or `Auth` (G-515).
    pub kind: OperationKind,
    /// How many attempts may still be begun.
    pub left: u8,
    /// How many were begun.
    #[serde(default)]
    pub begun: u8,
    /// How long after the first failure they may be begun, seconds.
    pub seconds: u32,
    /// Until when they may be begun, business time; known from the first failure on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The operation that failed last; it has the timer while the customer is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<OperationId>,
    /// Cards that were tried before the payment's present one: what is undone of them goes to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<PastCard>,
}

/// A card that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastCard {
    /// By which operation.
    pub operation: OperationId,
    /// The card.
    pub card: CardSummary,
}

impl Attempts {
    /// When the time for attempts is over, should the purchase fail at `now` (business time): it counts from the first
    /// failure.
    pub fn ends(&self, now: Timestamp) -> Timestamp {
        self.until.unwrap_or_else(|| now.plus(Duration::from_secs(u64::from(self.seconds))))
    }
}

impl Payment {
    /// How long the customer may still try again at `now` (business time); none when there is nothing to try again, or
    /// the time is over although nobody has looked at the timer yet.
    pub fn attempt_time(&self, now: Timestamp) -> Option<Duration> {
        let until = self.detail.attempts.as_deref()?.until?;
        let waits = self.status == PaymentStatus::AwaitingCustomer && now < until;
        waits.then(|| until.since(now))
    }

    /// The card that `operation` is about: the payment's, or one that was tried before.
    pub fn card_of(&self, operation: OperationId) -> Option<&CardSummary> {
        let past = self.detail.attempts.as_deref().map_or(&[][..], |attempts| &attempts.past);
        let tried = past.iter().find(|past| past.operation == operation).map(|past| &past.card);
        tried.or(self.detail.card.as_ref())
    }
}
