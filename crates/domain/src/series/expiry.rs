//! How long a series runs (G-357, G-358, G-393).

use crate::card::Expiry;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The parts of an expiry date as the merchant states them; any of them may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpiryParts {
    /// 1 to 31; the month's last day when it does not have so many.
    pub day: Option<u8>,
    /// 1 to 12.
    pub month: Option<u8>,
    /// From 2020.
    pub year: Option<u16>,
}

/// A part is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an expiry date has a day from 1 to 31, a month from 1 to 12 and a year from 2020 to 9999")]
pub struct InvalidExpiry;

impl ExpiryParts {
    /// Whether nothing is stated.
    pub const fn is_empty(&self) -> bool {
        self.day.is_none() && self.month.is_none() && self.year.is_none()
    }
}

/// The last day of a series. Missing parts come from the card's expiry, whose day is the last of its month. A series
/// without a card runs to the last day of the stated month or of that of the registration, and ten years without a
/// stated year.
///
/// # Errors
/// A stated part is out of its range.
pub fn valid_thru(
    stated: ExpiryParts,
    card: Option<Expiry>,
    registered: Date,
) -> Result<Date, InvalidExpiry> {
    let defaults = match card {
        Some(card) => ExpiryParts { day: None, month: Some(card.month), year: Some(card.year) },
        None => ExpiryParts {
            day: None,
            month: u8::try_from(registered.month()).ok(),
            year: u16::try_from(registered.year()).ok().and_then(|year| year.checked_add(10)),
        },
    };
    let month = stated.month.or(defaults.month).ok_or(InvalidExpiry)?;
    let year = stated.year.or(defaults.year).ok_or(InvalidExpiry)?;
    if !(1..=12).contains(&month) || !(2020..=9999).contains(&year) {
        return Err(InvalidExpiry);
    }
    let (month, year) =
        (i8::try_from(month).map_err(|_| InvalidExpiry)?, i16::try_from(year).map_err(|_| InvalidExpiry)?);
    let last = Date::new(year, month, 1).map_err(|_| InvalidExpiry)?.last_of_month();
    match stated.day {
        None => Ok(last),
        Some(day @ 1..=31) => {
            let day = i8::try_from(day).map_err(|_| InvalidExpiry)?.min(last.day());
            Date::new(year, month, day).map_err(|_| InvalidExpiry)
        }
        Some(_) => Err(InvalidExpiry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const CARD: Option<Expiry> = Some(Expiry { year: 2029, month: 2 });

    fn parts(day: Option<u8>, month: Option<u8>, year: Option<u16>) -> ExpiryParts {
        ExpiryParts { day, month, year }
    }

    fn thru(stated: ExpiryParts, card: Option<Expiry>) -> Date {
        valid_thru(stated, card, date(2026, 11, 21)).unwrap()
    }

    // G-357, G-358
    #[test]
    fn missing_parts_come_from_the_card() {
        assert_eq!(thru(parts(None, None, None), CARD), date(2029, 2, 28));
        assert_eq!(thru(parts(None, None, Some(2028)), CARD), date(2028, 2, 29));
        assert_eq!(thru(parts(None, Some(12), None), CARD), date(2029, 12, 31));
        assert_eq!(thru(parts(Some(15), None, None), CARD), date(2029, 2, 15));
    }

    // G-357, G-358
    #[test]
    fn without_a_card_they_come_from_the_registration() {
        assert_eq!(thru(parts(None, None, None), None), date(2036, 11, 30));
        assert_eq!(thru(parts(None, None, Some(2028)), None), date(2028, 11, 30));
        assert_eq!(thru(parts(None, Some(2), None), None), date(2036, 2, 29));
        assert_eq!(thru(parts(Some(5), Some(3), Some(2027)), None), date(2027, 3, 5));
    }

    // G-353
    #[test]
    fn a_day_the_month_does_not_have_is_its_last_and_other_nonsense_is_refused() {
        assert_eq!(thru(parts(Some(31), Some(4), Some(2027)), None), date(2027, 4, 30));
        for wrong in [
            parts(Some(0), None, None),
            parts(Some(32), None, None),
            parts(None, Some(0), None),
            parts(None, Some(13), None),
            parts(None, None, Some(2019)),
            parts(None, None, Some(10_000)),
        ] {
            assert_eq!(valid_thru(wrong, CARD, date(2026, 11, 21)), Err(InvalidExpiry), "{wrong:?}");
        }
        assert!(parts(None, None, None).is_empty() && !parts(None, Some(1), None).is_empty());
    }
}
