//! A payout that was done is not to stay: it did not reach the customer, or support cancels it (D-26).

use super::{
    Ids, Now, Stage, addresses_about, days_between, funding::claim_of, new_operation, scene::Scene, updated,
};
use crate::{
    callback::{Content, Event as Callback, Subject},
    card::Network,
    change::{ChangeSet, MachineBreak},
    codes::{self, Code},
    ids::RequestId,
    ledger::{self, Parties},
    money::Money,
    payment::{
        Attempt, Operation, OperationDetail, OperationKind, OperationStatus, Payment, PaymentStatus,
        machine::{Event, PaymentMachine},
    },
    project::Project,
};

/// How many calendar days after a payout by Visa it may be cancelled (G-308).
const CANCELLATION_DAYS: i32 = 1;

/// Takes a payout back whose crediting failed after it had been reported done (G-309, T-115): the provider is asked
/// to confirm, and asked again until it answers. The inner error: why it cannot be done; nothing changes.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn reverse_payout(
    project: &Project,
    payment: &Payment,
    payout: &Operation,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    if !stands(payment, payout) {
        return Ok(Err(codes::WRONG_STATE));
    }
    let operation = new_operation(
        payment,
        OperationKind::PayoutReversal,
        payout.amount,
        RequestId::new(ids.payment.get()),
        OperationDetail {
            conversion: payout.detail.conversion.clone(),
            automatic: true,
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

/// Cancels a payout as support agrees with the network (G-308, M-037): only a Visa's, within one calendar day. No
/// operation comes of it and the provider is not asked; the payment is declined, and the merchant has amount and fee
/// again. The merchant is told only where that is agreed (G-088). `attempt` is the payout's latest. The inner error: why
/// it cannot be done; nothing changes.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn cancel_payout(
    project: &Project,
    (payment, payout, attempt): (&Payment, &Operation, Option<&Attempt>),
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    let Some(credit) = payment.detail.debit.as_ref().filter(|_| stands(payment, payout)) else {
        return Ok(Err(codes::WRONG_STATE));
    };
    let in_time =
        days_between(credit.at, now.business).is_some_and(|days| (0..=CANCELLATION_DAYS).contains(&days));
    if credit.network != Network::Visa || !in_time {
        return Ok(Err(codes::NOT_ALLOWED));
    }
    let mut payment = payment.clone();
    if !PaymentMachine::Payout.may_become(payment.status, PaymentStatus::Decline) {
        return Err(MachineBreak { from: payment.status.text(), event: "cancelled by support" });
    }
    payment.status = PaymentStatus::Decline;
    payment.updated_at = now.business;
    let mut changes = ChangeSet::default();
    changes.released.extend(claim_of(payout));
    let exchanged = payout.detail.conversion.as_ref().map(|conversion| conversion.amount);
    let parties = Parties { project: project.id, provider: credit.account, exchanged };
    let fee = Money::new(payout.detail.fee_minor, payout.amount.currency);
    changes.entries = ledger::payout_cancelled(parties, payout.id, payout.amount, fee, now.business);
    if project.settings.payout_cancellation_callbacks {
        payment.callbacks = payment.callbacks.saturating_add(1);
        changes.events.push(Callback {
            id: ids.callback,
            project: project.id,
            subject: Subject::Payment(payment.key),
            number: payment.callbacks,
            content: Content::Operation {
                payment: Box::new(payment.clone()),
                operation: Box::new(payout.clone()),
                attempt: attempt.cloned().map(Box::new),
                series: None,
            },
            addresses: addresses_about(project, &payment, Some(false)),
            not_before: now.business,
        });
    }
    changes.payment = Some(updated(payment));
    Ok(Ok(changes))
}

/// Whether the payment is this payout, done and neither taken back nor cancelled nor about to be.
fn stands(payment: &Payment, payout: &Operation) -> bool {
    payout.payment == payment.key
        && payout.kind == OperationKind::Payout
        && payout.status == OperationStatus::Success
        && payment.open.is_none()
        && payment.status == PaymentStatus::Success
}
