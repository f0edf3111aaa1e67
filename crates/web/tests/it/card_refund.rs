//! `POST /v2/payment/card/refund`: full and partial returns, reversal or refund, what is left, and every rule that
//! declines.

use crate::support::{CARD_DECLINED, CARD_MASTERCARD, World, pick, refund, sale, status};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const REFUND: &str = "/v2/payment/card/refund";
const STATUS: &str = "/v2/payment/status";

/// A little more than the documented pause between two refunds.
const PAUSE: Duration = Duration::from_secs(121);
/// The next operation day has begun.
const NEXT_DAY: Duration = Duration::from_hours(13);

/// What a refund's callback says of payment and operation.
fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &[
            "payment.status",
            "payment.sum.amount",
            "operation.type",
            "operation.status",
            "operation.sum_initial.amount",
        ],
    )
}

/// What a declined refund's callback says.
fn decline(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.status", "payment.sum.amount", "operation.status", "operation.code", "errors.0.code"],
    )
}

fn mastercard_sale(payment_id: &str, amount: i64) -> Value {
    let mut body = sale(payment_id, amount, "USD");
    body["card"]["pan"] = CARD_MASTERCARD.into();
    body
}

// G-010, G-020, G-058, G-271
#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_refund_is_answered_with_exactly_the_four_documented_members() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let reply = world.send(REFUND, &refund("order-1", None)).await;
    assert_eq!(reply.status, 200);
    let request_id = reply.body["request_id"].clone();
    let expected =
        json!({ "status": "success", "request_id": request_id, "project_id": 1001, "payment_id": "order-1" });
    assert_eq!(reply.body, expected);
    assert_eq!(world.callback().await["operation"]["request_id"], request_id, "G-022");
    world.end().await;
}

// G-134, G-272, G-289, G-294, G-295: the whole amount within the operation day
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_amount_within_the_operation_day_is_reversed() {
    let world = World::new().await;
    for (name, body) in [("visa", sale("visa", 1_370, "USD")), ("mc", mastercard_sale("mc", 1_370))] {
        world.paid(&body).await;
        let callback = world.refunded(&refund(name, None)).await;
        assert_eq!(outcome(&callback), json!(["reversed", 0, "reversal", "success", 1_370]));
        assert_eq!(pick(&callback, &["operation.code", "operation.message"]), json!(["0", "Success"]));
    }
    assert_eq!(world.balance("USD").await, (100_000_000, 0));
    assert_eq!(world.acquirer.book().counters.voids_executed, 2);
    world.end().await;
}

// G-270, G-289, G-294
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_amount_after_the_operation_day_is_refunded() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.set("2026-11-22T00:00:00Z");
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(outcome(&callback), json!(["refunded", 0, "refund", "success", 1_370]));
    assert_eq!(world.acquirer.book().counters.refunds_executed, 1);
    world.end().await;
}

// G-270: the last moment of the day still belongs to it
#[tokio::test(flavor = "multi_thread")]
async fn a_return_in_the_last_second_of_the_operation_day_is_still_a_reversal() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.set("2026-11-21T23:59:59Z");
    assert_eq!(world.refunded(&refund("order-1", None)).await["operation"]["type"], "reversal");
    world.end().await;
}

