//! An engine on a real database, with a provider and a merchant that do what the test says.

use ferropay_domain::{
    callback::Subject,
    card::{Cvv, Expiry, Pan},
    change::{Task, TaskKey},
    codes,
    decide::{CallbackOptions, Finding, Outcome, ThreeDsRequest},
    ids::{AttemptId, CallbackId, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId},
    method::MethodRef,
    money::{Currency, Money},
    payment::{CardRequest, Customer, OperationKind, Payment, PaymentStatus, ProviderAnswer, ReturnUrls},
    project::{Environment, OperationDay, Project, Settings as ProjectSettings},
    time::Timestamp,
};
use ferropay_engine::{
    Company, Engine, Failure, Keep, Parts, Settings,
    clock::{Clock as _, SystemClock},
    connector::{Connector, Eventually, Order, Reversal},
    courier::{Courier, Undelivered},
    entropy::SystemEntropy,
    intake::{Intake, Origin, Through},
    support::{Ordered, settle},
};
use ferropay_store::{
    Commit, NewCallback, ProjectRecord, Secret, Store,
    sqlite::{Options, SqliteStore},
    vault::{Master, Vault},
};
use ferropay_wire::{
    gate::{CardPayment, MethodRequest, PaidWith, SecondStep, SeriesTerms},
    json::{Document, Limits},
};
use std::{
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

pub(crate) const PROJECT: ProjectId = ProjectId::new(7);
pub(crate) const ACCOUNT: ProviderAccountId = ProviderAccountId::new(1);

/// Looks for due work often; the projects are read anew every other time.
pub(crate) const PROMPT: Settings = Settings {
    poll_every: Duration::from_millis(20),
    reversal_pause: Duration::from_mins(1),
    most_waiting: 4_096,
    company: Company::Alone,
    keep: Keep { after_start: Duration::ZERO, callback_bodies: None, evidence: None },
};

pub(crate) fn count(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::SeqCst)
}

/// A provider that approves each attempt as soon as the test lets it, and never acknowledges a reversal.
pub(crate) struct Provider {
    pub(crate) may_answer: Semaphore,
    pub(crate) calls: AtomicU32,
    pub(crate) reversals: AtomicU32,
    pub(crate) loses_answers: AtomicBool,
    /// How many more calls find it away.
    pub(crate) away: AtomicU32,
    /// How long it knows an attempt.
    pub(crate) retention: Duration,
    /// How long after an attempt was recorded a repeat of it may be sent.
    pub(crate) repeat_window: Duration,
    /// The greatest age of an attempt it was sent again, milliseconds.
    pub(crate) oldest_repeat: AtomicU64,
    day: OperationDay,
}

impl Provider {
    pub(crate) fn new(answers: usize, loses_answers: bool) -> Arc<Self> {
        Self::forgetting(answers, loses_answers, Duration::from_hours(24))
    }

    /// A provider that knows an attempt for no longer than `retention`.
    pub(crate) fn forgetting(answers: usize, loses_answers: bool, retention: Duration) -> Arc<Self> {
        Arc::new(Self::new_with(answers, loses_answers, retention, Duration::from_mins(15)))
    }

    /// A provider that recognises a repeat of an attempt for no longer than `repeat_window`.
    pub(crate) fn repeated_within(repeat_window: Duration, answers: usize) -> Arc<Self> {
        Arc::new(Self::new_with(answers, false, Duration::from_hours(24), repeat_window))
    }

    fn new_with(answers: usize, loses_answers: bool, retention: Duration, repeat_window: Duration) -> Self {
        Self {
            may_answer: Semaphore::new(answers),
            calls: AtomicU32::new(0),
            reversals: AtomicU32::new(0),
            loses_answers: AtomicBool::new(loses_answers),
            away: AtomicU32::new(0),
            retention,
            repeat_window,
            oldest_repeat: AtomicU64::new(0),
            day: OperationDay::default(),
        }
    }

    async fn answer(&self, order: Order) -> Outcome {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if order.repeat {
            let age = SystemClock.now().since(order.created_at).as_millis();
            self.oldest_repeat.fetch_max(u64::try_from(age).unwrap(), Ordering::SeqCst);
        }
        if self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |away| away.checked_sub(1)).is_ok() {
            return Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE };
        }
        self.may_answer.acquire().await.unwrap().forget();
        if self.loses_answers.load(Ordering::SeqCst) {
            return Outcome::Lost { repeatable: false };
        }
        Outcome::Approved { amount: order.amount, answer: ProviderAnswer::default() }
    }
}

impl Connector for Provider {
    fn account(&self) -> ProviderAccountId {
        ACCOUNT
    }

    fn environment(&self) -> Environment {
        Environment::Test
    }

    fn operation_day(&self) -> &OperationDay {
        &self.day
    }

    fn repeat_window(&self) -> Duration {
        self.repeat_window
    }

    fn retention(&self) -> Duration {
        self.retention
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        Box::pin(self.answer(order))
    }

