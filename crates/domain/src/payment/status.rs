//! Names of states, kinds and events, with the exact text the wire shows and the number the store keeps.

use serde::{Deserialize, Serialize};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The text as sent on the wire.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The number the store keeps; never reassigned.
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number),* }
            }

            /// The value kept as `number`.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

pub(crate) use named;

named! {
    /// What a payment is for (G-016, G-095).
    PaymentKind {
        /// One-time purchase.
        Purchase = 1 "purchase",
        /// Verification of a payment instrument (G-338); moves no money.
        AccountVerification = 2 "account_verification",
        /// One-time transfer to the customer (G-310).
        Payout = 3 "payout",
        /// A link by which the customer pays once (G-431).
        Invoice = 10 "invoice",
        /// Debits with stored credentials: one on demand, or all that a schedule brings (G-368, G-379).
        Recurring = 16 "recurring",
    }
}

named! {
    /// Where a payment stands, as callbacks and status replies say it.
    PaymentStatus {
        /// An operation is under way.
        Processing = 1 "processing",
        /// The purchase failed; final.
        Decline = 2 "decline",
        /// Paid; may be returned.
        Success = 3 "success",
        /// A part was returned within the operation day.
        PartiallyReversed = 4 "partially reversed",
        /// Everything was returned within the operation day.
        Reversed = 5 "reversed",
        /// A part was returned.
        PartiallyRefunded = 6 "partially refunded",
        /// Everything was returned.
        Refunded = 7 "refunded",
        /// A request failed before any operation existed; never stored with a payment (G-054).
        Error = 8 "error",
        /// An amount is held and waits for capture or cancel (G-166).
        AwaitingCapture = 9 "awaiting capture",
        /// The hold was released whole; final (G-173).
        Canceled = 10 "canceled",
        /// The customer is being authenticated by 3-D Secure (G-189).
        AwaitingThreeDs = 11 "awaiting 3ds result",
        /// A code in a statement entry is to be confirmed (G-212).
        AwaitingMerchantAuth = 12 "awaiting merchant auth",
        /// Data is missing (G-217).
        AwaitingClarification = 13 "awaiting clarification",
        /// A payout was refused for a reason that may pass, and is tried again later (G-335).
        AwaitingRetry = 14 "awaiting retry",
        /// Declined for now; the customer may try again (G-512).
        AwaitingCustomer = 15 "awaiting customer",
        /// The customer is on a page of the payment system (G-125).
        AwaitingRedirect = 20 "awaiting redirect result",
        /// The customer has to act at the payment system (G-126).
        AwaitingCustomerAction = 21 "awaiting customer action",
        /// A registered payout waits for its recipient (G-330).
        AwaitingPayoutCompletion = 24 "awaiting payout completion",
        /// A payment link waits for its customer (G-436).
        AwaitingPayment = 25 "awaiting payment",
        /// The same, and the platform has mailed it.
        InvoiceSent = 26 "invoice sent",
        /// The merchant has withdrawn the link; final (G-438).
        InvoiceCanceled = 27 "invoice canceled",
        /// Nobody paid by the link in time; final (G-439).
        Expired = 28 "expired",
        /// The customer is done at the payment system, which is not (G-441, G-485).
        AwaitingFinalization = 29 "awaiting finalization",
        /// Between the debits of a schedule (G-382).
        ScheduledRecurringProcessing = 32 "scheduled recurring processing",
    }
}

impl PaymentStatus {
    /// The status of an operation that has the same name: a payment repeats what its primary operation waits for.
    fn repeated(self) -> Option<OperationStatus> {
        OperationStatus::ALL.iter().copied().find(|status| status.text() == self.text())
    }

    /// Whether it repeats the waiting of an operation.
    pub fn is_waiting(self) -> bool {
        self.repeated().is_some_and(OperationStatus::is_waiting)
    }

    /// Whether its link waits for a customer.
    pub fn is_payable(self) -> bool {
        self.repeated().is_some_and(OperationStatus::is_payable)
    }
}

