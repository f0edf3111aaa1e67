//! Tests of openings: their bytes, their signature, their rules.

mod encoded;
mod reading;
mod rules;
mod signed;
mod table;
mod typed;

use super::{Checked, Opening, Problem, Received, Unreadable};
use crate::signature::{Order, Secret, canonical, sign};

/// A purchase with everything it needs.
const PURCHASE: &str =
    "project_id=7&payment_id=order-1&payment_amount=1250&payment_currency=EUR&customer_id=c-9";

fn secrets() -> [Secret; 1] {
    [Secret::new("secret")]
}

/// The query with its signature, made as the platform's own documentation has it.
fn signed(query: &str) -> String {
    let received = Received::from_form(query.as_bytes()).unwrap();
    let root = crate::json::Value::Object(received.members.clone());
    let signature = sign(&Secret::new("secret"), &canonical(&root, Order::Natural));
    format!("{query}&signature={}", escaped(&signature))
}

/// Percent-encodes everything but letters and digits.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn opened(query: &str) -> Result<Opening, Vec<Problem>> {
    let query = signed(query);
    let received = Received::from_form(query.as_bytes()).unwrap();
    received.verify(&secrets()).expect("the signature is right").open()
}

/// The problems of a query as lines, without the heading.
fn lines(query: &str) -> Vec<String> {
    match opened(query) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// The purchase with one parameter more, or with another value of one it has.
fn with(name: &str, value: &str) -> String {
    let kept = PURCHASE.split('&').filter(|pair| pair.split('=').next() != Some(name));
    let kept: Vec<&str> = kept.collect();
    format!("{}&{name}={}", kept.join("&"), escaped(value))
}

/// The purchase without one parameter.
fn without(name: &str) -> String {
    let kept = PURCHASE.split('&').filter(|pair| pair.split('=').next() != Some(name));
    kept.collect::<Vec<_>>().join("&")
}

// P-043
#[test]
fn parameters_are_checked_without_a_signature_and_the_answer_is_what_clients_read() {
    let right = Checked::form(PURCHASE.as_bytes());
    assert_eq!((right.status(), right.body().as_str()), (200, r#"{"errors":{}}"#));
    assert_eq!(right.text(), None);

    let wrong = Checked::form(with("account_token", "abc").replace("&customer_id=c-9", "").as_bytes());
    assert_eq!(wrong.status(), 400);
    assert_eq!(
        wrong.body(),
        r#"{"errors":{"account_token":"Invalid account token","customer_id":"Must be not null"}}"#
    );
    assert_eq!(
        wrong.text().unwrap(),
        "One or more parameters is not valid\nCustomer_id: Must be not null\nAccount_token: Invalid account token"
    );
}

// P-038, P-043
#[test]
fn parameters_to_be_checked_may_be_posted_as_json_with_numbers_and_objects() {
    let json = br#"{"project_id":7,"payment_id":"a","payment_amount":5,"payment_currency":"EUR","customer_id":"c",
        "redirect":true,"interface_type":{"id":25},"recurring":{"register":true,"type":"C"},"payment_description":null}"#;
    assert_eq!(Checked::json(json).body(), r#"{"errors":{}}"#);
    let json = br#"{"project_id":7.5,"payment_id":["a"],"payment_amount":-5,"payment_currency":"EUR","customer_id":{}}"#;
    assert_eq!(
        Checked::json(json).body(),
        r#"{"errors":{"customer_id":"Must be a string","payment_amount":"Must be at least 0","#.to_owned()
            + r#""payment_id":"Must be a string","project_id":"Must be an integer"}}"#
    );
    for wrong in ["", "[]", "5", "{", "{\"a\":1,\"a\":2}"] {
        let answer = Checked::json(wrong.as_bytes());
        assert_eq!(answer.status(), 400, "{wrong}");
        assert_eq!(answer.body(), r#"{"errors":{"request":"the request is not a JSON object"}}"#, "{wrong}");
    }
}

// P-043
#[test]
fn a_check_of_what_cannot_be_read_says_so() {
    let answer = Checked::form(b"a=1&a=2");
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.body(), r#"{"errors":{"request":"the request names a parameter twice"}}"#);
    assert_eq!(answer.text(), Some(Unreadable::Twice.to_string()));
}
