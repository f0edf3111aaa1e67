//! The platform under load: one that runs already, or a sandbox in a process of its own.

use crate::cli::Bench;
use anyhow::{Context, Result, bail};
use std::{
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// Bytes handed to the disk.
    pub(crate) written: u64,
    /// Resident memory, bytes.
    pub(crate) resident: u64,
    /// The part of it that is not a mapped file, bytes.
    pub(crate) own_memory: u64,
}

impl Usage {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            written: self.written.saturating_sub(before.written),
            resident: self.resident,
            own_memory: self.own_memory,
        }
    }
}

/// A platform to send to.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) project: u32,
    pub(crate) secret: String,
    own: Option<Own>,
}

struct Own {
    process: Child,
    database: PathBuf,
    control: SocketAddr,
}

impl Target {
    /// Reaches the named platform, or starts one.
    pub(crate) async fn reach(options: &Bench, directory: &Path) -> Result<Self> {
        match &options.target {
            Some(base) => {
                let host = base.trim_start_matches("http://").trim_end_matches('/');
                let mut found = host.to_socket_addrs().with_context(|| format!("{base} is no address"))?;
                let address = found.next().with_context(|| format!("{base} is no address"))?;
                if !address.ip().is_loopback() {
                    bail!(
                        "{base} is not on this machine; the bench sends its load to loopback addresses only"
                    );
                }
                let secret = options.secret.clone().context("--target needs --secret")?;
                Ok(Self { address, project: options.project, secret, own: None })
            }
            None => Self::start(directory).await,
        }
    }

    async fn start(directory: &Path) -> Result<Self> {
        let database = directory.join("bench.db");
        if database.exists() {
            bail!("{} exists already; the bench wants a fresh database", database.display());
        }
        let (address, control, acquirer) = (free_port()?, free_port()?, free_port()?);
        let secret = crate::platform::sandbox::new_secret()?;
        let program = std::env::current_exe().context("this program's own file is not known")?;
        let process = Command::new(program)
            .arg("serve")
            .arg("--sandbox")
            .args(["--listen", &address.to_string()])
            .args(["--simulators-listen", &control.to_string()])
            .args(["--acquirer-listen", &acquirer.to_string()])
            .arg("--database")
            .arg(format!("sqlite:{}", database.display()))
            .args(["--sandbox-secret", &secret])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("the platform cannot be started")?;
        let target = Self { address, project: 1001, secret, own: Some(Own { process, database, control }) };
        let started = Instant::now();
        while get(address, "/healthz").await.is_none_or(|body| body.trim() != "ready") {
            if started.elapsed() > Duration::from_secs(30) {
                bail!("the platform did not become ready");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(target)
    }

    /// What the platform's process has used; not known of one that runs elsewhere.
    pub(crate) fn usage(&self) -> Option<Usage> {
        usage(self.own.as_ref()?.process.id()?)
    }

    /// How many operations the simulated acquirer did more than once.
    pub(crate) async fn doubled(&self) -> Option<u64> {
        let book = get(self.own.as_ref()?.control, "/acquirer/book").await?;
        let book: serde_json::Value = serde_json::from_str(&book).ok()?;
        let count = |name: &str| book.pointer(name).and_then(serde_json::Value::as_array).map(Vec::len);
        let (references, operations) = (count("/duplicates/moved_twice")?, count("/duplicates/operations")?);
        u64::try_from(references + operations).ok()
    }

    /// Stops a platform that was started, and answers the size of its database.
    pub(crate) async fn stop(self) -> Option<u64> {
        let Own { mut process, database, .. } = self.own?;
        if let Some(id) = process.id() {
            let terminated = Command::new("kill").arg(id.to_string()).status().await;
            if terminated.is_ok_and(|status| status.success()) {
                drop(tokio::time::timeout(Duration::from_secs(30), process.wait()).await);
            }
        }
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        Some(size(&database) + size(Path::new(&log)))
    }
}

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).context("no free port")?.local_addr()?)
}

async fn get(address: SocketAddr, path: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// What this process, the load generator, has used so far.
pub(crate) fn own_usage() -> Option<Usage> {
    usage(std::process::id())
}

/// Processor time, bytes written and memory of a process, from the system's own accounting.
fn usage(process: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Fields after the name in parentheses; 14th and 15th of all are the ticks in user and system mode.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some(Usage {
        // The kernel counts in hundredths of a second for user space on every platform Linux supports.
        cpu: Duration::from_millis(ticks * 10),
        written: field(&io, "write_bytes:").unwrap_or(0),
        resident: field(&status, "VmRSS:").unwrap_or(0) * 1024,
        own_memory: field(&status, "RssAnon:").unwrap_or(0) * 1024,
    })
}
