//! The rules on `SQLite`, and what only a database file has.

use crate::{
    scenario::{START, World, eur},
    sequences,
};
use ferropay_domain::{
    card::{Cvv, Pan},
    payment::{OperationStatus, Payment},
};
use ferropay_store::{
    Commit, CommitError, Store,
    sqlite::{OpenError, Options, SqliteStore},
    vault::{Master, Vault},
};
use proptest::prelude::*;
use std::{
    future::{Ready, ready},
    path::{Path, PathBuf},
    sync::Arc,
};

fn open(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, Options::default()).unwrap())
}

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    (directory, path)
}

fn on_a_file() -> Ready<(tempfile::TempDir, Arc<SqliteStore>)> {
    let (directory, path) = fresh();
    let store = open(&path);
    ready((directory, store))
}

every_rule!(on_a_file);

/// The way without threads keeps the same rules.
mod inline {
    use super::*;

    fn in_memory() -> Ready<((), Arc<SqliteStore>)> {
        ready(((), Arc::new(SqliteStore::inline(Options::default()).unwrap())))
    }

    every_rule!(in_memory);

    #[test]
    fn a_commit_is_applied_before_its_future_is_waited_for() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::inline(Options::default()).unwrap());
        let world = World::new(Arc::clone(&store));
        let sale = world.sale("sale", eur(100));
        let payment = World::scene_of(&sale).payment;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        drop(store.commit(sale));
        let stored = runtime.block_on(store.payment(payment.project, payment.key)).unwrap();
        assert_eq!(stored, Some(payment));
        assert_eq!((store.effort().batches, store.effort().commits), (1, 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn any_history_leaves_a_sound_database(steps in prop::collection::vec(sequences::step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (_directory, path) = fresh();
        runtime.block_on(async { sequences::stays_sound(World::new(open(&path)), steps).await });
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let (_directory, path) = fresh();
    let world = World::new(open(&path));
    let paid = world.paid("paid", eur(1_000)).await;
    let refund = world.refund(&paid, 100, None);
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    let (tasks, balance) = (world.all_tasks().await, world.balance(world.merchant()).await);
    let epoch = world.store.enrol(START).await.unwrap().epochs[0];
    drop(world);

    let world = World::from_number(open(&path), 1_000);
    assert_eq!(world.payment(paid.key).await, scene.payment);
    assert_eq!(world.all_tasks().await, tasks);
    assert_eq!(world.balance(world.merchant()).await, balance);
    assert!(world.store.enrol(START).await.unwrap().epochs[0] > epoch);
    world.store.commit(world.approved(&scene)).await.unwrap();
    world.assert_sound().await;
}

#[tokio::test]
async fn dropping_the_store_writes_what_is_queued() {
    let (_directory, path) = fresh();
    let world = World::new(open(&path));
    let mut payments: Vec<Payment> = Vec::new();
    for number in 0..1_500 {
        let sale = world.sale(&format!("p{number}"), eur(100));
        payments.push(World::scene_of(&sale).payment);
        drop(world.store.commit(sale));
    }
    drop(world);
    let world = World::new(open(&path));
    for payment in payments {
        assert_eq!(world.payment(payment.key).await, payment);
    }
}

/// Copies the file and its log as a crash would leave them, while commits are under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_under_load_loses_nothing_that_was_answered() {
    let (directory, path) = fresh();
    // Few pages in the log, so that some copies are taken while it is being moved into the file.
    let options = Options { checkpoint_pages: 50, ..Options::default() };
    let world = World::new(Arc::new(SqliteStore::open(&path, options).unwrap()));
    let answered = Arc::new(std::sync::Mutex::new(Vec::new()));
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let (world, answered, stop) = (world.clone(), Arc::clone(&answered), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let paid = world.paid(&format!("p{worker}-{number}"), eur(100)).await;
                    answered.lock().unwrap().push(paid);
                    number += 1;
                }
            })
        })
        .collect();
    let mut copies = Vec::new();
    for number in 0..6 {
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        let known: Vec<Payment> = answered.lock().unwrap().clone();
        let copy = directory.path().join(format!("copy{number}.db"));
        let target = copy.clone();
        let original = path.clone();
        let consistent =
            tokio::task::spawn_blocking(move || copy_between_checkpoints(&original, &target)).await.unwrap();
        if consistent {
            copies.push((copy, known));
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(!copies.is_empty());
    for (copy, known) in copies {
        let world = World::new(open(&copy));
        for payment in known {
            assert_eq!(world.payment(payment.key).await, payment);
        }
        world.assert_sound().await;
    }
}

/// A crash leaves both files as of one moment; a copy takes a while. It stands for a crash only when the file
/// itself did not change meanwhile: the log only grows then, and what it lacks at its end is not committed.
fn copy_between_checkpoints(from: &Path, to: &Path) -> bool {
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    for _ in 0..200 {
        let before = std::fs::read(from).unwrap();
        let header = std::fs::read(log(from)).unwrap();
        let after = std::fs::read(from).unwrap();
        let again = std::fs::read(log(from)).unwrap();
        if before == after && header.get(..32) == again.get(..32) {
            std::fs::write(to, before).unwrap();
            std::fs::write(log(to), header).unwrap();
            return true;
        }
    }
    false
}

#[test]
fn a_database_of_a_later_release_is_refused_with_both_versions() {
    let (_directory, path) = fresh();
    drop(open(&path));
    let connection = rusqlite::Connection::open(&path).unwrap();
    let known: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", known + 3).unwrap();
    drop(connection);
    let error = SqliteStore::open(&path, Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("version {}", known + 3)) && text.contains(&format!("to {known}")),
        "{text}"
    );
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let (_directory, path) = fresh();
    std::fs::write(&path, "a letter to a friend, longer than a header of a hundred bytes, ".repeat(40))
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path, Options::default()), Err(OpenError::Foreign(_))));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path, Options::default()), Err(OpenError::Foreign(_))));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn two_processes_on_one_file_are_kept_apart_by_the_fence() {
    let (_directory, path) = fresh();
    let (old, new) = (World::new(open(&path)), World::from_number(open(&path), 1_000));
    let fence =
        |node: &ferropay_store::Node| Some(ferropay_store::Fence { bucket: 1, epoch: node.epochs[1] });
    let first = old.store.enrol(START).await.unwrap();
    let sale = Commit { fence: fence(&first), ..old.sale("old", eur(100)) };
    old.store.commit(sale).await.unwrap();
    let second = new.store.enrol(START).await.unwrap();
    let late = Commit { fence: fence(&first), ..old.sale("late", eur(100)) };
    let result = old.store.commit(late).await;
    assert!(matches!(result, Err(CommitError::Lost(ferropay_store::Loss::Fenced))), "{result:?}");
    let sale = Commit { fence: fence(&second), ..new.sale("new", eur(100)) };
    new.store.commit(sale).await.unwrap();
    new.assert_sound().await;
}

