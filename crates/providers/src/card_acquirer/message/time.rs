//! Dates and times of the messages: digits in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// `number` in `N` decimal digits; higher digits are lost.
pub(super) fn decimal<const N: usize>(mut number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    digits
}

/// `MMDDhhmmss` (DE7).
pub(super) fn month_to_second(at: jiff::Timestamp) -> [u8; 10] {
    let at = civil(at);
    decimal(number(&[at.month(), at.day(), at.hour(), at.minute(), at.second()]))
}

/// `hhmmss` (DE12).
pub(super) fn hour_to_second(at: jiff::Timestamp) -> [u8; 6] {
    let at = civil(at);
    decimal(number(&[at.hour(), at.minute(), at.second()]))
}

/// `MMDD` (DE13).
pub(super) fn month_and_day(at: jiff::Timestamp) -> [u8; 4] {
    let at = civil(at);
    decimal(number(&[at.month(), at.day()]))
}

fn civil(at: jiff::Timestamp) -> DateTime {
    Offset::UTC.to_datetime(at)
}

/// Two digits for each part.
fn number(parts: &[i8]) -> u64 {
    parts.iter().fold(0, |sum, part| sum * 100 + u64::from(part.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        let at: jiff::Timestamp = "2026-03-03T15:42:05.9+02:00".parse().unwrap();
        assert_eq!(&month_to_second(at), b"0303134205");
        assert_eq!(&hour_to_second(at), b"134205");
        assert_eq!(&month_and_day(at), b"0303");
    }
}
