//! Risk control before a provider is asked.

use crate::{
    fixtures::{eur, made, method_of, payout_of, project, sale_of},
    world::World,
};
use ferropay_domain::{
    card::{Country, Funding, Network},
    change::ChangeSet,
    codes::Code,
    decide::{self, CardCommand, CardFacts, MethodCommand, MethodFacts, PayoutFacts, RiskFacts},
    ids::ProviderAccountId,
    payment::{OperationKind, OperationStatus},
    project::{Limits, Settings},
    risk::{Crossing, Direction, Feature, Hit, List, Measure, Rule, Screening},
};

fn sale(settings: Settings, risk: RiskFacts, vary: impl FnOnce(&mut CardCommand)) -> ChangeSet {
    let mut world = World::rich();
    let mut command = sale_of(eur(1000), Network::Visa);
    vary(&mut command);
    let facts = CardFacts { risk, ..CardFacts::default() };
    decide::card(&project(settings), command, facts, world.draw(), world.now).unwrap()
}

/// The code an operation was declined with at once; none when it goes on.
fn code(changes: &ChangeSet) -> Option<u32> {
    let operation = changes.operations[0].record();
    assert_eq!(operation.status == OperationStatus::Decline, changes.attempts.is_empty());
    (operation.status == OperationStatus::Decline).then(|| operation.code.get())
}

fn listed(list: List, feature: Feature) -> RiskFacts {
    RiskFacts { hits: vec![Hit { list, feature }], ..RiskFacts::default() }
}

// G-519, G-520
#[test]
fn what_stands_on_a_black_list_is_declined_before_a_provider_is_asked() {
    let settings = || Settings { risk_lists: true, ..Settings::default() };
    let changes = sale(settings(), listed(List::Black, Feature::Email), |_| {});
    assert_eq!(code(&changes), Some(1406));
    assert_eq!(changes.events.len(), 1, "the merchant is told");
    let changes = sale(settings(), RiskFacts::default(), |_| {});
    assert_eq!(code(&changes), None);
}

// G-519, G-325
#[test]
fn a_payout_is_declined_by_risk_control_without_a_hold() {
    let mut world = World::rich();
    let settings = Settings { risk_lists: true, payout_data_required: false, ..Settings::default() };
    let facts = PayoutFacts { risk: listed(List::Sanctions, Feature::Name), ..PayoutFacts::default() };
    let command = payout_of(eur(1000), Network::Visa);
    let changes = decide::payout(&project(settings), command, &facts, world.draw(), world.now).unwrap();
    assert_eq!(code(&changes), Some(1450));
    assert!(changes.holds.is_empty());
}

type Change = fn(&mut Screening);
type Vary = fn(&mut CardCommand);

// G-521, G-522
#[test]
fn each_rule_on_what_an_operation_looks_like_has_its_code() {
    let cases: [(u32, Change, Vary); 9] = [
        (1411, |it| it.forbidden_countries = vec![Country::parse("DE").unwrap()], |_| {}),
        (1414, |it| it.domestic_only = vec![Country::parse("DE").unwrap()], |_| {}),
        (
            1421,
            |it| {
                let limits = Limits { smallest: Some(1001), largest: None };
                it.amounts.insert("EUR".to_owned(), limits);
            },
            |_| {},
        ),
        (1456, |it| it.holder_in_letters = true, |it| it.card.holder = Some("JUDY D0E".to_owned())),
        (
            1462,
            |it| it.forbidden_funding = vec![Funding::Prepaid],
            |it| it.card.funding = Some(Funding::Prepaid),
        ),
        (
            1412,
            |it| it.country_is_customers = true,
            |it| drop(it.given.insert("customer.country".to_owned(), "GB".to_owned())),
        ),
        (
            1412,
            |it| it.country_is_customers = true,
            |it| {
                it.given.insert("customer.country".to_owned(), "de".to_owned());
                it.given.insert("customer.billing.country".to_owned(), "AT".to_owned());
            },
        ),
        (
            1461,
            |it| it.forbidden_products = vec!["GIFT".to_owned()],
            |it| it.card.issue = made(|issue| issue.product = Some("Gift".to_owned())),
        ),
        (
            1463,
            |it| it.holder_is_customer = true,
            |it| {
                it.customer.first_name = Some("Joe".to_owned());
                it.customer.last_name = Some("Doe".to_owned());
            },
        ),
    ];
    for (expected, change, vary) in cases {
        let mut settings = Settings::default();
        assert_eq!(code(&sale(settings.clone(), RiskFacts::default(), vary)), None, "{expected}");
        change(&mut settings.risk_screening);
        assert_eq!(code(&sale(settings, RiskFacts::default(), vary)), Some(expected));
    }
    let mut settings = Settings { country: Some(Country::parse("DE").unwrap()), ..Settings::default() };
    settings.risk_screening.domestic_only = vec![Country::parse("DE").unwrap()];
    settings.risk_screening.holder_is_customer = true;
    settings.risk_screening.country_is_customers = true;
    settings.risk_screening.forbidden_products = vec!["GIFT".to_owned()];
    let passes = sale(settings, RiskFacts::default(), |it| {
        it.given.insert("customer.country".to_owned(), "DE".to_owned());
        it.card.issue = made(|issue| issue.product = Some("GIFT PLUS".to_owned()));
        it.customer.first_name = Some("Judy".to_owned());
        it.customer.last_name = Some("Doe".to_owned());
    });
    assert_eq!(code(&passes), None, "a card from home, of the customer");
}

