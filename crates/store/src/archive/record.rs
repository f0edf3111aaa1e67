//! A payment as an archive file has it: every row the database had of it, but its names, which stay taken there.
//!
//! Moments are UTC microseconds, amounts minor units of the currency beside them. Details and answers are the texts of the database
//! as they stood; bodies of callbacks are texts as they were signed. No card number is among them: cards stay in the vault.

use ferropay_domain::{
    ids::{PaymentKey, RequestId},
    ledger::Owner,
    money::Currency,
    payment::{Ask, AttemptStatus, OperationKind, OperationStatus, PaymentKind, PaymentStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// See [`Whole::tried`].
pub(crate) const TRIED_MODULO: i64 = 4_294_967_291;

/// A payment with everything that belongs to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whole {
    /// Its head.
    pub payment: Head,
    /// Its operations, in the order of their numbers.
    pub operations: Vec<Operation>,
    /// What providers were asked for, in the order of the references.
    pub attempts: Vec<Attempt>,
    /// The merchant's requests, in the order of their identifiers.
    pub requests: Vec<Request>,
    /// What the merchant was told, in order.
    pub callbacks: Vec<Callback>,
    /// What was booked, in the order of operations, kinds and legs.
    pub postings: Vec<Posting>,
    /// The moments of a schedule that its operations debited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
}

/// A payment's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The platform's name of it.
    pub key: PaymentKey,
    /// Its project.
    pub project: i64,
    /// The merchant's name of it, as written.
    pub id: String,
    /// What it was for.
    pub kind: String,
    /// Where it stood.
    pub status: String,
    /// The currency of the amounts that follow.
    pub currency: Currency,
    /// What was asked for.
    pub requested: i64,
    /// What was held.
    pub held: i64,
    /// What the customer paid.
    pub debited: i64,
    /// What was returned.
    pub returned: i64,
    /// Whether there was a refund.
    pub refunded_any: bool,
    /// When something was returned last.
    pub last_return_at: Option<i64>,
    /// How many callbacks there were.
    pub callbacks: u32,
    /// How often it was changed.
    pub version: u32,
    /// When it came into being.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// Everything else.
    pub detail: Box<RawValue>,
}

/// An operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Its number.
    pub id: i64,
    /// What it did.
    pub kind: String,
    /// How it ended.
    pub status: String,
    /// Its amount.
    pub minor: i64,
    /// The amount's currency.
    pub currency: Currency,
    /// The request that began it.
    pub request: RequestId,
    /// The code it ended with.
    pub code: i64,
    /// When it began.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// Everything else.
    pub detail: Box<RawValue>,
}

/// What a provider was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// The operation's number times 512, and the number of the attempt.
    pub reference: i64,
    /// The provider account.
    pub account: i64,
    /// For what.
    pub ask: String,
    /// How it ended.
    pub status: String,
    /// The amount.
    pub minor: i64,
    /// The amount's currency.
    pub currency: Currency,
    /// When it was recorded.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// How often it was approved after it had been given up.
    pub late_approvals: u8,
    /// What the provider answered.
    pub answer: Option<Box<RawValue>>,
}

/// A request of the merchant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// As it was answered.
    pub id: RequestId,
    /// The endpoint, without the version.
    pub path: String,
    /// The operation it began or was about.
    pub operation: Option<i64>,
    /// When it was accepted, real time.
    pub at: i64,
}

/// What the merchant was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Callback {
    /// Its number on the platform.
    pub id: i64,
    /// Its number among the payment's.
    pub number: u32,
    /// When it was made.
    pub created_at: i64,
    /// When it was first due.
    pub due: i64,
    /// As it was signed; empty where it had been forgotten before.
    pub body: String,
    /// Where it went.
    pub deliveries: Vec<Delivery>,
}

/// A callback on its way to one address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The position of the address.
    pub address: u8,
    /// The address.
    pub url: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The status of the last answer.
    pub status: u16,
    /// When it was tried last.
    pub tried_at: i64,
}

/// One leg of an entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Posting {
    /// The operation it belongs to.
    pub operation: i64,
    /// The number of the entry's kind.
    pub kind: u32,
    /// Its position in the entry.
    pub leg: u32,
    /// The account it stood on.
    pub account: Account,
    /// The amount, positive to the owner's credit.
    pub minor: i64,
    /// Whether it settled what had been held.
    pub settled: bool,
    /// When it was booked.
    pub at: i64,
}

/// An account by what it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// Whose: `merchant`, `customers`, `provider`, `fees`, `suspense`, `opening` or `exchange`.
    pub owner: String,
    /// Of which project, or of which provider account.
    pub of: i64,
    /// In which currency, as ISO 4217 calls it.
    pub currency: String,
}

/// A moment of a schedule that was debited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slot {
    /// The series.
    pub series: i64,
    /// The moment.
    pub at: i64,
    /// The debit.
    pub operation: i64,
}

/// What postings come to for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The account.
    pub account: Account,
    /// Their sum.
    pub minor: i64,
    /// How many there are.
    pub postings: u64,
}

impl Whole {
    /// The moments at which deliveries were tried last, each by the remainder modulo [`TRIED_MODULO`] so that the sum stays in range, added
    /// up: it changes when one is tried again, which is done without a change of the payment.
    pub(crate) fn tried(&self) -> i64 {
        let all = self.callbacks.iter().flat_map(|callback| &callback.deliveries);
        all.fold(0, |sum: i64, it| sum.saturating_add(it.tried_at.rem_euclid(TRIED_MODULO)))
    }
}

/// A number that no release knows the meaning of.
#[derive(Debug, thiserror::Error)]
#[error("{what} {number} has no meaning")]
pub(crate) struct Unknown {
    what: &'static str,
    number: i64,
}

impl Account {
    /// The account with these columns.
    pub(crate) fn from_columns(kind: u8, owner: i64, currency: Currency) -> Result<Self, Unknown> {
        let name = match Owner::from_parts(kind, owner) {
            Some(Owner::Merchant(_)) => "merchant",
            Some(Owner::Customers(_)) => "customers",
            Some(Owner::Provider(_)) => "provider",
            Some(Owner::Fees(_)) => "fees",
            Some(Owner::Suspense(_)) => "suspense",
            Some(Owner::Opening(_)) => "opening",
            Some(Owner::Exchange(_)) => "exchange",
            None => return Err(Unknown { what: "the kind of account", number: kind.into() }),
        };
        Ok(Self { owner: name.to_owned(), of: owner, currency: currency.code().to_owned() })
    }
}

macro_rules! words {
    ($($name:ident: $kind:ident, $what:literal;)*) => {
        $(
            /// The word for a number.
            pub(crate) fn $name(number: u8) -> Result<String, Unknown> {
                let known = $kind::from_number(number).ok_or(Unknown { what: $what, number: number.into() })?;
                Ok(known.text().to_owned())
            }
        )*
    };
}

words! {
    payment_kind: PaymentKind, "the kind of payment";
    payment_status: PaymentStatus, "the status of a payment";
    operation_kind: OperationKind, "the kind of operation";
    operation_status: OperationStatus, "the status of an operation";
    attempt_ask: Ask, "the order of an attempt";
    attempt_status: AttemptStatus, "the status of an attempt";
}
