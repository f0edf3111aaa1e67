//! Writing everything down when somebody asks.

use super::{Metrics, OfAccount, OfKind};
use crate::{
    connector::Connector as _,
    engine::Engine,
    registry::{Kind, kind_of},
};
use ferropay_store::{Backlog, Effort};
use prometheus_client::{encoding::text, metrics::gauge::Gauge};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// The media type of what [`Engine::exposition`] writes.
pub const EXPOSITION_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whoever asks again before this gets what was written last.
const SAME_FOR: Duration = Duration::from_millis(500);

/// How long the store may take to say what waits.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct Exposed {
    at: Instant,
    text: Arc<str>,
}

/// What is due of one kind.
#[derive(Clone, Copy, Default)]
struct Due {
    count: u64,
    put_off: u64,
    age: Duration,
}

impl Engine {
    /// All metrics in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// They could not be written down, which is a defect.
    pub async fn exposition(&self) -> Result<Arc<str>, fmt::Error> {
        let mut last = self.metrics.exposed.lock().await;
        if let Some(exposed) = last.as_ref()
            && exposed.at.elapsed() < SAME_FOR
        {
            return Ok(exposed.text.clone());
        }
        let backlog = tokio::time::timeout(PATIENCE, self.backlog()).await.ok().flatten();
        let metrics = &self.metrics;
        metrics.show_store(self.store.effort(), backlog.is_none());
        metrics.show_carried(self);
        // Otherwise what was counted last stays: to tell alerts that nothing waits would be wrong.
        if let Some(backlog) = backlog {
            metrics.show_backlog(self, &backlog);
        }
        for gate in self.gates() {
            let account = OfAccount { account: gate.account().get() };
            set(&metrics.provider.up.get_or_create(&account), u64::from(gate.is_up()));
            set(&metrics.provider.held.get_or_create(&account), u64::from(gate.is_held()));
            set(&metrics.provider.in_hand.get_or_create(&account), gate.in_hand());
        }
        let mut written = String::new();
        text::encode_registry(&mut written, &metrics.registry)?;
        text::encode_registry(&mut written, &metrics.process.measured())?;
        text::encode_eof(&mut written)?;
        let text: Arc<str> = written.into();
        *last = Some(Exposed { at: Instant::now(), text: text.clone() });
        Ok(text)
    }

    /// What waits in the store; none when it cannot be asked.
    async fn backlog(&self) -> Option<Backlog> {
        let real = self.now();
        let mut clocks = vec![(None, real)];
        let projects = self.projects().all();
        clocks.extend(projects.iter().filter_map(|it| Some((Some(it.timer_clock()?), it.business(real)))));
        self.store
            .backlog(clocks)
            .await
            .inspect_err(|error| tracing::warn!(%error, "what waits could not be counted"))
            .ok()
    }
}

impl Metrics {
    fn show_store(&self, effort: Effort, unreadable: bool) {
        let Effort { batches, commits, statements, commits_waiting, reads_waiting } = effort;
        let store = &self.store;
        store.commits.inner().store(commits, Ordering::Relaxed);
        store.batches.inner().store(batches, Ordering::Relaxed);
        store.statements.inner().store(statements, Ordering::Relaxed);
        set(&store.waiting.get_or_create(&OfKind { kind: "write" }), commits_waiting);
        set(&store.waiting.get_or_create(&OfKind { kind: "read" }), reads_waiting);
        set(&store.unreadable, u64::from(unreadable));
    }

    /// What this process does itself.
    fn show_carried(&self, engine: &Engine) {
        let work = &self.work;
        for (kind, in_hand) in engine.registry.sizes() {
            let kind = OfKind { kind: kind.name() };
            set(&work.in_hand.get_or_create(&kind), in_hand);
            // All there from the beginning, also while the store cannot be asked.
            drop(work.due.get_or_create(&kind));
            drop(work.put_off.get_or_create(&kind));
            drop(work.age.get_or_create(&kind));
        }
        set(&work.buckets_held, engine.holds().len());
        set(&work.recovery_hold, u64::from(engine.is_held()));
        set(&work.leaving, u64::from(engine.is_leaving()));
    }

    /// What waits in the whole database, whoever does it.
    fn show_backlog(&self, engine: &Engine, backlog: &Backlog) {
        let work = &self.work;
        let kinds = engine.registry.sizes().into_iter().map(|(kind, _)| (kind, Due::default()));
        let mut due: BTreeMap<Kind, Due> = kinds.collect();
        for found in &backlog.due {
            let now = match found.clock.and_then(|id| engine.projects().get(id)) {
                Some(project) => project.business(engine.now()),
                None => engine.now(),
            };
            let of_kind = due.entry(kind_of(found.example)).or_default();
            of_kind.count = of_kind.count.saturating_add(found.count);
            of_kind.put_off = of_kind.put_off.saturating_add(found.retried);
            of_kind.age = of_kind.age.max(now.since(found.earliest));
        }
        for (kind, Due { count, put_off, age }) in due {
            let kind = OfKind { kind: kind.name() };
            set(&work.due.get_or_create(&kind), count);
            set(&work.put_off.get_or_create(&kind), put_off);
            work.age.get_or_create(&kind).set(age.as_secs_f64());
        }
        set(&work.deliveries_open, backlog.deliveries_open);
        set(&work.deliveries_parked, backlog.deliveries_parked);
        set(&work.attempts_unknown, backlog.attempts_unknown);
    }
}

fn set(gauge: &Gauge, value: impl TryInto<i64>) {
    gauge.set(value.try_into().unwrap_or(i64::MAX));
}
