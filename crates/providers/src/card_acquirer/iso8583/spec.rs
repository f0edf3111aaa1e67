//! The data elements of ISO 8583:1987 in ASCII: how long each is, how its length is told, and what may stand in it.
//!
//! The table covers every element, not only those of the profile, because an element whose length is unknown could
//! not be skipped.

/// What may stand in an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Digits.
    Numeric,
    /// Digits and letters.
    Alphanumeric,
    /// Printable ASCII.
    Printable,
}

/// How long an element is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always this long.
    Fixed(u16),
    /// Two digits of length in front, then at most this much.
    Ll(u16),
    /// Three digits of length in front, then at most this much.
    Lll(u16),
}

/// The format of one data element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What may stand in it.
    pub class: Class,
    /// How long it is.
    pub length: Length,
}

impl Class {
    /// Whether every byte of `value` may stand in an element of this class.
    pub fn allows(self, value: &[u8]) -> bool {
        match self {
            Self::Numeric => value.iter().all(u8::is_ascii_digit),
            Self::Alphanumeric => value.iter().all(u8::is_ascii_alphanumeric),
            Self::Printable => value.iter().all(|byte| (0x20..=0x7E).contains(byte)),
        }
    }
}

const fn n(length: u16) -> Spec {
    Spec { class: Class::Numeric, length: Length::Fixed(length) }
}
const fn an(length: u16) -> Spec {
    Spec { class: Class::Alphanumeric, length: Length::Fixed(length) }
}
const fn ans(length: u16) -> Spec {
    Spec { class: Class::Printable, length: Length::Fixed(length) }
}
const fn ll_n(most: u16) -> Spec {
    Spec { class: Class::Numeric, length: Length::Ll(most) }
}
const fn ll(most: u16) -> Spec {
    Spec { class: Class::Printable, length: Length::Ll(most) }
}
const fn lll(most: u16) -> Spec {
    Spec { class: Class::Printable, length: Length::Lll(most) }
}

/// The format of data element `field`; `None` for 0, 1 (the secondary bitmap) and anything above 128.
pub fn spec(field: u8) -> Option<&'static Spec> {
    FIELDS.get(usize::from(field.checked_sub(2)?))
}

/// Elements 2 to 128, eight to a line after the first.
#[rustfmt::skip]
const FIELDS: [Spec; 127] = [
    /*   2 */ ll_n(19), n(6), n(12), n(12), n(12), n(10), n(8),
    /*   9 */ n(8), n(8), n(6), n(6), n(4), n(4), n(4), n(4),
    /*  17 */ n(4), n(4), n(3), n(3), n(3), n(3), n(3), n(3),
    /*  25 */ n(2), n(2), n(1), an(9), an(9), an(9), an(9), ll_n(11),
    /*  33 */ ll_n(11), ll(28), ll(37), lll(104), an(12), an(6), an(2), ans(3),
    /*  41 */ ans(8), ans(15), ans(40), ll(25), ll(76), lll(999), lll(999), lll(999),
    /*  49 */ n(3), n(3), n(3), an(16), an(16), lll(240), lll(510), lll(999),
    /*  57 */ lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), an(16),
    /*  65 */ an(16), n(1), n(2), n(3), n(3), n(3), n(4), n(4),
    /*  73 */ n(6), n(10), n(10), n(10), n(10), n(10), n(10), n(10),
    /*  81 */ n(10), n(12), n(12), n(12), n(12), n(16), n(16), n(16),
    /*  89 */ n(16), n(42), an(1), an(2), an(5), an(7), an(42), an(16),
    /*  97 */ an(17), ans(25), ll_n(11), ll_n(11), ll(17), ll(28), ll(28), lll(100),
    /* 105 */ lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), lll(999),
    /* 113 */ lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), lll(999),
    /* 121 */ lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), lll(999), an(16),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_the_profile_have_the_documented_formats() {
        for (field, format) in [
            (2, ll_n(19)),
            (3, n(6)),
            (4, n(12)),
            (7, n(10)),
            (11, n(6)),
            (12, n(6)),
            (13, n(4)),
            (14, n(4)),
            (18, n(4)),
            (22, n(3)),
            (25, n(2)),
            (32, ll_n(11)),
            (37, an(12)),
            (38, an(6)),
            (39, an(2)),
            (41, ans(8)),
            (42, ans(15)),
            (43, ans(40)),
            (48, lll(999)),
            (49, n(3)),
            (54, lll(240)),
            (70, n(3)),
            (90, n(42)),
            (95, an(42)),
        ] {
            assert_eq!(spec(field), Some(&format), "DE{field}");
        }
    }

    #[test]
    fn there_is_a_format_for_every_element_and_for_nothing_else() {
        assert!((2..=128).all(|field| spec(field).is_some()));
        assert!([0, 1, 129, 255].iter().all(|field| spec(*field).is_none()));
    }
}
