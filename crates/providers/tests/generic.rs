//! The generic connector against its simulator, over loopback sockets: what is put, asked for and undone, whatever gets
//! lost, and which notices count.
#![cfg(test)]

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{post, put},
};
use ferropay_domain::{
    codes::{self, Code},
    decide::Outcome,
    ids::{AttemptId, OperationId, ProviderAccountId},
    method::MethodRef,
    money::{Currency, Money},
    payment::{Ask, CardRequest, Shown},
    project::Environment,
    time::Timestamp,
};
use ferropay_engine::connector::{Connector, MethodOrder, NoticeRefused, Order, Original, Reversal};
use ferropay_providers::generic::{Config, GenericProvider};
use ferropay_simulators::generic as simulator;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc};

/// The moment of all tests, seconds since the epoch.
const NOW: i64 = 1_795_262_400;

/// A notice as it arrived: its signature and its body.
type Told = (String, Vec<u8>);

struct World {
    connector: GenericProvider,
    base: String,
    notices_to: String,
    notices: mpsc::UnboundedReceiver<Told>,
}

async fn take(State(sender): State<mpsc::UnboundedSender<Told>>, headers: HeaderMap, body: Bytes) {
    let signature = headers["x-signature"].to_str().unwrap().to_owned();
    sender.send((signature, body.to_vec())).unwrap();
}

