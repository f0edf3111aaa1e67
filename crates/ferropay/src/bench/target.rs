//! The platform under load: one that runs already, or sandboxes in processes of their own.

use super::{
    place::Database,
    usage::{self, Usage},
};
use crate::cli::Bench;
use anyhow::{Context, Result, bail};
use std::{
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

/// How long a platform may take until it is ready.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// The project of a started sandbox.
pub(crate) const PROJECT: u32 = 1001;

/// A platform to send to.
pub(crate) struct Target {
    /// The public side of each node.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) project: u32,
    pub(crate) secret: String,
    own: Option<Own>,
}

/// Nodes that were started.
struct Own {
    processes: Vec<Child>,
    control: SocketAddr,
}

/// What the stores of all nodes have done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) batches: u64,
    pub(crate) statements: u64,
}

impl Target {
    /// Reaches the platform that `--target` names.
    pub(crate) fn reach(base: &str, options: &Bench) -> Result<Self> {
        let host = base.trim_start_matches("http://").trim_end_matches('/');
        let mut found = host.to_socket_addrs().with_context(|| format!("{base} is no address"))?;
        let address = found.next().with_context(|| format!("{base} is no address"))?;
        if !address.ip().is_loopback() {
            bail!("{base} is not on this machine; the bench sends its load to loopback addresses only");
        }
        let secret = options.secret.clone().context("--target needs --secret")?;
        Ok(Self { addresses: vec![address], project: options.project, secret, own: None })
    }

    /// Starts nodes on a database. The first brings the simulators, which all of them use.
    pub(crate) async fn start(database: &Database, nodes: u32) -> Result<Self> {
        let (control, acquirer) = (free_port()?, free_port()?);
        let secret = crate::platform::sandbox::new_secret()?;
        let program = std::env::current_exe().context("this program's own file is not known")?;
        let own = Own { processes: Vec::new(), control };
        let mut target = Self { addresses: Vec::new(), project: PROJECT, secret, own: Some(own) };
        for node in 0..nodes.max(1) {
            let address = free_port()?;
            let mut command = Command::new(&program);
            command
                .args(["serve", "--sandbox", "--listen", &address.to_string()])
                .args(["--database", &database.address])
                .arg("--keys")
                .arg(database.keys())
                .args(["--sandbox-secret", &target.secret]);
            if node == 0 {
                command.args(["--simulators-listen", &control.to_string()]);
                command.args(["--acquirer-listen", &acquirer.to_string()]);
            } else {
                command.args(["--sandbox-acquirer", &acquirer.to_string()]);
            }
            let process = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn();
            target.adopt(process.context("the platform cannot be started")?, address);
            target.until_ready(address).await?;
        }
        Ok(target)
    }

    fn adopt(&mut self, process: Child, address: SocketAddr) {
        self.addresses.push(address);
        if let Some(own) = &mut self.own {
            own.processes.push(process);
        }
    }

    async fn until_ready(&mut self, address: SocketAddr) -> Result<()> {
        let started = Instant::now();
        while get(address, "/healthz").await.is_none_or(|body| body.trim() != "ready") {
            let newest = self.own.as_mut().and_then(|own| own.processes.last_mut());
            if let Some(status) = newest.and_then(|process| process.try_wait().ok()).flatten() {
                bail!("the platform ended before it was ready: {status}");
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the platform did not become ready in {READY_WITHIN:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What the platform's processes have used; not known of one that was not started here.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let own = self.own.as_ref()?;
        let ids: Option<Vec<u32>> = own.processes.iter().map(Child::id).collect();
        usage::of_all(ids?)
    }

    /// What its stores have done, from its metrics.
    pub(crate) async fn stored(&self) -> Option<Stored> {
        self.own.as_ref()?;
        let mut sum = Stored::default();
        for address in &self.addresses {
            let metrics = get(*address, "/metrics").await?;
            sum.batches = sum.batches.saturating_add(metric(&metrics, "ferropay_store_batches_total")?);
            sum.statements =
                sum.statements.saturating_add(metric(&metrics, "ferropay_store_statements_total")?);
        }
        Some(sum)
    }

    /// How many operations the simulated acquirer did more than once.
    pub(crate) async fn doubled(&self) -> Option<u64> {
        let book = get(self.own.as_ref()?.control, "/acquirer/book").await?;
        let book: serde_json::Value = serde_json::from_str(&book).ok()?;
        let count = |name: &str| book.pointer(name).and_then(serde_json::Value::as_array).map(Vec::len);
        let (references, operations) = (count("/duplicates/moved_twice")?, count("/duplicates/operations")?);
        u64::try_from(references + operations).ok()
    }

    /// Stops a platform that was started, the node with the simulators last.
    pub(crate) async fn stop(self) {
        let Some(own) = self.own else { return };
        for mut process in own.processes.into_iter().rev() {
            if let Some(id) = process.id() {
                let terminated = Command::new("kill").arg(id.to_string()).status().await;
                if terminated.is_ok_and(|status| status.success()) {
                    drop(tokio::time::timeout(Duration::from_secs(30), process.wait()).await);
                }
            }
        }
    }
}

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).context("no free port")?.local_addr()?)
}

async fn get(address: SocketAddr, path: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let head = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let (_, status) = head.split_once(' ')?;
    status.starts_with("200").then(|| body.to_owned())
}

/// A counter without labels.
fn metric(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_among_metrics_and_not_taken_for_another() {
        let text = "# HELP ferropay_store_batches Batches\nferropay_store_batches_total 17\nferropay_other_total 4\n";
        assert_eq!(metric(text, "ferropay_store_batches_total"), Some(17));
        assert_eq!(metric(text, "ferropay_store_statements_total"), None);
    }
}
