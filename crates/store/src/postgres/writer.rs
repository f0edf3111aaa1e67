//! A connection that writes batches, and what becomes of a batch when things go wrong.
//!
//! A batch of plain commits is one statement, which is its own transaction. What the server refuses for a reason that is no
//! guard is tried again, if two transactions stood in each other's way, or else commit by commit, so that only the one at
//! fault fails. When the connection breaks while a batch is under way, the next connection first asks the database whether
//! the batch was written: each writer has a row there with the number of its last batch and who lost in it, and asking raises
//! the row's fence, so that a statement which is still on its way changes nothing any more.

use super::{
    Setup,
    accounts::{self, KnownAccounts},
    collect,
    connection::{Live, Parameter, Trouble},
    queue::{Batch, Queue, Verdict},
    statement,
};
use crate::{CommitError, Loss, Unavailable, prepared::Prepared};
use ferropay_domain::ids::{PaymentKey, RequestId};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// How often a transaction that stood in another's way is begun again.
const MOST_PASSING: u32 = 20;

/// How often a commit alone is tried that does not fit what is stored: it may have been changed at the same moment.
const MOST_UNFIT: u32 = 4;

/// After how many batches of its own a writer folds what was posted into balances.
const FOLD_EVERY: u32 = 256;

/// How long a store that is being closed tries to reach the database.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Pauses between attempts to connect: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What the writers have done since start, readable from any thread.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) batches: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) statements: Arc<AtomicU64>,
}

/// Why a batch was not written as a whole.
#[derive(Debug)]
pub(super) enum Failure {
    Trouble(Trouble),
    /// The writer's own row was not as it should be.
    Gate,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// What a batch under way comes to if it is written.
#[derive(Debug)]
pub(super) enum Pending {
    /// The database will tell who lost.
    Plain,
    /// These.
    Known(Vec<Verdict>),
}

pub(super) struct Writer {
    setup: Arc<Setup>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    pub(super) accounts: Arc<KnownAccounts>,
    pub(super) live: Option<Live>,
    /// A transaction has been begun.
    is_open: bool,
    slot: Uuid,
    /// Batches since balances were folded.
    unfolded: u32,
    /// The last batch that was written.
    batch: i64,
    fence: i64,
    pub(super) pending: Option<Pending>,
    pub(super) batch_sql: String,
    pub(super) guards_sql: String,
}

impl Writer {
    pub(super) fn new(
        setup: Arc<Setup>,
        queue: Arc<Queue>,
        counters: Arc<Counters>,
        accounts: Arc<KnownAccounts>,
    ) -> Self {
        Self {
            setup,
            queue,
            counters,
            accounts,
            live: None,
            is_open: false,
            slot: Uuid::now_v7(),
            unfolded: 0,
            batch: 0,
            fence: 0,
            pending: None,
            batch_sql: statement::batch(),
            guards_sql: statement::guards(),
        }
    }

    /// Writes until the queue is closed and empty.
    pub(super) async fn work(mut self) {
        loop {
            // While nothing can be written nothing is taken on either, so that it is found out here when that ends.
            if self.connected(Instant::now()).await.is_err() && !self.queue.is_closed() {
                continue;
            }
            let Some(mut batch) = self.queue.next(self.setup.batch_limit).await else { break };
            let held = batch.held();
            self.serve(batch).await;
            self.queue.release(held);
            self.keep_house().await;
        }
        if let Some(live) = &self.live {
            let _ = live.execute("DELETE FROM writers WHERE slot = $1", &[&self.slot]).await;
        }
    }

    /// Folds what was posted, now and then.
    async fn keep_house(&mut self) {
        self.unfolded = self.unfolded.saturating_add(1);
        if self.unfolded < FOLD_EVERY {
            return;
        }
        self.unfolded = 0;
        if let Some(live) = &self.live
            && let Err(trouble) = accounts::fold_all(live).await
        {
            self.is_open = true;
            tracing::info!(reason = trouble.reason(), "balances are folded later");
            self.undo().await;
        }
    }

    async fn serve(&mut self, batch: Batch) {
        let commits: Vec<&Prepared> = batch.jobs.iter().map(|job| job.prepared.as_ref()).collect();
        let verdicts = self.together(&commits, batch.is_plain).await;
        let applied = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        self.counters.commits.fetch_add(u64::try_from(applied).unwrap_or(0), Ordering::Relaxed);
        for (job, verdict) in batch.jobs.into_iter().zip(verdicts) {
            job.answer(verdict);
        }
    }

    async fn together(&mut self, commits: &[&Prepared], is_plain: bool) -> Vec<Verdict> {
        let trouble = match self.tried(commits, is_plain).await {
            Ok(verdicts) => return verdicts,
            Err(trouble) => trouble,
        };
        if commits.len() == 1 {
            return vec![Err(error_of(&trouble))];
        }
        tracing::warn!(commits = commits.len(), reason = trouble.reason(), "batch undone, retried singly");
        let mut verdicts = Vec::with_capacity(commits.len());
        for one in commits {
            match self.tried(std::slice::from_ref(one), is_plain).await {
                Ok(mut alone) => verdicts.extend(alone.pop()),
                Err(trouble) => verdicts.push(Err(error_of(&trouble))),
            }
        }
        verdicts
    }

