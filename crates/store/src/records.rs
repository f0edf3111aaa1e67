//! What is read from the store.

use crate::vault::Sealed;
use ferropay_domain::{
    callback::{Problem, Subject},
    card::CardRange,
    change::{BUCKETS, TaskKey},
    decide::Facts,
    ids::{CallbackId, OperationId, PaymentKey, ProjectId, RequestId},
    ledger::AccountKey,
    money::{Currency, Rate},
    payment::{Attempt, Operation, Payment},
    project::Project,
    risk::{Feature, List},
    series::Series,
    time::Timestamp,
};
use uuid::Uuid;

/// An operation with its latest attempt.
#[derive(Clone, Debug)]
pub struct OperationRow {
    /// The operation.
    pub operation: Operation,
    /// Its latest attempt, when it went to a provider.
    pub attempt: Option<Attempt>,
}

/// Everything a decision about an attempt needs.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The payment's head.
    pub payment: Payment,
    /// The operation.
    pub operation: Operation,
    /// The attempt.
    pub attempt: Attempt,
    /// The series that the operation debits.
    pub series: Option<Box<Series>>,
}

/// An operation with its payment and its latest attempt.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The payment's head.
    pub payment: Payment,
    /// The operation.
    pub operation: Operation,
    /// Its latest attempt, when it has one.
    pub attempt: Option<Attempt>,
    /// The series that the operation debits.
    pub series: Option<Box<Series>>,
}

impl Scene {
    /// What a decision about the attempt is made on.
    pub fn facts(&self) -> Facts<'_> {
        let Self { payment, operation, attempt, series } = self;
        Facts { payment, operation, attempt: Some(attempt), series: series.as_deref() }
    }
}

impl Standing {
    /// What a decision about the operation is made on.
    pub fn facts(&self) -> Facts<'_> {
        let Self { payment, operation, attempt, series } = self;
        Facts { payment, operation, attempt: attempt.as_ref(), series: series.as_deref() }
    }
}

/// A merchant request as kept.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// Identity.
    pub id: RequestId,
    /// The project that sent it.
    pub project: ProjectId,
    /// The endpoint, without the version.
    pub path: String,
    /// The merchant's name of the payment.
    pub payment_id: String,
    /// The payment, when one exists.
    pub payment: Option<PaymentKey>,
    /// The operation, when one exists.
    pub operation: Option<OperationId>,
    /// Codes and fields of what kept an operation from being created.
    pub problems: Vec<Problem>,
    /// When it was accepted, real time.
    pub at: Timestamp,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be sent, for the first time or again.
    Open,
    /// Answered with 200.
    Delivered,
    /// Given up after the last attempt; waits for an operator.
    Parked,
}

impl DeliveryState {
    /// The number kept.
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Delivered => 2,
            Self::Parked => 3,
        }
    }

    /// The state kept as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Open),
            2 => Some(Self::Delivered),
            3 => Some(Self::Parked),
            _ => None,
        }
    }
}

/// A callback on its way to one address.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The callback.
    pub callback: CallbackId,
    /// Position of the address.
    pub address: u8,
    /// The project.
    pub project: ProjectId,
    /// What it is about.
    pub subject: Subject,
    /// Its number among the subject's callbacks.
    pub number: u32,
    /// The address.
    pub url: String,
    /// The signed body.
    pub body: std::sync::Arc<str>,
    /// Tries so far.
    pub attempts: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was first due, business time.
    pub due: Timestamp,
}

/// An earlier callback that has not arrived yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDelivery {
    /// The callback.
    pub callback: CallbackId,
    /// Tries so far.
    pub attempts: u32,
    /// When it was first due, business time.
    pub due: Timestamp,
    /// When it is tried next, business time; none when no task is left.
    pub next: Option<Timestamp>,
}

/// Which callbacks to list.
#[derive(Clone, Debug, Default)]
pub struct CallbackFilter {
    /// Of one project.
    pub project: Option<ProjectId>,
    /// Of one payment.
    pub payment: Option<PaymentKey>,
    /// With a delivery in this state.
    pub state: Option<DeliveryState>,
    /// At most this many.
    pub limit: u32,
}

/// A callback with one of its deliveries, as the log shows it.
#[derive(Clone, Debug)]
pub struct CallbackRow {
    /// The callback on its way; when it has no address, `url` is empty.
    pub delivery: Delivery,
    /// When it was made, business time.
    pub created_at: Timestamp,
    /// HTTP status of the last answer, 0 when there was none.
    pub status: u16,
    /// When it was tried last, business time.
    pub tried_at: Option<Timestamp>,
}

