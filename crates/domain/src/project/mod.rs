//! What a project is allowed and configured to do.

mod callback_route;
mod choices;
mod confirmation;
mod day;
mod faults;
mod mail;
mod payout_rules;
mod reversal;
mod routing;
mod settings;
mod source;
mod transfer_rules;

pub use callback_route::CallbackRoute;
pub use choices::{
    AvsMode, CredentialStorage, DebitRetries, HoldEnd, Limits, MissedDebits, OtherAmount, SeriesRegistration,
    TokenMode, Unauthenticated,
};
pub use confirmation::{Confirmation, ConfirmedKind};
pub use day::OperationDay;
pub use mail::{MailSettings, MailText, MailedResult};
pub use payout_rules::{EarlierPurchase, PayoutRules};
pub use reversal::ReversalRule;
pub use routing::{Mismatch, RouteRule, Routed};
pub use settings::Settings;
pub use source::Source;
pub use transfer_rules::TransferRules;

use crate::{
    codes::{self, Code},
    ids::{ProjectId, ProviderAccountId},
    method::MethodRef,
    money::Currency,
    payment::{Operation, Payment},
    series::RetryPlan,
    time::Timestamp,
};
use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a project's operations go; fixed when the project is made (D-470).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Emulated providers, virtual clock, no money.
    Test,
    /// Real providers.
    Production,
}

/// A project as decisions see it. Secrets are kept apart, in the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// The number the merchant sends as `project_id`.
    pub id: ProjectId,
    /// Test or production.
    pub environment: Environment,
    /// Whether the merchant may start operations at all (3299).
    pub active: bool,
    /// What may be switched per project.
    #[serde(default)]
    pub settings: Settings,
    /// The account card operations are sent through.
    pub card_account: ProviderAccountId,
}

impl Project {
    /// Whether operations in `currency` are enabled (3023 when not); those that are converted are.
    pub fn allows(&self, currency: Currency) -> bool {
        let Settings { currencies, conversions, .. } = &self.settings;
        currencies.is_empty() || currencies.contains(&currency) || conversions.contains_key(currency.code())
    }

    /// The currency that amounts in `currency` are converted into by card or by `method`; none when they are processed as
    /// they are, as by a method that names the currency among its own (G-447).
    ///
    /// # Errors
    /// The channel works in other currencies, and this one is not converted (3119).
    pub fn channel_of(
        &self,
        currency: Currency,
        method: Option<MethodRef>,
    ) -> Result<Option<Currency>, Code> {
        let Settings { channel_currencies, conversions, .. } = &self.settings;
        let is_methods = method.is_some_and(|method| method.get().currencies.contains(&currency));
        if is_methods && (channel_currencies.is_empty() || channel_currencies.contains(&currency)) {
            return Ok(None);
        }
        if let Some(channel) = conversions.get(currency.code()).filter(|channel| **channel != currency) {
            return Ok(Some(*channel));
        }
        let is_taken = channel_currencies.is_empty() || channel_currencies.contains(&currency);
        if is_taken { Ok(None) } else { Err(codes::CHANNEL_CURRENCY) }
    }

    /// Whether the project may send card data at `now`, real time (G-525).
    pub fn may_send_cards(&self, now: Timestamp) -> bool {
        let is_past = |until: Date| days_until(until, now).is_some_and(|days| days < 0);
        self.settings.card_data_allowed && !self.settings.card_data_until.is_some_and(is_past)
    }

    /// How many days are left of the attestation by which the project may send card data, when few are; below zero once it
    /// is past (G-525).
    pub fn attestation_ends_in(&self, now: Timestamp) -> Option<i32> {
        const WARNED_AHEAD: i32 = 30;
        let until = self.settings.card_data_until.filter(|_| self.settings.card_data_allowed)?;
        days_until(until, now).filter(|days| *days <= WARNED_AHEAD)
    }

    /// The lowest the merchant's balance in `currency` may fall to, in minor units: zero or below.
    pub fn floor(&self, currency: Currency) -> i64 {
        let credit = self.settings.credit.get(currency.code()).copied().unwrap_or(0);
        credit.max(0).saturating_neg()
    }

    /// The limits of a sale in `currency`.
    pub fn sale_limits(&self, currency: Currency) -> Limits {
        self.settings.sale_limits.get(currency.code()).copied().unwrap_or_default()
    }

    /// The limits of a payout in `currency`.
    pub fn payout_limits(&self, currency: Currency) -> Limits {
        self.settings.payout_limits.get(currency.code()).copied().unwrap_or_default()
    }

    /// The provider account that takes `method`, if any.
    pub fn method_account(&self, method: MethodRef) -> Option<ProviderAccountId> {
        let accounts = &self.settings.method_accounts;
        accounts.get(&method.code).or_else(|| accounts.get("*")).copied()
    }

