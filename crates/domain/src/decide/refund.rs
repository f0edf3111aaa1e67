//! A return of money is asked for.

use super::{
    CallbackOptions, Ids, Now, RequestHead, Stage, conversion, data, days_between, new_operation,
    scene::Scene, transfer,
};
use crate::{
    change::{ChangeSet, MachineBreak, NameKind},
    codes::{self, Code},
    ids::OperationId,
    money::{Money, Rate},
    payment::{OperationDetail, OperationKind, Payment, PaymentStatus, machine::Event},
    project::{OperationDay, Project},
    series::{SeriesDebit, SeriesStep},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// A refund as it was accepted.
#[derive(Clone, Debug)]
pub struct RefundCommand {
    /// The request.
    pub head: RequestHead,
    /// What to return; all that is left when not stated (G-272).
    pub amount: Option<Money>,
    /// Why (G-272).
    pub description: String,
    /// The debit of a schedule whose money is to be returned; the newest that has enough of it when not stated (D-06).
    pub debit: Option<OperationId>,
    /// The merchant's own identifier, unique among the project's refunds (G-061).
    pub merchant_refund_id: Option<String>,
    /// Whether it has data of a trip (G-265).
    pub has_trip: bool,
    /// Members that some rule of the project demands, by dotted path; those that the request has.
    pub given: BTreeMap<String, String>,
    /// Callback options; the payment's own address stays.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

/// Which debit a return refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnOf {
    /// The payment's only one.
    #[default]
    Only,
    /// This one of those that a schedule has brought.
    One(SeriesDebit),
    /// None of those has enough left.
    NoneFits,
}

/// What is known besides the payment.
#[derive(Clone, Debug)]
pub struct RefundFacts<'a> {
    /// The operation day of the channel that took the money.
    pub day: &'a OperationDay,
    /// The smallest amount of the payment's currency that is worth a US cent, in minor units (G-283).
    pub smallest_rest: i64,
    /// The debit that is returned.
    pub of: ReturnOf,
    /// The rate of the day, when the debit was converted (G-302).
    pub rate: Option<Rate>,
    /// A hold on the merchant's balance was tried and lost.
    pub balance_short: bool,
    /// The merchant's refund identifier turned out to be taken.
    pub refund_id_taken: bool,
}

/// Decides a refund: either its operation starts, with the amount held on the merchant's balance and on the
/// payment (T-096), or it is declined at once and nothing but the declined operation remains (T-097).
pub fn refund(
    project: &Project,
    payment: &Payment,
    command: RefundCommand,
    facts: &RefundFacts<'_>,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let amount = command.amount.unwrap_or_else(|| everything(payment, facts.of));
    let kind = match facts.of {
        ReturnOf::Only => kind_of_return(project, payment, amount, facts.day, now),
        // Debits of a schedule are never reversed (G-291).
        ReturnOf::One(_) | ReturnOf::NoneFits => OperationKind::Refund,
    };
    let new_trip = command.has_trip && payment.detail.has_trip == Some(false);
    let refused = refusal(project, payment, amount, facts, now).or(new_trip.then_some(codes::NOT_ALLOWED));
    let converted = match refused {
        None => conversion::of_return(payment, kind, amount, facts.of, facts.rate),
        Some(code) => Err(code),
    };
    let refused = converted.as_ref().err().copied();
    let detail = OperationDetail {
        description: Some(command.description),
        merchant_refund_id: command.merchant_refund_id.clone(),
        conversion: converted.unwrap_or(None),
        fee_minor: if refused.is_some() {
            0
        } else {
            project.settings.refund_fee.beside(amount).unwrap_or(0)
        },
        series: match facts.of {
            ReturnOf::One(debit) if refused.is_none() => {
                Some(Box::new(SeriesStep { debit: Some(debit), ..SeriesStep::default() }))
            }
            _ => None,
        },
        ..command.callback.asked_with(command.fault_plan)
    };
    let operation = new_operation(payment, kind, amount, command.head.id, detail, ids, now);
    let mut scene = Scene::created(project, (payment.clone(), operation), false, ids, now);
    scene.answer(command.head);
    if let Some(code) = refused {
        scene.begin(Event::PreconditionFailed, code)?;
    } else {
        start(&mut scene, command.merchant_refund_id);
        scene.begin(Event::Accepted, codes::AWAITING)?;
        scene.proceed(Stage::Data(data::missing_members(project, kind, &command.given)))?;
    }
    Ok(scene.finish())
}

/// What a refund without an amount asks for: all that is left. When nothing is left the refund will be declined, and the
/// amount it shows is what the payment stands for at present, else what was asked for: an operation is never about
/// nothing.
fn everything(payment: &Payment, of: ReturnOf) -> Money {
    let left = match of {
        ReturnOf::Only => payment.returnable(),
        ReturnOf::One(debit) => debit.returnable,
        ReturnOf::NoneFits => 0,
    };
    let candidates = [left, payment.sum().minor, payment.requested];
    let minor = candidates.into_iter().find(|minor| *minor > 0).unwrap_or(0);
    Money::new(minor, payment.currency)
}

