//! Being written.
use super::*;
use crate::{
    change::MachineBreak,
    ids::AuthenticationId,
    payment::{AuthenticationResult, OperationKind},
};
use std::borrow::Cow;
const NO: MachineBreak = MachineBreak { from: "nothing", event: "nothing" };
/// Card.
pub fn card(_: &Project, _: CardCommand, _: CardFacts, _: Ids, _: Now) -> Result<ChangeSet, MachineBreak> {
    Err(NO)
}
/// Second step.
pub fn second_step(
    _: &Project,
    _: &Payment,
    _: SecondStepCommand,
    _: &SecondStepFacts,
    _: Ids,
    _: Now,
) -> Result<ChangeSet, MachineBreak> {
    Err(NO)
}
/// Follow-up.
pub fn follow_up(
    _: &Project,
    _: (&Payment, &Operation, Option<&Attempt>),
    _: FollowUp,
    _: &CardFacts,
    _: RequestHead,
    _: Ids,
    _: Now,
) -> Result<Result<ChangeSet, NotWaiting>, MachineBreak> {
    Err(NO)
}
/// Answer of the directory server.
pub fn authenticated(
    _: &Project,
    _: (&Payment, &Operation),
    _: AuthenticationOutcome,
    _: Ids,
    _: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    Err(NO)
}
/// Asked again.
pub fn asked_again(_: &Project, _: (&Payment, &Operation), _: AuthenticationId, _: Now) -> Option<ChangeSet> {
    None
}
/// Result.
pub fn result_noticed(
    _: &Project,
    _: (&Payment, &Operation),
    _: &str,
    _: &str,
    _: AuthenticationResult,
    _: Ids,
    _: Now,
) -> Noticed {
    Noticed::Unknown
}
/// Wait ended.
pub fn wait_ended(
    _: &Project,
    _: (&Payment, &Operation, Option<&Attempt>),
    _: Ids,
    _: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    Err(NO)
}
/// Hold ended.
pub fn hold_ended(_: &Project, _: &Payment, _: Ids, _: Now) -> Result<Option<ChangeSet>, MachineBreak> {
    Err(NO)
}
/// Undo refund.
pub fn undo_refund(
    _: &Project,
    _: &Payment,
    _: &Operation,
    _: Ids,
    _: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    Err(NO)
}
/// Members that some rule of the project demands of an operation of `kind`, by dotted path.
pub fn demanded(_: &Project, _: OperationKind) -> Cow<'_, [String]> {
    Cow::Borrowed(&[])
}
