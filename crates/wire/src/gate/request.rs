//! Requests with typed values, read from a body that keeps the contract.

use super::Refusal;
use crate::json::Value;
use ferropay_domain::{
    card::{Cvv, Expiry, Network, Pan},
    codes,
    decide::CallbackOptions,
    ids::{PaymentId, RequestId},
    money::{Currency, Money},
    payment::Customer,
};

/// `/v2/payment/card/sale`.
#[derive(Debug)]
pub struct CardSale {
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What to debit.
    pub amount: Money,
    /// The card's number.
    pub pan: Pan,
    /// The card's verification value, when given.
    pub cvv: Option<Cvv>,
    /// When the card expires.
    pub expiry: Expiry,
    /// Name on the card.
    pub holder: Option<String>,
    /// A mail or telephone order for which the network needs no verification value (G-253, G-254).
    pub moto: bool,
    /// Who pays.
    pub customer: Customer,
    /// Free text; empty when none.
    pub description: String,
    /// The merchant's opaque text.
    pub merchant_data: Option<String>,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Whether it has the first and the last day.
    pub has_booking_dates: bool,
    /// Callback options.
    pub callback: CallbackOptions,
}

/// `/v2/payment/card/refund`.
#[derive(Debug)]
pub struct Refund {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// What to return; everything that is left when not stated.
    pub amount: Option<Money>,
    /// Why.
    pub description: String,
    /// The merchant's own identifier of the refund.
    pub merchant_refund_id: Option<String>,
    /// Callback options.
    pub callback: CallbackOptions,
}

/// `/v2/payment/status`.
#[derive(Debug)]
pub struct StatusByPayment {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// Whether the older layout is asked for (G-506); none when the request leaves that to the project (G-112).
    pub terminal: Option<bool>,
}

/// `/v2/payment/status/request`.
#[derive(Debug)]
pub struct StatusByRequest {
    /// The request; none when the text is no identifier of ours, which is the same as unknown.
    pub request: Option<RequestId>,
}

fn text<'a>(body: &'a Value<'_>, path: &[&str]) -> Option<&'a str> {
    body.path(path)?.as_str()
}

fn owned(body: &Value<'_>, path: &[&str]) -> Option<String> {
    text(body, path).map(str::to_owned)
}

fn integer(body: &Value<'_>, path: &[&str]) -> Option<i64> {
    body.path(path)?.as_number()?.parse().ok()
}

fn missing(field: &str) -> Refusal {
    Refusal::bad_request(codes::REQUIRED_MISSING).at(field)
}

fn payment_id(body: &Value<'_>) -> Result<PaymentId, Refusal> {
    let given = text(body, &["general", "payment_id"]).ok_or_else(|| missing("general.payment_id"))?;
    PaymentId::parse(given)
        .map_err(|_| Refusal::bad_request(codes::INVALID_PAYMENT_ID).at("general.payment_id"))
}

fn currency(code: &str) -> Result<Currency, Refusal> {
    Currency::parse(code).map_err(|_| Refusal::bad_request(codes::INVALID_CURRENCY).at("payment.currency"))
}

/// Whether an order of this `moto_type` (1 by mail, 2 by telephone) may come without verification value: by mail with
/// the three big networks, by telephone with those but Visa (G-254).
fn needs_no_cvv(network: Network, moto_type: Option<i64>) -> bool {
    use Network::{AmericanExpress, Mastercard, Visa};
    matches!(
        (moto_type, network),
        (Some(1), Mastercard | Visa | AmericanExpress) | (Some(2), Mastercard | AmericanExpress)
    )
}

/// `force_disable` is a boolean in the contract and the value 1 in older documentation; both are taken (D-08).
fn callback_options(body: &Value<'_>) -> CallbackOptions {
    let disabled = body.path(&["callback", "force_disable"]);
    CallbackOptions {
        delay_seconds: integer(body, &["callback", "delay"]).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        disabled: disabled.is_some_and(|flag| flag.as_bool() == Some(true) || flag.as_number() == Some("1")),
        url: owned(body, &["general", "merchant_callback_url"]),
    }
}

