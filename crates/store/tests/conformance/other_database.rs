//! A database that does not have what was written to it: on `PostgreSQL`, after a failover to a replica that lagged or a return to
//! an earlier moment while nodes run.

use crate::scenario::{START, World, eur};
use ferropay_domain::change::Buckets;
use ferropay_store::{
    CommitError, Store,
    postgres::{Options, PostgresStore},
};
use ferropay_test_postgres::Database;
use std::{sync::Arc, time::Duration};

/// What becomes of the rows of a writer whose last batches were lost; the last is that of a writer which the database saw go on
/// without this process.
const LOSSES: [&str; 3] =
    ["UPDATE writers SET batch = batch - 1", "DELETE FROM writers", "UPDATE writers SET batch = batch + 2"];

const BREAK: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// A store whose writers both have written.
async fn in_use() -> (Database, World) {
    in_use_with(Options::default()).await
}

async fn in_use_with(options: Options) -> (Database, World) {
    let database = Database::new();
    let store = PostgresStore::connect(&database.url(), options).await.unwrap();
    let world = World::new(Arc::new(store));
    world.store.commit(world.opening(10_000)).await.unwrap();
    let mut number = 0;
    while database.texts("SELECT 1 FROM writers WHERE batch > 0").len() < 2 {
        let pair = [(), ()].map(|()| {
            number += 1;
            world.store.commit(world.sale(&format!("p{number}"), eur(100)))
        });
        for commit in pair {
            commit.await.unwrap();
        }
    }
    (database, world)
}

async fn is_refused_for_good(world: &World) {
    for number in 0..4 {
        let sale = world.sale(&format!("later {number}"), eur(100));
        let refused = world.store.commit(sale.clone()).await;
        let Err(CommitError::Unavailable(reason)) = refused else { panic!("{refused:?}") };
        assert!(reason.reason.contains("start the process anew"), "{reason}");
        world.assert_absent(&sale).await;
    }
    assert!(world.store.ended().is_some());
}

