//! One commit, inside the writer's transaction.
//!
//! All guards are looked at before anything is written, in the order of [`Loss`], so that a loser leaves
//! nothing behind and needs no savepoint; nobody else writes in between. Only the last guard of a commit may
//! be a guarded write: the payment's version where nothing is held, else the hold itself.

use super::statements::Statements;
use crate::{Loss, parts::delivery_id, prepared::Prepared};
use ferropay_domain::{
    change::{Hold, PaymentWrite, Request, SeriesWrite},
    ids::{PaymentKey, ProjectId, RequestId},
    ledger::AccountKey,
};
use rusqlite::{Row, params};
use std::collections::HashMap;
use uuid::Uuid;

/// Why a commit was not applied.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A guard was lost; nothing was written.
    Lost(Loss),
    /// The database refused a statement; some of the commit may have been written.
    Database(rusqlite::Error),
    /// The commit does not fit what is stored; some of it may have been written.
    Contradiction(String),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// How many postings may wait before the writer folds them into balances of its own accord.
const FOLD_EVERY: i64 = 16_384;

/// What an applier has learnt that holds beyond its transactions.
#[derive(Debug)]
pub(super) struct Memory {
    /// Numbers of accounts; forgotten whenever a transaction is rolled back.
    accounts: HashMap<AccountKey, i64>,
    /// Postings beyond the watermark lower a merchant's account.
    fold_before_hold: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self { accounts: HashMap::new(), fold_before_hold: true }
    }
}

/// What the writer knows between commits.
pub(super) struct Applier<'c> {
    pub(super) statements: Statements<'c>,
    /// See [`Memory`].
    accounts: HashMap<AccountKey, i64>,
    /// Epochs read in this transaction.
    epochs: HashMap<u8, Option<i64>>,
    /// How far ahead projects' clocks are, read in this transaction.
    clocks: HashMap<ProjectId, Option<i64>>,
    /// The watermark up to which postings are folded, as of this transaction.
    folded: i64,
    /// The last posting written.
    pub(super) last_posting: i64,
    /// See [`Memory`].
    pub(super) fold_before_hold: bool,
}

impl<'c> Applier<'c> {
    pub(super) fn new(statements: Statements<'c>, Memory { accounts, fold_before_hold }: Memory) -> Self {
        Self {
            statements,
            accounts,
            epochs: HashMap::new(),
            clocks: HashMap::new(),
            folded: 0,
            last_posting: 0,
            fold_before_hold,
        }
    }

    /// What the next applier on this connection may be given.
    pub(super) fn into_memory(self) -> Memory {
        Memory { accounts: self.accounts, fold_before_hold: self.fold_before_hold }
    }

