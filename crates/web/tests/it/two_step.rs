//! Purchases in two steps: an amount is held, the hold is changed, captured or released, and platform, merchant and
//! acquirer agree about it after every step.

use crate::support::{
    CARD_DECLINED, CARD_MASTERCARD, World, again, cancel, capture, incremental, normalise::normalised,
    on_card, pick, refund, sale,
};
use serde_json::{Value, json};
use std::time::Duration;

const AUTH: &str = "/v2/payment/card/auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const CANCEL: &str = "/v2/payment/card/cancel";
const INCREMENTAL: &str = "/v2/payment/card/incremental";
const REFUND: &str = "/v2/payment/card/refund";

/// What a second step's callback says of payment and operation.
fn outcome(callback: &Value) -> Value {
    let names = ["payment.status", "payment.sum.amount", "operation.type", "operation.status"];
    pick(callback, &[&names[..], &["operation.sum_initial.amount", "operation.code"]].concat())
}

/// A hold on a Mastercard, which may be changed by any amount.
async fn held_on_mastercard(world: &World, payment_id: &str, amount: i64, currency: &str) {
    world.held(&on_card(sale(payment_id, amount, currency), CARD_MASTERCARD)).await;
}

// G-130, G-165, G-166, G-168, D-498: the acquirer holds the amount and nobody has it
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_makes_a_purchase_that_awaits_capture() {
    let world = World::new().await;
    let callback = world.held(&sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!("hold_success", normalised(&callback));
    assert_eq!(pick(&callback, &["payment.type", "operation.type"]), json!(["purchase", "auth"]));
    assert_eq!(outcome(&callback), json!(["awaiting capture", 1_370, "auth", "success", 1_370, "0"]));
    world.assert_moved("USD", 0, 1_370).await;
    let now = world.now("order-1").await;
    assert_eq!(
        pick(&now, &["payment.status", "payment.sum.amount"]),
        json!(["awaiting capture", 1_370]),
        "{now}"
    );
    assert_eq!(world.operations("order-1").await, json!([["auth", "success", 1_370]]));
    world.assert_silence().await;
    world.end().await;
}

// G-167
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_the_issuer_refuses_declines_the_payment() {
    let world = World::new().await;
    let callback = world.told(AUTH, &on_card(sale("order-1", 1_370, "USD"), CARD_DECLINED)).await;
    assert_eq!(outcome(&callback), json!(["decline", 1_370, "auth", "decline", 1_370, "10000"]));
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-034, G-168: two-step purchases are a capability of the project
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_two_step_purchases_is_told_310() {
    let world = World::with(|project| project.settings.two_step_allowed = false).await;
    let callback = world.told(AUTH, &sale("order-1", 1_370, "USD")).await;
    assert_eq!(pick(&callback, &["payment.status", "errors.0.code"]), json!(["error", 310]));
    world.end().await;
}

// G-132, G-169, G-170, G-172
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_without_amount_takes_the_whole_hold() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let callback = world.told(CAPTURE, &capture("order-1", None)).await;
    insta::assert_snapshot!("capture_success", normalised(&callback));
    assert_eq!(outcome(&callback), json!(["success", 1_370, "capture", "success", 1_370, "0"]));
    world.assert_moved("USD", 1_370, 0).await;
    let listed = json!([["auth", "success", 1_370], ["capture", "success", 1_370]]);
    assert_eq!(world.operations("order-1").await, listed);
    world.end().await;
}

// G-170: the amount of the hold, stated
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_of_exactly_the_hold_changes_nothing_before() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let callback = world.told(CAPTURE, &capture("order-1", Some((1_370, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["success", 1_370, "capture", "success", 1_370, "0"]));
    assert_eq!(world.acquirer.book().counters.releases_executed, 0);
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-170, G-171, G-172, D-12, D-13: the hold is made to fit first, and nothing stays held
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_below_the_hold_reduces_it_first() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    let callback = world.told(CAPTURE, &capture("order-1", Some((1_000, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["success", 1_000, "capture", "success", 1_000, "0"]));
    world.assert_moved("USD", 1_000, 0).await;
    let listed = world.operations("order-1").await;
    assert!(listed.as_array().unwrap().contains(&json!(["decremental", "success", 370])), "{listed}");
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    assert_eq!(world.acquirer.book().counters.releases_executed, 1);
    world.assert_silence().await;
    world.end().await;
}

// G-172, G-185, D-13: where the hold may not be changed so much, the capture itself lets the rest go
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_far_below_a_hold_on_visa_releases_the_rest_by_itself() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let callback = world.told(CAPTURE, &capture("order-1", Some((1_000, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["success", 1_000, "capture", "success", 1_000, "0"]));
    world.assert_moved("USD", 1_000, 0).await;
    let listed = json!([["auth", "success", 1_370], ["capture", "success", 1_000]]);
    assert_eq!(world.operations("order-1").await, listed);
    world.end().await;
}

// G-017, G-170, G-171, G-172, D-12
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_above_the_hold_raises_it_first() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    let callback = world.told(CAPTURE, &capture("order-1", Some((2_000, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["success", 2_000, "capture", "success", 2_000, "0"]));
    world.assert_moved("USD", 2_000, 0).await;
    let listed = world.operations("order-1").await;
    assert!(listed.as_array().unwrap().contains(&json!(["incremental", "success", 630])), "{listed}");
    world.assert_silence().await;
    world.end().await;
}

// G-171, G-175, D-12, D-14: the change that the capture needs is refused, so the capture is, with the same code
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_whose_change_of_the_hold_is_refused_fails_and_the_hold_stays() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    let body = capture("order-1", Some((2_000, "USD")));
    let callback = world.told_with_fault(CAPTURE, &body, "decline=51@increment").await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 1_370, "capture", "decline", 2_000, "10105"]));
    let listed = world.operations("order-1").await;
    assert!(listed.as_array().unwrap().contains(&json!(["incremental", "decline", 630])), "{listed}");
    world.assert_moved("USD", 0, 1_370).await;
    world.assert_silence().await;
    let callback = world.told(CAPTURE, &capture("order-1", None)).await;
    assert_eq!(outcome(&callback), json!(["success", 1_370, "capture", "success", 1_370, "0"]));
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-132, G-173, D-52
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_without_amount_releases_the_whole_hold() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let callback = world.told(CANCEL, &cancel("order-1", None)).await;
    insta::assert_snapshot!("cancel_success", normalised(&callback));
    assert_eq!(outcome(&callback), json!(["canceled", 1_370, "cancel", "success", 1_370, "0"]));
    world.assert_moved("USD", 0, 0).await;
    for path in [CAPTURE, CANCEL] {
        let body = again(cancel("order-1", None));
        let callback = world.told(path, &body).await;
        assert_eq!(pick(&callback, &["payment.status", "operation.code"]), json!(["canceled", "3060"]));
    }
    world.end().await;
}

// G-131, G-174, D-53: the amount is the part that is released
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_a_part_reduces_the_hold() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    let callback = world.told(CANCEL, &cancel("order-1", Some((370, "USD")))).await;
    insta::assert_snapshot!("partial_cancel_success", normalised(&callback));
    assert_eq!(outcome(&callback), json!(["awaiting capture", 1_000, "cancel", "success", 370, "0"]));
    world.assert_moved("USD", 0, 1_000).await;
    let listed = world.operations("order-1").await;
    assert!(listed.as_array().unwrap().contains(&json!(["decremental", "success", 370])), "{listed}");
    let beyond = world.told(CANCEL, &cancel("order-1", Some((1_001, "USD")))).await;
    assert_eq!(outcome(&beyond), json!(["awaiting capture", 1_000, "cancel", "decline", 1_001, "3060"]));
    let rest = world.told(CANCEL, &cancel("order-1", Some((1_000, "USD")))).await;
    assert_eq!(outcome(&rest), json!(["canceled", 1_000, "cancel", "success", 1_000, "0"]));
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-131, G-176, G-177: changed several times, then ended by one capture
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_can_be_changed_several_times_before_it_is_captured() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    let raised = world.told(INCREMENTAL, &incremental("order-1", 630, "USD")).await;
    insta::assert_snapshot!("incremental_success", normalised(&raised));
    assert_eq!(outcome(&raised), json!(["awaiting capture", 2_000, "incremental", "success", 630, "0"]));
    world.assert_moved("USD", 0, 2_000).await;
    let raised = world.told(INCREMENTAL, &incremental("order-1", 1, "USD")).await;
    assert_eq!(outcome(&raised), json!(["awaiting capture", 2_001, "incremental", "success", 1, "0"]));
    world.told(CANCEL, &cancel("order-1", Some((501, "USD")))).await;
    world.assert_moved("USD", 0, 1_500).await;
    let captured = world.told(CAPTURE, &capture("order-1", None)).await;
    assert_eq!(outcome(&captured), json!(["success", 1_500, "capture", "success", 1_500, "0"]));
    world.assert_moved("USD", 1_500, 0).await;
    world.end().await;
}

// G-131, G-170, G-175, G-176: what is refused leaves the hold as it was
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_second_step_leaves_the_hold_as_it_was() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    let mut stranger = incremental("order-1", 100, "USD");
    stranger["customer"]["id"] = "somebody-else".into();
    let refused = |kind: &str, amount: i64, code: &str| {
        json!(["awaiting capture", 1_370, kind, "decline", amount, code])
    };
    let callback = world.told(INCREMENTAL, &stranger).await;
    assert_eq!(outcome(&callback), refused("incremental", 100, "2124"));
    let in_euros = world.told(INCREMENTAL, &incremental("order-1", 100, "EUR")).await;
    assert_eq!(outcome(&in_euros), refused("incremental", 100, "3119"));
    let in_euros = world.told(CAPTURE, &capture("order-1", Some((1_000, "EUR")))).await;
    assert_eq!(outcome(&in_euros), refused("capture", 1_000, "3119"));
    let more = incremental("order-1", 100, "USD");
    let callback = world.told_with_fault(INCREMENTAL, &more, "decline=05@increment").await;
    insta::assert_snapshot!("incremental_declined_by_the_provider", normalised(&callback));
    assert_eq!(
        pick(&callback, &["payment.status", "payment.sum.amount"]),
        json!(["awaiting capture", 1_370])
    );
    let callback = world.told_with_fault(CAPTURE, &capture("order-1", None), "decline=05@capture").await;
    assert_eq!(
        pick(&callback, &["payment.status", "operation.status"]),
        json!(["awaiting capture", "decline"])
    );
    let callback = world.told_with_fault(CANCEL, &cancel("order-1", None), "decline=05@reversal").await;
    assert_eq!(
        pick(&callback, &["payment.status", "operation.status"]),
        json!(["awaiting capture", "decline"])
    );
    world.assert_moved("USD", 0, 1_370).await;
    world.told(CAPTURE, &again(capture("order-1", None))).await;
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-175, D-14: the acquirer holds nothing any more
#[tokio::test(flavor = "multi_thread")]
async fn a_second_step_whose_hold_is_gone_declines_the_payment() {
    let world = World::new().await;
    for (name, path, plan) in
        [("captured", CAPTURE, "decline=25@capture"), ("cancelled", CANCEL, "decline=25@reversal")]
    {
        world.held(&sale(name, 1_370, "USD")).await;
        let callback = world.told_with_fault(path, &capture(name, None), plan).await;
        let seen = pick(&callback, &["payment.status", "operation.status", "operation.code"]);
        assert_eq!(seen, json!(["decline", "decline", "10706"]), "{name}");
    }
    // Nobody looks after a hold that is gone.
    world.clock.advance(Duration::from_hours(24 * 11));
    world.assert_silence().await;
    world.end().await;
}

// G-172, G-187: one capture; a hold is never refunded, a capture is
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_once_and_refunded_only_after_that() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let early = world.told(REFUND, &refund("order-1", None)).await;
    let seen = pick(&early, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["awaiting capture", "decline", "3060"]));
    world.told(CAPTURE, &capture("order-1", None)).await;
    for (path, body) in [
        (CAPTURE, again(capture("order-1", None))),
        (CANCEL, cancel("order-1", None)),
        (INCREMENTAL, incremental("order-1", 100, "USD")),
    ] {
        let callback = world.told(path, &body).await;
        let seen = pick(&callback, &["payment.status", "payment.sum.amount", "operation.code"]);
        assert_eq!(seen, json!(["success", 1_370, "3060"]), "{path}");
    }
    world.clock.advance(Duration::from_hours(24));
    let part = world.told(REFUND, &refund("order-1", Some((370, "USD")))).await;
    assert_eq!(outcome(&part), json!(["partially refunded", 1_000, "refund", "success", 370, "0"]));
    world.assert_moved("USD", 1_000, 0).await;
    world.end().await;
}

