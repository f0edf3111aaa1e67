//! Rules of payouts to cards: who may be paid, what is held, and what becomes of refusals that may pass.

use crate::{
    fixtures::{
        GIVEN_UP, NOT_SENT, REPEATED, approved, country, declined, eur, fee, members, payout_of, project, usd,
    },
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::{Expiry, Funding, Network},
    change::{NameKind, TaskKey},
    codes::{self, Code},
    decide::{self, PayoutCommand, PayoutFacts, RiskFacts},
    ledger::Owner,
    money::Currency,
    payment::{
        Ask, AttemptStatus, OperationKind, OperationStatus, PaymentKind, PaymentStatus, machine::Event,
    },
    project::{Limits, PayoutRules, Project, Settings},
    risk::TransferLimits,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// A merchant whose payouts are tried again twice.
fn persistent() -> World {
    World::new(Settings { payout_retries: 2, ..Settings::default() }, 1_000_000)
}

/// The code of the operation a payout of 1000 makes; what it is rejected with when none comes into being.
fn paid(settings: Settings, network: Network, vary: impl FnOnce(&mut PayoutCommand)) -> Code {
    let mut world = World::new(settings, 1_000_000);
    let mut command = payout_of(eur(1000), network);
    vary(&mut command);
    world.payout_by(&command).expect("an operation")
}

fn rejection_of(
    project: &Project,
    vary: impl FnOnce(&mut PayoutCommand),
) -> Option<(Code, Option<&'static str>)> {
    let mut world = World::rich();
    let mut command = payout_of(eur(1000), Network::Visa);
    vary(&mut command);
    let changes = decide::payout(project, command, &PayoutFacts::default(), world.draw(), world.now).unwrap();
    let problems = &changes.request.as_ref().unwrap().problems;
    assert_eq!(problems.is_empty(), changes.payment.is_some());
    problems.first().map(|problem| (problem.code, problem.field))
}

// G-310, T-103, P-194: a payout needs no expiry (G-312).
#[test]
fn an_accepted_payout_holds_amount_and_fee_and_asks_the_provider_for_a_credit() {
    let mut world = World::new(Settings { payout_fee: fee(10, 25), ..Settings::default() }, 2000);
    let (ids, command) = (world.draw(), payout_of(eur(1000), Network::Visa));
    let mut changes =
        decide::payout(&world.project, command, &PayoutFacts::default(), ids, world.now).unwrap();
    assert_eq!((changes.names[0].kind, changes.names[0].folded.as_str()), (NameKind::Payment, "order-7"));
    assert!(changes.events.is_empty() && changes.entries.is_empty(), "nobody is told, nothing is moved");
    assert_eq!(changes.holds[0].minor, 1035);
    changes.walked.retain(|step| step.row.event == Event::Accepted);
    assert_eq!(changes.walked[0].row.id, "T-103");
    assert_eq!(world.payout(1000), codes::AWAITING);
    let (payment, operation, attempt) = world.scene(world.attempt().id);
    assert_eq!(
        (payment.kind, payment.status, payment.sum()),
        (PaymentKind::Payout, PaymentStatus::Processing, eur(1000))
    );
    assert_eq!((operation.kind, operation.code), (OperationKind::Payout, codes::AWAITING));
    assert_eq!(
        (attempt.ask, attempt.amount, attempt.status),
        (Ask::Payout, eur(1000), AttemptStatus::Created)
    );
}

// M-033, T-110, P-198, G-323
#[test]
fn a_credited_payout_is_paid_by_the_merchant_together_with_its_fee() {
    let mut world = World::new(Settings { payout_fee: fee(10, 25), ..Settings::default() }, 2000);
    world.payout(1000);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!(
        (world.operation().status, world.operation().code),
        (OperationStatus::Success, codes::SUCCESS)
    );
    assert_eq!((world.merchant(), world.provider()), (965, 1000));
    assert_eq!(world.balance(Owner::Fees(world.project.id)), 35);
    assert_eq!(world.events.len(), 1);
    assert_eq!(world.refund(None), codes::WRONG_STATE, "a payout is not refunded");
}

// M-034, T-111, P-197
#[test]
fn a_refused_payout_gives_back_what_was_held() {
    let mut world = World::new(Settings { payout_fee: fee(10, 25), ..Settings::default() }, 2000);
    world.payout(1000);
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Decline, 1000));
    assert_eq!((world.merchant(), world.holds.len(), world.events.len()), (2000, 0, 1));
    assert_eq!(world.operation().code, codes::CARD_GENERAL_DECLINE);
}

