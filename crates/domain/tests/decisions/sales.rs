//! Rules of the one-step card sale.

use crate::{
    fixtures::{self, approved, declined, eur, fee, members, project, sale_of, usd},
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::{Expiry, Funding, Network},
    change::{ChangeSet, NameKind, TaskKey},
    codes::{self, Code},
    decide::{self, CardCommand},
    ledger::Owner,
    money::{Currency, FeeRule, Rounding},
    payment::{
        Addendum, OperationKind, OperationStatus, PaymentStatus, StoredCard,
        machine::{Event, PaymentEffect, transition},
    },
    project::{CredentialStorage, Limits, Project, Settings},
};
use rust_decimal::Decimal;

fn decided(project: &Project, command: CardCommand) -> ChangeSet {
    let mut world = World::rich();
    decide::card(project, command, decide::CardFacts::default(), world.draw(), world.now).unwrap()
}

/// What a sale is rejected with: code and field.
fn rejection(
    settings: Settings,
    vary: impl FnOnce(&mut CardCommand),
) -> Option<(Code, Option<&'static str>)> {
    rejection_of(&project(settings), vary)
}

fn rejection_of(
    project: &Project,
    vary: impl FnOnce(&mut CardCommand),
) -> Option<(Code, Option<&'static str>)> {
    let mut command = sale_of(eur(1000), Network::Visa);
    vary(&mut command);
    let changes = decided(project, command);
    let problems = &changes.request.as_ref().unwrap().problems;
    assert_eq!(problems.is_empty(), changes.payment.is_some());
    problems.first().map(|problem| (problem.code, problem.field))
}

// G-369, G-370, G-348, G-429: of a card of the Economic Area, or a token of one, the merchant names the operation that registered the series
#[test]
fn a_debit_of_a_merchants_series_names_its_registration_where_the_area_demands_it() {
    let asked = |country: &str, kind, scheme_id: Option<&str>, by_token| {
        let credential_storage = CredentialStorage::Merchant;
        let settings = Settings { credential_storage, network_tokens_allowed: true, ..Settings::default() };
        rejection(settings, |command| {
            command.request.token_data = by_token;
            command.card.country = Some(fixtures::country(country));
            let scheme_id = scheme_id.map(str::to_owned);
            command.request.stored = Some(Box::new(StoredCard { kind, scheme_id }));
        })
    };
    let with = |country: &str, kind, scheme_id| {
        let by_number = asked(country, kind, scheme_id, false);
        assert_eq!(asked(country, kind, scheme_id, true), by_number);
        by_number
    };
    for kind in [StoredCard::ONE_CLICK, StoredCard::AUTOPURCHASE, StoredCard::REGULAR] {
        let missing = Some((codes::REQUIRED_MISSING, Some("card.scheme_id")));
        assert_eq!(with("DE", kind, None), missing, "{kind}");
        assert_eq!(with("NO", kind, None), missing, "{kind}");
        assert_eq!(with("DE", kind, Some("MCS38A0790706")), None);
        assert_eq!(with("GB", kind, None), None);
    }
    for kind in
        [StoredCard::REGISTERS_ONE_CLICK, StoredCard::REGISTERS_AUTOPURCHASE, StoredCard::REGISTERS_REGULAR]
    {
        assert_eq!(with("DE", kind, None), None, "it is the registration");
    }
}

// G-015, G-149, T-045, P-144, U-270
#[test]
fn an_accepted_sale_makes_payment_operation_and_first_attempt_together() {
    let changes = decided(&project(Settings::default()), sale_of(eur(1000), Network::Visa));
    let row = transition(OperationKind::Sale, None, Event::Accepted).unwrap();
    let payment = changes.payment.as_ref().unwrap().payment();
    let operation = changes.operations[0].record();
    assert_eq!(row.payment, PaymentEffect::Becomes(payment.status));
    assert_eq!((row.to, operation.code), (operation.status, codes::AWAITING), "G-050");
    assert_eq!((payment.sum(), payment.open), (eur(1000), Some(operation.id)));
    let attempt = changes.attempts[0].record();
    assert_eq!(changes.tasks[0].key, TaskKey::Call(attempt.id));
    assert_eq!((changes.names[0].kind, changes.names[0].folded.as_str()), (NameKind::Payment, "order-7"));
    assert!(changes.events.is_empty() && changes.entries.is_empty(), "nobody is told, nothing is moved");
}

