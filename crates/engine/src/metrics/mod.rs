//! What happened, counted for whoever watches the platform.
//!
//! Labels are bounded: paths are those of the contract, accounts those of the configuration, everything else words of this
//! source. No identifier, no text of a merchant and nothing of a card is ever a label.

mod now;
mod process;

use ferropay_domain::ids::ProviderAccountId;
use ferropay_store::CommitError;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};
use std::{sync::atomic::AtomicU64, time::Duration};

pub use now::EXPOSITION_TYPE;

/// Bounds of everything that is measured in time, seconds.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

type Seconds = Gauge<f64, AtomicU64>;

/// Makes histograms of times.
#[derive(Clone, Copy, Debug)]
struct Times;

impl MetricConstructor<Histogram> for Times {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// A request of the Gate API by its path and the status of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    path: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPath {
    path: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAccount {
    account: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    account: i64,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// A call to a provider, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProviderCall {
    pub(crate) account: ProviderAccountId,
    pub(crate) kind: &'static str,
    pub(crate) outcome: &'static str,
}

/// All counters and gauges of a process.
pub struct Metrics {
    registry: Registry,
    process: process::Process,
    /// What was exposed last, and when: whoever asks often gets the same again.
    exposed: tokio::sync::Mutex<Option<now::Exposed>>,
    requests: Family<Answered, Counter>,
    request_seconds: Family<OfPath, Histogram, Times>,
    commit_seconds: Family<WithOutcome, Histogram, Times>,
    deliveries: Family<WithOutcome, Counter>,
    delivery_seconds: Histogram,
    delivery_retries: Counter,
    deliveries_given_up: Counter,
    provider_calls: Family<Called, Counter>,
    provider_seconds: Family<OfAccount, Histogram, Times>,
    provider_refused: Family<Called, Counter>,
    unknown_left: Counter,
    without_attempt: Counter,
    takeovers: Counter,
    store: StoreNow,
    work: WorkNow,
    provider: ProviderNow,
    /// The histograms of commits that were applied, lost and failed, so that a commit looks up nothing.
    commits: [Histogram; 3],
}

/// What the store says when it is asked.
#[derive(Default)]
struct StoreNow {
    commits: Counter,
    batches: Counter,
    statements: Counter,
    waiting: Family<OfKind, Gauge>,
    unreadable: Gauge,
}

/// How much work there is at the moment.
#[derive(Default)]
struct WorkNow {
    in_hand: Family<OfKind, Gauge>,
    due: Family<OfKind, Gauge>,
    put_off: Family<OfKind, Gauge>,
    age: Family<OfKind, Seconds>,
    deliveries_open: Gauge,
    deliveries_parked: Gauge,
    attempts_unknown: Gauge,
    buckets_held: Gauge,
    recovery_hold: Gauge,
    leaving: Gauge,
}

/// How providers are doing at the moment.
#[derive(Default)]
struct ProviderNow {
    up: Family<OfAccount, Gauge>,
    held: Family<OfAccount, Gauge>,
    in_hand: Family<OfAccount, Gauge>,
}

/// Registers metrics with their meaning.
macro_rules! register {
    ($registry:expr; $($name:literal $(in $unit:ident)? = $metric:expr, $help:literal;)*) => {
        $(register!(@one $registry, $name $(in $unit)?, $metric, $help);)*
    };
    (@one $registry:expr, $name:literal in $unit:ident, $metric:expr, $help:literal) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $metric.clone())
    };
    (@one $registry:expr, $name:literal, $metric:expr, $help:literal) => {
        $registry.register($name, $help, $metric.clone())
    };
}

impl Metrics {
    /// All at zero, for a process that starts at this moment, seconds since 1970.
    pub(crate) fn new(started: i64) -> Self {
        let commit_seconds = Family::<WithOutcome, Histogram, Times>::new_with_constructor(Times);
        let commits = ["applied", "lost", "failed"]
            .map(|outcome| commit_seconds.get_or_create_owned(&WithOutcome { outcome }));
        let mut metrics = Self {
            registry: Registry::with_prefix("ferropay"),
            process: process::Process::new(started),
            exposed: tokio::sync::Mutex::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(Times),
            commit_seconds,
            deliveries: Family::default(),
            delivery_seconds: Times.new_metric(),
            delivery_retries: Counter::default(),
            deliveries_given_up: Counter::default(),
            provider_calls: Family::default(),
            provider_seconds: Family::new_with_constructor(Times),
            provider_refused: Family::default(),
            unknown_left: Counter::default(),
            without_attempt: Counter::default(),
            takeovers: Counter::default(),
            store: StoreNow::default(),
            work: WorkNow::default(),
            provider: ProviderNow::default(),
            commits,
        };
        metrics.registry = metrics.registered();
        metrics
    }