    /// Opens the transaction of a batch.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.statements.begin.execute([])?;
        self.epochs.clear();
        self.clocks.clear();
        self.folded = self.statements.folded.first([], |row| row.get(0))?.unwrap_or(0);
        self.last_posting = self.statements.last_posting.first([], |row| row.get(0))?.unwrap_or(0);
        if self.last_posting.saturating_sub(self.folded) > FOLD_EVERY {
            self.fold()?;
        }
        Ok(())
    }

    /// Makes the batch durable.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        self.statements.commit.execute([]).map(|_| ())
    }

    /// Forgets what was learnt in a transaction that was rolled back.
    pub(super) fn rolled_back(&mut self) {
        self.accounts.clear();
        self.epochs.clear();
        self.clocks.clear();
        self.fold_before_hold = true;
    }

    /// Applies one commit or says why not.
    pub(super) fn apply(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        self.guards(prepared)?;
        self.rows(prepared)
    }

    fn guards(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let commit = &prepared.commit;
        let changes = &commit.changes;
        let lost = |loss| Err(Refusal::Lost(loss));
        if let Some(fence) = commit.fence
            && self.epoch(fence.bucket)? != Some(fence.epoch)
        {
            return lost(Loss::Fenced);
        }
        if let Some((project, offset)) = commit.clock
            && self.clock(project)?.is_some_and(|now| now > offset)
        {
            return lost(Loss::ClockMoved);
        }
        if let Some(it) = &commit.notification {
            let known = self.statements.notification.first(params![it.account.get(), it.id], |_| Ok(()))?;
            if known.is_some() {
                return lost(Loss::NotificationKnown);
            }
        }
        if let Some(Request { fingerprint: Some(digest), project, at, .. }) = &changes.request {
            let key = params![project.get(), digest, at.micros()];
            if let Some(first) = self.statements.resent.first(key, |row| uuid(row, 0))? {
                return lost(Loss::Resent(RequestId::new(first)));
            }
        }
        for name in changes.names.iter().filter(|name| name.kind.is_exclusive()) {
            let key = params![name.project.get(), name.kind.number(), name.folded];
            if let Some(holder) = self.statements.name.first(key, |row| uuid(row, 0))? {
                return lost(Loss::NameTaken(name.kind, PaymentKey::new(holder)));
            }
        }
        check_own_names(prepared)?;
        if let Some(counted) = &changes.counted {
            self.within_limits(counted)?;
        }
        if let Some(write) = &changes.instrument
            && !self.instrument_stands(write)?
        {
            return lost(Loss::InstrumentChanged);
        }
        let guarded_write_is_last = changes.holds.is_empty() && commit.deliveries.is_empty();
        if let Some(PaymentWrite::Update { payment, expected }) = &changes.payment
            && (!guarded_write_is_last || prepared.exceeds_debit)
        {
            let key = params![payment.key.as_bytes(), payment.project.get()];
            let version: Option<u32> = self.statements.version.first(key, |row| row.get(0))?;
            if version != Some(*expected) {
                return lost(Loss::Stale);
            }
        }
        if let Some(SeriesWrite { series, expected, .. }) = &changes.series {
            let version: Option<u32> =
                self.statements.series_version.first([series.id.get()], |row| row.get(0))?;
            if version != *expected {
                return lost(Loss::Stale);
            }
        }
        for delivery in &commit.deliveries {
            let attempts: Option<u32> = self
                .statements
                .delivery_attempts
                .first(params![delivery_id(delivery), delivery.reopens()], |row| row.get(0))?;
            if attempts != Some(delivery.attempts_before) {
                return lost(Loss::Stale);
            }
        }
        if prepared.exceeds_debit {
            return lost(Loss::ExceedsDebit);
        }
        if guarded_write_is_last {
            if let Some(PaymentWrite::Update { payment, expected }) = &changes.payment
                && !self.update_payment(payment, *expected, &prepared.payment_detail)?
            {
                return lost(Loss::Stale);
            }
        } else {
            self.take_holds(&changes.holds)?;
        }
        Ok(())
    }

    fn epoch(&mut self, bucket: u8) -> rusqlite::Result<Option<i64>> {
        if let Some(epoch) = self.epochs.get(&bucket) {
            return Ok(*epoch);
        }
        let epoch = self.statements.epoch.first([bucket], |row| row.get(0))?;
        self.epochs.insert(bucket, epoch);
        Ok(epoch)
    }

    fn clock(&mut self, project: ProjectId) -> rusqlite::Result<Option<i64>> {
        if let Some(offset) = self.clocks.get(&project) {
            return Ok(*offset);
        }
        let offset = self.statements.clock.first([project.get()], |row| row.get(0))?;
        self.clocks.insert(project, offset);
        Ok(offset)
    }

    /// Takes all holds or none.
    fn take_holds(&mut self, holds: &[Hold]) -> Result<(), Refusal> {
        if !holds.is_empty() && self.fold_before_hold {
            self.fold()?;
        }
        for (position, hold) in holds.iter().enumerate() {
            if self.take_hold(hold)? {
                continue;
            }
            for taken in holds.iter().take(position) {
                if let Some(account) = self.account(taken.account)? {
                    self.statements.unhold.execute(params![account, taken.minor])?;
                }
            }
            return Err(Refusal::Lost(Loss::BalanceShort));
        }
        Ok(())
    }

    fn take_hold(&mut self, hold: &Hold) -> Result<bool, Refusal> {
        let account = match self.account(hold.account)? {
            Some(account) => account,
            // An account without a row has a balance of nothing; it gets its row only when the hold succeeds.
            None if 0_i64.saturating_sub(hold.minor) >= hold.floor => self.open_account(hold.account)?,
            None => return Ok(false),
        };
        let place = params![account, hold.minor, hold.floor];
        if self.statements.hold.execute(place)? == 1 {
            return Ok(true);
        }
        if self.last_posting == self.folded {
            return Ok(false);
        }
        self.fold()?;
        Ok(self.statements.hold.execute(place)? == 1)
    }

    /// Folds every posting written so far into the balances.
    fn fold(&mut self) -> rusqlite::Result<()> {
        if self.last_posting > self.folded {
            self.statements.fold.execute([self.folded, self.last_posting])?;
            self.statements.set_folded.execute([self.last_posting])?;
            self.folded = self.last_posting;
        }
        self.fold_before_hold = false;
        Ok(())
    }

    fn account(&mut self, key: AccountKey) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.accounts.get(&key) {
            return Ok(Some(*id));
        }
        let (kind, owner) = key.owner.parts();
        let found = self
            .statements
            .find_account
            .first(params![kind, owner, key.currency.numeric()], |row| row.get(0))?;
        if let Some(id) = found {
            self.accounts.insert(key, id);
        }
        Ok(found)
    }

    pub(super) fn open_account(&mut self, key: AccountKey) -> Result<i64, Refusal> {
        if let Some(id) = self.account(key)? {
            return Ok(id);
        }
        let (kind, owner) = key.owner.parts();
        let id = self
            .statements
            .insert_account
            .first(params![kind, owner, key.currency.numeric()], |row| row.get(0))?
            .ok_or_else(|| Refusal::Contradiction("an account could not be opened".into()))?;
        self.accounts.insert(key, id);
        Ok(id)
    }
}

/// A commit that takes one name twice loses against itself.
fn check_own_names(prepared: &Prepared) -> Result<(), Refusal> {
    let names = &prepared.commit.changes.names;
    for (position, name) in names.iter().enumerate() {
        let same = |it: &&ferropay_domain::change::Name| {
            it.kind == name.kind && it.project == name.project && it.folded == name.folded
        };
        let exclusive = name.kind.is_exclusive();
        if let Some(first) = names.iter().take(position).find(same).filter(|_| exclusive) {
            return Err(Refusal::Lost(Loss::NameTaken(name.kind, first.payment)));
        }
    }
    Ok(())
}

fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}
