//! A purchase goes on to another account, which wants the customer authenticated once more, seen from the merchant.

use crate::support::{
    World,
    bank::{Bank, CARD_CHALLENGE, CARD_FRICTIONLESS_MASTERCARD, check, extended, result},
    on_card, pick, sale, status,
};
use ferropay_domain::{ids::ProviderAccountId, project::RouteRule};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
const RESULT: &str = "/v2/payment/card/3ds_result";
const SECOND: i64 = 77;

/// Customers are authenticated, the first account's terminal declines for no reason of theirs, and the second's behaves by
/// `plan`.
async fn world(plan: &str) -> (World, Bank) {
    let (world, bank) = World::with_bank(|project| {
        let accounts = [1, SECOND].map(ProviderAccountId::new).to_vec();
        project.settings.routes = vec![RouteRule { accounts, ..RouteRule::default() }];
        project.settings.cascading_attempts = 2;
    })
    .await;
    world.connect_account(SECOND, "GATETST2");
    world.acquirer.set_faults("GATETEST", "decline=96@purchase").unwrap();
    world.acquirer.set_faults("GATETST2", plan).unwrap();
    (world, bank)
}

fn asked(message: &Value) -> Value {
    pick(message, &["payment.status", "payment.cascading_with_redirect"])
}

/// The customer confirms at the bank; the request that says so.
async fn confirmed(world: &World, bank: &Bank) -> Value {
    let challenge = world.told(CHECK, &check("order-1", true)).await;
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "1234").await;
    result("order-1", &brought)
}

// G-110, G-112, G-206, G-516, G-517
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_confirms_twice_and_pays_once() {
    let (world, bank) = world("decline=1A*1@purchase").await;
    let first = world.told(SALE, &extended(on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE))).await;
    assert_eq!(asked(&first), json!(["awaiting 3ds result", null]));
    let again = world.told(RESULT, &confirmed(&world, &bank).await).await;
    assert_eq!(asked(&again), json!(["awaiting 3ds result", true]));
    assert!(again["threeds2"]["iframe"]["url"].is_string(), "{again}");
    assert_eq!(asked(&world.send("/v2/payment/status", &status("order-1")).await.body), asked(&again));
    // The merchant's next steps may be the same bytes as before.
    let paid = world.told(RESULT, &confirmed(&world, &bank).await).await;
    assert_eq!(asked(&paid), json!(["success", null]));
    assert_eq!(paid["operation"]["provider"]["id"], SECOND);
    let authentications = bank.authentications().await;
    assert_eq!(authentications.len(), 2);
    let proof = world.at_acquirer(&paid["operation"]).authentication.unwrap();
    assert_eq!(
        proof.ds_transaction_id.as_deref(),
        authentications[0]["ds_trans_id"].as_str(),
        "the newer proof"
    );
    world.assert_moved("EUR", 4_990, 0).await;
    let book = world.acquirer.book();
    assert_eq!((book.moved_twice.len(), book.doubled_operations.len()), (0, 0));
    world.assert_silence().await;
    world.end().await;
}

// G-206, G-517: without another question, and where nobody had to leave the shop before.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_asks_nobody_is_asked_again_without_the_merchant() {
    let (world, bank) = world("decline=65*1@purchase").await;
    let body = extended(on_card(sale("order-1", 4_990, "EUR"), CARD_FRICTIONLESS_MASTERCARD));
    let paid = world.told(SALE, &body).await;
    assert_eq!(asked(&paid), json!(["success", null]));
    assert_eq!(bank.authentications().await.len(), 2);
    // The second time the bank wants to see the customer.
    bank.script(json!({})).await;
    bank.script(json!({ "status": "C" })).await;
    world.acquirer.set_faults("GATETST2", "decline=65*1@purchase").unwrap();
    let body = extended(on_card(sale("order-2", 4_990, "EUR"), CARD_FRICTIONLESS_MASTERCARD));
    let challenge = world.told(SALE, &body).await;
    assert_eq!(asked(&challenge), json!(["awaiting 3ds result", false]));
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "1234").await;
    let paid = world.told(RESULT, &result("order-2", &brought)).await;
    assert_eq!(asked(&paid), json!(["success", null]));
    world.assert_moved("EUR", 9_980, 0).await;
    world.end().await;
}

// G-206: once more and not again.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_never_content_is_given_up() {
    let (world, bank) = world("decline=1A@purchase").await;
    world.told(SALE, &extended(on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE))).await;
    let body = confirmed(&world, &bank).await;
    let again = world.told(RESULT, &body).await;
    assert_eq!(asked(&again), json!(["awaiting 3ds result", true]));
    let declined = world.told(RESULT, &confirmed(&world, &bank).await).await;
    assert_eq!(pick(&declined, &["payment.status", "operation.code"]), json!(["decline", "10403"]));
    let reply = world.send(RESULT, &body).await;
    assert_eq!(reply.status, 200, "the same bytes were taken before");
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-189, G-517: who stays away the second time has not paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_stays_away_the_second_time_is_declined() {
    let (world, bank) = world("decline=1A*1@purchase").await;
    world.told(SALE, &extended(on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE))).await;
    world.told(RESULT, &confirmed(&world, &bank).await).await;
    world.clock.advance(Duration::from_mins(31));
    let over = world.callback().await;
    assert_eq!(pick(&over, &["payment.status", "operation.code"]), json!(["decline", "108"]));
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}
