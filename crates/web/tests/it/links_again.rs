//! Customers who failed to pay by a link try again, and what merchants are told of it.

use crate::{
    links::{CANCEL, cancel, link, outcome},
    support::{CARD_DECLINED, CARD_MASTERCARD, CARD_OK, World, bank::CARD_CHALLENGE, pick, refund, sale},
};
use axum::{body::Body, http::Request};
use ferropay_domain::payment::LinkState;
use ferropay_engine::links::LinkPaid;
use serde_json::{Value, json};
use std::time::Duration;

fn attempts(message: &Value) -> Value {
    pick(message, &["payment.status", "payment.is_new_attempts_available", "payment.attempts_timeout"])
}

async fn world() -> World {
    World::with(|project| project.settings.additional_attempts = 2).await
}

impl World {
    async fn link_page(&self, token: &str) -> String {
        self.visit(Request::get(format!("/link/{token}")).body(Body::empty()).unwrap()).await.page
    }
}

// G-111, G-441, G-512, G-513, T-067, T-137
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_by_a_link_with_another_card_after_one_was_declined() {
    let world = world().await;
    let (made, token) = world.linked(&link("order-1")).await;
    assert_eq!(attempts(&made), json!(["awaiting payment", false, 0]));
    assert_eq!(world.pay(&token, CARD_DECLINED).await, LinkPaid::Begun);
    let failed = world.callback().await;
    assert_eq!(attempts(&failed), json!(["awaiting customer", true, 600]));
    assert_eq!(outcome(&failed), json!(["invoice", "awaiting customer", "sale", "decline", "10000"]));
    assert!(world.link_page(&token).await.contains("You can try again"));
    let reply = world.send(CANCEL, &cancel("order-1")).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")), "G-438");
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(attempts(&world.now("order-1").await), json!(["awaiting customer", true, 480]));
    assert_eq!(world.pay(&token, CARD_MASTERCARD).await, LinkPaid::Begun);
    let paid = world.callback().await;
    assert_eq!(attempts(&paid), json!(["success", false, 0]));
    assert_eq!(paid["account"]["type"], "mastercard");
    let operations = json!([
        ["invoice", "awaiting payment", 4_990],
        ["sale", "decline", 4_990],
        ["sale", "success", 4_990]
    ]);
    assert_eq!(world.operations("order-1").await, operations);
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Paid));
    world.assert_moved("EUR", 4_990, 0).await;
    world.refunded(&refund("order-1", None)).await;
    world.end().await;
}

// G-441, G-513: the time and the number of attempts are those of any purchase.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_its_attempts_or_their_time() {
    let world = world().await;
    let (_, token) = world.linked(&link("order-1")).await;
    world.pay(&token, CARD_DECLINED).await;
    world.callback().await;
    world.clock.advance(Duration::from_mins(10));
    let over = world.callback().await;
    assert_eq!(attempts(&over), json!(["decline", false, 0]));
    assert_eq!(over["operation"]["code"], "603");
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Declined));

    let (_, token) = world.linked(&link("order-2")).await;
    for left in [true, true, false] {
        assert_eq!(world.pay(&token, CARD_DECLINED).await, LinkPaid::Begun);
        assert_eq!(world.callback().await["payment"]["is_new_attempts_available"], left);
    }
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Unpayable(LinkState::Declined));
    world.end().await;
}

// G-441, G-443: the merchant has no part in it until it fails.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_did_not_come_back_from_the_bank_tries_again_with_another_card() {
    let (world, _bank) = World::with_bank(|project| project.settings.additional_attempts = 2).await;
    let (_, token) = world.linked(&link("order-1")).await;
    world.pay(&token, CARD_CHALLENGE).await;
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(31));
    let left = world.callback().await;
    assert_eq!(outcome(&left), json!(["invoice", "awaiting customer", "sale", "decline", "108"]));
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Begun);
    assert_eq!(attempts(&world.callback().await), json!(["success", false, 0]));
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-085, G-512: the customer has as long as the merchant is told, not longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_callback_counts_the_time_from_when_it_is_sent() {
    let world = world().await;
    for (delay, told) in [(240, json!([true, 360])), (600, json!([false, 0]))] {
        let mut body = crate::support::on_card(sale(&format!("order-{delay}"), 100, "EUR"), CARD_DECLINED);
        body["callback"] = json!({ "delay": delay });
        world.accept("/v2/payment/card/sale", &body).await;
        world.assert_silence().await;
        world.clock.advance(Duration::from_secs(delay));
        let callback = world.callback().await;
        let members = ["payment.is_new_attempts_available", "payment.attempts_timeout"];
        assert_eq!(pick(&callback, &members), told);
    }
    world.end().await;
}