impl CardSale {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A value that the contract allows and its type does not, such as an unknown currency.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let amount = integer(body, &["payment", "amount"]).ok_or_else(|| missing("payment.amount"))?;
        let code = text(body, &["payment", "currency"]).ok_or_else(|| missing("payment.currency"))?;
        let pan = text(body, &["card", "pan"]).ok_or_else(|| missing("card.pan"))?;
        let year = integer(body, &["card", "year"]).and_then(|year| u16::try_from(year).ok());
        let month = integer(body, &["card", "month"]).and_then(|month| u8::try_from(month).ok());
        let invalid = |field: &str| Refusal::bad_request(codes::VALIDATION).at(field);
        // The contract sets no minimum; nothing is booked for nobody or for nothing (G-156).
        for field in ["total", "pax"] {
            if integer(body, &["booking_info", field]) == Some(0) {
                return Err(invalid(&format!("booking_info.{field}")));
            }
        }
        let cvv =
            text(body, &["card", "cvv"]).map(Cvv::parse).transpose().map_err(|_| invalid("card.cvv"))?;
        let pan = Pan::parse(pan).map_err(|_| invalid("card.pan"))?;
        Ok(Self {
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            moto: needs_no_cvv(pan.network(), integer(body, &["payment", "moto_type"])),
            pan,
            cvv,
            expiry: Expiry {
                year: year.ok_or_else(|| missing("card.year"))?,
                month: month.ok_or_else(|| missing("card.month"))?,
            },
            holder: owned(body, &["card", "card_holder"]),
            customer: Customer {
                id: owned(body, &["customer", "id"]),
                ip_address: owned(body, &["customer", "ip_address"]),
                phone: owned(body, &["customer", "phone"]),
                email: owned(body, &["customer", "email"]),
                first_name: owned(body, &["customer", "first_name"]),
                middle_name: owned(body, &["customer", "middle_name"]),
                last_name: owned(body, &["customer", "last_name"]),
            },
            description: owned(body, &["payment", "description"]).unwrap_or_default(),
            merchant_data: owned(body, &["merchant", "data"]),
            has_booking_dates: text(body, &["booking_info", "start_date"]).is_some()
                && text(body, &["booking_info", "end_date"]).is_some(),
            booking: body.get("booking_info").filter(|info| !info.is_null()).map(Value::to_json_string),
            callback: callback_options(body),
        })
    }
}

impl Refund {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// Amount without currency (3287), currency without amount (3286), a currency that does not exist.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let amount = integer(body, &["payment", "amount"]);
        let code = text(body, &["payment", "currency"]);
        let amount = match (amount, code) {
            (Some(minor), Some(code)) => Some(Money::new(minor, currency(code)?)),
            (Some(_), None) => {
                return Err(Refusal::bad_request(codes::CURRENCY_REQUIRED).at("payment.currency"));
            }
            (None, Some(_)) => return Err(Refusal::bad_request(codes::AMOUNT_REQUIRED).at("payment.amount")),
            (None, None) => None,
        };
        Ok(Self {
            payment_id: payment_id(body)?,
            amount,
            description: owned(body, &["payment", "description"])
                .filter(|reason| !reason.is_empty())
                .ok_or_else(|| missing("payment.description"))?,
            merchant_refund_id: owned(body, &["payment", "merchant_refund_id"]),
            callback: callback_options(body),
        })
    }
}

impl StatusByPayment {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// The payment identifier breaks its rules.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let destination = text(body, &["destination"]);
        Ok(Self {
            payment_id: payment_id(body)?,
            terminal: destination.map(|destination| destination == "terminal"),
        })
    }
}

impl StatusByRequest {
    /// Reads a body that keeps the contract of the path.
    pub fn read(body: &Value<'_>) -> Self {
        Self { request: text(body, &["request_id"]).and_then(RequestId::parse) }
    }
}
