//! Exemptions from authentication: when they are asked for, and what happens where the issuer does not grant one.

use crate::{
    fixtures::{
        answer, approved, card_of, challenge, declined, eur, extended, members, range, result, sale_of,
    },
    world::World,
};
use ferropay_domain::{
    card::Network,
    codes::{self, Code},
    decide::{CardCommand, FollowUp, Outcome, ThreeDsRequest},
    ids::ProviderAccountId,
    payment::{AuthenticationStep, Exemption, OperationKind, PaymentStatus, StoredCard},
    project::{CredentialStorage, RouteRule, Settings},
};

fn settings() -> Settings {
    let most = |minor| [("EUR".to_owned(), minor)].into();
    Settings { low_value_most: most(3_000), risk_analysis_most: most(10_000), ..Settings::default() }
}

fn asked(settings: Settings, command: CardCommand) -> World {
    let mut world = World::new(settings, 1_000_000).enrolled(true);
    assert!(world.card(command));
    world
}

fn sale(minor: i64) -> CardCommand {
    CardCommand { three_ds: extended(), ..sale_of(eur(minor), Network::Visa) }
}

fn exemption(world: &World) -> Option<Exemption> {
    world.operation().detail.card.as_deref().and_then(|card| card.exemption)
}

fn demanded() -> Outcome {
    let range = Box::new(range(true));
    Outcome::AuthenticationDemanded { code: codes::AUTHENTICATION_DEMANDED, answer: answer("1A"), range }
}

// G-195
#[test]
fn small_amounts_and_small_risks_go_to_the_issuer_without_the_customer() {
    for (minor, expected) in [
        (3_000, Some(Exemption::LowValue)),
        (3_001, Some(Exemption::RiskAnalysis)),
        (10_000, Some(Exemption::RiskAnalysis)),
        (10_001, None),
    ] {
        let world = asked(settings(), sale(minor));
        assert_eq!(exemption(&world), expected, "{minor}");
        let waits = world.status() == PaymentStatus::AwaitingThreeDs;
        assert_eq!((waits, world.attempts.len()), (expected.is_none(), usize::from(expected.is_some())));
    }
    let hold = asked(settings(), card_of(OperationKind::Auth, eur(100), Network::Visa));
    assert_eq!(exemption(&hold), None, "it may grow");
    let mut paid = asked(settings(), sale(100));
    paid.outcome(approved(eur(100))).unwrap();
    let known = paid.operation().detail.authentication.as_deref().unwrap();
    assert_eq!((exemption(&paid), known.data.len()), (Some(Exemption::LowValue), 0), "only the reason stays");
}

// G-195: by agreement only, and not against the merchant's wish or where later debits rest on it.
#[test]
fn no_exemption_is_asked_for_without_agreement_or_where_the_customer_is_wanted() {
    let wishing =
        |wish: &str| ThreeDsRequest { data: members(&[("payment.challenge_indicator", wish)]), ..extended() };
    let wanted = CardCommand { three_ds: wishing("04"), ..sale(100) };
    let mut saved = sale(100);
    saved.request.save = true;
    let mut stored = sale(100);
    stored.request.stored =
        Some(Box::new(StoredCard { kind: StoredCard::REGISTERS_ONE_CLICK, scheme_id: None }));
    let with_cards = Settings { saved_cards: true, ..settings() };
    for (settings, command) in [
        (Settings::default(), sale(100)),
        (settings(), wanted),
        (with_cards, saved),
        (Settings { credential_storage: CredentialStorage::Merchant, ..settings() }, stored),
        (settings(), card_of(OperationKind::Sale, crate::fixtures::usd(100), Network::Visa)),
    ] {
        let world = asked(settings, command);
        assert_eq!((exemption(&world), world.status()), (None, PaymentStatus::AwaitingThreeDs));
    }
    let other_wish = asked(settings(), CardCommand { three_ds: wishing("02"), ..sale(100) });
    assert_eq!(exemption(&other_wish), Some(Exemption::LowValue));
    let mut unknown = World::new(settings(), 1_000_000);
    unknown.sale(100);
    assert_eq!(exemption(&unknown), None, "a card that takes no part needs none");
}

// G-188, G-195, G-206: what is not granted is made up for once, and that is not the second time of a cascade.
#[test]
fn an_issuer_that_does_not_grant_it_has_the_customer_authenticated() {
    const FAILED: Code = Code::new(10_100);
    let accounts = [4, 5].map(ProviderAccountId::new).to_vec();
    let routes = vec![RouteRule { accounts, ..RouteRule::default() }];
    let mut world = asked(Settings { routes, cascading_attempts: 2, ..settings() }, sale(100));
    world.outcome(demanded()).unwrap();
    assert_eq!((world.status(), exemption(&world)), (PaymentStatus::AwaitingThreeDs, None));
    let known = world.operation().detail.authentication.as_deref().unwrap();
    assert_eq!((known.step, known.again), (AuthenticationStep::DeviceData, None));
    let confirm = |world: &mut World| {
        world.follow(FollowUp::DeviceData { seen: true }).unwrap();
        assert!(world.authenticated(challenge()));
        world.notice(result('Y'));
        world.follow(FollowUp::Returned).unwrap();
    };
    confirm(&mut world);
    assert_eq!((world.attempt().id.number, world.attempt().account), (2, ProviderAccountId::new(4)));
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!((world.attempt().id.number, world.attempt().account), (3, ProviderAccountId::new(5)));
    world.outcome(demanded()).unwrap();
    let known = world.operation().detail.authentication.as_deref().unwrap();
    assert_eq!((world.status(), known.again), (PaymentStatus::AwaitingThreeDs, Some(true)));
    confirm(&mut world);
    world.outcome(approved(eur(100))).unwrap();
    assert_eq!((world.status(), world.attempts.len()), (PaymentStatus::Success, 4));
    // Asked for again at once, it is a decline.
    let mut again = asked(settings(), sale(100));
    again.outcome(demanded()).unwrap();
    confirm(&mut again);
    again.outcome(demanded()).unwrap();
    assert_eq!(again.operation().code, codes::AUTHENTICATION_DEMANDED);
}
