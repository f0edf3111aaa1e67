//! A customer who comes back from the payment system's page at a moment at which nothing can be recorded.

use crate::world::{ACCOUNT, PROMPT, World, only_attempt, sell, until};
use ferropay_domain::{
    codes,
    decide::Outcome,
    ids::ProviderAccountId,
    payment::{Ask, AttemptStatus, ProviderAnswer},
    project::{Environment, OperationDay},
};
use ferropay_engine::{
    Company, Engine, Settings,
    connector::{Connector, Eventually, Order, Reversal},
};
use ferropay_store::Store as _;
use parking_lot::Mutex;
use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Counts how often the store could not record what was decided, as the log tells it.
#[derive(Default)]
struct Failures(Arc<AtomicU32>);

struct IsFailure(bool);

impl Visit for IsFailure {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0 |= format!("{value:?}").contains("could not be recorded and is tried again");
    }
}

impl Subscriber for Failures {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut found = IsFailure(false);
        event.record(&mut found);
        self.0.fetch_add(u32::from(found.0), Ordering::SeqCst);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Takes the first order on, and keeps whether each said that it was a repeat.
#[derive(Default)]
struct TakesOn {
    repeats: Mutex<Vec<bool>>,
    day: OperationDay,
}

impl Connector for TakesOn {
    fn account(&self) -> ProviderAccountId {
        ACCOUNT
    }

    fn environment(&self) -> Environment {
        Environment::Test
    }

    fn operation_day(&self) -> &OperationDay {
        &self.day
    }

    fn repeat_window(&self) -> Duration {
        Duration::from_hours(24)
    }

    fn retention(&self) -> Duration {
        Duration::from_hours(240)
    }

    fn repeats(&self, _: Ask) -> bool {
        true
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        let mut repeats = self.repeats.lock();
        repeats.push(order.repeat);
        let outcome = if repeats.len() == 1 {
            Outcome::Pending { answer: ProviderAnswer::default(), shown: None }
        } else {
            Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE }
        };
        Box::pin(std::future::ready(outcome))
    }

    fn reverse(&self, _: Order, _: u32) -> Eventually<'_, Reversal> {
        Box::pin(std::future::ready(Reversal::Unanswered))
    }
}

/// The leases run out while the customer's return cannot be recorded, and are back when it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_sent_before_is_sent_as_a_repeat_when_a_customers_return_makes_it_due() {
    let failures = Failures::default();
    let failed = failures.0.clone();
    tracing::subscriber::set_global_default(failures).unwrap();
    let world = World::new().await;
    let provider = Arc::new(TakesOn::default());
    let company = Company::Shared(Duration::from_millis(500));
    let engine = Engine::new(world.parts(Settings { company, ..PROMPT })).await.unwrap();
    engine.connect(provider.clone());
    engine.start();
    until("it holds everything", async || engine.holds().len() == 64).await;
    sell(&engine, "sale").await;
    until("it is sent", async || provider.repeats.lock().len() == 1).await;
    let attempt = only_attempt(&world);
    let status = async || world.store.scene(attempt).await.unwrap().unwrap().attempt.status;
    until("it is taken on", async || status().await == AttemptStatus::Pending && engine.in_hand() == 0).await;
    let ticket = {
        let reference = attempt.reference();
        let parts = world.parts(PROMPT);
        let digest = parts.vault.fingerprint(&[b"a customer's way back", &reference.to_be_bytes()]);
        let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        format!("{reference}-{hex}")
    };
    // Nothing can be written for a while, as on a full disk; what is stored can be read.
    let blocker = rusqlite::Connection::open(world.database()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    until("the leases have run out", async || engine.holds().is_empty()).await;
    let returning = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.customer_returned(&ticket).await.map(|found| found.is_some()) })
    };
    until("it was tried twice, and there is a pause", async || failed.load(Ordering::SeqCst) >= 2).await;
    blocker.execute_batch("ROLLBACK").unwrap();
    assert!(returning.await.unwrap().unwrap());
    until("it was asked for", async || provider.repeats.lock().len() > 1).await;
    let repeats = provider.repeats.lock().clone();
    assert!(repeats.iter().skip(1).all(|repeat| *repeat), "it was sent again as something new: {repeats:?}");
    assert_eq!(status().await, AttemptStatus::Pending);
}