// G-172, G-289: within the day the money of a capture is given back by a reversal
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_returned_the_same_day_is_reversed() {
    let world = World::new().await;
    held_on_mastercard(&world, "order-1", 1_370, "USD").await;
    world.told(CAPTURE, &capture("order-1", Some((1_000, "USD")))).await;
    let whole = world.told(REFUND, &refund("order-1", None)).await;
    assert_eq!(outcome(&whole), json!(["reversed", 0, "reversal", "success", 1_000, "0"]));
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-058, G-205, G-277: what is not held cannot be captured, cancelled or raised
#[tokio::test(flavor = "multi_thread")]
async fn a_second_step_of_anything_but_a_hold_is_declined_with_3060() {
    let world = World::new().await;
    world.paid(&sale("sale", 1_370, "USD")).await;
    world.told(AUTH, &on_card(sale("declined", 1_370, "USD"), CARD_DECLINED)).await;
    for (name, status) in [("sale", "success"), ("declined", "decline")] {
        for (path, body) in [
            (CAPTURE, capture(name, None)),
            (CANCEL, cancel(name, None)),
            (INCREMENTAL, incremental(name, 100, "USD")),
        ] {
            let callback = world.told(path, &body).await;
            let seen = pick(&callback, &["payment.status", "operation.status", "operation.code"]);
            assert_eq!(seen, json!([status, "decline", "3060"]), "{path} of {name}");
        }
    }
    for path in [CAPTURE, CANCEL] {
        let reply = world.send(path, &capture("nobody", None)).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3061")), "{path}");
    }
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}