/// A project's secret: sealed, with the moment it stops being valid when it is being replaced.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The sealed key.
    pub sealed: Sealed,
    /// Real time; none for the current secret.
    pub valid_until: Option<Timestamp>,
}

/// A project as kept.
#[derive(Clone, Debug)]
pub struct ProjectRecord {
    /// The project.
    pub project: Project,
    /// A name for people.
    pub name: String,
    /// Its secrets, the current one first; at most two.
    pub secrets: Vec<Secret>,
    /// How far a test project's clock is ahead, microseconds.
    pub clock_offset: i64,
    /// How often it was saved; 0 before the first time. Moving the clock does not count.
    pub revision: i64,
}

/// What a store knows a node by.
///
/// The number alone comes back when a database is set back to an earlier moment: then the next node that starts gets that of one
/// which the database has forgotten, and which may still run. So each has a token that is drawn for it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId {
    /// The number of its row, one more than that of the node before.
    pub row: i64,
    /// Drawn when it was registered.
    pub token: Uuid,
}

/// This process among all nodes.
#[derive(Clone, Debug)]
pub struct Node {
    /// What the store knows it by.
    pub id: NodeId,
    /// 0 to 255, distinct from every node that may still be running.
    pub number: u8,
    /// The epoch in which each bucket is owned, by bucket; 0 where it is not.
    pub epochs: [i64; BUCKETS as usize],
    /// The greatest number that was ever drawn as an operation's, a callback's or a customer's card's, as far as this
    /// database or a provider it was compared with knows. Whatever the clock says, the next one is of a later second.
    pub highest: i64,
}

/// An account's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account.
    pub account: AccountKey,
    /// Sum of all postings, minor units.
    pub posted: i64,
    /// Held for running operations, minor units.
    pub held: i64,
}

/// One thing that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that is broken, as a short name.
    pub rule: &'static str,
    /// Where, with identifiers and figures.
    pub detail: String,
}

/// The result of an audit.
#[derive(Clone, Debug, Default)]
pub struct AuditReport {
    /// Payments looked at.
    pub payments: u64,
    /// Payments that were archived: what they posted is in the balances.
    pub archived: u64,
    /// Operations looked at.
    pub operations: u64,
    /// Postings looked at.
    pub postings: u64,
    /// Callbacks looked at.
    pub callbacks: u64,
    /// Tasks still to be done.
    pub tasks: u64,
    /// Card verification values still stored.
    pub verification_values: u64,
    /// Operations that are not final.
    pub unfinished: u64,
    /// Everything that does not agree; empty for a sound database. At most 1,000 are kept.
    pub findings: Vec<Finding>,
}

/// Something that stands on a list of risk control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskEntry {
    /// The list.
    pub list: List,
    /// What of an operation it is about.
    pub feature: Feature,
    /// Its value, in the form in which it is compared.
    pub value: String,
    /// Why it stands there, for people.
    pub note: String,
    /// Since when, real time.
    pub added_at: Timestamp,
}

/// The operator's table of card ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardTable {
    /// How often it was replaced.
    pub revision: i64,
    /// The ranges; none where the built-in ones hold again.
    pub ranges: Option<Vec<CardRange>>,
}

/// What one currency is worth in another, from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    /// The currency that is converted.
    pub from: Currency,
    /// Into which.
    pub to: Currency,
    /// Units of the second for one unit of the first.
    pub rate: Rate,
    /// From when on, business time.
    pub valid_from: Timestamp,
    /// Until when, business time; until the next one begins when not stated.
    pub valid_until: Option<Timestamp>,
}

/// What waits, counted for whoever watches the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Tasks that are due, by clock and kind.
    pub due: Vec<DueWork>,
    /// Deliveries that are neither made nor given up, due or not.
    pub deliveries_open: u64,
    /// Deliveries that are given up.
    pub deliveries_parked: u64,
    /// Attempts whose outcome is unknown, or that are being undone.
    pub attempts_unknown: u64,
}

/// Tasks of one kind that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueWork {
    /// One of them, which tells the kind.
    pub example: TaskKey,
    /// By whose clock.
    pub clock: Option<ProjectId>,
    /// How many.
    pub count: u64,
    /// How many of them were put off at least once.
    pub retried: u64,
    /// Since when the first is due, by that clock.
    pub earliest: Timestamp,
}
