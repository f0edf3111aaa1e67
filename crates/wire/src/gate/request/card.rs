//! A card purchase in one or two steps, or the verification of a card.

use super::{
    PaidWith, Part, Refusal, SeriesTerms, callback_address, callback_options, currency, payment_id, supplied,
    three_ds,
};
use crate::json::Value;
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    codes,
    decide::{CallbackOptions, ThreeDsRequest},
    ids::PaymentId,
    money::{Currency, Money},
    payment::{
        Addendum, Avs, CardRequest, CurrencyChoice, Customer, NetworkToken, OperationKind, StoredCard,
        Transfer,
    },
};

/// `/v2/payment/card/{sale,auth,account_verification}`, and the same by token or saved card.
#[derive(Debug)]
pub struct CardPayment {
    /// `Sale`, `Auth` or `AccountVerification`.
    pub kind: OperationKind,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What to debit or to hold; zero for a verification (G-339).
    pub amount: Money,
    /// The card, or what names it.
    pub card: PaidWith,
    /// The card's verification value, when given.
    pub cvv: Option<Cvv>,
    /// Name on the card, as far as the request has it.
    pub holder: Option<String>,
    /// Particulars as requested. The descriptor is as it was sent: the merchant's before the sender's (G-257).
    pub request: CardRequest,
    /// How the customer may be authenticated. The members for the directory server are left to [`super::three_ds_data`],
    /// but a device channel other than the browser is always among them, because it needs an agreement (G-192).
    pub three_ds: ThreeDsRequest,
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
    /// The card that the money goes on to (G-489).
    pub recipient: Option<Pan>,
    /// The series it is to register.
    pub registration: Option<SeriesTerms>,
    /// Callback options; a verification's contract has the address only.
    pub callback: CallbackOptions,
}

/// What the data of a trip is about, where there is any.
pub(super) fn addendum(body: &Value<'_>) -> Option<Addendum> {
    let data = body.get("addendum")?;
    let has = |name| data.get(name).is_some_and(|part| !part.is_null());
    let lodging = has("lodging").then_some(Addendum::Lodging);
    lodging.or_else(|| has("airlines").then_some(Addendum::Airlines))
}

impl CardPayment {
    /// Reads a body that keeps the contract of `path`; see [`super::card_operation`] for `kind`. Members that the path's
    /// contract does not have mean nothing (G-005). `own_authentication`: whether the project may bring the result of an
    /// authentication of its own; if not, `authentication_data` is ignored (G-210).
    ///
    /// # Errors
    /// A value that the contract allows and its type does not, such as an unknown currency; a member that is needed
    /// together with another one (2004).
    pub fn read(
        (kind, path): (OperationKind, &str),
        body: &Value<'_>,
        own_authentication: bool,
    ) -> Result<Self, Refusal> {
        let verification = kind == OperationKind::AccountVerification;
        let [payment, card, customer, merchant] =
            ["payment", "card", "customer", "merchant"].map(|name| Part::of(body, name));
        let amount = payment.integer("amount").ok_or_else(|| payment.missing("amount"))?;
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        let (paid_with, cvv) = PaidWith::read(path, body)?;
        let payer = match &paid_with {
            PaidWith::Card { pan, .. } => Some(pan.clone()),
            _ => None,
        };
        let by_number = payer.is_some();
        let (booking, has_booking_dates) = booking(body)?;
        let registration = SeriesTerms::read(body)?;
        if registration.is_some() && body.get("addendum").is_some_and(|data| !data.is_null()) {
            // G-265
            return Err(Refusal::bad_request(codes::ADDENDUM_WITH_SERIES).at("addendum"));
        }
        let token_data = body.get("token_data").filter(|data| by_number && !data.is_null());
        Ok(Self {
            kind,
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            card: paid_with,
            cvv,
            holder: card.owned("card_holder"),
            request: CardRequest {
                partial_allowed: !verification && payment.flag("allow_partial_approval"),
                moto: payment
                    .integer("moto_type")
                    .and_then(|kind| u8::try_from(kind).ok())
                    .filter(|kind| *kind > 0),
                descriptor: descriptor(body, merchant),
                avs: avs(body),
                name_check: verification && name_check(customer)?,
                debt_account: debt_account(payment)?,
                stored: stored(card),
                token_data: token_data.is_some(),
                transfer: transfer(body, kind, payer.as_ref()),
                network_token: match token_data {
                    Some(_) => network_token(body, card)?,
                    None => None,
                },
                save: card.flag("save"),
                addendum: addendum(body),
                choice: if verification { None } else { choice(payment)? },
                extra_param: payment.filled("extra_param").filter(|_| !verification).map(str::to_owned),
                ..CardRequest::default()
            },
            three_ds: ThreeDsRequest {
                supplied: if own_authentication { supplied::read(body)? } else { None },
                ..three_ds::request(kind, body, payment)?
            },
            customer: super::customer(customer),
            description: payment.owned("description").unwrap_or_default(),
            merchant_data: merchant.owned("data"),
            booking,
            has_booking_dates,
            recipient: recipient(body),
            registration,
            callback: if verification { callback_address(body) } else { callback_options(body) },
        })
    }
}

/// The largest amount that a customer can have chosen elsewhere, minor units.
const MOST_CHOSEN: i64 = 10_000_000_000_000;

