//! Requests with typed values, read from a body that keeps the contract.
//!
//! The contract ([`crate::contract`]) says which members a body has and what each value may be. What it cannot say is
//! read here: types of the domain, members that are needed only together with others, and the few values that no payment
//! can have. A request is refused at the member that is at fault; what a project's settings say about it is decided
//! later.

mod card;
mod clarification;
mod instruments;
mod link;
mod lookups;
mod member;
mod merchant_auth;
mod method;
mod payee;
mod payout;
mod recurring;
mod refund;
mod registration;
mod retries;
mod second_step;
mod status;
mod supplied;
mod three_ds;
mod wallet;

pub use card::CardPayment;
pub use clarification::Clarification;
pub use instruments::{
    AboutCustomer, AboutToken, DeleteSaved, PaidWith, Tokenize, customer_members, keeps_customer,
};
pub use link::{CancelLink, CreateLink};
pub use lookups::{AvailableMethods, wanted_banks};
pub use member::member;
pub use merchant_auth::{MerchantAuth, MerchantAuthRequest};
pub use method::MethodRequest;
pub use payee::{PayeeResult, VerifyPayee};
pub use payout::CardPayout;
pub use recurring::{RecurringDebit, SeriesChange, SeriesQuery, SeriesTerms, unknown_series};
pub use refund::Refund;
pub use registration::RegisterPayout;
pub use retries::RetryDays;
pub use second_step::SecondStep;
pub use status::{StatusByPayment, StatusByRequest};
pub use three_ds::{ThreeDsCheck, ThreeDsProof, ThreeDsResult, three_ds_data};
pub use wallet::{ApplePaySession, WalletPayment, wallet_operation};

use super::Refusal;
use crate::json::Value;
use ferropay_domain::{
    codes,
    decide::CallbackOptions,
    ids::PaymentId,
    money::{Currency, Money},
    payment::{Customer, OperationKind},
};

/// The largest amount of a request, minor units (G-064).
const LARGEST_AMOUNT: i64 = 10_000_000_000_000;

/// The operation that a request of this path starts; none for paths that start no card operation.
pub fn card_operation(path: &str) -> Option<OperationKind> {
    Some(match path {
        "/v2/payment/card/sale" | "/v2/payment/card/sale/token" | "/v2/payment/card/sale/saved" => {
            OperationKind::Sale
        }
        "/v2/payment/card/auth" | "/v2/payment/card/auth/token" | "/v2/payment/card/auth/saved" => {
            OperationKind::Auth
        }
        "/v2/payment/card/account_verification" | "/v2/payment/card/account_verification/token" => {
            OperationKind::AccountVerification
        }
        "/v2/payment/card/capture" => OperationKind::Capture,
        "/v2/payment/card/cancel" => OperationKind::Cancel,
        "/v2/payment/card/incremental" => OperationKind::Incremental,
        "/v2/payment/card/payout" | "/v2/payment/card/payout/token" | "/v2/payment/individual/payout" => {
            OperationKind::Payout
        }
        _ => return None,
    })
}

/// One object of a body, found once and then asked for its members; an absent object has none.
#[derive(Clone, Copy)]
struct Part<'d, 'a> {
    object: Option<&'d Value<'a>>,
    /// The dotted path of the object, for refusals.
    name: &'static str,
}

impl<'d, 'a> Part<'d, 'a> {
    fn of(body: &'d Value<'a>, name: &'static str) -> Self {
        Self { object: body.get(name), name }
    }

    /// The body itself.
    const fn whole(body: &'d Value<'a>) -> Self {
        Self { object: Some(body), name: "" }
    }

    fn path(self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn get(self, key: &str) -> Option<&'d Value<'a>> {
        self.object?.get(key)
    }

    fn text(self, key: &str) -> Option<&'d str> {
        self.get(key)?.as_str()
    }

    /// A text that says something.
    fn filled(self, key: &str) -> Option<&'d str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    fn owned(self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    fn integer(self, key: &str) -> Option<i64> {
        self.get(key)?.as_number()?.parse().ok()
    }

    fn flag(self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool) == Some(true)
    }

    /// 2004 at a member of this object.
    fn missing(self, key: &str) -> Refusal {
        Refusal::bad_request(codes::REQUIRED_MISSING).at(self.path(key))
    }

    /// 502 at a member of this object.
    fn invalid(self, key: &str) -> Refusal {
        Refusal::bad_request(codes::VALIDATION).at(self.path(key))
    }
}

/// What a request says of the person it is about.
fn customer(part: Part<'_, '_>) -> Customer {
    Customer {
        id: part.owned("id"),
        ip_address: part.owned("ip_address"),
        phone: part.owned("phone"),
        email: part.owned("email"),
        first_name: part.owned("first_name"),
        middle_name: part.owned("middle_name"),
        last_name: part.owned("last_name"),
        language: part.filled("language").map(str::to_owned),
    }
}

fn payment_id(body: &Value<'_>) -> Result<PaymentId, Refusal> {
    let general = Part::of(body, "general");
    let given = general.text("payment_id").ok_or_else(|| general.missing("payment_id"))?;
    PaymentId::parse(given)
        .map_err(|_| Refusal::bad_request(codes::INVALID_PAYMENT_ID).at("general.payment_id"))
}

fn currency(code: &str) -> Result<Currency, Refusal> {
    Currency::parse(code).map_err(|_| Refusal::bad_request(codes::INVALID_CURRENCY).at("payment.currency"))
}

/// Amount and currency that come together or not at all (G-274): the contract of some paths sets the amount no bounds.
fn optional_amount(payment: Part<'_, '_>) -> Result<Option<Money>, Refusal> {
    match (payment.integer("amount"), payment.text("currency")) {
        (Some(minor), _) if !(1..=LARGEST_AMOUNT).contains(&minor) => Err(payment.invalid("amount")),
        (Some(minor), Some(code)) => Ok(Some(Money::new(minor, currency(code)?))),
        (Some(_), None) => Err(Refusal::bad_request(codes::CURRENCY_REQUIRED).at("payment.currency")),
        (None, Some(_)) => Err(Refusal::bad_request(codes::AMOUNT_REQUIRED).at("payment.amount")),
        (None, None) => Ok(None),
    }
}

/// The callback options of a path whose contract has them. `force_disable` is a boolean there and the value 1 in older
/// documentation; both are taken (D-08).
fn callback_options(body: &Value<'_>) -> CallbackOptions {
    let callback = Part::of(body, "callback");
    let disabled = callback.get("force_disable");
    CallbackOptions {
        delay_seconds: callback.integer("delay").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        disabled: disabled.is_some_and(|flag| flag.as_bool() == Some(true) || flag.as_number() == Some("1")),
        ..callback_address(body)
    }
}

/// The callback options of a path whose contract has an address only; other members mean nothing there (G-005).
fn callback_address(body: &Value<'_>) -> CallbackOptions {
    CallbackOptions {
        url: Part::of(body, "general").owned("merchant_callback_url"),
        ..CallbackOptions::default()
    }
}
