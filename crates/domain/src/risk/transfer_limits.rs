//! The card networks' limits on a single transfer in dollars of the United States (G-326).
//!
//! Each has a code of its own, by which a project names those that hold for it. Most are for one direction, and for cards
//! of consumers or of small businesses; ranges of card numbers say which cards those are, since the first digits alone do
//! not. What is in another currency is compared by the operator's rate.

use super::Direction;
use crate::{
    card::{CardSummary, Network},
    codes::Code,
    money::{Currency, Money, Rate},
};
use serde::{Deserialize, Serialize};

/// Whose card it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Consumer,
    SmallBusiness,
}

use Direction::{In, Out};
use Holder::{Consumer, SmallBusiness};

/// Code, dollars, whose cards, and which way the money goes; whatever is open holds for all. `In` is the debit of a
/// transfer, `Out` a payout.
const LIMITS: [(u32, i64, Option<Holder>, Option<Direction>); 24] = [
    (3402, 25_000, Some(Consumer), Some(In)),
    (3403, 50_000, Some(SmallBusiness), Some(In)),
    (3404, 25_000, Some(Consumer), Some(Out)),
    (3406, 50_000, Some(SmallBusiness), Some(Out)),
    (3409, 2_500, Some(Consumer), Some(In)),
    (3410, 2_500, Some(Consumer), Some(Out)),
    (3412, 25_000, Some(SmallBusiness), Some(Out)),
    (3413, 25_000, Some(SmallBusiness), Some(In)),
    (3414, 50_000, Some(Consumer), Some(Out)),
    (3415, 100_000, Some(SmallBusiness), Some(Out)),
    (3416, 50_000, Some(Consumer), Some(In)),
    (3417, 100_000, Some(SmallBusiness), Some(In)),
    (3418, 75_000, Some(SmallBusiness), Some(Out)),
    (3419, 75_000, Some(SmallBusiness), Some(In)),
    (3618, 10_000, Some(Consumer), Some(Out)),
    (3619, 10_000, Some(SmallBusiness), Some(Out)),
    (3620, 125_000, Some(Consumer), Some(Out)),
    (3621, 125_000, Some(SmallBusiness), Some(Out)),
    (3622, 125_000, Some(Consumer), Some(In)),
    (3623, 125_000, Some(SmallBusiness), Some(In)),
    (3624, 10_000, Some(Consumer), Some(In)),
    (3625, 10_000, Some(SmallBusiness), Some(In)),
    (3900, 50_000, None, None),
    (3901, 25_000, None, None),
];

/// The limits on single transfers that hold for a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferLimits {
    /// Their codes.
    pub codes: Vec<Code>,
    /// First digits of cards of small businesses, two to six of them; all other cards are consumers'.
    pub small_business: Vec<String>,
}

