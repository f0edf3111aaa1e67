//! A customer whose purchase failed tries again: further requests for the same payment, seen from the merchant.

use crate::support::{
    CARD_DECLINED, CARD_MASTERCARD, CARD_OK, Reply, World,
    bank::{CARD_CHALLENGE, CARD_CHALLENGE_FAILS, check, extended, result},
    on_card, pick,
    provider::purchase,
    refund, sale,
};
use ferropay_domain::{ids::ProviderAccountId, project::RouteRule};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";

async fn world(attempts: u8) -> World {
    World::with(|project| project.settings.additional_attempts = attempts).await
}

fn declining(id: &str) -> Value {
    on_card(sale(id, 1_000, "EUR"), CARD_DECLINED)
}

/// Another request for the same, which differs in nothing that matters.
fn noted(mut body: Value, number: usize) -> Value {
    body["note"] = number.into();
    body
}

/// What a callback or reply says of further attempts.
fn attempts(message: &Value) -> Value {
    pick(message, &["payment.status", "payment.is_new_attempts_available", "payment.attempts_timeout"])
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.status", "operation.code"])
}

fn assert_refused(reply: &Reply, code: &str) {
    assert_eq!((reply.status, reply.body["code"].as_str()), (400, Some(code)), "{}", reply.text);
}

// G-111, G-127, G-512, G-513, G-514
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_tries_again_with_another_card_and_pays() {
    let world = world(5).await;
    let failed = world.told(SALE, &declining("order-1")).await;
    assert_eq!(attempts(&failed), json!(["awaiting customer", true, 600]));
    assert_eq!(pick(&failed, &["operation.status", "operation.code"]), json!(["decline", "10000"]));
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(attempts(&world.now("order-1").await), json!(["awaiting customer", true, 480]));
    let paid = world.told(SALE, &on_card(sale("order-1", 1_000, "EUR"), CARD_MASTERCARD)).await;
    assert_eq!(attempts(&paid), json!(["success", false, 0]));
    assert_eq!(paid["account"]["type"], "mastercard");
    assert_ne!(paid["operation"]["id"], failed["operation"]["id"]);
    let now = world.now("order-1").await;
    let rows: Vec<Value> =
        now["operations"].as_array().unwrap().iter().map(|row| pick(row, &["type", "status"])).collect();
    assert_eq!(rows, [json!(["sale", "decline"]), json!(["sale", "success"])]);
    world.assert_moved("EUR", 1_000, 0).await;
    world.clock.advance(Duration::from_hours(13));
    let returned = world.refunded(&refund("order-1", None)).await;
    assert_eq!(attempts(&returned), json!(["refunded", false, 0]));
    world.end().await;
}

// G-512: off by default.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_a_purchase_fails_for_good() {
    let world = World::new().await;
    let failed = world.told(SALE, &declining("order-1")).await;
    assert_eq!(attempts(&failed), json!(["decline", null, null]));
    assert_refused(&world.send(SALE, &sale("order-1", 1_000, "EUR")).await, "3041");
    world.end().await;
}

// G-513
#[tokio::test(flavor = "multi_thread")]
async fn used_up_attempts_decline_the_payment_with_the_last_reason() {
    let world = world(1).await;
    world.told(SALE, &declining("order-1")).await;
    let last = world.told(SALE, &noted(declining("order-1"), 1)).await;
    assert_eq!(attempts(&last), json!(["decline", false, 0]));
    assert_eq!(last["operation"]["code"], "10000");
    assert_refused(&world.send(SALE, &sale("order-1", 1_000, "EUR")).await, "3041");
    world.end().await;
}

