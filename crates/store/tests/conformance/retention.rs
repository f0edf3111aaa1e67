//! What has lost its use is forgotten, and only that.

use crate::scenario::{self, NOW, START, World, eur};
use ferropay_domain::{
    ids::{CallbackId, ProviderAccountId},
    time::Timestamp,
};
use ferropay_store::{
    Commit, CommitError, DeliveryState, Forgettable, Loss, Notification, OWN_ACCOUNT, Unresolved,
};
use std::time::Duration;

/// Goes through a table in steps of three rows; answers how many rows were forgotten.
async fn forget(world: &World, what: Forgettable, before: Timestamp) -> usize {
    let (mut rows, mut place, mut steps) = (0, None, 0);
    loop {
        let step = world.store.forget(what, place, before, 3).await.unwrap();
        rows += step.rows;
        steps += 1;
        assert!(step.rows <= 3 && steps < 100);
        match step.next {
            Some(next) => place = Some(next),
            None => return rows,
        }
    }
}

fn hours(hours: u64) -> Timestamp {
    START.plus(Duration::from_hours(hours))
}

/// They expire after a day, and are kept for a week more.
pub(crate) async fn fingerprints_that_expired_long_ago_are_forgotten_and_the_others_stay(world: World) {
    let store = &world.store;
    let mut digests = Vec::new();
    for number in 0..10 {
        let mut sale = world.sale(&format!("sale {number}"), eur(100));
        let request = sale.changes.request.as_mut().unwrap();
        if number >= 7 {
            request.at = hours(5);
        }
        digests.push(request.fingerprint.unwrap());
        store.commit(sale).await.unwrap();
    }
    let known = async |now| {
        let mut known = 0;
        for digest in &digests {
            known += usize::from(store.resent(world.project.id, *digest, now).await.unwrap().is_some());
        }
        known
    };
    assert_eq!(
        forget(&world, Forgettable::Fingerprints, hours(8 * 24).minus(Duration::from_micros(1))).await,
        0
    );
    assert_eq!(known(hours(1)).await, 10);
    assert_eq!(forget(&world, Forgettable::Fingerprints, hours(8 * 24)).await, 7);
    assert_eq!(known(hours(1)).await, 3, "those that are left");
    assert_eq!(forget(&world, Forgettable::Fingerprints, hours(8 * 24)).await, 0);
    world.assert_sound().await;
}

pub(crate) async fn bodies_of_delivered_callbacks_are_forgotten_and_nothing_else_of_them(world: World) {
    let store = &world.store;
    let mut callbacks: Vec<CallbackId> = Vec::new();
    for number in 0..9 {
        let sale = world.sale(&format!("sale {number}"), eur(100));
        let scene = World::scene_of(&sale);
        store.commit(sale).await.unwrap();
        let approved = world.approved(&scene);
        callbacks.push(approved.callbacks[0].id);
        store.commit(approved).await.unwrap();
    }
    // The first is open, the second given up, the others are delivered.
    let mut given_up = scenario::delivered(callbacks[1]);
    given_up.deliveries[0].state = DeliveryState::Parked;
    store.commit(given_up).await.unwrap();
    for callback in &callbacks[2..] {
        store.commit(scenario::delivered(*callback)).await.unwrap();
    }
    let bodies = async || {
        let mut kept = Vec::new();
        for callback in &callbacks {
            kept.push(!store.delivery(*callback, 0).await.unwrap().unwrap().body.is_empty());
        }
        kept
    };
    assert_eq!(forget(&world, Forgettable::CallbackBodies, START).await, 0, "none is older");
    assert_eq!(forget(&world, Forgettable::CallbackBodies, hours(1)).await, 7);
    assert_eq!(bodies().await, [true, true, false, false, false, false, false, false, false]);
    assert_eq!(forget(&world, Forgettable::CallbackBodies, hours(1)).await, 0);
    store.commit(scenario::delivered(callbacks[0])).await.unwrap();
    assert_eq!(forget(&world, Forgettable::CallbackBodies, hours(1)).await, 1);
    assert_eq!(bodies().await.iter().filter(|kept| **kept).count(), 1, "what was given up may be replayed");
    world.assert_sound().await;
}

pub(crate) async fn what_providers_reported_is_forgotten_but_not_that_they_did(world: World) {
    let report = |account: i64, id: &str, at| Commit {
        notification: Some(Notification {
            account: ProviderAccountId::new(account),
            id: id.to_owned(),
            body: "{\"paid\":true}".to_owned(),
            at,
        }),
        ..Commit::default()
    };
    let ids = ["", "a", "a b", "aé", "Z", "\u{1f4b3}"];
    for account in [2, 7] {
        for id in ids {
            world.store.commit(report(account, id, START)).await.unwrap();
        }
    }
    world.store.commit(report(2, "later", hours(2))).await.unwrap();
    // The platform's own, and what nobody has acted on.
    world.store.commit(report(OWN_ACCOUNT.get(), "settlement", START)).await.unwrap();
    for open in [Unresolved::NoAttempt, Unresolved::Fenced, Unresolved::LeftAtRelease] {
        world.store.commit(report(2, &open.named("71"), START)).await.unwrap();
    }
    world.store.commit(report(7, &Unresolved::NoAttempt.named("72"), hours(1))).await.unwrap();
    let open = world.store.without_attempt(10).await.unwrap();
    let listed: Vec<_> = open.iter().map(|it| (it.account.get(), it.id.as_str(), it.at)).collect();
    assert_eq!(listed, [(7, "no attempt: 72", hours(1)), (2, "no attempt: 71", START)], "newest first");
    assert_eq!(world.store.without_attempt(1).await.unwrap().len(), 1);
    assert_eq!(forget(&world, Forgettable::Evidence, START).await, 0);
    assert_eq!(forget(&world, Forgettable::Evidence, hours(1)).await, 12);
    assert_eq!(forget(&world, Forgettable::Evidence, hours(1)).await, 0);
    assert_eq!(forget(&world, Forgettable::Evidence, hours(3)).await, 1);
    for id in ids {
        let again = world.store.commit(report(7, id, NOW.real)).await;
        assert!(matches!(again, Err(CommitError::Lost(Loss::NotificationKnown))), "{id:?}: {again:?}");
    }
    world.assert_sound().await;
}

pub(crate) async fn the_newest_request_and_the_server_tell_the_time(world: World) {
    assert_eq!(world.store.moments().await.unwrap().newest, None);
    for (number, at) in [START, hours(5)].into_iter().enumerate() {
        let mut sale = world.sale(&format!("sale {number}"), eur(100));
        sale.changes.request.as_mut().unwrap().at = at;
        world.store.commit(sale).await.unwrap();
    }
    let moments = world.store.moments().await.unwrap();
    assert_eq!(moments.newest, Some(hours(5)));
    if let Some(server) = moments.server {
        let later = world.store.moments().await.unwrap().server.unwrap();
        assert!(server > START && server <= later, "it goes on: {server:?} {later:?}");
    }
}
