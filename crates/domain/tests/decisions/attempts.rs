//! A customer whose purchase failed tries again within the same payment, and pays at most once.

use crate::{
    fixtures::{
        GIVEN_UP, approved, card_of, declined, display, eur, method_of, pending, redirect, result, sale_of,
        usd, with_methods,
    },
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::TaskKey,
    codes::{self, Code},
    decide::Noticed,
    ids::CardKey,
    ledger::Owner,
    payment::{OperationKind, OperationStatus, PaymentStatus, Transfer},
    project::{CallbackRoute, Settings},
};
use std::{collections::BTreeMap, time::Duration};

/// The card has not enough on it.
const NO_FUNDS: Code = Code::new(10_105);
/// The issuer suspects fraud.
const FRAUD: Code = Code::new(10_405);

fn settings(attempts: u8) -> Settings {
    Settings { additional_attempts: attempts, ..Settings::default() }
}

/// A sale of 10.00 that has just failed with `code`, of which the customer has `attempts` more.
fn failed(attempts: u8, code: Code) -> World {
    let mut world = World::new(settings(attempts), 1_000_000);
    world.sale(1000);
    world.outcome(declined(code)).unwrap();
    world
}

fn again(world: &mut World) -> Result<(), Code> {
    world.again(sale_of(eur(1000), Network::Mastercard)).map_err(|why| why.code)
}

/// Status of the payment, status and code of the operation of the last callback.
fn told(world: &World) -> (PaymentStatus, OperationStatus, Code) {
    let Content::Operation { payment, operation, .. } = &world.events.last().unwrap().content else {
        panic!("about no operation")
    };
    (payment.status, operation.status, operation.code)
}

// G-512, G-127, G-029, G-157, T-067
#[test]
fn a_failed_purchase_waits_for_its_customer_where_the_project_has_attempts() {
    let world = failed(5, NO_FUNDS);
    let (customer, decline) = (PaymentStatus::AwaitingCustomer, OperationStatus::Decline);
    assert_eq!(told(&world), (customer, decline, NO_FUNDS));
    assert_eq!(world.payment().attempt_time(world.now.business), Some(Duration::from_mins(10)));
    let without = failed(0, NO_FUNDS);
    assert_eq!(told(&without), (PaymentStatus::Decline, decline, NO_FUNDS));
    assert_eq!(without.payment().detail.attempts, None);
}

// G-512, G-513, G-515
#[test]
fn another_attempt_is_another_operation_of_the_payment_and_may_succeed_with_another_card() {
    for (kind, done) in
        [(OperationKind::Sale, PaymentStatus::Success), (OperationKind::Auth, PaymentStatus::AwaitingCapture)]
    {
        let mut world = World::new(settings(5), 1_000_000);
        world.ask_for(kind, 1000);
        world.outcome(declined(NO_FUNDS)).unwrap();
        let first = world.operation().id;
        let mut command = card_of(kind, eur(1000), Network::Mastercard);
        command.card.key = CardKey::new(uuid::Uuid::from_u128(10));
        world.again(command).unwrap();
        assert_eq!((world.status(), world.operation().kind), (PaymentStatus::Processing, kind));
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!((world.status(), world.operations.len()), (done, 2));
        let last = world.operation().id;
        let network = |operation| world.payment().card_of(operation).unwrap().network;
        assert_eq!((network(first), network(last)), (Network::Visa, Network::Mastercard));
        assert_eq!(again(&mut world), Err(codes::PAYMENT_EXISTS), "it is paid");
    }
}

// G-513
#[test]
fn the_last_attempt_that_fails_declines_the_payment_with_its_own_reason() {
    let mut world = failed(2, NO_FUNDS);
    for left in [1, 0] {
        again(&mut world).unwrap();
        assert_eq!(world.payment().detail.attempts.as_deref().unwrap().left, left);
        world.outcome(declined(NO_FUNDS)).unwrap();
    }
    assert_eq!(told(&world), (PaymentStatus::Decline, OperationStatus::Decline, NO_FUNDS));
    assert_eq!((world.operations.len(), world.events.len()), (3, 3));
    assert_eq!(again(&mut world), Err(codes::PAYMENT_EXISTS));
}

