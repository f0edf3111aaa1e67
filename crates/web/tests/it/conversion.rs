//! Projects whose channel works in another currency than the merchant asks in: dollars here, euros at the acquirer.
//! Callbacks state both, the merchant's balance keeps the one, the acquirer's book has the other.

use crate::support::{
    CARD_DECLINED, CARD_MASTERCARD, CARD_OK, PROJECT, World, cancel, capture, incremental,
    normalise::normalised, on_card, payout, pick, refund, sale,
};
use ferropay_domain::{
    ledger::Owner,
    money::Currency,
    payee::PayeeRule,
    project::{Limits, Project},
    time::Timestamp,
};
use ferropay_simulators::acquirer::{CurrencyTotals, Handle};
use ferropay_store::ExchangeRate;
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const CAPTURE: &str = "/v2/payment/card/capture";
const CANCEL: &str = "/v2/payment/card/cancel";
const INCREMENTAL: &str = "/v2/payment/card/incremental";
const PAYOUT: &str = "/v2/payment/card/payout";
const PAUSE: Duration = Duration::from_secs(121);

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn dollars_into_euros(project: &mut Project) {
    project.settings.conversions.insert("USD".to_owned(), currency("EUR"));
    project.settings.payout_data_required = false;
}

/// A platform that converts dollars into euros, 0.92 each until the end of the first day.
async fn world() -> World {
    World::with(dollars_into_euros).await.rated("USD", "EUR", "0.92").await
}

impl World {
    /// From now on a unit of one currency is worth so much of another.
    async fn rated(self, from: &str, to: &str, rate: &str) -> Self {
        self.rate(from, to, rate).await;
        self
    }

    async fn rate(&self, from: &str, to: &str, rate: &str) {
        let rate = ExchangeRate {
            from: currency(from),
            to: currency(to),
            rate: rate.parse().unwrap(),
            valid_from: Timestamp::from_seconds(self.now_seconds()),
            valid_until: None,
        };
        self.store.set_rates(vec![rate]).await.unwrap();
    }

    /// What the platform has exchanged, minor units of a currency.
    async fn exchanged(&self, code: &str) -> i64 {
        let balances = self.store.balances(None).await.unwrap();
        let rows = balances.iter().filter(|row| row.account.currency.code() == code);
        rows.filter(|row| matches!(row.account.owner, Owner::Exchange(_))).map(|row| row.posted).sum()
    }
}

fn totals(acquirer: &Handle, code: &str) -> CurrencyTotals {
    let book = acquirer.book();
    let found = book.totals.iter().find(|(number, _)| *number == currency(code).numeric());
    found.map(|(_, totals)| *totals).unwrap_or_default()
}

/// Taken less returned, and held, at the acquirer.
fn there(world: &World, code: &str) -> (i128, u128) {
    let totals = totals(&world.acquirer, code);
    let net = i128::try_from(totals.taken()).unwrap() - i128::try_from(totals.returned()).unwrap();
    (net, totals.on_hold())
}

/// Status and the sums that a callback states: of the payment, as asked for, as processed.
fn sums(callback: &Value) -> Value {
    pick(callback, &["payment.status", "payment.sum", "operation.sum_initial", "operation.sum_converted"])
}

