//! How a series ends. Updates leave it active.

use super::SeriesStatus;

/// What can happen to a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeriesEvent {
    /// The merchant changed its terms.
    Updated,
    /// The merchant cancelled it.
    Canceled,
    /// The customer had the issuer cancel it.
    CanceledAtIssuer,
    /// Its last day has passed.
    TermEnded,
    /// Its card has expired.
    CardExpired,
}

impl SeriesEvent {
    /// Every event.
    pub const ALL: &'static [Self] =
        &[Self::Updated, Self::Canceled, Self::CanceledAtIssuer, Self::TermEnded, Self::CardExpired];

    /// A name for diagrams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Canceled => "cancelled",
            Self::CanceledAtIssuer => "cancelled at the issuer",
            Self::TermEnded => "term ends",
            Self::CardExpired => "card expires",
        }
    }
}

/// Number of the row in the requirements, status, event, status.
pub type SeriesRow = (&'static str, SeriesStatus, SeriesEvent, SeriesStatus);

/// The machine of a series. Whatever has ended stays so (G-391).
pub const SERIES: &[SeriesRow] = &[
    ("R-207", SeriesStatus::Active, SeriesEvent::Updated, SeriesStatus::Active),
    ("R-208", SeriesStatus::Active, SeriesEvent::Canceled, SeriesStatus::Canceled),
    ("R-209", SeriesStatus::Active, SeriesEvent::CanceledAtIssuer, SeriesStatus::Canceled),
    ("R-210", SeriesStatus::Active, SeriesEvent::TermEnded, SeriesStatus::Expired),
    ("R-211", SeriesStatus::Active, SeriesEvent::CardExpired, SeriesStatus::Invalidated),
];

/// The status of a series after `event`, if the event is possible in `from`.
pub fn series_after(from: SeriesStatus, event: SeriesEvent) -> Option<SeriesStatus> {
    SERIES.iter().find(|(_, status, on, _)| *status == from && *on == event).map(|(.., to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-391
    #[test]
    fn whatever_has_ended_stays_so() {
        for status in SeriesStatus::ALL {
            for event in SeriesEvent::ALL {
                let goes_on = *status == SeriesStatus::Active;
                assert_eq!(series_after(*status, *event).is_some(), goes_on, "{status} {}", event.name());
            }
        }
    }
}
