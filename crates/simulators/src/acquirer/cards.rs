//! The test cards (D-480…D-498): what the issuer behind the simulator says to a purchase, by card number alone.
//!
//! The cards are data, `catalogue/simulator-cards.csv`; a card that is not listed is declined with `99`. The one place
//! where the amount counts, cards that are good up to 120 EUR, needs currencies to be compared: a short table of round
//! rates, `catalogue/simulator-eur-rates.csv`, is enough for that and never touches anybody's money.

use std::collections::HashMap;

use super::reply::Code;

const CARDS: &str = include_str!("../../../../catalogue/simulator-cards.csv");
const RATES: &str = include_str!("../../../../catalogue/simulator-eur-rates.csv");

/// What the issuer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IssuerWord {
    /// DE39.
    pub(super) code: Code,
    /// The answer comes only after the issuer's time-out.
    pub(super) times_out: bool,
}

#[derive(Clone, Copy)]
struct Card {
    code: Code,
    limit_eur: Option<u64>,
    times_out: bool,
}

/// The issuer behind the simulator.
pub(super) struct Issuer {
    cards: HashMap<&'static str, Card>,
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
            let mut columns = line.splitn(6, ',');
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
            };
            cards.insert(number, card);
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
        Ok(Self { cards, rates })
    }

    /// Decides a purchase of `amount` minor units of `currency` (ISO 4217 numeric).
    pub(super) fn decide(&self, card_number: &str, amount: u64, currency: u16) -> IssuerWord {
        let Some(card) = self.cards.get(card_number) else {
            return IssuerWord { code: *b"99", times_out: false };
        };
        let above = card.limit_eur.is_some_and(|limit| self.is_above(amount, currency, limit));
        IssuerWord { code: if above { *b"51" } else { card.code }, times_out: card.times_out }
    }

    /// `amount / rate > limit / 10000`, without dividing. A currency without a rate counts as euros.
    fn is_above(&self, amount: u64, currency: u16, limit_eur: u64) -> bool {
        let rate = self.rates.get(&currency).copied().unwrap_or(10_000);
        u128::from(amount) * 10_000 > u128::from(limit_eur) * u128::from(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(card: &str, amount: u64, currency: u16) -> String {
        let issuer = Issuer::from_catalogue().unwrap();
        String::from_utf8(issuer.decide(card, amount, currency).code.to_vec()).unwrap()
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

    // D-482, D-496
    #[test]
    fn every_other_card_is_declined_without_a_reason() {
        for card in
            ["4111111111111111", "5544330000000045", "4242424242424242", "6011000000000004", "400000000000"]
        {
            assert_eq!(code(card, 100, 978), "99", "{card}");
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
        let word = issuer.decide("4539121411168251", 100, 978);
        assert_eq!(word, IssuerWord { code: *b"68", times_out: true });
    }
}
