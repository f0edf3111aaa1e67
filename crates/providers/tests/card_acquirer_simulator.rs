//! The link and the acquirer simulator, two programs written from `docs/acquirer-protocol.md` without sharing code,
//! over a real socket. After every story the simulator's book is asked whether money moved as the link was told.
#![expect(clippy::panic, reason = "helpers of tests")]

use ferropay_providers::card_acquirer::link::{Config, Exchange, Link, Unknown};
use ferropay_providers::card_acquirer::message::{
    Answer, Attempt, Class, Credit, CvvResult, Debit, DebitKind, Expiry, FollowUp, FollowUpKind, Partial,
    Processing, Request, ReversalAdvice, ShopName, Undoes, Void,
};
use ferropay_providers::card_acquirer::reference::Reference;
use ferropay_providers::card_acquirer::secret::{Cvv, Pan};
use ferropay_simulators::acquirer::{Acquirer, Config as SimulatorConfig, Handle};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const NOW: i64 = 1_795_000_000;
const GOOD: &str = "4314220000000056";
/// Takes credits.
const PAYABLE: &str = "4242424242424242";
const BAD: &str = "4111111111111111";

struct Story {
    link: Link,
    acquirer: Handle,
    evidence: mpsc::UnboundedReceiver<Answer>,
}

async fn story() -> Story {
    let simulator = SimulatorConfig::new(([127, 0, 0, 1], 0).into(), Arc::new(|| NOW));
    let acquirer = Acquirer::start(simulator).await.unwrap_or_else(|error| panic!("{error}"));
    let clock = Arc::new(|| jiff::Timestamp::from_second(NOW).unwrap_or_default());
    let config = Config {
        timeout: Duration::from_millis(500),
        back_off: (Duration::from_millis(10), Duration::from_millis(50)),
        ..Config::new(&acquirer.local_addr().to_string(), "400000", "TERM0001", "57123", clock)
    };
    let (sender, evidence) = mpsc::unbounded_channel();
    let link = Link::start(config, move |answer| sender.send(answer).unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}"));
    Story { link, acquirer, evidence }
}

