//! What is agreed of payouts: limits of the networks, methods, winnings, letters and expiry.

use crate::{
    payouts::{PAYOUT, declined, outcome, success, with},
    support::{CARD_DECLINED, CARD_OK, payout, pick, sale},
};
use ferropay_domain::{
    codes::{self, Code},
    money::Currency,
    project::{EarlierPurchase, PayoutRules},
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

// G-328: whoever has paid, whatever came of it later; who has not, or is not named, is paid out nothing
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_may_need_an_earlier_purchase_of_the_customer() {
    let rule = |earlier_purchase| PayoutRules { earlier_purchase, ..PayoutRules::default() };
    let world = with(|settings| settings.payout_rules = rule(EarlierPurchase::Unasked)).await;
    let by = |payment_id: &str, customer: &str| {
        let mut body = payout(payment_id, "4242424242424242", 100);
        body["customer"]["id"] = customer.into();
        body
    };
    let bought = async |payment_id: &str, customer: &str, card: &str| {
        let mut body = sale(payment_id, 500, "EUR");
        body["card"]["pan"] = card.into();
        body["customer"]["id"] = customer.into();
        world.told("/v2/payment/card/sale", &body).await
    };
    let paid_out = async |payment_id: &str, customer: &str| {
        outcome(&world.told(PAYOUT, &by(payment_id, customer)).await)
    };
    bought("before", "old", CARD_OK).await;
    assert_eq!(paid_out("a", "new").await, success(), "nothing is demanded");
    world.reconfigure(|project| project.settings.payout_rules = rule(EarlierPurchase::Remembered)).await;
    for payment_id in ["first", "second"] {
        assert_eq!(bought(payment_id, "known", CARD_OK).await["payment"]["status"], "success");
    }
    assert_eq!(bought("refused", "refused", CARD_DECLINED).await["payment"]["status"], "decline");
    assert_eq!(paid_out("b", "new").await, success(), "nor yet");
    world.reconfigure(|project| project.settings.payout_rules = rule(EarlierPurchase::Demanded)).await;
    assert_eq!(paid_out("c", "known").await, success());
    for (payment_id, customer) in [("d", "new"), ("e", "refused"), ("f", "old"), ("g", "Known")] {
        assert_eq!(paid_out(payment_id, customer).await, declined(codes::NO_EARLIER_PAYMENT), "{customer}");
    }
    assert_eq!(bought("third", "new", CARD_OK).await["payment"]["status"], "success");
    assert_eq!(paid_out("h", "new").await, success());
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
