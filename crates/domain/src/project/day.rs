//! The clearing day of a channel.

use crate::time::Timestamp;
use jiff::{civil, tz::TimeZone};

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
