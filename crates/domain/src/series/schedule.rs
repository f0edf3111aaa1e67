//! The moments of a schedule: start + k · interval · period, at one local time (G-353, G-383).
//!
//! Every moment is computed from the first one, never from the one before, so that a month without the day does not
//! move the days after it (G-356).

use crate::time::Timestamp;
use jiff::{
    Span,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

/// The unit of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Period {
    /// `D`.
    Day,
    /// `W`.
    Week,
    /// `M`.
    Month,
    /// `Q`: three months.
    Quarter,
    /// `Y`.
    Year,
}

impl Period {
    /// Every unit.
    pub const ALL: &'static [Self] = &[Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The letter on the wire.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Day => "D",
            Self::Week => "W",
            Self::Month => "M",
            Self::Quarter => "Q",
            Self::Year => "Y",
        }
    }

    /// The unit with this letter.
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|period| period.letter() == letter)
    }

    /// `count` of them; `None` beyond what a calendar has.
    fn times(self, count: i64) -> Option<Span> {
        let span = Span::new();
        match self {
            Self::Day => span.try_days(count),
            Self::Week => span.try_weeks(count),
            Self::Month => span.try_months(count),
            Self::Quarter => span.try_months(count.checked_mul(3)?),
            Self::Year => span.try_years(count),
        }
        .ok()
    }

    /// The longest it can last, in days: for guessing the number of a moment.
    const fn longest_days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
            Self::Quarter => 92,
            Self::Year => 366,
        }
    }
}

/// How many units lie between two debits: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Interval(u8);

impl Interval {
    /// Every one.
    pub const ONE: Self = Self(1);
}

/// Not between 1 and 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interval is a number from 1 to 100")]
pub struct InvalidInterval;

impl TryFrom<u8> for Interval {
    type Error = InvalidInterval;

    fn try_from(number: u8) -> Result<Self, InvalidInterval> {
        if (1..=100).contains(&number) { Ok(Self(number)) } else { Err(InvalidInterval) }
    }
}

impl From<Interval> for u8 {
    fn from(interval: Interval) -> Self {
        interval.0
    }
}

/// When a series is debited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The unit.
    pub period: Period,
    /// How many of it.
    pub interval: Interval,
    /// Day of the first debit.
    pub start: Date,
    /// Local time of every debit.
    pub time: Time,
}

/// One moment of a schedule. A debit is unique by series and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Counted from 0, the first debit.
    pub number: u32,
    /// When.
    pub at: Timestamp,
}

impl Schedule {
    /// The moment with this number. A day the month does not have is its last one (G-356); a local time the day does
    /// not have, because clocks are put forward, is as much later; one it has twice is the first. `None` beyond the end
    /// of the calendar.
    pub fn slot(&self, number: u32, zone: &TimeZone) -> Option<Slot> {
        let count = i64::from(number).checked_mul(i64::from(self.interval.0))?;
        let day = self.start.checked_add(self.period.times(count)?).ok()?;
        let moment = day.to_datetime(self.time).to_zoned(zone.clone()).ok()?;
        Some(Slot { number, at: Timestamp::from_micros(moment.timestamp().as_microsecond()) })
    }

    /// The first moment that is not before `earliest`. `None` beyond the end of the calendar.
    pub fn first_from(&self, earliest: Timestamp, zone: &TimeZone) -> Option<Slot> {
        let first = self.slot(0, zone)?;
        if first.at >= earliest {
            return Some(first);
        }
        // A number that is certainly not too large; from there at most a few steps are left for each year that passed.
        let days = i64::try_from(earliest.since(first.at).as_secs() / 86_400).ok()?;
        let longest = self.period.longest_days().checked_mul(i64::from(self.interval.0))?;
        let mut number = u32::try_from(days.checked_div(longest)?.saturating_sub(1).max(0)).ok()?;
        loop {
            let slot = self.slot(number, zone)?;
            if slot.at >= earliest {
                return Some(slot);
            }
            number = number.checked_add(1)?;
        }
    }

