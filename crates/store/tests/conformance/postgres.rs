//! The rules on `PostgreSQL`, and what only a server has: several nodes, connections that break, a schema others may use.

use crate::{
    scenario::{self, START, World, eur},
    sequences,
};
use ferropay_domain::{
    card::{Cvv, Pan},
    change::{Name, NameKind},
    payment::Payment,
};
use ferropay_store::{
    Commit, CommitError, Fence, Loss, Store,
    postgres::{ConnectError, Options, PostgresStore},
    vault::{Master, Vault},
};
use ferropay_test_postgres::Database;
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};

async fn connect(database: &Database) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::connect(&database.url(), Options::default()).await.unwrap())
}

async fn fresh() -> (Database, Arc<PostgresStore>) {
    let database = Database::new();
    let store = connect(&database).await;
    (database, store)
}

every_rule!(fresh);

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 40, ..ProptestConfig::default() })]
    #[test]
    fn any_history_leaves_a_sound_database(steps in prop::collection::vec(sequences::step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (_database, store) = fresh().await;
            sequences::stays_sound(World::new(store), steps).await;
        });
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let (database, store) = fresh().await;
    let world = World::new(store);
    let paid = world.paid("paid", eur(1_000)).await;
    let refund = world.refund(&paid, 100, None);
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    let (tasks, balance) = (world.all_tasks().await, world.balance(world.merchant()).await);
    let epoch = world.store.enrol(START).await.unwrap().epochs[0];
    drop(world);

    let world = World::from_number(connect(&database).await, 1_000);
    assert_eq!(world.payment(paid.key).await, scene.payment);
    assert_eq!(world.all_tasks().await, tasks);
    assert_eq!(world.balance(world.merchant()).await, balance);
    assert!(world.store.enrol(START).await.unwrap().epochs[0] > epoch);
    world.store.commit(world.approved(&scene)).await.unwrap();
    world.assert_sound().await;
}

#[tokio::test]
async fn dropping_the_store_writes_what_is_queued() {
    let (database, store) = fresh().await;
    let world = World::new(store);
    let mut payments: Vec<Payment> = Vec::new();
    for number in 0..1_500 {
        let sale = world.sale(&format!("p{number}"), eur(100));
        payments.push(World::scene_of(&sale).payment);
        drop(world.store.commit(sale));
    }
    drop(world);
    assert_eq!(database.texts("SELECT count(*) FROM writers"), ["0"], "nothing is left of the writers");
    let world = World::new(connect(&database).await);
    for payment in payments {
        assert_eq!(world.payment(payment.key).await, payment);
    }
}

#[tokio::test]
async fn a_store_that_is_abandoned_leaves_the_server_as_a_process_that_dies_does() {
    let (database, store) = fresh().await;
    let world = World::new(store.clone());
    let paid = world.paid("paid", eur(1_000)).await;
    store.abandon();
    drop(world);
    drop(store);
    assert_eq!(
        database.texts("SELECT count(*) FROM writers"),
        ["2"],
        "the writers have not taken their leave"
    );
    let world = World::from_number(connect(&database).await, 1_000);
    assert_eq!(world.payment(paid.key).await.id, paid.id);
    world.assert_sound().await;
}

#[tokio::test]
async fn nodes_that_start_together_make_the_schema_once() {
    let database = Database::new();
    let url = database.url();
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { PostgresStore::connect(&url, Options::default()).await })
        })
        .collect();
    for store in starting {
        let store: Arc<dyn Store> = Arc::new(store.await.unwrap().unwrap());
        assert!(store.projects().await.unwrap().is_empty());
    }
    let (alone, _store) = fresh().await;
    let version = "SELECT version FROM schema_version";
    assert_eq!(database.texts(version), alone.texts(version));
    // Each step was taken once: all that is there is there as on a database with one node.
    let schema = "SELECT concat_ws(' ', table_name, column_name, data_type, column_default) FROM information_schema.columns
        WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";
    assert_eq!(database.texts(schema), alone.texts(schema));
    assert!(alone.texts(version)[0].parse::<usize>().unwrap() > 0);
}

#[tokio::test]
async fn a_database_of_a_later_release_is_refused_with_both_versions() {
    let (database, store) = fresh().await;
    drop(store);
    let known: i64 = database.texts("SELECT version FROM schema_version")[0].parse().unwrap();
    database.run("UPDATE schema_version SET version = version + 3");
    let error = PostgresStore::connect(&database.url(), Options::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Newer { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("version {}", known + 3)) && text.contains(&format!("to {known}")),
        "{text}"
    );
    assert_eq!(database.texts("SELECT version FROM schema_version"), [(known + 3).to_string()]);
}