    /// Writes commits in one transaction, as often as it takes. Errors when the server refuses them, or they do not fit.
    async fn tried(&mut self, commits: &[&Prepared], is_plain: bool) -> Result<Vec<Verdict>, Trouble> {
        let begun = Instant::now();
        let (mut passing, mut unfit) = (0_u32, 0_u32);
        self.pending = None;
        loop {
            // A connection that was made anew has asked what became of the last try.
            if let Some(Pending::Known(verdicts)) = self.pending.take_if(|it| matches!(it, Pending::Known(_)))
            {
                return Ok(verdicts);
            }
            if let Err(reason) = self.connected(begun).await {
                return Ok(commits.iter().map(|_| Err(reason.clone().into())).collect());
            }
            match self.once(commits, is_plain).await {
                Ok((verdicts, is_written)) => {
                    if is_written {
                        self.batch = self.batch.saturating_add(1);
                        self.counters.batches.fetch_add(1, Ordering::Relaxed);
                    }
                    self.pending = None;
                    return Ok(verdicts);
                }
                Err(Failure::Gate) => {
                    self.undo().await;
                    self.pending = None;
                    if let Err(trouble) = self.ask(commits).await {
                        self.lose(&trouble);
                    }
                }
                Err(Failure::Trouble(trouble @ Trouble::Gone(_))) => self.lose(&trouble),
                Err(Failure::Trouble(trouble)) => {
                    self.undo().await;
                    self.pending = None;
                    if trouble.is_passing() && passing < MOST_PASSING {
                        passing = passing.saturating_add(1);
                        tokio::time::sleep(Duration::from_millis(u64::from(passing))).await;
                    } else if commits.len() == 1 && is_unfit(&trouble) && unfit < MOST_UNFIT {
                        unfit = unfit.saturating_add(1);
                    } else {
                        return Err(trouble);
                    }
                }
            }
            if self.live.is_none() {
                self.reconnect(commits, begun).await;
            }
        }
    }

    /// One try; also answers whether the database has a batch more.
    async fn once(&mut self, commits: &[&Prepared], is_plain: bool) -> Result<(Vec<Verdict>, bool), Failure> {
        if !is_plain || !self.accounts.has_all(commits) {
            return self.write_with_more(commits).await;
        }
        let tables = self.accounts.with(|accounts| collect::tables(commits, accounts));
        let tables = tables.map_err(Trouble::Senseless)?;
        self.pending = Some(Pending::Plain);
        let losers = self.run_batch(&tables.columns(|_| true), commits.len(), false).await?;
        Ok((verdicts_of(commits, losers.as_deref()), true))
    }

