//! Series whose data the merchant keeps: registered and debited with the card itself.

use crate::support::{CARD_OK, World, by_token, pick, refund, sale, verification};
use ferropay_domain::{codes, project::CredentialStorage};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFY: &str = "/v2/payment/card/account_verification";

async fn world() -> World {
    World::with(|project| {
        project.settings.credential_storage = CredentialStorage::Merchant;
        project.settings.account_verification_allowed = true;
    })
    .await
}

/// The request with the card's part in a series; without a verification value where the customer has no part in it.
fn stored(mut body: Value, kind: u8) -> Value {
    body["card"]["stored_card_type"] = kind.into();
    body["general"]["payment_id"] =
        format!("{}-{kind}", body["general"]["payment_id"].as_str().unwrap()).into();
    if matches!(kind, 4 | 6) {
        body["card"].as_object_mut().unwrap().remove("cvv");
    }
    body
}

async fn code(world: &World, path: &str, body: &Value) -> Value {
    let callback = world.told(path, body).await;
    assert_eq!(callback["payment"]["status"], "error", "{callback}");
    json!([callback["errors"][0]["code"], callback["errors"][0]["field"]])
}

// G-154, G-016
// G-360, G-369, G-373, M-004: no record of a series; what the merchant debits is `recurring` and needs no verification value
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_registered_and_debited_with_the_card_itself() {
    let world = world().await;
    for (kind, payment) in [
        (1, "purchase"),
        (2, "purchase"),
        (3, "purchase"),
        (4, "recurring"),
        (5, "purchase"),
        (6, "recurring"),
    ] {
        let callback = world.told(SALE, &stored(sale("a", 1_370, "EUR"), kind)).await;
        assert_eq!(
            pick(&callback, &["payment.type", "payment.status", "operation.type", "recurring"]),
            json!([payment, "success", "sale", null]),
            "{kind}"
        );
    }
    let refunded = world.refunded(&refund("a-6", None)).await;
    assert!(matches!(refunded["payment"]["status"].as_str(), Some("refunded" | "reversed")), "{refunded}");
    let mut without = stored(sale("b", 1_370, "EUR"), 3);
    without["card"].as_object_mut().unwrap().remove("cvv");
    assert_eq!(code(&world, SALE, &without).await, json!([3141, "card.cvv"]));
    world.end().await;
}

// G-342, G-360, G-370: holds and verifications, and what does not exist of them
#[tokio::test(flavor = "multi_thread")]
async fn holds_and_verifications_have_their_part_in_series() {
    let world = world().await;
    for (kind, payment) in [(3, "purchase"), (4, "recurring"), (5, "purchase"), (6, "recurring")] {
        let callback = world.told(AUTH, &stored(sale("a", 1_370, "EUR"), kind)).await;
        assert_eq!(pick(&callback["payment"], &["type", "status"]), json!([payment, "awaiting capture"]));
    }
    let captured = world.told("/v2/payment/card/capture", &crate::support::capture("a-6", None)).await;
    assert_eq!(pick(&captured["payment"], &["type", "status"]), json!(["recurring", "success"]));
    let refused = json!([310, "card.stored_card_type"]);
    assert_eq!(code(&world, AUTH, &stored(sale("b", 1_370, "EUR"), 2)).await, refused);
    for kind in [1, 3, 5] {
        let callback = world.told(VERIFY, &stored(verification("c"), kind)).await;
        assert_eq!(callback["payment"]["status"], "success", "{callback}");
    }
    for kind in [2, 4, 6] {
        assert_eq!(code(&world, VERIFY, &stored(verification("d"), kind)).await, refused);
    }
    world.end().await;
}

// G-371, D-31: what is registered is checked, for nothing, by token
#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_checked_by_token() {
    let world = world().await;
    let token = world.token("reader-7", CARD_OK).await;
    let mut body = by_token("a", &token);
    body["payment"] = json!({ "amount": 0, "currency": "EUR" });
    body["card"] = json!({ "stored_card_type": 4 });
    body.as_object_mut().unwrap().remove("cvv");
    let path = "/v2/payment/card/account_verification/token";
    let callback = world.told(path, &body).await;
    assert_eq!(
        pick(&callback, &["payment.type", "payment.status", "payment.sum.amount"]),
        json!(["account_verification", "success", 0])
    );
    body["general"]["payment_id"] = "b".into();
    body["card"] = json!({ "stored_card_type": 5 });
    body["cvv"] = "321".into();
    assert_eq!(code(&world, path, &body).await, json!([310, "card.stored_card_type"]));
    world.end().await;
}

