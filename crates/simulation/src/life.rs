//! One life of the platform: from its start to a crash, or to the end of the simulation.

use crate::{
    actions, asking, by_method,
    cast::{self, Merchant},
    courier::Post,
    device_wallets,
    mailbox::Mailbox,
    oracle,
    store::{User, WatchedStore},
    subscriptions,
    world::World,
};
use ferropay_domain::ids::ProjectId;
use ferropay_engine::{Engine, Parts, Settings, clock::Clock};
use ferropay_store::{
    ProjectRecord, Secret, Store, Unavailable, change_project,
    vault::{Master, Vault},
};
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

/// How many rounds everything may take to come to an end.
const ROUNDS: u32 = 20_000;

/// What outlives a crash besides the world.
pub(crate) struct Durable<'a> {
    pub(crate) world: Arc<World>,
    /// What was durable when the life began, and becomes durable in it.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: &'a Path,
    /// How often the engine looks for due work.
    pub(crate) poll_every: Duration,
}

/// A running platform.
pub(crate) struct Life {
    pub(crate) world: Arc<World>,
    /// The store as it is, for whoever looks at it.
    pub(crate) store: Arc<WatchedStore>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) engine: Arc<Engine>,
    poll_every: Duration,
    /// Late answers that were handed over in this life.
    handed: BTreeSet<String>,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Crashed,
    /// The simulation is over.
    Over,
}

/// Lives until a crash, or until `steps` steps are done and everything has come to an end. `steps` counts down.
pub(crate) async fn live(durable: &Durable<'_>, steps: &mut u32) -> End {
    let world = &durable.world;
    world.begin_life();
    world.note(format_args!("--- the platform starts, {steps} steps to go"));
    let end = tokio::select! {
        biased;
        () = world.crash.end() => End::Crashed,
        () = run(durable, steps) => End::Over,
    };
    if end == End::Crashed {
        world.note(format_args!("--- crash"));
    }
    world.clock.end_life();
    end
}

async fn run(durable: &Durable<'_>, steps: &mut u32) {
    let world = &durable.world;
    let mut life = match Life::start(durable).await {
        Ok(life) => life,
        Err(error) => return world.finding(format!("the platform does not start: {error}")),
    };
    while *steps > 0 && !world.has_findings() {
        *steps -= 1;
        actions::act(&mut life).await;
        life.hand_over_late_answers();
        life.tell_results();
        life.tell_of_methods();
    }
    if !world.has_findings() {
        life.come_to_an_end().await;
        oracle::look(&life, oracle::Depth::Everything).await;
    }
}

impl Life {
    async fn start(durable: &Durable<'_>) -> Result<Self, String> {
        let Durable { world, store, keys, poll_every } = durable;
        let store = &Arc::new(watched(world, store, User::Observer));
        let vault = Vault::open(keys, Master::MakeWhenMissing, store.as_ref(), world.now()).await;
        let vault = Arc::new(vault.map_err(|error| error.to_string())?);
        if store.projects().await.map_err(|error| error.to_string())?.is_empty() {
            for merchant in &world.merchants {
                save(store.as_ref(), &vault, merchant).await?;
                device_wallets::give_keys(store.as_ref(), &vault, merchant).await?;
            }
            store.set_rates(cast::rates()).await.map_err(|error| error.to_string())?;
        }
        let engine = start_engine(world, &store.inner, &vault, *poll_every).await?;
        Ok(Self {
            world: world.clone(),
            store: store.clone(),
            vault,
            engine,
            poll_every: *poll_every,
            handed: BTreeSet::new(),
        })
    }

    /// The store as whoever administers the platform has it.
    pub(crate) fn watched(&self) -> WatchedStore {
        watched(&self.world, &self.store.inner, User::Administrator)
    }

