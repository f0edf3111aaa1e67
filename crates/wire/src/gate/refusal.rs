//! Why a request is not accepted: the documented HTTP status, code and message, and the member at fault.

use crate::contract::{Rule, Violation};
use ferropay_domain::codes::{self, Code};

/// A request that is not accepted; nothing was created (G-014).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status (G-043).
    pub status: u16,
    /// Code of the unified table.
    pub code: Code,
    /// The member at fault, dotted.
    pub field: Option<String>,
    /// The broken rule's short name.
    pub constraint: Option<&'static str>,
}

impl Refusal {
    /// A refusal with HTTP 400.
    pub fn bad_request(code: Code) -> Self {
        Self { status: 400, code, field: None, constraint: None }
    }

    /// A refusal with HTTP 422: not JSON, or not the shape asked for.
    pub fn unprocessable(code: Code) -> Self {
        Self { status: 422, ..Self::bad_request(code) }
    }

    /// The same with the member at fault.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The message for the client: the code's, and the member at fault.
    pub fn message(&self) -> String {
        match &self.field {
            Some(field) => format!("{}: {field}", self.code.message()),
            None => self.code.message().to_owned(),
        }
    }
}

/// The refusal a broken rule of the contract leads to (G-047): a missing member is 2004, a wrong shape 702 with
/// HTTP 422, and a wrong value the code of its member, else 502.
pub fn refusal_of(violation: &Violation) -> Refusal {
    let (status, code) = match violation.rule {
        Rule::Required if violation.field.ends_with("signature") => (400, codes::EMPTY_SIGNATURE),
        Rule::Required => (400, codes::REQUIRED_MISSING),
        Rule::Type { structural: true } => (422, codes::MALFORMED),
        _ => (400, code_of_field(&violation.field)),
    };
    // What is wrong with the body as a whole has no member to name.
    let field = Some(violation.field.clone()).filter(|field| !field.is_empty());
    Refusal { status, code, field, constraint: Some(violation.rule.name()) }
}

fn code_of_field(field: &str) -> Code {
    match field {
        "general.payment_id" => codes::INVALID_PAYMENT_ID,
        "customer.id" => codes::INVALID_CUSTOMER_ID,
        "customer.email" => codes::INVALID_EMAIL,
        "customer.day_of_birth" => codes::INVALID_BIRTH_DAY,
        "customer.country" | "country" => codes::INVALID_COUNTRY,
        "customer.city" => codes::INVALID_CITY,
        "payment.currency" => codes::INVALID_CURRENCY,
        _ => codes::VALIDATION,
    }
}