// G-327, T-109, D-099
#[test]
fn a_payout_beyond_the_balance_is_declined_at_once_and_never_sent() {
    let mut world = World::new(Settings { payout_fee: fee(0, 1), ..Settings::default() }, 1000);
    assert_eq!(world.payout(1000), codes::MERCHANT_BALANCE, "amount and fee");
    assert_eq!((world.status(), world.attempts.len(), world.events.len()), (PaymentStatus::Decline, 0, 1));
    let mut world = World::new(Settings::default(), 1000);
    assert_eq!(world.payout(1000), codes::AWAITING, "to the last cent");
    let credit = [("EUR".to_owned(), 500)].into();
    let mut world = World::new(Settings { credit, ..Settings::default() }, 1000);
    assert_eq!(world.payout(1500), codes::AWAITING, "down to the agreed credit");
}

// G-325 (3104), T-109
#[test]
fn a_payout_outside_the_limits_of_its_currency_is_declined() {
    let by = |minor| {
        let limits = Limits { smallest: Some(100), largest: Some(5000) };
        let payout_limits = [("EUR".to_owned(), limits)].into();
        paid(Settings { payout_limits, ..Settings::default() }, Network::Visa, |it| it.amount = eur(minor))
    };
    assert_eq!((by(99), by(5001)), (codes::PAYOUT_AMOUNT, codes::PAYOUT_AMOUNT));
    assert_eq!((by(100), by(5000)), (codes::AWAITING, codes::AWAITING));
}

// G-325
#[test]
fn cards_of_some_kinds_may_be_paid_out_nothing() {
    let by = |funding| {
        let settings = Settings { payout_forbidden_funding: vec![Funding::Credit], ..Settings::default() };
        paid(settings, Network::Visa, |it| it.card.funding = funding)
    };
    assert_eq!(by(Some(Funding::Credit)), codes::PAYOUT_CARD_TYPE);
    assert_eq!((by(Some(Funding::Debit)), by(None)), (codes::AWAITING, codes::AWAITING));
}

// G-328
#[test]
fn a_payout_is_by_a_method_that_is_set_up_and_of_a_category_that_may_pay_out_winnings() {
    let rules =
        |payout_rules: PayoutRules, category| Settings { payout_rules, category, ..Settings::default() };
    let by = |settings| paid(settings, Network::Visa, |_| {});
    let only = |code: &str| PayoutRules { methods: vec![code.to_owned()], ..PayoutRules::default() };
    assert_eq!(by(rules(only("skrill"), None)), codes::PAYOUT_METHOD);
    assert_eq!(by(rules(only("card"), None)), codes::AWAITING);
    let winnings = || PayoutRules { winnings: true, ..PayoutRules::default() };
    assert_eq!(by(rules(winnings(), Some(5942))), codes::WINNINGS_CATEGORY);
    assert_eq!(by(rules(winnings(), None)), codes::WINNINGS_CATEGORY);
    assert_eq!(by(rules(winnings(), Some(7995))), codes::AWAITING);
    assert_eq!(by(rules(PayoutRules::default(), Some(5942))), codes::AWAITING);
}

// G-326
#[test]
fn a_payout_above_a_limit_of_its_network_is_declined_with_the_limits_code() {
    let settings = || Settings {
        transfer_limits: TransferLimits { codes: vec![Code::new(3410)], ..TransferLimits::default() },
        ..Settings::default()
    };
    let by = |amount, network, rate: Option<&str>| {
        let mut world = World::new(settings(), 100_000_000);
        let command = PayoutCommand { amount, ..payout_of(amount, network) };
        let rate = rate.map(|rate| Box::new(rate.parse().unwrap()));
        let risk = RiskFacts { rate, ..RiskFacts::default() };
        let facts = PayoutFacts { risk, ..PayoutFacts::default() };
        let ids = world.draw();
        let changes = decide::payout(&world.project, command, &facts, ids, world.now).unwrap();
        changes.operations[0].record().code
    };
    let limit = Code::new(3410);
    assert_eq!(by(usd(250_000), Network::Mastercard, None), codes::AWAITING);
    assert_eq!(by(usd(250_001), Network::Mastercard, None), limit);
    assert_eq!(by(usd(250_001), Network::Visa, None), codes::AWAITING);
    assert_eq!(by(eur(200_000), Network::Mastercard, Some("1.25")), codes::AWAITING);
    assert_eq!(by(eur(200_001), Network::Mastercard, Some("1.25")), limit);
    assert_eq!(by(eur(100), Network::Mastercard, None), limit, "what cannot be compared is too much");
}

