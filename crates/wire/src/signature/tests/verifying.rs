//! Tests of verification: places, rotation, tolerances, tampering.

use base64::Engine as _;
use proptest::prelude::*;

use crate::json::{Document, Limits, Value};
use crate::signature::*;

use super::{hex, parse};

const SALE: &str = r#"{"general":{"project_id":57123,"payment_id":"payment_443"},"card":{"pan":"4314220000000056","year":2030,
    "month":8,"card_holder":"JOHN SMITH","cvv":"123","save":false},"customer":{"id":"customer_12","ip_address":"202.144.196.0",
    "phone":"44991234567","middle_name":null},"payment":{"amount":1000,"currency":"EUR","description":""},
    "receipt":{"positions":[{"quantity":1.50,"price":1E3},{"quantity":2,"price":7}]}}"#;

fn secrets() -> [Secret; 1] {
    [Secret::new("secret")]
}

fn check(body: &str, place: Place) -> Result<Verified, Refusal> {
    verify(&parse(body), place, &secrets(), Tolerance::NONE)
}

fn with_root(body: &str, canonical: &str) -> String {
    insert_signature_root(body, &sign(&secrets()[0], canonical))
}

// G-038, G-041
#[test]
fn a_missing_an_empty_and_a_wrong_signature_are_told_apart() {
    assert_eq!(check(r#"{"general":{"a":1}}"#, Place::General), Err(Refusal::Missing));
    assert_eq!(check(r#"{"signature":"x"}"#, Place::General), Err(Refusal::Missing));
    assert_eq!(check(r#"{"general":[]}"#, Place::General), Err(Refusal::Missing));
    assert_eq!(check(r#"{"general":{"signature":""}}"#, Place::General), Err(Refusal::Empty));
    assert_eq!(check(r#"{"customer":{"signature":null}}"#, Place::Customer), Err(Refusal::Empty));
    for wrong in ["\"x\"", "1", "{}", "true", "\" \"", "[\"x\"]"] {
        assert_eq!(check(&format!("{{\"signature\":{wrong}}}"), Place::Root), Err(Refusal::Wrong), "{wrong}");
    }
}

// G-038
#[test]
fn a_signature_counts_at_its_own_place_only() {
    let body = seal(SALE, Place::General, &secrets()[0]).unwrap();
    assert!(check(&body, Place::General).is_ok());
    assert!(check(&body, Place::Either).is_ok());
    assert_eq!(check(&body, Place::Root), Err(Refusal::Missing));
    assert_eq!(check(&body, Place::Customer), Err(Refusal::Missing));
}

// G-035
#[test]
fn the_only_spelling_of_a_signature_is_padded_standard_base64() {
    let good = sign_outgoing(SALE, &secrets()[0]).unwrap();
    let raw = base64::engine::general_purpose::STANDARD.decode(&good).unwrap();
    let hex = hex(&raw);
    let url_safe = good.replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, good, "the example needs a character that differs");
    let mut loose_bits = good.clone().into_bytes();
    let last = loose_bits.len() - 3;
    assert_eq!(loose_bits[last + 1], b'=');
    loose_bits[last] += 1;
    let loose_bits = String::from_utf8(loose_bits).unwrap();
    for bad in
        [good.trim_end_matches('='), &format!(" {good}"), &format!("{good}\\n"), &hex, &url_safe, &loose_bits]
    {
        assert_eq!(check(&insert_signature_root(SALE, bad), Place::Root), Err(Refusal::Wrong), "{bad}");
    }
    assert!(check(&insert_signature_root(SALE, &good), Place::Root).is_ok());
}

// G-042
#[test]
fn either_secret_of_a_rotation_is_accepted_and_told() {
    let [old, new, other] = ["old", "new", "other"].map(Secret::new);
    let document = seal(SALE, Place::General, &new).unwrap();
    let document = parse(&document);
    let index = |secrets: &[Secret]| {
        verify(&document, Place::General, secrets, Tolerance::NONE).map(|verified| verified.secret_index)
    };
    assert_eq!(index(&[old.clone(), new.clone()]), Ok(1));
    assert_eq!(index(&[new, old.clone()]), Ok(0));
    assert_eq!(index(&[old, other]), Err(Refusal::Wrong));
    assert_eq!(index(&[]), Err(Refusal::Wrong));
}

// G-035
#[test]
fn every_order_is_accepted_where_they_differ() {
    let body = r#"{"item2":"a","item10":"b","item":{"x":1},"item-1":2,"10":3,"9":4,"address":7,"address2":8,"\ue000":5,"😀":6}"#;
    let mut seen = std::collections::HashSet::new();
    for order in Order::ALL {
        let string = canonical(parse(body).root(), order);
        assert!(seen.insert(string.clone()), "{order:?} is like another");
        assert_eq!(check(&with_root(body, &string), Place::Root).unwrap().order, order);
    }
}

// G-035
#[test]
fn a_colon_in_a_key_may_be_doubled_or_not_outside_the_natural_order() {
    let body = r#"{"a:b":1,"c":{"d:e":2}}"#;
    let orders = ["a::b:1;c:d::e:2", "a:b:1;c:d:e:2", "a::b:1;c:d:e:2"]
        .map(|string| check(&with_root(body, string), Place::Root).map(|verified| verified.order));
    assert_eq!(orders, [Ok(Order::Natural), Ok(Order::PerLevel), Ok(Order::Pair)]);
    assert_eq!(check(&with_root(body, "a:b:1;c:d::e:2"), Place::Root), Err(Refusal::Wrong));
}

// G-035
#[test]
fn other_members_named_signature_may_be_signed_or_left_out() {
    let body = r#"{"general":{"id":1},"wallet":{"signature":"w","x":2}}"#;
    let signed = |string| insert_signature(body, Place::General, &sign(&secrets()[0], string)).unwrap();
    assert!(check(&signed("general:id:1;wallet:signature:w;wallet:x:2"), Place::General).is_ok());
    assert!(check(&signed("general:id:1;wallet:x:2"), Place::General).is_ok());
    assert_eq!(check(&signed("general:id:1"), Place::General), Err(Refusal::Wrong));
}

// G-037, D-04
#[test]
fn lower_case_keys_and_cut_nesting_are_accepted_only_on_request() {
    let body = r#"{"Top":1,"a":{"Bc":{"d":{"e":5},"f":[],"g":"x"}}}"#;
    let (none, lower) = (Tolerance::NONE, Tolerance { lower_case_keys: true, ..Tolerance::NONE });
    let cut = Tolerance { cut_at_depth_3: true, ..Tolerance::NONE };
    let both = Tolerance { lower_case_keys: true, cut_at_depth_3: true };
    let cases = [
        ("Top:1;a:Bc:d:e:5;a:Bc:g:x", none),
        ("a:bc:d:e:5;a:bc:g:x;top:1", lower),
        ("Top:1;a:Bc:d:;a:Bc:f:;a:Bc:g:x", cut),
        ("a:bc:d:;a:bc:f:;a:bc:g:x;top:1", both),
    ];
    for (string, needed) in cases {
        let body = with_root(body, string);
        for allowed in [none, lower, cut, both] {
            let expected = (needed == none || needed == allowed || allowed == both).then_some(needed);
            let outcome = verify(&parse(&body), Place::Root, &secrets(), allowed);
            assert_eq!(outcome.ok().map(|verified| verified.tolerance), expected, "{string} {allowed:?}");
        }
    }
    // The one client that does both sorts what it cuts before the rest.
    let body = with_root(r#"{"A":1,"b":{"c":{"d":{"e":5}}}}"#, "b:c:d:;a:1");
    assert!(verify(&parse(&body), Place::Root, &secrets(), both).is_ok());
    assert_eq!(verify(&parse(&body), Place::Root, &secrets(), cut), Err(Refusal::Wrong));
}

// G-042
#[test]
fn a_secret_shows_nothing_of_itself() {
    assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(…)");
    assert_eq!(Secret::new("hush").expose(), "hush");
}

/// Every text of the document with one leaf changed, one added or one removed.
fn changes(document: &Document<'_>) -> Vec<String> {
    fn changed<'a>(value: &Value<'a>) -> Vec<Value<'a>> {
        match value {
            Value::Null => vec![Value::Bool(true), Value::String("null".into())],
            Value::Bool(flag) => vec![Value::Bool(!flag), Value::Null],
            Value::Number(literal) => vec![Value::String(format!("{literal}0").into()), Value::Null],
            Value::String(text) => {
                vec![Value::String(format!("{text} ").into()), Value::String(format!("x{text}").into())]
            }
            Value::Array(items) => {
                let mut all = vec![Value::Array(items.iter().rev().cloned().collect())];
                for (index, item) in items.iter().enumerate() {
                    all.extend(changed(item).into_iter().map(|other| {
                        let mut copy = items.clone();
                        copy[index] = other;
                        Value::Array(copy)
                    }));
                }
                all
            }
            Value::Object(members) => {
                let mut all = Vec::new();
                for (index, (key, member)) in members.iter().enumerate() {
                    if key == "signature" {
                        continue;
                    }
                    let edit = |edit: &dyn Fn(&mut Vec<_>)| {
                        let mut copy = members.clone();
                        edit(&mut copy);
                        Value::Object(copy)
                    };
                    all.push(edit(&|copy| drop(copy.remove(index))));
                    all.push(edit(&|copy| copy[index].0 = format!("{key}x").into()));
                    all.push(edit(&|copy| copy[index].0 = key.to_uppercase().into()));
                    all.push(edit(&|copy| copy.push(("added".into(), Value::Null))));
                    all.extend(
                        changed(member).into_iter().map(|other| edit(&|copy| copy[index].1 = other.clone())),
                    );
                }
                all
            }
        }
    }
    changed(document.root()).iter().map(Value::to_json_string).collect()
}

// G-035, G-041
#[test]
fn any_single_change_of_a_signed_message_is_refused() {
    let body = seal(SALE, Place::General, &secrets()[0]).unwrap();
    let changes = changes(&parse(&body));
    assert!(changes.len() > 100);
    for changed in changes {
        let outcome = check(&changed, Place::General);
        assert!(matches!(outcome, Err(Refusal::Wrong | Refusal::Missing)), "{changed}");
    }
}

// G-035
#[test]
fn what_does_not_change_the_pairs_does_not_matter() {
    let signature = sign(&secrets()[0], "a:1;b:c:x/é");
    for body in [
        r#"{"a":1,"b":{"c":"x/é"}}"#,
        r#"{ "b" : { "c" : "x\/\u00e9" , "e" : {} } , "a" : "1", "l": [[]] }"#,
        r#"{"frame_mode":"iframe","b":{"frame_mode":1,"c":"x/é"},"a":true}"#,
    ] {
        assert!(check(&insert_signature_root(body, &signature), Place::Root).is_ok(), "{body}");
    }
}

#[test]
fn the_literal_text_of_a_number_is_what_is_signed() {
    for (literal, others) in [
        ("1.0", ["1", "1.00"]),
        ("1e5", ["100000", "1E5"]),
        ("9007199254740993", ["9007199254740992", "9007199254740993.0"]),
    ] {
        let signed = with_root(&format!("{{\"a\":{literal}}}"), &format!("a:{literal}"));
        assert!(check(&signed, Place::Root).is_ok());
        for other in others {
            assert_eq!(
                check(&signed.replace(literal, other), Place::Root),
                Err(Refusal::Wrong),
                "{literal} {other}"
            );
        }
    }
}

proptest! {
    // G-042
    #[test]
    fn no_text_but_the_right_one_is_accepted(flip in 0_usize..512, text in "[A-Za-z0-9+/]{86}==") {
        let good = sign_outgoing(SALE, &secrets()[0]).unwrap();
        let mut bytes = base64::engine::general_purpose::STANDARD.decode(&good).unwrap();
        bytes[flip / 8] ^= 1 << (flip % 8);
        let flipped = base64::engine::general_purpose::STANDARD.encode(bytes);
        prop_assert_eq!(check(&insert_signature_root(SALE, &flipped), Place::Root), Err(Refusal::Wrong));
        prop_assert_eq!(check(&insert_signature_root(SALE, &text), Place::Root), Err(Refusal::Wrong));
    }

    #[test]
    fn what_the_platform_signs_verifies_in_natural_order(
        keys in proptest::collection::btree_set("[a-c:0-9 ]{0,3}", 1..12),
        text in "[^\u{0}]{0,5}",
    ) {
        let members = keys.iter().enumerate().map(|(index, key)| {
            let value = match index % 3 {
                0 => Value::String(text.as_str().into()),
                1 => Value::Array(vec![Value::Number("1.50"), Value::Null, Value::Bool(true)]),
                _ => Value::Object(vec![(key.as_str().into(), Value::Number("7"))]),
            };
            (key.as_str().into(), value)
        });
        let body = Value::Object(members.collect()).to_json_string();
        let sealed = seal(&body, Place::Root, &secrets()[0]).unwrap();
        let document = Document::parse(sealed.as_bytes(), Limits::INCOMING).unwrap();
        let verified = verify(&document, Place::Root, &secrets(), Tolerance::NONE).unwrap();
        prop_assert_eq!(verified.order, Order::Natural);
    }
}
