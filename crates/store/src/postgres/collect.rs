//! What the commits of a batch write, gathered table by table.
//!
//! Rows that may lock something which others lock too are put in the order of their keys, so that two nodes that write the
//! same rows wait for each other and never both at once.

use super::tables::{self as t, Tables};
use crate::{
    Commit,
    parts::{delivery_id, subject_parts},
    prepared::Prepared,
};
use ferropay_domain::{
    change::{PaymentWrite, RESEND_WINDOW_SECONDS, Request, Task, TaskKey, Write},
    ids::{OperationId, PaymentKey, ProjectId},
    ledger::AccountKey,
    payment::{Attempt, Operation, Payment},
    time::Timestamp,
};
use std::collections::HashMap;
use uuid::Uuid;

/// How long a fingerprint is taken, microseconds.
pub(super) const WINDOW_MICROS: i64 = RESEND_WINDOW_SECONDS * 1_000_000;

/// Numbers of accounts.
pub(super) type Accounts = HashMap<AccountKey, i64>;

/// Everything the batch's statement writes. Errors when a figure is beyond what its column holds or an account has no number.
pub(super) fn tables<'a>(commits: &[&'a Prepared], accounts: &Accounts) -> Result<Tables<'a>, String> {
    let mut all = Tables::default();
    for (prepared, n) in commits.iter().zip(1_i32..) {
        let mut one = One { n, into: &mut all };
        one.guards(&prepared.commit)?;
        one.payment(prepared)?;
        one.operations(prepared)?;
        one.attempts(prepared);
        one.postings(&prepared.commit, accounts)?;
        one.tasks(&prepared.commit)?;
        one.messages(&prepared.commit)?;
        one.secrets(&prepared.commit)?;
    }
    all.fingerprints.sort_unstable_by_key(|it| (it.project, it.digest));
    all.notifications.sort_unstable_by_key(|it| (it.account, it.id));
    all.names.sort_by_key(|it| (it.project, it.kind, it.folded));
    all.payments.sort_unstable_by_key(|it| it.key);
    all.operations.sort_unstable_by_key(|it| it.id);
    all.attempts.sort_unstable_by_key(|it| it.reference);
    all.tasks.sort_unstable_by_key(|it| (it.kind, it.number));
    all.done.sort_unstable_by_key(|it| (it.kind, it.number));
    all.deliveries.sort_unstable_by_key(|it| it.id);
    all.cards.sort_by_key(|it| (it.project, it.key));
    all.forget.sort_unstable_by_key(|it| it.operation);
    Ok(all)
}

/// What the batch's guards look at, and nothing else.
pub(super) fn guards<'a>(commits: &[&'a Prepared], into: &mut Tables<'a>) -> Result<(), String> {
    for (prepared, n) in commits.iter().zip(1_i32..) {
        let mut one = One { n, into };
        one.guards(&prepared.commit)?;
        one.payment(prepared)?;
    }
    Ok(())
}

/// A count as a column of four bytes holds it.
pub(super) fn int4(count: u32) -> Result<i32, String> {
    i32::try_from(count).map_err(|_| format!("{count} is more than a column holds"))
}

/// An ISO 4217 number, which has three digits.
pub(super) fn currency(numeric: u16) -> i16 {
    i16::try_from(numeric).unwrap_or(i16::MAX)
}

fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::micros)
}

/// One commit on its way into the tables.
struct One<'a, 'b> {
    n: i32,
    into: &'b mut Tables<'a>,
}

