//! The engine's parts, and the one way in which it makes a decision durable.

use crate::{
    authentication::Authenticator,
    card_ranges::KnownRanges,
    clock::Clock,
    confirmations::MOST_QUESTIONS,
    connector::Connector,
    courier::Courier,
    customer_page::Seen,
    entropy::Entropy,
    failure::Failure,
    holdings::{Company, Holdings},
    ids::IdSource,
    locks::{InstrumentLocks, PaymentLocks},
    mail::Mailer,
    metrics::Metrics,
    outward::Outward,
    projects::{KnownProject, Projects},
    provider_gate::{Limits, ProviderGate},
    recorder::{Recorder, Walk},
    registry::{InHand, Registry},
    steps::{Hook, Step},
    waiting::Waiting,
    wallet_tokens::WalletTokens,
};
use ferropay_domain::{
    callback::{Event, Subject},
    change::{ChangeSet, Task, TaskKey},
    decide::Now,
    ids::{OperationId, ProjectId, ProviderAccountId},
    project::Environment,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Delivery, DeliveryState, NewCallback, Node, Store, vault::Vault};
use ferropay_wire::signature;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What an engine is made of.
pub struct Parts {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// Secrets at rest.
    pub vault: Arc<Vault>,
    /// Real time.
    pub clock: Arc<dyn Clock>,
    /// Randomness of identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// Sends callbacks.
    pub courier: Arc<dyn Courier>,
    /// Called at every step; only tests set it.
    pub hook: Option<Hook>,
    /// Where customers' browsers and issuers reach this platform, without a slash at the end: `http://127.0.0.1:8080`.
    pub public_url: String,
    /// Tuning.
    pub settings: Settings,
}

/// Tuning of an engine.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often the store is asked for due work that nobody carries.
    pub poll_every: Duration,
    /// The pause before the second reversal of a lost outcome, and before work that failed is tried again; doubled each
    /// time up to five minutes.
    pub reversal_pause: Duration,
    /// How much may wait for the store, to be written or to be read, before requests are refused.
    pub most_waiting: u64,
    /// Whether other nodes work on the same database.
    pub company: Company,
    /// For how long what has lost its use is kept.
    pub keep: crate::Keep,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll_every: Duration::from_millis(500),
            reversal_pause: Duration::from_secs(1),
            most_waiting: 4_096,
            company: Company::Alone,
            keep: crate::Keep::default(),
        }
    }
}

/// The engine. Shared by everything that takes requests or does work.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) courier: Arc<dyn Courier>,
    /// Questions to merchants that are under way.
    pub(crate) questions: Outward,
    pub(crate) ids: IdSource,
    /// None: the engine is not one of those that work, but beside them.
    pub(crate) node: Option<Node>,
    pub(crate) locks: PaymentLocks,
    pub(crate) instrument_locks: InstrumentLocks,
    pub(crate) registry: Arc<Registry>,
    pub(crate) settings: Settings,
    pub(crate) waiting: Waiting<Subject>,
    pub(crate) authenticated: Waiting<OperationId>,
    /// Notices about operations, for customers who have come back.
    pub(crate) noticed: Waiting<OperationId>,
    pub(crate) authenticators: parking_lot::RwLock<Vec<Arc<dyn Authenticator>>>,
    pub(crate) wallets: parking_lot::RwLock<Option<Arc<dyn WalletTokens>>>,
    pub(crate) mailer: parking_lot::RwLock<Option<Arc<dyn Mailer>>>,
    pub(crate) card_ranges: KnownRanges,
    pub(crate) devices_seen: parking_lot::Mutex<Seen>,
    pub(crate) public_url: String,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) metrics: Arc<Metrics>,
    projects: Projects,
    connectors: parking_lot::RwLock<HashMap<ProviderAccountId, Arc<ProviderGate>>>,
    hook: Option<Hook>,
    leaving: AtomicBool,
    draining: AtomicBool,
    /// The database may not know everything that was done in its name.
    held: AtomicBool,
    /// Whether the node has left the others. Held while leases are renewed, so that none is taken after that.
    pub(crate) left: tokio::sync::Mutex<bool>,
    pub(crate) holdings: Holdings,
}

