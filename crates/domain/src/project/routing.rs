//! Which provider accounts a card operation may go through, and in which order.
//!
//! A project has a list of rules; the first that fits decides, and where none does the operation goes through the
//! project's card account. A rule names conditions and accounts: the first account is asked, the others only when a
//! provider fails and the project cascades (G-516). What was chosen can be told with its reasons, rule by rule.

use super::Project;
use crate::{
    card::{CardSummary, Country, Network},
    ids::ProviderAccountId,
    money::{Currency, Money},
    payment::OperationKind,
};
use serde::{Deserialize, Serialize};
use std::{fmt, slice};

/// One rule. A condition that is left empty always fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteRule {
    /// For people.
    pub name: String,
    /// Kinds of operation as callbacks write them: `sale`, `auth`, `account verification`, `recurring`, `payout`.
    pub operations: Vec<String>,
    /// Networks of the card.
    pub networks: Vec<Network>,
    /// Countries of the card's issuer. A card whose first digits say nothing fits no such rule.
    pub countries: Vec<Country>,
    /// Currencies.
    pub currencies: Vec<Currency>,
    /// The smallest amount, minor units.
    pub smallest: Option<i64>,
    /// The largest amount, minor units.
    pub largest: Option<i64>,
    /// Provider accounts, in the order in which they are asked; at least one.
    pub accounts: Vec<ProviderAccountId>,
}

/// What a route is chosen by.
#[derive(Clone, Copy, Debug)]
pub struct Routed {
    /// What is to be done.
    pub kind: OperationKind,
    /// The card's network.
    pub network: Network,
    /// Where the issuer is, if known.
    pub country: Option<Country>,
    /// How much.
    pub amount: Money,
}

impl Routed {
    /// An operation of `kind` with `card`.
    pub const fn card(kind: OperationKind, card: &CardSummary, amount: Money) -> Self {
        Self { kind, network: card.network, country: card.country, amount }
    }
}

/// Why a rule does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Another kind of operation.
    Operation,
    /// Another network.
    Network,
    /// Another country, or none known.
    Country,
    /// Another currency.
    Currency,
    /// The amount is too small.
    TooSmall,
    /// The amount is too large.
    TooLarge,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operation => "another operation",
            Self::Network => "another network",
            Self::Country => "another country of the issuer, or none known",
            Self::Currency => "another currency",
            Self::TooSmall => "the amount is below the smallest",
            Self::TooLarge => "the amount is above the largest",
        })
    }
}

impl RouteRule {
    /// The first condition that is not met.
    pub fn mismatch(&self, routed: &Routed) -> Option<Mismatch> {
        fn lacks<T: PartialEq>(listed: &[T], value: Option<&T>) -> bool {
            !listed.is_empty() && !value.is_some_and(|value| listed.contains(value))
        }
        let minor = routed.amount.minor;
        let of_kind = self.operations.is_empty() || self.operations.iter().any(|it| it == routed.kind.text());
        [
            (!of_kind, Mismatch::Operation),
            (lacks(&self.networks, Some(&routed.network)), Mismatch::Network),
            (lacks(&self.countries, routed.country.as_ref()), Mismatch::Country),
            (lacks(&self.currencies, Some(&routed.amount.currency)), Mismatch::Currency),
            (self.smallest.is_some_and(|least| minor < least), Mismatch::TooSmall),
            (self.largest.is_some_and(|most| minor > most), Mismatch::TooLarge),
        ]
        .into_iter()
        .find_map(|(fails, why)| fails.then_some(why))
    }
}

impl Project {
    /// The accounts `routed` may go through, the first choice first; never empty.
    pub fn route(&self, routed: &Routed) -> &[ProviderAccountId] {
        let rule = self.settings.routes.iter().find(|rule| rule.mismatch(routed).is_none());
        rule.map(|rule| rule.accounts.as_slice())
            .filter(|accounts| !accounts.is_empty())
            .unwrap_or(slice::from_ref(&self.card_account))
    }

    /// Every rule up to the one that decides, with why it does not fit; nothing is wrong with the last one unless none
    /// fits.
    pub fn explained_route(
        &self,
        routed: Routed,
    ) -> impl Iterator<Item = (&RouteRule, Option<Mismatch>)> + '_ {
        let mut decided = false;
        self.settings.routes.iter().map_while(move |rule| {
            if decided {
                return None;
            }
            let mismatch = rule.mismatch(&routed);
            decided = mismatch.is_none();
            Some((rule, mismatch))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::ProjectId,
        project::{Environment, Settings},
    };

    fn account(number: i64) -> ProviderAccountId {
        ProviderAccountId::new(number)
    }

    fn project(routes: Vec<RouteRule>) -> Project {
        Project {
            id: ProjectId::new(1),
            environment: Environment::Test,
            active: true,
            settings: Settings { routes, ..Settings::default() },
            card_account: account(1),
        }
    }

    fn sale(network: Network, country: Option<&str>, minor: i64) -> Routed {
        let country = country.map(|code| Country::parse(code).unwrap());
        let amount = Money::new(minor, Currency::parse("EUR").unwrap());
        Routed { kind: OperationKind::Sale, network, country, amount }
    }

    #[test]
    fn without_rules_everything_goes_through_the_card_account() {
        assert_eq!(project(Vec::new()).route(&sale(Network::Visa, None, 100)), [account(1)]);
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_the_others_say_why_they_do_not() {
        let german = RouteRule {
            name: "German cards".to_owned(),
            countries: vec![Country::parse("DE").unwrap()],
            accounts: vec![account(4)],
            ..RouteRule::default()
        };
        let large = RouteRule {
            name: "large".to_owned(),
            operations: vec!["sale".to_owned()],
            smallest: Some(50_000),
            accounts: vec![account(2), account(3)],
            ..RouteRule::default()
        };
        let visa = RouteRule {
            networks: vec![Network::Visa],
            largest: Some(60_000),
            accounts: vec![account(5)],
            ..RouteRule::default()
        };
        let project = project(vec![german, large, visa]);
        let why = |routed: Routed| {
            project.explained_route(routed).map(|(_, mismatch)| mismatch).collect::<Vec<_>>()
        };
        let cases = [
            (sale(Network::Visa, Some("DE"), 70_000), vec![account(4)], vec![None]),
            (
                sale(Network::Visa, Some("GB"), 70_000),
                vec![account(2), account(3)],
                vec![Some(Mismatch::Country), None],
            ),
            (
                sale(Network::Visa, None, 100),
                vec![account(5)],
                vec![Some(Mismatch::Country), Some(Mismatch::TooSmall), None],
            ),
            (
                sale(Network::Mastercard, None, 100),
                vec![account(1)],
                vec![Some(Mismatch::Country), Some(Mismatch::TooSmall), Some(Mismatch::Network)],
            ),
        ];
        for (routed, accounts, reasons) in cases {
            assert_eq!(project.route(&routed), accounts, "{routed:?}");
            assert_eq!(why(routed), reasons, "{routed:?}");
        }
        let payout = Routed { kind: OperationKind::Payout, ..sale(Network::Visa, None, 70_000) };
        assert_eq!(
            why(payout),
            [Some(Mismatch::Country), Some(Mismatch::Operation), Some(Mismatch::TooLarge)]
        );
    }
}