    fn reverse(&self, _: Order, _: u32) -> Eventually<'_, Reversal> {
        self.reversals.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Reversal::Unanswered))
    }
}

/// A merchant that answers every callback with 200.
#[derive(Default)]
pub(crate) struct Merchant {
    pub(crate) posts: AtomicU32,
}

impl Courier for Merchant {
    fn post<'a>(
        &'a self,
        _: &'a str,
        _: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>> {
        self.posts.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(200)))
    }
}

/// Makes the test project. Answers the vault, whose keys are in `keys`.
pub(crate) async fn furnish(store: &dyn Store, keys: &Path) -> Arc<Vault> {
    let vault = Vault::open(keys, Master::MakeWhenMissing, store, SystemClock.now()).await.unwrap();
    let settings = ProjectSettings {
        callback_url: Some("http://merchant.example/".to_owned()),
        saved_cards: true,
        ..ProjectSettings::default()
    };
    let project = Project {
        id: PROJECT,
        environment: Environment::Test,
        active: true,
        settings,
        card_account: ACCOUNT,
    };
    let secret = Secret { sealed: vault.seal_secret(PROJECT, b"secret").unwrap(), valid_until: None };
    let (name, secrets) = ("Test".to_owned(), vec![secret]);
    let record = ProjectRecord { project, name, secrets, clock_offset: 0, revision: 0 };
    assert!(store.save_project(record).await.unwrap());
    Arc::new(vault)
}

/// What an engine is made of.
pub(crate) fn parts_of(
    store: Arc<dyn Store>,
    vault: &Arc<Vault>,
    merchant: &Arc<Merchant>,
    settings: Settings,
) -> Parts {
    Parts {
        store,
        vault: vault.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        courier: merchant.clone(),
        hook: None,
        public_url: "http://pay.example".to_owned(),
        settings,
    }
}

/// A database with one test project.
pub(crate) struct World {
    directory: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    vault: Arc<Vault>,
    pub(crate) merchant: Arc<Merchant>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store =
            Arc::new(SqliteStore::open(directory.path().join("test.db"), Options::default()).unwrap());
        let vault = furnish(store.as_ref(), &directory.path().join("keys")).await;
        Self { directory, store, vault, merchant: Arc::default() }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("test.db")
    }

    /// Another node on this database.
    pub(crate) async fn engine(&self, provider: &Arc<Provider>, settings: Settings) -> Arc<Engine> {
        let engine = Engine::new(self.parts(settings)).await.unwrap();
        engine.connect(provider.clone());
        engine
    }

    /// What an engine on this database is made of.
    pub(crate) fn parts(&self, settings: Settings) -> Parts {
        parts_of(self.store.clone(), &self.vault, &self.merchant, settings)
    }

    /// Another node on this database that works.
    pub(crate) async fn working(&self, provider: &Arc<Provider>) -> Arc<Engine> {
        let engine = self.engine(provider, PROMPT).await;
        engine.start();
        engine
    }

    /// The same, and it has sent a sale to the provider, which keeps its answer.
    pub(crate) async fn selling(&self, provider: &Arc<Provider>) -> Arc<Engine> {
        let engine = self.working(provider).await;
        sell(&engine, "sale").await;
        until("it is sent", async || count(&provider.calls) == 1).await;
        engine
    }

    pub(crate) async fn payment(&self, name: &str) -> Payment {
        let id = PaymentId::parse(name).unwrap();
        self.store.payment_named(PROJECT, &id.folded()).await.unwrap().unwrap()
    }

    pub(crate) async fn is_held(&self, name: &str) -> bool {
        self.payment(name).await.status == PaymentStatus::AwaitingCapture
    }

    /// An operator says what became of an operation's attempt.
    pub(crate) async fn settle(&self, operation: OperationId, finding: Finding) {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let settled = settle(self.store.as_ref(), &self.vault, clock, entropy, operation, finding).await;
        assert!(matches!(settled.unwrap(), Ordered::Done(..)), "it can be settled");
    }

    /// A callback as an earlier process may have left it. Answers its task.
    pub(crate) async fn callback(&self, subject: PaymentKey, number: u32, due: Timestamp) -> Task {
        let id = CallbackId::new(i64::from(number));
        let clock = Some(PROJECT);
        let task = Task { key: TaskKey::Deliver(id, 0), bucket: 0, clock, due, tries: 0 };
        let callback = NewCallback {
            id,
            project: PROJECT,
            subject: Subject::Payment(subject),
            number,
            body: "{}".to_owned(),
            addresses: vec!["http://merchant.example/".to_owned()],
            created_at: due,
            due,
            tasks: vec![task.clone()],
        };
        self.store.commit(Commit { callbacks: vec![callback], ..Commit::default() }).await.unwrap();
        task
    }
}

/// Accepts a sale.
pub(crate) async fn sell(engine: &Arc<Engine>, name: &str) {
    pay(engine, name, OperationKind::Sale).await;
}

