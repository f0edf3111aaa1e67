//! Payment links: made, mailed, withdrawn, paid by, expired.

use crate::{
    fixtures::{approved, declined, eur, link_of, link_payment},
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::{Letter, TaskKey},
    codes,
    decide::{FollowUp, LinkCommand, LinkPayment, NotWaiting, Now, PayLink},
    payment::{Ask, Link, LinkPays, LinkState, OperationKind, OperationStatus, PaymentKind, PaymentStatus},
    project::{Limits, Settings},
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A link of 10 EUR that the platform mails, or the merchant delivers.
fn made(mailed: bool) -> World {
    made_for(LinkPays::Sale, mailed)
}

fn made_for(pays: LinkPays, mailed_by_platform: bool) -> World {
    let mut world = World::rich();
    let command = link_of(eur(1000), world.now);
    let link = Link { pays, mailed_by_platform, ..command.link };
    world.create_link(LinkCommand { link, ..command });
    world
}

fn pay(world: &mut World) -> PayLink {
    let now = world.now;
    world.pay_link(link_payment(Network::Visa), now)
}

fn unpayable(answer: &PayLink) -> Option<LinkState> {
    match answer {
        PayLink::Unpayable(state) => Some(*state),
        _ => None,
    }
}

// G-431, G-435, G-437, T-132, T-133, M-039
#[test]
fn a_link_is_told_to_the_merchant_and_mailed_where_that_was_asked_for() {
    for mailed in [false, true] {
        let world = made(mailed);
        assert_eq!(
            (world.payment().kind, world.status()),
            (PaymentKind::Invoice, PaymentStatus::AwaitingPayment)
        );
        let operation = world.operation();
        assert_eq!(operation.kind, OperationKind::Invoice);
        assert_eq!((operation.status, operation.code), (OperationStatus::AwaitingPayment, codes::AWAITING));
        assert_eq!((world.payment().open, world.sum()), (None, 1000));
        assert_eq!(world.has_task(TaskKey::Mail(operation.id, Letter::Link)), mailed);
        let Content::Operation { payment, .. } = &world.events[0].content else { panic!() };
        assert_eq!(payment.detail.link.as_ref().unwrap().url, "https://pay.example/link/token");
        assert_eq!(world.events[0].addresses, ["https://shop.example/callback"]);
    }
}

// G-436, T-134, M-040
#[test]
fn a_mailed_link_says_so_once_and_stays_payable() {
    let mut world = made(true);
    world.link_mailed();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::InvoiceSent, 2));
    assert_eq!(world.operation().status, OperationStatus::InvoiceSent);
    assert!(!world.has_task(TaskKey::Mail(world.operation().id, Letter::Link)));
    assert!(matches!(pay(&mut world), PayLink::Begun(_)));
    // The mail server's answer may come when somebody pays already.
    let mut world = made(true);
    assert!(matches!(pay(&mut world), PayLink::Begun(_)));
    let told = world.events.len();
    world.link_mailed();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::Processing, told));
}

// G-438, T-135, M-041
#[test]
fn a_link_is_withdrawn_until_somebody_pays_and_who_had_it_by_mail_hears_of_it() {
    for mailed in [false, true] {
        let mut world = made(mailed);
        if mailed {
            world.link_mailed();
        }
        world.cancel_link().unwrap();
        assert_eq!(world.status(), PaymentStatus::InvoiceCanceled);
        let operation = world.operation();
        assert_eq!((operation.status, operation.code), (OperationStatus::InvoiceCanceled, codes::CANCELLED));
        assert_eq!(world.has_task(TaskKey::Mail(operation.id, Letter::LinkCanceled)), mailed);
        assert_eq!(unpayable(&pay(&mut world)), Some(LinkState::Canceled));
        assert_eq!(world.cancel_link(), Err(NotWaiting));
    }
    let mut paid = made(false);
    pay(&mut paid);
    assert_eq!(paid.cancel_link(), Err(NotWaiting));
    // Withdrawn while the mail was on its way.
    let mut crossed = made(true);
    crossed.cancel_link().unwrap();
    let link = crossed.operation().id;
    assert!(!crossed.has_task(TaskKey::Mail(link, Letter::LinkCanceled)));
    crossed.link_mailed();
    assert!(crossed.has_task(TaskKey::Mail(link, Letter::LinkCanceled)));
    assert_eq!(crossed.status(), PaymentStatus::InvoiceCanceled);
}