impl<'a> One<'a, '_> {
    fn guards(&mut self, commit: &'a Commit) -> Result<(), String> {
        let n = self.n;
        if let Some(fence) = commit.fence {
            self.into.fences.push(t::fences::Row { n, bucket: fence.bucket.into(), epoch: fence.epoch });
        }
        if let Some((project, ahead)) = commit.clock {
            self.into.clocks.push(t::clocks::Row { n, project: project.get(), ahead });
        }
        if let Some(it) = &commit.notification {
            let (account, at) = (it.account.get(), it.at.micros());
            self.into.notifications.push(t::notifications::Row {
                n,
                account,
                id: &it.id,
                body: &it.body,
                at,
            });
        }
        for (name, ord) in commit.changes.names.iter().zip(0_i32..) {
            self.into.names.push(t::names::Row {
                n,
                ord,
                project: name.project.get(),
                kind: name.kind.number().into(),
                folded: &name.folded,
                payment: name.payment.get(),
                exclusive: name.kind.is_exclusive(),
            });
        }
        commit.deliveries.iter().try_for_each(|it| {
            self.into.deliveries.push(t::deliveries::Row {
                n,
                id: delivery_id(it),
                before: int4(it.attempts_before)?,
                reopens: it.reopens(),
                state: it.state.number().into(),
                attempts: int4(it.attempts)?,
                status: i16::try_from(it.status).unwrap_or(i16::MAX),
                tried_at: it.at.micros(),
            });
            Ok(())
        })
    }

    fn request(&mut self, request: &'a Request, problems: Option<&'a str>) {
        let (n, at, project) = (self.n, request.at.micros(), request.project.get());
        if let Some(digest) = request.fingerprint {
            self.into.fingerprints.push(t::fingerprints::Row {
                n,
                project,
                digest: Uuid::from_bytes(digest),
                request: request.id.get(),
                expires_at: at.saturating_add(WINDOW_MICROS),
                at,
            });
        }
        self.into.requests.push(t::requests::Row {
            n,
            id: request.id.get(),
            project,
            path: request.path,
            payment_id: &request.payment_id,
            payment: request.payment.map(PaymentKey::get),
            operation: request.operation.map(OperationId::get),
            problems,
            at,
        });
    }

    fn payment(&mut self, prepared: &'a Prepared) -> Result<(), String> {
        let changes = &prepared.commit.changes;
        if let Some(request) = &changes.request {
            self.request(request, prepared.problems.as_deref());
        }
        match &changes.payment {
            None => Ok(()),
            Some(PaymentWrite::Insert(it)) => self.new_payment(it, &prepared.payment_detail),
            Some(PaymentWrite::Update { payment, expected }) => {
                self.changed_payment(payment, *expected, &prepared.payment_detail)
            }
        }
    }

    fn new_payment(&mut self, it: &'a Payment, detail: &'a str) -> Result<(), String> {
        self.into.new_payments.push(t::new_payments::Row {
            n: self.n,
            key: it.key.get(),
            project: it.project.get(),
            id: it.id.as_str(),
            kind: it.kind.number().into(),
            status: it.status.number().into(),
            currency: currency(it.currency.numeric()),
            requested: it.requested,
            held: it.held,
            debited: it.debited,
            returned: it.returned,
            returning_now: it.returning,
            refunded_any: it.refunded_any,
            open: it.open.map(OperationId::get),
            last_return_at: micros(it.last_return_at),
            callbacks: int4(it.callbacks)?,
            version: int4(it.version)?,
            created_at: it.created_at.micros(),
            updated_at: it.updated_at.micros(),
            detail,
        });
        Ok(())
    }

    fn changed_payment(&mut self, it: &'a Payment, expected: u32, detail: &'a str) -> Result<(), String> {
        self.into.payments.push(t::payments::Row {
            n: self.n,
            key: it.key.get(),
            project: it.project.get(),
            expected: int4(expected)?,
            status: it.status.number().into(),
            requested: it.requested,
            held: it.held,
            debited: it.debited,
            returned: it.returned,
            returning_now: it.returning,
            refunded_any: it.refunded_any,
            open: it.open.map(OperationId::get),
            last_return_at: micros(it.last_return_at),
            callbacks: int4(it.callbacks)?,
            version: int4(it.version)?,
            updated_at: it.updated_at.micros(),
            detail,
        });
        Ok(())
    }

    fn operations(&mut self, prepared: &'a Prepared) -> Result<(), String> {
        let n = self.n;
        for (write, detail) in prepared.commit.changes.operations.iter().zip(&prepared.operation_details) {
            let it: &Operation = write.record();
            let code = int4(it.code.get())?;
            let (id, payment, status) = (it.id.get(), it.payment.get(), it.status.number().into());
            let (minor, updated_at) = (it.amount.minor, it.updated_at.micros());
            match write {
                Write::Insert(_) => self.into.new_operations.push(t::new_operations::Row {
                    n,
                    id,
                    payment,
                    project: it.project.get(),
                    kind: it.kind.number().into(),
                    status,
                    minor,
                    currency: currency(it.amount.currency.numeric()),
                    request: it.request.get(),
                    code,
                    created_at: it.created_at.micros(),
                    updated_at,
                    detail,
                }),
                Write::Update(_) => {
                    let row = t::operations::Row { n, id, payment, status, minor, code, updated_at, detail };
                    self.into.operations.push(row);
                }
            }
        }
        Ok(())
    }

    fn attempts(&mut self, prepared: &'a Prepared) {
        let n = self.n;
        for (write, answer) in prepared.commit.changes.attempts.iter().zip(&prepared.answers) {
            let it: &Attempt = write.record();
            let (reference, payment) = (it.id.reference(), it.payment.get());
            let (status, minor) = (it.status.number().into(), it.amount.minor);
            let (suspended, late_approvals) = (it.suspended, it.late_approvals.into());
            let (updated_at, answer) = (it.updated_at.micros(), answer.as_deref());
            match write {
                Write::Insert(_) => self.into.new_attempts.push(t::new_attempts::Row {
                    n,
                    reference,
                    payment,
                    account: it.account.get(),
                    ask: it.ask.number().into(),
                    status,
                    minor,
                    currency: currency(it.amount.currency.numeric()),
                    created_at: it.created_at.micros(),
                    updated_at,
                    suspended,
                    late_approvals,
                    answer,
                }),
                Write::Update(_) => self.into.attempts.push(t::attempts::Row {
                    n,
                    reference,
                    payment,
                    status,
                    minor,
                    updated_at,
                    suspended,
                    late_approvals,
                    answer,
                }),
            }
        }
    }

    fn postings(&mut self, commit: &'a Commit, accounts: &Accounts) -> Result<(), String> {
        for entry in &commit.changes.entries {
            for (leg, position) in entry.legs.iter().zip(0_i16..) {
                let account = accounts.get(&leg.account);
                self.into.postings.push(t::postings::Row {
                    n: self.n,
                    operation: entry.operation.get(),
                    kind: int4(entry.kind.number())?,
                    leg: position,
                    settled: leg.settled,
                    account: *account.ok_or("an account could not be opened")?,
                    minor: leg.minor,
                    at: entry.at.micros(),
                });
            }
        }
        Ok(())
    }

    /// What the commit leaves of each task it names: one statement cannot take a row away and put it back.
    fn tasks(&mut self, commit: &'a Commit) -> Result<(), String> {
        let mut last: Vec<(TaskKey, Option<&Task>)> = Vec::new();
        let mut say =
            |key: TaskKey, task: Option<&'a Task>| match last.iter_mut().find(|(known, _)| *known == key) {
                Some(found) => found.1 = task,
                None => last.push((key, task)),
            };
        commit.changes.done.iter().for_each(|key| say(*key, None));
        let put = commit.changes.tasks.iter().chain(commit.callbacks.iter().flat_map(|it| &it.tasks));
        put.for_each(|task| say(task.key, Some(task)));
        commit.deliveries.iter().for_each(|it| say(it.task, it.again.as_ref()));
        for (key, task) in last {
            let (kind, number) = key.parts();
            let (n, kind) = (self.n, i16::from(kind));
            match task {
                None => self.into.done.push(t::done::Row { n, kind, number }),
                Some(task) => self.into.tasks.push(t::tasks::Row {
                    n,
                    kind,
                    number,
                    bucket: task.bucket.into(),
                    tries: int4(task.tries)?,
                    clock: task.clock.map_or(0, ProjectId::get),
                    due: task.due.micros(),
                }),
            }
        }
        Ok(())
    }

    fn messages(&mut self, commit: &'a Commit) -> Result<(), String> {
        let n = self.n;
        for it in &commit.callbacks {
            let (kind, subject) = subject_parts(it.subject);
            self.into.callbacks.push(t::callbacks::Row {
                n,
                id: it.id.get(),
                project: it.project.get(),
                subject_kind: kind.into(),
                subject: Uuid::from_bytes(subject),
                number: int4(it.number)?,
                created_at: it.created_at.micros(),
                due: it.due.micros(),
                body: &it.body,
            });
            for (url, position) in it.addresses.iter().zip(0_u8..=255) {
                let (_, id) = TaskKey::Deliver(it.id, position).parts();
                self.into.new_deliveries.push(t::new_deliveries::Row {
                    n,
                    id,
                    tried_at: it.due.micros(),
                    url,
                });
            }
        }
        Ok(())
    }

    fn secrets(&mut self, commit: &'a Commit) -> Result<(), String> {
        let n = self.n;
        if let Some((project, key, sealed)) = &commit.card {
            self.into.cards.push(t::cards::Row {
                n,
                project: project.get(),
                key: key.get(),
                sealed_key: int4(sealed.key)?,
                sealed: &sealed.bytes,
            });
        }
        let ended = commit.changes.operations.iter().map(Write::record).filter(|it| it.status.is_final());
        let mut forgotten: Vec<OperationId> = ended.map(|it| it.id).collect();
        forgotten.extend(&commit.changes.forget_cvv);
        // What would be forgotten in the same commit is not kept at all.
        if let Some((operation, sealed)) = commit.cvv.as_ref().filter(|(it, _)| !forgotten.contains(it)) {
            let (operation, sealed_key) = (operation.get(), int4(sealed.key)?);
            self.into.cvv.push(t::cvv::Row { n, operation, sealed_key, sealed: &sealed.bytes });
        }
        self.into.forget.extend(forgotten.iter().map(|it| t::forget::Row { n, operation: it.get() }));
        Ok(())
    }
}
