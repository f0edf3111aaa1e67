//! A connection that writes batches, and what becomes of a batch when things go wrong.
//!
//! A batch of plain commits is one statement, which is its own transaction. What the server refuses for a reason that is no
//! guard is tried again, if two transactions stood in each other's way, or else commit by commit, so that only the one at
//! fault fails. When the connection breaks while a batch is under way, the next connection first asks the database whether
//! the batch was written: each writer has a row there with the number of its last batch and who lost in it, and asking raises
//! the row's fence, so that a statement which is still on its way changes nothing any more. A database that is neither where it
//! was nor one batch further is another one ([`witness`](super::witness)): nothing more is written then.

use super::{
    Setup,
    accounts::{self, KnownAccounts},
    collect,
    connection::{Ended, Live, Parameter, Trouble},
    nodes,
    queue::{Batch, Queue, Verdict},
    statement,
    verdicts::{all_refused, error_of, is_unfit, verdicts_of},
    witness::{self, Witness},
};
use crate::{Unavailable, prepared::Prepared};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// How often a transaction that stood in another's way is begun again.
const MOST_PASSING: u32 = 20;

/// How often a commit alone is tried that does not fit what is stored: it may have been changed at the same moment.
const MOST_UNFIT: u32 = 4;

/// After how many batches of its own a writer folds what was posted into balances.
const FOLD_EVERY: u32 = 256;