// G-439, T-136, M-042, W-295
#[test]
fn a_link_expires_at_its_moment_and_not_before() {
    for mailed in [false, true] {
        let mut world = made(mailed);
        if mailed {
            world.link_mailed();
        }
        world.advance(29 * DAY);
        assert!(!world.link_rings());
        world.advance(DAY);
        // Nobody has looked at the timer yet.
        assert_eq!(unpayable(&pay(&mut world)), Some(LinkState::Expired));
        assert_eq!(world.cancel_link(), Err(NotWaiting));
        assert!(world.link_rings());
        assert_eq!((world.status(), world.operation().code), (PaymentStatus::Expired, codes::AUTO_DECLINE));
        assert_eq!(world.operation().status, OperationStatus::Expired);
        assert!(!world.link_rings(), "once");
    }
}

// G-439: what counts is when the request reached the platform
#[test]
fn a_payment_that_came_in_time_counts_even_when_it_is_decided_later() {
    let mut world = made(false);
    let end = world.now.business.plus(30 * DAY);
    let before = Now { business: end.minus(Duration::from_secs(1)), ..world.now };
    world.advance(30 * DAY);
    assert!(matches!(world.pay_link(link_payment(Network::Visa), before), PayLink::Begun(_)));
}

// G-436, G-440, T-137, M-001, M-002, G-144
#[test]
fn what_pays_a_link_is_a_debit_of_the_same_payment() {
    let mut world = made(true);
    world.link_mailed();
    let made_by = world.operation().clone();
    assert!(matches!(pay(&mut world), PayLink::Begun(_)));
    assert_eq!(world.status(), PaymentStatus::Processing);
    let sale = world.operation().clone();
    assert_eq!((sale.kind, sale.request), (OperationKind::Sale, made_by.request));
    assert_eq!(unpayable(&pay(&mut world)), Some(LinkState::Underway), "nobody pays twice");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!(world.operations[&made_by.id].status, OperationStatus::InvoiceSent, "unchanged");
    assert_eq!(unpayable(&pay(&mut world)), Some(LinkState::Paid));
    assert!(world.link_rings(), "nothing is left of its timer");
    // G-442
    world.advance(DAY);
    assert_eq!(world.refund(None), codes::AWAITING);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::Refunded);

    let mut refused = made(false);
    pay(&mut refused);
    refused.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(refused.status(), PaymentStatus::Decline);
    assert_eq!(unpayable(&pay(&mut refused)), Some(LinkState::Declined));
}

// G-440, M-005, P-187
#[test]
fn what_pays_a_link_for_a_hold_is_captured_like_any_other() {
    let mut world = made_for(LinkPays::Auth, false);
    pay(&mut world);
    assert_eq!(world.operation().kind, OperationKind::Auth);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingCapture);
    assert_eq!(world.second(OperationKind::Capture, None), codes::AWAITING);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::Success);
}

// G-443, P-182
#[test]
fn the_customer_is_authenticated_without_the_merchant() {
    let mut world = made(false).enrolled(true);
    pay(&mut world);
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingThreeDs, 1));
    world.follow(FollowUp::DeviceData { seen: true }).unwrap();
    assert!(world.authenticated(crate::fixtures::challenge()));
    world.notice(crate::fixtures::result('Y'));
    world.follow(FollowUp::Returned).unwrap();
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::Success, 2));
    // A card that does not take part where it has to.
    let mut strict = made(false);
    strict.project.settings.three_ds_required = true;
    pay(&mut strict);
    assert_eq!((strict.status(), strict.operation().code), (PaymentStatus::Decline, codes::NOT_ENROLLED));
}

#[test]
fn a_card_that_breaks_a_rule_leaves_the_link_payable() {
    let mut world = made(false);
    let now = world.now;
    let without = LinkPayment { has_cvv: false, ..link_payment(Network::Visa) };
    let PayLink::Refused(problems) = world.pay_link(without, now) else { panic!() };
    assert_eq!(problems[0].code, codes::CVV_REQUIRED);
    assert_eq!((world.status(), world.operations.len()), (PaymentStatus::AwaitingPayment, 1));
    assert!(matches!(pay(&mut world), PayLink::Begun(_)));
    // G-440: an agreement moves nothing
    let mut contract = made_for(LinkPays::ContractRegistration, false);
    assert!(matches!(pay(&mut contract), PayLink::Begun(_)));
    assert_eq!(contract.operation().kind, OperationKind::ContractRegistration);
    assert_eq!((contract.attempt().ask, contract.attempt().amount.minor), (Ask::Verify, 0));
}