#[tokio::test]
async fn no_card_number_and_no_verification_value_is_in_the_files() {
    // Documented test cards.
    let pans = ["4314220000000056", "5413330000000019", "2223000048400011"].map(|it| Pan::parse(it).unwrap());
    let (directory, path) = fresh();
    let world = World::new(open(&path));
    let keys = directory.path().join("keys");
    let vault = Vault::open(&keys, Master::MakeWhenMissing, &*world.store, START).await.unwrap();
    // Digits that nothing else in the file can show by chance: the bytes around them are checked, too.
    let cvv = Cvv::parse("9173").unwrap();
    for (number, pan) in pans.iter().enumerate() {
        let mut sale = world.sale(&format!("p{number}"), eur(100));
        let operation = sale.changes.operations[0].record().id;
        let (key, sealed) = vault.seal_card(world.project.id, pan).unwrap();
        crate::scenario::payment(&mut sale).detail.card.as_mut().unwrap().masked = pan.masked();
        sale.card = Some((world.project.id, key, sealed));
        sale.cvv = Some((operation, vault.seal_cvv(operation, &cvv).unwrap()));
        let scene = World::scene_of(&sale);
        world.store.commit(sale).await.unwrap();
        if number > 0 {
            world.store.commit(world.approved(&scene)).await.unwrap();
            let rows = world.store.operations(world.project.id, scene.payment.key, 1).await.unwrap();
            assert_eq!(rows[0].operation.status, OperationStatus::Success);
        }
    }
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    for round in 0..2 {
        let mut bytes = Vec::new();
        for suffix in ["", "-wal"] {
            bytes.extend(std::fs::read(format!("{}{suffix}", path.display())).unwrap_or_default());
        }
        assert!(contains(&bytes, &pans[0].masked()), "round {round} reads what was written");
        for pan in &pans {
            assert!(!contains(&bytes, pan.digits()));
        }
        assert!(!contains(&bytes, cvv.digits()));
        // The second round reads the file after the log has been moved into it.
        rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    for entry in std::fs::read_dir(&keys).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!contains(&bytes, cvv.digits()) && pans.iter().all(|pan| !contains(&bytes, pan.digits())));
    }
}

