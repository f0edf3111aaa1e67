//! Signatures of devices are written in BER with lengths that are not told in advance; everything that reads them here
//! wants DER. This turns the former into lengths told in advance and leaves every other byte as it is.

/// The deepest nesting of values whose length is not told.
const DEEPEST: u8 = 16;

/// `input` with every length told in advance. Values whose length is told already are copied unread. None when the
/// encoding is broken, nested too deep, or followed by anything.
pub(super) fn definite(input: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(input.len());
    let rest = one(input, &mut output, DEEPEST)?;
    rest.is_empty().then_some(output)
}

/// Takes one value over; answers what follows it.
fn one<'a>(input: &'a [u8], output: &mut Vec<u8>, depth: u8) -> Option<&'a [u8]> {
    let (&[tag, length], after) = input.split_first_chunk::<2>()?;
    // Tags beyond thirty are not used by any structure read here.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let told = match length {
        0x80 => {
            // Only what is made of other values may leave its length open.
            if tag & 0x20 == 0 {
                return None;
            }
            return open_ended(tag, after, output, depth.checked_sub(1)?);
        }
        0..=0x7f => (usize::from(length), 2),
        0x81..=0x84 => {
            let digits = usize::from(length & 0x7f);
            let number = after.get(..digits)?;
            let length = number.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
            (length, 2 + digits)
        }
        _ => return None,
    };
    let (value, rest) = input.split_at_checked(told.0.checked_add(told.1)?)?;
    output.extend_from_slice(value);
    Some(rest)
}

fn open_ended<'a>(tag: u8, mut input: &'a [u8], output: &mut Vec<u8>, depth: u8) -> Option<&'a [u8]> {
    let mut content = Vec::new();
    loop {
        if let Some(rest) = input.strip_prefix(&[0, 0]) {
            output.push(tag);
            put_length(content.len(), output);
            output.append(&mut content);
            return Some(rest);
        }
        input = one(input, &mut content, depth)?;
    }
}

/// A length as DER writes it: no byte more than needed.
fn put_length(length: usize, output: &mut Vec<u8>) {
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        output.push(short);
        return;
    }
    let bytes = length.to_be_bytes();
    let digits = bytes.iter().skip_while(|byte| **byte == 0);
    output.push(0x80 | u8::try_from(digits.clone().count()).unwrap_or(0));
    output.extend(digits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_that_were_left_open_are_told_and_all_else_stays() {
        // A sequence of open length with an octet string and another such sequence in it.
        let open = [0x30, 0x80, 0x04, 0x02, 0, 0, 0xa0, 0x80, 0x05, 0x00, 0, 0, 0, 0];
        assert_eq!(definite(&open).unwrap(), [0x30, 0x08, 0x04, 0x02, 0, 0, 0xa0, 0x02, 0x05, 0x00]);
        let told = [0x30, 0x03, 0x02, 0x01, 0x07];
        assert_eq!(definite(&told).unwrap(), told);
        let long = [&[0x30, 0x80, 0x04, 0x82, 0x01, 0x00][..], &[7; 256], &[0, 0]].concat();
        assert_eq!(definite(&long).unwrap()[..4], [0x30, 0x82, 0x01, 0x04]);
    }

    #[test]
    fn broken_encodings_are_refused() {
        for broken in [
            &[0x30, 0x80][..],
            &[0x30, 0x80, 0x05, 0x00],
            // A primitive value of open length, a length beyond the end, a length of too many bytes, a long tag.
            &[0x04, 0x80, 0, 0],
            &[0x30, 0x05, 0x02, 0x01],
            &[0x30, 0x85, 0, 0, 0, 0, 1, 0],
            &[0x3f, 0x21, 0x00],
            &[0x05, 0x00, 0x00],
            &[],
        ] {
            assert_eq!(definite(broken), None, "{broken:02x?}");
        }
        assert_eq!(definite(&[0x30, 0x80].repeat(10_000)), None, "too deep");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(told) = definite(&data) {
                let again = definite(&told);
                prop_assert_eq!(again, Some(told));
            }
        }
    }
}
