//! Debits that a series makes by itself: by its schedule, again after a decline, and to its end.

use crate::{
    series::{CANCEL, DAY, DEBIT, UPDATE, about, debit},
    support::{PROJECT, World, pick, refund},
};
use ferropay_domain::{
    ids::SeriesId,
    project::{DebitRetries, MissedDebits},
};
use serde_json::{Value, json};
use std::time::Duration;

const STOP: &str = "/v2/recurring/retry_stop";

/// A series of 1.00 EUR by this schedule, beginning on the day after the tests begin.
fn scheduled(period: &str, more: &Value) -> Value {
    let mut terms = json!({
        "type": "R", "period": period, "time": "10:00:00", "start_date": "22-11-2026", "amount": 100,
        "scheduled_payment_id": "rent",
    });
    for (key, value) in more.as_object().unwrap() {
        terms[key] = value.clone();
    }
    terms
}

fn outcome(callback: &Value) -> Value {
    let members = ["payment.id", "payment.type", "payment.status", "payment.sum.amount", "operation.status"];
    pick(callback, &members)
}

fn between(sum: i64) -> Value {
    json!(["rent", "recurring", "scheduled recurring processing", sum, "success"])
}

impl World {
    /// The clock comes to a moment; the callback of what happens then.
    async fn at(&self, moment: &str) -> Value {
        self.clock.set(moment);
        self.callback().await
    }
}

// G-350, G-356, G-379, G-381, G-382, G-383, G-140, M-028, M-030, P-169, P-171, P-173, R-213, R-215, R-216, U-280
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_brings_its_debits_one_by_one_and_then_the_payment_is_done() {
    let world = World::new().await;
    let terms =
        json!({ "start_date": "30-11-2026", "expiry_year": 2027, "expiry_month": 3, "expiry_day": 30 });
    let series = world.registered("order-1", scheduled("M", &terms)).await;
    let info = world.info(series).await;
    assert_eq!(info["recurring"]["schedule_date"], json!({ "next": "2026-11-30 10:00:00" }));
    assert_eq!(world.now("rent").await["payment"]["status"], "error", "nothing was debited yet");
    let mut operations = Vec::new();
    for (number, day) in
        ["2026-11-30", "2026-12-30", "2027-01-30", "2027-02-28", "2027-03-30"].iter().enumerate()
    {
        world.clock.set(&format!("{day}T09:59:00Z"));
        world.assert_silence().await;
        let callback = world.at(&format!("{day}T10:00:00Z")).await;
        let sum = 100 * (i64::try_from(number).unwrap() + 1);
        let expected =
            if number < 4 { between(sum) } else { json!(["rent", "recurring", "success", sum, "success"]) };
        assert_eq!(outcome(&callback), expected, "{day}");
        assert_eq!(pick(&callback, &["operation.sum_initial.amount", "recurring.id"]), json!([100, series]));
        assert_eq!(callback["operation"]["created_date"], format!("{day}T10:00:00+0000"));
        operations.push(callback["operation"]["id"].as_i64().unwrap());
    }
    operations.dedup();
    assert_eq!(operations.len(), 5, "each debit is an operation");
    let now = world.now("rent").await;
    assert_eq!(now["operations"].as_array().unwrap().len(), 5);
    let info = world.info(series).await;
    assert_eq!(info["recurring"]["schedule_date"], json!({ "last": "2027-03-30 10:00:00" }));
    let expired = world.at("2027-03-31T00:00:05Z").await;
    assert_eq!(expired["recurring"]["status"], "expired");
    assert_eq!(world.now("rent").await["payment"]["status"], "success");
    world.assert_moved("EUR", 1_500, 0).await;
    world.end().await;
}

