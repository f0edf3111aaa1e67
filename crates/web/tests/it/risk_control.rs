//! Risk control as a merchant meets it: declined operations with the code of the rule (G-519 to G-523).

use crate::{
    series::{DEBIT, debit, registering},
    support::{World, pick, provider::purchase, sale},
};
use ferropay_domain::{
    ids::ProjectId,
    risk::{Direction, Feature, List, Measure, Rule},
    time::Timestamp,
};
use ferropay_store::RiskEntry;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const SALE: &str = "/v2/payment/card/sale";

async fn list(world: &World, list: List, feature: Feature, text: &str) {
    let entry = RiskEntry {
        list,
        feature,
        value: feature.folded(text).unwrap(),
        note: String::new(),
        added_at: Timestamp::default(),
    };
    assert!(world.store.add_risk_entry(ProjectId::new(1001), entry).await.unwrap());
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.status", "operation.code"])
}

/// At most so many purchases of a customer within an hour.
fn per_hour(most: i64) -> Rule {
    Rule {
        direction: Direction::In,
        by: Feature::Customer,
        measure: Measure::Count,
        seconds: 3600,
        most,
        currency: None,
        crossing: None,
        code: None,
    }
}

// G-519, G-520, G-522, G-524
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_on_a_list_is_declined_with_the_code_of_the_list() {
    let world = World::with(|project| project.settings.risk_lists = true).await;
    list(&world, List::Black, Feature::Ip, "192.0.2.99").await;
    list(&world, List::Black, Feature::EmailDomain, "bad.example").await;
    list(&world, List::Phrases, Feature::Phrase, "Arms  Deal").await;
    list(&world, List::SanctionsEu, Feature::Holder, "Judy Doe").await;
    let case = |id: &str, path: &[&str], value: &str| {
        let mut body = sale(id, 1000, "EUR");
        let (last, parents) = path.split_last().unwrap();
        parents.iter().fold(&mut body, |at, name| &mut at[*name])[*last] = json!(value);
        body
    };
    for (body, code) in [
        (case("a", &["customer", "ip_address"], "192.0.2.99"), "1405"),
        (case("b", &["customer", "email"], "someone@BAD.example"), "1410"),
        (case("c", &["payment", "description"], "for an arms deal"), "1455"),
        (case("d", &["card", "card_holder"], "DOE JUDY"), "0"),
        (case("e", &["card", "card_holder"], "JUDY DOE"), "1457"),
    ] {
        let callback = world.told(SALE, &body).await;
        let status = if code == "0" { "success" } else { "decline" };
        assert_eq!(outcome(&callback), json!([status, status, code]));
    }
    assert_eq!(world.balance("EUR").await.1, 0, "nothing is held");
    world.end().await;
}

// G-521
#[tokio::test(flavor = "multi_thread")]
async fn of_many_sales_at_once_only_as_many_as_the_limit_allows_go_on() {
    let rule = per_hour(4);
    let world = World::with(|project| project.settings.risk_limits = vec![rule]).await;
    let bodies: Vec<Value> = (0..12).map(|it| sale(&format!("order-{it}"), 1000, "EUR")).collect();
    let sent = bodies.iter().map(|body| world.accept(SALE, body));
    futures_util::future::join_all(sent).await;
    let mut codes = BTreeMap::<String, usize>::new();
    for _ in &bodies {
        let callback = world.callback().await;
        *codes.entry(callback["operation"]["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([("0".to_owned(), 4), ("1433".to_owned(), 8)]));
    world.clock.advance(Duration::from_secs(3601));
    let callback = world.told(SALE, &sale("later", 1000, "EUR")).await;
    assert_eq!(callback["operation"]["code"], "0");
    world.end().await;
}

/// A series with a debit on each day from the day after the tests begin.
fn daily() -> Value {
    let mut terms = json!({ "type": "R", "period": "D", "time": "10:00:00", "start_date": "22-11-2026" });
    terms["amount"] = json!(100);
    terms["scheduled_payment_id"] = json!("rent");
    registering("order-1", terms)
}

// G-519, G-520, G-396
#[tokio::test(flavor = "multi_thread")]
async fn debits_of_a_series_are_looked_at_each_time() {
    let world = World::with(|project| {
        project.settings.risk_lists = true;
        project.settings.debit_retries_allowed = true;
    })
    .await;
    let mut body = daily();
    body["customer"]["email"] = json!("judy@example.com");
    let registered = world.told(SALE, &body).await;
    let series = registered["recurring"]["id"].as_i64().unwrap();
    world.clock.set("2026-11-22T10:00:00Z");
    assert_eq!(world.callback().await["operation"]["code"], "0");
    assert_eq!(world.told(DEBIT, &debit("now", series)).await["operation"]["code"], "0");
    list(&world, List::Black, Feature::Email, "judy@example.com").await;
    let refused = world.told(DEBIT, &debit("again", series)).await;
    assert_eq!(outcome(&refused), json!(["decline", "decline", "1406"]), "the e-mail of the registration");
    world.clock.set("2026-11-23T10:00:00Z");
    let expected = json!(["scheduled recurring processing", "decline", "1406"]);
    assert_eq!(outcome(&world.callback().await), expected);
    world.clock.set("2026-11-24T09:59:00Z");
    world.assert_silence().await;
    world.clock.set("2026-11-24T10:00:00Z");
    assert_eq!(outcome(&world.callback().await), expected, "the schedule goes on, and nothing else is tried");
    world.assert_silence().await;
    world.end().await;
}

// G-521
#[tokio::test(flavor = "multi_thread")]
async fn debits_of_a_series_count_against_limits() {
    let world = World::with(|project| project.settings.risk_limits = vec![per_hour(2)]).await;
    let series = world.told(SALE, &daily()).await["recurring"]["id"].as_i64().unwrap();
    assert_eq!(world.told(DEBIT, &debit("second", series)).await["operation"]["code"], "0");
    assert_eq!(world.told(DEBIT, &debit("third", series)).await["operation"]["code"], "1433");
    world.clock.set("2026-11-22T09:59:00Z");
    for name in ["fourth", "fifth"] {
        assert_eq!(world.told(DEBIT, &debit(name, series)).await["operation"]["code"], "0");
    }
    world.clock.set("2026-11-22T10:00:00Z");
    let expected = json!(["scheduled recurring processing", "decline", "1433"]);
    assert_eq!(outcome(&world.callback().await), expected, "a limit that only the commit sees");
    world.clock.set("2026-11-23T10:00:00Z");
    assert_eq!(world.callback().await["operation"]["code"], "0");
    world.end().await;
}

// G-519, G-520, G-521
#[tokio::test(flavor = "multi_thread")]
async fn purchases_by_methods_are_looked_at_and_counted() {
    let (world, _provider) = World::with_provider(|project| {
        project.settings.risk_lists = true;
        project.settings.risk_limits = vec![per_hour(1)];
    })
    .await;
    list(&world, List::Black, Feature::Ip, "192.0.2.99").await;
    let mut body = purchase("listed", 1_000, "EUR");
    body["customer"]["ip_address"] = json!("192.0.2.99");
    let alipay = "/v2/payment/wallet/alipay/sale";
    assert_eq!(outcome(&world.told(alipay, &body).await), json!(["decline", "decline", "1405"]));
    let first = world.told(alipay, &purchase("first", 1_000, "EUR")).await;
    assert_eq!(first["payment"]["status"], "awaiting redirect result", "what was declined is not counted");
    let second = world.told(alipay, &purchase("second", 1_000, "EUR")).await;
    assert_eq!(outcome(&second), json!(["decline", "decline", "1433"]));
    world.end().await;
}
