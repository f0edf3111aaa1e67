//! The signature, written a second time from its description, so that the platform does not check itself.
//!
//! The document without its `signature` members is flattened to `path:text` pairs, the pairs are put in natural order,
//! joined with `;`, and authenticated with HMAC-SHA512 under the project's secret; the result is Base64.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, value::RawValue};
use std::{cmp::Ordering, collections::BTreeMap};

/// The signature of a document.
pub fn signature(document: &Value, secret: &str) -> String {
    let mut pairs = Vec::new();
    flatten(document, "", &mut pairs);
    signed(pairs, secret)
}

fn signed(mut pairs: Vec<(String, String)>, secret: &str) -> String {
    pairs.sort_by(|left, right| natural(&left.0, &right.0));
    let pairs: Vec<String> = pairs.into_iter().map(|(path, text)| format!("{path}:{text}")).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, pairs.join(";").as_bytes()))
}

fn flatten(value: &Value, path: &str, pairs: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}:{name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name != "signature" {
                    flatten(member, &below(name), pairs);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(item, &below(&index.to_string()), pairs);
            }
        }
        Value::Null => pairs.push((path.to_owned(), String::new())),
        Value::Bool(flag) => pairs.push((path.to_owned(), i32::from(*flag).to_string())),
        Value::Number(number) => pairs.push((path.to_owned(), number.to_string())),
        Value::String(text) => pairs.push((path.to_owned(), text.clone())),
    }
}

/// Runs of digits compare as numbers, everything else as bytes.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let (Some(first), Some(second)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len());
        };
        let order = if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, rest) = digits(left);
            let (other, other_rest) = digits(right);
            (left, right) = (rest, other_rest);
            number.len().cmp(&other.len()).then_with(|| number.cmp(other))
        } else {
            left = left.split_at(first.len_utf8()).1;
            right = right.split_at(second.len_utf8()).1;
            first.cmp(&second)
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The digits at the front, without leading zeros, and what follows them.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (number.trim_start_matches('0'), rest)
}

/// Whether the text of a callback or reply carries the right signature at its root (or below `general`). It is the text
/// that counts: a number is signed as it is written, which a parsed document has forgotten.
pub fn is_signed(text: &str, secret: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let at_root = document.get("signature");
    let given = at_root.or_else(|| document.pointer("/general/signature")).and_then(Value::as_str);
    let mut pairs = Vec::new();
    flatten_text(text, "", &mut pairs);
    given.is_some_and(|given| given == signed(pairs, secret))
}

/// As [`flatten`], from the text.
fn flatten_text(text: &str, path: &str, pairs: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}:{name}") };
    match text.trim().as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
            for (name, member) in members.iter().filter(|(name, _)| *name != "signature") {
                flatten_text(member.get(), &below(name), pairs);
            }
        }
        Some(b'[') => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                flatten_text(item.get(), &below(&index.to_string()), pairs);
            }
        }
        Some(b'-' | b'0'..=b'9') => pairs.push((path.to_owned(), text.trim().to_owned())),
        _ => flatten(&serde_json::from_str(text).unwrap_or_default(), path, pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_signed_as_it_is_written() {
        let signature = signed(vec![("a".to_owned(), "1.50e+3".to_owned())], "s");
        let text = |number: &str| format!(r#"{{"a":{number},"signature":"{signature}"}}"#);
        assert!(is_signed(&text("1.50e+3"), "s"));
        assert!(!is_signed(&text("1500.0"), "s") && !is_signed(&text("1.5e3"), "s"));
    }
}
