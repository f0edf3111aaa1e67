//! Data that is missing: what the channel demands, the cardholder's address, and the payer of a debt.

use crate::{
    fixtures::{approved, card_of, country, eur, extended, members, refund_of, sale_of},
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::{Funding, Network},
    codes::{self, Code},
    decide::{self, CardCommand, FollowUp, NotWaiting},
    money::Currency,
    payment::{Avs, OperationKind, OperationStatus, PaymentStatus},
    project::{AvsMode, Settings},
};
use std::time::Duration;

const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const ALMOST: Duration = Duration::from_micros(30 * 60_000_000 - 1);
const EMAIL: (&str, &str) = ("customer.email", "a@shop.example");
const CITY: (&str, &str) = ("customer.billing.city", "Riga");

fn demanding(kind: &str) -> Settings {
    let demanded = [EMAIL.0, CITY.0, "payment.description"].map(str::to_owned).to_vec();
    Settings { required_data: [(kind.to_owned(), demanded)].into(), ..Settings::default() }
}

fn asked(settings: Settings, vary: impl FnOnce(&mut CardCommand)) -> World {
    let mut world = World::new(settings, 1_000_000);
    let mut command = sale_of(eur(1000), world.network);
    vary(&mut command);
    assert!(world.card(command));
    world
}

fn missing(world: &World) -> Vec<&str> {
    let wait = world.operation().detail.wait.as_ref();
    wait.map_or(Vec::new(), |wait| wait.missing.iter().map(String::as_str).collect())
}

fn goes_on(world: &World) -> bool {
    world.status() == PaymentStatus::Processing && world.attempts.len() == 1
}

fn declined_with(world: &World, code: Code) -> bool {
    world.status() == PaymentStatus::Decline && world.operation().code == code && world.attempts.is_empty()
}

// G-121, G-217, G-218, P-149, T-060
#[test]
fn missing_data_is_asked_for_before_anything_else() {
    let world = asked(demanding("sale"), |_| {});
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    assert_eq!(world.operation().status, OperationStatus::AwaitingClarification);
    assert_eq!(missing(&world), [EMAIL.0, CITY.0], "for cards only customer and address can be asked for");
    assert!(world.attempts.is_empty());
    let Content::Operation { operation, .. } = &world.events[0].content else { panic!("an operation") };
    assert_eq!(operation.code, codes::AWAITING);
    assert_eq!(operation.detail.wait.as_ref().unwrap().missing.len(), 2, "told with what is missing");
}

// G-226, G-227
#[test]
fn who_sends_everything_is_never_asked() {
    assert!(goes_on(&asked(demanding("sale"), |it| it.given = members(&[EMAIL, CITY]))));
    let empty = asked(demanding("sale"), |it| it.given = members(&[EMAIL, (CITY.0, " ")]));
    assert_eq!(missing(&empty), [CITY.0], "an empty value is none");
    assert!(goes_on(&asked(demanding("auth"), |_| {})), "each type of operation has demands of its own");
}

// What the engine has to look for in a request.
#[test]
fn the_members_demanded_are_those_of_the_projects_rules() {
    let project = crate::fixtures::project(demanding("sale"));
    let demanded = |kind| decide::demanded(&project, kind).into_owned();
    assert_eq!(demanded(OperationKind::Sale).len(), 3);
    assert!(demanded(OperationKind::Auth).is_empty() && demanded(OperationKind::Incremental).is_empty());
    let indebted = crate::fixtures::project(Settings { debt_repayment: true, ..demanding("sale") });
    let demanded = decide::demanded(&indebted, OperationKind::Sale).into_owned();
    assert!(demanded.len() == 5 && demanded.contains(&"customer.zip".to_owned()));
    assert!(decide::demanded(&indebted, OperationKind::Refund).is_empty());
}

// G-220, G-224, T-061
#[test]
fn complete_data_lets_the_payment_go_on_and_is_kept() {
    let mut world = asked(demanding("sale"), |_| {});
    world.clarify(&[EMAIL, CITY, ("customer.phone", "371")]).unwrap();
    assert!(goes_on(&world) && world.operation().detail.wait.is_none());
    assert_eq!(world.payment().detail.supplied, members(&[EMAIL, CITY]), "nobody asked for the phone");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::Success, 2));
}

// G-221, T-062
#[test]
fn partial_data_is_kept_and_the_rest_is_asked_for_again() {
    let mut world = asked(demanding("sale"), |_| {});
    for values in [&[][..], &[(EMAIL.0, "  ")]] {
        world.clarify(values).unwrap();
        assert_eq!(missing(&world), [EMAIL.0, CITY.0]);
    }
    world.clarify(&[CITY]).unwrap();
    assert_eq!((missing(&world), world.events.len()), (vec![EMAIL.0], 4));
    world.clarify(&[EMAIL]).unwrap();
    assert!(goes_on(&world));
    assert_eq!(world.payment().detail.supplied, members(&[EMAIL, CITY]));
}

