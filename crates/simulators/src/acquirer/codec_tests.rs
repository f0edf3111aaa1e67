//! Codec against the profile's examples, and against bytes that nobody should send.

use bytes::BytesMut;
use proptest::prelude::*;

use super::iso::{Breach, Message};
use super::reply::{self, Answer};
use super::request::{self, Action, Class, Malformed};

/// DE2…DE49 of the profile's purchase, element by element.
fn purchase() -> String {
    [
        "0200723C448108E18000",
        "164314220000000056",
        "000000",
        "000000002000",
        "0303134205",
        "000123",
        "134205",
        "0303",
        "3012",
        "5999",
        "812",
        "59",
        "06400000",
        "00019QHUP3I9",
        "TERM0001",
        "57123          ",
        "FERROPAY TEST SHOP       RIGA         LV",
        "0180700312309005ANNA ",
        "978",
    ]
    .concat()
}

#[test]
fn a_purchase_is_cut_into_its_elements() {
    let text = purchase();
    let message = Message::decode(text.as_bytes()).unwrap();
    assert_eq!(message.mti, "0200");
    assert_eq!(message.card_number, Some("4314220000000056"));
    assert_eq!(message.acquirer, Some("400000"));
    assert_eq!(message.merchant, Some("57123          "));
    assert_eq!(message.currency, Some("978"));
    assert_eq!(message.network_code, None);
    let request = request::transaction(&message, Class::of(&message).unwrap()).unwrap_or_else(|_| panic!());
    assert_eq!((request.amount, request.currency), (2_000, 978));
    assert!(request.tags.cvv_sent);
    assert!(matches!(request.action, Action::Purchase));
}

#[test]
fn lower_case_bitmaps_and_an_empty_second_bitmap_are_accepted() {
    let lower = purchase().replace("723C448108E18000", "723c448108e18000");
    assert_eq!(Message::decode(lower.as_bytes()).map(|message| message.currency), Ok(Some("978")));
    let second = purchase().replace("723C448108E18000", "F23C448108E180000000000000000000");
    assert_eq!(Message::decode(second.as_bytes()).map(|message| message.currency), Ok(Some("978")));
}

#[test]
fn elements_outside_the_profile_are_stepped_over() {
    // DE55 (LLLVAR), DE60 (LLLVAR), DE64 (eight raw bytes), DE100 (LLVAR) and DE128 (raw) around the trace number.
    let mut bytes = b"08008020000000000211040000001000000100000".to_vec();
    bytes.truncate(36);
    bytes.extend_from_slice(b"000042"); // 11
    bytes.extend_from_slice(b"004ABCD"); // 55
    bytes.extend_from_slice(b"002XY"); // 60
    bytes.extend_from_slice(&[0, 1, 2, 3, 0xff, 0xfe, 6, 7]); // 64
    bytes.extend_from_slice(b"301"); // 70
    bytes.extend_from_slice(b"03123"); // 100
    bytes.extend_from_slice(&[9; 8]); // 128
    let message = Message::decode(&bytes).map_err(|breach| breach.to_string());
    let message = message.unwrap_or_else(|breach| panic!("{breach}"));
    assert_eq!((message.trace, message.network_code), (Some("000042"), Some("301")));
}

#[test]
fn each_kind_of_damage_is_told_apart() {
    let good = purchase();
    let damaged = [
        ("02A0723C".to_owned(), Breach::MessageType),
        ("020".to_owned(), Breach::MessageType),
        ("0200723C".to_owned(), Breach::Bitmap),
        (good.replace("723C4481", "723G4481"), Breach::Bitmap),
        (good[..good.len() - 1].to_owned(), Breach::Truncated(49)),
        (format!("{good}0"), Breach::LeftOver),
        (good.replace("164314220000000056", "204314220000000056"), Breach::Length(2)),
        (good.replace("164314220000000056", "1x4314220000000056"), Breach::Length(2)),
        (good.replace("TERM0001", "TERM\t001"), Breach::Characters(41)),
    ];
    for (text, breach) in damaged {
        assert_eq!(Message::decode(text.as_bytes()).err(), Some(breach), "{breach}");
    }
}

#[test]
fn wrong_content_is_malformed_and_not_a_breach() {
    let good = purchase();
    for (from, to) in [
        ("000000002000", "00000000200A"),
        ("164314220000000056", "1143142200000"),
        ("00019QHUP3I9", "00019qhup3i9"),
        ("070031230", "070021230"),
        ("3012", "3 12"),
    ] {
        let text = good.replacen(from, to, 1);
        let message = Message::decode(text.as_bytes()).unwrap_or_else(|breach| panic!("{to}: {breach}"));
        assert_eq!(request::transaction(&message, Class::Financial).err(), Some(Malformed), "{to}");
    }
}

