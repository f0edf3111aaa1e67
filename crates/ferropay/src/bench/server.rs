//! The `PostgreSQL` server of a run: one that runs already, or one of the bench's own with the durability it comes with.

use super::usage::{self, Usage};
use anyhow::{Context, Result, bail};
use std::{
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
    str::FromStr,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};
use tokio_postgres::{Client, Config, NoTls};

/// How long a new server may take until it answers.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Connections beside the clients of `pgbench`: the nodes', and those reserved for the superuser.
const OTHER_CONNECTIONS: u32 = 100;

/// Where a socket's path must end to fit into an address of the system.
const LONGEST_SOCKET_DIRECTORY: usize = 90;

/// A server, reached.
pub(crate) struct Server {
    /// The address of a database of it.
    url: String,
    client: Client,
    /// The first of its processes, when it runs on this machine.
    process: Option<u32>,
    own: Option<Child>,
}

/// What a server has counted so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// Bytes of the write-ahead log.
    pub(crate) log_bytes: u64,
    /// Syncs of it.
    pub(crate) syncs: u64,
}

impl Server {
    /// Reaches the server of an address, which may be one of any of its databases.
    pub(crate) async fn reach(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
        let process = u32::try_from(row.get::<_, i32>(0)).ok();
        let process = process.and_then(|process| usage::parent_of(process, "postgres"));
        Ok(Self { url: url.to_owned(), client, process, own: None })
    }