impl Engine {
    /// Enrols as a node, reads the projects and is ready to work; nothing runs until
    /// [`start`](Self::start).
    pub async fn new(parts: Parts) -> Result<Arc<Self>, Failure> {
        let node = match parts.settings.company {
            Company::Alone => parts.store.enrol(parts.clock.now()).await?,
            Company::Shared(term) => parts.store.join(term).await?,
        };
        let ids = IdSource::new(parts.clock.clone(), parts.entropy.clone(), node.number, node.highest);
        Self::made(parts, ids, Some(node)).await
    }

    /// An engine beside those that work, for what an operator does to the database by hand. It takes nothing over from
    /// anybody, is held for good, and begins nothing.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn beside(parts: Parts) -> Result<Arc<Self>, Failure> {
        let Parts { store, clock, entropy, .. } = &parts;
        let ids = IdSource::of_administration(store.as_ref(), clock.clone(), entropy.clone()).await?;
        let engine = Self::made(parts, ids, None).await?;
        engine.hold();
        Ok(engine)
    }

    async fn made(parts: Parts, ids: IdSource, node: Option<Node>) -> Result<Arc<Self>, Failure> {
        let Parts { store, vault, clock, entropy: _, courier, hook, public_url, settings } = parts;
        let metrics = Arc::new(Metrics::new(clock.now().seconds()));
        let holdings = match &node {
            Some(node) => Holdings::new(settings.company, &node.epochs),
            None => Holdings::of_nobody(),
        };
        let projects = Projects::default();
        projects.refresh(store.as_ref(), &vault).await?;
        let card_ranges = KnownRanges::default();
        card_ranges.refresh(store.as_ref()).await?;
        Ok(Arc::new(Self {
            ids,
            holdings,
            store,
            vault,
            clock,
            courier,
            questions: Outward::new(MOST_QUESTIONS.0, MOST_QUESTIONS.1),
            node,
            locks: PaymentLocks::new(),
            instrument_locks: InstrumentLocks::new(),
            registry: Arc::default(),
            settings,
            waiting: Waiting::default(),
            authenticated: Waiting::default(),
            noticed: Waiting::default(),
            authenticators: parking_lot::RwLock::default(),
            wallets: parking_lot::RwLock::default(),
            mailer: parking_lot::RwLock::default(),
            card_ranges,
            devices_seen: parking_lot::Mutex::default(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            recorder: Arc::default(),
            metrics,
            projects,
            connectors: parking_lot::RwLock::default(),
            hook,
            leaving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            held: AtomicBool::new(false),
            left: tokio::sync::Mutex::new(false),
        }))
    }

    /// Adds a connector; operations for its account go through it from now on.
    pub fn connect(&self, connector: Arc<dyn Connector>) {
        self.connect_within(connector, Limits::default());
    }

    /// Adds a connector whose calls are held to limits.
    pub fn connect_within(&self, connector: Arc<dyn Connector>, limits: Limits) {
        let account = connector.account();
        let gate = ProviderGate::new(connector, limits, self.metrics.clone());
        self.connectors.write().insert(account, Arc::new(gate));
    }

    /// The gate before an account's connector.
    pub(crate) fn gate(&self, account: ProviderAccountId) -> Option<Arc<ProviderGate>> {
        self.connectors.read().get(&account).cloned()
    }

    /// All connectors, by account.
    pub(crate) fn gates(&self) -> Vec<Arc<ProviderGate>> {
        let mut all: Vec<_> = self.connectors.read().values().cloned().collect();
        all.sort_by_key(|gate| gate.account());
        all
    }

    /// Starts looking for due work.
    pub fn start(self: &Arc<Self>) {
        tokio::spawn(crate::scheduler::run(self.clone()));
        tokio::spawn(crate::retention::run(self.clone()));
        if let Company::Shared(term) = self.settings.company {
            tokio::spawn(crate::tenure::run(self.clone(), term));
        }
    }

    /// The node is about to stop and says so to whoever asks for its health; it takes requests as before.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
        // Whoever watches the recorder sees that the node stops.
        self.recorder.wake();
    }

    /// Whether the node is about to stop, or is stopping.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Takes no new requests, waits until the work in hand is done or `patience` is over. Whatever is left stays
    /// recorded as tasks.
    pub async fn drain(&self, patience: Duration) {
        self.draining.store(true, Ordering::Release);
        self.leave();
        let Company::Shared(term) = self.settings.company else {
            drop(tokio::time::timeout(patience, self.registry.idle()).await);
            return;
        };
        // What is due meanwhile waits for whoever takes the buckets over, so that they are not kept for long; what is in hand
        // then is done as far as it was begun.
        let began = tokio::time::Instant::now();
        drop(tokio::time::timeout(patience.min(term), self.registry.idle()).await);
        self.give_everything_back(term).await;
        drop(tokio::time::timeout(patience.saturating_sub(began.elapsed()), self.registry.idle()).await);
    }

    /// Whether the node is stopping and takes no more requests.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Begins nothing from now on, and takes nothing on: no provider is asked, no callback and no mail is sent, no timer
    /// rings. What is in hand is done. States can still be asked for.
    pub fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    /// Goes on after [`hold`](Self::hold).
    pub fn go_on(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// Whether the engine is held.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// What happened, counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The projects.
    pub fn projects(&self) -> &Projects {
        &self.projects
    }

    /// What happened lately in test projects.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// The store, for administration.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// How many tasks are in hand.
    pub fn in_hand(&self) -> usize {
        self.registry.len()
    }

    /// Real time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads the projects anew.
    pub async fn refresh_projects(&self) -> Result<(), Failure> {
        Ok(self.projects.refresh(self.store.as_ref(), &self.vault).await?)
    }

    /// The moment in both times of a project.
    pub(crate) fn moment(&self, project: &KnownProject) -> Now {
        let real = self.clock.now();
        Now { business: project.business(real), real }
    }

    /// The connector of an account, if it belongs to the environment (D-474: fails closed).
    pub(crate) fn connector(
        &self,
        account: ProviderAccountId,
        environment: Environment,
    ) -> Option<Arc<dyn Connector>> {
        let gate = self.gate(account)?;
        (gate.environment() == environment).then_some(gate as Arc<dyn Connector>)
    }

    /// The connector of an account, whatever its environment: for what comes from outside and names the account.
    pub(crate) fn connector_of(&self, account: ProviderAccountId) -> Option<Arc<dyn Connector>> {
        self.gate(account).map(|gate| gate as Arc<dyn Connector>)
    }

    /// Whether `given` is the text that was kept secret. Keyed digests are compared, so that the time it takes tells
    /// nothing of it.
    pub(crate) fn is_secret(&self, secret: &str, given: &str) -> bool {
        let digest = |text: &str| self.vault.fingerprint(&[b"a secret text", text.as_bytes()]);
        digest(secret) == digest(given)
    }

    /// The accounts that are connected, by number.
    pub(crate) fn accounts(&self) -> Vec<ProviderAccountId> {
        let mut accounts: Vec<_> = self.connectors.read().keys().copied().collect();
        accounts.sort();
        accounts
    }

    pub(crate) fn project(&self, id: ProjectId) -> Result<Arc<KnownProject>, Failure> {
        self.projects.get(id).ok_or_else(|| Failure::Defect(format!("project {id} is not known")))
    }

    /// A project as it stands now: while work on it was waiting its clock may have moved on and its secret been
    /// replaced.
    pub(crate) fn renewed(&self, known: &Arc<KnownProject>) -> Arc<KnownProject> {
        self.projects.get(known.project.id).unwrap_or_else(|| known.clone())
    }

    /// A decision was made by a clock that has been moved on since: reads the projects anew.
    pub(crate) async fn catch_up(&self, known: &mut Arc<KnownProject>) -> Result<(), Failure> {
        self.refresh_projects().await?;
        let fresh = self.project(known.project.id)?;
        if fresh.clock_offset <= known.clock_offset {
            return Err(Failure::Defect(format!("the clock of project {} cannot be read", known.project.id)));
        }
        *known = fresh;
        Ok(())
    }

    pub(crate) fn step(&self, step: Step) {
        if let Some(hook) = &self.hook {
            hook(step);
        }
    }

    /// Makes a commit durable, and notes how long that took.
    pub(crate) async fn write(&self, commit: Commit) -> Result<(), CommitError> {
        let started = std::time::Instant::now();
        let result = self.store.commit(commit).await;
        self.metrics.committed(&result, started.elapsed());
        result
    }

    /// Renders and signs the callbacks of a decision and makes everything durable. Answers the deliveries that
    /// have become due work, each taken in hand before the scheduler can see it, so that none is begun twice.
    pub(crate) async fn commit(
        &self,
        project: &KnownProject,
        changes: ChangeSet,
        mut commit: Commit,
        bucket: u8,
        now: Now,
    ) -> Result<Vec<(Delivery, InHand)>, CommitError> {
        let mut changes = changes;
        let mut deliveries = Vec::new();
        for event in std::mem::take(&mut changes.events) {
            let (callback, due) = render(project, event, bucket, now)?;
            commit.callbacks.push(callback);
            deliveries.extend(due.into_iter().filter(|delivery| delivery.due <= now.business).filter_map(
                |delivery| {
                    let key = TaskKey::Deliver(delivery.callback, delivery.address);
                    let taken = self.owns(bucket).then(|| self.registry.take(key, bucket))?;
                    taken.map(|in_hand| (delivery, in_hand))
                },
            ));
        }
        let walk = Walk::of(&self.recorder, project, &changes, now.real);
        commit.changes = changes;
        commit.clock = project.timer_clock().map(|id| (id, project.clock_offset));
        self.write(commit).await?;
        if let Some(walk) = walk {
            self.recorder.steps(walk, now.real);
        }
        Ok(deliveries)
    }
}

