//! Returning money of a purchase.

use super::{Part, Refusal, callback_options, optional_amount, payment_id};
use crate::json::Value;
use ferropay_domain::{
    decide::CallbackOptions,
    ids::{OperationId, PaymentId},
    money::Money,
};

/// `/v2/payment/card/refund`, and `/v2/payment/refund`, which takes purchases of any method (G-271).
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
        let payment = Part::of(body, "payment");
        let amount = optional_amount(payment)?;
        let description = payment.filled("description").ok_or_else(|| payment.missing("description"))?;
        Ok(Self {
            payment_id: payment_id(body)?,
            amount,
            debit: Part::of(body, "general").integer("operation_id").map(OperationId::new),
            description: description.to_owned(),
            merchant_refund_id: payment.owned("merchant_refund_id"),
            callback: callback_options(body),
        })
    }
}
