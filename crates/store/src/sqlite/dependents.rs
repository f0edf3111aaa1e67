//! The rows of a commit whose guards are won.

use super::apply::{Applier, Refusal};
use crate::{
    parts::{delivery_id, subject_parts},
    prepared::Prepared,
};
use ferropay_domain::{
    change::{PaymentWrite, RESEND_WINDOW_SECONDS, Request, SeriesWrite, Task, TaskKey, Write},
    ids::PaymentKey,
    payment::Payment,
};
use rusqlite::params;

impl Applier<'_> {
    /// What depends on the guards having been won.
    pub(super) fn rows(&mut self, prepared: &Prepared) -> Result<(), Refusal> {
        let changes = &prepared.commit.changes;
        if let Some(request) = &changes.request {
            self.request(request, prepared.problems.as_deref())?;
        }
        for name in &changes.names {
            let key = params![name.project.get(), name.kind.number(), name.folded, name.payment.as_bytes()];
            if name.kind.is_exclusive() {
                self.statements.insert_name.execute(key)?;
            } else {
                self.statements.keep_name.execute(key)?;
            }
        }
        if let Some(counted) = &changes.counted {
            self.record_use(counted)?;
        }
        for name in &changes.released {
            let key = params![name.project.get(), name.kind.number(), name.folded, name.payment.as_bytes()];
            self.statements.release_name.execute(key)?;
        }
        self.payment(prepared)?;
        if let Some(write) = &changes.series {
            self.series(write, &prepared.series_detail)?;
        }
        self.operations(prepared)?;
        self.attempts(prepared)?;
        self.instrument(prepared)?;
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
                    it.held,
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

    pub(super) fn update_payment(
        &mut self,
        it: &Payment,
        expected: u32,
        detail: &str,
    ) -> rusqlite::Result<bool> {
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
            it.held,
            expected,
        ])?;
        Ok(changed == 1)
    }

    fn series(&mut self, write: &SeriesWrite, detail: &str) -> Result<(), Refusal> {
        let it = &write.series;
        let open = it.open.map(ferropay_domain::ids::OperationId::get);
        let due = it.due.map(ferropay_domain::time::Timestamp::micros);
        let payment = it.payment.as_ref().map(PaymentKey::as_bytes);
        match write.expected {
            None => {
                self.statements.insert_series.execute(params![
                    it.id.get(),
                    it.project.get(),
                    it.kind.number(),
                    it.status.number(),
                    it.currency.numeric(),
                    open,
                    due,
                    payment,
                    it.callbacks,
                    it.version,
                    it.created_at.micros(),
                    it.updated_at.micros(),
                    detail,
                ])?;
            }
            Some(expected) => {
                let changed = self.statements.update_series.execute(params![
                    it.id.get(),
                    it.project.get(),
                    it.status.number(),
                    open,
                    due,
                    payment,
                    it.callbacks,
                    it.version,
                    it.updated_at.micros(),
                    detail,
                    expected,
                ])?;
                if changed != 1 {
                    return contradiction(format!("series {} is gone", it.id));
                }
            }
        }
        if let Some((at, operation)) = write.slot {
            self.statements.take_slot.execute(params![it.id.get(), at.micros(), operation.get()])?;
        }
        Ok(())
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
                        it.ask.number(),
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
            let (kind, subject) = subject_parts(it.subject);
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
                it.reopens(),
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

fn contradiction(text: String) -> Result<(), Refusal> {
    Err(Refusal::Contradiction(text))
}
