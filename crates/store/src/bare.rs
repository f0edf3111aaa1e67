//! What durability alone costs on a file system: rows inserted one by one into an embedded database, each in a
//! transaction of its own that is on disk before the next begins.

use crate::Unavailable;
use rusqlite::{Connection, params};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How long the text of a row is, bytes.
const ROW_BYTES: usize = 100;

/// Inserts rows into a new file at `path` for `span`, with the durability that the platform's own file has; answers how
/// long each took. Errors: the file cannot be made or written.
pub fn insert_rows(path: &Path, span: Duration) -> Result<Vec<Duration>, Unavailable> {
    insert(path, span)
        .map_err(|error| Unavailable { action: "insert single rows", reason: error.to_string() })
}

fn insert(path: &Path, span: Duration) -> rusqlite::Result<Vec<Duration>> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
         CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT NOT NULL);",
    )?;
    let mut statement = connection.prepare("INSERT INTO bare (body) VALUES (?1)")?;
    let body = "x".repeat(ROW_BYTES);
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < span {
        let started = Instant::now();
        statement.execute(params![body])?;
        times.push(started.elapsed());
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_that_was_timed_stands_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bare.db");
        let times = insert_rows(&path, Duration::from_millis(50)).unwrap();
        let rows: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM bare", [], |row| row.get(0))
            .unwrap();
        assert!(!times.is_empty());
        assert_eq!(i64::try_from(times.len()).unwrap(), rows);
    }
}
