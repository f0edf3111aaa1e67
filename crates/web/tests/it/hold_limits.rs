//! How long a hold lasts, who ends it in time, by how much it may be changed, and what becomes of it when answers get
//! lost.

use crate::support::{
    CARD_MASTERCARD, World, cancel, capture, incremental, normalise::normalised, on_card, pick, sale,
};
use ferropay_domain::project::HoldEnd;
use serde_json::{Value, json};
use std::time::Duration;

const AUTH: &str = "/v2/payment/card/auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const CANCEL: &str = "/v2/payment/card/cancel";
const INCREMENTAL: &str = "/v2/payment/card/incremental";
/// The merchant's identifier at the acquirer.
const MERCHANT: &str = "GATETESTMERCHNT";

const MINUTE: Duration = Duration::from_mins(1);

const fn days(number: u64) -> Duration {
    Duration::from_hours(24 * number)
}

fn outcome(callback: &Value) -> Value {
    let names = ["payment.status", "payment.sum.amount", "operation.type", "operation.status"];
    pick(callback, &[&names[..], &["operation.sum_initial.amount", "operation.code"]].concat())
}

/// Half an hour before the end of `limit` days, and not a minute earlier, the platform ends a hold.
async fn ended_by_the_platform(world: &World, limit: u64) -> Value {
    world.clock.advance(Duration::from_mins(limit * 24 * 60 - 31));
    world.assert_silence().await;
    world.clock.advance(MINUTE);
    world.callback().await
}

// G-133, G-169, G-180, G-181: half an hour before the network's limit, by network and category
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_nobody_ends_is_released_half_an_hour_before_the_networks_limit() {
    for (card, category, limit) in [
        ("4000000000000077", None, 10),
        ("4000000000000077", Some(7_011), 30),
        (CARD_MASTERCARD, None, 28),
        (CARD_MASTERCARD, Some(7_011), 28),
    ] {
        let world = World::with(|project| project.settings.category = category).await;
        let mut body = on_card(sale("order-1", 1_370, "USD"), card);
        body["booking_info"] = json!({ "start_date": "01-12-2026", "end_date": "05-12-2026" });
        world.held(&body).await;
        let callback = ended_by_the_platform(&world, limit).await;
        assert_eq!(outcome(&callback), json!(["canceled", 1_370, "cancel", "success", 1_370, "0"]), "{card}");
        world.assert_moved("USD", 0, 0).await;
        world.clock.advance(days(40));
        world.assert_silence().await;
        world.end().await;
    }
}

// G-017, G-117, G-133, G-181:
// captured where the project wishes so; the callback is that of a capture the merchant asked for
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_nobody_ends_is_captured_where_the_project_wishes() {
    let world = World::with(|project| project.settings.hold_end = HoldEnd::Capture).await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let callback = ended_by_the_platform(&world, 10).await;
    insta::assert_snapshot!("automatic_capture_success", normalised(&callback));
    assert_eq!(outcome(&callback), json!(["success", 1_370, "capture", "success", 1_370, "0"]));
    world.assert_moved("USD", 1_370, 0).await;
    world.held(&sale("order-2", 500, "USD")).await;
    let by_hand = world.told(CAPTURE, &capture("order-2", None)).await;
    let members = |body: &Value| -> Vec<String> {
        ["payment", "account", "customer", "operation"]
            .iter()
            .flat_map(|part| {
                body[*part].as_object().unwrap().keys().map(move |name| format!("{part}.{name}"))
            })
            .collect()
    };
    assert_eq!(members(&callback), members(&by_hand));
    world.end().await;
}

// G-182: the merchant's own lag, where it is the shorter one
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_lag_counts_where_it_is_shorter_than_the_limit() {
    let hours =
        |hours: u32| World::with(move |project| project.settings.hold_lag_seconds = Some(hours * 3_600));
    let world = hours(2).await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(119 * MINUTE);
    world.assert_silence().await;
    world.clock.advance(MINUTE);
    assert_eq!(world.callback().await["payment"]["status"], "canceled");
    world.end().await;
    let world = hours(24 * 20).await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let callback = ended_by_the_platform(&world, 10).await;
    assert_eq!(callback["payment"]["status"], "canceled");
    world.end().await;
}