fn money(amount: i64, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

fn usd(amount: i64) -> Value {
    money(amount, "USD")
}

fn eur(amount: i64) -> Value {
    money(amount, "EUR")
}

fn refused(callback: &Value) -> Value {
    pick(callback, &["payment.status", "errors.0.code", "errors.0.field"])
}

// G-104, G-447, G-448, U-285
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_stated_as_asked_for_and_as_processed() {
    let world = world().await;
    let callback = world.paid(&sale("order-1", 1_000, "USD")).await;
    insta::assert_snapshot!("sale_converted", normalised(&callback));
    assert_eq!(sums(&callback), json!(["success", usd(1_000), usd(1_000), eur(920)]));
    assert_eq!(there(&world, "EUR"), (920, 0));
    assert_eq!(there(&world, "USD"), (0, 0));
    assert_eq!(world.balance("USD").await, (100_001_000, 0), "the merchant is owed what it asked for");
    assert_eq!((world.exchanged("USD").await, world.exchanged("EUR").await), (-1_000, 920));
    let now = world.now("order-1").await;
    assert_eq!(
        pick(&now, &["payment.sum", "operations.0.sum_initial", "operations.0.sum_converted"]),
        json!([usd(1_000), usd(1_000), eur(920)])
    );
    let page = crate::inspector::Browser::of(&world)
        .open(&format!("/inspector/payment?project={PROJECT}&id=order-1"))
        .await;
    assert!(page.contains("paid at the provider") && page.contains("9.20 EUR"), "{page}");
    world.end().await;
}

// G-447: currencies that are not listed are processed as they are.
#[tokio::test(flavor = "multi_thread")]
async fn other_currencies_are_processed_as_they_are() {
    let world = world().await;
    let callback = world.paid(&sale("order-1", 1_000, "EUR")).await;
    assert_eq!(sums(&callback), json!(["success", eur(1_000), eur(1_000), eur(1_000)]));
    world.assert_moved("EUR", 1_000, 0).await;
    assert_eq!(world.exchanged("EUR").await, 0);
    world.end().await;
}

// G-447, G-452: whole yen, and dinars with three decimals; halves go up.
#[tokio::test(flavor = "multi_thread")]
async fn the_minor_units_of_both_currencies_count() {
    let world = World::with(|project| {
        let into = |code| currency(code);
        let conversions = [("USD", "JPY"), ("EUR", "KWD"), ("JPY", "KWD")];
        project.settings.conversions =
            conversions.map(|(from, to)| (from.to_owned(), into(to))).into_iter().collect();
    });
    let world = world.await.rated("USD", "JPY", "151.35").await;
    world.rate("EUR", "KWD", "0.33").await;
    world.rate("JPY", "KWD", "0.00203").await;
    for (name, asked, processed) in [
        ("order-1", usd(1_001), money(1_515, "JPY")),
        ("order-2", usd(10), money(15, "JPY")),
        ("order-3", eur(1_000), money(3_300, "KWD")),
        ("order-4", money(250, "JPY"), money(508, "KWD")),
    ] {
        let body = sale(name, asked["amount"].as_i64().unwrap(), asked["currency"].as_str().unwrap());
        let callback = world.paid(&body).await;
        assert_eq!(sums(&callback), json!(["success", asked, asked, processed]));
    }
    assert_eq!(there(&world, "JPY"), (1_530, 0));
    world.end().await;
}

// G-066, G-450: no operation comes of what cannot be converted.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_converted_is_refused_by_callback() {
    let world = World::with(dollars_into_euros).await;
    let no_rate = world.told(SALE, &sale("order-1", 1_000, "USD")).await;
    assert_eq!(refused(&no_rate), json!(["error", 3119, "payment.currency"]), "no rate");
    world.rate("USD", "EUR", "0.004").await;
    let tiny = world.told(SALE, &sale("order-2", 100, "USD")).await;
    assert_eq!(refused(&tiny), json!(["error", 3281, "payment.amount"]));
    world.clock.advance(Duration::from_secs(1));
    world.rate("USD", "EUR", "0.92").await;
    world
        .reconfigure(|project| {
            project.settings.channel_limits.insert("EUR".to_owned(), 9_200);
        })
        .await;
    let large = world.told(SALE, &sale("order-3", 10_001, "USD")).await;
    assert_eq!(refused(&large), json!(["error", 309, "payment.amount"]));
    world.paid(&sale("order-4", 10_000, "USD")).await;
    world.reconfigure(|project| project.settings.channel_currencies = vec![currency("EUR")]).await;
    let other = world.told(SALE, &sale("order-5", 1_000, "JPY")).await;
    assert_eq!(refused(&other), json!(["error", 3119, "payment.currency"]), "the channel has euros");
    world.reconfigure(|project| project.settings.currencies = vec![currency("EUR")]).await;
    let other = world.told(SALE, &sale("order-6", 1_000, "JPY")).await;
    assert_eq!(refused(&other), json!(["error", 3023, "payment.currency"]), "nor has the project yen");
    world.paid(&sale("order-7", 1_000, "USD")).await;
    world.end().await;
}

