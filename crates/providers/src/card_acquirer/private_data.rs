//! The private data element DE48: tags of two characters, three digits of length, a value.

use super::iso8583::{EncodeError, Encoder};

/// CVV2 result of an answer: `M`, `N` or `P`.
pub const CVV_RESULT: [u8; 2] = *b"01";
/// Electronic commerce indicator.
pub const ECI: [u8; 2] = *b"02";
/// Cardholder authentication value, base64.
pub const CAVV: [u8; 2] = *b"03";
/// Transaction id of the directory server.
pub const DS_TRANSACTION: [u8; 2] = *b"04";
/// Reference of the earlier attempt that the message is about.
pub const ORIGINAL_REFERENCE: [u8; 2] = *b"05";
/// How credentials are stored, or used again.
pub const CREDENTIAL: [u8; 2] = *b"06";
/// CVV2; requests only.
pub const CVV2: [u8; 2] = *b"07";
/// Transaction id of the card network.
pub const NETWORK_TRANSACTION: [u8; 2] = *b"08";
/// Name of the cardholder.
pub const HOLDER: [u8; 2] = *b"09";
/// Fault plan for the simulator.
pub const FAULT_PLAN: [u8; 2] = *b"10";
/// Amount a partial void or release gives back.
pub const REVERSED_AMOUNT: [u8; 2] = *b"11";
/// Street of the address to check.
pub const STREET: [u8; 2] = *b"12";
/// Result of the address check, in answers.
pub const ADDRESS_RESULT: [u8; 2] = *b"13";
/// `1`: decline when the address does not match.
pub const ADDRESS_MUST_MATCH: [u8; 2] = *b"14";
/// Post code of the address to check.
pub const POST_CODE: [u8; 2] = *b"15";
/// `1`: a smaller amount may be approved.
pub const PARTIAL_ALLOWED: [u8; 2] = *b"16";
/// Order by mail `1` or telephone `2`.
pub const REMOTE_ORDER: [u8; 2] = *b"17";
/// Version of 3-D Secure.
pub const VERSION: [u8; 2] = *b"18";
/// Code of a merchant authentication.
pub const CONFIRMATION: [u8; 2] = *b"19";
/// Transaction id of 3-D Secure 1.
pub const XID: [u8; 2] = *b"20";
/// `I`: an authorisation is to be raised.
pub const INCREMENT: [u8; 2] = *b"21";
/// Given name to check.
pub const FIRST_NAME: [u8; 2] = *b"22";
/// Middle name to check.
pub const MIDDLE_NAME: [u8; 2] = *b"23";
/// Family name to check.
pub const LAST_NAME: [u8; 2] = *b"24";
/// Cryptogram of a number that stands for a card, base64.
pub const CRYPTOGRAM: [u8; 2] = *b"26";
/// The wallet the number came from: `A` or `G`.
pub const WALLET: [u8; 2] = *b"27";
/// Where the money of a purchase goes on to: `W` a wallet, `C` a card.
pub const TRANSFER: [u8; 2] = *b"28";
/// Exemption from authentication that is asked for: `L` low value, `T` analysis of risk.
pub const EXEMPTION: [u8; 2] = *b"29";
/// The currency the customer chose to pay in elsewhere, numeric, and how much of it, where that is known.
pub const CHOSEN_CURRENCY: [u8; 2] = *b"30";
/// Reference after which attempts are to be listed.
pub const LIST_AFTER: [u8; 2] = *b"31";
/// A part of the list, in answers.
pub const LIST: [u8; 2] = *b"32";
/// Result of the name check, in answers.
pub const NAME_RESULT: [u8; 2] = *b"25";

/// DE48 is not a sequence of tags: a length is no number or runs past the end, or a tag comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("private data is malformed")]
pub struct InvalidTags;

/// Appends one tag to the element `encoder` has open.
pub(crate) fn put(encoder: &mut Encoder<'_>, tag: [u8; 2], value: &[u8]) {
    let Ok(length) = u16::try_from(value.len()) else {
        encoder.fail(EncodeError::Length { field: 48 });
        return;
    };
    encoder.push(&tag);
    encoder.push_number(u64::from(length), 3);
    encoder.push(value);
}

/// Calls `each` for every tag of `data` in order.
pub fn read<'a>(data: &'a [u8], mut each: impl FnMut([u8; 2], &'a [u8])) -> Result<(), InvalidTags> {
    // Tags are printable ASCII, so a bit per code point pair would be large; a message has a dozen at most and 199
    // tags fit the element, so a look back over the element finds a tag that comes twice.
    let mut rest = data;
    while let Some((tag, after)) = rest.split_first_chunk::<2>() {
        let (length, after) = after.split_first_chunk::<3>().ok_or(InvalidTags)?;
        let length = digits(*length).ok_or(InvalidTags)?;
        let (value, after) = after.split_at_checked(length).ok_or(InvalidTags)?;
        if seen_before(data, data.len() - rest.len(), *tag) {
            return Err(InvalidTags);
        }
        each(*tag, value);
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(InvalidTags) }
}

/// Whether `tag` stands in the well-formed part of `data` before `end`.
fn seen_before(data: &[u8], end: usize, tag: [u8; 2]) -> bool {
    let mut rest = data.get(..end).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<5>() {
        let [a, b, length @ ..] = *head;
        if [a, b] == tag {
            return true;
        }
        rest = after.get(digits(length).unwrap_or(usize::MAX)..).unwrap_or_default();
    }
    false
}

fn digits(text: [u8; 3]) -> Option<usize> {
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + usize::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Tag<'a> = ([u8; 2], &'a [u8]);

    fn tags(data: &[u8]) -> Result<Vec<Tag<'_>>, InvalidTags> {
        let mut found = Vec::new();
        read(data, |tag, value| found.push((tag, value)))?;
        Ok(found)
    }

    #[test]
    fn tags_are_read_in_order_with_empty_values_allowed() {
        assert_eq!(
            tags(b"01001M0800003002AB").unwrap(),
            [(*b"01", b"M".as_slice()), (*b"08", b"".as_slice()), (*b"03", b"AB".as_slice())]
        );
        assert!(tags(b"").unwrap().is_empty());
    }

    #[test]
    fn a_length_past_the_end_a_bad_length_and_a_repeated_tag_are_refused() {
        for wrong in ["01002M", "0100", "0", "01+01M", "01001M01001M", "01001M08003abc01001N"] {
            assert_eq!(tags(wrong.as_bytes()), Err(InvalidTags), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(data in proptest::collection::vec(any::<u8>(), 0..999)) {
            let _ = tags(&data);
        }
    }
}
