//! Finished payments leave the database for a file: nothing is lost, nothing counted twice, and what is needed stays.

use crate::{
    scenario::{NOW, START, World, delivered, eur},
    series,
};
use ferropay_domain::{
    callback::Subject,
    change::{NameKind, Task, TaskKey},
    ids::{AttemptId, PaymentKey},
    payment::{AttemptStatus, OperationKind, Payment, PaymentStatus},
    time::Timestamp,
};
use ferropay_store::{
    Balance, Commit, CommitError, DeliveryState, DeliveryWrite, Loss,
    archive::{ArchiveError, Archived, Content, Line, Lines, Order, Removal, Whole, archive, verify},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    path::{Path, PathBuf},
    pin::pin,
    task::Poll,
    time::Duration,
};
use tempfile::TempDir;
use uuid::Uuid;

/// Later than everything that happens at the usual moment.
pub(crate) const LATER: Timestamp = Timestamp::from_seconds(1_780_000_001);

/// A last line that nobody reads.
pub(crate) const END: Line = Line { number: 50, digest: [7; 32] };

pub(crate) fn order(directory: &TempDir) -> Order {
    Order { pause: Duration::ZERO, ..Order::new(LATER, directory.path().join("old.jsonl")) }
}

pub(crate) async fn run(world: &World, order: &Order) -> Result<Archived, ArchiveError> {
    archive(world.store.as_ref(), order, || LATER, |_| {}).await
}

/// Commits, and delivers what the merchant is told by it.
async fn told(world: &World, commit: Commit) {
    let callbacks: Vec<_> = commit.callbacks.iter().map(|it| it.id).collect();
    world.store.commit(commit).await.unwrap();
    for callback in callbacks {
        world.store.commit(delivered(callback)).await.unwrap();
    }
}

/// A sale with nothing left to do.
pub(crate) async fn sold(world: &World, name: &str, minor: i64) -> Payment {
    let sale = world.sale(name, eur(minor));
    let scene = World::scene_of(&sale);
    told(world, sale).await;
    told(world, world.approved(&scene)).await;
    world.payment(scene.payment.key).await
}

/// The same with a refund.
async fn refunded(world: &World, name: &str, minor: i64, back: i64, own_id: &str) -> Payment {
    let payment = sold(world, name, minor).await;
    let refund = world.refund(&payment, back, Some(own_id));
    let operation = refund.changes.operations[0].record().id;
    told(world, refund).await;
    let standing = world.store.standing(operation).await.unwrap().unwrap();
    let scene = ferropay_store::Scene {
        payment: standing.payment,
        operation: standing.operation,
        attempt: standing.attempt.unwrap(),
        series: None,
    };
    told(world, world.approved(&scene)).await;
    world.payment(payment.key).await
}

async fn balances(world: &World) -> Vec<Balance> {
    world.store.balances(None).await.unwrap()
}