// G-380, R-214, M-029, G-384
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_first_debit_starts_a_schedule_that_has_no_payment_yet() {
    let world = World::new().await;
    let terms = json!({ "type": "R", "period": "W", "amount": 300 });
    let series = world.registered("order-1", terms).await;
    world.clock.advance(5 * DAY);
    world.assert_silence().await;
    let first = world.told(DEBIT, &debit("gym", series)).await;
    let expected = json!(["gym", "recurring", "scheduled recurring processing", 400, "success"]);
    assert_eq!(outcome(&first), expected);
    world.reconfigure(|project| project.settings.fault_plan = Some("decline=51".to_owned())).await;
    let second = world.at("2026-12-03T12:00:00Z").await;
    let expected = json!(["gym", "recurring", "scheduled recurring processing", 400, "decline"]);
    assert_eq!(outcome(&second), expected, "a decline does not end the series");
    world.reconfigure(|project| project.settings.fault_plan = None).await;
    let third = world.at("2026-12-10T12:00:00Z").await;
    assert_eq!(pick(&third, &["payment.sum.amount", "operation.sum_initial.amount"]), json!([700, 300]));
    // Other debits on demand are payments of their own.
    let beside = world.told(DEBIT, &debit("extra", series)).await;
    assert_eq!(outcome(&beside), json!(["extra", "recurring", "success", 400, "success"]));
    world.end().await;
}

// DESIGN: slots missed in an outage run by a project rule
#[tokio::test(flavor = "multi_thread")]
async fn moments_that_were_missed_are_debited_once_or_each_as_the_project_wishes() {
    let world = World::new().await;
    let series = world.registered("order-1", scheduled("D", &json!({}))).await;
    assert_eq!(outcome(&world.at("2026-11-26T11:00:00Z").await), between(100), "five moments, one debit");
    assert_eq!(world.info(series).await["recurring"]["schedule_date"]["last"], "2026-11-26 10:00:00");
    world.assert_silence().await;
    world.reconfigure(|project| project.settings.missed_debits = MissedDebits::Each).await;
    world.clock.set("2026-11-29T11:00:00Z");
    for sum in [200, 300, 400] {
        assert_eq!(outcome(&world.callback().await), between(sum));
    }
    world.assert_silence().await;
    world.end().await;
}

// G-134, G-277, G-391, G-300, G-291, M-021, M-032, R-208, R-218, P-174, U-281
#[tokio::test(flavor = "multi_thread")]
async fn a_running_schedule_is_returned_changed_and_cancelled() {
    let world = World::new().await;
    let series = world.registered("order-1", scheduled("D", &json!({}))).await;
    assert_eq!(outcome(&world.at("2026-11-22T10:00:00Z").await), between(100));
    let back = world.refunded(&refund("rent", None)).await;
    let expected = json!(["rent", "recurring", "scheduled recurring processing", 0, "success"]);
    assert_eq!(outcome(&back), expected, "the series goes on");
    assert_eq!(back["operation"]["type"], "refund", "never a reversal");
    assert_eq!(outcome(&world.at("2026-11-23T10:00:00Z").await), between(100));
    let moved = world.told(UPDATE, &about("u-1", series, json!({ "time": "18:00:00", "amount": 500 }))).await;
    assert_eq!(moved["recurring"]["time"], "18:00:00");
    let next = world.info(series).await["recurring"]["schedule_date"]["next"].clone();
    assert_eq!(next, "2026-11-23 18:00:00", "the new time is still to come today");
    assert_eq!(outcome(&world.at("2026-11-23T18:00:00Z").await), between(600));
    let over = world.told(CANCEL, &about("c-1", series, json!({}))).await;
    assert_eq!(over["recurring"]["status"], "canceled");
    let now = world.now("rent").await;
    assert_eq!(pick(&now, &["payment.status", "payment.sum.amount"]), json!(["partially refunded", 600]));
    world.clock.advance(30 * DAY);
    world.assert_silence().await;
    world.end().await;
}