// G-302, G-295, G-278: stated in the requested currency, at the rate of the refund's day.
#[tokio::test(flavor = "multi_thread")]
async fn refunds_are_converted_anew() {
    let world = world().await;
    world.paid(&sale("order-1", 1_000, "USD")).await;
    world.clock.set("2026-11-23T09:00:00Z");
    world.rate("USD", "EUR", "0.90").await;
    let part = world.refunded(&refund("order-1", Some((400, "USD")))).await;
    assert_eq!(sums(&part), json!(["partially refunded", usd(600), usd(400), eur(360)]));
    assert_eq!(part["operation"]["type"], "refund");
    world.clock.advance(PAUSE);
    let more = world.refunded(&refund("order-1", Some((601, "USD")))).await;
    assert_eq!(pick(&more, &["operation.status", "operation.code"]), json!(["decline", "3283"]));
    let euros = world.refunded(&refund("order-1", Some((100, "EUR")))).await;
    assert_eq!(pick(&euros, &["operation.status", "operation.code"]), json!(["decline", "3284"]));
    world.rate("USD", "EUR", "0.95").await;
    let rest = world.refunded(&refund("order-1", None)).await;
    assert_eq!(
        sums(&rest),
        json!(["refunded", usd(0), usd(600), eur(560)]),
        "5.70 by the rate, but the acquirer has taken 9.20 and given back 3.60"
    );
    assert_eq!(there(&world, "EUR"), (0, 0));
    assert_eq!(world.balance("USD").await, (100_000_000, 0));
    world.end().await;
}

// G-289, G-302: within the operation day the debit itself is undone, in parts and as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_gives_back_what_was_taken() {
    let world = world().await;
    world.paid(&on_card(sale("order-1", 1_001, "USD"), CARD_MASTERCARD)).await;
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "0.80").await;
    let part = world.refunded(&refund("order-1", Some((333, "USD")))).await;
    assert_eq!(sums(&part), json!(["partially reversed", usd(668), usd(333), eur(306)]));
    world.clock.advance(PAUSE);
    let rest = world.refunded(&refund("order-1", None)).await;
    assert_eq!(sums(&rest), json!(["reversed", usd(0), usd(668), eur(615)]), "9.21 were taken");
    assert_eq!(there(&world, "EUR"), (0, 0));
    assert_eq!((world.exchanged("USD").await, world.exchanged("EUR").await), (0, 0));
    world.end().await;
}

// G-447, G-169 to G-176
#[tokio::test(flavor = "multi_thread")]
async fn second_steps_keep_the_rate_of_the_hold() {
    let world = world().await;
    let held = world.held(&on_card(sale("order-1", 1_000, "USD"), CARD_MASTERCARD)).await;
    assert_eq!(sums(&held), json!(["awaiting capture", usd(1_000), usd(1_000), eur(920)]));
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "0.70").await;
    let more = world.told(INCREMENTAL, &incremental("order-1", 500, "USD")).await;
    assert_eq!(sums(&more), json!(["awaiting capture", usd(1_500), usd(500), eur(460)]));
    assert_eq!(there(&world, "EUR"), (0, 1_380));
    let less = world.told(CANCEL, &cancel("order-1", Some((100, "USD")))).await;
    assert_eq!(sums(&less), json!(["awaiting capture", usd(1_400), usd(100), eur(92)]));
    let captured = world.told(CAPTURE, &capture("order-1", Some((1_200, "USD")))).await;
    assert_eq!(sums(&captured), json!(["success", usd(1_200), usd(1_200), eur(1_104)]));
    assert_eq!(there(&world, "EUR"), (1_104, 0));
    assert_eq!(world.balance("USD").await, (100_001_200, 0));
    world.held(&sale("order-2", 1_001, "USD")).await;
    let gone = world.told(CANCEL, &cancel("order-2", None)).await;
    assert_eq!(sums(&gone), json!(["canceled", usd(1_001), usd(1_001), eur(701)]));
    assert_eq!(there(&world, "EUR"), (1_104, 0));
    world.end().await;
}

// G-447, G-450: the balance pays what was asked for, the customer gets the converted amount.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_converted() {
    let world = world().await;
    let asked = |name: &str, amount: i64| {
        let mut body = payout(name, "4242424242424242", amount);
        body["payment"]["currency"] = "USD".into();
        body
    };
    let callback = world.told(PAYOUT, &asked("order-1", 1_000)).await;
    assert_eq!(sums(&callback), json!(["success", usd(1_000), usd(1_000), eur(920)]));
    assert_eq!(world.balance("USD").await, (99_999_000, 0));
    assert_eq!((world.exchanged("USD").await, world.exchanged("EUR").await), (1_000, -920));
    let limits = Limits { smallest: None, largest: Some(950) };
    world
        .reconfigure(|project| {
            project.settings.payout_limits.insert("USD".to_owned(), limits);
        })
        .await;
    let above = world.told(PAYOUT, &asked("order-2", 951)).await;
    assert_eq!(pick(&above, &["payment.status", "operation.code"]), json!(["decline", "3104"]), "in dollars");
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "0.0001").await;
    let tiny = world.told(PAYOUT, &asked("order-3", 900)).await;
    assert_eq!(refused(&tiny), json!(["error", 3281, "payment.amount"]));
    world.end().await;
}