// G-295, G-296, G-298: 13.70, of which 10.00 and then 3.70 are returned; D-23, G-278
#[tokio::test(flavor = "multi_thread")]
async fn partial_refunds_leave_the_documented_sums_until_nothing_is_left() {
    let world = World::new().await;
    let paid = world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(NEXT_DAY);
    let first = world.refunded(&refund("order-1", Some((1_000, "USD")))).await;
    assert_eq!(outcome(&first), json!(["partially refunded", 370, "refund", "success", 1_000]));
    world.clock.advance(PAUSE);
    let second = world.refunded(&refund("order-1", Some((370, "USD")))).await;
    assert_eq!(outcome(&second), json!(["refunded", 0, "refund", "success", 370]));
    let ids = [&paid, &first, &second].map(|callback| callback["operation"]["id"].as_i64().unwrap());
    assert!(ids[0] < ids[1] && ids[1] < ids[2], "each refund is an operation of its own: {ids:?}");
    let now = world.send(STATUS, &status("order-1")).await.body;
    assert_eq!(pick(&now, &["payment.status", "payment.sum.amount"]), json!(["refunded", 0]));
    let listed: Vec<_> =
        now["operations"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(listed, ids);
    assert_eq!(world.balance("USD").await, (100_000_000, 0));
    world.end().await;
}

// G-272, G-295: without an amount, all that is left
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_without_amount_returns_what_is_left() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(NEXT_DAY);
    world.refunded(&refund("order-1", Some((1_000, "USD")))).await;
    world.clock.advance(PAUSE);
    let rest = world.refunded(&refund("order-1", None)).await;
    assert_eq!(outcome(&rest), json!(["refunded", 0, "refund", "success", 370]));
    world.end().await;
}

// G-289, D-24: within the day, part of a Mastercard is reversed and part of another card refunded
#[tokio::test(flavor = "multi_thread")]
async fn within_the_day_the_network_decides_about_parts() {
    let world = World::new().await;
    world.paid(&mastercard_sale("mc", 1_370)).await;
    world.paid(&sale("visa", 1_370, "USD")).await;
    let part = world.refunded(&refund("mc", Some((1_000, "USD")))).await;
    assert_eq!(outcome(&part), json!(["partially reversed", 370, "reversal", "success", 1_000]));
    let part = world.refunded(&refund("visa", Some((1_000, "USD")))).await;
    assert_eq!(outcome(&part), json!(["partially refunded", 370, "refund", "success", 1_000]));
    world.end().await;
}

// G-298, D-25: only reversals make `reversed`, any refund makes `refunded`; G-278
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_returned_in_parts_is_reversed_only_when_all_parts_were_reversals() {
    let world = World::new().await;
    world.paid(&mastercard_sale("same-day", 1_000)).await;
    world.paid(&mastercard_sale("mixed", 1_000)).await;
    world.refunded(&refund("same-day", Some((600, "USD")))).await;
    world.refunded(&refund("mixed", Some((600, "USD")))).await;
    world.clock.advance(PAUSE);
    let whole = world.refunded(&refund("same-day", None)).await;
    assert_eq!(outcome(&whole), json!(["reversed", 0, "reversal", "success", 400]));
    world.clock.advance(NEXT_DAY);
    let part = world.refunded(&refund("mixed", Some((100, "USD")))).await;
    assert_eq!(outcome(&part), json!(["partially refunded", 300, "refund", "success", 100]));
    world.clock.advance(PAUSE);
    let whole = world.refunded(&refund("mixed", None)).await;
    assert_eq!(outcome(&whole), json!(["refunded", 0, "refund", "success", 300]));
    world.end().await;
}

// G-282
#[tokio::test(flavor = "multi_thread")]
async fn more_than_what_is_left_is_declined_with_3283() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let callback = world.refunded(&refund("order-1", Some((1_371, "USD")))).await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "3283", 3283]));
    world.clock.advance(NEXT_DAY);
    world.refunded(&refund("order-1", Some((1_000, "USD")))).await;
    world.clock.advance(PAUSE);
    let callback = world.refunded(&refund("order-1", Some((371, "USD")))).await;
    assert_eq!(decline(&callback), json!(["partially refunded", 370, "decline", "3283", 3283]));
    world.end().await;
}

// G-279
#[tokio::test(flavor = "multi_thread")]
async fn another_currency_is_declined_with_3284() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let callback = world.refunded(&refund("order-1", Some((100, "EUR")))).await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "3284", 3284]));
    assert_eq!(callback["payment"]["sum"]["currency"], "USD");
    assert_eq!(callback["operation"]["sum_initial"], json!({ "amount": 100, "currency": "EUR" }));
    world.end().await;
}

