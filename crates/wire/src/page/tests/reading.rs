//! From bytes to names and values.

use super::*;
use crate::{json::Value, page::MOST_BYTES};
use proptest::prelude::*;

fn read(query: &str) -> Received<'_> {
    Received::from_form(query.as_bytes()).unwrap()
}

fn text<'r>(received: &'r Received<'_>, name: &str) -> Option<&'r str> {
    received.get(name)?.as_str()
}

// P-001, P-058
#[test]
fn values_are_those_before_encoding_however_clients_encode_them() {
    let received = read("a=B%26W+test&b=B%26W%20test&c=%d0%a2&d=100%&e=%zz%4&f=&g&h=x=y&&i=Jos%C3%A9");
    for (name, value) in [
        ("a", "B&W test"),
        ("b", "B&W test"),
        ("c", "Т"),
        ("d", "100%"),
        ("e", "%zz%4"),
        ("f", ""),
        ("g", ""),
        ("h", "x=y"),
        ("i", "José"),
    ] {
        assert_eq!(text(&received, name), Some(value), "{name}");
    }
}

// P-055
#[test]
fn names_with_brackets_are_the_objects_and_lists_that_php_makes_of_them() {
    let received = read("a%5Bb%5D%5B0%5D=x&a[b][1]=y&a[c]=z&l[]=1&l[]=2&odd[=q&odd]=r&[x]=s&t[a]b=u");
    let json = |name: &str| received.get(name).unwrap().to_json_string();
    assert_eq!(json("a"), r#"{"b":["x","y"],"c":"z"}"#);
    assert_eq!(json("l"), r#"["1","2"]"#);
    for (name, value) in [("odd[", "q"), ("odd]", "r"), ("[x]", "s"), ("t[a]b", "u")] {
        assert_eq!(text(&received, name), Some(value), "{name}");
    }
}

// P-055
#[test]
fn what_is_written_twice_has_to_be_the_same() {
    assert_eq!(text(&read("a=1&a=1"), "a"), Some("1"));
    for twice in ["a=1&a=2", "a=1&a=", "a=1&a[b]=1", "a[b]=1&a=1", "a[b]=1&a[b]=2", "a[b][c]=1&a[b]=1"] {
        assert_eq!(Received::from_form(twice.as_bytes()).unwrap_err(), Unreadable::Twice, "{twice}");
    }
}

#[test]
fn what_is_no_text_or_goes_beyond_the_bounds_is_refused_whole() {
    let refusal = |query: &[u8]| Received::from_form(query).unwrap_err();
    for wrong in [&b"a=%ff"[..], b"a=\xff", b"%c3=1", b"a=%00", b"a=%ed%a0%80", b"a=\0"] {
        assert_eq!(refusal(wrong), Unreadable::NoText);
    }
    assert_eq!(refusal(&vec![b'a'; MOST_BYTES + 1]), Unreadable::TooLong);
    assert_eq!(refusal("a=1&".repeat(513).as_bytes()), Unreadable::TooMany);
    assert_eq!(refusal(&[b'a'; 257]), Unreadable::TooMany);
    assert_eq!(refusal(format!("a{}=1", "[b]".repeat(9)).as_bytes()), Unreadable::TooMany);
    assert!(Received::from_form(format!("a{}=1", "[b]".repeat(8)).as_bytes()).is_ok());
    assert!(Received::from_form("a=1&".repeat(512).as_bytes()).is_ok());
}

// P-007, P-038
#[test]
fn the_project_is_found_before_anything_is_believed() {
    for (query, project) in [
        ("project_id=42", Some(42)),
        ("project_id=4294967295", Some(4_294_967_295)),
        ("project_id=4294967296", None),
        ("project_id=0", None),
        ("project_id=-1", None),
        ("project_id=x", None),
        ("project_id=", None),
        ("project_id[a]=1", None),
        ("payment_id=1", None),
    ] {
        assert_eq!(read(query).project().map(ferropay_domain::ids::ProjectId::get), project, "{query}");
    }
    let json = Received::from_json(br#"{"project_id":42}"#).unwrap();
    assert_eq!(json.project().map(ferropay_domain::ids::ProjectId::get), Some(42));
}

// P-299
#[test]
fn what_was_received_shows_no_value_when_it_is_printed() {
    let query = with("recipient_pan", "4242424242424242");
    let received = read(&query);
    let opening = opened(&query).unwrap();
    for shown in [format!("{received:?}"), format!("{opening:?}")] {
        for value in ["4242424242424242", "order-1", "c-9"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
    assert_eq!(opening.recipient.map(|pan| pan.masked()).as_deref(), Some("424242******4242"));
    let problems = lines(&with("recipient_pan", "4242424242424241"));
    assert_eq!(problems, ["Recipient_pan: Invalid recipient pan"]);
}

proptest! {
    // P-001
    #[test]
    fn texts_arrive_as_they_were_whatever_they_are(texts in prop::collection::vec("[^\0]{0,20}", 1..8)) {
        let pairs: Vec<String> =
            texts.iter().enumerate().map(|(at, text)| format!("n{at}={}", escaped(text))).collect();
        let query = pairs.join("&");
        let received = read(&query);
        for (at, expected) in texts.iter().enumerate() {
            prop_assert_eq!(text(&received, &format!("n{at}")), Some(expected.as_str()));
        }
    }

    #[test]
    fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(received) = Received::from_form(&bytes) {
            prop_assert!(received.members.iter().all(|(_, value)| !matches!(value, Value::Number(_))));
            prop_assert!(received.verify(&secrets()).is_err());
        }
        let _ = (Checked::form(&bytes), Checked::json(&bytes).body());
    }

    #[test]
    fn no_values_of_known_parameters_bring_the_check_down(
        at in any::<prop::sample::Index>(),
        value in "(\\PC{0,30}|[{}\\[\\]\",:%0-9a-zA-Z=+ ]{0,40})",
    ) {
        let all = crate::page::Parameter::all();
        let name = all[at.index(all.len())].path.as_str();
        // Two signatures are refused before they are looked at.
        prop_assume!(name != "signature");
        for line in lines(&with(name, &value)) {
            // Short values can be part of the words.
            prop_assert!(value.len() < 12 || !line.contains(&value), "{}", line);
        }
    }
}