// G-447, G-302: each debit of a series has the rate of its own day, and is returned by itself.
#[tokio::test(flavor = "multi_thread")]
async fn debits_of_a_series_are_converted_each_at_its_own_rate() {
    let world = world().await;
    let mut body = sale("order-1", 1_000, "USD");
    body["recurring"] = json!({
        "register": true, "type": "R", "period": "D", "interval": 1, "time": "10:00:00",
        "start_date": "22-11-2026", "amount": 500, "scheduled_payment_id": "rent",
    });
    let registered = world.paid(&body).await;
    assert_eq!(sums(&registered), json!(["success", usd(1_000), usd(1_000), eur(920)]));
    world.clock.set("2026-11-22T10:00:00Z");
    let first = world.callback().await;
    assert_eq!(sums(&first), json!(["scheduled recurring processing", usd(500), usd(500), eur(460)]));
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "0.80").await;
    world.clock.set("2026-11-23T10:00:00Z");
    let second = world.callback().await;
    assert_eq!(sums(&second), json!(["scheduled recurring processing", usd(1_000), usd(500), eur(400)]));
    let back = world.refunded(&refund("rent", Some((200, "USD")))).await;
    assert_eq!(sums(&back), json!(["scheduled recurring processing", usd(800), usd(200), eur(160)]));
    assert_eq!(there(&world, "EUR"), (920 + 460 + 400 - 160, 0));
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "0.90").await;
    let rest = world.refunded(&refund("rent", Some((300, "USD")))).await;
    assert_eq!(
        sums(&rest),
        json!(["scheduled recurring processing", usd(500), usd(300), eur(240)]),
        "the second debit took 4.00, of which 1.60 are back"
    );
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "2").await;
    let risen = world.refunded(&refund("rent", Some((310, "USD")))).await;
    assert_eq!(
        sums(&risen),
        json!(["scheduled recurring processing", usd(190), usd(310), eur(460)]),
        "more is not there, of the first one"
    );
    world.clock.advance(PAUSE);
    let nowhere = world.refunded(&refund("rent", Some((190, "USD")))).await;
    assert_eq!(
        pick(&nowhere, &["operation.status", "operation.code"]),
        json!(["decline", "3283"]),
        "no debit has anything left at the provider"
    );
    world.end().await;
}

// G-447: without a rate a debit that is due is declined, and the schedule goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_is_due_without_a_rate_is_declined() {
    let world = world().await;
    let mut body = sale("order-1", 1_000, "USD");
    body["recurring"] = json!({
        "register": true, "type": "R", "period": "D", "interval": 1, "time": "10:00:00",
        "start_date": "22-11-2026", "amount": 500, "scheduled_payment_id": "rent",
    });
    world.paid(&body).await;
    world
        .reconfigure(|project| {
            project.settings.conversions.insert("USD".to_owned(), currency("JPY"));
        })
        .await;
    world.clock.set("2026-11-22T10:00:00Z");
    let declined = world.callback().await;
    assert_eq!(
        pick(&declined, &["payment.status", "operation.status", "operation.code"]),
        json!(["scheduled recurring processing", "decline", "3119"])
    );
    world.end().await;
}

