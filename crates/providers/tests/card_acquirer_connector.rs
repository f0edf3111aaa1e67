//! The connector as the engine uses it: orders go in, outcomes come out, and the simulated acquirer's book tells whether
//! what was ordered is what was done.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    codes::Code,
    decide::Outcome,
    ids::{AttemptId, OperationId, ProviderAccountId},
    money::{Currency, Money},
    payment::{Ask, Authenticated, Avs, CardRequest, MerchantAuthStep, ProviderAnswer},
    project::{Environment, OperationDay},
    time::Timestamp,
};
use ferropay_engine::connector::{Connector, LateAnswer, Order, OrderCard, Original, PersonName, Reversal};
use ferropay_providers::card_acquirer::{CardAcquirer, Channel, link::Config, message::ShopName};
use ferropay_simulators::acquirer::{
    Acquirer, AttemptKind, Config as SimulatorConfig, Handle, OperationReport, Reference,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

const NOW: i64 = 1_795_000_000;
const GOOD: &str = "4314220000000056";
const PARTIAL: &str = "5126160000356675";
const PAYABLE: &str = "4242424242424242";
const CAVV: &str = "AAECAwQFBgcICQoLDA0ODxAREhM=";

struct World {
    connector: CardAcquirer,
    acquirer: Handle,
    late: mpsc::UnboundedReceiver<LateAnswer>,
}

async fn world() -> World {
    let simulator = SimulatorConfig::new(([127, 0, 0, 1], 0).into(), Arc::new(|| NOW));
    let acquirer = Acquirer::start(simulator).await.unwrap();
    let clock = Arc::new(|| jiff::Timestamp::from_second(NOW).unwrap_or_default());
    let link = Config {
        timeout: Duration::from_millis(400),
        back_off: (Duration::from_millis(10), Duration::from_millis(50)),
        ..Config::new(&acquirer.local_addr().to_string(), "400000", "TERM0001", "57123", clock)
    };
    let channel = Channel {
        account: ProviderAccountId::new(1),
        environment: Environment::Test,
        day: OperationDay::default(),
        category: 5999,
        shop: ShopName::new("FERROPAY", "RIGA", "LV"),
        link,
    };
    let (sender, late) = mpsc::unbounded_channel();
    let connector =
        CardAcquirer::start(channel, Arc::new(move |answer| sender.send(answer).unwrap_or_default()))
            .unwrap();
    World { connector, acquirer, late }
}

fn attempt(operation: i64) -> AttemptId {
    AttemptId { operation: OperationId::new(operation), number: 1 }
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::from_numeric(978).unwrap())
}

fn order_with(card: &str, ask: Ask, operation: i64, minor: i64) -> Order {
    Order {
        attempt: attempt(operation),
        ask,
        amount: euros(minor),
        created_at: Timestamp::from_micros(NOW * 1_000_000),
        repeat: false,
        card: Some(OrderCard {
            pan: Pan::parse(card).unwrap(),
            expiry: Some(Expiry { year: 2030, month: 12 }),
            cvv: ask.takes_cvv().then(|| Cvv::parse("123").unwrap()),
            holder: Some("ANNA OZOLA".to_owned()),
        }),
        original: None,
        authentication: None,
        credential: None,
        card_request: CardRequest::default(),
        name: None,
        correspondence: None,
        method: None,
        fault_plan: None,
    }
}

fn order(ask: Ask, operation: i64, minor: i64) -> Order {
    order_with(GOOD, ask, operation, minor)
}

/// A payout; nothing is known of the card but its number.
fn payout(card: &str, operation: i64, minor: i64) -> Order {
    without_expiry(order_with(card, Ask::Payout, operation, minor))
}

fn without_expiry(mut order: Order) -> Order {
    let card = order.card.take().unwrap();
    Order { card: Some(OrderCard { expiry: None, cvv: None, holder: None, ..card }), ..order }
}

