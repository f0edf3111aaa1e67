//! `/v2/verification-of-payee/…`: a bank is asked whether an account belongs to whom it should.

use crate::support::{CALLBACK_URL, OTHER_PROJECT, PROJECT, SECRET, World, pick, provider::Provider};
use ferropay_domain::payee::PayeeRule;
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Tolerance},
};
use serde_json::{Value, json};
use std::time::Duration;

const CREATE: &str = "/v2/verification-of-payee/create";
const RESULT: &str = "/v2/verification-of-payee/result";
/// An account of Ada Byron's at the simulated bank.
const HERS: &str = "DE89370400440532013000";
/// An account at a bank that does not take part.
const NOWHERE: &str = "FR7630006000011234567890189";

fn asked(payment_id: &str, name: &str, account: &str) -> Value {
    json!({
        "general": { "project_id": PROJECT, "payment_id": payment_id },
        "customer": { "id": "reader-7" },
        "account": { "customer_name": name, "number": account },
    })
}

fn result(payment_id: &str, id: &Value) -> Value {
    json!({ "general": { "project_id": PROJECT, "payment_id": payment_id }, "vop": { "id": id } })
}

/// The next callback, which is about a payee, signed at its root.
async fn told(world: &World) -> Value {
    let letter = world.mailbox.next().await;
    assert_eq!(letter.url, CALLBACK_URL);
    let document = Document::parse(letter.body.as_bytes(), Limits::INCOMING).unwrap();
    let secrets = [signature::Secret::new(SECRET)];
    signature::verify(&document, Place::Root, &secrets, Tolerance::NONE).unwrap();
    signature::is_portable(&document, &[]).unwrap();
    let body: Value = serde_json::from_str(&letter.body).unwrap();
    assert_eq!(body["project_id"], PROJECT);
    body
}

async fn world() -> (World, Provider) {
    World::with_provider(|project| project.settings.payee_verification_allowed = true).await
}

fn said(callback: &Value) -> Value {
    pick(&callback["vop"], &["status", "result", "code", "account_holder"])
}

// G-010, G-460, G-463
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_says_how_a_name_and_an_account_go_together() {
    let (world, _provider) = world().await;
    for (name, account, expected) in [
        ("Ada Byron", HERS, json!(["success", "match", "0", null])),
        ("Ada Biron", HERS, json!(["success", "close_match", "0", "Ada Byron"])),
        ("Charles Babbage", HERS, json!(["success", "no_match", "0", null])),
        ("Analytical Engines Ltd", "GB29NWBK60161331926818", json!(["success", "match", "0", null])),
    ] {
        let request = world.accept(CREATE, &asked(name, name, account)).await;
        let callback = told(&world).await;
        assert_eq!(said(&callback), expected, "{name}: {callback}");
        assert_eq!(
            pick(
                &callback,
                &["request.id", "payment.id", "customer.id", "account.number", "account.customer_name"]
            ),
            json!([request, name, "reader-7", account, name])
        );
        assert!(callback["vop"]["id"].as_i64().unwrap() > 0);
    }
    // An equal request is the first one: the bank is not asked again, and nothing is told again.
    world.accept(CREATE, &asked("Ada Byron", "Ada Byron", HERS)).await;
    world.assert_silence().await;
    let status = json!({ "general": { "project_id": PROJECT, "payment_id": "Ada Byron" } });
    assert_eq!(
        world.send("/v2/payment/status", &status).await.body["payment"]["status"],
        "error",
        "no payment"
    );
    world.end().await;
}

// G-462: 20450 when the bank does not take part, is not reached, or says what cannot be read; it may be asked again
#[tokio::test(flavor = "multi_thread")]
async fn what_no_bank_says_is_told_as_impossible() {
    let (world, _provider) = world().await;
    let impossible = json!(["decline", "not_possible", "20450", null]);
    world.accept(CREATE, &asked("order-1", "Ada Byron", "FR7630006000011234567890189")).await;
    assert_eq!(said(&told(&world).await), impossible);
    for plan in ["lost", "garbage"] {
        let reply = world.send_with_fault(CREATE, &asked("order-2", "Ada Byron", HERS), plan).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(said(&told(&world).await), impossible, "{plan}");
    }
    world.accept(CREATE, &asked("order-2", "Ada Byron", HERS)).await;
    assert_eq!(said(&told(&world).await)[1], "match", "asked again");
    world.reconfigure(|project| project.settings.method_accounts.clear()).await;
    world.accept(CREATE, &asked("order-3", "Ada Byron", HERS)).await;
    assert_eq!(said(&told(&world).await), impossible, "nobody to ask");
    world.end().await;
}

