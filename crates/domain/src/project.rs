//! What a project is allowed and configured to do.

use crate::{
    ids::{ProjectId, ProviderAccountId},
    money::{Currency, FeeRule},
    time::Timestamp,
};
use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

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

/// The switches of a project, each with its documented default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one documented switch")]
pub struct Settings {
    /// Currencies operations may be in; none listed means all (G-066).
    pub currencies: Vec<Currency>,
    /// The callback address for everything that has no closer one (G-082).
    pub callback_url: Option<String>,
    /// Addresses for successes and declines, before the general one (G-082).
    pub callback_url_success: Option<String>,
    /// See [`callback_url_success`](Self::callback_url_success).
    pub callback_url_decline: Option<String>,
    /// Whether `customer.email`, `phone` and `screen_res` may be left out of card sales (D-10).
    pub legacy_minimum: bool,
    /// Whether a customer identifier is demanded where the contract leaves it open (G-063).
    pub customer_id_required: bool,
    /// Whether `card.card_holder` is demanded (G-072).
    pub card_holder_required: bool,
    /// Whether the project may send card data (G-525).
    pub card_data_allowed: bool,
    /// Whether card sales are switched on (G-034).
    pub card_sales_allowed: bool,
    /// Whether refunds are switched on (G-034).
    pub refunds_allowed: bool,
    /// Whether callbacks repeat the refund reason as `operation_description` (G-086, G-105).
    pub operation_description_in_callbacks: bool,
    /// Whether the final callback echoes `merchant.data` (G-107).
    pub merchant_data_in_callbacks: bool,
    /// Callback and status layout of older integrations (G-112).
    pub legacy_callbacks: bool,
    /// Whether less tolerant clients' signature variants are accepted (D-04).
    pub tolerant_signature: bool,
    /// Addresses Gate requests may come from; none listed means any (G-031).
    pub allowed_sources: Vec<String>,
    /// How long the merchant must wait between two refunds of a payment (G-280).
    pub refund_interval_seconds: u32,
    /// The merchant category; decides for which purchases the dates of the booking are demanded (G-155).
    pub category: Option<u16>,
    /// Smallest and largest amount of a sale per currency, minor units (G-163).
    pub sale_limits: BTreeMap<String, Limits>,
    /// Cost of a card sale to the merchant.
    pub sale_fee: FeeRule,
    /// Cost of a refund to the merchant.
    pub refund_fee: FeeRule,
    /// How far below zero the merchant's balance may go, per currency, in minor units.
    pub credit: BTreeMap<String, i64>,
    /// What a test project starts with in each currency, whole units (D-475).
    pub test_balance_units: i64,
    /// When a card operation that is still open is given up (D-58), in seconds.
    pub card_threshold_seconds: u32,
    /// Fault the simulated provider is asked to show for every operation; test projects only.
    pub fault_plan: Option<String>,
}

/// Smallest and largest amount, minor units; either may be left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The smallest amount allowed.
    pub smallest: Option<i64>,
    /// The largest amount allowed.
    pub largest: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            currencies: Vec::new(),
            callback_url: None,
            callback_url_success: None,
            callback_url_decline: None,
            legacy_minimum: false,
            customer_id_required: false,
            card_holder_required: false,
            card_data_allowed: true,
            card_sales_allowed: true,
            refunds_allowed: true,
            operation_description_in_callbacks: true,
            merchant_data_in_callbacks: true,
            legacy_callbacks: false,
            tolerant_signature: false,
            allowed_sources: Vec::new(),
            refund_interval_seconds: 120,
            category: None,
            sale_limits: BTreeMap::new(),
            sale_fee: FeeRule::default(),
            refund_fee: FeeRule::default(),
            credit: BTreeMap::new(),
            test_balance_units: 1_000_000,
            card_threshold_seconds: 24 * 3600,
            fault_plan: None,
        }
    }
}

impl Project {
    /// Whether operations in `currency` are enabled (3023 when not).
    pub fn allows(&self, currency: Currency) -> bool {
        self.settings.currencies.is_empty() || self.settings.currencies.contains(&currency)
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

    /// Whether purchases must say from when to when the booking lasts (G-155).
    pub fn needs_booking_dates(&self) -> bool {
        const BOOKED: [u16; 10] = [4411, 4511, 4722, 5962, 6513, 7011, 7012, 7512, 7519, 7922];
        self.settings
            .category
            .is_some_and(|category| (3000..=3999).contains(&category) || BOOKED.contains(&category))
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

/// The clearing day of a channel: it ends every day at one local time (G-270).
#[derive(Clone, Debug)]
pub struct OperationDay {
    /// Local time at which the day ends.
    pub cut_off: civil::Time,
    /// Zone that time is local to.
    pub zone: TimeZone,
}

impl Default for OperationDay {
    fn default() -> Self {
        Self { cut_off: civil::Time::midnight(), zone: TimeZone::UTC }
    }
}

impl OperationDay {
    /// When the operation day that contains `moment` ends: the next cut-off after it.
    pub fn end(&self, moment: Timestamp) -> Timestamp {
        let next = || {
            let local = moment.civil()?.to_zoned(self.zone.clone());
            let today = local.date().to_datetime(self.cut_off).to_zoned(self.zone.clone()).ok()?;
            let end = if today.timestamp() > local.timestamp() {
                today
            } else {
                local.date().tomorrow().ok()?.to_datetime(self.cut_off).to_zoned(self.zone.clone()).ok()?
            };
            Some(Timestamp::from_micros(end.timestamp().as_microsecond()))
        };
        next().unwrap_or(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    // G-270
    #[test]
    fn the_operation_day_ends_at_the_next_local_cut_off() {
        let day =
            OperationDay { cut_off: civil::time(22, 0, 0, 0), zone: TimeZone::fixed(jiff::tz::offset(2)) };
        assert_eq!(day.end(at("2026-11-21T12:00:00Z")), at("2026-11-21T20:00:00Z"));
        assert_eq!(day.end(at("2026-11-21T20:00:00Z")), at("2026-11-22T20:00:00Z"));
        assert_eq!(OperationDay::default().end(at("2026-11-21T12:00:00Z")), at("2026-11-22T00:00:00Z"));
    }
}
