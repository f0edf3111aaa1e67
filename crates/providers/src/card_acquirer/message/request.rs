//! What the connector asks of the acquirer.

use super::debit::{Debit, DebitKind, Expiry, RemoteOrder, put_text};
use super::{Class, Identity, Key, MAX_AMOUNT, Processing, ShopName, Stamp, put_original, time};
use crate::card_acquirer::iso8583::{EncodeError, Encoder};
use crate::card_acquirer::private_data as tags;
use crate::card_acquirer::reference::Reference;
use crate::card_acquirer::secret::Pan;
use crate::card_acquirer::text::Text;
use std::sync::Arc;

/// Point of service entry mode (DE22) and condition (DE25) of electronic commerce.
const ELECTRONIC_COMMERCE: (u64, u64) = (812, 59);
/// The same of orders by mail and telephone: typed in by the merchant, nobody present.
const REMOTE_ORDER: (u64, u64) = (12, 8);

/// What every request tells about its attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// DE37: for a reversal advice the original attempt's, otherwise the attempt's own.
    pub reference: Reference,
    /// DE2.
    pub pan: Pan,
    /// DE4, 1 (of a verification 0) to [`MAX_AMOUNT`] minor units. Of a void: the full amount of what it undoes; of an
    /// advice: the original's.
    pub amount: u64,
    /// DE49, numeric code of ISO 4217.
    pub currency: u16,
    /// DE18, merchant category.
    pub category: u16,
    /// DE12, DE13: when the attempt was made; the same in every repeat.
    pub made_at: jiff::Timestamp,
    /// DE43.
    pub shop: ShopName,
    /// DE22, DE25: whether the order came by mail or telephone.
    pub remote_order: Option<RemoteOrder>,
    /// Fault plan for the simulator, from test projects only.
    pub fault_plan: Option<Arc<str>>,
    /// Whether this attempt was sent before (0101, 0201, 0221, 0401, 0421).
    pub repeat: bool,
}

/// What a message about an earlier attempt asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUpKind {
    /// Give money of a purchase or capture back after the operation day (0200 with DE3 200000).
    Refund,
    /// Hold more under an authorisation (0100 with tag 21).
    Increment,
    /// Take out of an authorisation's hold, and let the rest of it go (0220).
    Capture,
    /// Place the code that was offered in answer to a purchase or authorisation (0100 with DE3 390000).
    CodeRequest,
}

/// A message about an earlier attempt that is not a reversal.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// The attempt.
    pub attempt: Attempt,
    /// What is asked.
    pub kind: FollowUpKind,
    /// The earlier attempt.
    pub original: Reference,
}

/// Money that is paid out to a card (0200 with DE3 260000, G-310).
#[derive(Clone, Debug)]
pub struct Credit {
    /// The attempt.
    pub attempt: Attempt,
    /// DE14, where it is known: the issuer finds the account by the number alone (G-312).
    pub expiry: Option<Expiry>,
    /// Name on the card, where it is known.
    pub holder: Option<Text<26>>,
    /// The currency that the customer chose elsewhere, three digits, and how much of it, twelve (G-451).
    pub chosen: Option<Box<Text<17>>>,
}

/// The part of a purchase or hold that a partial void or release gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// What this void gives back, minor units, above 0.
    pub amount: u64,
    /// What is left of the purchase or hold afterwards, minor units.
    pub remaining: u64,
}

/// What a 0400 undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoes {
    /// What a purchase or capture took.
    Debit,
    /// What an authorisation holds.
    Hold,
    /// What a refund gave back.
    Refund,
    /// What a credit paid out.
    Credit,
}

/// Undo on the merchant's request: void a purchase or capture on its operation day, let a hold go, cancel a refund or a
/// credit.
#[derive(Clone, Debug)]
pub struct Void {
    /// The attempt; its amount is the full amount of a purchase, capture, refund or credit, and the present one of a
    /// hold.
    pub attempt: Attempt,
    /// What is undone.
    pub undoes: Undoes,
    /// The attempt that is undone.
    pub original: Reference,
    /// What is known of its message.
    pub stamp: Option<Stamp>,
    /// Absent: all of it. Never of a refund or credit.
    pub partial: Option<Partial>,
}

