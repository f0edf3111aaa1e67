//! Balances settled into another currency by orders as they come: repeated, mistaken, and beside a clock that is moved.

use crate::world::{PROJECT, World};
use ferropay_domain::{
    change::ChangeSet,
    codes,
    ids::OperationId,
    ledger,
    money::{Currency, Money},
    time::Timestamp,
};
use ferropay_engine::{
    clock::{Clock as _, SystemClock},
    entropy::SystemEntropy,
    settlement::{BalanceSettled, default_name, others, settle_balance},
};
use ferropay_store::{Commit, ExchangeRate, ProjectRecord, Store as _};
use std::{sync::Arc, time::Duration};

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

impl World {
    async fn has(&self, number: i64, minor: i64, code: &str) {
        let (operation, amount) = (OperationId::new(number), Money::new(minor, currency(code)));
        let entry = ledger::opening(PROJECT, operation, amount, SystemClock.now());
        let changes = ChangeSet { entries: vec![entry], ..ChangeSet::default() };
        self.store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
    }

    async fn rated(&self, from: &str, to: &str, rate: &str) {
        let (from, to, rate) = (currency(from), currency(to), rate.parse().unwrap());
        let valid_from = Timestamp::from_seconds(1);
        let rate = ExchangeRate { from, to, rate, valid_from, valid_until: None };
        self.store.set_rates(vec![rate]).await.unwrap();
    }

    async fn record(&self) -> ProjectRecord {
        self.store.projects().await.unwrap().pop().unwrap()
    }

    async fn settled(&self, name: &str, from: &str, wanted: Option<i64>, into: &str) -> BalanceSettled {
        let record = self.record().await;
        self.settled_by(&record, name, (currency(from), wanted), currency(into)).await
    }

    async fn settled_by(
        &self,
        record: &ProjectRecord,
        name: &str,
        order: (Currency, Option<i64>),
        into: Currency,
    ) -> BalanceSettled {
        let tools = (Arc::new(SystemClock) as _, Arc::new(SystemEntropy) as _);
        settle_balance(self.store.as_ref(), tools, record, name, order, into).await.unwrap()
    }

    async fn left(&self, code: &str) -> i64 {
        let own = ledger::AccountKey { owner: ledger::Owner::Merchant(PROJECT), currency: currency(code) };
        let balances = self.store.balances(Some(PROJECT)).await.unwrap();
        balances.iter().find(|it| it.account == own).map_or(0, |it| it.posted)
    }
}

// G-449
#[tokio::test]
async fn a_name_stands_for_one_order_in_whatever_case_it_is_written() {
    let world = World::new().await;
    world.has(1, 100_000, "EUR").await;
    world.has(2, 5_000, "CHF").await;
    world.rated("EUR", "USD", "1.1").await;
    world.rated("EUR", "GBP", "0.9").await;
    world.rated("CHF", "USD", "1.2").await;
    let first = world.settled("Week 47", "EUR", Some(10_000), "USD").await;
    assert!(matches!(first, BalanceSettled::Done { .. }), "{first:?}");
    assert_eq!(world.settled("week 47", "EUR", Some(10_000), "USD").await, BalanceSettled::Already);
    for (wanted, into) in [(Some(20_000), "USD"), (None, "USD"), (Some(10_000), "GBP")] {
        let other = world.settled("WEEK 47", "EUR", wanted, into).await;
        assert_eq!(other, BalanceSettled::NamedOtherwise, "{wanted:?} {into}");
        assert!(!other.is_fine(wanted.is_none()), "nobody may take it for done");
    }
    assert_eq!(world.left("EUR").await, 90_000);
    let beside = world.settled("week 47", "CHF", None, "USD").await;
    assert!(matches!(beside, BalanceSettled::Done { .. }), "each currency by itself: {beside:?}");
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}

// G-449: whoever checks the books finds the rate, not only what it came to
#[tokio::test]
async fn the_rate_of_a_settlement_is_kept_with_it() {
    let world = World::new().await;
    world.has(1, 10_001, "EUR").await;
    world.rated("EUR", "USD", "1.0875").await;
    world.settled("week 47", "EUR", None, "USD").await;
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    let kept: (i64, String, i64) = connection
        .query_row(
            "SELECT i.account, i.id || '; ' || body, p.operation FROM inbox AS i JOIN postings AS p
             ON p.kind = 15 AND p.leg = 0 AND instr(i.body, 'operation ' || p.operation || ':') = 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    let (operation, project) = (kept.2, PROJECT);
    let text = format!(
        "balance of {project} settled: all EUR into USD, week 47; operation {operation}: 100.01 EUR at 1.0875 is 108.76 USD"
    );
    assert_eq!((kept.0, kept.1), (0, text));
}

// G-449: an order that is given daily does not fail because there is nothing to be done
#[tokio::test]
async fn nothing_and_dust_are_fine_where_everything_is_to_be_settled() {
    let world = World::new().await;
    let none = world.settled("day 1", "EUR", None, "USD").await;
    assert_eq!(none, BalanceSettled::TooLittle, "no rate is needed for nothing");
    assert!(none.is_fine(true) && !none.is_fine(false));
    world.has(1, 1, "JPY").await;
    let unrated = world.settled("day 1", "JPY", None, "USD").await;
    assert!(!unrated.is_fine(true), "{unrated:?}");
    world.rated("JPY", "USD", "0.0040").await;
    let dust = world.settled("day 1", "JPY", None, "USD").await;
    assert_eq!(dust, BalanceSettled::Refused(codes::CONVERTED_TOO_SMALL));
    assert!(dust.is_fine(true) && !dust.is_fine(false));
    assert!(!BalanceSettled::Refused(codes::CONVERTED_ABOVE_LIMIT).is_fine(true));
}

// G-449
#[test]
fn a_certain_amount_is_not_called_by_the_day() {
    let moment = Timestamp::from_micros(1_795_350_896_123_456);
    assert_eq!(default_name(true, moment), "2026-11-22");
    assert_eq!(default_name(false, moment), "2026-11-22T12:34:56.123456Z");
}

// G-449
#[tokio::test]
async fn what_is_settled_into_is_none_of_what_is_settled() {
    let world = World::new().await;
    for (number, code) in [(1, "EUR"), (2, "GBP"), (3, "USD")] {
        world.has(number, 100, code).await;
    }
    let mut project = world.record().await.project;
    project.settings.balance_currencies = vec![currency("USD")];
    let by = async |into: &str| others(world.store.as_ref(), &project, currency(into)).await.unwrap();
    assert_eq!(by("GBP").await, [currency("EUR")]);
    assert_eq!(by("USD").await.len(), 2);
}

// G-449, D-475
#[tokio::test]
async fn a_balance_is_settled_though_the_projects_clock_was_moved_meanwhile() {
    let world = World::new().await;
    world.has(1, 10_000, "EUR").await;
    world.rated("EUR", "USD", "1.1").await;
    let before = world.record().await;
    let hour = i64::try_from(Duration::from_hours(1).as_micros()).unwrap();
    world.store.advance_clock(PROJECT, hour).await.unwrap();
    let settled = world.settled_by(&before, "day 1", (currency("EUR"), None), currency("USD")).await;
    assert!(matches!(settled, BalanceSettled::Done { .. }), "{settled:?}");
}
