//! What is known of a series.

use super::{ExpiryParts, Interval, Period, Schedule, Slot};
use crate::{
    card::{CardSummary, DeviceWallet, Expiry},
    codes::{self, Code},
    ids::{AttemptId, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId, SeriesId},
    method::MethodRef,
    money::{Currency, Money},
    payment::{Customer, MethodPayment, PaymentDetail, ReturnUrls, Version, named},
    project::Project,
    time::Timestamp,
};
use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

named! {
    /// What the customer agreed to (G-346).
    SeriesKind {
        /// Debits that the customer begins.
        OneClick = 1 "C",
        /// Debits that the merchant begins, now and then.
        Auto = 2 "U",
        /// Debits by a schedule.
        Regular = 3 "R",
    }
}

impl SeriesKind {
    /// The kind with this letter.
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.text() == letter)
    }
}

named! {
    /// Where a series stands.
    SeriesStatus {
        /// May be debited.
        Active = 1 "active",
        /// Cancelled by the merchant, or at the issuer; final.
        Canceled = 2 "canceled",
        /// Its term is over; final.
        Expired = 3 "expired",
        /// Its card expired before its term; final.
        Invalidated = 4 "invalidated",
    }
}

/// A series as it was asked for, kept with the operation that is to register it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// What the customer agreed to.
    pub kind: SeriesKind,
    /// What each debit of a schedule is about, minor units; none when it is what the registering payment is about (D-32).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// When it is debited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// How long it runs, as stated.
    #[serde(default)]
    pub expiry: ExpiryParts,
    /// The payment of all debits, when the platform is to begin them by itself (G-379).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Scheduled>,
}

/// The payment that all debits of a schedule belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// Its name (G-060).
    pub id: PaymentId,
    /// The key it has, or will have with its first debit.
    pub key: PaymentKey,
}

/// When a regular series is debited, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The unit.
    pub period: Period,
    /// How many of it.
    pub interval: Interval,
    /// Local time of every debit; that of the first debit, or midnight, where it is not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Day of the first debit; none until the merchant makes it (G-380).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Date>,
}

impl Plan {
    /// The schedule, once its first day is known.
    pub fn schedule(&self) -> Option<Schedule> {
        Some(Schedule {
            period: self.period,
            interval: self.interval,
            start: self.start?,
            time: self.time.unwrap_or(Time::midnight()),
        })
    }
}

/// What an operation has to do with a series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesStep {
    /// It registers one when it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// It is the debit of this moment of the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Timestamp>,
    /// It tries this declined debit again (G-401).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<OperationId>,
    /// It returns money of this debit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit: Option<SeriesDebit>,
}

/// One of the debits of a schedule, which returns refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesDebit {
    /// The attempt that took the money.
    pub attempt: AttemptId,
    /// Where.
    pub account: ProviderAccountId,
    /// When it took the money, as merchants are told.
    #[serde(default)]
    pub at: Timestamp,
    /// What it took, minor units.
    pub minor: i64,
    /// What could still be returned of it before this return, minor units.
    pub returnable: i64,
    /// The same at the provider, when the debit was converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<DebitThere>,
}

/// What a converted debit of a schedule comes to at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitThere {
    /// What was taken.
    pub amount: Money,
    /// What of it had not been given back before this return, minor units.
    pub left: i64,
}

/// A series of debits with stored credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Identity, as the wire shows it.
    pub id: SeriesId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// What the customer agreed to.
    pub kind: SeriesKind,
    /// Where it stands.
    pub status: SeriesStatus,
    /// The currency of its debits.
    pub currency: Currency,
    /// The debit that is not final, if any; there is one at most.
    pub open: Option<OperationId>,
    /// When its timer rings next, business time; none when nothing more happens by itself.
    pub due: Option<Timestamp>,
    /// The payment of the debits its schedule brings, which exists from the first of them on.
    pub payment: Option<PaymentKey>,
    /// How many callbacks it has had.
    pub callbacks: u32,
    /// Version of this record.
    pub version: Version,
    /// When it was registered, business time.
    pub created_at: Timestamp,
    /// When its status or its terms last changed, business time.
    pub updated_at: Timestamp,
    /// Everything else.
    pub detail: SeriesDetail,
}

/// Terms and course of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesDetail {
    /// Who pays.
    pub customer: Customer,
    /// The card it is debited from, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardSummary>,
    /// The wallet that handed the card out, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<DeviceWallet>,
    /// The agreement it is debited by, if it is another method's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Box<Agreement>>,
    /// What each debit of the schedule is about, minor units.
    pub amount: i64,
    /// The last day.
    pub valid_thru: Date,
    /// When it is debited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The name of the payment of the schedule's debits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<PaymentId>,
    /// The network's identifier of the operation that registered it; empty when there is none (G-106).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scheme_id: String,
    /// Free text of the merchant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its callbacks, and those of the debits its schedule brings, go here when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// When it was last debited, business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_payment_at: Option<Timestamp>,
    /// The moment of the schedule that comes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// The moment that came last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The declined debit that is, or was last, tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How many moments passed without a debit.
    #[serde(default)]
    pub missed: u32,
    /// Its schedule has come to its end, and the payment of its debits has its final status.
    #[serde(default)]
    pub settled: bool,
    /// The code with which debits are refused because the customer cancelled it at the issuer (G-376).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<Code>,
    /// The payment that registered it elsewhere, when it was taken over from there (G-367).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated: Option<PaymentId>,
}

