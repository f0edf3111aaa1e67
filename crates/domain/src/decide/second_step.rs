//! What happens to a hold: it is captured, released or changed at the merchant's wish, and ended by the platform
//! before the network lets it go.

use super::{
    Ids, Now, SecondStepCommand, SecondStepFacts, Stage, conversion, data, new_operation, scene::Scene,
};
use crate::{
    card::Network,
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    ids::RequestId,
    money::Money,
    payment::{OperationDetail, OperationKind, Payment, PaymentStatus, machine::Event},
    project::{HoldEnd, Project},
};
use std::{ops::RangeInclusive, time::Duration};

/// Decides the second step of a purchase: its operation starts (T-074, T-077), or it is declined at once and nothing
/// but the declined operation remains (T-075, T-083).
pub fn second_step(
    project: &Project,
    payment: &Payment,
    command: SecondStepCommand,
    facts: &SecondStepFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let amount = command.amount.unwrap_or_else(|| whole(payment));
    let converted = match refusal(project, payment, &command, amount, facts.smallest_rest) {
        None => conversion::of_second_step(project, payment, command.kind, amount),
        Some(code) => Err(code),
    };
    let refused = converted.as_ref().err().copied();
    let missing = if refused.is_some() {
        Vec::new()
    } else {
        data::missing_members(project, command.kind, &command.given)
    };
    let detail = OperationDetail {
        description: command.description,
        conversion: converted.unwrap_or(None),
        ..command.callback.asked_with(command.fault_plan)
    };
    let operation = new_operation(payment, command.kind, amount, command.head.id, detail, ids, now);
    let mut scene = Scene::created(project, (payment.clone(), operation), false, ids, now);
    scene.answer(command.head);
    if let Some(code) = refused {
        scene.begin(Event::PreconditionFailed, code)?;
    } else {
        scene.begin(Event::Accepted, codes::AWAITING)?;
        scene.proceed(Stage::Data(missing))?;
    }
    Ok(scene.finish())
}

/// A hold comes to its end: shortly before the network's limit, or after the project's own lag, it is captured or
/// released as the project wishes; at the very limit it is released (G-181, G-182). A hold without a limit is never
/// captured by the platform (G-181). An operation that is under way goes first. `None` when there is no hold any more.
pub fn hold_ended(
    project: &Project,
    payment: &Payment,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    /// How often a hold is looked at again while an operation is under way.
    const PAUSE: Duration = Duration::from_mins(5);
    let Some(hold) =
        payment.detail.hold.as_ref().filter(|_| payment.status == PaymentStatus::AwaitingCapture)
    else {
        return Ok(None);
    };
    if hold.ends.is_none() && project.settings.hold_end == HoldEnd::Capture {
        // The project's wish has changed since the hold was placed.
        let done = vec![TaskKey::EndHold(hold.attempt.operation)];
        return Ok(Some(ChangeSet { done, ..ChangeSet::default() }));
    }
    let is_over = hold.ends.is_some_and(|ends| ends <= now.business);
    let kind = match project.settings.hold_end {
        HoldEnd::Capture if !is_over => OperationKind::Capture,
        _ => OperationKind::Cancel,
    };
    let conversion = conversion::of_second_step(project, payment, kind, whole(payment)).unwrap_or(None);
    let detail = OperationDetail { automatic: true, conversion, ..OperationDetail::default() };
    let request = RequestId::new(ids.payment.get());
    let operation = new_operation(payment, kind, whole(payment), request, detail, ids, now);
    if payment.open.is_some() {
        // Before the limit it is tried again soon: what the project wishes has to be done in time.
        let soon = now.business.plus(PAUSE);
        let due = hold.ends.filter(|_| !is_over).map_or(soon, |ends| soon.min(ends));
        let placed_by = hold.attempt.operation;
        let mut waiting = Scene::of(project, (payment, &operation, None), ids, now);
        waiting.put_timer(TaskKey::EndHold(placed_by), due);
        return Ok(Some(waiting.finish()));
    }
    let mut scene = Scene::created(project, (payment.clone(), operation), false, ids, now);
    scene.end_hold_timer();
    scene.begin(Event::Accepted, codes::AWAITING)?;
    scene.proceed(Stage::Provider)?;
    Ok(Some(scene.finish()))
}

/// The whole hold; where nothing is held, what the payment stands for: an operation is never about nothing.
fn whole(payment: &Payment) -> Money {
    let candidates = [payment.held, payment.sum().minor, payment.requested];
    let minor = candidates.into_iter().find(|minor| *minor > 0).unwrap_or(0);
    Money::new(minor, payment.currency)
}

