//! Names of payments and requests: what is the same request, what is taken, and what may be sent again.

use crate::{
    links::{CREATE, link},
    support::{OTHER_PROJECT, World, payout, pick, provider::purchase, sale, verification},
};
use serde_json::json;
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";

// G-054
#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_the_same_request_may_be_sent_again_and_makes_the_payment() {
    let world = World::with(|project| project.settings.card_sales_allowed = false).await;
    let body = sale("order-1", 100, "EUR");
    let first = world.accept(SALE, &body).await;
    assert_eq!(world.callback().await["payment"]["status"], "error");
    world.reconfigure(|project| project.settings.card_sales_allowed = true).await;
    let second = world.accept(SALE, &body).await;
    assert_ne!(first, second, "it is a new request");
    let callback = world.callback().await;
    let seen = pick(&callback, &["payment.status", "payment.id", "operation.request_id"]);
    assert_eq!(seen, json!(["success", "order-1", second]));
    world.end().await;
}

// G-014, G-054, G-341: whatever kind of payment it was to be
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_payment_can_be_asked_for_again_after_an_error() {
    let (world, _provider) = World::with_provider(|project| {
        project.active = false;
        project.settings.account_verification_allowed = true;
        project.settings.payout_data_required = false;
    })
    .await;
    for (path, body, status) in [
        ("/v2/payment/card/auth", sale("hold", 100, "EUR"), "awaiting capture"),
        ("/v2/payment/card/account_verification", verification("check"), "success"),
        ("/v2/payment/card/payout", payout("payout", "4242424242424242", 100), "success"),
        ("/v2/payment/wallet/alipay/sale", purchase("wallet", 100, "EUR"), "awaiting redirect result"),
        (CREATE, link("link"), "awaiting payment"),
    ] {
        let first = world.accept(path, &body).await;
        let told = world.callback().await;
        let seen = pick(&told, &["payment.status", "errors.0.code", "operation"]);
        assert_eq!(seen, json!(["error", 3299, null]), "{path}: {told}");
        world.reconfigure(|project| project.active = true).await;
        assert_ne!(world.accept(path, &body).await, first, "{path}: it is a new request");
        let told = world.callback().await;
        assert_eq!(told["payment"]["status"], status, "{path}: {told}");
        world.reconfigure(|project| project.active = false).await;
    }
    world.end().await;
}

// G-055, D-51: byte-equal within a day
#[tokio::test(flavor = "multi_thread")]
async fn a_byte_equal_resend_gets_the_first_request_id_and_does_nothing() {
    let world = World::new().await;
    let body = sale("order-1", 100, "EUR");
    let first = world.accept(SALE, &body).await;
    world.callback().await;
    assert_eq!(world.accept(SALE, &body).await, first);
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(world.accept(SALE, &body).await, first);
    world.assert_silence().await;
    assert_eq!(world.balance("EUR").await, (100_000_100, 0), "one debit");
    world.end().await;
}

// G-055
#[tokio::test(flavor = "multi_thread")]
async fn many_equal_requests_at_once_are_one_request() {
    let world = World::new().await;
    let body = sale("order-1", 100, "EUR");
    let sent = (0..12).map(|_| world.send(SALE, &body));
    let replies = join_all(sent).await;
    let first = &replies[0].body["request_id"];
    assert!(replies.iter().all(|reply| reply.status == 200 && &reply.body["request_id"] == first));
    world.callback().await;
    world.assert_silence().await;
    assert_eq!(world.balance("EUR").await, (100_000_100, 0), "one debit");
    world.end().await;
}

/// Runs futures side by side.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

// G-052, G-053, G-056: names compare without regard to case
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_identifier_is_taken_for_good_whatever_its_case() {
    let world = World::new().await;
    world.paid(&sale("Straße-1", 100, "EUR")).await;
    for taken in ["Straße-1", "STRASSE-1", "straße-1"] {
        let reply = world.send(SALE, &sale(taken, 200, "EUR")).await;
        assert_eq!(reply.status, 400);
        let expected = json!({ "status": "error", "code": "3041",
            "message": "Payment ID already exists: general.payment_id" });
        assert_eq!(reply.body, expected);
    }
    world.assert_silence().await;
    let mut elsewhere = sale("Straße-1", 100, "EUR");
    elsewhere["general"]["project_id"] = OTHER_PROJECT.into();
    world.accept(SALE, &elsewhere).await;
    world.callback().await;
    world.end().await;
}

// G-052: any UTF-8 up to 255 characters is a name
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_identifier_may_be_any_text_of_255_characters() {
    let world = World::new().await;
    let long = "書".repeat(255);
    assert_eq!(world.paid(&sale(&long, 100, "EUR")).await["payment"]["id"], long.as_str());
    let strange = "a/b?c=d&e%20\"f\\g";
    assert_eq!(world.paid(&sale(strange, 100, "EUR")).await["payment"]["id"], strange);
    world.end().await;
}

// G-057
#[tokio::test(flavor = "multi_thread")]
async fn operation_identifiers_are_integers_unique_over_the_platform() {
    let world = World::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..5 {
        let callback = world.paid(&sale(&format!("order-{number}"), 100, "EUR")).await;
        let id = callback["operation"]["id"].as_i64().unwrap();
        assert!(id > 0 && id < 1 << 53 && seen.insert(id), "{id}");
    }
    world.end().await;
}