// M-032, P-172: a schedule that never debited anything
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_without_any_debit_ends_declined() {
    let world = World::with(|project| project.settings.fault_plan = None).await;
    let series = world.registered("order-1", scheduled("D", &json!({}))).await;
    world.reconfigure(|project| project.settings.fault_plan = Some("decline=51".to_owned())).await;
    let first = world.at("2026-11-22T10:00:00Z").await;
    let expected = json!(["rent", "recurring", "scheduled recurring processing", 100, "decline"]);
    assert_eq!(outcome(&first), expected);
    world.told(CANCEL, &about("c-1", series, json!({}))).await;
    assert_eq!(world.now("rent").await["payment"]["status"], "decline");
    world.end().await;
}

fn retry(callback: &Value) -> Value {
    let members = ["next_retry_exists", "next_retry_date", "retry_count"];
    pick(&callback["recurring_retry"], &members)
}

// G-107, G-017, G-117, G-387, G-396, G-397, G-398, G-401, G-402, G-405, T-092, R-217, R-219, R-221, R-222, R-223
#[tokio::test(flavor = "multi_thread")]
async fn a_declined_debit_is_tried_again_until_it_succeeds() {
    let world = World::with(|project| project.settings.debit_retries_allowed = true).await;
    let series = world.registered("order-1", scheduled("M", &json!({}))).await;
    world.reconfigure(|project| project.settings.fault_plan = Some("decline=51".to_owned())).await;
    let first = world.at("2026-11-22T10:00:00Z").await;
    assert_eq!(first["payment"]["status"], "scheduled recurring processing");
    assert_eq!(retry(&first), json!([true, "2026-11-22T22:00:00+0000", null]));
    let trigger = first["operation"]["id"].clone();
    let info = world.info(series).await["retry_info"].clone();
    let expected = json!({
        "trigger_operation_id": trigger, "next_retry_exists": true, "next_retry_date": "2026-11-22 22:00:00",
    });
    assert_eq!(info, expected);
    let second = world.at("2026-11-22T22:00:00Z").await;
    assert_eq!(retry(&second), json!([true, "2026-11-23T10:00:00+0000", 1]));
    assert_eq!(second["recurring_retry"]["trigger_operation_id"], trigger);
    assert_ne!(second["operation"]["id"], trigger, "each try is an operation of its own");
    let third = world.at("2026-11-23T10:00:00Z").await;
    assert_eq!(retry(&third), json!([true, "2026-11-24T10:00:00+0000", 2]));
    world.reconfigure(|project| project.settings.fault_plan = None).await;
    let fourth = world.at("2026-11-24T10:00:00Z").await;
    assert_eq!(outcome(&fourth), between(100));
    assert_eq!(retry(&fourth), json!([false, null, 3]));
    world.clock.set("2026-12-22T09:00:00Z");
    world.assert_silence().await;
    let next = world.at("2026-12-22T10:00:00Z").await;
    assert_eq!((outcome(&next), retry(&next)), (between(200), json!([false, null, null])));
    world.end().await;
}

// G-397, G-398, G-399, G-400, R-220, R-224
#[tokio::test(flavor = "multi_thread")]
async fn tries_end_with_the_plan_or_before_the_next_debit() {
    let world = World::with(|project| project.settings.debit_retries_allowed = true).await;
    world.registered("order-1", scheduled("W", &json!({}))).await;
    world
        .reconfigure(|project| {
            project.settings.fault_plan = Some("decline=51".to_owned());
            project.settings.debit_retries = Some(DebitRetries { days: vec![2, 6, 8], active: true });
        })
        .await;
    assert_eq!(
        retry(&world.at("2026-11-22T10:00:00Z").await),
        json!([true, "2026-11-24T10:00:00+0000", null])
    );
    assert_eq!(retry(&world.at("2026-11-24T10:00:00Z").await), json!([true, "2026-11-28T10:00:00+0000", 1]));
    // The eighth day is beyond the next debit.
    assert_eq!(retry(&world.at("2026-11-28T10:00:00Z").await), json!([false, null, 2]));
    let next = world.at("2026-11-29T10:00:00Z").await;
    assert_eq!(next["payment"]["status"], "scheduled recurring processing");
    assert_eq!(retry(&next), json!([true, "2026-12-01T10:00:00+0000", null]));
    world.end().await;
}

