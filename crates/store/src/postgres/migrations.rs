//! The schema: whose it is, which version it has, and the steps to the newest one.
//!
//! Several nodes may start at the same time. Each step is a transaction of its own that holds the lock on `schema_version`
//! from its first statement to its last, so that one node takes it and the others find it taken.

use super::{ConnectError, connection::Live};

/// The steps from one schema version to the next; the first makes version 1 of an empty database.
const STEPS: &[&str] = &[
    include_str!("../../migrations/postgres/0001.sql"),
    include_str!("../../migrations/postgres/0002.sql"),
    include_str!("../../migrations/postgres/0003.sql"),
    include_str!("../../migrations/postgres/0004.sql"),
    include_str!("../../migrations/postgres/0005.sql"),
    include_str!("../../migrations/postgres/0006.sql"),
    include_str!("../../migrations/postgres/0007.sql"),
    include_str!("../../migrations/postgres/0008.sql"),
    include_str!("../../migrations/postgres/0009.sql"),
];

/// The oldest server this is made for, as the server tells it.
const OLDEST_SERVER: i32 = 150_000;

/// Makes the table of the version; the column's name marks it as ours.
const BEGINNING: &str = "CREATE TABLE IF NOT EXISTS schema_version (
        ferropay boolean NOT NULL PRIMARY KEY CHECK (ferropay), version bigint NOT NULL);
    INSERT INTO schema_version (ferropay, version) VALUES (true, 0) ON CONFLICT DO NOTHING";

/// How often the table of the version is tried to be made, while other nodes make it, too.
const TRIES: usize = 5;

/// The schema version this build writes.
pub(super) fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Checks the server and whose the database is, and brings its schema up to date.
pub(super) async fn migrate(live: &Live) -> Result<(), ConnectError> {
    check_server(live).await?;
    let mut tries = 0;
    loop {
        match owner(live).await? {
            Owner::Ours => break,
            Owner::Foreign => return Err(ConnectError::Foreign),
            Owner::Nobody => match live.run(BEGINNING).await {
                // Two nodes that make a table at the same moment may be told by the catalogue's own keys.
                Err(trouble) if tries >= TRIES => return Err(trouble.into()),
                Ok(()) | Err(_) => tries += 1,
            },
        }
    }
    // Without a lock at first: nodes that have nothing to do do not wait for each other.
    while version(live).await? < newest() {
        step(live).await?;
    }
    Ok(())
}

/// Checks the server and whose the database is, and that its schema is this release's; changes nothing.
pub(super) async fn check(live: &Live) -> Result<(), ConnectError> {
    check_server(live).await?;
    match owner(live).await? {
        Owner::Foreign => return Err(ConnectError::Foreign),
        Owner::Nobody => return Err(ConnectError::Empty),
        Owner::Ours => {}
    }
    match version(live).await? {
        0 => Err(ConnectError::Empty),
        found if found < newest() => Err(ConnectError::Older { found, known: newest() }),
        _ => Ok(()),
    }
}

pub(super) async fn check_server(live: &Live) -> Result<(), ConnectError> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('server_version'),
        current_setting('server_encoding')";
    let Some(row) = live.first(sql, &[]).await? else { return Err(ConnectError::Foreign) };
    if row.get::<_, i32>(0) < OLDEST_SERVER {
        return Err(ConnectError::Server(format!(
            "it is version {}, 15 or newer is needed",
            row.get::<_, &str>(1)
        )));
    }
    if row.get::<_, &str>(2) != "UTF8" {
        let encoding = row.get::<_, &str>(2);
        return Err(ConnectError::Server(format!("the database's encoding is {encoding}, UTF8 is needed")));
    }
    Ok(())
}

/// Whose a database is.
pub(super) enum Owner {
    Ours,
    Foreign,
    Nobody,
}

pub(super) async fn owner(live: &Live) -> Result<Owner, ConnectError> {
    let sql = "SELECT to_regclass('schema_version') IS NOT NULL, to_regclass('payments') IS NOT NULL,
        EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('schema_version') AND attname = 'ferropay')";
    let Some(row) = live.first(sql, &[]).await? else { return Ok(Owner::Nobody) };
    Ok(match (row.get(0), row.get(1), row.get(2)) {
        (true, _, true) => Owner::Ours,
        (true, _, false) | (false, true, _) => Owner::Foreign,
        (false, false, _) => Owner::Nobody,
    })
}

/// The version the database has. An error when it is of a later release.
pub(super) async fn version(live: &Live) -> Result<i64, ConnectError> {
    let row = live.first("SELECT version FROM schema_version", &[]).await?;
    let found = row.map_or(0, |row| row.get(0));
    if found > newest() {
        return Err(ConnectError::Newer { found, known: newest() });
    }
    Ok(found)
}

/// Takes the next step, unless another node has taken it meanwhile.
async fn step(live: &Live) -> Result<(), ConnectError> {
    live.run("BEGIN; LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE").await?;
    let outcome = locked_step(live).await;
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = live.run(end).await;
    outcome?;
    Ok(ended?)
}

async fn locked_step(live: &Live) -> Result<(), ConnectError> {
    let found = version(live).await?;
    let next = usize::try_from(found).ok().and_then(|found| STEPS.get(found));
    if let Some(step) = next {
        live.run(step).await?;
        live.execute("UPDATE schema_version SET version = version + 1", &[]).await?;
    }
    Ok(())
}
