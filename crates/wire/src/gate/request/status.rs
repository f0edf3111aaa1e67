//! Asking where a payment or a request stands.

use super::{Refusal, payment_id};
use crate::json::Value;
use ferropay_domain::ids::{PaymentId, RequestId};

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

impl StatusByPayment {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// The payment identifier breaks its rules.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let destination = body.get("destination").and_then(Value::as_str);
        Ok(Self {
            payment_id: payment_id(body)?,
            terminal: destination.map(|destination| destination == "terminal"),
        })
    }
}

impl StatusByRequest {
    /// Reads a body that keeps the contract of the path.
    pub fn read(body: &Value<'_>) -> Self {
        Self { request: body.get("request_id").and_then(Value::as_str).and_then(RequestId::parse) }
    }
}
