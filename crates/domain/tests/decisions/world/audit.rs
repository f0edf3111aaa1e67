//! What must hold after every commit, told from the history of operations and not from the payment's own
//! totals.

use super::World;
use ferropay_domain::{
    callback::{Content, Event},
    change::{TaskKey, Walked},
    codes, decide,
    ids::OperationId,
    ledger::Owner,
    money::Money,
    payment::{
        Ask, AttemptStatus, AuthenticationStep, Credit, Operation, OperationKind, OperationStatus, Payment,
        PaymentKind, PaymentStatus,
        machine::{Event as Step, Notice, OPERATIONS, PaymentEffect, PaymentMachine, Transition},
    },
    project::HoldEnd,
};
use std::collections::BTreeMap;

impl World {
    /// Operations moved: each along rows of the table, one after the other, and payment and callbacks changed as the
    /// rows say and in nothing else.
    pub(super) fn audit_walk(
        &mut self,
        before: Option<&Payment>,
        old: &BTreeMap<OperationId, Option<Operation>>,
        walked: &[Walked],
        events: &[Event],
    ) {
        for (id, old) in old {
            let new = self.operations.get(id).unwrap();
            let mut status = old.as_ref().map(|it| it.status);
            let mut code = old.as_ref().map_or(codes::AWAITING, |it| it.code);
            for step in walked.iter().filter(|step| step.operation == *id) {
                assert!(step.row.kinds.contains(&new.kind) && step.row.from == status, "{}", step.row.id);
                assert!(OPERATIONS.contains(step.row), "{}", step.row.id);
                (status, code) = (Some(step.row.to), step.code);
            }
            assert_eq!((status, code), (Some(new.status), new.code), "no move beside the table");
            if old.as_ref().map(|it| it.status) != status {
                assert_eq!(new.updated_at, self.now.business);
            }
            assert_eq!(new.code == codes::AWAITING, !new.status.is_final(), "G-050");
            assert_eq!(new.code == codes::SUCCESS, new.status == OperationStatus::Success);
        }
        assert!(walked.iter().all(|step| old.contains_key(&step.operation)));
        // Who pays by a link is led by the platform (G-443); what failed is told all the same.
        let by_link = self.payment().kind == PaymentKind::Invoice;
        let is_led = |row: &Transition| {
            by_link && row.notice == Notice::Prescriptive && row.to != OperationStatus::Decline
        };
        let is_told = |row: &Transition| row.notice != Notice::None && !is_led(row);
        let told = walked.iter().filter(|step| is_told(step.row)).count();
        assert_eq!(events.len(), told, "callbacks are those of the rows");
        assert!(told <= 1, "one decision tells one thing");

        let mut status = before.map_or(PaymentStatus::Processing, |it| it.status);
        for step in walked {
            self.rows.insert(step.row.id);
            let kind = self.operations.get(&step.operation).unwrap().kind;
            // Returns move both kinds of purchases; what was held makes it one in two steps.
            let machine = match &self.payment().detail.hold {
                Some(_) => PaymentMachine::TwoStep,
                None => PaymentMachine::of(kind),
            };
            let to = self.payment_after(status, step.operation, step.row);
            if status != to || (step.row.to == OperationStatus::Success && moves_payment(step.row)) {
                self.moves.insert((machine as u8, status, to));
            }
            status = to;
        }
        assert_eq!(self.payment().status, status, "{walked:?}");
        if let Some(before) = before {
            self.audit_frame(before, old, walked);
        }
    }

    /// What a row makes of a payment.
    fn payment_after(
        &mut self,
        status: PaymentStatus,
        operation: OperationId,
        row: &'static Transition,
    ) -> PaymentStatus {
        let operation = self.operations.get(&operation).unwrap();
        match row.payment {
            PaymentEffect::Becomes(to) => to,
            PaymentEffect::Unchanged => status,
            PaymentEffect::Returned => {
                self.refunded |= operation.kind == OperationKind::Refund;
                match (self.given_back() == self.debited(), self.refunded) {
                    (true, true) => PaymentStatus::Refunded,
                    (true, false) => PaymentStatus::Reversed,
                    (false, true) => PaymentStatus::PartiallyRefunded,
                    (false, false) => PaymentStatus::PartiallyReversed,
                }
            }
            PaymentEffect::ReturnUndone if self.given_back() == 0 => {
                self.refunded = false;
                PaymentStatus::Success
            }
            PaymentEffect::ReturnUndone => PaymentStatus::PartiallyRefunded,
            PaymentEffect::DebitEnded => panic!("is told with its series"),
            PaymentEffect::AsTheHold => {
                let hold = self.payment().detail.hold.clone().unwrap();
                let over = hold.ends.is_some_and(|ends| ends <= self.now.business);
                let gone = operation.code == codes::ORIGINAL_GONE && row.event == Step::Declined;
                if over || gone { PaymentStatus::Decline } else { status }
            }
        }
    }