/// What a customer agreed to at the provider of another method than cards: a mandate for direct debits, or the consent of
/// a wallet's owner. The provider knows it by the attempt that brought it about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The method.
    pub method: MethodRef,
    /// The customer's account there, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The attempt.
    pub attempt: AttemptId,
    /// Where.
    pub account: ProviderAccountId,
}

/// A declined debit that is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The debit.
    pub trigger: OperationId,
    /// When it was declined, business time.
    pub first: Timestamp,
    /// How often it has been tried again.
    pub made: u8,
    /// When it is tried next, business time; none when no try follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// The merchant has stopped it (G-403).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// What a series does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The debit of a moment of its schedule.
    Debit,
    /// Another try of a declined debit.
    Retry(Retry),
    /// Its term ends.
    TermEnd,
    /// Its card expires before its term.
    CardExpiry,
}

/// The last day of the month a card expires in.
fn last_day(expiry: Expiry) -> Option<Date> {
    let (year, month) = (i16::try_from(expiry.year).ok()?, i8::try_from(expiry.month).ok()?);
    Date::new(year, month, 1).ok().map(Date::last_of_month)
}

/// The midnight at which a day ends.
fn end_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let end = day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
    Some(Timestamp::from_micros(end.timestamp().as_microsecond()))
}

/// The day of a moment.
pub(crate) fn day_of(moment: Timestamp, zone: &TimeZone) -> Option<Date> {
    Some(moment.civil()?.to_zoned(zone.clone()).date())
}

impl Agreement {
    fn payment(&self) -> MethodPayment {
        MethodPayment {
            method: self.method,
            account: self.number.clone(),
            returns: ReturnUrls::default(),
            save: false,
            consent: None,
        }
    }
}

impl Series {
    /// When the card it is debited from expires, if it is one.
    pub(crate) fn card_expiry(&self) -> Option<Expiry> {
        self.detail.card.as_ref()?.expiry
    }

    /// What its debits' payments begin with: who pays, and with what.
    pub(crate) fn about_debits(&self) -> PaymentDetail {
        PaymentDetail {
            customer: self.detail.customer.clone(),
            card: self.detail.card.clone(),
            wallet: self.detail.wallet,
            method: self.detail.agreement.as_deref().map(|agreement| Box::new(agreement.payment())),
            series: Some(self.id),
            ..PaymentDetail::default()
        }
    }

    /// When and how it ends by itself: at the end of its last day, or earlier with its card. One that was to run as long
    /// as its card may go on without an end where the project says so (G-363).
    pub fn end(&self, project: &Project) -> Option<(Timestamp, Due)> {
        let zone = project.series_zone();
        let term = end_of(self.detail.valid_thru, &zone);
        let card = self.card_expiry().and_then(last_day);
        match card {
            Some(card) if card < self.detail.valid_thru => Some((end_of(card, &zone)?, Due::CardExpiry)),
            Some(card) if card == self.detail.valid_thru && project.settings.expired_cards_debited => None,
            _ => Some((term?, Due::TermEnd)),
        }
    }

    /// What it does next by itself, and when.
    pub fn next_event(&self, project: &Project) -> Option<(Timestamp, Due)> {
        if self.status != SeriesStatus::Active {
            return None;
        }
        let debit = self.detail.next.map(|at| (at, Due::Debit));
        let retry = self.detail.retry.and_then(|retry| Some((retry.next?, Due::Retry(retry))));
        // Of those at the same moment the first counts: a debit comes before the end.
        [debit, retry, self.end(project)].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// The first moment of the schedule that is not before `earliest`, as long as the series runs.
    pub fn slot_from(&self, project: &Project, earliest: Timestamp) -> Option<Slot> {
        let slot = self.detail.plan?.schedule()?.first_from(earliest, &project.series_zone())?;
        self.end(project).is_none_or(|(end, _)| slot.at < end).then_some(slot)
    }

    /// Whether the schedule brings more debits.
    pub fn goes_on(&self) -> bool {
        let retries = self.detail.retry.is_some_and(|retry| retry.next.is_some());
        self.status == SeriesStatus::Active && (self.detail.next.is_some() || retries)
    }

    /// Nothing is left that a debit could rest on (G-385). Payments that were made keep what their returns need.
    pub fn forget_credentials(&mut self) {
        self.detail.card = None;
        self.detail.wallet = None;
        self.detail.scheme_id.clear();
    }

    /// Whether debits of the schedule belong to this payment.
    pub fn debits(&self, payment: PaymentKey) -> bool {
        self.payment == Some(payment)
    }

    /// Whether its debits would lack the network's identifier of its registration where the project demands one (G-376).
    pub fn lacks_trace(&self, project: &Project) -> bool {
        let by_merchant = self.kind != SeriesKind::OneClick && self.detail.card.is_some();
        project.settings.trace_id_required && by_merchant && self.detail.scheme_id.is_empty()
    }

    /// Why it may not be debited or changed at `now`, if so (D-30).
    pub fn refusal(&self, project: &Project, now: Timestamp) -> Option<Code> {
        match self.status {
            SeriesStatus::Canceled => Some(self.detail.refused_by.unwrap_or(codes::SERIES_CANCELED)),
            SeriesStatus::Expired => Some(codes::SERIES_EXPIRED),
            SeriesStatus::Invalidated => Some(codes::SERIES_INVALIDATED),
            // Its timer is about to say so.
            SeriesStatus::Active => match self.end(project) {
                Some((end, Due::CardExpiry)) if end <= now => Some(codes::SERIES_INVALIDATED),
                Some((end, _)) if end <= now => Some(codes::SERIES_EXPIRED),
                _ => None,
            },
        }
    }
}