// G-011, G-403, R-225
#[tokio::test(flavor = "multi_thread")]
async fn the_merchant_stops_the_tries_of_a_debit() {
    let world = World::with(|project| project.settings.debit_retries_allowed = true).await;
    let series = world.registered("order-1", scheduled("M", &json!({}))).await;
    world.reconfigure(|project| project.settings.fault_plan = Some("decline=51".to_owned())).await;
    let first = world.at("2026-11-22T10:00:00Z").await;
    let trigger = first["operation"]["id"].as_i64().unwrap();
    let stop = |series: i64, trigger: i64| {
        json!({
            "general": { "project_id": PROJECT }, "recurring": { "id": series }, "trigger_operation_id": trigger,
        })
    };
    assert_eq!(world.send(STOP, &stop(series, trigger + 1)).await.body["code"], "3186");
    assert_eq!(world.send(STOP, &stop(1, trigger)).await.body["code"], "3181");
    let reply = world.send(STOP, &stop(series, trigger)).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    world.clock.set("2026-12-22T09:00:00Z");
    world.assert_silence().await;
    assert_eq!(world.at("2026-12-22T10:00:00Z").await["operation"]["status"], "decline");
    world.end().await;
}

// G-385, G-376, R-209
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_cancels_at_the_issuer_is_not_debited_any_more() {
    let world = World::with(|project| project.settings.debit_retries_allowed = true).await;
    let series = world.registered("order-1", scheduled("D", &json!({}))).await;
    assert_eq!(outcome(&world.at("2026-11-22T10:00:00Z").await), between(100));
    world.reconfigure(|project| project.settings.fault_plan = Some("decline=R1".to_owned())).await;
    let refused = world.at("2026-11-23T10:00:00Z").await;
    assert_eq!(pick(&refused, &["operation.code", "payment.status"]), json!(["10110", "success"]));
    assert_eq!(world.info(series).await["recurring"]["status"], "canceled");
    let kept = world.store.series_known(SeriesId::new(series)).await.unwrap().unwrap().detail;
    assert!(kept.card.is_none() && kept.scheme_id.is_empty(), "its credentials are deleted: {kept:?}");
    let body = world.told(DEBIT, &debit("d-1", series)).await;
    assert_eq!(body["errors"][0]["code"], 10_110);
    // What was debited is returned all the same.
    world.reconfigure(|project| project.settings.fault_plan = None).await;
    let returned = world.refunded(&refund("rent", Some((100, "EUR")))).await;
    assert_eq!(returned["operation"]["status"], "success", "{returned}");
    world.clock.advance(Duration::from_hours(240));
    world.assert_silence().await;
    world.end().await;
}

// G-059, G-294, G-295, G-386, D-06, M-022: a return names one of the debits, else it is taken from the newest that has enough
#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_taken_from_one_of_the_debits() {
    let world = World::new().await;
    let series = world.registered("order-1", scheduled("D", &json!({}))).await;
    let first = world.at("2026-11-22T10:00:00Z").await;
    assert_eq!(outcome(&first), between(100));
    assert_eq!(outcome(&world.at("2026-11-23T10:00:00Z").await), between(200));
    let mut number = 0;
    let mut returned = async |amount: Option<i64>, debit: Option<&Value>| {
        world.clock.advance(Duration::from_mins(3));
        number += 1;
        let mut body = refund("rent", amount.map(|minor| (minor, "EUR")));
        body["payment"]["description"] = format!("refund {number}").into();
        if let Some(debit) = debit {
            body["general"]["operation_id"] = debit["operation"]["id"].clone();
        }
        let callback = world.refunded(&body).await;
        pick(&callback, &["operation.type", "operation.status", "operation.code", "payment.sum.amount"])
    };
    assert_eq!(
        returned(Some(150), None).await,
        json!(["refund", "decline", "3283", 200]),
        "of no single debit"
    );
    assert_eq!(returned(Some(60), None).await, json!(["refund", "success", "0", 140]));
    assert_eq!(returned(Some(60), None).await, json!(["refund", "success", "0", 80]), "from the one before");
    assert_eq!(returned(Some(60), Some(&first)).await, json!(["refund", "decline", "3283", 80]));
    assert_eq!(returned(Some(40), Some(&first)).await, json!(["refund", "success", "0", 40]));
    assert_eq!(
        returned(None, None).await,
        json!(["refund", "success", "0", 0]),
        "what is left of the newest"
    );
    world.told(CANCEL, &about("c-1", series, json!({}))).await;
    assert_eq!(world.now("rent").await["payment"]["status"], "refunded");
    world.assert_moved("EUR", 1_000, 0).await;
    world.end().await;
}

