//! Payment links, and payouts that wait for their recipient.

use super::{OperationKind, Payment, PaymentStatus, ReturnUrls};
use crate::{ids::OperationId, series::Registration, time::Timestamp};
use serde::{Deserialize, Serialize};

/// A link by which a customer pays once (G-431).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The operation that made it.
    pub operation: OperationId,
    /// What nobody can guess of its address; names the operation, too.
    pub token: String,
    /// The address.
    pub url: String,
    /// From when on nobody pays by it, business time (G-432).
    pub best_before: Timestamp,
    /// What comes of it when the customer confirms (G-433).
    #[serde(default)]
    pub pays: LinkPays,
    /// The method the customer is led to, by its code (G-433).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The token of the card it is paid with; any card when there is none (G-419, G-431).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_token: Option<String>,
    /// Whether the platform mails it (G-434).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mailed_by_platform: bool,
    /// The customer's language, as the merchant wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// 1 by mail, 2 by telephone (G-253).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moto: Option<u8>,
    /// Where the customer goes afterwards.
    #[serde(default)]
    pub return_urls: ReturnUrls,
    /// The series that is registered when the customer pays (G-444).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Box<Registration>>,
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPays {
    /// A debit (G-440).
    #[default]
    Sale,
    /// A hold.
    Auth,
    /// The registration of a series without moving money.
    ContractRegistration,
}

impl LinkPays {
    /// The operation that comes of it.
    pub const fn operation(self) -> OperationKind {
        match self {
            Self::Sale => OperationKind::Sale,
            Self::Auth => OperationKind::Auth,
            Self::ContractRegistration => OperationKind::ContractRegistration,
        }
    }
}

/// How a link stands for whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It may be paid.
    Open,
    /// Paying failed, and the customer may try again (G-441).
    Again,
    /// It is being paid.
    Underway,
    /// It was paid; also when money went back since.
    Paid,
    /// Paying failed.
    Declined,
    /// The merchant has withdrawn it.
    Canceled,
    /// Its time is over.
    Expired,
}

impl LinkState {
    /// How the link of `payment` stands at `now` (business time), whether or not anybody has looked at its timer yet
    /// (G-439).
    pub fn of(payment: &Payment, link: &Link, now: Timestamp) -> Self {
        match payment.status {
            PaymentStatus::AwaitingPayment | PaymentStatus::InvoiceSent if now < link.best_before => {
                Self::Open
            }
            PaymentStatus::AwaitingPayment | PaymentStatus::InvoiceSent | PaymentStatus::Expired => {
                Self::Expired
            }
            PaymentStatus::AwaitingCustomer if payment.attempt_time(now).is_some() => Self::Again,
            PaymentStatus::InvoiceCanceled => Self::Canceled,
            PaymentStatus::AwaitingCustomer | PaymentStatus::Decline | PaymentStatus::Error => Self::Declined,
            PaymentStatus::Success
            | PaymentStatus::AwaitingCapture
            | PaymentStatus::Canceled
            | PaymentStatus::PartiallyReversed
            | PaymentStatus::Reversed
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => Self::Paid,
            _ => Self::Underway,
        }
    }
}

/// A payout that waits for its recipient (G-330).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRegistration {
    /// What the merchant opens the recipient's page with; nobody can guess it.
    pub uuid: String,
    /// Until when the recipient may confirm, business time (G-331).
    pub expires: Timestamp,
    /// How many wrong codes were typed.
    #[serde(default)]
    pub wrong_codes: u8,
}