// G-513: the time counts from the first failure, and its end is told as 603 by the operation that failed last.
#[test]
fn when_the_time_is_over_the_payment_is_declined() {
    let mut world = failed(5, NO_FUNDS);
    world.advance(Duration::from_mins(6));
    again(&mut world).unwrap();
    world.outcome(declined(NO_FUNDS)).unwrap();
    assert_eq!(world.payment().attempt_time(world.now.business), Some(Duration::from_mins(4)));
    world.advance(Duration::from_mins(4) - Duration::from_secs(1));
    assert!(!world.attempts_ended(), "not yet");
    world.advance(Duration::from_secs(1));
    assert_eq!(again(&mut world), Err(codes::PAYMENT_EXISTS), "the clock decides, not the timer");
    assert!(world.attempts_ended());
    assert_eq!(told(&world), (PaymentStatus::Decline, OperationStatus::Decline, codes::AUTO_DECLINE));
    assert_eq!(world.operation().code, NO_FUNDS, "the operation keeps its own reason");
    assert!(!world.attempts_ended());
}

// G-513: an attempt that began in time may end later; then it was the last.
#[test]
fn an_attempt_that_outlasts_the_time_ends_the_payment_either_way() {
    for succeeds in [true, false] {
        let mut world = failed(5, NO_FUNDS);
        again(&mut world).unwrap();
        world.advance(Duration::from_mins(11));
        assert!(!world.attempts_ended(), "one is under way");
        let (outcome, status) = if succeeds {
            (approved(eur(1000)), PaymentStatus::Success)
        } else {
            (declined(NO_FUNDS), PaymentStatus::Decline)
        };
        world.outcome(outcome).unwrap();
        assert_eq!(world.status(), status);
    }
}

// G-515
#[test]
fn another_attempt_is_for_the_same_operation_and_the_same_amount() {
    let mut world = failed(5, NO_FUNDS);
    let refused = [
        (card_of(OperationKind::Auth, eur(1000), Network::Visa), codes::WRONG_ATTEMPT),
        (card_of(OperationKind::AccountVerification, eur(0), Network::Visa), codes::WRONG_ATTEMPT),
        (sale_of(eur(999), Network::Visa), codes::WRONG_ATTEMPT_AMOUNT),
        (sale_of(usd(1000), Network::Visa), codes::WRONG_ATTEMPT_AMOUNT),
    ];
    for (command, code) in refused {
        assert_eq!(world.again(command).map_err(|why| why.code), Err(code));
    }
    assert_eq!((world.operations.len(), world.status()), (1, PaymentStatus::AwaitingCustomer));
    again(&mut world).unwrap();
    assert_eq!(again(&mut world), Err(codes::PAYMENT_EXISTS), "one at a time");
}

// G-512: risk control, an issuer that suspects fraud, and the customer have the last word.
#[test]
fn what_nobody_can_do_anything_about_is_not_tried_again() {
    let last_words = [
        FRAUD,
        codes::RISK_CARD,
        Code::new(3_199),
        codes::CANCELLED,
        codes::OPERATION_CANCELLED,
        codes::CUSTOMER_CANCELLED,
        codes::AUTO_DECLINE,
    ];
    for code in last_words {
        assert_eq!(failed(5, code).status(), PaymentStatus::Decline, "{code}");
    }
    for code in [NO_FUNDS, codes::CARD_GENERAL_DECLINE, codes::PROVIDER_UNAVAILABLE, codes::CARD_NOT_ALLOWED]
    {
        assert_eq!(failed(5, code).status(), PaymentStatus::AwaitingCustomer, "{code}");
    }
    let mut world = failed(5, NO_FUNDS);
    again(&mut world).unwrap();
    world.outcome(declined(FRAUD)).unwrap();
    assert_eq!(world.status(), PaymentStatus::Decline, "later attempts are judged alike");
    let mut verified = World::new(Settings { account_verification_allowed: true, ..settings(5) }, 1_000_000);
    verified.ask_for(OperationKind::AccountVerification, 0);
    verified.outcome(declined(NO_FUNDS)).unwrap();
    assert_eq!(verified.status(), PaymentStatus::Decline, "nothing was to be bought");
}

