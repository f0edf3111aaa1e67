//! What a merchant has in one currency is settled into another.

use crate::support::{PROJECT, World, sale};
use ferropay_domain::{
    codes,
    money::{Currency, Money},
    time::Timestamp,
};
use ferropay_engine::{
    entropy::SystemEntropy,
    settlement::{BalanceSettled, settle_balance},
};
use ferropay_store::ExchangeRate;
use std::sync::Arc;

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::parse(code).unwrap())
}

async fn rated(world: &World, from: &str, to: &str, rate: &str) {
    let currency = |code: &str| Currency::parse(code).unwrap();
    let rate = ExchangeRate {
        from: currency(from),
        to: currency(to),
        rate: rate.parse().unwrap(),
        valid_from: Timestamp::from_seconds(world.now_seconds()),
        valid_until: None,
    };
    world.store.set_rates(vec![rate]).await.unwrap();
}

impl World {
    async fn settled(&self, name: &str, from: &str, minor: Option<i64>, into: &str) -> BalanceSettled {
        let records = self.store.projects().await.unwrap();
        let record = records.into_iter().find(|it| it.project.id.get() == PROJECT).unwrap();
        let tools = (self.clock.clone() as _, Arc::new(SystemEntropy) as _);
        let currency = |code: &str| Currency::parse(code).unwrap();
        settle_balance(self.store.as_ref(), tools, &record, name, (currency(from), minor), currency(into))
            .await
            .unwrap()
    }
}

// G-449: at the rate of the moment, once under a name, as far as there is something
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_settled_into_another_currency_once_under_a_name() {
    let world = World::new().await;
    world.told("/v2/payment/card/sale", &sale("order-1", 10_001, "EUR")).await;
    let (euros, dollars) = (world.balance("EUR").await.0, world.balance("USD").await.0);
    assert_eq!(world.settled("day 1", "EUR", Some(10_001), "USD").await, BalanceSettled::NoRate);
    rated(&world, "EUR", "USD", "1.0875").await;
    let done = BalanceSettled::Done {
        taken: money(10_001, "EUR"),
        // 108.760875
        given: money(10_876, "USD"),
        rate: "1.0875".parse().unwrap(),
    };
    assert_eq!(world.settled("day 1", "EUR", Some(10_001), "USD").await, done);
    assert_eq!(world.settled("day 1", "EUR", Some(10_001), "USD").await, BalanceSettled::Already);
    assert_eq!(world.balance("EUR").await, (euros - 10_001, 0));
    assert_eq!(world.balance("USD").await, (dollars + 10_876, 0));
    let beyond = world.settled("day 2", "EUR", Some(euros), "USD").await;
    assert_eq!(beyond, BalanceSettled::TooLittle, "no merchant is made to owe something");
    let rest = world.settled("day 2", "EUR", None, "USD").await;
    assert!(matches!(rest, BalanceSettled::Done { taken, .. } if taken.minor == euros - 10_001), "{rest:?}");
    assert_eq!(world.balance("EUR").await, (0, 0));
    assert_eq!(world.settled("day 3", "EUR", None, "USD").await, BalanceSettled::TooLittle);
    rated(&world, "JPY", "EUR", "0.004").await;
    let tiny = world.settled("day 3", "JPY", Some(1), "EUR").await;
    assert_eq!(tiny, BalanceSettled::Refused(codes::CONVERTED_TOO_SMALL));
    assert_eq!(world.store.audit().await.unwrap().findings, []);
    world.end().await;
}