// G-314
#[test]
fn names_of_the_recipient_are_in_letters_of_the_network_and_may_have_a_middle_one() {
    let with = |payout_rules: PayoutRules| Settings { payout_rules, ..Settings::default() };
    let letters = || with(PayoutRules { letters: true, ..PayoutRules::default() });
    let named = |network, name: &str| {
        let name = Some(name.to_owned());
        paid(letters(), network, |it| it.customer.first_name = name)
    };
    for (network, name, expected) in [
        (Network::Visa, "Anna-Maria d'Arc Jr.", codes::AWAITING),
        (Network::Visa, "J\u{fc}rgen", codes::INVALID_HOLDER),
        (Network::Visa, "\u{674e}", codes::INVALID_HOLDER),
        (Network::UnionPay, "Judy", codes::INVALID_HOLDER),
    ] {
        assert_eq!(named(network, name), expected, "{network:?} {name}");
    }
    let chinese = paid(letters(), Network::UnionPay, |it| {
        it.customer.first_name = Some("\u{5c0f}\u{9f99}".to_owned());
        it.customer.last_name = Some("\u{674e}".to_owned());
    });
    assert_eq!(chinese, codes::AWAITING);
    let mut world = World::new(with(PayoutRules { middle_name: true, ..PayoutRules::default() }), 1_000_000);
    world.payout_by(&payout_of(eur(1000), Network::Visa));
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    assert_eq!(world.operation().detail.wait.as_ref().unwrap().missing, ["customer.middle_name"]);
    world.clarify(&[("customer.middle_name", "Ann")]).unwrap();
    assert_eq!(world.status(), PaymentStatus::Processing);
    assert_eq!(world.payment().detail.customer.middle_name.as_deref(), Some("Ann"));
    let both = PayoutRules { middle_name: true, letters: true, ..PayoutRules::default() };
    for (answer, expected) in [("Ann", codes::AWAITING), ("\u{c4}nne", codes::INVALID_HOLDER)] {
        let mut world = World::new(with(both.clone()), 1_000_000);
        world.payout_by(&payout_of(eur(1000), Network::Visa));
        world.clarify(&[("customer.middle_name", answer)]).unwrap();
        assert_eq!(world.operation().code, expected, "{answer}");
        assert_eq!(world.holds.is_empty(), expected != codes::AWAITING, "what was held is free again");
    }
    let full = paid(with(PayoutRules { middle_name: true, ..PayoutRules::default() }), Network::Visa, |it| {
        it.customer.middle_name = Some("Ann".to_owned());
    });
    assert_eq!(full, codes::AWAITING);
}

// G-073
#[test]
fn a_project_may_demand_when_the_card_of_a_payout_expires() {
    let rules = PayoutRules { expiry: true, ..PayoutRules::default() };
    let project = project(Settings { payout_rules: rules, ..Settings::default() });
    assert_eq!(rejection_of(&project, |_| {}), Some((codes::EXPIRY_REQUIRED, Some("card.year"))));
    let stated = |it: &mut PayoutCommand| it.card.expiry = Some(Expiry { year: 2031, month: 5 });
    assert_eq!(rejection_of(&project, stated), None);
}

// G-313
#[test]
fn payouts_go_to_cards_of_the_documented_networks() {
    for network in Network::ALL {
        let expected = if *network == Network::Other { codes::CARD_NOT_ALLOWED } else { codes::AWAITING };
        assert_eq!(paid(Settings::default(), *network, |_| {}), expected, "{network:?}");
    }
}

// G-034, G-066, G-120, G-312, G-525
#[test]
fn what_makes_a_payout_impossible_is_told_before_an_operation_exists() {
    let by = |settings| rejection_of(&project(settings), |_| {});
    let base = Settings::default;
    assert_eq!(by(base()), None);
    let off = Some((codes::NOT_ALLOWED, None));
    assert_eq!(by(Settings { card_payouts_allowed: false, ..base() }), off);
    assert_eq!(by(Settings { card_data_allowed: false, ..base() }), off);
    assert_eq!(by(Settings { card_data_until: "2020-01-01".parse().ok(), ..base() }), off);
    let inactive = Project { active: false, ..project(base()) };
    assert_eq!(rejection_of(&inactive, |_| {}), Some((codes::MERCHANT_STATUS, None)));
    let euro_only = project(Settings { currencies: vec![Currency::parse("EUR").unwrap()], ..base() });
    let currency = Some((codes::CURRENCY_DISABLED, Some("payment.currency")));
    assert_eq!(rejection_of(&euro_only, |it| it.amount = usd(1000)), currency);
    let expiry = |month| move |it: &mut PayoutCommand| it.card.expiry = Some(Expiry { year: 2026, month });
    assert_eq!(rejection_of(&project(base()), expiry(11)), None);
    assert_eq!(rejection_of(&project(base()), expiry(10)), Some((codes::CARD_EXPIRED, Some("card.year"))));
}

