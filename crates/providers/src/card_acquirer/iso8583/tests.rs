use super::spec::{Class, Length, spec};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const REQUEST: &str = concat!(
    "0100723C448108C080001643142200000000560000000000000020000303134205000123134205030330125999812590640000060621300012",
    "3TERM000157123          978"
);
const APPROVAL: &str = concat!(
    "0110722000000EC080001643142200000000560000000000000020000303134205000123606213000123",
    "A1B2C300TERM000157123          978"
);

/// Any message: an arbitrary set of elements, each with arbitrary content its format allows.
fn messages() -> impl Strategy<Value = BTreeMap<u8, Vec<u8>>> {
    let element = (2..=128_u8).prop_flat_map(|field| {
        let format = spec(field).unwrap();
        let length = match format.length {
            Length::Fixed(length) => usize::from(length)..=usize::from(length),
            Length::Ll(most) | Length::Lll(most) => 0..=usize::from(most.min(120)),
        };
        let byte = match format.class {
            Class::Numeric => b"0123456789".to_vec(),
            Class::Alphanumeric => b"0123456789ABCXYZabcxyz".to_vec(),
            Class::Printable => (0x20..=0x7E).collect(),
        };
        (Just(field), proptest::collection::vec(proptest::sample::select(byte), length))
    });
    proptest::collection::btree_map(any::<u8>(), element, 0..12)
        .prop_map(|elements| elements.into_values().collect())
}