/// Undo an attempt whose outcome is not known.
#[derive(Clone, Debug)]
pub struct ReversalAdvice {
    /// The attempt to undo, under its own reference.
    pub attempt: Attempt,
    /// The class of its message.
    pub class: Class,
    /// What the attempt was.
    pub processing: Processing,
    /// What is known of the attempt's message.
    pub original: Option<Stamp>,
}

/// A request that has an answer of its own.
#[derive(Clone, Debug)]
pub enum Request {
    /// 0100, 0101, 0200, 0201 about a card.
    Debit(Debit),
    /// 0200, 0201 that pay out to a card.
    Credit(Credit),
    /// 0100, 0200, 0220 and their repeats about an earlier attempt.
    FollowUp(FollowUp),
    /// 0400, 0401.
    Void(Void),
    /// 0420, 0421.
    ReversalAdvice(ReversalAdvice),
}

impl Request {
    /// What every request tells.
    pub fn attempt(&self) -> &Attempt {
        match self {
            Self::Debit(debit) => &debit.attempt,
            Self::Credit(credit) => &credit.attempt,
            Self::FollowUp(follow_up) => &follow_up.attempt,
            Self::Void(void) => &void.attempt,
            Self::ReversalAdvice(advice) => &advice.attempt,
        }
    }

    /// The same, to be changed.
    pub fn attempt_mut(&mut self) -> &mut Attempt {
        match self {
            Self::Debit(debit) => &mut debit.attempt,
            Self::Credit(credit) => &mut credit.attempt,
            Self::FollowUp(follow_up) => &mut follow_up.attempt,
            Self::Void(void) => &mut void.attempt,
            Self::ReversalAdvice(advice) => &mut advice.attempt,
        }
    }

    /// The class of message.
    pub const fn class(&self) -> Class {
        match self {
            Self::Debit(debit) => match debit.kind {
                DebitKind::Purchase => Class::Financial,
                DebitKind::Authorisation | DebitKind::Verification => Class::Authorisation,
            },
            Self::Credit(_) => Class::Financial,
            Self::FollowUp(follow_up) => match follow_up.kind {
                FollowUpKind::Refund => Class::Financial,
                FollowUpKind::Increment | FollowUpKind::CodeRequest => Class::Authorisation,
                FollowUpKind::Capture => Class::Capture,
            },
            Self::Void(_) => Class::Void,
            Self::ReversalAdvice(_) => Class::Advice,
        }
    }

    /// DE3.
    pub const fn processing(&self) -> Processing {
        match self {
            Self::Debit(debit) => debit.kind.processing(),
            Self::Credit(_) => Processing::Credit,
            Self::FollowUp(follow_up) => match follow_up.kind {
                FollowUpKind::Refund => Processing::Refund,
                FollowUpKind::Increment | FollowUpKind::Capture => Processing::Purchase,
                FollowUpKind::CodeRequest => Processing::CodeRequest,
            },
            Self::Void(void) => match void.undoes {
                Undoes::Debit | Undoes::Hold => Processing::Purchase,
                Undoes::Refund => Processing::Refund,
                Undoes::Credit => Processing::Credit,
            },
            Self::ReversalAdvice(advice) => advice.processing,
        }
    }

    /// Whether an approval of a smaller amount is an answer to it.
    pub const fn allows_partial(&self) -> bool {
        matches!(self, Self::Debit(debit) if debit.partial_allowed)
    }

    /// What pairs the answer with this request.
    pub fn key(&self) -> Key {
        Key { class: self.class(), reference: self.attempt().reference }
    }

