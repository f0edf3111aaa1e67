//! One commit, inside the writer's transaction.
//!
//! All guards are looked at before anything is written, in the order of [`Loss`], so that a loser leaves
//! nothing behind and needs no savepoint; nobody else writes in between. Only the last guard of a commit may
//! be a guarded write: the payment's version where nothing is held, else the hold itself.

use super::statements::Statements;
use crate::{DeliveryWrite, Loss, prepared::Prepared};
use ferropay_domain::{
    callback::Subject,
    change::{Hold, PaymentWrite, RESEND_WINDOW_SECONDS, Request, Task, TaskKey, Write},
    ids::{PaymentKey, RequestId},
    ledger::AccountKey,
    payment::Payment,
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

/// What the writer knows between commits.
pub(super) struct Applier<'c> {
    pub(super) statements: Statements<'c>,
    /// Numbers of accounts; forgotten whenever a transaction is rolled back.
    accounts: HashMap<AccountKey, i64>,
    /// Epochs read in this transaction.
    epochs: HashMap<u8, Option<i64>>,
    /// The watermark up to which postings are folded, as of this transaction.
    folded: i64,
    /// The last posting written.
    last_posting: i64,
    /// Postings beyond the watermark lower a merchant's account.
    fold_before_hold: bool,
}

impl<'c> Applier<'c> {
    pub(super) fn new(statements: Statements<'c>) -> Self {
        Self {
            statements,
            accounts: HashMap::new(),
            epochs: HashMap::new(),
            folded: 0,
            last_posting: 0,
            fold_before_hold: true,
        }
    }