// G-461, G-463, D-42: told again whenever it is asked for, and marked as past when its ten days are over
#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_told_once_more() {
    let (world, _provider) = world().await;
    world.accept(CREATE, &asked("order-1", "Ada Biron", HERS)).await;
    let first = told(&world).await;
    let id = first["vop"]["id"].clone();
    let request = world.accept(RESULT, &result("again-1", &id)).await;
    let again = told(&world).await;
    assert_eq!(again["vop"], first["vop"]);
    assert_eq!(pick(&again, &["request.id", "payment.id"]), json!([request, "order-1"]));
    world.clock.advance(Duration::from_hours(10 * 24));
    world.accept(RESULT, &result("again-2", &id)).await;
    assert_eq!(said(&told(&world).await), json!(["expired", "close_match", "0", "Ada Byron"]));

    for wrong in [json!(1), json!(-1)] {
        let reply = world.send(RESULT, &result("again-3", &wrong)).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3061")), "{}", reply.text);
        assert!(reply.body["message"].as_str().unwrap().ends_with("vop.id"));
    }
    let mut foreign = result("again-4", &id);
    foreign["general"]["project_id"] = OTHER_PROJECT.into();
    assert_eq!(world.send(RESULT, &foreign).await.body["code"], "3061", "another merchant's");
    world.assert_silence().await;
    world.end().await;
}

// G-460: what a request has to have; and a project that has not agreed upon it hears 310
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_needs_a_name_and_an_account() {
    let (world, _provider) = world().await;
    for (part, key, value, code) in [
        ("account", "customer_name", json!("  "), "502"),
        ("account", "number", json!("1".repeat(256)), "502"),
        ("customer", "id", json!(""), "2124"),
    ] {
        let mut body = asked("order-1", "Ada Byron", HERS);
        body[part][key] = value;
        let reply = world.send(CREATE, &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{part}.{key}: {}", reply.text);
        body[part].as_object_mut().unwrap().remove(key);
        assert_eq!(world.send(CREATE, &body).await.body["code"], "2004", "{part}.{key}");
    }
    world.assert_silence().await;
    world.reconfigure(|project| project.settings.payee_verification_allowed = false).await;
    let refused = world.told(CREATE, &asked("order-1", "Ada Byron", HERS)).await;
    assert_eq!(refused["payment"], json!({ "id": "order-1", "status": "error" }));
    assert_eq!(refused["errors"][0]["code"], 310);
    world.end().await;
}

// G-461, G-462: where the project wants it, the bank is asked during a payout to an account in SEPA
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_held_to_what_the_bank_says_of_its_payee() {
    const PATH: &str = "/v2/payment/bank-transfer/world/payout";
    let payout = |payment_id: &str, name: &str, account: &str| {
        json!({
            "general": { "project_id": PROJECT, "payment_id": payment_id },
            "customer": {
                "id": "reader-7", "ip_address": "198.51.100.7", "country": "DE",
                "first_name": "Ada", "last_name": "Byron",
            },
            "account": { "customer_name": name, "number": account, "bank_id": 3 },
            "payment": { "amount": 1_000, "currency": "EUR" },
        })
    };
    let (world, _provider) = World::with_provider(|_| {}).await;
    let mut paid = 0;
    for (rule, name, account, expected) in [
        (PayeeRule::Unasked, "Charles Babbage", HERS, ["success", "0"]),
        (PayeeRule::CloseMatch, "Ada Byron", HERS, ["success", "0"]),
        (PayeeRule::CloseMatch, "Ada Biron", HERS, ["success", "0"]),
        (PayeeRule::CloseMatch, "Charles Babbage", HERS, ["decline", "20451"]),
        (PayeeRule::CloseMatch, "Ada Byron", NOWHERE, ["decline", "20450"]),
        (PayeeRule::Match, "Ada Biron", HERS, ["decline", "20451"]),
        (PayeeRule::Match, "Ada Byron", HERS, ["success", "0"]),
        // As people write it, and what is no account in SEPA.
        (PayeeRule::Match, "Charles Babbage", "de89 3704 0044 0532 0130 00", ["decline", "20451"]),
        (PayeeRule::Match, "Ada Byron", "DE89-3704-0044-0532-0130-00", ["success", "0"]),
        (PayeeRule::Match, "Ada Byron", "0123456789", ["decline", "20450"]),
    ] {
        world.reconfigure(|project| project.settings.payouts_verify_payee = rule).await;
        let id = format!("{rule:?}-{name}-{account}");
        let done = world.told(PATH, &payout(&id, name, account)).await;
        assert_eq!(pick(&done, &["payment.status", "operation.code"]), json!(expected), "{id}: {done}");
        paid += if expected[0] == "success" { 1_000 } else { 0 };
        // An equal request is the first one: the bank is not asked again.
        let first = done["operation"]["request_id"].as_str().unwrap();
        assert_eq!(world.accept(PATH, &payout(&id, name, account)).await, first);
    }
    // Without a name of the account's holder the customer's is asked about; without any there is nothing to ask.
    let mut unnamed = payout("order-1", "", HERS);
    unnamed["account"].as_object_mut().unwrap().remove("customer_name");
    assert_eq!(world.told(PATH, &unnamed).await["payment"]["status"], "success");
    unnamed["general"]["payment_id"] = "order-2".into();
    for name in ["first_name", "last_name"] {
        unnamed["customer"].as_object_mut().unwrap().remove(name);
    }
    let refused = world.told(PATH, &unnamed).await;
    assert_eq!(
        pick(&refused, &["payment.status", "errors.0.code", "errors.0.field"]),
        json!(["error", 2004, "account.customer_name"])
    );
    world.assert_gained(-paid - 1_000).await;
    world.end().await;
}