    /// Appends the message to `out` and returns its length in bytes; on an error `out` is left as it was.
    pub fn encode(&self, out: &mut Vec<u8>, stamp: Stamp, identity: &Identity) -> Result<usize, EncodeError> {
        let attempt = self.attempt();
        let class = self.class();
        let extended = matches!(class, Class::Void | Class::Advice);
        let mut encoder = Encoder::new(out, class.request(attempt.repeat), extended);
        // Only a verification may be about nothing.
        let least = u64::from(self.processing() != Processing::Verification);
        if !(least..=MAX_AMOUNT).contains(&attempt.amount) {
            encoder.fail(EncodeError::Length { field: 4 });
        }
        encoder.put(2, attempt.pan.expose());
        encoder.number(3, self.processing().code());
        encoder.number(4, attempt.amount);
        encoder.put(7, &time::month_to_second(stamp.sent_at));
        encoder.number(11, stamp.trace.into());
        encoder.put(12, &time::hour_to_second(attempt.made_at));
        encoder.put(13, &time::month_and_day(attempt.made_at));
        let expiry = match self {
            Self::Debit(debit) => Some(debit.expiry),
            Self::Credit(credit) => credit.expiry,
            Self::FollowUp(_) | Self::Void(_) | Self::ReversalAdvice(_) => None,
        };
        if let Some(Expiry { year, month }) = expiry {
            if !(1..=12).contains(&month) {
                encoder.fail(EncodeError::Content { field: 14 });
            }
            encoder.number(14, u64::from(year % 100) * 100 + u64::from(month));
        }
        encoder.number(18, attempt.category.into());
        let (entry_mode, condition) =
            if attempt.remote_order.is_some() { REMOTE_ORDER } else { ELECTRONIC_COMMERCE };
        encoder.number(22, entry_mode);
        encoder.number(25, condition);
        encoder.put(32, identity.acquirer_id.as_bytes());
        encoder.put(37, &attempt.reference.encode());
        encoder.padded(41, identity.terminal_id.as_bytes());
        encoder.padded(42, identity.merchant_id.as_bytes());
        encoder.put(43, attempt.shop.as_bytes());
        encoder.assemble(48, |encoder| self.put_private(encoder));
        encoder.number(49, attempt.currency.into());
        match self {
            Self::Debit(_) | Self::Credit(_) | Self::FollowUp(_) => {}
            Self::Void(void) => {
                let class = match void.undoes {
                    Undoes::Hold => Class::Authorisation,
                    Undoes::Debit | Undoes::Refund | Undoes::Credit => Class::Financial,
                };
                put_original(&mut encoder, class, void.stamp, identity);
                if let Some(partial) = void.partial {
                    put_remaining(&mut encoder, partial, attempt.amount);
                }
            }
            Self::ReversalAdvice(advice) => {
                put_original(&mut encoder, advice.class, advice.original, identity);
            }
        }
        encoder.finish()
    }

    /// Writes the tags of DE48 in rising order.
    fn put_private(&self, encoder: &mut Encoder<'_>) {
        match self {
            Self::Debit(debit) => debit.put_first_tags(encoder),
            Self::Credit(credit) => put_text(encoder, tags::HOLDER, credit.holder.as_ref()),
            Self::FollowUp(FollowUp { original, .. }) | Self::Void(Void { original, .. }) => {
                tags::put(encoder, tags::ORIGINAL_REFERENCE, &original.encode());
            }
            Self::ReversalAdvice(_) => {}
        }
        if let Some(plan) = &self.attempt().fault_plan {
            tags::put(encoder, tags::FAULT_PLAN, plan.as_bytes());
        }
        match self {
            Self::Debit(debit) => debit.put_last_tags(encoder),
            Self::FollowUp(FollowUp { kind: FollowUpKind::Increment, .. }) => {
                tags::put(encoder, tags::INCREMENT, b"I");
            }
            Self::Void(Void { partial: Some(partial), .. }) => {
                tags::put(encoder, tags::REVERSED_AMOUNT, &time::decimal::<12>(partial.amount));
            }
            Self::Credit(credit) => put_text(encoder, tags::CHOSEN_CURRENCY, credit.chosen.as_deref()),
            Self::FollowUp(_) | Self::Void(_) | Self::ReversalAdvice(_) => {}
        }
    }
}

/// Writes DE95: the amount that remains, then zeros.
fn put_remaining(encoder: &mut Encoder<'_>, partial: Partial, full: u64) {
    // What goes and what stays come from one purchase or hold; anything else is a mistake that must not reach the acquirer.
    if partial.amount == 0 || partial.amount.checked_add(partial.remaining).is_none_or(|sum| sum > full) {
        return encoder.fail(EncodeError::Content { field: 95 });
    }
    let mut data = [b'0'; 42];
    for (place, digit) in data.iter_mut().zip(time::decimal::<12>(partial.remaining)) {
        *place = digit;
    }
    encoder.put(95, &data);
}
