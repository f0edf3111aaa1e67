use super::*;
use ferropay_domain::{
    ids::{AttemptId, OperationId},
    money::{Currency, Money},
    payment::{CardRequest, ProviderAnswer},
    time::Timestamp,
};
use parking_lot::Mutex;
use std::{collections::VecDeque, num::NonZeroU32};

/// A provider that does as it is told, and counts what reaches it.
#[derive(Default)]
struct Told {
    outcomes: Mutex<VecDeque<Outcome>>,
    day: OperationDay,
    asked: AtomicUsize,
}

impl Connector for Told {
    fn account(&self) -> ProviderAccountId {
        ProviderAccountId::new(2)
    }

    fn environment(&self) -> Environment {
        Environment::Test
    }

    fn operation_day(&self) -> &OperationDay {
        &self.day
    }

    fn repeat_window(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn retention(&self) -> Duration {
        Duration::from_hours(1)
    }

    fn call(&self, _: Order) -> Eventually<'_, Outcome> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let outcome = self.outcomes.lock().pop_front().unwrap_or_else(declined);
        Box::pin(std::future::ready(outcome))
    }

    fn reverse(&self, _: Order, _: u32) -> Eventually<'_, Reversal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Reversal::Acknowledged))
    }
}

fn declined() -> Outcome {
    Outcome::Declined { code: codes::INTERNAL, answer: ProviderAnswer::default() }
}

fn order(repeat: bool) -> Order {
    Order {
        attempt: AttemptId::first(OperationId::new(7)),
        ask: Ask::Sale,
        amount: Money::new(100, Currency::parse("EUR").unwrap()),
        created_at: Timestamp::default(),
        repeat,
        card: None,
        original: None,
        authentication: None,
        credential: None,
        card_request: CardRequest::default(),
        name: None,
        method: None,
        fault_plan: None,
        correspondence: None,
    }
}

fn gate(limits: Limits) -> (Arc<Told>, ProviderGate) {
    let told = Arc::new(Told::default());
    let metrics = Arc::new(Metrics::new(0));
    (told.clone(), ProviderGate::new(told, limits, metrics))
}

fn number(it: u32) -> NonZeroU32 {
    NonZeroU32::new(it).unwrap()
}

fn is_not_sent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE })
}

