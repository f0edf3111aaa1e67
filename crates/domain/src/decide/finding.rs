//! A person has found out what became of an attempt that the platform could not settle.

use super::{
    Facts, Ids, Now,
    crediting::found_credited,
    outcome::{Outcome, attempt_outcome, reversal_acknowledged},
};
use crate::{
    change::{ChangeSet, MachineBreak},
    codes::{self, Code},
    payment::{Ask, AttemptStatus, ProviderAnswer},
    project::Project,
};

/// What stands in the provider's own statement, or what the provider says when it is asked by people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The provider did it, for what was asked. With its identifier of the transaction, if that is known.
    Done {
        /// Empty when not known.
        provider_id: String,
    },
    /// The provider did not do it.
    NotDone,
    /// The provider has undone it, or had nothing to undo.
    Undone,
}

/// Takes the finding for the provider's answer. What is repeated until it is answered can turn out done or not done,
/// what is being undone can turn out undone, and what was done and said not to be credited can turn out credited; anything else is refused with 3060 and changes nothing. Should the provider
/// say something else later, it counts as any late answer does: a success goes to suspense and is undone.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn found<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    finding: Finding,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    let facts = facts.into();
    let Some(attempt) = facts.attempt else { return Ok(Err(codes::WRONG_STATE)) };
    if facts.operation.detail.paid_otherwise.is_some() {
        // It was done, for another amount: that is accepted or refused (G-162).
        return Ok(Err(codes::WRONG_STATE));
    }
    let answer = |payment_id| ProviderAnswer { payment_id, at: now.real, ..ProviderAnswer::default() };
    let changes = match (attempt.status, finding) {
        (AttemptStatus::Unknown | AttemptStatus::Pending, Finding::Done { provider_id }) => {
            let outcome = Outcome::Approved { amount: attempt.amount, answer: answer(provider_id) };
            attempt_outcome(project, facts, outcome, ids, now)
        }
        (AttemptStatus::Unknown | AttemptStatus::Pending, Finding::NotDone) => {
            let code =
                if attempt.ask == Ask::Confirm { codes::NOT_CREDITED } else { facts.payment.time_out_code() };
            let outcome = Outcome::Declined { code, answer: answer(String::new()) };
            attempt_outcome(project, facts, outcome, ids, now)
        }
        (AttemptStatus::Approved, Finding::Done { .. }) => {
            return Ok(found_credited(project, facts, ids, now).ok_or(codes::WRONG_STATE));
        }
        (AttemptStatus::Reversing, Finding::Undone) => reversal_acknowledged(project, facts, ids, now),
        _ => return Ok(Err(codes::WRONG_STATE)),
    };
    changes.map(Ok)
}
