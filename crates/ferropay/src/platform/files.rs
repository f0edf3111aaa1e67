//! Opening the database and the keys that go with it.

use crate::config::Config;
use anyhow::{Context, Result, bail};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{
    Store,
    sqlite::{Options, SqliteStore},
    vault::{Master, Vault},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A database with its vault.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
}

/// The file that a database address names.
pub(crate) fn path_of(database: &str) -> Result<PathBuf> {
    match database.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(PathBuf::from(path)),
        Some(("postgres" | "postgresql", _)) => {
            bail!("PostgreSQL is not supported by this version; use sqlite:PATH")
        }
        _ => bail!("the database address {database:?} is not of the form sqlite:PATH"),
    }
}

/// The key directory of a sandbox's database, unless it names one.
pub(crate) fn keys_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// Opens a database without its keys.
pub(crate) fn open_store(database: &str, must_exist: bool) -> Result<Arc<dyn Store>> {
    let path = path_of(database)?;
    if must_exist && !path.exists() {
        bail!("the database {} does not exist", path.display());
    }
    open_file(&path, Options::default())
}

fn open_file(path: &Path, options: Options) -> Result<Arc<dyn Store>> {
    let store = SqliteStore::open(path, options).context("the database cannot be opened")?;
    Ok(Arc::new(store))
}

/// Opens a database and its vault. `create` makes a missing key directory.
pub(crate) async fn open(database: &str, keys: Option<&Path>, create: bool) -> Result<Opened> {
    let store = open_store(database, false)?;
    with_vault(store, database, keys, create).await
}

/// Opens what `serve` works on. Where it begins with a recovery hold, a log that was lost is done without.
pub(crate) async fn open_to_serve(config: &Config) -> Result<Opened> {
    let options = Options { accept_lost_log: config.recovery_hold, ..Options::default() };
    let store = open_file(&path_of(&config.database)?, options)?;
    with_vault(store, &config.database, config.keys.as_deref(), config.sandbox).await
}

async fn with_vault(
    store: Arc<dyn Store>,
    database: &str,
    keys: Option<&Path>,
    create: bool,
) -> Result<Opened> {
    let path = path_of(database)?;
    let keys = keys.map_or_else(|| keys_beside(&path), Path::to_owned);
    let master = if create { Master::MakeWhenMissing } else { Master::MustExist };
    let vault = Vault::open(&keys, master, store.as_ref(), SystemClock.now())
        .await
        .with_context(|| format!("the key directory {} cannot be used", keys.display()))?;
    Ok(Opened { store, vault: Arc::new(vault) })
}
