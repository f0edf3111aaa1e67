//! Payments, their operations, and the attempts at providers.
//!
//! The payment's head holds totals and the open operation, never the list of operations, so that deciding
//! costs the same however long a payment's history is.

mod attempts;
mod authentication;
mod card_request;
mod conversion;
mod link;
pub mod machine;
mod method;
mod network_token;
mod status;
mod transfer;

pub use attempts::{Attempts, PastCard};
pub use authentication::{
    Authenticated, Authentication, AuthenticationFlow, AuthenticationResult, AuthenticationStep, Exemption,
    Form, TransStatus,
};
pub use card_request::{Addendum, Avs, CardRequest, CurrencyChoice, MerchantAuthStep, StoredCard, Wait};
pub use conversion::{ChannelTotals, Conversion};
pub use link::{Link, LinkPays, LinkState, PayoutRegistration};
pub use method::{Consent, DisplayItem, MethodPayment, ReturnUrls, Shown};
pub use network_token::NetworkToken;
pub(crate) use status::named;
pub use status::{Ask, AttemptStatus, OperationKind, OperationStatus, PaymentKind, PaymentStatus};
pub use transfer::Transfer;

use crate::{
    card::{CardSummary, DeviceWallet, Network},
    codes::{self, Code},
    ids::{AttemptId, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId, RequestId, SeriesId},
    instrument::InstrumentView,
    method::MethodRef,
    money::{Currency, Money},
    series::SeriesStep,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often an aggregate has changed; every change set names the version it was decided on.
pub type Version = u32;

/// A payment's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Identity inside the platform.
    pub key: PaymentKey,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The merchant's name for it.
    pub id: PaymentId,
    /// What it is for.
    pub kind: PaymentKind,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// What was asked for, minor units.
    pub requested: i64,
    /// What is held, minor units; after the hold has ended, what was held last (D-52).
    pub held: i64,
    /// What the customer has paid, minor units.
    pub debited: i64,
    /// What has been returned, minor units.
    pub returned: i64,
    /// What running returns will return, minor units; `debited` is never below `returned + returning`.
    pub returning: i64,
    /// Whether any return was a `refund` and not a `reversal` (D-25).
    pub refunded_any: bool,
    /// The operation that is not final, if any; there is at most one.
    pub open: Option<OperationId>,
    /// When the last return passed its preconditions (G-280), in the project's business time.
    pub last_return_at: Option<Timestamp>,
    /// How many callbacks it has had.
    pub callbacks: u32,
    /// Version of this head.
    pub version: Version,
    /// When it was accepted, business time.
    pub created_at: Timestamp,
    /// When its status last changed, business time.
    pub updated_at: Timestamp,
    /// What does not take part in most decisions.
    pub detail: PaymentDetail,
}

/// The descriptive part of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentDetail {
    /// Free text of the merchant (G-080); empty when none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who pays.
    pub customer: Customer,
    /// The card, if one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardSummary>,
    /// The customer's card known to the project that it was made with, or that became known by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<Box<InstrumentView>>,
    /// The wallet that handed the card out, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<DeviceWallet>,
    /// The payment method, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Box<MethodPayment>>,
    /// Where its money goes on to, when it is the debit of a transfer (G-488).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// All callbacks of this payment go here when set (G-083).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The merchant's opaque text (G-264).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_data: Option<String>,
    /// The debit that returns refer to, or the credit that a payout's reversal refers to; set when it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit: Option<Debit>,
    /// The hold that captures and releases refer to; set when it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Authorisation>,
    /// What it comes to at the provider, when it is processed in another currency (G-448).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Box<ChannelTotals>>,
    /// The provider's last word on whether its money reached whom it is for (G-160, G-309), once it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
    /// What is left of it goes back once the return that is under way has ended: its provider has said meanwhile that it was
    /// never credited (G-161).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_back: bool,
    /// Refunds that were taken back (G-307); none twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds_undone: Vec<OperationId>,
    /// Data supplied on demand, by dotted path of the request's member (G-219).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub supplied: BTreeMap<String, String>,
    /// Whether it began with data of a trip, so that later messages may have some (G-265); none when nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_trip: Option<bool>,
    /// Echoed booking data as JSON text (G-156); never interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<String>,
    /// The series that it registered or belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesId>,
    /// The link by which the customer pays (G-431).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Box<Link>>,
    /// What the customer may still do when the purchase fails; none where the project has none of that (G-512).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Box<Attempts>>,
    /// How the recipient of a payout comes to it (G-330).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Box<PayoutRegistration>>,
}

