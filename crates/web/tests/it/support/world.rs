//! A whole platform in this process, and the merchant who talks to it.

use super::{Mailbox, TestClock, executed::Answered, structure};
use axum::{Router, body::Body, http::Request};
use ferropay_domain::{
    card::DeviceWallet,
    change::ChangeSet,
    ids::{OperationId, ProjectId, ProviderAccountId},
    ledger,
    money::{Currency, Money},
    project::{Environment, OperationDay, Project, Settings},
};
use ferropay_engine::{
    Engine, Parts,
    clock::Clock as _,
    support::{Ordered, cancel_payout},
};
use ferropay_providers::card_acquirer::{CardAcquirer, Channel, link, message::ShopName};
use ferropay_simulators::acquirer::{Acquirer, Config as AcquirerConfig, Handle};
use ferropay_store::{
    Commit, ProjectRecord, Secret, Store,
    sqlite::{Options, SqliteStore},
    vault::{Master, Vault},
};
use ferropay_web::server::Peer;
use ferropay_wire::{
    contract::{Contract, Rule},
    json::{Document, Limits},
    signature::{self, Place},
};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use serde_json::Value;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// The test project.
pub(crate) const PROJECT: i64 = 1001;
/// Another merchant's test project.
pub(crate) const OTHER_PROJECT: i64 = 1002;
/// The secret of both.
pub(crate) const SECRET: &str = "a secret between merchant and platform";
/// Where browsers and issuers reach the platform.
pub(crate) const PUBLIC_URL: &str = "http://pay.example";
/// Where the project's callbacks go.
pub(crate) const CALLBACK_URL: &str = "https://shop.example/callbacks";

const ACCOUNT: ProviderAccountId = ProviderAccountId::new(1);
/// What the project starts with in each of these, major units.
pub(super) const OPENING: [(&str, i64); 4] =
    [("EUR", 1_000_000), ("USD", 1_000_000), ("JPY", 1_000_000), ("KWD", 1_000_000)];

/// A reply of the platform.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    /// Null when there is no body.
    pub(crate) body: Value,
    pub(crate) text: String,
}

/// The platform under test.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) acquirer: Handle,
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<dyn Store>,
    /// Where browsers and providers reach it.
    pub(crate) public_url: String,
    pub(crate) vault: Arc<Vault>,
    pub(super) router: Router,
    answered: Answered,
    connector: Arc<CardAcquirer>,
    /// Where the merchant's requests come from.
    source: Mutex<SocketAddr>,
    directory: TempDir,
}

impl World {
    /// A platform with default settings.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A platform whose test project was changed before it started.
    pub(crate) async fn with(change: impl FnOnce(&mut Project)) -> Self {
        Self::reached_at(PUBLIC_URL, change).await
    }

