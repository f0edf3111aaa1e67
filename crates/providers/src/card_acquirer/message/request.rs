//! What the connector asks of the acquirer.

use super::{Class, Identity, Key, MAX_AMOUNT, Processing, ShopName, Stamp, put_original, time};
use crate::card_acquirer::iso8583::{EncodeError, Encoder};
use crate::card_acquirer::private_data as tags;
use crate::card_acquirer::reference::Reference;
use crate::card_acquirer::secret::{Cvv, Pan};
use crate::card_acquirer::text::Text;
use std::sync::Arc;

/// Point of service entry mode of electronic commerce (DE22).
const ENTRY_MODE: u64 = 812;
/// Point of service condition of electronic commerce (DE25).
const CONDITION: u64 = 59;

/// What every request tells about its attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// DE37: for a reversal advice the original attempt's, otherwise the attempt's own.
    pub reference: Reference,
    /// DE2.
    pub pan: Pan,
    /// DE4, 1 to [`MAX_AMOUNT`] minor units. Of a void: the purchase's full amount; of an advice: the original's.
    pub amount: u64,
    /// DE49, numeric code of ISO 4217.
    pub currency: u16,
    /// DE18, merchant category.
    pub category: u16,
    /// DE12, DE13: when the attempt was made; the same in every repeat.
    pub made_at: jiff::Timestamp,
    /// DE43.
    pub shop: ShopName,
    /// Fault plan for the simulator, from test projects only.
    pub fault_plan: Option<Arc<str>>,
    /// Whether this attempt was sent before (0201, 0401, 0421).
    pub repeat: bool,
}

/// The month a card expires in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Four-digit year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

/// Proof of the cardholder's authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// Electronic commerce indicator, two digits.
    pub eci: Text<2>,
    /// CAVV or AAV, base64.
    pub cavv: Option<Text<28>>,
    /// Transaction id of the directory server.
    pub ds_transaction: Option<Text<36>>,
}

/// Take money from a card.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The attempt.
    pub attempt: Attempt,
    /// DE14.
    pub expiry: Expiry,
    /// Verification value, where the customer gave one.
    pub cvv: Option<Cvv>,
    /// Result of 3-D Secure, where there is one.
    pub authentication: Option<Authentication>,
    /// Name on the card.
    pub holder: Option<Text<26>>,
}

/// Give money back after the operation day.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The attempt.
    pub attempt: Attempt,
    /// The purchase to give back from.
    pub purchase: Reference,
}

/// The part of a purchase that a partial void gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// What this void gives back, minor units, above 0.
    pub amount: u64,
    /// What is left of the purchase afterwards, minor units.
    pub remaining: u64,
}

/// Give money back on the operation day: the merchant cancels a purchase or a part of it.
#[derive(Clone, Debug)]
pub struct Void {
    /// The attempt; its amount is the purchase's full amount.
    pub attempt: Attempt,
    /// The purchase.
    pub purchase: Reference,
    /// What is known of the purchase's message.
    pub original: Option<Stamp>,
    /// Absent: all of the purchase.
    pub partial: Option<Partial>,
}

/// Undo an attempt whose outcome is not known.
#[derive(Clone, Debug)]
pub struct ReversalAdvice {
    /// The attempt to undo, under its own reference.
    pub attempt: Attempt,
    /// What the attempt was.
    pub processing: Processing,
    /// What is known of the attempt's message.
    pub original: Option<Stamp>,
}

/// A request that has an answer of its own.
#[derive(Clone, Debug)]
pub enum Request {
    /// 0200, 0201 with DE3 000000.
    Purchase(Purchase),
    /// 0200, 0201 with DE3 200000.
    Refund(Refund),
    /// 0400, 0401.
    Void(Void),
    /// 0420, 0421.
    ReversalAdvice(ReversalAdvice),
}

impl Request {
    /// What every request tells.
    pub fn attempt(&self) -> &Attempt {
        match self {
            Self::Purchase(purchase) => &purchase.attempt,
            Self::Refund(refund) => &refund.attempt,
            Self::Void(void) => &void.attempt,
            Self::ReversalAdvice(advice) => &advice.attempt,
        }
    }

    /// The class of message.
    pub const fn class(&self) -> Class {
        match self {
            Self::Purchase(_) | Self::Refund(_) => Class::Financial,
            Self::Void(_) => Class::Void,
            Self::ReversalAdvice(_) => Class::Advice,
        }
    }

    /// DE3.
    pub const fn processing(&self) -> Processing {
        match self {
            Self::Purchase(_) | Self::Void(_) => Processing::Purchase,
            Self::Refund(_) => Processing::Refund,
            Self::ReversalAdvice(advice) => advice.processing,
        }
    }

