//! The documented structure of callbacks in the standard layout: which members there are, their kinds, and which must be
//! there (G-093 to G-108).

use serde_json::Value;

/// Kinds of values.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Text.
    Text,
    /// Whole number.
    Integer,
    /// Yes or no.
    Flag,
    /// `2026-11-21T12:00:00+0000`.
    Date,
    /// Any object: what the merchant sent, echoed.
    Echo,
}

/// Member by dotted path (`*` for any item of a list, `+` for any name), its kind, and whether it must be there.
const OPERATION: &[(&str, Kind, bool)] = &[
    ("project_id", Kind::Integer, true),
    ("payment.id", Kind::Text, true),
    ("payment.type", Kind::Text, true),
    ("payment.status", Kind::Text, true),
    ("payment.date", Kind::Date, true),
    ("payment.method", Kind::Text, true),
    ("payment.sum.amount", Kind::Integer, true),
    ("payment.sum.currency", Kind::Text, true),
    ("payment.description", Kind::Text, true),
    ("payment.best_before", Kind::Date, false),
    ("payment.is_new_attempts_available", Kind::Flag, false),
    ("payment.attempts_timeout", Kind::Integer, false),
    ("payment.cascading_with_redirect", Kind::Flag, false),
    ("payment_link", Kind::Text, false),
    ("account.number", Kind::Text, false),
    ("account.type", Kind::Text, false),
    ("account.card_holder", Kind::Text, false),
    ("account.expiry_month", Kind::Text, false),
    ("account.expiry_year", Kind::Text, false),
    ("account.id", Kind::Integer, false),
    ("account.token", Kind::Text, false),
    ("account.token_created_at", Kind::Text, false),
    ("customer.id", Kind::Text, false),
    ("customer.phone", Kind::Text, false),
    ("customer.first_name", Kind::Text, false),
    ("customer.middle_name", Kind::Text, false),
    ("customer.last_name", Kind::Text, false),
    ("operation.id", Kind::Integer, true),
    ("operation.type", Kind::Text, true),
    ("operation.status", Kind::Text, true),
    ("operation.date", Kind::Date, true),
    ("operation.created_date", Kind::Date, true),
    ("operation.request_id", Kind::Text, true),
    ("operation.sum_initial.amount", Kind::Integer, true),
    ("operation.sum_initial.currency", Kind::Text, true),
    ("operation.sum_converted.amount", Kind::Integer, true),
    ("operation.sum_converted.currency", Kind::Text, true),
    ("operation.code", Kind::Text, true),
    ("operation.message", Kind::Text, true),
    ("operation.eci", Kind::Text, false),
    ("operation.name_validation_result", Kind::Text, false),
    ("operation.non_3ds_reason", Kind::Text, false),
    ("operation.operation_fee.amount", Kind::Integer, false),
    ("operation.operation_fee.currency", Kind::Text, false),
    ("operation.provider.id", Kind::Integer, false),
    ("operation.provider.payment_id", Kind::Text, false),
    ("operation.provider.date", Kind::Date, false),
    ("operation.provider.auth_code", Kind::Text, false),
    ("operation.provider.endpoint_id", Kind::Integer, false),
    ("operation.provider.result_code", Kind::Text, false),
    ("operation.provider.result_message", Kind::Text, false),
    ("acs.pa_req", Kind::Text, false),
    ("acs.md", Kind::Text, false),
    ("acs.acs_url", Kind::Text, false),
    ("acs.term_url", Kind::Text, false),
    ("threeds2.iframe.url", Kind::Text, false),
    ("threeds2.iframe.params.+", Kind::Text, false),
    ("threeds2.redirect.url", Kind::Text, false),
    ("threeds2.redirect.params.+", Kind::Text, false),
    ("redirect_data.body.+", Kind::Text, false),
    ("redirect_data.method", Kind::Text, false),
    ("redirect_data.url", Kind::Text, false),
    ("display_data.*.type", Kind::Text, false),
    ("display_data.*.title", Kind::Text, false),
    ("display_data.*.data", Kind::Text, false),
    ("clarification_fields.+.*", Kind::Text, false),
    ("recurring.id", Kind::Integer, false),
    ("recurring.currency", Kind::Text, false),
    ("recurring.valid_thru", Kind::Date, false),
    ("scheme_id", Kind::Text, false),
    ("recurring_retry.next_retry_exists", Kind::Flag, false),
    ("recurring_retry.next_retry_date", Kind::Date, false),
    ("recurring_retry.trigger_operation_id", Kind::Integer, false),
    ("recurring_retry.retry_count", Kind::Integer, false),
    ("avs_result", Kind::Text, false),
    ("operation.description", Kind::Text, false),
    ("provider_extra_fields.+", Kind::Text, false),
    ("mpi_result.+", Kind::Text, false),
    ("operation_description", Kind::Text, false),
    ("merchant_refund_id", Kind::Text, false),
    ("merchant.data", Kind::Text, false),
    ("booking_info", Kind::Echo, false),
    ("errors.*.code", Kind::Integer, false),
    ("errors.*.message", Kind::Text, false),
    ("errors.*.field", Kind::Text, false),
    ("errors.*.constraint", Kind::Text, false),
    ("signature", Kind::Text, true),
];