fn counted() -> Settings {
    let rule = Rule {
        direction: Direction::In,
        by: Feature::Customer,
        measure: Measure::Count,
        seconds: 3600,
        most: 3,
        currency: None,
        crossing: None,
        code: None,
    };
    Settings { risk_lists: true, risk_limits: vec![rule], ..Settings::default() }
}

// G-521
#[test]
fn a_use_is_counted_by_the_commit_and_a_limit_it_reached_declines() {
    let changes = sale(counted(), RiskFacts::default(), |_| {});
    let uses = changes.counted.as_ref().unwrap();
    assert_eq!((uses.by.as_slice(), uses.counts.len()), ([Feature::Customer].as_slice(), 1));
    let reached = RiskFacts { limit: Some(Code::new(1433)), ..RiskFacts::default() };
    let changes = sale(counted(), reached, |_| {});
    assert_eq!(code(&changes), Some(1433));
    assert!(changes.counted.is_none(), "what is declined is not counted");
    let changes = sale(counted(), RiskFacts::default(), |it| it.customer.id = None);
    assert!(changes.counted.is_none(), "nothing to count by");
}

// G-523
#[test]
fn what_stands_on_a_white_list_is_not_counted() {
    let changes = sale(counted(), listed(List::White, Feature::Customer), |_| {});
    assert_eq!((code(&changes), changes.counted), (None, None));
}

// G-325, G-326
#[test]
fn a_limit_may_hold_at_home_or_across_a_border_only() {
    let country = |code| Some(Country::parse(code).unwrap());
    for (home, crossing, expected) in [
        (country("DE"), Crossing::Domestic, true),
        (country("DE"), Crossing::CrossBorder, false),
        (country("FR"), Crossing::Domestic, false),
        (country("FR"), Crossing::CrossBorder, true),
        (None, Crossing::Domestic, false),
        (None, Crossing::CrossBorder, false),
    ] {
        let mut settings = Settings { country: home, ..counted() };
        settings.risk_limits[0].crossing = Some(crossing);
        let changes = sale(settings, RiskFacts::default(), |_| {});
        assert_eq!(changes.counted.is_some(), expected, "{home:?} {crossing:?}");
    }
}

fn purchase() -> MethodCommand {
    method_of(OperationKind::Sale, "wallet/alipay", eur(2500))
}

// G-519, G-520
#[test]
fn an_operation_by_a_method_is_looked_at_like_one_by_a_card() {
    let decide = |settings: Settings, risk: RiskFacts, command: MethodCommand| {
        let mut world = World::rich();
        let facts = MethodFacts { risk, ..MethodFacts::default() };
        decide::method(&project(settings), command, &facts, world.draw(), world.now).unwrap()
    };
    let settings = || Settings {
        risk_lists: true,
        method_accounts: [("*".to_owned(), ProviderAccountId::new(7))].into(),
        ..Settings::default()
    };
    assert_eq!(code(&decide(settings(), RiskFacts::default(), purchase())), None);
    let black = || listed(List::Black, Feature::Email);
    let changes = decide(settings(), black(), purchase());
    assert_eq!(code(&changes), Some(1406));
    assert_eq!(changes.events.len(), 1, "the merchant is told");
    let payout = || method_of(OperationKind::Payout, "skrill", eur(2500));
    let changes = decide(settings(), black(), payout());
    assert_eq!((code(&changes), changes.holds.len()), (Some(1406), 0));
    let mut limited = settings();
    limited.risk_limits = counted().risk_limits;
    let mut command = purchase();
    command.customer.id = Some("customer-1".to_owned());
    let changes = decide(limited.clone(), RiskFacts::default(), command.clone());
    assert_eq!(changes.counted.unwrap().by, [Feature::Customer]);
    let reached = RiskFacts { limit: Some(Code::new(1433)), ..RiskFacts::default() };
    assert_eq!(code(&decide(limited, reached, command.clone())), Some(1433));
    let mut abroad = settings();
    abroad.risk_screening.forbidden_countries = vec![Country::parse("DE").unwrap()];
    assert_eq!(code(&decide(abroad.clone(), RiskFacts::default(), command.clone())), None);
    command.given.insert("account.country".to_owned(), "de".to_owned());
    assert_eq!(code(&decide(abroad, RiskFacts::default(), command)), Some(1411));
}
