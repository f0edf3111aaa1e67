//! Putting the platform together: store, vault, engine, connectors, simulators, HTTP.

pub(crate) mod acquirers;
pub(crate) mod address;
pub(crate) mod files;
mod mail;
pub(crate) mod methods;
pub(crate) mod outward;
pub(crate) mod sandbox;
mod three_ds;
pub(crate) mod usable;
mod wallets;

use crate::config::Config;
use address::Address;
use anyhow::{Context, Result};
use ferropay_engine::{
    Company, Engine, Parts, Settings,
    clock::SystemClock,
    courier::HttpCourier,
    entropy::SystemEntropy,
    steps::{Hook, Step},
};
use ferropay_store::Recovery;
use ferropay_web::server::{self, Stage};
use outward::Outward;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

/// How long requests under way, and then work in hand, may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a node beside others may be silent before they take its work over.
const TERM: Duration = Duration::from_secs(5);

/// A platform that is ready to serve.
pub(crate) struct Platform {
    pub(crate) engine: Arc<Engine>,
    listener: TcpListener,
    /// The admin side, when it has an address of its own.
    admin: Option<TcpListener>,
    outward: Outward,
    /// Whether the inspector answers what a proxy has forwarded.
    inspector_behind_proxy: bool,
    /// Where callbacks come from.
    callback_sources: Vec<String>,
    /// How long requests are still taken after the signal to stop.
    drain_delay: Duration,
    /// The hold that the database is in.
    pub(crate) recovery: Option<Recovery>,
    /// What a client of the sandbox needs to know.
    pub(crate) sandbox: Option<sandbox::Access>,
}

