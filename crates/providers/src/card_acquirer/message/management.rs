//! Network management (0800, 0810): signing a connection on and off, and the echo that shows it is alive.

use super::{Identity, Stamp, time};
use crate::card_acquirer::iso8583::{EncodeError, Encoder};

/// What a management message is for (DE70).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// `001`: the first message of every connection.
    SignOn,
    /// `002`: the last one.
    SignOff,
    /// `301`: is anybody there?
    Echo,
}

impl Management {
    /// DE70.
    const fn code(self) -> u64 {
        match self {
            Self::SignOn => 1,
            Self::SignOff => 2,
            Self::Echo => 301,
        }
    }

    /// Appends the request (0800) to `out`.
    pub fn encode(self, out: &mut Vec<u8>, stamp: Stamp, identity: &Identity) -> Result<usize, EncodeError> {
        let mut encoder = Encoder::new(out, *b"0800", true);
        encoder.put(7, &time::month_to_second(stamp.sent_at));
        encoder.number(11, stamp.trace.into());
        encoder.put(32, identity.acquirer_id.as_bytes());
        encoder.number(70, self.code());
        encoder.finish()
    }
}

/// Appends the answer (0810, DE39 `00`) to an echo that the acquirer sent.
pub(crate) fn encode_echo_answer(
    out: &mut Vec<u8>,
    trace: u32,
    sent: [u8; 10],
    identity: &Identity,
) -> Result<usize, EncodeError> {
    let mut encoder = Encoder::new(out, *b"0810", true);
    encoder.put(7, &sent);
    encoder.number(11, trace.into());
    encoder.put(32, identity.acquirer_id.as_bytes());
    encoder.put(39, b"00");
    encoder.number(70, Management::Echo.code());
    encoder.finish()
}
