//! Returning money of a purchase.

use super::{
    Part, Refusal, callback_address, callback_options, card::addendum, method::has_callback, optional_amount,
    payment_id,
};
use crate::json::Value;
use ferropay_domain::{
    decide::CallbackOptions,
    ids::{OperationId, PaymentId},
    money::Money,
};

/// `/v2/payment/{method}/refund`, and `/v2/payment/refund`, which takes purchases of any method (G-271).
#[derive(Debug)]
pub struct Refund {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// What to return; everything that is left when not stated.
    pub amount: Option<Money>,
    /// The debit of a schedule whose money is to be returned (G-059).
    pub debit: Option<OperationId>,
    /// Why.
    pub description: String,
    /// Whether it has data of a trip (G-265).
    pub has_trip: bool,
    /// The merchant's own identifier of the refund.
    pub merchant_refund_id: Option<String>,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl Refund {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// Amount without currency (3287), currency without amount (3286), a currency that does not exist, no reason (2004).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        Self::with(body, true, callback_options(body))
    }

    /// The same at `path` of a payment method, the contract's name of it. Skrill's form has no reason (G-275).
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_at(path: &str, body: &Value<'_>) -> Result<Self, Refusal> {
        let reason = path != "/v2/payment/skrill/refund";
        let callback = if has_callback(path) { callback_options(body) } else { callback_address(body) };
        Self::with(body, reason, callback)
    }

    fn with(body: &Value<'_>, reason: bool, callback: CallbackOptions) -> Result<Self, Refusal> {
        let payment = Part::of(body, "payment");
        let amount = optional_amount(payment)?;
        let given = payment.filled("description");
        if reason && given.is_none() {
            return Err(payment.missing("description"));
        }
        let description = given.unwrap_or_default();
        Ok(Self {
            payment_id: payment_id(body)?,
            amount,
            debit: Part::of(body, "general").integer("operation_id").map(OperationId::new),
            description: description.to_owned(),
            has_trip: addendum(body).is_some(),
            merchant_refund_id: payment.owned("merchant_refund_id"),
            callback,
        })
    }
}