/// A debit, or a payout's credit, that succeeded at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// The attempt that took the money.
    pub attempt: AttemptId,
    /// Where.
    pub account: ProviderAccountId,
    /// When, business time; the operation day counts from it (G-289).
    pub at: Timestamp,
    /// The card's network; [`Network::Other`] without a card.
    pub network: Network,
}

/// A hold that was placed at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorisation {
    /// The attempt that placed it.
    pub attempt: AttemptId,
    /// Where.
    pub account: ProviderAccountId,
    /// When its operation was created, business time; the longest hold counts from it (G-180).
    pub at: Timestamp,
    /// The card's network.
    pub network: Network,
    /// What was held first, minor units; the rule on changes refers to it (G-185).
    pub initial: i64,
    /// When the network lets the hold go, business time; none when it has no limit (G-181).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

/// Who pays, as the merchant described them (G-099).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Unique in the project (G-062).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// IP address as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Middle name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The language of mails to them, as the merchant wrote it; kept where the project mails results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Customer {
    /// Whether mails reach them.
    pub fn has_address(&self) -> bool {
        self.email.as_deref().is_some_and(|address| !address.is_empty())
    }
}

impl Payment {
    /// What may still be returned, minor units: everything debited less everything returned or being returned.
    pub fn returnable(&self) -> i64 {
        self.debited.saturating_sub(self.returned).saturating_sub(self.returning)
    }

    /// The payment method, when it is not a card.
    pub fn method(&self) -> Option<MethodRef> {
        self.detail.method.as_ref().map(|it| it.method)
    }

    /// The code when nobody ever learnt of an operation's outcome.
    pub fn time_out_code(&self) -> Code {
        if self.method().is_some() { codes::METHOD_TIME_OUT } else { codes::CARD_TIME_OUT }
    }

    /// `payment.sum`: the requested amount until something is held, then the hold as it stood last (D-52), and what is
    /// left once something was debited (G-096, G-295).
    pub fn sum(&self) -> Money {
        let minor = match (self.debited, self.held) {
            // A payout that came back (M-035).
            (0, 0) if self.kind == PaymentKind::Payout && self.status == PaymentStatus::Reversed => 0,
            (0, 0) => self.requested,
            (0, held) => held,
            (debited, _) => debited.saturating_sub(self.returned),
        };
        Money::new(minor, self.currency)
    }
}

/// One thing done to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Unique over the platform.
    pub id: OperationId,
    /// The payment it belongs to.
    pub payment: PaymentKey,
    /// The project of that payment.
    pub project: ProjectId,
    /// What it does.
    pub kind: OperationKind,
    /// Where it stands.
    pub status: OperationStatus,
    /// The amount as requested (G-104).
    pub amount: Money,
    /// The request that caused it (G-022).
    pub request: RequestId,
    /// Response code; [`crate::codes::AWAITING`] until final (G-050).
    pub code: Code,
    /// When it was created, business time.
    pub created_at: Timestamp,
    /// When its status last changed, business time.
    pub updated_at: Timestamp,
    /// What does not take part in most decisions.
    pub detail: OperationDetail,
}

/// A provider account through which a card purchase failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTry {
    /// The account.
    pub account: ProviderAccountId,
    /// Why, in terms of the unified table.
    pub code: Code,
}

