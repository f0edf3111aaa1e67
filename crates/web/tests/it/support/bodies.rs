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

/// `/v2/payment/card/payout` or `/v2/payment/individual/payout`: the least such a request has.
pub(crate) fn payout(payment_id: &str, card: &str, amount: i64) -> Value {
    json!({
        "general": { "project_id": super::PROJECT, "payment_id": payment_id },
        "card": { "pan": card },
        "customer": { "id": "reader-7", "ip_address": "198.51.100.7" },
        "payment": { "amount": amount, "currency": "EUR" },
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

/// The same request with another card.
pub(crate) fn on_card(mut body: Value, card: &str) -> Value {
    body["card"]["pan"] = card.into();
    body
}

/// `/v2/payment/card/capture`: the whole hold, or the amount given.
pub(crate) fn capture(payment_id: &str, amount: Option<(i64, &str)>) -> Value {
    about(payment_id, amount)
}

/// `/v2/payment/card/cancel`: the whole hold, or the part given.
pub(crate) fn cancel(payment_id: &str, amount: Option<(i64, &str)>) -> Value {
    about(payment_id, amount)
}

/// `/v2/payment/card/incremental`: so much more.
pub(crate) fn incremental(payment_id: &str, amount: i64, currency: &str) -> Value {
    let mut body = about(payment_id, Some((amount, currency)));
    body["customer"] = json!({ "id": "reader-7", "ip_address": "198.51.100.7" });
    body
}

/// `/v2/payment/card/account_verification`.
pub(crate) fn verification(payment_id: &str) -> Value {
    json!({
        "general": { "project_id": super::PROJECT, "payment_id": payment_id },
        "card": { "pan": CARD_OK, "year": 2028, "month": 3, "card_holder": "Ada Byron", "cvv": "321" },
        "customer": { "id": "reader-7", "ip_address": "198.51.100.7" },
        "payment": { "amount": 0, "currency": "EUR", "description": "A card to keep" },
    })
}

/// `/v2/payment/clarification` with these data.
pub(crate) fn clarification(payment_id: &str, data: Value) -> Value {
    let mut body = status(payment_id);
    body["additional_data"] = data;
    body
}

/// The same request once more, not byte for byte: an equal one would count as the first (D-51).
pub(crate) fn again(mut body: Value) -> Value {
    body["payment"]["description"] = "Once more".into();
    body
}

/// A body that names a payment, and perhaps an amount.
fn about(payment_id: &str, amount: Option<(i64, &str)>) -> Value {
    let mut body = status(payment_id);
    if let Some((minor, currency)) = amount {
        body["payment"] = json!({ "amount": minor, "currency": currency });
    }
    body
}
