//! Payment tokens of Apple Pay and Google Pay against tokens that somebody else made: `make_vectors.py` builds them with
//! the `PyPI` package `cryptography` and signs Apple's with the command line of `OpenSSL`. What is right opens to what was
//! put in; everything else is refused, and for the right reason.
#![cfg(test)]

mod session;

use ferropay_domain::{card::Expiry, money::Currency, time::Timestamp};
use ferropay_engine::wallet_tokens::{OpenedToken, TokenFault};
use ferropay_providers::etoken::{
    AppleKeys, GoogleKeys, InvalidKeys, LONGEST_TOKEN, apple, google, has_form,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{sync::LazyLock, time::Duration};

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("vectors.json")).unwrap());

fn made_at() -> Timestamp {
    Timestamp::from_seconds(VECTORS["made_at"].as_i64().unwrap())
}

fn apple_keys() -> AppleKeys {
    AppleKeys::read(VECTORS["apple"]["keys"].to_string().as_bytes()).unwrap()
}

fn google_keys() -> GoogleKeys {
    GoogleKeys::read(VECTORS["google"]["keys"].to_string().as_bytes()).unwrap()
}

fn token(wallet: &str, name: &str) -> String {
    VECTORS[wallet]["tokens"][name].as_str().unwrap_or_else(|| panic!("no token {name}")).to_owned()
}

fn open_apple(token: &str) -> Result<OpenedToken, TokenFault> {
    apple::open(&apple_keys(), token, made_at())
}

fn open_google(token: &str) -> Result<OpenedToken, TokenFault> {
    google::open(&google_keys(), token, made_at())
}

