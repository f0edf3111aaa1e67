//! Guards: who loses, to what, and that nothing of a loser remains.

use crate::scenario::{self, START, World, eur};
use ferropay_domain::{
    change::{Name, NameKind, RESEND_WINDOW_SECONDS},
    ids::{AttemptId, CardKey, OperationId, PaymentId, ProjectId, ProviderAccountId},
    payment::AttemptStatus,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Fence, Loss, Notification, ProjectRecord, vault::Sealed};
use std::time::Duration;

/// Takes one reason to lose away.
type Mend<'a> = &'a dyn Fn(&mut Commit);

pub(crate) fn lost(result: &Result<(), CommitError>) -> Option<Loss> {
    match result {
        Err(CommitError::Lost(loss)) => Some(*loss),
        _ => None,
    }
}

fn notification(id: &str) -> Notification {
    Notification { account: ProviderAccountId::new(7), id: id.into(), body: "{}".into(), at: START }
}

/// The project's clock is this far ahead.
async fn clock_at(world: &World, micros: i64) {
    let project = world.project.clone();
    let (id, name) = (project.id, String::new());
    let record = ProjectRecord { project, name, secrets: Vec::new(), clock_offset: 0, revision: 0 };
    assert!(world.store.save_project(record).await.unwrap());
    assert_eq!(world.store.advance_clock(id, micros).await.unwrap(), micros);
}

// G-052 G-055 G-284
pub(crate) async fn of_fifty_commits_at_once_only_those_lose_that_must(world: World) {
    let store = &world.store;
    let node = store.enrol(START).await.unwrap();
    clock_at(&world, 1_000_000).await;
    let rich = world.paid("rich", eur(10_000)).await;
    let taken = world.sale("Taken", eur(100));
    let resent = taken.changes.request.clone().unwrap();
    let taken_by = World::scene_of(&taken).payment.key;
    store.commit(taken).await.unwrap();
    store.commit(Commit { notification: Some(notification("n1")), ..Commit::default() }).await.unwrap();
    let callback = {
        let sale = world.sale("delivered", eur(100));
        let scene = World::scene_of(&sale);
        store.commit(sale).await.unwrap();
        let approved = world.approved(&scene);
        let callback = approved.callbacks[0].id;
        store.commit(approved).await.unwrap();
        store.commit(scenario::delivered(callback)).await.unwrap();
        callback
    };

    let sealed = |world: &World| Sealed { key: 1, bytes: world.uuid().as_bytes().to_vec() };
    let mut commits: Vec<(Commit, Option<Loss>)> = Vec::new();
    for number in 0..42 {
        let mut commit = world.sale(&format!("fine {number}"), eur(100 + number));
        commit.cvv = Some((commit.changes.operations[0].record().id, sealed(&world)));
        commit.fence = Some(Fence { bucket: 5, epoch: node.epochs[5] });
        commit.clock = Some((world.project.id, 1_000_000));
        commits.push((commit, None));
    }
    let mut losers = Vec::new();
    for (name, loss) in [
        ("fenced", Loss::Fenced),
        ("too early", Loss::ClockMoved),
        ("notified", Loss::NotificationKnown),
        ("resent", Loss::Resent(resent.id)),
        ("TAKEN", Loss::NameTaken(NameKind::Payment, taken_by)),
    ] {
        let mut commit = world.sale(name, eur(100));
        commit.cvv = Some((commit.changes.operations[0].record().id, sealed(&world)));
        commit.card = Some((world.project.id, CardKey::new(world.uuid()), sealed(&world)));
        match loss {
            Loss::Fenced => commit.fence = Some(Fence { bucket: 5, epoch: node.epochs[5] - 1 }),
            Loss::ClockMoved => commit.clock = Some((world.project.id, 999_999)),
            Loss::NotificationKnown => commit.notification = Some(notification("n1")),
            Loss::Resent(_) => {
                commit.changes.request.as_mut().unwrap().fingerprint = resent.fingerprint;
            }
            _ => {}
        }
        losers.push((commit, loss));
    }
    let mut stale = world.lawless_refund(&rich, 10);
    scenario::payment(&mut stale).version = 9;
    if let Some(ferropay_domain::change::PaymentWrite::Update { expected, .. }) =
        stale.changes.payment.as_mut()
    {
        *expected = 8;
    }
    losers.push((stale, Loss::Stale));
    losers.push((world.lawless_refund(&rich, 10_001), Loss::ExceedsDebit));
    let mut short = world.lawless_refund(&rich, 9_000);
    scenario::hold(&mut short).floor = 9_000;
    losers.push((short, Loss::BalanceShort));
    commits.extend(losers.into_iter().map(|(commit, loss)| (commit, Some(loss))));
    commits.push((scenario::delivered(callback), Some(Loss::Stale)));
    // Losers are spread among the others.
    commits.sort_by_key(|(commit, _)| {
        let number = commit.changes.operations.first().map_or(3, |it| it.record().id.get());
        number.wrapping_mul(7_919) % 101
    });

    let running: Vec<_> = commits.iter().map(|(commit, _)| store.commit(commit.clone())).collect();
    let mut results = Vec::new();
    for commit in running {
        results.push(commit.await);
    }
    for ((commit, loss), result) in commits.iter().zip(&results) {
        assert_eq!(lost(result), *loss, "{result:?}");
        assert_eq!(result.is_ok(), loss.is_none(), "{result:?}");
        if loss.is_some() {
            world.assert_absent(commit).await;
        } else {
            let scene = World::scene_of(commit);
            assert_eq!(world.payment(scene.payment.key).await, scene.payment);
            assert!(store.cvv(scene.operation.id).await.unwrap().is_some());
        }
    }
    assert_eq!(world.balance(world.merchant()).await.held, 0);
    world.assert_sound().await;
}