#[tokio::test]
async fn while_calls_are_held_nothing_leaves_and_nothing_unknown_becomes_known() {
    let patience = Patience { failures: number(2), hold: Duration::from_secs(2) };
    let (told, gate) = gate(Limits { patience: Some(patience), ..Limits::default() });
    told.outcomes.lock().extend([(); 3].map(|()| Outcome::Lost { repeatable: false }));
    for _ in 0..2 {
        assert!(
            matches!(gate.call(order(false)).await, Outcome::Lost { .. }),
            "as the provider's silence is told"
        );
    }
    assert!(gate.is_held() && !gate.is_up());
    // A new attempt and a repeat were not sent; the engine knows what that means for each.
    assert!(is_not_sent(&gate.call(order(false)).await));
    assert!(is_not_sent(&gate.call(order(true)).await));
    assert_eq!(gate.reverse(order(true), 0).await, Reversal::Unanswered);
    assert_eq!(told.asked.load(Ordering::Relaxed), 2);

    tokio::time::sleep(Duration::from_millis(2_050)).await;
    assert!(matches!(gate.call(order(false)).await, Outcome::Lost { .. }), "one finds out");
    assert!(is_not_sent(&gate.call(order(false)).await), "and found nobody");
    tokio::time::sleep(Duration::from_millis(2_050)).await;
    assert_eq!(gate.reverse(order(true), 1).await, Reversal::Acknowledged, "a reversal may be the one");
    assert!(!gate.is_held() && gate.is_up());
    assert!(matches!(gate.call(order(false)).await, Outcome::Declined { .. }));
    assert_eq!(told.asked.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn attempts_beyond_the_rate_wait_in_order_for_as_long_as_it_takes() {
    let rate = Rate { per_second: number(4), burst: number(1) };
    let longest_wait = Duration::from_secs(1);
    let (told, gate) = gate(Limits { rate: Some(rate), longest_wait, ..Limits::default() });
    let gate = Arc::new(gate);
    let start = Instant::now();
    let mut running = Vec::new();
    for _ in 0..12 {
        let gate = gate.clone();
        running.push(tokio::spawn(async move {
            gate.turn().await;
            assert!(!is_not_sent(&gate.call(order(false)).await));
            start.elapsed()
        }));
        tokio::task::yield_now().await;
    }
    assert!(gate.is_full(), "requests had better come later");
    assert_eq!(gate.in_hand(), 11, "the first went at once");
    // There is room for one beside the line. Another would have to wait for longer than it may, and is told so.
    let reversal = {
        let gate = gate.clone();
        tokio::spawn(async move { (gate.reverse(order(true), 0).await, start.elapsed()) })
    };
    tokio::task::yield_now().await;
    assert_eq!(gate.reverse(order(true), 0).await, Reversal::Unanswered);
    assert!(start.elapsed() < Duration::from_millis(200));
    // One that gives up in the line holds up nobody.
    let given_up = {
        let gate = gate.clone();
        tokio::spawn(async move { gate.turn().await })
    };
    tokio::task::yield_now().await;
    given_up.abort();
    let mut went = Vec::new();
    for one in running {
        went.push(one.await.unwrap());
    }
    assert!(went.is_sorted(), "in the order in which they came: {went:?}");
    for (turn, at) in (0..).zip(&went) {
        assert!(*at >= Duration::from_millis(250 * turn), "{went:?}");
    }
    assert!(went.iter().all(|at| *at < Duration::from_secs(6)), "{went:?}");
    let (reversal, at) = reversal.await.unwrap();
    assert_eq!(reversal, Reversal::Acknowledged);
    assert!(at < longest_wait + Duration::from_millis(500), "{at:?}");
    assert_eq!(told.asked.load(Ordering::Relaxed), 13);
    assert_eq!(gate.in_hand(), 0);
    assert!(!gate.is_full(), "half of the wait is free again");
}

#[tokio::test]
async fn while_there_is_a_line_reversals_get_turns_and_the_line_goes_on_however_many_they_are() {
    let rate = Rate { per_second: number(40), burst: number(1) };
    let longest_wait = Duration::from_millis(400);
    let (told, gate) = gate(Limits { rate: Some(rate), longest_wait, ..Limits::default() });
    let gate = Arc::new(gate);
    let (went, undone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut running = Vec::new();
    for _ in 0..200 {
        let (gate, went) = (gate.clone(), went.clone());
        running.push(tokio::spawn(async move {
            gate.turn().await;
            assert!(!is_not_sent(&gate.call(order(false)).await));
            went.fetch_add(1, Ordering::Relaxed);
        }));
    }
    let start = Instant::now();
    // More of them than ever get a turn: whoever gets none comes again at once.
    for _ in 0..30 {
        let (gate, undone) = (gate.clone(), undone.clone());
        running.push(tokio::spawn(async move {
            loop {
                match gate.reverse(order(true), 0).await {
                    Reversal::Acknowledged => _ = undone.fetch_add(1, Ordering::Relaxed),
                    Reversal::Unanswered => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        }));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(gate.is_full(), "requests had better come later");
    let (went, undone) = (went.load(Ordering::Relaxed), undone.load(Ordering::Relaxed));
    let most = usize::try_from(start.elapsed().as_millis()).unwrap() / 25 + 1;
    running.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(went >= 40 && undone >= 40, "{went} of the line and {undone} beside it went");
    assert!(went + undone <= most, "{went} and {undone} of {most}");
    assert!(told.asked.load(Ordering::Relaxed) <= most);
}

#[tokio::test]
async fn whoever_waits_for_a_turn_is_told_when_the_provider_is_left_alone_meanwhile() {
    let rate = Rate { per_second: number(20), burst: number(1) };
    let patience = Patience { failures: number(2), hold: Duration::from_mins(1) };
    let longest_wait = Duration::from_millis(200);
    let limits = Limits { rate: Some(rate), longest_wait, patience: Some(patience), ..Limits::default() };
    let (told, gate) = gate(limits);
    told.outcomes.lock().extend([(); 2].map(|()| Outcome::Lost { repeatable: false }));
    let gate = Arc::new(gate);
    let start = Instant::now();
    let running = (0..200).map(|_| {
        let gate = gate.clone();
        tokio::spawn(async move {
            gate.turn().await;
            is_not_sent(&gate.call(order(false)).await)
        })
    });
    let mut not_sent = 0;
    for one in running.collect::<Vec<_>>() {
        not_sent += usize::from(one.await.unwrap());
    }
    assert!(not_sent >= 190, "{not_sent}");
    assert!(start.elapsed() < Duration::from_secs(5), "nobody waits for a turn that is of no use");
}
