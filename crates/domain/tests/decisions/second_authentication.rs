//! A purchase goes on to another account, which wants the customer authenticated: they are, at most once more, and one
//! account has the money in the end.

use crate::{
    fixtures::{
        answer, approved, challenge, decided, declined, eur, extended, form, members, range, result, sale_of,
    },
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::TaskKey,
    codes::{self, Code},
    decide::{CardCommand, FollowUp, NotWaiting, Noticed, Outcome, RangeFacts, ThreeDsRequest},
    ids::{AuthenticationId, OperationId, ProviderAccountId},
    ledger::Owner,
    payment::{Authentication, AuthenticationFlow, AuthenticationStep, OperationStatus, PaymentStatus},
    project::{RouteRule, Settings},
};
use std::time::Duration;

const FIRST: ProviderAccountId = ProviderAccountId::new(4);
const SECOND: ProviderAccountId = ProviderAccountId::new(5);
const THIRD: ProviderAccountId = ProviderAccountId::new(6);
/// The provider refused without saying why.
const FAILED: Code = Code::new(10_100);
const SEEN: FollowUp = FollowUp::DeviceData { seen: true };

fn settings() -> Settings {
    let rule = RouteRule { accounts: vec![FIRST, SECOND, THIRD], ..RouteRule::default() };
    Settings { routes: vec![rule], cascading_attempts: 3, ..Settings::default() }
}

/// Another authentication of the same customer.
fn another() -> RangeFacts {
    let id = AuthenticationId::of(OperationId::new(101), [8; 16]);
    RangeFacts { id, md: "md-2".to_owned(), page: form("page-2"), ..range(true) }
}

fn demanded() -> Outcome {
    Outcome::AuthenticationDemanded {
        code: codes::AUTHENTICATION_DEMANDED,
        answer: answer("1A"),
        range: Box::new(another()),
    }
}

fn asked(settings: Settings, merchant_leads: bool, device_form: bool) -> World {
    let mut world = World::new(settings, 1_000_000).enrolled(device_form);
    let mut three_ds = if merchant_leads { extended() } else { ThreeDsRequest::default() };
    three_ds.data = members(&[("customer.accept_header", "text/html")]);
    assert!(world.card(CardCommand { three_ds, ..sale_of(eur(1000), Network::Visa) }));
    world
}

fn known(world: &World) -> &Authentication {
    world.operation().detail.authentication.as_deref().unwrap()
}

/// The customer is led to the bank, confirms there and is back.
fn confirms(world: &mut World) {
    world.follow(SEEN).unwrap();
    assert!(world.authenticated(challenge()));
    world.notice(result('Y'));
    world.follow(FollowUp::Returned).unwrap();
}

/// The customer has confirmed, the first account failed, and the second wants them once more.
fn wanted_again(merchant_leads: bool) -> World {
    let mut world = asked(settings(), merchant_leads, true);
    confirms(&mut world);
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!((world.attempt().account, world.attempt().id.number), (SECOND, 2));
    world.outcome(demanded()).unwrap();
    world
}

fn told_again(world: &World) -> Option<bool> {
    let Content::Operation { operation, .. } = &world.events.last().unwrap().content else { panic!() };
    operation.detail.authentication.as_deref().unwrap().again
}

// G-206, G-517, T-046, T-068
#[test]
fn the_next_account_may_want_the_customer_once_more_and_is_asked_again_with_the_proof() {
    for merchant_leads in [true, false] {
        let mut world = wanted_again(merchant_leads);
        assert_eq!(world.status(), PaymentStatus::AwaitingThreeDs);
        assert_eq!(told_again(&world), Some(true), "the customer had been led away before");
        let planned = known(&world);
        assert_eq!((planned.step, planned.md.as_str()), (AuthenticationStep::DeviceData, "md-2"));
        assert_eq!(
            (planned.result.as_ref(), planned.returned),
            (None, false),
            "what was proved before is not this"
        );
        assert_eq!(planned.data.len(), 1, "the browser is still known");
        assert!(
            !world.forgotten.contains(&world.operation().id),
            "the verification value is needed once more"
        );
        let form_of = if merchant_leads { "device" } else { "page-2" };
        assert_eq!(planned.form.as_ref(), Some(&form(form_of)));
        confirms(&mut world);
        assert_eq!((world.attempt().account, world.attempt().id.number), (SECOND, 3));
        assert!(known(&world).data.is_empty(), "nobody will ask once more");
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!(world.status(), PaymentStatus::Success);
        let owed = [FIRST, SECOND, THIRD].map(|account| world.balance(Owner::Provider(account)));
        assert_eq!(owed, [0, -1000, 0]);
        let reasons: Vec<_> = world.operation().detail.failed_tries.iter().map(|it| it.account).collect();
        assert_eq!(reasons, [FIRST, SECOND]);
    }
}