    /// Opens the transaction of a batch.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.statements.begin.execute([])?;
        self.epochs.clear();
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
        for name in &changes.names {
            let key = params![name.project.get(), name.kind.number(), name.folded];
            if let Some(holder) = self.statements.name.first(key, |row| uuid(row, 0))? {
                return lost(Loss::NameTaken(name.kind, PaymentKey::new(holder)));
            }
        }
        check_own_names(prepared)?;
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
        for delivery in &commit.deliveries {
            let attempts: Option<u32> =
                self.statements.delivery_attempts.first([delivery_id(delivery)], |row| row.get(0))?;
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

    fn open_account(&mut self, key: AccountKey) -> Result<i64, Refusal> {
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

    /// What depends on the guards having been won.
    fn rows(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let changes = &prepared.commit.changes;
        if let Some(request) = &changes.request {
            self.request(request, prepared.problems.as_deref())?;
        }
        for name in &changes.names {
            let key = params![name.project.get(), name.kind.number(), name.folded, name.payment.as_bytes()];
            self.statements.insert_name.execute(key)?;
        }
        self.payment(prepared)?;
        self.operations(prepared)?;
        self.attempts(prepared)?;
        self.books(prepared)?;
        for key in &changes.done {
            self.end_task(*key)?;
        }
        for task in &changes.tasks {
            self.put_task(task)?;
        }
        self.messages(prepared)?;
        self.secrets(prepared)
    }

    fn request(&mut self, request: &Request, problems: Option<&str>) -> Result<(), Refusal> {
        let at = request.at.micros();
        if let Some(digest) = &request.fingerprint {
            let expires = at.saturating_add(RESEND_WINDOW_SECONDS.saturating_mul(1_000_000));
            let key = params![request.project.get(), digest, request.id.as_bytes(), expires, at];
            self.statements.take_fingerprint.execute(key)?;
        }
        self.statements.insert_request.execute(params![
            request.id.as_bytes(),
            request.project.get(),
            request.path,
            request.payment_id,
            request.payment.as_ref().map(PaymentKey::as_bytes),
            request.operation.map(ferropay_domain::ids::OperationId::get),
            problems,
            at,
        ])?;
        Ok(())
    }

    fn payment(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let commit = &prepared.commit;
        match &commit.changes.payment {
            Some(PaymentWrite::Insert(it)) => {
                self.statements.insert_payment.execute(params![
                    it.key.as_bytes(),
                    it.project.get(),
                    it.id.as_str(),
                    it.kind.number(),
                    it.status.number(),
                    it.currency.numeric(),
                    it.requested,
                    it.debited,
                    it.returned,
                    it.returning,
                    it.refunded_any,
                    it.open.map(ferropay_domain::ids::OperationId::get),
                    it.last_return_at.map(ferropay_domain::time::Timestamp::micros),
                    it.callbacks,
                    it.version,
                    it.created_at.micros(),
                    it.updated_at.micros(),
                    prepared.payment_detail,
                ])?;
            }
            // Without holds and deliveries the update was the last guard and has been done.
            Some(PaymentWrite::Update { payment, expected })
                if !commit.changes.holds.is_empty() || !commit.deliveries.is_empty() =>
            {
                if !self.update_payment(payment, *expected, &prepared.payment_detail)? {
                    return contradiction(format!("payment {} is gone", payment.key));
                }
            }
            Some(PaymentWrite::Update { .. }) | None => {}
        }
        Ok(())
    }

    fn update_payment(&mut self, it: &Payment, expected: u32, detail: &str) -> rusqlite::Result<bool> {
        let changed = self.statements.update_payment.execute(params![
            it.key.as_bytes(),
            it.project.get(),
            it.status.number(),
            it.requested,
            it.debited,
            it.returned,
            it.returning,
            it.refunded_any,
            it.open.map(ferropay_domain::ids::OperationId::get),
            it.last_return_at.map(ferropay_domain::time::Timestamp::micros),
            it.callbacks,
            it.version,
            it.updated_at.micros(),
            detail,
            expected,
        ])?;
        Ok(changed == 1)
    }

    fn operations(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        for (write, detail) in prepared.commit.changes.operations.iter().zip(&prepared.operation_details) {
            match write {
                Write::Insert(it) => {
                    self.statements.insert_operation.execute(params![
                        it.id.get(),
                        it.payment.as_bytes(),
                        it.project.get(),
                        it.kind.number(),
                        it.status.number(),
                        it.amount.minor,
                        it.amount.currency.numeric(),
                        it.request.as_bytes(),
                        it.code.get(),
                        it.created_at.micros(),
                        it.updated_at.micros(),
                        detail,
                    ])?;
                }
                Write::Update(it) => {
                    let changed = self.statements.update_operation.execute(params![
                        it.id.get(),
                        it.payment.as_bytes(),
                        it.status.number(),
                        it.amount.minor,
                        it.code.get(),
                        it.updated_at.micros(),
                        detail,
                    ])?;
                    if changed != 1 {
                        return contradiction(format!("operation {} does not exist", it.id));
                    }
                }
            }
        }
        Ok(())
    }

    fn attempts(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        for (write, answer) in prepared.commit.changes.attempts.iter().zip(&prepared.answers) {
            match write {
                Write::Insert(it) => {
                    self.statements.insert_attempt.execute(params![
                        it.id.reference(),
                        it.payment.as_bytes(),
                        it.account.get(),
                        it.status.number(),
                        it.amount.minor,
                        it.amount.currency.numeric(),
                        it.created_at.micros(),
                        it.updated_at.micros(),
                        it.suspended,
                        it.late_approvals,
                        answer,
                    ])?;
                }
                Write::Update(it) => {
                    let changed = self.statements.update_attempt.execute(params![
                        it.id.reference(),
                        it.payment.as_bytes(),
                        it.status.number(),
                        it.amount.minor,
                        it.updated_at.micros(),
                        it.suspended,
                        it.late_approvals,
                        answer,
                    ])?;
                    if changed != 1 {
                        return contradiction(format!("attempt {} does not exist", it.id.reference()));
                    }
                }
            }
        }
        Ok(())
    }

    fn books(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let changes = &prepared.commit.changes;
        for hold in &changes.holds {
            let account = self.open_account(hold.account)?;
            self.statements.insert_hold.execute(params![hold.operation.get(), account, hold.minor])?;
        }
        for it in &changes.settled {
            let account = self.open_account(it.account)?;
            let ended = self.statements.end_hold.execute(params![it.operation.get(), account, it.held])?;
            if ended != 1 {
                return contradiction(format!("operation {} does not hold {}", it.operation, it.held));
            }
            self.statements.settle.execute(params![account, it.held, it.paid])?;
        }
        for entry in &changes.entries {
            for (leg, position) in entry.legs.iter().zip(0_u16..) {
                let account = self.open_account(leg.account)?;
                self.statements.insert_posting.execute(params![
                    entry.operation.get(),
                    entry.kind.number(),
                    position,
                    account,
                    leg.minor,
                    leg.settled,
                    entry.at.micros(),
                ])?;
                self.last_posting = self.last_posting.saturating_add(1);
            }
        }
        self.fold_before_hold |= prepared.lowers_merchant;
        Ok(())
    }

    fn messages(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let commit = &prepared.commit;
        for it in &commit.callbacks {
            let (kind, subject) = subject_parts(&it.subject);
            self.statements.insert_callback.execute(params![
                it.id.get(),
                it.project.get(),
                kind,
                subject,
                it.number,
                it.created_at.micros(),
                it.due.micros(),
                it.body,
            ])?;
            for (address, position) in it.addresses.iter().zip(0_u8..=255) {
                let (_, id) = TaskKey::Deliver(it.id, position).parts();
                self.statements.insert_delivery.execute(params![id, it.due.micros(), address])?;
            }
            for task in &it.tasks {
                self.put_task(task)?;
            }
        }
        for it in &commit.deliveries {
            let changed = self.statements.update_delivery.execute(params![
                delivery_id(it),
                it.state.number(),
                it.attempts,
                it.status,
                it.at.micros(),
                it.attempts_before,
            ])?;
            if changed != 1 {
                return contradiction(format!("callback {} is delivered twice in one commit", it.callback));
            }
            match &it.again {
                Some(task) => self.put_task(task)?,
                None => self.end_task(it.task)?,
            }
        }
        if let Some(it) = &commit.notification {
            let row = params![it.account.get(), it.id, it.body, it.at.micros()];
            self.statements.insert_notification.execute(row)?;
        }
        Ok(())
    }

    fn secrets(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let commit = &prepared.commit;
        if let Some((project, key, sealed)) = &commit.card {
            let row = params![project.get(), key.as_bytes(), sealed.key, sealed.bytes];
            self.statements.keep_card.execute(row)?;
        }
        if let Some((operation, sealed)) = &commit.cvv {
            self.statements.keep_cvv.execute(params![operation.get(), sealed.key, sealed.bytes])?;
        }
        for operation in &commit.changes.forget_cvv {
            self.statements.forget_cvv.execute([operation.get()])?;
        }
        for operation in commit.changes.operations.iter().map(Write::record) {
            if operation.status.is_final() && !commit.changes.forget_cvv.contains(&operation.id) {
                self.statements.forget_cvv.execute([operation.id.get()])?;
            }
        }
        Ok(())
    }

    fn put_task(&mut self, task: &Task) -> rusqlite::Result<()> {
        let (kind, number) = task.key.parts();
        let clock = task.clock.map_or(0, ferropay_domain::ids::ProjectId::get);
        let row = params![kind, number, task.bucket, clock, task.due.micros(), task.tries];
        self.statements.put_task.execute(row).map(|_| ())
    }

    fn end_task(&mut self, key: TaskKey) -> rusqlite::Result<()> {
        let (kind, number) = key.parts();
        self.statements.end_task.execute(params![kind, number]).map(|_| ())
    }
}

/// A commit that takes one name twice loses against itself.
fn check_own_names(prepared: &Prepared) -> Result<(), Refusal> {
    let names = &prepared.commit.changes.names;
    for (position, name) in names.iter().enumerate() {
        let same = |it: &&ferropay_domain::change::Name| {
            it.kind == name.kind && it.project == name.project && it.folded == name.folded
        };
        if let Some(first) = names.iter().take(position).find(same) {
            return Err(Refusal::Lost(Loss::NameTaken(name.kind, first.payment)));
        }
    }
    Ok(())
}

fn contradiction(text: String) -> Result<(), Refusal> {
    Err(Refusal::Contradiction(text))
}

fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

fn delivery_id(delivery: &DeliveryWrite) -> i64 {
    TaskKey::Deliver(delivery.callback, delivery.address).parts().1
}

/// Kind and key of a callback's subject, as stored.
pub(super) fn subject_parts(subject: &Subject) -> (u8, &[u8; 16]) {
    match subject {
        Subject::Payment(key) => (1, key.as_bytes()),
        Subject::Request(id) => (2, id.as_bytes()),
    }
}
