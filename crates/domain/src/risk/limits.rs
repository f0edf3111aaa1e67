//! Limits on how often, by how many and for how much something is used (G-521).
//!
//! A use is a row that is only ever added, found by what it counts for: no counter is changed, so no two payments wait
//! for each other. What is counted is read in the commit that adds the row.

use super::{Feature, Profile};
use crate::{
    card::Country,
    codes::{self, Code},
    ids::{PaymentKey, ProjectId},
    money::{Currency, Money},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The longest time over which is counted, in seconds: 31 days.
pub const LONGEST_WINDOW: u32 = 31 * 24 * 3600;

/// Which operations a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Purchases and verifications.
    #[default]
    In,
    /// Payouts.
    Out,
}

impl Direction {
    /// The number the store keeps.
    pub const fn number(self) -> u8 {
        match self {
            Self::In => 1,
            Self::Out => 2,
        }
    }
}

/// Whether card and merchant are of the same country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crossing {
    /// They are.
    Domestic,
    /// They are not.
    CrossBorder,
}

impl Crossing {
    /// Of a card issued there and a merchant registered here; `None` when one of both is not known.
    pub fn of(issuer: Option<Country>, merchant: Option<Country>) -> Option<Self> {
        let (issuer, merchant) = issuer.zip(merchant)?;
        Some(if issuer == merchant { Self::Domestic } else { Self::CrossBorder })
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Seconds since the use before: at least so many.
    Interval,
    /// Operations.
    Count,
    /// The amount, minor units of the operation's currency.
    Amount,
    /// The amount of this operation alone.
    Single,
    /// Operations with the same card, amount and currency.
    Duplicates,
    /// Different cards.
    Cards,
    /// Different e-mail addresses.
    Emails,
    /// Different customers.
    Customers,
    /// Different names on cards.
    Names,
    /// Different countries of issuers.
    Countries,
}

impl Measure {
    /// What differs, where different things are counted.
    pub const fn different(self) -> Option<Feature> {
        Some(match self {
            Self::Cards => Feature::Card,
            Self::Emails => Feature::Email,
            Self::Customers => Feature::Customer,
            Self::Names => Feature::Holder,
            Self::Countries => Feature::Country,
            Self::Interval | Self::Count | Self::Amount | Self::Single | Self::Duplicates => return None,
        })
    }

    const fn code(self) -> Code {
        match self {
            Self::Interval => codes::RISK_INTERVAL,
            Self::Count => codes::RISK_COUNT,
            Self::Amount => codes::RISK_AMOUNT_SUM,
            Self::Single => codes::RISK_AMOUNT,
            Self::Duplicates => codes::RISK_DUPLICATE,
            Self::Cards => codes::RISK_CARDS,
            Self::Emails => codes::RISK_EMAILS,
            Self::Customers => codes::RISK_CUSTOMERS,
            Self::Names => codes::RISK_NAMES,
            Self::Countries => codes::RISK_COUNTRIES,
        }
    }
}

/// A limit of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which operations.
    #[serde(default)]
    pub direction: Direction,
    /// What is counted by: operations with the same feature count together.
    pub by: Feature,
    /// What is measured.
    pub measure: Measure,
    /// Over how many seconds, at most 31 days.
    pub seconds: u32,
    /// The most that is allowed; at [`Measure::Interval`] nothing, the seconds alone count.
    #[serde(default)]
    pub most: i64,
    /// For operations in this currency only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only where card and merchant are of the same country, or are not; what nobody knows is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossing: Option<Crossing>,
    /// The code to decline with, where it is not the one of the measure: payouts have several for their periods (G-325).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

impl Rule {
    /// Why it would never count anything, or not what it seems to.
    pub fn fault(&self) -> Option<&'static str> {
        [
            (self.by == Feature::Phrase, "phrases are looked up on lists; they are not counted by"),
            (self.measure.different() == Some(self.by), "by one thing it is always one thing only"),
            (self.seconds > LONGEST_WINDOW, "it goes back further than 31 days"),
            (self.seconds == 0 && self.measure != Measure::Single, "it goes back no time at all"),
            (self.most < 0, "less than nothing is allowed"),
        ]
        .into_iter()
        .find_map(|(fails, fault)| fails.then_some(fault))
    }

    /// The code it declines with.
    pub fn code(&self) -> Code {
        self.code.unwrap_or_else(|| self.measure.code())
    }
}

