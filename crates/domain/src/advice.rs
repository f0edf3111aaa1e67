//! What a response code says besides its message: where it comes from, and what whoever hears it is to do.

use crate::codes::{self, Code};

/// Who raised a code (G-049).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The platform itself.
    Platform,
    /// Risk control.
    Risk,
    /// A card network, an issuer or their provider.
    Cards,
    /// The provider of another method.
    Methods,
    /// The merchant, where it has to confirm something.
    Merchant,
}

/// What is recommended (G-048).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing is left to do.
    Nothing,
    /// The result will come.
    Wait,
    /// Send it again.
    Resend,
    /// Send it again some time later.
    ResendLater,
    /// Correct it and send it again.
    Correct,
    /// Ask support.
    Support,
}

/// What kind of decline a code is (G-051).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decline {
    /// It may be sent again as it is.
    Resendable,
    /// It may be sent again with other data.
    Correctable,
    /// Somebody has to look at it.
    Technical,
    /// It stays declined.
    Final,
}

impl Code {
    /// Where it comes from, by its range; the two digits of a card network's subdivided codes add one place.
    pub const fn origin(self) -> Origin {
        match self.get() {
            1_401..=1_499 => Origin::Risk,
            10_000..=19_999 | 100_000..=199_999 => Origin::Cards,
            20_000..=29_999 | 200_000..=299_999 => Origin::Methods,
            30_000..=39_999 => Origin::Merchant,
            _ => Origin::Platform,
        }
    }

    /// Whether it says that there is no result yet.
    pub const fn is_waiting(self) -> bool {
        matches!(self.get(), 9_999 | 19_999 | 29_999)
    }

    /// What is recommended to whoever hears it; `None` when the table does not know the code.
    pub fn advice(self) -> Option<Advice> {
        Some(match self.action()? {
            "none" => Advice::Nothing,
            "wait" => Advice::Wait,
            "resend" => Advice::Resend,
            "resend-later" => Advice::ResendLater,
            "correct-and-resend" => Advice::Correct,
            "contact-support" => Advice::Support,
            _ => return None,
        })
    }

    /// What kind of decline it is; `None` for what is no decline.
    pub fn decline(self) -> Option<Decline> {
        if self == codes::SUCCESS || self.is_waiting() {
            return None;
        }
        Some(match self.advice()? {
            Advice::Nothing => Decline::Final,
            Advice::Wait | Advice::Resend | Advice::ResendLater => Decline::Resendable,
            Advice::Correct => Decline::Correctable,
            Advice::Support => Decline::Technical,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_in_table(source: &str) -> Origin {
        match source {
            "general" => Origin::Platform,
            "rcs" => Origin::Risk,
            "card-ps" => Origin::Cards,
            "alternative-ps" => Origin::Methods,
            "merchant" => Origin::Merchant,
            other => panic!("{other}"),
        }
    }

    // G-048, G-049, G-051
    #[test]
    fn every_code_of_the_table_has_its_origin_and_one_of_six_recommendations() {
        let rows: Vec<_> = codes::rows().collect();
        assert!(rows.len() > 380);
        for (source, code) in rows {
            assert_eq!(code.origin(), origin_in_table(&source), "{code}");
            assert!(code.advice().is_some(), "{code} recommends nothing");
            assert_eq!(code.decline().is_none(), code.get() == 0 || code.is_waiting(), "{code}");
        }
    }

    // G-051
    #[test]
    fn declines_are_of_four_kinds() {
        for (code, decline) in [
            (codes::LOCK_ERROR, Some(Decline::Resendable)),
            (Code::new(10_105), Some(Decline::Resendable)),
            (codes::CVV_REQUIRED, Some(Decline::Correctable)),
            (codes::INTERNAL, Some(Decline::Technical)),
            (codes::RISK_COUNTRY, Some(Decline::Final)),
            (codes::SUCCESS, None),
            (codes::AWAITING, None),
            (Code::new(7), None),
        ] {
            assert_eq!(code.decline(), decline, "{code}");
        }
    }
}
