//! Series: guarded by their own version, kept with the payment that registers them, debited once for each moment.

use crate::scenario::{NOW, START, World, eur};
use ferropay_domain::{
    change::NameKind,
    decide::{self, CallbackOptions, DebitCommand, DebitFacts, Now, SeriesCommand, SeriesOrder},
    ids::{PaymentId, PaymentKey, ProjectId},
    payment::{CardRequest, Customer, OperationKind, PaymentStatus},
    series::{
        ExpiryParts, Interval, Period, Plan, Registration, Scheduled, Series, SeriesKind, SeriesStatus,
    },
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, Scene};
use jiff::civil::{date, time};
use std::{collections::BTreeMap, time::Duration};

fn monthly(key: PaymentKey) -> Registration {
    Registration {
        kind: SeriesKind::Regular,
        amount: Some(100),
        plan: Some(Plan {
            period: Period::Month,
            interval: Interval::ONE,
            time: Some(time(10, 0, 0, 0)),
            start: Some(date(2099, 1, 31)),
        }),
        expiry: ExpiryParts::default(),
        scheduled: Some(Scheduled { id: PaymentId::parse("Rent").unwrap(), key }),
    }
}

/// A sale that is to register a series, accepted.
async fn asked(world: &World) -> Scene {
    let key = PaymentKey::new(world.uuid());
    let sale = world.registering(OperationKind::Sale, "first", eur(1_000), Some(monthly(key)));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    scene
}

pub(crate) async fn registered(world: &World) -> Series {
    let scene = asked(world).await;
    let approval = world.approved(&scene);
    let series = approval.changes.series.as_ref().unwrap().series.clone();
    world.store.commit(approval).await.unwrap();
    *series
}

async fn holder(world: &World) -> Option<PaymentKey> {
    world.store.name_holder(world.project.id, NameKind::Payment, "rent").await.unwrap()
}

pub(crate) fn cancel(world: &World, series: &Series) -> Commit {
    let command = SeriesCommand {
        head: world.head("payment/card/recurring/cancel"),
        payment_id: PaymentId::parse("c").unwrap(),
        series: series.id,
        order: SeriesOrder::Cancel,
        callback: CallbackOptions::default(),
    };
    let facts = (Some(series), None);
    world.rendered(decide::manage_series(&world.project, command, facts, false, world.ids(), NOW).unwrap())
}

// G-060, G-359
pub(crate) async fn a_series_comes_with_the_payment_that_registers_it_or_not_at_all(world: World) {
    let scene = asked(&world).await;
    let planned = holder(&world).await;
    assert!(planned.is_some(), "the name is taken before anything is debited");
    assert!(world.store.payment_named(world.project.id, "rent").await.unwrap().is_none());
    world.assert_sound().await;
    world.store.commit(world.declined(&scene)).await.unwrap();
    assert_eq!(holder(&world).await, None, "and given back");
    world.assert_sound().await;
    let key = PaymentKey::new(world.uuid());
    let sale = world.registering(OperationKind::Sale, "second", eur(1_000), Some(monthly(key)));
    let scene = World::scene_of(&sale);
    world.store.commit(sale).await.unwrap();
    let approval = world.approved(&scene);
    let series = approval.changes.series.as_ref().unwrap().series.clone();
    world.store.commit(approval).await.unwrap();
    let stored = world.store.series(world.project.id, series.id).await.unwrap().unwrap();
    assert_eq!(stored, *series, "it is read as it was written");
    assert_eq!(world.store.series(ProjectId::new(4), series.id).await.unwrap(), None);
    let tasks = world.all_tasks().await;
    assert!(tasks.iter().any(|task| Some(task.due) == series.due && task.clock == Some(world.project.id)));
    world.assert_sound().await;
}

// G-391
pub(crate) async fn a_change_decided_on_an_old_version_of_a_series_is_lost(world: World) {
    let series = registered(&world).await;
    let (first, second) = (cancel(&world, &series), cancel(&world, &series));
    world.store.commit(first).await.unwrap();
    let lost = world.store.commit(second.clone()).await;
    assert!(matches!(lost, Err(CommitError::Lost(Loss::Stale))), "{lost:?}");
    let request = second.changes.request.unwrap();
    assert!(world.store.request(request.project, request.id).await.unwrap().is_none());
    let stored = world.store.series(world.project.id, series.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.version, stored.callbacks), (SeriesStatus::Canceled, 2, 1));
    world.assert_sound().await;
}

fn due(world: &World, series: &Series, at: Timestamp) -> Commit {
    let now = Now { business: at, real: START };
    let changes =
        decide::series_due(&world.project, (series, None), &DebitFacts::default(), world.ids(), now)
            .unwrap()
            .unwrap();
    world.rendered(changes)
}

// G-383
pub(crate) async fn a_moment_of_a_schedule_is_debited_once(world: World) {
    let series = registered(&world).await;
    let at = series.detail.next.unwrap();
    let (first, second) = (due(&world, &series, at), due(&world, &series, at));
    assert_eq!(first.changes.series.as_ref().unwrap().slot.unwrap().0, at);
    let scene = World::scene_of(&first);
    world.store.commit(first).await.unwrap();
    let lost = world.store.commit(second.clone()).await;
    assert!(matches!(lost, Err(CommitError::Lost(Loss::Stale))), "{lost:?}");
    world.assert_sound().await;
    // Even a decision that passes every other guard does not debit it again.
    let mut forced = second;
    let write = forced.changes.series.as_mut().unwrap();
    write.expected = Some(series.version + 1);
    write.series.version = series.version + 2;
    let refused = world.store.commit(forced).await;
    assert!(matches!(refused, Err(CommitError::Defect(_))), "{refused:?}");
    world.assert_sound().await;
    world.store.commit(world.approved(&scene)).await.unwrap();
    let payment = world.payment(scene.payment.key).await;
    assert_eq!((payment.status, payment.debited), (PaymentStatus::ScheduledRecurringProcessing, 100));
    world.assert_sound().await;
}

// G-368
pub(crate) async fn a_debit_is_found_with_its_series(world: World) {
    let series = registered(&world).await;
    let command = DebitCommand {
        head: world.head("payment/card/recurring"),
        payment_id: PaymentId::parse("d").unwrap(),
        series: series.id,
        amount: eur(400),
        customer: Customer { id: Some("c1".into()), ..Customer::default() },
        description: String::new(),
        merchant_data: None,
        booking: None,
        request: CardRequest::default(),
        given: BTreeMap::new(),
        callback: CallbackOptions::default(),
        fault_plan: None,
    };
    let changes =
        decide::debit(&world.project, command, Some(&series), &DebitFacts::default(), world.ids(), NOW)
            .unwrap();
    let commit = world.rendered(changes);
    let attempt = commit.changes.attempts[0].record().id;
    world.store.commit(commit).await.unwrap();
    world.assert_sound().await;
    let scene = world.store.scene(attempt).await.unwrap().unwrap();
    let standing = world.store.standing(attempt.operation).await.unwrap().unwrap();
    let known = world.store.series_known(series.id).await.unwrap();
    assert_eq!(known.as_ref().map(|series| series.open), Some(Some(attempt.operation)));
    assert_eq!((scene.series.as_deref(), standing.series.as_deref()), (known.as_ref(), known.as_ref()));
    world.store.commit(world.approved(&scene)).await.unwrap();
    let after = world.store.series_known(series.id).await.unwrap().unwrap();
    assert_eq!((after.open, after.detail.last_payment_at), (None, Some(NOW.business)));
    assert!(after.due.unwrap() > NOW.business.plus(Duration::from_hours(24)));
    world.assert_sound().await;
}
