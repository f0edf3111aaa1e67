//! Change sets are applied as a store would, and every step is audited.

use super::{World, audit};
use ferropay_domain::{
    change::{ChangeSet, PaymentWrite, Settlement, TaskKey, Write},
    ledger::{self, EntryKind},
    payment::{Operation, Payment},
};
use std::collections::BTreeMap;

impl World {
    /// Applies a change set as a store would, and audits the result.
    pub(crate) fn apply(&mut self, changes: ChangeSet) {
        let before = self.payment.clone();
        for name in &changes.names {
            let is_new = self.names.insert((name.kind.number(), name.folded.clone()));
            assert!(is_new || !name.kind.is_exclusive(), "{name:?} is taken");
        }
        match changes.payment {
            Some(PaymentWrite::Insert(new)) => assert!(self.payment.replace(*new).is_none()),
            Some(PaymentWrite::Update { payment, expected }) => {
                assert_eq!(before.as_ref().unwrap().version, expected, "decided on another version");
                assert_eq!(payment.version, expected + 1);
                self.payment = Some(*payment);
            }
            None => {}
        }
        for hold in changes.holds {
            assert!(self.holds.insert(hold.operation, hold).is_none(), "one hold per operation");
        }
        self.settle(&changes.settled, &changes.entries);
        self.post(&changes.entries);
        let beside =
            |it: &Operation| it.detail.automatic && it.request == self.request_of_open(before.as_ref());
        let others = changes.operations.iter().filter(|it| !beside(it.record())).count();
        assert!(others <= 1, "a decision is about one operation, and records a change of a hold beside it");
        let mut old = BTreeMap::new();
        for write in &changes.operations {
            let new = write.record().clone();
            let known = self.operations.insert(new.id, new.clone());
            assert_eq!(known.is_none(), matches!(write, Write::Insert(_)));
            old.insert(new.id, known);
        }
        if changes.entries.iter().any(|entry| entry.kind == EntryKind::PayoutCancelled) {
            assert!(changes.operations.is_empty() && changes.attempts.is_empty());
            self.audit_cancellation(before.as_ref(), &changes.walked, &changes.events);
        } else if changes.operations.is_empty()
            && before.as_ref().is_some_and(|it| it.status != self.status())
        {
            self.audit_end_of_attempts(before.as_ref(), &changes.walked, &changes.events);
        } else if changes.operations.is_empty() {
            audit::assert_untouched(before.as_ref(), self.payment.as_ref());
        } else {
            self.audit_walk(before.as_ref(), &old, &changes.walked, &changes.events);
        }
        for write in changes.attempts {
            let old = self.attempts.insert(write.record().id, write.record().clone());
            assert_eq!(old.is_none(), matches!(write, Write::Insert(_)));
            let moved = old.is_none_or(|old| old.status != write.record().status);
            assert!(!moved || write.record().updated_at == self.now.real);
        }
        for key in changes.done {
            self.tasks.remove(&format!("{key:?}"));
        }
        for task in changes.tasks {
            let timer =
                matches!(task.key, TaskKey::EndWait(_) | TaskKey::EndHold(_) | TaskKey::EndAttempts(_));
            let mail = matches!(task.key, TaskKey::Mail(..));
            let clock = timer.then_some(self.project.id);
            assert_eq!(task.clock, clock, "business timers run by the project's clock, calls by real time");
            let known = self.tasks.insert(format!("{:?}", task.key), task.clone());
            let put_off = task.due > self.now.real;
            assert!(known.is_none() || timer || mail || put_off, "{:?} is there already", task.key);
        }
        self.forgotten.extend(changes.forget_cvv);
        self.events.extend(changes.events);
        if self.payment.is_some() {
            self.audit();
        }
    }

    fn request_of_open(&self, before: Option<&Payment>) -> ferropay_domain::ids::RequestId {
        let open = before.and_then(|payment| payment.open).and_then(|id| self.operations.get(&id));
        open.map_or(crate::fixtures::request_id(0), |operation| operation.request)
    }

    pub(super) fn post(&mut self, entries: &[ledger::Entry]) {
        for entry in entries {
            assert!(entry.is_balanced(), "{entry:?}");
            assert!(self.booked.insert((entry.operation, entry.kind)), "{entry:?} is booked already");
            if let EntryKind::Unsuspended(occurrence) = entry.kind {
                let suspended = (entry.operation, EntryKind::Suspended(occurrence));
                assert!(self.booked.contains(&suspended), "{entry:?} clears what was booked");
            }
            for leg in &entry.legs {
                *self.balances.entry(leg.account).or_default() += leg.minor;
            }
        }
    }

    /// A settlement ends exactly the hold that was placed and pays what the settled legs say.
    fn settle(&mut self, settled: &[Settlement], entries: &[ledger::Entry]) {
        let legs: i64 =
            entries.iter().flat_map(|entry| &entry.legs).filter(|leg| leg.settled).map(|leg| leg.minor).sum();
        let paid: i64 = settled.iter().map(|settlement| settlement.paid).sum();
        assert_eq!(paid, -legs, "settled legs add up to what is paid");
        for settlement in settled {
            let hold = self.holds.remove(&settlement.operation).expect("a hold is settled once");
            assert_eq!((hold.minor, hold.account), (settlement.held, settlement.account));
            assert!(settlement.paid == 0 || settlement.paid == settlement.held);
        }
    }
}
