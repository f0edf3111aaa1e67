//! A payout to a card by its number.

use super::{
    PaidWith, Part, Refusal, callback_options,
    card::{choice, expiry},
    currency, customer, payment_id,
};
use crate::json::Value;
use ferropay_domain::{
    card::Pan,
    decide::CallbackOptions,
    ids::PaymentId,
    money::Money,
    payment::{CurrencyChoice, Customer},
};

/// `/v2/payment/card/payout`, the same by token, and `/v2/payment/individual/payout`. A verification value is not read: nothing is debited.
#[derive(Debug)]
pub struct CardPayout {
    /// Whether one person pays another through the merchant.
    pub from_person: bool,
    /// Whether it names the card of whoever pays; the number is not read.
    pub has_sender_card: bool,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What the customer gets.
    pub amount: Money,
    /// The card, or what names it.
    pub card: PaidWith,
    /// Name on the card, as far as the request has it.
    pub holder: Option<String>,
    /// Whether the card is to be saved for the customer (G-406).
    pub save: bool,
    /// Who gets it.
    pub customer: Customer,
    /// Free text; empty when none.
    pub description: String,
    /// The name for the cardholder's statement as it was sent: of a payout the sender's before the merchant's (G-257).
    pub descriptor: Option<String>,
    /// The currency that whoever is paid chose elsewhere (G-451).
    pub choice: Option<Box<CurrencyChoice>>,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl CardPayout {
    /// Reads a body that keeps the contract of `path`. What it says of sender and recipient is looked up by the members'
    /// names where a rule asks for it (see [`super::member`]).
    ///
    /// # Errors
    /// A value that the contract allows and its type does not, such as an unknown currency; a year without its month, or
    /// a month without its year (2004).
    pub fn read(path: &str, body: &Value<'_>) -> Result<Self, Refusal> {
        let [payment, card] = ["payment", "card"].map(|name| Part::of(body, name));
        let amount = payment.integer("amount").ok_or_else(|| payment.missing("amount"))?;
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        let paid_with = if path.ends_with("/token") {
            PaidWith::read(path, body)?.0
        } else {
            let pan = card.text("pan").ok_or_else(|| card.missing("pan"))?;
            let says_expiry =
                ["year", "month"].into_iter().any(|key| card.get(key).is_some_and(|it| !it.is_null()));
            let pan = Pan::parse(pan).map_err(|_| card.invalid("pan"))?;
            PaidWith::Card { pan, expiry: says_expiry.then(|| expiry(card)).transpose()? }
        };
        Ok(Self {
            from_person: path == "/v2/payment/individual/payout",
            has_sender_card: Part::of(body, "sender").filled("pan").is_some(),
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            card: paid_with,
            holder: card.owned("card_holder"),
            save: card.flag("save"),
            customer: customer(Part::of(body, "customer")),
            description: payment.owned("description").unwrap_or_default(),
            descriptor: ["sender", "merchant"]
                .into_iter()
                .find_map(|name| Part::of(body, name).filled("descriptor").map(str::to_owned)),
            choice: choice(payment)?,
            callback: callback_options(body),
        })
    }
}
