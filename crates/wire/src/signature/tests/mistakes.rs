//! Tests of the explanation of a refused signature.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::signature::*;

use super::{hex, parse};

const BODY: &str = r#"{"general":{"project_id":1},"b":true,"n":null,"f":false,"s":" x ","Deep":{"a":{"c":{"d":1}}},"frame_mode":"popup"}"#;
const PAIRS: &str = "Deep:a:c:d:1;b:1;f:0;general:project_id:1;n:;s: x ";
const SECRET: &str = "00ff10ab";

fn mac(algorithm: hmac::Algorithm, key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes()).as_ref().to_vec()
}

fn sha512(key: &str, text: &str) -> Vec<u8> {
    mac(hmac::HMAC_SHA512, key.as_bytes(), text)
}

fn explained(signature: &str, place: Place) -> Explanation {
    let body = insert_signature(BODY, place, signature).unwrap();
    explain(&parse(&body), Place::General, &[Secret::new("another"), Secret::new(SECRET)], Tolerance::NONE)
}

fn mistakes(signature: &str) -> Vec<Mistake> {
    let explanation = explained(signature, Place::General);
    assert_eq!(explanation.outcome, Err(Refusal::Wrong));
    explanation.mistakes
}

#[test]
fn mistakes_of_spelling_and_hashing_are_named() {
    let right = sha512(SECRET, PAIRS);
    let plain = STANDARD.encode(&right);
    let decoded_secret = mac(hmac::HMAC_SHA512, &[0x00, 0xff, 0x10, 0xab], PAIRS);
    let from_base64 = mac(hmac::HMAC_SHA512, &STANDARD.decode(SECRET).unwrap(), PAIRS);
    let appended = digest::digest(&digest::SHA512, format!("{PAIRS}{SECRET}").as_bytes());
    let bare = digest::digest(&digest::SHA512, PAIRS.as_bytes());
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let cases = [
        (hex(&right).to_uppercase(), vec![Mistake::HexInsteadOfBase64]),
        (hex(&right), vec![Mistake::HexInsteadOfBase64]),
        (encode(hex(&right).as_bytes()), vec![Mistake::Base64OfHex]),
        (format!(" {plain}"), vec![Mistake::SpaceAroundSignature]),
        (plain.trim_end_matches('=').to_owned(), vec![Mistake::NoPadding]),
        (encode(&mac(hmac::HMAC_SHA256, SECRET.as_bytes(), PAIRS)), vec![Mistake::Sha256]),
        (
            hex(&mac(hmac::HMAC_SHA256, SECRET.as_bytes(), PAIRS)),
            vec![Mistake::Sha256, Mistake::HexInsteadOfBase64],
        ),
        (encode(&decoded_secret), vec![Mistake::SecretDecodedFromHex]),
        (encode(&from_base64), vec![Mistake::SecretDecodedFromBase64]),
        (encode(&sha512(&format!("{SECRET}\n"), PAIRS)), vec![Mistake::SecretWithLineBreak]),
        (encode(appended.as_ref()), vec![Mistake::SecretAppended]),
        (encode(bare.as_ref()), vec![Mistake::NotKeyed]),
    ];
    for (signature, expected) in cases {
        assert_eq!(mistakes(&signature), expected, "{signature}");
    }
    let url_safe = URL_SAFE.encode(&right);
    assert_ne!(url_safe, plain, "the example needs a character that differs");
    assert_eq!(mistakes(&url_safe), [Mistake::UrlSafeBase64]);
}

// G-037
#[test]
fn mistakes_in_the_canonical_string_are_named() {
    let cases = [
        ("general:project_id:1;b:1;n:;f:0;s: x ;Deep:a:c:d:1", vec![Mistake::NotSorted]),
        ("Deep:a:c:d:1;b:1;f:0;general:project_id:1;n:;s: x ;", vec![Mistake::TrailingSeparator]),
        ("Deep:a:c:d:1;b:1;f:0;general:project_id:1;n:;s:x", vec![Mistake::ValuesTrimmed]),
        ("Deep:a:c:d:1;b:1;f:0;general:project_id:1;n:None;s: x ", vec![Mistake::NullAsNone]),
        ("Deep:a:c:d:1;b:1;f:0;general:project_id:1;n:null;s: x ", vec![Mistake::NullAsWord]),
        ("Deep:a:c:d:1;b:1;f:0;general:project_id:1;s: x ", vec![Mistake::NullLeftOut]),
        ("Deep:a:c:d:1;b:true;f:false;general:project_id:1;n:;s: x ", vec![Mistake::BooleansAsWords]),
        ("Deep:a:c:d:1;b:1;f:;general:project_id:1;n:;s: x ", vec![Mistake::FalseAsEmpty]),
        (
            "Deep:a:c:d:1;b:True;f:False;general:project_id:1;n:None;s: x ",
            vec![Mistake::NullAsNone, Mistake::BooleansAsCapitalWords],
        ),
        (
            "Deep:a:c:d:1;b:1;f:0;general:project_id:1;general:signature:;n:;s: x ",
            vec![Mistake::SignatureLeftIn],
        ),
        (
            "Deep:a:c:d:1;b:1;f:0;frame_mode:popup;general:project_id:1;n:;s: x ",
            vec![Mistake::FrameModeLeftIn],
        ),
        ("b:1;deep:a:c:d:1;f:0;general:project_id:1;n:;s: x ", vec![Mistake::LowerCaseKeys]),
        ("Deep:a:c:;b:1;f:0;general:project_id:1;n:;s: x ", vec![Mistake::CutAtDepth3]),
        (BODY, vec![Mistake::JsonTextSigned]),
    ];
    for (string, expected) in cases {
        assert_eq!(mistakes(&STANDARD.encode(sha512(SECRET, string))), expected, "{string}");
    }
}

