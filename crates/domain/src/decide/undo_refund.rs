//! A refund is taken back, by support and not by the interface (G-304).

use super::{Ids, Now, Stage, days_between, new_operation, scene::Scene};
use crate::{
    card::Network,
    change::{ChangeSet, MachineBreak},
    codes::{self, Code},
    ids::RequestId,
    payment::{Credit, Operation, OperationDetail, OperationKind, OperationStatus, Payment, machine::Event},
    project::Project,
    time::Timestamp,
};
use std::time::Duration;

/// Decides to take `refund` back: the provider is asked, and asked again until it answers (T-102). Nobody is told
/// (G-088). The inner error: why it cannot be done; nothing changes.
pub fn undo_refund(
    project: &Project,
    payment: &Payment,
    refund: &Operation,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    if let Some(code) = refusal(project, payment, refund, now) {
        return Ok(Err(code));
    }
    // Only the network of cards has a message for it.
    if payment.method().is_some() {
        return Ok(Err(codes::UNSUPPORTED));
    }
    let operation = new_operation(
        payment,
        OperationKind::RefundReversal,
        refund.amount,
        RequestId::new(ids.payment.get()),
        OperationDetail {
            refund: Some(refund.id),
            automatic: true,
            conversion: refund.detail.conversion.clone(),
            ..OperationDetail::default()
        },
        ids,
        now,
    );
    let mut scene = Scene::created(project, (payment.clone(), operation), false, ids, now);
    scene.begin(Event::Accepted, codes::AWAITING)?;
    scene.proceed(Stage::Provider)?;
    Ok(Ok(scene.finish()))
}

/// The first rule that is broken (G-305, G-306).
fn refusal(project: &Project, payment: &Payment, refund: &Operation, now: Now) -> Option<Code> {
    let is_done = refund.payment == payment.key
        && refund.kind == OperationKind::Refund
        && refund.status == OperationStatus::Success
        && !payment.detail.refunds_undone.contains(&refund.id);
    // Of what never arrived the merchant would get back what nobody has.
    let not_credited = payment.detail.credit == Some(Credit::Failed);
    if !is_done || not_credited || payment.open.is_some() || payment.returned < refund.amount.minor {
        return Some(codes::WRONG_STATE);
    }
    let network = payment.detail.debit.as_ref().map_or(Network::Other, |debit| debit.network);
    (!is_in_time(project, network, refund.updated_at, now.business)).then_some(codes::NOT_ALLOWED)
}

/// Whether a refund done at `done` may still be taken back (W-297).
fn is_in_time(project: &Project, network: Network, done: Timestamp, now: Timestamp) -> bool {
    match network {
        Network::Mastercard => now.since(done) < Duration::from_hours(24),
        Network::Visa => days_between(done, now).is_some_and(|days| days <= 30),
        other => project
            .settings
            .refund_cancellation_seconds
            .get(other.code())
            .is_some_and(|seconds| now.since(done) < Duration::from_secs(u64::from(*seconds))),
    }
}
