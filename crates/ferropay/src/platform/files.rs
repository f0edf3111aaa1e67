//! Opening the database and the keys that go with it.

use super::address::Address;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{
    Store,
    postgres::{self, PostgresStore},
    sqlite::{Options, SqliteStore},
    vault::{Master, Vault, VaultError},
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

/// Opens a database of this release's schema without its keys, as every command does that does not serve it: none is made,
/// and none is brought to another schema under whoever serves it.
pub(crate) async fn open_store(database: &str) -> Result<Arc<dyn Store>> {
    open_at(&Address::parse(database)?, Options { migrate: false, ..Options::default() }).await
}

/// `options` are those of a file; on a server of them only `migrate` counts.
async fn open_at(address: &Address, options: Options) -> Result<Arc<dyn Store>> {
    const WHAT: &str = "the database cannot be opened";
    Ok(match address {
        Address::File(path) => Arc::new(SqliteStore::open(path, options).context(WHAT)?),
        Address::Server(url) => {
            let options = postgres::Options { migrate: options.migrate, ..postgres::Options::default() };
            Arc::new(PostgresStore::connect(url, options).await.context(WHAT)?)
        }
    })
}

/// The key directory of a database's file, unless another is named.
pub(crate) fn keys_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// The key directory of a database: the one given, or the one beside its file.
fn keys_of(address: &Address, given: Option<&Path>) -> Result<PathBuf> {
    match (given, address) {
        (Some(given), _) => Ok(given.to_owned()),
        (None, Address::File(path)) => Ok(keys_beside(path)),
        (None, Address::Server(_)) => bail!(
            "no key directory is given: a database on a server has none beside it\n  give one with --keys DIRECTORY \
             (or FERROPAY_KEYS), the same for all nodes"
        ),
    }
}

/// Opens a database as [`open_store`] does, and its vault; makes no file.
pub(crate) async fn open(database: &str, keys: Option<&Path>) -> Result<Opened> {
    let keys = keys_of(&Address::parse(database)?, keys)?;
    let store = open_store(database).await?;
    let vault = Vault::open_beside(&keys, store.as_ref(), SystemClock.now()).await;
    opened(store, vault, &keys)
}

/// Opens what `serve` works on, and makes it where it is missing. Where it begins with a recovery hold, the database is held
/// before anything else is looked at, the keys among it, and a log that was lost is done without.
pub(crate) async fn open_to_serve(config: &Config) -> Result<Opened> {
    let now = SystemClock.now();
    let options = Options { hold_from: config.recovery_hold.then_some(now), ..Options::default() };
    let address = Address::parse(&config.database)?;
    let keys = keys_of(&address, config.keys.as_deref())?;
    let store = open_at(&address, options).await?;
    if config.recovery_hold {
        store.hold(None, now).await?;
    }
    with_vault(store, &keys, config.sandbox).await
}

/// Makes a database and its keys, where they are missing, for measurements.
pub(crate) async fn make(database: &str, keys: &Path) -> Result<Opened> {
    let store = open_at(&Address::parse(database)?, Options::default()).await?;
    with_vault(store, keys, true).await
}

async fn with_vault(store: Arc<dyn Store>, keys: &Path, create: bool) -> Result<Opened> {
    let master = if create { Master::MakeWhenMissing } else { Master::MustExist };
    let vault = Vault::open(keys, master, store.as_ref(), SystemClock.now()).await;
    opened(store, vault, keys)
}

fn opened(store: Arc<dyn Store>, vault: Result<Vault, VaultError>, keys: &Path) -> Result<Opened> {
    let vault = vault.with_context(|| format!("the key directory {} cannot be used", keys.display()))?;
    Ok(Opened { store, vault: Arc::new(vault) })
}