    /// An operation that ended without effect leaves the payment as it was but for what its row says.
    fn audit_frame(
        &self,
        before: &Payment,
        old: &BTreeMap<OperationId, Option<Operation>>,
        walked: &[Walked],
    ) {
        let after = self.payment();
        for (id, old) in old {
            let new = self.operations.get(id).unwrap();
            if new.status != OperationStatus::Decline {
                continue;
            }
            let mut frame = Payment {
                version: after.version,
                callbacks: after.callbacks,
                status: after.status,
                ..before.clone()
            };
            if after.status != before.status {
                frame.updated_at = self.now.business;
            }
            if old.is_some() {
                frame.open = None;
                if new.kind.is_return() {
                    frame.returning -= new.amount.minor;
                }
            }
            // A card came with it.
            let with_card = old.is_none() && before.kind == PaymentKind::Invoice
                || old.as_ref().is_some_and(|it| it.status == OperationStatus::AwaitingPayoutCompletion);
            let again = old.is_none() && before.status == PaymentStatus::AwaitingCustomer;
            if walked.iter().any(|step| step.row.event == Step::AttemptOffered) {
                frame.detail.attempts.clone_from(&after.detail.attempts);
            }
            if with_card || again || walked.iter().any(|step| step.row.event == Step::DataComplete) {
                frame.detail = after.detail.clone();
            }
            if new.detail.automatic && old.is_none() && before.open != Some(*id) {
                // A change of a hold that was refused, recorded beside the operation that needed it.
                frame.open = after.open;
            }
            let is_uncredited = new.kind == OperationKind::PaymentConfirmation
                || new.kind.is_return() && before.detail.goes_back;
            if let Some(begun) = walked.iter().find(|step| step.operation != *id && is_uncredited) {
                // What was paid goes back at once.
                frame.open = Some(begun.operation);
                frame.returning = before.debited - before.returned;
                frame.detail.credit = Some(Credit::Failed);
                frame.detail.goes_back = false;
                frame.last_return_at = Some(self.now.business);
            }
            assert_eq!(*after, frame, "{walked:?}");
        }
    }

    fn succeeded(&self, kind: OperationKind) -> i64 {
        let done = |it: &&Operation| it.kind == kind && it.status == OperationStatus::Success;
        self.operations.values().filter(done).map(|it| it.amount.minor).sum()
    }

    /// Support cancelled a payout: nothing but the payment's status tells of it (M-037).
    pub(super) fn audit_cancellation(
        &mut self,
        before: Option<&Payment>,
        walked: &[Walked],
        events: &[Event],
    ) {
        assert!(walked.is_empty());
        let (before, after) = (before.unwrap(), self.payment());
        assert_eq!((before.status, after.status), (PaymentStatus::Success, PaymentStatus::Decline));
        let frame = Payment {
            status: after.status,
            updated_at: self.now.business,
            version: after.version,
            callbacks: before.callbacks + u32::try_from(events.len()).unwrap(),
            ..before.clone()
        };
        assert_eq!(*after, frame);
        let machine = PaymentMachine::Payout as u8;
        self.moves.insert((machine, PaymentStatus::Success, PaymentStatus::Decline));
    }

    /// The time for further attempts is over: nothing but the payment's status tells of it, and one callback (G-513).
    pub(super) fn audit_end_of_attempts(
        &mut self,
        before: Option<&Payment>,
        walked: &[Walked],
        events: &[Event],
    ) {
        assert!(walked.is_empty() && events.len() == 1);
        let (before, after) = (before.unwrap(), self.payment());
        assert_eq!((before.status, after.status), (PaymentStatus::AwaitingCustomer, PaymentStatus::Decline));
        let frame = Payment {
            status: after.status,
            updated_at: self.now.business,
            version: after.version,
            callbacks: before.callbacks + 1,
            ..before.clone()
        };
        assert_eq!(*after, frame);
        let machine = PaymentMachine::of(self.operation().kind) as u8;
        self.moves.insert((machine, before.status, PaymentStatus::Decline));
    }