// G-517: false when nobody had to leave the shop before.
#[test]
fn a_customer_who_was_not_led_away_before_is_said_not_to_have_been() {
    for merchant_leads in [true, false] {
        let mut world = asked(settings(), merchant_leads, false);
        assert!(world.authenticated(decided('Y')));
        world.outcome(declined(FAILED)).unwrap();
        world.outcome(demanded()).unwrap();
        assert_eq!((world.status(), told_again(&world)), (PaymentStatus::AwaitingThreeDs, Some(false)));
        let flow = if merchant_leads { AuthenticationFlow::Extended } else { AuthenticationFlow::Basic };
        assert_eq!(known(&world).flow, flow);
    }
}

// G-206: once, and only after another account failed.
#[test]
fn nobody_is_authenticated_a_third_time_or_before_an_account_failed() {
    let mut world = wanted_again(true);
    confirms(&mut world);
    world.outcome(demanded()).unwrap();
    assert_eq!(
        (world.status(), world.operation().code),
        (PaymentStatus::Decline, codes::AUTHENTICATION_DEMANDED)
    );
    let mut first = asked(settings(), true, false);
    assert!(first.authenticated(decided('Y')));
    first.outcome(demanded()).unwrap();
    assert_eq!((first.status(), first.attempts.len()), (PaymentStatus::Decline, 1));
}

// G-516, G-517: an account that wanted the customer and failed then is not asked a third time, and does not use up a
// place of the cascade.
#[test]
fn the_purchase_goes_on_after_the_account_that_wanted_the_customer_failed_too() {
    let mut world = wanted_again(true);
    confirms(&mut world);
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!((world.attempt().account, world.attempt().id.number), (THIRD, 4));
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!((world.status(), world.attempts.len()), (PaymentStatus::Decline, 4));
}

// G-516: whatever accounts answer late while the customer is away, or after, the customer pays once.
#[test]
fn late_approvals_of_earlier_accounts_go_to_suspense_and_end_nothing() {
    let mut world = wanted_again(true);
    let operation = world.operation().id;
    let attempts: Vec<_> = world.attempts.keys().copied().collect();
    for (id, account) in attempts.into_iter().zip([FIRST, SECOND]) {
        assert!(world.late(id, eur(1000)).unwrap());
        assert_eq!(world.balance(Owner::Suspense(account)), 1000);
        world.acknowledge(id).unwrap();
        assert_eq!(world.balance(Owner::Suspense(account)), 0);
        assert_eq!((world.status(), world.operation().id), (PaymentStatus::AwaitingThreeDs, operation));
    }
    confirms(&mut world);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.balance(Owner::Provider(SECOND))), (PaymentStatus::Success, -1000));
}

// G-189, G-517: the second time ends as the first one can.
#[test]
fn a_customer_who_fails_or_stays_away_the_second_time_is_declined() {
    let mut failed = wanted_again(true);
    assert_eq!(failed.follow(FollowUp::Returned), Err(NotWaiting));
    failed.follow(SEEN).unwrap();
    assert!(failed.authenticated(challenge()));
    assert!(matches!(failed.notice(result('N')), Noticed::Recorded(_)));
    failed.follow(FollowUp::Returned).unwrap();
    assert_eq!((failed.status(), failed.attempts.len()), (PaymentStatus::Decline, 2));
    let mut away = wanted_again(true);
    away.advance(Duration::from_mins(30));
    assert!(away.wait_ended());
    assert_eq!(away.operation().code, codes::THREE_DS_NOT_RETURNED);
    // The directory server was being asked when the time was over.
    let mut asking = wanted_again(true);
    asking.follow(SEEN).unwrap();
    asking.advance(Duration::from_mins(30));
    assert!(asking.wait_ended());
    assert_eq!(asking.operation().status, OperationStatus::Decline);
    assert!(!asking.has_task(TaskKey::Authenticate(asking.operation().id)));
    for world in [&failed, &away, &asking] {
        assert!(world.forgotten.contains(&world.operation().id) && known(world).data.is_empty());
    }
}
