//! What must hold after every commit, told from the history of operations and not from the payment's own
//! totals.

use super::World;
use ferropay_domain::{
    callback::{Content, Event},
    change::TaskKey,
    codes,
    ledger::Owner,
    money::Money,
    payment::{
        AttemptStatus, Operation, OperationKind, OperationStatus, Payment, PaymentStatus,
        machine::{Notice, OPERATIONS, PaymentEffect, Transition},
    },
};
use std::collections::BTreeMap;

impl World {
    /// An operation moved: there is a row for it, and payment and callbacks changed as the row says and in
    /// nothing else.
    pub(super) fn audit_transition(
        &mut self,
        before: Option<&Payment>,
        old: Option<&Operation>,
        new: &Operation,
        events: &[Event],
    ) {
        let row = row_taken(old, new);
        self.rows.insert(row.id);
        assert_eq!(new.updated_at, self.now.business);
        let after = self.payment();
        assert_eq!(events.len(), usize::from(row.notice == Notice::Result), "{}", row.id);
        let Some(before) = before else {
            assert_eq!(row.payment, PaymentEffect::Becomes(after.status));
            return;
        };
        let expected_status = match row.payment {
            PaymentEffect::Becomes(status) => status,
            PaymentEffect::Unchanged => before.status,
            PaymentEffect::Returned => self.status_by_returns(),
        };
        assert_eq!(after.status, expected_status, "{}", row.id);
        // What every ending operation may change; all else stays, unless it succeeded.
        let mut frame = Payment { version: after.version, callbacks: after.callbacks, ..before.clone() };
        match new.status {
            OperationStatus::Processing => return,
            OperationStatus::Decline if old.is_some() => {
                frame.open = None;
                frame.status = after.status;
                if new.kind == OperationKind::Sale {
                    frame.updated_at = self.now.business;
                } else {
                    frame.returning -= new.amount.minor;
                }
                assert_eq!(*after, frame, "{}", row.id);
            }
            OperationStatus::Decline => assert_eq!(*after, frame, "{}", row.id),
            OperationStatus::Success => assert_eq!(after.open, None),
        }
        if new.status == OperationStatus::Success || before.status != after.status {
            self.moves.insert((before.status, after.status));
        }
        assert!(
            new.code != codes::AWAITING
                && (new.code == codes::SUCCESS) == (new.status == OperationStatus::Success)
        );
    }

    fn succeeded(&self, kind: OperationKind) -> impl Iterator<Item = &Operation> {
        self.operations.values().filter(move |it| it.kind == kind && it.status == OperationStatus::Success)
    }

    /// D-25, from the operations alone.
    fn status_by_returns(&self) -> PaymentStatus {
        let total = |kind| self.succeeded(kind).map(|it| it.amount.minor).sum::<i64>();
        let all = total(OperationKind::Sale) == total(OperationKind::Refund) + total(OperationKind::Reversal);
        match (all, self.succeeded(OperationKind::Refund).next().is_some()) {
            (true, true) => PaymentStatus::Refunded,
            (true, false) => PaymentStatus::Reversed,
            (false, true) => PaymentStatus::PartiallyRefunded,
            (false, false) => PaymentStatus::PartiallyReversed,
        }
    }

