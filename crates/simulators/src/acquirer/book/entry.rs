//! One line of the book: what became of one attempt reference.

use super::super::reply::{Answer, Code};
use super::card::MaskedPan;
use super::details::Details;

/// What kind of attempt a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// 0200 with processing code 000000 (or one that is not supported, declined).
    Purchase,
    /// 0100 with processing code 000000: holds an amount.
    Authorisation,
    /// 0100 that names an authorisation: holds more under it.
    Increment,
    /// 0100 with processing code 330000: is the card good? May hold a small amount.
    Verification,
    /// 0100 with processing code 390000: the code of a merchant authentication is to be placed.
    CodeRequest,
    /// 0220: takes what an authorisation holds, or a part of it.
    Capture,
    /// 0200 with processing code 200000.
    Refund,
    /// 0200 with processing code 260000: pays out to a card.
    Credit,
    /// 0400 that names a purchase or a capture.
    Void,
    /// 0400 that names an authorisation: lets go what it holds, or a part of it.
    Release,
    /// 0400 that names a refund.
    RefundReversal,
    /// 0400 that names a credit.
    CreditReversal,
    /// Only a reversal advice was seen.
    Unseen,
}

impl AttemptKind {
    /// Whether cardholder's money is in the merchant's hands by it: refunds and voids may name it.
    pub(super) fn takes(self) -> bool {
        matches!(self, Self::Purchase | Self::Capture)
    }

    /// Whether it holds money by itself.
    pub(super) fn holds(self) -> bool {
        matches!(self, Self::Authorisation | Self::Verification)
    }

    /// Whether the issuer decides by the card whether money may come from it.
    fn is_debit(self) -> bool {
        matches!(self, Self::Purchase | Self::Authorisation | Self::Verification)
    }

    /// Whether it is the message of a 0400.
    fn is_reversal(self) -> bool {
        matches!(self, Self::Void | Self::Release | Self::RefundReversal | Self::CreditReversal)
    }

    /// Whether a reversal advice may undo it. The others are repeated until they are answered.
    pub(super) fn can_be_undone(self) -> bool {
        !(self.is_reversal() || matches!(self, Self::Capture | Self::Credit))
    }

    /// Whether messages of the two kinds look alike from outside: what a 0400 does depends on what it names.
    pub(super) fn is_message_of(self, other: Self) -> bool {
        self == other || self.is_reversal() && other.is_reversal()
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// The issuer has not answered yet.
    Pending,
    /// Approved; what was asked has been done.
    Approved,
    /// Declined; nothing was done.
    Declined,
    /// Undone by a reversal advice, or kept from ever happening by one.
    Reversed,
}

/// What is kept per reference. Only attempts with something to tell beyond the ordinary have allocated details.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Keyed hash of everything that a repeat may not change.
    pub(super) fingerprint: u64,
    /// What a later step names: the purchase, capture, refund or credit that is given back, the authorisation that is
    /// changed.
    pub(super) original: u64,
    /// Minor units approved, or asked for when declined (of a 0400: given back or let go).
    pub(super) amount: u64,
    /// Purchase and capture: what is still taken. Authorisation and verification: what is held now. Refund, credit, void
    /// and what takes a refund or credit back: what it has moved and still counts. Else 0.
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
    /// Number of its DE43 in the list of places.
    pub(super) place: u16,
    pub(super) code: Code,
    pub(super) kind: AttemptKind,
    pub(super) state: AttemptState,
    pub(super) cvv_sent: bool,
    /// How many times money moved under this reference in its own direction, and against it.
    pub(super) moved: u8,
    pub(super) undone: u8,
    /// Further messages with this reference.
    pub(super) repeats: u8,
    /// Results of the address check and of the name check, each one letter of the answer.
    pub(super) address_check: Option<u8>,
    pub(super) name_check: Option<u8>,
    pub(super) details: Option<Box<Details>>,
}

/// Number of different approval codes of six letters and digits.
pub(super) const APPROVALS: u32 = 36_u32.pow(6);

impl Entry {
    /// The answer that the first message got and every repeat gets again.
    pub(super) fn answer(&self) -> Answer {
        let checked = Answer {
            address_check: self.address_check,
            name_check: self.name_check,
            ..Answer::plain(self.code)
        };
        if self.state != AttemptState::Approved {
            return checked;
        }
        // A bijection on the codes (the factor shares no divisor with 36^6), so that they look drawn and never repeat.
        let scattered = u64::from(self.approval) * 1_000_003 % u64::from(APPROVALS);
        let by_issuer = self.kind.is_debit() || self.kind == AttemptKind::Credit;
        Answer {
            approval: Some(super::super::reference::base36(scattered)),
            network_id: by_issuer.then(|| 400_000_000_000_000 + u64::from(self.approval) * 40_009),
            cvv_matched: self.kind.is_debit() && self.cvv_sent,
            amount: (self.code == super::PARTLY_APPROVED).then_some(self.amount),
            ..checked
        }
    }

    /// Whether a later message may name it however old it is: something is held or was taken, or a refund or credit
    /// could be taken back.
    pub(super) fn must_be_kept(&self) -> bool {
        let gives = matches!(self.kind, AttemptKind::Refund | AttemptKind::Credit);
        self.state == AttemptState::Approved
            && (self.kind.takes() || gives || self.kind.holds() && self.left > 0)
    }
}