/// The descriptive part of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationDetail {
    /// Reason of a refund (G-105) or a second step, as the request has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The merchant's own identifier of a refund (G-303).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_refund_id: Option<String>,
    /// Electronic commerce indicator, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eci: Option<String>,
    /// How it is converted, when it is processed in another currency (G-447).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Box<Conversion>>,
    /// What the operation costs the merchant, minor units: fixed when a return starts or a sale is approved.
    #[serde(default)]
    pub fee_minor: i64,
    /// Seconds to wait before the callback is sent (G-085).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_delay: Option<u32>,
    /// Informational callbacks are suppressed (G-084).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub callback_disabled: bool,
    /// Fault the simulated provider is asked to show; test projects only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_plan: Option<String>,
    /// What was asked of the card beyond the plain debit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<CardRequest>>,
    /// How the customer is authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Box<Authentication>>,
    /// What the operation waits for, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Box<Wait>>,
    /// What the customer needs to go on, while the operation waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Box<Shown>>,
    /// How often a payout may still be tried again, fixed when it is accepted: retries hold for payouts made after
    /// they were switched on (G-335).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries_left: u8,
    /// How often it is tried again by now, or waits for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries_made: u8,
    /// What the customer paid instead of what was asked for, minor units as the provider counts, while support has not
    /// decided about it (G-162).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_otherwise: Option<i64>,
    /// Accounts a card purchase has failed through, in their order (G-516).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tries: Vec<FailedTry>,
    /// Whether the merchant was asked about it, where the project wants that (G-092).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<MerchantWord>,
    /// The refund that this operation takes back (G-307).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<OperationId>,
    /// Made by the platform, not by a request: nobody is told of it on its own (D-12), or the limit of a hold came
    /// near (G-181).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    /// What it has to do with a series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Box<SeriesStep>>,
}

/// Whether the merchant's word about an operation is known (G-092).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantWord {
    /// It is asked for.
    Asked,
    /// It is known, or nobody gave it.
    Given,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the serialiser asks for it")]
const fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// One try of an operation at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Operation and number.
    pub id: AttemptId,
    /// The payment of that operation.
    pub payment: PaymentKey,
    /// Where it goes.
    pub account: ProviderAccountId,
    /// What is asked.
    pub ask: Ask,
    /// Where it stands.
    pub status: AttemptStatus,
    /// What is asked for.
    pub amount: Money,
    /// When it was recorded, real time: its message carries this moment.
    pub created_at: Timestamp,
    /// When its status last changed, real time.
    pub updated_at: Timestamp,
    /// What waits in suspense because the provider did the attempt after it had been given up, minor units.
    pub suspended: i64,
    /// How often such an approval came.
    pub late_approvals: u8,
    /// What the provider answered, if it did.
    pub answer: Option<ProviderAnswer>,
}

impl Attempt {
    /// The first attempt of an operation, recorded at `now` (real time) and not sent yet.
    pub fn first(operation: &Operation, account: ProviderAccountId, now: Timestamp) -> Self {
        Self {
            id: AttemptId::first(operation.id),
            payment: operation.payment,
            account,
            ask: Ask::first_of(operation.kind),
            status: AttemptStatus::Created,
            amount: operation.processed(),
            created_at: now,
            updated_at: now,
            suspended: 0,
            late_approvals: 0,
            answer: None,
        }
    }
}

/// What a provider said about an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderAnswer {
    /// The provider's own result code, as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result_code: String,
    /// The provider's identifier of the transaction.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub payment_id: String,
    /// Approval code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub auth_code: String,
    /// Network identifier for later credential-on-file operations (G-106).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scheme_id: String,
    /// Result of the address check: one letter (G-233).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avs_result: String,
    /// Result of the check of the cardholder's name: one letter (G-237).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_check: String,
    /// What it said of the crediting, where it says anything of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
    /// While it is under way: the code that says how long to wait, where it says so (G-486).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Code>,
    /// The customer is done there, and the provider is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finalizing: bool,
    /// What it said in words, and what it hands on to the merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Box<AnswerWords>>,
    /// When it answered, real time.
    #[serde(default)]
    pub at: Timestamp,
}

/// What a provider said in words of its own, and what it hands on (G-098, G-102, G-128).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerWords {
    /// The text that goes with its result code; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// A longer text of a refusal; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Members for the merchant, such as the customer's account there, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_fields: BTreeMap<String, String>,
}

/// Whether what a provider has done reached whom it is for, as it says itself, often days later (G-160, G-309).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credit {
    /// It will say.
    Pending,
    /// It did.
    Confirmed,
    /// It did not, and never will.
    Failed,
}
