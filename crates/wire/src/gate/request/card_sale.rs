//! A card sale with the values that one-step purchases without authentication need.

use super::{CardPayment, Refusal};
use crate::json::Value;
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    decide::CallbackOptions,
    ids::PaymentId,
    money::Money,
    payment::{Customer, OperationKind},
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

impl CardSale {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A value that the contract allows and its type does not, such as an unknown currency.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let read = CardPayment::read(OperationKind::Sale, body, false)?;
        Ok(Self {
            moto: !read.needs_cvv(),
            payment_id: read.payment_id,
            amount: read.amount,
            pan: read.pan,
            cvv: read.cvv,
            expiry: read.expiry,
            holder: read.holder,
            customer: read.customer,
            description: read.description,
            merchant_data: read.merchant_data,
            booking: read.booking,
            has_booking_dates: read.has_booking_dates,
            callback: read.callback,
        })
    }
}
