//! Looking at a database file without changing anything about it, for whoever wants to know whether it can be used.

use super::{OpenError, file, reads, recovery, schema};
use crate::Recovery;
use ferropay_domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::{fmt::Write as _, path::Path, time::Duration};

/// Keys that rows name and that are not there.
const MISSING_KEYS: &str =
    "SELECT sealed_key FROM (SELECT sealed_key FROM cards UNION SELECT sealed_key FROM project_secrets
        UNION SELECT sealed_key FROM wallet_keys
        UNION SELECT CAST(substr(detail, instr(detail, '\"cryptogram\":\"') + 14, 10) AS INTEGER) FROM operations
            WHERE instr(detail, '\"cryptogram\":\"') > 0 AND instr(detail, '\"cryptogram\":\"\"') = 0)
    WHERE sealed_key NOT IN (SELECT number FROM data_keys) ORDER BY 1";

/// What a database file is.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its schema version.
    pub schema: i64,
    /// The one this release writes; an older file is brought to it when it is opened.
    pub newest_schema: i64,
    /// What is wrong with its structure; none when it was not looked at.
    pub damage: Option<Vec<String>>,
    /// When a process last began to work on it, real time.
    pub last_enrolled: Option<Timestamp>,
    /// The last recovery hold, in force or released.
    pub recovery: Option<Recovery>,
    /// The wrapped data keys of the vault, by number.
    pub data_keys: Vec<(u32, Vec<u8>)>,
    /// Data keys that something is sealed with and that are not there.
    pub missing_keys: Vec<u32>,
    /// Keys of verification values that something is sealed with.
    pub cvv_keys: Vec<u32>,
}

/// Looks at a file, and through all of its structure when `thoroughly`. Nothing is written, and a process that serves from
/// it at the same time is not held up. `accept_lost_log` as in [`Options`](super::Options).
///
/// # Errors
/// It cannot be read, lacks its log, is of a later release, empty, or something else.
pub fn inspect(path: &Path, thoroughly: bool, accept_lost_log: bool) -> Result<Inspection, OpenError> {
    file::inspect(path, accept_lost_log)?;
    let connection = open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    if schema::check_owner(&connection, path)? {
        return Err(OpenError::Empty(path.display().to_string()));
    }
    let damage = if thoroughly { Some(damage(&connection)?) } else { None };
    let newest = "SELECT max(enrolled_at) FROM nodes";
    let last: Option<i64> = connection.query_row(newest, [], |row| row.get(0))?;
    // Earlier releases knew of no holds.
    let knows_holds = "SELECT count(*) FROM sqlite_schema WHERE name = 'recovery'";
    let knows_holds = connection.query_row(knows_holds, [], |row| row.get::<_, i64>(0))? > 0;
    Ok(Inspection {
        schema: schema::version(&connection)?,
        newest_schema: schema::newest(),
        damage,
        last_enrolled: last.map(Timestamp::from_micros),
        recovery: if knows_holds { recovery::read(&connection)? } else { None },
        data_keys: reads::data_keys(&connection)?,
        // An older file has not all of these tables.
        missing_keys: if schema::version(&connection)? < schema::newest() {
            Vec::new()
        } else {
            numbers(&connection, MISSING_KEYS)?
        },
        cvv_keys: numbers(&connection, "SELECT DISTINCT sealed_key FROM cvv ORDER BY 1")?,
    })
}

/// Opens a file without leaving anything beside it. Without a log nobody has it open at the moment, and it is read as it
/// lies there; otherwise what is in the log counts, and its files are there already.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return Connection::open_with_flags(path, flags);
    }
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/.-_".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

fn numbers(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<u32>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// At most ten lines, none when it is whole.
fn damage(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA quick_check(10)")?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let lines: rusqlite::Result<Vec<String>> = lines.collect();
    Ok(lines?.into_iter().filter(|line| line != "ok").collect())
}
