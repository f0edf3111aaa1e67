//! First replies: how soon they leave, and of what requests may say they are.

use crate::support::{SECRET, World, place, sale, sign_at};
use axum::{body::Body, http::Request};
use std::time::{Duration, Instant};

const SALE: &str = "/v2/payment/card/sale";

// G-012: measured from the request to its reply, with everything made durable; half of fifty may take longer
#[tokio::test(flavor = "multi_thread")]
async fn the_first_reply_leaves_within_a_tenth_of_a_second() {
    let world = World::new().await;
    let mut took = Vec::new();
    for number in 0..50 {
        let body = sale(&format!("order-{number}"), 1_000, "EUR");
        let started = Instant::now();
        let reply = world.send(SALE, &body).await;
        took.push(started.elapsed());
        assert_eq!(reply.status, 200, "{}", reply.text);
        world.callback().await;
    }
    took.sort_unstable();
    let median = took[took.len() / 2];
    assert!(median < Duration::from_millis(100), "{took:?}");
    world.end().await;
}

// G-003, G-009: a body is read as JSON whatever it is announced as, and replies are announced as JSON
#[tokio::test(flavor = "multi_thread")]
async fn what_a_body_is_announced_as_makes_no_difference() {
    let world = World::new().await;
    let announced = [
        None,
        Some("application/json"),
        Some("application/json; charset=UTF-8"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ];
    for (number, kind) in announced.into_iter().enumerate() {
        let body = sign_at(place(SALE), &sale(&format!("order-{number}"), 1_000, "EUR"), SECRET);
        let mut request = Request::post(SALE);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let reply = world.request(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(reply.status, 200, "{kind:?}: {}", reply.text);
        assert_eq!(reply.headers["content-type"], "application/json; charset=UTF-8");
        world.callback().await;
    }
    world.end().await;
}
