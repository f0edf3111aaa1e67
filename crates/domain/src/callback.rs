//! What the merchant is told, to which address, and how often it is tried.

use crate::{
    card::CardSummary,
    codes::Code,
    ids::{CallbackId, PaymentId, PaymentKey, ProjectId, RequestId, SeriesId},
    instrument::Token,
    payee::PayeeCheck,
    payment::{Attempt, Operation, Payment},
    series::Series,
    time::Timestamp,
};
use std::time::Duration;

/// What a callback is about; callbacks are numbered per subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A payment.
    Payment(PaymentKey),
    /// A request without a payment: it failed before any operation existed (G-120), or it is about a token (G-115).
    Request(RequestId),
    /// A series (G-114).
    Series(SeriesId),
}

/// What a callback will say; rendered and signed just before the commit.
#[derive(Clone, Debug)]
pub enum Content {
    /// The payment and its latest operation (G-093).
    Operation {
        /// The payment after the change.
        payment: Box<Payment>,
        /// The operation that changed.
        operation: Box<Operation>,
        /// Its attempt, when it reached a provider.
        attempt: Option<Box<Attempt>>,
        /// The series it registered or belongs to (G-100).
        series: Option<Box<Series>>,
    },
    /// A series as it is after a change (G-114, G-142).
    Series(Box<Series>),
    /// A request that failed before any operation existed (G-120).
    Rejected {
        /// The merchant's name of the payment.
        payment_id: PaymentId,
        /// Why.
        errors: Vec<Problem>,
    },
    /// What became of a token (G-115).
    Token(Box<TokenNotice>),
    /// What a bank said of a payee (G-463).
    Payee(Box<PayeeNotice>),
}

/// What a callback says of a payee.
#[derive(Clone, Debug)]
pub struct PayeeNotice {
    /// The verification.
    pub check: PayeeCheck,
    /// 0, or why it was not possible (G-462).
    pub code: Code,
    /// Whether it is too old to rely on (G-461).
    pub has_expired: bool,
}

/// What a callback says of a token.
#[derive(Clone, Debug)]
pub struct TokenNotice {
    /// The customer, as far as the request named one.
    pub customer: Option<String>,
    /// What was asked for; none when the token's card has expired (G-422).
    pub action: Option<TokenAction>,
    /// Why it was not done; empty when it was.
    pub errors: Vec<Problem>,
    /// The token as it stands now.
    pub token: Option<Token>,
    /// Its card.
    pub card: Option<CardSummary>,
}

/// What can be asked for of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAction {
    /// To make one.
    Tokenize,
    /// To take one out of use.
    Revoke,
}

impl TokenAction {
    /// The word callbacks use.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Tokenize => "tokenize",
            Self::Revoke => "token_revoke",
        }
    }
}

/// One reason of a refusal, as `errors[]` carries it (G-108).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Code of the unified table.
    pub code: Code,
    /// The member at fault, dotted, when known.
    pub field: Option<&'static str>,
}

/// A callback to be rendered, made durable and delivered.
#[derive(Clone, Debug)]
pub struct Event {
    /// Identity of the callback.
    pub id: CallbackId,
    /// The project whose merchant is told.
    pub project: ProjectId,
    /// What it is about.
    pub subject: Subject,
    /// 1 for the subject's first callback.
    pub number: u32,
    /// What it says.
    pub content: Content,
    /// Where it goes; none when the merchant asked for silence (G-084) or gave no address.
    pub addresses: Vec<String>,
    /// Not sent before this moment of business time (G-085).
    pub not_before: Timestamp,
}

/// How often a callback is tried before it is given up (G-090).
pub const MAX_ATTEMPTS: u32 = 120;

/// How long after the callback was created it is given up, whatever the number of attempts (G-090).
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(11 * 24);

/// A later callback waits for an earlier one while the earlier has had at most this many attempts …
pub const ORDERED_ATTEMPTS: u32 = 6;

/// … and for no longer than this after it was due.
pub const ORDERED_FOR: Duration = Duration::from_mins(2);

/// The pause before attempt `number` (2 for the first repetition): ten seconds up to the sixth, then
/// 70 + 10 · 1.12^(n-4) seconds up to the 68th, then four hours (G-090). `None` when no further attempt is made.
pub fn pause_before(number: u32) -> Option<Duration> {
    match number {
        0..=1 => Some(Duration::ZERO),
        2..=6 => Some(Duration::from_secs(10)),
        7..=68 => {
            let mut growing_micros: u64 = 10_000_000;
            for _ in 4..number {
                growing_micros = growing_micros.saturating_mul(112) / 100;
            }
            Some(Duration::from_micros(70_000_000_u64.saturating_add(growing_micros)))
        }
        69..=MAX_ATTEMPTS => Some(Duration::from_hours(4)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-090
    #[test]
    fn repetitions_follow_the_published_schedule() {
        assert_eq!(pause_before(1), Some(Duration::ZERO));
        assert_eq!(pause_before(6), Some(Duration::from_secs(10)));
        assert_eq!(pause_before(7).unwrap().as_secs(), 84);
        assert_eq!(pause_before(68).unwrap().as_millis() / 500, 28_387, "14,193.9 s, published rounded");
        assert_eq!(pause_before(69), Some(Duration::from_hours(4)));
        assert_eq!(pause_before(121), None);
    }

    // G-090
    #[test]
    fn all_repetitions_fit_into_eleven_days() {
        let total: Duration = (1..=MAX_ATTEMPTS).filter_map(pause_before).sum();
        assert!(total > Duration::from_hours(10 * 24) && total < GIVE_UP_AFTER, "{total:?}");
    }
}