/// Payments of a file, by their lines.
fn payments_of(path: &Path) -> BTreeMap<u64, Whole> {
    let (mut lines, _) = Lines::open(path).unwrap();
    let mut found = BTreeMap::new();
    loop {
        match lines.next_line() {
            Ok(Some(Content::Payment(whole))) => {
                found.insert(lines.number(), *whole);
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(ArchiveError::Broken { .. }) => return found,
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn is_there(world: &World, key: PaymentKey) -> bool {
    world.store.payment(world.project.id, key).await.unwrap().is_some()
}

pub(crate) async fn assert_agrees(world: &World, path: &Path, payments: u64) {
    let verified = verify(world.store.as_ref(), path).await.unwrap();
    assert_eq!((verified.findings, verified.payments), (Vec::new(), payments));
    world.assert_sound().await;
}

pub(crate) async fn an_archived_payment_leaves_its_name_and_its_balances(world: World) {
    let store = &world.store;
    store.commit(world.opening(10_000)).await.unwrap();
    for number in 0..20 {
        sold(&world, &format!("Sale {number}"), 1_000).await;
    }
    let returned = refunded(&world, "returned", 5_000, 2_000, "back-1").await;
    let young = sold(&world, "young", 70).await;
    let highest = store.enrol(START).await.unwrap().highest;
    let (before, audited) = (balances(&world).await, store.audit().await.unwrap());
    let directory = tempfile::tempdir().unwrap();
    let order = Order { portion: 6, ..order(&directory) };
    // A payment whose age is not enough: its last change is put behind the others'.
    let after = Payment { updated_at: LATER, version: young.version + 1, ..young.clone() };
    let write =
        ferropay_domain::change::PaymentWrite::Update { payment: Box::new(after), expected: young.version };
    let changes = ferropay_domain::change::ChangeSet { payment: Some(write), ..Default::default() };
    store.commit(Commit { changes, ..Commit::default() }).await.unwrap();

    let done = run(&world, &order).await.unwrap();
    assert_eq!((done.payments, done.stay, done.cut_off), (21, 0, 0));
    assert_eq!(balances(&world).await, before);
    assert!(is_there(&world, young.key).await && !is_there(&world, returned.key).await);
    let report = store.audit().await.unwrap();
    assert_eq!((report.payments, report.archived), (1, 21));
    assert!(report.postings < audited.postings && report.callbacks < audited.callbacks);
    assert_agrees(&world, &order.to, 21).await;

    let file = payments_of(&order.to);
    let whole = file.values().find(|it| it.payment.id == "returned").unwrap();
    assert_eq!((whole.payment.status.as_str(), whole.payment.returned), ("partially refunded", 2_000));
    assert_eq!((whole.operations.len(), whole.attempts.len(), whole.requests.len()), (2, 2, 2));
    assert_eq!(whole.callbacks.len(), usize::try_from(returned.callbacks).unwrap());
    assert!(whole.callbacks.iter().all(|it| it.body.contains("callback") && it.deliveries.len() == 1));
    assert!(whole.postings.len() >= 8, "{:?}", whole.postings);

    // What providers say of its attempts is about something that is known.
    let attempts = whole.attempts.iter().map(|it| AttemptId::from_reference(it.reference));
    for attempt in attempts {
        let known = store.archived_attempt(attempt).await.unwrap().unwrap();
        assert_eq!((known.payment, known.status), (returned.key, AttemptStatus::Approved));
        let line = file.iter().find(|(_, it)| it.payment.id == "returned").map(|(line, _)| *line);
        assert_eq!((known.file.as_str(), Some(known.line)), ("old.jsonl", line));
    }
    let here = young.detail.debit.as_ref().unwrap().attempt;
    assert_eq!(store.archived_attempt(here).await.unwrap(), None);

    // Its name, and that of its refund, are taken for good; so is every number.
    let lost = store.commit(world.sale("RETURNED", eur(10))).await.unwrap_err();
    assert!(
        matches!(lost, CommitError::Lost(Loss::NameTaken(NameKind::Payment, key)) if key == returned.key),
        "{lost}"
    );
    let refund = world.refund(&young, 10, Some("back-1"));
    let stale =
        Commit { changes: ferropay_domain::change::ChangeSet { payment: None, ..refund.changes }, ..refund };
    let lost = store.commit(stale).await.unwrap_err();
    assert!(matches!(lost, CommitError::Lost(Loss::NameTaken(NameKind::MerchantRefund, _))), "{lost}");
    let resting = store.resting(world.project.id, "returned").await.unwrap().unwrap();
    assert_eq!((resting.file.as_str(), resting.at), ("old.jsonl", LATER));
    assert_eq!(store.resting(world.project.id, "young").await.unwrap(), None);
    assert!(store.enrol(START).await.unwrap().highest >= highest);

    // The books go on exactly: what is posted next is neither lost nor counted twice, and can be held.
    let next = refunded(&world, "next", 100_000, 60_000, "back-2").await;
    assert_eq!(next.status, PaymentStatus::PartiallyRefunded);
    world.assert_sound().await;
    let again = Order { to: directory.path().join("more.jsonl"), ..order };
    assert_eq!(run(&world, &again).await.unwrap().payments, 1);
    assert_agrees(&world, &again.to, 1).await;
    assert_agrees(&world, &directory.path().join("old.jsonl"), 21).await;
    // The last postings are gone; those that come next are counted, once.
    let before = world.balance(world.merchant()).await;
    sold(&world, "after", 500).await;
    assert_eq!(world.balance(world.merchant()).await.posted, before.posted + 495);
    world.assert_sound().await;
    let third = Order { to: directory.path().join("last.jsonl"), ..again.clone() };
    assert_eq!(run(&world, &third).await.unwrap().payments, 1);
    // Nothing is left to do: no file is made.
    let none = Order { to: directory.path().join("none.jsonl"), ..again };
    assert_eq!(run(&world, &none).await.unwrap(), Archived::default());
    assert!(!none.to.exists());
}

pub(crate) async fn what_is_under_way_or_needed_is_not_archived(world: World) {
    let store = &world.store;
    store.commit(world.opening(10_000)).await.unwrap();
    // Not answered by the provider.
    told(&world, world.sale("processing", eur(100))).await;
    // Its callback is on its way; another's was given up.
    for (name, state) in [("untold", None), ("parked", Some(DeliveryState::Parked))] {
        let sale = world.sale(name, eur(100));
        let scene = World::scene_of(&sale);
        told(&world, sale).await;
        let approval = world.approved(&scene);
        let callback = approval.callbacks[0].id;
        store.commit(approval).await.unwrap();
        if let Some(state) = state {
            let mut parked = delivered(callback);
            parked.deliveries[0].state = state;
            store.commit(parked).await.unwrap();
        }
    }
    // Held and not captured.
    let auth = world.card(OperationKind::Auth, "held", eur(100));
    let scene = World::scene_of(&auth);
    told(&world, auth).await;
    told(&world, world.approved(&scene)).await;
    // Being returned.
    let payment = sold(&world, "being returned", 100).await;
    told(&world, world.refund(&payment, 50, None)).await;
    // Money that was taken for a declined payment waits in suspense.
    let late = world.sale("late", eur(100));
    let scene = World::scene_of(&late);
    told(&world, late).await;
    told(&world, world.declined(&scene)).await;
    let standing = store.standing(scene.operation.id).await.unwrap().unwrap();
    let scene = ferropay_store::Scene {
        payment: standing.payment,
        operation: standing.operation,
        attempt: standing.attempt.unwrap(),
        series: None,
    };
    told(&world, world.approved(&scene)).await;
    assert!(store.scene(scene.attempt.id).await.unwrap().unwrap().attempt.suspended > 0);
    // It registered a series that may still be debited.
    let registered = series::registered(&world).await;
    for callback in
        store.callbacks(ferropay_store::CallbackFilter { limit: 100, ..Default::default() }).await.unwrap()
    {
        let names_first = callback.delivery.state == DeliveryState::Open
            && matches!(callback.delivery.subject, Subject::Payment(key)
                if store.payment(world.project.id, key).await.unwrap().unwrap().id.as_str() == "first");
        if names_first || matches!(callback.delivery.subject, Subject::Series(_)) {
            store.commit(delivered(callback.delivery.callback)).await.unwrap();
        }
    }
    let declined = world.sale("declined", eur(100));
    let scene = World::scene_of(&declined);
    told(&world, declined).await;
    told(&world, world.declined(&scene)).await;

    let directory = tempfile::tempdir().unwrap();
    assert_eq!(run(&world, &order(&directory)).await.unwrap().payments, 1, "only what was declined");
    assert!(!is_there(&world, scene.payment.key).await);
    world.assert_sound().await;

    // The series ends, and with it the need for the payment that registered it.
    told(&world, series::cancel(&world, &registered)).await;
    let more = Order { to: directory.path().join("more.jsonl"), ..order(&directory) };
    assert_eq!(run(&world, &more).await.unwrap().payments, 1);
    assert_eq!(payments_of(&more.to).values().next().unwrap().payment.id, "first");
    assert_agrees(&world, &more.to, 1).await;
}

/// What a file would say of payments, before they are taken away.
pub(crate) async fn written(world: &World, payments: &[&Payment]) -> Vec<Removal> {
    let asked = payments.iter().map(|it| (it.key, it.version)).collect();
    let wholes = world.store.whole(asked).await.unwrap();
    let removal = |(line, whole): (u64, &Whole)| Removal {
        payment: whole.payment.key,
        version: whole.payment.version,
        tried: whole
            .callbacks
            .iter()
            .flat_map(|it| &it.deliveries)
            .map(|it| it.tried_at % 4_294_967_291)
            .sum(),
        line,
    };
    (2..).zip(&wholes).map(removal).collect()
}

pub(crate) async fn a_payment_that_changed_since_it_was_written_stays(world: World) {
    let store = &world.store;
    store.commit(world.opening(10_000)).await.unwrap();
    let id = Uuid::from_u128(5);
    store.begin_archive(id, "a.jsonl", LATER).await.unwrap();
    let (sold_first, second) = (sold(&world, "first", 100).await, sold(&world, "second", 100).await);
    let third = sold(&world, "third", 100).await;
    let removals = written(&world, &[&sold_first, &second, &third]).await;
    assert_eq!(removals.len(), 3);
    // One is returned meanwhile, a callback of another is sent once more.
    store.commit(world.refund(&sold_first, 50, None)).await.unwrap();
    let filter = ferropay_store::CallbackFilter { payment: Some(second.key), limit: 1, ..Default::default() };
    let callback = store.callbacks(filter).await.unwrap().remove(0).delivery;
    let task = TaskKey::Deliver(callback.callback, 0);
    let again = Task { key: task, bucket: 0, clock: Some(world.project.id), due: START, tries: 0 };
    let open = DeliveryWrite {
        callback: callback.callback,
        address: 0,
        attempts_before: 1,
        attempts: 0,
        state: DeliveryState::Open,
        status: 0,
        at: START,
        task,
        again: Some(again),
    };
    store.commit(Commit { deliveries: vec![open.clone()], ..Commit::default() }).await.unwrap();
    assert_eq!(store.take_away(id, removals.clone(), END, LATER).await.unwrap(), [third.key]);
    // It was delivered once more: it would be gone without a word of that.
    let done = DeliveryWrite {
        attempts_before: 0,
        attempts: 1,
        state: DeliveryState::Delivered,
        status: 200,
        at: LATER,
        again: None,
        ..open
    };
    store.commit(Commit { deliveries: vec![done], ..Commit::default() }).await.unwrap();
    assert_eq!(store.take_away(id, removals.clone(), END, LATER).await.unwrap(), []);
    assert!(is_there(&world, sold_first.key).await && is_there(&world, second.key).await);
    let lines = removals.iter().map(|it| (it.payment, it.line)).collect();
    assert_eq!(store.taken_away(id, lines).await.unwrap(), [(third.key, removals[2].line)]);
    // Whoever had begun something with the one that is gone loses.
    let lost = store.commit(world.refund(&third, 50, None)).await.unwrap_err();
    assert!(matches!(lost, CommitError::Lost(Loss::Stale)), "{lost}");
    world.assert_sound().await;
}

pub(crate) async fn of_a_refund_and_an_archive_at_the_same_moment_one_wins(world: World) {
    let store = &world.store;
    store.commit(world.opening(100_000)).await.unwrap();
    let id = Uuid::from_u128(5);
    store.begin_archive(id, "a.jsonl", LATER).await.unwrap();
    let mut payments = Vec::new();
    for number in 0..40 {
        payments.push(sold(&world, &format!("sale {number}"), 100).await);
    }
    let removals = written(&world, &payments.iter().collect::<Vec<_>>()).await;
    let mut refunds = tokio::task::JoinSet::new();
    for payment in payments.clone() {
        let world = world.clone();
        refunds.spawn(async move {
            let refund = world.refund(&payment, 50, None);
            (payment.key, world.store.commit(refund).await)
        });
    }
    let mut taken = BTreeSet::new();
    for portion in removals.chunks(7) {
        taken.extend(store.take_away(id, portion.to_vec(), END, LATER).await.unwrap());
    }
    let mut begun = BTreeSet::new();
    while let Some(ended) = refunds.join_next().await {
        match ended.unwrap() {
            (key, Ok(())) => {
                begun.insert(key);
            }
            (_, Err(CommitError::Lost(Loss::Stale))) => {}
            (_, Err(error)) => panic!("{error}"),
        }
    }
    assert!(taken.is_disjoint(&begun));
    assert_eq!(taken.len() + begun.len(), payments.len());
    for payment in &payments {
        assert_eq!(is_there(&world, payment.key).await, begun.contains(&payment.key));
    }
    world.assert_sound().await;
}

pub(crate) async fn an_archive_that_is_broken_off_anywhere_is_continued(world: World) {
    let store = world.store.as_ref();
    store.commit(world.opening(10_000)).await.unwrap();
    let mut payments = Vec::new();
    for number in 0..12 {
        payments.push(sold(&world, &format!("sale {number}"), 100).await);
    }
    let before = balances(&world).await;
    let directory = tempfile::tempdir().unwrap();
    // A pause that is over before it is asked about would be no moment to be broken off at.
    let order = Order { portion: 2, pause: Duration::from_millis(2), ..order(&directory) };
    let (mut steps, mut runs) = (1, 0);
    let done = loop {
        let mut left = steps;
        let mut archiving = pin!(archive(store, &order, || LATER, |_| {}));
        let ended = poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            archiving.as_mut().poll(context).map(Some)
        });
        match ended.await {
            Some(Ok(done)) => break done.payments,
            // It was broken off as its end was being told.
            Some(Err(ArchiveError::Closed(_))) if runs >= 3 => break 12,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
        runs += 1;
        // Each run comes one step further; some end with a line that was begun.
        steps += 1;
        let mut in_file: BTreeSet<PaymentKey> = BTreeSet::new();
        if order.to.exists() {
            let mut bytes = std::fs::read(&order.to).unwrap();
            // Nobody begins a line behind the last one.
            let last = bytes.trim_ascii_end().split(|byte| *byte == b'\n').next_back().unwrap();
            if runs % 3 == 0 && !last.windows(9).any(|part| part == b"\"closed\":") {
                bytes.extend_from_slice(b"{\"digest\":\"12");
                std::fs::write(&order.to, bytes).unwrap();
            }
            in_file.extend(payments_of(&order.to).into_values().map(|it| it.payment.key));
        }
        for payment in &payments {
            assert!(in_file.contains(&payment.key) || is_there(&world, payment.key).await, "run {runs}");
        }
        assert_eq!(balances(&world).await, before);
    };
    // A store that does everything at once leaves fewer moments.
    assert!(runs >= 3, "it was broken off: {runs}");
    assert_eq!(done, 12);
    for payment in &payments {
        assert!(!is_there(&world, payment.key).await);
    }
    assert_agrees(&world, &order.to, 12).await;
    assert!(matches!(run(&world, &order).await.unwrap_err(), ArchiveError::Closed(_)));
}

pub(crate) async fn a_file_and_a_database_that_do_not_belong_together_are_told_apart(world: World) {
    let store = world.store.as_ref();
    for number in 0..8 {
        sold(&world, &format!("sale {number}"), 100).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let order = Order { portion: 3, ..order(&directory) };
    // Broken off after the first portion.
    let mut portions = 0;
    let stopped = tokio::time::timeout(Duration::from_millis(400), async {
        let slow = Order { pause: Duration::from_secs(9), ..order.clone() };
        archive(store, &slow, || NOW.real, |_| portions += 1).await
    });
    stopped.await.unwrap_err();
    let whole = std::fs::read(&order.to).unwrap();
    let unchanged = |path: &PathBuf, was: &[u8]| assert_eq!(std::fs::read(path).unwrap(), was);
    // Its end is lost: what was taken away for it is not in it.
    let first = whole.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
    for shorter in [first.clone(), whole[..whole.len() - 1].to_vec()] {
        std::fs::write(&order.to, &shorter).unwrap();
        let error = run(&world, &order).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Lacks { known: 3, .. }), "{error}");
        unchanged(&order.to, &shorter);
        assert!(!verify(store, &order.to).await.unwrap().findings.is_empty());
    }
    // Another file altogether.
    for other in [b"{}\n".as_slice(), b"notes\n", b"{\"digest\":\"\",\"of\":{}}\n"] {
        std::fs::write(&order.to, other).unwrap();
        assert!(matches!(run(&world, &order).await.unwrap_err(), ArchiveError::Foreign(_)));
        unchanged(&order.to, other);
    }
    std::fs::write(&order.to, &whole).unwrap();
    store.hold(None, LATER).await.unwrap();
    assert!(matches!(run(&world, &order).await.unwrap_err(), ArchiveError::Held));
    store.release(0, LATER).await.unwrap();
    assert_eq!(
        run(&world, &order).await.unwrap(),
        Archived {
            payments: 8,
            before: 3,
            bytes: Some(std::fs::metadata(&order.to).unwrap().len()),
            ..Archived::default()
        }
    );
    assert_agrees(&world, &order.to, 8).await;
    // A closed file whose end is gone is not written on, and verify says what it lacks.
    let whole = std::fs::read(&order.to).unwrap();
    let end = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    std::fs::write(&order.to, &whole[..end]).unwrap();
    let findings = verify(store, &order.to).await.unwrap().findings;
    assert_eq!(findings.iter().map(|it| it.rule).collect::<Vec<_>>(), ["an archive is closed"]);
    // Whoever wrote it again would only add its last line.
    assert_eq!(run(&world, &order).await.unwrap().payments, 8);
    assert_agrees(&world, &order.to, 8).await;
}