    /// Another node takes everything over; the old one finds out by itself.
    pub(crate) async fn take_over(&mut self) {
        self.world.take_over();
        match start_engine(&self.world, &self.store.inner, &self.vault, self.poll_every).await {
            Ok(engine) => {
                let old = std::mem::replace(&mut self.engine, engine);
                self.handed.clear();
                let world = self.world.clone();
                tokio::spawn(async move {
                    let patience = Duration::from_secs(world.dice.between(0, 90));
                    old.drain(patience).await;
                });
            }
            Err(error) => self.world.finding(format!("a second node does not start: {error}")),
        }
    }

    /// Answers that arrived outside their calls go to the platform, each once in a life and again in the next as long
    /// as it is not recorded.
    pub(crate) fn hand_over_late_answers(&mut self) {
        let known = self.world.seen.lock().inbox.clone();
        for provider in &self.world.providers {
            for late in provider.arrived(self.world.now(), &known) {
                if self.handed.insert(late.id.clone()) {
                    self.world.note(format_args!("late answer {}", late.id));
                    self.engine.late_answer(late);
                }
            }
        }
    }

    /// Issuers tell what came of their challenges, again and again until they are heard.
    pub(crate) fn tell_results(&self) {
        for issuers in &self.world.issuers {
            for (id, body) in issuers.notices(self.world.now()) {
                let (world, engine, issuers) = (self.world.clone(), self.engine.clone(), issuers.clone());
                tokio::spawn(async move {
                    let answer = engine.result_notice(&body).await;
                    world.note(format_args!("issuer tells the result of {id}: {answer}"));
                    issuers.answered(id, &answer);
                });
            }
        }
    }

    /// Providers of payment methods decide, and tell of it until they are heard.
    pub(crate) fn tell_of_methods(&self) {
        for provider in &self.world.methods {
            provider.decide(&self.world);
            for (number, body) in provider.outgoing(&self.world) {
                let (world, engine, provider) = (self.world.clone(), self.engine.clone(), provider.clone());
                tokio::spawn(async move {
                    let answer = engine.provider_notice(provider.number(), &|_| None, body.as_bytes()).await;
                    world.note(format_args!("notice {body}: {answer:?}"));
                    if let Ok(answer) = answer {
                        provider.answered(&world, number, answer);
                    }
                });
            }
        }
    }

    /// Moves a project's clock on to `offset`.
    pub(crate) async fn move_clock(&self, merchant: &Merchant, offset: i64) {
        match self.watched().advance_clock(merchant.id, offset).await {
            Ok(offset) => merchant.set_offset(offset),
            Err(error) => self.world.finding(format!("a clock cannot be moved: {error}")),
        }
    }

    /// Lets everything come to an end: nobody fails any more, and time passes until nothing is left to do.
    pub(crate) async fn come_to_an_end(&mut self) {
        let world = self.world.clone();
        world.note(format_args!("--- everything is to come to an end"));
        world.moods.lock().calm = true;
        world.crash.disarm();
        // What is due of a merchant who is barred waits for as long as that takes.
        for merchant in &world.merchants {
            if !std::mem::replace(&mut merchant.project.lock().active, true) {
                actions::store_project(self, merchant).await;
            }
        }
        for round in 0..ROUNDS {
            if world.has_findings() {
                break;
            }
            // Series that nobody cancels go on for years.
            if round % 200 == 0 {
                for (project, series) in subscriptions::active(&world) {
                    if let Some(merchant) = world.merchant(project) {
                        actions::ask(self, subscriptions::cancellation(merchant, &series));
                    }
                }
            }
            if round % 50 == 0 {
                by_method::decide_amounts(self);
            }
            self.hand_over_late_answers();
            self.tell_results();
            self.tell_of_methods();
            tokio::time::sleep(self.poll_every + Duration::from_millis(1)).await;
            if asking::waiting(&world) > 0 || self.engine.in_hand() > 0 {
                continue;
            }
            if !self.pass_to_what_is_next().await {
                world.note(format_args!("--- everything has come to an end"));
                world.moods.lock().calm = false;
                return;
            }
        }
        if !world.has_findings() {
            world.finding(format!("{} tasks in hand and no end in sight", self.engine.in_hand()));
        }
    }

