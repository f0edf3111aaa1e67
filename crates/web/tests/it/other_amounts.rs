//! Purchases whose customer pays another amount than was asked for (G-162).

use crate::{
    methods::until,
    support::{
        World, pick,
        provider::{Provider, purchase},
        refund,
    },
};
use ferropay_domain::{ids::OperationId, project::OtherAmount};
use ferropay_engine::{
    entropy::SystemEntropy,
    support::{Ordered, settle_other_amount},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const BLIK: &str = "/v2/payment/blik/sale";

async fn world(other_amount: OtherAmount) -> (World, Provider) {
    World::with_provider(|project| project.settings.other_amount = other_amount).await
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "payment.sum.amount", "operation.status", "operation.code"])
}

/// The customer is asked for 12.00 EUR and pays 9.00 EUR.
async fn paid(world: &World, payment_id: &str) -> Value {
    let mut body = purchase(payment_id, 1_200, "EUR");
    body["payment"]["description"] = "Two books [success] [paid=900]".into();
    let asked = world.told(BLIK, &body).await;
    assert_eq!(asked["payment"]["status"], "awaiting customer action");
    asked
}

// G-162, G-486
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_paid_with_another_amount_is_declined_and_given_back() {
    let (world, provider) = world(OtherAmount::default()).await;
    paid(&world, "order-1").await;
    assert_eq!(outcome(&world.callback().await), json!(["decline", 1_200, "decline", "20304"]));
    until(async || provider.transactions().await[0]["status"] == "cancelled").await;
    world.quiet().await;
    world.assert_gained(0).await;
    world.end().await;
}

// G-162
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_paid_with_another_amount_may_count_for_what_was_paid() {
    let (world, provider) = world(OtherAmount::Accept).await;
    paid(&world, "order-1").await;
    assert_eq!(outcome(&world.callback().await), json!(["success", 900, "success", "0"]));
    world.assert_gained(900).await;
    let back = world.told("/v2/payment/refund", &refund("order-1", None)).await;
    assert_eq!(outcome(&back), json!(["refunded", 0, "success", "0"]));
    let list = provider.transactions().await;
    assert_eq!(list.iter().find(|it| it["operation"] == "sale").unwrap()["used"], 900);
    world.assert_gained(0).await;
    world.end().await;
}

// G-162: nothing but support ends it, neither notices nor the method's threshold
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_paid_with_another_amount_may_wait_for_support() {
    for (accept, expected, gained) in [
        (true, json!(["success", 900, "success", "0"]), 900),
        (false, json!(["decline", 1_200, "decline", "20304"]), 0),
    ] {
        let (world, provider) = world(OtherAmount::Support).await;
        let asked = paid(&world, "order-1").await;
        let purchase = OperationId::new(asked["operation"]["id"].as_i64().unwrap());
        let standing = async || world.store.standing(purchase).await.unwrap().unwrap();
        until(async || standing().await.operation.detail.paid_otherwise == Some(900)).await;
        world.clock.advance(Duration::from_hours(48));
        world.quiet().await;
        assert_eq!(world.now("order-1").await["payment"]["status"], "awaiting customer action");
        world.assert_gained(0).await;
        let decide = async || {
            let (clock, entropy) = (world.clock.clone(), Arc::new(SystemEntropy));
            settle_other_amount(world.store.as_ref(), &world.vault, clock, entropy, purchase, accept)
                .await
                .unwrap()
        };
        let decided = decide().await;
        assert!(matches!(decided, Ordered::Done(None)), "{decided:?}");
        assert!(matches!(decide().await, Ordered::Refused(_)), "once");
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(outcome(&world.callback().await), expected);
        world.assert_gained(gained).await;
        if !accept {
            until(async || provider.transactions().await[0]["status"] == "cancelled").await;
        }
        world.end().await;
    }
}