// G-447, G-302, G-512: every attempt of a customer is an operation of its own, with the rate of its own moment.
#[tokio::test(flavor = "multi_thread")]
async fn further_attempts_are_converted_each_at_its_own_rate() {
    let world = World::with(|project| {
        dollars_into_euros(project);
        project.settings.additional_attempts = 5;
    });
    let world = world.await.rated("USD", "EUR", "0.92").await;
    let failed = world.told(SALE, &on_card(sale("order-1", 1_000, "USD"), CARD_DECLINED)).await;
    assert_eq!(
        pick(&failed, &["payment.status", "operation.sum_initial", "operation.sum_converted"]),
        json!(["awaiting customer", usd(1_000), eur(920)])
    );
    world.clock.advance(Duration::from_secs(1));
    world.rate("USD", "EUR", "0.80").await;
    // Rules about the converted amount hold for an attempt, too, and one that breaks them is none.
    let most = |most| {
        move |project: &mut Project| {
            project.settings.channel_limits.insert("EUR".to_owned(), most);
        }
    };
    world.reconfigure(most(799)).await;
    let large = world.told(SALE, &on_card(sale("order-1", 1_000, "USD"), CARD_MASTERCARD)).await;
    assert_eq!(refused(&large), json!(["error", 309, "payment.amount"]));
    assert_eq!(world.now("order-1").await["payment"]["status"], "awaiting customer");
    world.reconfigure(most(800)).await;
    let mut body = on_card(sale("order-1", 1_000, "USD"), CARD_MASTERCARD);
    body["note"] = 1.into();
    let paid = world.told(SALE, &body).await;
    assert_eq!(sums(&paid), json!(["success", usd(1_000), usd(1_000), eur(800)]));
    assert_eq!((there(&world, "EUR"), there(&world, "USD")), ((800, 0), (0, 0)));
    assert_eq!(world.balance("USD").await, (100_001_000, 0));
    assert_eq!((world.exchanged("USD").await, world.exchanged("EUR").await), (-1_000, 800));
    let now = world.now("order-1").await;
    let converted = |row: &Value| pick(row, &["status", "sum_initial", "sum_converted"]);
    assert_eq!(
        now["operations"].as_array().unwrap().iter().map(converted).collect::<Vec<_>>(),
        [json!(["decline", usd(1_000), eur(920)]), json!(["success", usd(1_000), eur(800)])]
    );
    world.clock.set("2026-11-23T09:00:00Z");
    let back = world.refunded(&refund("order-1", None)).await;
    assert_eq!(sums(&back), json!(["refunded", usd(0), usd(1_000), eur(800)]));
    assert_eq!(there(&world, "EUR"), (0, 0));
    world.end().await;
}

// G-447, G-512: an attempt at a hold; what follows keeps the rate of the attempt that succeeded.
#[tokio::test(flavor = "multi_thread")]
async fn second_steps_keep_the_rate_of_the_attempt_that_succeeded() {
    const AUTH: &str = "/v2/payment/card/auth";
    let world = World::with(|project| {
        dollars_into_euros(project);
        project.settings.additional_attempts = 1;
    });
    let world = world.await.rated("USD", "EUR", "0.92").await;
    world.told(AUTH, &on_card(sale("order-1", 1_000, "USD"), CARD_DECLINED)).await;
    world.clock.advance(Duration::from_secs(1));
    world.rate("USD", "EUR", "0.80").await;
    let held = world.told(AUTH, &on_card(sale("order-1", 1_000, "USD"), CARD_OK)).await;
    assert_eq!(sums(&held), json!(["awaiting capture", usd(1_000), usd(1_000), eur(800)]));
    world.clock.advance(PAUSE);
    world.rate("USD", "EUR", "0.70").await;
    let captured = world.told(CAPTURE, &capture("order-1", None)).await;
    assert_eq!(sums(&captured), json!(["success", usd(1_000), usd(1_000), eur(800)]));
    assert_eq!(there(&world, "EUR"), (800, 0));
    world.end().await;
}

// G-447, G-461: banks are asked about whoever gets euros in SEPA, whatever the payout was asked for in.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_arrives_in_euros_is_held_to_its_payee() {
    const PATH: &str = "/v2/payment/bank-transfer/world/payout";
    let (world, _provider) = World::with_provider(|project| {
        dollars_into_euros(project);
        project.settings.payouts_verify_payee = PayeeRule::Match;
    })
    .await;
    let world = world.rated("USD", "EUR", "0.92").await;
    for (name, expected) in [("Charles Babbage", ["decline", "20451"]), ("Ada Byron", ["success", "0"])] {
        let body = json!({
            "general": { "project_id": PROJECT, "payment_id": name.replace(' ', "-") },
            "customer": {
                "id": "reader-7", "ip_address": "198.51.100.7", "country": "DE",
                "first_name": "Ada", "last_name": "Byron",
            },
            "account": { "customer_name": name, "number": "DE89370400440532013000", "bank_id": 3 },
            "payment": { "amount": 1_000, "currency": "USD" },
        });
        let done = world.told(PATH, &body).await;
        assert_eq!(pick(&done, &["payment.status", "operation.code"]), json!(expected), "{done}");
        assert_eq!(done["operation"]["sum_converted"], eur(920));
    }
    assert_eq!(world.balance("USD").await, (99_999_000, 0));
    world.end().await;
}
