//! What a series does by itself: its schedule's debits, further tries of declined ones, and its end.

use super::{
    DebitFacts, Ids, Now, Stage, addresses, conversion,
    debit_end::settled_status,
    new_operation, new_payment, risk,
    scene::{Scene, SeriesChange},
    updated,
};
use crate::{
    callback::{Content, Event as Callback, Subject},
    change::{ChangeSet, MachineBreak, PaymentWrite, SeriesWrite, Task, TaskKey, bucket_of_series},
    codes,
    ids::{CallbackId, RequestId},
    money::Money,
    payment::{
        OperationDetail, OperationKind, Payment, PaymentDetail, PaymentKind, PaymentStatus, machine::Event,
    },
    project::{MailedResult, MissedDebits, Project},
    series::{Due, Retry, Series, SeriesEvent, SeriesStep, series_after},
    time::Timestamp,
};
use std::time::Duration;

/// How long what is due waits for an operation that is under way.
const PAUSE: Duration = Duration::from_mins(5);

/// The timer of a series has rung: what is due is done, or waits while an operation of its payment is under way. `payment`
/// is that of the schedule's debits, once it exists, and `facts` what is known of them. `None` when
/// nothing is due by now, or nothing any more because the payment has its final status.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn series_due(
    project: &Project,
    (series, payment): (&Series, Option<&Payment>),
    facts: &DebitFacts,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let Some((at, due)) = series.next_event(project) else {
        return Ok(Some(at_rest(project, series, payment, now)));
    };
    if at > now.business {
        return Ok((series.due != Some(at)).then(|| rewound(project, series, at)));
    }
    let busy = series.open.is_some() || payment.is_some_and(|payment| payment.open.is_some());
    if busy || !project.active && matches!(due, Due::Debit | Due::Retry(_)) {
        return Ok(Some(rewound(project, series, now.business.plus(PAUSE))));
    }
    // The schedule was ended between the reading of the series and that of its payment, which never goes on from here.
    let is_over = payment.is_some_and(|it| it.status != PaymentStatus::ScheduledRecurringProcessing);
    if is_over && matches!(due, Due::Debit | Due::Retry(_)) {
        return Ok(None);
    }
    match due {
        Due::Debit => scheduled(project, (series, payment), facts, ids, now).map(Some),
        Due::Retry(retry) => {
            let step = SeriesStep { retry_of: Some(retry.trigger), ..SeriesStep::default() };
            let mut series = series.clone();
            let made = retry.made.saturating_add(1);
            series.detail.retry = Some(Retry { made, next: None, ..retry });
            begin(project, (series, payment), step, facts, ids, now).map(Some)
        }
        Due::TermEnd => ended(project, series, payment, SeriesEvent::TermEnded, ids, now).map(Some),
        Due::CardExpiry => ended(project, series, payment, SeriesEvent::CardExpired, ids, now).map(Some),
    }
}

/// Nothing happens by itself any more: the timer goes, and the payment of the debits gets its final status if it has none
/// yet, because the series ended with a debit that is another payment.
fn at_rest(project: &Project, series: &Series, payment: Option<&Payment>, now: Now) -> ChangeSet {
    let mut series = series.clone();
    let mut changes = ChangeSet::default();
    changes.done.extend(series.wind(project).err());
    changes.payment = settle(&mut series, payment, now);
    changes.series = Some(changed(series));
    changes
}

/// The timer is set to another moment.
fn rewound(project: &Project, series: &Series, due: Timestamp) -> ChangeSet {
    let mut series = series.clone();
    let mut changes = ChangeSet::default();
    changes.tasks.extend(series.wind_for(project, Some(due)));
    changes.series = Some(changed(series));
    changes
}

/// The write of a changed series.
pub(super) fn changed(mut series: Series) -> SeriesWrite {
    let expected = Some(series.version);
    series.version = series.version.saturating_add(1);
    SeriesWrite { series: Box::new(series), expected, slot: None }
}

/// A moment of the schedule has come. When several have, because the platform was down or the clock jumped, the project
/// says whether each is debited or one of them, the latest; the others are counted.
fn scheduled(
    project: &Project,
    (series, payment): (&Series, Option<&Payment>),
    facts: &DebitFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let mut series = series.clone();
    let after = |series: &Series, at: Timestamp| {
        series.slot_from(project, at.plus(Duration::from_micros(1))).map(|slot| slot.at)
    };
    let mut slot = series.detail.next.unwrap_or(now.business);
    let mut next = after(&series, slot);
    if project.settings.missed_debits == MissedDebits::One {
        while let Some(later) = next.filter(|later| *later <= now.business) {
            series.detail.missed = series.detail.missed.saturating_add(1);
            slot = later;
            next = after(&series, slot);
        }
    }
    series.detail.last = Some(slot);
    series.detail.next = next;
    // A new debit ends the tries of the one before (G-402).
    series.detail.retry = None;
    let step = SeriesStep { slot: Some(slot), ..SeriesStep::default() };
    begin(project, (series, payment), step, facts, ids, now)
}

