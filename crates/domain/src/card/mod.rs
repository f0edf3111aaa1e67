//! Payment cards: numbers that mask themselves, networks, expiry, and what may be shown.

mod country;
mod descriptor;
mod ranges;
mod wallet;

pub(crate) use country::VISA_EUROPE;
pub use country::{Country, InvalidCountry, Region};
pub use descriptor::{comparable_name, statement_name};
pub use ranges::{CardRange, CardRanges, Funding, Issue, Origin, RangeFault, Transfers, quotable};
pub use wallet::DeviceWallet;

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// A primary account number. Shown only masked; its memory is cleared when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan(Zeroizing<String>);

/// The text is no card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a card number has 12 to 19 digits and a valid check digit")]
pub struct InvalidPan;

impl Pan {
    /// Accepts 12 to 19 digits with a valid Luhn check digit (G-070, D-481).
    pub fn parse(text: &str) -> Result<Self, InvalidPan> {
        if !(12..=19).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) || !luhn(text)
        {
            return Err(InvalidPan);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The digits. For the vault and the acquirer only; never for logs, errors or callbacks.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// First six, six stars, last four: the form of callbacks whatever the number's length (G-097).
    pub fn masked(&self) -> String {
        let head = self.0.get(..6).unwrap_or_default();
        let tail = self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default();
        format!("{head}******{tail}")
    }

    /// The card network by the number's first digits.
    pub fn network(&self) -> Network {
        let prefix = |n: usize| self.0.get(..n).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        match (prefix(1), prefix(2), prefix(4)) {
            (4, _, _) => Network::Visa,
            (_, 51..=55, _) | (_, _, 2221..=2720) => Network::Mastercard,
            (_, 34 | 37, _) => Network::AmericanExpress,
            (_, 50 | 56..=58, _) | (6, _, _) if prefix(2) != 62 && prefix(2) != 65 && prefix(4) != 6011 => {
                Network::Maestro
            }
            (_, 62, _) => Network::UnionPay,
            _ => Network::Other,
        }
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Display for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Serialises masked, so that no derived serialisation can leak a number.
impl Serialize for Pan {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            let weighted = if position % 2 == 1 { digit * 2 } else { digit };
            if weighted > 9 { weighted - 9 } else { weighted }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A card verification value. Never shown, never serialised; its memory is cleared when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Cvv(Zeroizing<String>);

/// The text is no card verification value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a card verification value has three or four digits")]
pub struct InvalidCvv;

impl Cvv {
    /// Accepts three or four digits (G-070).
    pub fn parse(text: &str) -> Result<Self, InvalidCvv> {
        if matches!(text.len(), 3 | 4) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(InvalidCvv)
        }
    }

    /// The digits. For the sealed table and the acquirer only.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cvv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A card network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express.
    AmericanExpress,
    /// Maestro.
    Maestro,
    /// China `UnionPay`, payouts only (G-526).
    UnionPay,
    /// Any other number range.
    Other,
}

impl Network {
    /// Every network.
    pub const ALL: &'static [Self] =
        &[Self::Visa, Self::Mastercard, Self::AmericanExpress, Self::Maestro, Self::UnionPay, Self::Other];

    /// The code callbacks use as `account.type` (G-097).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::AmericanExpress => "amex",
            Self::Maestro => "maestro",
            Self::UnionPay => "unionpay",
            Self::Other => "other",
        }
    }
}

impl Network {
    /// The electronic commerce indicator of a payment whose customer was authenticated, or was tried to be (G-194);
    /// `None` where no such indicator is documented.
    pub const fn eci_with_authentication(self, attempted_only: bool) -> Option<&'static str> {
        match (self, attempted_only) {
            (Self::Visa | Self::AmericanExpress, false) => Some("05"),
            (Self::Visa | Self::AmericanExpress, true) => Some("06"),
            (Self::Mastercard, false) => Some("02"),
            (Self::Mastercard, true) => Some("01"),
            (Self::Maestro | Self::UnionPay | Self::Other, _) => None,
        }
    }

    /// The same of a payment that registers a series and whose customer was authenticated, where it is another one
    /// (G-194).
    pub const fn eci_at_registration(self) -> Option<&'static str> {
        match self {
            Self::Mastercard => Some("07"),
            _ => None,
        }
    }

    /// The electronic commerce indicator of a payment without 3-D Secure (G-194); `None` where no such indicator is
    /// documented.
    pub const fn eci_without_authentication(self) -> Option<&'static str> {
        match self {
            Self::Visa | Self::AmericanExpress => Some("07"),
            Self::Mastercard => Some("00"),
            Self::Maestro | Self::UnionPay | Self::Other => None,
        }
    }
}