/// The hold comes a moment after the first refusal.
async fn is_held(store: &dyn Store) {
    for _ in 0..500 {
        if store.recovery().await.unwrap().is_some_and(|it| it.is_held()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the database is not held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_database_lost_what_it_wrote_writes_nothing_more_and_holds_it() {
    for loss in LOSSES {
        for breaks in [false, true] {
            let (database, world) = in_use().await;
            database.run(loss);
            if breaks {
                database.run(BREAK);
                // It is found out without anything to write.
                is_held(&*world.store).await;
            }
            is_refused_for_good(&world).await;
            is_held(&*world.store).await;
            world.assert_sound().await;
            // A process that is started anew knows nothing that is not there, and goes on after the release.
            let anew = PostgresStore::connect(&database.url(), Options::default()).await.unwrap();
            let anew = World::from_number(Arc::new(anew), 1_000_000);
            assert!(anew.store.release(0, START).await.unwrap(), "{loss}");
            anew.paid("anew", eur(100)).await;
            // The earlier one does not hold it a second time.
            database.run(BREAK);
            is_refused_for_good(&world).await;
            assert!(!anew.store.recovery().await.unwrap().unwrap().is_held(), "{loss}");
            anew.assert_sound().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_under_way_while_the_database_loses_what_was_written_is_not_told_as_written() {
    for loss in LOSSES {
        let (database, world) = in_use().await;
        let database = Arc::new(database);
        let failover = {
            let database = Arc::clone(&database);
            let sql = format!(
                "BEGIN; SELECT slot FROM writers ORDER BY slot FOR UPDATE; SELECT pg_sleep(1); {loss}; {BREAK}; COMMIT"
            );
            std::thread::spawn(move || database.run(&sql))
        };
        while database
            .texts("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT slot%'")
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (plain, rich) = (world.sale("plain", eur(100)), world.payout("payout", 100));
        let verdicts = [world.store.commit(plain.clone()), world.store.commit(rich)];
        for verdict in verdicts {
            let verdict = verdict.await;
            let Err(CommitError::Unavailable(reason)) = verdict else { panic!("{loss}: {verdict:?}") };
            assert!(reason.reason.contains("start the process anew"), "{reason}");
        }
        failover.join().unwrap();
        world.assert_absent(&plain).await;
        is_held(&*world.store).await;
        is_refused_for_good(&world).await;
        world.assert_sound().await;
    }
}

#[tokio::test]
async fn leases_of_a_clock_that_was_set_back_do_not_last_longer_than_a_term() {
    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(300);
    let (database, world) = in_use().await;
    let store = &world.store;
    let (living, dead) = (store.join(LONG).await.unwrap(), store.join(LONG).await.unwrap());
    let none = Buckets::NONE;
    let livings = store.renew(living.id, LONG, none).await.unwrap();
    let deads = store.renew(dead.id, LONG, none).await.unwrap();
    assert_eq!(deads.epochs.iter().filter(|epoch| **epoch != 0).count(), 32);
    let an_hour_ahead = || {
        let hour = "+ 3600000000";
        database.run(&format!("UPDATE nodes SET lives_until = lives_until {hour}"));
        database.run(&format!("UPDATE buckets SET lease_until = lease_until {hour}"));
    };
    an_hour_ahead();
    for (node, had) in [(&living, &livings), (&dead, &deads)] {
        let now = store.renew(node.id, LONG, none).await.unwrap();
        assert_eq!((now.epochs, now.taken_over), (had.epochs, 0), "who lives loses nothing");
    }
    an_hour_ahead();
    for _ in 0..100 {
        let tenure = store.renew(living.id, SHORT, none).await.unwrap();
        if tenure.epochs.iter().all(|epoch| *epoch != 0) {
            assert_eq!((tenure.share, tenure.taken_over), (64, 32));
            return;
        }
        tokio::time::sleep(SHORT / 4).await;
    }
    panic!("the leases of a node that is gone go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_of_the_server_that_is_set_on_by_a_month_takes_nothing_from_nodes_that_live() {
    let options = Options { sign_of_life: Duration::from_millis(150), ..Options::default() };
    let (database, world) = in_use_with(options.clone()).await;
    let living = database.texts("SELECT slot::text FROM writers ORDER BY slot");
    database.run("INSERT INTO writers (slot, batch, fence) VALUES (gen_random_uuid(), 7, 0)");
    // As the rows look when the server's clock has been set on.
    database.run("UPDATE writers SET at = at - interval '40 days'");
    let other = PostgresStore::connect(&database.url(), options).await.unwrap();
    let mut looks = 0;
    while database.texts("SELECT 1 FROM writers WHERE batch = 7 AND at < now() - interval '30 days'").len()
        == 1
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
        looks += 1;
        assert!(looks < 400, "the row of one that died is taken away");
    }
    let left = database.texts("SELECT slot::text FROM writers ORDER BY slot");
    assert!(living.iter().all(|slot| left.contains(slot)), "{living:?} {left:?}");
    world.store.commit(world.sale("afterwards", eur(100))).await.unwrap();
    assert!(world.store.ended().is_none());
    drop(other);
}

/// It has written nothing that could be missed, and works on nevertheless: it calls providers and delivers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_wrote_nothing_is_ended_when_the_database_does_not_know_it_and_another_has_its_number() {
    const LONG: Duration = Duration::from_mins(1);
    let database = Database::new();
    let connect = async || PostgresStore::connect(&database.url(), Options::default()).await.unwrap();
    let forgotten = World::new(Arc::new(connect().await));
    let node = forgotten.store.join(LONG).await.unwrap();
    let had = forgotten.store.renew(node.id, LONG, Buckets::NONE).await.unwrap();
    database.run("DELETE FROM nodes; DELETE FROM buckets");
    let anew = World::from_number(Arc::new(connect().await), 1_000_000);
    let heir = anew.store.join(LONG).await.unwrap();
    assert_eq!(heir.id.row, node.id.row);
    let heirs = anew.store.renew(heir.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!(heirs.epochs, had.epochs, "epochs cannot tell them apart");
    let refused = forgotten.store.renew(node.id, LONG, Buckets::ALL).await.unwrap_err();
    assert!(refused.reason.contains("start the process anew"), "{refused}");
    is_refused_for_good(&forgotten).await;
    forgotten.store.leave(node.id).await.unwrap();
    let left = anew.store.renew(heir.id, LONG, Buckets::NONE).await.unwrap();
    assert_eq!((left.epochs, left.share), (heirs.epochs, 64));
    assert!(anew.store.recovery().await.unwrap().is_none(), "nothing of it is missing");
    anew.paid("anew", eur(100)).await;
    anew.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_wrote_nothing_is_ended_when_the_database_does_not_know_its_writers() {
    let database = Database::new();
    let store = PostgresStore::connect(&database.url(), Options::default()).await.unwrap();
    let world = World::new(Arc::new(store));
    let known = || database.texts("SELECT 1 FROM writers").len();
    while known() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    database.run(BREAK);
    while database.texts("SELECT 1 FROM writers WHERE fence > 0").len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(world.store.ended().is_none(), "a connection that breaks is not enough");
    database.run("DELETE FROM writers");
    database.run(BREAK);
    for _ in 0..500 {
        if world.store.ended().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_refused_for_good(&world).await;
    assert!(world.store.recovery().await.unwrap().is_none());
}
