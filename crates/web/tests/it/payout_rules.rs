//! What is agreed of payouts: limits of the networks, methods, winnings, letters and expiry.

use crate::{
    payouts::{PAYOUT, declined, outcome, success, with},
    support::{payout, pick},
};
use ferropay_domain::{
    codes::{self, Code},
    money::Currency,
    project::PayoutRules,
    time::Timestamp,
};
use ferropay_store::ExchangeRate;
use serde_json::json;

// G-326: other currencies are compared by the operator's rate, and what cannot be compared is too much
#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_networks_are_in_dollars_by_the_operators_rate() {
    let world =
        with(|settings| settings.transfer_limits.codes = vec![Code::new(3900), Code::new(3901)]).await;
    let limited = declined(Code::new(3901));
    let by = |payment_id: &str, minor| payout(payment_id, "4242424242424242", minor);
    assert_eq!(outcome(&world.told(PAYOUT, &by("a", 100)).await), limited, "there is no rate");
    let currency = |code: &str| Currency::parse(code).unwrap();
    let rate = ExchangeRate {
        from: currency("EUR"),
        to: currency("USD"),
        rate: "1.25".parse().unwrap(),
        valid_from: Timestamp::from_seconds(world.now_seconds()),
        valid_until: None,
    };
    world.store.set_rates(vec![rate]).await.unwrap();
    assert_eq!(outcome(&world.told(PAYOUT, &by("b", 2_000_000)).await), success());
    assert_eq!(outcome(&world.told(PAYOUT, &by("c", 2_000_001)).await), limited);
    assert_eq!(outcome(&world.told(PAYOUT, &by("d", 4_000_001)).await), limited, "the lowest is told");
    let mut dollars = by("e", 2_500_000);
    dollars["payment"]["currency"] = "USD".into();
    assert_eq!(outcome(&world.told(PAYOUT, &dollars).await), success());
    world.assert_moved("EUR", -2_000_000, 0).await;
    world.end().await;
}

// G-073, G-314, G-328: what is agreed of payouts besides their amount
#[tokio::test(flavor = "multi_thread")]
async fn payouts_are_held_to_what_is_agreed_of_them() {
    let world = with(|settings| {
        settings.payout_rules = PayoutRules { letters: true, winnings: true, ..PayoutRules::default() };
        settings.category = Some(5942);
    })
    .await;
    let by = |payment_id: &str| payout(payment_id, "4242424242424242", 100);
    assert_eq!(outcome(&world.told(PAYOUT, &by("a")).await), declined(codes::WINNINGS_CATEGORY));
    world.reconfigure(|project| project.settings.category = Some(7995)).await;
    assert_eq!(outcome(&world.told(PAYOUT, &by("b")).await), success());
    let mut foreign = by("c");
    foreign["customer"]["first_name"] = "J\u{fc}rgen".into();
    assert_eq!(outcome(&world.told(PAYOUT, &foreign).await), declined(codes::INVALID_HOLDER));
    let agreed = PayoutRules { methods: vec!["skrill".to_owned()], ..PayoutRules::default() };
    world.reconfigure(|project| project.settings.payout_rules = agreed).await;
    assert_eq!(outcome(&world.told(PAYOUT, &by("d")).await), declined(codes::PAYOUT_METHOD));
    let agreed = PayoutRules { expiry: true, ..PayoutRules::default() };
    world.reconfigure(|project| project.settings.payout_rules = agreed).await;
    let mut without = by("e");
    for name in ["year", "month"] {
        without["card"].as_object_mut().unwrap().remove(name);
    }
    let refused = world.told(PAYOUT, &without).await;
    assert_eq!(
        pick(&refused, &["payment.status", "errors.0.code", "errors.0.field"]),
        json!(["error", 3020, "card.year"])
    );
    world.end().await;
}
