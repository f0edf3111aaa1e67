//! `ferropay demo`: a sandbox on a fresh database, real traffic through it, and every message shown.

mod browser;
mod script;
mod show;
mod stage;

use super::serve::stop_signals;
use crate::{cli::Demo, config::Config, platform::Platform};
use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::sync::mpsc;

/// Runs the demonstration; then serves on, unless `--exit` is given.
pub(crate) async fn run(options: Demo) -> Result<ExitCode> {
    let directory =
        tempfile::Builder::new().prefix("ferropay-demo-").tempdir().context("no temporary directory")?;
    let mut config = Config {
        sandbox: true,
        database: format!("sqlite:{}", directory.path().join("demo.db").display()),
        // Nobody balances load before a demonstration.
        drain_delay: Some(0),
        ..Config::default()
    };
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    if options.exit {
        config.listen = any;
        config.simulators_listen = any;
        config.acquirer_listen = any;
    } else if let Some(listen) = options.listen {
        config.listen = listen;
    }
    let platform = Platform::prepare(&config).await?;
    let address = platform.address()?;
    let admin = platform.admin_address()?;
    let simulators = platform.simulators_address();
    let access = platform.sandbox.clone().context("a sandbox has a project")?;
    let store = platform.engine.store().clone();
    let (stop, stopped) = mpsc::channel(1);
    let serving = tokio::spawn(platform.run(stopped));
    let stage = stage::Stage::set(address, access.clone(), store).await?;
    let sound = script::play(&stage).await;
    show::verdict(&sound);
    if !options.exit {
        let mut signals = stop_signals()?;
        show::addresses(address, admin, simulators, &access);
        signals.recv().await;
    }
    // Nobody listens any more when serving has ended by itself; the next line says why.
    let _ended = stop.send(()).await;
    serving.await.context("the platform broke")??;
    Ok(if sound.is_ok() || !options.exit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