    /// Every provider account an operation may go through; some more than once.
    pub fn accounts(&self) -> impl Iterator<Item = ProviderAccountId> + '_ {
        let routed = self.settings.routes.iter().flat_map(|route| &route.accounts);
        let by_method = self.settings.method_accounts.values();
        std::iter::once(self.card_account).chain(routed.chain(by_method).copied())
    }

    /// When a payment by `method` is given up (G-026).
    pub fn method_threshold(&self, method: MethodRef) -> Duration {
        let own = self.settings.method_thresholds.get(&method.code);
        own.map_or_else(|| method.threshold(), |seconds| Duration::from_secs(u64::from(*seconds)))
    }

    /// When an operation is given up whatever it is doing (D-58), business time.
    pub(crate) fn threshold_of(&self, payment: &Payment, operation: &Operation) -> Timestamp {
        let method = payment.method();
        let span = method.map_or_else(|| self.card_threshold(), |method| self.method_threshold(method));
        operation.created_at.plus(span)
    }

    /// By which plan declined debits of series are tried again (G-397, G-399).
    pub fn retry_plan(&self) -> RetryPlan {
        match &self.settings.debit_retries {
            Some(own) if own.active => RetryPlan::Days(own.days.clone()),
            _ => RetryPlan::Standard,
        }
    }

    /// The zone in which the times of schedules and the days of series are told (D-54).
    pub fn series_zone(&self) -> TimeZone {
        let seconds = i32::from(self.settings.series_utc_offset_minutes).saturating_mul(60);
        jiff::tz::Offset::from_seconds(seconds).map_or(TimeZone::UTC, TimeZone::fixed)
    }

    /// Whether purchases must say from when to when the booking lasts (G-155).
    pub fn needs_booking_dates(&self) -> bool {
        const BOOKED: [u16; 10] = [4411, 4511, 4722, 5962, 6513, 7011, 7012, 7512, 7519, 7922];
        self.settings
            .category
            .is_some_and(|category| (3000..=3999).contains(&category) || BOOKED.contains(&category))
    }

    /// The clock business timers of the project run by: its own in a test project, else the machine's.
    pub fn timer_clock(&self) -> Option<ProjectId> {
        (self.environment == Environment::Test).then_some(self.id)
    }

    /// How long a card operation may stay open.
    pub fn card_threshold(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.card_threshold_seconds))
    }

    /// How long the merchant must wait between two refunds of one payment (G-280).
    pub fn refund_interval(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.refund_interval_seconds))
    }
}

/// Whole days from `now` to the day, in UTC; 0 on the day itself.
fn days_until(day: Date, now: Timestamp) -> Option<i32> {
    let today = now.civil()?.to_zoned(TimeZone::UTC).date();
    today.until(day).ok().map(|span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-525: to the end of the day; warned of thirty days before, and after it
    #[test]
    fn cards_are_sent_until_the_attestation_ends_and_its_end_is_warned_of() {
        let at =
            |text: &str| Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let by = |allowed, until: Option<&str>| Project {
            id: ProjectId::new(1),
            environment: Environment::Test,
            active: true,
            settings: Settings {
                card_data_allowed: allowed,
                card_data_until: until.map(|day| day.parse().unwrap()),
                ..Settings::default()
            },
            card_account: ProviderAccountId::new(1),
        };
        let project = by(true, Some("2026-12-31"));
        for (moment, may, left) in [
            ("2026-11-30T23:59:59Z", true, None),
            ("2026-12-01T00:00:00Z", true, Some(30)),
            ("2026-12-31T23:59:59Z", true, Some(0)),
            ("2027-01-01T00:00:00Z", false, Some(-1)),
        ] {
            let now = at(moment);
            assert_eq!(
                (project.may_send_cards(now), project.attestation_ends_in(now)),
                (may, left),
                "{moment}"
            );
        }
        let now = at("2027-06-01T00:00:00Z");
        assert!(by(true, None).may_send_cards(now) && !by(false, Some("2030-01-01")).may_send_cards(now));
        assert_eq!(by(false, Some("2026-12-31")).attestation_ends_in(now), None, "it sends none anyway");
    }

    // G-397, G-399
    #[test]
    fn retries_follow_the_merchants_own_plan_while_it_is_in_use() {
        let own = DebitRetries { days: vec![1, 4], active: true };
        let mut project = Project {
            id: ProjectId::new(1),
            environment: Environment::Test,
            active: true,
            settings: Settings { debit_retries: Some(own), ..Settings::default() },
            card_account: ProviderAccountId::new(1),
        };
        assert_eq!(project.retry_plan(), RetryPlan::Days(vec![1, 4]));
        project.settings.debit_retries = Some(DebitRetries { days: vec![1, 4], active: false });
        assert_eq!(project.retry_plan(), RetryPlan::Standard);
        project.settings.debit_retries = None;
        assert_eq!(project.retry_plan(), RetryPlan::Standard);
    }
}
