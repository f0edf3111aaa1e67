//! The second step of a purchase, and changes of what is held.

use super::{Part, Refusal, callback_address, callback_options, card::addendum, optional_amount, payment_id};
use crate::json::Value;
use ferropay_domain::{decide::CallbackOptions, ids::PaymentId, money::Money, payment::OperationKind};

/// `/v2/payment/card/{capture,cancel,incremental}` (G-169 to G-176).
#[derive(Debug)]
pub struct SecondStep {
    /// `Capture`, `Cancel` or `Incremental`.
    pub kind: OperationKind,
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// What to debit (D-13), to release (D-53) or to hold in addition; the whole hold when not stated, which an increment
    /// always states.
    pub amount: Option<Money>,
    /// The customer of an increment; has to be that of the hold (G-176).
    pub customer: Option<String>,
    /// Why, when the request says so.
    pub description: Option<String>,
    /// Whether it has data of a trip (G-265).
    pub has_trip: bool,
    /// Callback options; an increment's contract has the address only.
    pub callback: CallbackOptions,
}

impl SecondStep {
    /// Reads a body that keeps the contract of the path; see [`super::card_operation`] for `kind`.
    ///
    /// # Errors
    /// Amount without currency (3287), currency without amount (3286), a currency that does not exist (3121), an amount
    /// that is none (502); an increment without amount (2004).
    pub fn read(kind: OperationKind, body: &Value<'_>) -> Result<Self, Refusal> {
        let payment = Part::of(body, "payment");
        let amount = optional_amount(payment)?;
        let raises = kind == OperationKind::Incremental;
        if raises && amount.is_none() {
            return Err(payment.missing("amount"));
        }
        Ok(Self {
            kind,
            payment_id: payment_id(body)?,
            amount,
            customer: Part::of(body, "customer").filled("id").filter(|_| raises).map(str::to_owned),
            description: payment.filled("description").map(str::to_owned),
            has_trip: addendum(body).is_some(),
            callback: if raises { callback_address(body) } else { callback_options(body) },
        })
    }
}