    /// Passes to the next moment at which something is to be done; answers whether there is one.
    async fn pass_to_what_is_next(&mut self) -> bool {
        let world = &self.world;
        let mut any = false;
        let known = world.seen.lock().inbox.clone();
        let arrivals = world.providers.iter().filter_map(|provider| provider.next_arrival(&known));
        let arrivals = arrivals.chain(world.methods.iter().filter_map(|provider| provider.next_moment()));
        let arrivals = arrivals.chain(world.issuers.iter().filter_map(|issuers| issuers.next_notice()));
        let due = self.store.next_due(None).await.ok().flatten();
        if let Some(next) = arrivals.chain(due).min() {
            any = true;
            let now = world.now();
            if next > now {
                world.leap(next.since(now));
            }
        }
        for merchant in world.merchants.iter().filter(|merchant| merchant.has_clock()) {
            let Some(next) = self.store.next_due(Some(merchant.id)).await.ok().flatten() else { continue };
            any = true;
            let ahead = next.micros().saturating_sub(world.business(merchant.id).micros());
            if ahead > 0 {
                self.move_clock(merchant, merchant.offset().saturating_add(ahead)).await;
            }
        }
        if any && let Err(error) = self.engine.refresh_projects().await {
            world.finding(format!("the projects cannot be read: {error}"));
        }
        any
    }
}

fn watched(world: &Arc<World>, store: &Arc<dyn Store>, user: User) -> WatchedStore {
    WatchedStore { inner: store.clone(), world: world.clone(), user }
}

async fn start_engine(
    world: &Arc<World>,
    store: &Arc<dyn Store>,
    vault: &Arc<Vault>,
    poll_every: Duration,
) -> Result<Arc<Engine>, String> {
    let hook = {
        let world = world.clone();
        move |_| world.crash.step_or_unwind()
    };
    let clock: Arc<dyn Clock> = world.clock.clone();
    let parts = Parts {
        store: Arc::new(watched(world, store, User::Engine)),
        vault: vault.clone(),
        clock,
        entropy: world.entropy.clone(),
        courier: Arc::new(Post(world.clone())),
        hook: Some(Arc::new(hook)),
        public_url: "http://platform.example".to_owned(),
        settings: Settings { poll_every, ..Settings::default() },
    };
    let engine = Engine::new(parts).await.map_err(|error| error.to_string())?;
    for provider in &world.providers {
        engine.connect(provider.clone());
    }
    for provider in &world.methods {
        engine.connect(provider.clone());
    }
    for issuers in &world.issuers {
        engine.authenticate_with(issuers.clone());
    }
    engine.open_tokens_with(Arc::new(device_wallets::Tokens));
    engine.mail_with(Arc::new(Mailbox(world.clone())));
    engine.start();
    Ok(engine)
}

/// Stores a merchant's project as it stands.
pub(crate) async fn save(store: &dyn Store, vault: &Vault, merchant: &Merchant) -> Result<(), String> {
    let mut secrets = Vec::new();
    for secret in merchant.secrets().iter().take(1) {
        let sealed = seal(vault, merchant.id, secret)?;
        secrets.push(Secret { sealed, valid_until: None });
    }
    let project = merchant.project.lock().clone();
    let clock_offset = merchant.offset();
    let changed = change_project(store, merchant.id, |record| {
        (record.project, record.secrets, record.clock_offset) =
            (project.clone(), secrets.clone(), clock_offset);
        Ok::<_, Unavailable>(())
    });
    if changed.await.map_err(|error| error.to_string())?.is_some() {
        return Ok(());
    }
    let record = ProjectRecord { project, name: "Merchant".to_owned(), secrets, clock_offset, revision: 0 };
    store.save_project(record).await.map(drop).map_err(|error| error.to_string())
}

fn seal(
    vault: &Vault,
    project: ProjectId,
    secret: &ferropay_wire::signature::Secret,
) -> Result<ferropay_store::vault::Sealed, String> {
    vault.seal_secret(project, secret.expose().as_bytes()).map_err(|error| error.to_string())
}
