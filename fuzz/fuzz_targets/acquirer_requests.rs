//! What the platform sends: the simulator's ISO 8583 decoder, its checks of a request, and its answer.
//!
//! Where both sides of the protocol accept a message's form, they agree on its type: they share no code.
#![no_main]

use ferropay_providers::card_acquirer::iso8583::decode;
use ferropay_simulators::acquirer::fuzzing::judge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &[u8]| {
    if let Some(judged) = judge(frame) {
        assert!(judged.answer <= 2_050, "an answer of {} bytes", judged.answer);
        if let Ok(message) = decode(frame) {
            assert_eq!(message.mti().as_slice(), judged.mti.as_bytes());
        }
    }
});