/// An order about the attempt of operation `of`, which moved or holds `full`; `remaining` is left afterwards.
fn about(ask: Ask, operation: i64, minor: i64, of: i64, full: i64, remaining: i64) -> Order {
    let original = Some(Original { attempt: attempt(of), amount: euros(full), remaining });
    Order { original, ..order(ask, operation, minor) }
}

impl World {
    async fn approved(&self, order: Order) -> (i64, ProviderAnswer) {
        match self.connector.call(order).await {
            Outcome::Approved { amount, answer } => (amount.minor, answer),
            other => panic!("{other:?}"),
        }
    }

    async fn declined(&self, order: Order) -> (Code, ProviderAnswer) {
        match self.connector.call(order).await {
            Outcome::Declined { code, answer } => (code, answer),
            other => panic!("{other:?}"),
        }
    }

    async fn lost(&self, mut order: Order, plan: &str) {
        order.fault_plan = Some(plan.to_owned());
        let outcome = self.connector.call(order).await;
        assert!(matches!(outcome, Outcome::Lost { .. }), "{outcome:?}");
    }

    fn seen(&self, operation: u64) -> OperationReport {
        self.acquirer.operation(Reference::from_number(operation * 512 + 1).unwrap()).unwrap()
    }

    /// What was taken and neither given back nor paid out, and what is on hold; nothing may have been done twice.
    fn books(&self) -> (i128, u128) {
        let book = self.acquirer.book();
        assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{book:?}");
        let totals = book.totals.first().map(|(_, totals)| *totals).unwrap_or_default();
        (totals.net(), totals.on_hold())
    }
}

// G-166, G-170, G-171, G-172
#[tokio::test]
async fn a_two_step_purchase_runs_from_hold_to_cancelled_refund() {
    use AttemptKind::{Authorisation, Capture, Increment, Refund, RefundReversal, Release, Void};
    let world = world().await;
    let (held, answer) = world.approved(order(Ask::Auth, 1, 2000)).await;
    assert_eq!((held, answer.result_code.as_str()), (2000, "00"));
    assert!(!answer.auth_code.is_empty() && !answer.scheme_id.is_empty());
    assert_eq!(world.approved(about(Ask::Increment, 2, 500, 1, 2000, 2500)).await.0, 500);
    assert_eq!(world.approved(about(Ask::Decrement, 3, 300, 1, 2500, 2200)).await.0, 300);
    assert_eq!(world.books(), (0, 2200));
    assert_eq!(world.approved(about(Ask::Capture, 4, 2000, 1, 2200, 0)).await.0, 2000);
    assert_eq!(world.books(), (2000, 0));
    assert_eq!(world.approved(about(Ask::Refund, 5, 500, 4, 2000, 1500)).await.0, 500);
    assert_eq!(world.approved(about(Ask::UndoRefund, 6, 500, 5, 500, 0)).await.0, 500);
    assert_eq!(world.approved(about(Ask::Void, 7, 700, 4, 2000, 1300)).await.0, 700);
    assert_eq!(world.books(), (1300, 0));
    let kinds = [1, 2, 3, 4, 5, 6, 7].map(|operation| world.seen(operation).kind);
    assert_eq!(kinds, [Authorisation, Increment, Release, Capture, Refund, RefundReversal, Void]);
}

// G-173
#[tokio::test]
async fn a_whole_hold_is_released_and_is_gone_then() {
    let world = world().await;
    world.approved(order(Ask::Auth, 1, 2000)).await;
    world.approved(about(Ask::Release, 2, 2000, 1, 2000, 0)).await;
    assert_eq!(world.books(), (0, 0));
    for (operation, ask) in [(3, Ask::Capture), (4, Ask::Increment), (5, Ask::Release)] {
        let (code, _) = world.declined(about(ask, operation, 2000, 1, 2000, 0)).await;
        assert_eq!(code, Code::new(10_706), "{ask:?}");
    }
}