impl TransferLimits {
    /// Why they would not do what they say.
    pub fn fault(&self) -> Option<String> {
        let unknown = |code: &&Code| !LIMITS.iter().any(|(number, ..)| *number == code.get());
        if let Some(code) = self.codes.iter().find(unknown) {
            return Some(format!("{code} is no limit of the networks on a single transfer"));
        }
        let wrong = |digits: &&String| {
            !(2..=6).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        self.small_business.iter().find(wrong).map(|digits| format!("{digits:?} is not two to six digits"))
    }

    fn applying(&self, direction: Direction, card: &CardSummary) -> impl Iterator<Item = (Code, i64)> {
        // Maestro is a brand of Mastercard.
        let has_limits = matches!(card.network, Network::Mastercard | Network::Maestro | Network::Visa);
        let is_business = self.small_business.iter().any(|digits| card.masked.starts_with(digits.as_str()));
        let holder = if is_business { SmallBusiness } else { Consumer };
        LIMITS
            .iter()
            .filter(move |(_, _, whose, way)| {
                has_limits
                    && whose.is_none_or(|whose| whose == holder && card.network != Network::Visa)
                    && way.is_none_or(|way| way == direction)
            })
            .map(|(code, dollars, ..)| (Code::new(*code), *dollars))
            .filter(|(code, _)| self.codes.contains(code))
    }

    /// Whether any is about such a transfer.
    pub fn concern(&self, direction: Direction, card: &CardSummary) -> bool {
        !self.codes.is_empty() && self.applying(direction, card).next().is_some()
    }

    /// The lowest limit that `amount` is above, by its code. `rate` brings the amount's currency into dollars; what cannot
    /// be compared, for want of one, is above every limit.
    pub fn exceeded(
        &self,
        direction: Direction,
        card: &CardSummary,
        amount: Money,
        rate: Option<Rate>,
    ) -> Option<Code> {
        let dollar = Self::currency()?;
        let worth = if amount.currency == dollar {
            Some(amount)
        } else {
            rate.and_then(|rate| rate.convert(amount, dollar))
        };
        let cents = worth.map_or(i64::MAX, |worth| worth.minor);
        let above = self.applying(direction, card).filter(|(_, most)| cents > most.saturating_mul(100));
        above.min_by_key(|(_, most)| *most).map(|(code, _)| code)
    }

    /// The currency of all of them.
    pub fn currency() -> Option<Currency> {
        Currency::parse("USD").ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::{Origin, Pan},
        ids::CardKey,
    };

    fn card(number: &str) -> CardSummary {
        let (key, pan) = (CardKey::new(uuid::Uuid::nil()), Pan::parse(number).unwrap());
        CardSummary::of(key, &pan, Origin::default(), None, None)
    }

    fn limits(codes: &[u32], small_business: &[&str]) -> TransferLimits {
        TransferLimits {
            codes: codes.iter().copied().map(Code::new).collect(),
            small_business: small_business.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    // G-326: the table of the codes says which dollars, cards and direction each is about
    #[test]
    fn every_limit_is_what_its_code_says() {
        for (number, dollars, whose, way) in LIMITS {
            let message = Code::new(number).known_message().unwrap();
            assert!(message.contains(&format!(" {dollars} USD")), "{number} {message}");
            let says = |text: &str| message.contains(text);
            assert_eq!(whose == Some(Consumer), says("Consumer"), "{number}");
            assert_eq!(whose == Some(SmallBusiness), says("Small business"), "{number}");
            assert_eq!(way == Some(In), says("Funding"), "{number}");
            assert_eq!(way == Some(Out), says("payout"), "{number}");
        }
    }

    // G-326
    #[test]
    fn a_transfer_is_held_to_the_limits_of_its_card_and_direction() {
        let (mastercard, visa) = (card("5413330000000019"), card("4314220000000056"));
        let usd = |major: i64| Money::new(major * 100, Currency::parse("USD").unwrap());
        let all = limits(&[3409, 3410, 3406, 3900], &["541333"]);
        let by = |limits: &TransferLimits, way, card: &CardSummary, amount| {
            limits.exceeded(way, card, amount, None).map(Code::get)
        };
        assert_eq!(by(&all, Out, &mastercard, usd(50_000)), None);
        assert_eq!(by(&all, Out, &mastercard, usd(50_001)), Some(3406));
        let consumers = limits(&[3409, 3410, 3406, 3900], &["51"]);
        assert_eq!(by(&consumers, Out, &mastercard, usd(2_501)), Some(3410));
        assert_eq!(by(&consumers, In, &mastercard, usd(2_501)), Some(3409));
        assert_eq!(by(&consumers, In, &mastercard, usd(2_500)), None);
        assert_eq!(by(&consumers, Out, &visa, usd(50_000)), None, "limits of MoneySend are Mastercard's");
        assert_eq!(by(&consumers, Out, &visa, usd(50_001)), Some(3900));
        assert_eq!(by(&TransferLimits::default(), Out, &visa, usd(1_000_000)), None);
        assert!(consumers.concern(Out, &visa) && !limits(&[3409], &[]).concern(Out, &mastercard));
    }

    // G-326
    #[test]
    fn other_currencies_are_compared_by_the_rate_and_without_one_are_too_much() {
        let mastercard = card("5413330000000019");
        let consumers = limits(&[3410], &[]);
        let yen = |minor| Money::new(minor, Currency::parse("JPY").unwrap());
        let rate: Rate = "0.01".parse().unwrap();
        let by = |amount, rate| consumers.exceeded(Out, &mastercard, amount, rate).map(Code::get);
        assert_eq!(by(yen(250_000), Some(rate)), None);
        assert_eq!(by(yen(250_001), Some(rate)), Some(3410));
        assert_eq!(by(yen(1), None), Some(3410));
    }

    // G-326
    #[test]
    fn what_names_no_limit_and_no_cards_is_refused() {
        assert_eq!(limits(&[3409], &["54", "541333"]).fault(), None);
        for wrong in
            [limits(&[3104], &[]), limits(&[], &["5"]), limits(&[], &["5413330"]), limits(&[], &["5x"])]
        {
            assert!(wrong.fault().is_some(), "{wrong:?}");
        }
    }
}
