//! One type per kind of identifier, so that a payment's key never fits where an operation's is wanted.
//!
//! Identifiers the wire shows as numbers are integers below 2^53, so that every client can read them
//! (G-057); they are drawn by the engine and handed in. What the merchant chooses is text with rules.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The identifier with this number.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number, as shown on the wire.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier with this value.
            pub const fn new(value: Uuid) -> Self {
                Self(value)
            }

            /// The value itself.
            pub const fn get(self) -> Uuid {
                self.0
            }

            /// The sixteen bytes, as stored.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.simple().fmt(f)
            }
        }
    };
}

numeric_id! {
    /// A merchant's project, 1 to 4,294,967,295 on the wire (G-033).
    ProjectId
}
numeric_id! {
    /// An operation, unique over the whole platform (G-057).
    OperationId
}
numeric_id! {
    /// A callback: one immutable message to the merchant.
    CallbackId
}
numeric_id! {
    /// An account held with a provider: where a channel sends its operations.
    ProviderAccountId
}
numeric_id! {
    /// A customer's card that is known to a project: saved, or named by a token.
    InstrumentId
}
numeric_id! {
    /// A verification of a payee (G-463).
    PayeeCheckId
}
numeric_id! {
    /// A series of debits with stored credentials; it has the number of the operation that registered it.
    SeriesId
}
uuid_id! {
    /// A payment inside the platform; the merchant knows it by its [`PaymentId`].
    PaymentKey
}
uuid_id! {
    /// A request the platform accepted; repeated in the callbacks of what it caused (G-022).
    RequestId
}
uuid_id! {
    /// A card in the vault. Derived from project and number, so equal cards of a project share it.
    CardKey
}

uuid_id! {
    /// A 3-D Secure transaction at the platform's 3DS server. It names the operation it belongs to; the rest of it is
    /// random, so that nobody can guess one.
    AuthenticationId
}

impl SeriesId {
    /// The series that an operation registers; each registers one at most (G-359, G-364).
    pub const fn registered_by(operation: OperationId) -> Self {
        Self(operation.get())
    }

    /// The operation that registered it.
    pub const fn registration(self) -> OperationId {
        OperationId(self.0)
    }

    /// Sixteen bytes that name it among the subjects of callbacks; no UUID of this platform begins with eight zeros.
    pub fn as_subject(self) -> [u8; 16] {
        u128::from(self.0.unsigned_abs()).to_be_bytes()
    }

    /// What stands for it where payments are named.
    pub fn as_key(self) -> PaymentKey {
        PaymentKey::new(Uuid::from_bytes(self.as_subject()))
    }

    /// The series with this name among subjects.
    pub fn from_subject(bytes: [u8; 16]) -> Option<Self> {
        i64::try_from(u128::from_be_bytes(bytes)).ok().map(Self)
    }
}

impl AuthenticationId {
    /// The identifier of an authentication of `operation`; `random` is not used twice.
    pub fn of(operation: OperationId, random: [u8; 16]) -> Self {
        let [_, upper, high, a, b, c, d, low] = operation.get().to_be_bytes();
        let [.., r8, r9, r10, r11, r12, r13, r14, r15] = random;
        // Version and variant take bits of the seventh and the ninth byte; the operation stands beside them.
        Self(
            uuid::Builder::from_custom_bytes([
                high, a, b, c, d, low, 0, upper, r8, r9, r10, r11, r12, r13, r14, r15,
            ])
            .into_uuid(),
        )
    }

    /// The operation it belongs to, if it is one of ours.
    pub fn operation(self) -> OperationId {
        let [high, a, b, c, d, low, _, upper, ..] = *self.0.as_bytes();
        OperationId(i64::from_be_bytes([0, upper, high, a, b, c, d, low]))
    }

    /// The identifier written as a UUID, with or without hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl RequestId {
    /// The identifier written as [`fmt::Display`] writes it; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || text.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        Uuid::try_parse(text).ok().map(Self)
    }
}