// M-001, T-065, P-152, U-271, G-159
#[test]
fn an_approved_sale_is_a_success_of_the_requested_amount() {
    let world = World::sold(1000, Network::Visa);
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!(
        (world.operation().status, world.operation().code),
        (OperationStatus::Success, codes::SUCCESS)
    );
    assert_eq!(world.merchant(), 1_001_000);
    assert_eq!(world.events.len(), 1);
}

// M-001, U-271, G-096
#[test]
fn a_sale_approved_in_part_is_a_success_of_that_part() {
    let mut world = World::rich();
    world.ask_for_a_part(OperationKind::Sale, 1000);
    world.outcome(approved(eur(600))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 600));
    assert_eq!((world.payment().requested, world.operation().amount), (1000, eur(600)));
    assert_eq!(world.provider(), -600);
    assert_eq!(world.refund(Some(601)), codes::REFUND_EXCEEDS, "G-282: the part is all there is");
}

// G-162: more than was asked, nothing, or another currency is no answer to this sale.
#[test]
fn a_sale_approved_for_an_impossible_amount_is_undone_and_never_counted() {
    for amount in [eur(1001), eur(0), eur(-1), usd(1000)] {
        let mut world = World::rich();
        world.sale(1000);
        world.outcome(approved(amount)).unwrap();
        assert_eq!((world.status(), world.payment().debited), (PaymentStatus::Processing, 0), "{amount}");
        assert!(world.has_task(TaskKey::Reverse(world.attempt().id)), "{amount}");
        assert_eq!(world.attempt().answer.as_ref().unwrap().result_code, "00", "kept as evidence");
        world.acknowledge(world.attempt().id).unwrap();
        assert_eq!((world.status(), world.provider()), (PaymentStatus::Decline, 0), "{amount}");
    }
}

// M-002, T-066, P-151, U-270, G-023
#[test]
fn a_declined_sale_declines_its_payment_and_keeps_the_requested_sum() {
    let mut world = World::rich();
    world.sale(1000);
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Decline, 1000));
    assert_eq!(world.operation().code, codes::CARD_GENERAL_DECLINE);
    assert_eq!((world.merchant(), world.events.len()), (1_000_000, 1));
}

// M-001: the sale's fee is posted with the sale.
#[test]
fn a_sales_fee_goes_from_merchant_to_platform_in_the_same_commit() {
    let mut world = World::new(Settings { sale_fee: fee(29, 30), ..Settings::default() }, 0);
    world.sale(1000);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.merchant(), world.balance(Owner::Fees(world.project.id))), (941, 59));
    assert_eq!(world.operation().detail.fee_minor, 59);
}

// A small approved part may be less than the fee: the merchant then gets nothing, but owes nothing either.
#[test]
fn a_fee_above_the_approved_part_takes_only_that_part() {
    let mut world = World::new(Settings { sale_fee: fee(0, 30), ..Settings::default() }, 0);
    world.ask_for_a_part(OperationKind::Sale, 1000);
    world.outcome(approved(eur(20))).unwrap();
    assert_eq!((world.merchant(), world.balance(Owner::Fees(world.project.id))), (0, 20));
}

// G-163 (3289)
#[test]
fn a_sale_that_does_not_bring_its_fee_is_refused() {
    let refused = Some((codes::BELOW_FIXED_FEE, Some("payment.amount")));
    let by = |sale_fee, minor| {
        rejection(Settings { sale_fee, ..Settings::default() }, |it| it.amount = eur(minor))
    };
    assert_eq!(by(fee(0, 30), 29), refused);
    assert_eq!(by(fee(0, 30), 30), None);
    assert_eq!(by(fee(100, 30), 30), refused, "33 are asked for");
    let boundless = FeeRule { rate: Decimal::MAX, fixed_minor: 0, rounding: Rounding::Up };
    assert_eq!(by(boundless, 1000), refused, "a fee out of range is not waived");
    assert_eq!(by(FeeRule { rate: Decimal::NEGATIVE_ONE, ..fee(0, 30) }, 29), refused, "a rebate is none");
}

