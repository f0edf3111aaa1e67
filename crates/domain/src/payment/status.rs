//! Names of states, kinds and events, with the exact text the wire shows and the number the store keeps.

use serde::{Deserialize, Serialize};
use std::fmt;

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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

named! {
    /// What a payment is for (G-016, G-095).
    PaymentKind {
        /// One-time purchase.
        Purchase = 1 "purchase",
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
    }
}

impl OperationStatus {
    /// Whether no event may change it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Decline)
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
    }
}

impl AttemptStatus {
    /// Whether the outcome is known, so that nothing is owed to this attempt any more.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Created | Self::Unknown | Self::Reversing)
    }
}