// G-314, G-321, T-107, T-108, P-195
#[test]
fn names_of_the_recipient_that_are_missing_are_asked_for() {
    let mut world = World::rich();
    let mut command = payout_of(eur(1000), Network::Visa);
    command.customer.first_name = None;
    command.customer.last_name = Some(" ".to_owned());
    assert_eq!(world.payout_by(&command), Some(codes::AWAITING));
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    assert_eq!(
        world.operation().detail.wait.as_ref().unwrap().missing,
        ["customer.first_name", "customer.last_name"]
    );
    assert_eq!(world.holds.len(), 1, "the money stays held while the names are waited for");
    world.clarify(&[("customer.first_name", "Judy")]).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    world.clarify(&[("customer.last_name", "Doe")]).unwrap();
    assert_eq!((world.status(), world.attempt().ask), (PaymentStatus::Processing, Ask::Payout));
    assert_eq!(world.payment().detail.customer.first_name.as_deref(), Some("Judy"));
    let told: Vec<_> = world.events.iter().map(|it| it.number).collect();
    assert_eq!(told, [1, 2], "each time something is missing");
}

// T-108
#[test]
fn a_payout_whose_names_never_come_is_declined_and_its_money_given_back() {
    let mut world = World::rich();
    let mut command = payout_of(eur(1000), Network::Visa);
    command.customer.first_name = None;
    world.payout_by(&command);
    world.advance(Duration::from_mins(30));
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::NEED_CLARIFICATION));
    assert_eq!((world.merchant(), world.holds.len()), (1_000_000, 0));
}

// G-314, G-320: cards issued in Russia need no names; where nothing is asked for, missing ones are the end.
#[test]
fn whose_names_are_needed_depends_on_the_card_and_the_project() {
    let nameless = |it: &mut PayoutCommand| it.customer.last_name = None;
    let silent = || Settings { clarification_allowed: false, ..Settings::default() };
    assert_eq!(paid(silent(), Network::Visa, nameless), codes::TRANSFER_DATA_MISSING);
    assert_eq!(paid(silent(), Network::Visa, |_| {}), codes::AWAITING);
    let russian = |it: &mut PayoutCommand| {
        nameless(it);
        it.card.country = Some(country("RU"));
    };
    assert_eq!(paid(silent(), Network::Visa, russian), codes::AWAITING);
    let of_recipient = |it: &mut PayoutCommand| {
        nameless(it);
        it.given.insert("recipient.last_name".to_owned(), "Doe".to_owned());
    };
    assert_eq!(paid(silent(), Network::Visa, of_recipient), codes::AWAITING, "G-318");
    let unchecked = Settings { payout_data_required: false, ..silent() };
    assert_eq!(paid(unchecked, Network::Visa, nameless), codes::AWAITING);
}

// G-316, G-320
#[test]
fn visa_needs_the_senders_birth_day_and_in_canada_the_recipients_address() {
    let by = |country_code, pairs: &[(&str, &str)], from_person| {
        paid(Settings::default(), Network::Visa, |it| {
            it.card.country = Some(country(country_code));
            it.given = members(pairs);
            it.from_person = from_person;
        })
    };
    let (fine, short) = (codes::AWAITING, codes::TRANSFER_DATA_MISSING);
    let birth = ("sender.day_of_birth", "05-06-1981");
    assert_eq!((by("DE", &[], false), by("DE", &[birth], false)), (short, fine));
    let [land, city, address] =
        [("recipient.country", "CA"), ("recipient.city", "Ottawa"), ("recipient.address", "1 Elm")];
    let state = ("recipient.state", "ON");
    assert_eq!(by("CA", &[birth, land, city, address], false), short, "the state");
    assert_eq!(by("CA", &[birth, land, city, state], false), short, "the address");
    assert_eq!(by("CA", &[birth, land, city, address, state], false), fine);
    assert_eq!(by("CA", &[birth, ("recipient.country", "FR"), city, address], false), fine);
    let phone = ("sender.phone", "39999999999");
    assert_eq!(
        (by("BR", &[birth], true), by("BR", &[birth, phone], true), by("BR", &[birth], false)),
        (short, fine, fine)
    );
}