/// The first rule that a second step breaks.
fn refusal(
    project: &Project,
    payment: &Payment,
    command: &SecondStepCommand,
    amount: Money,
    smallest_rest: i64,
) -> Option<Code> {
    let is_held = payment.status == PaymentStatus::AwaitingCapture && payment.open.is_none();
    let held = payment.held;
    let (kind, minor) = (command.kind, amount.minor);
    let stranger = kind == OperationKind::Incremental
        && command.customer.is_some()
        && command.customer != payment.detail.customer.id;
    // What is held afterwards, or captured.
    let rest = match kind {
        OperationKind::Incremental => held.saturating_add(minor),
        OperationKind::Cancel => held.saturating_sub(minor),
        _ => minor,
    };
    let too_little = match kind {
        OperationKind::Cancel => rest > 0 && rest < smallest_rest,
        OperationKind::Capture => minor < held && minor < smallest_rest,
        _ => false,
    };
    let changes_hold = match kind {
        OperationKind::Incremental => true,
        OperationKind::Cancel => rest > 0,
        // Capturing less releases the rest, with or without a change before.
        _ => minor > held,
    };
    let unchangeable = if changes_hold { may_change_hold(project, payment, rest).err() } else { None };
    [
        (!project.active, codes::MERCHANT_STATUS),
        (!project.settings.two_step_allowed, codes::NOT_ALLOWED),
        (command.has_trip && payment.detail.has_trip == Some(false), codes::NOT_ALLOWED),
        (!is_held, codes::WRONG_STATE),
        (amount.currency != payment.currency, codes::CHANNEL_CURRENCY),
        (kind == OperationKind::Incremental && command.amount.is_none(), codes::AMOUNT_REQUIRED),
        (minor <= 0, codes::BELOW_LIMIT),
        (stranger, codes::INVALID_CUSTOMER_ID),
        (kind == OperationKind::Cancel && minor > held, codes::WRONG_STATE),
        (rest > Money::MAX_MINOR, codes::ABOVE_LIMIT),
        (too_little, codes::RESIDUAL_TOO_SMALL),
        (unchangeable.is_some(), unchangeable.unwrap_or(codes::CHANGE_FORBIDDEN)),
    ]
    .into_iter()
    .find_map(|(fails, code)| fails.then_some(code))
}

/// Merchant categories of car rental, hotels and cruises.
const TRAVEL: [RangeInclusive<u16>; 5] = [3351..=3500, 3501..=3999, 4411..=4411, 7011..=7011, 7512..=7513];

/// Categories beside [`TRAVEL`] whose holds on Visa cards may be changed by any amount (G-185).
const CHANGEABLE: [u16; 15] =
    [4111, 4112, 4121, 4131, 4457, 5411, 5552, 5812, 5813, 7033, 7394, 7519, 7523, 7996, 7999];

fn is_travel(category: Option<u16>) -> bool {
    category.is_some_and(|category| TRAVEL.iter().any(|range| range.contains(&category)))
}

/// How long a network keeps a hold, from the moment it was asked for (G-180); none without a limit, or for as long as
/// the stay, the rental or the cruise lasts.
pub(super) fn hold_limit(network: Network, category: Option<u16>) -> Option<Duration> {
    let days = match network {
        Network::Visa if is_travel(category) => 30,
        Network::Visa => 10,
        Network::Maestro => 6,
        Network::Mastercard => 28,
        Network::AmericanExpress if is_travel(category) => return None,
        Network::AmericanExpress | Network::UnionPay | Network::Other => 7,
    };
    Some(Duration::from_hours(24 * days))
}

/// Whether the hold may be changed so that `minor` are held (G-183, G-185). Error: the code of the refusal.
pub(super) fn may_change_hold(project: &Project, payment: &Payment, minor: i64) -> Result<(), Code> {
    let Some(hold) = &payment.detail.hold else { return Err(codes::WRONG_STATE) };
    if payment.detail.method.is_some() {
        return Err(codes::UNSUPPORTED);
    }
    let category = project.settings.category;
    let free = is_travel(category) || category.is_some_and(|category| CHANGEABLE.contains(&category));
    let change = i128::from(minor).saturating_sub(i128::from(hold.initial)).unsigned_abs();
    let small = change.saturating_mul(100) <= i128::from(hold.initial).unsigned_abs().saturating_mul(15);
    match hold.network {
        Network::Mastercard => Ok(()),
        Network::Visa if free || small => Ok(()),
        Network::Visa => Err(codes::CHANGE_FORBIDDEN),
        _ => Err(codes::CARD_NOT_ALLOWED),
    }
}