    /// What went to the customer by payouts, and stayed there as far as the platform knows.
    fn credited(&self) -> i64 {
        let paid = self.succeeded(OperationKind::Payout) - self.succeeded(OperationKind::PayoutReversal);
        if self.is_cancelled() { 0 } else { paid }
    }

    fn is_cancelled(&self) -> bool {
        self.succeeded(OperationKind::Payout) > 0 && self.payment().status == PaymentStatus::Decline
    }

    fn debited(&self) -> i64 {
        self.succeeded(OperationKind::Sale) + self.succeeded(OperationKind::Capture)
    }

    fn given_back(&self) -> i64 {
        self.succeeded(OperationKind::Refund) + self.succeeded(OperationKind::Reversal)
            - self.succeeded(OperationKind::RefundReversal)
    }

    fn held(&self) -> i64 {
        self.succeeded(OperationKind::Auth) + self.succeeded(OperationKind::Incremental)
            - self.succeeded(OperationKind::Decremental)
    }

    /// What must hold after every commit.
    pub(super) fn audit(&self) {
        let payment = self.payment();
        let open: Vec<_> = self.operations.values().filter(|it| it.status.is_open()).collect();
        assert!(open.len() <= 1, "at most one open operation");
        assert_eq!(payment.open, open.first().map(|it| it.id));

        let (sold, returned, held) = (self.debited(), self.given_back(), self.held());
        let returns = open.iter().filter(|it| it.kind.is_return());
        let returning: i64 = returns.map(|it| it.amount.minor).sum();
        assert_eq!((payment.debited, payment.returned, payment.returning), (sold, returned, returning));
        assert!(held >= 0 && payment.held == held, "{held}");
        assert!(0 <= returned && returned + returning <= sold);
        assert_eq!(payment.returnable(), sold - returned - returning);
        let sum = match (sold, held) {
            (0, 0) if self.succeeded(OperationKind::PayoutReversal) > 0 => 0,
            (0, 0) => payment.requested,
            (0, held) => held,
            _ => sold - returned,
        };
        assert_eq!(payment.sum(), Money::new(sum, payment.currency), "U-270 to U-279");
        assert_eq!(payment.refunded_any, self.refunded);

        self.audit_books(sold, returned);
        self.audit_timers();
        self.audit_minimised();
        self.audit_attempts();
        self.audit_callbacks();

        let promised: BTreeMap<_, _> = self.holds.values().map(|it| (it.operation, it.minor)).collect();
        let spending = |kind: OperationKind| kind.is_return() || kind == OperationKind::Payout;
        let owed = open
            .iter()
            .filter(|it| spending(it.kind) && it.status != OperationStatus::AwaitingPayoutCompletion)
            .map(|it| (it.id, it.amount.minor + it.detail.fee_minor));
        assert_eq!(promised, owed.collect(), "only what is running and spends holds money");
        let floor = self.project.floor(payment.currency);
        // What never arrived goes back whatever the merchant has.
        let uncredited =
            self.operations.values().any(|it| it.kind == OperationKind::Reversal && it.detail.automatic);
        assert!(uncredited || self.merchant() - promised.values().sum::<i64>() >= floor, "the floor is kept");
    }

    fn audit_books(&self, sold: i64, returned: i64) {
        // A name that was checked costs its fee whatever becomes of the verification.
        let done = |it: &&Operation| it.status.is_final();
        let fees: i64 = self.operations.values().filter(done).map(|it| it.detail.fee_minor).sum();
        let fees = if self.is_cancelled() { 0 } else { fees };
        let paid = self.credited();
        let suspense: i64 = self.attempts.values().map(|it| it.ask.money_direction() * it.suspended).sum();
        assert_eq!(self.merchant(), self.opening + sold - returned - paid - fees);
        assert_eq!(self.balance(Owner::Fees(self.project.id)), fees);
        assert_eq!(self.balance(Owner::Customers(self.project.id)), 0);
        assert_eq!(self.suspense(), suspense);
        let moved = self.moved_there();
        let converted = self.operations.values().any(|it| it.detail.conversion.is_some());
        assert!(converted || moved == returned + paid - sold);
        assert_eq!(self.provider(), moved - suspense);
        self.audit_conversion();
        assert_eq!(self.balances.values().sum::<i64>(), 0, "books balance");
    }