/// `range` of small bytes in Base64.
fn cryptogram(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

// G-465
#[test]
fn a_token_of_apple_pay_opens_to_the_devices_number_and_its_proof() {
    let euro = Currency::parse("EUR").unwrap();
    let bytes: Vec<u8> = (0..20).collect();
    for name in ["right", "right with told lengths", "right with shop data", "right for the older key"] {
        let opened = open_apple(&token("apple", name)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(opened.pan.digits(), "4314220000000056");
        assert_eq!(opened.expiry, Expiry { year: 2030, month: 11 });
        assert_eq!(opened.confirmed, Some((1_000, euro)));
        let proof = opened.proof.unwrap();
        assert_eq!((proof.cryptogram, proof.eci.as_deref()), (cryptogram(&bytes), Some("07")));
        let holder = (name == "right with shop data").then(|| "Ada Byron".to_owned());
        assert_eq!(opened.holder, holder);
    }
}

// G-465: pages hand over what the browser gave them, in one of three wrappings
#[test]
fn a_token_is_taken_as_the_browser_gives_it() {
    let right = token("apple", "right");
    let data: Value = serde_json::from_str(&right).unwrap();
    let whole =
        json!({ "paymentData": data, "paymentMethod": { "network": "Visa" }, "transactionIdentifier": "x" });
    let id = open_apple(&right).unwrap().id;
    for text in [whole.to_string(), cryptogram(right.as_bytes()), format!(" \n{right}\n")] {
        assert!(has_form(&text));
        assert_eq!(open_apple(&text).unwrap().id, id);
    }
}

// G-465: one token has one identifier, however it is written
#[test]
fn a_token_cannot_be_made_another_by_writing_its_identifier_otherwise() {
    let right = token("apple", "right");
    let mut louder: Value = serde_json::from_str(&right).unwrap();
    let id = louder["header"]["transactionId"].as_str().unwrap().to_uppercase();
    louder["header"]["transactionId"] = id.into();
    assert_eq!(open_apple(&louder.to_string()).unwrap().id, open_apple(&right).unwrap().id);
    assert_ne!(
        open_apple(&token("apple", "right with shop data")).unwrap().id,
        open_apple(&right).unwrap().id
    );
}

// G-465
#[test]
fn a_token_of_apple_pay_that_breaks_a_rule_is_refused_for_that_rule() {
    use TokenFault::{Expired, Forged, Malformed, Misdirected, Unsupported};
    for (name, expected) in [
        ("of another merchant", Forged("its data do not open")),
        ("for another key", Misdirected),
        ("sealed for another key", Forged("its data do not open")),
        ("from another root", Forged("the signer's certificate")),
        ("changed data", Forged("something else was signed")),
        ("other transaction signed", Forged("something else was signed")),
        ("other curve", Malformed("the ephemeral key")),
        ("RSA_v1", Unsupported("RSA_v1, which is used in China only")),
        ("chip data", Unsupported("payment data of a chip")),
        ("without cryptogram", Malformed("there is no cryptogram")),
        ("other digest", Unsupported("the signature's algorithm")),
        ("leaf without mark", Forged("the signer's certificate is not for tokens")),
        ("authority without mark", Forged("the signer's certificate")),
        ("expired leaf", Expired("the signer's certificate")),
        ("leaf of tomorrow", Expired("the signer's certificate")),
        ("authority that is none", Forged("the signer's certificate")),
        // Its signature is over another key.
        ("off the curve", Forged("something else was signed")),
    ] {
        assert_eq!(open_apple(&token("apple", name)).unwrap_err(), expected, "{name}");
    }
}

// G-465: what was signed a while ago, or will be, may have been kept or prepared by somebody
#[test]
fn a_token_of_apple_pay_is_good_for_five_minutes() {
    let (keys, right) = (apple_keys(), token("apple", "right"));
    let at = |moment| apple::open(&keys, &right, moment).map(|_| ());
    let late = Err(TokenFault::Expired("it was signed at another time"));
    assert_eq!(at(made_at().plus(Duration::from_secs(290))), Ok(()));
    assert_eq!(at(made_at().plus(Duration::from_secs(310))), late);
    assert_eq!(at(made_at().minus(Duration::from_secs(290))), Ok(()));
    assert_eq!(at(made_at().minus(Duration::from_secs(310))), late);
}

// G-465
#[test]
fn a_token_of_google_pay_opens_to_a_number_with_or_without_a_proof() {
    let opened = open_google(&token("google", "right")).unwrap();
    assert_eq!(opened.pan.digits(), "5252000000000004");
    assert_eq!(opened.expiry, Expiry { year: 2030, month: 11 });
    assert!(opened.id.starts_with("AH2Ejtc_") && opened.confirmed.is_none());
    let proof = opened.proof.unwrap();
    let bytes: Vec<u8> = (20..40).collect();
    assert_eq!((proof.cryptogram, proof.eci.as_deref()), (cryptogram(&bytes), Some("02")));
    let own = open_google(&token("google", "right with the card's own number")).unwrap();
    assert!(own.proof.is_none());
}

// G-465
#[test]
fn a_token_of_google_pay_that_breaks_a_rule_is_refused_for_that_rule() {
    use TokenFault::{Expired, Forged, Malformed, Misdirected, Unsupported};
    for (name, expected) in [
        ("for another recipient", Forged("the signature")),
        ("for another key", Misdirected),
        ("for another merchant", Misdirected),
        ("for no merchant", Misdirected),
        ("without identifier", Malformed("the message's identifier")),
        ("zero in the identifier", Malformed("the message's identifier")),
        ("by another root", Forged("the signer's key")),
        ("by an expired root", Forged("the signer's key")),
        ("signed by a stranger", Forged("the signature")),
        ("by another sender", Forged("the signer's key")),
        ("expired key", Expired("the signer's key")),
        ("expired message", Expired("the message")),
        ("changed message", Forged("the signature")),
        ("ECv1", Unsupported("ECv1, which is no longer made")),
        ("without cryptogram", Malformed("there is no cryptogram")),
        ("no card", Unsupported("it holds no card")),
        ("bad month", Malformed("the expiry date")),
        ("bad number", Malformed("the card number")),
    ] {
        assert_eq!(open_google(&token("google", name)).unwrap_err(), expected, "{name}");
    }
    let late = made_at().plus(Duration::from_secs(3_601));
    let expired = google::open(&google_keys(), &token("google", "right"), late).unwrap_err();
    assert_eq!(expired, Expired("the message"));
}

// G-465: a wallet's token is no other wallet's, and whatever is no token is told from one without keys
#[test]
fn texts_that_are_no_tokens_are_refused_whatever_they_are() {
    let long = format!("{{\"version\":\"{}\"}}", "x".repeat(LONGEST_TOKEN));
    for text in ["", "{", "{}", "[]", "null", "e30=", "bm90IGpzb24=", "a token", "{\"version\":1}", &long] {
        assert!(matches!(open_apple(text), Err(TokenFault::Malformed(_))), "{text:.40}");
        assert!(matches!(open_google(text), Err(TokenFault::Malformed(_))), "{text:.40}");
    }
    assert!(!has_form("a token") && !has_form(&long) && !has_form("{"));
    assert!(matches!(open_apple(&token("google", "right")), Err(TokenFault::Malformed(_))));
    assert!(matches!(open_google(&token("apple", "right")), Err(TokenFault::Malformed(_))));
}

// G-465: faults and keys show nothing of what is inside
#[test]
fn nothing_secret_is_shown() {
    let opened = open_apple(&token("apple", "right")).unwrap();
    let shown = format!("{opened:?} {:?} {:?}", apple_keys(), google_keys());
    let bytes: Vec<u8> = (0..20).collect();
    assert!(!shown.contains("4314220000000056") && !shown.contains(&cryptogram(&bytes)), "{shown}");
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

// G-465
#[test]
fn keys_that_cannot_be_used_are_refused_when_they_are_put() {
    let read_apple = |change: &dyn Fn(&mut Value)| {
        let mut document = VECTORS["apple"]["keys"].clone();
        change(&mut document);
        AppleKeys::read(document.to_string().as_bytes()).map(|_| ()).unwrap_err()
    };
    let read_google = |change: &dyn Fn(&mut Value)| {
        let mut document = VECTORS["google"]["keys"].clone();
        change(&mut document);
        GoogleKeys::read(document.to_string().as_bytes()).map(|_| ()).unwrap_err()
    };
    let no_key = InvalidKeys("a private key is missing, cannot be read, or is not of the curve P-256");
    let other_curve = VECTORS["apple"]["other_curve_key"].clone();
    assert_eq!(read_apple(&|it| it["processing_keys"] = json!([other_curve])), no_key);
    assert_eq!(read_apple(&|it| it["processing_keys"] = json!([])), no_key);
    assert_eq!(read_apple(&|it| it["merchant_id"] = "".into()).0, "the merchant's identifier is empty");
    assert_eq!(read_apple(&|it| it["roots"] = "".into()).0, "there is no root certificate");
    assert_eq!(read_apple(&|it| it["more"] = 1.into()).0, "the document cannot be read");
    assert_eq!(read_google(&|it| it["private_keys"] = json!(["nonsense"])), no_key);
    assert_eq!(
        read_google(&|it| it["recipient_id"] = "somebody".into()).0,
        "the recipient is not gateway:NAME or merchant:NUMBER"
    );
    let nobody = "the merchant's identifier at the gateway is missing";
    assert_eq!(read_google(&|it| it["gateway_merchant_id"] = "".into()).0, nobody);
    assert_eq!(read_google(&|it| it["gateway_merchant_id"] = Value::Null).0, nobody);
    assert_eq!(
        read_google(&|it| it["recipient_id"] = "merchant:1234".into()).0,
        "there is a merchant of a gateway, but no gateway"
    );
    let old = json!({ "keys": [] }).to_string();
    assert_eq!(
        read_google(&|it| it["root_keys"] = old.clone().into()).0,
        "there is no root key of version ECv2"
    );
}

/// Every value of an object with each of its texts cut short, emptied, or with one character changed.
fn damaged(token: &str, at: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let at = at % bytes.len();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    // G-465: cut off anywhere or changed anywhere, a token never opens to anything else
    #[test]
    fn a_damaged_token_never_opens_to_something_else(at in 0_usize..20_000, cut in any::<bool>()) {
        for (wallet, open) in [("apple", open_apple as fn(&str) -> _), ("google", open_google)] {
            let right = token(wallet, "right");
            let text = if cut { right[..at % right.len()].to_owned() } else { damaged(&right, at) };
            if let Ok(opened) = open(&text) {
                let whole = open(&right).unwrap();
                prop_assert_eq!(opened.pan.digits(), whole.pan.digits());
                prop_assert_eq!((opened.id, opened.proof, opened.confirmed), (whole.id, whole.proof, whole.confirmed));
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,300}") {
        let _ = (open_apple(&text), open_google(&text));
    }
}
