//! The one thread that writes.
//!
//! Whatever waits when a batch begins is the batch; nothing is delayed to make it larger. A second change of
//! a payment waits for the next batch, so that nobody loses to a change that is not durable yet. When a
//! statement fails for a reason that is no guard, the batch is rolled back and its commits are applied one
//! by one, so that only the one at fault fails. When the thread ends for any reason, everything still queued
//! and everything handed in later is answered with [`Unavailable`].

use super::{
    apply::{Applier, Memory, Refusal},
    log::Log,
    statements::Statements,
};
use crate::{
    CommitError, Unavailable,
    commit::{KEY_RETIRED, is_sealed_anew},
    prepared::Prepared,
};
use ferropay_domain::ids::PaymentKey;
use rusqlite::{Connection, ErrorCode};
use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
};
use tokio::sync::oneshot;

pub(super) type Verdict = Result<(), CommitError>;

/// What the thread is asked to do.
pub(super) enum Job {
    /// A commit, and where its verdict goes.
    Commit(Box<Prepared>, oneshot::Sender<Verdict>),
    /// Anything else that writes, between two batches.
    Run(Box<dyn FnOnce(&Connection) + Send>),
}

/// What the writer has done since start, readable from any thread.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) batches: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) statements: AtomicU64,
    /// Jobs handed in and not served yet.
    pub(super) waiting: AtomicU64,
}

type Waiting = (Box<Prepared>, oneshot::Sender<Verdict>);

struct Writer<'c> {
    connection: &'c Connection,
    applier: Applier<'c>,
    counters: Arc<Counters>,
    limit: usize,
}

/// Serves jobs until every sender is gone and the queue is empty.
pub(super) fn run(
    connection: &Connection,
    jobs: &Receiver<Job>,
    counters: Arc<Counters>,
    limit: usize,
    mut log: Log,
) -> rusqlite::Result<()> {
    let applier = Applier::new(Statements::prepare(connection)?, Memory::default());
    let mut writer = Writer { connection, applier, counters, limit: limit.max(1) };
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match jobs.recv() {
                Ok(job) => waiting.push_back(job),
                Err(_) => return Ok(()),
            }
        }
        while waiting.len() < writer.limit {
            let Ok(job) = jobs.try_recv() else { break };
            waiting.push_back(job);
        }
        let before = waiting.len();
        writer.serve(&mut waiting);
        let served = u64::try_from(before.saturating_sub(waiting.len())).unwrap_or_default();
        writer.counters.waiting.fetch_sub(served, Ordering::Relaxed);
        log.tend(connection);
    }
}

/// Serves one job on the caller's thread; answers what was learnt.
pub(super) fn serve_one(
    connection: &Connection,
    job: Job,
    counters: Arc<Counters>,
    memory: Memory,
) -> rusqlite::Result<Memory> {
    let applier = Applier::new(Statements::prepare(connection)?, memory);
    let mut writer = Writer { connection, applier, counters, limit: 1 };
    writer.serve(&mut VecDeque::from([job]));
    Ok(writer.applier.into_memory())
}

