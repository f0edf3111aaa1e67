//! Payment links: making one, withdrawing one.

use super::{Part, Refusal, SeriesTerms, callback_address, currency, customer, payment_id};
use crate::json::Value;
use ferropay_domain::{
    codes,
    decide::CallbackOptions,
    ids::PaymentId,
    money::Money,
    payment::{Customer, LinkPays, ReturnUrls},
    time::Timestamp,
};
use std::time::Duration;

/// The longest time a link may be valid (G-432).
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// `/v2/payment/invoice/create`, and the same for a card that is stored under a token (`invoice/card/token/create`).
#[derive(Debug)]
pub struct CreateLink {
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What is to be paid.
    pub amount: Money,
    /// From when on nobody pays by it (G-432).
    pub best_before: Timestamp,
    /// What comes of it (G-433).
    pub pays: LinkPays,
    /// The method the customer is led to.
    pub method: Option<String>,
    /// The token of the card it is paid with.
    pub card_token: Option<String>,
    /// Whether the platform mails it (G-434).
    pub send_email: bool,
    /// Who is to pay.
    pub customer: Customer,
    /// The customer's language, as the merchant wrote it.
    pub language: Option<String>,
    /// Free text; empty when none.
    pub description: String,
    /// 1 by mail, 2 by telephone (G-253).
    pub moto: Option<u8>,
    /// Where the customer goes afterwards.
    pub return_urls: ReturnUrls,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// The series that is registered when the customer pays (G-444).
    pub registration: Option<SeriesTerms>,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl CreateLink {
    /// Reads a body that keeps the contract of `path`. `now` is the project's business time.
    ///
    /// # Errors
    /// A moment without offset, past, or more than 30 days ahead (502, G-432); a mail without an address (2004, G-434); a
    /// value that the contract allows and its type does not.
    pub fn read(path: &str, body: &Value<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let by_token = path.ends_with("/token/create");
        let [payment, person, back] = ["payment", "customer", "return_url"].map(|name| Part::of(body, name));
        let amount = payment.integer("amount").ok_or_else(|| payment.missing("amount"))?;
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        let send_email = body.get("send_email").and_then(Value::as_bool) == Some(true);
        if send_email && person.filled("email").is_none() {
            return Err(person.missing("email"));
        }
        if person.filled("id").is_none() {
            return Err(Refusal::bad_request(codes::INVALID_CUSTOMER_ID).at("customer.id"));
        }
        let pays = match body.get("operation_type").and_then(Value::as_str) {
            Some("auth") => LinkPays::Auth,
            Some("contract registration") => LinkPays::ContractRegistration,
            _ => LinkPays::Sale,
        };
        // Whoever agrees to nothing but later debits registers a series, whether the request says so or not.
        let registration = match pays {
            LinkPays::ContractRegistration => Some(SeriesTerms::of_agreement(body)?),
            LinkPays::Sale | LinkPays::Auth => SeriesTerms::read(body)?,
        };
        Ok(Self {
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            best_before: best_before(payment, now)?,
            pays,
            registration,
            method: payment.filled("force_method").filter(|_| !by_token).map(str::to_owned),
            card_token: if by_token { Part::whole(body).owned("token") } else { None },
            send_email,
            customer: customer(person),
            language: person.filled("language").map(str::to_owned),
            description: payment.owned("description").unwrap_or_default(),
            moto: payment.integer("moto_type").and_then(|kind| u8::try_from(kind).ok()).filter(|it| *it > 0),
            return_urls: ReturnUrls {
                success: back.filled("success").map(str::to_owned),
                decline: back.filled("decline").map(str::to_owned),
                back: back.filled("return").map(str::to_owned),
            },
            booking: body.get("booking_info").filter(|it| !it.is_null()).map(Value::to_json_string),
            callback: callback_address(body),
        })
    }
}

/// G-432.
fn best_before(payment: Part<'_, '_>, now: Timestamp) -> Result<Timestamp, Refusal> {
    let text = payment.filled("best_before").ok_or_else(|| payment.missing("best_before"))?;
    let moment: jiff::Timestamp = text.parse().map_err(|_| payment.invalid("best_before"))?;
    let moment = Timestamp::from_micros(moment.as_microsecond());
    if moment <= now || moment > now.plus(LONGEST) {
        return Err(payment.invalid("best_before"));
    }
    Ok(moment)
}

/// `/v2/payment/invoice/cancel`.
#[derive(Debug)]
pub struct CancelLink {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
}

impl CancelLink {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// The payment identifier breaks its rules.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        Ok(Self { payment_id: payment_id(body)? })
    }
}