// G-513: the customer pays once. Nobody tries again before the first attempt is known to be undone, and what its provider
// did after all goes to suspense and back.
#[test]
fn a_late_approval_of_an_earlier_attempt_is_undone() {
    let mut world = World::new(settings(5), 1_000_000);
    world.sale(1000);
    world.outcome(GIVEN_UP).unwrap();
    let first = world.attempt().id;
    assert_eq!((world.status(), again(&mut world)), (PaymentStatus::Processing, Err(codes::PAYMENT_EXISTS)));
    world.acknowledge(first).unwrap();
    assert_eq!(told(&world).2, codes::CARD_TIME_OUT);
    again(&mut world).unwrap();
    world.outcome(approved(eur(1000))).unwrap();
    assert!(world.late(first, eur(1000)).unwrap(), "the first did it after all");
    assert_eq!((world.suspense(), world.status()), (1000, PaymentStatus::Success));
    world.acknowledge(first).unwrap();
    assert_eq!((world.suspense(), world.provider(), world.status()), (0, -1000, PaymentStatus::Success));
}

// G-513: the same while the customer is awaited, and while the next attempt runs.
#[test]
fn a_late_approval_neither_pays_nor_ends_a_payment_that_is_tried_again() {
    let mut world = failed(5, NO_FUNDS);
    let first = world.attempt().id;
    assert!(world.late(first, eur(1000)).unwrap());
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::AwaitingCustomer, 1000));
    again(&mut world).unwrap();
    world.acknowledge(first).unwrap();
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::Processing, 0));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(
        (world.status(), world.balance(Owner::Merchant(world.project.id))),
        (PaymentStatus::Success, 1_001_000)
    );
}

// G-513, T-051: each attempt is authenticated for itself, and a customer who does not come back from one may try another.
#[test]
fn every_attempt_is_authenticated_for_itself() {
    let mut world = World::new(settings(5), 1_000_000).enrolled(false);
    for _ in 0..2 {
        if world.payment.is_none() {
            world.sale(1000);
        } else {
            again(&mut world).unwrap();
        }
        world.authenticated(crate::fixtures::challenge());
        assert_eq!(world.status(), PaymentStatus::AwaitingThreeDs);
        world.advance(Duration::from_mins(1));
        assert!(matches!(world.notice(result('N')), Noticed::Recorded(_)));
        world.follow(ferropay_domain::decide::FollowUp::Returned).unwrap();
        assert_eq!(
            told(&world),
            (PaymentStatus::AwaitingCustomer, OperationStatus::Decline, codes::THREE_DS_DECLINED)
        );
    }
    let mut world = World::new(settings(5), 1_000_000).enrolled(false);
    world.sale(1000);
    world.authenticated(crate::fixtures::challenge());
    world.advance(Duration::from_mins(31));
    assert!(world.wait_ended());
    assert_eq!(told(&world).2, codes::THREE_DS_NOT_RETURNED);
    assert_eq!(world.status(), PaymentStatus::AwaitingCustomer);
    assert!(world.has_task(TaskKey::EndAttempts(world.operation().id)));
}

// G-512: by the other methods as by cards, and each payment by its own method.
#[test]
fn purchases_by_other_methods_are_tried_again_by_the_same_method() {
    let mut world = World::new(with_methods(settings(2)), 1_000_000);
    let command = method_of(OperationKind::Sale, "wallet/alipay", eur(1000));
    world.by_method(&command);
    world.outcome(pending(Some(redirect()))).unwrap();
    world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
    assert_eq!(
        told(&world),
        (PaymentStatus::AwaitingCustomer, OperationStatus::Decline, codes::METHOD_DECLINE)
    );
    assert_eq!(again(&mut world), Err(codes::PAYMENT_EXISTS), "not by card");
    world.again_by_method(command.clone()).unwrap();
    world.outcome(pending(Some(display()))).unwrap();
    world.outcome(declined(codes::CUSTOMER_CANCELLED)).unwrap();
    assert_eq!(world.status(), PaymentStatus::Decline, "the customer gave up");
    assert!(world.again_by_method(command).is_err());
    let mut by_card = failed(2, NO_FUNDS);
    by_card.project.settings = with_methods(settings(2));
    let other = method_of(OperationKind::Sale, "wallet/alipay", eur(1000));
    assert_eq!(by_card.again_by_method(other).map_err(|why| why.code), Err(codes::PAYMENT_EXISTS));
}

