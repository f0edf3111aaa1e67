//! Attempts whose provider may have forgotten them: nothing is sent about them any more, and somebody is told.

use crate::world::{self, ACCOUNT, PROJECT, Provider, World, capture, count, only_attempt, pay, sell, until};
use ferropay_domain::{
    change::{Buckets, TaskKey},
    ids::AttemptId,
    money::Money,
    payment::{AttemptStatus, OperationKind, OperationStatus, PaymentStatus, ProviderAnswer},
};
use ferropay_engine::{
    Engine, Settings,
    clock::{Clock as _, SystemClock},
    connector::LateAnswer,
};
use ferropay_store::Store as _;
use parking_lot::Mutex;
use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// How long the provider of these tests knows an attempt; the engine relies on five sixths of it.
const RETENTION: Duration = Duration::from_millis(600);

const PROMPT: Settings = Settings { reversal_pause: Duration::from_millis(100), ..world::PROMPT };

/// What was logged as an error, one line each with its fields.
#[derive(Clone, Default)]
struct Alerts(Arc<Mutex<Vec<String>>>);

impl Alerts {
    fn about(&self, attempt: AttemptId) -> Vec<String> {
        let named = format!(" attempt={} ", attempt.reference());
        self.0.lock().iter().filter(|line| line.contains(&named)).cloned().collect()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Alerts {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Whether the only work left is this one, a day from now.
async fn is_left_for_a_day(world: &World, key: TaskKey) -> bool {
    let now = SystemClock.now();
    let due = world.store.due(Buckets::ALL, None, now.plus(Duration::from_hours(25)), 10).await.unwrap();
    due.len() == 1 && due[0].key == key && due[0].due > now.plus(Duration::from_hours(23))
}

#[tokio::test]
async fn a_capture_whose_answer_was_lost_is_not_repeated_once_the_provider_may_have_forgotten_it() {
    let alerts = Alerts::default();
    let _logged = tracing::subscriber::set_default(alerts.clone());
    let world = World::new().await;
    let provider = Provider::forgetting(100, false, RETENTION);
    let engine = world.engine(&provider, PROMPT).await;
    engine.start();
    pay(&engine, "held", OperationKind::Auth).await;
    until("it is held", async || world.is_held("held").await).await;
    provider.loses_answers.store(true, Ordering::SeqCst);
    capture(&engine, "held").await;
    let open = world.payment("held").await.open.unwrap();
    let attempt = AttemptId::first(open);
    until("it is left to an operator", async || {
        engine.in_hand() == 0 && is_left_for_a_day(&world, TaskKey::Call(attempt)).await
    })
    .await;
    let sent = count(&provider.calls);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(count(&provider.calls), sent, "nothing more is sent");
    let scene = world.store.scene(attempt).await.unwrap().unwrap();
    assert_eq!(scene.attempt.status, AttemptStatus::Unknown);
    assert_eq!(scene.operation.status, OperationStatus::Processing);
    assert_eq!(scene.payment.status, PaymentStatus::AwaitingCapture);
    let told = alerts.about(attempt);
    assert_eq!(told.len(), 1, "{told:?}");
    for field in [format!("operation={open}"), format!("project={PROJECT}"), "since=".into(), "why=".into()] {
        assert!(told[0].contains(&field), "{field}: {told:?}");
    }
    settled_by_its_answer(&world, &engine, attempt, scene.attempt.amount).await;
}

/// What the provider says of the attempt after all is its outcome: nothing was lost.
async fn settled_by_its_answer(world: &World, engine: &Arc<Engine>, attempt: AttemptId, amount: Money) {
    engine.late_answer(LateAnswer {
        account: ACCOUNT,
        attempt,
        id: "found by an operator".to_owned(),
        approved: Some(amount),
        answer: ProviderAnswer::default(),
    });
    until("it counts", async || world.payment("held").await.status == PaymentStatus::Success).await;
    assert_eq!(world.payment("held").await.debited, amount.minor);
    assert_eq!(world.store.audit().await.unwrap().findings, []);
    assert_eq!(world.store.next_due(None).await.unwrap(), None);
}

#[tokio::test]
async fn a_reversal_is_not_sent_about_what_the_provider_may_have_forgotten() {
    let alerts = Alerts::default();
    let _logged = tracing::subscriber::set_default(alerts.clone());
    let world = World::new().await;
    let provider = Provider::forgetting(1, true, RETENTION);
    let engine = world.engine(&provider, PROMPT).await;
    engine.start();
    sell(&engine, "sale").await;
    until("its undoing is left to an operator", async || {
        count(&provider.reversals) > 0
            && engine.in_hand() == 0
            && is_left_for_a_day(&world, TaskKey::Reverse(only_attempt(&world))).await
    })
    .await;
    let sent = count(&provider.reversals);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(count(&provider.reversals), sent, "nothing more is sent");
    let scene = world.store.scene(only_attempt(&world)).await.unwrap().unwrap();
    assert_eq!(scene.attempt.status, AttemptStatus::Reversing);
    assert_eq!(scene.operation.status, OperationStatus::Processing);
    assert_eq!(alerts.about(only_attempt(&world)).len(), 1);
}
