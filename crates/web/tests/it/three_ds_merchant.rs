//! 3-D Secure done by the merchant: the result comes with the payment, goes on to the acquirer, and nobody asks the
//! customer again.

use crate::support::{
    World,
    bank::{CARD_CHALLENGE, CARD_CHALLENGE_MASTERCARD, extended},
    on_card, pick, sale, verification,
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFICATION: &str = "/v2/payment/card/account_verification";

/// Base64 of 20 bytes.
const VALUE: &str = "AAECAwQFBgcICQoLDA0ODxAREhM=";
const DIRECTORY: &str = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b";

fn complete() -> Value {
    json!({
        "xid": VALUE,
        "cavv": VALUE,
        "eci": "05",
        "authentication_status": "Y",
        "enrollement_status": "Y",
        "threeds_version": "3ds_2",
        "threeds_full_version": "2.2.0",
        "ds_operation_id": DIRECTORY,
        "authentication_flow": "Challenge",
        "authentication_status_reason_code": "01",
    })
}

fn authenticated(mut body: Value, data: Value) -> Value {
    body["authentication_data"] = data;
    body
}

// G-207, G-208, G-209: sale, hold and verification
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_own_result_goes_to_the_acquirer_and_nobody_asks_again() {
    let (world, bank) = World::with_bank(|project| {
        project.settings.merchant_three_ds_allowed = true;
        project.settings.account_verification_allowed = true;
    })
    .await;
    for (path, id, body) in [
        (SALE, "sale", sale("sale", 4_990, "EUR")),
        (AUTH, "hold", sale("hold", 4_990, "EUR")),
        (VERIFICATION, "check", verification("check")),
    ] {
        let body = extended(authenticated(on_card(body, CARD_CHALLENGE), complete()));
        let done = world.told(path, &body).await;
        let seen = pick(&done, &["payment.id", "operation.status", "operation.eci"]);
        assert_eq!(seen, json!([id, "success", "05"]), "{path}");
        let proof = world.at_acquirer(&done["operation"]).authentication.unwrap();
        assert_eq!(
            (proof.eci.as_deref(), proof.cavv.as_deref(), proof.xid.as_deref()),
            (Some("05"), Some(VALUE), Some(VALUE))
        );
        assert_eq!(
            (proof.ds_transaction_id.as_deref(), proof.version.as_deref()),
            (Some(DIRECTORY), Some("2.2.0"))
        );
    }
    assert!(bank.authentications().await.is_empty(), "the platform does not authenticate again");
    world.end().await;
}

// G-194, G-208: without a proof nothing is proven; the indicator is that of an unauthenticated payment
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_the_merchant_could_not_authenticate_pays_without_a_proof() {
    let (world, bank) = World::with_bank(|project| project.settings.merchant_three_ds_allowed = true).await;
    for (number, data) in [
        json!({ "xid": VALUE, "authentication_status": "U" }),
        json!({ "xid": VALUE, "enrollement_status": "N" }),
        json!({ "xid": VALUE, "enrollement_status": "U", "threeds_version": "3ds_1" }),
        json!({ "xid": VALUE, "authentication_status": "U", "threeds_version": "non_3ds" }),
    ]
    .into_iter()
    .enumerate()
    {
        let body = on_card(sale(&format!("order-{number}"), 100, "EUR"), CARD_CHALLENGE_MASTERCARD);
        let done = world.told(SALE, &authenticated(body, data.clone())).await;
        assert_eq!(pick(&done, &["payment.status", "operation.eci"]), json!(["success", "00"]), "{data}");
        let proof = world.at_acquirer(&done["operation"]).authentication;
        assert!(proof.is_none_or(|proof| proof.cavv.is_none()), "{data}");
    }
    assert!(bank.authentications().await.is_empty());
    world.end().await;
}

// G-208, G-210: what the others make necessary is named when it is missing, and nothing is created
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_the_others_make_necessary_is_refused_with_2004_when_missing() {
    let (world, _bank) = World::with_bank(|project| project.settings.merchant_three_ds_allowed = true).await;
    for member in ["xid", "cavv", "eci", "authentication_status", "ds_operation_id"] {
        let mut data = complete();
        data.as_object_mut().unwrap().remove(member);
        let reply = world.send(SALE, &authenticated(sale("order-1", 100, "EUR"), data)).await;
        let message = reply.body["message"].as_str().unwrap();
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")), "{member}");
        assert!(message.contains(&format!("authentication_data.{member}")), "{message}");
    }
    for (member, wrong) in [
        ("xid", "AAECAwQ="),
        ("cavv", "no base64 at all"),
        ("eci", "03"),
        ("authentication_status", "N"),
        ("threeds_version", "3ds_3"),
        ("threeds_full_version", "2.2"),
        ("authentication_status_reason_code", "1"),
        ("authentication_flow", "frictionless"),
    ] {
        let mut data = complete();
        data[member] = wrong.into();
        let reply = world.send(SALE, &authenticated(sale("order-1", 100, "EUR"), data)).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{member}: {}", reply.text);
    }
    world.assert_silence().await;
    assert_eq!(world.now("order-1").await["payment"]["status"], "error", "nothing was created");
    world.end().await;
}

// G-207, G-210: where it is not agreed upon the platform authenticates, whatever the merchant says
#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_the_merchants_result_is_ignored() {
    let (world, _bank) = World::with_bank(|_| {}).await;
    let body = extended(on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE));
    let asked = world.told(SALE, &authenticated(body, complete())).await;
    assert_eq!(asked["payment"]["status"], "awaiting 3ds result");
    let paid = world.paid(&authenticated(sale("order-2", 100, "EUR"), json!({ "xid": "whatever" }))).await;
    assert_eq!(paid["operation"]["eci"], "07", "the card takes no part");
    world.end().await;
}
