//! Counting what waits.

use crate::scenario::{START, World, eur};
use ferropay_domain::{
    change::{ChangeSet, Task, TaskKey},
    decide::Outcome,
    time::Timestamp,
};
use ferropay_store::{Backlog, Commit, DueWork};
use std::time::Duration;

fn later(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

pub(crate) async fn what_waits_is_counted_by_clock_and_kind(world: World) {
    let store = &world.store;
    let project = world.project.id;
    let at = |moment| store.backlog(vec![(None, moment), (Some(project), moment)]);
    assert_eq!(at(later(9999)).await.unwrap(), Backlog::default());

    let sales = ["a", "b", "c"].map(|name| world.sale(name, eur(100)));
    let scenes = sales.each_ref().map(World::scene_of);
    let call = sales[0].changes.tasks[0].clone();
    for sale in sales {
        store.commit(sale).await.unwrap();
    }
    // One is put off and comes back, one is lost, one is approved and to be told.
    let put_off = Task { due: later(60), tries: 1, ..call };
    let changes = ChangeSet { tasks: vec![put_off], ..ChangeSet::default() };
    store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
    store.commit(world.outcome(&scenes[1], Outcome::Lost { repeatable: false })).await.unwrap();
    store.commit(world.approved(&scenes[2])).await.unwrap();

    let counted = at(later(30)).await.unwrap();
    assert_eq!((counted.deliveries_open, counted.deliveries_parked, counted.attempts_unknown), (1, 0, 1));
    let of = |clock, is_it: fn(&DueWork) -> bool| {
        counted
            .due
            .iter()
            .copied()
            .find(|it| it.clock == clock && is_it(it))
            .map(|it| (it.count, it.retried, it.earliest))
    };
    assert_eq!(of(None, |it| matches!(it.example, TaskKey::Reverse(_))), Some((1, 0, START)));
    assert_eq!(of(None, |it| matches!(it.example, TaskKey::Call(_))), None, "it is put off");
    assert_eq!(of(Some(project), |it| matches!(it.example, TaskKey::Deliver(..))), Some((1, 0, START)));
    let counted = at(later(60)).await.unwrap();
    let calls = counted.due.iter().find(|it| matches!(it.example, TaskKey::Call(_))).unwrap();
    assert_eq!((calls.count, calls.retried, calls.earliest), (1, 1, later(60)));
}
