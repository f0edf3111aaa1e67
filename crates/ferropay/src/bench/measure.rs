//! One go: a platform on a database, the load, and what it is held against.

use super::{
    Setting, bare,
    figures::{Figures, per},
    load, micros, open_loop,
    place::{Database, Place},
    receiver,
    server::{Counted, Server},
    target::{Stored, Target},
    usage::{self, Usage},
};
use crate::{
    cli::{Bench, Scenario},
    client::Merchant,
};
use anyhow::{Context, Result};
use ferropay_wire::signature::Secret;
use std::{path::Path, sync::Arc, time::Duration};

/// How long a platform that has just started is left alone before its memory counts as that of an idle one.
const IDLE: Duration = Duration::from_secs(2);

/// What must not happen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checks {
    pub(crate) refused: u64,
    pub(crate) unsuccessful: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) wrong: u64,
    /// At the simulated acquirer; not known of a platform that was not started here.
    pub(crate) doubled: Option<u64>,
}

impl Checks {
    /// Whether nothing was lost, refused or doubled.
    pub(crate) fn is_sound(self) -> bool {
        let Self { refused, unsuccessful, lost, repeated, wrong, doubled } = self;
        [refused, unsuccessful, lost, repeated, wrong, doubled.unwrap_or(0)].iter().all(|count| *count == 0)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.refused += other.refused;
        self.unsuccessful += other.unsuccessful;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.wrong += other.wrong;
        self.doubled = self.doubled.map_or(other.doubled, |it| Some(it + other.doubled.unwrap_or(0)));
    }
}

/// What everything has used and done at a moment.
struct Reading {
    platform: Option<Usage>,
    stored: Option<Stored>,
    server: Option<Usage>,
    counted: Option<Counted>,
    generator: Option<Usage>,
}

impl Reading {
    async fn take(target: &Target, server: Option<&Server>) -> Result<Self> {
        let counted = match server {
            Some(server) => Some(server.counted().await?),
            None => None,
        };
        Ok(Self {
            stored: target.stored().await,
            platform: target.usage(),
            server: server.and_then(Server::usage),
            counted,
            generator: usage::own(),
        })
    }

    fn set(&self, before: &Self, sales: u64, figures: &mut Figures) {
        let since = |now: Option<Usage>, then: Option<Usage>| Some(now?.since(then?));
        figures.set_usage(since(self.platform, before.platform), sales);
        let generator = since(self.generator, before.generator);
        figures.set("generator_cpu_us_per_sale", generator.and_then(|it| per(it.cpu, sales)));
        if let Some(server) = since(self.server, before.server) {
            figures.set("server_cpu_us_per_sale", per(server.cpu, sales));
            figures.set("server_written_bytes_per_sale", server.written.checked_div(sales));
        }
        let of_thousand = |count: u64| count.saturating_mul(1_000).checked_div(sales);
        if let Some((now, then)) = self.stored.zip(before.stored) {
            figures.set("batches_per_1000", of_thousand(now.batches.saturating_sub(then.batches)));
            figures.set("statements_per_1000", of_thousand(now.statements.saturating_sub(then.statements)));
        }
        if let Some((now, then)) = self.counted.zip(before.counted) {
            figures.set("syncs_per_1000", of_thousand(now.syncs.saturating_sub(then.syncs)));
            let log = now.log_bytes.saturating_sub(then.log_bytes);
            figures.set("log_bytes_per_sale", log.checked_div(sales));
        }
    }
}

/// What a run has found.
pub(crate) struct Found {
    pub(crate) figures: Figures,
    pub(crate) checks: Checks,
}

/// The platform on a fresh database, or on one that was filled, which is given back.
pub(crate) async fn on_database(
    options: &Bench,
    setting: &Setting,
    database: &mut Database,
    tell: &dyn Fn(&str),
) -> Result<Found> {
    if let Some(server) = database.place.server() {
        server.checkpoint().await?;
    }
    tell("starting the platform …");
    let target = Target::start(database, setting.nodes).await?;
    let mut figures = Figures::default();
    tokio::time::sleep(IDLE).await;
    figures.set("idle_resident_bytes", target.usage().map(|usage| usage.resident));
    figures.set("idle_own_memory_bytes", target.usage().map(|usage| usage.own_memory));
    let server = database.place.server();
    let (checks, sold) = under_load(options, target, server, &mut figures, tell).await?;
    database.stored += sold;
    figures.set("database_bytes_per_sale", database.size().await?.checked_div(database.stored));
    Ok(Found { figures, checks })
}

/// A platform that runs already.
pub(crate) async fn at_target(options: &Bench, base: &str, tell: &dyn Fn(&str)) -> Result<Found> {
    let mut figures = Figures::default();
    let target = Target::reach(base, options)?;
    let (checks, _) = under_load(options, target, None, &mut figures, tell).await?;
    Ok(Found { figures, checks })
}

