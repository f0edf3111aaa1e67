//! Work that cannot be carried on is tried again after pauses that grow, and ends at the method's threshold.

use crate::world::{self, PROJECT, Provider, World, count, only_attempt, pay_with, sell, until};
use ferropay_domain::{
    card::Pan,
    change::{Buckets, Task, TaskKey},
    codes,
    ids::{AuthenticationId, OperationId, PaymentId},
    payment::{
        AttemptStatus, AuthenticationStep, CardRequest, Form, OperationKind, OperationStatus, PaymentStatus,
    },
    project::Environment,
};
use ferropay_engine::{
    Engine, Failure, Settings,
    authentication::{
        AuthenticationOrder, AuthenticationOutcome, Authenticator, CardRange, ChallengeReturn, NoticeRefused,
        ResultNotice,
    },
    clock::{Clock as _, SystemClock},
    connector::Eventually,
    intake::Intake,
    provider_gate::{Limits, Rate},
};
use ferropay_store::{Standing, Store as _};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

const PROMPT: Settings = Settings { reversal_pause: Duration::from_millis(150), ..world::PROMPT };

/// A directory server that takes every card and never answers.
#[derive(Default)]
struct Silent {
    asked: AtomicU32,
}

impl Authenticator for Silent {
    fn environment(&self) -> Environment {
        Environment::Test
    }

    fn range(&self, _: &Pan) -> Option<CardRange> {
        Some(CardRange { version: "2.2.0".into(), method_url: None })
    }

    fn device_form(&self, _: AuthenticationId, _: &str, _: &str) -> Form {
        Form::default()
    }

    fn authenticate(&self, _: AuthenticationOrder) -> Eventually<'_, AuthenticationOutcome> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }

    fn read_seen(&self, _: &str) -> Option<AuthenticationId> {
        None
    }

    fn read_return(&self, _: &str) -> Option<ChallengeReturn> {
        None
    }

    fn read_result(&self, _: &[u8]) -> Result<ResultNotice, String> {
        Err(String::new())
    }

    fn acknowledge(&self, _: &ResultNotice) -> String {
        String::new()
    }

    fn refuse(&self, _: &ResultNotice, _: NoticeRefused) -> String {
        String::new()
    }
}

async fn open_operation(world: &World) -> OperationId {
    let id = PaymentId::parse("sale").unwrap();
    world.store.payment_named(PROJECT, &id.folded()).await.unwrap().unwrap().open.unwrap()
}

async fn standing(world: &World, operation: OperationId) -> Standing {
    world.store.standing(operation).await.unwrap().unwrap()
}

/// No card's number can be read any more.
fn lose_cards(world: &World) {
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    assert_eq!(connection.execute("DELETE FROM cards", []).unwrap(), 1);
}

async fn task(world: &World, key: TaskKey) -> Option<Task> {
    let soon = SystemClock.now().plus(Duration::from_mins(10));
    world.store.due(Buckets::ALL, None, soon, 10).await.unwrap().into_iter().find(|task| task.key == key)
}

/// The pauses after the first tries: each is as long as the tries before ask for, and longer than the one before.
async fn pauses_grow(world: &World, key: TaskKey) {
    for tries in 1..=3 {
        until("it is put off", async || task(world, key).await.is_some_and(|task| task.tries >= tries)).await;
        let task = task(world, key).await.unwrap();
        let pause = task.due.since(SystemClock.now());
        let expected = PROMPT.reversal_pause * 2_u32.pow(task.tries - 1);
        assert!(pause <= expected && pause + Duration::from_millis(140) > expected, "{pause:?} {expected:?}");
    }
}

async fn pass_the_threshold(world: &World, engine: &Arc<Engine>) {
    let day = Duration::from_hours(24);
    world.store.advance_clock(PROJECT, i64::try_from(day.as_micros()).unwrap()).await.unwrap();
    engine.refresh_projects().await.unwrap();
}

