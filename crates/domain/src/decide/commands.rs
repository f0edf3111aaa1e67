//! What is asked for, with every value in its type, and what is known besides.

use super::{
    CallbackOptions, RequestHead,
    risk::{AtRisk, RiskFacts},
};
use crate::{
    card::{CardSummary, DeviceWallet, Origin},
    change::ChangeSet,
    ids::{AuthenticationId, PaymentId},
    money::{Currency, Money, Rate},
    payment::{Authentication, AuthenticationResult, CardRequest, Customer, Form, OperationKind},
    risk::{Direction, Means},
    series::Registration,
};
use std::collections::BTreeMap;

/// A card purchase in one or two steps, or the verification of a card, as it was accepted.
#[derive(Clone, Debug)]
pub struct CardCommand {
    /// The request.
    pub head: RequestHead,
    /// `Sale`, `Auth` or `AccountVerification`.
    pub kind: OperationKind,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What to debit or hold; zero for a verification.
    pub amount: Money,
    /// The card, without number and verification value.
    pub card: CardSummary,
    /// Whether a verification value came with it.
    pub has_cvv: bool,
    /// Particulars: partial approval, mail order, address check and so on, as requested; what the project does not
    /// allow is left out by the decision.
    pub request: CardRequest,
    /// How the customer may be authenticated.
    pub three_ds: ThreeDsRequest,
    /// Who pays.
    pub customer: Customer,
    /// Free text.
    pub description: String,
    /// Opaque text to be echoed.
    pub merchant_data: Option<String>,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Whether the booking data says from when to when (G-155).
    pub has_booking_dates: bool,
    /// Members that some rule of the project demands, by dotted path; those that the request has.
    pub given: BTreeMap<String, String>,
    /// The series it is to register.
    pub registration: Option<Box<Registration>>,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

impl CardCommand {
    /// What risk control looks at.
    pub fn at_risk(&self) -> AtRisk<'_> {
        AtRisk {
            direction: Direction::In,
            means: Means::Card(&self.card),
            customer: &self.customer,
            description: &self.description,
            amount: self.amount,
        }
    }
}

/// How the customer of a card operation may be authenticated.
#[derive(Clone, Debug, Default)]
pub struct ThreeDsRequest {
    /// Where the customer returns to after a challenge (`acs_return_url.return_url`).
    pub return_url: Option<String>,
    /// Where the issuer's page says that it has seen the browser; with it the merchant leads the customer (G-199).
    pub notification_url: Option<String>,
    /// Members for the directory server by dotted path (G-191 to G-193); only collected when a range takes part.
    pub data: BTreeMap<String, String>,
    /// What the merchant's own authentication brought (G-207).
    pub supplied: Option<SuppliedAuthentication>,
}

impl ThreeDsRequest {
    /// The addresses that an authentication which was asked for before came with.
    pub fn addressed_as(known: &Authentication) -> Self {
        Self {
            return_url: Some(known.return_url.clone()).filter(|url| !url.is_empty()),
            notification_url: known.notification_url.clone(),
            ..Self::default()
        }
    }
}

/// Authentication done by the merchant (G-208, G-209).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppliedAuthentication {
    /// Result: status, indicator, value.
    pub result: AuthenticationResult,
    /// Base64 of 20 bytes.
    pub xid: String,
    /// The directory server's identifier.
    pub ds_transaction: Option<String>,
    /// Full version of the protocol, or `1`, `2`.
    pub version: String,
}

/// The card takes part in 3-D Secure: what an authentication of it would begin with.
#[derive(Clone, Debug)]
pub struct RangeFacts {
    /// Identifier drawn for the authentication.
    pub id: AuthenticationId,
    /// Version of the protocol.
    pub version: String,
    /// The form that shows the browser to the issuer, made for the merchant's notification address (extended flow)
    /// or for the platform's page (basic flow); none when the issuer does not want to see it.
    pub device_form: Option<Form>,
    /// The form that brings the customer to the platform's page (basic flow).
    pub page: Form,
    /// The value the merchant is to return unchanged.
    pub md: String,
}