// G-513: the time counts from the first failure, is told as 603, and is the clock's to decide.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_time_is_over_the_merchant_is_told_603() {
    let world = world(5).await;
    world.told(AUTH, &declining("order-1")).await;
    world.clock.advance(Duration::from_mins(7));
    let again = world.told(AUTH, &noted(declining("order-1"), 1)).await;
    assert_eq!(attempts(&again), json!(["awaiting customer", true, 180]));
    world.clock.advance(Duration::from_mins(2));
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(1));
    let over = world.callback().await;
    assert_eq!(attempts(&over), json!(["decline", false, 0]));
    assert_eq!(outcome(&over), json!(["decline", "decline", "603"]));
    assert_eq!(over["operation"]["id"], again["operation"]["id"]);
    let now = world.now("order-1").await;
    assert_eq!(attempts(&now), json!(["decline", false, 0]));
    assert_eq!(now["operations"][1]["code"], "10000", "the operation keeps its own reason");
    assert_refused(&world.send(AUTH, &sale("order-1", 1_000, "EUR")).await, "3041");
    world.end().await;
}

// G-515
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_attempt_is_refused_at_once_and_changes_nothing() {
    let world = world(5).await;
    let first = declining("order-1");
    world.told(SALE, &first).await;
    let repeated = world.send(SALE, &first).await;
    assert_eq!(repeated.status, 200, "the same bytes are the same request");
    world.assert_silence().await;
    assert_refused(&world.send(AUTH, &sale("order-1", 1_000, "EUR")).await, "2945");
    assert_refused(&world.send(SALE, &sale("order-1", 999, "EUR")).await, "2949");
    assert_refused(&world.send(SALE, &sale("order-1", 1_000, "USD")).await, "2949");
    let mut expired = sale("order-1", 1_000, "EUR");
    expired["card"]["year"] = 2020.into();
    // Rules of business are told by callback, as of any request, and the payment waits as before.
    let broken = world.told(SALE, &expired).await;
    assert_eq!((&broken["payment"]["status"], &broken["errors"][0]["code"]), (&json!("error"), &json!(3021)));
    let payout = crate::support::payout("order-1", CARD_OK, 1_000);
    assert_refused(&world.send("/v2/payment/card/payout", &payout).await, "3041");
    world.assert_silence().await;
    assert_eq!(attempts(&world.now("order-1").await), json!(["awaiting customer", true, 600]));
    world.told(SALE, &sale("order-1", 1_000, "EUR")).await;
    world.assert_moved("EUR", 1_000, 0).await;
    world.end().await;
}

// G-513, G-056: of attempts at the same moment one runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_attempts_at_once_one_runs_and_the_customer_pays_once() {
    let world = world(5).await;
    for round in 0..8 {
        let id = format!("order-{round}");
        world.told(SALE, &declining(&id)).await;
        let body = |number| noted(sale(&id, 100, "EUR"), number);
        let wrong = world.send(SALE, &body(9)).await;
        assert_refused(&wrong, "2949");
        let body = |number| noted(sale(&id, 1_000, "EUR"), number);
        let (first, second, third) = (body(1), body(2), body(3));
        let (a, b, c) =
            tokio::join!(world.send(SALE, &first), world.send(SALE, &second), world.send(SALE, &third));
        let replies = [a, b, c];
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "{replies:?}");
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_refused(reply, "3041");
        }
        assert_eq!(world.callback().await["payment"]["status"], "success");
        world.quiet().await;
        assert_eq!(world.now(&id).await["operations"].as_array().unwrap().len(), 2);
    }
    world.assert_silence().await;
    world.assert_moved("EUR", 8_000, 0).await;
    world.end().await;
}

// G-513: an attempt without answer is undone before the customer may try again.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_the_customer_may_try_again_when_it_is_undone() {
    let world = world(5).await;
    let failed = world.told_with_fault(SALE, &sale("order-1", 1_000, "EUR"), "drop@purchase").await;
    assert_eq!(outcome(&failed), json!(["awaiting customer", "decline", "10602"]));
    let paid = world.told(SALE, &noted(on_card(sale("order-1", 1_000, "EUR"), CARD_MASTERCARD), 1)).await;
    assert_eq!(paid["payment"]["status"], "success");
    world.quiet().await;
    world.assert_moved("EUR", 1_000, 0).await;
    world.end().await;
}

