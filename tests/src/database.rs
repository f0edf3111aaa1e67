//! The database seen from outside: the audit command, and its tables.

use crate::{
    binary::{Platform, Ran},
    place::Place,
};
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long somebody else's lock on a file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `ferropay verify` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Whether it ended with 0.
    pub sound: bool,
    /// The figures by their labels; `not final` counts unfinished operations.
    pub figures: BTreeMap<String, u64>,
    /// Everything it printed.
    pub text: String,
}

impl Audit {
    /// Runs the audit.
    pub fn of(platform: &Platform) -> Self {
        let Ran { ok, out, err } = platform.command(&["verify"]);
        let mut figures = BTreeMap::new();
        for line in out.lines() {
            let label = line.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
            let label = label.split("  ").next().unwrap_or_default().trim();
            let number = line.split_whitespace().find_map(|word| word.parse::<u64>().ok());
            if let Some(number) = number {
                figures.insert(label.to_owned(), number);
            }
            if let Some((_, open)) = line.split_once('(')
                && let Some(open) = open.strip_suffix(" not final)")
            {
                figures.insert("not final".to_owned(), open.parse().unwrap());
            }
        }
        Self { sound: ok, figures, text: format!("{out}{err}") }
    }

    /// One figure.
    pub fn figure(&self, label: &str) -> u64 {
        *self.figures.get(label).unwrap_or_else(|| panic!("verify prints no {label:?}: {}", self.text))
    }

    /// Fails the test unless the books balance, nothing is unfinished, and no verification value is left.
    pub fn assert_settled(&self) {
        assert!(self.sound, "{}", self.text);
        assert_eq!(self.figure("not final"), 0, "{}", self.text);
        assert_eq!(self.figure("tasks"), 0, "{}", self.text);
        assert_eq!(self.figure("verification values"), 0, "{}", self.text);
    }
}

/// A database beside the process that serves it.
#[derive(Debug)]
pub struct Database(Engine);

#[derive(Debug)]
enum Engine {
    /// Its file, and a connection that changes nothing about it, not even by closing it.
    File(PathBuf, Connection),
    Server(String),
}

/// A cell, as the database's text or bytes; numbers as their digits.
type Cell = Option<Vec<u8>>;

/// Keeps everybody else from writing until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Locked(
    #[expect(dead_code, reason = "what is locked is free when these are dropped")]
    (Option<Connection>, Option<ferropay_test_postgres::Locked>),
);

impl Database {
    /// That of a platform.
    pub fn of(platform: &Platform) -> Self {
        Self::at(&platform.place)
    }