#[tokio::test]
async fn an_empty_or_older_database_is_left_as_it_is_where_nothing_is_to_be_changed() {
    let database = Database::new();
    let url = database.url();
    let connected = || PostgresStore::connect(&url, Options { migrate: false, ..Options::default() });
    let error = connected().await.unwrap_err();
    assert!(matches!(error, ConnectError::Empty), "{error}");
    assert_eq!(database.texts("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["0"]);
    drop(PostgresStore::connect(&url, Options::default()).await.unwrap());
    drop(connected().await.unwrap());
    database.run("UPDATE schema_version SET version = version - 1");
    let before = database.texts("SELECT version FROM schema_version");
    let error = connected().await.unwrap_err();
    assert!(matches!(error, ConnectError::Older { .. }), "{error}");
    assert!(error.to_string().contains("`ferropay serve`"), "{error}");
    assert_eq!(database.texts("SELECT version FROM schema_version"), before);
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_left_alone() {
    for foreign in ["CREATE TABLE payments (id int)", "CREATE TABLE schema_version (version int)"] {
        let database = Database::new();
        database.run(foreign);
        let error = PostgresStore::connect(&database.url(), Options::default()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Foreign), "{foreign}: {error}");
        assert_eq!(database.texts("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["1"]);
    }
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_told_without_its_password() {
    let options = || Options { patience: Duration::from_millis(100), ..Options::default() };
    let error = PostgresStore::connect("postgres://u:hushed@127.0.0.1:1/none", options()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Database(_)), "{error}");
    assert!(!error.to_string().contains("hushed"), "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
    let error = PostgresStore::connect("postgres://u:hushed@host:port/none", options()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Address(_)), "{error}");
    assert!(!error.to_string().contains("hushed"), "{error}");
}

#[tokio::test]
async fn two_nodes_on_one_database_are_kept_apart_by_the_fence() {
    let (database, store) = fresh().await;
    let (old, new) = (World::new(store), World::from_number(connect(&database).await, 1_000));
    let fence = |node: &ferropay_store::Node| Some(Fence { bucket: 1, epoch: node.epochs[1] });
    let first = old.store.enrol(START).await.unwrap();
    let sale = Commit { fence: fence(&first), ..old.sale("old", eur(100)) };
    old.store.commit(sale).await.unwrap();
    let second = new.store.enrol(START).await.unwrap();
    let late = Commit { fence: fence(&first), ..old.sale("late", eur(100)) };
    let result = old.store.commit(late).await;
    assert!(matches!(result, Err(CommitError::Lost(Loss::Fenced))), "{result:?}");
    let sale = Commit { fence: fence(&second), ..new.sale("new", eur(100)) };
    new.store.commit(sale).await.unwrap();
    new.assert_sound().await;
}

/// What became of the same decisions on two nodes at the same time.
async fn race(one: &World, other: &World, commits: Vec<Commit>) -> Vec<[Result<(), CommitError>; 2]> {
    let running: Vec<_> = commits
        .into_iter()
        .map(|commit| {
            let (one, other) = (Arc::clone(&one.store), Arc::clone(&other.store));
            let again = commit.clone();
            let first = tokio::spawn(async move { one.commit(commit).await });
            let second = tokio::spawn(async move { other.commit(again).await });
            (first, second)
        })
        .collect();
    let mut results = Vec::new();
    for (first, second) in running {
        results.push([first.await.unwrap(), second.await.unwrap()]);
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_take_the_same_names_one_wins_each() {
    let (database, store) = fresh().await;
    let (one, other) = (World::new(store), World::from_number(connect(&database).await, 1_000_000));
    let mut commits = Vec::new();
    for number in 0..200 {
        commits.push(one.sale(&format!("p{number}"), eur(100)));
    }
    // Different payments of the same names, in opposite orders.
    let mut rivals = Vec::new();
    for number in (0..200).rev() {
        rivals.push(other.sale(&format!("p{number}"), eur(100)));
    }
    let first: Vec<_> = commits.iter().map(|it| one.store.commit(it.clone())).collect();
    let second: Vec<_> = rivals.iter().map(|it| other.store.commit(it.clone())).collect();
    let mut won = 0;
    for result in first.into_iter().chain(second) {
        match result.await {
            Ok(()) => won += 1,
            Err(CommitError::Lost(Loss::NameTaken(NameKind::Payment, _))) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 200);
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_decide_on_the_same_payments_one_wins_each() {
    let (database, store) = fresh().await;
    let (one, other) = (World::new(store), World::from_number(connect(&database).await, 1_000_000));
    let mut approvals = Vec::new();
    for number in 0..100 {
        let sale = one.sale(&format!("p{number}"), eur(100));
        let scene = World::scene_of(&sale);
        one.store.commit(sale).await.unwrap();
        approvals.push(one.approved(&scene));
    }
    for results in race(&one, &other, approvals).await {
        let won = results.iter().filter(|it| it.is_ok()).count();
        let lost = results.iter().filter(|it| matches!(it, Err(CommitError::Lost(Loss::Stale)))).count();
        assert_eq!((won, lost), (1, 1), "{results:?}");
    }
    assert_eq!(one.balance(one.merchant()).await.posted, 100 * 95);
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_never_hold_more_than_the_balance() {
    let (database, store) = fresh().await;
    let (one, other) = (World::new(store), World::from_number(connect(&database).await, 1_000_000));
    one.store.commit(one.opening(1_000)).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let world = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(async move { world.store.commit(world.payout(&format!("p{number}"), 100)).await })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => held += 1,
            Err(CommitError::Lost(Loss::BalanceShort)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(held, 1_000 / 102);
    assert_eq!(one.balance(one.merchant()).await.held, held * 102);
    one.assert_sound().await;
}

/// Ends the connections of everybody in the database.
fn break_connections(database: &Database) {
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_whose_connections_break_are_applied_once_and_told_so() {
    let (database, store) = fresh().await;
    let world = World::new(store);
    world.store.commit(world.opening(1_000_000)).await.unwrap();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let (world, stop) = (world.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut paid = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    // Every commit and every question in it succeeds, plain ones and those that take a transaction.
                    let payment = world.paid(&format!("p{worker}-{paid}"), eur(100)).await;
                    let refund = world.refund(&payment, 10, None);
                    let scene = World::scene_of(&refund);
                    world.store.commit(refund).await.unwrap();
                    world.store.commit(world.approved(&scene)).await.unwrap();
                    paid += 1;
                }
                paid
            })
        })
        .collect();
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(120)).await;
        break_connections(&database);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut paid = 0;
    for worker in workers {
        paid += worker.await.unwrap();
    }
    assert!(paid > 0);
    let balance = world.balance(world.merchant()).await;
    assert_eq!((balance.posted, balance.held), (1_000_000 + paid * (95 - 13), 0), "{paid} sales and refunds");
    world.assert_sound().await;
}

#[tokio::test]
async fn a_store_that_cannot_reach_its_server_refuses_until_it_can() {
    let database = Database::new();
    let options = Options { patience: Duration::from_millis(300), ..Options::default() };
    let world = World::new(Arc::new(PostgresStore::connect(&database.url(), options).await.unwrap()));
    let before = world.paid("before", eur(100)).await;
    let name = database.texts("SELECT current_database()").remove(0);
    database.beside(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    database
        .beside(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    while world.store.payment(world.project.id, before.key).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // Nothing of this was ever under way; of what was, it is found out first what became of it.
    let refused = world.store.commit(world.sale("meanwhile", eur(100))).await;
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    database.beside(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    let sale = world.sale("meanwhile", eur(100));
    let payment = World::scene_of(&sale).payment;
    while let Err(error) = world.store.commit(sale.clone()).await {
        assert!(matches!(error, CommitError::Unavailable(_)), "{error:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while world.store.payment(world.project.id, before.key).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.payment(payment.key).await, payment);
    world.assert_sound().await;
}

#[tokio::test]
async fn commits_that_wait_share_a_batch() {
    let (_database, store) = fresh().await;
    let world = World::new(store);
    world.store.commit(world.sale("first", eur(100))).await.unwrap();
    let before = world.store.effort();
    let running: Vec<_> =
        (0..1_000).map(|number| world.store.commit(world.sale(&format!("p{number}"), eur(100)))).collect();
    for commit in running {
        commit.await.unwrap();
    }
    let after = world.store.effort();
    assert_eq!(after.commits - before.commits, 1_000);
    let batches = after.batches - before.batches;
    assert!((4..=200).contains(&batches), "256 at most in a batch: {batches}");
    assert!(
        after.statements - before.statements <= 2 * batches,
        "one statement for each, but for housekeeping"
    );
}

#[tokio::test]
async fn no_card_number_and_no_verification_value_is_in_the_tables() {
    // Documented test cards.
    let pans = ["4314220000000056", "5413330000000019", "2223000048400011"].map(|it| Pan::parse(it).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let (database, store) = fresh().await;
    let world = World::new(store);
    let keys = directory.path().join("keys");
    let vault = Vault::open(&keys, Master::MakeWhenMissing, &*world.store, START).await.unwrap();
    let cvv = Cvv::parse("9173").unwrap();
    for (number, pan) in pans.iter().enumerate() {
        let mut sale = world.sale(&format!("p{number}"), eur(100));
        let operation = sale.changes.operations[0].record().id;
        let (key, sealed) = vault.seal_card(world.project.id, pan).unwrap();
        scenario::payment(&mut sale).detail.card.as_mut().unwrap().masked = pan.masked();
        sale.card = Some((world.project.id, key, sealed));
        sale.cvv = Some((operation, vault.seal_cvv(operation, &cvv).unwrap()));
        let scene = World::scene_of(&sale);
        world.store.commit(sale).await.unwrap();
        if number > 0 {
            world.store.commit(world.approved(&scene)).await.unwrap();
        }
    }
    let mut everything = String::new();
    for table in database.texts("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") {
        // Bytes as the characters they stand for, where they stand for any.
        for row in database.texts(&format!("SELECT row_to_json(t)::text FROM {table} AS t")) {
            everything.push_str(&row);
        }
    }
    for sealed in database.texts(
        "SELECT encode(sealed, 'escape') FROM cards UNION ALL SELECT encode(sealed, 'escape') FROM cvv",
    ) {
        everything.push_str(&sealed);
    }
    assert!(everything.contains(&pans[0].masked()), "what was written is read");
    for pan in &pans {
        assert!(!everything.contains(pan.digits()));
    }
    assert_eq!(database.texts("SELECT count(*) FROM cvv"), ["1"], "that of the operation that is open");
    let sealed = database.texts("SELECT encode(sealed, 'escape') FROM cvv");
    assert!(!sealed[0].contains(cvv.digits()));
}

/// The rules are those of the embedded database, where each is tested; here it is shown that they see what is stored.
#[tokio::test]
async fn an_audit_finds_what_was_damaged() {
    let damages: &[(&str, &str)] = &[
        ("UPDATE postings SET minor = minor + 1 WHERE kind = 1 AND leg = 0", "entry is balanced"),
        ("UPDATE accounts SET posted = posted + 1", "a balance is the sum of its postings"),
        ("DELETE FROM unfolded", "a balance is the sum of its postings"),
        ("UPDATE accounts SET reserved = reserved + 1", "what is reserved is the sum of its holds"),
        ("DELETE FROM holds", "an open return or payout holds its amount"),
        ("UPDATE payments SET status = 3", "a payment's status follows from its operations"),
        ("UPDATE payments SET refunded_any = false", "a payment's totals are its operations'"),
        ("DELETE FROM names WHERE kind = 1", "a payment has its name"),
        ("DELETE FROM tasks WHERE kind = 3", "an open delivery has a task"),
        ("UPDATE callbacks SET number = number + 10", "callbacks are numbered without gaps"),
        ("DELETE FROM requests", "an operation has its request"),
        (
            "INSERT INTO cvv SELECT id, 1, '\\x00' FROM operations WHERE status = 2",
            "no verification value outlives its operation",
        ),
        ("UPDATE operations SET kind = 60 WHERE status = 1", "a number has a meaning"),
        ("INSERT INTO parked SELECT id FROM deliveries LIMIT 1", "a delivery that was given up is listed"),
        (
            "INSERT INTO cards SELECT DISTINCT project, gen_random_uuid(), 3, '\\x00'::bytea FROM operations",
            "what is sealed has its key",
        ),
    ];
    let (database, store) = fresh().await;
    let world = World::new(store);
    let paid = world.paid("paid", eur(1_000)).await;
    world.store.commit(world.opening(1_000)).await.unwrap();
    let refund = world.refund(&paid, 100, Some("R1"));
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    world.store.commit(world.approved(&scene)).await.unwrap();
    let open_refund = world.refund(&world.payment(paid.key).await, 100, None);
    world.store.commit(open_refund).await.unwrap();
    let second = world.paid("second", eur(1_000)).await;
    world.assert_sound().await;
    assert_eq!(second.debited, 1_000);
    drop(world);
    for (damage, rule) in damages {
        let copy = database.copy();
        copy.run(damage);
        let report = connect(&copy).await.audit().await.unwrap();
        assert!(report.findings.iter().any(|it| it.rule == *rule), "{damage}: {report:#?}");
    }
}

// G-490
#[tokio::test]
async fn a_name_that_many_take_at_once_stays_with_one_of_them() {
    let (_database, store) = fresh().await;
    let world = World::new(store);
    let commits: Vec<Commit> = (0..40)
        .map(|number| {
            let mut sale = world.sale(&format!("p{number}"), eur(5));
            let payment = World::scene_of(&sale).payment.key;
            let (project, folded) = (world.project.id, "DEBIT-7".to_owned());
            sale.changes.names.push(Name { kind: NameKind::TransferDebit, project, folded, payment });
            sale
        })
        .collect();
    let running: Vec<_> = commits.iter().map(|commit| world.store.commit(commit.clone())).collect();
    for commit in running {
        commit.await.unwrap();
    }
    let holder = world.store.name_holder(world.project.id, NameKind::TransferDebit, "DEBIT-7").await;
    assert_eq!(holder.unwrap(), Some(World::scene_of(&commits[0]).payment.key), "whoever came first");
    world.assert_sound().await;
}
