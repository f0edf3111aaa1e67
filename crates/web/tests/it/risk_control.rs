//! Risk control as a merchant meets it: declined operations with the code of the rule (G-519 to G-523).

use crate::support::{World, pick, sale};
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
    let rule = Rule {
        direction: Direction::In,
        by: Feature::Customer,
        measure: Measure::Count,
        seconds: 3600,
        most: 4,
        currency: None,
        crossing: None,
        code: None,
    };
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