// G-512, G-513: every attempt is authenticated for itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_may_be_authenticated() {
    let (world, bank) = World::with_bank(|project| project.settings.additional_attempts = 2).await;
    for (card, code, expected) in
        [(CARD_CHALLENGE_FAILS, "104", "awaiting customer"), (CARD_CHALLENGE, "0", "success")]
    {
        world.told(SALE, &extended(on_card(sale("order-1", 1_000, "EUR"), card))).await;
        let mut asked = world.now("order-1").await;
        if asked["threeds2"].get("iframe").is_some() {
            asked = world.told("/v2/payment/card/3ds_check_iframe", &check("order-1", true)).await;
        }
        let brought = bank.confirm(&asked["threeds2"]["redirect"], "1234").await;
        let ended = world.told("/v2/payment/card/3ds_result", &result("order-1", &brought)).await;
        assert_eq!(pick(&ended, &["payment.status", "operation.code"]), json!([expected, code]));
    }
    world.assert_moved("EUR", 1_000, 0).await;
    world.end().await;
}

// G-512, G-516: accounts are gone through for each attempt anew, and the customer is asked when all have failed.
#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_goes_through_the_accounts_of_its_route() {
    let world = World::with(|project| {
        let accounts = [1, 77].map(ProviderAccountId::new).to_vec();
        project.settings.routes = vec![RouteRule { accounts, ..RouteRule::default() }];
        project.settings.cascading_attempts = 2;
        project.settings.additional_attempts = 2;
    })
    .await;
    world.connect_account(77, "GATETST2");
    world.acquirer.set_faults("GATETEST", "decline=96@purchase").unwrap();
    world.acquirer.set_faults("GATETST2", "decline=96*1@purchase").unwrap();
    let failed = world.told(SALE, &sale("order-1", 1_000, "EUR")).await;
    assert_eq!(attempts(&failed), json!(["awaiting customer", true, 600]));
    assert_eq!(failed["operation"]["provider"]["id"], 77);
    let message = failed["operation"]["message"].as_str().unwrap();
    let now = world.now("order-1").await;
    assert_eq!(now["operations"][0]["message"], format!("{message}; {message}"), "G-518");
    let paid = world.told(SALE, &noted(sale("order-1", 1_000, "EUR"), 1)).await;
    assert_eq!(pick(&paid, &["payment.status", "operation.provider.id"]), json!(["success", 77]));
    world.assert_moved("EUR", 1_000, 0).await;
    world.end().await;
}

// G-512: by another method as by card; who gives up at the wallet has given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_by_a_wallet_is_tried_again_by_the_same_wallet() {
    const ALIPAY: &str = "/v2/payment/wallet/alipay/sale";
    let (world, provider) = World::with_provider(|project| project.settings.additional_attempts = 3).await;
    let page = |callback: &Value| callback["redirect_data"]["url"].as_str().unwrap().to_owned();
    for (number, button, expected) in [
        (0, "decline", json!(["awaiting customer", "decline", "20000"])),
        (1, "cancel", json!(["decline", "decline", "20301"])),
    ] {
        let asked = world.told(ALIPAY, &noted(purchase("order-1", 4_990, "EUR"), number)).await;
        provider.press(&page(&asked), button).await;
        assert_eq!(outcome(&world.callback().await), expected);
        let by_card = world.send(SALE, &sale("order-1", 4_990, "EUR")).await;
        assert_refused(&by_card, "3041");
    }
    let asked = world.told(ALIPAY, &purchase("order-2", 4_990, "EUR")).await;
    provider.press(&page(&asked), "decline").await;
    world.callback().await;
    let asked = world.told(ALIPAY, &noted(purchase("order-2", 4_990, "EUR"), 1)).await;
    provider.press(&page(&asked), "approve").await;
    assert_eq!(attempts(&world.callback().await), json!(["success", false, 0]));
    world.assert_gained(4_990).await;
    world.end().await;
}
