//! A series is registered by the operation that first takes money from its card, holds it, or verifies the card.

use super::{
    Now, problem,
    scene::{Scene, SeriesChange},
};
use crate::{
    callback::Problem,
    card::Expiry,
    change::{Name, NameKind},
    codes,
    ids::{PaymentId, PaymentKey, SeriesId},
    project::{CredentialStorage, Project, SeriesRegistration},
    series::{Agreement, Registration, Series, SeriesDetail, SeriesStatus, SeriesStep, day_of, valid_thru},
};

/// A series that is asked for, with what its terms are measured by.
pub(super) struct Asked<'a> {
    pub(super) registration: &'a Registration,
    /// The merchant's name for the payment that is to register it.
    pub(super) payment_id: &'a PaymentId,
    /// What that payment is about, minor units.
    pub(super) minor: i64,
    /// When the card expires, if it is one.
    pub(super) expiry: Option<Expiry>,
    /// The name for the payment of its debits is taken.
    pub(super) name_taken: bool,
}

/// The first rule that keeps a series from being registered, and with it the payment that was to do so (G-354, G-355,
/// D-32).
pub(super) fn problem_of(project: &Project, wish: &Asked<'_>, now: Now) -> Option<Problem> {
    let asked = wish.registration;
    if project.settings.series_registration != SeriesRegistration::Allowed {
        return None;
    }
    let today = day_of(now.business, &project.series_zone())?;
    let ends = valid_thru(asked.expiry, wish.expiry, today);
    let starts = asked.plan.and_then(|plan| plan.start);
    let scheduled = asked.scheduled.as_ref();
    let own_name = scheduled.is_some_and(|it| it.id.folded() == wish.payment_id.folded());
    let amount = asked.amount.unwrap_or(wish.minor);
    let kept_elsewhere = project.settings.credential_storage == CredentialStorage::Merchant;
    [
        // A project keeps all its credentials here or all of them elsewhere (G-348).
        (kept_elsewhere, codes::NOT_ALLOWED, "recurring.register"),
        (ends.is_err() || ends.is_ok_and(|day| day < today), codes::VALIDATION, "recurring.expiry_year"),
        (starts.is_some_and(|day| day < today), codes::VALIDATION, "recurring.start_date"),
        (asked.plan.is_some() && amount <= 0, codes::AMOUNT_REQUIRED, "recurring.amount"),
        (
            own_name || (scheduled.is_some() && wish.name_taken),
            codes::SCHEDULED_NAME_TAKEN,
            "recurring.scheduled_payment_id",
        ),
    ]
    .into_iter()
    .find_map(|(fails, code, field)| fails.then(|| problem(code, Some(field))))
}

/// What an operation that was asked to register a series has to do with one by the project's settings, and whether it is
/// to be declined for having been asked (G-361).
pub(super) fn step_of(
    project: &Project,
    asked: Option<Box<Registration>>,
) -> (Option<Box<SeriesStep>>, bool) {
    let Some(asked) = asked else { return (None, false) };
    match project.settings.series_registration {
        SeriesRegistration::Allowed => {
            (Some(Box::new(SeriesStep { registration: Some(*asked), ..SeriesStep::default() })), false)
        }
        SeriesRegistration::Declined => (None, true),
        SeriesRegistration::Ignored => (None, false),
    }
}

impl Scene<'_> {
    fn registration(&self) -> Option<&Registration> {
        self.operation.detail.series.as_ref()?.registration.as_ref()
    }

    fn scheduled_name(&self) -> Option<Name> {
        let scheduled = self.registration()?.scheduled.as_ref()?;
        Some(Name {
            kind: NameKind::Payment,
            project: self.project.id,
            folded: scheduled.id.folded(),
            payment: scheduled.key,
        })
    }

    /// The payment of the series' debits takes its name before anything is debited (G-060).
    pub(super) fn reserve_scheduled_name(&mut self) {
        let name = self.scheduled_name();
        self.changes.names.extend(name);
    }

    /// The operation that was to register a series has ended: the series comes into being with its success, and its name
    /// is free again when there will be none (G-359).
    pub(super) fn end_registration(&mut self, success: bool) {
        if !success {
            let name = self.scheduled_name();
            self.changes.released.extend(name);
        } else if let Some(series) = self.registered() {
            self.payment.detail.series = Some(series.id);
            self.series = Some(Box::new(series));
            self.series_change = SeriesChange::New;
            self.set_series_timer();
        }
    }

    /// What the customer has just agreed to, or had before, where that is not a card.
    fn agreement(&self) -> Option<Agreement> {
        let (with, attempt) = (self.payment.detail.method.as_deref()?, self.attempt.as_ref()?);
        let (attempt, account) = match with.consent {
            Some(earlier) => (earlier.attempt, earlier.account),
            None => (attempt.id, attempt.account),
        };
        Some(Agreement { method: with.method, number: with.account.clone(), attempt, account })
    }

    fn registered(&self) -> Option<Series> {
        let asked = self.registration()?;
        let (payment, now) = (&self.payment, self.now.business);
        let card = payment.detail.card.clone();
        let today = day_of(now, &self.project.series_zone())?;
        let valid_thru = valid_thru(asked.expiry, card.as_ref().and_then(|card| card.expiry), today).ok()?;
        let answer = self.attempt.as_ref().and_then(|attempt| attempt.answer.as_ref());
        let (id, key): (_, Option<PaymentKey>) = match &asked.scheduled {
            Some(scheduled) => (Some(scheduled.id.clone()), Some(scheduled.key)),
            None => (None, None),
        };
        let mut series = Series {
            id: SeriesId::registered_by(self.operation.id),
            project: self.project.id,
            kind: asked.kind,
            status: SeriesStatus::Active,
            currency: payment.currency,
            open: None,
            due: None,
            payment: key,
            callbacks: 0,
            version: 1,
            created_at: now,
            updated_at: now,
            detail: SeriesDetail {
                customer: payment.detail.customer.clone(),
                card,
                wallet: payment.detail.wallet,
                agreement: self.agreement().map(Box::new),
                amount: asked.amount.unwrap_or(self.operation.amount.minor),
                valid_thru,
                plan: asked.plan,
                scheduled: id,
                scheme_id: answer.map(|answer| answer.scheme_id.clone()).unwrap_or_default(),
                description: payment.detail.description.clone(),
                callback_url: payment.detail.callback_url.clone(),
                last_payment_at: None,
                next: None,
                last: None,
                retry: None,
                missed: 0,
                settled: false,
                refused_by: None,
                migrated: None,
            },
        };
        if series.payment.is_some() {
            let first = asked.plan?.schedule()?.slot(0, &self.project.series_zone())?;
            series.detail.next = series.slot_from(self.project, first.at).map(|slot| slot.at);
        }
        Some(series)
    }
}