    /// The same, reached by browsers and providers at `public_url`.
    pub(crate) async fn reached_at(public_url: &str, change: impl FnOnce(&mut Project)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new());
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(directory.path().join("platform.db"), Options::default()).unwrap());
        let keys = directory.path().join("keys");
        let vault = Vault::open(&keys, Master::MakeWhenMissing, store.as_ref(), clock.now()).await.unwrap();
        let vault = Arc::new(vault);
        let mut project = test_project(PROJECT);
        change(&mut project);
        save(store.as_ref(), &vault, &project, &[(SECRET, None)]).await;
        save(store.as_ref(), &vault, &test_project(OTHER_PROJECT), &[(SECRET, None)]).await;
        if project.environment == Environment::Test {
            open_balances(store.as_ref(), &project, &clock).await;
        }
        let mailbox = Arc::new(Mailbox::default());
        let engine = Engine::new(Parts {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            entropy: Arc::new(ferropay_engine::entropy::SystemEntropy),
            courier: mailbox.clone(),
            hook: None,
            public_url: public_url.to_owned(),
            settings: ferropay_engine::Settings {
                poll_every: Duration::from_millis(20),
                reversal_pause: Duration::from_millis(20),
                ..ferropay_engine::Settings::default()
            },
        });
        let engine = engine.await.unwrap();
        let acquirer = start_acquirer(&clock).await;
        let place = (&acquirer, Environment::Test);
        let connector = connect(&engine, place, &clock, (ACCOUNT, "GATETEST"));
        engine.open_tokens_with(Arc::new(ferropay_providers::etoken::Wallets::default()));
        engine.start();
        Self {
            router: ferropay_web::gate::router(engine.clone())
                .merge(ferropay_web::three_ds::router(engine.clone()))
                .merge(ferropay_web::provider_side::router(engine.clone()))
                .merge(ferropay_web::links::router(engine.clone())),
            public_url: public_url.to_owned(),
            clock,
            mailbox,
            acquirer,
            engine,
            store,
            vault,
            connector,
            answered: Answered::default(),
            source: Mutex::new(SocketAddr::from(([203, 0, 113, 9], 40_000))),
            directory,
        }
    }

    /// Connects another account at the acquirer, by a terminal of its own.
    pub(crate) fn connect_account(&self, account: i64, terminal: &str) -> Arc<CardAcquirer> {
        self.connect_account_for(Environment::Test, account, terminal)
    }

    /// The same for projects of this environment.
    pub(crate) fn connect_account_for(
        &self,
        environment: Environment,
        account: i64,
        terminal: &str,
    ) -> Arc<CardAcquirer> {
        let account = ProviderAccountId::new(account);
        connect(&self.engine, (&self.acquirer, environment), &self.clock, (account, terminal))
    }

    /// Changes the test project while the platform runs.
    pub(crate) async fn reconfigure(&self, change: impl FnOnce(&mut Project)) {
        let known = self.engine.projects().get(ProjectId::new(PROJECT)).unwrap();
        let mut project = known.project.clone();
        change(&mut project);
        save(self.store.as_ref(), &self.vault, &project, &[(SECRET, None)]).await;
        self.engine.refresh_projects().await.unwrap();
    }

    /// Gives the test project other secrets, the current one first, each with the end of its validity.
    pub(crate) async fn set_secrets(&self, secrets: &[(&str, Option<Duration>)]) {
        let known = self.engine.projects().get(ProjectId::new(PROJECT)).unwrap();
        let until = |span: &Option<Duration>| span.map(|span| self.clock.now().plus(span));
        let secrets: Vec<_> = secrets.iter().map(|(text, span)| (*text, until(span))).collect();
        save(self.store.as_ref(), &self.vault, &known.project, &secrets).await;
        self.engine.refresh_projects().await.unwrap();
    }

    /// Gives the test project keys of a wallet.
    pub(crate) async fn keep_wallet_keys(&self, wallet: DeviceWallet, document: &[u8]) {
        for project in [ProjectId::new(PROJECT), ProjectId::new(OTHER_PROJECT)] {
            let sealed = self.vault.seal_wallet_keys(project, wallet, document).unwrap();
            self.store.save_wallet_keys(project, wallet, Some(sealed)).await.unwrap();
        }
    }

    /// The database's file.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("platform.db")
    }

    /// Everything in the database's files, as text.
    pub(crate) fn files(&self) -> String {
        let entries = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap());
        files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// Support cancels a payout.
    pub(crate) async fn cancel_payout(&self, payout: OperationId) -> Ordered {
        let (clock, entropy) = (self.clock.clone(), Arc::new(ferropay_engine::entropy::SystemEntropy));
        cancel_payout(self.store.as_ref(), &self.vault, clock, entropy, payout).await.unwrap()
    }

    /// Lets the merchant's next requests come from another address.
    pub(crate) fn come_from(&self, address: &str) {
        *self.source.lock() = address.parse().unwrap();
    }

    /// Signs a body and posts it.
    pub(crate) async fn send(&self, path: &str, body: &Value) -> Reply {
        self.post(path, sign_at(place(path), body, SECRET)).await
    }

    /// Posts a body as it is.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Reply {
        self.request(Request::post(path).body(body.into()).unwrap()).await
    }

    /// Posts a body that asks the simulated acquirer for a fault.
    pub(crate) async fn send_with_fault(&self, path: &str, body: &Value, plan: &str) -> Reply {
        let signed = sign_at(place(path), body, SECRET);
        let request = Request::post(path).header("ferropay-fault-plan", plan).body(Body::from(signed));
        self.request(request.unwrap()).await
    }

    /// Sends any request; a reply with a body is held against the contract.
    pub(crate) async fn request(&self, mut request: Request<Body>) -> Reply {
        request.extensions_mut().insert(Peer(*self.source.lock()));
        let path = request.uri().path().to_owned();
        let before = self.mailbox.told().len();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        if !text.is_empty() {
            assert_keeps_contract(&path, status, &text, &body);
        }
        if status == 200 {
            self.answered.note(&path, &body, before);
        }
        Reply { status, headers, body, text }
    }

    /// A sale that is accepted; answers the request's identifier.
    pub(crate) async fn accept(&self, path: &str, body: &Value) -> String {
        let reply = self.send(path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body["request_id"].as_str().unwrap().to_owned()
    }

    /// Sends a sale and waits for its callback, which says it succeeded.
    pub(crate) async fn paid(&self, body: &Value) -> Value {
        self.accept("/v2/payment/card/sale", body).await;
        let callback = self.callback().await;
        assert_eq!(callback["payment"]["status"], "success", "{callback}");
        callback
    }

    /// Sends a refund that is accepted and waits for its callback.
    pub(crate) async fn refunded(&self, body: &Value) -> Value {
        self.accept("/v2/payment/card/refund", body).await;
        self.callback().await
    }

    /// The next callback, with signature, portability and structure checked (G-035, G-039, G-089, G-093).
    pub(crate) async fn callback(&self) -> Value {
        self.callback_at(CALLBACK_URL).await
    }

    /// The same for a callback that goes to `url`.
    pub(crate) async fn callback_at(&self, url: &str) -> Value {
        let letter = self.mailbox.next().await;
        assert_eq!(letter.url, url);
        let document = Document::parse(letter.body.as_bytes(), Limits::INCOMING).unwrap();
        let secrets = [signature::Secret::new(SECRET)];
        signature::verify(&document, Place::Root, &secrets, signature::Tolerance::NONE).unwrap();
        // The members that are documented as booleans.
        let booleans: [&[&str]; 3] = [
            &["recurring_retry", "next_retry_exists"],
            &["payment", "is_new_attempts_available"],
            &["payment", "cascading_with_redirect"],
        ];
        signature::is_portable(&document, &booleans).unwrap();
        let body: Value = serde_json::from_str(&letter.body).unwrap();
        structure::assert_callback(&body);
        body
    }

    /// Asserts that no callback is on its way.
    pub(crate) async fn assert_silence(&self) {
        let letter = self.mailbox.within(Duration::from_millis(300)).await;
        assert!(letter.is_none(), "{letter:?}");
    }

    /// Real time, seconds since the epoch.
    pub(crate) fn now_seconds(&self) -> i64 {
        self.clock.now().seconds()
    }

    /// The merchant's balance in a currency, minor units: booked and held.
    pub(crate) async fn balance(&self, currency: &str) -> (i64, i64) {
        let owner = ledger::Owner::Merchant(ProjectId::new(PROJECT));
        let balances = self.store.balances(Some(ProjectId::new(PROJECT))).await.unwrap();
        let of_merchant =
            balances.iter().find(|row| row.account.owner == owner && row.account.currency.code() == currency);
        of_merchant.map_or((0, 0), |row| (row.posted, row.held))
    }

    /// Waits until all work is done and asserts that the books balance and nothing contradicts itself.
    pub(crate) async fn end(self) {
        for _ in 0..500 {
            if self.engine.in_hand() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let report = self.store.audit().await.unwrap();
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
        self.answered.check(&self.mailbox);
        self.engine.drain(Duration::from_secs(5)).await;
        self.connector.close(Duration::from_secs(1)).await;
        self.acquirer.shutdown().await;
    }
}

/// The body with its signature at `place`.
pub(crate) fn sign_at(place: Place, body: &Value, secret: &str) -> String {
    signature::seal(&body.to_string(), place, &signature::Secret::new(secret)).unwrap()
}

/// Where requests of a path carry their signature (G-038).
pub(crate) fn place(path: &str) -> Place {
    match path {
        "/v2/payment/status/request" => Place::Root,
        _ if path.starts_with("/v2/info/banks/by") => Place::Root,
        _ if path.starts_with("/v2/customer/") => Place::Customer,
        _ => Place::General,
    }
}

/// Holds a reply against the contract. One clash is known: the contract wants sums of at least 1, but of a payment that
/// was returned as a whole nothing is left (G-295), and a verification is about nothing (G-339).
fn assert_keeps_contract(path: &str, status: u16, text: &str, body: &Value) {
    if let Value::Array(items) = body {
        // A bare list is the contract's for banks alone, and of its items it says no more than this.
        assert!(path.starts_with("/v2/info/banks/") && status == 200, "{path} answers with a list");
        assert!(items.iter().all(Value::is_object), "{text}");
        return;
    }
    let document = Document::parse(text.as_bytes(), Limits::OUTGOING).unwrap();
    let contract = Contract::gate();
    let path = match body.get("general") {
        // The older layout is described at one path only.
        Some(_) if path == "/v2/payment/status" => "/v2/payment/status/request",
        _ => contract.path_of(path).unwrap_or(path),
    };
    let checked = contract.reply(path, status, document.root()).or_else(|| {
        // Refusals the contract does not list for the path have the same body as elsewhere (D-03, D-61).
        assert_ne!(status, 200, "{path} answers 200 outside the contract: {text}");
        contract.reply("/v2/payment/card/sale", 400, document.root())
    });
    let mut violations = checked.unwrap();
    if matches!(body["payment"]["status"].as_str(), Some("refunded" | "reversed")) {
        violations.retain(|violation| {
            (violation.field.as_str(), violation.rule) != ("payment.sum.amount", Rule::TooSmall)
                || body["payment"]["sum"]["amount"] != 0
        });
    }
    if body["payment"]["type"] == "account_verification" {
        violations.retain(|violation| {
            let place = format!("/{}", violation.field.replace('.', "/"));
            let is_nothing = body.pointer(&place).is_some_and(|amount| *amount == 0);
            !(violation.rule == Rule::TooSmall && violation.field.ends_with(".amount") && is_nothing)
        });
    }
    assert!(violations.is_empty(), "{path} {status}: {violations:?} in {text}");
}

fn test_project(number: i64) -> Project {
    Project {
        id: ProjectId::new(number),
        environment: Environment::Test,
        active: true,
        settings: Settings {
            callback_url: Some(CALLBACK_URL.to_owned()),
            registration_sources: vec!["203.0.113.9".to_owned()],
            ..Settings::default()
        },
        card_account: ACCOUNT,
    }
}

async fn save(
    store: &dyn Store,
    vault: &Vault,
    project: &Project,
    secrets: &[(&str, Option<ferropay_domain::time::Timestamp>)],
) {
    let seal = |(text, until): &(&str, Option<_>)| Secret {
        sealed: vault.seal_secret(project.id, text.as_bytes()).unwrap(),
        valid_until: *until,
    };
    let known = store.projects().await.unwrap().into_iter().find(|it| it.project.id == project.id);
    let record = ProjectRecord {
        project: project.clone(),
        name: "Books".to_owned(),
        secrets: secrets.iter().map(seal).collect(),
        clock_offset: 0,
        revision: known.map_or(0, |known| known.revision),
    };
    assert!(store.save_project(record).await.unwrap());
}

async fn open_balances(store: &dyn Store, project: &Project, clock: &TestClock) {
    for (number, (code, units)) in (1..).zip(OPENING) {
        let currency = Currency::parse(code).unwrap();
        let units = units.min(project.settings.test_balance_units);
        if units == 0 {
            continue;
        }
        let amount = Money::new(units * 10_i64.pow(u32::from(currency.exponent())), currency);
        let entry = ledger::opening(project.id, OperationId::new(-number), amount, clock.now());
        let changes = ChangeSet { entries: vec![entry], ..ChangeSet::default() };
        store.commit(Commit { changes, ..Commit::default() }).await.unwrap();
    }
}

async fn start_acquirer(clock: &Arc<TestClock>) -> Handle {
    let time = clock.clone();
    let mut config =
        AcquirerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(move || time.now().seconds()));
    config.issuer_timeout = Duration::from_millis(50);
    Acquirer::start(config).await.unwrap()
}

fn connect(
    engine: &Arc<Engine>,
    (acquirer, environment): (&Handle, Environment),
    clock: &Arc<TestClock>,
    (account, terminal): (ProviderAccountId, &str),
) -> Arc<CardAcquirer> {
    let time = clock.clone();
    let address = acquirer.local_addr().to_string();
    let now: link::Clock = Arc::new(move || time.now().civil().unwrap());
    let mut link = link::Config::new(&address, "606213", terminal, "GATETESTMERCHNT", now);
    link.timeout = Duration::from_millis(600);
    link.back_off = (Duration::from_millis(20), Duration::from_millis(200));
    let channel = Channel {
        account,
        environment,
        day: OperationDay::default(),
        category: 5942,
        shop: ShopName::new("BOOKS", "LOOPBACK", "GB"),
        link,
    };
    let late = Arc::downgrade(engine);
    let late = Arc::new(move |answer| {
        if let Some(engine) = late.upgrade() {
            engine.late_answer(answer);
        }
    });
    let connector = Arc::new(CardAcquirer::start(channel, late).unwrap());
    engine.connect(connector.clone());
    connector
}
