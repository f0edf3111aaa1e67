//! Money that a provider has moved and that arrives, or does not, days later.

use crate::{
    fixtures::{
        GIVEN_UP, NOT_SENT, REPEATED, approved, credited, declined, eur, method_of, pending, with_methods,
    },
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::TaskKey,
    codes,
    decide::{CreditNoticed, Finding},
    ids::AttemptId,
    payment::{Ask, AttemptStatus, Credit, OperationKind, OperationStatus, PaymentStatus},
    project::Settings,
};
use std::time::Duration;

/// A purchase that was paid, of which the provider will say whether it was credited.
fn awaited(settings: Settings, opening: i64) -> World {
    let mut world = World::new(with_methods(settings), opening);
    world.by_method(&method_of(OperationKind::Sale, "blik", eur(1000)));
    world.outcome(credited(eur(1000), Credit::Pending)).unwrap();
    assert_eq!(world.operation().kind, OperationKind::PaymentConfirmation);
    world
}

/// A purchase that was paid and of whose crediting nothing was promised, and the attempt that took the money.
fn paid() -> (World, AttemptId) {
    let mut world = World::new(with_methods(Settings::default()), 0);
    world.by_method(&method_of(OperationKind::Sale, "blik", eur(1000)));
    world.outcome(approved(eur(1000))).unwrap();
    let sale = world.attempt().id;
    (world, sale)
}

fn told(world: &World) -> (OperationKind, OperationStatus, PaymentStatus) {
    match &world.events.last().unwrap().content {
        Content::Operation { operation, payment, .. } => (operation.kind, operation.status, payment.status),
        other => panic!("{other:?}"),
    }
}

// G-160, G-145, G-017, M-015, T-084, T-085
#[test]
fn a_purchase_is_confirmed_when_its_money_arrives() {
    let mut world = awaited(Settings::default(), 0);
    assert_eq!(told(&world), (OperationKind::Sale, OperationStatus::Success, PaymentStatus::Success));
    let question = world.attempt().clone();
    assert_eq!((question.ask, question.amount), (Ask::Confirm, eur(1000)));
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, 1000, 1000));
    for unanswered in [NOT_SENT, REPEATED, GIVEN_UP, pending(None), REPEATED] {
        world.outcome(unanswered).unwrap();
        assert!(world.attempt().status.is_open() && world.has_task(TaskKey::Call(question.id)));
    }
    world.advance(Duration::from_hours(24 * 30));
    assert!(!world.threshold(question.id).unwrap(), "time alone says nothing");
    world.outcome(credited(eur(1000), Credit::Confirmed)).unwrap();
    let kind = OperationKind::PaymentConfirmation;
    assert_eq!(told(&world), (kind, OperationStatus::Success, PaymentStatus::Success));
    assert_eq!((world.events.len(), world.sum(), world.merchant()), (2, 1000, 1000));
    // What comes again, or contradicts it, changes nothing.
    world.outcome(declined(codes::NOT_CREDITED)).unwrap();
    let sale = world.operations.values().next().unwrap().id;
    let sale = AttemptId::first(sale);
    assert!(matches!(world.credit(sale, Credit::Confirmed), CreditNoticed::Nothing));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::ByPeople(..)));
    assert_eq!((world.operations.len(), world.status()), (2, PaymentStatus::Success));
    assert_eq!(world.refund(Some(400)), codes::AWAITING, "it is an ordinary purchase again");
}

