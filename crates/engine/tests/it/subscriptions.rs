//! A year of subscriptions in virtual time: months of every length, a leap day, and each debit made once.

use crate::world::{PROJECT, PROMPT, Provider, World, pay_as, until};
use ferropay_domain::{
    ids::PaymentId,
    payment::{CardRequest, OperationKind},
    series::{ExpiryParts, Interval, Period, Plan, SeriesKind},
    time::Timestamp,
};
use ferropay_engine::{Settings, clock::SystemClock, time_travel};
use ferropay_store::Store as _;
use ferropay_wire::gate::SeriesTerms;
use jiff::civil::{date, time};
use std::{sync::atomic::Ordering, time::Duration};
use tokio::sync::Semaphore;

/// How many run by default. The full number is told by `FERROPAY_SUBSCRIPTIONS`:
/// `FERROPAY_SUBSCRIPTIONS=10000 cargo nextest run --release -p ferropay-engine -E 'test(a_year_of_subscriptions)'`.
const USUALLY: u32 = 124;

fn how_many() -> u32 {
    std::env::var("FERROPAY_SUBSCRIPTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(USUALLY)
}

pub(crate) fn moment(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

pub(crate) async fn travel_to(world: &World, moment: Timestamp, wait: bool) {
    let store = world.store.as_ref();
    let ahead = time_travel::offset(store, PROJECT).await.unwrap();
    let now = time_travel::business(&SystemClock, ahead);
    let span = moment.since(now);
    time_travel::advance(store, &SystemClock, PROJECT, span, wait, &|_| {}).await.unwrap();
}

/// Monthly from one of the 31 days of December 2027 on.
pub(crate) fn terms(number: u32) -> SeriesTerms {
    let day = i8::try_from(number % 31).unwrap() + 1;
    SeriesTerms {
        kind: SeriesKind::Regular,
        amount: Some(100),
        plan: Some(Plan {
            period: Period::Month,
            interval: Interval::ONE,
            time: Some(time(10, 0, 0, 0)),
            start: Some(date(2027, 12, day)),
        }),
        expiry: ExpiryParts::default(),
        scheduled: Some(PaymentId::parse(&format!("subscription-{number}")).unwrap()),
    }
}

// G-356, G-379, G-383, DESIGN: a debit is unique by series and moment
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_of_subscriptions_is_debited_moment_by_moment_and_the_books_balance() {
    let count = how_many();
    let world = World::new().await;
    let provider = Provider::new(Semaphore::MAX_PERMITS, false);
    let settings = Settings { poll_every: Duration::from_millis(5), ..PROMPT };
    let engine = world.engine(&provider, settings).await;
    engine.start();
    travel_to(&world, moment("2027-11-30T12:00:00Z"), false).await;
    for first in (0..count).step_by(256) {
        let batch: Vec<_> = (first..count.min(first + 256))
            .map(|number| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    let request = CardRequest { moto: Some(1), ..CardRequest::default() };
                    let name = format!("first-{number}");
                    pay_as(&engine, &name, OperationKind::Sale, request, Some(terms(number))).await;
                })
            })
            .collect();
        for registered in batch {
            registered.await.unwrap();
        }
    }
    let posts = || world.merchant.posts.load(Ordering::SeqCst);
    until("all are registered", async || posts() == count).await;

    let started = std::time::Instant::now();
    travel_to(&world, moment("2028-11-30T23:00:00Z"), true).await;
    let took = started.elapsed();
    println!("{count} subscriptions, {} debits in {took:?}", count * 12);

    let report = world.store.audit().await.unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(posts(), count * 13, "each debit is told");
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM series WHERE status = 1"), count);
    assert_eq!(number("SELECT count(*) FROM operations WHERE kind = 16 AND status = 2"), count * 12);
    assert_eq!(number("SELECT count(*) FROM series_slots"), count * 12, "each moment once");
    let uneven =
        "SELECT count(*) FROM (SELECT series FROM series_slots GROUP BY series HAVING count(*) <> 12)";
    assert_eq!(number(uneven), 0);
    let late = "SELECT count(*) FROM series_slots AS s JOIN operations AS o ON o.id = s.operation
        WHERE o.created_at - s.at NOT BETWEEN 0 AND 3600000000";
    assert_eq!(number(late), 0, "each at its time");
    // The 29th, the 30th and the 31st of December have their debit of February on the leap day.
    let ends = (0..count).filter(|number| number % 31 >= 28).count();
    let leap_day = moment("2028-02-29T10:00:00Z").micros();
    let on_leap_day = number(&format!("SELECT count(*) FROM series_slots WHERE at = {leap_day}"));
    assert_eq!(on_leap_day, u32::try_from(ends).unwrap());
}
