//! Tests of reading and writing documents.

use proptest::prelude::*;

use super::*;

fn parse(body: &str) -> Result<Document<'_>, ParseError> {
    Document::parse(body.as_bytes(), Limits::INCOMING)
}

fn duplicate(body: &str) -> String {
    match parse(body) {
        Err(ParseError::DuplicateKey { path }) => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn number_literals_and_member_order_survive_reading_and_writing() {
    let body =
        r#"{"z":1.0,"a":1e5,"m":[9007199254740993,-0,0.10,12E-3],"b":{},"l":[],"t":true,"f":false,"n":null}"#;
    let document = parse(body).unwrap();
    assert_eq!(document.get("z").unwrap().as_number(), Some("1.0"));
    assert_eq!(document.get("m").unwrap().item(0).unwrap().as_number(), Some("9007199254740993"));
    assert_eq!(document.root().to_json_string(), body);
}

#[test]
fn white_space_and_escapes_are_normalised_when_written() {
    let document = parse(" { \"a\\u0062\" :\n[ \"\\ud83d\\ude00\\/\\n\" , 1 ] } ").unwrap();
    assert_eq!(document.path(&["ab"]).unwrap().item(0).unwrap().as_str(), Some("😀/\n"));
    assert_eq!(document.root().to_json_string(), "{\"ab\":[\"😀/\\n\",1]}");
}

#[test]
fn text_without_escapes_is_borrowed_from_the_body() {
    let body = r#"{"key":"value"}"#;
    let document = parse(body).unwrap();
    let members = document.root().members().unwrap();
    assert!(matches!(
        members[0],
        (std::borrow::Cow::Borrowed(_), Value::String(std::borrow::Cow::Borrowed(_)))
    ));
}

#[test]
fn lookups_follow_objects_only() {
    let document = parse(r#"{"general":{"project_id":42},"list":[1]}"#).unwrap();
    assert_eq!(document.path(&["general", "project_id"]).and_then(Value::as_number), Some("42"));
    assert_eq!(document.path(&["general", "project_id", "x"]), None);
    assert_eq!(document.path(&["list", "0"]), None);
    assert_eq!(document.path(&[]), Some(document.root()));
}

#[test]
fn a_body_without_content_is_empty() {
    assert_eq!(parse(""), Err(ParseError::Empty));
    assert_eq!(parse(" \r\n\t"), Err(ParseError::Empty));
}

#[test]
fn a_root_that_is_no_object_is_refused_as_such() {
    for body in ["[]", "1", "\"a\"", "null", " true "] {
        assert_eq!(parse(body), Err(ParseError::RootNotObject), "{body}");
    }
}

#[test]
fn text_that_is_not_json_is_refused_with_its_position() {
    let bad = [
        "{",
        "{}x",
        "{} {}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":NaN}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":tru}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "{\"a\":/*x*/1}",
        "\u{feff}{}",
        "[1,",
        "nul",
        "{\"a\":{\"b\":[}}",
        "{\"a\":-}",
    ];
    for body in bad {
        assert!(matches!(parse(body), Err(ParseError::NotJson { .. })), "{body:?}: {:?}", parse(body));
    }
    let Err(ParseError::NotJson { line, column, .. }) = parse("{\n \"a\": {\"b\": x}}") else { panic!() };
    assert_eq!((line, column), (2, 13));
}

#[test]
fn half_a_surrogate_pair_is_refused_where_it_stands() {
    let body = "{\"ok\":1,\n\"a\":{\"b\":[\"x\\ud800\"]}}";
    let Err(ParseError::NotJson { line, column, .. }) = parse(body) else { panic!() };
    assert_eq!(line, 2);
    assert!((13..22).contains(&column), "{column}");
    assert!(matches!(parse(r#"{"\udc00":1}"#), Err(ParseError::NotJson { .. })));
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    let body = b"{\"a\":\"\xff\"}";
    assert_eq!(Document::parse(body, Limits::INCOMING), Err(ParseError::NotUtf8 { offset: 6 }));
    // CESU-8, an overlong encoding, and a truncated sequence.
    for bad in [&b"{\"a\":\"\xed\xa0\x80\"}"[..], b"{\"a\":\"\xc0\x80\"}", b"{\"a\":\"\xe2\x82\"}"] {
        assert!(matches!(Document::parse(bad, Limits::INCOMING), Err(ParseError::NotUtf8 { .. })));
    }
}

#[test]
fn a_key_given_twice_is_refused_with_its_path_however_it_is_spelled() {
    assert_eq!(duplicate(r#"{"a":1,"b":2,"a":1}"#), "a");
    assert_eq!(duplicate(r#"{"x":{"list":[{},{"sum":1,"\u0073um":2}]}}"#), "x:list:1:sum");
    let many: Vec<String> = (0..40).map(|n| format!("\"k{n}\":{n}")).collect();
    assert_eq!(duplicate(&format!("{{{},\"k7\":0}}", many.join(","))), "k7");
    assert!(parse(&format!("{{{}}}", many.join(","))).is_ok());
    assert!(parse(r#"{"a":{"a":1},"A":2,"á":3,"a\u0301":4}"#).is_ok());
}

#[test]
fn a_nul_character_is_refused_with_its_path() {
    let path = |body| match parse(body) {
        Err(ParseError::NulCharacter { path }) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(path(r#"{"a":{"b":["x","y\u0000z"]}}"#), "a:b:1");
    assert_eq!(path(r#"{"a":{"b\u0000c":1}}"#), "a:b\\u0000c");
    assert!(parse(r#"{"a":"\\u0000"}"#).is_ok(), "an escaped backslash is no U+0000");
}

#[test]
fn nesting_is_limited_to_32_levels() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(parse(&nested(32)).is_ok());
    assert_eq!(parse(&nested(33)), Err(ParseError::TooDeep { max_depth: 32 }));
    assert_eq!(parse(&nested(200_000)), Err(ParseError::TooDeep { max_depth: 32 }));
    assert!(matches!(
        parse(&"{\"a\":".repeat(200_000)),
        Err(ParseError::NotJson { .. } | ParseError::TooDeep { .. })
    ));
}

#[test]
fn the_number_of_values_is_limited_to_20_000() {
    let list = |items: usize| format!("{{\"a\":[{}]}}", vec!["0"; items].join(","));
    assert!(parse(&list(19_998)).is_ok());
    assert_eq!(parse(&list(19_999)), Err(ParseError::TooManyNodes { max_nodes: 20_000 }));
}

#[test]
fn long_keys_over_many_values_cannot_blow_up_the_canonical_string() {
    let body = format!("{{\"{}\":[{}]}}", "k".repeat(100_000), vec!["0"; 1000].join(","));
    assert_eq!(parse(&body), Err(ParseError::PathsTooLong { max_path_bytes: 1 << 20 }));
}

#[test]
fn paths_in_errors_are_short_even_when_keys_are_long() {
    let key = "é".repeat(10_000);
    assert!(duplicate(&format!("{{\"{key}\":1,\"{key}\":2}}")).len() < 100);
}

#[test]
fn listed_paths_are_left_out_of_a_serialisation() {
    let document =
        parse(r#"{"card":{"pan":"1","cvv":"2","year":3},"l":[{"x":1,"y":2},{"x":3}],"pan":"kept"}"#).unwrap();
    assert_eq!(
        document.serialize_without(&[&["card", "pan"], &["card", "cvv"], &["l", "*", "x"]]),
        r#"{"card":{"year":3},"l":[{"y":2},{}],"pan":"kept"}"#
    );
    assert_eq!(document.serialize_without(&[&["card"], &["l"], &["nothing"]]), r#"{"pan":"kept"}"#);
}

#[test]
fn debug_output_shows_no_values() {
    let document = parse(r#"{"card":{"pan":"4314220000000056","cvv":123,"save":true}}"#).unwrap();
    let shown = format!("{document:?}");
    assert!(shown.contains("pan") && !shown.contains("4314") && !shown.contains("123"), "{shown}");
}

proptest! {
    #[test]
    fn anything_serde_json_accepts_as_an_object_reads_the_same_here(json in any_object()) {
        let body = serde_json::to_string_pretty(&json).unwrap();
        let document = parse(&body).unwrap();
        let again: serde_json::Value = serde_json::from_str(&document.root().to_json_string()).unwrap();
        prop_assert_eq!(again, json);
    }

    #[test]
    fn no_bytes_make_the_parser_panic_and_what_it_accepts_is_json(bytes in hostile_bytes()) {
        if let Ok(document) = Document::parse(&bytes, Limits::INCOMING) {
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert!(json.is_object());
            let written = document.root().to_json_string();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
            let again = Document::parse(written.as_bytes(), Limits::INCOMING).unwrap();
            prop_assert_eq!(again.root().to_json_string(), written);
        }
    }
}

fn any_object() -> impl Strategy<Value = serde_json::Value> {
    let text = "[^\u{0}]{0,6}";
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(text, inner, 0..6)
                .prop_map(|members| members.into_iter().collect::<serde_json::Value>()),
        ]
    });
    proptest::collection::btree_map(text, value, 0..20).prop_map(|members| members.into_iter().collect())
}

fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"a\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"b\"",
        "1",
        "-0",
        "1e9",
        "true",
        "null",
        " ",
        "\n",
        "\\",
        "\"",
        "é",
    ]);
    let broken = proptest::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat().into_bytes());
    prop_oneof![broken.clone(), broken.prop_map(|inner| [b"{\"k\":", &inner[..], b"}"].concat())]
}
