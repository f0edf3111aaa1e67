//! Putting the platform together: store, vault, engine, connectors, simulators, HTTP.

mod acquirers;
pub(crate) mod files;
mod mail;
mod methods;
pub(crate) mod sandbox;
mod three_ds;
mod wallets;

use crate::config::Config;
use anyhow::{Context, Result};
use ferropay_engine::{
    Engine, Parts, Settings,
    clock::SystemClock,
    courier::HttpCourier,
    entropy::SystemEntropy,
    steps::{Hook, Step},
};
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};

/// How long requests and work in hand may take to end after the signal to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A platform that is ready to serve.
pub(crate) struct Platform {
    pub(crate) engine: Arc<Engine>,
    listener: TcpListener,
    /// The admin side, when it has an address of its own.
    admin: Option<TcpListener>,
    connectors: Vec<Arc<ferropay_providers::card_acquirer::CardAcquirer>>,
    simulators: Option<sandbox::Simulators>,
    /// Whether the inspector answers what a proxy has forwarded.
    inspector_behind_proxy: bool,
    /// Where callbacks come from.
    callback_sources: Vec<String>,
    /// What a client of the sandbox needs to know.
    pub(crate) sandbox: Option<sandbox::Access>,
}

impl Platform {
    /// Opens everything; nothing is served yet.
    pub(crate) async fn prepare(config: &Config) -> Result<Self> {
        let files::Opened { store, vault } =
            files::open(&config.database, config.keys.as_deref(), config.sandbox).await?;
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
            settings: Settings::default(),
        })
        .await
        .context("the engine could not start")?;
        let mut connectors = acquirers::connect(config, &engine)?;
        let simulators = match (config.sandbox, &config.sandbox_acquirer) {
            (true, Some(elsewhere)) => {
                connectors.extend(acquirers::connect_sandbox(config, elsewhere, &engine)?);
                None
            }
            (true, None) => {
                let simulators = sandbox::start_simulators(config).await?;
                let address = simulators.acquirer_address().to_string();
                connectors.extend(acquirers::connect_sandbox(config, &address, &engine)?);
                three_ds::connect_sandbox(simulators.base_url(), &public_url, &engine).await?;
                wallets::prepare_sandbox(&engine, &vault, config.sandbox_project, simulators.wallets())
                    .await?;
                Some(simulators)
            }
            (false, _) => None,
        };
        wallets::connect(&engine, simulators.as_ref().map(sandbox::Simulators::base_url));
        let methods = config.sandbox_methods.as_deref();
        if let Some(methods) = methods.or_else(|| simulators.as_ref().map(sandbox::Simulators::base_url)) {
            methods::connect_sandbox(methods, config, &engine)?;
        }
        methods::connect(config, &engine)?;
        let sink = simulators.as_ref().and_then(sandbox::Simulators::mail_address);
        mail::connect(config, sink, &engine)?;
        if let Some(directory) = &config.three_ds {
            three_ds::connect(directory, &public_url, &engine).await?;
        }
        let inspector_behind_proxy = config.inspector_behind_proxy;
        let callback_sources = config.callback_sources.clone();
        Ok(Self {
            engine,
            listener,
            admin,
            connectors,
            simulators,
            inspector_behind_proxy,
            callback_sources,
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
        self.simulators.as_ref().map(sandbox::Simulators::control_address)
    }

    /// Serves until `stop` completes, then drains.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) -> Result<()> {
        let admin_address = self.admin_address()?;
        let shown = ferropay_web::inspector::Options {
            behind_proxy: self.inspector_behind_proxy,
            callback_sources: self.callback_sources.into(),
        };
        let Self { engine, listener, admin, connectors, simulators, .. } = self;
        let mut router = ferropay_web::gate::router(engine.clone())
            .merge(ferropay_web::contracts::router())
            .merge(ferropay_web::operations::router(engine.clone()))
            .merge(ferropay_web::three_ds::router(engine.clone()))
            .merge(ferropay_web::provider_side::router(engine.clone()))
            .merge(ferropay_web::links::router(engine.clone()))
            .merge(ferropay_web::assets::router());
        let admin_router = ferropay_web::inspector::router(engine.clone(), admin_address, shown);
        let (stopped, stopping) = watch::channel(false);
        let admin = if let Some(admin) = admin {
            let admin_router = admin_router.merge(ferropay_web::assets::router());
            let stop = when_stopped(stopping);
            Some(tokio::spawn(ferropay_web::server::serve(admin, admin_router, stop, PATIENCE)))
        } else {
            router = router.merge(admin_router);
            None
        };
        engine.start();
        let draining = engine.clone();
        let stop = async move {
            stop.await;
            draining.drain(PATIENCE).await;
            stopped.send_replace(true);
        };
        ferropay_web::server::serve(listener, router, stop, PATIENCE).await.context("the server broke")?;
        if let Some(admin) = admin {
            admin.await.context("the admin side broke")?.context("the admin side broke")?;
        }
        for connector in connectors {
            connector.close(Duration::from_secs(2)).await;
        }
        if let Some(simulators) = simulators {
            simulators.stop().await;
        }
        Ok(())
    }
}

async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("the address {address} cannot be listened on; choose another with {option}"))
}

/// Completes when `stopping` turns true, or can no longer.
async fn when_stopped(mut stopping: watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopped| *stopped).await);
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