/// A debit begins (T-087, R-215, R-221), or is declined at once where risk control says so or nothing can be converted. The first brings its payment
/// into being.
fn begin(
    project: &Project,
    (mut series, payment): (Series, Option<&Payment>),
    step: SeriesStep,
    facts: &DebitFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let amount = Money::new(series.detail.amount, series.currency);
    let no_name = MachineBreak { from: "no scheduled payment", event: "a debit is due" };
    let is_first = payment.is_none();
    let payment = if let Some(payment) = payment {
        payment.clone()
    } else {
        let (Some(key), Some(name)) = (series.payment, series.detail.scheduled.clone()) else {
            return Err(no_name);
        };
        let about = PaymentDetail {
            description: series.detail.description.clone(),
            callback_url: series.detail.callback_url.clone(),
            ..series.about_debits()
        };
        let ids = Ids { payment: key, ..ids };
        new_payment(project, name, PaymentKind::Recurring, amount, about, ids, now)
    };
    let converted = conversion::of(project, series.method(), amount, facts.rate);
    let refused = converted.as_ref().err().copied();
    let detail = OperationDetail {
        automatic: true,
        conversion: converted.unwrap_or(None),
        fault_plan: project.settings.fault_plan.clone(),
        series: Some(Box::new(step)),
        ..OperationDetail::default()
    };
    let request = RequestId::new(ids.payment.get());
    let operation = new_operation(&payment, OperationKind::Recurring, amount, request, detail, ids, now);
    series.open = Some(operation.id);
    let untraced = series.lacks_trace(project).then_some(codes::TRACE_ID_MISSING);
    let risk = untraced.map_or_else(
        || risk::check(project, &facts.risk, &series.scheduled_at_risk(), payment.key, now),
        Err,
    );
    let mut scene = Scene::created(project, (payment, operation), is_first, ids, now);
    scene.series = Some(Box::new(series));
    scene.series_change = SeriesChange::Changed;
    scene.set_series_timer();
    scene.begin(Event::Accepted, codes::AWAITING)?;
    match refused.map_or(risk, Err) {
        Ok(counted) => {
            scene.changes.counted = counted;
            scene.proceed(Stage::Provider)?;
        }
        Err(code) => scene.declined(Event::Declined, code)?,
    }
    Ok(scene.finish())
}

/// The series has come to its end, and the merchant is told (R-210, R-211, G-362).
fn ended(
    project: &Project,
    series: &Series,
    payment: Option<&Payment>,
    event: SeriesEvent,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let mut series = series.clone();
    let mut changes = close(project, &mut series, payment, event, now)?;
    told(project, &mut changes, &mut series, None, ids.callback, now);
    changes.series = Some(changed(series));
    Ok(changes)
}

/// Ends a series: nothing is debited any more, and the payment of its debits has its final status (R-218, M-030, M-032),
/// unless a debit is open, which then gives it.
pub(super) fn close(
    project: &Project,
    series: &mut Series,
    payment: Option<&Payment>,
    event: SeriesEvent,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let from = series.status;
    series.status =
        series_after(from, event).ok_or(MachineBreak { from: from.text(), event: event.name() })?;
    series.updated_at = now.business;
    series.stop();
    let mut changes = ChangeSet::default();
    match series.wind(project) {
        Ok(task) => changes.tasks.push(task),
        Err(key) => changes.done.push(key),
    }
    changes.payment = settle(series, payment, now);
    Ok(changes)
}

/// The payment of a schedule that brings no more debits gets its final status.
pub(super) fn settle(series: &mut Series, payment: Option<&Payment>, now: Now) -> Option<PaymentWrite> {
    let waiting = |payment: &&Payment| payment.status == PaymentStatus::ScheduledRecurringProcessing;
    let mut payment = payment.filter(|_| !series.goes_on()).filter(waiting)?.clone();
    series.detail.settled = true;
    payment.status = settled_status(&payment);
    payment.updated_at = now.business;
    Some(updated(payment))
}

/// The merchant is told how the series stands (G-114).
pub(super) fn told(
    project: &Project,
    changes: &mut ChangeSet,
    series: &mut Series,
    own: Option<&str>,
    callback: CallbackId,
    now: Now,
) {
    series.callbacks = series.callbacks.saturating_add(1);
    let own = own.or(series.detail.callback_url.as_deref());
    changes.events.push(Callback {
        id: callback,
        project: project.id,
        subject: Subject::Series(series.id),
        number: series.callbacks,
        content: Content::Series(Box::new(series.clone())),
        addresses: addresses(project, own, Some(true)),
        not_before: now.business,
    });
    // The customer hears of it by mail, where the project wishes that and knows an address (G-268).
    let mails = project.settings.mail.results.contains(&MailedResult::Series);
    if mails && series.detail.customer.has_address() {
        let change = u8::try_from(series.version.rem_euclid(256)).unwrap_or(0);
        changes.tasks.push(Task {
            key: TaskKey::SeriesMail(series.id, change),
            bucket: bucket_of_series(series.id),
            clock: None,
            due: now.real,
            tries: 0,
        });
    }
}
