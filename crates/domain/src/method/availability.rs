//! Which methods a project may use at the moment, and the banks they reach (G-453 to G-458).

use super::{Bank, Method, MethodRef};
use crate::{
    money::Currency,
    payment::OperationKind,
    project::{Project, TokenMode},
    time::Timestamp,
};

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the customer.
    PayIn,
    /// To the customer.
    PayOut,
}

impl Direction {
    /// The direction that the path of availability names (G-453).
    pub fn of_path(step: &str) -> Option<Self> {
        match step {
            "payin" => Some(Self::PayIn),
            "payout" => Some(Self::PayOut),
            _ => None,
        }
    }

    /// The direction of an operation, as lists of banks name it.
    pub fn of_operation(name: &str) -> Option<Self> {
        match name {
            "sale" | "auth" => Some(Self::PayIn),
            _ => Self::of_path(name),
        }
    }

    const fn kind(self) -> OperationKind {
        match self {
            Self::PayIn => OperationKind::Sale,
            Self::PayOut => OperationKind::Payout,
        }
    }
}

impl Project {
    /// Whether the project may use a method in this direction: it is agreed upon, somebody takes it, and it can do that.
    /// Whether the provider answers at the moment is not for a project to know.
    pub fn may_use(&self, method: MethodRef, direction: Direction) -> bool {
        self.active
            && !self.settings.methods_off.contains(&method.code)
            && method.demands(direction.kind()).is_some()
            && self.method_account(method).is_some()
    }

    /// Whether the project may take or pay money by a card whose number it has, at `now`, real time.
    pub fn may_use_cards(&self, direction: Direction, now: Timestamp) -> bool {
        let settings = &self.settings;
        self.active
            && self.may_send_cards(now)
            && match direction {
                Direction::PayIn => settings.card_sales_allowed,
                Direction::PayOut => settings.card_payouts_allowed,
            }
    }

    /// The same by a token in the number's place.
    pub fn may_use_card_tokens(&self, direction: Direction, now: Timestamp) -> bool {
        self.may_use_cards(direction, now) && self.settings.tokens != TokenMode::Off
    }
}

/// Which banks are asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Of a method or a group of methods by the steps of its paths: `banks/thailand`, `banks`.
    pub steps: Option<&'a str>,
    /// Of the method with this number.
    pub number: Option<i64>,
    /// Of methods whose banks this number brings together.
    pub aggregator: Option<i64>,
    /// Of methods that are taken by the provider account of this number.
    pub provider: Option<i64>,
    /// In this country.
    pub country: Option<crate::card::Country>,
    /// Whose accounts are in this currency.
    pub currency: Option<Currency>,
    /// For this direction; for any when none is given.
    pub direction: Option<Direction>,
}

