//! `ferropay serve`.

use crate::{
    cli::Serve,
    config::Config,
    platform::{Platform, address::Address, outward::described},
};
use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn run(options: &Serve) -> Result<ExitCode> {
    let config = Config::load(options)?;
    raise_descriptors();
    let platform = Platform::prepare(&config).await?;
    // Whoever reads that it is ready may stop it at once.
    let signals = stop_signals()?;
    println!("Ferropay {} is ready.", env!("CARGO_PKG_VERSION"));
    println!("  Gate API   http://{}/v2/", platform.address()?);
    println!("  inspector  http://{}/inspector", platform.admin_address()?);
    println!("  database   {}", Address::parse(&config.database)?);
    if let Some(recovery) = &platform.recovery {
        println!("  RECOVERY HOLD ({}): nothing is sent, and nothing is taken on.", described(recovery));
        println!("  Compare with the providers: `ferropay recover check`, then `ferropay recover release`.");
    }
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
    platform.run(signals).await?;
    println!("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Lets the process have as many files and connections at a time as the system allows it; many shells and service managers
/// begin with 1,024.
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// The bounds on connections outward, the databases, and room for those who come in.
    const WANTED: u64 = 4_096;
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = if raised.is_ok() { limit.maximum } else { limit.current };
    if let Some(files) = now.filter(|files| *files < WANTED) {
        tracing::warn!(files, "few files and connections may be open at a time; allow {WANTED}: ulimit -Hn");
    }
}

/// The signals to stop, as they come.
pub(crate) fn stop_signals() -> Result<mpsc::Receiver<()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    let (heard, signals) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if heard.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(signals)
}