#[tokio::test]
async fn what_can_be_undone_is_undone_and_the_rest_is_done_once_by_repeating() {
    let world = world().await;
    for (operation, ask) in [(1, Ask::Sale), (2, Ask::Auth), (3, Ask::Verify)] {
        world.lost(order(ask, operation, 2000), "drop").await;
        assert_eq!(world.connector.reverse(order(ask, operation, 2000), 0).await, Reversal::Acknowledged);
        assert_eq!(world.connector.reverse(order(ask, operation, 2000), 1).await, Reversal::Acknowledged);
    }
    assert_eq!(world.books(), (0, 0));
    world.approved(order(Ask::Auth, 4, 2000)).await;
    let increment = about(Ask::Increment, 5, 500, 4, 2000, 2500);
    world.lost(increment.clone(), "drop").await;
    assert_eq!(world.connector.reverse(increment, 0).await, Reversal::Acknowledged);
    assert_eq!(world.books(), (0, 2000));
    for order in [
        about(Ask::Decrement, 6, 100, 4, 2000, 1900),
        about(Ask::Capture, 7, 1900, 4, 1900, 0),
        about(Ask::Void, 8, 1900, 7, 1900, 0),
    ] {
        assert!(order.ask.is_repeated());
        world.lost(order.clone(), "drop").await;
        world.approved(Order { repeat: true, ..order }).await;
    }
    assert_eq!(world.books(), (0, 0));
}

// G-338, G-339, G-235, G-237
#[tokio::test]
async fn a_card_is_verified_with_a_name_and_what_it_holds_is_undone() {
    let world = world().await;
    let name = PersonName { first: "ANNA".into(), middle: String::new(), last: "PARTIAL".into() };
    let (amount, answer) = world.approved(Order { name: Some(name), ..order(Ask::Verify, 1, 0) }).await;
    assert_eq!((amount, answer.name_check.as_str()), (0, "B"));
    let (_, answer) = world.approved(order(Ask::Verify, 2, 100)).await;
    assert_eq!((answer.name_check.as_str(), world.books()), ("", (0, 100)));
    assert_eq!(world.connector.reverse(order(Ask::Verify, 2, 100), 0).await, Reversal::Acknowledged);
    assert_eq!(world.books(), (0, 0));
    world.declined(order_with("4111111111111111", Ask::Verify, 3, 0)).await;
}

// G-232, G-233
#[tokio::test]
async fn an_address_that_has_to_match_declines_with_109() {
    let world = world().await;
    let with = |operation, post_code: &str, required| Order {
        card_request: CardRequest {
            avs: Some(Avs { post_code: post_code.into(), street: "Br\u{12b}v\u{12b}bas 1".into() }),
            avs_required: required,
            ..CardRequest::default()
        },
        ..order(Ask::Sale, operation, 2000)
    };
    assert_eq!(world.approved(with(1, "LV-1050", true)).await.1.avs_result, "Y");
    assert_eq!(world.approved(with(2, "LV-1059", false)).await.1.avs_result, "N");
    let (code, answer) = world.declined(with(3, "LV-1059", true)).await;
    assert_eq!((code, answer.avs_result.as_str()), (Code::new(109), "N"));
    assert_eq!(world.books(), (4000, 0));
}

// G-240, G-243
#[tokio::test]
async fn a_partial_approval_is_for_the_smaller_amount() {
    let world = world().await;
    let with = |ask, operation, partial_allowed| Order {
        card_request: CardRequest { partial_allowed, ..CardRequest::default() },
        ..order_with(PARTIAL, ask, operation, 20_000)
    };
    assert_eq!(world.approved(with(Ask::Sale, 1, true)).await.0, 12_000);
    assert_eq!(world.approved(with(Ask::Auth, 2, true)).await.0, 12_000);
    assert_eq!(world.declined(with(Ask::Sale, 3, false)).await.0, Code::new(10_105));
    assert_eq!(world.books(), (12_000, 12_000));
}

