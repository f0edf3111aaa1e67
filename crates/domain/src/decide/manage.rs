//! A series is changed or cancelled at the merchant's wish, or tries of a declined debit are stopped.

use super::{
    CallbackOptions, Ids, Now, RequestHead,
    due::{changed, close, settle, told},
    problem, rejected, request,
};
use crate::{
    callback::Problem,
    change::{ChangeSet, MachineBreak, Name, NameKind},
    codes::{self, Code},
    ids::{OperationId, PaymentId, SeriesId},
    payment::Payment,
    project::Project,
    series::{
        ExpiryParts, Interval, Period, Plan, Scheduled, Series, SeriesEvent, SeriesKind, day_of, valid_thru,
    },
};
use jiff::civil::{Date, Time};
use std::time::Duration;

/// A request about a series as it was accepted (G-389, G-391).
#[derive(Clone, Debug)]
pub struct SeriesCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's name of the request; nothing takes it.
    pub payment_id: PaymentId,
    /// The series.
    pub series: SeriesId,
    /// What is asked for.
    pub order: SeriesOrder,
    /// Callback options.
    pub callback: CallbackOptions,
}

/// What becomes of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesOrder {
    /// It is cancelled, for good.
    Cancel,
    /// Its terms change; what is not stated stays.
    Update(Box<Managed>),
}

/// New terms of a series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// What each debit of the schedule is about, minor units.
    pub amount: Option<i64>,
    /// The last day; where a part is stated the others are chosen as at the registration (D-33).
    pub expiry: ExpiryParts,
    /// The unit of the schedule.
    pub period: Option<Period>,
    /// How many of it.
    pub interval: Option<Interval>,
    /// Local time of every debit.
    pub time: Option<Time>,
    /// Day from which the schedule counts.
    pub start: Option<Date>,
    /// Free text of the merchant.
    pub description: Option<String>,
    /// The payment of the schedule's debits, where it has none yet.
    pub scheduled: Option<Scheduled>,
}

impl Managed {
    const fn changes_schedule(&self) -> bool {
        self.period.is_some()
            || self.interval.is_some()
            || self.time.is_some()
            || self.start.is_some()
            || self.scheduled.is_some()
    }
}

/// Changes or cancels a series, and tells the merchant how it stands then, or says by callback why not
/// (T-095). `payment` is that of the schedule's debits, once it exists; `name_taken` says that the name for it is.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn manage_series(
    project: &Project,
    command: SeriesCommand,
    (series, payment): (Option<&Series>, Option<&Payment>),
    name_taken: bool,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let SeriesCommand { head, payment_id, order, callback, .. } = command;
    let reject = |problem: Problem| {
        rejected(project, head, payment_id.clone(), vec![problem], &callback, ids.callback, now)
    };
    let Some(series) = series else {
        return Ok(reject(problem(codes::SERIES_UNKNOWN, Some("recurring.id"))));
    };
    if let Some(code) = series.refusal(project, now.business) {
        return Ok(reject(problem(code, Some("recurring.id"))));
    }
    let mut series = series.clone();
    let mut changes = match order {
        SeriesOrder::Cancel => close(project, &mut series, payment, SeriesEvent::Canceled, now)?,
        SeriesOrder::Update(terms) => match update(project, &mut series, payment, &terms, name_taken, now) {
            Ok(changes) => changes,
            Err(problem) => return Ok(reject(problem)),
        },
    };
    changes.request = Some(request(head, project.id, &payment_id, None, now));
    told(project, &mut changes, &mut series, callback.url.as_deref(), ids.callback, now);
    changes.series = Some(changed(series));
    Ok(changes)
}

