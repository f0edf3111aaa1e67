//! Further attempts through other provider accounts, seen from the merchant.

use crate::support::{World, capture, pick, refund, sale, status};
use ferropay_domain::{ids::ProviderAccountId, project::RouteRule};
use serde_json::json;
use std::time::Duration;

const SECOND: i64 = 77;

/// A platform whose project has two accounts at the acquirer, and the terminal of the first behaves by `plan`.
async fn world(plan: &str) -> World {
    let world = World::with(|project| {
        let accounts = [1, SECOND].map(ProviderAccountId::new).to_vec();
        project.settings.routes = vec![RouteRule { accounts, ..RouteRule::default() }];
        project.settings.cascading_attempts = 2;
    })
    .await;
    world.connect_account(SECOND, "GATETST2");
    world.acquirer.set_faults("GATETEST", plan).unwrap();
    world
}

// G-516, G-518
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_through_the_next_account_and_is_told_once() {
    let world = world("decline=96@purchase").await;
    let callback = world.paid(&sale("order-1", 1_000, "EUR")).await;
    let told =
        pick(&callback, &["payment.status", "operation.status", "operation.code", "operation.provider.id"]);
    assert_eq!(told, json!(["success", "success", "0", SECOND]));
    let reply = world.send("/v2/payment/status", &status("order-1")).await;
    assert_eq!(reply.body["operations"].as_array().unwrap().len(), 1, "it is one operation");
    world.clock.advance(Duration::from_hours(13));
    world.send("/v2/payment/card/refund", &refund("order-1", None)).await;
    let returned = world.callback().await;
    assert_eq!(returned["payment"]["status"], "refunded");
    assert_eq!(returned["operation"]["provider"]["id"], SECOND, "money goes back where it is");
    world.end().await;
}

// G-516: the customer is charged at most once, also when the first account answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_without_answer_is_undone_before_the_next_account_is_asked() {
    let world = world("drop@purchase").await;
    let callback = world.paid(&sale("order-1", 1_000, "EUR")).await;
    assert_eq!(callback["operation"]["provider"]["id"], SECOND);
    let book = world.acquirer.book();
    assert_eq!((book.moved_twice.len(), book.doubled_operations.len()), (0, 0));
    world.end().await;
}

// G-516
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_cascades_and_is_captured_where_it_is() {
    let world = world("decline=96@authorisation").await;
    world.send("/v2/payment/card/auth", &sale("order-1", 1_000, "EUR")).await;
    assert_eq!(world.callback().await["payment"]["status"], "awaiting capture");
    world.send("/v2/payment/card/capture", &capture("order-1", None)).await;
    let captured = world.callback().await;
    let told = pick(&captured, &["payment.status", "operation.provider.id"]);
    assert_eq!(told, json!(["success", SECOND]));
    world.end().await;
}
