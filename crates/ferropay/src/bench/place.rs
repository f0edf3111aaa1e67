//! Where the databases of a run are: files of one directory, or databases of one server.

use super::server::{self, Server};
use crate::platform::{address::Address, files};
use anyhow::{Context, Result, bail};
use ferropay_domain::ids::ProjectId;
use ferropay_store::{
    Store,
    postgres::{self, PostgresStore},
    replay,
    sqlite::{Options, SqliteStore},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// How many commits wait at the same time, and so stand in one batch, while a database is filled.
const FILLED_AT_ONCE: u32 = 4096;

/// How much of a file is kept in memory while it is filled, KiB.
const FILLING_CACHE_KIB: i64 = 256 * 1024;

/// How many of the stored payments have the same customer.
const PAYMENTS_PER_CUSTOMER: u32 = 10;

/// Where databases are made.
#[derive(Clone)]
pub(crate) enum Place {
    /// As files.
    Files(PathBuf),
    /// On a server; what belongs to it beside the database stands in the directory.
    Server(Arc<Server>, PathBuf),
}

/// What `--database` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Files.
    Sqlite,
    /// A server of the bench's own.
    OwnServer,
    /// One that runs already.
    Server(String),
}

impl Wanted {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::OwnServer),
            _ => match Address::parse(text) {
                Ok(Address::Server(url)) => Ok(Self::Server(url)),
                // It may hold a password: it is not repeated.
                _ => bail!(
                    "--database takes sqlite, postgres (a server is started for the run), or \
                     postgres://USER:PASSWORD@HOST:PORT/DATABASE (fresh databases are made on that server); a file of \
                     your own is not measured on"
                ),
            },
        }
    }
}

impl Place {
    /// Makes the place; `clients` will use it at the same time.
    pub(crate) async fn prepare(wanted: &Wanted, directory: &Path, clients: u32) -> Result<Self> {
        let server = match wanted {
            Wanted::Sqlite => return Ok(Self::Files(directory.to_owned())),
            Wanted::OwnServer => {
                server::let_through(directory)?;
                Server::start(&directory.join("pg"), clients).await?
            }
            Wanted::Server(url) => Server::reach(url).await?,
        };
        server.insist_on_durability().await?;
        Ok(Self::Server(Arc::new(server), directory.to_owned()))
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Files(_) => "sqlite",
            Self::Server(..) => "postgres",
        }
    }

    pub(crate) fn server(&self) -> Option<&Server> {
        match self {
            Self::Files(_) => None,
            Self::Server(server, _) => Some(server),
        }
    }

    /// Makes an empty database.
    pub(crate) async fn database(&self, name: &str) -> Result<Database> {
        let address = match self {
            Self::Files(directory) => {
                let path = directory.join(format!("{name}.db"));
                if path.exists() {
                    bail!("{} exists already; the bench wants a fresh database", path.display());
                }
                format!("sqlite:{}", path.display())
            }
            Self::Server(server, _) => server.make(&on_server(name)).await?,
        };
        Ok(Database { place: self.clone(), name: name.to_owned(), address, stored: 0 })
    }

    /// Ends a server that was started.
    pub(crate) async fn close(self) {
        if let Self::Server(server, _) = self
            && let Some(server) = Arc::into_inner(server)
        {
            server.stop().await;
        }
    }
}

/// Databases of the bench are told from others by their names.
fn on_server(name: &str) -> String {
    format!("ferropay_bench_{}_{name}", std::process::id())
}

/// One database.
pub(crate) struct Database {
    pub(crate) place: Place,
    name: String,
    /// As `serve` takes it.
    pub(crate) address: String,
    /// How many payments it holds.
    pub(crate) stored: u64,
}

impl Database {
    /// The directory of the keys that belong to it.
    pub(crate) fn keys(&self) -> PathBuf {
        let (Place::Files(directory) | Place::Server(_, directory)) = &self.place;
        directory.join(format!("{}.{}.keys", self.place.name(), self.name))
    }

