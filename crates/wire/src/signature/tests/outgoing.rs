//! Tests of signing what the platform sends, and of the portable subset.

use crate::json::ParseError;
use crate::signature::*;

use super::parse;

fn portable(body: &str) -> Result<(), Portability> {
    is_portable(&parse(body), &[&["payment", "is_new"], &["list", "*", "on"]])
}

// G-035, G-039
#[test]
fn a_sealed_message_verifies_at_each_place() {
    let secrets = [Secret::new("secret")];
    let cases = [
        (r#"{"project_id":1,"payment":{"id":"x","rate":1.50}}"#, Place::Root),
        (r#"{"general":{"project_id":1},"l":[1,2,3,4,5,6,7,8,9,10,11,12]} "#, Place::General),
        (r#"{"x":"}","general" : { } ,"y":1}"#, Place::General),
        (r#"{"token":"t","customer":{"general":{"a":1},"id":"}"}}"#, Place::Customer),
        ("{}", Place::Root),
        (" { } \n", Place::Either),
    ];
    for (body, place) in cases {
        let sealed = seal(body, place, &secrets[0]).unwrap();
        let verified = verify(&parse(&sealed), place, &secrets, Tolerance::NONE).unwrap();
        assert_eq!((verified.order, verified.secret_index), (Order::Natural, 0), "{sealed}");
    }
}

#[test]
fn the_signature_becomes_the_last_member_and_nothing_else_changes() {
    assert_eq!(insert_signature_root("{\"a\": 1.0 }\n", "S"), "{\"a\": 1.0 ,\"signature\":\"S\"}\n");
    assert_eq!(insert_signature_root("{}", "S"), "{\"signature\":\"S\"}");
    let placed = insert_signature(r#"{"a":1,"general":{"b":2},"c":3}"#, Place::General, "S").unwrap();
    assert_eq!(placed, r#"{"a":1,"general":{"b":2,"signature":"S"},"c":3}"#);
}

#[test]
fn a_message_that_cannot_carry_its_signature_is_refused() {
    let secret = Secret::new("secret");
    assert_eq!(seal("[]", Place::Root, &secret), Err(ParseError::RootNotObject));
    assert_eq!(seal("{\"a\":1}", Place::General, &secret), Err(ParseError::RootNotObject));
    assert_eq!(seal("{\"customer\":1}", Place::Customer, &secret), Err(ParseError::RootNotObject));
}

// G-035
#[test]
fn a_signature_already_present_and_frame_mode_do_not_change_what_is_signed() {
    let secret = Secret::new("secret");
    let bare = sign_outgoing(r#"{"a":1,"b":{"c":2}}"#, &secret).unwrap();
    let full = r#"{"signature":"x","a":1,"frame_mode":"popup","b":{"signature":"y","c":2},"general":{"signature":"z"}}"#;
    assert_eq!(sign_outgoing(full, &secret).unwrap(), bare);
    assert_eq!(sign_outgoing("{}", &secret).unwrap(), sign(&secret, ""));
}

#[test]
fn the_portable_subset_is_what_every_client_signs_alike() {
    assert_eq!(portable(r#"{"a":{},"b":[],"c":"x:y","n":9007199254740991,"m":-1,"signature":"s"}"#), Ok(()));
    assert_eq!(portable(r#"{"payment":{"is_new":true},"list":[{"on":false}]}"#), Ok(()));
    let refused = [
        (r#"{"a":{"b":null}}"#, Portability::Null("a:b".into())),
        (r#"{"a":[1,2,3,4,5,6,7,8,9,10,11]}"#, Portability::LongList("a".into())),
        (r#"{"a":9007199254740992}"#, Portability::LargeInteger("a".into())),
        (r#"{"a":99999999999999999999999}"#, Portability::LargeInteger("a".into())),
        (r#"{"a":[1,2.5]}"#, Portability::Fraction("a:1".into())),
        (r#"{"a":1e2}"#, Portability::Fraction("a".into())),
        (r#"{"a":-0}"#, Portability::Fraction("a".into())),
        (r#"{"a":{"b:c":1}}"#, Portability::ColonInKey("a:b:c".into())),
        (r#"{"payment":{"other":true}}"#, Portability::Boolean("payment:other".into())),
        (r#"{"a":"x;y"}"#, Portability::Semicolon("a".into())),
        (r#"{"a":{"signature":"x"}}"#, Portability::UnsignedName("a:signature".into())),
        (r#"{"a":[{"frame_mode":"x"}]}"#, Portability::UnsignedName("a:0:frame_mode".into())),
        (r#"{"address":"a","address2":"b"}"#, Portability::Order),
        (r#"{"item2":"a","item10":"b"}"#, Portability::Order),
    ];
    for (body, expected) in refused {
        assert_eq!(portable(body), Err(expected), "{body}");
    }
}
