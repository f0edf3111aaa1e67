//! The mail server: the configured one, or a sandbox's simulated one.

use crate::config::Config;
use anyhow::Result;
use ferropay_engine::{Engine, mail::SmtpMailer};
use std::{net::SocketAddr, sync::Arc};

/// Whom mails of a sandbox are from.
const SANDBOX_SENDER: &str = "payments@ferropay.example";

/// Connects the configured mail server, else the simulated one at `sink`; without either mails wait.
pub(crate) fn connect(config: &Config, sink: Option<SocketAddr>, engine: &Arc<Engine>) -> Result<()> {
    let simulated = sink.map(|address| format!("smtp://{address}"));
    let Some(url) = config.smtp_url.as_ref().or(simulated.as_ref()) else { return Ok(()) };
    let sender = config.mail_sender.as_deref().unwrap_or(SANDBOX_SENDER);
    engine.mail_with(Arc::new(SmtpMailer::new(url, sender)?));
    Ok(())
}
