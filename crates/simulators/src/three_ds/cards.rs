//! The cards the directory knows, and how their issuer behaves (D-491).
//!
//! The test cards are data, `catalogue/simulator-3ds-cards.csv`. Tests may enrol further cards and withdraw any. Every
//! change gets the next number of a journal, so that a preparation request that names the number it knows is answered
//! with the changes since.

use std::collections::BTreeMap;

use super::script::Word;

const TABLE: &str = include_str!("../../../../catalogue/simulator-3ds-cards.csv");

/// Most changes of the journal; further ones are refused until a reset.
const MOST_CHANGES: usize = 10_000;

/// How the issuer of a card behaves when nothing else is scripted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// Whether the issuer has a method page.
    pub(super) method: bool,
    /// Whether the cardholder is asked.
    pub(super) challenge: bool,
    /// What comes out at the end.
    pub(super) result: Word,
    /// Names the card in the address of the method page, which does not know the card number.
    pub(super) number: usize,
}

/// An entry of the journal.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// First and last number of the range; test cards are ranges of one.
    pub(super) card_number: String,
    /// `None`: withdrawn.
    pub(super) card: Option<Card>,
}

/// The enrolled cards.
pub(super) struct Cards {
    enrolled: BTreeMap<String, Card>,
    journal: Vec<Change>,
}

/// A catalogue file that the simulator cannot read; a fault of the build, found when the simulator starts.
#[derive(Debug, thiserror::Error)]
#[error("catalogue/simulator-3ds-cards.csv, line {0} does not fit its columns")]
pub(super) struct CatalogueError(usize);

impl Cards {
    /// The test cards.
    ///
    /// # Errors
    /// [`CatalogueError`] names the line that does not fit its columns.
    pub(super) fn from_catalogue() -> Result<Self, CatalogueError> {
        let mut cards = Self { enrolled: BTreeMap::new(), journal: Vec::new() };
        for (index, line) in TABLE.lines().enumerate().skip(1) {
            let fault = CatalogueError(index + 1);
            let columns: Vec<&str> = line.splitn(5, ',').collect();
            let [number, method, flow, result, _note] = columns.as_slice() else { return Err(fault) };
            let card = match (*method, *flow, Word::parse(result)) {
                (method @ ("yes" | "no"), flow @ ("challenge" | "frictionless"), Some(result)) => {
                    Card { method: method == "yes", challenge: flow == "challenge", result, number: 0 }
                }
                _ => return Err(fault),
            };
            if !cards.enrol(number, card) {
                return Err(fault);
            }
        }
        Ok(cards)
    }

    /// How the issuer of a card behaves; `None` when it is not enrolled.
    pub(super) fn get(&self, card_number: &str) -> Option<Card> {
        self.enrolled.get(card_number).copied()
    }

    /// The card whose method page has this number.
    pub(super) fn by_method(&self, number: usize) -> Option<&str> {
        let change = self.journal.get(number.checked_sub(1)?)?;
        change.card.is_some().then_some(change.card_number.as_str())
    }

    /// All enrolled cards, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Card)> {
        self.enrolled.iter().map(|(number, card)| (number.as_str(), *card))
    }

    /// Enrols a card or changes it; `false` when the journal is full.
    pub(super) fn enrol(&mut self, card_number: &str, card: Card) -> bool {
        if self.journal.len() >= MOST_CHANGES {
            return false;
        }
        let card = Card { number: self.journal.len() + 1, ..card };
        self.enrolled.insert(card_number.to_owned(), card);
        self.journal.push(Change { card_number: card_number.to_owned(), card: Some(card) });
        true
    }

    /// Withdraws a card; `None` when it is not enrolled, `Some(false)` when the journal is full.
    pub(super) fn withdraw(&mut self, card_number: &str) -> Option<bool> {
        self.get(card_number)?;
        if self.journal.len() >= MOST_CHANGES {
            return Some(false);
        }
        self.enrolled.remove(card_number);
        self.journal.push(Change { card_number: card_number.to_owned(), card: None });
        Some(true)
    }

    /// The number of the newest change.
    pub(super) fn serial(&self) -> usize {
        self.journal.len()
    }

    /// The changes after `serial`; `None` when there never was such a number.
    pub(super) fn since(&self, serial: usize) -> Option<&[Change]> {
        self.journal.get(serial..)
    }
}

/// What the networks write into `eci` (G-194): full proof, attempt, none.
pub(super) fn eci(network: &str, word: Word) -> Option<&'static str> {
    let mastercard = network == "Mastercard";
    Some(match (word, mastercard) {
        (Word::Y, true) => "02",
        (Word::Y, false) => "05",
        (Word::A, true) => "01",
        (Word::A, false) => "06",
        (Word::U | Word::I, true) => "00",
        (Word::U | Word::I, false) => "07",
        (Word::N | Word::R | Word::C, _) => return None,
    })
}

/// The name of a card's network, for the bank's page.
pub(super) fn network(card_number: &str) -> &'static str {
    match card_number.as_bytes() {
        [b'4', ..] => "Visa",
        [b'3', b'4' | b'7', ..] => "American Express",
        [b'2' | b'5' | b'6', ..] => "Mastercard",
        _ => "Card",
    }
}

/// First six and last four digits: `431422 •• •••• 0056`.
pub(super) fn masked(card_number: &str) -> String {
    let head = card_number.get(..6).unwrap_or_default();
    let tail = card_number.get(card_number.len().saturating_sub(4)..).unwrap_or_default();
    format!("{head} •• •••• {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // D-491
    #[test]
    fn the_test_cards_are_enrolled_and_no_others() {
        let cards = Cards::from_catalogue().unwrap();
        let shown: Vec<_> = cards.all().map(|(n, c)| (n, c.method, c.challenge, c.result)).collect();
        assert_eq!(
            shown,
            [
                ("4314220000000056", true, true, Word::Y),
                ("4477000000000006", true, false, Word::Y),
                ("5252000000000004", false, false, Word::Y),
                ("5413330000000019", true, true, Word::Y),
                ("5544330000000045", true, true, Word::N),
            ]
        );
        assert_eq!(cards.get("4000000000000077"), None);
    }

    // G-194
    #[test]
    fn the_indicator_follows_network_and_result() {
        for (card, full, attempt, none) in [
            ("4314220000000056", "05", "06", "07"),
            ("371449635398431", "05", "06", "07"),
            ("5413330000000019", "02", "01", "00"),
        ] {
            let card = network(card);
            assert_eq!(eci(card, Word::Y), Some(full));
            assert_eq!(eci(card, Word::A), Some(attempt));
            assert_eq!(eci(card, Word::U), Some(none));
            assert_eq!(eci(card, Word::N), None);
        }
    }

    #[test]
    fn the_journal_tells_what_changed_since() {
        let mut cards = Cards::from_catalogue().unwrap();
        assert_eq!(cards.serial(), 5);
        let card = Card { method: false, challenge: false, result: Word::A, number: 0 };
        assert!(cards.enrol("4000000000000077", card));
        assert_eq!(cards.withdraw("5252000000000004"), Some(true));
        assert_eq!(cards.withdraw("5252000000000004"), None);
        let changes = cards.since(5).unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].card.unwrap().result, Word::A);
        assert_eq!((changes[1].card_number.as_str(), changes[1].card), ("5252000000000004", None));
        assert!(cards.since(7).unwrap().is_empty() && cards.since(8).is_none());
        assert_eq!(cards.by_method(6), Some("4000000000000077"));
        assert_eq!(cards.by_method(0), None);
        assert_eq!(cards.by_method(7), None, "a withdrawal has no page");
    }
}
