//! Connecting to providers of payment methods that speak the generic protocol.

use crate::config::{Config, MethodProviderConfig};
use anyhow::{Context, Result};
use ferropay_domain::{ids::ProviderAccountId, project::Environment};
use ferropay_engine::{
    Engine,
    clock::{Clock as _, SystemClock},
};
use ferropay_providers::generic::{Config as Account, GenericProvider};
use ferropay_simulators::generic::{TEST_ACCOUNT, TEST_SECRET};
use std::sync::Arc;

/// The account the sandbox's payment methods are reached through; no real account has its number.
pub(crate) const SANDBOX_METHODS: ProviderAccountId = ProviderAccountId::new(9_001);

/// Connects to every configured provider.
pub(crate) fn connect(config: &Config, engine: &Arc<Engine>) -> Result<()> {
    for provider in &config.method_providers {
        start(account(provider, config)?, config, engine)?;
    }
    Ok(())
}

/// Refuses what no connection to a configured provider can be made of; connects to nobody.
pub(super) fn check(provider: &MethodProviderConfig, config: &Config) -> Result<()> {
    made(account(provider, config)?).map(drop)
}

/// How a configured provider is reached. Error: its secret cannot be read.
fn account(provider: &MethodProviderConfig, config: &Config) -> Result<Account> {
    let account = ProviderAccountId::new(provider.account);
    let secret = std::fs::read(&provider.secret_file).with_context(|| {
        format!("method provider account {account}: {} cannot be read", provider.secret_file.display())
    })?;
    Ok(Account {
        account,
        environment: Environment::Production,
        base_url: provider.base_url.clone(),
        merchant: provider.merchant.clone(),
        secret: secret.trim_ascii().to_vec(),
        timeout: config.acquirer_timeout(),
        clock: Arc::new(|| SystemClock.now().seconds()),
    })
}

/// Connects to the sandbox's simulated provider at `simulators`.
pub(crate) fn connect_sandbox(simulators: &str, config: &Config, engine: &Arc<Engine>) -> Result<()> {
    start(
        Account {
            account: SANDBOX_METHODS,
            environment: Environment::Test,
            base_url: format!("{simulators}/generic/v1"),
            merchant: TEST_ACCOUNT.to_owned(),
            secret: TEST_SECRET.to_vec(),
            timeout: config.acquirer_timeout(),
            clock: Arc::new(|| SystemClock.now().seconds()),
        },
        config,
        engine,
    )
}

fn made(account: Account) -> Result<GenericProvider> {
    let number = account.account;
    GenericProvider::new(account)
        .with_context(|| format!("method provider account {number} is not configured right"))
}

fn start(account: Account, config: &Config, engine: &Arc<Engine>) -> Result<()> {
    let number = account.account;
    engine.connect_within(Arc::new(made(account)?), config.limits_of(number));
    Ok(())
}
