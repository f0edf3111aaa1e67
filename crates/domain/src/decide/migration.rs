//! A series that was registered elsewhere is taken over (G-367).
//!
//! The customer agreed to it at another acquirer, so nothing is asked of anybody: the terms are looked at, and from then on
//! the series is debited as one that was registered here. The networks know it by the identifier of its registration.

use super::{Ids, Now, stored::is_network_id};
use crate::{
    card::{CardSummary, Network},
    change::{ChangeSet, Name, NameKind, SeriesWrite},
    ids::{PaymentId, SeriesId},
    money::Currency,
    payment::Customer,
    project::{CredentialStorage, Environment, Project},
    series::{ExpiryParts, Plan, Series, SeriesDetail, SeriesKind, SeriesStatus, day_of, valid_thru},
};
use jiff::civil::Date;

/// Networks whose series may be taken over.
const NETWORKS: [Network; 3] = [Network::AmericanExpress, Network::Mastercard, Network::Visa];

/// The terms of a series that was registered elsewhere.
#[derive(Clone, Debug)]
pub struct MigratedSeries {
    /// The payment that registered it there; names the series for good.
    pub registered_by: PaymentId,
    /// Who pays.
    pub customer: String,
    /// The network's identifier of the registration.
    pub scheme_id: String,
    /// Active or cancelled.
    pub status: SeriesStatus,
    /// What the customer agreed to.
    pub kind: SeriesKind,
    /// What each debit of the schedule is about, minor units.
    pub amount: Option<i64>,
    /// The currency of its debits.
    pub currency: Currency,
    /// When it is debited.
    pub plan: Option<Plan>,
    /// The payment of all debits, when the platform is to begin them by itself.
    pub scheduled: Option<PaymentId>,
}

/// Why a series cannot be taken over: the column, and what is wrong with it. Nothing of its content is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {why}")]
pub struct MigrationFault {
    /// The column.
    pub column: &'static str,
    /// What is wrong.
    pub why: &'static str,
}

/// Why no series can be taken over by the project at all, if so.
pub fn migration_barrier(project: &Project) -> Option<&'static str> {
    if project.environment != Environment::Production {
        return Some("series are taken over by production projects only; in a test project register some");
    }
    // G-348, G-349
    (project.settings.credential_storage != CredentialStorage::Platform)
        .then_some("the project's credentials are kept by the merchant (credential_storage)")
}

impl MigratedSeries {
    /// The name it has among what was taken over, so that it is taken over once.
    pub fn name(&self, project: &Project, id: SeriesId) -> Name {
        Name {
            kind: NameKind::MigratedSeries,
            project: project.id,
            folded: self.registered_by.folded(),
            payment: id.as_key(),
        }
    }

    /// The first rule that it breaks, if any.
    pub fn fault(&self, project: &Project, card: &CardSummary, now: Now) -> Option<MigrationFault> {
        let starts = self.plan.and_then(|plan| plan.start);
        let last = last_day(project, card, now);
        let today = day_of(now.business, &project.series_zone());
        let is_regular = self.kind == SeriesKind::Regular;
        let own_name = self.scheduled.as_ref().is_some_and(|it| it.folded() == self.registered_by.folded());
        [
            (!NETWORKS.contains(&card.network), "pan", "American Express, Mastercard and Visa only"),
            (last.is_none() || last < today, "expiry", "the card has expired"),
            (!is_network_id(&self.scheme_id), "scheme_id", "up to fifteen letters and digits"),
            (self.kind == SeriesKind::OneClick, "type", "U or R"),
            (
                !matches!(self.status, SeriesStatus::Active | SeriesStatus::Canceled),
                "status",
                "active or canceled",
            ),
            (!project.allows(self.currency), "currency", "the project does not take it"),
            (!is_regular && self.plan.is_some(), "period", "only with type R"),
            (
                self.plan.is_some() && self.amount.is_none_or(|minor| minor <= 0),
                "amount",
                "needed with a period, and more than nothing",
            ),
            (self.amount.is_some_and(|minor| minor < 0), "amount", "less than nothing"),
            (
                self.scheduled.is_some() && starts.is_none(),
                "start_date",
                "needed with scheduled_payment_id, as is a period",
            ),
            (own_name, "scheduled_payment_id", "that of the registration"),
        ]
        .into_iter()
        .find_map(|(fails, column, why)| fails.then_some(MigrationFault { column, why }))
    }
}

/// The last day of a series that runs as long as its card.
fn last_day(project: &Project, card: &CardSummary, now: Now) -> Option<Date> {
    let today = day_of(now.business, &project.series_zone())?;
    valid_thru(ExpiryParts::default(), Some(card.expiry?), today).ok()
}

/// Takes a series over that breaks no rule; none when it does. A schedule goes on with its first moment that is still to
/// come: what was due before was debited elsewhere.
pub fn migrate_series(
    project: &Project,
    (it, card): (&MigratedSeries, CardSummary),
    ids: Ids,
    now: Now,
) -> Option<ChangeSet> {
    if migration_barrier(project).is_some() || it.fault(project, &card, now).is_some() {
        return None;
    }
    let valid_thru = last_day(project, &card, now)?;
    let mut series = Series {
        id: SeriesId::registered_by(ids.operation),
        project: project.id,
        kind: it.kind,
        status: it.status,
        currency: it.currency,
        open: None,
        due: None,
        payment: it.scheduled.as_ref().map(|_| ids.payment),
        callbacks: 0,
        version: 1,
        created_at: now.business,
        updated_at: now.business,
        detail: SeriesDetail {
            customer: Customer { id: Some(it.customer.clone()), ..Customer::default() },
            card: Some(card),
            wallet: None,
            agreement: None,
            amount: it.amount.unwrap_or(0),
            valid_thru,
            plan: it.plan,
            scheduled: it.scheduled.clone(),
            scheme_id: it.scheme_id.clone(),
            description: String::new(),
            callback_url: None,
            last_payment_at: None,
            next: None,
            last: None,
            retry: None,
            missed: 0,
            settled: false,
            refused_by: None,
            migrated: Some(it.registered_by.clone()),
        },
    };
    let mut changes = ChangeSet { names: vec![it.name(project, series.id)], ..ChangeSet::default() };
    if let Some(scheduled) = &it.scheduled {
        series.detail.next = series.slot_from(project, now.business).map(|slot| slot.at);
        changes.names.push(Name {
            kind: NameKind::Payment,
            project: project.id,
            folded: scheduled.folded(),
            payment: ids.payment,
        });
    }
    changes.tasks.extend(series.wind(project).ok());
    changes.series = Some(SeriesWrite { series: Box::new(series), expected: None, slot: None });
    Some(changes)
}
