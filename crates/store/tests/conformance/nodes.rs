//! Nodes beside each other: who holds what, and until when.

use crate::{
    guards::lost,
    scenario::{START, World, eur},
};
use ferropay_domain::change::{BUCKETS, Buckets};
use ferropay_store::{Commit, Fence, Loss, NodeId, Tenure};
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(100);

fn held(tenure: &Tenure) -> Buckets {
    (0..BUCKETS).filter(|bucket| tenure.epochs[usize::from(*bucket)] != 0).collect()
}

fn disjoint(tenures: &[&Tenure]) -> bool {
    let all = tenures.iter().flat_map(|it| held(it).iter().collect::<Vec<_>>());
    let all: Vec<u8> = all.collect();
    all.len() == all.iter().collect::<std::collections::HashSet<_>>().len()
}

pub(crate) async fn nodes_that_join_share_the_buckets_as_each_gives_back_its_surplus(world: World) {
    let store = &world.store;
    let first = store.join(LONG).await.unwrap();
    assert!(first.epochs.iter().all(|epoch| *epoch == 0), "who joins holds nothing");
    let alone = store.renew(first.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((held(&alone), alone.share, alone.taken_over), (Buckets::ALL, 64, 0));
    let second = store.join(LONG).await.unwrap();
    assert_ne!(second.number, first.number);
    let nothing = store.renew(second.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((held(&nothing), nothing.share), (Buckets::NONE, 32));
    let told = store.renew(first.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!(
        (told.epochs, told.share),
        (alone.epochs, 32),
        "what is held stays held until it is given back"
    );
    let upper: Buckets = (32..BUCKETS).collect();
    let less = store.renew(first.id, LONG, upper).await.unwrap();
    assert_eq!(held(&less), (0..32).collect());
    let more = store.renew(second.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((held(&more), more.taken_over), (upper, 0), "what was given back was taken from nobody");
    for bucket in 32..64 {
        assert!(more.epochs[bucket] > alone.epochs[bucket]);
    }
    store.leave(first.id).await.unwrap();
    let all = store.renew(second.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((held(&all), all.share, all.taken_over), (Buckets::ALL, 64, 0));
}

/// A database that was set back gives the number of a node that it has forgotten to the next one.
pub(crate) async fn a_node_that_the_database_has_forgotten_does_nothing_to_the_one_that_has_its_number(
    world: World,
) {
    let store = &world.store;
    let node = store.join(LONG).await.unwrap();
    let had = store.renew(node.id, LONG, Buckets::NONE).await.unwrap();
    let other = store.join(LONG).await.unwrap();
    assert_ne!(node.id.token, other.id.token);
    let forgotten = NodeId { token: other.id.token, ..node.id };
    let missing = NodeId { row: other.id.row + 1, ..other.id };
    for id in [forgotten, missing] {
        let refused = store.renew(id, LONG, Buckets::ALL).await.unwrap_err();
        assert!(refused.reason.contains("does not know this node"), "{refused}");
        store.leave(id).await.unwrap();
    }
    let left = store.renew(node.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((left.epochs, left.share), (had.epochs, 32), "nothing was given back, and nobody has left");
    let alone = store.enrol(START).await.unwrap();
    assert_ne!(alone.id.token, other.id.token);
}

pub(crate) async fn what_a_node_does_not_renew_in_time_another_takes_and_fences(world: World) {
    let store = &world.store;
    let silent = store.join(SHORT).await.unwrap();
    let had = store.renew(silent.id, SHORT, Buckets::NONE).await.unwrap();
    let heir = store.join(LONG).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    let heirs = store.renew(heir.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((held(&heirs), heirs.share, heirs.taken_over), (Buckets::ALL, 64, 64));
    let with =
        |name: &str, epoch| Commit { fence: Some(Fence { bucket: 7, epoch }), ..world.sale(name, eur(100)) };
    let late = with("late", had.epochs[7]);
    assert_eq!(lost(&store.commit(late.clone()).await), Some(Loss::Fenced));
    world.assert_absent(&late).await;
    store.commit(with("right", heirs.epochs[7])).await.unwrap();
    let back = store.renew(silent.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!(
        (held(&back), back.share),
        (Buckets::NONE, 32),
        "it lives again, and has to wait for its share"
    );
    world.assert_sound().await;
}

pub(crate) async fn a_lease_that_ran_out_and_that_nobody_took_is_renewed_in_its_epoch(world: World) {
    let store = &world.store;
    let node = store.join(SHORT).await.unwrap();
    let before = store.renew(node.id, SHORT, Buckets::NONE).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    let after = store.renew(node.id, SHORT, Buckets::NONE).await.unwrap();
    assert_eq!(before.epochs, after.epochs);
}

/// After an outage of the database that lasted longer than a term all nodes are late, and one of them is the first that is back.
pub(crate) async fn a_node_that_is_late_itself_leaves_the_others_a_term_to_renew(world: World) {
    let store = &world.store;
    let (first, second) = (store.join(LONG).await.unwrap(), store.join(LONG).await.unwrap());
    let firsts = store.renew(first.id, LONG, Buckets::NONE).await.unwrap();
    let seconds = store.renew(second.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((held(&firsts).len(), held(&seconds).len()), (32, 32));
    // No lease lasts longer than two terms of whoever looks, so that this shortens both.
    store.renew(first.id, SHORT, Buckets::NONE).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    let back = store.renew(first.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((back.epochs, back.taken_over), (firsts.epochs, 0), "it takes nothing");
    let back = store.renew(second.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((back.epochs, back.taken_over), (seconds.epochs, 0), "it has lost nothing");

    // One that does not come back is spared once only, however late the other is.
    store.renew(first.id, SHORT, Buckets::NONE).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(store.renew(first.id, SHORT, Buckets::NONE).await.unwrap().taken_over, 0);
    tokio::time::sleep(SHORT * 2).await;
    let all = store.renew(first.id, SHORT, Buckets::NONE).await.unwrap();
    assert_eq!((held(&all), all.taken_over), (Buckets::ALL, 32));
}

pub(crate) async fn a_node_that_works_alone_takes_everything_from_those_that_share(world: World) {
    let store = &world.store;
    let sharing = store.join(LONG).await.unwrap();
    let had = store.renew(sharing.id, LONG, Buckets::NONE).await.unwrap();
    let alone = store.enrol(START).await.unwrap();
    assert!(alone.epochs.iter().zip(had.epochs).all(|(now, before)| *now > before));
    assert_eq!(held(&store.renew(sharing.id, LONG, Buckets::NONE).await.unwrap()), Buckets::NONE);
}

pub(crate) async fn nodes_at_the_same_moment_never_hold_the_same_bucket(world: World) {
    let joined = (0..5).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move {
            let node = store.join(LONG).await.unwrap();
            let mut tenure = store.renew(node.id, LONG, Buckets::NONE).await.unwrap();
            for _ in 0..20 {
                let surplus = held(&tenure).len().saturating_sub(tenure.share);
                let back = held(&tenure).iter().take(surplus as usize).collect();
                tenure = store.renew(node.id, LONG, back).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (node, tenure)
        })
    });
    let mut tenures = Vec::new();
    let mut numbers = std::collections::HashSet::new();
    for node in joined.collect::<Vec<_>>() {
        let (node, _) = node.await.unwrap();
        assert!(numbers.insert(node.number));
        tenures.push(world.store.renew(node.id, LONG, Buckets::NONE).await.unwrap());
    }
    assert!(disjoint(&tenures.iter().collect::<Vec<_>>()));
    assert_eq!(tenures.iter().map(|it| held(it).len()).sum::<u32>(), 64);
    assert!(tenures.iter().all(|it| held(it).len() <= 13), "{tenures:?}");
}

pub(crate) async fn due_work_is_that_of_the_buckets_asked_for(world: World) {
    let store = &world.store;
    let mut buckets = std::collections::HashSet::new();
    for number in 0..20 {
        let sale = world.sale(&format!("sale {number}"), eur(100));
        buckets.extend(sale.changes.tasks.iter().map(|task| task.bucket));
        store.commit(sale).await.unwrap();
    }
    let everything = store.due(Buckets::ALL, None, START, 100).await.unwrap();
    assert_eq!(everything.len(), 20);
    for bucket in 0..BUCKETS {
        let due = store.due(Buckets::NONE.with(bucket), None, START, 100).await.unwrap();
        assert_eq!(due.is_empty(), !buckets.contains(&bucket));
        assert!(due.iter().all(|task| task.bucket == bucket));
    }
    assert_eq!(store.due(Buckets::NONE, None, START, 100).await.unwrap(), []);
}
