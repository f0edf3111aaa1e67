//! A `PostgreSQL` server for the tests, and a database of its own for each.
//!
//! `FERROPAY_TEST_POSTGRES` names the server; `./test` starts one and sets it. Without it the tests of this process start
//! one, which ends with the process, however that ends.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The address of the server's databases, without a database's name.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (address, _) = SERVER.get_or_init(|| {
        if let Ok(address) = std::env::var("FERROPAY_TEST_POSTGRES") {
            return (address, None);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/postgres.sh");
        let mut child = Command::new(script)
            // When this process ends its standard input does, and the script stops the server.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever ends this process may end its whole group, which would leave the server's files behind.
            .process_group(0)
            .spawn()
            .expect("tests/postgres.sh can be run");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(
            line.starts_with("postgres://"),
            "tests need a PostgreSQL server, 15 or newer: install it (Debian: apt-get install postgresql) or name one by \
             FERROPAY_TEST_POSTGRES, as in postgres://user@host:5432"
        );
        (line.trim().to_owned(), Some(child))
    });
    address.trim_end_matches('/')
}

/// An empty database, gone when this is dropped.
pub(crate) struct Database {
    name: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self::made_from("template0")
    }

    fn made_from(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ferropay_test_{}_{number}", std::process::id());
        // Of a process with the same number that was killed, on a server that outlived it.
        run("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { name }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", server(), self.name)
    }

    /// Runs statements in it.
    pub(crate) fn run(&self, sql: &str) {
        run(&self.name, sql);
    }

    /// A copy of it. Nobody may be connected.
    pub(crate) fn copy(&self) -> Self {
        Self::made_from(&self.name)
    }

    /// The first column of the rows of a query, as text.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let messages = query(&self.name, sql);
        let text = |message: &tokio_postgres::SimpleQueryMessage| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        messages.iter().filter_map(text).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        run("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn run(database: &str, sql: &str) {
    query(database, sql);
}

/// Runs statements beside the tests' databases, for what cannot be done from within one.
pub(crate) fn run_beside(sql: &str) {
    run("postgres", sql);
}

/// On a thread of its own, so that it can be waited for wherever this is called.
fn query(database: &str, sql: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
    let (url, sql) = (format!("{}/{database}", server()), sql.to_owned());
    let work = async move {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(&sql).await;
        drop(client);
        connection.await.unwrap().unwrap();
        answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    };
    let thread = std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    });
    thread.join().unwrap()
}
