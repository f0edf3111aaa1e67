//! One line of the book: what became of one attempt reference.

use super::super::reply::{Answer, Code};
use super::card::MaskedPan;

/// What kind of attempt a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// 0200 with processing code 000000 (or one that is not supported, declined).
    Purchase,
    /// 0200 with processing code 200000.
    Refund,
    /// 0400.
    Void,
    /// Only a reversal advice was seen.
    Unseen,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// The issuer has not answered yet.
    Pending,
    /// Approved; money has moved.
    Approved,
    /// Declined; no money has moved.
    Declined,
    /// Undone by a reversal advice, or kept from ever happening by one.
    Reversed,
}

/// What is kept per reference; nothing in it is allocated.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Keyed hash of everything that a repeat may not change.
    pub(super) fingerprint: u64,
    /// The purchase that a refund or void gives back.
    pub(super) original: u64,
    /// Minor units asked for (of a void: given back).
    pub(super) amount: u64,
    /// Purchase: what is still taken. Refund and void: what it has given back and still counts.
    pub(super) left: u64,
    /// Seconds of the acquirer's clock when it came.
    pub(super) at: i64,
    /// Pending: milliseconds of the process's clock when the issuer's time is over.
    pub(super) due: u64,
    /// Number behind approval code and network id; 0 without approval.
    pub(super) approval: u32,
    pub(super) card: MaskedPan,
    pub(super) merchant: [u8; 15],
    pub(super) currency: u16,
    pub(super) code: Code,
    pub(super) kind: AttemptKind,
    pub(super) state: AttemptState,
    pub(super) cvv_sent: bool,
    /// How many times money moved under this reference in its own direction, and against it.
    pub(super) moved: u8,
    pub(super) undone: u8,
    /// Further messages with this reference.
    pub(super) repeats: u8,
}

/// Number of different approval codes of six letters and digits.
pub(super) const APPROVALS: u32 = 2_176_782_336;

impl Entry {
    /// The answer that the first message got and every repeat gets again.
    pub(super) fn answer(&self) -> Answer {
        if self.state != AttemptState::Approved {
            return Answer::plain(self.code);
        }
        // A bijection on the codes (the factor shares no divisor with 36^6), so that they look drawn and never repeat.
        let scattered = u64::from(self.approval) * 1_000_003 % u64::from(APPROVALS);
        let purchase = self.kind == AttemptKind::Purchase;
        Answer {
            code: self.code,
            approval: Some(super::super::reference::base36(scattered)),
            network_id: purchase.then(|| 400_000_000_000_000 + u64::from(self.approval) * 40_009),
            cvv_matched: purchase && self.cvv_sent,
        }
    }

    /// Whether a purchase can still be given back: a later message may name it however old it is.
    pub(super) fn is_open_purchase(&self) -> bool {
        self.kind == AttemptKind::Purchase && self.left > 0
    }
}
