//! What the server does with the bytes of a frame before it does anything else, as one function: cut into elements, judge
//! the content under every class of request, write the answer that a wrong one gets.
//!
//! Only tests and fuzz targets see it; the server takes the same steps one by one.

use super::{
    iso::Message,
    reply::{self, Answer},
    request::{self, Class},
};
use bytes::BytesMut;

/// A frame that could be cut into elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Message type, four digits.
    pub mti: String,
    /// Length of the answer with its length prefix, bytes.
    pub answer: usize,
    /// How many classes of request the content is right for.
    pub right_for: usize,
}

/// Takes a frame without its length prefix; `None` when it is no message, upon which the server closes the connection.
pub fn judge(frame: &[u8]) -> Option<Judged> {
    let message = Message::decode(frame).ok()?;
    let classes = [Class::Authorisation, Class::Financial, Class::Capture, Class::Reversal, Class::Advice];
    let right_for =
        classes.into_iter().filter(|class| request::transaction(&message, *class).is_ok()).count();
    let mut out = BytesMut::new();
    // Only messages that can be answered are.
    if Class::of(&message).is_ok() {
        let _ = request::network(&message);
        reply::write(&mut out, &message, &Answer::plain(*b"30"));
    }
    Some(Judged { mti: message.mti.to_owned(), answer: out.len(), right_for })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ECHO: &str = "080082200001000000000400000000000000030313423000000206400000301";

    proptest! {
        #[test]
        fn whatever_comes_is_judged_and_no_answer_is_longer_than_a_message(
            bytes in proptest::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut echo = ECHO.as_bytes().to_vec();
            let at = at.index(echo.len());
            echo[at] = byte;
            for frame in [bytes, echo] {
                if let Some(judged) = judge(&frame) {
                    prop_assert_eq!(judged.mti.as_bytes(), &frame[..4]);
                    prop_assert!(judged.answer <= 2_050);
                }
            }
        }
    }

    #[test]
    fn an_echo_is_answered_and_is_right_for_no_transaction() {
        let judged = judge(ECHO.as_bytes()).unwrap();
        assert_eq!((judged.mti.as_str(), judged.answer, judged.right_for), ("0800", 67, 0));
        assert_eq!(judge(b"0800"), None);
    }
}
