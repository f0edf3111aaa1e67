//! `ferropay bench`: load from outside, over HTTP, with a callback receiver of its own.
//!
//! The load generator, the receiver, the platform and the database share the machine, so the figures are those of all of
//! them together; what each has used is read from the system. The disk decides how fast a durable platform can be: in the
//! same run the same change sets are replayed on the store alone, and single rows are inserted.
//!
//! A run goes through all settings (databases, numbers of nodes, numbers of stored payments) one after the other, so that
//! those of one run have seen the same machine; of several runs the medians are told.

mod bare;
mod disk;
mod figures;
mod load;
mod measure;
mod open_loop;
mod place;
mod receiver;
mod report;
mod server;
mod target;
mod usage;

use crate::cli::{Bench, Scenario};
use anyhow::{Context, Result, bail};
use figures::Figures;
use hdrhistogram::Histogram;
use measure::Found;
use place::{Database, Place, Wanted};
use report::{Report, Series};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

/// The longest latency that is told apart, microseconds.
const LONGEST_MICROS: u64 = 120_000_000;

/// A filled database with so many times the payments of a run is used again by the next run, which finds it hardly larger.
const HARDLY_LARGER: u32 = 20;

/// What one go of a run is on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Position of the place.
    place: usize,
    /// Kind of the database.
    pub(crate) name: &'static str,
    pub(crate) nodes: u32,
    /// Payments stored before the platform starts.
    pub(crate) prefill: u32,
}

impl Setting {
    fn label(self) -> String {
        let Self { name, nodes, prefill, .. } = self;
        let nodes = if nodes > 1 { format!(", {nodes} nodes") } else { String::new() };
        let prefill = if prefill > 0 { format!(", {prefill} payments stored before") } else { String::new() };
        format!("{name}{nodes}{prefill}")
    }
}

/// Runs the load and prints what came of it; fails when something was lost or doubled. A signal to stop ends what was
/// started.
pub(crate) async fn run(options: Bench) -> Result<ExitCode> {
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        ended = measured(&options) => ended,
        _ = interrupted.recv() => bail!("interrupted"),
        _ = terminated.recv() => bail!("interrupted"),
    }
}

async fn measured(options: &Bench) -> Result<ExitCode> {
    let wanted = check(options)?;
    let directory = disk::Directory::prepare(options.directory.as_deref())?;
    let disk = disk::examine(directory.path())?;
    let on_server = wanted.iter().any(|it| *it != Wanted::Sqlite);
    let pgbench = if on_server && !options.no_bare_commits {
        Some(bare::pgbench(options.pgbench.as_deref())?)
    } else {
        None
    };
    let mut bench = Running { options, directory: directory.path(), pgbench, places: Vec::new() };
    for wanted in &wanted {
        bench.places.push(Place::prepare(wanted, directory.path(), options.in_flight).await?);
    }
    let mut servers = Vec::new();
    for place in &bench.places {
        if let Some(server) = place.server() {
            servers.push(server.describe().await?);
        }
    }
    let series = match &options.target {
        Some(base) => vec![bench.target(base).await?],
        None => bench.settings().await?,
    };
    for place in bench.places {
        place.close().await;
    }
    let report = Report { disk, servers, series };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        report.print();
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Refuses what makes no sense together; answers the databases.
fn check(options: &Bench) -> Result<Vec<Wanted>> {
    if options.in_flight == 0 || options.sales == 0 || options.runs == 0 {
        bail!("--sales, --in-flight and --runs must be 1 or above");
    }
    let open_loop = !options.share.is_empty() || !options.rate.is_empty();
    if open_loop && matches!(options.scenario, Scenario::TwoStep | Scenario::Debit) {
        bail!("--share and --rate send one request for each payment: choose another --scenario");
    }
    if options.share.contains(&0) || options.rate.contains(&0) || options.seconds == 0 {
        bail!("--share, --rate and --seconds must be 1 or above");
    }
    if options.target.is_some() && (!options.prefill.is_empty() || options.nodes != 1) {
        bail!("--prefill and --nodes are for platforms that the bench starts: leave --target out");
    }
    let wanted: Vec<Wanted> =
        options.database.iter().map(|text| Wanted::parse(text)).collect::<Result<_>>()?;
    if wanted.iter().enumerate().any(|(at, it)| wanted.iter().skip(at + 1).any(|other| other == it)) {
        bail!("--database names the same twice");
    }
    if options.nodes == 0 || (options.nodes > 1 && wanted.iter().all(|it| *it == Wanted::Sqlite)) {
        bail!("--nodes must be 1 or above, and several need a server: --database postgres");
    }
    Ok(wanted)
}

/// The bench, with everything that all runs share.
struct Running<'o> {
    options: &'o Bench,
    directory: &'o Path,
    pgbench: Option<PathBuf>,
    places: Vec<Place>,
}

