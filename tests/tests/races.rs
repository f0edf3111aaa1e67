//! Different requests about the same payment at the same time: whichever comes first, money moves once, every accepted
//! request is told what came of it, and platform and acquirer agree.
#![cfg(test)]

use ferropay_tests::{Answer, World, cards, seconds};
use serde_json::{Value, json};
use std::sync::Arc;

const AUTH: &str = "/v2/payment/card/auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const CANCEL: &str = "/v2/payment/card/cancel";
const INCREMENTAL: &str = "/v2/payment/card/incremental";
const REFUND: &str = "/v2/payment/card/refund";

/// Posts all bodies to their paths at the same time.
async fn at_once(world: &World, requests: Vec<(&'static str, String)>) -> Vec<(&'static str, Answer)> {
    let barrier = Arc::new(tokio::sync::Barrier::new(requests.len()));
    let mut running = Vec::new();
    for (path, body) in requests {
        let (merchant, url) = (world.platform.merchant.clone(), format!("{}{path}", world.platform.base()));
        let barrier = barrier.clone();
        running.push(tokio::spawn(async move {
            barrier.wait().await;
            (path, merchant.try_post(&url, &body, None).await.unwrap())
        }));
    }
    let mut answers = Vec::new();
    for task in running {
        answers.push(task.await.unwrap());
    }
    answers
}

/// A request about a payment, with an amount in EUR when given; `number` makes it a request of its own.
fn about(world: &World, payment: &str, minor: Option<i64>, number: i64) -> String {
    let mut body = world.platform.merchant.status(payment);
    body["customer"] = json!({ "id": "customer-7", "ip_address": "203.0.113.7" });
    body["note"] = number.into();
    if let Some(minor) = minor {
        body["payment"] = json!({ "amount": minor, "currency": "EUR" });
    }
    world.platform.merchant.signed(body)
}

async fn held(world: &World, payment: &str, minor: i64) {
    let merchant = &world.platform.merchant;
    let body = merchant.signed(merchant.sale(payment, cards::APPROVED, minor));
    let request = world.platform.post_raw(AUTH, &body, None).await.request_id();
    let callback = world.receiver.final_of(&request, seconds(30)).await;
    assert_eq!(callback.json["payment"]["status"], "awaiting capture", "{}", callback.text);
}

/// The operations of a payment that succeeded: type and amount.
async fn succeeded(world: &World, payment: &str) -> Vec<(String, i64)> {
    let status = world.platform.status(payment).await;
    let operations = status.json["operations"].as_array().unwrap().iter();
    let done = operations.filter(|row| row["status"] == "success");
    let seen = |row: &Value| {
        (row["type"].as_str().unwrap().to_owned(), row["sum_initial"]["amount"].as_i64().unwrap())
    };
    done.map(seen).collect()
}

/// Each request that was accepted is told what came of it; the others got a documented error.
async fn assert_told(world: &World, answers: &[(&'static str, Answer)]) {
    for (path, answer) in answers {
        if answer.status == 200 {
            let callback = world.receiver.final_of(&answer.request_id(), seconds(60)).await;
            assert!(["success", "decline"].contains(&callback.operation().1), "{path}: {}", callback.text);
        } else {
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
            assert!(matches!(answer.code(), Some(3060 | 3061 | 3117)), "{path}: {}", answer.text);
        }
    }
}

// G-172, G-173, G-174, G-176
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_everything_is_asked_of_at_once_ends_once() {
    let world = World::start(&[]).await;
    let mut net = 0;
    for round in 0..8 {
        let payment = format!("hold-{round}");
        held(&world, &payment, 1_000).await;
        let mut requests: Vec<(&'static str, String)> = Vec::new();
        for number in 0..4 {
            requests.push((CAPTURE, about(&world, &payment, None, number)));
            requests.push((CAPTURE, about(&world, &payment, Some(400 + number), number)));
            requests.push((CANCEL, about(&world, &payment, None, number)));
            requests.push((CANCEL, about(&world, &payment, Some(100 + number), number)));
            requests.push((INCREMENTAL, about(&world, &payment, Some(200 + number), number)));
        }
        // Not always the same first.
        let count = requests.len();
        requests.rotate_left(round * 3 % count);
        let answers = at_once(&world, requests).await;
        assert_told(&world, &answers).await;
        world.quiet_but_for_the_calendar(seconds(30)).await;

        let done = succeeded(&world, &payment).await;
        let captures: Vec<i64> =
            done.iter().filter(|(kind, _)| kind == "capture").map(|(_, it)| *it).collect();
        assert!(captures.len() <= 1, "taken twice: {done:?}");
        let taken = captures.first().copied().unwrap_or(0);
        let mut hold = 0;
        for (kind, minor) in &done {
            match kind.as_str() {
                "auth" | "incremental" => hold += minor,
                "cancel" => hold -= minor,
                _ => {}
            }
        }
        let status = world.platform.status(&payment).await.json["payment"]["status"].clone();
        match status.as_str().unwrap() {
            "success" => assert!(taken > 0 && taken <= hold, "{taken} of {hold}: {done:?}"),
            "canceled" => assert_eq!((taken, hold), (0, 0), "{done:?}"),
            "awaiting capture" => assert!(taken == 0 && hold > 0, "{done:?}"),
            other => panic!("{other}: {done:?}"),
        }
        net += taken;
        assert_eq!(world.net_at_acquirer().get(&978).copied().unwrap_or(0), net, "{done:?}");
    }
    world.assert_agreed();
}

// G-281: a capture and refunds, and two ways to say refund
#[tokio::test(flavor = "multi_thread")]
async fn what_is_captured_is_returned_at_most_once_however_many_ask() {
    let world = World::start(&[]).await;
    let mut net = 0;
    for round in 0..6 {
        let payment = format!("refund-{round}");
        held(&world, &payment, 1_000).await;
        let refund = |minor: Option<i64>, number: i64| {
            let mut body = world.platform.merchant.refund(&payment, minor);
            body["note"] = number.into();
            world.platform.merchant.signed(body)
        };
        // Refunds that overtake the capture find nothing to return.
        let mut requests = vec![(CAPTURE, about(&world, &payment, None, 0))];
        for number in 0..6 {
            requests.push((REFUND, refund(None, number)));
            requests.push(("/v2/payment/refund", refund(Some(600), number)));
        }
        requests.rotate_left(round);
        let answers = at_once(&world, requests).await;
        for (path, answer) in &answers {
            assert!(answer.status == 200 || answer.status == 400, "{path}: {}", answer.text);
            if answer.status == 200 {
                world.receiver.final_of(&answer.request_id(), seconds(60)).await;
            }
        }
        world.quiet_but_for_the_calendar(seconds(30)).await;
        let done = succeeded(&world, &payment).await;
        let of = |kinds: &[&str]| {
            done.iter().filter(|(kind, _)| kinds.contains(&kind.as_str())).map(|(_, it)| *it).sum::<i64>()
        };
        let (taken, returned) = (of(&["capture"]), of(&["refund", "reversal"]));
        assert_eq!(taken, 1_000, "{done:?}");
        assert!(returned <= taken, "{done:?}");
        net += taken - returned;
        assert_eq!(world.net_at_acquirer().get(&978).copied().unwrap_or(0), net, "{done:?}");
        let left = world.platform.status(&payment).await.json["payment"]["sum"]["amount"].clone();
        assert_eq!(left, taken - returned, "{done:?}");
    }
    world.assert_sound();
}
