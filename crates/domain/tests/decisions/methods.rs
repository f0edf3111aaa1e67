//! Payments by other methods than cards: the customer takes part at the provider, who needs time to say what came of it.

use crate::{
    fixtures::{GIVEN_UP, approved, declined, display, eur, method_of, pending, redirect, with_methods},
    world::World,
};
use ferropay_domain::{
    callback::Content,
    change::TaskKey,
    codes::{self, Code},
    decide::{Finding, MethodCommand},
    ids::ProviderAccountId,
    ledger::Owner,
    payment::{Ask, AttemptStatus, OperationKind, OperationStatus, PaymentStatus},
    project::Settings,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// The world keeps the books of this account.
const METHODS: ProviderAccountId = ProviderAccountId::new(7);

fn settings() -> Settings {
    with_methods(Settings::default())
}

fn world() -> World {
    World::new(settings(), 1_000_000)
}

fn sale(code: &str) -> MethodCommand {
    method_of(OperationKind::Sale, code, eur(1000))
}

/// A purchase whose customer is on the provider's page.
fn redirected() -> World {
    let mut world = world();
    assert_eq!(world.by_method(&sale("wallet/alipay")), Some(codes::AWAITING));
    world.outcome(pending(Some(redirect()))).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingRedirect);
    world
}

fn after(mut world: World, outcome: ferropay_domain::decide::Outcome) -> (PaymentStatus, Code, i64) {
    let before = world.merchant();
    world.outcome(outcome).unwrap();
    (world.status(), world.operation().code, world.merchant() - before)
}

// G-157, G-158, G-159, T-056, T-057, P-147
#[test]
fn a_redirect_ends_with_what_the_payment_system_reports() {
    assert_eq!(after(redirected(), approved(eur(1000))), (PaymentStatus::Success, codes::SUCCESS, 1000));
    let refused = declined(codes::CUSTOMER_CANCELLED);
    assert_eq!(after(redirected(), refused), (PaymentStatus::Decline, codes::CUSTOMER_CANCELLED, 0));
    let world = redirected();
    let Content::Operation { operation, .. } = &world.events.last().unwrap().content else { panic!() };
    assert_eq!(operation.detail.shown.as_deref(), Some(&redirect()), "the merchant is told where to");
    assert_eq!(world.attempt().account, METHODS);
}

// G-157, G-158, T-058, T-059, P-148: one of the two ways, once
#[test]
fn a_customer_action_ends_with_what_the_payment_system_reports() {
    let mut world = world();
    world.by_method(&sale("blik"));
    world.outcome(pending(Some(display()))).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingCustomerAction);
    let told = world.events.len();
    world.outcome(pending(Some(redirect()))).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingCustomerAction, told));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.operation().detail.shown.clone()), (PaymentStatus::Success, None));
}

// G-165, G-168, G-482, D-11, T-071, T-072: a hold of a wallet lasts as long as the method says, whatever a network would
#[test]
fn a_wallet_holds_an_amount_that_is_captured_or_released_and_never_changed() {
    let hold = |minor: Option<i64>, kind| {
        let mut world = world();
        world.by_method(&method_of(OperationKind::Auth, "wallet/alipay", eur(1000)));
        world.outcome(pending(Some(redirect()))).unwrap();
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!(world.status(), PaymentStatus::AwaitingCapture);
        let ends = world.payment().detail.hold.as_ref().unwrap().ends.unwrap();
        assert_eq!(ends.since(world.now.business), 7 * DAY);
        let code = world.second(kind, minor);
        (world, code)
    };
    let (mut world, _) = hold(None, OperationKind::Capture);
    assert_eq!(world.attempt().account, METHODS);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    let (mut world, _) = hold(Some(600), OperationKind::Capture);
    assert_eq!((world.attempt().ask, world.attempt().amount), (Ask::Capture, eur(600)), "no change before");
    world.outcome(approved(eur(600))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 600));
    let (mut world, _) = hold(None, OperationKind::Cancel);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::Canceled);
    for (minor, kind) in [(400, OperationKind::Cancel), (1200, OperationKind::Capture)] {
        let (world, code) = hold(Some(minor), kind);
        assert_eq!((code, world.status()), (codes::UNSUPPORTED, PaymentStatus::AwaitingCapture));
    }
}

