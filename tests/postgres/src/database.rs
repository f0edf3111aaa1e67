//! A database of one test on the shared server.

use crate::{
    Server,
    query::{query, rows, try_query},
};
use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// A database of a test's own, gone when this is dropped; that of a test that was killed goes with the server.
#[derive(Debug)]
#[must_use]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// An empty database.
    #[expect(
        clippy::new_without_default,
        reason = "it is made on a server, and nothing about it is a default"
    )]
    pub fn new() -> Self {
        Self::made_from(Server::shared(), "template0")
    }

    /// An empty database on a server of the test's own.
    pub fn on(server: &Server) -> Self {
        Self::made_from(server.clone(), "template0")
    }

    fn made_from(server: Server, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let database = Self { server, name: format!("ferropay_test_{}_{number}", std::process::id()) };
        // Of a process with the same number that was killed, on a server that outlived it.
        database.beside(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name));
        database.beside(&format!("CREATE DATABASE {} TEMPLATE {template}", database.name));
        database
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Runs statements in it.
    pub fn run(&self, sql: &str) {
        query(&self.url(), sql);
    }

    /// Runs statements beside it, for what cannot be done from within.
    pub fn beside(&self, sql: &str) {
        query(&self.server.url("postgres"), sql);
    }

    /// A copy of it. Nobody may be connected.
    pub fn copy(&self) -> Self {
        Self::made_from(self.server.clone(), &self.name)
    }

    /// What is in it at this moment, in a database of its own, as a dump restores it. Others may be connected.
    pub fn dumped_and_restored(&self) -> Self {
        let restored = Self::made_from(self.server.clone(), "template0");
        let run = |command: &mut Command| {
            let output = command.output().expect("pg_dump and psql are on the PATH");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        let dump = std::env::temp_dir().join(format!("{}.sql", restored.name));
        run(Command::new("pg_dump").arg("--file").arg(&dump).arg("--dbname").arg(self.url()));
        let quietly = ["--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1"];
        run(Command::new("psql").args(quietly).arg("--file").arg(&dump).arg("--dbname").arg(restored.url()));
        std::fs::remove_file(&dump).unwrap();
        restored
    }

    /// The first column of the rows of a query, as text; nulls are left out.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        rows(&self.url(), sql).1.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What remains when that fails goes with the server.
        let _ = try_query(&self.server.url("postgres"), &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
