//! The test cards (D-480…D-498, G-550): what the issuer behind the simulator says to a purchase or a credit, by card
//! number alone.
//!
//! The cards are data. For purchases it is `catalogue/simulator-cards.csv`; a card that is not listed is declined with
//! `99`. For credits it is `catalogue/simulator-credit-cards.csv`, apart because a number may stand for one result there
//! and for another here; a card that is not listed is declined there, too (D-482, D-496). The one place
//! where the amount counts, cards that are good up to 120 EUR, needs currencies to be compared: a short table of round
//! rates, `catalogue/simulator-eur-rates.csv`, is enough for that and never touches anybody's money.

use std::collections::HashMap;

use super::reply::Code;

const CARDS: &str = include_str!("../../../../catalogue/simulator-cards.csv");
const CREDIT_CARDS: &str = include_str!("../../../../catalogue/simulator-credit-cards.csv");
const RATES: &str = include_str!("../../../../catalogue/simulator-eur-rates.csv");

/// What the issuer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IssuerWord {
    /// DE39.
    pub(super) code: Code,
    /// Minor units approved; less than asked for with code `10`.
    pub(super) approved: u64,
    /// The answer comes only after the issuer's time-out.
    pub(super) times_out: bool,
}

#[derive(Clone, Copy)]
struct Card {
    code: Code,
    limit_eur: Option<u64>,
    times_out: bool,
    /// What is said to debits with stored credentials, where that is something else.
    debit_code: Option<Code>,
}

/// The issuer behind the simulator.
pub(super) struct Issuer {
    cards: HashMap<&'static str, Card>,
    /// DE39 of a credit, for the cards where it is said.
    credits: HashMap<&'static str, Code>,
    /// By ISO 4217 numeric code: minor units of the currency that are worth 100 EUR.
    rates: HashMap<u16, u64>,
}

/// A catalogue file that the simulator cannot read; a fault of the build, found when the simulator starts.
#[derive(Debug, thiserror::Error)]
#[error("catalogue/{file}, line {line}: {problem}")]
pub(super) struct CatalogueError {
    file: &'static str,
    line: usize,
    problem: &'static str,
}

impl Issuer {
    /// Reads the compiled-in catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] names the line that does not fit its columns.
    pub(super) fn from_catalogue() -> Result<Self, CatalogueError> {
        let mut cards = HashMap::new();
        for (index, line) in CARDS.lines().enumerate().skip(1) {
            let fault = |problem| CatalogueError { file: "simulator-cards.csv", line: index + 1, problem };
            let mut columns = line.splitn(7, ',');
            let mut next = |problem| columns.next().ok_or_else(|| fault(problem));
            let number = next("no card number")?;
            let _network = next("no network")?;
            let code = next("no response code")?;
            let limit = next("no limit column")?;
            let wait = next("no wait column")?;
            let card = Card {
                code: code.as_bytes().try_into().map_err(|_| fault("the code is not two characters"))?,
                limit_eur: match limit {
                    "" => None,
                    limit => Some(limit.parse().map_err(|_| fault("the limit is not a number"))?),
                },
                times_out: match wait {
                    "" => false,
                    "issuer" => true,
                    _ => return Err(fault("the wait is neither empty nor `issuer`")),
                },
                debit_code: match next("no column of debits")? {
                    "" => None,
                    code => Some(
                        code.as_bytes()
                            .try_into()
                            .map_err(|_| fault("the code of debits is not two characters"))?,
                    ),
                },
            };
            cards.insert(number, card);
        }
        let mut credits = HashMap::new();
        for (index, line) in CREDIT_CARDS.lines().enumerate().skip(1) {
            let fault =
                |problem| CatalogueError { file: "simulator-credit-cards.csv", line: index + 1, problem };
            let mut columns = line.splitn(4, ',');
            let number = columns.next().ok_or_else(|| fault("no card number"))?;
            let code = columns.nth(1).ok_or_else(|| fault("no response code"))?;
            let code = code.as_bytes().try_into().map_err(|_| fault("the code is not two characters"))?;
            credits.insert(number, code);
        }
        let mut rates = HashMap::new();
        for (index, line) in RATES.lines().enumerate().skip(1) {
            let fault =
                |problem| CatalogueError { file: "simulator-eur-rates.csv", line: index + 1, problem };
            let mut columns = line.split(',').skip(1);
            let mut next = |problem| columns.next().ok_or_else(|| fault(problem));
            let numeric = next("no numeric code")?.parse().map_err(|_| fault("the code is not a number"))?;
            let rate = next("no rate")?.parse().map_err(|_| fault("the rate is not a number"))?;
            rates.insert(numeric, rate);
        }
        Ok(Self { cards, credits, rates })
    }

