//! A node whose database turns out not to be the one it wrote to, as after a failover to a replica that lagged.

use crate::world::{PROMPT, Provider, count, furnish, parts_of, sell, until};
use ferropay_engine::{Company, Engine, Settings};
use ferropay_store::{
    Store as _,
    postgres::{Options, PostgresStore},
};
use ferropay_test_postgres::Database;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// Long enough that what is handed on was given back, and did not run out.
const TERM: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_database_lost_what_it_wrote_gives_its_work_back_for_good_and_others_do_it() {
    let database = Database::new();
    let keys = tempfile::tempdir().unwrap();
    let connect =
        async || Arc::new(PostgresStore::connect(&database.url(), Options::default()).await.unwrap());
    let store = connect().await;
    let (vault, merchant) = (furnish(store.as_ref(), keys.path()).await, Arc::default());
    let settings = Settings { company: Company::Shared(TERM), ..PROMPT };
    let node = async |store: Arc<PostgresStore>, provider: &Arc<Provider>| {
        let engine = Engine::new(parts_of(store, &vault, &merchant, settings)).await.unwrap();
        engine.connect(provider.clone());
        engine.start();
        engine
    };
    let (silent, other) = (Provider::new(0, false), Provider::new(100, false));
    let parted = node(store.clone(), &silent).await;
    until("it holds everything", async || parted.holds().len() == 64).await;
    sell(&parted, "sale").await;
    until("it is sent", async || count(&silent.calls) == 1).await;
    assert!(!parted.is_parted());
    database.run("UPDATE writers SET batch = batch - 1");
    let lost = Instant::now();
    // It has nothing to write, and finds it out when it connects the next time.
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    until("it knows", async || parted.is_parted()).await;
    until("it holds nothing", async || parted.holds().is_empty()).await;
    let held = || database.texts("SELECT 1 FROM buckets WHERE node <> 0 OR lease_until <> 0").len();
    until("everything is given back", async || held() == 0).await;
    assert!(lost.elapsed() < TERM / 2, "{:?}", lost.elapsed());
    let is_held = async || store.recovery().await.unwrap().is_some_and(|it| it.is_held());
    until("the database is held", is_held).await;

    let store = connect().await;
    let recovery = store.recovery().await.unwrap().unwrap();
    assert!(store.release(0, recovery.held_since).await.unwrap());
    let heir = node(store.clone(), &other).await;
    until("another node has it", async || heir.holds().len() == 64).await;
    assert!(lost.elapsed() < TERM && heir.taken_over() == 0, "it did not run out: {:?}", lost.elapsed());
    until("it is asked about", async || count(&other.calls) == 1).await;
    until("the merchant is told", async || merchant.posts.load(Ordering::SeqCst) == 1).await;
    // The release concerns those who were started anew.
    tokio::time::sleep(TERM / 4).await;
    assert!(parted.is_parted() && parted.holds().is_empty());
    assert_eq!(heir.holds().len(), 64);
    assert_eq!((count(&silent.calls), count(&silent.reversals)), (1, 0));
    assert_eq!(store.audit().await.unwrap().findings, []);
}