// G-348, G-349: one mode per project
#[tokio::test(flavor = "multi_thread")]
async fn a_project_whose_series_the_platform_keeps_refuses_the_merchants() {
    let world = World::new().await;
    for kind in 1..=6 {
        let refused = code(&world, SALE, &stored(sale("a", 1_370, "EUR"), kind)).await;
        assert_eq!(refused, json!([310, "card.stored_card_type"]));
    }
    let mut none = sale("b", 1_370, "EUR");
    none["card"]["stored_card_type"] = 0.into();
    world.paid(&none).await;
    world.end().await;
}

// G-360, G-369, G-370, G-349, D-47: the acquirer learns the card's part in the series and which operation registered it, and the
// merchant the network's identifier of the registration
#[tokio::test(flavor = "multi_thread")]
async fn the_networks_learn_what_part_a_card_has_in_the_merchants_series() {
    let world = World::with(|project| {
        project.settings.credential_storage = CredentialStorage::Merchant;
        project.settings.scheme_id_in_callbacks = true;
    })
    .await;
    for path in [SALE, AUTH] {
        for (registers, debits, letter) in [(1, 2, "C"), (3, 4, "U"), (5, 6, "R")] {
            let name = path.rsplit('/').next().unwrap();
            let first = world.told(path, &stored(sale(name, 1_370, "EUR"), registers)).await;
            assert_eq!(first.get("recurring"), None, "no series is recorded");
            let seen = world.at_acquirer(&first["operation"]).credential;
            assert_eq!(seen, Some(format!("S{letter}")));
            let id = first["scheme_id"].as_str().unwrap_or_else(|| panic!("{first}")).to_owned();
            if (path, debits) == (AUTH, 2) {
                continue;
            }
            let mut body = stored(sale(name, 1_370, "EUR"), debits);
            body["card"]["scheme_id"] = id.as_str().into();
            let debited = world.told(path, &body).await;
            let seen = world.at_acquirer(&debited["operation"]).credential;
            assert_eq!(seen, Some(format!("U{letter}{id}")));
            assert_eq!(debited.get("scheme_id"), None);
        }
    }
    for id in ["sixteen letters!", "1234567890123456", "MCC 123456"] {
        let mut body = stored(sale("b", 1_370, "EUR"), 4);
        body["card"]["scheme_id"] = id.into();
        let expected = json!([codes::VALIDATION.get(), "card.scheme_id"]);
        assert_eq!(code(&world, SALE, &body).await, expected, "{id}");
    }
    let plain = world.paid(&sale("c", 1_370, "EUR")).await;
    assert_eq!((world.at_acquirer(&plain["operation"]).credential, plain.get("scheme_id")), (None, None));
    world.end().await;
}

// G-366, G-376: where the project demands it, the merchant's own debits name the operation that registered the series
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_without_the_networks_identifier_is_refused_where_it_is_demanded() {
    let world = World::with(|project| {
        project.settings.credential_storage = CredentialStorage::Merchant;
        project.settings.trace_id_required = true;
    })
    .await;
    for kind in [4, 6] {
        let refused = code(&world, SALE, &stored(sale("a", 1_370, "EUR"), kind)).await;
        assert_eq!(refused, json!([3363, "card.scheme_id"]));
        let mut body = stored(sale("b", 1_370, "EUR"), kind);
        body["card"]["scheme_id"] = "MCC1234560101".into();
        assert_eq!(world.told(SALE, &body).await["payment"]["status"], "success");
    }
    // The customer takes part in it.
    assert_eq!(world.told(SALE, &stored(sale("c", 1_370, "EUR"), 2)).await["payment"]["status"], "success");
    world.end().await;
}

// G-348: one mode per project, the other way round
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_keeps_its_series_itself_registers_none_with_the_platform() {
    let world = world().await;
    for (number, (path, mut body)) in
        [(SALE, sale("a", 1_370, "EUR")), (AUTH, sale("b", 1_370, "EUR")), (VERIFY, verification("c"))]
            .into_iter()
            .enumerate()
    {
        body["recurring"] = json!({ "register": true, "type": "U" });
        assert_eq!(code(&world, path, &body).await, json!([310, "recurring.register"]), "{number}");
    }
    world.end().await;
}