/// One try of an operation at a provider: operation and number of the try, from 1 to 511.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The operation the attempt belongs to.
    pub operation: OperationId,
    /// 1 for the first attempt.
    pub number: u16,
}

impl AttemptId {
    const PER_OPERATION: i64 = 512;

    /// The first attempt of `operation`.
    pub const fn first(operation: OperationId) -> Self {
        Self { operation, number: 1 }
    }

    /// Operation and number in one integer: the reference a provider gets. Below 2^62, since operations stay
    /// below 2^53 and numbers below 512.
    pub fn reference(self) -> i64 {
        self.operation.get().saturating_mul(Self::PER_OPERATION).saturating_add(i64::from(self.number))
    }

    /// The attempt named by a [`reference`](Self::reference).
    pub fn from_reference(reference: i64) -> Self {
        Self {
            operation: OperationId::new(reference.div_euclid(Self::PER_OPERATION)),
            number: u16::try_from(reference.rem_euclid(Self::PER_OPERATION)).unwrap_or(0),
        }
    }
}

/// The merchant's name of a payment: 1 to 255 characters, unique in the project without regard to case
/// (G-052).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentId(String);

/// The text is no payment identifier (Gate code 3024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment identifier has 1 to 255 characters and neither begins nor ends with white space")]
pub struct InvalidPaymentId;

impl PaymentId {
    /// Accepts `text` when it keeps the rules of G-052.
    pub fn parse(text: &str) -> Result<Self, InvalidPaymentId> {
        let edge = |c: char| matches!(c, ' ' | '\t' | '\0' | '\u{b}' | '\n' | '\r');
        let length = text.chars().count();
        if !(1..=255).contains(&length)
            || text.starts_with(edge)
            || text.ends_with(edge)
            || text.contains('\0')
        {
            return Err(InvalidPaymentId);
        }
        Ok(Self(text.to_owned()))
    }

    /// As the merchant wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two identifiers are compared: the full Unicode case fold.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full Unicode case fold of `text`. Equal folds mean equal names, on every database.
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { caseless::default_case_fold_str(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // G-052
    #[test]
    fn payment_identifiers_compare_without_regard_to_case() {
        let fold = |text: &str| PaymentId::parse(text).unwrap().folded();
        assert_eq!(fold("Order-7"), fold("ORDER-7"));
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_ne!(fold("order-7"), fold("order-8"));
    }

    // G-052
    #[test]
    fn payment_identifiers_keep_the_rules_of_length_and_edges() {
        for wrong in ["", " a", "a ", "\ta", "a\n", "a\r", "\u{b}a", "a\0b", &"x".repeat(256)] {
            assert_eq!(PaymentId::parse(wrong), Err(InvalidPaymentId), "{wrong:?}");
        }
        for right in ["a", "a b", &"ü".repeat(255)] {
            assert!(PaymentId::parse(right).is_ok(), "{right:?}");
        }
    }

    proptest! {
        #[test]
        fn an_authentication_names_its_operation(operation in 1_i64..(1 << 53), random in any::<[u8; 16]>()) {
            let id = AuthenticationId::of(OperationId::new(operation), random);
            prop_assert_eq!(id.operation().get(), operation);
            prop_assert_eq!(AuthenticationId::parse(&id.to_string()), Some(id));
            prop_assert_eq!(AuthenticationId::parse(&id.get().hyphenated().to_string()), Some(id));
        }

        // G-359
        #[test]
        fn a_series_is_found_again_by_its_registration_and_as_a_subject(operation in 1_i64..(1 << 53)) {
            let series = SeriesId::registered_by(OperationId::new(operation));
            prop_assert_eq!(series.registration().get(), operation);
            prop_assert_eq!(SeriesId::from_subject(series.as_subject()), Some(series));
        }

        #[test]
        fn an_attempt_is_found_again_by_its_reference(operation in 1_i64..(1 << 53), number in 1_u16..512) {
            let attempt = AttemptId { operation: OperationId::new(operation), number };
            prop_assert_eq!(AttemptId::from_reference(attempt.reference()), attempt);
        }
    }
}