/// Accepts a sale by a wallet.
pub(crate) async fn sell_by_wallet(engine: &Arc<Engine>, name: &str) {
    let sale = MethodRequest {
        payment_id: PaymentId::parse(name).unwrap(),
        amount: Money::new(1000, Currency::parse("EUR").unwrap()),
        account: Some("judy@wallet.example".to_owned()),
        save: false,
        saved: None,
        returns: ReturnUrls::default(),
        customer: Customer { email: Some("judy@mail.example".to_owned()), ..Customer::default() },
        description: String::new(),
        merchant_data: None,
        registration: None,
        callback: CallbackOptions::default(),
    };
    let wallet = MethodRef::of_code("wallet/alipay").unwrap();
    let project = engine.projects().get(PROJECT).unwrap();
    let origin =
        Origin { path: "payment/wallet/alipay/sale", signature: name, content: name, fault_plan: None };
    let body = Document::parse(b"{}", Limits::INCOMING).unwrap();
    let intake = engine.by_method(&project, (wallet, OperationKind::Sale), sale, body.root(), origin).await;
    assert!(matches!(intake, Ok(Intake::Accepted(_))), "{intake:?}");
}

/// Accepts a capture of everything that is held.
pub(crate) async fn capture(engine: &Arc<Engine>, name: &str) {
    let capture = SecondStep {
        has_trip: false,
        kind: OperationKind::Capture,
        payment_id: PaymentId::parse(name).unwrap(),
        amount: None,
        customer: None,
        description: None,
        callback: CallbackOptions::default(),
    };
    let project = engine.projects().get(PROJECT).unwrap();
    let origin = Origin { path: "payment/card/capture", signature: name, content: name, fault_plan: None };
    let body = Document::parse(b"{}", Limits::INCOMING).unwrap();
    let intake = engine.second_step(&project, (Through::Card, capture), body.root(), origin).await.unwrap();
    assert!(matches!(intake, Intake::Accepted(_)), "{intake:?}");
}

/// Accepts a purchase in one step or two, ordered by mail: nobody is authenticated.
pub(crate) async fn pay(engine: &Arc<Engine>, name: &str, kind: OperationKind) {
    pay_with(engine, name, kind, CardRequest { moto: Some(1), ..CardRequest::default() }).await;
}

/// Accepts a purchase with these particulars.
pub(crate) async fn pay_with(engine: &Arc<Engine>, name: &str, kind: OperationKind, request: CardRequest) {
    pay_as(engine, name, kind, request, None).await;
}

/// The same; it may register a series.
pub(crate) async fn pay_as(
    engine: &Arc<Engine>,
    name: &str,
    kind: OperationKind,
    request: CardRequest,
    registration: Option<SeriesTerms>,
) {
    let intake = ask_as(engine, name, kind, request, registration, name).await;
    assert!(matches!(intake, Intake::Accepted(_)), "{intake:?}");
}

/// The same, signed with `signature`; answers what came of it.
pub(crate) async fn ask_as(
    engine: &Arc<Engine>,
    name: &str,
    kind: OperationKind,
    request: CardRequest,
    registration: Option<SeriesTerms>,
    signature: &str,
) -> Intake {
    try_to_ask(engine, name, kind, request, registration, signature).await.unwrap()
}

/// The same, where it may be refused for now.
pub(crate) async fn try_to_ask(
    engine: &Arc<Engine>,
    name: &str,
    kind: OperationKind,
    request: CardRequest,
    registration: Option<SeriesTerms>,
    signature: &str,
) -> Result<Intake, Failure> {
    let content = format!("{name} {:?}", request.moto);
    let sale = CardPayment {
        kind,
        payment_id: PaymentId::parse(name).unwrap(),
        amount: Money::new(1000, Currency::parse("EUR").unwrap()),
        card: PaidWith::Card {
            pan: Pan::parse("4000000000000077").unwrap(),
            expiry: Some(Expiry { year: 2099, month: 12 }),
        },
        cvv: Some(Cvv::parse("123").unwrap()),
        holder: None,
        three_ds: ThreeDsRequest::default(),
        customer: Customer {
            // A card is saved for somebody.
            id: request.save.then(|| "customer-1".to_owned()),
            email: Some("judy@mail.example".to_owned()),
            ..Customer::default()
        },
        request,
        description: String::new(),
        merchant_data: None,
        booking: None,
        has_booking_dates: false,
        recipient: None,
        registration,
        callback: CallbackOptions::default(),
    };
    let project = engine.projects().get(PROJECT).unwrap();
    let origin = Origin { path: "payment/card/sale", signature, content: &content, fault_plan: None };
    let body = Document::parse(b"{}", Limits::INCOMING).unwrap();
    engine.card(&project, sale, body.root(), origin).await
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let started = tokio::time::Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The attempt of the only sale there is.
pub(crate) fn only_attempt(world: &World) -> AttemptId {
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    let reference = connection.query_row("SELECT reference FROM attempts", [], |row| row.get(0)).unwrap();
    AttemptId::from_reference(reference)
}