// G-034, G-063, G-066, G-071 to G-073, G-154, G-254, G-525
#[test]
fn each_rule_of_a_sale_rejects_with_its_own_code_and_field() {
    let base = Settings::default;
    let right = |_: &mut CardCommand| {};
    assert_eq!(rejection(base(), right), None);
    let inactive = Project { active: false, ..project(base()) };
    assert_eq!(rejection_of(&inactive, right), Some((codes::MERCHANT_STATUS, None)));
    let off = Some((codes::NOT_ALLOWED, None));
    assert_eq!(rejection(Settings { card_sales_allowed: false, ..base() }, right), off);
    assert_eq!(rejection(Settings { card_data_allowed: false, ..base() }, right), off);
    let attested = |day: &str| Settings { card_data_until: day.parse().ok(), ..base() };
    assert_eq!(rejection(attested("2020-01-01"), right), off);
    assert_eq!(rejection(attested("2090-01-01"), right), None);
    let euro_only = || Settings { currencies: vec![Currency::parse("EUR").unwrap()], ..base() };
    assert_eq!(rejection(euro_only(), right), None);
    let currency = Some((codes::CURRENCY_DISABLED, Some("payment.currency")));
    assert_eq!(rejection(euro_only(), |it| it.amount = usd(1000)), currency);
    let no_customer = |it: &mut CardCommand| it.customer.id = None;
    assert_eq!(rejection(base(), no_customer), None);
    let customer = Some((codes::CUSTOMER_ID_REQUIRED, Some("customer.id")));
    assert_eq!(rejection(Settings { customer_id_required: true, ..base() }, no_customer), customer);
    let no_holder = |it: &mut CardCommand| it.card.holder = None;
    assert_eq!(rejection(base(), no_holder), None);
    let holder = Some((codes::HOLDER_REQUIRED, Some("card.card_holder")));
    assert_eq!(rejection(Settings { card_holder_required: true, ..base() }, no_holder), holder);
    let bad_holder = Some((codes::INVALID_HOLDER, Some("card.card_holder")));
    assert_eq!(rejection(base(), |it| it.card.holder = Some("JUDY".to_owned())), bad_holder);
    let expiry = |month| move |it: &mut CardCommand| it.card.expiry = Some(Expiry { year: 2026, month });
    assert_eq!(rejection(base(), expiry(11)), None);
    assert_eq!(rejection(base(), expiry(10)), Some((codes::CARD_EXPIRED, Some("card.year"))));
    let cvv = Some((codes::CVV_REQUIRED, Some("card.cvv")));
    assert_eq!(rejection(base(), |it| it.has_cvv = false), cvv);
    assert_eq!(rejection(base(), |it| (it.has_cvv, it.request.moto) = (false, Some(1))), None);
}

// G-071, G-078
#[test]
fn names_are_measured_and_kinds_of_coins_demanded_where_the_project_wants_it() {
    let named = |settings: Settings, name: &str| {
        let name = Some(name.to_owned());
        rejection(settings, |it| it.customer.last_name = name)
    };
    let measured = || Settings { customer_names_checked: true, ..Settings::default() };
    let wrong = Some((codes::INVALID_HOLDER, Some("customer.last_name")));
    assert_eq!((named(measured(), "O"), named(measured(), " ")), (wrong, wrong));
    assert_eq!((named(measured(), "Li"), named(Settings::default(), "O")), (None, None));

    let coins = || Settings { crypto_purchases: true, ..Settings::default() };
    let wrong = Some((codes::REQUIRED_MISSING, Some("payment.cryptocurrency_type")));
    let by = |network| move |it: &mut CardCommand| it.card.network = network;
    for network in [Network::Visa, Network::Mastercard, Network::Maestro] {
        assert_eq!(rejection(coins(), by(network)), wrong, "{network:?}");
    }
    assert_eq!(rejection(coins(), by(Network::AmericanExpress)), None);
    let told = |it: &mut CardCommand| it.given = members(&[("payment.cryptocurrency_type", "cbdc")]);
    assert_eq!(rejection(coins(), told), None);
    let project = project(coins());
    let handed_on = decide::demanded(&project, OperationKind::Sale);
    assert_eq!(handed_on.as_ref(), ["payment.cryptocurrency_type"]);
}