/// Renders and signs a callback; answers it with the deliveries it leads to.
pub(crate) fn render(
    project: &KnownProject,
    event: Event,
    bucket: u8,
    now: Now,
) -> Result<(NewCallback, Vec<Delivery>), CommitError> {
    let (unsigned, place) = ferropay_wire::callback::body(&event, &project.project.settings);
    let secret = project
        .current_secret()
        .ok_or_else(|| CommitError::Defect(format!("project {} has no secret", project.project.id)))?;
    let body = signature::seal(&unsigned, place, secret)
        .map_err(|error| CommitError::Defect(format!("a callback could not be signed: {error}")))?;
    let shared: Arc<str> = body.as_str().into();
    let due = event.not_before;
    let mut tasks = Vec::new();
    let mut deliveries = Vec::new();
    for (position, url) in event.addresses.iter().enumerate() {
        let Ok(address) = u8::try_from(position) else { break };
        tasks.push(Task {
            key: TaskKey::Deliver(event.id, address),
            bucket,
            clock: project.timer_clock(),
            due,
            tries: 0,
        });
        deliveries.push(Delivery {
            callback: event.id,
            address,
            project: event.project,
            subject: event.subject,
            number: event.number,
            url: url.clone(),
            body: shared.clone(),
            attempts: 0,
            state: DeliveryState::Open,
            due,
        });
    }
    let callback = NewCallback {
        id: event.id,
        project: event.project,
        subject: event.subject,
        number: event.number,
        body,
        addresses: event.addresses,
        created_at: now.business,
        due,
        tasks,
    };
    Ok((callback, deliveries))
}
