//! From elements to requests: which must be there, and what each has to look like.
//!
//! A message that parses but does not say what its type must say is answered with DE39 `30` and forgotten. The check is
//! done once, here; behind it amounts are numbers, references are [`Reference`]s and the card number is masked or hashed.

use super::book::AttemptKind;
use super::book::card::MaskedPan;
use super::faults;
use super::iso::{Breach, Message};
use super::private_tags::Tags;
use super::reference::Reference;

/// The content of a request is wrong: DE39 `30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What a fault plan distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Purchase,
    Authorisation,
    Increment,
    Verification,
    Code,
    Capture,
    Refund,
    Payout,
    Reversal,
    Advice,
}

/// Class of a message by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// 0800.
    Network,
    /// 0100, 0101.
    Authorisation,
    /// 0200, 0201.
    Financial,
    /// 0220, 0221.
    Capture,
    /// 0400, 0401.
    Reversal,
    /// 0420, 0421.
    Advice,
    /// 0810: answers an echo; the simulator sends none, so it is evidence of nothing and is ignored.
    NetworkAnswer,
}

impl Class {
    /// The class of a message.
    ///
    /// # Errors
    /// [`Breach`] for types that the profile does not list as requests and for messages that nothing can be answered to.
    pub(super) fn of(message: &Message<'_>) -> Result<Self, Breach> {
        let class = match message.mti {
            "0800" => Self::Network,
            "0200" | "0201" => Self::Financial,
            "0100" | "0101" => Self::Authorisation,
            "0220" | "0221" => Self::Capture,
            "0400" | "0401" => Self::Reversal,
            "0420" | "0421" => Self::Advice,
            "0810" => Self::NetworkAnswer,
            _ => return Err(Breach::UnknownMessageType),
        };
        if message.trace.is_none() && message.reference.is_none() {
            Err(Breach::Unanswerable)
        } else {
            Ok(class)
        }
    }
}

/// What the transaction messages have in common. Has no `Debug`: it borrows a card number.
pub(super) struct Transaction<'a> {
    /// DE37.
    pub(super) reference: Reference,
    /// DE2, whole. Only to look up the card and to fingerprint; never stored.
    pub(super) card_number: &'a str,
    /// DE2 as it may be shown.
    pub(super) masked: MaskedPan,
    /// DE4, minor units of `currency`.
    pub(super) amount: u64,
    /// DE49, ISO 4217 numeric.
    pub(super) currency: u16,
    /// DE42.
    pub(super) merchant: &'a str,
    /// DE41.
    pub(super) terminal: &'a str,
    /// DE43.
    pub(super) place: &'a str,
    /// DE48.
    pub(super) tags: Tags<'a>,
    /// What is to be done.
    pub(super) action: Action<'a>,
}

/// What a transaction message asks for.
pub(super) enum Action<'a> {
    /// Take the amount.
    Purchase,
    /// Hold the amount.
    Authorisation,
    /// Hold more under the authorisation named.
    Increment(Reference),
    /// Is the card good?
    Verification,
    /// Place the code that was offered in answer to the attempt named.
    CodeRequest(Reference),
    /// Take what the authorisation named holds.
    Capture(Reference),
    /// A refund of the purchase or capture named.
    Refund(Reference),
    /// Pay out to the card.
    Credit,
    /// Give back, let go or take back what the attempt named has done.
    Reversal { original: Reference, part: Option<Part>, undone: Undone },
    /// Undo the attempt that DE37 names.
    Advice,
    /// A processing code that the profile keeps for later or does not know, as sent.
    Unsupported { kind: AttemptKind, code: &'a str },
}

/// What a 0400 undoes, by its DE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Undone {
    /// `000000`: a purchase, a capture, or what holds an amount.
    Debit,
    /// `200000`.
    Refund,
    /// `260000`.
    Credit,
}

/// A partial 0400: what it gives back or lets go and what remains, minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) gives_back: u64,
    pub(super) remains: u64,
}

impl<'a> Transaction<'a> {
    /// What fault plans choose by.
    pub(super) fn to_faults(&self) -> faults::Request<'a> {
        faults::Request {
            plan: self.tags.faults,
            reference: self.reference,
            kind: self.kind(),
            confirmed: self.tags.confirmation.is_some(),
            merchant: self.merchant,
            terminal: self.terminal,
        }
    }

    fn kind(&self) -> Kind {
        match self.action {
            Action::Purchase => Kind::Purchase,
            Action::Authorisation => Kind::Authorisation,
            Action::Increment(_) => Kind::Increment,
            Action::Verification => Kind::Verification,
            Action::CodeRequest(_) => Kind::Code,
            Action::Capture(_) => Kind::Capture,
            Action::Refund(_) => Kind::Refund,
            Action::Credit => Kind::Payout,
            Action::Reversal { .. } => Kind::Reversal,
            Action::Advice => Kind::Advice,
            Action::Unsupported { kind, .. } => match kind {
                AttemptKind::Purchase => Kind::Purchase,
                AttemptKind::Authorisation => Kind::Authorisation,
                AttemptKind::Capture => Kind::Capture,
                _ => Kind::Reversal,
            },
        }
    }
}

