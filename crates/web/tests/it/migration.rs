//! Series that were registered elsewhere, taken over and debited.

use crate::{
    series::{about, debit, rejection},
    support::{CARD_MASTERCARD, CARD_OK, PROJECT, World, pick},
};
use ferropay_domain::{
    card::{Expiry, Pan},
    decide::MigratedSeries,
    ids::{PaymentId, ProjectId, ProviderAccountId},
    money::Currency,
    project::{CredentialStorage, Environment, Project},
    series::{Interval, Period, Plan, SeriesKind, SeriesStatus},
};
use ferropay_engine::{
    entropy::SystemEntropy,
    migration::{Line, Migrated, import_series},
};
use jiff::civil::{date, time};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const DEBIT: &str = "/v2/payment/card/recurring";

/// A world whose project is a merchant's in earnest, with an account of its own at the acquirer.
async fn production(change: impl FnOnce(&mut Project)) -> World {
    let world = World::with(|project| {
        project.environment = Environment::Production;
        project.settings.scheme_id_in_callbacks = true;
        project.card_account = ProviderAccountId::new(2);
        change(project);
    })
    .await;
    world.connect_account_for(Environment::Production, 2, "GATELIVE");
    world
}

fn line(number: usize, card: &str, kind: SeriesKind) -> Line {
    Line {
        number,
        pan: Pan::parse(card).unwrap(),
        expiry: Expiry { year: 2099, month: 11 },
        terms: MigratedSeries {
            registered_by: PaymentId::parse(&format!("Elsewhere-{number}")).unwrap(),
            customer: "reader-7".to_owned(),
            scheme_id: "MCC123456789012".to_owned(),
            status: SeriesStatus::Active,
            kind,
            amount: Some(900),
            currency: Currency::parse("EUR").unwrap(),
            plan: None,
            scheduled: None,
        },
    }
}

/// A line of a schedule that debits by itself, every day at one.
fn daily(number: usize, name: &str) -> Line {
    let mut line = line(number, CARD_OK, SeriesKind::Regular);
    line.terms.plan = Some(Plan {
        period: Period::Day,
        interval: Interval::ONE,
        time: Some(time(13, 0, 0, 0)),
        start: Some(date(2025, 1, 31)),
    });
    line.terms.scheduled = Some(PaymentId::parse(name).unwrap());
    line
}

impl World {
    async fn import(&self, lines: Vec<Line>) -> Migrated {
        let known = self.engine.projects().get(ProjectId::new(PROJECT)).unwrap();
        let place = (self.store.as_ref(), self.vault.as_ref());
        import_series(place, (self.clock.clone(), Arc::new(SystemEntropy)), &known.project, lines)
            .await
            .unwrap()
    }

    /// The number of the series that a payment registered elsewhere.
    async fn migrated(&self, name: &str) -> i64 {
        let kind = ferropay_domain::change::NameKind::MigratedSeries;
        let holder = self.store.name_holder(ProjectId::new(PROJECT), kind, name).await.unwrap().unwrap();
        ferropay_domain::ids::SeriesId::from_subject(*holder.as_bytes()).unwrap().get()
    }
}

fn done(migrated: &Migrated) -> (usize, usize) {
    let Migrated::Done(all) = migrated else { panic!("{migrated:?}") };
    let new = all.iter().filter(|it| it.is_new).count();
    (new, all.len() - new)
}

fn told(migrated: &Migrated) -> Vec<String> {
    let Migrated::Faulty(faults) = migrated else { panic!("{migrated:?}") };
    faults.iter().map(|(line, fault)| format!("{line} {}", fault.column)).collect()
}

// G-367, G-368, G-375: an imported series is debited as one registered here, and the networks learn which operation
// registered it
#[tokio::test(flavor = "multi_thread")]
async fn an_imported_series_is_debited_with_the_networks_identifier_of_its_registration() {
    let world = production(|_| {}).await;
    let mut canceled = line(3, CARD_OK, SeriesKind::Auto);
    canceled.terms.status = SeriesStatus::Canceled;
    let lines = || vec![line(1, CARD_OK, SeriesKind::Auto), line(2, CARD_MASTERCARD, SeriesKind::Regular)];
    let mut all = lines();
    all.push(canceled);
    assert_eq!(done(&world.import(all).await), (3, 0));
    for (name, letter) in [("elsewhere-1", "U"), ("elsewhere-2", "R")] {
        let series = world.migrated(name).await;
        let callback = world.told(DEBIT, &debit(name, series)).await;
        assert_eq!(
            pick(&callback, &["payment.type", "payment.status", "operation.type", "recurring.id"]),
            json!(["recurring", "success", "recurring", series]),
            "{callback}"
        );
        let seen = world.at_acquirer(&callback["operation"]).credential;
        assert_eq!(seen, Some(format!("U{letter}MCC123456789012")));
    }
    let ended = world.told(DEBIT, &debit("c", world.migrated("elsewhere-3").await)).await;
    assert_eq!(rejection(&ended), json!(["error", 3184, "recurring.id"]));
    let series = world.migrated("elsewhere-1").await;
    let info = world.info(series).await;
    assert_eq!(
        pick(&info["recurring"], &["type", "status", "amount", "currency", "payment_method"]),
        json!(["U", "active", "900", "EUR", "card"]),
        "{info}"
    );
    let mut stranger = debit("d", series);
    stranger["customer"]["id"] = "reader-8".into();
    assert_eq!(rejection(&world.told(DEBIT, &stranger).await), json!(["error", 2124, "customer.id"]));

    // The same file again, and a longer one, take over what is missing only.
    let again = world.import(lines()).await;
    assert_eq!(done(&again), (0, 2));
    let Migrated::Done(all) = again else { unreachable!() };
    assert_eq!((all[0].registered_by.as_str(), all[0].id.get()), ("Elsewhere-1", series));
    let mut longer = lines();
    longer.push(line(4, CARD_OK, SeriesKind::Auto));
    assert_eq!(done(&world.import(longer).await), (1, 2));
    assert_eq!(world.migrated("elsewhere-1").await, series);
    let gone: Value = world.told("/v2/payment/card/recurring/cancel", &about("e", series, json!({}))).await;
    assert_eq!(gone["recurring"]["status"], "canceled");
    for number in [CARD_OK, CARD_MASTERCARD] {
        assert!(!world.files().contains(number), "the number of a card is kept open");
    }
    world.end().await;
}

