//! The merchant is asked before a provider is (G-092): an accepted operation stays in processing until the merchant's
//! word is known, and goes on or is declined by it.

use super::{Facts, Ids, Now, Stage, addresses_about, outcome::ends_at_threshold, scene::Scene};
use crate::{
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    money::Money,
    payment::{MerchantWord, Operation, OperationKind, Payment, machine::Event},
    project::Project,
    time::Timestamp,
};
use std::time::Duration;

/// How long after a question that was not answered it is put again, by how often that happened; the last for all further
/// times, where it is not longer than [`LONGEST_FOR_CUSTOMER`] allows.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(5),
];

/// The longest of the pauses while a customer waits.
const LONGEST_FOR_CUSTOMER: Duration = Duration::from_mins(1);

/// For how long a merchant is asked about a purchase, and about a payout, for which nobody waits before a page.
const ASKED_FOR: (Duration, Duration) = (Duration::from_mins(5), Duration::from_hours(1));

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

/// When the merchant is asked again, real time, after `tries` questions that were not answered and this one; none when
/// the time for it is over. A purchase has its threshold besides.
pub fn asked_again_at(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    tries: u32,
    now: Now,
) -> Option<Timestamp> {
    let last = PAUSES.last().copied().unwrap_or_default();
    let pause = usize::try_from(tries).ok().and_then(|tries| PAUSES.get(tries).copied()).unwrap_or(last);
    let is_payout = operation.kind == OperationKind::Payout;
    let pause = if is_payout { pause } else { pause.min(LONGEST_FOR_CUSTOMER) };
    is_asked_at(project, (payment, operation), now.business.plus(pause)).then(|| now.real.plus(pause))
}

/// When the merchant is asked after all, real time, when it had too many questions to be asked one more: after as long
/// again as the operation has waited, so that what waits costs little. None when the time for it is over.
pub fn asked_later_at(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    now: Now,
) -> Option<Timestamp> {
    /// Answers make room within seconds; whoever gives none is not asked more often than this.
    const BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));
    let pause = now.business.since(operation.updated_at).clamp(BOUNDS.0, BOUNDS.1);
    is_asked_at(project, (payment, operation), now.business.plus(pause)).then(|| now.real.plus(pause))
}

/// Whether questions about an operation are still put at `moment`, business time. It stands since the first one.
fn is_asked_at(project: &Project, (payment, operation): (&Payment, &Operation), moment: Timestamp) -> bool {
    let (purchase, payout) = ASKED_FOR;
    if operation.kind == OperationKind::Payout {
        return moment < operation.updated_at.plus(payout);
    }
    let end = operation.updated_at.plus(purchase).min(project.threshold_of(payment, operation));
    moment < end
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
    let is_late = ends_at_threshold(facts.operation) && scene.is_at_threshold();
    let too_late = is_late.then_some(codes::AUTO_DECLINE);
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
        // What a provider has been asked about needs no word any more.
        if !covered || self.operation.detail.confirmation.is_some() || self.attempt.is_some() {
            return false;
        }
        self.operation.detail.confirmation = Some(MerchantWord::Asked);
        self.operation.updated_at = self.now.business;
        self.touch();
        self.put(TaskKey::Confirm(self.operation.id), self.now.real);
        true
    }
}