    /// Decides a purchase, authorisation or verification of `amount` minor units of `currency` (ISO 4217 numeric).
    /// `may_be_partial`: a smaller amount would do (D-489); `is_debit`: the card is one that somebody has stored (D-487).
    pub(super) fn decide(
        &self,
        card_number: &str,
        amount: u64,
        currency: u16,
        may_be_partial: bool,
        is_debit: bool,
    ) -> IssuerWord {
        let Some(card) = self.cards.get(card_number) else {
            return IssuerWord { code: *b"99", approved: amount, times_out: false };
        };
        if let Some(code) = card.debit_code.filter(|_| is_debit) {
            return IssuerWord { code, approved: amount, times_out: false };
        }
        let most = card.limit_eur.map_or(amount, |limit| self.most(currency, limit).min(amount));
        let (code, approved) = match most {
            most if most == amount => (card.code, amount),
            most if may_be_partial && most > 0 => (*b"10", most),
            _ => (*b"51", amount),
        };
        IssuerWord { code, approved, times_out: card.times_out }
    }

    /// DE39 of a credit to a card, whatever the amount: as the table says (G-550), else it is declined (D-482): with
    /// `99`, or with `14` when it can be no card number.
    pub(super) fn credit(&self, card_number: &str) -> Code {
        let otherwise = if has_check_digit(card_number) { *b"99" } else { *b"14" };
        self.credits.get(card_number).copied().unwrap_or(otherwise)
    }

    /// `limit_eur` minor units of euro in minor units of `currency`, rounded down. A currency without a rate counts as
    /// euros.
    fn most(&self, currency: u16, limit_eur: u64) -> u64 {
        let rate = self.rates.get(&currency).copied().unwrap_or(10_000);
        u64::try_from(u128::from(limit_eur) * u128::from(rate) / 10_000).unwrap_or(u64::MAX)
    }
}

