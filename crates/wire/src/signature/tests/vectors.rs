//! Every vector and callback of `tests/data/signature-vectors.json`.

use serde_json::Value as Json;

use crate::json::Value;
use crate::signature::*;

use super::parse;

fn file() -> Json {
    serde_json::from_str(include_str!("../../../tests/data/signature-vectors.json")).unwrap()
}

fn text<'j>(value: &'j Json, key: &str) -> &'j str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {}", value["id"]))
}

fn vectors(file: &Json) -> impl Iterator<Item = &Json> {
    ["documentation_vectors", "vectors"].into_iter().flat_map(|key| file[key].as_array().unwrap())
}

/// The message as a client would send it: with the signature as last member of the root.
fn signed(vector: &Json, signature: &str) -> String {
    insert_signature_root(text(vector, "payload_json"), signature)
}

/// Vectors whose listed reference form rests on how some programs write numbers or on a quirk of one client, with the
/// reason. Everything else must match exactly.
const NOT_NATURAL: [(&str, &str); 1] = [("float_whole-1", "numbers keep their literal text: 1.0 stays 1.0")];

/// Variants that are refused on purpose: they change the content of the message, so accepting them would accept more
/// than one content for one signature, or guess at number formats.
const REFUSED_VARIANTS: [(&str, &str, &str); 5] = [
    ("null-1", "python-sdk-1.0.6", "null written as None"),
    ("int_huge-1", "js-sdk-0.1.7", "integer above 2^53 rounded"),
    ("float-1", "go-sdk@db11425", "fraction cut to an integer"),
    ("colon_key-1", "python-sdk-1.0.6", "colliding pair lost"),
    ("zero_key-1", "php-sdk@cf81e39", "key 0 dropped as a prefix"),
];

// G-035, G-036, P-055
#[test]
fn every_vector_has_its_canonical_string_and_signature_in_natural_order() {
    let file = file();
    let mut count = 0;
    for vector in vectors(&file) {
        let id = text(vector, "id");
        let document = parse(text(vector, "payload_json"));
        let expected = text(vector, "canonical_string");
        let string = canonical(document.root(), Order::Natural);
        if NOT_NATURAL.iter().any(|(exception, _)| *exception == id) {
            assert_ne!(string, expected, "{id} is no exception");
            continue;
        }
        assert_eq!(string, expected, "{id}");
        let secret = Secret::new(text(vector, "secret"));
        assert_eq!(sign(&secret, &string), text(vector, "signature"), "{id}");
        assert_eq!(
            sign_outgoing(text(vector, "payload_json"), &secret).unwrap(),
            text(vector, "signature"),
            "{id}"
        );
        count += 1;
    }
    assert_eq!(count, 46);
}

// G-035, G-042
#[test]
fn every_vector_verifies_and_so_does_every_variant_that_is_not_listed_as_refused() {
    let file = file();
    let mut refused = Vec::new();
    for vector in vectors(&file) {
        let id = text(vector, "id");
        let secrets = [Secret::new(text(vector, "secret"))];
        if !NOT_NATURAL.iter().any(|(exception, _)| *exception == id) {
            let body = signed(vector, text(vector, "signature"));
            let verified = verify(&parse(&body), Place::Root, &secrets, Tolerance::NONE).unwrap();
            assert_eq!(verified.order, Order::Natural, "{id}");
        }
        for variant in vector["variants"].as_array().into_iter().flatten() {
            let client = variant["produced_by"][0].as_str().unwrap();
            let body = signed(vector, text(variant, "signature"));
            match verify(&parse(&body), Place::Root, &secrets, Tolerance::NONE) {
                Ok(verified) => {
                    // A variant differs from the reference in its order, or it is the one that keeps `1.0`.
                    assert_eq!(verified.order == Order::Natural, id == "float_whole-1", "{id} {client}");
                }
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::Wrong);
                    refused.push((id.to_owned(), client.to_owned()));
                }
            }
        }
    }
    let listed: Vec<_> =
        REFUSED_VARIANTS.iter().map(|(id, client, _)| ((*id).into(), (*client).into())).collect();
    assert_eq!(refused, listed);
}

// G-039
#[test]
fn every_callback_is_accepted_or_rejected_as_its_clients_do() {
    let file = file();
    let mut count = 0;
    for callback in file["callbacks"].as_array().unwrap() {
        let id = text(callback, "id");
        let document = parse(text(callback, "body_json"));
        let secrets = [Secret::new(text(callback, "secret"))];
        let place = match text(callback, "signature_location") {
            "signature" => Place::Root,
            "general.signature" => Place::General,
            other => panic!("{other}"),
        };
        for place in [place, Place::Either] {
            let outcome = verify(&document, place, &secrets, Tolerance::NONE);
            match text(callback, "expect") {
                "valid" => assert_eq!(outcome.map(|found| found.order), Ok(Order::Natural), "{id}"),
                _ => assert_eq!(outcome, Err(Refusal::Wrong), "{id}"),
            }
        }
        count += 1;
    }
    assert_eq!(count, 17);
}

// G-035
#[test]
fn the_text_of_payment_page_parameters_is_signed_as_its_clients_do() {
    let file = file();
    for url in file["payment_page_urls"].as_array().unwrap() {
        let string = text(url, "canonical_string");
        assert_eq!(
            sign(&Secret::new(text(url, "secret")), string),
            text(url, "signature"),
            "{}",
            text(url, "id")
        );
    }
}

// G-036
#[test]
fn the_check_vector_of_the_documentation_is_reproduced() {
    let members = [("project_id", "115"), ("payment_id", "payment1"), ("payment_amount", "30")];
    let mut members: Vec<_> = members.map(|(key, value)| (key.into(), Value::String(value.into()))).into();
    members.push(("payment_currency".into(), Value::String("RUB".into())));
    members.push(("customer_id".into(), Value::Number("5")));
    let signature =
        "pVmAtGFBQJD2NgLToP1B2elR4QROiYGi3IobPD9PFDfrkjBqdSCFgrVSEtebVJUzOUUHX5tPnHQq9RMn61679A==";
    assert_eq!(sign_value(&Value::Object(members), &Secret::new("12345")), signature);
}