// G-163 (2642, 3358)
#[test]
fn a_sale_outside_the_limits_of_its_currency_is_refused() {
    let limits = Limits { smallest: Some(100), largest: Some(5000) };
    let by = |amount| {
        let sale_limits = [("EUR".to_owned(), limits)].into();
        rejection(Settings { sale_limits, ..Settings::default() }, |it| it.amount = amount)
    };
    let field = Some("payment.amount");
    assert_eq!(by(eur(99)), Some((codes::BELOW_LIMIT, field)));
    assert_eq!((by(eur(100)), by(eur(5000))), (None, None));
    assert_eq!(by(eur(5001)), Some((codes::ABOVE_LIMIT, field)));
    assert_eq!(by(usd(1)), None, "another currency has no limits");
}

// G-163: what the category may take at once, and what a prepaid card may pay
#[test]
fn a_sale_above_what_its_category_or_a_prepaid_card_allows_is_refused() {
    let most = |minor| [("USD".to_owned(), minor)].into();
    let by = |minor, funding| {
        let settings =
            Settings { category_most: most(2_500), prepaid_most: most(1_000), ..Settings::default() };
        rejection(settings, |it| {
            it.amount = usd(minor);
            it.card.funding = funding;
        })
    };
    let field = Some("payment.amount");
    assert_eq!(by(2_501, None), Some((codes::CATEGORY_AMOUNT, field)));
    assert_eq!(by(1_001, Some(Funding::Prepaid)), Some((codes::PREPAID_AMOUNT, field)));
    assert_eq!((by(2_500, Some(Funding::Credit)), by(1_000, Some(Funding::Prepaid))), (None, None));
    let settings = Settings { category_most: most(2_500), ..Settings::default() };
    assert_eq!(rejection(settings, |it| it.amount = eur(9_999)), None, "another currency has no such limit");
}

// G-265
#[test]
fn data_of_a_trip_goes_with_its_categories_and_networks() {
    let by = |category, network, addendum| {
        rejection(Settings { category, ..Settings::default() }, |it| {
            it.card.network = network;
            it.request.addendum = Some(addendum);
            it.has_booking_dates = true;
        })
    };
    let refused = Some((codes::NOT_ALLOWED, Some("addendum")));
    for (category, lodging, airlines) in [
        (None, None, None),
        (Some(3500), refused, refused),
        (Some(3501), None, refused),
        (Some(3999), None, refused),
        (Some(7011), None, refused),
        (Some(4511), refused, None),
        (Some(3000), refused, None),
        (Some(5942), refused, refused),
    ] {
        for network in [Network::Visa, Network::Mastercard] {
            let found = [Addendum::Lodging, Addendum::Airlines].map(|it| by(category, network, it));
            assert_eq!(found, [lodging, airlines], "{category:?} {network:?}");
        }
        assert_eq!(by(category, Network::AmericanExpress, Addendum::Lodging), refused);
    }
}

// G-155
#[test]
fn purchases_of_booked_services_must_say_from_when_to_when() {
    let by = |category, has_dates| {
        rejection(Settings { category: Some(category), ..Settings::default() }, |it| {
            it.has_booking_dates = has_dates;
        })
    };
    let missing = Some((codes::REQUIRED_MISSING, Some("booking_info.start_date")));
    for category in [3000, 3501, 3999, 4411, 4511, 4722, 5962, 6513, 7011, 7012, 7512, 7519, 7922] {
        assert_eq!((by(category, false), by(category, true)), (missing, None), "{category}");
    }
    for category in [2999, 4000, 5999] {
        assert_eq!(by(category, false), None, "{category}");
    }
}

