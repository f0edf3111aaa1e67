//! Writing answers.
//!
//! An answer is appended to the connection's output buffer straight away: length prefix and bitmaps are left open and
//! filled in at the end, so that no intermediate message is built. Elements repeated from the request keep its bytes.

use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};

use super::iso::Message;

/// DE39, two letters or digits.
pub(super) type Code = [u8; 2];

/// What an answer says beyond the repeated elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// DE39.
    pub(super) code: Code,
    /// DE38, in all approvals but 0430.
    pub(super) approval: Option<[u8; 6]>,
    /// DE48 tag 08, the network's transaction id as a number of 15 digits, where the issuer approved.
    pub(super) network_id: Option<u64>,
    /// DE48 tag 01 `M`: a CVV2 was sent and matched.
    pub(super) cvv_matched: bool,
    /// DE48 tag 13: result of the address check.
    pub(super) address_check: Option<u8>,
    /// DE48 tag 25: result of the name check.
    pub(super) name_check: Option<u8>,
    /// DE4 when it is not the request's: the amount of a partial approval.
    pub(super) amount: Option<u64>,
}

impl Answer {
    /// An answer that carries a response code only.
    pub(super) fn plain(code: Code) -> Self {
        Self {
            code,
            approval: None,
            network_id: None,
            cvv_matched: false,
            address_check: None,
            name_check: None,
            amount: None,
        }
    }
}

/// A message under construction in an output buffer.
struct Draft<'a> {
    out: &'a mut BytesMut,
    start: usize,
    extended: bool,
    bits: u128,
}

impl<'a> Draft<'a> {
    fn new(out: &'a mut BytesMut, mti: &str, extended: bool) -> Self {
        let start = out.len();
        out.put_u16(0);
        out.put_slice(mti.as_bytes());
        out.put_bytes(b'0', if extended { 32 } else { 16 });
        Self { out, start, extended, bits: u128::from(extended) << 127 }
    }

    fn fixed(&mut self, number: u32, content: &[u8]) {
        self.bits |= 1_u128 << (128 - number);
        self.out.put_slice(content);
    }

    fn repeat(&mut self, number: u32, content: Option<&str>) {
        if let Some(content) = content {
            self.fixed(number, content.as_bytes());
        }
    }

    fn acquirer(&mut self, content: Option<&str>) {
        if let Some(content) = content {
            self.bits |= 1_u128 << (128 - 32);
            // Writing into a BytesMut grows it; it cannot fail.
            let _ = write!(self.out, "{:02}{content}", content.len());
        }
    }

    /// DE48, when there is anything to tell in it.
    fn private(&mut self, answer: &Answer) {
        let start = self.out.len();
        self.out.put_slice(b"000");
        if answer.network_id.is_some() && answer.cvv_matched {
            self.out.put_slice(b"01001M");
        }
        if let Some(network_id) = answer.network_id {
            let _ = write!(self.out, "08015{network_id:015}");
        }
        for (tag, result) in [("13", answer.address_check), ("25", answer.name_check)] {
            if let Some(result) = result {
                self.out.put_slice(tag.as_bytes());
                self.out.put_slice(&[b'0', b'0', b'1', result]);
            }
        }
        let length = self.out.len() - start - 3;
        if length == 0 {
            self.out.truncate(start);
            return;
        }
        self.bits |= 1_u128 << (128 - 48);
        if let Some(place) = self.out.get_mut(start..start + 3) {
            place.copy_from_slice(format!("{length:03}").as_bytes());
        }
    }

    fn finish(self) {
        let Self { out, start, extended, bits } = self;
        let length = out.len() - start - 2;
        let width = if extended { 32 } else { 16 };
        let digits = if extended { bits } else { bits >> 64 };
        if let Some(place) = out.get_mut(start + 6..start + 6 + width) {
            for (place, nibble) in place.iter_mut().rev().zip(0_u32..) {
                let value = u32::try_from(digits >> (4 * nibble) & 0xf).unwrap_or_default();
                *place = char::from_digit(value, 16).map_or(b'0', |c| c.to_ascii_uppercase() as u8);
            }
        }
        let prefix = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(place) = out.get_mut(start..start + 2) {
            place.copy_from_slice(&prefix);
        }
    }
}

/// Appends the answer to `request` with its length prefix. The request's class decides which elements are repeated.
pub(super) fn write(out: &mut BytesMut, request: &Message<'_>, answer: &Answer) {
    match request.mti.as_bytes() {
        [b'0', b'8', ..] => write_network(out, request, answer),
        b"0100" | b"0101" => write_transaction(out, "0110", true, request, answer),
        b"0220" | b"0221" => write_transaction(out, "0230", true, request, answer),
        [b'0', b'2', ..] => write_transaction(out, "0210", true, request, answer),
        [b'0', b'4', b'0', _] => write_transaction(out, "0410", false, request, answer),
        _ => write_transaction(out, "0430", false, request, answer),
    }
}

fn write_network(out: &mut BytesMut, request: &Message<'_>, answer: &Answer) {
    let mut draft = Draft::new(out, "0810", true);
    draft.repeat(7, request.sent_at);
    draft.repeat(11, request.trace);
    draft.acquirer(request.acquirer);
    draft.fixed(39, &answer.code);
    draft.repeat(70, request.network_code);
    draft.finish();
}

/// Appends the answer to a request for a list: DE48 tag 32, left out when the list has come to its end.
pub(super) fn write_listing(out: &mut BytesMut, request: &Message<'_>, list: &str) {
    let mut draft = Draft::new(out, "0810", true);
    draft.repeat(7, request.sent_at);
    draft.repeat(11, request.trace);
    draft.acquirer(request.acquirer);
    draft.fixed(39, b"00");
    if !list.is_empty() {
        draft.fixed(48, format!("{:03}32{:03}{list}", list.len() + 5, list.len()).as_bytes());
    }
    draft.repeat(70, request.network_code);
    draft.finish();
}

fn write_transaction(out: &mut BytesMut, mti: &str, dated: bool, request: &Message<'_>, answer: &Answer) {
    let mut draft = Draft::new(out, mti, false);
    draft.repeat(3, request.processing_code);
    match answer.amount {
        Some(amount) => draft.fixed(4, format!("{amount:012}").as_bytes()),
        None => draft.repeat(4, request.amount),
    }
    draft.repeat(7, request.sent_at);
    draft.repeat(11, request.trace);
    if dated {
        draft.repeat(12, request.local_time);
        draft.repeat(13, request.local_date);
    }
    draft.acquirer(request.acquirer);
    draft.repeat(37, request.reference);
    if let Some(approval) = &answer.approval {
        draft.fixed(38, approval);
    }
    draft.fixed(39, &answer.code);
    draft.repeat(41, request.terminal);
    draft.repeat(42, request.merchant);
    draft.private(answer);
    draft.repeat(49, request.currency);
    draft.finish();
}

/// Appends a frame that no decoder of the profile accepts (fault `garbage`).
pub(super) fn write_garbage(out: &mut BytesMut) {
    let noise = b"\x7f\x00not an ISO 8583 message\xff";
    out.put_u16(u16::try_from(noise.len()).unwrap_or_default());
    out.put_slice(noise);
}