// G-194, G-208, G-253, G-257
#[tokio::test]
async fn authentication_telephone_order_and_descriptor_reach_the_acquirer() {
    let world = world().await;
    let proof = Authenticated {
        eci: Some("05".into()),
        value: Some(CAVV.into()),
        ds_transaction: Some("f25084f0-5b16-4c0a-ae5d-b24808a95e4b".into()),
        xid: None,
        version: "2.2.0".into(),
    };
    let sale = Order { authentication: Some(proof.clone()), ..order(Ask::Sale, 1, 2000) };
    world.approved(sale).await;
    let seen = world.seen(1).authentication.unwrap();
    assert_eq!((seen.eci.as_deref(), seen.cavv.as_deref()), (Some("05"), Some(CAVV)));
    assert_eq!((seen.version.as_deref(), seen.xid), (Some("2.2.0"), None));
    assert_eq!(world.seen(1).shop, "FERROPAY");

    let broken = Authenticated { value: Some("AAEC".into()), ..proof };
    let outcome =
        world.connector.call(Order { authentication: Some(broken), ..order(Ask::Sale, 2, 2000) }).await;
    assert!(matches!(outcome, Outcome::NotSent { .. }), "a proof is not left out silently: {outcome:?}");

    let card_request =
        CardRequest { moto: Some(2), descriptor: Some("SHOP* TEA".into()), ..CardRequest::default() };
    world.approved(Order { card_request, ..order(Ask::Auth, 3, 2000) }).await;
    assert_eq!((world.seen(3).remote_order, world.seen(3).shop.as_str()), (Some('2'), "SHOP* TEA"));
}

// G-211, G-213, G-216
#[tokio::test]
async fn a_merchant_authentication_is_offered_started_and_finished() {
    let world = world().await;
    let offered = Some("merchant-auth".to_owned());
    for (operation, ask) in [(1, Ask::Sale), (2, Ask::Auth)] {
        let order = Order { fault_plan: offered.clone(), ..order(ask, operation, 2000) };
        let outcome = world.connector.call(order).await;
        let Outcome::MerchantAuthOffered { answer } = outcome else { panic!("{outcome:?}") };
        assert_eq!(answer.result_code, "Z1");
    }
    let start = about(Ask::StartMerchantAuth, 3, 2000, 1, 2000, 0);
    world.lost(start.clone(), "drop").await;
    world.approved(Order { repeat: true, ..start }).await;
    assert_eq!(world.books(), (0, 0));
    let finish = |operation, code: &str| Order {
        card_request: CardRequest {
            merchant_auth: Some(MerchantAuthStep::Finished(code.to_owned())),
            ..CardRequest::default()
        },
        fault_plan: offered.clone(),
        ..order(Ask::Sale, operation, 2000)
    };
    assert_eq!(world.declined(finish(4, "654321")).await.0, Code::new(10_102));
    world.approved(finish(5, "123456")).await;
    assert_eq!(world.books(), (2000, 0));
}

#[tokio::test]
async fn a_late_approval_of_a_hold_is_evidence_and_a_late_code_is_not() {
    let mut world = world().await;
    let start = about(Ask::StartMerchantAuth, 2, 2000, 1, 2000, 0);
    let offer = Order { fault_plan: Some("merchant-auth".to_owned()), ..order(Ask::Sale, 1, 2000) };
    world.connector.call(offer).await;
    world.lost(start, "late=600").await;
    world.lost(order(Ask::Auth, 3, 2000), "late=600").await;
    let late = world.late.recv().await.unwrap();
    assert_eq!((late.attempt, late.approved), (attempt(3), Some(euros(2000))));
    assert!(world.late.try_recv().is_err());
}

// D-482, D-495, D-496, G-310, G-312, G-550
#[tokio::test]
async fn a_payout_credits_the_card_with_and_without_its_expiry_or_is_declined() {
    let world = world().await;
    let (paid, answer) = world.approved(payout(PAYABLE, 1, 5000)).await;
    assert_eq!((paid, answer.result_code.as_str()), (5000, "00"));
    assert!(!answer.auth_code.is_empty() && !answer.scheme_id.is_empty());
    world.approved(order_with("5413330000000019", Ask::Payout, 2, 300)).await;
    for (operation, card) in [(3, "4000000000000077"), (4, "4314220000000072"), (5, "5413330000000035")] {
        let (code, answer) = world.declined(payout(card, operation, 5000)).await;
        assert_eq!((code, answer.result_code.as_str()), (Code::new(10_000), "99"), "{card}");
    }
    assert_eq!(world.books(), (-5300, 0));
    assert_eq!(world.seen(1).kind, AttemptKind::Credit);
}

