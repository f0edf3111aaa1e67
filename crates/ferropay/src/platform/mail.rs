//! The mail server: the configured one, or a sandbox's simulated one.

use crate::config::Config;
use anyhow::Result;
use ferropay_engine::{Engine, mail::SmtpMailer};
use std::{net::SocketAddr, sync::Arc};

/// Whom mails of a sandbox are from.
const SANDBOX_SENDER: &str = "payments@ferropay.example";

/// Refuses what no connection to the configured mail server can be made of; connects to nobody.
pub(super) fn check(config: &Config) -> Result<()> {
    let Some(url) = &config.smtp_url else { return Ok(()) };
    made(config, url).map(drop)
}

fn made(config: &Config, url: &str) -> Result<SmtpMailer> {
    Ok(SmtpMailer::new(url, config.mail_sender.as_deref().unwrap_or(SANDBOX_SENDER))?)
}

/// Connects the configured mail server, else the simulated one at `sink`; without either mails wait.
pub(crate) fn connect(config: &Config, sink: Option<SocketAddr>, engine: &Arc<Engine>) -> Result<()> {
    let simulated = sink.map(|address| format!("smtp://{address}"));
    let Some(url) = config.smtp_url.as_ref().or(simulated.as_ref()) else { return Ok(()) };
    engine.mail_with(Arc::new(made(config, url)?));
    Ok(())
}