/// The content when it is there and all digits.
fn digits(content: Option<&str>) -> Result<&str, Malformed> {
    content.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).ok_or(Malformed)
}

fn number(text: &str) -> Result<u64, Malformed> {
    text.parse().map_err(|_| Malformed)
}

/// Checks 0800 and returns its DE70.
pub(super) fn network<'a>(message: &Message<'a>) -> Result<&'a str, Malformed> {
    digits(message.sent_at)?;
    digits(message.trace)?;
    digits(message.acquirer)?;
    digits(message.network_code)
}

/// Checks an 0800 that asks for a list, and returns merchant and reference to begin after.
pub(super) fn listing<'a>(message: &Message<'a>) -> Result<(&'a str, Reference), Malformed> {
    let tags = message.private.and_then(Tags::read).ok_or(Malformed)?;
    let after = tags.after.and_then(Reference::parse).ok_or(Malformed)?;
    Ok((message.merchant.ok_or(Malformed)?, after))
}

/// Checks a 01xx, 02xx or 04xx of `class`.
pub(super) fn transaction<'a>(message: &Message<'a>, class: Class) -> Result<Transaction<'a>, Malformed> {
    let card_number = digits(message.card_number)?;
    let masked = MaskedPan::of(card_number).ok_or(Malformed)?;
    let processing_code = digits(message.processing_code)?;
    let amount = number(digits(message.amount)?)?;
    for element in [
        message.sent_at,
        message.trace,
        message.local_time,
        message.local_date,
        message.category,
        message.entry_mode,
        message.condition,
        message.acquirer,
    ] {
        digits(element)?;
    }
    let reference = message.reference.and_then(Reference::parse).ok_or(Malformed)?;
    let terminal = message.terminal.ok_or(Malformed)?;
    let merchant = message.merchant.ok_or(Malformed)?;
    let place = message.place.ok_or(Malformed)?;
    let currency = digits(message.currency)?.parse().map_err(|_| Malformed)?;
    let tags = message.private.map_or(Some(Tags::default()), Tags::read).ok_or(Malformed)?;
    let original = || tags.original.and_then(Reference::parse).ok_or(Malformed);
    let action = match (class, processing_code) {
        (Class::Advice, _) => {
            digits(message.original_data)?;
            Action::Advice
        }
        (Class::Reversal, code) => {
            digits(message.original_data)?;
            let original = original()?;
            let part = part(message, &tags)?;
            let undone = match code {
                "000000" => Some(Undone::Debit),
                "200000" => Some(Undone::Refund),
                "260000" => Some(Undone::Credit),
                _ => None,
            };
            match undone {
                Some(undone) => Action::Reversal { original, part, undone },
                None => Action::Unsupported { kind: AttemptKind::Void, code },
            }
        }
        (Class::Capture, "000000") => Action::Capture(original()?),
        (Class::Capture, code) => Action::Unsupported { kind: AttemptKind::Capture, code },
        (Class::Authorisation, "000000") if tags.increment.is_some() => Action::Increment(original()?),
        (Class::Authorisation, "000000") => {
            digits(message.expiry)?;
            Action::Authorisation
        }
        (Class::Authorisation, "330000") => {
            digits(message.expiry)?;
            Action::Verification
        }
        (Class::Authorisation, "390000") => Action::CodeRequest(original()?),
        (Class::Authorisation, code) => Action::Unsupported { kind: AttemptKind::Authorisation, code },
        (_, "000000") => {
            digits(message.expiry)?;
            Action::Purchase
        }
        (_, "200000") => Action::Refund(original()?),
        (_, "260000") => {
            // It may be left out, but not be wrong.
            if message.expiry.is_some() {
                digits(message.expiry)?;
            }
            Action::Credit
        }
        (_, code) => Action::Unsupported { kind: AttemptKind::Purchase, code },
    };
    Ok(Transaction {
        reference,
        card_number,
        masked,
        amount,
        currency,
        merchant,
        terminal,
        place,
        tags,
        action,
    })
}

/// DE95 and tag 11 come together or not at all.
fn part(message: &Message<'_>, tags: &Tags<'_>) -> Result<Option<Part>, Malformed> {
    match (message.replacement, tags.part) {
        (None, None) => Ok(None),
        (Some(replacement), Some(gives_back)) => {
            let remains = digits(Some(replacement))?.get(..12).ok_or(Malformed)?;
            Ok(Some(Part { gives_back: number(gives_back)?, remains: number(remains)? }))
        }
        _ => Err(Malformed),
    }
}