// G-280
#[tokio::test(flavor = "multi_thread")]
async fn a_second_refund_within_two_minutes_is_declined_with_3285() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(NEXT_DAY);
    world.refunded(&refund("order-1", Some((500, "USD")))).await;
    world.clock.advance(Duration::from_secs(119));
    let callback = world.refunded(&refund("order-1", Some((200, "USD")))).await;
    assert_eq!(decline(&callback), json!(["partially refunded", 870, "decline", "3285", 3285]));
    world.clock.advance(Duration::from_secs(1));
    let callback = world.refunded(&refund("order-1", Some((201, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["partially refunded", 669, "refund", "success", 201]));
    world.end().await;
}

// G-281: also when two minutes have passed
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_while_another_runs_is_declined_with_3285() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(NEXT_DAY);
    let slow = refund("order-1", Some((500, "USD")));
    let reply = world.send_with_fault(REFUND, &slow, "delay=400").await;
    assert_eq!(reply.status, 200);
    world.clock.advance(PAUSE);
    world.accept(REFUND, &refund("order-1", Some((200, "USD")))).await;
    let callback = world.callback().await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "3285", 3285]));
    let callback = world.callback().await;
    assert_eq!(outcome(&callback), json!(["partially refunded", 870, "refund", "success", 500]));
    world.end().await;
}

// G-274
#[tokio::test(flavor = "multi_thread")]
async fn amount_and_currency_come_together_or_not_at_all() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let mut without_currency = refund("order-1", None);
    without_currency["payment"]["amount"] = 100.into();
    let reply = world.send(REFUND, &without_currency).await;
    let expected = json!({ "status": "error", "code": "3287",
        "message": "The property currency is required: payment.currency" });
    assert_eq!((reply.status, reply.body), (400, expected));
    let mut without_amount = refund("order-1", None);
    without_amount["payment"]["currency"] = "USD".into();
    let reply = world.send(REFUND, &without_amount).await;
    let expected = json!({ "status": "error", "code": "3286",
        "message": "The property amount is required: payment.amount" });
    assert_eq!((reply.status, reply.body), (400, expected));
    world.assert_silence().await;
    world.end().await;
}

// G-080, G-272
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_states_its_reason() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    for reason in [None, Some("")] {
        let mut body = refund("order-1", None);
        match reason {
            Some(text) => body["payment"]["description"] = text.into(),
            None => {
                body["payment"].as_object_mut().unwrap().remove("description");
            }
        }
        let reply = world.send(REFUND, &body).await;
        let expected = json!({ "status": "error", "code": "2004",
            "message": "Required field not provided: payment.description" });
        assert_eq!((reply.status, reply.body), (400, expected));
    }
    world.assert_silence().await;
    world.end().await;
}

