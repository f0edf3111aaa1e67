//! In which order a payment's statuses may follow each other.

use super::super::{OperationKind, PaymentStatus};

/// Number of the row in the requirements, status, and which statuses may follow it.
pub type PaymentRow = (&'static str, PaymentStatus, &'static [PaymentStatus]);

/// The one-step purchase (P-144 to P-156). What follows a redirect may take the payment system longer than the customer
/// (P-184).
pub const ONE_STEP_PURCHASE: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingClarification, AwaitingCustomer, AwaitingCustomerAction, AwaitingFinalization,
        AwaitingMerchantAuth, AwaitingRedirect, AwaitingThreeDs, Decline, PartiallyRefunded,
        PartiallyReversed, Processing, Refunded, Reversed, Success,
    };
    &[
        (
            "P-144",
            Processing,
            &[
                AwaitingThreeDs,
                AwaitingMerchantAuth,
                AwaitingRedirect,
                AwaitingCustomerAction,
                AwaitingClarification,
                AwaitingCustomer,
                Success,
                Decline,
            ],
        ),
        ("P-145", AwaitingThreeDs, &[Processing, AwaitingCustomer, Decline]),
        ("P-146", AwaitingMerchantAuth, &[Processing, AwaitingCustomer, Decline]),
        ("P-147", AwaitingRedirect, &[AwaitingFinalization, Success, AwaitingCustomer, Decline]),
        ("P-184", AwaitingFinalization, &[Success, AwaitingCustomer, Decline]),
        ("P-148", AwaitingCustomerAction, &[Success, AwaitingCustomer, Decline]),
        ("P-149", AwaitingClarification, &[Processing, AwaitingCustomer, Decline]),
        ("P-150", AwaitingCustomer, &[Processing, Decline]),
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
        AwaitingCapture, AwaitingClarification, AwaitingCustomer, AwaitingMerchantAuth, AwaitingRedirect,
        AwaitingThreeDs, Canceled, Decline, PartiallyRefunded, PartiallyReversed, Processing, Refunded,
        Reversed, Success,
    };
    &[
        (
            "P-144",
            Processing,
            &[
                AwaitingThreeDs,
                AwaitingMerchantAuth,
                AwaitingRedirect,
                AwaitingClarification,
                AwaitingCustomer,
                AwaitingCapture,
                Decline,
            ],
        ),
        ("P-145", AwaitingThreeDs, &[Processing, AwaitingCustomer, Decline]),
        ("P-146", AwaitingMerchantAuth, &[Processing, AwaitingCustomer, Decline]),
        ("P-147", AwaitingRedirect, &[AwaitingCapture, AwaitingCustomer, Decline]),
        ("P-149", AwaitingClarification, &[Processing, AwaitingCustomer, Decline]),
        ("P-150", AwaitingCustomer, &[Processing, Decline]),
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

/// The payout (P-193 to P-199). What support cancels is declined afterwards (M-037).
pub const PAYOUT: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingClarification, AwaitingPayoutCompletion, AwaitingRetry, Decline, Processing, Reversed,
        Success,
    };
    &[
        ("P-193", AwaitingPayoutCompletion, &[Processing, Decline]),
        ("P-194", Processing, &[AwaitingClarification, AwaitingRetry, Success, Decline]),
        ("P-195", AwaitingClarification, &[Processing, Decline]),
        ("P-196", AwaitingRetry, &[Processing, Decline]),
        ("P-197", Decline, &[]),
        ("P-198", Success, &[Reversed, Decline]),
        ("P-199", Reversed, &[]),
    ]
};

/// A debit on demand with stored credentials (P-161 to P-167).
pub const ON_DEMAND: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingClarification, Decline, PartiallyRefunded, PartiallyReversed, Processing, Refunded, Reversed,
        Success,
    };
    &[
        ("P-161", Processing, &[AwaitingClarification, Success, Decline]),
        ("P-162", AwaitingClarification, &[Processing, Decline]),
        ("P-163", Decline, &[]),
        ("P-164", Success, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-153", PartiallyReversed, &[PartiallyReversed, Reversed, PartiallyRefunded, Refunded]),
        ("P-165", Reversed, &[]),
        ("P-166", PartiallyRefunded, &[PartiallyRefunded, Refunded, Success]),
        ("P-167", Refunded, &[PartiallyRefunded, Success]),
    ]
};