    fn registered(&self) -> Registry {
        let mut registry = Registry::with_prefix("ferropay");
        let Self { store, work, provider, .. } = self;
        let build = Info::new(Build { version: env!("CARGO_PKG_VERSION") });
        registry.register("build", "The release that runs", build);
        register! { registry;
            "gate_requests" = self.requests, "Requests of the Gate API that were answered, by path and status";
            "gate_request" in Seconds = self.request_seconds, "How long answers of the Gate API took";
            "store_commits" = store.commits, "Commits applied";
            "store_batches" = store.batches, "Batches made durable, each by one sync";
            "store_statements" = store.statements, "Statements run by the writer";
            "store_commit" in Seconds = self.commit_seconds, "How long commits took until they were durable or refused";
            "store_waiting" = store.waiting, "What the store was asked to do and has not done yet";
            "store_unreadable" = store.unreadable, "1 when the store could not be asked what waits: what was counted last is shown";
            "work_in_hand" = work.in_hand, "Tasks that this process carries";
            "work_due" = work.due, "Tasks of the whole database that are due, in hand or not";
            "work_due_put_off" = work.put_off, "Those of them that were put off at least once";
            "work_oldest_due" in Seconds = work.age, "For how long the oldest of them has been due";
            "callback_attempts" = self.deliveries, "Tries to deliver a callback, by what came of them";
            "callback_attempt" in Seconds = self.delivery_seconds, "How long merchants took to answer a callback";
            "callback_retries" = self.delivery_retries, "Tries that were not the first";
            "callbacks_given_up" = self.deliveries_given_up, "Callbacks that this process gave up";
            "callbacks_open" = work.deliveries_open, "Callbacks of the whole database that are neither delivered nor given up";
            "callbacks_parked" = work.deliveries_parked, "Callbacks of the whole database that are given up and wait to be replayed";
            "unknown_outcomes" = work.attempts_unknown, "Attempts of the whole database whose outcome is unknown, or that are being undone";
            "unknown_outcomes_left" = self.unknown_left, "How often an outcome was left to an operator";
            "reports_without_attempt" = self.without_attempt, "Notices and late answers of providers about attempts that the database does not have, an archived payment's for one: kept as evidence";
            "provider_calls" = self.provider_calls, "Calls to providers that left or tried to, by what came of them";
            "provider_call" in Seconds = self.provider_seconds, "How long providers took";
            "provider_calls_refused" = self.provider_refused, "Calls that were not made: no turn in time, or held";
            "provider_calls_in_hand" = provider.in_hand, "Calls that wait for their turn or an answer";
            "provider_up" = provider.up, "1 when the provider can be reached, as far as is known";
            "provider_held" = provider.held, "1 while calls are held because the provider did not answer";
            "buckets_held" = work.buckets_held, "Parts of the work, of 64, that this process does";
            "bucket_takeovers" = self.takeovers, "Parts of the work taken from processes that were gone";
            "recovery_hold" = work.recovery_hold, "1 while nothing is sent and nothing taken on, after a restore";
            "leaving" = work.leaving, "1 once the process is about to stop";
        }
        registry
    }

    /// A request of the Gate API was answered.
    pub fn gate(&self, path: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Answered { path, status }).inc();
        self.request_seconds.get_or_create(&OfPath { path }).observe(took.as_secs_f64());
    }

    pub(crate) fn committed(&self, result: &Result<(), CommitError>, took: Duration) {
        let [applied, lost, failed] = &self.commits;
        let histogram = match result {
            Ok(()) => applied,
            Err(CommitError::Lost(_)) => lost,
            Err(_) => failed,
        };
        histogram.observe(took.as_secs_f64());
    }

    /// A try to deliver a callback, the first or another.
    pub(crate) fn delivery(&self, outcome: &'static str, is_first: bool, took: Duration) {
        self.deliveries.get_or_create(&WithOutcome { outcome }).inc();
        self.delivery_seconds.observe(took.as_secs_f64());
        if !is_first {
            self.delivery_retries.inc();
        }
    }

    pub(crate) fn delivery_given_up(&self) {
        self.deliveries_given_up.inc();
    }

    /// Parts of the work were taken from nodes that were gone.
    pub(crate) fn took_over(&self, buckets: u32) {
        self.takeovers.inc_by(u64::from(buckets));
    }

    /// How many there have been.
    pub(crate) fn takeovers(&self) -> u64 {
        self.takeovers.get()
    }

    pub(crate) fn left_unknown(&self) {
        self.unknown_left.inc();
    }

    /// A provider spoke of an attempt that nobody knows.
    pub(crate) fn without_attempt(&self) {
        self.without_attempt.inc();
    }

    pub(crate) fn provider_called(&self, call: ProviderCall, took: Duration) {
        let ProviderCall { account, kind, outcome } = call;
        let account = account.get();
        self.provider_calls.get_or_create(&Called { account, kind, outcome }).inc();
        self.provider_seconds.get_or_create(&OfAccount { account }).observe(took.as_secs_f64());
    }

    pub(crate) fn provider_refused(&self, call: ProviderCall) {
        let ProviderCall { account, kind, outcome } = call;
        self.provider_refused.get_or_create(&Called { account: account.get(), kind, outcome }).inc();
    }
}