#[test]
fn a_signature_at_the_wrong_place_is_named() {
    let explanation = explained(&STANDARD.encode(sha512(SECRET, PAIRS)), Place::Root);
    assert_eq!(explanation.outcome, Err(Refusal::Missing));
    assert_eq!(explanation.mistakes, [Mistake::WrongPlace(Place::Root)]);
}

#[test]
fn what_no_known_mistake_explains_is_left_unexplained() {
    assert_eq!(mistakes(&STANDARD.encode(sha512("a third secret", PAIRS))), []);
    assert_eq!(mistakes("not a signature"), []);
}

#[test]
fn what_was_added_after_signing_is_named_with_what_was_signed() {
    let added = |string: &str| {
        let explanation = explained(&STANDARD.encode(sha512(SECRET, string)), Place::General);
        assert_eq!(explanation.mistakes, []);
        (explanation.added, explanation.signed.map(|lines| lines.join(";")))
    };
    for (string, path) in [
        ("Deep:a:c:d:1;b:1;f:0;general:project_id:1;n:", "s"),
        ("Deep:a:c:d:1;b:1;f:0;n:;s: x ", "general:project_id"),
        ("b:1;f:0;general:project_id:1;n:;s: x ", "Deep:a:c:d"),
    ] {
        assert_eq!(added(string), (Some(path.to_owned()), Some(string.to_owned())), "{string}");
    }
    assert_eq!(added("b:1;f:0;general:project_id:1;n:"), (None, None), "two members were added");
}

#[test]
fn the_pairs_a_mistaken_signature_covers_are_shown() {
    let string = "Deep:a:c:d:1;b:true;f:false;general:project_id:1;n:;s: x ";
    let explanation = explained(&STANDARD.encode(sha512(SECRET, string)), Place::General);
    assert_eq!(explanation.signed.unwrap().join(";"), string);
    assert_eq!(explanation.arrived.join(";"), PAIRS);
    let explanation = explained(&STANDARD.encode(sha512(SECRET, BODY)), Place::General);
    assert_eq!(explanation.signed, None, "JSON text has no pairs");
}

#[test]
fn a_right_signature_and_a_message_without_one_show_their_orders() {
    let secret = Secret::new(SECRET);
    let explanation = explain(&parse(BODY), Place::General, std::slice::from_ref(&secret), Tolerance::NONE);
    assert_eq!((explanation.outcome, explanation.mistakes.len()), (Err(Refusal::Missing), 0));
    assert_eq!(explanation.orders.len(), Order::ALL.len());
    assert_eq!(explanation.orders[0].canonical, PAIRS);
    let signature = explanation.orders[0].signature.clone().unwrap();
    assert_eq!(signature, sign(&secret, PAIRS));
    let explanation = explained(&signature, Place::General);
    assert_eq!(explanation.outcome.map(|verified| verified.secret_index), Ok(1));
    assert_eq!(explanation.mistakes, []);
}

#[test]
fn the_masked_string_and_debug_output_hide_card_data() {
    let body = r#"{"card":{"pan":"4314220000000056","cvv":"123"},"note":"paid with 4314 2200 0000 0056, order 1234567890123",
        "other":4314220000000056}"#;
    let explanation = explain(&parse(body), Place::Root, &[Secret::new("hush")], Tolerance::NONE);
    let masked = "card:cvv:***;card:pan:431422******0056;note:paid with 4314 22** **** 0056, order 1234567890123;\
        other:431422******0056";
    assert_eq!(explanation.orders[0].masked, masked);
    assert!(explanation.orders[0].canonical.contains("card:cvv:123"));
    let shown = format!("{explanation:?}");
    assert!(!shown.contains("0000005") && !shown.contains(":123") && !shown.contains("hush"), "{shown}");
}