// G-222, G-225, D-18, T-063, W-289
#[test]
fn each_clarification_restarts_the_half_hour_even_an_empty_one() {
    let mut world = asked(demanding("sale"), |_| {});
    for _ in 0..3 {
        world.advance(ALMOST);
        assert!(!world.wait_ended());
        world.clarify(&[]).unwrap();
    }
    world.advance(HALF_AN_HOUR);
    assert!(world.wait_ended());
    assert!(declined_with(&world, codes::NEED_CLARIFICATION));
    assert_eq!(world.clarify(&[EMAIL, CITY]), Err(NotWaiting));
}

// G-223, D-18
#[test]
fn clarification_does_not_outlast_the_methods_threshold() {
    let mut world = asked(Settings { card_threshold_seconds: 2400, ..demanding("sale") }, |_| {});
    world.advance(Duration::from_mins(20));
    world.clarify(&[]).unwrap();
    world.advance(Duration::from_mins(20));
    assert!(world.wait_ended());
    assert!(declined_with(&world, codes::AUTO_DECLINE));
}

// G-225
#[test]
fn where_nobody_can_be_asked_missing_data_is_a_decline() {
    let settings = Settings { clarification_allowed: false, ..demanding("sale") };
    assert!(declined_with(&asked(settings, |_| {}), codes::NEED_CLARIFICATION));
}

// Data first, then the customer's authentication.
#[test]
fn authentication_begins_when_the_data_is_complete() {
    let mut world = World::new(demanding("sale"), 0).enrolled(true);
    let mut command = sale_of(eur(1000), Network::Visa);
    command.three_ds = extended();
    world.card(command);
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    assert_eq!(world.follow(FollowUp::DeviceData { seen: true }), Err(NotWaiting));
    let fresh = ferropay_domain::ids::AuthenticationId::of(world.operation().id, [5; 16]);
    world.range.as_mut().unwrap().id = fresh;
    world.clarify(&[EMAIL, CITY]).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingThreeDs, 2));
    assert_eq!(world.operation().detail.authentication.as_ref().unwrap().id, fresh);
}

// G-299, T-098, T-099
#[test]
fn a_return_may_wait_for_data_with_its_amount_put_aside() {
    let waiting = || {
        let mut world = World::sold(1000, Network::Visa);
        world.advance(Duration::from_hours(24));
        world.project.settings.required_data = demanding("refund").required_data;
        assert_eq!(world.refund(Some(400)), codes::AWAITING);
        assert_eq!(missing(&world), [EMAIL.0, CITY.0]);
        assert_eq!(
            (world.status(), world.holds.len()),
            (PaymentStatus::Success, 1),
            "the payment does not wait"
        );
        world
    };
    let mut world = waiting();
    world.clarify(&[EMAIL, CITY]).unwrap();
    world.outcome(approved(eur(400))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::PartiallyRefunded, 600));
    let mut world = waiting();
    world.advance(HALF_AN_HOUR);
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.sum(), world.holds.len()), (PaymentStatus::Success, 1000, 0));
    assert_eq!(world.operation().code, codes::NEED_CLARIFICATION);
    let mut given = World::sold(1000, Network::Visa);
    given.advance(Duration::from_hours(24));
    given.project.settings.required_data = demanding("refund").required_data;
    let mut command = refund_of(Some(eur(400)));
    command.given = members(&[EMAIL, CITY]);
    given.refund_by(&command);
    assert_eq!(given.attempts.len(), 2);
}

fn address() -> Avs {
    Avs { post_code: "SW1W 0NY".to_owned(), street: "1 Eaton Square".to_owned() }
}

fn card(network: Network, code: &'static str) -> impl Fn(&mut CardCommand) {
    move |it| {
        it.card.network = network;
        it.card.country = Some(country(code));
    }
}

fn avs(mode: AvsMode) -> Settings {
    Settings { avs: mode, avs_required: true, ..Settings::default() }
}

const AVS: [&str; 2] = ["avs_data.avs_post_code", "avs_data.avs_street_address"];