// G-389, G-391, M-030, R-216: what has its final status is not begun anew
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_brought_its_last_debit_is_not_extended() {
    let world = World::new().await;
    let terms = json!({ "expiry_year": 2026, "expiry_month": 12, "expiry_day": 20 });
    let series = world.registered("order-1", scheduled("M", &terms)).await;
    let last = world.at("2026-11-22T10:00:00Z").await;
    assert_eq!(outcome(&last), json!(["rent", "recurring", "success", 100, "success"]));
    let change = |changes| about("change", series, changes);
    for (changes, field) in [
        (json!({ "expiry_year": 2027, "expiry_month": 6, "expiry_day": 1 }), "recurring.expiry_year"),
        (json!({ "period": "D" }), "recurring.id"),
        (json!({ "amount": 300 }), "recurring.id"),
    ] {
        let refused = world.told(UPDATE, &change(changes)).await;
        let members = ["payment.status", "errors.0.code", "errors.0.field"];
        assert_eq!(pick(&refused, &members), json!(["error", 3060, field]));
    }
    let shorter = json!({ "expiry_year": 2026, "expiry_month": 12, "expiry_day": 10 });
    assert_eq!(world.told(UPDATE, &change(shorter)).await["recurring"]["status"], "active");
    assert_eq!(
        world.told(DEBIT, &debit("now", series)).await["operation"]["code"],
        "0",
        "on demand it may be debited"
    );
    world.clock.set("2026-12-11T00:00:00Z");
    assert_eq!(world.callback().await["recurring"]["status"], "expired");
    world.assert_silence().await;
    world.end().await;
}

// G-286, G-294: what holds for the refunds of a purchase holds for those of each debit
#[tokio::test(flavor = "multi_thread")]
async fn each_debit_of_a_schedule_is_refunded_for_some_days_and_once() {
    let world = World::with(|project| {
        project.settings.single_refund = true;
        project.settings.refund_days = [("card".to_owned(), 1)].into();
    })
    .await;
    world.registered("order-1", scheduled("D", &json!({}))).await;
    let debits = [
        world.at("2026-11-22T10:00:00Z").await,
        world.at("2026-11-23T10:00:00Z").await,
        world.at("2026-11-24T10:00:00Z").await,
    ];
    let returned = async |amount: i64, debit: &Value| {
        world.clock.advance(Duration::from_mins(3));
        let mut body = refund("rent", Some((amount, "EUR")));
        body["general"]["operation_id"] = debit["operation"]["id"].clone();
        pick(&world.refunded(&body).await, &["operation.status", "operation.code"])
    };
    let [first, second, third] = &debits;
    assert_eq!(returned(50, first).await, json!(["decline", "3610"]), "two days old");
    assert_eq!(returned(60, second).await, json!(["success", "0"]));
    assert_eq!(
        returned(70, third).await,
        json!(["success", "0"]),
        "another debit was returned, not this one"
    );
    assert_eq!(returned(20, second).await, json!(["decline", "3610"]));
    assert_eq!(returned(30, third).await, json!(["decline", "3610"]));
    world.end().await;
}
