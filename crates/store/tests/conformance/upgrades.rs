//! A `PostgreSQL` database of an earlier build, and nodes of it beside those of this one.

use crate::scenario::{World, eur};
use ferropay_domain::change::Buckets;
use ferropay_store::postgres::{Options, PostgresStore};
use ferropay_test_postgres::Database;
use std::{sync::Arc, time::Duration};

const TERM: Duration = Duration::from_mins(1);

async fn connected(database: &Database, first: i64) -> World {
    let store = PostgresStore::connect(&database.url(), Options::default()).await.unwrap();
    World::from_number(Arc::new(store), first)
}

/// Takes a database back to schema version 5, as one of two kinds of builds had it.
fn before_the_token(database: &Database, has_index: bool) {
    database.run(
        "ALTER TABLE nodes DROP COLUMN token; DROP TABLE archived_attempts;
        ALTER TABLE archives DROP COLUMN line, DROP COLUMN digest, DROP COLUMN closing;
        UPDATE schema_version SET version = 5",
    );
    if !has_index {
        database.run("DROP INDEX requests_that_follow");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_brought_up_to_date_whether_or_not_it_has_the_index_of_requests_yet() {
    for has_index in [true, false] {
        let database = Database::new();
        let world = connected(&database, 1).await;
        world.paid("before", eur(100)).await;
        let columns =
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'nodes' ORDER BY 1";
        let expected = database.texts(columns);
        drop(world);
        before_the_token(&database, has_index);
        let world = connected(&database, 1_000_000).await;
        world.paid("after", eur(100)).await;
        world.assert_sound().await;
        assert_eq!(database.texts(columns), expected);
        let index = "SELECT 1 FROM pg_indexes WHERE indexname = 'requests_that_follow'";
        assert_eq!(database.texts(index).len(), 1);
    }
}

/// The statements of a release that knows no token, beside those of this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_an_earlier_release_shares_the_work_with_one_of_this_release() {
    let database = Database::new();
    let world = connected(&database, 1).await;
    let store = &world.store;
    let node = store.join(TERM).await.unwrap();
    store.renew(node.id, TERM, Buckets::NONE).await.unwrap();
    database.run(
        "INSERT INTO nodes (id, number, enrolled_at, lives_until) SELECT id + 1, number + 1, 0, lives_until FROM nodes",
    );
    let upper: Buckets = (32..64).collect();
    let told = store.renew(node.id, TERM, upper).await.unwrap();
    assert_eq!(told.share, 32);
    let its_row = node.id.row + 1;
    database.run(&format!(
        "UPDATE nodes SET lives_until = lives_until + 1 WHERE id = {its_row};
        UPDATE buckets SET node = {its_row}, epoch = epoch + 1, lease_until = (SELECT lives_until FROM nodes WHERE id = {its_row})
        WHERE node = 0"
    ));
    let left = store.renew(node.id, TERM, Buckets::NONE).await.unwrap();
    assert_eq!((left.epochs, left.share), (told.epochs, 32));
    // It leaves as it always did.
    database.run(&format!(
        "UPDATE nodes SET lives_until = 0 WHERE id = {its_row};
        UPDATE buckets SET node = 0, lease_until = 0 WHERE node = {its_row}"
    ));
    let all = store.renew(node.id, TERM, Buckets::NONE).await.unwrap();
    assert_eq!((all.epochs.iter().filter(|epoch| **epoch > 0).count(), all.share), (64, 64));
    let next = store.join(TERM).await.unwrap();
    assert_eq!(next.id.row, its_row + 1);
}