#[test]
fn message_types_outside_the_profile_and_unanswerable_messages_are_breaches() {
    let class = |mti: &'static str, trace| Class::of(&Message { mti, trace, ..Message::default() });
    for mti in ["0102", "0110", "0120", "0210", "0222", "0230", "0410", "0430", "0500", "9999"] {
        assert_eq!(class(mti, Some("000001")), Err(Breach::UnknownMessageType), "{mti}");
    }
    assert_eq!(class("0200", None), Err(Breach::Unanswerable));
    assert_eq!(class("0810", Some("000001")), Ok(Class::NetworkAnswer));
}

#[test]
fn answers_are_the_profiles_bytes() {
    let text = purchase();
    let message = Message::decode(text.as_bytes()).unwrap_or_else(|_| panic!());
    let approved = Answer {
        code: *b"00",
        approval: Some(*b"A1B2C3"),
        network_id: Some(403_030_134_205_123),
        cvv_matched: true,
        ..Answer::plain(*b"00")
    };
    let mut out = BytesMut::new();
    reply::write(&mut out, &message, &approved);
    reply::write(&mut out, &message, &Answer::plain(*b"51"));
    let expected = [
        "\0\u{93}0210323800010EC18000000000000000002000030313420500012313420503030640000000019QHUP3I9A1B2C300",
        "TERM000157123          02601001M08015403030134205123978",
        "\0\u{70}0210323800010AC08000000000000000002000030313420500012313420503030640000000019QHUP3I951",
        "TERM000157123          978",
    ]
    .concat();
    let latin: String = out.iter().map(|&byte| char::from(byte)).collect();
    assert_eq!(latin, expected);
}

#[test]
fn checks_and_a_smaller_amount_are_told_in_the_answer() {
    let text = purchase().replacen("0200", "0101", 1);
    let message = Message::decode(text.as_bytes()).unwrap_or_else(|_| panic!());
    let written = |answer: &Answer| {
        let mut out = BytesMut::new();
        reply::write(&mut out, &message, answer);
        String::from_utf8(out[2..].to_vec()).unwrap()
    };
    let part = Answer { approval: Some(*b"A1B2C3"), amount: Some(1_200), ..Answer::plain(*b"10") };
    let part = written(&Answer { address_check: Some(b'Y'), network_id: Some(7), ..part });
    assert!(part.starts_with("0110323800010EC18000000000000000001200"), "{part}");
    assert!(part.ends_with("0260801500000000000000713001Y978"), "{part}");
    let declined = Answer { address_check: Some(b'N'), name_check: Some(b'C'), ..Answer::plain(*b"A1") };
    assert!(written(&declined).ends_with("01213001N25001C978"));
}

#[test]
fn an_echo_is_answered_with_a_second_bitmap() {
    let message = Message::decode(b"08008220000100000000040000000000000003031342300000020640000030");
    assert_eq!(message.err(), Some(Breach::Truncated(70)));
    let message = Message::decode(b"080082200001000000000400000000000000030313423000000206400000301");
    let message = message.unwrap_or_else(|breach| panic!("{breach}"));
    let mut out = BytesMut::new();
    reply::write(&mut out, &message, &Answer::plain(*b"00"));
    assert_eq!(&out[..2], [0, 0x41]);
    assert_eq!(&out[2..], b"08108220000102000000040000000000000003031342300000020640000000301");
}

#[test]
fn garbage_does_not_parse() {
    let mut out = BytesMut::new();
    reply::write_garbage(&mut out);
    assert_eq!(usize::from(u16::from_be_bytes([out[0], out[1]])), out.len() - 2);
    assert!(Message::decode(&out[2..]).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_or_the_checks_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(message) = Message::decode(&bytes) {
            let _ = request::network(&message);
            let _ = request::transaction(&message, Class::Reversal);
        }
    }

    /// Starts from a good message, so that the damage reaches deep.
    #[test]
    fn damaged_messages_are_judged_without_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = purchase().into_bytes();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(message) = Message::decode(&bytes) {
            for class in [Class::Authorisation, Class::Financial, Class::Capture, Class::Reversal, Class::Advice] {
                let mut out = BytesMut::new();
                reply::write(&mut out, &message, &Answer::plain(*b"30"));
                prop_assert!(out.len() < 2_050);
                let _ = request::transaction(&message, class);
            }
        }
    }
}