// G-512: rules of business hold for every attempt, and one that breaks them is none.
#[test]
fn a_request_that_breaks_a_rule_is_no_attempt() {
    let mut world = failed(5, NO_FUNDS);
    let mut expired = sale_of(eur(1000), Network::Visa);
    expired.card.expiry = Some(ferropay_domain::card::Expiry { year: 2020, month: 1 });
    assert_eq!(world.again(expired).map_err(|why| why.code), Err(codes::CARD_EXPIRED));
    assert_eq!(world.payment().detail.attempts.as_deref().unwrap().left, 5);
    again(&mut world).unwrap();
}

// G-512: whoever tries again says anew which account it is; what the same customer was asked for is kept.
#[test]
fn an_attempt_sends_nothing_of_the_account_or_the_customer_of_the_one_before() {
    let given = |members: &[(&str, &str)]| -> BTreeMap<String, String> {
        members.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
    };
    let mut first = method_of(OperationKind::Sale, "wallet/alipay", eur(1000));
    first.customer.id = Some("reader-7".to_owned());
    first.given = given(&[("account.number", "A"), ("customer.email", "ada@shop.example")]);
    let own = given(&[("customer.zip", "10115")]);
    for (customer, kept) in [
        (Some("reader-7"), given(&[("customer.email", "ada@shop.example"), ("customer.zip", "10115")])),
        (Some("reader-8"), own.clone()),
        (None, own.clone()),
    ] {
        let mut world = World::new(with_methods(settings(2)), 1_000_000);
        world.by_method(&first);
        world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
        let mut second = first.clone();
        second.customer.id = customer.map(str::to_owned);
        second.given = own.clone();
        world.again_by_method(second).unwrap();
        assert_eq!(world.payment().detail.supplied, kept, "{customer:?}");
    }
}

// G-489, G-512: where the money goes on to is said by each attempt, too.
#[test]
fn an_attempt_is_a_transfer_only_if_it_says_so_itself() {
    for (first, second) in [(None, Some(Transfer::ToWallet)), (Some(Transfer::ToWallet), None)] {
        let agreed = Settings { card_transfers_allowed: true, ..settings(2) };
        let mut world = World::new(agreed, 1_000_000);
        let asked = |transfer| {
            let mut command = sale_of(eur(1000), Network::Mastercard);
            command.request.transfer = transfer;
            for path in ["customer.country", "customer.account_id", "recipient.country"] {
                command.given.insert(path.to_owned(), "GB".to_owned());
            }
            command
        };
        assert!(world.card(asked(first)));
        world.outcome(declined(NO_FUNDS)).unwrap();
        world.again(asked(second)).unwrap();
        assert_eq!(world.payment().detail.transfer, second);
    }
}

// G-082, G-513: a failed attempt is no success, and goes where failures go.
#[test]
fn a_failed_attempt_is_told_where_declines_are() {
    let (won, lost) = ("https://shop.example/won".to_owned(), "https://shop.example/lost".to_owned());
    let addresses = Settings {
        callback_url: None,
        callback_url_success: Some(won.clone()),
        callback_url_decline: Some(lost.clone()),
        ..settings(2)
    };
    let routes = Settings {
        callback_routes: [(won, true), (lost.clone(), false)]
            .map(|(url, success)| CallbackRoute { success: Some(success), url, ..CallbackRoute::default() })
            .to_vec(),
        ..settings(2)
    };
    for settings in [addresses, routes] {
        let mut world = World::new(settings, 1_000_000);
        world.sale(1000);
        world.outcome(declined(NO_FUNDS)).unwrap();
        assert_eq!(told(&world).0, PaymentStatus::AwaitingCustomer);
        assert_eq!(world.events.last().unwrap().addresses, std::slice::from_ref(&lost));
    }
}

// G-027, G-082: what asks the merchant to act goes where a success would before it goes nowhere.
#[test]
fn a_callback_that_asks_goes_to_a_route_when_there_is_nothing_else() {
    let url = "https://shop.example/won".to_owned();
    let route = CallbackRoute { success: Some(true), url: url.clone(), ..CallbackRoute::default() };
    let settings = Settings { callback_url: None, callback_routes: vec![route], ..with_methods(settings(0)) };
    let mut world = World::new(settings, 1_000_000);
    let mut command = method_of(OperationKind::Sale, "wallet/alipay", eur(1000));
    command.callback.url = None;
    world.project.settings.callback_url = None;
    world.by_method(&command);
    world.outcome(pending(Some(redirect()))).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingRedirect);
    assert_eq!(world.events.last().unwrap().addresses, [url]);
}