// G-283: 0.01 USD at the platform's rates must stay
#[tokio::test(flavor = "multi_thread")]
async fn too_small_a_rest_is_declined_with_3117() {
    let world = World::new().await;
    world.paid(&sale("yen", 100, "JPY")).await;
    world.paid(&sale("dollars", 100, "USD")).await;
    world.clock.advance(NEXT_DAY);
    let callback = world.refunded(&refund("yen", Some((99, "JPY")))).await;
    assert_eq!(decline(&callback), json!(["success", 100, "decline", "3117", 3117]));
    let callback = world.refunded(&refund("yen", Some((98, "JPY")))).await;
    assert_eq!(outcome(&callback), json!(["partially refunded", 2, "refund", "success", 98]));
    let callback = world.refunded(&refund("dollars", Some((99, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["partially refunded", 1, "refund", "success", 99]));
    world.end().await;
}

// G-284, G-297: status and sum stay, in the documented place and form; D-475: the balance counts
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_too_small_is_declined_with_3028_and_nothing_changes() {
    let world = World::with(|project| {
        project.settings.test_balance_units = 0;
        project.settings.sale_fee.fixed_minor = 100;
    })
    .await;
    world.paid(&sale("order-1", 6_000, "USD")).await;
    assert_eq!(world.balance("USD").await, (5_900, 0), "the fee is gone");
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(decline(&callback), json!(["success", 6_000, "decline", "3028", 3028]));
    assert_eq!(callback["operation"]["type"], "reversal");
    assert_eq!(callback["operation"]["message"], "Insufficient funds on merchant balance");
    assert_eq!(world.balance("USD").await, (5_900, 0));
    world.clock.advance(PAUSE);
    let callback = world.refunded(&refund("order-1", Some((5_900, "USD")))).await;
    assert_eq!(outcome(&callback), json!(["partially refunded", 100, "refund", "success", 5_900]));
    assert_eq!(world.balance("USD").await, (0, 0));
    world.end().await;
}

// G-284: the cost of the refund itself has to be covered too, and a project may have credit
#[tokio::test(flavor = "multi_thread")]
async fn the_fee_of_a_refund_counts_against_the_balance() {
    let world = World::with(|project| {
        project.settings.test_balance_units = 0;
        project.settings.refund_fee.fixed_minor = 25;
    })
    .await;
    world.paid(&sale("order-1", 1_000, "USD")).await;
    let callback = world.refunded(&refund("order-1", Some((976, "USD")))).await;
    assert_eq!(callback["operation"]["code"], "3028", "976 and 25 are more than 1,000");
    world.clock.advance(PAUSE);
    let callback = world.refunded(&refund("order-1", Some((975, "USD")))).await;
    assert_eq!(callback["operation"]["code"], "0");
    assert_eq!(world.balance("USD").await, (0, 0));
    world.reconfigure(|project| project.settings.credit = [("USD".to_owned(), 50)].into()).await;
    world.clock.advance(PAUSE);
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(outcome(&callback), json!(["refunded", 0, "refund", "success", 25]));
    assert_eq!(world.balance("USD").await, (-50, 0));
    world.end().await;
}

// G-061, G-303
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_refund_identifier_is_echoed_and_taken_once() {
    let world = World::new().await;
    let mut body = refund("order-1", Some((100, "USD")));
    body["payment"]["merchant_refund_id"] = "RMA-77".into();
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.paid(&sale("order-2", 1_370, "USD")).await;
    let callback = world.refunded(&body).await;
    assert_eq!(pick(&callback, &["merchant_refund_id", "operation.code"]), json!(["RMA-77", "0"]));
    body["general"]["payment_id"] = "order-2".into();
    let callback = world.refunded(&body).await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "3230", 3230]));
    assert_eq!(callback["merchant_refund_id"], "RMA-77");
    world.end().await;
}

// G-105, G-134, G-086: the reason beside the purchase's own description, where the project has it
#[tokio::test(flavor = "multi_thread")]
async fn the_reason_is_repeated_and_the_purchases_description_stays() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let callback = world.refunded(&refund("order-1", Some((100, "USD")))).await;
    let seen = pick(&callback, &["operation_description", "payment.description"]);
    assert_eq!(seen, json!(["Pages missing", "Two books"]));
    world.reconfigure(|project| project.settings.operation_description_in_callbacks = false).await;
    world.clock.advance(PAUSE);
    let callback = world.refunded(&refund("order-1", Some((101, "USD")))).await;
    assert_eq!(callback.get("operation_description"), None);
    world.end().await;
}

// G-277, D-22: only what was really paid can be returned
#[tokio::test(flavor = "multi_thread")]
async fn a_declined_or_fully_returned_payment_is_declined_with_3060() {
    let world = World::new().await;
    let mut declined = sale("declined", 1_370, "USD");
    declined["card"]["pan"] = CARD_DECLINED.into();
    world.accept(SALE, &declined).await;
    world.callback().await;
    let callback = world.refunded(&refund("declined", None)).await;
    assert_eq!(decline(&callback), json!(["decline", 1_370, "decline", "3060", 3060]));
    world.paid(&sale("returned", 1_370, "USD")).await;
    world.refunded(&refund("returned", None)).await;
    world.clock.advance(PAUSE);
    let callback = world.refunded(&refund("returned", Some((100, "USD")))).await;
    assert_eq!(decline(&callback), json!(["reversed", 0, "decline", "3060", 3060]));
    world.end().await;
}