// G-317, G-318, G-320
#[test]
fn mastercard_needs_to_know_the_person_who_sends_and_takes_short_addresses() {
    let sender = [
        ("sender.first_name", "Jack"),
        ("sender.last_name", "Jackson"),
        ("sender.address", "Level st, 25"),
        ("sender.city", "Riga"),
        ("sender.zip", "1010"),
        ("sender.country", "LV"),
        ("sender.wallet_id", "W-1"),
    ];
    let by = |pairs: &[(&str, &str)], from_person| {
        paid(Settings::default(), Network::Mastercard, |it| {
            it.given = members(pairs);
            it.from_person = from_person;
        })
    };
    let (fine, short) = (codes::AWAITING, codes::TRANSFER_DATA_MISSING);
    assert_eq!((by(&[], false), by(&sender, true)), (fine, fine));
    for left_out in 0..sender.len() {
        let mut rest = sender.to_vec();
        rest.remove(left_out);
        assert_eq!(by(&rest, true), short, "{:?}", sender[left_out]);
    }
    let mut american = sender;
    american[5] = ("sender.country", "US");
    assert_eq!(by(&american, true), short, "the state");
    let by_card = paid(Settings::default(), Network::Mastercard, |it| {
        it.given = members(&sender[..6]);
        (it.from_person, it.has_sender_card) = (true, true);
    });
    assert_eq!(by_card, fine);
    let long = "x".repeat(51);
    assert_eq!(by(&[("customer.address", &long)], false), short);
    assert_eq!(by(&[("customer.address", &long[1..])], false), fine);
}

// G-118, G-335, G-336, D-09, T-112, T-113, P-196
#[test]
fn a_refusal_that_may_pass_is_tried_again_after_an_hour_and_told_once() {
    let mut world = persistent();
    world.payout(1000);
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    assert_eq!(
        (world.status(), world.operation().status),
        (PaymentStatus::AwaitingRetry, OperationStatus::AwaitingRetry)
    );
    assert_eq!((world.operation().code, world.holds.len()), (codes::AWAITING, 1), "the money stays held");
    assert_eq!(world.events.len(), 1);
    world.advance(HOUR.saturating_sub(Duration::from_secs(1)));
    assert!(!world.wait_ended(), "not before its time");
    world.advance(Duration::from_secs(1));
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.attempt().id.number), (PaymentStatus::Processing, 2));
    world.outcome(NOT_SENT).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingRetry, 1), "told once");
    world.advance(HOUR);
    assert!(world.wait_ended());
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::Success, 2));
    assert_eq!((world.merchant(), world.attempt().id.number), (999_000, 3));
    let Content::Operation { operation, .. } = &world.events[0].content else { panic!("about an operation") };
    assert_eq!(operation.status, OperationStatus::AwaitingRetry);
}

// G-335
#[test]
fn support_tries_a_payout_that_waits_again_at_once_and_no_other() {
    let mut world = persistent();
    world.payout(1000);
    assert_eq!(world.retry_payout(), Err(codes::WRONG_STATE), "it is on its way");
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    assert_eq!(world.retry_payout(), Ok(()));
    assert_eq!((world.status(), world.attempt().id.number), (PaymentStatus::Processing, 2));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.merchant()), (PaymentStatus::Success, 999_000));
    assert_eq!(world.retry_payout(), Err(codes::WRONG_STATE), "it is done");
}

// G-337, T-114
#[test]
fn when_the_tries_are_used_up_the_payout_is_declined_with_the_last_reason() {
    let mut world = persistent();
    world.payout(1000);
    for code in [314, 10_505, 20_101] {
        assert!(world.status() == PaymentStatus::Processing || world.wait_ended());
        world.outcome(declined(Code::new(code))).unwrap();
        world.advance(HOUR);
    }
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, Code::new(20_101)));
    assert_eq!((world.merchant(), world.holds.len(), world.attempts.len()), (1_000_000, 0, 3));
    assert!(world.rows.contains("T-114"));
    assert_eq!(world.events.len(), 2);
}