// G-441, G-485, P-183, P-184: the customer is done, the payment system is not
#[test]
fn a_payment_system_may_need_longer_than_its_customer() {
    let finalizing = || {
        let mut world = redirected();
        let told = world.events.len();
        world.outcome(crate::fixtures::finalizing()).unwrap();
        world.outcome(crate::fixtures::finalizing()).unwrap();
        world.outcome(pending(Some(redirect()))).unwrap();
        assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingFinalization, told));
        assert_eq!(world.operation().detail.shown, None, "nobody has to go anywhere");
        assert!(world.has_task(TaskKey::Call(world.attempt().id)));
        world
    };
    assert_eq!(after(finalizing(), approved(eur(1000))), (PaymentStatus::Success, codes::SUCCESS, 1000));
    let refused = declined(codes::METHOD_DECLINE);
    assert_eq!(after(finalizing(), refused), (PaymentStatus::Decline, codes::METHOD_DECLINE, 0));
    let mut world = finalizing();
    world.advance(DAY);
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::METHOD_TIME_OUT));
    assert_eq!(world.attempt().status, AttemptStatus::Reversing);
    let mut world = self::world();
    world.by_method(&sale("blik"));
    world.outcome(pending(Some(display()))).unwrap();
    world.outcome(crate::fixtures::finalizing()).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingCustomerAction, "only a redirect is followed by it");
}

// D-501, T-069, W-291
#[test]
fn what_nobody_finishes_is_declined_at_the_methods_threshold_and_undone() {
    let mut world = redirected();
    world.advance(DAY.saturating_sub(Duration::from_secs(1)));
    assert!(!world.wait_ended());
    world.advance(Duration::from_secs(1));
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::METHOD_TIME_OUT));
    let attempt = world.attempt().id;
    assert_eq!(world.attempt().status, AttemptStatus::Reversing);
    assert!(world.has_task(TaskKey::Reverse(attempt)));
    // The provider did it after all: the money is nobody's until it is back.
    assert!(world.late(attempt, eur(1000)).unwrap());
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::Decline, 1000));
    world.acknowledge(attempt).unwrap();
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::Decline, 0));
}

// A provider that is asked and says nothing new is asked again later, and the merchant hears nothing.
#[test]
fn a_provider_that_needs_time_is_asked_again_after_growing_pauses() {
    let mut world = world();
    world.by_method(&sale("wallet/alipay"));
    world.outcome(pending(None)).unwrap();
    let (told, call) = (world.events.len(), TaskKey::Call(world.attempt().id));
    assert_eq!((world.status(), world.attempt().status), (PaymentStatus::Processing, AttemptStatus::Pending));
    world.advance(Duration::from_hours(1));
    world.outcome(pending(None)).unwrap();
    world.outcome(crate::fixtures::REPEATED).unwrap();
    assert!(world.has_task(call) && world.attempt().status == AttemptStatus::Pending);
    assert_eq!(world.events.len(), told);
    world.advance(DAY);
    assert!(world.threshold(world.attempt().id).unwrap());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::METHOD_TIME_OUT));
}

