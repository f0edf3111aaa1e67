//! The private tags inside DE48: two characters of tag, three digits of length, the value; one after the other.
//!
//! The CVV2 (tag 07) is looked at for its form only and reduced to "was sent" at once, so that it cannot get anywhere.

/// What the acquirer reads out of DE48.
#[derive(Clone, Copy, Default)]
pub(super) struct Tags<'a> {
    /// Tag 05: reference of the purchase to give back.
    pub(super) original: Option<&'a str>,
    /// Tag 07 was there.
    pub(super) cvv_sent: bool,
    /// Tag 10: fault plan.
    pub(super) faults: Option<&'a str>,
    /// Tag 11: the amount that a partial void gives back.
    pub(super) part: Option<&'a str>,
}

impl<'a> Tags<'a> {
    /// Reads the element; `None` when it is malformed: a length running out of it, a tag twice, a value of a wrong form.
    pub(super) fn read(element: &'a str) -> Option<Self> {
        let mut tags = Self::default();
        // One bit per two-digit tag already met; tags that are not two digits are unknown and may not repeat either.
        let mut seen_numbers = 0_u128;
        let mut seen_others: Vec<&str> = Vec::new();
        let mut rest = element;
        while !rest.is_empty() {
            let (tag, after) = rest.split_at_checked(2)?;
            let (length, after) = after.split_at_checked(3)?;
            if !length.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let (value, after) = after.split_at_checked(length.parse().ok()?)?;
            rest = after;
            let number =
                tag.bytes().all(|byte| byte.is_ascii_digit()).then(|| tag.parse::<u32>().ok()).flatten();
            if let Some(number) = number {
                let bit = 1_u128 << number;
                if seen_numbers & bit != 0 {
                    return None;
                }
                seen_numbers |= bit;
            } else {
                if seen_others.contains(&tag) {
                    return None;
                }
                seen_others.push(tag);
            }
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let well_formed = match number {
                Some(2) => value.len() == 2 && digits,
                Some(3) => value.len() == 28,
                Some(4) => value.len() == 36,
                Some(5) => {
                    tags.original = Some(value);
                    value.len() == 12
                }
                Some(7) => {
                    tags.cvv_sent = true;
                    (3..=4).contains(&value.len()) && digits
                }
                Some(9) => (1..=26).contains(&value.len()),
                Some(10) => {
                    tags.faults = Some(value);
                    true
                }
                Some(11) => {
                    tags.part = Some(value);
                    value.len() == 12 && digits
                }
                _ => true,
            };
            if !well_formed {
                return None;
            }
        }
        Some(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_any_order_and_unknown_ones_are_stepped_over() {
        let tags = Tags::read("0700312399004abcdZZ0000501200019QHUP3I910004drop").unwrap();
        assert_eq!(tags.original, Some("00019QHUP3I9"));
        assert!(tags.cvv_sent);
        assert_eq!(tags.faults, Some("drop"));
        assert_eq!(tags.part, None);
        assert!(Tags::read("").is_some());
    }

    #[test]
    fn malformed_private_data_is_refused() {
        let cases = [
            "0",                 // half a tag
            "0700",              // half a length
            "07004123",          // the length runs out of the element
            "070031230700399",   // half a second value
            "0700312307003123",  // the same tag twice
            "ZZ0011ZZ0012",      // the same unknown tag twice
            "07+03123",          // a sign is no digit
            "07002AB",           // a CVV2 of letters
            "0500512345",        // a reference of five characters
            "1101200000000001A", // an amount with a letter
        ];
        for case in cases {
            assert!(Tags::read(case).is_none(), "{case:?}");
        }
    }
}