/// The customer's choice of a currency made elsewhere. How much of it is nothing without the currency.
pub(super) fn choice(payment: Part<'_, '_>) -> Result<Option<Box<CurrencyChoice>>, Refusal> {
    let Some(code) = payment.filled("local_conversion_currency") else { return Ok(None) };
    let refused = |_| Refusal::bad_request(codes::INVALID_CURRENCY).at("payment.local_conversion_currency");
    let currency = Currency::parse(code).map_err(refused)?;
    // Not every contract has the amount, and says how large it may be.
    let minor = payment.integer("customer_amount").filter(|minor| (0..=MOST_CHOSEN).contains(minor));
    Ok(Some(Box::new(CurrencyChoice { currency, minor })))
}

/// Where the money of a purchase goes on to, if the request says so: a card before a wallet (G-489).
pub(super) fn transfer(body: &Value<'_>, kind: OperationKind, payer: Option<&Pan>) -> Option<Transfer> {
    let recipient = Part::of(body, "recipient");
    let number = recipient.filled("pan").map(|number| Transfer::to_card(number, payer));
    let to = number.or_else(|| recipient.filled("wallet_id").map(|_| Transfer::ToWallet));
    to.filter(|_| kind == OperationKind::Sale)
}

/// The number of the card that the money goes on to, where it is one.
pub(super) fn recipient(body: &Value<'_>) -> Option<Pan> {
    Pan::parse(Part::of(body, "recipient").filled("pan")?).ok()
}

/// The card's part in a series whose data the merchant keeps; 0 is none (G-360, G-428).
fn stored(card: Part<'_, '_>) -> Option<Box<StoredCard>> {
    let kind = card.integer("stored_card_type").and_then(|kind| u8::try_from(kind).ok());
    let kind = kind.filter(|kind| (1..=6).contains(kind))?;
    Some(Box::new(StoredCard { kind, scheme_id: card.filled("scheme_id").map(str::to_owned) }))
}

/// What proves the right to use a token of a card network (G-427). Such a request says what part the token has in a
/// series, also when it has none (G-428), and one that registers a series brings its proof.
fn network_token(body: &Value<'_>, card: Part<'_, '_>) -> Result<Option<Box<NetworkToken>>, Refusal> {
    let data = Part::of(body, "token_data");
    let kind = card.integer("stored_card_type").ok_or_else(|| card.missing("stored_card_type"))?;
    let registers =
        [StoredCard::REGISTERS_ONE_CLICK, StoredCard::REGISTERS_AUTOPURCHASE, StoredCard::REGISTERS_REGULAR];
    if registers.iter().any(|it| i64::from(*it) == kind) {
        let missing = ["cryptogram", "eci"].into_iter().find(|key| data.filled(key).is_none());
        if let Some(key) = missing {
            return Err(data.missing(key));
        }
    }
    let Some(cryptogram) = data.owned("cryptogram") else { return Ok(None) };
    Ok(Some(Box::new(NetworkToken { wallet: None, cryptogram, eci: data.owned("eci") })))
}

/// When the card expires; year and month come together.
pub(super) fn expiry(card: Part<'_, '_>) -> Result<Expiry, Refusal> {
    let year = card.integer("year").and_then(|year| u16::try_from(year).ok());
    let month = card.integer("month").and_then(|month| u8::try_from(month).ok());
    Ok(Expiry {
        year: year.ok_or_else(|| card.missing("year"))?,
        month: month.ok_or_else(|| card.missing("month"))?,
    })
}

/// The booking data as it was written, and whether it has both dates. The contract sets no minimum; nothing is booked for
/// nobody or for nothing (G-156).
pub(super) fn booking(body: &Value<'_>) -> Result<(Option<String>, bool), Refusal> {
    let Some(info) = body.get("booking_info").filter(|info| !info.is_null()) else {
        return Ok((None, false));
    };
    let part = Part { object: Some(info), name: "booking_info" };
    for field in ["total", "pax"] {
        if part.integer(field) == Some(0) {
            return Err(part.invalid(field));
        }
    }
    let has_dates = part.text("start_date").is_some() && part.text("end_date").is_some();
    Ok((Some(info.to_json_string()), has_dates))
}

/// The name for the cardholder's statement: the merchant's, else the sender's (G-257).
pub(super) fn descriptor(body: &Value<'_>, merchant: Part<'_, '_>) -> Option<String> {
    let own = merchant.filled("descriptor");
    own.or_else(|| Part::of(body, "sender").filled("descriptor")).map(str::to_owned)
}

/// Address data to compare; the contract wants both members when the object is there (G-229).
pub(super) fn avs(body: &Value<'_>) -> Option<Avs> {
    let data = Part::of(body, "avs_data");
    Some(Avs { post_code: data.owned("avs_post_code")?, street: data.owned("avs_street_address")? })
}

/// Whether the cardholder's name is to be checked, for which it has to be there (G-235, G-239).
pub(super) fn name_check(customer: Part<'_, '_>) -> Result<bool, Refusal> {
    if !customer.flag("name_validation") {
        return Ok(false);
    }
    let missing = ["first_name", "last_name"].into_iter().find(|name| customer.filled(name).is_none());
    missing.map_or(Ok(true), |name| Err(customer.missing(name)))
}

/// The account of a debt: Latin letters and digits (G-248); the contract bounds its length only.
pub(super) fn debt_account(payment: Part<'_, '_>) -> Result<Option<String>, Refusal> {
    match payment.filled("debt_account") {
        Some(account) if !account.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Err(Refusal {
            constraint: Some("pattern"),
            ..Refusal::bad_request(codes::VALIDATION).at("payment.debt_account")
        }),
        account => Ok(account.map(str::to_owned)),
    }
}