    /// What pairs the answer with this request.
    pub fn key(&self) -> Key {
        Key { class: self.class(), reference: self.attempt().reference }
    }

    /// Appends the message to `out` and returns its length in bytes; on an error `out` is left as it was.
    pub fn encode(&self, out: &mut Vec<u8>, stamp: Stamp, identity: &Identity) -> Result<usize, EncodeError> {
        let attempt = self.attempt();
        let class = self.class();
        let mut encoder = Encoder::new(out, class.request(attempt.repeat), class != Class::Financial);
        if !(1..=MAX_AMOUNT).contains(&attempt.amount) {
            encoder.fail(EncodeError::Length { field: 4 });
        }
        encoder.put(2, attempt.pan.expose());
        encoder.number(3, self.processing().code());
        encoder.number(4, attempt.amount);
        encoder.put(7, &time::month_to_second(stamp.sent_at));
        encoder.number(11, stamp.trace.into());
        encoder.put(12, &time::hour_to_second(attempt.made_at));
        encoder.put(13, &time::month_and_day(attempt.made_at));
        if let Self::Purchase(purchase) = self {
            let Expiry { year, month } = purchase.expiry;
            if !(1..=12).contains(&month) {
                encoder.fail(EncodeError::Content { field: 14 });
            }
            encoder.number(14, u64::from(year % 100) * 100 + u64::from(month));
        }
        encoder.number(18, attempt.category.into());
        encoder.number(22, ENTRY_MODE);
        encoder.number(25, CONDITION);
        encoder.put(32, identity.acquirer_id.as_bytes());
        encoder.put(37, &attempt.reference.encode());
        encoder.padded(41, identity.terminal_id.as_bytes());
        encoder.padded(42, identity.merchant_id.as_bytes());
        encoder.put(43, attempt.shop.as_bytes());
        encoder.assemble(48, |encoder| self.put_private(encoder));
        encoder.number(49, attempt.currency.into());
        match self {
            Self::Purchase(_) | Self::Refund(_) => {}
            Self::Void(void) => {
                put_original(&mut encoder, void.original, identity);
                if let Some(partial) = void.partial {
                    put_remaining(&mut encoder, partial, attempt.amount);
                }
            }
            Self::ReversalAdvice(advice) => put_original(&mut encoder, advice.original, identity),
        }
        encoder.finish()
    }

    /// Writes the tags of DE48 in rising order.
    fn put_private(&self, encoder: &mut Encoder<'_>) {
        match self {
            Self::Purchase(purchase) => {
                if let Some(authentication) = &purchase.authentication {
                    tags::put(encoder, tags::ECI, authentication.eci.as_bytes());
                    if let Some(cavv) = &authentication.cavv {
                        tags::put(encoder, tags::CAVV, cavv.as_bytes());
                    }
                    if let Some(id) = &authentication.ds_transaction {
                        tags::put(encoder, tags::DS_TRANSACTION, id.as_bytes());
                    }
                }
                if let Some(cvv) = &purchase.cvv {
                    tags::put(encoder, tags::CVV2, cvv.expose());
                }
                if let Some(holder) = purchase.holder.as_ref().filter(|holder| !holder.is_empty()) {
                    tags::put(encoder, tags::HOLDER, holder.as_bytes());
                }
            }
            Self::Refund(refund) => tags::put(encoder, tags::ORIGINAL_REFERENCE, &refund.purchase.encode()),
            Self::Void(void) => tags::put(encoder, tags::ORIGINAL_REFERENCE, &void.purchase.encode()),
            Self::ReversalAdvice(_) => {}
        }
        if let Some(plan) = &self.attempt().fault_plan {
            tags::put(encoder, tags::FAULT_PLAN, plan.as_bytes());
        }
        if let Self::Void(void) = self
            && let Some(partial) = void.partial
        {
            tags::put(encoder, tags::REVERSED_AMOUNT, &time::decimal::<12>(partial.amount));
        }
    }
}

/// Writes DE95: the amount that remains, then zeros.
fn put_remaining(encoder: &mut Encoder<'_>, partial: Partial, full: u64) {
    // What goes and what stays come from one purchase; anything else is a mistake that must not reach the acquirer.
    if partial.amount == 0 || partial.amount.checked_add(partial.remaining).is_none_or(|sum| sum > full) {
        return encoder.fail(EncodeError::Content { field: 95 });
    }
    let mut data = [b'0'; 42];
    for (place, digit) in data.iter_mut().zip(time::decimal::<12>(partial.remaining)) {
        *place = digit;
    }
    encoder.put(95, &data);
}