/// What is known besides when a card operation is decided.
#[derive(Clone, Debug, Default)]
pub struct CardFacts {
    /// What risk control knows.
    pub risk: RiskFacts,
    /// The rate at which the project converts the currency at the moment.
    pub rate: Option<Rate>,
    /// None when the card does not take part in 3-D Secure.
    pub range: Option<RangeFacts>,
    /// The name for the payment of the series' debits is taken.
    pub scheduled_name_taken: bool,
    /// The token the card came in; none when the request has the card itself.
    pub wallet: Option<Box<WalletFacts>>,
    /// What is known of the card that the money goes on to, where the request names one.
    pub recipient: Option<Box<Origin>>,
    /// The saved account that is debited at one click has been deleted since.
    pub account_is_gone: bool,
}

/// What is known of the wallet's token a card came in.
#[derive(Clone, Debug)]
pub struct WalletFacts {
    /// The wallet.
    pub wallet: DeviceWallet,
    /// The wallet's identifier of the token, good for one payment.
    pub token_id: String,
    /// What the customer confirmed, minor units and currency, where the token says it.
    pub confirmed: Option<(i64, Currency)>,
}

/// What is known besides when a second step is decided.
#[derive(Clone, Debug)]
pub struct SecondStepFacts {
    /// The smallest amount of the payment's currency that is worth a US cent, in minor units (G-184).
    pub smallest_rest: i64,
}

/// The second step of a purchase: `Capture`, `Cancel` or `Incremental` (G-169 to G-176).
#[derive(Clone, Debug)]
pub struct SecondStepCommand {
    /// The request.
    pub head: RequestHead,
    /// What is asked for.
    pub kind: OperationKind,
    /// How much; the whole hold when not stated.
    pub amount: Option<Money>,
    /// Customer of an increment; has to be that of the hold.
    pub customer: Option<String>,
    /// Why, when the request says so.
    pub description: Option<String>,
    /// Whether it has data of a trip (G-265).
    pub has_trip: bool,
    /// Members that some rule of the project demands, by dotted path; those that the request has.
    pub given: BTreeMap<String, String>,
    /// Callback options; the payment's own address stays.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

/// What asking the directory server about a customer has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationOutcome {
    /// Decided without the customer.
    Decided {
        /// The decision.
        result: AuthenticationResult,
        /// The directory server's identifier.
        ds_transaction: String,
        /// The issuer's identifier.
        acs_transaction: String,
        /// What the issuer wants the customer to be told.
        cardholder_info: Option<String>,
    },
    /// The issuer asks the customer.
    Challenge {
        /// The directory server's identifier.
        ds_transaction: String,
        /// The issuer's identifier.
        acs_transaction: String,
        /// What the issuer wants the customer to be told.
        cardholder_info: Option<String>,
        /// What the browser posts to the issuer.
        form: Form,
    },
    /// Nobody decided: no answer in time, an error message, an answer that breaks the protocol.
    Unavailable {
        /// Why, for the operator.
        reason: String,
    },
}

/// A request that follows up on an operation that waits.
#[derive(Clone, Debug)]
pub enum FollowUp {
    /// `3ds_check_iframe`: whether the issuer said in time that it has seen the browser (G-201).
    DeviceData {
        /// Whether it did.
        seen: bool,
    },
    /// `3ds_result`: the customer is back; what was brought back has been checked to belong to this authentication
    /// (G-203).
    Returned,
    /// `merchant_auth` start (G-213).
    StartMerchantAuth,
    /// `merchant_auth` finish, with the customer's code (G-213).
    FinishMerchantAuth {
        /// The code.
        code: String,
    },
    /// `clarification`: values by dotted path (G-219).
    Clarification {
        /// The values; members nobody asked for are left out.
        values: BTreeMap<String, String>,
    },
}

/// Why a follow-up is refused; nothing changes, and the request's answer says so (G-205, G-216).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotWaiting;

/// What a result notice changes.
#[derive(Debug)]
pub enum Noticed {
    /// The result is recorded, and the operation goes on if the customer is back already.
    Recorded(Box<ChangeSet>),
    /// The same result is recorded already.
    Known,
    /// No authentication with these identifiers waits for a result.
    Unknown,
    /// Another result is recorded; the first one counts.
    Contradicts,
}