/// Whether the last digit is the check digit of ISO/IEC 7812 for those before it.
fn has_check_digit(card_number: &str) -> bool {
    let sum: u32 = card_number
        .bytes()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(byte, doubled)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            let digit = if doubled { digit * 2 } else { digit };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// What the issuer says of an address by the last character of its post code (D-512): each of them a letter of the
/// network's own set, as [`LETTERS`] has it; of any other nothing is known. `card` is the card's number, or its beginning.
pub(super) fn check_address(card: &str, post_code: &str) -> u8 {
    let column = match card.as_bytes() {
        [b'3', ..] => 2,
        [b'2' | b'5', ..] => 1,
        _ => 0,
    };
    let row = LETTERS.iter().find(|(last, _)| post_code.bytes().last() == Some(*last));
    row.and_then(|(_, letters)| letters.get(column)).copied().unwrap_or(b'U')
}

/// Last character of the post code, and the letter of Visa, Mastercard and American Express: all matches, the same with a
/// post code of nine digits, the post code matches, the same with nine digits, the street matches, no information, not
/// available, nothing matches.
const LETTERS: [(u8, [u8; 3]); 8] = [
    (b'0', [b'Y', b'Y', b'Y']),
    (b'1', [b'Y', b'X', b'Y']),
    (b'2', [b'Z', b'Z', b'Z']),
    (b'3', [b'Z', b'W', b'Z']),
    (b'4', [b'A', b'A', b'A']),
    (b'7', [b'U', b'S', b'S']),
    (b'8', [b'R', b'R', b'R']),
    (b'9', [b'N', b'N', b'N']),
];

/// What the issuer says of a cardholder's name by the last name (D-512).
pub(super) fn check_name(last_name: &str) -> u8 {
    match last_name.to_ascii_uppercase().as_str() {
        "PARTIAL" => b'B',
        "NOMATCH" => b'C',
        "UNAVAILABLE" => b'U',
        _ => b'A',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(card: &str, amount: u64, currency: u16) -> String {
        let issuer = Issuer::from_catalogue().unwrap();
        String::from_utf8(issuer.decide(card, amount, currency, false, false).code.to_vec()).unwrap()
    }

    // D-486, D-487, D-491
    #[test]
    fn the_success_cards_are_approved_whatever_the_amount() {
        for card in [
            "4000000000000077",
            "4314220000000056",
            "5413330000000019",
            "4477000000000006",
            "5252000000000004",
            "4000000000000119",
            "4000000000000135",
        ] {
            assert_eq!(code(card, 1, 978), "00", "{card}");
            assert_eq!(code(card, 999_999_999_999, 392), "00", "{card}");
        }
    }

    // D-487, G-548
    #[test]
    fn two_cards_are_good_for_a_registration_and_not_for_its_debits() {
        let issuer = Issuer::from_catalogue().unwrap();
        let debit = |card| issuer.decide(card, 100, 978, false, true).code;
        let cards = ["4000000000000119", "4000000000000135", "4000000000000077"];
        assert_eq!(cards.map(debit), [*b"52", *b"51", *b"00"]);
    }

    // D-482, D-496
    #[test]
    fn every_other_card_is_declined_without_a_reason() {
        for card in
            ["4111111111111111", "5544330000000045", "4242424242424242", "6011000000000004", "400000000000"]
        {
            assert_eq!(code(card, 100, 978), "99", "{card}");
        }
    }

    // D-482, D-495, D-496, G-550
    #[test]
    fn a_credit_is_taken_by_the_two_numbers_that_stand_for_a_success_only() {
        let issuer = Issuer::from_catalogue().unwrap();
        let listed = ["4242424242424242", "5413330000000019", "4314220000000072", "5413330000000035"];
        assert_eq!(listed.map(|card| issuer.credit(card)), [*b"00", *b"00", *b"99", *b"99"]);
        assert_eq!(issuer.credits.len(), listed.len());
        // These are approved in purchases, or are unknown there.
        for card in ["4000000000000077", "4314220000000056", "6011000000000004", "400000000002"] {
            assert_eq!(issuer.credit(card), *b"99", "{card}");
        }
        for card in ["4242424242424243", "4111111111111112", "400000000000"] {
            assert_eq!(issuer.credit(card), *b"14", "{card}");
        }
    }

    // D-489
    #[test]
    fn the_partial_approval_cards_are_good_up_to_120_euros_in_any_currency() {
        for card in ["5126160000356675", "4010571676223548"] {
            assert_eq!(code(card, 12_000, 978), "00");
            assert_eq!(code(card, 12_001, 978), "51");
            assert_eq!(code(card, 12_960, 840), "00", "129.60 USD are 120 EUR");
            assert_eq!(code(card, 12_961, 840), "51");
            assert_eq!(code(card, 19_200, 392), "00", "yen have no minor unit");
            assert_eq!(code(card, 19_201, 392), "51");
            assert_eq!(code(card, 39_600, 414), "00", "dinars have three decimals");
            assert_eq!(code(card, 39_601, 414), "51");
            assert_eq!(code(card, 12_001, 999), "51", "no rate: counted as euros");
        }
    }

    // D-488
    #[test]
    fn one_card_stands_for_an_issuer_that_does_not_answer() {
        let issuer = Issuer::from_catalogue().unwrap();
        let word = issuer.decide("4539121411168251", 100, 978, true, false);
        assert_eq!(word, IssuerWord { code: *b"68", approved: 100, times_out: true });
    }

    // D-489, G-246
    #[test]
    fn the_partial_approval_cards_give_120_euros_when_less_would_do() {
        let issuer = Issuer::from_catalogue().unwrap();
        for card in ["5126160000356675", "4010571676223548"] {
            let word = |amount, currency| {
                let word = issuer.decide(card, amount, currency, true, false);
                (String::from_utf8(word.code.to_vec()).unwrap(), word.approved)
            };
            assert_eq!(word(12_000, 978), ("00".to_owned(), 12_000));
            assert_eq!(word(12_001, 978), ("10".to_owned(), 12_000));
            assert_eq!(word(999_999_999_999, 840), ("10".to_owned(), 12_960));
            assert_eq!(word(19_201, 392), ("10".to_owned(), 19_200));
        }
        let plain = issuer.decide("4314220000000056", 50_000, 978, true, false);
        assert_eq!((plain.code, plain.approved), (*b"00", 50_000), "other cards have no limit");
    }

    // D-512, G-233
    #[test]
    fn addresses_and_names_are_judged_by_their_endings_and_marks() {
        let visa = |post_code| check_address("4314220000000056", post_code);
        assert_eq!((visa("LV-1050"), visa("EC1A 1B9")), (b'Y', b'N'));
        assert_eq!((visa("SW1A 1AA"), visa("")), (b'U', b'U'));
        // G-233: every letter of each network's set, and no other.
        for (card, set) in [("4314", "ANRUYZ"), ("5413", "ANRSUWXYZ"), ("3782", "ANRSUYZ")] {
            let given: std::collections::BTreeSet<char> =
                (0..10).map(|last| char::from(check_address(card, &format!("9954{last}")))).collect();
            assert_eq!(given.into_iter().collect::<String>(), set, "{card}");
        }
        let names = ["PARTIAL", "nomatch", "Unavailable", "JANSONE"].map(check_name);
        assert_eq!(names, [b'B', b'C', b'U', b'A']);
    }
}
