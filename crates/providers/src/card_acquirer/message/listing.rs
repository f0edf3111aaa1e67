//! Asking for the attempts that the acquirer knows (0800 with DE70 401), for a platform that was restored from a copy.

use super::{Identity, ResponseCode, Stamp, time};
use crate::card_acquirer::{
    iso8583::{EncodeError, Encoder, FieldError, Message},
    private_data as tags,
    reference::Reference,
};

/// DE70.
pub(super) const CODE: u64 = 401;

/// Characters of one attempt in the list: DE37, kind, state, DE49, DE4.
const ENTRY: usize = 12 + 1 + 1 + 3 + 12;

/// An attempt as the acquirer lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedAttempt {
    /// DE37.
    pub reference: Reference,
    /// A letter for what was asked.
    pub kind: u8,
    /// `A` approved, `D` declined, `R` undone by an advice, `P` not decided yet.
    pub state: u8,
    /// DE49, numeric.
    pub currency: u16,
    /// Minor units.
    pub amount: u64,
}

/// The answer: 0810 to a request for the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// DE11, which pairs it with its request.
    pub trace: u32,
    /// DE39.
    pub code: ResponseCode,
    /// By rising reference; empty at the end of the list.
    pub attempts: Vec<ListedAttempt>,
}

/// Appends the request for the attempts of this merchant above `after`.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    stamp: Stamp,
    identity: &Identity,
    after: Reference,
) -> Result<usize, EncodeError> {
    let mut encoder = Encoder::new(out, *b"0800", true);
    encoder.put(7, &time::month_to_second(stamp.sent_at));
    encoder.number(11, stamp.trace.into());
    encoder.put(32, identity.acquirer_id.as_bytes());
    encoder.padded(42, identity.merchant_id.as_bytes());
    encoder.assemble(48, |encoder| tags::put(encoder, tags::LIST_AFTER, &after.encode()));
    encoder.number(70, CODE);
    encoder.finish()
}

/// Reads the answer.
pub(super) fn read(message: &Message<'_>, trace: u32, code: ResponseCode) -> Result<ListPage, FieldError> {
    let wrong = || FieldError::Content { field: 48 };
    let mut list: &[u8] = &[];
    if let Some(data) = message.get(48)? {
        let read = tags::read(data, |tag, value| {
            if tag == tags::LIST {
                list = value;
            }
        });
        read.map_err(|_| wrong())?;
    }
    if !list.len().is_multiple_of(ENTRY) {
        return Err(wrong());
    }
    let attempts: Option<Vec<ListedAttempt>> = list.chunks_exact(ENTRY).map(entry).collect();
    let attempts = attempts.ok_or_else(wrong)?;
    if !attempts.is_sorted_by(|one, next| one.reference < next.reference) {
        return Err(wrong());
    }
    Ok(ListPage { trace, code, attempts })
}

/// None unless it has the form and the length of an entry.
fn entry(text: &[u8]) -> Option<ListedAttempt> {
    if text.len() != ENTRY {
        return None;
    }
    let (reference, rest) = text.split_at_checked(12)?;
    let (letters, rest) = rest.split_at_checked(2)?;
    let (currency, amount) = rest.split_at_checked(3)?;
    let (kind, state) = (*letters.first()?, *letters.last()?);
    Some(ListedAttempt {
        reference: Reference::decode(reference).ok()?,
        kind,
        state,
        currency: number(currency)?.try_into().ok()?,
        amount: number(amount)?,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_and_one_of_another_form_is_none() {
        let read = entry(b"00019QHUP3I9PA978000000002000").unwrap();
        assert_eq!(read.reference, Reference::new(7_000_123_456, 1).unwrap());
        assert_eq!((read.kind, read.state, read.currency, read.amount), (b'P', b'A', 978, 2000));
        for wrong in
            ["00019QHUP3I9PA97800000000200", "00019qhup3i9PA978000000002000", "00019QHUP3I9PA97800000000200+"]
        {
            assert_eq!(entry(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
