//! Whatever leads out of the platform. It is not connected while the database is held after a restore, and as soon as it
//! is released.

use super::{acquirers, mail, methods, sandbox::Simulators, three_ds, wallets};
use crate::config::Config;
use anyhow::Result;
use ferropay_engine::Engine;
use ferropay_providers::card_acquirer::CardAcquirer;
use ferropay_store::{Recovery, vault::Vault};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often a running platform looks whether its database is held, or no longer.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Connects to every provider that money moves through. `acquirer` and `methods` are those of a sandbox.
pub(crate) fn providers(
    config: &Config,
    engine: &Arc<Engine>,
    acquirer: Option<&str>,
    methods: Option<&str>,
) -> Result<Vec<Arc<CardAcquirer>>> {
    let mut links = acquirers::connect(config, engine)?;
    if let Some(acquirer) = acquirer {
        links.extend(acquirers::connect_sandbox(config, acquirer, engine)?);
    }
    if let Some(methods) = methods {
        methods::connect_sandbox(methods, config, engine)?;
    }
    methods::connect(config, engine)?;
    Ok(links)
}

/// What leads out of one running platform.
pub(crate) struct Outward {
    pub(super) config: Config,
    pub(super) engine: Arc<Engine>,
    pub(super) vault: Arc<Vault>,
    pub(super) public_url: String,
    pub(super) simulators: Option<Simulators>,
    links: Mutex<Option<Vec<Arc<CardAcquirer>>>>,
    /// Whether everything is connected: a part of it is not enough to go on with.
    is_connected: AtomicBool,
}

impl Outward {
    pub(super) fn new(
        config: &Config,
        (engine, vault): (Arc<Engine>, Arc<Vault>),
        public_url: String,
        simulators: Option<Simulators>,
    ) -> Self {
        Self {
            config: config.clone(),
            engine,
            vault,
            public_url,
            simulators,
            links: Mutex::new(None),
            is_connected: AtomicBool::new(false),
        }
    }

    /// Connects to everything, once. Where that fails, the next call goes on with what is missing.
    pub(super) async fn connect(&self) -> Result<()> {
        if self.is_connected.load(Ordering::Acquire) {
            return Ok(());
        }
        let Self { config, engine, public_url, simulators, .. } = self;
        let simulated = simulators.as_ref();
        let base_url = simulated.map(Simulators::base_url);
        let here = simulated.map(|simulators| simulators.acquirer_address().to_string());
        let acquirer = config.sandbox_acquirer.as_deref().or(here.as_deref()).filter(|_| config.sandbox);
        if self.links.lock().is_none() {
            let methods = config.sandbox_methods.as_deref().or(base_url);
            let links = providers(config, engine, acquirer, methods)?;
            *self.links.lock() = Some(links);
        }
        if let Some(simulators) = simulated {
            three_ds::connect_sandbox(simulators.base_url(), public_url, engine).await?;
            let wallets = simulators.wallets();
            wallets::prepare_sandbox(engine, &self.vault, config.sandbox_project, wallets).await?;
        }
        wallets::connect(engine, base_url);
        mail::connect(config, simulated.and_then(Simulators::mail_address), engine)?;
        if let Some(directory) = &config.three_ds {
            three_ds::connect(directory, public_url, engine).await?;
        }
        self.is_connected.store(true, Ordering::Release);
        Ok(())
    }

    /// Holds the engine while the database is held, and lets it go on when that ends; until the caller stops it.
    pub(super) async fn follow_recovery(self: Arc<Self>) {
        let mut pause = tokio::time::interval(LOOK_EVERY);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            pause.tick().await;
            let held = match self.engine.store().recovery().await {
                // A store that has ended does not come back with the release.
                Ok(recovery) => {
                    recovery.is_some_and(|recovery| recovery.is_held()) || self.engine.is_parted()
                }
                Err(error) => {
                    tracing::error!(%error, "whether the database is held could not be read");
                    continue;
                }
            };
            match (held, self.engine.is_held()) {
                (true, false) => {
                    tracing::error!(
                        "the database is in recovery hold: nothing is sent, and nothing taken on"
                    );
                    self.engine.hold();
                }
                (false, true) => match self.connect().await {
                    Ok(()) => {
                        tracing::warn!("the recovery hold has ended: work goes on");
                        self.engine.go_on();
                    }
                    Err(error) => {
                        tracing::error!(
                            error = format!("{error:#}"),
                            "work cannot go on after the recovery hold"
                        );
                    }
                },
                _ => {}
            }
        }
    }

    /// Ends the connections to acquirers, waiting at most `patience` for each, and the simulators.
    pub(super) async fn close(self, patience: Duration) {
        let links = self.links.lock().take().unwrap_or_default();
        for link in links {
            link.close(patience).await;
        }
        if let Some(simulators) = self.simulators {
            simulators.stop().await;
        }
    }
}

/// How people are told of a hold.
pub(crate) fn described(recovery: &Recovery) -> String {
    let civil = |moment: ferropay_domain::time::Timestamp| {
        moment.civil().map(|moment| moment.to_string()).unwrap_or_default()
    };
    match recovery.copied_at {
        Some(copied_at) => format!("a copy of {}", civil(copied_at)),
        None => {
            format!("since {}; nobody can say up to when it knows everything", civil(recovery.held_since))
        }
    }
}