fn config(base: &str, secret: &[u8]) -> Config {
    Config {
        account: ProviderAccountId::new(7),
        environment: Environment::Test,
        base_url: format!("{base}/generic/v1"),
        merchant: simulator::TEST_ACCOUNT.to_owned(),
        secret: secret.to_vec(),
        timeout: Duration::from_secs(2),
        clock: Arc::new(|| NOW),
    }
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut provider = simulator::Config::new(base.clone(), Arc::new(|| NOW));
        provider.delay = Duration::from_millis(20);
        let router = simulator::router(simulator::Handle::new(provider).unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (sender, notices) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let notices_to = format!("http://{}/notices", listener.local_addr().unwrap());
        let router = Router::new().route("/notices", post(take)).with_state(sender);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let connector = GenericProvider::new(config(&base, simulator::TEST_SECRET)).unwrap();
        Self { connector, base, notices_to, notices }
    }

    fn order(&self, number: i64, ask: Ask, minor: i64) -> Order {
        let attempt = AttemptId::first(OperationId::new(number));
        Order {
            attempt,
            ask,
            amount: euros(minor),
            created_at: Timestamp::from_seconds(NOW),
            repeat: false,
            card: None,
            original: None,
            authentication: None,
            card_request: CardRequest::default(),
            credential: None,
            name: None,
            method: Some(Box::new(MethodOrder {
                method: MethodRef::of_code("wallet/alipay").unwrap(),
                shop: "Books".to_owned(),
                payment_id: format!("order-{number}"),
                data: BTreeMap::new(),
                description: String::new(),
                return_url: "https://pay.example/return/1".to_owned(),
                notification_url: self.notices_to.clone(),
                expires_at: Timestamp::from_seconds(NOW + 3_600),
            })),
            fault_plan: None,
            correspondence: None,
        }
    }

    fn faulty(&self, number: i64, plan: &str) -> Order {
        Order { fault_plan: Some(plan.to_owned()), ..self.order(number, Ask::Sale, 500) }
    }

    /// The customer decides on the page of a purchase that was taken on.
    async fn press(&self, shown: &Shown, button: &str) {
        let Shown::Redirect { form, .. } = shown else { panic!("{shown:?}") };
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let client = client.build().unwrap();
        let url = format!("{}&emulate={button}", form.url);
        assert!(url.starts_with(&self.base));
        assert_eq!(client.get(url).send().await.unwrap().status(), 303);
    }

    async fn bought(&self, number: i64, ask: Ask, minor: i64) -> Outcome {
        let shown = shown(self.connector.call(self.order(number, ask, minor)).await);
        self.press(&shown, "success").await;
        self.connector.call(Order { repeat: true, ..self.order(number, ask, minor) }).await
    }
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

fn shown(outcome: Outcome) -> Shown {
    match outcome {
        Outcome::Pending { shown: Some(shown), answer } => {
            assert!(answer.payment_id.starts_with("tx_"), "{answer:?}");
            *shown
        }
        other => panic!("{other:?}"),
    }
}

fn approved(outcome: &Outcome, minor: i64) {
    assert!(matches!(outcome, Outcome::Approved { amount, .. } if *amount == euros(minor)), "{outcome:?}");
}

fn declined(outcome: &Outcome) -> Code {
    match outcome {
        Outcome::Declined { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_real_provider_is_not_spoken_to_in_the_clear() {
    let production = |base: &str| {
        let config = Config { environment: Environment::Production, ..config(base, simulator::TEST_SECRET) };
        GenericProvider::new(config).map(drop)
    };
    let refused = production("http://provider.example").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "\"http://provider.example/generic/v1\": a provider of production projects is reached by https"
    );
    for good in ["https://provider.example", "http://127.0.0.1:9999"] {
        assert!(production(good).is_ok(), "{good}");
    }
}

// G-158, D-501: purchase, notice, and what it says
#[tokio::test]
async fn a_purchase_is_taken_on_and_its_result_told_by_a_signed_notice() {
    let mut world = World::new().await;
    for (number, button, code) in [(1, "success", 0), (2, "decline", 20_000), (3, "cancel", 20_301)] {
        let shown = shown(world.connector.call(world.order(number, Ask::Sale, 500)).await);
        world.press(&shown, button).await;
        let (signature, body) = world.notices.recv().await.unwrap();
        let header = |name: &str| (name == "x-signature").then(|| signature.clone());
        let notice = world.connector.notice(&header, &body).unwrap();
        assert_eq!(notice.attempt, AttemptId::first(OperationId::new(number)));
        assert!(!notice.id.is_empty());
        match code {
            0 => approved(&notice.outcome, 500),
            code => assert_eq!(declined(&notice.outcome).get(), code),
        }
        let mut changed = body.clone();
        changed.push(b' ');
        assert_eq!(world.connector.notice(&header, &changed).unwrap_err(), NoticeRefused::Signature);
        assert_eq!(world.connector.notice(&|_| None, &body).unwrap_err(), NoticeRefused::Signature);
        let other = GenericProvider::new(config(&world.base, b"another secret of the account")).unwrap();
        assert_eq!(other.notice(&header, &body).unwrap_err(), NoticeRefused::Signature);
        let later = Config { clock: Arc::new(|| NOW + 301), ..config(&world.base, simulator::TEST_SECRET) };
        let later = GenericProvider::new(later).unwrap();
        assert_eq!(later.notice(&header, &body).unwrap_err(), NoticeRefused::Stale);
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_by_asking_and_nothing_is_done_twice() {
    let world = World::new().await;
    for (number, plan) in [(1, "lost*2"), (2, "lost-before*2"), (3, "garbage*2")] {
        let mut order = world.faulty(number, plan);
        for _ in 0..2 {
            let outcome = world.connector.call(order.clone()).await;
            assert!(matches!(outcome, Outcome::Lost { repeatable: true }), "{plan}: {outcome:?}");
            order.repeat = true;
        }
        world.press(&shown(world.connector.call(order.clone()).await), "success").await;
        approved(&world.connector.call(order).await, 500);
    }
}

#[tokio::test]
async fn what_is_undone_stays_undone_also_when_it_never_arrived() {
    let world = World::new().await;
    let order = world.order(1, Ask::Sale, 500);
    approved(&world.bought(1, Ask::Sale, 500).await, 500);
    assert_eq!(world.connector.reverse(order.clone(), 0).await, Reversal::Acknowledged);
    assert_eq!(world.connector.reverse(order.clone(), 1).await, Reversal::Acknowledged, "again");
    declined(&world.connector.call(Order { repeat: true, ..order }).await);
    let never = world.order(2, Ask::Sale, 500);
    assert_eq!(world.connector.reverse(never.clone(), 0).await, Reversal::Acknowledged);
    declined(&world.connector.call(never).await);
}

// G-482, D-504, D-505
#[tokio::test]
async fn holds_returns_and_payouts_refer_to_what_was_done() {
    let world = World::new().await;
    let referring = |number, ask, minor, to| {
        let attempt = AttemptId::first(OperationId::new(to));
        let original = Some(Original { attempt, amount: euros(1_000), remaining: 0 });
        Order { original, ..world.order(number, ask, minor) }
    };
    let ended = async |order: Order| loop {
        match world.connector.call(order.clone()).await {
            Outcome::Pending { .. } => tokio::time::sleep(Duration::from_millis(10)).await,
            outcome => return outcome,
        }
    };
    approved(&world.bought(1, Ask::Auth, 1_000).await, 1_000);
    approved(&ended(referring(2, Ask::Capture, 700, 1)).await, 700);
    declined(&ended(referring(3, Ask::Release, 300, 1)).await);
    approved(&ended(referring(4, Ask::Refund, 400, 2)).await, 400);
    declined(&ended(referring(5, Ask::Refund, 400, 2)).await);
    declined(&ended(referring(6, Ask::Refund, 1, 99)).await);
    approved(&ended(world.order(7, Ask::Payout, 900)).await, 900);
    for (number, word, code) in [(8, "[decline]", 20_000), (9, "[insufficient]", 20_504)] {
        let mut order = world.order(number, Ask::Payout, 900);
        order.method.as_mut().unwrap().description = word.to_owned();
        assert_eq!(declined(&ended(order).await).get(), code);
    }
    let outcome = world.connector.call(world.order(10, Ask::Increment, 1)).await;
    assert!(matches!(outcome, Outcome::NotSent { code: codes::UNSUPPORTED }), "{outcome:?}");
}

#[tokio::test]
async fn who_cannot_be_reached_or_does_not_know_the_account_has_done_nothing() {
    let world = World::new().await;
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = GenericProvider::new(config(&format!("http://{nowhere}"), simulator::TEST_SECRET)).unwrap();
    let order = world.order(1, Ask::Sale, 500);
    assert!(matches!(away.call(order.clone()).await, Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE }));
    let again = away.call(Order { repeat: true, ..order.clone() }).await;
    assert!(
        matches!(again, Outcome::Lost { repeatable: true }),
        "an earlier message may have arrived: {again:?}"
    );
    assert_eq!(away.reverse(order.clone(), 0).await, Reversal::Unanswered);
    let stranger = GenericProvider::new(config(&world.base, b"another secret of the account")).unwrap();
    declined(&stranger.call(order).await);
    for wrong in ["ftp://provider.example", "http://provider.example/", "provider"] {
        let config = Config { base_url: wrong.to_owned(), ..config(&world.base, simulator::TEST_SECRET) };
        assert!(GenericProvider::new(config).is_err(), "{wrong}");
    }
    assert!(GenericProvider::new(config(&world.base, b"short")).is_err());
}

/// What a provider answers to orders and to cancellations.
#[derive(Clone, Copy)]
struct Answers {
    put: StatusCode,
    cancel: &'static str,
}

/// A provider that answers as it is told, whatever it is asked.
async fn answering(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let cancelled = move |Path(reference): Path<String>| async move {
        format!(r#"{{"reference":"{reference}","id":"p1","status":"{}"}}"#, answers.cancel)
    };
    let router = Router::new()
        .route("/generic/v1/transactions/{reference}", put(move || async move { answers.put }))
        .route("/generic/v1/transactions/{reference}/cancel", post(cancelled));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

// D-505: what a proxy between may say leaves the outcome open
#[tokio::test]
async fn only_refusals_of_the_protocol_say_that_nothing_was_done() {
    let world = World::new().await;
    for (status, is_refused) in [
        (400, true),
        (401, true),
        (409, true),
        (422, true),
        (403, false),
        (405, false),
        (408, false),
        (413, false),
        (421, false),
        (425, false),
        (429, false),
        (500, false),
        (502, false),
    ] {
        let put = StatusCode::from_u16(status).unwrap();
        let base = answering(Answers { put, cancel: "cancelled" }).await;
        let connector = GenericProvider::new(config(&base, simulator::TEST_SECRET)).unwrap();
        let outcome = connector.call(world.order(1, Ask::Sale, 500)).await;
        let as_documented = match outcome {
            Outcome::Declined { .. } => is_refused,
            Outcome::Lost { repeatable: true } => !is_refused,
            _ => false,
        };
        assert!(as_documented, "{status}: {outcome:?}");
    }
}

// D-505
#[tokio::test]
async fn a_cancellation_is_acknowledged_only_by_what_says_that_nothing_is_done() {
    let world = World::new().await;
    for (cancel, expected) in [
        ("cancelled", Reversal::Acknowledged),
        ("declined", Reversal::Acknowledged),
        ("approved", Reversal::Unanswered),
        ("pending", Reversal::Unanswered),
    ] {
        let base = answering(Answers { put: StatusCode::OK, cancel }).await;
        let connector = GenericProvider::new(config(&base, simulator::TEST_SECRET)).unwrap();
        assert_eq!(connector.reverse(world.order(1, Ask::Sale, 500), 0).await, expected, "{cancel}");
    }
}
