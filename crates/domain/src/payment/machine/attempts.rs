//! What becomes of one try at a provider.

use super::super::AttemptStatus;

/// What can become of an attempt at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptEvent {
    /// The provider answered that it did it.
    Approved,
    /// The provider answered that it refused.
    Declined,
    /// It certainly never left.
    NotSent,
    /// The provider answered that it has taken it on.
    TakenOn,
    /// It may have left, no usable answer came, and it is repeated.
    OutcomeLost,
    /// It may have left, and from now on it is undone whatever the provider did.
    GivenUp,
    /// The provider did it, and it was never meant to stay: the amount of a verification (G-339).
    NotKept,
    /// The provider acknowledged that the attempt is undone.
    ReversalAcknowledged,
    /// An approval arrived after the attempt was given up.
    LateApproval,
}

impl AttemptEvent {
    /// Every event.
    pub const ALL: &'static [Self] = &[
        Self::Approved,
        Self::Declined,
        Self::NotSent,
        Self::TakenOn,
        Self::OutcomeLost,
        Self::GivenUp,
        Self::NotKept,
        Self::ReversalAcknowledged,
        Self::LateApproval,
    ];

    /// A name for diagrams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "answer: approved",
            Self::Declined => "answer: declined",
            Self::NotSent => "certainly not sent",
            Self::TakenOn => "answer: pending",
            Self::OutcomeLost => "no usable answer",
            Self::GivenUp => "given up",
            Self::NotKept => "not to be kept",
            Self::ReversalAcknowledged => "reversal acknowledged",
            Self::LateApproval => "late approval",
        }
    }
}

/// The attempts' machine: state, event, state. An attempt whose outcome was lost is resolved either by
/// repeating it, when the provider keeps a repeat from being done twice (`unknown`), or by undoing it
/// (`reversing`). The two are states of their own: an approval settles an attempt that is repeated, but one
/// that is being undone is left only through the provider's acknowledgement, or the platform would count as
/// paid what it has just asked the provider to take back. A late approval of an attempt that had ended
/// otherwise opens it again: what the provider says it did is booked to suspense and undone. A provider that needs time, or its customer, says so
/// (`pending`): from then on the outcome is only asked for, or arrives by itself.
pub const ATTEMPTS: &[(AttemptStatus, AttemptEvent, AttemptStatus)] = {
    use AttemptEvent::{
        Approved, Declined, GivenUp, LateApproval, NotKept, NotSent, OutcomeLost, ReversalAcknowledged,
        TakenOn,
    };
    use AttemptStatus as S;
    &[
        (S::Created, Approved, S::Approved),
        (S::Created, Declined, S::Declined),
        (S::Created, NotSent, S::NotSent),
        (S::Created, OutcomeLost, S::Unknown),
        (S::Created, GivenUp, S::Reversing),
        (S::Created, TakenOn, S::Pending),
        (S::Unknown, TakenOn, S::Pending),
        (S::Pending, TakenOn, S::Pending),
        (S::Pending, Approved, S::Approved),
        (S::Pending, Declined, S::Declined),
        (S::Pending, OutcomeLost, S::Pending),
        (S::Pending, GivenUp, S::Reversing),
        (S::Unknown, Approved, S::Approved),
        (S::Unknown, Declined, S::Declined),
        (S::Unknown, OutcomeLost, S::Unknown),
        (S::Unknown, GivenUp, S::Reversing),
        (S::Approved, NotKept, S::Reversing),
        (S::Reversing, ReversalAcknowledged, S::Reversed),
        (S::Reversing, LateApproval, S::Reversing),
        (S::Reversed, LateApproval, S::Reversing),
        (S::Declined, LateApproval, S::Reversing),
        (S::NotSent, LateApproval, S::Reversing),
    ]
};

/// The state of an attempt after `event`, if the event is possible in `from`.
pub fn attempt_after(from: AttemptStatus, event: AttemptEvent) -> Option<AttemptStatus> {
    ATTEMPTS.iter().find(|(state, on, _)| *state == from && *on == event).map(|(_, _, to)| *to)
}
