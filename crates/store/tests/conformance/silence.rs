//! A `PostgreSQL` server that is there and gives no answer: its disk does not, or it was stopped where it stands.

use crate::scenario::{World, eur};
use ferropay_domain::change::Buckets;
use ferropay_store::{
    Commit, CommitError,
    postgres::{Options, PostgresStore},
};
use ferropay_test_postgres::{Database, Server};
use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

const SHORT: Duration = Duration::from_millis(400);

/// Far more than anything here may take, and far less than for ever.
const LONG: Duration = Duration::from_mins(1);

fn options() -> Options {
    Options { patience: SHORT, answer_within: SHORT, ..Options::default() }
}

/// Takes connections and says nothing; its port.
fn mute() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn of_two_servers_the_second_is_used_when_the_first_says_nothing() {
    let (_listener, port) = mute();
    let database = Database::new();
    let (before, rest) = database.url().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (server, name) = rest.rsplit_once('/').unwrap();
    let (host, own_port) = server.rsplit_once(':').unwrap_or((server, "5432"));
    let url = format!("{before}@127.0.0.1:{port},{host}:{own_port}/{name}");
    let options = Options { patience: LONG, answer_within: Duration::from_secs(2), ..Options::default() };
    let store =
        tokio::time::timeout(LONG, PostgresStore::connect(&url, options)).await.expect("it ends").unwrap();
    let world = World::new(Arc::new(store));
    world.paid("paid", eur(100)).await;
    world.assert_sound().await;
}

/// Both kinds of commits, questions and leases: whoever waits is told in time, and everything goes on when the server does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_is_told_in_time_and_used_again_when_it_goes_on() {
    let server = Server::start(&[]);
    let store = PostgresStore::connect(&server.url("postgres"), options()).await.unwrap();
    let world = World::new(Arc::new(store));
    let payment = world.paid("before", eur(100)).await;
    world.store.commit(world.opening(10_000)).await.unwrap();
    let node = world.store.join(LONG).await.unwrap();
    let (plain, rich) = (world.sale("meanwhile", eur(100)), world.payout("payout", 100));
    {
        let _frozen = server.frozen();
        let since = Instant::now();
        let told = async {
            tokio::join!(
                world.store.commit(plain.clone()),
                world.store.commit(rich.clone()),
                world.store.payment(world.project.id, payment.key),
                world.store.renew(node.id, LONG, Buckets::NONE),
                world.store.leave(node.id),
            )
        };
        let told = tokio::time::timeout(LONG, told).await.expect("everybody is told");
        for verdict in [told.0, told.1] {
            assert!(matches!(verdict, Err(CommitError::Unavailable(_))), "{verdict:?}");
        }
        assert!(told.2.is_err() && told.3.is_err() && told.4.is_err());
        assert!(since.elapsed() >= SHORT, "{:?}", since.elapsed());
    }
    // Whether they were written was not known; told again they are written once.
    for commit in [plain, rich] {
        let is_written = async {
            while let Err(error) = world.store.commit(commit.clone()).await {
                match error {
                    CommitError::Unavailable(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    CommitError::Lost(_) => break,
                    CommitError::Defect(error) => panic!("{error}"),
                }
            }
        };
        tokio::time::timeout(LONG, is_written).await.expect("it goes on");
        let expected = World::scene_of(&commit).payment;
        assert_eq!(world.payment(expected.key).await, expected);
    }
    let renewed = async {
        while world.store.renew(node.id, LONG, Buckets::NONE).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONG, renewed).await.expect("leases are renewed");
    assert!(world.store.ended().is_none() && world.store.recovery().await.unwrap().is_none());
    // The audit is not hurried.
    world.assert_sound().await;
}

/// Locks a table for a time, seconds; returns when it is.
async fn locked(database: &Arc<Database>, table: &str, seconds: f32) -> tokio::task::JoinHandle<()> {
    let locking = {
        let database = Arc::clone(database);
        let sql = format!("BEGIN; LOCK TABLE {table}; SELECT pg_sleep({seconds}); COMMIT");
        tokio::task::spawn_blocking(move || database.run(&sql))
    };
    let is_locked = format!(
        "SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass AND mode = 'AccessExclusiveLock' AND granted"
    );
    while database.texts(&is_locked) != ["1"] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    locking
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_and_asked_again_and_nothing_is_written_twice() {
    let database = Arc::new(Database::new());
    let options = Options { answer_within: Duration::from_millis(200), ..Options::default() };
    let world = World::new(Arc::new(PostgresStore::connect(&database.url(), options).await.unwrap()));
    let before = world.paid("before", eur(100)).await;
    let locking = locked(&database, "payments", 0.7).await;
    let connections = "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'ferropay'";
    let first = database.texts(connections);
    let began = Instant::now();
    let sales: Vec<Commit> = (0..8).map(|n| world.sale(&format!("during-{n}"), eur(100))).collect();
    let waiting: Vec<_> = sales.iter().map(|sale| world.store.commit(sale.clone())).collect();
    let asked = world.store.payment(world.project.id, before.key);
    assert_eq!(asked.await.unwrap().map(|found| found.key), Some(before.key));
    for commit in waiting {
        commit.await.unwrap();
    }
    assert!(began.elapsed() > Duration::from_millis(400), "nobody had to wait");
    assert_ne!(database.texts(connections), first, "the connections were replaced");
    for sale in &sales {
        let payment = World::scene_of(sale).payment;
        assert_eq!(world.payment(payment.key).await, payment);
    }
    locking.await.unwrap();
    world.assert_sound().await;
}

#[tokio::test]
async fn what_looks_at_whole_tables_is_waited_for_longer_than_other_answers() {
    let database = Arc::new(Database::new());
    let options = Options { answer_within: Duration::from_millis(100), ..Options::default() };
    let world = World::new(Arc::new(PostgresStore::connect(&database.url(), options).await.unwrap()));
    world.paid("before", eur(100)).await;
    // Each has a lock of its own: whoever asks later than another would find it gone.
    for (number, table) in ["attempts", "cards", "cards"].into_iter().enumerate() {
        let locking = locked(&database, table, 0.5).await;
        let asked = Instant::now();
        match number {
            0 => assert_eq!(world.store.accounts_used().await.unwrap().len(), 1),
            1 => assert_eq!(world.store.key_uses().await.unwrap(), []),
            _ => assert!(!world.store.destroy_data_key(1).await.unwrap()),
        }
        assert!(asked.elapsed() > Duration::from_millis(200), "nobody had to wait for {table}");
        locking.await.unwrap();
    }
}