// G-336
#[test]
fn only_refusals_that_may_pass_are_tried_again() {
    let status = |code: u32| {
        let mut world = persistent();
        world.payout(1000);
        world.outcome(declined(Code::new(code))).unwrap();
        world.status()
    };
    let listed = [314, 601, 10_505, 10_602, 20_202, 20_602, 3450, 20_101, 10_000, 10_100, 20_000, 20_100];
    for code in (3317..=3322).chain(3335..=3340).chain(listed) {
        assert_eq!(status(code), PaymentStatus::AwaitingRetry, "{code}");
    }
    for code in [310, 3104, 3323, 3334, 10_101, 10_105, 20_102] {
        assert_eq!(status(code), PaymentStatus::Decline, "{code}");
    }
}

// G-335: payouts accepted before retries were switched on are not retried, and those accepted before they were switched
// off are.
#[test]
fn whether_a_payout_is_tried_again_is_settled_when_it_is_accepted() {
    for (before, after, expected) in [
        (0, 12, PaymentStatus::Decline),
        (12, 0, PaymentStatus::AwaitingRetry),
        (0, 0, PaymentStatus::Decline),
    ] {
        let mut world = World::new(Settings { payout_retries: before, ..Settings::default() }, 1_000_000);
        world.payout(1000);
        world.project.settings.payout_retries = after;
        world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
        assert_eq!(world.status(), expected, "{before} {after}");
    }
}

// D-09: the one callback about waiting for a retry is switchable.
#[test]
fn that_a_payout_waits_for_its_next_try_may_be_kept_quiet() {
    let mut world = persistent();
    world.project.settings.payout_retry_callbacks = false;
    world.payout(1000);
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingRetry, 0));
    let mut world = persistent();
    let mut command = payout_of(eur(1000), Network::Visa);
    command.callback.disabled = true;
    world.payout_by(&command).unwrap();
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    assert_eq!((world.events.len(), world.events[0].addresses.len()), (1, 0), "G-084");
}

// Somebody would be paid twice: time settles nothing, and a lost answer is found by asking again.
#[test]
fn an_unknown_payout_is_never_declined_by_time() {
    let mut world = World::rich();
    world.payout(1000);
    world.outcome(REPEATED).unwrap();
    let attempt = world.attempt().id;
    world.advance(Duration::from_hours(24 * 30));
    assert!(!world.threshold(attempt).unwrap());
    assert!(world.forgotten_by_provider(attempt), "an operator is told");
    assert_eq!((world.status(), world.attempt().status), (PaymentStatus::Processing, AttemptStatus::Unknown));
    let task = &world.tasks[&format!("{:?}", TaskKey::Call(attempt))];
    assert_eq!(task.due.since(world.now.real), Duration::from_hours(24), "once a day");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.merchant()), (PaymentStatus::Success, 999_000));
}

// What a provider says it paid after the payout was declined waits in suspense, each try on its own.
#[test]
fn credits_that_come_to_light_too_late_never_revive_a_payout() {
    let mut world = persistent();
    world.payout(1000);
    let mut attempts = Vec::new();
    for _ in 0..3 {
        attempts.push(world.attempt().id);
        world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
        world.advance(HOUR);
        world.wait_ended();
    }
    assert_eq!(world.status(), PaymentStatus::Decline);
    for attempt in &attempts {
        assert!(world.late(*attempt, eur(1000)).unwrap());
    }
    assert_eq!(
        (world.status(), world.suspense(), world.merchant()),
        (PaymentStatus::Decline, -3000, 1_000_000)
    );
    for attempt in attempts {
        world.acknowledge(attempt).unwrap();
    }
    assert_eq!((world.suspense(), world.provider()), (0, 0));
}

// The customer would be paid twice if what becomes of an earlier try were taken for the outcome of a later one.
#[test]
fn the_end_of_an_earlier_try_says_nothing_of_the_one_under_way() {
    let mut world = persistent();
    world.payout(1000);
    let first = world.attempt().id;
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    assert!(world.late(first, eur(1000)).unwrap());
    world.acknowledge(first).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingRetry);
    world.advance(HOUR);
    assert!(world.wait_ended());
    assert!(world.late(first, eur(1000)).unwrap());
    world.acknowledge(first).unwrap();
    assert_eq!((world.status(), world.attempt().status), (PaymentStatus::Processing, AttemptStatus::Created));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.merchant(), world.suspense()), (PaymentStatus::Success, 999_000, 0));
}

#[test]
fn a_payout_that_was_given_up_and_undone_is_declined() {
    let mut world = World::rich();
    world.payout(1000);
    world.outcome(GIVEN_UP).unwrap();
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!((world.status(), world.merchant(), world.holds.len()), (PaymentStatus::Decline, 1_000_000, 0));
}
