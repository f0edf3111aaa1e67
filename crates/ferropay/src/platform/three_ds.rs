//! The platform's 3DS server: connected to the sandbox's directory server, or to the configured one.

use crate::config::ThreeDsConfig;
use anyhow::{Context, Result};
use ferropay_domain::project::Environment;
use ferropay_engine::Engine;
use ferropay_providers::three_ds::{Config, ThreeDsServer, order::Registration};
use std::{path::Path, sync::Arc, time::Duration};

/// How long a start waits for the card ranges. Until they are here no card takes part; a directory that cannot be
/// reached must not keep the platform from taking payments.
const PATIENCE: Duration = Duration::from_secs(5);

const NOT_RIGHT: &str = "3-D Secure is not configured right";

/// Connects to the sandbox's directory server at `simulators`.
pub(crate) async fn connect_sandbox(simulators: &str, public_url: &str, engine: &Arc<Engine>) -> Result<()> {
    let registration = Registration {
        server_reference: "FERROPAY-SANDBOX".to_owned(),
        result_url: result_url(public_url),
        requestor_id: "SANDBOX".to_owned(),
        requestor_name: "Ferropay sandbox".to_owned(),
        acquirer_bin: "606213".to_owned(),
        acquirer_merchant_id: "FERROPAYSANDBOX".to_owned(),
        country: "GB".to_owned(),
    };
    let config = Config::new(Environment::Test, format!("{simulators}/3ds/ds"), registration);
    start(config, engine).await
}

/// Connects to the configured directory server.
pub(crate) async fn connect(config: &ThreeDsConfig, public_url: &str, engine: &Arc<Engine>) -> Result<()> {
    start(configured(config, public_url)?, engine).await
}

/// Refuses what no connection to the configured directory server can be made of; connects to nobody.
pub(super) fn check(config: &ThreeDsConfig, public_url: &str) -> Result<()> {
    ThreeDsServer::check(&configured(config, public_url)?).context(NOT_RIGHT)
}

/// How the configured directory server is reached. Error: a file with certificates cannot be read.
fn configured(config: &ThreeDsConfig, public_url: &str) -> Result<Config> {
    let registration = Registration {
        server_reference: config.server_reference.clone(),
        result_url: result_url(public_url),
        requestor_id: config.requestor_id.clone(),
        requestor_name: config.requestor_name.clone(),
        acquirer_bin: config.acquirer_bin.clone(),
        acquirer_merchant_id: config.acquirer_merchant_id.clone(),
        country: config.country.clone(),
    };
    let mut server = Config::new(Environment::Production, &config.directory_url, registration);
    server.identity = config.identity.as_deref().map(read).transpose()?;
    server.authorities = config.authorities.as_deref().map(read).transpose()?;
    Ok(server)
}

fn result_url(public_url: &str) -> String {
    format!("{public_url}/3ds/result")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

async fn start(config: Config, engine: &Arc<Engine>) -> Result<()> {
    let server = Arc::new(ThreeDsServer::start(config).context(NOT_RIGHT)?);
    if !server.wait_until_loaded(PATIENCE).await {
        tracing::error!(
            "the directory server has not sent its card ranges; until it does no card takes part"
        );
    }
    engine.authenticate_with(server);
    Ok(())
}
