//! Tasks, callbacks and their deliveries.

use crate::scenario::{self, START, URL, World, eur};
use ferropay_domain::{
    callback::{Problem, Subject},
    change::{Buckets, ChangeSet, Request, Task, TaskKey},
    codes,
    decide::Outcome,
    ids::{CallbackId, ProjectId, RequestId},
    time::Timestamp,
};
use ferropay_store::{CallbackFilter, Commit, CommitError, DeliveryState, DeliveryWrite, Loss, NewCallback};
use std::time::Duration;

fn later(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

pub(crate) async fn tasks_are_due_by_their_own_clock(world: World) {
    let store = &world.store;
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    let call = sale.changes.tasks[0].clone();
    store.commit(sale).await.unwrap();
    let before = Timestamp::from_micros(START.micros() - 1);
    assert_eq!(store.due(Buckets::ALL, None, before, 10).await.unwrap(), []);
    assert_eq!(store.due(Buckets::ALL, None, START, 10).await.unwrap(), std::slice::from_ref(&call));
    assert_eq!(store.next_due(None).await.unwrap(), Some(START));
    assert_eq!(store.due(Buckets::ALL, Some(world.project.id), later(9999), 10).await.unwrap(), []);
    assert_eq!(store.next_due(Some(world.project.id)).await.unwrap(), None);

    let put_off = Task { due: later(60), tries: 1, ..call };
    let changes = ChangeSet { tasks: vec![put_off.clone()], ..ChangeSet::default() };
    store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
    assert_eq!(store.due(Buckets::ALL, None, later(59), 10).await.unwrap(), []);
    assert_eq!(store.due(Buckets::ALL, None, later(60), 10).await.unwrap(), [put_off]);

    let approved = world.approved(&scene);
    let deliver = approved.callbacks[0].tasks[0].clone();
    store.commit(approved).await.unwrap();
    assert_eq!(store.due(Buckets::ALL, None, later(9999), 10).await.unwrap(), []);
    assert_eq!(store.due(Buckets::ALL, Some(world.project.id), START, 10).await.unwrap(), [deliver]);
    assert_eq!(store.due(Buckets::ALL, Some(ProjectId::new(5)), later(9999), 10).await.unwrap(), []);
    world.assert_sound().await;
}

pub(crate) async fn the_earliest_tasks_come_first(world: World) {
    for (name, due) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
        let mut sale = world.sale(name, eur(100));
        sale.changes.tasks[0].due = later(due);
        world.store.commit(sale).await.unwrap();
    }
    let due = world.store.due(Buckets::ALL, None, later(35), 2).await.unwrap();
    assert_eq!(due.iter().map(|task| task.due).collect::<Vec<_>>(), [later(10), later(20)]);
    assert_eq!(world.store.due(Buckets::ALL, None, later(35), 10).await.unwrap().len(), 3);
    assert_eq!(world.store.next_due(None).await.unwrap(), Some(later(10)));
}

fn tried(callback: CallbackId, before: u32, state: DeliveryState, again: Option<Task>) -> Commit {
    let write = DeliveryWrite {
        callback,
        address: 0,
        attempts_before: before,
        attempts: before + 1,
        state,
        status: if state == DeliveryState::Delivered { 200 } else { 503 },
        at: later(u64::from(before)),
        task: TaskKey::Deliver(callback, 0),
        again,
    };
    Commit { deliveries: vec![write], ..Commit::default() }
}

pub(crate) async fn a_delivery_is_tried_by_one_at_a_time_and_ends_once(world: World) {
    let store = &world.store;
    let paid = world.sale("sale", eur(100));
    let scene = World::scene_of(&paid);
    store.commit(paid).await.unwrap();
    let approved = world.approved(&scene);
    let callback = approved.callbacks[0].id;
    let task = approved.callbacks[0].tasks[0].clone();
    let body = approved.callbacks[0].body.clone();
    store.commit(approved).await.unwrap();

    let fresh = store.delivery(callback, 0).await.unwrap().unwrap();
    assert_eq!((fresh.attempts, fresh.state, fresh.url.as_str()), (0, DeliveryState::Open, URL));
    assert_eq!((&*fresh.body, fresh.number), (body.as_str(), 1));
    assert_eq!(fresh.subject, Subject::Payment(scene.payment.key));
    assert!(store.delivery(callback, 1).await.unwrap().is_none());

    let again = Task { due: later(10), tries: 1, ..task.clone() };
    let rivals: Vec<Commit> =
        (0..8).map(|_| tried(callback, 0, DeliveryState::Open, Some(again.clone()))).collect();
    let running: Vec<_> = rivals.iter().map(|commit| store.commit(commit.clone())).collect();
    let mut won = 0;
    for result in running {
        match result.await {
            Ok(()) => won += 1,
            Err(CommitError::Lost(Loss::Stale)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.due(Buckets::ALL, task.clock, later(10), 10).await.unwrap(), [again]);
    store.commit(tried(callback, 1, DeliveryState::Delivered, None)).await.unwrap();
    assert_eq!(store.due(Buckets::ALL, task.clock, later(9999), 10).await.unwrap(), []);
    let done = store.delivery(callback, 0).await.unwrap().unwrap();
    assert_eq!((done.attempts, done.state), (2, DeliveryState::Delivered));
    let result = store.commit(tried(callback, 2, DeliveryState::Parked, None)).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::Stale))), "what is delivered stays delivered");
    // Unless somebody asks for it to be delivered anew.
    let mut anew = tried(callback, 2, DeliveryState::Open, Some(task.clone()));
    anew.deliveries[0].attempts = 0;
    store.commit(anew.clone()).await.unwrap();
    let reopened = store.delivery(callback, 0).await.unwrap().unwrap();
    assert_eq!((reopened.attempts, reopened.state), (0, DeliveryState::Open));
    assert_eq!(
        store.due(Buckets::ALL, task.clock, later(9999), 10).await.unwrap(),
        std::slice::from_ref(&task)
    );
    let result = store.commit(anew).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::Stale))), "once");
    store.commit(tried(callback, 0, DeliveryState::Delivered, None)).await.unwrap();
    world.assert_sound().await;
}