    /// What went out through the provider, less what came in, in the currency it is asked in.
    fn moved_there(&self) -> i64 {
        let done = |it: &&Operation| it.status == OperationStatus::Success;
        let moved = self.operations.values().filter(done).map(|it| {
            let minor = it.processed().minor;
            match it.kind {
                OperationKind::Sale
                | OperationKind::Capture
                | OperationKind::RefundReversal
                | OperationKind::PayoutReversal => -minor,
                OperationKind::Payout if self.is_cancelled() => 0,
                OperationKind::Refund | OperationKind::Reversal | OperationKind::Payout => minor,
                _ => 0,
            }
        });
        moved.sum()
    }

    /// What is converted adds up at the provider, no more is given back than was taken, and each message asks for what its
    /// operation was converted into.
    fn audit_conversion(&self) {
        for attempt in self.attempts.values() {
            let operation = self.operations.get(&attempt.id.operation).unwrap();
            assert_eq!(attempt.amount.currency, operation.processed().currency);
        }
        for operation in self.operations.values().filter(|it| it.detail.conversion.is_some()) {
            assert_eq!(operation.amount.currency, self.payment().currency, "G-448");
            assert!(operation.amount.minor == 0 || operation.processed().minor > 0);
        }
        let Some(totals) = self.payment().detail.channel.as_deref() else { return };
        let done = |kinds: &[OperationKind]| -> i64 {
            let of_kind = |it: &&Operation| kinds.contains(&it.kind) && it.status == OperationStatus::Success;
            self.operations.values().filter(of_kind).map(|it| it.processed().minor).sum()
        };
        let debited = done(&[OperationKind::Sale, OperationKind::Capture]);
        let returned =
            done(&[OperationKind::Refund, OperationKind::Reversal]) - done(&[OperationKind::RefundReversal]);
        let held =
            done(&[OperationKind::Auth, OperationKind::Incremental]) - done(&[OperationKind::Decremental]);
        assert_eq!((totals.debited, totals.returned, totals.held), (debited, returned, held));
        assert!(0 <= returned && returned <= debited && held >= 0);
        if self.payment().returned == self.payment().debited && self.payment().refunded_any {
            assert!(totals.left() >= 0);
        }
    }

    /// What only served to authenticate a customer goes with the operation's end.
    fn audit_minimised(&self) {
        let finals = self.operations.values().filter(|operation| operation.status.is_final());
        for known in finals.filter_map(|operation| operation.detail.authentication.as_deref()) {
            assert!(known.data.is_empty(), "members for the directory server are kept");
            assert_eq!((&known.form, &known.issuer_form, known.device_data), (&None, &None, None));
            assert_eq!(known.step, AuthenticationStep::Done);
        }
    }

    /// Whoever waits has a timer, and nobody else; the same for holds and for questions to the directory server.
    fn audit_timers(&self) {
        let payment = self.payment();
        for operation in self.operations.values() {
            let timer = self.tasks.get(&format!("{:?}", TaskKey::EndWait(operation.id)));
            let until = operation.detail.wait.as_ref().map(|wait| wait.until);
            assert_eq!(operation.status.is_waiting(), until.is_some(), "{}", operation.status);
            let payable = payment.detail.link.as_deref().filter(|_| operation.status.is_payable());
            let best_before = payable.filter(|_| payment.status.is_payable()).map(|link| link.best_before);
            assert_eq!(timer.map(|task| task.due), until.or(best_before));
            let asks = operation.detail.authentication.as_ref().is_some_and(|authentication| {
                authentication.step == AuthenticationStep::Asking && !operation.status.is_final()
            });
            assert_eq!(self.has_task(TaskKey::Authenticate(operation.id)), asks);
            let asks = decide::is_confirming(operation);
            assert_eq!(self.has_task(TaskKey::Confirm(operation.id)), asks, "the merchant is asked");
            let holds = payment.detail.hold.as_ref().filter(|hold| hold.attempt.operation == operation.id);
            let by_platform =
                payment.open.is_some_and(|open| self.operations.get(&open).unwrap().detail.automatic);
            let settings = &self.project.settings;
            let released_after_lag =
                settings.hold_lag_seconds.is_some() && settings.hold_end == HoldEnd::Cancel;
            let ends = holds.is_some_and(|hold| hold.ends.is_some() || released_after_lag)
                && payment.status == PaymentStatus::AwaitingCapture
                && !by_platform;
            assert_eq!(self.has_task(TaskKey::EndHold(operation.id)), ends, "the hold has an end");
            let failed = payment.detail.attempts.as_deref().and_then(|attempts| attempts.failed);
            let awaited = payment.status == PaymentStatus::AwaitingCustomer && failed == Some(operation.id);
            assert_eq!(self.has_task(TaskKey::EndAttempts(operation.id)), awaited);
            assert!(!awaited || payment.open.is_none(), "nobody tries again while something runs");
        }
        let purchases = [OperationKind::Sale, OperationKind::Auth];
        let done = self.operations.values().filter(|it| it.status == OperationStatus::Success);
        let paid = done.filter(|it| purchases.contains(&it.kind)).count();
        assert!(paid <= 1, "the customer pays once, however often they try");
        assert_eq!(payment.status == PaymentStatus::AwaitingCapture, self.is_held());
    }