/// The month a card expires in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expiry {
    /// Four-digit year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

impl Expiry {
    /// Whether the card may still be used in the month of `now`, counted in UTC (D-480: the expiry must not
    /// lie before the payment).
    pub fn is_valid_at(self, now: crate::time::Timestamp) -> bool {
        let Some(now) = now.civil() else { return false };
        let date = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        (i32::from(self.year), i32::from(self.month)) >= (i32::from(date.year()), i32::from(date.month()))
    }

    /// The first moment at which the card may not be used any more: the beginning of the next month, UTC. `None` when
    /// year and month are none of the calendar.
    pub fn ends(self) -> Option<crate::time::Timestamp> {
        let month = i8::try_from(self.month).ok()?;
        let first = jiff::civil::Date::new(i16::try_from(self.year).ok()?, month, 1).ok()?;
        let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
        let moment = next.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(crate::time::Timestamp::from_micros(moment.as_microsecond()))
    }
}

/// What may be kept and shown of a card beside a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSummary {
    /// The card's place in the vault.
    pub key: crate::ids::CardKey,
    /// First six, six stars, last four.
    pub masked: String,
    /// The card's network.
    pub network: Network,
    /// Name on the card as sent; callbacks show it in capitals (G-097).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// When the card expires; a payout need not say (G-312).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
    /// Where the issuer is, when the first digits say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Whose money the card spends, when the first digits say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<Funding>,
    /// What the issuer made of it, when the first digits say so.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "ranges::shared")]
    pub issue: Option<Arc<Issue>>,
}

impl CardSummary {
    /// What may be kept of the card `pan`, found in the vault under `key`, of which `origin` is known.
    pub fn of(
        key: crate::ids::CardKey,
        pan: &Pan,
        origin: Origin,
        holder: Option<String>,
        expiry: Option<Expiry>,
    ) -> Self {
        Self {
            key,
            masked: pan.masked(),
            network: pan.network(),
            holder,
            expiry,
            country: None,
            funding: None,
            issue: None,
        }
        .known_as(origin)
    }

    /// The same card, of which now this is known.
    #[must_use]
    pub fn known_as(self, origin: Origin) -> Self {
        let Origin { country, funding, issue } = origin;
        Self { country, funding, issue, ..self }
    }

    /// What the issuer made of it, when that is known.
    pub fn issue(&self) -> Option<&Issue> {
        self.issue.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    const VISA: &str = "4314220000000056";

    // G-097
    #[test]
    fn a_card_number_shows_only_its_first_six_and_last_four_digits() {
        let pan = Pan::parse(VISA).unwrap();
        assert_eq!(pan.masked(), "431422******0056");
        assert_eq!(format!("{pan} {pan:?}"), "431422******0056 431422******0056");
    }

    // D-481
    #[test]
    fn a_number_with_a_wrong_check_digit_is_no_card() {
        for wrong in ["4314220000000057", "43142200000000560000", "4314 2200 0000 0056", ""] {
            assert_eq!(Pan::parse(wrong), Err(InvalidPan), "{wrong}");
        }
    }

    #[test]
    fn networks_are_known_by_their_number_ranges() {
        for (number, network) in [
            (VISA, Network::Visa),
            ("5413330000000019", Network::Mastercard),
            ("2223000048400011", Network::Mastercard),
            ("378282246310005", Network::AmericanExpress),
            ("6759649826438453", Network::Maestro),
        ] {
            assert_eq!(Pan::parse(number).unwrap().network(), network, "{network:?}");
        }
    }

    // D-480
    #[test]
    fn a_card_is_valid_to_the_end_of_its_month() {
        let november_2026 = Timestamp::from_seconds(1_795_000_000);
        let expiry = |year, month| Expiry { year, month };
        assert!(expiry(2026, 11).is_valid_at(november_2026));
        assert!(expiry(2027, 1).is_valid_at(november_2026));
        assert!(!expiry(2026, 10).is_valid_at(november_2026));
        let ends = expiry(2026, 12).ends().unwrap();
        assert_eq!(ends.civil().unwrap().to_string(), "2027-01-01T00:00:00Z");
        assert!(expiry(2026, 12).is_valid_at(ends.minus(std::time::Duration::from_micros(1))));
        assert!(!expiry(2026, 12).is_valid_at(ends));
    }

    #[test]
    fn a_verification_value_never_shows_itself() {
        assert_eq!(format!("{:?}", Cvv::parse("123").unwrap()), "***");
        assert!(Cvv::parse("12").is_err() && Cvv::parse("12a").is_err() && Cvv::parse("12345").is_err());
    }
}
