//! What the acquirer sends: the connector's ISO 8583 decoder and the reader of answers.
//!
//! Whatever comes, it is read or refused; what is read lies within the message, and no element is longer than the message.
#![no_main]

use ferropay_providers::card_acquirer::{iso8583::decode, message::Incoming, private_data};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let _ = Incoming::read(raw);
    let Ok(message) = decode(raw) else { return };
    let mut total = 0;
    for field in message.fields() {
        assert!(message.has(field));
        let _ = message.number(field);
        if let Ok(Some(value)) = message.get(field) {
            total += value.len();
        }
    }
    assert!(total <= raw.len());
    if let Ok(Some(private)) = message.get(48) {
        let _ = private_data::read(private, |_, value| assert!(value.len() <= private.len()));
    }
});
