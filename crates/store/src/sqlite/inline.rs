//! The store without threads: one connection to a database in memory, used by whoever asks, one after the other.

use super::{
    OpenError, Options,
    apply::Memory,
    schema,
    statements::Statements,
    unavailable,
    writer::{self, Counters, Job},
};
use crate::Unavailable;
use rusqlite::Connection;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Room for the readers' statements besides the writer's.
const READERS_STATEMENTS: usize = 64;

/// The connection, and what the writer has learnt through it.
pub(super) struct Inline(Mutex<(Connection, Memory)>);

impl Inline {
    pub(super) fn open(options: &Options) -> Result<Self, OpenError> {
        let connection = schema::open_in_memory(options)?;
        connection.set_prepared_statement_cache_capacity(Statements::NUMBER + READERS_STATEMENTS);
        Ok(Self(Mutex::new((connection, Memory::default()))))
    }

    /// Does a job of the writer; answers whether it was taken.
    pub(super) fn serve(&self, job: Job, counters: &Arc<Counters>) -> bool {
        let (connection, memory) = &mut *self.lock();
        match writer::serve_one(connection, job, Arc::clone(counters), mem::take(memory)) {
            Ok(learnt) => {
                *memory = learnt;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the writer's statements could not be prepared");
                false
            }
        }
    }

    /// Reads.
    pub(super) fn read<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Unavailable> {
        work(&self.lock().0).map_err(|error| unavailable(action, &error))
    }

    /// Whoever panicked while it held the lock left a transaction behind at most, which the next one reports.
    fn lock(&self) -> MutexGuard<'_, (Connection, Memory)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