fn update(
    project: &Project,
    series: &mut Series,
    payment: Option<&Payment>,
    terms: &Managed,
    name_taken: bool,
    now: Now,
) -> Result<ChangeSet, Problem> {
    let wrong = |field| problem(codes::VALIDATION, Some(field));
    let today = day_of(now.business, &project.series_zone()).ok_or_else(|| wrong("recurring.start_date"))?;
    let mut changes = ChangeSet::default();
    // The payment of its debits has its final status, and no debit would follow: that is said, not taken and forgotten.
    let is_over = series.detail.settled;
    if is_over && (terms.changes_schedule() || terms.amount.is_some()) {
        return Err(problem(codes::WRONG_STATE, Some("recurring.id")));
    }
    if terms.changes_schedule() {
        if series.kind != SeriesKind::Regular {
            return Err(wrong("recurring.period"));
        }
        series.detail.plan = Some(new_plan(series.detail.plan, terms)?);
    }
    if terms.start.is_some_and(|day| day < today) {
        return Err(wrong("recurring.start_date"));
    }
    if !terms.expiry.is_empty() {
        let last = valid_thru(terms.expiry, series.card_expiry(), today).ok();
        let last = last.filter(|day| *day >= today).ok_or_else(|| wrong("recurring.expiry_year"))?;
        if is_over && last > series.detail.valid_thru {
            return Err(problem(codes::WRONG_STATE, Some("recurring.expiry_year")));
        }
        series.detail.valid_thru = last;
    }
    if let Some(scheduled) = &terms.scheduled {
        if name_taken || series.payment.is_some() {
            return Err(problem(codes::SCHEDULED_NAME_TAKEN, Some("recurring.scheduled_payment_id")));
        }
        if series.detail.plan.is_none_or(|plan| plan.start.is_none()) {
            return Err(problem(codes::REQUIRED_MISSING, Some("recurring.start_date")));
        }
        changes.names.push(Name {
            kind: NameKind::Payment,
            project: project.id,
            folded: scheduled.id.folded(),
            payment: scheduled.key,
        });
        series.payment = Some(scheduled.key);
        series.detail.scheduled = Some(scheduled.id.clone());
    }
    series.detail.amount = terms.amount.unwrap_or(series.detail.amount);
    if let Some(description) = &terms.description {
        series.detail.description.clone_from(description);
    }
    series.updated_at = now.business;
    let pending = series.detail.next.is_some() && !terms.changes_schedule();
    if series.payment.is_some() && !series.detail.settled {
        // A moment that is due already is not lost by the change.
        let due = series.detail.next.filter(|at| pending && *at <= now.business);
        let beyond = series.detail.last.map(|last| last.plus(Duration::from_micros(1)));
        let earliest = due.unwrap_or_else(|| beyond.map_or(now.business, |beyond| beyond.max(now.business)));
        series.detail.next = series.slot_from(project, earliest).map(|slot| slot.at);
    }
    match series.wind(project) {
        Ok(task) => changes.tasks.push(task),
        Err(key) => changes.done.push(key),
    }
    changes.payment = settle(series, payment, now);
    Ok(changes)
}

/// The schedule with its new terms.
fn new_plan(known: Option<Plan>, terms: &Managed) -> Result<Plan, Problem> {
    let period = terms.period.or_else(|| known.map(|plan| plan.period));
    let interval = terms.interval.or_else(|| known.map(|plan| plan.interval));
    Ok(Plan {
        period: period.ok_or_else(|| problem(codes::REQUIRED_MISSING, Some("recurring.period")))?,
        interval: interval.unwrap_or(Interval::ONE),
        time: terms.time.or_else(|| known.and_then(|plan| plan.time)),
        start: terms.start.or_else(|| known.and_then(|plan| plan.start)),
    })
}

/// Stops further tries of a declined debit (G-403, R-225). A try that is under way goes on. Error: the code of a refusal.
pub fn stop_retries(
    project: &Project,
    series: Option<&Series>,
    payment: Option<&Payment>,
    trigger: OperationId,
    now: Now,
) -> Result<ChangeSet, Code> {
    let mut series = series.ok_or(codes::SERIES_UNKNOWN)?.clone();
    let retry = series.detail.retry.as_mut().filter(|retry| retry.trigger == trigger);
    let retry = retry.ok_or(codes::TRIGGER_UNKNOWN)?;
    retry.next = None;
    retry.stopped = true;
    let mut changes = ChangeSet::default();
    match series.wind(project) {
        Ok(task) => changes.tasks.push(task),
        Err(key) => changes.done.push(key),
    }
    changes.payment = settle(&mut series, payment, now);
    changes.series = Some(changed(series));
    Ok(changes)
}
