//! Opening a database file: whose it is, which schema it has, and the steps to the newest one.

use super::{OpenError, Options};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{path::Path, time::Duration};

/// Marks a file as ours: the letters `FePy`.
const APPLICATION_ID: i64 = 0x4665_5079;

/// The steps from one schema version to the next; the first makes version 1 of an empty file.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001.sql"),
    include_str!("../../migrations/sqlite/0002.sql"),
    include_str!("../../migrations/sqlite/0003.sql"),
    include_str!("../../migrations/sqlite/0004.sql"),
    include_str!("../../migrations/sqlite/0005.sql"),
    include_str!("../../migrations/sqlite/0006.sql"),
    include_str!("../../migrations/sqlite/0007.sql"),
    include_str!("../../migrations/sqlite/0008.sql"),
    include_str!("../../migrations/sqlite/0009.sql"),
    include_str!("../../migrations/sqlite/0010.sql"),
    include_str!("../../migrations/sqlite/0011.sql"),
];

/// The schema version this build writes.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Opens the file for writing, checks that it is ours or empty, and brings its schema up to date.
pub(super) fn open_writer(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let empty = check_owner(&connection, path)?;
    if empty {
        connection.pragma_update(None, "page_size", options.page_size)?;
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(OpenError::Database(format!("the journal mode is {mode} and cannot be made WAL")));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", options.checkpoint_pages)?;
    connection.pragma_update(None, "journal_size_limit", 64_i64 << 20)?;
    connection.pragma_update(None, "cache_size", -options.cache_kib)?;
    connection.pragma_update(None, "mmap_size", options.mmap_bytes)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// A new database in memory, gone when it is closed.
pub(super) fn open_in_memory(options: &Options) -> Result<Connection, OpenError> {
    let mut connection = Connection::open_in_memory()?;
    // Otherwise a statement is prepared again whenever its limit is bound to another number.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "page_size", options.page_size)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens the file for reading only.
pub(super) fn open_reader(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -(options.cache_kib / 4).max(256))?;
    connection.pragma_update(None, "mmap_size", options.mmap_bytes)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Whether the file is empty. Errors when it holds something that is not ours, or is of a later build.
fn check_owner(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let foreign = || OpenError::Foreign(path.display().to_string());
    let objects = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let objects = match objects {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(foreign());
        }
        other => other?,
    };
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application == APPLICATION_ID {
        let found = version(connection)?;
        if found > newest() {
            return Err(OpenError::Newer { found, known: newest() });
        }
        return Ok(false);
    }
    if objects > 0 || application != 0 { Err(foreign()) } else { Ok(true) }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > newest() {
        return Err(OpenError::Newer { found, known: newest() });
    }
    for (step, number) in MIGRATIONS.iter().zip(1_i64..) {
        if number > found {
            transaction.execute_batch(step)?;
        }
    }
    if found < newest() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", newest())?;
    }
    transaction.commit()?;
    Ok(())
}
