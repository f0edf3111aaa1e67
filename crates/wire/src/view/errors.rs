//! `errors[]`: why a request failed, or the platform declined an operation (G-023, G-024, G-108).

use crate::contract::Rule;
use ferropay_domain::{
    advice::Origin,
    callback::Problem,
    codes::{self, Code},
    payment::Operation,
};
use serde::Serialize;

/// One item of `errors[]` (G-108): the code as an integer (D-05).
#[derive(Debug, Serialize)]
pub struct ErrorView {
    code: u32,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraint: Option<&'static str>,
}

impl ErrorView {
    /// The item for one reason of a refusal.
    pub fn of(problem: &Problem) -> Self {
        Self {
            code: problem.code.get(),
            message: problem.code.message(),
            field: problem.field,
            constraint: problem.field.and_then(|_| constraint(problem.code)).map(Rule::name),
        }
    }

    /// Declines of the platform itself stand in `errors[]` too (G-023, G-024): all codes below the ranges of
    /// the networks and providers, but success and waiting.
    pub fn of_decline(operation: &Operation) -> Vec<Self> {
        let code = operation.code;
        let own =
            code.get() != 0 && !code.is_waiting() && matches!(code.origin(), Origin::Platform | Origin::Risk);
        let item = || Self { code: code.get(), message: code.message(), field: None, constraint: None };
        own.then(item).into_iter().collect()
    }
}

/// What a rule of business asks of the member that breaks it, in the words of the rules of the contract; none when it is
/// no rule about the member's value.
const fn constraint(code: Code) -> Option<Rule> {
    Some(match code {
        codes::BELOW_LIMIT | codes::BELOW_FIXED_FEE => Rule::TooSmall,
        codes::ABOVE_LIMIT | codes::CATEGORY_AMOUNT | codes::PREPAID_AMOUNT => Rule::TooLarge,
        codes::REQUIRED_MISSING
        | codes::CUSTOMER_ID_REQUIRED
        | codes::HOLDER_REQUIRED
        | codes::CVV_REQUIRED => Rule::Required,
        codes::INVALID_HOLDER => Rule::Pattern,
        codes::CURRENCY_DISABLED => Rule::Allowed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    // G-108
    #[test]
    fn a_rule_about_a_members_value_names_its_constraint() {
        let item = |code, field| serde_json::to_value(ErrorView::of(&Problem { code, field })).unwrap();
        for (code, name) in [
            (codes::ABOVE_LIMIT, "maximum"),
            (codes::BELOW_LIMIT, "minimum"),
            (codes::CVV_REQUIRED, "required"),
            (codes::INVALID_HOLDER, "pattern"),
            (codes::CURRENCY_DISABLED, "enum"),
        ] {
            assert_eq!(item(code, Some("payment.amount"))["constraint"], name);
            assert_eq!(item(code, None).get("constraint"), None, "of no member");
        }
        assert_eq!(
            item(codes::NOT_ALLOWED, None),
            json!({ "code": 310, "message": codes::NOT_ALLOWED.message() })
        );
    }
}
