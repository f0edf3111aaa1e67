//! `ferropay serve`.

use crate::{cli::Serve, config::Config, platform::Platform};
use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn run(options: &Serve) -> Result<ExitCode> {
    let config = Config::load(options)?;
    let platform = Platform::prepare(&config).await?;
    println!("Ferropay {} is ready.", env!("CARGO_PKG_VERSION"));
    println!("  Gate API   http://{}/v2/", platform.address()?);
    println!("  inspector  http://{}/inspector", platform.admin_address()?);
    println!("  database   {}", config.database);
    if let Some(access) = &platform.sandbox {
        println!("  project    {}", access.project);
        println!("  secret     {}", access.secret);
    }
    if let Some(address) = platform.simulators_address() {
        println!("  simulators http://{address}/acquirer/book");
        println!(
            "  tokens     POST http://{address}/apple-pay/token, POST http://{address}/google-pay/token"
        );
    }
    platform.run(stop_signal()?).await?;
    println!("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Completes at the first signal to stop.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
