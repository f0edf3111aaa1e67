//! The messages of the profile as types: what the connector asks, and what the acquirer answers.
//!
//! A [`Request`] is written straight into the connection's buffer; an [`Answer`] is read from the bytes of the frame
//! without an allocation. Both are plain values of this module's own types.

mod answer;
mod debit;
mod listing;
mod management;
mod request;
mod time;

pub use answer::{Answer, Broken, CvvResult, Incoming, ReadError};
pub use debit::{
    Address, Authentication, Debit, DebitKind, Exemption, Expiry, NetworkToken, PersonName, RemoteOrder,
    TransferTo,
};
pub(crate) use listing::encode as encode_list;
pub use listing::{ListPage, ListedAttempt};
pub use management::Management;
pub(crate) use management::encode_echo_answer;
pub use request::{Attempt, Credit, FollowUp, FollowUpKind, Partial, Request, ReversalAdvice, Undoes, Void};

use super::iso8583::Encoder;
use super::reference::Reference;
use super::text::{InvalidText, Text};

/// Largest amount of DE4, in minor units.
pub const MAX_AMOUNT: u64 = 999_999_999_999;

/// A response code (DE39): two letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseCode(pub [u8; 2]);

impl ResponseCode {
    /// `00`: approved, acknowledged.
    pub const APPROVED: Self = Self(*b"00");
    /// `10`: approved for the smaller amount of the answer.
    pub const PARTLY_APPROVED: Self = Self(*b"10");
    /// `Z1`: not done; the cardholder could be sent a code in a statement entry.
    pub const CODE_OFFERED: Self = Self(*b"Z1");

    /// Whether the acquirer did what it was asked to.
    pub fn is_approval(self) -> bool {
        self == Self::APPROVED || self == Self::PARTLY_APPROVED
    }
}

impl std::fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("??"))
    }
}

/// What is asked, as processing code (DE3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processing {
    /// `000000`: purchase of goods or services.
    Purchase,
    /// `200000`: refund.
    Refund,
    /// `260000`: money is paid out to a card.
    Credit,
    /// `330000`: verification of a card.
    Verification,
    /// `390000`: the code of a merchant authentication is to be placed.
    CodeRequest,
}

impl Processing {
    /// DE3.
    pub const fn code(self) -> u64 {
        match self {
            Self::Purchase => 0,
            Self::Refund => 200_000,
            Self::Credit => 260_000,
            Self::Verification => 330_000,
            Self::CodeRequest => 390_000,
        }
    }
}

/// The class of a message: all message types that are answered by the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 0100, 0101, answered by 0110.
    Authorisation,
    /// 0200, 0201, answered by 0210.
    Financial,
    /// 0220, 0221, answered by 0230.
    Capture,
    /// 0400, 0401, answered by 0410.
    Void,
    /// 0420, 0421, answered by 0430.
    Advice,
}

impl Class {
    /// The message type of a request, `repeat` for one that was sent before.
    pub(in crate::card_acquirer) const fn request(self, repeat: bool) -> [u8; 4] {
        match (self, repeat) {
            (Self::Authorisation, false) => *b"0100",
            (Self::Authorisation, true) => *b"0101",
            (Self::Capture, false) => *b"0220",
            (Self::Capture, true) => *b"0221",
            (Self::Financial, false) => *b"0200",
            (Self::Financial, true) => *b"0201",
            (Self::Void, false) => *b"0400",
            (Self::Void, true) => *b"0401",
            (Self::Advice, false) => *b"0420",
            (Self::Advice, true) => *b"0421",
        }
    }
}

/// What pairs an answer with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The class of message.
    pub class: Class,
    /// DE37.
    pub reference: Reference,
}

/// Trace number and time of one sent message (DE11, DE7), for the original data of a later reversal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// 1 to 999,999.
    pub trace: u32,
    /// When it was sent; whole seconds count.
    pub sent_at: jiff::Timestamp,
}

/// Who asks: the acquirer's names for the platform, the same in every message of a link.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// DE32, at most 11 digits.
    pub acquirer_id: Text<11>,
    /// DE41.
    pub terminal_id: Text<8>,
    /// DE42.
    pub merchant_id: Text<15>,
}

/// The part of the platform's identity that the acquirer would not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    /// A name is too long or has characters outside printable ASCII.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// The acquirer id is empty or has something else than digits.
    #[error("the acquirer id is not 1 to 11 digits")]
    AcquirerId,
}

impl Identity {
    /// Checks and takes the three names.
    pub fn new(acquirer_id: &str, terminal_id: &str, merchant_id: &str) -> Result<Self, InvalidIdentity> {
        if acquirer_id.is_empty() || !acquirer_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidIdentity::AcquirerId);
        }
        Ok(Self {
            acquirer_id: Text::new(acquirer_id.as_bytes())?,
            terminal_id: Text::new(terminal_id.as_bytes())?,
            merchant_id: Text::new(merchant_id.as_bytes())?,
        })
    }
}

/// Name and place of the shop as the cardholder will read it (DE43).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopName([u8; 40]);

impl ShopName {
    /// Name (25 characters), town (13), country (2). What does not fit is cut off, foreign characters become `?`.
    pub fn new(name: &str, town: &str, country: &str) -> Self {
        let mut place = [b' '; 40];
        let (name_place, rest) = place.split_at_mut(25);
        let (town_place, country_place) = rest.split_at_mut(13);
        for (target, text) in [
            (name_place, Text::<25>::lossy(name).as_bytes()),
            (town_place, Text::<13>::lossy(town).as_bytes()),
            (country_place, Text::<2>::lossy(country).as_bytes()),
        ] {
            target.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        }
        Self(place)
    }

    /// The same place under another name: what the merchant wants the cardholder to read (G-257).
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        let name = Text::<25>::lossy(name);
        let filled = name.as_bytes().iter().copied().chain(std::iter::repeat(b' '));
        self.0.iter_mut().take(25).zip(filled).for_each(|(to, from)| *to = from);
        self
    }

    /// The 40 characters.
    pub const fn as_bytes(&self) -> &[u8; 40] {
        &self.0
    }
}

/// Writes DE90: what is known of the original message of `class`, zeros for what is not.
fn put_original(encoder: &mut Encoder<'_>, class: Class, original: Option<Stamp>, identity: &Identity) {
    let mut data = [b'0'; 42];
    let (head, rest) = data.split_at_mut(4);
    head.copy_from_slice(&class.request(false));
    if let Some(stamp) = original {
        let trace = time::decimal::<6>(stamp.trace.into());
        let sent = time::month_to_second(stamp.sent_at);
        for (place, byte) in rest.iter_mut().zip(trace.iter().chain(&sent)) {
            *place = *byte;
        }
    }
    let id = identity.acquirer_id.as_bytes();
    if let Some(place) = data.get_mut(31 - id.len()..31) {
        place.copy_from_slice(id);
    }
    encoder.put(90, &data);
}

#[cfg(test)]
mod tests;