    fn file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Files(directory) => Some(directory.join(format!("{}.db", self.name))),
            Place::Server(..) => None,
        }
    }

    /// Opens its store as the platform does, or to be filled.
    async fn open(&self, to_fill: bool) -> Result<Arc<dyn Store>> {
        let at_once = usize::try_from(FILLED_AT_ONCE).unwrap_or(usize::MAX);
        Ok(match self.file() {
            Some(path) => {
                let mut options = Options::default();
                if to_fill {
                    options.batch_limit = at_once;
                    options.cache_kib = FILLING_CACHE_KIB;
                }
                Arc::new(SqliteStore::open(&path, options)?)
            }
            None => Arc::new(PostgresStore::connect(&self.address, postgres::Options::default()).await?),
        })
    }

    /// Replays finished sales on it.
    pub(crate) async fn replay(&self, sales: u32, in_flight: u32) -> Result<replay::Outcomes> {
        let load = replay::Load { sales, in_flight, ..replay::Load::default() };
        let store = self.open(false).await?;
        replay::run(store, load).await.context("the replay failed")
    }

    /// Fills it with finished sales of a project, the same each time.
    pub(crate) async fn fill(&mut self, sales: u32, project: u32) -> Result<()> {
        let load = replay::Load {
            sales,
            in_flight: FILLED_AT_ONCE,
            project: ProjectId::new(i64::from(project)),
            customers: sales.div_ceil(PAYMENTS_PER_CUSTOMER),
            ..replay::Load::default()
        };
        // The cards that are filled in name the first data key, which is made here.
        drop(files::make(&self.address, &self.keys()).await?);
        let store = self.open(true).await?;
        let filled = replay::run(store, load).await.context("the database could not be filled")?;
        self.stored += u64::from(filled.finished);
        if let Some(server) = self.place.server() {
            server.checkpoint().await?;
        }
        Ok(())
    }

    /// Bytes of it, indices included.
    pub(crate) async fn size(&self) -> Result<u64> {
        let Some(path) = self.file() else {
            let server = self.place.server().context("a database is a file or on a server")?;
            return server.size(&on_server(&self.name)).await;
        };
        Ok(parts(&path).iter().map(|path| std::fs::metadata(path).map_or(0, |data| data.len())).sum())
    }

    /// Takes it away.
    pub(crate) async fn remove(self) -> Result<()> {
        match (self.file(), self.place.server()) {
            (Some(path), _) => remove_file(&path),
            (None, Some(server)) => server.remove(&on_server(&self.name)).await?,
            (None, None) => {}
        }
        drop(std::fs::remove_dir_all(self.keys()));
        Ok(())
    }
}

/// A database's file and its log.
fn parts(path: &Path) -> [PathBuf; 2] {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path.to_owned(), log.into()]
}

/// Takes a database's file away, with what stands beside it.
pub(crate) fn remove_file(path: &Path) {
    let mut index = path.as_os_str().to_owned();
    index.push("-shm");
    for path in parts(path).iter().map(PathBuf::as_path).chain([Path::new(&index)]) {
        drop(std::fs::remove_file(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_somebodys_own_is_not_measured_on_and_no_password_is_shown() {
        assert_eq!(Wanted::parse("sqlite").unwrap(), Wanted::Sqlite);
        assert_eq!(Wanted::parse("postgres").unwrap(), Wanted::OwnServer);
        assert!(matches!(Wanted::parse("postgres://u@h/d").unwrap(), Wanted::Server(_)));
        for text in ["sqlite:pay.db", "mysql://u:hushed@h/d", ""] {
            let said = Wanted::parse(text).unwrap_err().to_string();
            assert!(said.contains("--database") && !said.contains("hushed"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_filled_database_is_sound_and_holds_each_sale_once() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::prepare(&Wanted::Sqlite, directory.path(), 1).await.unwrap();
        let mut database = place.database("filled").await.unwrap();
        database.fill(500, 1001).await.unwrap();
        let report = database.open(false).await.unwrap().audit().await.unwrap();
        assert_eq!((report.payments, report.findings.len()), (500, 0), "{report:?}");
        assert!(database.size().await.unwrap() > 500_000);
        database.remove().await.unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
