//! The database seen from outside: the audit command, and the file itself.

use crate::binary::{Platform, Ran};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;

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

/// The database file, opened for reading.
pub struct Database(Connection);

impl Database {
    /// Opens a platform's database beside the running process.
    pub fn of(platform: &Platform) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(platform.database_file(), flags).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        Self(connection)
    }

    /// One number.
    pub fn number(&self, sql: &str) -> i64 {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The tasks that a condition chooses: kind, number, and of a delivery its address with the status it got.
    pub fn tasks(&self, which: &str) -> Vec<String> {
        let sql = format!(
            "SELECT kind || ':' || tasks.number || coalesce(' ' || url || ' ' || status || ' ' || body, '') FROM tasks
             LEFT JOIN deliveries AS d ON kind = 3 AND d.id = tasks.number
             LEFT JOIN callbacks AS c ON c.id = tasks.number / 256 {which}"
        );
        let mut statement = self.0.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Sum of the postings on accounts of an owner's kind, by currency: 3 providers, 5 suspense. Zeros are left out.
    pub fn balances(&self, owner_kind: u8) -> BTreeMap<u16, i64> {
        let sql = "SELECT a.currency, sum(p.minor) AS minor FROM postings AS p JOIN accounts AS a ON a.id = p.account
                   WHERE a.owner_kind = ?1 GROUP BY a.currency HAVING sum(p.minor) <> 0";
        let mut statement = self.0.prepare(sql).unwrap();
        let rows = statement.query_map([owner_kind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Subjects whose callbacks are not numbered from 1 without a gap.
    pub fn wrongly_numbered(&self) -> i64 {
        self.number(
            "SELECT count(*) FROM (SELECT 1 FROM callbacks GROUP BY subject
             HAVING min(number) <> 1 OR max(number) <> count(*))",
        )
    }

    /// Every cell of every table that holds text or bytes, with `table.column`.
    pub fn each_cell(&self, mut look: impl FnMut(&str, &[u8])) {
        let tables: Vec<String> = {
            let mut statement =
                self.0.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        for table in tables {
            let mut statement = self.0.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns: Vec<String> =
                statement.column_names().map(|column| format!("{table}.{column}")).collect();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for (index, column) in columns.iter().enumerate() {
                    match row.get_ref(index).unwrap() {
                        rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                            look(column, bytes);
                        }
                        rusqlite::types::ValueRef::Integer(number) => {
                            look(column, number.to_string().as_bytes());
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