// G-490: what a provider calls the debits of transfers may not be theirs alone
pub(crate) async fn a_name_that_is_not_exclusive_stays_with_whoever_took_it_first(world: World) {
    let mut keys = Vec::new();
    for id in ["first", "second"] {
        let mut sale = world.sale(id, eur(5));
        let payment = World::scene_of(&sale).payment.key;
        let (project, folded) = (world.project.id, "DEBIT-7".to_owned());
        sale.changes.names.push(Name { kind: NameKind::TransferDebit, project, folded, payment });
        world.store.commit(sale).await.unwrap();
        keys.push(payment);
    }
    let holder = world.store.name_holder(world.project.id, NameKind::TransferDebit, "DEBIT-7").await;
    assert_eq!(holder.unwrap(), Some(keys[0]));
    assert_ne!(keys[0], keys[1]);
    world.assert_sound().await;
}

pub(crate) async fn the_first_guard_in_the_order_is_the_one_that_is_told(world: World) {
    let store = &world.store;
    let rich = world.paid("rich", eur(1_000)).await;
    let other = world.sale("other", eur(5));
    let request = other.changes.request.clone().unwrap();
    let holder = World::scene_of(&other).payment.key;
    store.commit(other).await.unwrap();
    store.enrol(START).await.unwrap();
    clock_at(&world, 1).await;
    store.commit(Commit { notification: Some(notification("known")), ..Commit::default() }).await.unwrap();

    // One commit that loses every guard, mended one guard at a time.
    let mut commit = world.lawless_refund(&rich, 1_001);
    commit.fence = Some(Fence { bucket: 0, epoch: 0 });
    commit.clock = Some((world.project.id, 0));
    commit.notification = Some(notification("known"));
    let own = commit.changes.request.as_ref().unwrap().fingerprint;
    commit.changes.request.as_mut().unwrap().fingerprint = request.fingerprint;
    commit.changes.names.push(Name {
        kind: NameKind::Payment,
        project: world.project.id,
        folded: "other".into(),
        payment: rich.key,
    });
    scenario::hold(&mut commit).floor = i64::MAX / 4;
    let stale = |commit: &mut Commit, by: u32| {
        if let Some(ferropay_domain::change::PaymentWrite::Update { payment, expected }) =
            commit.changes.payment.as_mut()
        {
            *expected = rich.version + by;
            payment.version = rich.version + by + 1;
        }
    };
    stale(&mut commit, 1);
    let steps: [(Loss, Mend<'_>); 8] = [
        (Loss::Fenced, &|it| it.fence = None),
        (Loss::ClockMoved, &|it| it.clock = Some((world.project.id, 1))),
        (Loss::NotificationKnown, &|it| it.notification = None),
        (Loss::Resent(request.id), &|it| it.changes.request.as_mut().unwrap().fingerprint = own),
        (Loss::NameTaken(NameKind::Payment, holder), &|it| it.changes.names.clear()),
        (Loss::Stale, &|it| stale(it, 0)),
        (Loss::ExceedsDebit, &|it| {
            scenario::payment(it).returning = 500;
            scenario::operation(it).amount = eur(500);
            scenario::attempt(it).amount = eur(500);
            scenario::hold(it).minor = 503;
        }),
        (Loss::BalanceShort, &|it| scenario::hold(it).floor = 0),
    ];
    for (loss, mend) in steps {
        assert_eq!(lost(&store.commit(commit.clone()).await), Some(loss));
        world.assert_absent(&commit).await;
        mend(&mut commit);
    }
    store.commit(commit).await.unwrap();
    world.assert_sound().await;
}

// G-055
pub(crate) async fn an_equal_request_within_a_day_is_the_same_request(world: World) {
    let store = &world.store;
    let first = world.sale("first", eur(100));
    let request = first.changes.request.clone().unwrap();
    let digest = request.fingerprint.unwrap();
    store.commit(first).await.unwrap();
    let resend = |name: &str, at: Timestamp, project: ProjectId| {
        let mut commit = world.sale(name, eur(100));
        let request = commit.changes.request.as_mut().unwrap();
        (request.fingerprint, request.at, request.project) = (Some(digest), at, project);
        for name in &mut commit.changes.names {
            name.project = project;
        }
        scenario::payment(&mut commit).project = project;
        scenario::operation(&mut commit).project = project;
        commit
    };
    let window = Duration::from_secs(RESEND_WINDOW_SECONDS.unsigned_abs());
    let last_moment = Timestamp::from_micros(START.plus(window).micros() - 1);
    let again = resend("second", last_moment, world.project.id);
    assert_eq!(lost(&store.commit(again.clone()).await), Some(Loss::Resent(request.id)));
    world.assert_absent(&again).await;
    assert_eq!(store.resent(world.project.id, digest, last_moment).await.unwrap(), Some(request.id));

    let elsewhere = resend("second", last_moment, ProjectId::new(1002));
    store.commit(elsewhere).await.unwrap();

    assert_eq!(store.resent(world.project.id, digest, START.plus(window)).await.unwrap(), None);
    let later = resend("third", START.plus(window), world.project.id);
    let id = later.changes.request.as_ref().unwrap().id;
    store.commit(later).await.unwrap();
    let holder = store.resent(world.project.id, digest, START.plus(window)).await.unwrap();
    assert_eq!(holder, Some(id), "an expired fingerprint is taken over");
    assert!(store.request(world.project.id, request.id).await.unwrap().is_some());
    world.assert_sound().await;
}

// G-055
pub(crate) async fn of_equal_requests_at_the_same_moment_one_is_accepted(world: World) {
    let first = world.sale("p0", eur(100));
    let digest = first.changes.request.as_ref().unwrap().fingerprint;
    let mut commits = vec![first];
    for number in 1..32 {
        let mut commit = world.sale(&format!("p{number}"), eur(100));
        commit.changes.request.as_mut().unwrap().fingerprint = digest;
        commits.push(commit);
    }
    let running: Vec<_> = commits.iter().map(|commit| world.store.commit(commit.clone())).collect();
    let mut accepted = Vec::new();
    let mut resent = Vec::new();
    for (commit, result) in commits.iter().zip(running) {
        match result.await {
            Ok(()) => accepted.push(commit.changes.request.as_ref().unwrap().id),
            Err(CommitError::Lost(Loss::Resent(id))) => resent.push(id),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((accepted.len(), resent.len()), (1, 31));
    assert!(resent.iter().all(|id| *id == accepted[0]));
    world.assert_sound().await;
}

// G-052 G-060 G-061
pub(crate) async fn a_name_is_taken_once_in_its_project_and_kind(world: World) {
    let store = &world.store;
    let first = world.sale("Straße", eur(100));
    let holder = World::scene_of(&first).payment;
    store.commit(first).await.unwrap();
    let found = store.payment_named(world.project.id, "strasse").await.unwrap().unwrap();
    assert_eq!(found, holder);

    // A payment and a scheduled payment take names of the same kind: either one keeps the other out.
    let second = world.sale("STRASSE", eur(100));
    let taken = Loss::NameTaken(NameKind::Payment, holder.key);
    assert_eq!(lost(&store.commit(second.clone()).await), Some(taken));
    world.assert_absent(&second).await;
    let mut series = world.sale("registering", eur(100));
    let own = Name { folded: "strasse".into(), ..series.changes.names[0].clone() };
    series.changes.names.push(own);
    assert_eq!(lost(&store.commit(series.clone()).await), Some(taken));
    world.assert_absent(&series).await;
    series.changes.names[1].folded = "registering".into();
    let own_key = series.changes.names[0].payment;
    assert_eq!(
        lost(&store.commit(series.clone()).await),
        Some(Loss::NameTaken(NameKind::Payment, own_key)),
        "a scheduled payment differs from the payment that registers it"
    );

    // Another kind and another project are other names.
    let paid = world.paid("paid", eur(1_000)).await;
    store.commit(world.refund(&paid, 100, Some("strasse"))).await.unwrap();
    let mut elsewhere = world.sale("Straße", eur(100));
    let project = ProjectId::new(1002);
    elsewhere.changes.names[0].project = project;
    elsewhere.changes.request.as_mut().unwrap().project = project;
    scenario::payment(&mut elsewhere).project = project;
    scenario::operation(&mut elsewhere).project = project;
    store.commit(elsewhere).await.unwrap();

    let other = world.paid("paid too", eur(1_000)).await;
    let repeated = world.refund(&other, 100, Some("strasse"));
    assert_eq!(
        lost(&store.commit(repeated.clone()).await),
        Some(Loss::NameTaken(NameKind::MerchantRefund, paid.key))
    );
    world.assert_absent(&repeated).await;
    world.assert_sound().await;
}

// G-057
pub(crate) async fn an_operation_number_used_twice_fails_alone(world: World) {
    let first = world.sale("first", eur(100));
    let used = World::scene_of(&first).operation.id;
    let payment = World::scene_of(&first).payment;
    world.store.commit(first).await.unwrap();
    let mut wrong = world.sale("wrong", eur(100));
    scenario::operation(&mut wrong).id = used;
    let commits: Vec<Commit> = (0..20)
        .map(
            |number| {
                if number == 10 { wrong.clone() } else { world.sale(&format!("fine {number}"), eur(100)) }
            },
        )
        .collect();
    let running: Vec<_> = commits.iter().map(|commit| world.store.commit(commit.clone())).collect();
    for (number, result) in running.into_iter().enumerate() {
        let result = result.await;
        if number == 10 {
            assert!(matches!(result, Err(CommitError::Defect(_))), "{result:?}");
        } else {
            result.unwrap();
        }
    }
    world.assert_absent(&wrong).await;
    let attempt = world.store.scene(AttemptId::first(used)).await.unwrap().unwrap();
    assert_eq!((attempt.payment, attempt.attempt.status), (payment, AttemptStatus::Created));
    world.assert_sound().await;
}

pub(crate) async fn what_does_not_exist_cannot_be_changed(world: World) {
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let mut wrong = world.approved(&scene);
    scenario::operation(&mut wrong).id = OperationId::new(987_654);
    let result = world.store.commit(wrong.clone()).await;
    assert!(matches!(result, Err(CommitError::Defect(_))), "{result:?}");
    world.assert_absent(&wrong).await;
    let mut wrong = world.approved(&scene);
    scenario::attempt(&mut wrong).id = AttemptId { operation: scene.operation.id, number: 2 };
    let result = world.store.commit(wrong.clone()).await;
    assert!(matches!(result, Err(CommitError::Defect(_))), "{result:?}");
    world.assert_absent(&wrong).await;
    assert_eq!(world.payment(scene.payment.key).await, scene.payment);
    world.store.commit(world.approved(&scene)).await.unwrap();
    world.assert_sound().await;
}

pub(crate) async fn a_decision_on_an_old_version_is_lost(world: World) {
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let rivals: Vec<Commit> = (0..16).map(|_| world.approved(&scene)).collect();
    let running: Vec<_> = rivals.iter().map(|commit| world.store.commit(commit.clone())).collect();
    let mut won = 0;
    for (commit, result) in rivals.iter().zip(running) {
        let result = result.await;
        if result.is_ok() {
            won += 1;
        } else {
            assert_eq!(lost(&result), Some(Loss::Stale));
            assert!(world.store.delivery(commit.callbacks[0].id, 0).await.unwrap().is_none());
        }
    }
    assert_eq!(won, 1);
    world.assert_sound().await;
}

// G-281 G-282
pub(crate) async fn many_refunds_at_once_never_return_more_than_was_debited(world: World) {
    let paid = world.paid("paid", eur(1_000)).await;
    world.store.commit(world.opening(1_000_000)).await.unwrap();
    // No rule of the domain stands in front: each takes 100 again and again, as often as it is stale.
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let world = world.clone();
            let key = paid.key;
            tokio::spawn(async move {
                loop {
                    let payment = world.payment(key).await;
                    let mut commit = world.lawless_refund(&payment, 100);
                    // The operations are ended at once, so that many may follow each other.
                    scenario::payment(&mut commit).open = None;
                    match world.store.commit(commit).await {
                        Ok(()) => return true,
                        Err(CommitError::Lost(Loss::Stale)) => {}
                        Err(CommitError::Lost(Loss::ExceedsDebit)) => return false,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let mut started = 0;
    for task in tasks {
        started += i64::from(task.await.unwrap());
    }
    assert_eq!(started, 10);
    let payment = world.payment(paid.key).await;
    assert_eq!((payment.returning, payment.returnable()), (1_000, 0));
    assert_eq!(world.balance(world.merchant()).await.held, 10 * 103);
}

pub(crate) async fn commits_of_an_older_epoch_are_fenced(world: World) {
    let store = &world.store;
    let first = store.enrol(START).await.unwrap();
    let fenced = |node: &ferropay_store::Node, bucket: u8| {
        Some(Fence { bucket, epoch: node.epochs[usize::from(bucket)] })
    };
    let commit = |name: &str, fence| Commit { fence, ..world.sale(name, eur(100)) };
    for bucket in [0, 31, 63] {
        store.commit(commit(&format!("first {bucket}"), fenced(&first, bucket))).await.unwrap();
    }
    let second = store.enrol(START).await.unwrap();
    assert_ne!(first.number, second.number);
    for bucket in [0, 31, 63] {
        assert!(second.epochs[usize::from(bucket)] > first.epochs[usize::from(bucket)]);
        let late = commit(&format!("late {bucket}"), fenced(&first, bucket));
        assert_eq!(lost(&store.commit(late.clone()).await), Some(Loss::Fenced));
        world.assert_absent(&late).await;
        store.commit(commit(&format!("second {bucket}"), fenced(&second, bucket))).await.unwrap();
    }
    let nobodys = commit("nobody's bucket", Some(Fence { bucket: 64, epoch: 1 }));
    assert_eq!(lost(&store.commit(nobodys).await), Some(Loss::Fenced));
    // What a provider said is kept as evidence all the same.
    store.commit(Commit { notification: Some(notification("late")), ..Commit::default() }).await.unwrap();
    world.assert_sound().await;
}

pub(crate) async fn a_notification_is_taken_once(world: World) {
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let with = |id: &str| Commit { notification: Some(notification(id)), ..world.approved(&scene) };
    world.store.commit(with("a")).await.unwrap();
    let again = world.sale("another", eur(5));
    let again = Commit { notification: Some(notification("a")), ..again };
    assert_eq!(lost(&world.store.commit(again.clone()).await), Some(Loss::NotificationKnown));
    world.assert_absent(&again).await;
    let mut elsewhere = again;
    elsewhere.notification.as_mut().unwrap().account = ProviderAccountId::new(8);
    world.store.commit(elsewhere).await.unwrap();
    world.assert_sound().await;
}

pub(crate) async fn a_commit_happens_although_its_future_is_dropped(world: World) {
    let sale = world.sale("sale", eur(100));
    let scene = World::scene_of(&sale);
    drop(world.store.commit(sale));
    // What is decided on top of it comes after it, and could not be applied without it.
    let approved = world.approved(&scene);
    let after = World::scene_of(&approved).payment;
    world.store.commit(approved).await.unwrap();
    assert_eq!(world.payment(scene.payment.key).await, after);
    let unknown = PaymentId::parse("nowhere").unwrap().folded();
    assert!(world.store.payment_named(world.project.id, &unknown).await.unwrap().is_none());
    world.assert_sound().await;
}
