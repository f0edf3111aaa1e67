//! Masking card data in what people look at.
//!
//! Members that name a verification value are hidden wholly, members that name a card number keep its first six and
//! last four digits, and in every other text the middle of anything that could be a card number goes: a run of 12 to
//! 19 digits with a right check digit, also when it is written in groups.

use crate::json::{Document, Value};
use std::borrow::Cow;

/// What a member's name says about its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    VerificationValue,
    CardNumber,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        const SECRET: [&str; 8] = ["cvv", "cvv2", "cvc", "cvc2", "cid", "security_code", "pin", "cryptogram"];
        const NUMBER: [&str; 2] = ["pan", "card_number"];
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if SECRET.iter().any(|known| is(known)) {
            Self::VerificationValue
        } else if NUMBER.iter().any(|known| is(known)) {
            Self::CardNumber
        } else {
            Self::Other
        }
    }
}

/// The document as compact JSON with card data masked, for display.
pub fn masked_json(document: &Document<'_>) -> String {
    masked_value(document.root(), Kind::Other).to_json_string()
}

/// A value with card data masked. Numbers that have to be hidden become text.
fn masked_value<'a>(value: &'a Value<'_>, kind: Kind) -> Value<'a> {
    let hidden = |text: &str| match kind {
        Kind::VerificationValue => "***".to_owned(),
        kind => masked_numbers(text, kind == Kind::CardNumber),
    };
    match value {
        Value::Null => Value::Null,
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Number(literal) => {
            let shown = hidden(literal);
            if shown == *literal { Value::Number(literal) } else { Value::String(Cow::Owned(shown)) }
        }
        Value::String(text) => Value::String(Cow::Owned(hidden(text))),
        Value::Array(items) => Value::Array(items.iter().map(|item| masked_value(item, kind)).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| {
                    let kind = match Kind::of(name) {
                        // What lies below a sensitive member stays sensitive.
                        Kind::Other => kind,
                        named => named,
                    };
                    // A key may be a card number, too.
                    (Cow::Owned(masked_numbers(name, false)), masked_value(value, kind))
                })
                .collect(),
        ),
    }
}

/// Any text with whatever could be a card number masked.
pub fn masked_text(text: &str) -> String {
    masked_numbers(text, false)
}

/// Whether JSON text may hold card data, told without reading it as JSON: a key that begins like the name of a
/// verification value or a card number, or digits that could be a card number. Errs on the side of yes; keys written
/// with escapes are the reader's business, who masks again.
pub fn may_hold_card_data(json: &str) -> bool {
    let bytes = json.as_bytes();
    let named = json.match_indices('"').any(|(at, _)| bytes.get(at + 1..).is_some_and(names_card_data));
    named || (json.contains('\\') && json.contains("\\u00")) || holds_card_number(bytes)
}

/// Whether what follows a quotation mark is the beginning of a name of card data.
fn names_card_data(rest: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] =
        [b"cv", b"pan\"", b"card_number\"", b"cid\"", b"security_code\"", b"pin\"", b"cryptogram\""];
    // Most names begin otherwise: this runs for every accepted request of a test project.
    matches!(rest.first(), Some(b'c' | b'C' | b'p' | b'P' | b's' | b'S'))
        && NAMES.iter().any(|name| rest.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)))
}

/// The fewest digits of a card number.
const FEWEST_DIGITS: usize = 12;

/// Whether a run of digits, spaces and hyphens could be a card number. A run long enough covers one of every twelve
/// bytes, so only those are looked at.
fn holds_card_number(bytes: &[u8]) -> bool {
    let in_run = |byte: &&u8| matches!(byte, b'0'..=b'9' | b' ' | b'-');
    let mut at = FEWEST_DIGITS - 1;
    while let Some(byte) = bytes.get(at) {
        if in_run(&byte) {
            let (before, after) = bytes.split_at(at);
            let length_before = before.iter().rev().take_while(in_run).count();
            let length_after = after.iter().take_while(in_run).count();
            let run = bytes.get(at - length_before..at + length_after).unwrap_or_default();
            if run_holds_card_number(run) {
                return true;
            }
            at += length_after;
        }
        at += FEWEST_DIGITS;
    }
    false
}

