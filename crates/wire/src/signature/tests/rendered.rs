//! What is found in a rendered text in one walk, against the document read back from it.

use proptest::prelude::*;
use serde_json::json;

use super::any_document::any_document;
use crate::signature::{
    outgoing::{outgoing, read_back},
    rendered,
};

fn walked(text: &str) -> Option<String> {
    let mut pairs = rendered::pairs(text)?;
    pairs.sort_naturally();
    Some(pairs.join())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // G-035
    #[test]
    fn one_walk_finds_in_a_rendered_text_what_the_document_read_back_from_it_has(json in any_document()) {
        for text in [json.to_string(), serde_json::to_string_pretty(&json).unwrap()] {
            let expected = read_back(&text).unwrap();
            prop_assert_eq!(&outgoing(&text).unwrap(), &expected);
            let walked = walked(&text);
            prop_assert!(walked.is_none_or(|it| it == expected));
        }
    }

    // G-035
    #[test]
    fn a_text_with_a_byte_changed_removed_or_doubled_is_signed_as_the_reader_reads_it_or_refused_with_its_reason(
        json in any_document(), place in any::<prop::sample::Index>(), byte in "[\"\\\\{}\\[\\],:a0. -]", how in 0..3,
    ) {
        let text = json.to_string();
        let at = place.index(text.len());
        prop_assume!(text.is_char_boundary(at) && text.is_char_boundary(at + 1));
        let (before, changed, after) = (&text[..at], &text[at..=at], &text[at + 1..]);
        let text = match how {
            0 => format!("{before}{byte}{after}"),
            1 => format!("{before}{after}"),
            _ => format!("{before}{changed}{byte}{after}"),
        };
        prop_assert_eq!(outgoing(&text), read_back(&text));
    }
}

// G-035
#[test]
fn a_callback_takes_one_walk_only() {
    let body = json!({
        "project_id": 1001, "a:b": true, "signature": "x", "frame_mode": {"deep": 1}, "none": null, "minus": -12,
        "payment": {"id": "p-1", "description": "\"Cups\"\n\u{e9}", "sum": {"amount": 1050, "currency": "EUR"}},
        "errors": [{"code": "20100", "field": ""}, {}, [], [0, 7]],
    });
    let text = body.to_string();
    let expected = "a::b:1;errors:0:code:20100;errors:0:field:;errors:3:0:0;errors:3:1:7;minus:-12;none:;\
        payment:description:\"Cups\"\n\u{e9};payment:id:p-1;payment:sum:amount:1050;payment:sum:currency:EUR;project_id:1001";
    assert_eq!(walked(&text).as_deref(), Some(expected));
    assert_eq!(read_back(&text).unwrap(), expected);
}

#[test]
fn what_the_walk_does_not_know_is_left_to_the_reader() {
    let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
    let many: serde_json::Map<_, _> = (0..100).map(|n| (format!("k{n}"), json!(n))).collect();
    let many = serde_json::Value::from(many).to_string();
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    for text in [r#"{"a":1.50}"#, r#"{"a":1e3}"#, r#"{"\u0061":1}"#, &deep, &many, &long] {
        assert_eq!(walked(text), None);
        assert!(read_back(text).is_ok() && outgoing(text) == read_back(text));
    }
    for text in [
        "",
        "[]",
        "{",
        r#"{"a":1"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":tru}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1,]}"#,
        r#"{"a" 1}"#,
        r#"{"a":1}x"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1,"b":[]}}"#,
        r#"{"signature":{"b":1,"b":2}}"#,
        "{\"a\":\"\u{1}\"}",
        r#"{"a":"\u0000"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\"#,
        "{1:2}",
        r#"{"a":+1}"#,
    ] {
        assert_eq!(walked(text), None, "{text}");
        assert!(read_back(text).is_err() && outgoing(text) == read_back(text), "{text}");
    }
}
