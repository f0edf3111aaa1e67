//! Signatures as merchants' clients make them: where they sit, what they cover, and which variants are taken.
//!
//! Canonical strings are written here by hand or by a few lines of their own, so that a mistake in the platform's signing
//! code cannot hide itself.

use crate::{
    methods::until,
    support::{SECRET, World, sale, sign_at, status},
};
use ferropay_wire::{
    contract::Contract,
    json::{Document, Limits},
    signature::{self, Order, Place, Secret},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const SALE: &str = "/v2/payment/card/sale";

/// The body with the signature of a canonical string in `general`.
fn with_signature_of(body: &str, canonical: &str) -> String {
    let signature = signature::sign(&Secret::new(SECRET), canonical);
    signature::insert_signature(body, Place::General, &signature).unwrap()
}

/// `path:text` pairs in byte order; enough for bodies without lists and without digits in keys.
fn pairs(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                pairs(value, &if path.is_empty() { key.clone() } else { format!("{path}:{key}") }, found);
            }
        }
        Value::String(text) => found.push(format!("{path}:{text}")),
        other => found.push(format!("{path}:{other}")),
    }
}

fn canonical(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    pairs(body, "", &mut found);
    found.sort();
    found
}

// G-035, G-036: keys joined by colons, pairs sorted and joined by semicolons
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_over_the_hand_written_canonical_string_is_accepted() {
    let world = World::new().await;
    let body = r#"{"general":{"project_id":1001,"payment_id":"order-1"}}"#;
    let signed = with_signature_of(body, "general:payment_id:order-1;general:project_id:1001");
    assert_eq!(world.post("/v2/payment/status", signed).await.status, 200);
    let signed = with_signature_of(body, "general:project_id:1001;general:payment_id:order-1");
    assert_eq!(world.post("/v2/payment/status", signed).await.status, 400, "the order matters");
    let body = sale("order-1", 100, "EUR");
    let signed = with_signature_of(&body.to_string(), &canonical(&body).join(";"));
    assert_eq!(world.post(SALE, signed).await.status, 200);
    world.callback().await;
    world.end().await;
}