/// The amount is spoken for, on the payment and on the merchant's balance.
fn start(scene: &mut Scene<'_>, merchant_refund_id: Option<String>) {
    scene.payment.returning = scene.payment.returning.saturating_add(scene.operation.amount.minor);
    scene.payment.last_return_at = Some(scene.now.business);
    scene.hold_on_balance();
    if let Some(id) = merchant_refund_id {
        scene.take_name(NameKind::MerchantRefund, id);
    }
}

/// The first rule the refund breaks. The rule on frequency comes first, so that of many concurrent refunds one
/// is done and all others hear 3285, also when the first has meanwhile returned everything.
fn refusal(
    project: &Project,
    payment: &Payment,
    amount: Money,
    facts: &RefundFacts<'_>,
    now: Now,
) -> Option<Code> {
    let returnable_state = matches!(
        payment.status,
        PaymentStatus::Success
            | PaymentStatus::PartiallyReversed
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::ScheduledRecurringProcessing
    );
    let too_soon = payment.returning > 0
        || payment.last_return_at.is_some_and(|last| now.business.since(last) < project.refund_interval());
    let left = match facts.of {
        ReturnOf::Only => payment.returnable(),
        ReturnOf::One(debit) => debit.returnable,
        ReturnOf::NoneFits => -1,
    };
    let rest = left.saturating_sub(amount.minor);
    let of_transfer = transfer::return_refusal(payment, amount, now);
    // D-505
    let unsupported = payment.method().is_some_and(|method| method.demands(OperationKind::Refund).is_none());
    [
        (!project.active, codes::MERCHANT_STATUS),
        (!project.settings.refunds_allowed, codes::NOT_ALLOWED),
        (too_soon, codes::REFUND_TOO_SOON),
        (!returnable_state || payment.open.is_some() || payment.debited == 0, codes::WRONG_STATE),
        (amount.currency != payment.currency, codes::REFUND_CURRENCY),
        (rest < 0 || amount.minor <= 0, codes::REFUND_EXCEEDS),
        (unsupported, codes::UNSUPPORTED),
        (
            is_too_early(payment, facts.of, now)
                || is_too_late(project, payment, facts.of, now)
                || (project.settings.single_refund && was_returned(payment, facts.of)),
            codes::REFUND_UNAVAILABLE,
        ),
        (of_transfer.is_some(), of_transfer.unwrap_or(codes::REFUND_UNAVAILABLE)),
        (payment.detail.card.is_some() && rest > 0 && rest < facts.smallest_rest, codes::RESIDUAL_TOO_SMALL),
        (facts.refund_id_taken, codes::REFUND_ID_EXISTS),
        (
            facts.balance_short || project.settings.refund_fee.beside(amount).is_none(),
            codes::MERCHANT_BALANCE,
        ),
    ]
    .into_iter()
    .find_map(|(fails, code)| fails.then_some(code))
}

/// Whether the method returns nothing yet: so many calendar days have to pass since the purchase (G-477).
fn is_too_early(payment: &Payment, of: ReturnOf, now: Now) -> bool {
    let (Some(method), Some(at)) = (payment.method(), debited_at(payment, of)) else { return false };
    let passed = days_between(at, now.business).unwrap_or(0);
    passed < i32::from(method.refund_after_days)
}

/// Whether the project's time for refunds by this method is over (G-286).
fn is_too_late(project: &Project, payment: &Payment, of: ReturnOf, now: Now) -> bool {
    let code = payment.method().map_or("card", |method| method.get().code.as_str());
    let (Some(days), Some(at)) = (project.settings.refund_days.get(code), debited_at(payment, of)) else {
        return false;
    };
    days_between(at, now.business).is_some_and(|passed| passed > i32::from(*days))
}

/// When the money that is to be returned was taken.
fn debited_at(payment: &Payment, of: ReturnOf) -> Option<Timestamp> {
    match of {
        ReturnOf::One(debit) => Some(debit.at),
        ReturnOf::Only | ReturnOf::NoneFits => payment.detail.debit.as_ref().map(|debit| debit.at),
    }
}

/// Whether something of the debit was given back before (G-286).
const fn was_returned(payment: &Payment, of: ReturnOf) -> bool {
    match of {
        ReturnOf::One(debit) => debit.returnable < debit.minor,
        ReturnOf::Only | ReturnOf::NoneFits => payment.returned > 0,
    }
}

/// Reversal or refund (G-289): by the project's rule for the card's network.
fn kind_of_return(
    project: &Project,
    payment: &Payment,
    amount: Money,
    day: &OperationDay,
    now: Now,
) -> OperationKind {
    let Some(debit) = &payment.detail.debit else { return OperationKind::Refund };
    if payment.detail.method.is_some() {
        // Only cards have an operation day by which this is chosen (G-289).
        return OperationKind::Refund;
    }
    let within_day = now.business < day.end(debit.at);
    let total = amount.minor == payment.debited;
    if transfer::is_reversed(payment) {
        return OperationKind::Reversal;
    }
    if project.reversal_rule(debit.network).reverses(total, within_day) {
        OperationKind::Reversal
    } else {
        OperationKind::Refund
    }
}