// G-161, G-145, G-292, G-486, M-016, M-017, T-086, T-096, T-100, P-154: whatever the merchant has by now
#[test]
fn money_that_never_arrives_goes_back_as_a_whole() {
    let mut world = awaited(Settings::default(), 0);
    assert_eq!(world.refund(None), codes::WRONG_STATE, "nothing else is begun meanwhile");
    world.project.settings.credit.clear();
    world.outcome(declined(codes::NOT_CREDITED)).unwrap();
    let kind = OperationKind::PaymentConfirmation;
    assert_eq!(told(&world), (kind, OperationStatus::Decline, PaymentStatus::Success), "until it is back");
    assert_eq!((world.operation().kind, world.attempt().ask), (OperationKind::Reversal, Ask::Void));
    assert_eq!((world.status(), world.attempt().amount), (PaymentStatus::Success, eur(1000)));
    world.outcome(pending(None)).unwrap();
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(told(&world), (OperationKind::Reversal, OperationStatus::Success, PaymentStatus::Reversed));
    assert_eq!((world.sum(), world.merchant(), world.provider()), (0, 0, 0));
    let codes: Vec<u32> = world.operations.values().map(|it| it.code.get()).collect();
    assert_eq!((codes, world.events.len()), (vec![0, 20_812, 3_060, 0], 4));
}

// G-161, M-023, T-101
#[test]
fn a_reversal_the_provider_refuses_leaves_the_purchase_paid() {
    let mut world = awaited(Settings::default(), 0);
    world.outcome(declined(codes::NOT_CREDITED)).unwrap();
    world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, 1000, 1000));
    let sale = AttemptId::first(world.operations.values().next().unwrap().id);
    assert_eq!(world.refund(None), codes::REFUND_TOO_SOON);
    world.advance(Duration::from_hours(1));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Recorded(_)), "it insists");
    world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
    world.advance(Duration::from_hours(1));
    assert_eq!(world.refund(None), codes::AWAITING, "the merchant may try");
}

// G-161, G-309: a provider that cannot be reached for a moment is asked until it can
#[test]
fn what_was_not_credited_goes_back_however_long_its_provider_is_away() {
    let mut purchase = awaited(Settings::default(), 0);
    purchase.outcome(declined(codes::NOT_CREDITED)).unwrap();
    let mut payout = World::new(with_methods(Settings::default()), 1000);
    payout.by_method(&method_of(OperationKind::Payout, "skrill", eur(1000)));
    payout.outcome(approved(eur(1000))).unwrap();
    let paid = payout.attempt().id;
    assert!(matches!(payout.credit(paid, Credit::Failed), CreditNoticed::Recorded(_)));
    for (mut world, kind) in [(purchase, OperationKind::Reversal), (payout, OperationKind::PayoutReversal)] {
        for _ in 0..3 {
            world.outcome(NOT_SENT).unwrap();
            let standing = (world.operation().kind, world.operation().status, world.attempt().status);
            assert_eq!(standing, (kind, OperationStatus::Processing, AttemptStatus::Unknown));
        }
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!((world.operation().kind, world.status()), (kind, PaymentStatus::Reversed));
    }
}

// G-161, D-25, M-019: after a refund of a part nothing is given back twice
#[test]
fn a_provider_that_promised_nothing_may_report_what_did_not_arrive() {
    let (mut world, sale) = paid();
    assert!(matches!(world.credit(sale, Credit::Pending), CreditNoticed::Nothing));
    world.refund(Some(300));
    assert!(
        matches!(world.credit(sale, Credit::Failed), CreditNoticed::Recorded(_)),
        "a refund is under way"
    );
    assert_eq!((world.operation().kind, world.operations.len()), (OperationKind::Refund, 2));
    world.outcome(approved(eur(300))).unwrap();
    assert_eq!((world.operation().kind, world.attempt().amount), (OperationKind::Reversal, eur(700)));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Nothing), "once");
    world.outcome(approved(eur(700))).unwrap();
    assert_eq!((world.status(), world.merchant(), world.provider()), (PaymentStatus::Refunded, 0, 0));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Nothing), "nothing is left");
}

// G-160, G-486
#[test]
fn support_may_find_out_what_became_of_the_crediting() {
    for (finding, status, kind) in [
        (
            Finding::Done { provider_id: String::new() },
            OperationStatus::Success,
            OperationKind::PaymentConfirmation,
        ),
        (Finding::NotDone, OperationStatus::Processing, OperationKind::Reversal),
    ] {
        let mut world = awaited(Settings::default(), 0);
        world.outcome(pending(None)).unwrap();
        world.find(finding).unwrap();
        assert_eq!((world.operation().kind, world.operation().status), (kind, status));
    }
}

