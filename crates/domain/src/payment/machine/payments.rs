//! In which order a payment's statuses may follow each other.

use super::super::{OperationKind, PaymentStatus};

/// Number of the row in the requirements, status, and which statuses may follow it.
pub type PaymentRow = (&'static str, PaymentStatus, &'static [PaymentStatus]);

/// The one-step purchase (P-144 to P-156).
pub const ONE_STEP_PURCHASE: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingClarification, AwaitingMerchantAuth, AwaitingThreeDs, Decline, PartiallyRefunded,
        PartiallyReversed, Processing, Refunded, Reversed, Success,
    };
    &[
        (
            "P-144",
            Processing,
            &[AwaitingThreeDs, AwaitingMerchantAuth, AwaitingClarification, Success, Decline],
        ),
        ("P-145", AwaitingThreeDs, &[Processing, Decline]),
        ("P-146", AwaitingMerchantAuth, &[Processing, Decline]),
        ("P-149", AwaitingClarification, &[Processing, Decline]),
        ("P-151", Decline, &[]),
        ("P-152", Success, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-153", PartiallyReversed, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-154", Reversed, &[]),
        ("P-155", PartiallyRefunded, &[PartiallyRefunded, Refunded, Success]),
        ("P-156", Refunded, &[PartiallyRefunded, Success]),
    ]
};

/// The two-step purchase (P-157 to P-159; the other rows are those of the one-step purchase).
pub const TWO_STEP_PURCHASE: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingCapture, AwaitingClarification, AwaitingMerchantAuth, AwaitingThreeDs, Canceled, Decline,
        PartiallyRefunded, PartiallyReversed, Processing, Refunded, Reversed, Success,
    };
    &[
        (
            "P-144",
            Processing,
            &[AwaitingThreeDs, AwaitingMerchantAuth, AwaitingClarification, AwaitingCapture, Decline],
        ),
        ("P-145", AwaitingThreeDs, &[Processing, Decline]),
        ("P-146", AwaitingMerchantAuth, &[Processing, Decline]),
        ("P-149", AwaitingClarification, &[Processing, Decline]),
        ("P-157", AwaitingCapture, &[Success, Canceled, Decline]),
        ("P-158", Canceled, &[]),
        ("P-151", Decline, &[]),
        ("P-159", Success, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-153", PartiallyReversed, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-154", Reversed, &[]),
        ("P-155", PartiallyRefunded, &[PartiallyRefunded, Refunded, Success]),
        ("P-156", Refunded, &[PartiallyRefunded, Success]),
    ]
};

/// The verification of an instrument (P-201 to P-205).
pub const VERIFICATION: &[PaymentRow] = {
    use PaymentStatus::{AwaitingClarification, AwaitingThreeDs, Decline, Processing, Success};
    &[
        ("P-201", Processing, &[AwaitingThreeDs, AwaitingClarification, Success, Decline]),
        ("P-202", AwaitingThreeDs, &[Processing, Decline]),
        ("P-203", AwaitingClarification, &[Processing, Decline]),
        ("P-204", Decline, &[]),
        ("P-205", Success, &[]),
    ]
};

/// The payout (P-194 to P-199). What support cancels is declined afterwards (M-037).
pub const PAYOUT: &[PaymentRow] = {
    use PaymentStatus::{AwaitingClarification, AwaitingRetry, Decline, Processing, Reversed, Success};
    &[
        ("P-194", Processing, &[AwaitingClarification, AwaitingRetry, Success, Decline]),
        ("P-195", AwaitingClarification, &[Processing, Decline]),
        ("P-196", AwaitingRetry, &[Processing, Decline]),
        ("P-197", Decline, &[]),
        ("P-198", Success, &[Reversed, Decline]),
        ("P-199", Reversed, &[]),
    ]
};

/// Which of the payment machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentMachine {
    /// [`ONE_STEP_PURCHASE`].
    OneStep,
    /// [`TWO_STEP_PURCHASE`].
    TwoStep,
    /// [`VERIFICATION`].
    Verification,
    /// [`PAYOUT`].
    Payout,
}

impl PaymentMachine {
    /// Every machine.
    pub const ALL: &'static [Self] = &[Self::OneStep, Self::TwoStep, Self::Verification, Self::Payout];

    /// The machine by which an operation of `kind` moves its payment. Returns move both kinds of purchases in the
    /// same way.
    pub const fn of(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Auth
            | OperationKind::Incremental
            | OperationKind::Decremental
            | OperationKind::Capture
            | OperationKind::Cancel => Self::TwoStep,
            OperationKind::AccountVerification => Self::Verification,
            OperationKind::Payout | OperationKind::PayoutReversal => Self::Payout,
            OperationKind::Sale
            | OperationKind::Refund
            | OperationKind::Reversal
            | OperationKind::RefundReversal => Self::OneStep,
        }
    }

    /// Its rows.
    pub const fn rows(self) -> &'static [PaymentRow] {
        match self {
            Self::OneStep => ONE_STEP_PURCHASE,
            Self::TwoStep => TWO_STEP_PURCHASE,
            Self::Verification => VERIFICATION,
            Self::Payout => PAYOUT,
        }
    }

    /// Whether a payment in status `from` may come to `to`; staying is always possible.
    pub fn may_become(self, from: PaymentStatus, to: PaymentStatus) -> bool {
        from == to
            || self.rows().iter().any(|(_, status, followers)| *status == from && followers.contains(&to))
    }
}

/// Whether any payment in status `from` may come to `to`; staying is always possible.
pub fn payment_may_become(from: PaymentStatus, to: PaymentStatus) -> bool {
    PaymentMachine::ALL.iter().any(|machine| machine.may_become(from, to))
}
