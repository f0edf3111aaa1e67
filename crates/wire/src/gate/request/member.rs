//! Looking up a member by its dotted path.

use crate::json::Value;

/// Longest value, characters; the longest that any provider takes (G-193). The contract bounds few of the members that
/// can be asked for.
const LONGEST: usize = 2_048;

/// The value of the member at a dotted path such as `customer.billing.city`, as text: a number as it was written, a
/// boolean as `true` or `false`. `None` when the member is missing, null, empty, too long, an object or a list: nothing
/// that could count as given (G-217). Card numbers and verification values are never looked up, whoever asks.
pub fn member(body: &Value<'_>, path: &str) -> Option<String> {
    if is_secret(path) {
        return None;
    }
    path.split('.').try_fold(body, |value, key| value.get(key)).and_then(scalar)
}

/// Whether a path names a card number or a value that proves the card.
pub(super) fn is_secret(path: &str) -> bool {
    matches!(path.rsplit('.').next(), Some("pan" | "cvv" | "security_code" | "cryptogram"))
}

/// The text of a value that has no members; see [`member`].
pub(super) fn scalar(value: &Value<'_>) -> Option<String> {
    let is_bounded = |text: &str| text.len() <= LONGEST || text.chars().nth(LONGEST).is_none();
    match value {
        Value::String(text) => {
            Some(text.as_ref()).filter(|text| !text.trim().is_empty() && is_bounded(text)).map(str::to_owned)
        }
        Value::Number(literal) => Some((*literal).to_owned()).filter(|literal| is_bounded(literal)),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