fn encode(mti: [u8; 4], elements: &BTreeMap<u8, Vec<u8>>) -> Result<Vec<u8>, EncodeError> {
    let mut out = b"before".to_vec();
    let mut encoder = Encoder::new(&mut out, mti, elements.keys().any(|field| *field > 64));
    for (field, value) in elements {
        encoder.put(*field, value);
    }
    let length = encoder.finish()?;
    let message = out.split_off(6);
    assert_eq!((out.as_slice(), message.len()), (b"before".as_slice(), length));
    Ok(message)
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(elements in messages(), mti in "[0-9]{4}") {
        let mti = <[u8; 4]>::try_from(mti.as_bytes()).unwrap();
        let raw = encode(mti, &elements).unwrap();
        let message = decode(&raw).unwrap();
        prop_assert_eq!(message.mti(), mti);
        let read: BTreeMap<u8, Vec<u8>> =
            message.fields().map(|field| (field, message.require(field).unwrap().to_vec())).collect();
        prop_assert_eq!(read, elements);
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_read_outside_the_message(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = decode(&raw) {
            for field in message.fields() {
                let _ = message.get(field);
            }
        }
    }

    #[test]
    fn a_message_with_one_byte_changed_is_read_or_refused_without_a_panic(
        elements in messages(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut raw = encode(*b"0200", &elements).unwrap();
        let at = at.index(raw.len());
        raw[at] = byte;
        if let Ok(message) = decode(&raw) {
            let total: usize = message.fields().filter_map(|field| message.get(field).ok().flatten()).map(<[u8]>::len).sum();
            prop_assert!(total <= raw.len());
        }
    }

    #[test]
    fn a_message_cut_short_anywhere_is_refused(elements in messages(), at in any::<prop::sample::Index>()) {
        let raw = encode(*b"0200", &elements).unwrap();
        prop_assert!(decode(&raw[..at.index(raw.len())]).is_err());
    }
}

#[test]
fn the_example_of_a_card_sale_reads_as_its_elements() {
    let message = decode(REQUEST.as_bytes()).unwrap();
    assert_eq!(message.mti(), *b"0100");
    assert_eq!(
        message.fields().collect::<Vec<_>>(),
        [2, 3, 4, 7, 11, 12, 13, 14, 18, 22, 25, 32, 37, 41, 42, 49]
    );
    assert_eq!(message.number(4), Ok(2000));
    assert_eq!(message.require(32), Ok(b"400000".as_slice()));
    assert_eq!(message.require(37), Ok(b"606213000123".as_slice()));
    assert_eq!(message.require(42), Ok(b"57123          ".as_slice()));
    assert_eq!(message.get(48), Ok(None));
    assert_eq!(message.require(38), Err(FieldError::Missing { field: 38 }));
}

#[test]
fn the_example_of_an_approval_reads_as_its_elements() {
    let message = decode(APPROVAL.as_bytes()).unwrap();
    assert_eq!(message.mti(), *b"0110");
    assert_eq!(message.fields().collect::<Vec<_>>(), [2, 3, 4, 7, 11, 37, 38, 39, 41, 42, 49]);
    assert_eq!(message.require(38), Ok(b"A1B2C3".as_slice()));
    assert_eq!(message.require(39), Ok(b"00".as_slice()));
}

#[test]
fn the_example_of_a_card_sale_is_written_byte_for_byte() {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, *b"0100", false);
    encoder.put(2, b"4314220000000056");
    encoder.number(3, 0);
    encoder.number(4, 2000);
    encoder.put(7, b"0303134205");
    encoder.number(11, 123);
    encoder.put(12, b"134205");
    encoder.put(13, b"0303");
    encoder.put(14, b"3012");
    encoder.number(18, 5999);
    encoder.number(22, 812);
    encoder.number(25, 59);
    encoder.put(32, b"400000");
    encoder.put(37, b"606213000123");
    encoder.padded(41, b"TERM0001");
    encoder.padded(42, b"57123");
    encoder.number(49, 978);
    assert_eq!(encoder.finish(), Ok(141));
    assert_eq!(std::str::from_utf8(&out), Ok(REQUEST));
}

#[test]
fn a_message_is_refused_with_the_element_that_is_wrong() {
    let cut = |count: usize| &REQUEST.as_bytes()[..count];
    assert_eq!(decode(b"01x0").unwrap_err(), DecodeError::MessageType);
    assert_eq!(decode(cut(19)).unwrap_err(), DecodeError::Bitmap);
    assert_eq!(decode(cut(140)).unwrap_err(), DecodeError::Truncated { field: 49 });
    assert_eq!(decode(cut(30)).unwrap_err(), DecodeError::Truncated { field: 2 });
    assert_eq!(
        decode(&[REQUEST.as_bytes(), b"00"].concat()).unwrap_err(),
        DecodeError::Trailing { count: 2 }
    );
    assert_eq!(
        decode(REQUEST.replace("164314", "204314").as_bytes()).unwrap_err(),
        DecodeError::Length { field: 2 }
    );
    assert_eq!(
        decode(REQUEST.replace("164314", "-14314").as_bytes()).unwrap_err(),
        DecodeError::LengthDigits { field: 2 }
    );
    assert_eq!(
        decode(REQUEST.replace("TERM", "TE\tM").as_bytes()).unwrap_err(),
        DecodeError::NotPrintable { field: 41 }
    );
    assert_eq!(decode(&[b'0'; 2049]).unwrap_err(), DecodeError::TooLong { length: 2049 });
}

#[test]
fn a_letter_in_an_amount_spoils_that_element_only() {
    let text = REQUEST.replace("000000002000", "00000000200O");
    let message = decode(text.as_bytes()).unwrap();
    assert_eq!(message.number(4), Err(FieldError::Content { field: 4 }));
    assert_eq!(message.number(11), Ok(123));
}

#[test]
fn an_empty_secondary_bitmap_and_lower_case_bitmaps_are_read() {
    let short = decode(b"0800c000000000000000040000000000000012440000000000").map(|_| ());
    assert_eq!(short.unwrap_err(), DecodeError::Truncated { field: 70 });
    let lower = decode(b"0800c000000000000000040000000000000012440000000000001").unwrap();
    assert_eq!((lower.require(2), lower.number(70)), (Ok(b"440000000000".as_slice()), Ok(1)));
    assert!(decode(b"080080000000000000000000000000000000").unwrap().fields().next().is_none());
    assert_eq!(decode(b"0800800000000000000000000000000000").unwrap_err(), DecodeError::Bitmap);
}

#[test]
fn an_element_that_cannot_be_written_leaves_the_buffer_as_it_was() {
    let attempt = |write: &dyn Fn(&mut Encoder<'_>)| {
        let mut out = b"kept".to_vec();
        let mut encoder = Encoder::new(&mut out, *b"0200", false);
        encoder.put(3, b"000000");
        write(&mut encoder);
        let result = encoder.finish();
        assert_eq!(out, b"kept");
        result.unwrap_err()
    };
    assert_eq!(attempt(&|e| e.put(4, b"12")), EncodeError::Length { field: 4 });
    assert_eq!(attempt(&|e| e.put(4, b"00000000200x")), EncodeError::Content { field: 4 });
    assert_eq!(attempt(&|e| e.number(4, 1_000_000_000_000)), EncodeError::Length { field: 4 });
    assert_eq!(attempt(&|e| e.put(2, b"4314220000000056")), EncodeError::Order { field: 2 });
    assert_eq!(attempt(&|e| e.put(3, b"000000")), EncodeError::Order { field: 3 });
    assert_eq!(attempt(&|e| e.put(70, b"001")), EncodeError::Field { field: 70 });
    assert_eq!(attempt(&|e| e.put(1, b"")), EncodeError::Field { field: 1 });
    assert_eq!(attempt(&|e| e.padded(41, b"TERM00001")), EncodeError::Length { field: 41 });
    assert_eq!(attempt(&|e| e.assemble(48, |e| e.push(&[b'x'; 1000]))), EncodeError::Length { field: 48 });
    assert_eq!(attempt(&|e| e.assemble(48, |e| e.push(b"\xE9"))), EncodeError::Content { field: 48 });
    assert_eq!(
        attempt(&|e| [46, 47, 48].iter().for_each(|field| e.put(*field, &[b'x'; 999]))),
        EncodeError::TooLong
    );
}

#[test]
fn an_assembled_element_without_parts_is_left_out() {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, *b"0200", false);
    encoder.assemble(48, |_| {});
    encoder.number(49, 978);
    encoder.finish().unwrap();
    assert_eq!(decode(&out).unwrap().fields().collect::<Vec<_>>(), [49]);
}

#[test]
fn a_message_shows_its_elements_but_never_their_content() {
    let message = decode(REQUEST.as_bytes()).unwrap();
    let shown = format!("{message:?}");
    assert!(shown.starts_with("0100 [2, 3, 4,") && !shown.contains("4314"), "{shown}");
}