/// The audit finds what was done to payouts, cancelled or not.
#[tokio::test]
async fn an_audit_finds_damaged_payouts() {
    let done = "a done operation is explained by its postings";
    let cancelled = "a cancelled payout is given back with its fee";
    let status = "a payment's status follows from its operations";
    let damages: &[(&str, &str)] = &[
        ("DELETE FROM postings WHERE kind = 9", done),
        ("UPDATE postings SET kind = 3 WHERE kind = 8", done),
        ("DELETE FROM postings WHERE kind = 12", cancelled),
        ("DELETE FROM postings WHERE kind = 11", cancelled),
        ("DELETE FROM postings WHERE kind IN (11, 12)", status),
        ("UPDATE payments SET status = 3 WHERE status = 2", status),
        ("UPDATE payments SET status = 3 WHERE status = 2", cancelled),
        ("UPDATE payments SET status = 5 WHERE status = 3", status),
        ("UPDATE operations SET status = 7 WHERE status = 1", status),
        ("UPDATE operations SET status = 7 WHERE status = 1", "an open operation has a task"),
        ("UPDATE attempts SET ask = 1 WHERE ask = 12", "an attempt asks for what its operation asks for"),
        ("DELETE FROM holds", "an open return or payout holds its amount"),
        (
            "UPDATE payments SET detail = json_remove(detail, '$.debit')",
            "returns go to the debit that took the money",
        ),
    ];
    let (directory, path) = fresh();
    let world = World::new(open(&path));
    world.store.commit(world.opening(10_000)).await.unwrap();
    for name in ["stays", "cancelled", "runs"] {
        let payout = world.payout(name, 500);
        let scene = World::scene_of(&payout);
        world.store.commit(payout).await.unwrap();
        if name == "runs" {
            continue;
        }
        world.store.commit(world.approved(&scene)).await.unwrap();
        if name == "cancelled" {
            let done = world.store.scene(scene.attempt.id).await.unwrap().unwrap();
            let parts = (&done.payment, &done.operation, Some(&done.attempt));
            let (ids, now) = (world.ids(), crate::scenario::NOW);
            let changes = ferropay_domain::decide::cancel_payout(&world.project, parts, ids, now);
            world.store.commit(world.rendered(changes.unwrap().unwrap())).await.unwrap();
        }
    }
    world.assert_sound().await;
    drop(world);
    find_damages(directory.path(), &path, damages).await;
}

/// Does each damage to a copy of the database, and looks for the rule that tells it.
async fn find_damages(directory: &Path, path: &Path, damages: &[(&str, &str)]) {
    for (number, (damage, rule)) in damages.iter().enumerate() {
        let copy = directory.join(format!("damaged{number}.db"));
        std::fs::copy(path, &copy).unwrap();
        let connection = rusqlite::Connection::open(&copy).unwrap();
        assert!(connection.execute(damage, []).unwrap() > 0, "{damage}");
        drop(connection);
        let report = open(&copy).audit().await.unwrap();
        assert!(report.findings.iter().any(|it| it.rule == *rule), "{damage}: {report:#?}");
    }
}