named! {
    /// What an operation does.
    OperationKind {
        /// Debits the customer at once.
        Sale = 1 "sale",
        /// Returns money after the operation day, or a part of it within.
        Refund = 2 "refund",
        /// Undoes a debit within the operation day.
        Reversal = 3 "reversal",
        /// Holds an amount (G-165).
        Auth = 4 "auth",
        /// Raises a hold (G-176).
        Incremental = 5 "incremental",
        /// Lowers a hold (G-171, G-174).
        Decremental = 6 "decremental",
        /// Debits what is held (G-170).
        Capture = 7 "capture",
        /// Releases a hold, or a part of it (G-173, G-174).
        Cancel = 8 "cancel",
        /// Verifies a payment instrument (G-338).
        AccountVerification = 9 "account verification",
        /// Takes a refund back (G-304).
        RefundReversal = 10 "refund_reversal",
        /// Credits the customer (G-310).
        Payout = 11 "payout",
        /// Takes a payout back whose crediting failed after it had been reported done (G-309).
        PayoutReversal = 12 "payout reversal",
        /// Hears from the provider whether the money of a sale reached whom it is for (G-160).
        PaymentConfirmation = 13 "payment confirmation",
        /// Debits the customer with stored credentials (G-373, G-381).
        Recurring = 16 "recurring",
        /// Makes a payment link and delivers it (G-431).
        Invoice = 20 "invoice",
        /// Registers an agreement on later debits without moving money (G-440, G-473).
        ContractRegistration = 21 "contract registration",
    }
}

impl OperationKind {
    /// Whether the payment came into being with it and repeats its waiting statuses.
    pub const fn is_primary(self) -> bool {
        matches!(
            self,
            Self::Sale
                | Self::Auth
                | Self::AccountVerification
                | Self::Payout
                | Self::Recurring
                | Self::Invoice
                | Self::ContractRegistration
        )
    }

    /// Whether it only asks about the instrument, or for leave to debit it later.
    pub const fn moves_nothing(self) -> bool {
        matches!(self, Self::AccountVerification | Self::ContractRegistration)
    }

    /// Whether it changes or ends a hold at the merchant's or the platform's wish.
    pub const fn is_second_step(self) -> bool {
        matches!(self, Self::Incremental | Self::Capture | Self::Cancel)
    }

    /// Whether it returns money of a debit to the customer.
    pub const fn is_return(self) -> bool {
        matches!(self, Self::Refund | Self::Reversal)
    }
}

named! {
    /// What one attempt asks of a provider. Mostly what its operation is for; an operation may need several
    /// different ones, as a capture above the hold first raises it (G-171).
    Ask {
        /// Debit at once.
        Sale = 1 "sale",
        /// Return money of a debit that is in clearing.
        Refund = 2 "refund",
        /// Undo a debit, or a part of it, before clearing.
        Void = 3 "void",
        /// Hold an amount.
        Auth = 4 "authorisation",
        /// Raise a hold by this amount.
        Increment = 5 "increment",
        /// Lower a hold by this amount.
        Decrement = 6 "decrement",
        /// Debit this much of a hold and release the rest.
        Capture = 7 "capture",
        /// Release a hold.
        Release = 8 "release",
        /// Verify the instrument; an amount above zero is held and undone at once.
        Verify = 9 "verification",
        /// Take a refund back.
        UndoRefund = 10 "refund cancellation",
        /// Send the customer a code in a statement entry (G-213).
        StartMerchantAuth = 11 "merchant authentication",
        /// Credit the customer.
        Payout = 12 "credit",
        /// Take a credit back that did not reach the customer.
        UndoPayout = 13 "credit cancellation",
        /// Ask whether the money of a debit reached whom it is for; nothing is done by it.
        Confirm = 14 "crediting inquiry",
    }
}

impl Ask {
    /// What the provider is asked first for an operation of `kind`; a link's own operation never asks one.
    pub const fn first_of(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Sale | OperationKind::Recurring | OperationKind::Invoice => Self::Sale,
            OperationKind::Refund => Self::Refund,
            OperationKind::Reversal => Self::Void,
            OperationKind::Auth => Self::Auth,
            OperationKind::Incremental => Self::Increment,
            OperationKind::Decremental => Self::Decrement,
            OperationKind::Capture => Self::Capture,
            OperationKind::Cancel => Self::Release,
            OperationKind::AccountVerification | OperationKind::ContractRegistration => Self::Verify,
            OperationKind::RefundReversal => Self::UndoRefund,
            OperationKind::Payout => Self::Payout,
            OperationKind::PayoutReversal => Self::UndoPayout,
            OperationKind::PaymentConfirmation => Self::Confirm,
        }
    }

    /// Whether a lost outcome is found by repeating the same message until it is answered. All others are undone.
    pub const fn is_repeated(self) -> bool {
        matches!(
            self,
            Self::Void
                | Self::Decrement
                | Self::Capture
                | Self::Release
                | Self::UndoRefund
                | Self::StartMerchantAuth
                | Self::Payout
                | Self::UndoPayout
                | Self::Confirm
        )
    }

    /// Which way money flows at the provider when it is done: 1 to the platform, -1 back, 0 when none moves.
    pub const fn money_direction(self) -> i64 {
        match self {
            Self::Sale | Self::Capture | Self::UndoRefund | Self::UndoPayout => 1,
            Self::Refund | Self::Void | Self::Payout => -1,
            Self::Auth
            | Self::Increment
            | Self::Decrement
            | Self::Release
            | Self::Verify
            | Self::StartMerchantAuth
            | Self::Confirm => 0,
        }
    }

    /// Whether the message carries the card's verification value when it is kept.
    pub const fn takes_cvv(self) -> bool {
        matches!(self, Self::Sale | Self::Auth | Self::Verify)
    }
}