// G-014, G-054, G-120
#[test]
fn a_rejected_sale_leaves_nothing_but_its_request_and_one_callback() {
    let mut command = sale_of(eur(1000), Network::Visa);
    command.has_cvv = false;
    let changes = decided(&project(Settings::default()), command);
    let request = changes.request.unwrap();
    assert_eq!((request.payment, request.operation, request.fingerprint), (None, None, None));
    assert!(changes.names.is_empty(), "the payment identifier stays free");
    assert!(changes.operations.is_empty() && changes.attempts.is_empty() && changes.tasks.is_empty());
    let [event] = changes.events.as_slice() else { panic!("one callback") };
    assert_eq!(event.number, 1);
    assert!(matches!(&event.content, Content::Rejected { errors, .. } if *errors == request.problems));
}

// G-084, G-120
#[test]
fn a_rejection_is_told_where_the_request_says() {
    let told = |vary: fn(&mut CardCommand)| {
        let mut command = sale_of(eur(1000), Network::Visa);
        command.has_cvv = false;
        vary(&mut command);
        decided(&project(Settings::default()), command).events[0].clone()
    };
    assert_eq!(told(|_| {}).addresses, ["https://shop.example/callback"]);
    assert!(told(|it| it.callback.disabled = true).addresses.is_empty());
    let own = told(|it| it.callback.url = Some("https://shop.example/own".to_owned()));
    assert_eq!(own.addresses, ["https://shop.example/own"]);
    let later = told(|it| it.callback.delay_seconds = 60).not_before.since(told(|_| {}).not_before);
    assert_eq!(later.as_secs(), 60, "G-085");
}

// G-289: what a later return has to name is kept: which attempt took the money, where, and when it was done.
#[test]
fn a_debit_remembers_which_attempt_took_the_money_and_when_it_was_approved() {
    let mut world = World::rich();
    world.sale(1000);
    world.advance(std::time::Duration::from_secs(5));
    world.outcome(approved(eur(1000))).unwrap();
    let debit = world.payment().detail.debit.clone().unwrap();
    assert_eq!(debit.at, world.now.business);
    assert_eq!((debit.attempt, debit.account), (world.attempt().id, world.project.card_account));
    assert_eq!(debit.network, Network::Visa);
}

/// Where the callback of a sale goes, by the options of its request and its outcome.
fn told(settings: Settings, vary: impl FnOnce(&mut CardCommand), success: bool) -> (Vec<String>, i64) {
    let mut world = World::rich();
    world.project.settings = settings;
    let mut command = sale_of(eur(1000), Network::Visa);
    vary(&mut command);
    let ids = world.draw();
    let facts = decide::CardFacts::default();
    let changes = decide::card(&world.project, command, facts, ids, world.now).unwrap();
    world.apply(changes);
    let outcome = if success { approved(eur(1000)) } else { declined(codes::CARD_GENERAL_DECLINE) };
    world.outcome(outcome).unwrap();
    let event = &world.events[0];
    (event.addresses.clone(), event.not_before.seconds() - world.now.business.seconds())
}

// G-082, G-083, G-084, G-085
#[test]
fn a_callback_goes_to_the_closest_address_after_the_asked_delay_or_nowhere() {
    let url = |name: &str| Some(format!("https://shop.example/{name}"));
    let general = || Settings { callback_url: url("all"), ..Settings::default() };
    let by_result =
        || Settings { callback_url_success: url("yes"), callback_url_decline: url("no"), ..general() };
    let right = |_: &mut CardCommand| {};
    assert_eq!(told(general(), right, true).0, [url("all").unwrap()]);
    assert_eq!(told(by_result(), right, true).0, [url("yes").unwrap()]);
    assert_eq!(told(by_result(), right, false).0, [url("no").unwrap()]);
    let own = |it: &mut CardCommand| it.callback.url = url("own");
    assert_eq!(told(by_result(), own, true).0, [url("own").unwrap()]);
    assert_eq!(told(Settings::default(), right, true).0, Vec::<String>::new());
    assert_eq!(told(by_result(), |it| it.callback.disabled = true, true).0, Vec::<String>::new());
    assert_eq!(told(general(), |it| it.callback.delay_seconds = 600, true).1, 600);
    assert_eq!(told(general(), right, true).1, 0);
}