pub(crate) async fn a_delivery_that_ended_is_opened_again_only_by_a_replay(world: World) {
    let store = &world.store;
    let paid = world.sale("sale", eur(100));
    let scene = World::scene_of(&paid);
    store.commit(paid).await.unwrap();
    let approved = world.approved(&scene);
    let callback = approved.callbacks[0].id;
    let task = approved.callbacks[0].tasks[0].clone();
    store.commit(approved).await.unwrap();
    let replay = |before| {
        let mut commit = tried(callback, before, DeliveryState::Open, Some(task.clone()));
        commit.deliveries[0].attempts = 0;
        commit
    };
    for ended in [DeliveryState::Parked, DeliveryState::Delivered] {
        store.commit(tried(callback, 0, ended, None)).await.unwrap();
        let again = store.commit(tried(callback, 1, DeliveryState::Open, Some(task.clone()))).await;
        assert!(matches!(again, Err(CommitError::Lost(Loss::Stale))), "a late try opens nothing");
        store.commit(replay(1)).await.unwrap();
        let open = store.delivery(callback, 0).await.unwrap().unwrap();
        assert_eq!((open.attempts, open.state), (0, DeliveryState::Open));
        assert_eq!(
            store.due(Buckets::ALL, task.clock, START, 10).await.unwrap(),
            std::slice::from_ref(&task)
        );
        let late = store.commit(tried(callback, 1, DeliveryState::Delivered, None)).await;
        assert!(matches!(late, Err(CommitError::Lost(Loss::Stale))), "the replay counts from the start");
    }
    world.assert_sound().await;
}

pub(crate) async fn a_task_that_contradicts_its_delivery_is_refused(world: World) {
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let approved = world.approved(&scene);
    let mut without = approved.clone();
    without.callbacks[0].tasks.clear();
    let result = world.store.commit(without).await;
    assert!(matches!(result, Err(CommitError::Defect(_))), "{result:?}");
    let callback = approved.callbacks[0].id;
    world.store.commit(approved).await.unwrap();
    for wrong in [
        tried(callback, 0, DeliveryState::Open, None),
        tried(CallbackId::new(callback.get() + 1), 0, DeliveryState::Delivered, None),
    ] {
        assert!(world.store.commit(wrong).await.is_err());
    }
    world.assert_sound().await;
}

pub(crate) async fn earlier_deliveries_to_the_same_address_are_found_while_open(world: World) {
    let store = &world.store;
    let mut paid = world.paid("paid", eur(1_000)).await;
    let subject = Subject::Payment(paid.key);
    for _ in 0..2 {
        let refund = world.refund(&paid, 100, None);
        let scene = World::scene_of(&refund);
        store.commit(refund).await.unwrap();
        store.commit(world.approved(&scene)).await.unwrap();
        paid = world.payment(paid.key).await;
    }
    let all = CallbackFilter { payment: Some(paid.key), limit: 10, ..CallbackFilter::default() };
    let listed = store.callbacks(all).await.unwrap();
    let numbers: Vec<u32> = listed.iter().map(|it| it.delivery.number).collect();
    assert_eq!(numbers, [3, 2, 1], "newest first");
    let first = listed[2].delivery.callback;

    let before = store.open_before(subject, 3, URL).await.unwrap();
    assert_eq!(before.len(), 2);
    assert_eq!((before[0].callback, before[0].attempts, before[0].next), (first, 0, Some(START)));
    assert_eq!(store.open_before(subject, 3, "http://elsewhere").await.unwrap(), []);
    assert_eq!(store.open_before(subject, 1, URL).await.unwrap(), []);
    store.commit(scenario::delivered(first)).await.unwrap();
    assert_eq!(store.open_before(subject, 3, URL).await.unwrap().len(), 1);
    let second = listed[1].delivery.callback;
    store.commit(tried(second, 0, DeliveryState::Parked, None)).await.unwrap();
    assert_eq!(store.open_before(subject, 3, URL).await.unwrap(), [], "a parked one never blocks");

    for (state, expected) in [
        (DeliveryState::Open, listed[0].delivery.callback),
        (DeliveryState::Delivered, first),
        (DeliveryState::Parked, second),
    ] {
        for (project, payment) in [(None, None), (Some(world.project.id), None), (None, Some(paid.key))] {
            let filter = CallbackFilter { project, payment, state: Some(state), limit: 10 };
            let found = store.callbacks(filter).await.unwrap();
            assert_eq!(found.len(), 1, "{state:?}");
            assert_eq!((found[0].delivery.callback, found[0].delivery.state), (expected, state));
        }
        let filter =
            CallbackFilter { project: Some(ProjectId::new(5)), state: Some(state), limit: 10, payment: None };
        assert!(store.callbacks(filter).await.unwrap().is_empty());
    }
    let parked =
        CallbackFilter { state: Some(DeliveryState::Parked), limit: 10, ..CallbackFilter::default() };
    let parked = store.callbacks(parked).await.unwrap();
    assert_eq!((parked[0].status, parked[0].tried_at), (503, Some(START)));
    let limited = CallbackFilter { limit: 2, ..CallbackFilter::default() };
    assert_eq!(store.callbacks(limited).await.unwrap().len(), 2);
    world.assert_sound().await;
}