    /// Whether an amount is held, told from the operations that succeeded.
    fn is_held(&self) -> bool {
        let ended = self.succeeded(OperationKind::Capture) > 0
            || self.operations.values().any(|it| {
                it.kind == OperationKind::Cancel
                    && it.status == OperationStatus::Success
                    && self
                        .attempts
                        .values()
                        .any(|attempt| attempt.id.operation == it.id && attempt.ask == Ask::Release)
            });
        self.held() > 0 && !ended && self.payment().status != PaymentStatus::Decline
    }

    fn audit_attempts(&self) {
        for attempt in self.attempts.values() {
            let (call, reverse) = (TaskKey::Call(attempt.id), TaskKey::Reverse(attempt.id));
            let expected = match attempt.status {
                AttemptStatus::Created | AttemptStatus::Unknown | AttemptStatus::Pending => (true, false),
                AttemptStatus::Reversing => (false, true),
                _ => (false, false),
            };
            assert_eq!((self.has_task(call), self.has_task(reverse)), expected, "{:?}", attempt.status);
            assert!(attempt.status.is_settled() || expected != (false, false));
            assert!(attempt.suspended == 0 || attempt.status == AttemptStatus::Reversing);
            assert!(attempt.suspended == 0 || attempt.ask.money_direction() != 0, "holds move no money");
            let operation = self.operations.get(&attempt.id.operation).unwrap();
            let done = operation.status == OperationStatus::Success;
            let is_step = matches!(attempt.ask, Ask::Increment | Ask::Decrement | Ask::StartMerchantAuth)
                && operation.kind != OperationKind::Incremental;
            if attempt.status == AttemptStatus::Approved && !is_step {
                assert!(done, "one outcome for both");
            }
        }
        for operation in self.operations.values() {
            let own = || self.attempts.values().filter(|it| it.id.operation == operation.id);
            let waiting = own().filter(|it| !it.status.is_settled() && it.late_approvals == 0).count();
            assert!(waiting <= 1, "a new attempt starts when the one before is known");
            let beside = operation.detail.automatic && own().next().is_none();
            if operation.status == OperationStatus::Success && !beside {
                let undone = operation.kind == OperationKind::AccountVerification;
                let last = own().next_back().unwrap().status;
                assert!(last == AttemptStatus::Approved || undone, "{last}");
            }
            if operation.kind.is_primary() {
                let forgotten = self.forgotten.contains(&operation.id);
                let last = own().next_back().map(|it| it.status);
                let given_up = matches!(last, Some(AttemptStatus::Reversing | AttemptStatus::Reversed));
                let finished = operation.status.is_final();
                assert!(
                    if finished { forgotten } else { !forgotten || given_up },
                    "kept while a call needs it"
                );
            }
        }
    }

    fn audit_callbacks(&self) {
        let payment = self.payment();
        for (number, event) in (1_u32..).zip(&self.events) {
            assert_eq!(event.number, number, "callbacks are numbered without gaps");
        }
        assert_eq!(usize::try_from(payment.callbacks).unwrap(), self.events.len());
        if let Some(Content::Operation { payment: told, operation, .. }) =
            self.events.last().map(|it| &it.content)
        {
            let status = operation.status;
            assert!(status.is_final() || status.is_waiting() || status.is_payable());
            assert!(told.callbacks == payment.callbacks && told.version <= payment.version);
        }
    }
}

/// Whether a row is about its payment's status at all.
fn moves_payment(row: &Transition) -> bool {
    !matches!(row.payment, PaymentEffect::Unchanged | PaymentEffect::AsTheHold)
}

/// No operation moved: then nothing of the payment did but its version, and what is known of its crediting.
pub(super) fn assert_untouched(before: Option<&Payment>, after: Option<&Payment>) {
    let (Some(before), Some(after)) = (before, after) else {
        assert!(before.is_none() && after.is_none());
        return;
    };
    let mut expected = Payment { version: after.version, ..before.clone() };
    expected.detail.credit = after.detail.credit;
    expected.detail.goes_back = after.detail.goes_back;
    assert_eq!(*after, expected);
}
