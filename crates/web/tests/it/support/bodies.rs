//! Request bodies with everything the contract demands, to be changed by the tests.

use serde_json::{Value, json};

/// A Visa test card that is approved (D-486).
pub(crate) const CARD_OK: &str = "4000000000000077";
/// A Mastercard test card that is approved when no 3-D Secure comes before (D-491).
pub(crate) const CARD_MASTERCARD: &str = "5252000000000004";
/// A Visa test card that is declined (D-486).
pub(crate) const CARD_DECLINED: &str = "4111111111111111";

/// `/v2/payment/card/sale`.
pub(crate) fn sale(payment_id: &str, amount: i64, currency: &str) -> Value {
    json!({
        "general": { "project_id": super::PROJECT, "payment_id": payment_id },
        "card": { "pan": CARD_OK, "year": 2028, "month": 3, "card_holder": "Ada Byron", "cvv": "321" },
        "customer": {
            "id": "reader-7",
            "ip_address": "198.51.100.7",
            "email": "ada@example.com",
            "phone": "442079460000",
            "screen_res": "1280x720",
        },
        "payment": { "amount": amount, "currency": currency, "description": "Two books" },
    })
}

/// `/v2/payment/card/refund`: everything that is left, or the amount given.
pub(crate) fn refund(payment_id: &str, amount: Option<(i64, &str)>) -> Value {
    let mut payment = json!({ "description": "Pages missing" });
    if let Some((minor, currency)) = amount {
        payment["amount"] = minor.into();
        payment["currency"] = currency.into();
    }
    json!({ "general": { "project_id": super::PROJECT, "payment_id": payment_id }, "payment": payment })
}

/// `/v2/payment/status`.
pub(crate) fn status(payment_id: &str) -> Value {
    json!({ "general": { "project_id": super::PROJECT, "payment_id": payment_id } })
}