/// A use that the commit records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The project.
    pub project: ProjectId,
    /// The payment.
    pub payment: PaymentKey,
    /// Which way the money goes.
    pub direction: Direction,
    /// When, business time.
    pub at: Timestamp,
    /// For how much.
    pub amount: Money,
    /// What the operation looks like.
    pub profile: Profile,
    /// By which of its features it is found again.
    pub by: Vec<Feature>,
    /// What is to be read before it is recorded.
    pub counts: Vec<Count>,
}

/// What has to be read of earlier uses with the same feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The feature they have in common.
    pub by: Feature,
    /// Which measure.
    pub measure: Measure,
    /// From when on, business time.
    pub since: Timestamp,
    /// The most that is allowed, this use included.
    pub most: i64,
    /// What to decline with when it is more.
    pub code: Code,
}

/// What earlier uses come to, since the moment of a [`Count`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many there are.
    pub count: i64,
    /// What those in the same currency come to, minor units.
    pub minor: i64,
    /// How many have the same card, amount and currency.
    pub duplicates: i64,
    /// How many different values they have of what the measure counts, this operation's own left out.
    pub others: i64,
}

impl Count {
    /// Whether this use would be too much after what was read.
    pub const fn is_exceeded_by(&self, before: Reading, minor: i64) -> bool {
        let now = match self.measure {
            Measure::Interval => return before.count > 0,
            Measure::Count => before.count.saturating_add(1),
            Measure::Amount => before.minor.saturating_add(minor),
            Measure::Single => minor,
            Measure::Duplicates => before.duplicates.saturating_add(1),
            _ => before.others.saturating_add(1),
        };
        now > self.most
    }
}

impl Use {
    /// The use that `rules` have to know of; none when no rule concerns it.
    pub fn under(
        rules: &[Rule],
        (project, payment): (ProjectId, PaymentKey),
        (direction, crossing): (Direction, Option<Crossing>),
        profile: Profile,
        amount: Money,
        at: Timestamp,
    ) -> Option<Self> {
        let counts: Vec<Count> = rules
            .iter()
            .filter(|rule| rule.direction == direction)
            .filter(|rule| rule.crossing.is_none() || rule.crossing == crossing)
            .filter(|rule| rule.currency.is_none_or(|it| it == amount.currency))
            .filter(|rule| profile.get(rule.by).is_some())
            .filter(|rule| rule.measure.different().is_none_or(|it| profile.get(it).is_some()))
            .map(|rule| {
                let seconds = rule.seconds.min(LONGEST_WINDOW);
                let since = Timestamp::from_micros(
                    at.micros().saturating_sub(i64::from(seconds).saturating_mul(1_000_000)),
                );
                Count { by: rule.by, measure: rule.measure, since, most: rule.most, code: rule.code() }
            })
            .collect();
        let mut by: Vec<Feature> = counts.iter().map(|count| count.by).collect();
        by.sort_unstable();
        by.dedup();
        (!counts.is_empty()).then_some(Self { project, payment, direction, at, amount, profile, by, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(measure: Measure, most: i64) -> Count {
        let (by, since) = (Feature::Customer, Timestamp::default());
        Count { by, measure, since, most, code: measure.code() }
    }

    // G-521
    #[test]
    fn a_limit_is_reached_with_the_use_itself_counted() {
        let before = Reading { count: 2, minor: 500, duplicates: 1, others: 3 };
        for (measure, reached) in [
            (Measure::Count, 3),
            (Measure::Amount, 600),
            (Measure::Single, 100),
            (Measure::Duplicates, 2),
            (Measure::Cards, 4),
            (Measure::Names, 4),
        ] {
            assert!(!count(measure, reached).is_exceeded_by(before, 100), "{measure:?}");
            assert!(count(measure, reached - 1).is_exceeded_by(before, 100), "{measure:?}");
        }
        assert!(count(Measure::Interval, 0).is_exceeded_by(before, 100));
        assert!(!count(Measure::Interval, 0).is_exceeded_by(Reading::default(), 100));
    }

    // G-521
    #[test]
    fn every_measure_has_a_code_of_its_own() {
        let expected = [
            (Measure::Interval, 1409),
            (Measure::Countries, 1413),
            (Measure::Single, 1421),
            (Measure::Amount, 1422),
            (Measure::Cards, 1431),
            (Measure::Emails, 1432),
            (Measure::Count, 1433),
            (Measure::Duplicates, 1434),
            (Measure::Customers, 1435),
            (Measure::Names, 1437),
        ];
        for (measure, code) in expected {
            assert_eq!(measure.code(), Code::new(code), "{measure:?}");
        }
    }
}
