//! Authentication by a code in a statement entry.

use super::{Part, Refusal, payment_id};
use crate::json::Value;
use ferropay_domain::{codes, ids::PaymentId};

/// `/v2/payment/card/merchant_auth` (G-213).
#[derive(Debug)]
pub struct MerchantAuth {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// What is asked for.
    pub request: MerchantAuthRequest,
}

/// The two requests of an authentication by a code.
#[derive(Debug, PartialEq, Eq)]
pub enum MerchantAuthRequest {
    /// The customer agrees: send the code.
    Start,
    /// The customer has the code.
    Finish {
        /// What the customer typed.
        code: String,
    },
}

impl MerchantAuth {
    /// Reads a body that keeps the contract of the path. `start` is a start even when a code comes with it: the published
    /// example that has both is a slip of the pen (G-214).
    ///
    /// # Errors
    /// `finish` without a code (2004).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let general = Part::of(body, "general");
        let request = match general.text("type") {
            Some("start") => MerchantAuthRequest::Start,
            Some("finish") => {
                let code = body.get("confirmation_code").and_then(Value::as_str).map(str::trim);
                let code = code
                    .filter(|code| !code.is_empty())
                    .ok_or_else(|| Refusal::bad_request(codes::REQUIRED_MISSING).at("confirmation_code"))?;
                MerchantAuthRequest::Finish { code: code.to_owned() }
            }
            Some(_) => return Err(general.invalid("type")),
            None => return Err(general.missing("type")),
        };
        Ok(Self { payment_id: payment_id(body)?, request })
    }
}
