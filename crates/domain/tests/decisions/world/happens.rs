//! What happens by itself: answers of providers and issuers, timers, mails.

use super::World;
use crate::fixtures::answer;
use ferropay_domain::{
    change::{ChangeSet, MachineBreak},
    codes::Code,
    decide::{self, AuthenticationOutcome, CreditNoticed, Lateness, Noticed, Outcome},
    ids::AttemptId,
    money::Money,
    payment::{AuthenticationResult, Credit},
};

impl World {
    /// The directory server answers; false when nobody asks any more.
    pub(crate) fn authenticated(&mut self, outcome: AuthenticationOutcome) -> bool {
        let ids = self.draw();
        let (payment, operation, _) = self.situation();
        let changes =
            decide::authenticated(&self.project, (payment, operation), outcome, ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// The issuer's result comes from server to server.
    pub(crate) fn notice(&mut self, result: AuthenticationResult) -> Noticed {
        let ids = self.draw();
        let (payment, operation, _) = self.situation();
        let facts = (payment, operation);
        match decide::result_noticed(&self.project, facts, "ds-1", "acs-1", result, ids, self.now) {
            Noticed::Recorded(changes) => {
                self.apply((*changes).clone());
                Noticed::Recorded(changes)
            }
            other => other,
        }
    }

    /// The timer of the waiting operation is looked at; answers whether it had run out.
    pub(crate) fn wait_ended(&mut self) -> bool {
        let ids = self.draw();
        let changes = decide::wait_ended(&self.project, self.situation(), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// The timer of the hold is looked at.
    pub(crate) fn hold_ended(&mut self) -> bool {
        let ids = self.draw();
        let changes = decide::hold_ended(&self.project, self.payment(), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// The timer of the customer who may try again is looked at; answers whether it had run out.
    pub(crate) fn attempts_ended(&mut self) -> bool {
        let Some(failed) = self.payment().detail.attempts.as_deref().and_then(|it| it.failed) else {
            return false;
        };
        let ids = self.draw();
        let attempt = self.attempts.values().rfind(|it| it.id.operation == failed);
        let facts = (self.payment(), self.operations.get(&failed).unwrap(), attempt);
        let changes = decide::attempts_ended(&self.project, facts, ids, self.now);
        self.apply_some(changes)
    }

    pub(crate) fn link_mailed(&mut self) {
        let ids = self.draw();
        let changes = decide::link_mailed(&self.project, self.link(), ids, self.now).unwrap();
        self.apply(changes);
    }

    /// The merchant answers what it was asked; whether anybody waited for it.
    pub(crate) fn answered(&mut self, answer: decide::MerchantAnswer) -> bool {
        let ids = self.draw();
        let facts = self.situation();
        let changes = decide::merchant_answered(&self.project, facts, answer, ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// The link's timer is looked at; answers whether anything came of it.
    pub(crate) fn link_rings(&mut self) -> bool {
        let ids = self.draw();
        let (payment, operation) = self.link();
        let changes = decide::wait_ended(&self.project, (payment, operation, None), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    pub(super) fn apply_some(&mut self, changes: Option<ChangeSet>) -> bool {
        let some = changes.is_some();
        if let Some(changes) = changes {
            self.apply(changes);
        }
        some
    }

    /// The call of the latest attempt ends.
    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<(), MachineBreak> {
        self.outcome_of(self.attempt().id, outcome)
    }

    pub(crate) fn outcome_of(&mut self, id: AttemptId, outcome: Outcome) -> Result<(), MachineBreak> {
        let ids = self.draw();
        let changes = decide::attempt_outcome(&self.project, self.scene(id), outcome, ids, self.now)?;
        self.apply(changes);
        Ok(())
    }

    /// The provider speaks of the crediting of what it did in this attempt; answers whether anything came of it.
    pub(crate) fn credit(&mut self, id: AttemptId, credit: Credit) -> CreditNoticed {
        let ids = self.draw();
        let noticed = decide::credit_noticed(&self.project, self.scene(id), credit, ids, self.now).unwrap();
        if let CreditNoticed::Recorded(changes) | CreditNoticed::ByPeople(_, changes) = &noticed
            && changes.payment.is_some()
        {
            self.apply((**changes).clone());
        }
        noticed
    }

    /// Support decides about an amount that differs from what was asked for.
    pub(crate) fn settle_other_amount(&mut self, accept: bool) -> Result<(), Code> {
        let ids = self.draw();
        let facts = self.situation();
        let changes = decide::settle_other_amount(&self.project, facts, accept, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// People found out what became of the latest attempt.
    pub(crate) fn find(&mut self, finding: decide::Finding) -> Result<(), Code> {
        let ids = self.draw();
        let changes = decide::found(&self.project, self.situation(), finding, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// People found out what became of an attempt that was not the last.
    pub(crate) fn find_of(&mut self, id: AttemptId, finding: decide::Finding) -> Result<(), Code> {
        let ids = self.draw();
        let changes = decide::found(&self.project, self.scene(id), finding, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    pub(crate) fn acknowledge(&mut self, id: AttemptId) -> Result<(), MachineBreak> {
        let ids = self.draw();
        let changes = decide::reversal_acknowledged(&self.project, self.scene(id), ids, self.now)?;
        self.apply(changes);
        Ok(())
    }

    /// An approval outside its call; answers whether it changed anything.
    pub(crate) fn late(&mut self, id: AttemptId, amount: Money) -> Result<bool, MachineBreak> {
        let ids = self.draw();
        let late = decide::late_approval(&self.project, self.scene(id), amount, answer("00"), ids, self.now)?;
        match late {
            Lateness::Known => Ok(false),
            Lateness::Booked(changes) => {
                self.apply(*changes);
                Ok(true)
            }
        }
    }

    /// The threshold is looked at; answers whether it had passed.
    pub(crate) fn threshold(&mut self, id: AttemptId) -> Result<bool, MachineBreak> {
        let ids = self.draw();
        let changes = decide::threshold_passed(&self.project, self.scene(id), ids, self.now)?;
        let passed = changes.is_some();
        if let Some(changes) = changes {
            self.apply(changes);
        }
        Ok(passed)
    }

    /// The provider is not relied upon to know the attempt any more.
    pub(crate) fn forgotten_by_provider(&mut self, id: AttemptId) -> bool {
        let ids = self.draw();
        let changes = decide::forgotten(&self.project, self.scene(id), ids, self.now).unwrap();
        self.apply_some(changes)
    }
}