    /// That of a place.
    pub fn at(place: &Place) -> Self {
        let address = place.database();
        if address.starts_with("sqlite:") {
            let connection =
                Connection::open_with_flags(place.file(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
            connection.busy_timeout(PATIENCE).unwrap();
            Self(Engine::File(place.file(), connection))
        } else {
            Self(Engine::Server(address))
        }
    }

    /// The names of a query's columns, and its rows.
    fn rows(&self, sql: &str) -> (Vec<String>, Vec<Vec<Cell>>) {
        match &self.0 {
            Engine::File(_, connection) => {
                let mut statement = connection.prepare(sql).unwrap();
                let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
                let cell = |row: &rusqlite::Row<'_>, column| match row.get_ref(column).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
                    ValueRef::Integer(number) => Some(number.to_string().into_bytes()),
                    ValueRef::Real(number) => Some(number.to_string().into_bytes()),
                    ValueRef::Null => None,
                };
                let count = columns.len();
                let rows =
                    statement.query_map([], |row| Ok((0..count).map(|column| cell(row, column)).collect()));
                let rows = rows.unwrap().map(Result::unwrap).collect();
                (columns, rows)
            }
            Engine::Server(url) => {
                let (columns, rows) = ferropay_test_postgres::rows(url, sql);
                let cell = |text: Option<String>| text.map(|text| bytes_of(&text));
                (columns, rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect())
            }
        }
    }

    fn texts(&self, sql: &str) -> Vec<Vec<String>> {
        let text = |cell: Cell| String::from_utf8(cell.expect("a value")).unwrap();
        self.rows(sql).1.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
    }

    /// One number.
    pub fn number(&self, sql: &str) -> i64 {
        self.texts(sql)[0][0].parse().unwrap()
    }

    /// Changes something; answers how many rows.
    pub fn change(&self, sql: &str) -> u64 {
        match &self.0 {
            Engine::File(file, _) => u64::try_from(to_write(file).execute(sql, []).unwrap()).unwrap(),
            Engine::Server(url) => ferropay_test_postgres::change(url, sql),
        }
    }

    /// Keeps the platform from writing.
    pub fn locked(&self) -> Locked {
        match &self.0 {
            Engine::File(file, _) => {
                let other = to_write(file);
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                Locked((Some(other), None))
            }
            Engine::Server(url) => Locked((None, Some(ferropay_test_postgres::Locked::all(url)))),
        }
    }

    /// Sets the number of the schema's version; answers what it was.
    pub fn set_schema_version(&self, version: i64) -> i64 {
        match &self.0 {
            Engine::File(file, _) => {
                let connection = to_write(file);
                let before = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
                connection.pragma_update(None, "user_version", version).unwrap();
                before
            }
            Engine::Server(_) => {
                let before = self.number("SELECT version FROM schema_version");
                assert_eq!(self.change(&format!("UPDATE schema_version SET version = {version}")), 1);
                before
            }
        }
    }

    /// The tasks that a condition chooses: kind, number, and of a delivery its address with the status it got.
    pub fn tasks(&self, which: &str) -> Vec<String> {
        let sql = format!(
            "SELECT kind || ':' || tasks.number || coalesce(' ' || url || ' ' || status || ' ' || body, '') FROM tasks
             LEFT JOIN deliveries AS d ON kind = 3 AND d.id = tasks.number
             LEFT JOIN callbacks AS c ON c.id = tasks.number / 256 {which}"
        );
        self.texts(&sql).into_iter().flatten().collect()
    }

    /// Sum of the postings on accounts of an owner's kind, archived ones among them, by currency: 3 providers, 5 suspense. Zeros are
    /// left out.
    pub fn balances(&self, owner_kind: u8) -> BTreeMap<u16, i64> {
        let sql = format!(
            "SELECT a.currency, sum(p.minor) AS minor FROM (
                SELECT account, minor FROM postings UNION ALL SELECT account, minor FROM carried) AS p
             JOIN accounts AS a ON a.id = p.account WHERE a.owner_kind = {owner_kind} GROUP BY a.currency HAVING sum(p.minor) <> 0"
        );
        self.texts(&sql).iter().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect()
    }

    /// Subjects whose callbacks are not numbered from 1 without a gap.
    pub fn wrongly_numbered(&self) -> i64 {
        self.number(
            "SELECT count(*) FROM (SELECT 1 FROM callbacks GROUP BY subject
             HAVING min(number) <> 1 OR max(number) <> count(*)) AS s",
        )
    }

    /// Every cell of every table that holds anything, with `table.column`.
    pub fn each_cell(&self, mut look: impl FnMut(&str, &[u8])) {
        let tables = match &self.0 {
            Engine::File(..) => "SELECT name FROM sqlite_schema WHERE type = 'table'",
            Engine::Server(_) => "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        };
        for table in self.texts(tables).into_iter().flatten() {
            let (columns, rows) = self.rows(&format!("SELECT * FROM {table}"));
            for row in rows {
                for (column, cell) in columns.iter().zip(row) {
                    if let Some(cell) = cell {
                        look(&format!("{table}.{column}"), &cell);
                    }
                }
            }
        }
    }
}

fn to_write(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection
}

/// What a server writes as text: bytes come as `\x` and their hexadecimal digits.
fn bytes_of(text: &str) -> Vec<u8> {
    let Some(digits) = text.strip_prefix("\\x") else { return text.as_bytes().to_vec() };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}