// G-034, G-066, G-163, G-164, G-484, D-473
#[test]
fn rules_of_project_and_method_come_before_the_provider() {
    let rejected = |change: fn(&mut Settings), command: MethodCommand| {
        let mut world = world();
        change(&mut world.project.settings);
        assert_eq!(world.by_method(&command), None);
        let Content::Rejected { errors, .. } = &world.events.last().unwrap().content else { panic!() };
        errors[0].code
    };
    let off: fn(&mut Settings) = |settings| settings.methods_off = vec!["blik".to_owned()];
    assert_eq!(rejected(off, sale("blik")), codes::NOT_ALLOWED);
    assert_eq!(rejected(|_| {}, method_of(OperationKind::Payout, "blik", eur(5))), codes::NOT_ALLOWED);
    assert_eq!(rejected(|_| {}, sale("wallet/astropay")), codes::CURRENCY_DISABLED, "not in euros");
    let nothing = method_of(OperationKind::Sale, "banks/germany", eur(0));
    assert_eq!(rejected(|_| {}, nothing), codes::BELOW_LIMIT);
    let limits: fn(&mut Settings) = |settings| {
        settings.sale_limits = serde_json::from_str(r#"{"EUR":{"largest":999}}"#).unwrap();
    };
    assert_eq!(rejected(limits, sale("blik")), codes::ABOVE_LIMIT);
    let mut world = World::new(Settings::default(), 1_000_000);
    assert_eq!(world.by_method(&sale("blik")), Some(codes::PROVIDER_UNAVAILABLE), "nobody takes it");
    assert_eq!(world.status(), PaymentStatus::Decline);
}

// G-310, G-326, G-327, T-103, T-110: the money is held until the provider says what came of it, however long
#[test]
fn a_payout_by_a_method_is_held_and_never_declined_by_time() {
    let mut world = world();
    let payout = method_of(OperationKind::Payout, "skrill", eur(1000));
    assert_eq!(world.by_method(&payout), Some(codes::AWAITING));
    world.outcome(pending(None)).unwrap();
    world.advance(90 * DAY);
    assert!(!world.threshold(world.attempt().id).unwrap());
    assert_eq!(world.operation().status, OperationStatus::Processing);
    assert_eq!(world.holds.values().map(|hold| hold.minor).sum::<i64>(), 1000);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.merchant()), (PaymentStatus::Success, 999_000));
    let mut poor = World::new(settings(), 999);
    assert_eq!(poor.by_method(&payout), Some(codes::MERCHANT_BALANCE));
    assert_eq!(poor.balance(Owner::Merchant(poor.project.id)), 999);
}

// G-217, G-495: what the method demands beyond the contract is asked for
#[test]
fn data_a_method_demands_is_asked_for() {
    let mut world = world();
    let usd = ferropay_domain::money::Currency::parse("USD").unwrap();
    let amount = ferropay_domain::money::Money::new(1000, usd);
    world.by_method(&method_of(OperationKind::Sale, "wallet/astropay", amount));
    assert_eq!(world.status(), PaymentStatus::AwaitingClarification);
    world.clarify(&[("customer.country", "BR")]).unwrap();
    assert_eq!(world.status(), PaymentStatus::Processing);
    assert_eq!(world.payment().detail.supplied["customer.country"], "BR");
}

// G-289, D-505, T-096, T-097, T-100
#[test]
fn a_purchase_by_a_method_is_refunded_where_the_method_can() {
    let mut world = redirected();
    world.outcome(approved(eur(1000))).unwrap();
    // A card would be reversed on the same day, and too little would stay of it.
    world.smallest_rest = 100;
    assert_eq!(world.refund(Some(950)), codes::AWAITING);
    assert_eq!((world.operation().kind, world.attempt().account), (OperationKind::Refund, METHODS));
    world.outcome(pending(None)).unwrap();
    world.outcome(approved(eur(950))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::PartiallyRefunded, 50));
    let mut world = self::world();
    world.by_method(&sale("wallet/doku"));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.refund(None), codes::UNSUPPORTED);
    assert_eq!(world.status(), PaymentStatus::Success);
}

// G-304: only the networks of cards have a message for it
#[test]
fn support_does_not_take_a_refund_by_a_method_back() {
    // However long refunds may be taken back.
    let seconds = [("other".to_owned(), u32::MAX)].into();
    let settings = Settings { refund_cancellation_seconds: seconds, ..settings() };
    let mut world = World::new(settings, 1_000_000);
    world.by_method(&sale("wallet/alipay"));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.refund(Some(400)), codes::AWAITING);
    world.outcome(approved(eur(400))).unwrap();
    assert_eq!(world.undo_refund(world.operation().id), Err(codes::UNSUPPORTED));
    assert_eq!((world.status(), world.operations.len()), (PaymentStatus::PartiallyRefunded, 2));
}

// D-501: cards and methods have codes of their own for what nobody ever learnt
#[test]
fn an_unknown_outcome_that_is_settled_has_the_methods_code() {
    let mut world = world();
    world.by_method(&sale("wallet/alipay"));
    world.outcome(GIVEN_UP).unwrap();
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, Code::new(20602)));
    let mut world = self::world();
    world.by_method(&method_of(OperationKind::Payout, "skrill", eur(1000)));
    world.outcome(pending(None)).unwrap();
    world.find(Finding::NotDone).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, Code::new(20602)));
    assert_eq!(world.merchant(), 1_000_000);
}