// G-228, G-230, G-231, G-232: where the check is mandatory, and where it is merely possible.
#[test]
fn the_cardholders_address_is_demanded_by_network_and_country() {
    use Network::{AmericanExpress, Maestro, Mastercard, Visa};
    let mandatory = [(Visa, "GB"), (Mastercard, "GB"), (AmericanExpress, "US"), (AmericanExpress, "CA")];
    let possible = [
        (Visa, "US"),
        (Visa, "AU"),
        (Mastercard, "CA"),
        (Mastercard, "NZ"),
        (AmericanExpress, "GB"),
        (AmericanExpress, "DE"),
    ];
    let nowhere = [(Visa, "DE"), (Mastercard, "FR"), (Maestro, "GB"), (Maestro, "US")];
    for (network, code) in mandatory {
        assert!(declined_with(&asked(avs(AvsMode::Request), card(network, code)), codes::AVS_NOT_FOUND));
        assert_eq!(missing(&asked(avs(AvsMode::Clarification), card(network, code))), AVS);
    }
    for (network, code) in possible {
        assert!(goes_on(&asked(avs(AvsMode::Request), card(network, code))), "{network:?} {code}");
        assert_eq!(missing(&asked(avs(AvsMode::Clarification), card(network, code))), AVS);
    }
    for (network, code) in nowhere {
        for mode in [AvsMode::Request, AvsMode::Clarification] {
            assert!(goes_on(&asked(avs(mode), card(network, code))), "{network:?} {code}");
        }
    }
    for (network, code) in mandatory.into_iter().chain(possible) {
        assert!(goes_on(&asked(Settings::default(), card(network, code))), "off");
    }
}

// G-229, G-231, G-232
#[test]
fn an_address_goes_to_the_provider_only_where_it_is_checked() {
    let sent = |settings, network, avs: Option<Avs>| {
        let world = asked(settings, |it| {
            card(network, "US")(it);
            it.request.avs = avs;
        });
        let request = world.operation().detail.card.clone().unwrap_or_default();
        (request.avs, request.avs_required)
    };
    assert_eq!(sent(avs(AvsMode::Request), Network::Visa, Some(address())), (Some(address()), true));
    let lenient = Settings { avs_required: false, ..avs(AvsMode::Request) };
    assert_eq!(sent(lenient, Network::Visa, Some(address())), (Some(address()), false));
    assert_eq!(sent(Settings::default(), Network::Visa, Some(address())), (None, false));
    assert_eq!(sent(avs(AvsMode::Request), Network::Maestro, Some(address())), (None, false));
    let half = Some(Avs { street: " ".to_owned(), ..address() });
    assert_eq!(sent(avs(AvsMode::Request), Network::Visa, half), (None, false));
}

// G-230, G-231
#[test]
fn an_address_that_comes_by_clarification_is_checked_like_any_other() {
    let mut world = asked(avs(AvsMode::Clarification), card(Network::Visa, "GB"));
    world.clarify(&[(AVS[0], "SW1W 0NY")]).unwrap();
    assert_eq!(missing(&world), [AVS[1]]);
    world.clarify(&[(AVS[1], "1 Eaton Square")]).unwrap();
    assert!(goes_on(&world));
    let request = world.operation().detail.card.clone().unwrap();
    assert_eq!((request.avs, request.avs_required), (Some(address()), true));
}

/// A lender's payment with a card of this network, country and funding.
fn debt(merchant: &str, category: u16, vary: impl FnOnce(&mut CardCommand)) -> World {
    let settings = Settings {
        debt_repayment: true,
        category: Some(category),
        country: Some(country(merchant)),
        ..Settings::default()
    };
    asked(settings, |it| {
        it.request.debt_account = Some("897896541".to_owned());
        it.customer.first_name = Some("John".to_owned());
        it.customer.last_name = Some("Johnson".to_owned());
        it.given = members(&[("customer.day_of_birth", "12-05-1990"), ("customer.zip", "SW1W 0NY")]);
        vary(it);
    })
}

// G-247, G-251
#[test]
fn a_debt_is_repaid_only_by_merchants_and_cards_the_networks_allow() {
    use Funding::{Credit, Debit, Prepaid};
    use Network::{AmericanExpress, Mastercard, Visa};
    let of = |network, funding, from: &'static str| {
        move |it: &mut CardCommand| {
            card(network, from)(it);
            it.card.funding = Some(funding);
        }
    };
    for (merchant, category, network, funding, from, code) in [
        ("GB", 6012, Mastercard, Debit, "GB", None),
        ("GB", 6051, Mastercard, Debit, "GB", Some(codes::MERCHANT_SETTINGS)),
        ("GB", 6012, Mastercard, Credit, "GB", Some(codes::DEBT_CARD)),
        ("GB", 6012, Mastercard, Prepaid, "GB", Some(codes::DEBT_CARD)),
        ("GB", 6012, Mastercard, Credit, "DE", None),
        ("DE", 6051, Mastercard, Credit, "GB", None),
        ("GB", 6051, Visa, Debit, "GB", None),
        ("DE", 6012, Visa, Credit, "DE", Some(codes::DEBT_CARD)),
        ("DE", 6012, Visa, Prepaid, "DE", None),
        ("US", 5999, Visa, Debit, "US", Some(codes::MERCHANT_SETTINGS)),
        ("US", 6012, AmericanExpress, Debit, "US", Some(codes::DEBT_CARD)),
    ] {
        let world = debt(merchant, category, of(network, funding, from));
        let label = format!("{merchant} {category} {network:?} {funding:?} {from}");
        match code {
            None => assert!(goes_on(&world), "{label}: {}", world.operation().code),
            Some(code) => assert!(declined_with(&world, code), "{label}: {}", world.operation().code),
        }
    }
}

