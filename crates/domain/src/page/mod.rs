//! What the Payment Page decides without asking anybody: its modes, the language it opens in, and how long it may be used.

pub mod languages;
pub mod limits;

/// What the page is opened for (P-066).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Something is paid for, or held.
    #[default]
    Purchase,
    /// Money goes to the customer.
    Payout,
    /// A card is looked at, without a debit.
    CardVerify,
    /// A card is kept, without a payment.
    CardTokenize,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Purchase, Self::Payout, Self::CardVerify, Self::CardTokenize];

    /// The word of the parameter `mode`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Payout => "payout",
            Self::CardVerify => "card_verify",
            Self::CardTokenize => "card_tokenize",
        }
    }

    /// The mode of a word; none of any other.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P-066
    #[test]
    fn a_mode_is_one_of_four_words_and_a_purchase_unless_said() {
        for mode in Mode::ALL {
            assert_eq!(Mode::from_word(mode.word()), Some(mode));
        }
        for word in ["", "Purchase", "sale", "card-verify"] {
            assert_eq!(Mode::from_word(word), None, "{word}");
        }
        assert_eq!(Mode::default(), Mode::Purchase);
    }
}