impl Wanted<'_> {
    /// Whether it is about this method.
    pub fn concerns(&self, method: &Method) -> bool {
        let is_number =
            |wanted: Option<i64>, own: Option<u32>| wanted.is_none_or(|it| own.map(i64::from) == Some(it));
        let is_step = |steps: &str| {
            method
                .paths()
                .any(|path| path.strip_prefix(steps).is_some_and(|it| it.is_empty() || it.starts_with('/')))
        };
        is_number(self.number, method.number)
            && is_number(self.aggregator, method.aggregator)
            && self.steps.is_none_or(is_step)
    }

    /// The banks that the project's customers may choose, each with its method.
    pub fn of(&self, project: &Project) -> Vec<(&'static Method, &'static Bank)> {
        let is_usable = |method: MethodRef| match self.direction {
            Some(direction) => project.may_use(method, direction),
            None => [Direction::PayIn, Direction::PayOut].iter().any(|it| project.may_use(method, *it)),
        };
        let is_taken = |method: MethodRef| {
            let account = project.method_account(method).map(crate::ids::ProviderAccountId::get);
            self.provider.is_none_or(|wanted| account == Some(wanted))
        };
        MethodRef::all()
            .filter(|method| self.concerns(method) && is_usable(*method) && is_taken(*method))
            .flat_map(|method| method.get().banks.iter().map(move |bank| (method.get(), bank)))
            .filter(|(_, bank)| self.country.is_none_or(|country| bank.country == country))
            .filter(|(_, bank)| self.currency.is_none_or(|currency| bank.currency == currency))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{ProjectId, ProviderAccountId},
        project::{Environment, Settings},
    };

    fn project() -> Project {
        let account = ProviderAccountId::new(7);
        Project {
            id: ProjectId::new(1),
            environment: Environment::Test,
            active: true,
            settings: Settings { method_accounts: [("*".to_owned(), account)].into(), ..Settings::default() },
            card_account: ProviderAccountId::new(1),
        }
    }

    /// The middle of the 22nd of November 2026.
    fn noon() -> Timestamp {
        let moment: jiff::Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        Timestamp::from_micros(moment.as_microsecond())
    }

    // G-453, G-456
    #[test]
    fn a_method_may_be_used_while_it_is_agreed_taken_and_able() {
        let (mut project, method) = (project(), MethodRef::of_code("banks/hk").unwrap());
        assert!(project.may_use(method, Direction::PayOut));
        assert!(!project.may_use(method, Direction::PayIn), "it pays out only");
        project.settings.methods_off = vec!["banks/hk".to_owned()];
        assert!(!project.may_use(method, Direction::PayOut));
        project.settings.methods_off.clear();
        project.settings.method_accounts = [("blik".to_owned(), ProviderAccountId::new(7))].into();
        assert!(!project.may_use(method, Direction::PayOut), "nobody takes it");
        let now = noon();
        let by_card = |project: &Project| project.may_use_cards(Direction::PayIn, now);
        assert!(by_card(&project) && project.may_use_card_tokens(Direction::PayOut, now));
        project.settings.tokens = TokenMode::Off;
        assert!(!project.may_use_card_tokens(Direction::PayIn, now));
        project.active = false;
        assert!(!by_card(&project));
    }

    // G-453, G-525
    #[test]
    fn cards_are_available_to_the_last_day_of_the_attestation() {
        let mut project = project();
        let now = noon();
        for (until, expected) in [("2026-11-22", true), ("2026-11-21", false)] {
            project.settings.card_data_until = until.parse().ok();
            for direction in [Direction::PayIn, Direction::PayOut] {
                assert_eq!(project.may_use_cards(direction, now), expected, "{until}");
                assert_eq!(project.may_use_card_tokens(direction, now), expected, "{until}");
            }
        }
    }

    // G-457
    #[test]
    fn banks_are_found_by_everything_that_lists_are_asked_by() {
        let project = project();
        let found = |wanted: Wanted<'_>| -> Vec<u32> {
            wanted.of(&project).iter().map(|(_, bank)| bank.id).collect()
        };
        let thai = MethodRef::of_code("banks/thailand").unwrap();
        let own: Vec<u32> = thai.banks.iter().map(|bank| bank.id).collect();
        assert_eq!(found(Wanted { steps: Some("banks/thailand"), ..Wanted::default() }), own);
        assert_eq!(found(Wanted { number: thai.number.map(i64::from), ..Wanted::default() }), own);
        let country = crate::card::Country::parse("TH").ok();
        assert_eq!(found(Wanted { country, ..Wanted::default() }), own);
        let group = found(Wanted { aggregator: thai.aggregator.map(i64::from), ..Wanted::default() });
        assert!(group.len() > own.len() && own.iter().all(|id| group.contains(id)));
        assert_eq!(
            found(Wanted { steps: Some("banks"), direction: Some(Direction::PayIn), ..Wanted::default() })
                .iter()
                .filter(|id| own.contains(id))
                .count(),
            own.len()
        );
        assert!(found(Wanted { steps: Some("bank"), ..Wanted::default() }).is_empty(), "half a step");
        assert!(found(Wanted { provider: Some(8), ..Wanted::default() }).is_empty());
        assert_eq!(found(Wanted { provider: Some(7), ..Wanted::default() }), found(Wanted::default()));
        let currency = Currency::parse("PHP").ok();
        let in_pesos = Wanted { currency, direction: Some(Direction::PayOut), ..Wanted::default() };
        assert!(in_pesos.of(&project).iter().all(|(_, bank)| bank.currency.code() == "PHP"));
    }
}