    /// The moment after this one.
    pub fn next(&self, slot: Slot, zone: &TimeZone) -> Option<Slot> {
        self.slot(slot.number.checked_add(1)?, zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    fn every(interval: u8, period: Period, start: Date) -> Schedule {
        Schedule { period, interval: interval.try_into().unwrap(), start, time: time(9, 30, 0, 0) }
    }

    fn days(schedule: &Schedule, count: u32) -> Vec<String> {
        (0..count)
            .map(|number| {
                let at = schedule.slot(number, &TimeZone::UTC).unwrap().at.civil().unwrap();
                at.strftime("%Y-%m-%d").to_string()
            })
            .collect()
    }

    fn moments(schedule: &Schedule, zone: &TimeZone, numbers: std::ops::Range<u32>) -> Vec<String> {
        numbers.map(|number| schedule.slot(number, zone).unwrap().at.civil().unwrap().to_string()).collect()
    }

    // G-356
    #[test]
    fn a_month_without_the_day_has_its_debit_on_the_last_one_and_moves_no_other() {
        let monthly = every(1, Period::Month, date(2026, 1, 31));
        assert_eq!(days(&monthly, 5), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
        let leap = every(1, Period::Month, date(2028, 1, 30));
        assert_eq!(days(&leap, 3), ["2028-01-30", "2028-02-29", "2028-03-30"]);
        let yearly = every(1, Period::Year, date(2028, 2, 29));
        assert_eq!(days(&yearly, 5), ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]);
    }

    // G-353, G-383
    #[test]
    fn debits_follow_each_other_by_interval_times_period() {
        for (interval, period, expected) in [
            (3, Period::Day, ["2026-11-21", "2026-11-24", "2026-11-27"]),
            (2, Period::Week, ["2026-11-21", "2026-12-05", "2026-12-19"]),
            (2, Period::Month, ["2026-11-21", "2027-01-21", "2027-03-21"]),
            (1, Period::Quarter, ["2026-11-21", "2027-02-21", "2027-05-21"]),
            (1, Period::Year, ["2026-11-21", "2027-11-21", "2028-11-21"]),
        ] {
            assert_eq!(days(&every(interval, period, date(2026, 11, 21)), 3), expected, "{period:?}");
        }
    }

    // D-54
    #[test]
    fn the_local_time_stays_when_clocks_are_changed() {
        let riga = TimeZone::get("Europe/Riga").unwrap();
        let daily = Schedule { time: time(3, 30, 0, 0), ..every(1, Period::Day, date(2027, 3, 27)) };
        // On 28 March 2027 clocks go from 3:00 to 4:00 there: 3:30 does not exist.
        assert_eq!(
            moments(&daily, &riga, 0..3),
            ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"]
        );
        // On 31 October 2027 they go back from 4:00 to 3:00: 3:30 comes twice.
        let daily = Schedule { start: date(2027, 10, 30), ..daily };
        assert_eq!(
            moments(&daily, &riga, 0..3),
            ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]
        );
    }

    // G-353
    #[test]
    fn intervals_and_periods_are_those_of_the_wire() {
        for period in Period::ALL {
            assert_eq!(Period::from_letter(period.letter()), Some(*period));
        }
        assert_eq!(Period::from_letter("d"), None);
        for (number, right) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(Interval::try_from(number).is_ok(), right, "{number}");
        }
    }

    #[test]
    fn the_calendar_ends_without_a_panic() {
        let yearly = every(100, Period::Year, date(9_900, 1, 1));
        assert_eq!(yearly.slot(1, &TimeZone::UTC), None);
        assert_eq!(yearly.slot(u32::MAX, &TimeZone::UTC), None);
        assert_eq!(yearly.first_from(Timestamp::from_micros(i64::MAX), &TimeZone::UTC), None);
    }

    proptest! {
        #[test]
        fn the_first_moment_from_any_other_is_found(
            interval in 1_u8..=100,
            period in 0_usize..5,
            (month, day) in (1_i8..=12, 1_i8..=28),
            offset in -400_i64..20_000,
        ) {
            let schedule = every(interval, Period::ALL[period], date(2026, month, day));
            let start = schedule.slot(0, &TimeZone::UTC).unwrap().at;
            let earliest = Timestamp::from_seconds(start.seconds() + offset * 40_000);
            let found = schedule.first_from(earliest, &TimeZone::UTC).unwrap();
            prop_assert!(found.at >= earliest);
            if found.number > 0 {
                let before = schedule.slot(found.number - 1, &TimeZone::UTC).unwrap();
                prop_assert!(before.at < earliest && before.at < found.at);
            }
            prop_assert_eq!(schedule.next(found, &TimeZone::UTC), schedule.slot(found.number + 1, &TimeZone::UTC));
        }
    }
}