/// How long a store that is being closed tries to reach the database.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// After how many signs of life a writer looks for rows of others that ended without taking them away: twice, so that whoever lives
/// has said so in between, although the server's clock was set on by months.
const SIGNS_BETWEEN_LOOKS: u32 = 4;

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
    witness: Arc<Witness>,
    pub(super) live: Option<Live>,
    /// Comes to an end when the connection does.
    ended: Option<Ended>,
    /// A transaction has been begun.
    is_open: bool,
    slot: Uuid,
    /// Batches since balances were folded.
    unfolded: u32,
    /// It has a row, unless the database was set back.
    is_known: bool,
    /// The last batch that was written.
    batch: i64,
    /// There may be one more, about which those who waited for it were told that nobody knows.
    may_be_further: bool,
    fence: i64,
    /// How often it has said that it lives.
    signs: u32,
    /// Writers that had said nothing for long when it looked last.
    silent: Vec<Uuid>,
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
        witness: Arc<Witness>,
    ) -> Self {
        Self {
            setup,
            queue,
            counters,
            accounts,
            witness,
            live: None,
            ended: None,
            is_open: false,
            slot: Uuid::now_v7(),
            unfolded: 0,
            is_known: false,
            batch: 0,
            may_be_further: false,
            fence: 0,
            signs: 0,
            silent: Vec::new(),
            pending: None,
            batch_sql: statement::batch(),
            guards_sql: statement::guards(),
        }
    }

    /// Writes until the queue is closed and empty.
    pub(super) async fn work(mut self) {
        let every = self.setup.sign_of_life;
        let mut life = tokio::time::interval_at(Instant::now() + every, every);
        life.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if self.witness.is_held() {
                // Nothing is taken on any more; those who read still may, until the store is closed.
                self.live = None;
                let _ = self.queue.next(self.setup.batch_limit).await;
                break;
            }
            // While nothing can be written nothing is taken on either, so that it is found out here when that ends.
            if self.connected(Instant::now()).await.is_err() && !self.queue.is_closed() {
                continue;
            }
            let next = tokio::select! {
                next = self.queue.next(self.setup.batch_limit) => next,
                // At once, and not with the next batch: the database may have become another one.
                () = end_of(&mut self.ended) => {
                    self.live = None;
                    continue;
                }
                _ = life.tick() => {
                    self.give_sign_of_life().await;
                    continue;
                }
            };
            let Some(mut batch) = next else { break };
            let held = batch.held();
            self.serve(batch).await;
            self.queue.release(held);
            self.keep_house().await;
        }
        if let Some(live) = &self.live {
            let _ = live.execute("DELETE FROM writers WHERE slot = $1", &[&self.slot]).await;
        }
    }

    async fn give_sign_of_life(&mut self) {
        let Some(live) = &self.live else { return };
        let mut told =
            live.execute("UPDATE writers SET at = now() WHERE slot = $1", &[&self.slot]).await.map(drop);
        self.signs = self.signs.wrapping_add(1);
        if told.is_ok() && self.signs.is_multiple_of(SIGNS_BETWEEN_LOOKS) {
            told = match silent_after(live, std::mem::take(&mut self.silent)).await {
                Ok(silent) => {
                    self.silent = silent;
                    Ok(())
                }
                Err(trouble) => Err(trouble),
            };
        }
        if let Err(trouble) = told {
            self.lose(&trouble);
        }
    }

    /// Folds what was posted, now and then.
    async fn keep_house(&mut self) {
        self.unfolded = self.unfolded.saturating_add(1);
        if self.unfolded < FOLD_EVERY || self.witness.is_held() {
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
                return Ok(all_refused(commits, &reason));
            }
            if let Some(reason) = self.queue.ended() {
                return Ok(all_refused(commits, &reason));
            }
            match self.once(commits, is_plain).await {
                Ok((verdicts, is_written)) => {
                    if is_written {
                        self.batch = self.batch.saturating_add(1);
                        self.witness.saw(self.slot, self.batch);
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
        let losers = self.run_batch(&tables.columns(|_, _| true), commits.len(), false).await?;
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
        self.ended = None;
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

    /// Connects and asks what became of the batch that was under way. It gives up after a while, and what waits is refused
    /// meanwhile; those whose batch was under way are told that nobody knows then, and the next connection finds it out.
    async fn reconnect(&mut self, commits: &[&Prepared], since: Instant) {
        let (mut pause, longest) = PAUSES;
        loop {
            let trouble = match Live::connect(&self.setup, &self.counters.statements).await {
                Ok((live, ended)) => {
                    self.live = Some(live);
                    self.ended = Some(ended);
                    self.is_open = false;
                    match self.ask(commits).await {
                        Ok(()) => return self.queue.resume(self.slot),
                        Err(trouble) => trouble,
                    }
                }
                Err(trouble) => trouble,
            };
            self.live = None;
            self.ended = None;
            let patience = self.setup.patience;
            let patience = if self.queue.is_closed() { patience.min(LAST_PATIENCE) } else { patience };
            if since.elapsed() >= patience {
                let reason = trouble.unavailable("commit");
                tracing::error!(reason = reason.reason, "PostgreSQL cannot be reached");
                self.queue.refuse(self.slot, &reason);
                self.leave_in_doubt(commits, &reason);
                return;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    /// Tells those whose batch is in doubt that nobody knows what became of it.
    fn leave_in_doubt(&mut self, commits: &[&Prepared], reason: &Unavailable) {
        if self.pending.is_some() {
            self.may_be_further = true;
            let reason = format!("whether it was written is not known: {}", reason.reason);
            self.pending =
                Some(Pending::Known(all_refused(commits, &Unavailable { action: "commit", reason })));
        }
    }

    /// Learns whether the database is the one it was, raises the fence of this writer's row, or makes the row, and learns
    /// whether the batch under way was written.
    async fn ask(&mut self, commits: &[&Prepared]) -> Result<(), Trouble> {
        if let Some(missed) = self.witness.missed(self.link()?).await? {
            return self.part(commits, &missed).await;
        }
        let sql = "INSERT INTO writers AS w (slot, batch, fence) VALUES ($1, $2, 0)
            ON CONFLICT (slot) DO UPDATE SET fence = w.fence + 1, at = now() RETURNING batch, fence, losers";
        let Some(row) = self.link()?.first(sql, &[&self.slot, &self.batch]).await? else {
            return Err(Trouble::Senseless("the writer's row could not be read".into()));
        };
        let written = row.get::<_, i64>(0);
        let next = self.batch.saturating_add(1);
        if written == next && (self.pending.is_some() || self.may_be_further) {
            self.batch = next;
            self.counters.batches.fetch_add(1, Ordering::Relaxed);
            if matches!(self.pending, Some(Pending::Plain)) {
                self.pending = Some(Pending::Known(verdicts_of(commits, row.get(2))));
            }
        } else if written == self.batch {
            self.pending = None;
        } else {
            return self.part(commits, &witness::told(self.batch, Some(written))).await;
        }
        self.fence = row.get(1);
        self.may_be_further = false;
        // The row was made just now.
        if std::mem::replace(&mut self.is_known, true) && self.fence == 0 {
            nodes::end(&self.queue);
        }
        if self.batch > 0 {
            self.witness.saw(self.slot, self.batch);
        }
        Ok(())
    }

    /// The database is not the one it was: nothing more is written to it, and it is put in recovery hold.
    async fn part(&mut self, commits: &[&Prepared], found: &str) -> Result<(), Trouble> {
        let reason = Unavailable { action: "commit", reason: witness::WHY.into() };
        if self.queue.end(&reason) {
            tracing::error!(
                found,
                "the database does not have what was written to it last: it was brought back to an earlier moment, or a replica \
                 that lagged took its place. Nothing more is written by this process, and the database is put in recovery hold. \
                 Make sure that the earlier server is stopped for good, start every node anew, and run `ferropay recover check`"
            );
        }
        self.accounts.forget();
        self.witness.hold(self.link()?).await?;
        self.leave_in_doubt(commits, &reason);
        Ok(())
    }
}

/// Waits until a connection has ended; for good where there is none.
async fn end_of(connection: &mut Option<Ended>) {
    match connection {
        Some(ended) => {
            // It never sends anything; that it is dropped is the news.
            let _ = ended.await;
            *connection = None;
        }
        None => std::future::pending().await,
    }
}

/// Takes away the rows of those who were silent for a month when it was looked before, and still are; answers who is now.
async fn silent_after(live: &Live, before: Vec<Uuid>) -> Result<Vec<Uuid>, Trouble> {
    const SILENT: &str = "at < now() - interval '30 days'";
    if !before.is_empty() {
        live.execute(&format!("DELETE FROM writers WHERE slot = ANY($1) AND {SILENT}"), &[&before]).await?;
    }
    let found = live.all(&format!("SELECT slot FROM writers WHERE {SILENT}"), &[]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}