// G-367, G-379, G-383
#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_of_an_imported_series_goes_on_with_its_next_moment() {
    let world = production(|_| {}).await;
    assert_eq!(done(&world.import(vec![daily(1, "paper")]).await), (1, 0));
    let series = world.migrated("elsewhere-1").await;
    let next = world.info(series).await["recurring"]["schedule_date"]["next"].clone();
    assert!(next.as_str().is_some_and(|next| next.contains("13:00:00")), "{next}");
    world.assert_silence().await;
    world.clock.advance(Duration::from_hours(24));
    let callback = world.callback().await;
    assert_eq!(
        pick(&callback, &["payment.id", "payment.type", "operation.status", "operation.sum_initial.amount"]),
        json!(["paper", "recurring", "success", 900]),
        "{callback}"
    );
    let seen = world.at_acquirer(&callback["operation"]).credential;
    assert_eq!(seen.as_deref(), Some("URMCC123456789012"));
    // Its name is taken, here and in files.
    let mut taken = daily(2, "PAPER");
    taken.terms.customer = "reader-8".to_owned();
    assert_eq!(told(&world.import(vec![taken]).await), ["2 scheduled_payment_id"]);
    world.end().await;
}

// G-348, G-349, G-354, G-355, G-367: the whole file is looked at, and with one line wrong nothing is taken over
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_imported_while_a_line_is_wrong_or_the_project_is_not_for_it() {
    let world =
        production(|project| project.settings.currencies = vec![Currency::parse("EUR").unwrap()]).await;
    let with = |number, change: &dyn Fn(&mut Line)| {
        let mut line = line(number, CARD_OK, SeriesKind::Regular);
        change(&mut line);
        line
    };
    let named = |name: &str| PaymentId::parse(name).unwrap();
    let wrong = vec![
        with(1, &|_| {}),
        with(2, &|it| it.pan = Pan::parse("6759649826438453").unwrap()),
        with(3, &|it| it.expiry = Expiry { year: 2024, month: 12 }),
        with(4, &|it| it.terms.scheme_id = "sixteen letters!".to_owned()),
        with(5, &|it| it.terms.kind = SeriesKind::OneClick),
        with(6, &|it| it.terms.status = SeriesStatus::Expired),
        with(7, &|it| it.terms.currency = Currency::parse("USD").unwrap()),
        with(8, &|it| it.terms.scheduled = Some(named("rent"))),
        with(9, &|it| it.terms.registered_by = named("elsewhere-1")),
        {
            let mut own = daily(10, "own");
            own.terms.registered_by = named("OWN");
            own
        },
        {
            let mut nothing = daily(11, "nothing");
            nothing.terms.amount = None;
            nothing
        },
        {
            let mut auto = daily(12, "auto");
            auto.terms.kind = SeriesKind::Auto;
            auto
        },
        daily(13, "auto"),
    ];
    assert_eq!(
        told(&world.import(wrong).await),
        [
            "2 pan",
            "3 expiry",
            "4 scheme_id",
            "5 type",
            "6 status",
            "7 currency",
            "8 start_date",
            "9 register_payment_id",
            "10 scheduled_payment_id",
            "11 amount",
            "12 period",
            "13 scheduled_payment_id"
        ]
    );
    assert_eq!(done(&world.import(vec![line(1, CARD_OK, SeriesKind::Auto)]).await), (1, 0), "nothing was");
    let other_card = vec![line(1, CARD_MASTERCARD, SeriesKind::Auto)];
    assert_eq!(told(&world.import(other_card).await), ["1 register_payment_id"]);
    for change in
        [(|project: &mut Project| project.environment = Environment::Test) as fn(&mut Project), |project| {
            project.settings.credential_storage = CredentialStorage::Merchant;
        }]
    {
        world.reconfigure(change).await;
        let refused = world.import(vec![line(2, CARD_OK, SeriesKind::Auto)]).await;
        assert!(matches!(refused, Migrated::Impossible(_)), "{refused:?}");
        world.reconfigure(|project| project.environment = Environment::Production).await;
    }
    world.end().await;
}