// G-181: a hold that was changed, captured or released by then needs nobody
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_the_merchant_has_ended_is_left_alone() {
    let world = World::new().await;
    world.held(&sale("captured", 1_370, "USD")).await;
    world.told(CAPTURE, &capture("captured", None)).await;
    world.held(&sale("cancelled", 1_370, "USD")).await;
    world.told(CANCEL, &cancel("cancelled", None)).await;
    world.clock.advance(days(31));
    world.assert_silence().await;
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-175, G-181, D-14: in the last half hour what the acquirer refuses is tried again every five minutes
#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_release_that_is_refused_is_tried_again_after_five_minutes() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    world.acquirer.set_faults(MERCHANT, "decline=05*1@reversal").unwrap();
    let callback = ended_by_the_platform(&world, 10).await;
    let seen = pick(&callback, &["payment.status", "operation.type", "operation.status"]);
    assert_eq!(seen, json!(["awaiting capture", "cancel", "decline"]));
    world.clock.advance(4 * MINUTE);
    world.assert_silence().await;
    world.clock.advance(MINUTE);
    let callback = world.callback().await;
    assert_eq!(outcome(&callback), json!(["canceled", 1_370, "cancel", "success", 1_370, "0"]));
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-175, D-14: refused after the limit, the hold is gone and with it the payment
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_cannot_be_released_at_its_limit_declines_the_payment() {
    let world = World::new().await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    world.acquirer.set_faults(MERCHANT, "decline=05*2@reversal").unwrap();
    ended_by_the_platform(&world, 10).await;
    world.clock.advance(30 * MINUTE);
    let callback = world.callback().await;
    let seen = pick(&callback, &["payment.status", "operation.type", "operation.status"]);
    assert_eq!(seen, json!(["decline", "cancel", "decline"]));
    world.clock.advance(days(31));
    world.assert_silence().await;
    world.end().await;
}

// G-184, G-283: at least a US cent has to remain; a yen is less
#[tokio::test(flavor = "multi_thread")]
async fn a_reduction_that_leaves_less_than_a_us_cent_is_declined_with_3117() {
    let world = World::new().await;
    world.held(&on_card(sale("order-1", 1_000, "JPY"), CARD_MASTERCARD)).await;
    let callback = world.told(CANCEL, &cancel("order-1", Some((999, "JPY")))).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 1_000, "cancel", "decline", 999, "3117"]));
    assert_eq!(callback["errors"][0]["code"], 3117);
    let callback = world.told(CAPTURE, &capture("order-1", Some((1, "JPY")))).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 1_000, "capture", "decline", 1, "3117"]));
    let callback = world.told(CANCEL, &cancel("order-1", Some((998, "JPY")))).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 2, "cancel", "success", 998, "0"]));
    world.assert_moved("JPY", 0, 2).await;
    world.end().await;
}