// G-058, G-277: a payment still being debited
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_still_processing_is_declined_with_3060() {
    let world = World::new().await;
    let reply = world.send_with_fault(SALE, &sale("order-1", 1_370, "USD"), "delay=400").await;
    assert_eq!(reply.status, 200);
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(pick(&callback, &["payment.status", "operation.code"]), json!(["processing", "3060"]));
    assert_eq!(world.callback().await["payment"]["status"], "success");
    world.end().await;
}

// G-058
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_payment_is_refused_with_3061() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let expected =
        json!({ "status": "error", "code": "3061", "message": "Transaction not found: general.payment_id" });
    let reply = world.send(REFUND, &refund("order-2", None)).await;
    assert_eq!((reply.status, &reply.body), (400, &expected));
    let mut elsewhere = refund("order-1", None);
    elsewhere["general"]["project_id"] = crate::support::OTHER_PROJECT.into();
    let reply = world.send(REFUND, &elsewhere).await;
    assert_eq!((reply.status, &reply.body), (400, &expected), "another merchant's payment is unknown");
    world.assert_silence().await;
    world.end().await;
}

// G-034
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_refunds_declines_with_310_and_an_inactive_merchant_with_3299() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.reconfigure(|project| project.settings.refunds_allowed = false).await;
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "310", 310]));
    world.reconfigure(|project| project.active = false).await;
    let mut again = refund("order-1", None);
    again["payment"]["description"] = "Again".into();
    let callback = world.refunded(&again).await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "3299", 3299]));
    world.end().await;
}

// G-135, G-297: a decline of the provider leaves everything and may be tried again
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_the_provider_declines_changes_nothing() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(NEXT_DAY);
    let reply = world.send_with_fault(REFUND, &refund("order-1", None), "decline=51").await;
    assert_eq!(reply.status, 200);
    let callback = world.callback().await;
    assert_eq!(decline(&callback), json!(["success", 1_370, "decline", "10105", null]));
    assert_eq!(callback["operation"]["message"], "Insufficient funds on card");
    assert_eq!(world.balance("USD").await, (100_000_000 + 1_370, 0), "nothing is held any more");
    world.clock.advance(PAUSE);
    let mut again = refund("order-1", None);
    again["payment"]["description"] = "Again".into();
    assert_eq!(outcome(&world.refunded(&again).await), json!(["refunded", 0, "refund", "success", 1_370]));
    world.end().await;
}

// G-287: no time limit
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_can_be_refunded_years_later() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.set("2031-11-21T12:00:00Z");
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(outcome(&callback), json!(["refunded", 0, "refund", "success", 1_370]));
    world.end().await;
}

// G-055
#[tokio::test(flavor = "multi_thread")]
async fn a_byte_equal_refund_is_done_once() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.advance(NEXT_DAY);
    let body = refund("order-1", Some((100, "USD")));
    let first = world.accept(REFUND, &body).await;
    world.callback().await;
    world.clock.advance(PAUSE);
    assert_eq!(world.accept(REFUND, &body).await, first);
    world.assert_silence().await;
    assert_eq!(world.balance("USD").await, (100_000_000 + 1_270, 0));
    world.end().await;
}

// D-498: every test card that succeeds can be refunded under the normal rules
#[tokio::test(flavor = "multi_thread")]
async fn successful_test_purchases_can_be_returned_in_part_and_as_a_whole() {
    let world = World::new().await;
    for card in ["4000000000000077", "4000000000000119", "4477000000000006", "5126160000356675"] {
        let mut body = sale(card, 1_000, "EUR");
        body["general"]["payment_id"] = format!("order-{}", &card[12..]).into();
        body["card"]["pan"] = card.into();
        world.paid(&body).await;
        let payment_id = body["general"]["payment_id"].as_str().unwrap();
        let part = world.refunded(&refund(payment_id, Some((400, "EUR")))).await;
        assert_eq!(pick(&part, &["operation.code", "payment.sum.amount"]), json!(["0", 600]), "{card}");
        world.clock.advance(PAUSE);
        let rest = world.refunded(&refund(payment_id, None)).await;
        assert_eq!(pick(&rest, &["operation.code", "payment.sum.amount"]), json!(["0", 0]), "{card}");
    }
    world.end().await;
}