/// The audit finds every kind of damage it claims to look for.
#[tokio::test]
async fn an_audit_finds_what_was_damaged() {
    let damages: &[(&str, &str)] = &[
        ("UPDATE postings SET minor = minor + 1 WHERE id = 1", "entry is balanced"),
        ("DELETE FROM postings WHERE kind = 1", "a done operation is explained by its postings"),
        ("UPDATE postings SET operation = 77 WHERE kind = 2", "posting has an operation"),
        (
            "UPDATE operations SET minor = minor - 1 WHERE status = 2",
            "a payment's totals are its operations'",
        ),
        (
            "UPDATE operations SET detail = json_set(detail, '$.conversion', json('{\"amount\":{\"minor\":1}}'))
             WHERE kind = 1 AND status = 2",
            "what is exchanged is what was asked for here and processed there",
        ),
        (
            "UPDATE operations SET detail = json_set(detail, '$.conversion', json('{\"amount\":{\"minor\":1}}'))
             WHERE kind = 1 AND status = 2",
            "a converted purchase counts what it is at the provider",
        ),
        (
            "UPDATE payments SET detail = json_set(detail, '$.channel', json('{\"debited\":1,\"returned\":0}'))",
            "a converted payment comes to what its operations come to at the provider",
        ),
        (
            "UPDATE operations SET detail = json_set(detail, '$.series.debit.attempt.operation', id)
             WHERE kind = 2 AND status = 2",
            "no debit of a schedule is returned for more than it took",
        ),
        ("DELETE FROM payments WHERE returned > 0", "operation has a payment"),
        ("DELETE FROM operations", "payment has an operation"),
        ("DELETE FROM operations WHERE status = 1", "attempt has an operation"),
        ("UPDATE payments SET open = NULL", "a payment's open operation is the one that is open"),
        ("UPDATE payments SET status = 3", "a payment's status follows from its operations"),
        ("UPDATE accounts SET posted = posted + 1", "a balance is the sum of its postings"),
        ("UPDATE accounts SET reserved = reserved + 1", "what is reserved is the sum of its holds"),
        ("UPDATE holds SET minor = minor + 1", "a hold belongs to an open operation"),
        ("DELETE FROM holds", "an open return or payout holds its amount"),
        ("DELETE FROM names WHERE kind = 1", "a payment has its name"),
        ("UPDATE names SET payment = zeroblob(16)", "a name has its payment"),
        (
            "INSERT INTO names SELECT project, 5, 'nobody', key FROM payments LIMIT 1",
            "a customer who is known to have paid did",
        ),
        (
            "INSERT INTO names SELECT project, 6, 'EUR USD today', zeroblob(16) FROM payments LIMIT 1",
            "a settled balance was taken in one currency and given in another, under its name",
        ),
        ("DELETE FROM tasks WHERE kind = 1", "an open operation has a task"),
        ("DELETE FROM tasks WHERE kind = 1", "an unsettled attempt has its task"),
        ("UPDATE attempts SET status = 3 WHERE status = 1", "a task has its subject"),
        ("UPDATE attempts SET status = 3 WHERE status = 2", "a done operation has one approved attempt"),
        (
            "UPDATE attempts SET status = 3 WHERE status = 2",
            "a provider owes what it took and did not return",
        ),
        (
            "INSERT INTO archived_attempts SELECT reference, zeroblob(16), status FROM attempts LIMIT 1",
            "an archived attempt is of an archived payment and not here any more",
        ),
        ("UPDATE attempts SET suspended = 1", "suspense is what attempts have suspended"),
        (
            "UPDATE attempts SET status = 4 WHERE status = 2",
            "a finished operation's attempts are settled or being reversed",
        ),
        (
            "UPDATE tasks SET kind = 41 WHERE kind = 3",
            "a mail about a series has its series",
        ),
        ("UPDATE tasks SET kind = 8 WHERE kind = 1", "a task about an operation has its subject"),
        ("DELETE FROM tasks WHERE kind = 3", "an open delivery has a task"),
        ("UPDATE deliveries SET state = 2", "a delivery's task has an open delivery"),
        ("DELETE FROM callbacks", "a delivery has a callback"),
        ("UPDATE callbacks SET number = number + 10", "callbacks are numbered without gaps"),
        (
            "UPDATE callbacks SET subject = zeroblob(16) WHERE id = (SELECT min(id) FROM callbacks)",
            "a callback has its subject",
        ),
        ("UPDATE payments SET callbacks = callbacks + 1", "a payment has as many callbacks as it counts"),
        (
            "INSERT INTO cvv SELECT id, 1, x'00' FROM operations WHERE status = 2",
            "no verification value outlives its operation",
        ),
        ("DELETE FROM requests", "an operation has its request"),
        ("UPDATE requests SET operation = 3", "a request's operation exists"),
        ("UPDATE operations SET kind = 60 WHERE status = 1", "a number has a meaning"),
        (
            "UPDATE postings SET account = (SELECT id FROM accounts WHERE owner_kind = 1) WHERE account = \
             (SELECT id FROM accounts WHERE owner_kind = 2) AND leg = 1",
            "nothing passes through and stays",
        ),
        // Whoever changes postings and balances so that they still agree has to be found another way.
        (
            "INSERT INTO postings (operation, kind, leg, account, minor, settled, at)
             SELECT o.id, 99, a.owner_kind, a.id, CASE a.owner_kind WHEN 1 THEN 9 ELSE -9 END, 0, 0
             FROM (SELECT id FROM operations WHERE kind = 1) AS o, accounts AS a WHERE a.owner_kind IN (1, 4)",
            "a posting stands on an account that its entry concerns",
        ),
        (
            "UPDATE accounts SET owner = 1002 WHERE owner_kind = 1",
            "a posting stands on an account that its entry concerns",
        ),
        ("UPDATE accounts SET owner = 1002 WHERE owner_kind = 1", "a hold belongs to an open operation"),
        (
            "UPDATE payments SET detail = json_remove(detail, '$.debit')",
            "returns go to the debit that took the money",
        ),
        (
            "UPDATE payments SET detail = json_set(detail, '$.debit.account', 9)",
            "returns go to the debit that took the money",
        ),
        ("UPDATE operations SET code = 10000 WHERE status = 2", "an operation's code agrees with its status"),
        ("UPDATE tasks SET clock = 999", "a task runs by a clock that moves it"),
        (
            "INSERT INTO cards SELECT DISTINCT project, zeroblob(16), 3, x'00' FROM operations",
            "what is sealed has its key",
        ),
        ("UPDATE payments SET requested = requested + 1", "an attempt asks for what its operation asks for"),
        ("UPDATE attempts SET minor = minor + 1", "an attempt asks for what its operation asks for"),
        (
            "DELETE FROM names WHERE kind = 2",
            "a refund that was started has taken its identifier",
        ),
        (
            "UPDATE requests SET problems = '[]' WHERE operation = (SELECT max(id) FROM operations)",
            "a refused request is told",
        ),
    ];
    let (directory, path) = fresh();
    let world = World::new(open(&path));
    let paid = world.paid("paid", eur(1_000)).await;
    world.store.commit(world.opening(1_000)).await.unwrap();
    let refund = world.refund(&paid, 100, Some("R1"));
    let scene = World::scene_of(&refund);
    world.store.commit(refund).await.unwrap();
    world.store.commit(world.approved(&scene)).await.unwrap();
    let open_refund = world.refund(&world.payment(paid.key).await, 100, None);
    world.store.commit(open_refund).await.unwrap();
    world.assert_sound().await;
    drop(world);
    find_damages(directory.path(), &path, damages).await;
}
