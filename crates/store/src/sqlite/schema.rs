//! Opening a database file: whose it is, which schema it has, and the steps to the newest one.

use super::{
    OpenError, Options, admin,
    file::{self, APPLICATION_ID, InUse},
    recovery,
};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{path::Path, time::Duration};

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
    include_str!("../../migrations/sqlite/0012.sql"),
    include_str!("../../migrations/sqlite/0013.sql"),
    include_str!("../../migrations/sqlite/0014.sql"),
    include_str!("../../migrations/sqlite/0015.sql"),
    include_str!("../../migrations/sqlite/0016.sql"),
    include_str!("../../migrations/sqlite/0017.sql"),
    include_str!("../../migrations/sqlite/0018.sql"),
    include_str!("../../migrations/sqlite/0019.sql"),
    include_str!("../../migrations/sqlite/0020.sql"),
];

/// How much of a scratch database is kept in memory, KiB.
const SCRATCH_CACHE_KIB: i64 = 64 * 1024;

/// The schema version this build writes.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Opens the file for writing and checks that it is ours or empty. Brings its schema up to date where that is wanted, and
/// otherwise refuses one of another schema.
pub(super) fn open_writer(path: &Path, options: &Options) -> Result<InUse, OpenError> {
    file::inspect(path, options.hold_from.is_some())?;
    let explained = |error: rusqlite::Error| file::explained(&error, path);
    let further = if options.migrate {
        file::make_private(path)?;
        OpenFlags::SQLITE_OPEN_CREATE
    } else {
        is_there(path)?;
        OpenFlags::empty()
    };
    let connection = open_to_write(path, further)?;
    let empty = check_owner(&connection, path)?;
    if !options.migrate {
        is_of_this_release(&connection, empty, path)?;
    }
    file::examine(&connection, path)?;
    if empty {
        connection.pragma_update(None, "page_size", options.page_size).map_err(explained)?;
    }
    let mut connection = InUse::begin(connection, path)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", options.checkpoint_pages)?;
    connection.pragma_update(None, "journal_size_limit", 64_i64 << 20)?;
    connection.pragma_update(None, "cache_size", -options.cache_kib)?;
    connection.pragma_update(None, "mmap_size", options.mmap_bytes)?;
    if options.migrate {
        migrate(&mut connection)?;
    }
    if let Some(now) = options.hold_from {
        // Whoever opens the file next must not take it for one that knows everything, whatever becomes of this process.
        admin::in_transaction(&connection, |it| recovery::hold(it, None, now))?;
    }
    Ok(connection)
}

fn is_there(path: &Path) -> Result<(), OpenError> {
    if path.exists() { Ok(()) } else { Err(OpenError::Absent(path.display().to_string())) }
}

/// Refuses a file that this release would have to change before it can be worked on.
fn is_of_this_release(connection: &Connection, empty: bool, path: &Path) -> Result<(), OpenError> {
    if empty {
        return Err(OpenError::Empty(path.display().to_string()));
    }
    let found = version(connection)?;
    if found < newest() { Err(OpenError::Older { found, known: newest() }) } else { Ok(()) }
}

/// A connection that writes, to a file that [`file::inspect`] has looked at.
fn open_to_write(path: &Path, further: OpenFlags) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | further;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| file::explained(&error, path))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    if connection.is_readonly("main")? {
        return Err(OpenError::ReadOnly(path.display().to_string()));
    }
    Ok(connection)
}

/// One more connection to a file that is open for writing.
pub(super) fn open_beside(path: &Path) -> Result<Connection, OpenError> {
    open_to_write(path, OpenFlags::empty())
}