    /// Runs the statement of a batch; answers who lost, as the database writes it down. A strict one is undone then.
    pub(super) async fn run_batch(
        &self,
        columns: &[super::tables::Column<'_>],
        commits: usize,
        strict: bool,
    ) -> Result<Option<String>, Failure> {
        let (next, count) = (self.batch.saturating_add(1), i32::try_from(commits).unwrap_or(i32::MAX));
        let first: [Parameter<'_>; 6] =
            [&self.slot, &next, &self.fence, &count, &collect::WINDOW_MICROS, &strict];
        let parameters: Vec<Parameter<'_>> =
            first.into_iter().chain(columns.iter().map(|it| it.as_ref() as Parameter<'_>)).collect();
        match self.link()?.first(&self.batch_sql, &parameters).await? {
            Some(row) => Ok(row.get(0)),
            None => Err(Failure::Gate),
        }
    }

    /// The connection.
    pub(super) fn link(&self) -> Result<&Live, Trouble> {
        self.live.as_ref().ok_or_else(|| Trouble::Gone("there is no connection".into()))
    }

    /// Opens a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Trouble> {
        self.is_open = true;
        self.link()?.run("BEGIN").await
    }

    /// Ends it, durably or not at all.
    pub(super) async fn end(&mut self, how: &str) -> Result<(), Trouble> {
        self.link()?.run(how).await?;
        self.is_open = false;
        Ok(())
    }

    /// Leaves a transaction that is open.
    async fn undo(&mut self) {
        if std::mem::take(&mut self.is_open)
            && let Some(live) = &self.live
            && let Err(trouble) = live.run("ROLLBACK").await
        {
            self.lose(&trouble);
        }
    }

    fn lose(&mut self, trouble: &Trouble) {
        tracing::warn!(reason = trouble.reason(), "the connection for commits was lost");
        self.live = None;
        self.is_open = false;
    }

    /// Makes sure that there is a connection. Errors when there is none for too long, while nothing is in doubt.
    async fn connected(&mut self, since: Instant) -> Result<(), Unavailable> {
        if self.live.as_ref().is_some_and(|live| !live.is_closed()) {
            return Ok(());
        }
        self.live = None;
        self.reconnect(&[], since).await;
        if self.live.is_some() {
            return Ok(());
        }
        Err(Unavailable { action: "commit", reason: "there is no connection to PostgreSQL".into() })
    }

    /// Connects and asks what became of the batch that was under way. Where that is in doubt it does not end without an
    /// answer, unless the store is being closed; else it gives up after a while, and what waits is refused meanwhile.
    async fn reconnect(&mut self, commits: &[&Prepared], since: Instant) {
        let (mut pause, longest) = PAUSES;
        loop {
            let trouble = match Live::connect(&self.setup, &self.counters.statements).await {
                Ok((live, _)) => {
                    self.live = Some(live);
                    self.is_open = false;
                    match self.ask(commits).await {
                        Ok(()) => return self.queue.resume(self.slot),
                        Err(trouble) => trouble,
                    }
                }
                Err(trouble) => trouble,
            };
            self.live = None;
            let in_doubt = self.pending.is_some();
            let closed = self.queue.is_closed();
            let patience = self.setup.patience;
            if since.elapsed() >= if closed { patience.min(LAST_PATIENCE) } else { patience } {
                let reason = trouble.unavailable("commit");
                tracing::error!(reason = reason.reason, "PostgreSQL cannot be reached");
                self.queue.refuse(self.slot, &reason);
                if !in_doubt {
                    return;
                }
                if closed {
                    let reason = format!("whether it was written is not known: {}", reason.reason);
                    let unknown = Unavailable { action: "commit", reason };
                    self.pending =
                        Some(Pending::Known(commits.iter().map(|_| Err(unknown.clone().into())).collect()));
                    return;
                }
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    /// Raises the fence of this writer's row, or makes the row, and learns whether the batch under way was written.
    async fn ask(&mut self, commits: &[&Prepared]) -> Result<(), Trouble> {
        let sql = "INSERT INTO writers AS w (slot, batch, fence) VALUES ($1, $2, 0)
            ON CONFLICT (slot) DO UPDATE SET fence = w.fence + 1, at = now() RETURNING batch, fence, losers";
        let Some(row) = self.link()?.first(sql, &[&self.slot, &self.batch]).await? else {
            return Err(Trouble::Senseless("the writer's row could not be read".into()));
        };
        let written = row.get::<_, i64>(0);
        self.fence = row.get(1);
        if written == self.batch {
            self.pending = None;
            return Ok(());
        }
        self.batch = written;
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        if matches!(self.pending, Some(Pending::Plain)) {
            self.pending = Some(Pending::Known(verdicts_of(commits, row.get(2))));
        }
        Ok(())
    }
}

/// The verdicts of a batch whose statement told `losers`: `commit:rank:position:who`, joined by commas.
fn verdicts_of(commits: &[&Prepared], losers: Option<&str>) -> Vec<Verdict> {
    let lost: HashMap<usize, Loss> = losers
        .into_iter()
        .flat_map(|all| all.split(','))
        .filter_map(|one| {
            let mut parts = one.split(':');
            let n = parts.next()?.parse::<usize>().ok()?.checked_sub(1)?;
            let rank = parts.next()?.parse().ok()?;
            let position = parts.next()?.parse().ok()?;
            let who = parts.next().and_then(|text| Uuid::parse_str(text).ok());
            Some((n, loss(commits.get(n)?, rank, position, who)))
        })
        .collect();
    (0..commits.len()).map(|n| lost.get(&n).map_or(Ok(()), |loss| Err(CommitError::Lost(*loss)))).collect()
}

/// The guard with this rank.
pub(super) fn loss(prepared: &Prepared, rank: i32, position: usize, who: Option<Uuid>) -> Loss {
    match (rank, who) {
        (1, _) => Loss::Fenced,
        (2, _) => Loss::ClockMoved,
        (3, _) => Loss::NotificationKnown,
        (4, Some(who)) => Loss::Resent(RequestId::new(who)),
        (5, Some(who)) => match prepared.commit.changes.names.get(position) {
            Some(name) => Loss::NameTaken(name.kind, PaymentKey::new(who)),
            None => Loss::Stale,
        },
        _ => Loss::Stale,
    }
}

/// Whether a commit may fit when it is tried again: what it was checked against was changed at the same moment.
fn is_unfit(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Refused(code, _) => {
            *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::NOT_NULL_VIOLATION
        }
        Trouble::Senseless(_) => true,
        Trouble::Gone(_) => false,
    }
}

/// A constraint or a contradiction is a defect of the platform; anything else is the database's trouble.
fn error_of(trouble: &Trouble) -> CommitError {
    match trouble {
        Trouble::Refused(code, _) if code.code().starts_with("23") || code.code().starts_with("22") => {
            let what = if *code == SqlState::NOT_NULL_VIOLATION {
                "it changes what does not exist".to_owned()
            } else {
                trouble.reason()
            };
            CommitError::Defect(what)
        }
        Trouble::Senseless(reason) => CommitError::Defect(reason.clone()),
        _ => CommitError::Unavailable(trouble.unavailable("commit")),
    }
}
