//! What the end of a debit means for its series and for the payment it belongs to.

use super::scene::{Scene, SeriesChange};
use crate::{
    change::{MachineBreak, Task, TaskKey, bucket_of_series},
    codes::{self, Code},
    payment::{AttemptStatus, OperationKind, OperationStatus, Payment, PaymentStatus},
    project::Project,
    series::{Retry, Series, SeriesEvent, SeriesKind, next_retry, series_after},
    time::Timestamp,
};

impl Scene<'_> {
    /// Whether the payment is that of a schedule's debits.
    pub(super) fn is_automatic(&self) -> bool {
        self.operation.kind == OperationKind::Recurring
            && self.series.as_ref().is_some_and(|series| series.debits(self.payment.key))
    }

    /// An operation has ended that registers a series or is one of its debits.
    ///
    /// # Errors
    /// It is a debit, and its series is not known: a defect.
    pub(super) fn end_series_step(&mut self, success: bool, code: Code) -> Result<(), MachineBreak> {
        if self.operation.kind == OperationKind::Recurring {
            return self.end_debit(success, code);
        }
        self.end_registration(success);
        Ok(())
    }

    fn end_debit(&mut self, success: bool, code: Code) -> Result<(), MachineBreak> {
        let (operation, now) = (self.operation.id, self.now.business);
        let payment = self.payment.key;
        let series = self.series.as_mut().ok_or(MachineBreak { from: "no series", event: "a debit ends" })?;
        let mut ended = false;
        if series.open == Some(operation) {
            series.open = None;
        }
        if success {
            series.detail.last_payment_at = Some(now);
        }
        if is_cancelled_at_issuer(code)
            && let Some(status) = series_after(series.status, SeriesEvent::CanceledAtIssuer)
        {
            series.status = status;
            series.updated_at = now;
            series.detail.refused_by = Some(code);
            series.forget_credentials();
            series.stop();
            ended = true;
        }
        let own = series.debits(payment);
        if own {
            series.detail.settled = !series.goes_on();
        }
        // The payment of the schedule's debits is another one: the timer gives it its final status.
        let left = ended && !own && series.payment.is_some() && !series.detail.settled;
        self.series_change = SeriesChange::Changed;
        if left {
            let task = series.wind_for(self.project, Some(now));
            self.changes.tasks.extend(task);
        } else {
            self.set_series_timer();
        }
        Ok(())
    }

    /// Whether a debit that the issuer refused with `code` is tried again, and if so, plans it (G-396, R-219 to R-224).
    pub(super) fn plans_another_debit(&mut self, code: Code) -> bool {
        let refused = self.attempt.as_ref().is_some_and(|it| it.status == AttemptStatus::Declined);
        let by_issuer = (10_000..30_000).contains(&code.get()) && !is_cancelled_at_issuer(code);
        let processing = self.operation.status == OperationStatus::Processing;
        let by_card = self.payment.detail.card.is_some();
        if !self.is_automatic()
            || !by_card
            || !self.project.settings.debit_retries_allowed
            || !refused
            || !processing
        {
            return false;
        }
        let (operation, now) = (self.operation.id, self.now.business);
        let tried = self.operation.detail.series.as_ref().and_then(|step| step.retry_of);
        let Some(series) = self.series.as_mut().filter(|it| it.kind == SeriesKind::Regular) else {
            return false;
        };
        let known = series.detail.retry.filter(|retry| Some(retry.trigger) == tried);
        let trigger = tried.unwrap_or(operation);
        let retry = known.unwrap_or(Retry { trigger, first: now, made: 0, next: None, stopped: false });
        let next = if by_issuer && !retry.stopped && series.refusal(self.project, now).is_none() {
            let plan = self.project.retry_plan();
            next_retry(&plan, retry.first, usize::from(retry.made), series.detail.next)
                .filter(|at| series.end(self.project).is_none_or(|(end, _)| *at < end))
        } else {
            None
        };
        series.detail.retry = Some(Retry { next, ..retry });
        next.is_some()
    }

    /// The payment's status after a debit (M-026 to M-030).
    pub(super) fn after_debit(&self, to: OperationStatus) -> PaymentStatus {
        match &self.series {
            Some(series) if self.is_automatic() && series.goes_on() => {
                PaymentStatus::ScheduledRecurringProcessing
            }
            Some(_) if self.is_automatic() => settled_status(&self.payment),
            _ if to == OperationStatus::Success => PaymentStatus::Success,
            _ => PaymentStatus::Decline,
        }
    }

    /// The series' timer is set to what it does next by itself, or taken away.
    pub(super) fn set_series_timer(&mut self) {
        let Some(series) = self.series.as_mut() else { return };
        match series.wind(self.project) {
            Ok(task) => self.changes.tasks.push(task),
            Err(key) => self.changes.done.push(key),
        }
    }
}

/// Whether a refusal says that the customer had the issuer cancel the series, or the bank the mandate (R-209, G-476).
fn is_cancelled_at_issuer(code: Code) -> bool {
    [codes::CANCELED_AT_ISSUER, codes::CANCELED_AT_ISSUER_ELSEWHERE, codes::MANDATE_ENDED].contains(&code)
}

/// The status of a payment when no more of its schedule's debits are due (M-030, M-032).
pub(super) fn settled_status(payment: &Payment) -> PaymentStatus {
    match (payment.debited, payment.returned) {
        (0, _) => PaymentStatus::Decline,
        (_, 0) => PaymentStatus::Success,
        (debited, returned) if returned >= debited => PaymentStatus::Refunded,
        _ => PaymentStatus::PartiallyRefunded,
    }
}

impl Series {
    /// Nothing is debited by itself any more; a debit that is open goes on.
    pub(super) fn stop(&mut self) {
        self.detail.next = None;
        if let Some(retry) = &mut self.detail.retry {
            retry.next = None;
        }
    }

    /// The timer for what is due next. Error: the timer that has to go because nothing is.
    pub(super) fn wind(&mut self, project: &Project) -> Result<Task, TaskKey> {
        self.wind_for(project, self.next_event(project).map(|(at, _)| at))
    }

    /// The same for a moment.
    pub(super) fn wind_for(&mut self, project: &Project, due: Option<Timestamp>) -> Result<Task, TaskKey> {
        let key = TaskKey::Series(self.id);
        self.due = due;
        let due = due.ok_or(key)?;
        Ok(Task { key, bucket: bucket_of_series(self.id), clock: project.timer_clock(), due, tries: 0 })
    }
}