/// Whether a card number begins at one of the numbers of a run of digits, spaces and hyphens; others may stand before
/// and after it.
fn run_holds_card_number(run: &[u8]) -> bool {
    let digits: Vec<u8> = run.iter().copied().filter(u8::is_ascii_digit).collect();
    let mut before = None;
    let mut seen = 0;
    for byte in run {
        let begins = byte.is_ascii_digit() && !before.is_some_and(|it: &u8| it.is_ascii_digit());
        let rest = digits.get(seen..).unwrap_or_default();
        let fits = |length| rest.get(..length).is_some_and(passes_luhn);
        if begins && (FEWEST_DIGITS..=19).any(fits) {
            return true;
        }
        seen += usize::from(byte.is_ascii_digit());
        before = Some(byte);
    }
    false
}

/// `path:text` of a canonical string with card data masked.
pub fn masked_pair(path: &str, text: &str) -> String {
    let name = path.rsplit(':').next().unwrap_or_default();
    match Kind::of(name) {
        Kind::VerificationValue => format!("{path}:***"),
        kind => format!("{path}:{}", masked_numbers(text, kind == Kind::CardNumber)),
    }
}

/// [`masked_pair`] for text that should be `path:text` but may be anything: the part up to the last colon counts as
/// path when it names something sensitive.
pub fn masked_pair_text(pair: &str) -> String {
    for (at, _) in pair.match_indices(':') {
        let (path, text) = (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default());
        if Kind::of(path.rsplit(':').next().unwrap_or_default()) != Kind::Other {
            return masked_pair(path, text);
        }
    }
    masked_text(pair)
}

/// `text` with the middle of every run of digits, spaces and hyphens masked; unless `always`, of those that hold a card
/// number.
fn masked_numbers(text: &str, always: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, ""));
        out.push_str(before);
        let end = from.find(|c: char| !c.is_ascii_digit() && c != ' ' && c != '-').unwrap_or(from.len());
        let (run, after) = from.split_at_checked(end).unwrap_or((from, ""));
        let digits: Vec<u8> = run.bytes().filter(u8::is_ascii_digit).collect();
        if always || run_holds_card_number(run.as_bytes()) {
            out.push_str(&masked_run(run, digits.len()));
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn masked_run(run: &str, digits: usize) -> String {
    let shown = if digits >= 12 { (6, digits - 4) } else { (0, digits) };
    let mut position = 0;
    let mask = |c: char| {
        if !c.is_ascii_digit() {
            return c;
        }
        position += 1;
        if position <= shown.0 || position > shown.1 { c } else { '*' }
    };
    run.chars().map(mask).collect()
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0');
            if index % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    fn masked(body: &str) -> String {
        masked_json(&Document::parse(body.as_bytes(), Limits::INCOMING).unwrap())
    }

    #[test]
    fn card_numbers_and_verification_values_are_hidden_wherever_they_stand() {
        let body = r#"{"card":{"pan":"4314220000000056","CVV":"123","cvv2":321},"deep":[{"card_number":4314220000000056}],
            "note":"4314 2200 0000 0056 or 4314-2200-0000-0056","other":4314220000000056,"cvc":{"value":"987"},
            "4314220000000056":true,"order":1234567890123,"sum":-12.50}"#;
        let shown = masked(body);
        let expected = r#"{"card":{"pan":"431422******0056","CVV":"***","cvv2":"***"},"deep":[{"card_number":"431422******0056"}],"note":"4314 22** **** 0056 or 4314-22**-****-0056","other":"431422******0056","cvc":{"value":"***"},"431422******0056":true,"order":1234567890123,"sum":-12.50}"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_number_that_is_no_card_number_keeps_its_text() {
        assert_eq!(
            masked(r#"{"a":9007199254740993,"b":1e5,"c":1.0}"#),
            r#"{"a":9007199254740993,"b":1e5,"c":1.0}"#
        );
    }

    #[test]
    fn text_without_card_data_is_told_without_being_read() {
        for clean in
            [r#"{"a":"12345678901","pannier":1,"description":"10 books, 3 pens"}"#, "{}", "2026-11-21 12:00"]
        {
            assert!(!may_hold_card_data(clean), "{clean}");
        }
        for suspect in [
            r#"{"note":"4314220000000056"}"#,
            r#"{"note":"4314 2200 0000 0056"}"#,
            r#"{"Card":{"CVV":"123"}}"#,
            r#"{"x":{"Pan":"1"}}"#,
            "4314220000000056",
            "4-3-1-4-2-2-0-0-0-0-0-0-0-0-5-6",
            "pay 2 4314220000000056 and",
            "4314220000000056 12/30",
        ] {
            assert!(may_hold_card_data(suspect), "{suspect}");
        }
    }
}