// G-034, G-066, G-120, G-163
#[test]
fn a_link_nobody_could_pay_by_is_not_made() {
    let limits = Limits { smallest: Some(100), largest: Some(500) };
    let cases = [
        (
            Settings { payment_links_allowed: false, ..Settings::default() },
            LinkPays::Sale,
            codes::NOT_ALLOWED,
        ),
        (Settings { card_sales_allowed: false, ..Settings::default() }, LinkPays::Sale, codes::NOT_ALLOWED),
        (Settings { two_step_allowed: false, ..Settings::default() }, LinkPays::Auth, codes::NOT_ALLOWED),
        (
            Settings { currencies: vec![crate::fixtures::usd(0).currency], ..Settings::default() },
            LinkPays::Sale,
            codes::CURRENCY_DISABLED,
        ),
        (
            Settings { sale_limits: [("EUR".to_owned(), limits)].into(), ..Settings::default() },
            LinkPays::Sale,
            codes::ABOVE_LIMIT,
        ),
    ];
    for (settings, pays, code) in cases {
        let mut world = World::new(settings, 0);
        let command = link_of(eur(1000), world.now);
        let link = Link { pays, ..command.link };
        let changes = world.create_link(LinkCommand { link, ..command });
        assert!(changes.payment.is_none());
        let Content::Rejected { errors, .. } = &world.events[0].content else { panic!() };
        assert_eq!(errors[0].code, code);
    }
}

// G-441, G-512, G-513, T-067, T-137
#[test]
fn whoever_failed_to_pay_by_a_link_tries_again_while_attempts_and_time_last() {
    let no_funds = declined(codes::Code::new(10_105));
    let made = || {
        let mut world = World::new(Settings { additional_attempts: 2, ..Settings::default() }, 0);
        world.create_link(link_of(eur(1000), world.now));
        assert!(matches!(pay(&mut world), PayLink::Begun(_)));
        world.outcome(no_funds.clone()).unwrap();
        assert_eq!(world.status(), PaymentStatus::AwaitingCustomer);
        world
    };
    let state = |world: &World| {
        let payment = world.payment();
        LinkState::of(payment, payment.detail.link.as_deref().unwrap(), world.now.business)
    };
    // The merchant hears what failed, may not withdraw what was confirmed, and the next card pays.
    let mut world = made();
    assert_eq!((world.events.len(), state(&world)), (2, LinkState::Again));
    assert_eq!(world.cancel_link(), Err(NotWaiting), "G-438");
    let now = world.now;
    world.advance(Duration::from_mins(9));
    assert!(matches!(world.pay_link(link_payment(Network::Mastercard), now), PayLink::Begun(_)));
    let attempts = world.payment().detail.attempts.as_deref().unwrap();
    assert_eq!((attempts.left, attempts.begun, attempts.past.len()), (1, 1, 1));
    assert_eq!(unpayable(&pay(&mut world)), Some(LinkState::Underway), "one at a time");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!(unpayable(&pay(&mut world)), Some(LinkState::Paid));
    // Attempts are used up.
    let mut used_up = made();
    for _ in 0..2 {
        assert!(matches!(pay(&mut used_up), PayLink::Begun(_)));
        used_up.outcome(no_funds.clone()).unwrap();
    }
    assert_eq!((used_up.status(), state(&used_up)), (PaymentStatus::Decline, LinkState::Declined));
    assert_eq!(unpayable(&pay(&mut used_up)), Some(LinkState::Declined));
    // Their time is over, whether or not anybody has looked at the timer.
    let mut late = made();
    late.advance(Duration::from_mins(10));
    assert_eq!(unpayable(&pay(&mut late)), Some(LinkState::Declined));
    assert!(late.attempts_ended());
    assert_eq!((late.status(), late.events.len()), (PaymentStatus::Decline, 3));
    // An agreement moves nothing and is given once.
    let mut contract = World::new(Settings { additional_attempts: 2, ..Settings::default() }, 0);
    let command = link_of(eur(1000), contract.now);
    let link = Link { pays: LinkPays::ContractRegistration, ..command.link };
    contract.create_link(LinkCommand { link, ..command });
    pay(&mut contract);
    contract.outcome(no_funds).unwrap();
    assert_eq!(contract.status(), PaymentStatus::Decline);
}