// G-183, G-185, G-186: on Visa 15 % of what was held first, however often it is changed
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_on_visa_changes_by_15_percent_at_most() {
    let world = World::new().await;
    world.held(&sale("order-1", 10_000, "USD")).await;
    let callback = world.told(INCREMENTAL, &incremental("order-1", 1_501, "USD")).await;
    assert_eq!(
        outcome(&callback),
        json!(["awaiting capture", 10_000, "incremental", "decline", 1_501, "3125"])
    );
    let callback = world.told(INCREMENTAL, &incremental("order-1", 1_000, "USD")).await;
    assert_eq!(callback["operation"]["status"], "success");
    let callback = world.told(INCREMENTAL, &incremental("order-1", 501, "USD")).await;
    assert_eq!(callback["operation"]["code"], "3125", "measured by the first amount");
    let callback = world.told(INCREMENTAL, &incremental("order-1", 500, "USD")).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 11_500, "incremental", "success", 500, "0"]));
    let callback = world.told(CANCEL, &cancel("order-1", Some((3_001, "USD")))).await;
    assert_eq!(callback["operation"]["code"], "3125");
    let callback = world.told(CANCEL, &cancel("order-1", Some((3_000, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 8_500, "cancel", "success", 3_000, "0"]));
    let callback = world.told(CAPTURE, &capture("order-1", Some((11_501, "USD")))).await;
    assert_eq!(callback["operation"]["code"], "3125");
    let callback = world.told(CAPTURE, &capture("order-1", Some((11_500, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["success", 11_500, "capture", "success", 11_500, "0"]));
    world.assert_moved("USD", 11_500, 0).await;
    world.end().await;
}

// G-183, G-185: merchants of some categories, and Mastercard always
#[tokio::test(flavor = "multi_thread")]
async fn some_merchants_and_every_mastercard_hold_change_by_any_amount() {
    for (card, category) in [("4000000000000077", Some(5_411)), (CARD_MASTERCARD, None)] {
        let world = World::with(|project| project.settings.category = category).await;
        world.held(&on_card(sale("order-1", 10_000, "USD"), card)).await;
        let callback = world.told(INCREMENTAL, &incremental("order-1", 30_000, "USD")).await;
        assert_eq!(callback["payment"]["sum"]["amount"], 40_000, "{card}");
        let callback = world.told(CANCEL, &cancel("order-1", Some((39_000, "USD")))).await;
        assert_eq!(callback["payment"]["sum"]["amount"], 1_000, "{card}");
        world.assert_moved("USD", 0, 1_000).await;
        world.end().await;
    }
}

// G-166, G-167: no answer to the hold; it is undone before the merchant hears of it
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_whose_answer_is_lost_is_undone_and_declined() {
    let world = World::new().await;
    let callback = world.told_with_fault(AUTH, &sale("order-1", 1_370, "USD"), "drop@authorisation").await;
    let seen = pick(&callback, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["decline", "decline", "10602"]));
    assert_eq!(world.acquirer.book().counters.advices_executed, 1);
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-172, G-173: a capture, a release and a reduction are asked again until they are answered, and done once
#[tokio::test(flavor = "multi_thread")]
async fn a_second_step_whose_answer_is_lost_is_repeated_and_done_once() {
    for (plan, path, amount, status, taken, held) in [
        ("drop*1@capture", CAPTURE, None, "success", 1_370, 0),
        ("drop-before*1@capture", CAPTURE, None, "success", 1_370, 0),
        ("reset*1@capture", CAPTURE, Some((1_370, "USD")), "success", 1_370, 0),
        ("drop*1@reversal", CANCEL, None, "canceled", 0, 0),
        ("drop-before*1@reversal", CANCEL, Some((370, "USD")), "awaiting capture", 0, 1_000),
    ] {
        let world = World::new().await;
        world.held(&on_card(sale("order-1", 1_370, "USD"), CARD_MASTERCARD)).await;
        world.acquirer.set_faults(MERCHANT, plan).unwrap();
        let callback = world.told(path, &capture("order-1", amount)).await;
        let seen = pick(&callback, &["payment.status", "operation.status"]);
        assert_eq!(seen, json!([status, "success"]), "{plan}");
        world.assert_moved("USD", taken, held).await;
        world.assert_silence().await;
        world.end().await;
    }
}

// G-176: an increment whose answer is lost is undone; the hold is as large as before
#[tokio::test(flavor = "multi_thread")]
async fn an_increment_whose_answer_is_lost_is_undone() {
    let world = World::new().await;
    world.held(&on_card(sale("order-1", 1_370, "USD"), CARD_MASTERCARD)).await;
    world.acquirer.set_faults(MERCHANT, "drop*1@increment").unwrap();
    let callback = world.told(INCREMENTAL, &incremental("order-1", 630, "USD")).await;
    assert_eq!(
        outcome(&callback),
        json!(["awaiting capture", 1_370, "incremental", "decline", 630, "10602"])
    );
    world.assert_moved("USD", 0, 1_370).await;
    // The same inside a capture: it fails with the change it needed.
    world.acquirer.set_faults(MERCHANT, "drop*1@increment").unwrap();
    let callback = world.told(CAPTURE, &capture("order-1", Some((2_000, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", 1_370, "capture", "decline", 2_000, "10602"]));
    world.assert_moved("USD", 0, 1_370).await;
    world.end().await;
}