// G-035: true and false are 1 and 0, null is empty, numbers keep their text
#[tokio::test(flavor = "multi_thread")]
async fn booleans_null_and_numbers_have_their_documented_forms() {
    let world = World::new().await;
    let general = r#""general":{"project_id":1001,"payment_id":"order-1"}"#;
    let rest = "general:payment_id:order-1;general:project_id:1001";
    for (literal, text) in [
        ("true", "1"),
        ("false", "0"),
        ("null", ""),
        ("\"\"", ""),
        ("1.0", "1.0"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("\"\\u00e9 ; : é\"", "é ; : é"),
        ("\" spaced \"", " spaced "),
    ] {
        let body = format!("{{\"extra\":{literal},{general}}}");
        let reply =
            world.post("/v2/payment/status", with_signature_of(&body, &format!("extra:{text};{rest}"))).await;
        assert_eq!(reply.status, 200, "{literal}: {}", reply.text);
    }
    for empty in ["{}", "[]", "{\"a\":[]}"] {
        let body = format!("{{\"extra\":{empty},{general}}}");
        let reply = world.post("/v2/payment/status", with_signature_of(&body, rest)).await;
        assert_eq!(reply.status, 200, "{empty} has no pair: {}", reply.text);
    }
    world.end().await;
}

// G-035: a body that every published client writes in another order
#[tokio::test(flavor = "multi_thread")]
async fn the_orders_of_all_published_clients_are_accepted() {
    let world = World::new().await;
    let list: Vec<Value> = (0..12).map(|number| json!({ "n": 12 - number })).collect();
    let mut canonicals = BTreeSet::new();
    for (number, order) in Order::ALL.into_iter().enumerate() {
        let mut body = sale(&format!("order-{number}"), 100, "EUR");
        body["extra"] = json!({
            "address": { "a": 1 }, "address-2": "b", "address2": "c", "item10": 1, "item2": 2, "list": list,
            "10": "ten", "9": "nine", "k": "10", "K": "9", "\u{ff5e}": "wide", "\u{1d11e}": "clef", "a b": 1, "p": "x", "p-q": "y", "a": { "c": 2 },
        });
        let text = body.to_string();
        let document = Document::parse(text.as_bytes(), Limits::INCOMING).unwrap();
        let canonical = signature::canonical(document.root(), order);
        canonicals.insert(canonical.replace(&format!("order-{number}"), "order"));
        let reply = world.post(SALE, with_signature_of(&text, &canonical)).await;
        assert_eq!(reply.status, 200, "{order:?}: {}", reply.text);
        world.callback().await;
    }
    assert!(canonicals.len() >= 5, "the body does not tell the orders apart");
    world.end().await;
}

// G-041, G-042: nothing but an exact signature of the right secret
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_3261_and_a_missing_one_3262() {
    let world = World::new().await;
    let invalid =
        json!({ "status": "error", "code": "3261", "message": "Invalid signature: general.signature" });
    let empty = json!({ "status": "error", "code": "3262", "message": "Empty signature: general.signature" });
    let body = sale("order-1", 100, "EUR");
    let signed: Value = serde_json::from_str(&sign_at(Place::General, &body, SECRET)).unwrap();
    let right = signed["general"]["signature"].as_str().unwrap().to_owned();
    let mut flipped = right.clone().into_bytes();
    flipped[0] = if flipped[0] == b'A' { b'B' } else { b'A' };
    let foreign: Value = serde_json::from_str(&sign_at(Place::General, &body, "another secret")).unwrap();
    let url_safe = right.replace('+', "-").replace('/', "_");
    let wrong = [
        json!(String::from_utf8(flipped).unwrap()),
        foreign["general"]["signature"].clone(),
        json!(right.trim_end_matches('=')),
        json!(format!("{right} ")),
        json!(right.to_lowercase()),
        json!("signature"),
        json!(17),
    ];
    for signature in wrong.into_iter().chain((url_safe != right).then(|| json!(url_safe))) {
        let mut body = body.clone();
        body["general"]["signature"] = signature.clone();
        let reply = world.post(SALE, body.to_string()).await;
        assert_eq!((reply.status, &reply.body), (400, &invalid), "{signature}");
    }
    for signature in [None, Some(json!("")), Some(Value::Null)] {
        let mut body = body.clone();
        if let Some(signature) = signature {
            body["general"]["signature"] = signature;
        }
        let reply = world.post(SALE, body.to_string()).await;
        assert_eq!((reply.status, &reply.body), (400, &empty));
    }
    for (from, to) in [("\"amount\":100", "\"amount\":101"), ("order-1", "order-2"), ("321", "322")] {
        let reply = world.post(SALE, signed.to_string().replace(from, to)).await;
        assert_eq!((reply.status, &reply.body), (400, &invalid), "{from} was changed after signing");
    }
    world.assert_silence().await;
    world.end().await;
}

// G-038: all 107 paths, by where the contract puts the member `signature`
#[tokio::test(flavor = "multi_thread")]
async fn every_path_takes_its_signature_at_the_place_of_its_contract() {
    let world = World::new().await;
    let mut counts = [0; 3];
    for path in Contract::gate().paths() {
        let mut answers = Vec::new();
        for place in [Place::General, Place::Customer, Place::Root] {
            let mut body = json!({ "project_id": 1001, "general": { "project_id": 1001 }, "customer": { "project_id": 1001 } });
            match place {
                Place::General => body["general"]["signature"] = "wrong".into(),
                Place::Customer => body["customer"]["signature"] = "wrong".into(),
                _ => body["signature"] = "wrong".into(),
            }
            let concrete = path.replace(['{', '}'], "");
            let reply = world.post(&concrete, body.to_string()).await;
            assert_eq!(reply.status, 400, "{concrete}: {}", reply.text);
            answers.push(reply.text.contains("3261"));
            assert!(reply.text.contains("3261") || reply.text.contains("3262"), "{}", reply.text);
        }
        let expected = answers.iter().position(|found| *found).unwrap();
        assert_eq!(answers.iter().filter(|found| **found).count(), 1, "{path}");
        counts[expected] += 1;
        let probe = Document::parse(b"{\"general\":{},\"customer\":{}}", Limits::INCOMING).unwrap();
        let demanded: Vec<String> = Contract::gate()
            .request(path, probe.root())
            .unwrap()
            .into_iter()
            .map(|violation| violation.field)
            .filter(|field| field.ends_with("signature"))
            .collect();
        let field = ["general.signature", "customer.signature", "signature"][expected];
        assert!(demanded.is_empty() || demanded.iter().any(|found| found == field), "{path}: {demanded:?}");
    }
    assert_eq!(counts, [96, 6, 5]);
    world.end().await;
}

// G-042: two secrets during rotation; what the platform sends is signed with the new one
#[tokio::test(flavor = "multi_thread")]
async fn the_old_secret_is_accepted_until_its_rotation_ends() {
    let world = World::new().await;
    world.set_secrets(&[(SECRET, None), ("the old secret", Some(Duration::from_hours(1)))]).await;
    let request = |number: u32| {
        sign_at(Place::General, &sale(&format!("order-{number}"), 100, "EUR"), "the old secret")
    };
    assert_eq!(world.post(SALE, request(1)).await.status, 200);
    world.callback().await;
    assert_eq!(world.send(SALE, &sale("order-2", 100, "EUR")).await.status, 200);
    world.callback().await;
    let reply =
        world.post("/v2/payment/status", sign_at(Place::General, &status("order-1"), "the old secret")).await;
    let document = Document::parse(reply.text.as_bytes(), Limits::INCOMING).unwrap();
    let verified =
        signature::verify(&document, Place::Root, &[Secret::new(SECRET)], signature::Tolerance::NONE);
    assert!(verified.is_ok(), "replies are signed with the new secret");
    world.clock.advance(Duration::from_hours(1));
    let reply = world.post(SALE, request(3)).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3261")));
    assert_eq!(world.send(SALE, &sale("order-4", 100, "EUR")).await.status, 200);
    world.callback().await;
    world.end().await;
}

// G-037, D-04: keys in lower case only where the project asks for it
#[tokio::test(flavor = "multi_thread")]
async fn tolerant_forms_are_accepted_only_by_flag() {
    let world = World::new().await;
    let request = |number: u32| {
        let mut body = sale(&format!("order-{number}"), 100, "EUR");
        body["extraData"] = json!({ "Shelf": "Seven" });
        let mut canonical = canonical(&body);
        for pair in &mut canonical {
            *pair = pair.replace("extraData:Shelf:", "extradata:shelf:");
        }
        canonical.sort();
        with_signature_of(&body.to_string(), &canonical.join(";"))
    };
    let reply = world.post(SALE, request(1)).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3261")));
    world.reconfigure(|project| project.settings.tolerant_signature = true).await;
    let reply = world.post(SALE, request(1)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    world.callback().await;
    let tampered = request(2).replace("Seven", "Eight");
    assert_eq!(world.post(SALE, tampered).await.body["code"], "3261");
    assert_eq!(world.send(SALE, &sale("order-3", 100, "EUR")).await.status, 200, "the straight form goes on");
    world.callback().await;
    world.end().await;
}

#[tokio::test]
async fn a_node_that_has_not_read_the_projects_of_late_does_not_say_that_a_signature_is_wrong() {
    let world = World::new().await;
    let wrong = async || {
        let body = sign_at(Place::General, &status("order-1"), "another secret");
        world.post("/v2/payment/status", body).await
    };
    assert_eq!(wrong().await.status, 400);
    let database = rusqlite::Connection::open(world.database()).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database.execute_batch("ALTER TABLE projects RENAME TO hidden").unwrap();
    until(async || wrong().await.status == 503).await;
    database.execute_batch("ALTER TABLE hidden RENAME TO projects").unwrap();
    until(async || wrong().await.status == 400).await;
    world.end().await;
}