impl Writer<'_> {
    /// Takes one batch, or one other job, off the queue.
    fn serve(&mut self, waiting: &mut VecDeque<Job>) {
        let mut batch: Vec<Waiting> = Vec::with_capacity(waiting.len().min(self.limit));
        let mut payments: HashSet<PaymentKey> = HashSet::new();
        let mut later = VecDeque::new();
        while batch.len() < self.limit {
            match waiting.pop_front() {
                Some(Job::Commit(prepared, answer)) => {
                    let payment = prepared.commit.changes.payment.as_ref().map(|it| it.payment().key);
                    if payment.is_none_or(|key| payments.insert(key)) {
                        batch.push((prepared, answer));
                    } else {
                        later.push_back(Job::Commit(prepared, answer));
                    }
                }
                Some(Job::Run(task)) if batch.is_empty() && later.is_empty() => {
                    task(self.connection);
                    self.applier.rolled_back();
                }
                Some(job) => {
                    waiting.push_front(job);
                    break;
                }
                None => break,
            }
        }
        while let Some(job) = later.pop_back() {
            waiting.push_front(job);
        }
        if !batch.is_empty() {
            self.batch(batch);
        }
    }

    fn batch(&mut self, batch: Vec<Waiting>) {
        if let Some(verdicts) = self.together(&batch) {
            for ((_, answer), verdict) in batch.into_iter().zip(verdicts) {
                // Whoever asked may have gone; the commit stands all the same.
                let _ = answer.send(verdict);
            }
            return;
        }
        for (prepared, answer) in batch {
            let verdict = self.alone(&prepared);
            let _ = answer.send(verdict);
        }
    }

    /// All commits in one transaction; `None` when an unexpected error undid them all.
    fn together(&mut self, batch: &[Waiting]) -> Option<Vec<Verdict>> {
        match self.transaction(batch.iter().map(|(prepared, _)| prepared.as_ref())) {
            Ok(verdicts) => Some(verdicts),
            Err(refusal) if batch.len() == 1 => Some(vec![Err(error_of(&refusal))]),
            Err(refusal) if is_locked(&refusal) => {
                // Nothing was begun, and each try alone would wait as long as this one did.
                tracing::error!(commits = batch.len(), "another process keeps the database locked");
                Some(vec![Err(error_of(&refusal)); batch.len()])
            }
            Err(refusal) => {
                tracing::warn!(commits = batch.len(), reason = %reason_of(&refusal), "batch undone, retried singly");
                None
            }
        }
    }

    fn alone(&mut self, prepared: &Prepared) -> Verdict {
        match self.transaction(std::iter::once(prepared)) {
            Ok(mut verdicts) => verdicts.pop().unwrap_or(Ok(())),
            Err(refusal) => Err(error_of(&refusal)),
        }
    }

    fn transaction<'p>(
        &mut self,
        commits: impl Iterator<Item = &'p Prepared>,
    ) -> Result<Vec<Verdict>, Refusal> {
        let before = self.applier.statements.count();
        let outcome = self.inside(commits);
        if outcome.is_err() {
            self.applier.rolled_back();
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a failed batch could not be rolled back");
            }
        }
        let run = self.applier.statements.count().wrapping_sub(before);
        self.counters.statements.fetch_add(run, Ordering::Relaxed);
        outcome
    }

    fn inside<'p>(&mut self, commits: impl Iterator<Item = &'p Prepared>) -> Result<Vec<Verdict>, Refusal> {
        self.applier.begin()?;
        let mut verdicts = Vec::new();
        let mut applied = 0;
        for prepared in commits {
            match self.applier.apply(prepared) {
                Ok(()) => {
                    applied += 1;
                    verdicts.push(Ok(()));
                }
                Err(Refusal::Lost(loss)) => verdicts.push(Err(CommitError::Lost(loss))),
                Err(refusal) => return Err(refusal),
            }
        }
        self.applier.finish()?;
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters.commits.fetch_add(applied, Ordering::Relaxed);
        Ok(verdicts)
    }
}

fn reason_of(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Lost(loss) => format!("{loss:?}"),
        Refusal::Database(error) => error.to_string(),
        Refusal::Contradiction(text) => text.clone(),
    }
}

/// Whether another process has kept the database from being written.
fn is_locked(refusal: &Refusal) -> bool {
    let code = match refusal {
        Refusal::Database(error) => error.sqlite_error_code(),
        Refusal::Lost(_) | Refusal::Contradiction(_) => None,
    };
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A constraint or a contradiction is a defect of the platform; anything else is the database's trouble.
fn error_of(refusal: &Refusal) -> CommitError {
    let defect = match refusal {
        Refusal::Lost(loss) => return CommitError::Lost(*loss),
        Refusal::Contradiction(_) => true,
        Refusal::Database(error) => matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch)
        ),
    };
    let reason = reason_of(refusal);
    if defect && is_sealed_anew(&reason) {
        return CommitError::Unavailable(Unavailable { action: "commit", reason: KEY_RETIRED.into() });
    }
    if defect {
        CommitError::Defect(reason)
    } else {
        CommitError::Unavailable(Unavailable { action: "commit", reason })
    }
}
