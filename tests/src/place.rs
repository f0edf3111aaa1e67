//! Where a platform keeps what is durable: a database, and the keys that go with it.
//!
//! The same tests run on each kind of database. `FERROPAY_TEST_ENGINE=postgres` gives every test a database of its own on the
//! server of the tests; otherwise it has a file. Tests of what only a file can be are listed in `tests/data/one-engine.csv`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file for one process.
    File,
    /// A `PostgreSQL` server.
    Server,
}

impl Engine {
    /// The one this run of the tests is about.
    pub fn of_this_run() -> Self {
        match std::env::var("FERROPAY_TEST_ENGINE").as_deref() {
            Ok("postgres") => Self::Server,
            Ok("sqlite") | Err(_) => Self::File,
            Ok(other) => panic!("FERROPAY_TEST_ENGINE is sqlite or postgres, not {other}"),
        }
    }
}

/// A database with its keys. One on a server is made when it is first needed.
#[derive(Debug)]
#[must_use]
pub struct Place {
    directory: PathBuf,
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File,
    Own(OnceLock<ferropay_test_postgres::Database>),
    /// One that belongs to somebody else, with the directory of its keys.
    Shared(String, PathBuf),
}

impl Place {
    /// A place that is in `directory`, but for a database on a server.
    pub fn in_directory(directory: &Path) -> Self {
        Self::named(directory, "ferropay")
    }

    /// One of several in a directory.
    pub fn named(directory: &Path, name: &str) -> Self {
        let kind = match Engine::of_this_run() {
            Engine::File => Kind::File,
            Engine::Server => Kind::Own(OnceLock::new()),
        };
        Self { directory: directory.to_owned(), name: name.to_owned(), kind }
    }

    /// A database on a server, and keys, that others use, too.
    pub fn shared(database: &str, keys: &Path) -> Self {
        Self {
            directory: PathBuf::new(),
            name: String::new(),
            kind: Kind::Shared(database.to_owned(), keys.to_owned()),
        }
    }

    /// The address of the database.
    pub fn database(&self) -> String {
        match &self.kind {
            Kind::File => format!("sqlite:{}", self.file().display()),
            Kind::Own(database) => database.get_or_init(ferropay_test_postgres::Database::new).url(),
            Kind::Shared(database, _) => database.clone(),
        }
    }

    /// The file of a database that is one.
    pub fn file(&self) -> PathBuf {
        assert!(
            matches!(self.kind, Kind::File),
            "this test is about a database's file: it is to be listed in tests/data/one-engine.csv"
        );
        self.directory.join(format!("{}.db", self.name))
    }

    /// The directory of the keys, where they are looked for beside a file unless another is named.
    pub fn keys(&self) -> PathBuf {
        match &self.kind {
            Kind::Shared(_, keys) => keys.clone(),
            Kind::File | Kind::Own(_) => self.directory.join(format!("{}.db.keys", self.name)),
        }
    }

    /// Has a command work on it.
    pub fn give_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if !matches!(self.kind, Kind::File) {
            command.env("FERROPAY_KEYS", self.keys());
        }
        command.arg("--database").arg(self.database())
    }

    /// Has the database made, as only `serve` does: with these keys, by a platform that is stopped as soon as it is ready.
    pub fn make(&self, keys: &Path) {
        let mut command = crate::ferropay();
        self.give_to(command.arg("serve")).arg("--keys").arg(keys).args(["--drain-delay", "0"]);
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let is_ready = said.any(|line| line.ends_with("is ready."));
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        let has_stopped = said.any(|line| line == "Stopped.");
        assert!(is_ready && asked.success() && has_stopped && child.wait().unwrap().success());
    }

    /// What is in it at this moment, in a place below `directory`, as an operator restores it from a backup.
    pub fn restored_in(&self, directory: &Path) -> Self {
        fs::create_dir(directory).unwrap();
        let mut restored = Self::in_directory(directory);
        if let (Kind::Own(from), Kind::Own(to)) = (&self.kind, &mut restored.kind) {
            *to = from.get().expect("the database is in use").dumped_and_restored().into();
        } else {
            let file = restored.file();
            let mut command = crate::ferropay();
            let said = crate::Ran::of(self.give_to(command.arg("backup")).arg("--to").arg(&file)).good();
            assert!(said.contains("recovery hold") && said.contains("holds no keys"), "{said}");
            assert_eq!(fs::read_dir(directory).unwrap().count(), 1, "there is nothing but the copy");
        }
        // Keys are kept apart from backups of the database.
        fs::create_dir(restored.keys()).unwrap();
        for entry in fs::read_dir(self.keys()).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), restored.keys().join(entry.file_name())).unwrap();
        }
        restored
    }
}
