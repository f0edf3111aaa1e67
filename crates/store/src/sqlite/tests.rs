//! What the interface cannot bring about: a writer that ends, a disk that is full.

use super::*;
use ferropay_domain::{change::ChangeSet, ids::ProviderAccountId};

fn fresh() -> (tempfile::TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("test.db"), Options::default()).unwrap();
    (directory, store)
}

/// A commit of about `bytes` bytes that always fits.
pub(super) fn evidence(id: usize, bytes: usize) -> Commit {
    let notification = crate::Notification {
        account: ProviderAccountId::new(1),
        id: id.to_string(),
        body: "x".repeat(bytes),
        at: Timestamp::from_seconds(1),
    };
    Commit { notification: Some(notification), ..Commit::default() }
}

fn is_unavailable(result: &Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Unavailable(_)))
}

#[tokio::test]
async fn when_the_writer_has_ended_every_commit_is_answered() {
    let (_directory, store) = fresh();
    store.commit(evidence(1, 10)).await.unwrap();
    store.submit(Job::Run(Box::new(|_| panic!("the writer is made to end"))));
    let queued: Vec<_> = (2..50).map(|id| store.commit(evidence(id, 10))).collect();
    for commit in queued {
        assert!(is_unavailable(&commit.await));
    }
    assert!(is_unavailable(&store.commit(evidence(50, 10)).await));
    assert!(store.enrol(Timestamp::default()).await.is_err());
    // What is durable can still be read.
    assert!(store.balances(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn on_a_full_disk_what_fits_is_written_and_the_rest_is_told() {
    let (_directory, store) = fresh();
    store.commit(evidence(0, 10)).await.unwrap();
    let limit = |pages: &'static str| {
        store.write("limit the size", move |connection| {
            connection.query_row(pages, [], |row| row.get::<_, i64>(0))
        })
    };
    let now = limit("PRAGMA page_count").await.unwrap();
    assert!(limit("PRAGMA max_page_count = 1").await.unwrap() >= now);
    // All are in one batch with one that does not fit.
    let commits = [(1, 100), (2, 1_000_000), (3, 100), (4, 100)];
    let running: Vec<_> = commits.iter().map(|(id, bytes)| store.commit(evidence(*id, *bytes))).collect();
    for ((id, _), result) in commits.iter().zip(running) {
        let result = result.await;
        assert_eq!(is_unavailable(&result), *id == 2, "{id}: {result:?}");
        assert_eq!(result.is_ok(), *id != 2, "{id}: {result:?}");
    }
    limit("PRAGMA max_page_count = 1000000").await.unwrap();
    store.commit(evidence(2, 1_000_000)).await.unwrap();
    assert!(store.audit().await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn commits_that_wait_share_a_batch() {
    let (_directory, store) = fresh();
    // The writer is held up until all are queued.
    let (go, wait) = mpsc::channel::<()>();
    store.submit(Job::Run(Box::new(move |_| assert!(wait.recv().is_err()))));
    let before = store.effort();
    let running: Vec<_> = (0..1_200).map(|id| store.commit(evidence(id, 10))).collect();
    drop(go);
    for commit in running {
        commit.await.unwrap();
    }
    let after = store.effort();
    assert_eq!(after.commits - before.commits, 1_200);
    let batches = after.batches - before.batches;
    assert!((3..=5).contains(&batches), "512 at most in a batch: {batches}");
    assert!(after.statements - before.statements >= 2 * 1_200);
}

#[tokio::test]
async fn a_database_that_another_process_has_locked_holds_a_batch_up_once() {
    let (directory, store) = fresh();
    store.commit(evidence(0, 10)).await.unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().path());
    let file = file.into_iter().find(|it| it.extension().is_some_and(|it| it == "db")).unwrap();
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = std::time::Instant::now();
    let running: Vec<_> = (1..40).map(|id| store.commit(evidence(id, 10))).collect();
    // The one before may not be counted down yet.
    assert!((39..=40).contains(&store.effort().commits_waiting));
    for commit in running {
        assert!(is_unavailable(&commit.await));
    }
    // One batch or two, each as long as the lock is waited for; each commit by itself would take minutes.
    assert!(started.elapsed() < std::time::Duration::from_secs(12), "{:?}", started.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(evidence(1, 10)).await.unwrap();
    assert!(store.audit().await.unwrap().findings.is_empty());
    // The writer counts down after it has answered.
    while store.effort().commits_waiting > 0 {
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "nothing waits any more");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_commit_of_nothing_is_applied() {
    let (_directory, store) = fresh();
    store.commit(Commit { changes: ChangeSet::default(), ..Commit::default() }).await.unwrap();
}
