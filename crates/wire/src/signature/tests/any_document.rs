//! Properties of signatures over documents of any shape; the fuzz target `signature` holds the same.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::parse;
use crate::signature::*;

/// Any document, with names that sort, join and are left out in their own ways.
pub(super) fn any_document() -> impl Strategy<Value = Json> {
    let text = "[^\u{0}]{0,6}";
    let name = prop_oneof![
        4 => text.prop_map(String::from),
        4 => "[a-b:0-9 ]{0,3}",
        1 => Just("signature".to_owned()),
        1 => Just("frame_mode".to_owned()),
        1 => Just("general".to_owned()),
        1 => Just("customer".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text.prop_map(Json::from),
    ];
    let members = {
        let name = name.clone();
        move |inner| {
            proptest::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|it| Json::Object(it.into_iter().collect()))
        }
    };
    let root = members.clone();
    let value = leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..13).prop_map(Json::from), members(inner)]
    });
    root(value.boxed())
}

/// Whether any object has a member that is left out of what is signed.
fn has_unsigned_member(json: &Json) -> bool {
    match json {
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name == "signature" || name == "frame_mode" || has_unsigned_member(value)),
        Json::Array(items) => items.iter().any(has_unsigned_member),
        _ => false,
    }
}

proptest! {
    // G-035, G-041, G-042
    #[test]
    fn what_is_signed_verifies_under_its_secret_and_with_its_content_only(json in any_document(), other in "[a-z]{1,9}") {
        prop_assume!(!has_unsigned_member(&json));
        let secret = [Secret::new("the secret of the project")];
        let sealed = seal(&json.to_string(), Place::Root, &secret[0]).unwrap();
        let verified = verify(&parse(&sealed), Place::Root, &secret, Tolerance::NONE).unwrap();
        prop_assert_eq!(verified.order, Order::Natural);
        let foreign = verify(&parse(&sealed), Place::Root, &[Secret::new(other)], Tolerance::ALL);
        prop_assert_eq!(foreign, Err(Refusal::Wrong));
        // The signature is a member, so that another one can stand before it.
        let changed = sealed.replacen('{', "{\"one member more\":\"x\",", 1);
        prop_assert_eq!(verify(&parse(&changed), Place::Root, &secret, Tolerance::NONE), Err(Refusal::Wrong));
    }

    // G-041
    #[test]
    fn no_document_brings_verification_or_its_explanation_down(json in any_document()) {
        let text = json.to_string();
        let document = parse(&text);
        let secret = [Secret::new("the secret of the project")];
        for place in [Place::General, Place::Customer, Place::Root, Place::Either] {
            prop_assert!(verify(&document, place, &secret, Tolerance::ALL).is_err(), "nobody signed it");
            let explanation = explain(&document, place, &secret, Tolerance::ALL);
            prop_assert_eq!(explanation.orders.len(), Order::ALL.len());
        }
    }
}