    /// Makes a server in a directory and starts it. It ends with the bench.
    pub(crate) async fn start(directory: &Path, clients: u32) -> Result<Self> {
        let initdb = program("initdb").context(
            "PostgreSQL is not installed: initdb is neither in /usr/lib/postgresql nor on the PATH (Debian: apt-get \
             install postgresql); or give the address of a server that runs: --database postgres://…",
        )?;
        std::fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let place = directory.to_str().context("the directory's name is no text")?;
        if place.len() > LONGEST_SOCKET_DIRECTORY {
            bail!("{place} is too long for the address of a server: name a shorter one with --directory");
        }
        let user = other_user()?;
        if let Some((uid, gid)) = user {
            chown(&directory, Some(uid), Some(gid))?;
        }
        let as_user = |program: &Path| {
            let mut command = Command::new(program);
            command.current_dir("/").stdin(Stdio::null());
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let data = directory.join("data");
        let made = as_user(&initdb)
            .arg("--pgdata")
            .arg(&data)
            .args(["--username", "ferropay", "--auth", "trust", "--encoding", "UTF8", "--locale", "C"])
            .output()
            .await?;
        if !made.status.success() {
            bail!(
                "{} failed in {place}: {}\n  where the bench is run by root, the user postgres must be able to reach the \
                 directory; name another with --directory",
                initdb.display(),
                String::from_utf8_lossy(&made.stderr).trim()
            );
        }
        let log = std::fs::File::create(directory.join("server.log"))?;
        let connections = clients.saturating_add(OTHER_CONNECTIONS);
        let process = as_user(&initdb.with_file_name("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-c", &format!("unix_socket_directories={place}")])
            .args(["-c", &format!("max_connections={connections}")])
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let url = format!("postgres://ferropay@{}/postgres", place.replace('%', "%25").replace('/', "%2F"));
        let begun = Instant::now();
        let client = loop {
            match connect(&url).await {
                Ok(client) => break client,
                Err(error) if begun.elapsed() > READY_WITHIN => {
                    let said = std::fs::read_to_string(directory.join("server.log")).unwrap_or_default();
                    return Err(error.context(format!("the server did not start: {said}")));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        Ok(Self { url, client, process: process.id(), own: Some(process) })
    }

    /// Its release, and how it is set where that decides how fast and how durable it is.
    pub(crate) async fn describe(&self) -> Result<String> {
        let settings =
            ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"];
        let mut parts = Vec::new();
        for setting in settings {
            let row = self.client.query_one("SELECT current_setting($1)", &[&setting]).await?;
            parts.push(format!("{setting} {}", row.get::<_, String>(0)));
        }
        Ok(parts.join(", "))
    }

    /// Refuses a server that loses what it has confirmed when the power fails.
    pub(crate) async fn insist_on_durability(&self) -> Result<()> {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let row = self.client.query_one("SELECT current_setting($1)", &[&setting]).await?;
            if row.get::<_, String>(0) == "off" {
                bail!(
                    "{setting} is off on this server: its figures would be those of a memory; switch it on"
                );
            }
        }
        Ok(())
    }

    /// Makes an empty database and answers its address.
    pub(crate) async fn make(&self, name: &str) -> Result<String> {
        self.client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .with_context(|| format!("the database {name} cannot be made"))?;
        with_database(&self.url, name)
    }

    /// Takes a database away.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.client.batch_execute(&sql).await.with_context(|| format!("the database {name} stays behind"))
    }

    /// Bytes of a database, indices included.
    pub(crate) async fn size(&self, name: &str) -> Result<u64> {
        let row = self.client.query_one("SELECT pg_database_size($1::text)", &[&name]).await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    /// How many clients may be connected beside those of the platform.
    pub(crate) async fn most_clients(&self) -> Result<u32> {
        let sql = "SELECT current_setting('max_connections')::int4 - current_setting('superuser_reserved_connections')::int4";
        let most: i32 = self.client.query_one(sql, &[]).await?.get(0);
        // One of them is this one.
        Ok(u32::try_from(most).unwrap_or(0).saturating_sub(2).max(1))
    }

    /// What all its processes have used; none of a server elsewhere.
    pub(crate) fn usage(&self) -> Option<Usage> {
        usage::of_family(self.process?)
    }

    /// What it has counted.
    pub(crate) async fn counted(&self) -> Result<Counted> {
        let version =
            self.client.query_one("SELECT current_setting('server_version_num')::int4", &[]).await?;
        let sql = if version.get::<_, i32>(0) < 180_000 {
            "SELECT wal_bytes::int8, wal_sync FROM pg_stat_wal"
        } else {
            "SELECT wal_bytes::int8, (SELECT sum(fsyncs)::int8 FROM pg_stat_io WHERE object = 'wal') FROM pg_stat_wal"
        };
        let row = self.client.query_one(sql, &[]).await?;
        let count =
            |column| row.get::<_, Option<i64>>(column).and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
        Ok(Counted { log_bytes: count(0), syncs: count(1) })
    }

    /// Writes everything back, so that a run does not pay for the one before.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        Ok(self.client.batch_execute("CHECKPOINT").await?)
    }

    /// Stops a server that was started.
    pub(crate) async fn stop(self) {
        let Some(mut process) = self.own else { return };
        drop(self.client);
        if let Some(id) = process.id() {
            drop(Command::new("kill").args(["-INT", &id.to_string()]).status().await);
            drop(tokio::time::timeout(READY_WITHIN, process.wait()).await);
        }
    }
}

pub(crate) async fn connect(url: &str) -> Result<Client> {
    let config = Config::from_str(url).context("this is no address of a PostgreSQL database")?;
    let (client, connection) =
        config.connect(NoTls).await.context("the PostgreSQL server cannot be reached")?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The address of another database of the same server.
fn with_database(url: &str, name: &str) -> Result<String> {
    let (place, parameters) = url.split_once('?').map_or((url, None), |(it, rest)| (it, Some(rest)));
    let (scheme, authority) = place.split_once("://").context("the address has no scheme")?;
    let authority = authority.split('/').next().unwrap_or_default();
    let parameters = parameters.map(|it| format!("?{it}")).unwrap_or_default();
    Ok(format!("{scheme}://{authority}/{name}{parameters}"))
}

/// A program of `PostgreSQL`: of the newest of Debian's releases, or on the PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = releases
        .filter_map(|release| {
            let path = release.ok()?.path();
            let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
            let program = path.join("bin").join(name);
            program.is_file().then_some((number, program))
        })
        .max();
    newest.map(|(_, program)| program).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.is_file())
    })
}

/// The user and group the server runs as: it refuses to be root's.
fn other_user() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("the users cannot be read")?;
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (name == "postgres").then_some((uid, gid))
    });
    let advice = "a PostgreSQL server is not run by root, and there is no user postgres: run the bench as another user";
    Ok(Some(found.context(advice)?))
}

/// Lets another user reach what stands in a directory, without letting them see what else there is.
pub(crate) fn let_through(directory: &Path) -> Result<()> {
    let mut permissions = std::fs::metadata(directory)?.permissions();
    permissions.set_mode(permissions.mode() | 0o111);
    Ok(std::fs::set_permissions(directory, permissions)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server_keeps_user_place_and_parameters() {
        let other = |url| with_database(url, "bench").unwrap();
        assert_eq!(
            other("postgres://u:p@db:5432/pay?sslmode=disable"),
            "postgres://u:p@db:5432/bench?sslmode=disable"
        );
        assert_eq!(other("postgres://ferropay@%2Ftmp%2Fx/postgres"), "postgres://ferropay@%2Ftmp%2Fx/bench");
        assert_eq!(other("postgresql://db"), "postgresql://db/bench");
        assert!(with_database("db/pay", "bench").is_err());
    }

    #[test]
    fn a_program_that_nobody_has_is_not_found() {
        assert_eq!(program("ferropay-no-such-program"), None);
        assert!(program("sh").is_some());
    }
}