// G-310
#[tokio::test]
async fn a_payout_whose_answer_is_lost_is_repeated_and_credited_once() {
    let world = world().await;
    let mut operation = 0;
    for fault in ["drop", "drop-before", "reset", "reset-before", "garbage", "late=600", "delay=600"] {
        operation += 2;
        let credit = payout(PAYABLE, operation, 5000);
        assert!(credit.ask.is_repeated());
        world.lost(credit.clone(), fault).await;
        world.approved(Order { repeat: true, ..credit }).await;
        let undo = about(Ask::UndoPayout, operation + 1, 5000, operation, 5000, 0);
        assert!(undo.ask.is_repeated());
        if operation > 2 {
            world.lost(undo.clone(), fault).await;
            world.approved(Order { repeat: true, ..undo }).await;
        }
    }
    assert_eq!(world.books(), (-5000, 0), "only the first was not taken back");
    let lost = payout("4314220000000072", 40, 5000);
    world.lost(lost.clone(), "drop").await;
    assert_eq!(world.declined(Order { repeat: true, ..lost }).await.0, Code::new(10_000));
}

#[tokio::test]
async fn no_advice_is_sent_about_a_payout_so_that_its_repeat_is_still_paid() {
    let world = world().await;
    let credit = payout(PAYABLE, 1, 5000);
    world.lost(credit.clone(), "drop-before").await;
    assert_eq!(world.connector.reverse(credit.clone(), 0).await, Reversal::Unanswered);
    assert_eq!(world.acquirer.book().counters.advices_before_original, 0);
    world.approved(Order { repeat: true, ..credit.clone() }).await;
    assert_eq!(world.connector.reverse(credit, 1).await, Reversal::Unanswered);
    let undo = about(Ask::UndoPayout, 2, 5000, 1, 5000, 0);
    world.approved(undo.clone()).await;
    assert_eq!(world.connector.reverse(undo, 0).await, Reversal::Unanswered);
    assert_eq!(world.acquirer.book().counters.refused_as_duplicate, 0);
    assert_eq!(world.books(), (0, 0));
}

// G-309
#[tokio::test]
async fn a_payout_is_taken_back_once_and_an_unknown_or_declined_one_is_not() {
    let world = world().await;
    world.approved(payout(PAYABLE, 1, 5000)).await;
    world.declined(payout("4314220000000072", 2, 5000)).await;
    let undo = |operation, of| without_expiry(about(Ask::UndoPayout, operation, 5000, of, 5000, 0));
    assert_eq!(world.declined(undo(3, 2)).await.0, Code::new(10_706));
    assert_eq!(world.declined(undo(4, 99)).await.0, Code::new(10_706));
    assert_eq!(world.approved(undo(5, 1)).await.0, 5000);
    assert_eq!(world.declined(undo(6, 1)).await.0, Code::new(10_706));
    assert_eq!((world.books(), world.seen(5).kind), ((0, 0), AttemptKind::CreditReversal));
}

// G-312
#[tokio::test]
async fn a_debit_without_the_cards_expiry_is_not_sent() {
    let world = world().await;
    for (operation, ask) in [(1, Ask::Sale), (2, Ask::Auth), (3, Ask::Verify)] {
        let outcome = world.connector.call(without_expiry(order(ask, operation, 2000))).await;
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{ask:?}: {outcome:?}");
    }
    assert_eq!(world.acquirer.book().entries, 0);
}

#[tokio::test]
async fn a_late_approval_of_a_payout_is_evidence() {
    let mut world = world().await;
    world.lost(payout(PAYABLE, 1, 5000), "late=600").await;
    let late = world.late.recv().await.unwrap();
    assert_eq!((late.attempt, late.approved), (attempt(1), Some(euros(5000))));
}
