//! The machines, as tables. A transition that is not in a table does not exist: asking for it is the error
//! 3081 for operations and a refused decision for payments and attempts.

use super::{AttemptStatus, OperationKind, OperationStatus, PaymentStatus};

/// What can happen to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The request was accepted and its preconditions hold.
    Accepted,
    /// The request was accepted and a precondition fails.
    PreconditionFailed,
    /// The provider did it, wholly or in the approved part.
    Approved,
    /// The provider refused, or the attempt is known to have had no effect.
    Declined,
    /// The method's threshold time passed.
    ThresholdPassed,
}

impl Event {
    /// Every event.
    pub const ALL: &'static [Self] =
        &[Self::Accepted, Self::PreconditionFailed, Self::Approved, Self::Declined, Self::ThresholdPassed];

    /// A name for diagrams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::PreconditionFailed => "precondition fails",
            Self::Approved => "provider approves",
            Self::Declined => "provider declines",
            Self::ThresholdPassed => "threshold passes",
        }
    }
}

/// What a transition of an operation does to its payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEffect {
    /// The payment takes this status.
    Becomes(PaymentStatus),
    /// Status and sum stay (M-023).
    Unchanged,
    /// A part or all of the rest has been returned (M-017 to M-020).
    Returned,
}

/// Whether the merchant hears of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No callback.
    None,
    /// The result of the operation.
    Result,
}

/// One row of an operation's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The row's number in the requirements.
    pub id: &'static str,
    /// The kinds of operation it is for.
    pub kinds: &'static [OperationKind],
    /// The state before; none when the operation is created by it.
    pub from: Option<OperationStatus>,
    /// What happens.
    pub event: Event,
    /// The state after.
    pub to: OperationStatus,
    /// What becomes of the payment.
    pub payment: PaymentEffect,
    /// What the merchant is told.
    pub notice: Notice,
}

const SALE: &[OperationKind] = &[OperationKind::Sale];
const RETURNS: &[OperationKind] = &[OperationKind::Refund, OperationKind::Reversal];

const fn row(
    id: &'static str,
    kinds: &'static [OperationKind],
    from: Option<OperationStatus>,
    event: Event,
    to: OperationStatus,
    payment: PaymentEffect,
    notice: Notice,
) -> Transition {
    Transition { id, kinds, from, event, to, payment, notice }
}

/// The operations' machine.
pub const OPERATIONS: &[Transition] = {
    use Event::{Accepted, Approved, Declined, PreconditionFailed, ThresholdPassed};
    use Notice::{None as Silent, Result as Told};
    use OperationStatus::{Decline, Processing, Success};
    use PaymentEffect::{Becomes, Returned, Unchanged};
    &[
        row("T-045", SALE, None, Accepted, Processing, Becomes(PaymentStatus::Processing), Silent),
        row("T-065", SALE, Some(Processing), Approved, Success, Becomes(PaymentStatus::Success), Told),
        row("T-066", SALE, Some(Processing), Declined, Decline, Becomes(PaymentStatus::Decline), Told),
        row("T-069", SALE, Some(Processing), ThresholdPassed, Decline, Becomes(PaymentStatus::Decline), Told),
        row("T-096", RETURNS, None, Accepted, Processing, Unchanged, Silent),
        row("T-097", RETURNS, None, PreconditionFailed, Decline, Unchanged, Told),
        row("T-100", RETURNS, Some(Processing), Approved, Success, Returned, Told),
        row("T-101", RETURNS, Some(Processing), Declined, Decline, Unchanged, Told),
    ]
};

/// The row for `event` in state `from` of an operation of `kind`, if there is one.
pub fn transition(
    kind: OperationKind,
    from: Option<OperationStatus>,
    event: Event,
) -> Option<&'static Transition> {
    OPERATIONS.iter().find(|row| row.kinds.contains(&kind) && row.from == from && row.event == event)
}

/// What can become of an attempt at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptEvent {
    /// The provider answered that it did it.
    Approved,
    /// The provider answered that it refused.
    Declined,
    /// It certainly never left.
    NotSent,
    /// It may have left, no usable answer came, and it is repeated.
    OutcomeLost,
    /// It may have left, and from now on it is undone whatever the provider did.
    GivenUp,
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
        Self::OutcomeLost,
        Self::GivenUp,
        Self::ReversalAcknowledged,
        Self::LateApproval,
    ];

    /// A name for diagrams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "answer: approved",
            Self::Declined => "answer: declined",
            Self::NotSent => "certainly not sent",
            Self::OutcomeLost => "no usable answer",
            Self::GivenUp => "given up",
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
/// otherwise opens it again: what the provider says it did is booked to suspense and undone.
pub const ATTEMPTS: &[(AttemptStatus, AttemptEvent, AttemptStatus)] = {
    use AttemptEvent::{
        Approved, Declined, GivenUp, LateApproval, NotSent, OutcomeLost, ReversalAcknowledged,
    };
    use AttemptStatus as S;
    &[
        (S::Created, Approved, S::Approved),
        (S::Created, Declined, S::Declined),
        (S::Created, NotSent, S::NotSent),
        (S::Created, OutcomeLost, S::Unknown),
        (S::Created, GivenUp, S::Reversing),
        (S::Unknown, Approved, S::Approved),
        (S::Unknown, Declined, S::Declined),
        (S::Unknown, OutcomeLost, S::Unknown),
        (S::Unknown, GivenUp, S::Reversing),
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

/// The one-step purchase: number of the row in the requirements, status, and which statuses may follow it
/// (P-144 to P-156).
pub const ONE_STEP_PURCHASE: &[(&str, PaymentStatus, &[PaymentStatus])] = {
    use PaymentStatus::{
        Decline, PartiallyRefunded, PartiallyReversed, Processing, Refunded, Reversed, Success,
    };
    &[
        ("P-144", Processing, &[Success, Decline]),
        ("P-151", Decline, &[]),
        ("P-152", Success, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-153", PartiallyReversed, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-154", Reversed, &[]),
        ("P-155", PartiallyRefunded, &[PartiallyRefunded, Refunded]),
        ("P-156", Refunded, &[]),
    ]
};

/// Whether a purchase in status `from` may come to `to`; staying is always possible.
pub fn payment_may_become(from: PaymentStatus, to: PaymentStatus) -> bool {
    from == to
        || ONE_STEP_PURCHASE.iter().any(|(_, status, followers)| *status == from && followers.contains(&to))
}
