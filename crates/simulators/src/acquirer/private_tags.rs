//! The private tags inside DE48: two characters of tag, three digits of length, the value; one after the other.
//!
//! The CVV2 (tag 07) is looked at for its form only and reduced to "was sent" at once, so that it cannot get anywhere.

/// What the acquirer reads out of DE48.
#[derive(Clone, Copy, Default)]
pub(super) struct Tags<'a> {
    /// Tag 02: electronic commerce indicator.
    pub(super) eci: Option<&'a str>,
    /// Tag 03: authentication value.
    pub(super) cavv: Option<&'a str>,
    /// Tag 04: transaction id of the directory server.
    pub(super) ds_transaction: Option<&'a str>,
    /// Tag 05: reference of the earlier attempt that this one is about.
    pub(super) original: Option<&'a str>,
    /// Tag 06: the card's part in a series.
    pub(super) credential: Option<&'a str>,
    /// Tag 07 was there.
    pub(super) cvv_sent: bool,
    /// Tag 10: fault plan.
    pub(super) faults: Option<&'a str>,
    /// Tag 11: the amount that a partial 0400 gives back or lets go.
    pub(super) part: Option<&'a str>,
    /// Tag 14: decline when the address does not match.
    pub(super) address_must_match: bool,
    /// Tag 15: post code of the address to check.
    pub(super) post_code: Option<&'a str>,
    /// Tag 16: a smaller amount may be approved.
    pub(super) may_be_partial: bool,
    /// Tag 17: `1` mail order, `2` telephone order.
    pub(super) remote_order: Option<char>,
    /// Tag 18: version of 3-D Secure.
    pub(super) version: Option<&'a str>,
    /// Tag 19: code of a merchant authentication, as the cardholder typed it.
    pub(super) confirmation: Option<&'a str>,
    /// Tag 20: transaction id of 3-D Secure 1.
    pub(super) xid: Option<&'a str>,
    /// Tag 21: `I`, more is to be held under an authorisation.
    pub(super) increment: Option<&'a str>,
    /// Tag 24: last name to check.
    pub(super) last_name: Option<&'a str>,
    /// Tag 26: cryptogram of a number that stands for a card.
    pub(super) cryptogram: Option<&'a str>,
    /// Tag 27: `A` Apple Pay, `G` Google Pay.
    pub(super) wallet: Option<&'a str>,
    /// Tag 28: `W` to a wallet, `C` to a card.
    pub(super) transfer: Option<char>,
    /// Tag 29: `L` low value, `T` analysis of risk.
    pub(super) exemption: Option<char>,
    /// Tag 31: the attempts after this reference are to be listed.
    pub(super) after: Option<&'a str>,
    /// Tag 30: the currency that the customer chose, numeric, and how much of it.
    pub(super) chosen: Option<&'a str>,
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
            if !tags.take(number, value) {
                return None;
            }
        }
        Some(tags)
    }

    /// Keeps the value of tag `number`; `false` when it has a wrong form.
    fn take(&mut self, number: Option<u32>, value: &'a str) -> bool {
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let (place, well_formed) = match number {
            Some(2) => (&mut self.eci, value.len() == 2 && digits),
            Some(3) => (&mut self.cavv, value.len() == 28),
            Some(4) => (&mut self.ds_transaction, value.len() == 36),
            Some(5) => (&mut self.original, value.len() == 12),
            Some(6) => (&mut self.credential, is_credential(value)),
            Some(7) => {
                self.cvv_sent = true;
                return (3..=4).contains(&value.len()) && digits;
            }
            Some(9) => return (1..=26).contains(&value.len()),
            Some(10) => (&mut self.faults, true),
            Some(11) => (&mut self.part, value.len() == 12 && digits),
            Some(12) => return (1..=40).contains(&value.len()),
            Some(14) => {
                self.address_must_match = true;
                return value == "1";
            }
            Some(15) => (&mut self.post_code, (1..=10).contains(&value.len())),
            Some(16) => {
                self.may_be_partial = true;
                return value == "1";
            }
            Some(17) => {
                self.remote_order = value.chars().next();
                return matches!(value, "1" | "2");
            }
            Some(18) => (&mut self.version, (1..=8).contains(&value.len())),
            Some(19) => (&mut self.confirmation, (1..=32).contains(&value.len())),
            Some(20) => (&mut self.xid, value.len() == 28),
            Some(21) => (&mut self.increment, value == "I"),
            Some(22 | 23) => return (1..=35).contains(&value.len()),
            Some(24) => (&mut self.last_name, (1..=35).contains(&value.len())),
            Some(26) => (&mut self.cryptogram, (4..=88).contains(&value.len())),
            Some(27) => (&mut self.wallet, matches!(value, "A" | "G")),
            Some(28) => {
                self.transfer = value.chars().next();
                return matches!(value, "W" | "C");
            }
            Some(29) => {
                self.exemption = value.chars().next();
                return matches!(value, "L" | "T");
            }
            Some(30) => (&mut self.chosen, matches!(value.len(), 3 | 15..=17) && digits),
            Some(31) => (&mut self.after, value.len() == 12),
            _ => return true,
        };
        *place = Some(value);
        well_formed
    }
}

/// Whether tag 06 has its form: `S`, stored for the first time, or `U`, used; the kind of series; the network's identifier.
fn is_credential(value: &str) -> bool {
    let mut letters = value.bytes();
    let role = letters.next();
    let kind = letters.next();
    let known = matches!(role, Some(b'S' | b'U')) && matches!(kind, Some(b'C' | b'U' | b'R'));
    known && value.len() <= 17 && letters.all(|it| it.is_ascii_alphanumeric())
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
        assert!(Tags::read("06002SC07003123").is_some() && Tags::read("06007URMCS38").is_some());
    }

    #[test]
    fn the_particulars_of_a_card_request_are_found() {
        let tags = Tags::read("02002051500410501600111700121800 52.2.01900612345624009JANSONSON");
        assert!(tags.is_none(), "a space is no digit of a length");
        let tags = Tags::read("0200205150041050160011170012180052.2.01900612345624009JANSONSON").unwrap();
        assert_eq!((tags.eci, tags.post_code, tags.may_be_partial), (Some("05"), Some("1050"), true));
        assert_eq!((tags.remote_order, tags.version), (Some('2'), Some("2.2.0")));
        assert_eq!((tags.confirmation, tags.last_name), (Some("123456"), Some("JANSONSON")));
        assert!(!tags.address_must_match && tags.increment.is_none());
        assert!(
            Tags::read("21001I140011")
                .is_some_and(|tags| tags.increment.is_some() && tags.address_must_match)
        );
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
            "06002XR",           // credentials neither stored nor used
            "06002UX",           // of no kind of series
            "06003UR-",          // of an identifier that is none
            "07002AB",           // a CVV2 of letters
            "0500512345",        // a reference of five characters
            "1101200000000001A", // an amount with a letter
            "140010",            // a flag that is not set
            "160012",
            "170013",           // neither mail nor telephone
            "300048405",        // a currency of five digits
            "30003EUR",         // of letters
            "210011",           // no increment
            "15011LV-10501234", // a post code too long
            "24000",            // an empty name
            "26003AAA",         // a cryptogram too short
            "27001X",           // no wallet
        ];
        for case in cases {
            assert!(Tags::read(case).is_none(), "{case:?}");
        }
    }
}