/// Opens a file of this schema version to copy it. What is committed to it meanwhile, and how it is used, does not change.
pub(super) fn open_source(path: &Path) -> Result<Connection, OpenError> {
    is_there(path)?;
    file::inspect(path, false)?;
    let connection = open_to_write(path, OpenFlags::empty())?;
    // Whoever closes a file last takes the log away, which is for those who work on it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let empty = check_owner(&connection, path)?;
    is_of_this_release(&connection, empty, path)?;
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

/// A new, empty database of the newest schema for rows that come from elsewhere: kept in memory as far as there is room, else
/// in a file without a name, and gone when it is closed.
pub(crate) fn open_scratch() -> Result<Connection, OpenError> {
    let mut connection = Connection::open("")?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "cache_size", -SCRATCH_CACHE_KIB)?;
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
pub(super) fn check_owner(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let explained = |error: rusqlite::Error| file::explained(&error, path);
    let foreign = || OpenError::Foreign(path.display().to_string());
    let objects = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let objects = objects.map_err(explained)?;
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

/// The schema version of a file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    migrate_to(connection, newest())
}

/// Applies the steps that the database does not have yet, up to schema version `last`.
fn migrate_to(connection: &mut Connection, last: i64) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > newest() {
        return Err(OpenError::Newer { found, known: newest() });
    }
    for (step, number) in MIGRATIONS.iter().zip(1_i64..) {
        if number > found && number <= last {
            transaction.execute_batch(step)?;
        }
    }
    if found < last {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", last)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{OpenError, Options, SqliteStore, instruments, statements},
        APPLICATION_ID, migrate, migrate_to, newest, version,
    };
    use ferropay_domain::{
        ids::{InstrumentId, ProjectId},
        instrument::{InstrumentKey, Means, TokenStatus},
    };
    use rusqlite::{Connection, params};

    /// What every sale writes.
    const WRITTEN_BY_EVERY_SALE: [&str; 14] = [
        "insert_request",
        "take_fingerprint",
        "insert_name",
        "insert_payment",
        "update_payment",
        "insert_operation",
        "update_operation",
        "insert_attempt",
        "update_attempt",
        "insert_callback",
        "insert_delivery",
        "update_delivery",
        "insert_posting",
        "end_task",
    ];

    #[test]
    fn what_is_missing_empty_or_older_is_left_as_it_is_where_nothing_is_to_be_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let opened = || SqliteStore::open(&path, Options { migrate: false, ..Options::default() });
        assert!(matches!(opened(), Err(OpenError::Absent(_))));
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        assert!(matches!(opened(), Err(OpenError::Empty(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"");

        let mut older = Connection::open(&path).unwrap();
        migrate_to(&mut older, newest() - 1).unwrap();
        older.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        older.close().unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = opened().unwrap_err();
        assert!(matches!(error, OpenError::Older { .. }), "{error}");
        assert!(error.to_string().contains("`ferropay serve`"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing lies beside it");

        drop(SqliteStore::open(&path, Options::default()).unwrap());
        drop(opened().unwrap());
    }

    /// The record of a card as builds wrote it that knew of no other means.
    const DETAIL: &str = r#"{
        "id": 7, "project": 1001, "customer": "reader-7",
        "card": {
            "key": "0192f5b4-7a3e-7c11-9d53-0a6f5b1c2d3e", "masked": "400000******0077", "network": "visa",
            "holder": "Ada Byron", "expiry": { "year": 2028, "month": 3 }, "country": "US"
        },
        "token": { "text": "ab12", "status": "active", "created_at": 1780000000000000 },
        "saved_at": 1780000000000000, "last_deposit": 1780000000000000, "created_at": 1780000000000000, "version": 3
    }"#;

    // G-406, G-414: an upgrade loses no card that a customer has left, nor the token that names it
    #[test]
    fn saved_cards_and_tokens_outlive_the_step_to_accounts_of_other_methods() {
        let mut database = Connection::open_in_memory().unwrap();
        migrate_to(&mut database, 9).unwrap();
        assert_eq!(version(&database).unwrap(), 9);
        let card: [u8; 16] =
            [0x01, 0x92, 0xf5, 0xb4, 0x7a, 0x3e, 0x7c, 0x11, 0x9d, 0x53, 0x0a, 0x6f, 0x5b, 0x1c, 0x2d, 0x3e];
        let row = params![card, DETAIL];
        let sql = "INSERT INTO instruments VALUES (7, 1001, 'reader-7', ?1, 1, 3, ?2)";
        database.execute(sql, row).unwrap();
        database.execute("INSERT INTO tokens VALUES (1001, 'ab12', 7)", []).unwrap();
        migrate(&mut database).unwrap();
        assert_eq!(version(&database).unwrap(), newest());

        let project = ProjectId::new(1001);
        let by_id =
            instruments::find(&database, project, &InstrumentKey::Id(InstrumentId::new(7))).unwrap().unwrap();
        let card = by_id.card().unwrap();
        assert_eq!((by_id.version, card.masked.as_str(), by_id.is_saved()), (3, "400000******0077", true));
        assert_eq!(by_id.token.as_ref().unwrap().status, TokenStatus::Active);
        let by_card = Means::Card(card.clone()).key("reader-7");
        for key in [InstrumentKey::Token("ab12".to_owned()), by_card] {
            assert_eq!(
                instruments::find(&database, project, &key).unwrap().as_ref(),
                Some(&by_id),
                "{key:?}"
            );
        }
        assert_eq!(instruments::saved(&database, project, "reader-7", 10).unwrap(), [by_id]);
    }

    #[test]
    fn a_state_that_no_delivery_has_is_refused_before_and_after_the_step_that_words_it_anew() {
        let mut database = Connection::open_in_memory().unwrap();
        migrate_to(&mut database, 16).unwrap();
        let insert = |database: &Connection, id: i64, state: i64| {
            let sql = "INSERT INTO deliveries (id, state, attempts, status, tried_at, url) VALUES (?1, ?2, 0, 0, 0, '')";
            database.execute(sql, params![id, state]).is_ok()
        };
        let accepted = |database: &Connection, from: i64| -> Vec<i64> {
            (0..5).filter(|state| insert(database, from + state, *state)).collect()
        };
        assert_eq!(accepted(&database, 0), [1, 2, 3]);
        migrate(&mut database).unwrap();
        assert_eq!(accepted(&database, 10), [1, 2, 3]);
        let rows: i64 = database.query_row("SELECT count(*) FROM deliveries", [], |row| row.get(0)).unwrap();
        let check: String = database.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
        assert_eq!((rows, check.as_str()), (6, "ok"));
        assert!(database.execute("UPDATE sqlite_schema SET sql = sql", []).is_err(), "it is protected again");
    }

    #[test]
    fn nothing_that_a_sale_writes_makes_a_temporary_table() {
        let mut database = Connection::open_in_memory().unwrap();
        migrate(&mut database).unwrap();
        for name in WRITTEN_BY_EVERY_SALE {
            let sql = statements::text(name).unwrap();
            let mut explained = database.prepare(&format!("EXPLAIN {sql}")).unwrap();
            let steps = explained.raw_query().mapped(|row| row.get::<_, String>(1));
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(steps.len() > 5 && !steps.iter().any(|step| step == "OpenEphemeral"), "{sql}: {steps:?}");
        }
    }
}