// G-309, T-115, T-116, M-035, P-199
#[test]
fn a_payout_that_could_not_be_credited_comes_back_by_itself_or_by_support() {
    let paid_out = |by_support: Vec<String>| {
        let settings = Settings { payouts_reversed_by_support: by_support, ..Settings::default() };
        let mut world = World::new(with_methods(settings), 1000);
        world.by_method(&method_of(OperationKind::Payout, "skrill", eur(1000)));
        world.outcome(approved(eur(1000))).unwrap();
        world
    };
    let mut world = paid_out(Vec::new());
    let credit = world.attempt().id;
    assert!(matches!(world.credit(credit, Credit::Confirmed), CreditNoticed::Nothing));
    assert!(matches!(world.credit(credit, Credit::Failed), CreditNoticed::Recorded(_)));
    assert_eq!(
        (world.operation().kind, world.attempt().ask),
        (OperationKind::PayoutReversal, Ask::UndoPayout)
    );
    assert!(matches!(world.credit(credit, Credit::Failed), CreditNoticed::Nothing));
    world.outcome(pending(None)).unwrap();
    assert_eq!((world.status(), world.merchant()), (PaymentStatus::Success, 0));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Reversed, 0, 1000));
    assert!(matches!(world.credit(credit, Credit::Failed), CreditNoticed::Nothing));
    assert!(
        matches!(world.credit(credit, Credit::Confirmed), CreditNoticed::ByPeople(..)),
        "a contradiction"
    );
    assert_eq!(world.attempts.values().filter(|it| it.status == AttemptStatus::Approved).count(), 2);

    let mut world = paid_out(vec!["skrill".to_owned()]);
    assert!(matches!(world.credit(world.attempt().id, Credit::Failed), CreditNoticed::ByPeople(..)));
    assert_eq!((world.operations.len(), world.payment().detail.credit), (1, Some(Credit::Failed)));
    assert_eq!(world.reverse_payout(world.operation().id), Ok(()));
    assert_eq!(world.operation().kind, OperationKind::PayoutReversal);
}

// G-448, G-161: what was converted goes back as the provider took it
#[test]
fn a_converted_purchase_goes_back_in_the_currency_it_was_taken_in() {
    let mut world = World::new(with_methods(Settings::default()), 0).in_yen("163");
    world.by_method(&method_of(OperationKind::Sale, "blik", eur(1000)));
    let there = world.attempt().amount;
    assert_eq!(there.currency.code(), "JPY");
    world.outcome(credited(there, Credit::Pending)).unwrap();
    world.outcome(declined(codes::NOT_CREDITED)).unwrap();
    assert_eq!((world.attempt().ask, world.attempt().amount), (Ask::Void, there));
    world.outcome(approved(there)).unwrap();
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Reversed, 0, 0));
}

// G-161, D-25: the refund under way is refused, and then everything goes back
#[test]
fn what_was_not_credited_goes_back_after_a_refund_that_is_refused() {
    let (mut world, sale) = paid();
    world.refund(Some(300));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Recorded(_)));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Nothing), "it is remembered");
    world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
    assert_eq!((world.operation().kind, world.attempt().amount), (OperationKind::Reversal, eur(1000)));
    assert!(matches!(world.credit(sale, Credit::Confirmed), CreditNoticed::ByPeople(..)), "a contradiction");
    world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
    assert_eq!(world.operations.len(), 3, "what the platform began is not begun for ever");
    assert_eq!((world.payment().open, world.merchant()), (None, 1000));
}