impl Platform {
    /// Opens everything; nothing is served yet.
    pub(crate) async fn prepare(config: &Config) -> Result<Self> {
        let files::Opened { store, vault } = files::open_to_serve(config).await?;
        let recovery = store.recovery().await?.filter(Recovery::is_held);
        if config.recovery_hold {
            tracing::warn!(
                "a recovery hold begins, or goes on; --recovery-hold begins another at each later start"
            );
        }
        let listener = listen(config.listen, "--listen").await?;
        let admin = match config.admin_listen() {
            Some(address) => Some(listen(address, "--admin-listen").await?),
            None => None,
        };
        let public_url = match &config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", listener.local_addr()?),
        };
        let access =
            if config.sandbox { Some(sandbox::prepare(config, store.as_ref(), &vault).await?) } else { None };
        let engine = Engine::new(Parts {
            store,
            vault: vault.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            courier: Arc::new(
                HttpCourier::new(config.sandbox).context("the TLS library could not be set up")?,
            ),
            hook: crash_hook(config)?,
            public_url: public_url.clone(),
            settings: Settings {
                most_waiting: config.most_waiting,
                keep: config.retention.keep(),
                company: company(&Address::parse(&config.database)?),
                ..Settings::default()
            },
        })
        .await
        .context("the engine could not start")?;
        let simulators = match (config.sandbox, &config.sandbox_acquirer) {
            (true, None) => Some(sandbox::start_simulators(config).await?),
            _ => None,
        };
        let outward = Outward::new(config, (engine.clone(), vault), public_url, simulators);
        if recovery.is_some() {
            engine.hold();
        } else {
            outward.connect().await?;
        }
        let inspector_behind_proxy = config.inspector_behind_proxy;
        let callback_sources = config.callback_sources.clone();
        Ok(Self {
            engine,
            listener,
            admin,
            outward,
            recovery,
            inspector_behind_proxy,
            callback_sources,
            drain_delay: config.drain_delay(),
            sandbox: access,
        })
    }

    /// The address of the public side.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// The address of the admin side.
    pub(crate) fn admin_address(&self) -> Result<SocketAddr> {
        Ok(self.admin.as_ref().unwrap_or(&self.listener).local_addr()?)
    }

    /// The address of the simulators' control endpoints.
    pub(crate) fn simulators_address(&self) -> Option<SocketAddr> {
        self.outward.simulators.as_ref().map(sandbox::Simulators::control_address)
    }

    /// Serves until the first signal to stop comes, then leaves in order: while others are still to learn of it every
    /// request is served, then those under way are, then work in hand ends.
    pub(crate) async fn run(self, mut stop: mpsc::Receiver<()>) -> Result<()> {
        let admin_address = self.admin_address()?;
        let shown = ferropay_web::inspector::Options {
            behind_proxy: self.inspector_behind_proxy,
            callback_sources: self.callback_sources.into(),
        };
        let Self { engine, listener, admin, outward, drain_delay, .. } = self;
        let held = |router| ferropay_web::held::guard(router, engine.clone());
        let customers = ferropay_web::three_ds::router(engine.clone())
            .merge(ferropay_web::provider_side::router(engine.clone()))
            .merge(ferropay_web::links::router(engine.clone()));
        let mut router = ferropay_web::gate::router(engine.clone())
            .merge(ferropay_web::contracts::router())
            .merge(ferropay_web::operations::router(engine.clone()))
            .merge(ferropay_web::operations::with_room(engine.clone(), held(customers)))
            .merge(ferropay_web::assets::router());
        let admin_router = held(ferropay_web::inspector::router(engine.clone(), admin_address, shown))
            .merge(ferropay_web::operations::metrics_router(engine.clone()));
        let (stage, stages) = watch::channel(Stage::Serving);
        let admin = if let Some(admin) = admin {
            let admin_router = admin_router.merge(ferropay_web::assets::router());
            Some(tokio::spawn(server::serve(admin, admin_router, stages.clone(), PATIENCE)))
        } else {
            router = router.merge(admin_router);
            None
        };
        engine.start();
        let outward = Arc::new(outward);
        let following = tokio::spawn(outward.clone().follow_recovery());
        let mut public = tokio::spawn(server::serve(listener, router, stages, PATIENCE));
        let ended = tokio::select! {
            _ = stop.recv() => None,
            ended = &mut public => Some(ended),
        };
        engine.leave();
        if ended.is_none() {
            stage.send_replace(Stage::Leaving);
            until_gone_elsewhere(drain_delay, &mut stop).await;
        }
        stage.send_replace(Stage::Closing);
        let ended = match ended {
            Some(ended) => ended,
            None => public.await,
        };
        // Requests that were taken are answered by now: from here on only work in hand is left.
        engine.drain(PATIENCE).await;
        ended.context("the server broke")?.context("the server broke")?;
        if let Some(admin) = admin {
            admin.await.context("the admin side broke")?.context("the admin side broke")?;
        }
        following.abort();
        // It holds the rest until it has ended.
        drop(following.await);
        if let Some(outward) = Arc::into_inner(outward) {
            outward.close(Duration::from_secs(2)).await;
        }
        Ok(())
    }
}

/// A file is one process's, a server any number's.
fn company(database: &Address) -> Company {
    match database {
        Address::File(_) => Company::Alone,
        Address::Server(_) => Company::Shared(TERM),
    }
}

async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("the address {address} cannot be listened on; choose another with {option}"))
}

/// Gives load balancers the time to turn elsewhere, unless a second signal says that nobody has to.
async fn until_gone_elsewhere(delay: Duration, stop: &mut mpsc::Receiver<()>) {
    let another = async {
        if stop.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    drop(tokio::time::timeout(delay, another).await);
}

/// The hook that ends the process at the step `--crash-at` names, the COUNT-th time it is reached.
fn crash_hook(config: &Config) -> Result<Option<Hook>> {
    let Some(text) = &config.crash_at else { return Ok(None) };
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    let step = Step::named(name).with_context(|| {
        let names: Vec<&str> = Step::ALL.iter().map(|step| step.name()).collect();
        format!("--crash-at {name}: no such step; there are {}", names.join(", "))
    })?;
    let count: u64 = count.parse().with_context(|| format!("--crash-at {text}: {count} is no number"))?;
    let seen = AtomicU64::new(0);
    Ok(Some(Arc::new(move |reached| {
        if reached == step && seen.fetch_add(1, Ordering::Relaxed) + 1 == count {
            // No unwinding, no destructors, nothing flushed: as if the process were killed.
            std::process::abort();
        }
    })))
}
