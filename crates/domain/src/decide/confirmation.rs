//! The merchant is asked before a provider is (G-092): an accepted operation stays in processing until the merchant's
//! word is known, and goes on or is declined by it.

use super::{Facts, Ids, Now, Stage, addresses_about, scene::Scene};
use crate::{
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    money::Money,
    payment::{MerchantWord, Operation, Payment, machine::Event},
    project::Project,
};

/// What the merchant said, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerchantAnswer {
    /// It confirms, and perhaps says what.
    Confirmed(Option<Money>),
    /// It refuses.
    Refused,
    /// It answered, and neither confirms nor refuses.
    Unsaid,
    /// It did not answer, or with nothing that could be relied upon.
    Silent,
    /// The notification could not be delivered.
    Undelivered,
}

impl MerchantAnswer {
    /// Why the operation is declined, unless it goes on.
    fn refusal(self, operation: &Operation) -> Option<Code> {
        match self {
            Self::Confirmed(Some(amount)) if amount != operation.amount => Some(codes::CONFIRMED_OTHERWISE),
            Self::Confirmed(_) => None,
            Self::Refused => Some(codes::MERCHANT_REFUSED),
            Self::Unsaid => Some(codes::NOT_CONFIRMED),
            Self::Silent => Some(codes::CONFIRMATION_UNANSWERED),
            Self::Undelivered => Some(codes::NOTIFICATION_UNDELIVERED),
        }
    }
}

/// Where the merchant is asked; none when it gave no address at all.
pub fn confirmation_address(project: &Project, payment: &Payment) -> Option<String> {
    let own = project.settings.confirmation.url.clone();
    own.or_else(|| addresses_about(project, payment, None).into_iter().next())
}

/// Whether the merchant's word about an operation is outstanding.
pub fn is_confirming(operation: &Operation) -> bool {
    !operation.status.is_final() && operation.detail.confirmation == Some(MerchantWord::Asked)
}

/// Takes the merchant's answer, the last one when there were several tries: the provider is asked, or the operation is
/// declined. `None` when nobody waits for it any more.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn merchant_answered<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    answer: MerchantAnswer,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let facts = facts.into();
    if !is_confirming(facts.operation) {
        return Ok(None);
    }
    let mut scene = Scene::of(project, facts, ids, now);
    scene.touch();
    scene.end_confirmation();
    // Nothing has left the platform yet, so that nothing is unknown about what is too late.
    let too_late = scene.is_at_threshold().then_some(codes::AUTO_DECLINE);
    match answer.refusal(facts.operation).or(too_late) {
        Some(code) => scene.declined(Event::Declined, code)?,
        None => scene.proceed(Stage::Provider)?,
    }
    Ok(Some(scene.finish()))
}

impl Scene<'_> {
    /// Nobody waits for the merchant's word any more.
    pub(super) fn end_confirmation(&mut self) {
        if self.operation.detail.confirmation == Some(MerchantWord::Asked) {
            self.operation.detail.confirmation = Some(MerchantWord::Given);
            self.changes.done.push(TaskKey::Confirm(self.operation.id));
        }
    }

    /// Asks the merchant first, where the project wants that. Answers whether the operation waits for it.
    pub(super) fn begins_confirmation(&mut self) -> bool {
        let method = self.payment.method().map(|method| method.get().code.as_str());
        let covered = self.project.settings.confirmation.covers(self.operation.kind, method);
        if !covered || self.operation.detail.confirmation.is_some() {
            return false;
        }
        self.operation.detail.confirmation = Some(MerchantWord::Asked);
        self.touch();
        self.put(TaskKey::Confirm(self.operation.id), self.now.real);
        true
    }
}
