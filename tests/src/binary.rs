//! The built binary, found through `FERROPAY_BIN`.

use crate::{
    merchant::{Answer, Merchant},
    place::Place,
};
use serde_json::Value;
use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use tokio::time::Instant;

/// How long the platform may take to be ready, much more than it needs: several tests run at the same time.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// A command that runs the binary, without any `FERROPAY_…` variable of the surroundings.
pub fn ferropay() -> Command {
    let path = std::env::var_os("FERROPAY_BIN")
        .expect("FERROPAY_BIN does not say where the built binary is; run the tests with ./test, which builds it first");
    program(Path::new(&path))
}

fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FERROPAY_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What a command that came to its end has said.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Whether it ended with 0.
    pub ok: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Standard output; fails the test unless the command succeeded.
    pub fn good(self) -> String {
        assert!(self.ok, "the command failed: {}{}", self.out, self.err);
        self.out
    }
}

/// Runs the binary with these arguments.
pub fn run(arguments: &[&str]) -> Ran {
    Ran::of(ferropay().args(arguments))
}

/// How to start the platform.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Options besides database, addresses and secret.
    pub options: Vec<String>,
    /// `RUST_LOG`.
    pub log: Option<&'static str>,
}

/// A sandbox on a database in a directory; the process can be killed and started again.
#[derive(Debug)]
pub struct Platform {
    directory: PathBuf,
    /// Its database and keys.
    pub place: Place,
    /// Another program than the one under test, such as that of an earlier release.
    pub program: Option<PathBuf>,
    /// Variables it is started with.
    pub variables: Vec<(&'static str, OsString)>,
    child: Option<Child>,
    base: String,
    /// `http://…` of the simulators' control endpoints, when they run inside.
    pub control: Option<String>,
    /// The merchant of its sandbox project.
    pub merchant: Merchant,
    /// How many times it was started.
    pub starts: u32,
}

/// Secret of the sandbox project in all tests.
pub const SECRET: &str = "a secret of the tests, 32 letters";

impl Platform {
    /// A platform that is not started yet.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            place: Place::in_directory(directory),
            program: None,
            variables: Vec::new(),
            child: None,
            base: String::new(),
            control: None,
            merchant: Merchant::new(1001, SECRET),
            starts: 0,
        }
    }

    /// A node on a database of a server, which shares its keys with others; it keeps its logs in `directory`.
    pub fn node(directory: &Path, database: &str, keys: &Path) -> Self {
        let mut node = Self::new(directory);
        node.place = Place::shared(database, keys);
        node
    }

    /// The address of its database.
    pub fn database(&self) -> String {
        self.place.database()
    }

    /// The database's file.
    pub fn database_file(&self) -> PathBuf {
        self.place.file()
    }

    /// The files in which standard output and standard error of all starts are.
    pub fn logs(&self) -> Vec<PathBuf> {
        let names = |start| [format!("out.{start}"), format!("err.{start}")];
        (1..=self.starts).flat_map(names).map(|name| self.directory.join(name)).collect()
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self, start: &Start) {
        if let Err(problem) = self.try_start(start).await {
            panic!("{problem}");
        }
    }

    /// Starts it and waits until it is ready, or tells how it ended before.
    pub async fn try_start(&mut self, start: &Start) -> Result<(), String> {
        assert!(self.child.is_none(), "it runs already");
        self.starts += 1;
        let (out, err) = (format!("out.{}", self.starts), format!("err.{}", self.starts));
        let (out, err) = (self.directory.join(out), self.directory.join(err));
        let mut command = self.program.as_deref().map_or_else(ferropay, program);
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .args(["serve", "--sandbox", "--simulators-listen", "127.0.0.1:0"])
            .args(["--acquirer-listen", "127.0.0.1:0", "--sandbox-secret", SECRET])
            .args(&start.options)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap());
        self.place.give_to(&mut command);
        if !start.options.iter().any(|option| option == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if let Some(log) = start.log {
            command.env("RUST_LOG", log);
        }
        self.child = Some(command.spawn().unwrap());
        let started = Instant::now();
        loop {
            let said = fs::read_to_string(&out).unwrap_or_default();
            let after = |label: &str| {
                said.lines()
                    .find_map(|line| line.trim_start().strip_prefix(label))
                    .map(str::trim)
                    .map(str::to_owned)
            };
            if let (Some(base), Some(_)) = (after("Gate API"), after("secret")) {
                base.trim_end_matches("/v2/").clone_into(&mut self.base);
                self.control = after("simulators").map(|it| it.trim_end_matches("/acquirer/book").to_owned());
                let health = reqwest::Client::builder().no_proxy().build().unwrap();
                if let Ok(answer) = health.get(format!("{}/healthz", self.base)).send().await
                    && answer.status().as_u16() == 200
                {
                    return Ok(());
                }
            }
            if let Some(status) = self.ended() {
                self.child = None;
                let complaint = fs::read_to_string(&err).unwrap_or_default();
                return Err(format!("the platform ended before it was ready ({status}): {said}{complaint}"));
            }
            assert!(
                started.elapsed() < READY_WITHIN,
                "the platform is not ready in {READY_WITHIN:?}: {said}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// `http://HOST:PORT` of the public side.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `HOST:PORT` of the public side.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Process number.
    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("it does not run").id()
    }

    /// How the process ended, when it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().unwrap())
    }

    /// Kills the process without any warning (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until the process has ended by itself.
    pub async fn wait_for_end(&mut self, patience: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                self.child = None;
                return status;
            }
            assert!(started.elapsed() < patience, "the process still runs after {patience:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks the process to end (SIGTERM).
    pub fn ask_to_stop(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.process().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Asks the process to end and waits until it has.
    pub async fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait_for_end(Duration::from_secs(40)).await
    }

    /// Posts bytes to a path of the Gate API, with a fault plan for the simulated acquirer when given.
    pub async fn post_raw(&self, path: &str, body: &str, plan: Option<&str>) -> Answer {
        let url = format!("{}{path}", self.base);
        self.merchant.try_post(&url, body, plan).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends a card sale and answers what it was answered.
    pub async fn sale(&self, body: Value) -> Answer {
        self.post_raw("/v2/payment/card/sale", &self.merchant.signed(body), None).await
    }

    /// Sends a refund.
    pub async fn refund(&self, body: Value) -> Answer {
        self.post_raw("/v2/payment/card/refund", &self.merchant.signed(body), None).await
    }

    /// The status of a payment.
    pub async fn status(&self, payment_id: &str) -> Answer {
        let body = self.merchant.signed(self.merchant.status(payment_id));
        self.post_raw("/v2/payment/status", &body, None).await
    }

    /// Runs an administrative command on its database: `arguments` are followed by `--database`.
    pub fn command(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.place.give_to(ferropay().args(arguments)))
    }

    /// The same, where its output cannot be told: it goes to a device that is full, or is `closed`. Answers what it says of the error.
    pub fn command_without_output(&self, arguments: &[&str], closed: bool) -> String {
        let program = ferropay();
        let mut command = Command::new("sh");
        let redirected = if closed { "exec \"$@\" >&-" } else { "exec \"$@\" >/dev/full" };
        command.args(["-c", redirected, "sh"]).arg(program.get_program());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.place.give_to(command.args(arguments)).stdin(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let output = tokio::task::block_in_place(|| child.wait_with_output()).unwrap();
        assert!(!output.status.success(), "it cannot be told");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.kill();
    }
}
