//! A card purchase whose provider fails goes on through the next account of its route, by itself and without the customer
//! (G-516). An account is asked only when the one before is known to have had no effect, so that the customer is charged
//! at most once; whatever a past account answers later says nothing of the purchase any more.

use super::scene::Scene;
use crate::{
    change::MachineBreak,
    codes::{self, Code},
    ids::ProviderAccountId,
    payment::{FailedTry, OperationKind, OperationStatus, machine::Event},
    project::Routed,
};

impl Scene<'_> {
    /// The accounts this operation may go through, the first choice first; never empty.
    pub(super) fn route(&self) -> &[ProviderAccountId] {
        let Some(card) = &self.payment.detail.card else {
            return std::slice::from_ref(&self.project.card_account);
        };
        self.project.route(&Routed::card(self.operation.kind, card, self.operation.processed()))
    }

    /// The first account of the route through which the operation has not failed yet, besides this one.
    pub(super) fn next_account(&self, besides: Option<ProviderAccountId>) -> Option<ProviderAccountId> {
        let is_left = |account: &ProviderAccountId| besides != Some(*account) && !self.has_failed(*account);
        self.route().iter().copied().find(is_left)
    }

    /// Whether the operation has failed through an account. One that only wanted the customer to be authenticated is asked
    /// again (G-517).
    fn has_failed(&self, account: ProviderAccountId) -> bool {
        let mut tries = self.failed_tries().iter().filter(|it| it.account == account);
        match (tries.next(), tries.next()) {
            (None, _) => false,
            (Some(only), None) => !only.code.demands_authentication(),
            (Some(_), Some(_)) => true,
        }
    }

    /// Asks the next account when the one that answered, or did not, failed with `code`. Answers whether it does.
    pub(super) fn cascades(&mut self, code: Code) -> Result<bool, MachineBreak> {
        if !lies_with_the_provider(code) || !self.may_cascade() {
            return Ok(false);
        }
        let Some(account) = self.attempt.as_ref().map(|attempt| attempt.account) else { return Ok(false) };
        self.operation.detail.failed_tries.push(FailedTry { account, code });
        self.step(Event::ProviderFailed, codes::AWAITING)?;
        self.next_attempt();
        Ok(true)
    }

    /// Whether another account is left, should this attempt fail.
    pub(super) fn may_cascade(&self) -> bool {
        let Some(attempt) = &self.attempt else { return false };
        let failed = self.failed_tries().iter().filter(|it| !it.code.demands_authentication());
        let tries = failed.count().saturating_add(1);
        if tries >= usize::from(self.project.settings.cascading_attempts) {
            return false;
        }
        let request = self.operation.detail.card.as_deref();
        // A wallet's proof is good for one message, and a code was sent by the account it is to be given to.
        let is_bound = request.is_some_and(|it| it.network_token.is_some() || it.merchant_auth.is_some());
        matches!(self.operation.kind, OperationKind::Sale | OperationKind::Auth)
            && self.operation.status == OperationStatus::Processing
            && self.payment.detail.method.is_none()
            && !is_bound
            && !self.is_at_threshold()
            && self.next_account(Some(attempt.account)).is_some()
    }

    /// Whether the attempt the decision is about failed before, and the purchase goes on through another account.
    pub(super) fn is_past_account(&self) -> bool {
        let failed = self.failed_tries().len();
        let number = self.attempt.as_ref().map_or(0, |attempt| usize::from(attempt.id.number));
        failed > 0 && number <= failed
    }

    fn failed_tries(&self) -> &[FailedTry] {
        &self.operation.detail.failed_tries
    }
}

/// Whether another provider might do what this one did not: nothing was decided about card or customer.
fn lies_with_the_provider(code: Code) -> bool {
    matches!(code.get(), 314 | 601 | 10000 | 10100 | 10202 | 10503 | 10505 | 10601 | 10602 | 10702)
}