// G-161: nothing has been sent yet when the provider takes its word back
#[test]
fn a_word_that_is_taken_back_during_a_refund_moves_nothing() {
    let (mut world, sale) = paid();
    world.refund(Some(300));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Recorded(_)));
    assert!(
        matches!(world.credit(sale, Credit::Confirmed), CreditNoticed::ByPeople(..)),
        "people hear of it"
    );
    world.outcome(approved(eur(300))).unwrap();
    assert_eq!((world.operation().kind, world.merchant()), (OperationKind::Refund, 700));
    assert_eq!((world.payment().open, world.payment().detail.credit), (None, Some(Credit::Confirmed)));
}

// G-161: after a provider has refused to take it back, only what it says anew begins anything
#[test]
fn a_refund_long_after_a_refused_reversal_brings_nothing_else_back() {
    for (says_so, by_people) in [(false, false), (true, false), (false, true)] {
        let mut world = awaited(Settings::default(), 0);
        let sale = AttemptId::first(world.operations.values().next().unwrap().id);
        world.outcome(declined(codes::NOT_CREDITED)).unwrap();
        world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
        if says_so {
            assert!(matches!(world.credit(sale, Credit::Confirmed), CreditNoticed::ByPeople(..)));
        }
        if by_people {
            world.find_of(sale, Finding::Done { provider_id: String::new() }).unwrap();
        }
        let is_known = says_so || by_people;
        assert_eq!(world.payment().detail.credit == Some(Credit::Confirmed), is_known);
        world.advance(Duration::from_hours(1));
        assert_eq!(world.refund(Some(300)), codes::AWAITING);
        world.outcome(approved(eur(300))).unwrap();
        assert_eq!((world.operation().kind, world.merchant()), (OperationKind::Refund, 700));
        world.advance(Duration::from_hours(1));
        assert_eq!(world.refund(Some(200)), codes::AWAITING);
        world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
        assert_eq!((world.payment().open, world.merchant()), (None, 700));
        let found = world.find_of(sale, Finding::Done { provider_id: String::new() });
        assert_eq!(found.is_ok(), !is_known, "it is found once");
    }
}

// G-304, G-309: a word that comes late and out of order does not undo what was confirmed
#[test]
fn what_was_confirmed_without_being_asked_is_remembered() {
    let (mut world, sale) = paid();
    assert!(matches!(world.credit(sale, Credit::Confirmed), CreditNoticed::Recorded(_)));
    assert!(matches!(world.credit(sale, Credit::Confirmed), CreditNoticed::Nothing), "it is known");
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::ByPeople(..)), "a contradiction");
    assert_eq!((world.payment().open, world.merchant()), (None, 1000));
}

// G-161, G-304: of what never arrived nothing is left to give back, and no refund of it is taken back
#[test]
fn a_refund_of_what_was_never_credited_is_not_taken_back() {
    let mut world = World::sold(1000, Network::Visa);
    let sale = world.attempt().id;
    assert_eq!(world.refund(None), codes::AWAITING);
    let refund = world.operation().id;
    world.outcome(approved(eur(1000))).unwrap();
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Recorded(_)));
    assert!(matches!(world.credit(sale, Credit::Failed), CreditNoticed::Nothing), "it is known");
    assert_eq!(world.payment().detail.credit, Some(Credit::Failed));
    assert_eq!(world.undo_refund(refund), Err(codes::WRONG_STATE));
}

// G-160: asked at first every few seconds, later a few times a day
#[test]
fn a_provider_is_asked_less_and_less_often_whether_money_arrived() {
    let mut world = awaited(Settings::default(), 0);
    let call = TaskKey::Call(world.attempt().id);
    let mut pauses = Vec::new();
    for after in [0, 60, 3_600, 86_400, 864_000] {
        world.advance(Duration::from_secs(after));
        for answer in [pending(None), REPEATED] {
            world.outcome(answer).unwrap();
            let due = world.tasks.values().find(|task| task.key == call).unwrap().due;
            pauses.push(due.since(world.now.real).as_secs());
        }
    }
    assert_eq!(pauses, [2, 2, 30, 30, 1_830, 1_830, 21_600, 21_600, 21_600, 21_600]);
}