fn reference(operation: u64) -> Reference {
    Reference::new(operation, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn attempt(operation: u64, card: &str, amount: u64, plan: &str) -> Attempt {
    Attempt {
        reference: reference(operation),
        pan: Pan::new(card).unwrap_or_else(|error| panic!("{error}")),
        amount,
        currency: 978,
        category: 5999,
        made_at: jiff::Timestamp::from_second(NOW).unwrap_or_default(),
        shop: ShopName::new("SHOP", "RIGA", "LV"),
        remote_order: None,
        fault_plan: (!plan.is_empty()).then(|| plan.into()),
        repeat: false,
    }
}

fn debit(kind: DebitKind, operation: u64, card: &str, amount: u64, plan: &str) -> Debit {
    let attempt = attempt(operation, card, amount, plan);
    let debit = Debit::plain(kind, attempt, Expiry { year: 2030, month: 12 });
    Debit { cvv: Cvv::new("123").ok(), ..debit }
}

fn purchase(operation: u64, card: &str, amount: u64, plan: &str) -> Request {
    Request::Debit(debit(DebitKind::Purchase, operation, card, amount, plan))
}

fn hold(operation: u64, amount: u64, plan: &str) -> Request {
    Request::Debit(debit(DebitKind::Authorisation, operation, GOOD, amount, plan))
}

fn follow_up(kind: FollowUpKind, operation: u64, of: u64, amount: u64, plan: &str) -> Request {
    let attempt = attempt(operation, GOOD, amount, plan);
    Request::FollowUp(FollowUp { attempt, kind, original: reference(of) })
}

fn refund(operation: u64, of: u64, amount: u64, plan: &str) -> Request {
    follow_up(FollowUpKind::Refund, operation, of, amount, plan)
}

fn credit(operation: u64, card: &str, amount: u64, plan: &str) -> Request {
    let attempt = attempt(operation, card, amount, plan);
    Request::Credit(Credit { attempt, expiry: None, holder: None, chosen: None })
}

fn undo(undoes: Undoes, operation: u64, of: u64, full: u64, partial: Option<Partial>, plan: &str) -> Request {
    let attempt = attempt(operation, GOOD, full, plan);
    Request::Void(Void { attempt, undoes, original: reference(of), stamp: None, partial })
}

fn void(operation: u64, of: u64, full: u64, partial: Option<Partial>, plan: &str) -> Request {
    undo(Undoes::Debit, operation, of, full, partial, plan)
}

fn release(operation: u64, of: u64, full: u64, partial: Option<Partial>, plan: &str) -> Request {
    undo(Undoes::Hold, operation, of, full, partial, plan)
}

fn advice(operation: u64, processing: Processing, amount: u64) -> Request {
    advice_of(Class::Financial, operation, processing, amount)
}

fn advice_of(class: Class, operation: u64, processing: Processing, amount: u64) -> Request {
    Request::ReversalAdvice(ReversalAdvice {
        attempt: attempt(operation, GOOD, amount, ""),
        class,
        processing,
        original: None,
    })
}

fn again(mut request: Request) -> Request {
    let attempt = request.attempt_mut();
    attempt.repeat = true;
    attempt.fault_plan = None;
    request
}

impl Story {
    /// DE39 of the answer.
    async fn code(&self, request: Request) -> String {
        let answer = self.link.exchange(request).await.unwrap_or_else(|error| panic!("{error}"));
        String::from_utf8_lossy(&answer.code.0).into_owned()
    }

    async fn unknown(&self, request: Request) -> Unknown {
        match self.link.exchange(request).await {
            Err(Exchange::Unknown { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// The outcome of the request is unknown; its repeat is approved.
    async fn lost_and_repeated(&self, request: Request) {
        self.unknown(request.clone()).await;
        assert_eq!(self.code(again(request.clone())).await, "00", "{request:?}");
    }

    /// What merchants have at the acquirer, minor units; checks that nothing moved twice.
    fn balance(&self) -> i128 {
        let book = self.acquirer.book();
        assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{book:?}");
        book.totals.iter().map(|(_, totals)| totals.net()).sum()
    }

    /// What is on hold at the acquirer, minor units.
    fn on_hold(&self) -> u128 {
        self.acquirer.book().totals.iter().map(|(_, totals)| totals.on_hold()).sum()
    }
}

// D-482, D-486
#[tokio::test]
async fn test_cards_decide_and_the_approval_says_all_that_is_promised() {
    let story = story().await;
    let answer = story.link.exchange(purchase(1, GOOD, 2000, "")).await.unwrap();
    assert_eq!((answer.code.0, answer.cvv_result), (*b"00", Some(CvvResult::Match)));
    assert!(answer.approval_code.is_some() && answer.network_transaction.is_some());
    assert_eq!(story.code(purchase(2, BAD, 2000, "")).await, "99");
    assert_eq!(story.balance(), 2000);
}

// D-498
#[tokio::test]
async fn refunds_and_voids_give_back_at_most_what_was_taken() {
    let story = story().await;
    assert_eq!(story.code(purchase(1, GOOD, 2000, "")).await, "00");
    assert_eq!(story.code(refund(2, 1, 500, "")).await, "00");
    assert_eq!(story.balance(), 1500);
    let part = |amount, remaining| Some(Partial { amount, remaining });
    assert_eq!(story.code(void(3, 1, 2000, None, "")).await, "13");
    assert_eq!(story.code(void(4, 1, 2000, part(700, 900), "")).await, "13");
    assert_eq!(story.code(void(5, 1, 2000, part(700, 800), "")).await, "00");
    assert_eq!(story.code(refund(6, 1, 801, "")).await, "13");
    assert_eq!(story.code(refund(7, 1, 800, "")).await, "00");
    assert_eq!(story.code(refund(8, 9, 1, "")).await, "25");
    assert_eq!(story.balance(), 0);
}

#[tokio::test]
async fn an_unknown_purchase_is_undone_whatever_became_of_it() {
    let story = story().await;
    let faults = ["drop", "drop-before", "reset", "reset-before", "garbage", "late=700", "delay=700"];
    for (operation, fault) in (1..).zip(faults) {
        story.unknown(purchase(operation, GOOD, 2000, fault)).await;
        assert_eq!(story.code(advice(operation, Processing::Purchase, 2000)).await, "00", "{fault}");
        assert_eq!(story.code(again(advice(operation, Processing::Purchase, 2000))).await, "00", "{fault}");
        assert_eq!(story.code(again(purchase(operation, GOOD, 2000, ""))).await, "94", "{fault}");
    }
    assert_eq!(story.balance(), 0);
}

#[tokio::test]
async fn an_unknown_refund_or_void_is_done_once_by_repeating_it() {
    let story = story().await;
    let mut operation = 0;
    for fault in ["drop", "drop-before", "reset", "reset-before", "garbage"] {
        operation += 3;
        assert_eq!(story.code(purchase(operation, GOOD, 2000, "")).await, "00");
        let refund = refund(operation + 1, operation, 500, fault);
        story.unknown(refund.clone()).await;
        assert_eq!(story.code(again(refund)).await, "00", "{fault}");
        let partial = Some(Partial { amount: 1500, remaining: 0 });
        let void = void(operation + 2, operation, 2000, partial, fault);
        story.unknown(void.clone()).await;
        assert_eq!(story.code(again(void)).await, "00", "{fault}");
        assert_eq!(story.balance(), 0, "{fault}");
    }
}

#[tokio::test]
async fn a_void_is_never_undone_by_an_advice() {
    let story = story().await;
    assert_eq!(story.code(purchase(1, GOOD, 2000, "")).await, "00");
    assert_eq!(story.code(void(2, 1, 2000, None, "")).await, "00");
    assert_eq!(story.code(advice(2, Processing::Purchase, 2000)).await, "94");
    assert_eq!(story.balance(), 0);
}

// G-166, G-171, G-172
#[tokio::test]
async fn holds_are_changed_captured_and_given_back() {
    let story = story().await;
    assert_eq!(story.code(hold(1, 2000, "")).await, "00");
    assert_eq!(story.code(follow_up(FollowUpKind::Increment, 2, 1, 500, "")).await, "00");
    let part = |amount, remaining| Some(Partial { amount, remaining });
    assert_eq!(story.code(release(3, 1, 2500, part(300, 2200), "")).await, "00");
    assert_eq!((story.balance(), story.on_hold()), (0, 2200));
    assert_eq!(story.code(follow_up(FollowUpKind::Capture, 4, 1, 2300, "")).await, "13");
    assert_eq!(story.code(follow_up(FollowUpKind::Capture, 5, 1, 2000, "")).await, "00");
    assert_eq!((story.balance(), story.on_hold()), (2000, 0));
    assert_eq!(story.code(release(6, 1, 200, None, "")).await, "25");
    assert_eq!(story.code(refund(7, 5, 500, "")).await, "00");
    assert_eq!(story.code(undo(Undoes::Refund, 8, 7, 500, None, "")).await, "00");
    assert_eq!(story.code(void(9, 5, 2000, None, "")).await, "00");
    assert_eq!(story.balance(), 0);
}

#[tokio::test]
async fn an_unknown_hold_increment_or_verification_is_undone() {
    let story = story().await;
    let mut operation = 0;
    for fault in ["drop", "drop-before", "reset", "reset-before", "garbage", "late=700", "delay=700"] {
        operation += 4;
        let advice =
            |operation, processing, amount| advice_of(Class::Authorisation, operation, processing, amount);
        story.unknown(hold(operation, 2000, fault)).await;
        assert_eq!(story.code(advice(operation, Processing::Purchase, 2000)).await, "00", "{fault}");
        assert_eq!(story.code(again(hold(operation, 2000, ""))).await, "94", "{fault}");
        assert_eq!(story.code(hold(operation + 1, 100, "")).await, "00");
        story.unknown(follow_up(FollowUpKind::Increment, operation + 2, operation + 1, 50, fault)).await;
        assert_eq!(story.code(advice(operation + 2, Processing::Purchase, 50)).await, "00", "{fault}");
        assert_eq!(story.on_hold(), 100, "{fault}");
        assert_eq!(story.code(release(operation + 3, operation + 1, 100, None, "")).await, "00", "{fault}");
        let verify = Request::Debit(debit(DebitKind::Verification, operation + 500, GOOD, 100, fault));
        story.unknown(verify).await;
        assert_eq!(story.code(advice(operation + 500, Processing::Verification, 100)).await, "00", "{fault}");
    }
    assert_eq!((story.balance(), story.on_hold()), (0, 0));
}

#[tokio::test]
async fn an_unknown_capture_release_or_cancelled_refund_is_done_once_by_repeating_it() {
    let story = story().await;
    let mut operation = 0;
    for fault in ["drop", "drop-before", "reset", "reset-before", "garbage"] {
        operation += 6;
        assert_eq!(story.code(hold(operation, 2000, "")).await, "00");
        let lower = Some(Partial { amount: 500, remaining: 1500 });
        story.lost_and_repeated(release(operation + 1, operation, 2000, lower, fault)).await;
        story
            .lost_and_repeated(follow_up(FollowUpKind::Capture, operation + 2, operation, 1400, fault))
            .await;
        assert_eq!((story.balance(), story.on_hold()), (1400, 0), "{fault}");
        assert_eq!(story.code(refund(operation + 3, operation + 2, 400, "")).await, "00");
        story.lost_and_repeated(undo(Undoes::Refund, operation + 4, operation + 3, 400, None, fault)).await;
        assert_eq!(story.balance(), 1400, "{fault}");
        story.lost_and_repeated(void(operation + 5, operation + 2, 1400, None, fault)).await;
        assert_eq!(story.balance(), 0, "{fault}");
    }
}

// G-309, G-310, G-550
#[tokio::test]
async fn an_unknown_credit_or_its_taking_back_is_done_once_by_repeating_it_and_never_undone() {
    let story = story().await;
    let mut operation = 0;
    for fault in ["drop", "drop-before", "reset", "reset-before", "garbage"] {
        operation += 2;
        story.lost_and_repeated(credit(operation, PAYABLE, 2000, fault)).await;
        assert_eq!(story.code(advice(operation, Processing::Credit, 2000)).await, "94", "{fault}");
        assert_eq!(story.balance(), -2000, "{fault}");
        story.lost_and_repeated(undo(Undoes::Credit, operation + 1, operation, 2000, None, fault)).await;
        assert_eq!(story.code(undo(Undoes::Credit, operation + 500, operation, 2000, None, "")).await, "25");
        assert_eq!(story.balance(), 0, "{fault}");
    }
    assert_eq!(story.code(credit(400, "5413330000000035", 2000, "")).await, "99");
    assert_eq!(story.code(undo(Undoes::Credit, 401, 400, 2000, None, "")).await, "25");
    let part = Some(Partial { amount: 500, remaining: 1500 });
    assert_eq!(story.code(credit(402, PAYABLE, 2000, "")).await, "00");
    assert_eq!(story.code(undo(Undoes::Credit, 403, 402, 2000, part, "")).await, "13");
}

// G-243, D-489
#[tokio::test]
async fn a_smaller_amount_is_an_answer_only_to_a_request_that_allows_it() {
    let story = story().await;
    let partial = |operation, allowed| {
        let debit = debit(DebitKind::Purchase, operation, "5126160000356675", 20_000, "");
        Request::Debit(Debit { partial_allowed: allowed, ..debit })
    };
    let answer = story.link.exchange(partial(1, true)).await.unwrap();
    assert_eq!((answer.code.0, answer.amount), (*b"10", 12_000));
    assert_eq!(story.code(partial(2, false)).await, "51");
    assert_eq!(story.balance(), 12_000);
}

#[tokio::test]
async fn late_and_second_answers_come_as_evidence() {
    let mut story = story().await;
    assert_eq!(story.code(purchase(1, GOOD, 2000, "duplicate")).await, "00");
    assert_eq!(story.evidence.recv().await.unwrap().key.reference, reference(1));
    assert_eq!(story.unknown(purchase(2, GOOD, 300, "late=600")).await, Unknown::TimedOut);
    let late = story.evidence.recv().await.unwrap();
    assert_eq!((late.key.reference, late.code.0, late.amount), (reference(2), *b"00", 300));
    assert_eq!(story.balance(), 2300);
}

#[tokio::test]
async fn the_link_signs_off_before_it_closes() {
    let story = story().await;
    while story.acquirer.traffic().sign_ons < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(story.code(purchase(1, GOOD, 2000, "")).await, "00");
    story.link.close(Duration::from_secs(1)).await;
    // Two sign-ons, one purchase, two sign-offs; every connection ended in order.
    let traffic = story.acquirer.traffic();
    assert_eq!((traffic.sign_ons, traffic.messages, traffic.connections_broken), (2, 5, 0));
}
