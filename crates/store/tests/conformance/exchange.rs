//! Exchange rates: found by direction and moment, replaced, and set all or none.

use crate::scenario::World;
use ferropay_domain::{money::Currency, time::Timestamp};
use ferropay_store::ExchangeRate;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn rate(from: &str, to: &str, rate: &str, span: (i64, Option<i64>)) -> ExchangeRate {
    let at = Timestamp::from_seconds;
    ExchangeRate {
        from: currency(from),
        to: currency(to),
        rate: rate.parse().unwrap(),
        valid_from: at(span.0),
        valid_until: span.1.map(at),
    }
}

async fn found(world: &World, from: &str, to: &str, at: i64) -> Option<String> {
    let found = world.store.rate(currency(from), currency(to), Timestamp::from_seconds(at)).await.unwrap();
    found.map(|rate| rate.to_string())
}

// G-447
pub(crate) async fn a_rate_holds_in_its_direction_from_its_moment_until_its_end_or_the_next(world: World) {
    assert_eq!(found(&world, "USD", "EUR", 50).await, None);
    let rates = vec![
        rate("USD", "EUR", "0.92", (100, None)),
        rate("USD", "EUR", "0.93", (200, Some(300))),
        rate("USD", "EUR", "0.94", (400, None)),
        rate("EUR", "USD", "1.08", (100, None)),
    ];
    world.store.set_rates(rates.clone()).await.unwrap();
    for (at, expected) in [
        (99, None),
        (100, Some("0.92")),
        (199, Some("0.92")),
        (200, Some("0.93")),
        (299, Some("0.93")),
        (300, None),
        (399, None),
        (400, Some("0.94")),
        (4_000_000_000, Some("0.94")),
    ] {
        assert_eq!(found(&world, "USD", "EUR", at).await.as_deref(), expected, "{at}");
    }
    assert_eq!(found(&world, "EUR", "USD", 500).await.as_deref(), Some("1.08"));
    assert_eq!(found(&world, "EUR", "JPY", 500).await, None);
    let mut all = world.store.rates().await.unwrap();
    assert_eq!(all.len(), rates.len());
    all.retain(|it| !rates.contains(it));
    assert_eq!(all, []);
}

// G-447
pub(crate) async fn a_rate_that_begins_at_the_same_moment_takes_the_place_of_the_earlier_one(world: World) {
    world.store.set_rates(vec![rate("USD", "EUR", "0.92", (100, None))]).await.unwrap();
    world.store.set_rates(vec![rate("USD", "EUR", "0.95", (100, Some(200)))]).await.unwrap();
    assert_eq!(found(&world, "USD", "EUR", 100).await.as_deref(), Some("0.95"));
    assert_eq!(found(&world, "USD", "EUR", 200).await, None);
    let senseless =
        vec![rate("USD", "JPY", "150", (100, None)), rate("USD", "EUR", "0.96", (100, Some(100)))];
    assert!(world.store.set_rates(senseless).await.is_err(), "it ends before it begins");
    assert_eq!(found(&world, "USD", "JPY", 100).await, None, "all or none");
    assert_eq!(found(&world, "USD", "EUR", 100).await.as_deref(), Some("0.95"));
    let (usd, eur, at) = (currency("USD"), currency("EUR"), Timestamp::from_seconds(100));
    assert!(!world.store.remove_rate(eur, usd, at).await.unwrap(), "that direction has none");
    assert!(world.store.remove_rate(usd, eur, at).await.unwrap());
    assert_eq!(found(&world, "USD", "EUR", 100).await, None);
    assert!(!world.store.remove_rate(usd, eur, at).await.unwrap());
}
