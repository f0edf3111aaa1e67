//! Exemptions from authentication, and what callbacks tell of authentications, seen from the merchant.

use crate::support::{
    World,
    bank::{CARD_CHALLENGE, CARD_FRICTIONLESS_MASTERCARD, check, extended, result},
    on_card, pick, sale,
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
const RESULT: &str = "/v2/payment/card/3ds_result";

fn order(id: &str, minor: i64) -> Value {
    extended(on_card(sale(id, minor, "EUR"), CARD_CHALLENGE))
}

fn told(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.code", "operation.non_3ds_reason"])
}

// G-107, G-195
#[tokio::test(flavor = "multi_thread")]
async fn an_exempt_purchase_is_paid_without_the_customer_and_the_issuer_knows_why() {
    let (world, bank) = World::with_bank(|project| {
        let settings = &mut project.settings;
        settings.low_value_most = [("EUR".to_owned(), 3_000)].into();
        settings.risk_analysis_most = [("EUR".to_owned(), 5_000)].into();
    })
    .await;
    for (id, minor, letter, reason) in [("order-1", 3_000, 'L', "lve"), ("order-2", 4_990, 'T', "tra")] {
        let paid = world.told(SALE, &order(id, minor)).await;
        assert_eq!(told(&paid), json!(["success", "0", reason]));
        assert_eq!(world.at_acquirer(&paid["operation"]).exemption, Some(letter));
    }
    assert!(bank.authentications().await.is_empty());
    let asked = world.told(SALE, &order("order-3", 5_001)).await;
    assert_eq!(told(&asked), json!(["awaiting 3ds result", "9999", null]));
    world.end().await;
}

// G-189, G-195: the issuer wants the customer all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_that_is_not_granted_brings_the_customer_to_the_bank() {
    let (world, bank) = World::with_bank(|project| {
        project.settings.low_value_most = [("EUR".to_owned(), 5_000)].into();
        project.settings.mpi_result_in_callbacks = true;
    })
    .await;
    world.acquirer.set_faults("GATETEST", "decline=1A*1@purchase").unwrap();
    let device = world.told(SALE, &order("order-1", 4_990)).await;
    assert_eq!(told(&device), json!(["awaiting 3ds result", "9999", null]));
    assert_eq!(device["payment"].get("cascading_with_redirect"), None, "no account was changed");
    let challenge = world.told(CHECK, &check("order-1", true)).await;
    assert_eq!(challenge.get("mpi_result"), None);
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "1234").await;
    let paid = world.told(RESULT, &result("order-1", &brought)).await;
    assert_eq!(told(&paid), json!(["success", "0", null]));
    assert_eq!(world.at_acquirer(&paid["operation"]).exemption, None);
    assert_eq!(paid["mpi_result"]["authentication_flow"], "02");
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-086, G-193, G-195, P-208: what a merchant is told can be told in the next payment.
#[tokio::test(flavor = "multi_thread")]
async fn the_identifiers_of_an_authentication_are_those_of_the_bank() {
    let (world, bank) = World::with_bank(|project| project.settings.mpi_result_in_callbacks = true).await;
    bank.script(json!({ "cardholder_info": "Your bank has a new app" })).await;
    let body = extended(on_card(sale("order-1", 4_990, "EUR"), CARD_FRICTIONLESS_MASTERCARD));
    let paid = world.told(SALE, &body).await;
    let known = bank.authentications().await.remove(0);
    assert_eq!(
        paid["mpi_result"],
        json!({
            "mpi_operation_id": known["three_ds_server_trans_id"],
            "ds_operation_id": known["ds_trans_id"],
            "acs_operation_id": known["acs_trans_id"],
            "mpi_timestamp": "202611211200",
            "cardholder_info": "Your bank has a new app",
            "authentication_flow": "01",
        })
    );
    let mut next = extended(on_card(sale("order-2", 4_990, "EUR"), CARD_FRICTIONLESS_MASTERCARD));
    next["customer"]["mpi_result"] = json!({
        "acs_operation_id": paid["mpi_result"]["acs_operation_id"],
        "authentication_flow": paid["mpi_result"]["authentication_flow"],
        "authentication_timestamp": paid["mpi_result"]["mpi_timestamp"],
    });
    assert_eq!(world.told(SALE, &next).await["payment"]["status"], "success");
    world.end().await;
}