pub(crate) async fn a_callback_number_is_used_once_per_subject(world: World) {
    let paid = world.paid("paid", eur(1_000)).await;
    let callback = NewCallback {
        id: CallbackId::new(world.number()),
        project: world.project.id,
        subject: Subject::Payment(paid.key),
        number: 1,
        body: "{}".into(),
        addresses: Vec::new(),
        created_at: START,
        due: START,
        tasks: Vec::new(),
    };
    let result = world.store.commit(Commit { callbacks: vec![callback], ..Commit::default() }).await;
    assert!(matches!(result, Err(CommitError::Defect(_))), "{result:?}");
    world.assert_sound().await;
}

pub(crate) async fn a_failed_request_is_told_without_a_payment(world: World) {
    let store = &world.store;
    let problem = |code, field| Problem { code, field };
    let problems =
        vec![problem(codes::CARD_EXPIRED, Some("card.year")), problem(codes::MERCHANT_STATUS, None)];
    let id = RequestId::new(world.uuid());
    let request = Request {
        id,
        project: world.project.id,
        path: "payment/card/sale",
        payment_id: "Ω 1".into(),
        payment: None,
        operation: None,
        fingerprint: None,
        problems: problems.clone(),
        at: START,
    };
    // No address: it is kept for the log and nothing is sent.
    let callback = NewCallback {
        id: CallbackId::new(world.number()),
        project: world.project.id,
        subject: Subject::Request(id),
        number: 1,
        body: "{}".into(),
        addresses: Vec::new(),
        created_at: START,
        due: START,
        tasks: Vec::new(),
    };
    let changes = ChangeSet { request: Some(request), ..ChangeSet::default() };
    store.commit(Commit { changes, callbacks: vec![callback], ..Commit::default() }).await.unwrap();
    let row = store.request(world.project.id, id).await.unwrap().unwrap();
    assert_eq!(row.problems, problems);
    assert_eq!((row.path.as_str(), row.payment_id.as_str()), ("payment/card/sale", "Ω 1"));
    assert_eq!((row.payment, row.operation, row.at), (None, None, START));
    assert!(store.request(ProjectId::new(5), id).await.unwrap().is_none());
    let listed = store.callbacks(CallbackFilter { limit: 10, ..CallbackFilter::default() }).await.unwrap();
    assert_eq!((listed.len(), listed[0].delivery.url.as_str()), (1, ""));
    assert_eq!(listed[0].delivery.subject, Subject::Request(id));
    world.assert_sound().await;
}

pub(crate) async fn a_project_is_busy_while_an_attempt_waits_or_a_callback_is_due(world: World) {
    let store = &world.store;
    let (project, later) = (world.project.id, START.plus(Duration::from_hours(1)));
    let busy = async |at| store.is_busy(project, at, at).await.unwrap();
    assert!(!busy(later).await);
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    store.commit(sale).await.unwrap();
    assert!(busy(later).await, "it is being sent");
    assert!(!busy(START.minus(Duration::from_secs(1))).await, "what is due later does not count");
    assert!(!store.is_busy(ProjectId::new(5), later, later).await.unwrap(), "nor another project's");

    store.commit(world.outcome(&scene, Outcome::Lost { repeatable: true })).await.unwrap();
    assert!(!busy(later).await, "what is repeated may take long");
    let scene = store.scene(scene.attempt.id).await.unwrap().unwrap();
    let approved = world.approved(&scene);
    let callback = approved.callbacks[0].id;
    store.commit(approved).await.unwrap();
    assert!(
        store.is_busy(project, later, START).await.unwrap(),
        "its callback is due by the project's clock"
    );
    store.commit(scenario::delivered(callback)).await.unwrap();
    assert!(!busy(later).await);

    let sale = world.sale("given up", eur(100));
    let scene = World::scene_of(&sale);
    store.commit(sale).await.unwrap();
    store.commit(world.outcome(&scene, Outcome::Lost { repeatable: false })).await.unwrap();
    assert!(busy(later).await, "it is being undone");
}
