//! A server: made by `tests/postgres.sh`, which stops and removes it when its standard input ends.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
};

/// A running server.
#[derive(Clone, Debug)]
pub struct Server {
    address: String,
    /// Holds the script's standard input open; none of a server that somebody else runs.
    _script: Option<Arc<Script>>,
}

#[derive(Debug)]
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Server {
    /// The server all tests share.
    pub fn shared() -> Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        let server = SHARED.get_or_init(|| match std::env::var("FERROPAY_TEST_POSTGRES") {
            Ok(address) => Self { address: address.trim_end_matches('/').to_owned(), _script: None },
            Err(_) => Self::start(&[]),
        });
        server.clone()
    }

    /// Starts a server for one test, with these settings (`name=value`) besides those for tests. It ends when the last copy of
    /// this is dropped.
    pub fn start(settings: &[&str]) -> Self {
        let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../postgres.sh"))
            .args(settings)
            // When this process ends its standard input does, and the script stops the server.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever ends this process may end its whole group, which would leave the server's files behind.
            .process_group(0)
            .spawn()
            .expect("tests/postgres.sh can be run");
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(
            line.starts_with("postgres://"),
            "tests need a PostgreSQL server, 15 or newer: install it (Debian: apt-get install postgresql) or name one by \
             FERROPAY_TEST_POSTGRES, as in postgres://user@host:5432"
        );
        Self { address: line.trim().to_owned(), _script: Some(Arc::new(Script(script))) }
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.address)
    }

    /// The directory of a server that was started here; its sockets are in it, and its files below `data`.
    pub fn directory(&self) -> PathBuf {
        let (_, directory) = self.address.split_once('@').expect("the server was started by the tests");
        let directory = directory.split(':').next().unwrap_or_default();
        PathBuf::from(directory.replace("%2F", "/"))
    }

    /// Stops a server that was started here without any care, as if its machine had lost power but for the disk, and starts it
    /// again.
    pub fn restart_hard(&self) {
        let (directory, data) = (self.directory(), self.directory().join("data"));
        let mut control = self.as_its_user(&self.program("pg_ctl"));
        control.args(["restart", "--mode", "immediate", "--wait", "--silent", "--log", "/dev/null"]);
        control.arg("--pgdata").arg(data);
        assert!(control.current_dir(&directory).status().unwrap().success());
    }

    /// Writes a file among the server's own, which nobody else can read.
    pub fn write(&self, name: &str, content: &str) {
        let mut command = self.as_its_user(Path::new("sh"));
        command.args(["-c", "umask 077 && cat >\"$0\""]).arg(self.directory().join("data").join(name));
        let mut writing = command.stdin(Stdio::piped()).spawn().unwrap();
        writing.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        assert!(writing.wait().unwrap().success());
    }

    /// One of the programs beside the server's own.
    pub fn program(&self, name: &str) -> PathBuf {
        let number = std::fs::read_to_string(self.directory().join("data/postmaster.pid")).unwrap();
        let number = number.lines().next().unwrap();
        std::fs::read_link(format!("/proc/{number}/exe")).unwrap().with_file_name(name)
    }

    /// A command that runs a program as the user the server runs as: it refuses to be run by root.
    pub fn as_its_user(&self, program: &Path) -> Command {
        if !std::fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t") {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    }

    /// Stops all processes of a server that was started here where they stand, until what is answered is dropped: it takes
    /// connections on and gives no answer, as one whose disk does not.
    pub fn frozen(&self) -> Frozen {
        let number = std::fs::read_to_string(self.directory().join("data/postmaster.pid")).unwrap();
        let number = number.lines().next().unwrap().to_owned();
        // First the one that makes the others, so that none is missed.
        signal("-STOP", &[number.as_str()]);
        let list = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children")).unwrap();
        let others: Vec<&str> = list.split_whitespace().collect();
        signal("-STOP", &others);
        // Who started the server as another user stops with it, and does not go on by itself.
        let parent = std::fs::read_to_string(format!("/proc/{number}/status")).unwrap();
        let parent = parent.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim();
        let all = others.iter().copied().chain([number.as_str(), parent]).map(str::to_owned).collect();
        Frozen(all)
    }
}

/// A server that stands still until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Frozen(Vec<String>);

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", &self.0.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// Processes that have ended meanwhile do not matter.
fn signal(which: &str, processes: &[&str]) {
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill \"$@\"", "kill", which]).args(processes).stderr(Stdio::null()).status().unwrap();
}