/// A request that failed before an operation existed (G-120).
const REJECTED: &[(&str, Kind, bool)] = &[
    ("project_id", Kind::Integer, true),
    ("payment.id", Kind::Text, true),
    ("payment.status", Kind::Text, true),
    ("errors.0.code", Kind::Integer, true),
    ("errors.*.code", Kind::Integer, false),
    ("errors.*.message", Kind::Text, true),
    ("errors.*.field", Kind::Text, false),
    ("errors.*.constraint", Kind::Text, false),
    ("signature", Kind::Text, true),
];

/// A series that was changed or has ended (G-114).
const SERIES: &[(&str, Kind, bool)] = &[
    ("project_id", Kind::Integer, true),
    ("recurring.id", Kind::Integer, true),
    ("recurring.currency", Kind::Text, true),
    ("recurring.status", Kind::Text, true),
    ("recurring.type", Kind::Text, true),
    ("recurring.expiry_month", Kind::Text, true),
    ("recurring.expiry_year", Kind::Text, true),
    ("recurring.period", Kind::Text, false),
    ("recurring.period_interval", Kind::Integer, false),
    ("recurring.time", Kind::Text, false),
    ("signature", Kind::Text, true),
];

/// Panics unless `body` has exactly the documented structure of a callback.
pub(crate) fn assert_callback(body: &Value) {
    let rejected = body.get("operation").is_none();
    let about_series = rejected && body.get("payment").is_none();
    let members = match (about_series, rejected) {
        (true, _) => SERIES,
        (_, true) => REJECTED,
        _ => OPERATION,
    };
    let leaves = leaves(body);
    for (path, value) in &leaves {
        let listed = members.iter().filter(|(member, ..)| fits(member, path));
        let kinds: Vec<Kind> = listed.map(|(_, kind, _)| *kind).collect();
        assert!(!kinds.is_empty(), "{path} is no documented member of {body}");
        assert!(kinds.iter().all(|kind| has_kind(value, *kind)), "{path} is no {kinds:?} in {body}");
    }
    for (member, _, required) in members {
        let present = leaves.iter().any(|(path, _)| fits(member, path));
        assert!(present || !required, "{member} is missing in {body}");
    }
    if !rejected {
        assert_prescribes(body);
    }
}

/// Panics unless the callback asks for an action exactly when its operation waits for one (G-029, G-050, G-121 to G-126).
fn assert_prescribes(body: &Value) {
    const ASKING: [&str; 5] = ["acs", "threeds2", "clarification_fields", "redirect_data", "display_data"];
    let operation = &body["operation"];
    let asks: Vec<&str> = ASKING.into_iter().filter(|member| body.get(member).is_some()).collect();
    let expected: &[&[&str]] = match operation["status"].as_str() {
        Some("awaiting 3ds result") => &[&["acs"], &["threeds2"]],
        Some("awaiting clarification") => &[&["clarification_fields"]],
        Some("awaiting redirect result") => &[&["redirect_data"]],
        Some("awaiting customer action") => &[&["display_data"]],
        _ => &[&[]],
    };
    assert!(expected.contains(&asks.as_slice()), "{asks:?} in {body}");
    let ends = ["success", "decline", "invoice canceled", "expired"];
    let waits = !operation["status"].as_str().is_some_and(|status| ends.contains(&status));
    let payable = matches!(operation["status"].as_str(), Some("awaiting payment" | "invoice sent"));
    assert_eq!(body.get("payment_link").is_some(), payable, "G-435: {body}");
    // Some providers say how long to wait (G-486).
    let says_to_wait =
        operation["code"].as_str().is_some_and(|code| ["9999", "20802", "20899"].contains(&code));
    assert_eq!(says_to_wait, waits, "{body}");
    for (object, members) in [
        ("acs", &["pa_req", "md", "acs_url"][..]),
        ("redirect_data", &["body", "method", "url"]),
        ("threeds2.iframe", &["url", "params"]),
        ("threeds2.redirect", &["url", "params"]),
    ] {
        let pointer = format!("/{}", object.replace('.', "/"));
        if let Some(found) = body.pointer(&pointer) {
            assert!(members.iter().all(|member| found.get(member).is_some()), "{object} in {body}");
        }
    }
}

fn fits(member: &str, path: &str) -> bool {
    let (mut member, mut path) = (member.split('.'), path.split('.'));
    loop {
        match (member.next(), path.next()) {
            (None, None) => return true,
            (Some("*"), Some(step)) if step.parse::<usize>().is_ok() => {}
            (Some("+"), Some(_)) => {}
            (Some(name), Some(step)) if name == step => {}
            _ => return false,
        }
    }
}

fn has_kind(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Text => value.is_string(),
        Kind::Integer => value.is_i64(),
        Kind::Flag => value.is_boolean(),
        Kind::Echo => value.is_object(),
        Kind::Date => value.as_str().is_some_and(is_date),
    }
}

fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00+0000" && text.ends_with("+0000")
}

/// Every value without members, by dotted path; echoed objects count as one.
fn leaves(body: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(body, String::new(), &mut found);
    found
}

fn collect<'v>(value: &'v Value, path: String, found: &mut Vec<(String, &'v Value)>) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match value {
        Value::Object(members) if path != "booking_info" => {
            members.iter().for_each(|(key, value)| collect(value, below(key), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| collect(item, below(&index.to_string()), found));
        }
        leaf => found.push((path, leaf)),
    }
}