named! {
    /// Where an operation stands.
    OperationStatus {
        /// Under way.
        Processing = 1 "processing",
        /// Done; final.
        Success = 2 "success",
        /// Refused; final.
        Decline = 3 "decline",
        /// Waits for the customer's authentication by 3-D Secure.
        AwaitingThreeDs = 4 "awaiting 3ds result",
        /// Waits for the code of a statement entry.
        AwaitingMerchantAuth = 5 "awaiting merchant auth",
        /// Waits for data.
        AwaitingClarification = 6 "awaiting clarification",
        /// Waits for the time of the next try (G-335).
        AwaitingRetry = 7 "awaiting retry",
        /// Waits for the customer on a page of the payment system.
        AwaitingRedirect = 20 "awaiting redirect result",
        /// Waits for the customer to act at the payment system.
        AwaitingCustomerAction = 21 "awaiting customer action",
        /// Waits for the recipient of a registered payout (G-330).
        AwaitingPayoutCompletion = 24 "awaiting payout completion",
        /// A payment link waits for its customer; the operation itself has nothing left to do but to mail it (G-437).
        AwaitingPayment = 25 "awaiting payment",
        /// The same, and the link is mailed.
        InvoiceSent = 26 "invoice sent",
        /// The link was withdrawn; final.
        InvoiceCanceled = 27 "invoice canceled",
        /// Nobody paid by the link in time; final.
        Expired = 28 "expired",
        /// Waits for the payment system, at which the customer is done.
        AwaitingFinalization = 29 "awaiting finalization",
    }
}

impl OperationStatus {
    /// Whether it waits, until a moment that is recorded with it, for something else than an answer of a provider.
    pub const fn is_waiting(self) -> bool {
        matches!(
            self,
            Self::AwaitingThreeDs
                | Self::AwaitingMerchantAuth
                | Self::AwaitingClarification
                | Self::AwaitingRetry
                | Self::AwaitingRedirect
                | Self::AwaitingCustomerAction
                | Self::AwaitingPayoutCompletion
                | Self::AwaitingFinalization
        )
    }

    /// Whether it is a link's that may be paid by: the operation is done as far as it goes (G-437), and is no longer in the
    /// way of another one.
    pub const fn is_payable(self) -> bool {
        matches!(self, Self::AwaitingPayment | Self::InvoiceSent)
    }

    /// Whether no other operation of the payment may begin meanwhile.
    pub const fn is_open(self) -> bool {
        !self.is_final() && !self.is_payable()
    }

    /// Whether no event may change it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Decline | Self::InvoiceCanceled | Self::Expired)
    }
}

named! {
    /// Where one try of an operation at a provider stands.
    AttemptStatus {
        /// Recorded; it may or may not have left.
        Created = 1 "created",
        /// The provider did it.
        Approved = 2 "approved",
        /// The provider refused it.
        Declined = 3 "declined",
        /// It may have left and no usable answer came; it is repeated until there is one.
        Unknown = 4 "unknown",
        /// It was given up and the provider has acknowledged undoing it.
        Reversed = 5 "reversed",
        /// It certainly never left.
        NotSent = 6 "not sent",
        /// It was given up, or approved too late, and is undone until the provider acknowledges.
        Reversing = 7 "reversing",
        /// The provider has taken it on and has not said yet what came of it; it is asked again now and then.
        Pending = 8 "pending",
    }
}

impl AttemptStatus {
    /// Whether its outcome is still waited for.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Unknown | Self::Pending)
    }

    /// Whether the outcome is known, so that nothing is owed to this attempt any more.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Created | Self::Unknown | Self::Reversing | Self::Pending)
    }
}