// G-026, T-069
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_to_the_directory_server_that_cannot_be_asked_is_put_off_until_the_threshold() {
    let world = World::new().await;
    let provider = Provider::new(0, false);
    let silent = Arc::new(Silent::default());
    let killed = world.engine(&provider, PROMPT).await;
    killed.authenticate_with(silent.clone());
    pay_with(&killed, "sale", OperationKind::Sale, CardRequest::default()).await;
    until("it is asked", async || silent.asked.load(Ordering::SeqCst) == 1).await;
    let operation = open_operation(&world).await;
    let before = standing(&world, operation).await.operation.detail.authentication.unwrap();
    assert_eq!(before.step, AuthenticationStep::Asking);
    lose_cards(&world);
    let engine = world.engine(&provider, PROMPT).await;
    engine.authenticate_with(silent.clone());
    engine.start();
    pauses_grow(&world, TaskKey::Authenticate(operation)).await;
    let after = standing(&world, operation).await.operation.detail.authentication.unwrap();
    assert_eq!(after.id, before.id, "nothing is recorded of questions that are not asked");
    pass_the_threshold(&world, &engine).await;
    until("it is declined", async || standing(&world, operation).await.operation.status.is_final()).await;
    let Standing { payment, operation, .. } = standing(&world, operation).await;
    assert_eq!((payment.status, operation.code), (PaymentStatus::Decline, codes::AUTO_DECLINE));
    assert_eq!(silent.asked.load(Ordering::SeqCst), 1);
    assert_eq!(world.store.next_due(None).await.unwrap(), None);
}

// G-026, T-069
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_cannot_be_sent_is_put_off_until_the_threshold() {
    let world = World::new().await;
    let silent = Provider::new(0, false);
    let killed = world.engine(&silent, PROMPT).await;
    sell(&killed, "sale").await;
    let attempt = only_attempt(&world);
    lose_cards(&world);
    let provider = Provider::new(9, false);
    let engine = world.engine(&provider, PROMPT).await;
    engine.start();
    pauses_grow(&world, TaskKey::Call(attempt)).await;
    pass_the_threshold(&world, &engine).await;
    until("it is declined", async || {
        standing(&world, attempt.operation).await.operation.status == OperationStatus::Decline
    })
    .await;
    let scene = world.store.scene(attempt).await.unwrap().unwrap();
    assert_eq!(scene.operation.code, codes::AUTO_DECLINE);
    assert_eq!(scene.attempt.status, AttemptStatus::Reversing, "it may have left before");
    assert_eq!(provider.calls.load(Ordering::SeqCst), 0);
    pauses_grow(&world, TaskKey::Reverse(attempt)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_hand_when_a_hold_begins_is_not_sent_again_until_it_ends() {
    let world = World::new().await;
    let provider = Provider::new(0, false);
    let _old = world.selling(&provider).await;
    provider.away.store(1_000, Ordering::SeqCst);
    let engine = world.working(&provider).await;
    until("it is tried again", async || count(&provider.calls) >= 3).await;
    engine.hold();
    until("it is let go of", async || engine.in_hand() == 0).await;
    let sent = count(&provider.calls);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(count(&provider.calls), sent);
    provider.away.store(0, Ordering::SeqCst);
    provider.may_answer.add_permits(2);
    engine.go_on();
    until("it is finished", async || count(&world.merchant.posts) > 0).await;
    assert_eq!(count(&provider.calls), sent + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_waits_for_its_turn_however_long_that_is() {
    let world = World::new().await;
    let provider = Provider::new(100, false);
    let engine = world.working(&provider).await;
    let number = |it| NonZeroU32::new(it).unwrap();
    let rate = Some(Rate { per_second: number(20), burst: number(1) });
    let longest_wait = Duration::from_millis(200);
    engine.connect_within(provider.clone(), Limits { rate, longest_wait, ..Limits::default() });
    let mut asked = Vec::new();
    for number in 0..20 {
        let engine = engine.clone();
        asked.push(tokio::spawn(async move {
            let (name, by_mail) =
                (format!("sale {number}"), CardRequest { moto: Some(1), ..CardRequest::default() });
            world::try_to_ask(&engine, &name, OperationKind::Sale, by_mail, None, &name).await
        }));
    }
    let mut accepted = 0;
    for one in asked {
        match one.await.unwrap() {
            Ok(Intake::Accepted(_)) => accepted += 1,
            Err(Failure::Overloaded) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(accepted > 1, "at the same moment there seems to be room for all");
    until("each is told", async || count(&world.merchant.posts) == accepted).await;
    assert_eq!(count(&provider.calls), accepted);
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    let declined = "SELECT count(*) FROM operations WHERE status <> 2";
    assert_eq!(connection.query_row(declined, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}
