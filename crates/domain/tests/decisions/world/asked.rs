//! What the merchant, the customer and support ask for, as the engine asks: what the store would have lost becomes a fact
//! and is decided again.

use super::World;
use crate::fixtures::{card_of, eur, head, members, payout_of, refund_of, sale_of, second_of};
use ferropay_domain::{
    callback::Problem,
    change::ChangeSet,
    codes::Code,
    decide::{
        self, CardCommand, CardFacts, Completion, FollowUp, LinkCommand, LinkPayment, MethodCommand,
        MethodFacts, NotWaiting, Now, PayLink, PayoutCommand, PayoutFacts, RefundCommand, RefundFacts,
        RegistrationCommand, SecondStepCommand, SecondStepFacts,
    },
    ids::OperationId,
    payment::OperationKind,
};

impl World {
    pub(crate) fn sale(&mut self, minor: i64) -> bool {
        self.card(sale_of(eur(minor), self.network))
    }

    /// Holds, or verifies with zero, `minor` EUR cents.
    pub(crate) fn ask_for(&mut self, kind: OperationKind, minor: i64) -> bool {
        self.card(card_of(kind, eur(minor), self.network))
    }

    /// The same, where project and request allow that less is approved (G-240).
    pub(crate) fn ask_for_a_part(&mut self, kind: OperationKind, minor: i64) -> bool {
        self.project.settings.partial_approval_allowed = true;
        let mut command = card_of(kind, eur(minor), self.network);
        command.request.partial_allowed = true;
        self.card(command)
    }

    /// Answers whether an operation came of it.
    pub(crate) fn card(&mut self, command: CardCommand) -> bool {
        let ids = self.draw();
        let facts = CardFacts {
            range: self.range.clone(),
            wallet: self.wallet.clone(),
            rate: self.rate,
            ..CardFacts::default()
        };
        let changes = decide::card(&self.project, command, facts, ids, self.now).unwrap();
        let accepted = changes.payment.is_some();
        self.apply(changes);
        accepted
    }

    /// The customer tries again by card; the error is why that is no further attempt.
    pub(crate) fn again(&mut self, command: CardCommand) -> Result<(), Problem> {
        let ids = self.draw();
        let facts = CardFacts {
            range: self.range.clone(),
            wallet: self.wallet.clone(),
            rate: self.rate,
            ..CardFacts::default()
        };
        let changes = decide::card_again(&self.project, self.payment(), command, facts, ids, self.now);
        self.apply(changes.unwrap()?);
        Ok(())
    }

    /// The same by another method.
    pub(crate) fn again_by_method(&mut self, command: MethodCommand) -> Result<(), Problem> {
        let ids = self.draw();
        let facts = MethodFacts { rate: self.rate, ..MethodFacts::default() };
        let changes = decide::method_again(&self.project, self.payment(), command, &facts, ids, self.now);
        self.apply(changes.unwrap()?);
        Ok(())
    }

    /// A second step of `minor` EUR cents, or of the whole hold; answers the code of the operation it made.
    pub(crate) fn second(&mut self, kind: OperationKind, minor: Option<i64>) -> Code {
        self.second_by(second_of(kind, minor.map(eur)))
    }

    pub(crate) fn second_by(&mut self, command: SecondStepCommand) -> Code {
        let ids = self.draw();
        let facts = SecondStepFacts { smallest_rest: self.smallest_rest };
        let changes =
            decide::second_step(&self.project, self.payment(), command, &facts, ids, self.now).unwrap();
        self.apply(changes);
        self.operations.get(&ids.operation).unwrap().code
    }

    pub(crate) fn follow(&mut self, follow_up: FollowUp) -> Result<(), NotWaiting> {
        let ids = self.draw();
        let head = head(4, "payment/follow_up");
        let facts = CardFacts {
            range: self.range.clone(),
            wallet: self.wallet.clone(),
            rate: self.rate,
            ..CardFacts::default()
        };
        let taken =
            decide::follow_up(&self.project, self.situation(), follow_up, &facts, Some(head), ids, self.now);
        self.apply(taken.unwrap()?);
        Ok(())
    }

    pub(crate) fn clarify(&mut self, values: &[(&str, &str)]) -> Result<(), NotWaiting> {
        self.follow(FollowUp::Clarification { values: members(values) })
    }

