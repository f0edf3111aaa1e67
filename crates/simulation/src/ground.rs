//! What the store of a simulation stands on, and what is left of it when a process dies.

use crate::{Unable, at_once::wait};
use ferropay_store::{
    Store,
    postgres::{self, PostgresStore},
    sqlite::{self, SqliteStore},
};
use ferropay_test_postgres::Database;
use std::sync::Arc;

/// Where simulations keep what is durable.
#[derive(Debug)]
pub enum Ground {
    /// A database in the memory of each.
    Memory,
    /// A database of each on a `PostgreSQL` server, made from one that holds the schema and nothing else.
    Server(Database),
}

impl Ground {
    /// Makes the database that others are made from, on the server the tests share.
    ///
    /// # Errors
    /// The schema cannot be made.
    pub fn server() -> Result<Self, Unable> {
        let database = Database::new();
        drop(connect(&database)?);
        Ok(Self::Server(database))
    }

    /// A place of its own for one simulation.
    pub(crate) fn part(&self) -> Result<Part, Unable> {
        Ok(match self {
            Self::Memory => Part::Memory(Arc::new(SqliteStore::inline(sqlite::Options::default())?)),
            Self::Server(database) => Part::Server(database.copy()),
        })
    }
}

/// What outlives the lives of one simulation.
pub(crate) enum Part {
    Memory(Arc<SqliteStore>),
    Server(Database),
}

impl Part {
    /// The store of the next life.
    pub(crate) fn open(&self) -> Result<Open, Unable> {
        Ok(match self {
            Self::Memory(store) => Open::Memory(store.clone()),
            Self::Server(database) => Open::Server(Arc::new(connect(database)?)),
        })
    }
}

/// The store of one life.
pub(crate) enum Open {
    Memory(Arc<SqliteStore>),
    Server(Arc<PostgresStore>),
}

impl Open {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Server(store) => store.clone(),
        }
    }

    /// The process has died: connections break off, and nobody takes leave of the server.
    pub(crate) fn crash(self) {
        if let Self::Server(store) = self {
            store.abandon();
        }
    }
}

fn connect(database: &Database) -> Result<PostgresStore, Unable> {
    // One question at a time is asked.
    let options = postgres::Options { readers: 1, ..postgres::Options::default() };
    Ok(wait(PostgresStore::connect(&database.url(), options))?)
}