/// Answers what must not have happened, and how many sales there were.
async fn under_load(
    options: &Bench,
    target: Target,
    server: Option<&Server>,
    figures: &mut Figures,
    tell: &dyn Fn(&str),
) -> Result<(Checks, u64)> {
    let receiver = Arc::new(receiver::start().await?);
    let merchant = Merchant { project: target.project, secret: Secret::new(target.secret.clone()) };
    let plan = load::Plan {
        addresses: target.addresses.clone(),
        merchant: Arc::new(merchant),
        in_flight: options.in_flight,
        callback_url: receiver.url(),
        scenario: options.scenario,
    };
    let warm_up = options.warm_up.min(options.sales);
    load::run(&plan, &receiver, "warm", warm_up).await.context("the warm-up failed")?;
    tell(&format!("{} sales, {} in flight …", options.sales, options.in_flight));
    let before = Reading::take(&target, server).await?;
    let outcome = load::run(&plan, &receiver, "bench", options.sales).await?;
    receiver.settle().await;
    Reading::take(&target, server).await?.set(&before, outcome.finished, figures);
    let per_second = outcome.finished.saturating_mul(1_000_000) / micros(outcome.elapsed).max(1);
    figures.set("finished", outcome.finished);
    figures.set("finished_per_second", per_second);
    figures.set_latency("accepted", &outcome.accepted);
    figures.set_latency("final_callback", &outcome.final_callback);
    let mut checks = Checks {
        refused: outcome.refused,
        unsuccessful: outcome.unsuccessful,
        lost: outcome.lost,
        ..Checks::default()
    };
    let mut sold = outcome.finished + u64::from(warm_up);
    for (name, per_second) in rates(options, per_second) {
        tell(&format!("{per_second} sales per second for {} s, whatever happens …", options.seconds));
        let span = Duration::from_secs(options.seconds);
        let outcome = open_loop::run(plan.clone(), receiver.clone(), per_second, span).await?;
        figures.set(&format!("{name}_sent_per_second"), u64::from(per_second));
        figures.set_latency(&format!("{name}_accepted"), &outcome.accepted);
        figures.set_latency(&format!("{name}_final_callback"), &outcome.final_callback);
        figures.set_latency(&format!("{name}_sent"), &outcome.sent);
        checks.refused += outcome.refused;
        checks.unsuccessful += outcome.unsuccessful;
        checks.lost += outcome.lost;
        sold += outcome.finished;
    }
    receiver.settle().await;
    checks.repeated = receiver.repeated();
    checks.wrong = receiver.wrong();
    checks.doubled = target.doubled().await;
    target.stop().await;
    Ok((checks, sold))
}

/// The rates at which load comes by itself, with the names of their figures.
fn rates(options: &Bench, capacity: u64) -> Vec<(String, u32)> {
    let share = |share: &u32| {
        let rate = capacity.saturating_mul(u64::from(*share)) / 100;
        (format!("share_{share}"), u32::try_from(rate.max(1)).unwrap_or(u32::MAX))
    };
    let rate = |rate: &u32| (format!("rate_{rate}"), *rate);
    options.share.iter().map(share).chain(options.rate.iter().map(rate)).collect()
}

/// What the platform is held against, on the same disk or server: the same change sets without any network, and
/// single rows.
pub(crate) async fn baselines(
    options: &Bench,
    place: &Place,
    (directory, pgbench): (&Path, Option<&Path>),
    figures: &mut Figures,
    tell: &dyn Fn(&str),
) -> Result<()> {
    // The replay is that of plain sales.
    if !options.no_replay && options.scenario == Scenario::Sale {
        tell("replaying the same change sets on the store alone …");
        let database = place.database("replay").await?;
        let replayed = replay(options, &database, figures).await;
        database.remove().await?;
        replayed?;
        figures.set("percent_of_replay", figures.percent("finished_per_second", "replay_per_second"));
    }
    if options.no_bare_commits {
        return Ok(());
    }
    tell("inserting single rows …");
    let span = Duration::from_secs(options.seconds);
    let alone = match (place.server(), pgbench) {
        (Some(server), Some(pgbench)) => {
            let clients = options.in_flight.min(server.most_clients().await?);
            let together = bare::on_server(server, pgbench, directory, (clients, span)).await?;
            figures.set("bare_clients", u64::from(clients));
            figures.set("bare_per_second", together.per_second);
            figures.set_latency("bare", &together.took);
            bare::on_server(server, pgbench, directory, (1, span)).await?
        }
        _ => bare::in_file(directory, span).await?,
    };
    figures.set("bare_alone_per_second", alone.per_second);
    figures.set_latency("bare_alone", &alone.took);
    Ok(())
}

async fn replay(options: &Bench, database: &Database, figures: &mut Figures) -> Result<()> {
    let server = database.place.server();
    let usage = || (usage::own(), server.and_then(Server::usage));
    let before = usage();
    let outcomes = database.replay(options.sales, options.in_flight).await?;
    let after = usage();
    let finished = u64::from(outcomes.finished);
    let cpu = |now: Option<Usage>, then: Option<Usage>| Some(now?.since(then?).cpu);
    let own = cpu(after.0, before.0).unwrap_or_default();
    let of_server = cpu(after.1, before.1);
    figures.set("replay_per_second", outcomes.per_second());
    figures.set("replay_cpu_us_per_sale", per(own + of_server.unwrap_or_default(), finished));
    figures.set("replay_server_cpu_us_per_sale", of_server.and_then(|cpu| per(cpu, finished)));
    figures.set("replay_commits_per_batch", finished.saturating_mul(3).checked_div(outcomes.batches));
    let of_thousand = |count: u64| count.saturating_mul(1_000).checked_div(finished);
    figures.set("replay_batches_per_1000", of_thousand(outcomes.batches));
    figures.set("replay_statements_per_1000", of_thousand(outcomes.statements));
    figures.set("replay_database_bytes_per_sale", database.size().await?.checked_div(finished));
    Ok(())
}