    /// What must hold after every commit.
    pub(super) fn audit(&self) {
        let payment = self.payment();
        let operations = || self.operations.values();
        let is_return = |it: &&Operation| it.kind != OperationKind::Sale;
        let open: Vec<_> = operations().filter(|it| !it.status.is_final()).collect();
        assert!(open.len() <= 1, "at most one open operation");
        assert_eq!(payment.open, open.first().map(|it| it.id));

        let sold: i64 = self.succeeded(OperationKind::Sale).map(|it| it.amount.minor).sum();
        let done = |it: &&Operation| it.status == OperationStatus::Success;
        let returned: i64 = operations().filter(is_return).filter(done).map(|it| it.amount.minor).sum();
        let returning: i64 = open.iter().copied().filter(is_return).map(|it| it.amount.minor).sum();
        assert_eq!((payment.debited, payment.returned, payment.returning), (sold, returned, returning));
        assert!(returned + returning <= sold);
        assert_eq!(payment.returnable(), sold - returned - returning);
        let sum = if sold == 0 { payment.requested } else { sold - returned };
        assert_eq!(payment.sum(), Money::new(sum, payment.currency), "U-270 to U-279");
        assert_eq!(payment.refunded_any, self.succeeded(OperationKind::Refund).next().is_some());

        let fees: i64 = operations().filter(done).map(|it| it.detail.fee_minor).sum();
        let suspense: i64 = self
            .attempts
            .values()
            .map(|it| match self.operations.get(&it.id.operation).unwrap().kind {
                OperationKind::Sale => it.suspended,
                OperationKind::Refund | OperationKind::Reversal => -it.suspended,
            })
            .sum();
        assert_eq!(self.merchant(), self.opening + sold - returned - fees);
        assert_eq!(self.balance(Owner::Fees(self.project.id)), fees);
        assert_eq!(self.balance(Owner::Customers(self.project.id)), 0);
        assert_eq!(self.suspense(), suspense);
        assert_eq!(self.provider(), returned - sold - suspense);
        assert_eq!(self.balances.values().sum::<i64>(), 0, "books balance");

        let held: BTreeMap<_, _> = self.holds.values().map(|it| (it.operation, it.minor)).collect();
        let owed =
            open.iter().copied().filter(is_return).map(|it| (it.id, it.amount.minor + it.detail.fee_minor));
        assert_eq!(held, owed.collect(), "only the running return holds money");
        let floor = self.project.floor(payment.currency);
        assert!(self.merchant() - held.values().sum::<i64>() >= floor, "the floor is kept");

        for attempt in self.attempts.values() {
            let (call, reverse) = (TaskKey::Call(attempt.id), TaskKey::Reverse(attempt.id));
            let expected = match attempt.status {
                AttemptStatus::Created | AttemptStatus::Unknown => (true, false),
                AttemptStatus::Reversing => (false, true),
                _ => (false, false),
            };
            assert_eq!((self.has_task(call), self.has_task(reverse)), expected, "{:?}", attempt.status);
            assert!(attempt.status.is_settled() || expected != (false, false));
            assert!(attempt.suspended == 0 || attempt.status == AttemptStatus::Reversing);
            let operation = self.operations.get(&attempt.id.operation).unwrap();
            let approved = attempt.status == AttemptStatus::Approved;
            assert_eq!(approved, operation.status == OperationStatus::Success, "one outcome for both");
            let kept = operation.kind == OperationKind::Sale && !self.forgotten.contains(&operation.id);
            assert!(expected.0 || !kept, "a verification value is kept only while a call may need it");
        }

        for (number, event) in (1_u32..).zip(&self.events) {
            assert_eq!(event.number, number, "callbacks are numbered without gaps");
        }
        assert_eq!(usize::try_from(payment.callbacks).unwrap(), self.events.len());
        if let Some(Content::Operation { payment: told, operation, .. }) =
            self.events.last().map(|it| &it.content)
        {
            assert!(operation.status.is_final());
            assert!(told.callbacks == payment.callbacks && told.version <= payment.version);
        }
    }
}

/// No operation moved: then nothing of the payment did but its version.
pub(super) fn assert_untouched(before: Option<&Payment>, after: Option<&Payment>) {
    let (Some(before), Some(after)) = (before, after) else {
        assert!(before.is_none() && after.is_none());
        return;
    };
    assert_eq!(*after, Payment { version: after.version, ..before.clone() });
}

fn row_taken(old: Option<&Operation>, new: &Operation) -> &'static Transition {
    let timed_out = new.code == codes::AUTO_DECLINE;
    let rows: Vec<&Transition> = OPERATIONS
        .iter()
        .filter(|row| {
            row.kinds.contains(&new.kind) && row.from == old.map(|it| it.status) && row.to == new.status
        })
        .filter(|row| row.to != OperationStatus::Decline || old.is_none() || (row.id == "T-069") == timed_out)
        .collect();
    assert_eq!(rows.len(), 1, "{:?} to {:?} is one row", old.map(|it| it.status), new.status);
    rows[0]
}