impl Running<'_> {
    fn tell(&self, text: &str) {
        if !self.options.json {
            eprintln!("{text}");
        }
    }

    fn place(&self, position: usize) -> Result<&Place> {
        self.places.get(position).context("a place has gone")
    }

    /// Runs against a platform that runs already.
    async fn target(&self, base: &str) -> Result<Series> {
        let mut series = Series::new(base.to_owned(), None);
        for run in 1..=self.options.runs {
            let tell = |text: &str| self.tell(&format!("run {run} of {}: {text}", self.options.runs));
            let mut found = measure::at_target(self.options, base, &tell).await?;
            self.baselines(self.place(0)?, &mut found.figures, &tell).await?;
            series.add(found);
        }
        Ok(series)
    }

    async fn baselines(&self, place: &Place, figures: &mut Figures, tell: &dyn Fn(&str)) -> Result<()> {
        let tools = (self.directory, self.pgbench.as_deref());
        measure::baselines(self.options, place, tools, figures, tell).await
    }

    /// Runs on platforms that are started.
    async fn settings(&self) -> Result<Vec<Series>> {
        let options = self.options;
        let settings = self.combined();
        let mut all: Vec<Series> = settings.iter().map(|it| Series::new(it.label(), Some(*it))).collect();
        let mut kept: Vec<Option<Database>> = settings.iter().map(|_| None).collect();
        for run in 1..=options.runs {
            let mut first: Option<(usize, Figures)> = None;
            for ((setting, series), kept) in settings.iter().zip(&mut all).zip(&mut kept) {
                let label = setting.label();
                let tell = |text: &str| self.tell(&format!("run {run} of {}, {label}: {text}", options.runs));
                let mut found = self.once(setting, kept, &tell).await?;
                // The store alone is the same with however many nodes and payments.
                if let Some((place, first)) = &first
                    && *place == setting.place
                {
                    compare(&mut found.figures, first);
                } else {
                    self.baselines(self.place(setting.place)?, &mut found.figures, &tell).await?;
                    first = Some((setting.place, found.figures.clone()));
                }
                let per_second = found.figures.get("finished_per_second").unwrap_or(0);
                tell(&format!("{per_second} sales per second"));
                series.add(found);
            }
        }
        for database in kept.into_iter().flatten() {
            database.remove().await?;
        }
        Ok(all)
    }

    /// Every combination that was asked for: the databases, with one node and with several, with each number of payments.
    fn combined(&self) -> Vec<Setting> {
        let options = self.options;
        let prefills = if options.prefill.is_empty() { vec![0] } else { options.prefill.clone() };
        let mut settings = Vec::new();
        for (place, name) in self.places.iter().map(Place::name).enumerate() {
            for prefill in &prefills {
                settings.push(Setting { place, name, nodes: 1, prefill: *prefill });
                if options.nodes > 1 && self.places.get(place).is_some_and(|it| it.server().is_some()) {
                    settings.push(Setting { place, name, nodes: options.nodes, prefill: *prefill });
                }
            }
        }
        settings
    }

    async fn once(
        &self,
        setting: &Setting,
        kept: &mut Option<Database>,
        tell: &dyn Fn(&str),
    ) -> Result<Found> {
        let mut database = match kept.take() {
            Some(database) => database,
            None => self.fresh(setting, tell).await?,
        };
        let found = measure::on_database(self.options, setting, &mut database, tell).await;
        let of_a_run = self.options.sales.saturating_add(self.options.warm_up);
        if found.is_ok() && setting.prefill / HARDLY_LARGER >= of_a_run {
            *kept = Some(database);
        } else {
            database.remove().await?;
        }
        found
    }

    async fn fresh(&self, setting: &Setting, tell: &dyn Fn(&str)) -> Result<Database> {
        let Setting { place, nodes, prefill, .. } = *setting;
        let mut database = self.place(place)?.database(&format!("bench_{nodes}_{prefill}")).await?;
        if prefill > 0 {
            tell(&format!("storing {prefill} payments …"));
            database.fill(prefill, target::PROJECT).await?;
        }
        Ok(database)
    }
}

/// Notes how a setting compares with the first on the same place in the same run.
fn compare(figures: &mut Figures, first: &Figures) {
    let percent = |this: Option<u64>, that: Option<u64>| this?.saturating_mul(100).checked_div(that?);
    let speed = |of: &Figures| of.get("finished_per_second");
    let cpu = |of: &Figures| of.sum(["platform_cpu_us_per_sale", "server_cpu_us_per_sale"]);
    figures.set("percent_of_first", percent(speed(figures), speed(first)));
    figures.set("cpu_percent_of_first", percent(cpu(figures), cpu(first)));
}

/// A histogram of microseconds.
fn latencies() -> Result<Histogram<u64>> {
    Histogram::new_with_max(LONGEST_MICROS, 3).context("a histogram cannot be made")
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