// G-248, G-249
#[test]
fn missing_data_on_the_payer_of_a_debt_is_asked_for() {
    let nameless = |network| {
        move |it: &mut CardCommand| {
            card(network, "FR")(it);
            it.customer.first_name = None;
            it.given.clear();
        }
    };
    let names = ["customer.first_name", "customer.day_of_birth"];
    let with_zip = ["customer.first_name", "customer.day_of_birth", "customer.zip"];
    assert_eq!(missing(&debt("GB", 6012, nameless(Network::Mastercard))), with_zip);
    assert_eq!(missing(&debt("GB", 6012, nameless(Network::Visa))), with_zip);
    assert_eq!(missing(&debt("DE", 6012, nameless(Network::Visa))), names);
    for (merchant, network) in [("DE", Network::Mastercard), ("US", Network::Visa)] {
        assert!(goes_on(&debt(merchant, 6012, nameless(network))), "{merchant}");
    }
    let mut world = debt("GB", 6012, nameless(Network::Visa));
    let values = [(with_zip[0], "John"), (with_zip[1], "12-05-1990"), (with_zip[2], "SW1W 0NY")];
    world.clarify(&values).unwrap();
    assert!(goes_on(&world));
    assert_eq!(world.payment().detail.customer.first_name.as_deref(), Some("John"));
    assert_eq!(world.payment().detail.supplied.len(), 4, "kept for whoever has to report it");
}

// G-249 (3490): the account of the debt cannot be asked for.
#[test]
fn a_debt_without_its_account_is_declined() {
    let without = |it: &mut CardCommand| it.request.debt_account = None;
    assert!(declined_with(&debt("GB", 6012, without), codes::DEBT_DATA_MISSING));
    assert!(goes_on(&debt("US", 6012, without)), "nobody asks for it there");
    let settings = Settings {
        debt_repayment: true,
        category: Some(6012),
        country: Some(country("GB")),
        clarification_allowed: false,
        ..Settings::default()
    };
    let world = asked(settings, |it| it.request.debt_account = Some("1".to_owned()));
    assert!(declined_with(&world, codes::DEBT_DATA_MISSING));
}

// G-249 (3001 to 3003)
#[test]
fn unusable_data_on_a_british_payer_is_declined_with_its_own_code() {
    let by = |merchant: &'static str, birth_day: &str, zip: &str, name: &str| {
        let (given, name) =
            (members(&[("customer.day_of_birth", birth_day), ("customer.zip", zip)]), name.to_owned());
        debt(merchant, 6012, move |it| {
            it.given = given;
            it.customer.last_name = Some(name);
        })
    };
    let right = ("12-05-1990", "SW1W 0NY", "Johnson");
    assert!(goes_on(&by("GB", right.0, right.1, right.2)));
    assert!(declined_with(&by("GB", "31-02-1990", right.1, right.2), codes::DEBTOR_BIRTH_DAY));
    assert!(declined_with(&by("GB", right.0, "?", right.2), codes::DEBTOR_POST_CODE));
    assert!(declined_with(&by("GB", right.0, right.1, "123"), codes::DEBTOR_SURNAME));
    assert!(goes_on(&by("DE", "31-02-1990", "?", "123")), "only merchants of the United Kingdom");
    let mut asked = debt("GB", 6012, |it| it.given.remove("customer.zip").map_or((), drop));
    asked.clarify(&[("customer.zip", "10115")]).unwrap();
    assert!(declined_with(&asked, codes::DEBTOR_POST_CODE), "what came by clarification, too");
}

// A verification may repay a debt's terms, too (G-247), but holds no address to be checked against.
#[test]
fn a_verification_is_never_asked_for_an_address() {
    let mut world =
        World::new(Settings { account_verification_allowed: true, ..avs(AvsMode::Clarification) }, 0);
    let mut command = card_of(OperationKind::AccountVerification, eur(0), Network::Visa);
    card(Network::Visa, "GB")(&mut command);
    world.card(command);
    assert!(goes_on(&world));
    assert_eq!(world.payment().currency, Currency::parse("EUR").unwrap());
}