    pub(crate) fn undo_refund(&mut self, refund: OperationId) -> Result<(), Code> {
        let ids = self.draw();
        let refund = self.operations.get(&refund).unwrap();
        let changes = decide::undo_refund(&self.project, self.payment(), refund, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// Asks for a payout of `minor` EUR cents; answers the code of the operation it made.
    pub(crate) fn payout(&mut self, minor: i64) -> Code {
        self.payout_by(&payout_of(eur(minor), self.network)).expect("an operation")
    }

    /// Asks for a payout, as the engine does it: a lost hold becomes a fact and is decided again. None when no operation
    /// came of it.
    pub(crate) fn payout_by(&mut self, command: &PayoutCommand) -> Option<Code> {
        let ids = self.draw();
        let decide = |facts| decide::payout(&self.project, command.clone(), &facts, ids, self.now).unwrap();
        let mut changes = decide(PayoutFacts { rate: self.rate, ..PayoutFacts::default() });
        if self.is_short_for(&changes) {
            changes = decide(PayoutFacts { balance_short: true, rate: self.rate, ..PayoutFacts::default() });
            assert!(changes.holds.is_empty());
        }
        self.apply(changes);
        self.operations.get(&ids.operation).map(|it| it.code)
    }

    /// Asks for a purchase or a payout by a method; none when no operation came of it.
    pub(crate) fn by_method(&mut self, command: &MethodCommand) -> Option<Code> {
        let ids = self.draw();
        let decide = |facts| decide::method(&self.project, command.clone(), &facts, ids, self.now).unwrap();
        let mut changes = decide(MethodFacts { rate: self.rate, ..MethodFacts::default() });
        if self.is_short_for(&changes) {
            changes = decide(MethodFacts { balance_short: true, rate: self.rate, ..MethodFacts::default() });
        }
        self.apply(changes);
        self.operations.get(&ids.operation).map(|it| it.code)
    }

    /// Makes a payment link; answers what was decided.
    pub(crate) fn create_link(&mut self, command: LinkCommand) -> ChangeSet {
        let ids = self.draw();
        let changes = decide::create_link(&self.project, command, false, ids, self.now).unwrap();
        self.apply(changes.clone());
        changes
    }

    pub(crate) fn cancel_link(&mut self) -> Result<(), NotWaiting> {
        let ids = self.draw();
        let head = head(9, "payment/invoice/cancel");
        let changes = decide::cancel_link(&self.project, self.link(), Some(head), ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// A customer whose request reached the platform at `reached` pays by the link.
    pub(crate) fn pay_link(&mut self, paid: LinkPayment, reached: Now) -> PayLink {
        let ids = self.draw();
        let facts = CardFacts { range: self.range.clone(), rate: self.rate, ..CardFacts::default() };
        let moments = (reached, self.now);
        let answer = decide::pay_link(&self.project, self.link(), paid, facts, ids, moments).unwrap();
        if let PayLink::Begun(changes) = &answer {
            self.apply(ChangeSet::clone(changes));
        }
        answer
    }

    /// Registers a payout; answers whether an operation came of it.
    pub(crate) fn register_payout(&mut self, command: RegistrationCommand) -> bool {
        let ids = self.draw();
        let changes = decide::register_payout(&self.project, command, ids, self.now).unwrap();
        let accepted = changes.payment.is_some();
        self.apply(changes);
        accepted
    }

    /// The recipient confirms; the inner error are rules it breaks, none when nobody waits.
    pub(crate) fn complete_payout(&mut self, completion: &Completion) -> Result<Code, Vec<Problem>> {
        let ids = self.draw();
        let (payment, operation, _) = self.situation();
        let pair = (payment, operation);
        let decide = |balance_short| {
            let facts = PayoutFacts { balance_short, rate: self.rate, ..PayoutFacts::default() };
            decide::complete_payout(&self.project, pair, completion.clone(), &facts, ids, self.now).unwrap()
        };
        let mut changes = decide(false)?;
        if self.is_short_for(&changes) {
            changes = decide(true)?;
        }
        self.apply(changes);
        Ok(self.operation().code)
    }

    pub(super) fn is_short_for(&self, changes: &ChangeSet) -> bool {
        changes.holds.iter().any(|hold| {
            let held: i64 = self.holds.values().map(|other| other.minor).sum();
            self.balances.get(&hold.account).copied().unwrap_or(0) - held - hold.minor < hold.floor
        })
    }

    /// The payout did not reach the customer.
    pub(crate) fn reverse_payout(&mut self, payout: OperationId) -> Result<(), Code> {
        let ids = self.draw();
        let payout = self.operations.get(&payout).unwrap();
        let changes =
            decide::reverse_payout(&self.project, self.payment(), payout, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// Support cancels the payout.
    pub(crate) fn cancel_payout(&mut self, payout: OperationId) -> Result<(), Code> {
        let ids = self.draw();
        let operation = self.operations.get(&payout).unwrap();
        let attempt = self.attempts.values().rfind(|it| it.id.operation == payout);
        let scene = (self.payment(), operation, attempt);
        let changes = decide::cancel_payout(&self.project, scene, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// Support tries the latest payout again.
    pub(crate) fn retry_payout(&mut self) -> Result<(), Code> {
        let ids = self.draw();
        let scene = (self.payment(), self.operation(), self.attempts.values().next_back());
        let changes = decide::retry_payout(&self.project, scene, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// Asks for a return of `minor` EUR cents, or of everything; answers the code of the operation it made.
    pub(crate) fn refund(&mut self, minor: Option<i64>) -> Code {
        self.refund_by(&refund_of(minor.map(eur)))
    }

    /// Asks for a return, as the engine does it: a lost hold or name becomes a fact and is decided again.
    pub(crate) fn refund_by(&mut self, command: &RefundCommand) -> Code {
        let ids = self.draw();
        let (mut balance_short, mut refund_id_taken) = (false, false);
        loop {
            let facts = RefundFacts {
                of: decide::ReturnOf::Only,
                day: &self.day,
                smallest_rest: self.smallest_rest,
                balance_short,
                refund_id_taken,
                rate: self.rate,
            };
            let changes =
                decide::refund(&self.project, self.payment(), command.clone(), &facts, ids, self.now)
                    .unwrap();
            let short = self.is_short_for(&changes);
            let taken = changes
                .names
                .iter()
                .any(|name| self.names.contains(&(name.kind.number(), name.folded.clone())));
            if short && !balance_short {
                balance_short = true;
            } else if taken && !refund_id_taken {
                refund_id_taken = true;
            } else {
                self.apply(changes);
                return self.operations.get(&ids.operation).unwrap().code;
            }
        }
    }
}