/// All debits that a schedule brings (P-169 to P-175). While more of them are due a return leaves it where it is (M-021).
pub const AUTOMATIC: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingClarification, Decline, PartiallyRefunded, Processing, Refunded,
        ScheduledRecurringProcessing as Scheduled, Success,
    };
    &[
        (
            "P-169",
            Processing,
            &[AwaitingClarification, Scheduled, Success, PartiallyRefunded, Refunded, Decline],
        ),
        (
            "P-170",
            AwaitingClarification,
            &[Processing, Scheduled, Success, PartiallyRefunded, Refunded, Decline],
        ),
        ("P-171", Scheduled, &[Processing, Success, PartiallyRefunded, Refunded, Decline]),
        ("P-172", Decline, &[]),
        ("P-173", Success, &[PartiallyRefunded, Refunded]),
        ("P-174", PartiallyRefunded, &[PartiallyRefunded, Refunded, Success]),
        ("P-175", Refunded, &[PartiallyRefunded, Success]),
    ]
};

/// The payment link until somebody pays by it (P-177 to P-180); from then on it is a purchase.
pub const LINK: &[PaymentRow] = {
    use PaymentStatus::{AwaitingPayment, Expired, InvoiceCanceled, InvoiceSent, Processing};
    &[
        ("P-177", AwaitingPayment, &[InvoiceSent, InvoiceCanceled, Expired, Processing]),
        ("P-178", InvoiceSent, &[InvoiceCanceled, Expired, Processing]),
        ("P-179", InvoiceCanceled, &[]),
        ("P-180", Expired, &[]),
    ]
};

/// The registration of an agreement (P-181 to P-183, P-185, P-189, P-190 without what only money brings).
pub const CONTRACT: &[PaymentRow] = {
    use PaymentStatus::{
        AwaitingClarification, AwaitingRedirect, AwaitingThreeDs, Decline, Processing, Success,
    };
    &[
        ("P-181", Processing, &[AwaitingThreeDs, AwaitingRedirect, AwaitingClarification, Success, Decline]),
        ("P-182", AwaitingThreeDs, &[Processing, Decline]),
        ("P-183", AwaitingRedirect, &[Success, Decline]),
        ("P-185", AwaitingClarification, &[Processing, Decline]),
        ("P-189", Decline, &[]),
        ("P-190", Success, &[]),
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
    /// [`ON_DEMAND`].
    OnDemand,
    /// [`AUTOMATIC`].
    Automatic,
    /// [`LINK`].
    Link,
    /// [`CONTRACT`].
    Contract,
}

impl PaymentMachine {
    /// Every machine.
    pub const ALL: &'static [Self] = &[
        Self::OneStep,
        Self::TwoStep,
        Self::Verification,
        Self::Payout,
        Self::OnDemand,
        Self::Automatic,
        Self::Link,
        Self::Contract,
    ];

    /// The machine by which an operation of `kind` moves its payment. Returns move both kinds of purchases in the
    /// same way; a debit of a schedule moves its payment by [`Automatic`](Self::Automatic) instead.
    pub const fn of(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Auth
            | OperationKind::Incremental
            | OperationKind::Decremental
            | OperationKind::Capture
            | OperationKind::Cancel => Self::TwoStep,
            OperationKind::AccountVerification => Self::Verification,
            OperationKind::Payout | OperationKind::PayoutReversal => Self::Payout,
            OperationKind::Recurring => Self::OnDemand,
            OperationKind::Invoice => Self::Link,
            OperationKind::ContractRegistration => Self::Contract,
            OperationKind::Sale
            | OperationKind::Refund
            | OperationKind::Reversal
            | OperationKind::RefundReversal
            | OperationKind::PaymentConfirmation => Self::OneStep,
        }
    }

    /// Its rows.
    pub const fn rows(self) -> &'static [PaymentRow] {
        match self {
            Self::OneStep => ONE_STEP_PURCHASE,
            Self::TwoStep => TWO_STEP_PURCHASE,
            Self::Verification => VERIFICATION,
            Self::Payout => PAYOUT,
            Self::OnDemand => ON_DEMAND,
            Self::Automatic => AUTOMATIC,
            Self::Link => LINK,
            Self::Contract => CONTRACT,
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
