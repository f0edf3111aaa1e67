//! `ferropay project route`.

use super::project::find;
use crate::{cli::Route, platform::files};
use anyhow::{Context as _, Result};
use ferropay_domain::{
    card::{Country, Network},
    ids::ProjectId,
    money::{Currency, Money},
    payment::OperationKind,
    project::Routed,
};

/// The kind of operation that callbacks write like this.
pub(super) fn kind(name: &str) -> Option<OperationKind> {
    OperationKind::ALL.iter().copied().find(|kind| kind.text() == name)
}

/// Says by which rule a card operation finds its accounts, and why the rules before do not fit.
pub(super) async fn run(command: Route) -> Result<()> {
    let Route { database, project, operation, network, country, currency, amount } = command;
    let kind = kind(&operation).with_context(|| format!("{operation:?} is no kind of operation"))?;
    let network: Network = serde_json::from_value(network.clone().into())
        .with_context(|| format!("{network:?} is no network of cards"))?;
    let country = country
        .map(|code| Country::parse(&code).ok().with_context(|| format!("{code:?} is no country")))
        .transpose()?;
    let currency = Currency::parse(&currency).ok().with_context(|| format!("{currency:?} is no currency"))?;
    let routed = Routed { kind, network, country, amount: Money::new(amount, currency) };
    let store = files::open_store(&database.database).await?;
    let project = find(store.as_ref(), ProjectId::new(i64::from(project))).await?.project;
    for (number, (rule, mismatch)) in project.explained_route(routed).enumerate() {
        let verdict = mismatch.map_or_else(|| "decides".to_owned(), |why| format!("does not fit: {why}"));
        println!("rule {} {:?} {verdict}", number + 1, rule.name);
    }
    let accounts: Vec<String> = project.route(&routed).iter().map(ToString::to_string).collect();
    println!("accounts, in this order: {}", accounts.join(", "));
    let tried = usize::from(project.settings.cascading_attempts).min(accounts.len());
    println!("tried when providers fail: {tried} of them");
    Ok(())
}
