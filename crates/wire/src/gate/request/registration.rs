//! A payout whose recipient gives the card later.

use super::{Part, Refusal, callback_address, currency, customer, payment_id};
use crate::json::Value;
use ferropay_domain::{codes, decide::CallbackOptions, ids::PaymentId, money::Money, payment::Customer};

/// `/v2/payment/payout/registration` (G-329).
#[derive(Debug)]
pub struct RegisterPayout {
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What the recipient gets.
    pub amount: Money,
    /// Who gets it; has an e-mail address.
    pub customer: Customer,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl RegisterPayout {
    /// Reads a body that keeps the contract of the path, which takes more texts for a currency than there are currencies.
    ///
    /// # Errors
    /// An unknown currency (3121), an empty e-mail address.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let [payment, person] = ["payment", "customer"].map(|name| Part::of(body, name));
        let amount = payment.integer("amount").ok_or_else(|| payment.missing("amount"))?;
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        if person.filled("email").is_none() {
            return Err(Refusal::bad_request(codes::INVALID_EMAIL).at("customer.email"));
        }
        Ok(Self {
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            customer: customer(person),
            callback: callback_address(body),
        })
    }
}
