//! `ferropay callbacks`.

use crate::{cli::Callbacks as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{
    ids::{CallbackId, ProjectId},
    project::Environment,
};
use ferropay_engine::{
    administration::{self, Resent},
    clock::{Clock as _, SystemClock},
};
use ferropay_store::{CallbackFilter, Delivery, DeliveryState, Store};
use std::process::ExitCode;

/// How many parked callbacks one replay takes up.
const MOST: u32 = 10_000;

/// Runs a sub-command of `callbacks`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List { database, project, state, limit, bodies } => {
            let store = files::open_store(&database.database).await?;
            let project = project.map(|number| ProjectId::new(i64::from(number)));
            let state = state.as_deref().map(parse_state).transpose()?;
            let filter = CallbackFilter { project, state, limit, ..CallbackFilter::default() };
            list(store.as_ref(), filter, bodies).await?;
        }
        Command::Replay { database, callback } => {
            let store = files::open_store(&database.database).await?;
            replay(store.as_ref(), callback).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_state(text: &str) -> Result<DeliveryState> {
    Ok(match text {
        "open" => DeliveryState::Open,
        "delivered" => DeliveryState::Delivered,
        "parked" => DeliveryState::Parked,
        _ => bail!("{text:?} is no state; there are open, delivered and parked"),
    })
}

const fn name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Open => "open",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Parked => "parked",
    }
}

async fn list(store: &dyn Store, filter: CallbackFilter, bodies: bool) -> Result<()> {
    println!("{:>17}  {:>10}  {:<9} {:>5} {:>6}  address", "callback", "project", "state", "tries", "answer");
    for row in store.callbacks(filter).await? {
        let Delivery { callback, project, state, attempts, url, body, .. } = &row.delivery;
        let (state, url) = if url.is_empty() {
            ("none", "(no address or not wanted)")
        } else {
            (name(*state), url.as_str())
        };
        println!("{callback:>17}  {project:>10}  {state:<9} {attempts:>5} {:>6}  {url}", row.status);
        if bodies {
            println!("    {body}");
        }
    }
    Ok(())
}

async fn replay(store: &dyn Store, callback: Option<i64>) -> Result<()> {
    let deliveries: Vec<Delivery> = if let Some(number) = callback {
        let found = store.delivery(CallbackId::new(number), 0).await?;
        vec![found.with_context(|| format!("there is no callback {number} with an address"))?]
    } else {
        let filter =
            CallbackFilter { state: Some(DeliveryState::Parked), limit: MOST, ..CallbackFilter::default() };
        // They are listed newest first, and leave in the order in which things happened.
        store.callbacks(filter).await?.into_iter().rev().map(|row| row.delivery).collect()
    };
    let projects = store.projects().await?;
    let mut replayed = 0_u32;
    for delivery in &deliveries {
        let project = projects.iter().find(|record| record.project.id == delivery.project);
        let project = project.context("the callback's project is missing")?;
        let test = project.project.environment == Environment::Test;
        let now = SystemClock.now().micros().saturating_add(if test { project.clock_offset } else { 0 });
        let now = ferropay_domain::time::Timestamp::from_micros(now);
        let clock = test.then_some(delivery.project);
        match administration::resend(store, delivery, clock, now).await? {
            Resent::Due => replayed += 1,
            Resent::Busy => {
                eprintln!("Callback {} is being sent at this moment; it is left alone.", delivery.callback);
            }
            Resent::Forgotten => bail!(
                "callback {} was delivered so long ago that its body is not kept any more (`retention` in docs/operations.md)",
                delivery.callback
            ),
        }
    }
    println!("{replayed} callbacks will be sent again.");
    Ok(())
}
