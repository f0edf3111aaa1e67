//! Verification of payees.

use super::{Part, Refusal, callback_address, payment_id};
use crate::json::Value;
use ferropay_domain::{
    codes,
    decide::CallbackOptions,
    ids::{PayeeCheckId, PaymentId},
};

/// `/v2/verification-of-payee/create` (G-460).
#[derive(Debug)]
pub struct VerifyPayee {
    /// What the merchant names it by.
    pub payment_id: PaymentId,
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// The name the account should have.
    pub name: String,
    /// The account.
    pub account: String,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl VerifyPayee {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A name or an account of nothing but blanks, or longer than any there are (502).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        /// More than any bank's forms take; the contract bounds neither.
        const LONGEST: usize = 255;
        let [account, customer] = ["account", "customer"].map(|name| Part::of(body, name));
        let text = |key: &str| {
            let value = account.text(key).ok_or_else(|| account.missing(key))?.trim();
            let is_good = !value.is_empty() && value.chars().count() <= LONGEST;
            if is_good { Ok(value.to_owned()) } else { Err(account.invalid(key)) }
        };
        let id = customer.filled("id");
        Ok(Self {
            payment_id: payment_id(body)?,
            customer: id
                .ok_or_else(|| Refusal::bad_request(codes::INVALID_CUSTOMER_ID).at("customer.id"))?
                .to_owned(),
            name: text("customer_name")?,
            account: text("number")?,
            callback: callback_address(body),
        })
    }
}

/// `/v2/verification-of-payee/result` (G-463).
#[derive(Debug)]
pub struct PayeeResult {
    /// What the merchant names this request by.
    pub payment_id: PaymentId,
    /// The verification.
    pub id: PayeeCheckId,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl PayeeResult {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A number that no verification can have (502).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let vop = Part::of(body, "vop");
        let id = vop.integer("id").ok_or_else(|| vop.invalid("id"))?;
        Ok(Self {
            payment_id: payment_id(body)?,
            id: PayeeCheckId::new(id),
            callback: callback_address(body),
        })
    }
}
