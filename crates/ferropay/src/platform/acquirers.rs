//! Connecting to card acquirers.

use crate::config::{AcquirerConfig, Config};
use anyhow::{Context, Result};
use ferropay_domain::{
    ids::ProviderAccountId,
    project::{Environment, OperationDay},
};
use ferropay_engine::{
    Engine,
    clock::{Clock as _, SystemClock},
    connector::LateAnswers,
};
use ferropay_providers::card_acquirer::{CardAcquirer, Channel, link, message::ShopName};
use std::sync::Arc;

/// The account the sandbox's acquirer is reached through.
pub(crate) const SANDBOX_ACCOUNT: ProviderAccountId = ProviderAccountId::new(1);
/// A second account there, for routes and further attempts.
pub(crate) const SANDBOX_SECOND_ACCOUNT: ProviderAccountId = ProviderAccountId::new(9_002);

fn clock() -> link::Clock {
    Arc::new(|| SystemClock.now().civil().unwrap_or_default())
}

fn late(engine: &Arc<Engine>) -> LateAnswers {
    // The engine holds the connector; a strong reference back would keep both alive for ever.
    let engine = Arc::downgrade(engine);
    Arc::new(move |answer| {
        if let Some(engine) = engine.upgrade() {
            engine.late_answer(answer);
        }
    })
}

/// Connects to every configured acquirer.
pub(crate) fn connect(config: &Config, engine: &Arc<Engine>) -> Result<Vec<Arc<CardAcquirer>>> {
    config.acquirers.iter().map(|acquirer| start(channel(acquirer, config)?, config, engine)).collect()
}

/// Refuses what no connection to a configured acquirer can be made of; connects to nobody.
pub(super) fn check(acquirer: &AcquirerConfig, config: &Config) -> Result<()> {
    let channel = channel(acquirer, config)?;
    CardAcquirer::check(&channel).with_context(|| not_right(channel.account))
}

fn not_right(account: ProviderAccountId) -> String {
    format!("acquirer account {account} is not configured right")
}

/// The clearing day of a configured acquirer. Error: it is not configured right.
fn day(acquirer: &AcquirerConfig) -> Result<OperationDay> {
    let AcquirerConfig { account, cut_off, time_zone, .. } = acquirer;
    let cut_off = cut_off
        .parse()
        .with_context(|| format!("acquirer account {account}: cut_off {cut_off:?} is no time"))?;
    let zone = jiff::tz::TimeZone::get(time_zone)
        .with_context(|| format!("acquirer account {account}: time_zone {time_zone:?}"))?;
    Ok(OperationDay { cut_off, zone })
}

/// How a configured acquirer is reached. Error: it is not configured right.
fn channel(acquirer: &AcquirerConfig, config: &Config) -> Result<Channel> {
    let AcquirerConfig { account, address, acquirer_id, terminal_id, merchant_id, .. } = acquirer;
    let day = day(acquirer)?;
    let mut link = link::Config::new(address, acquirer_id, terminal_id, merchant_id, clock());
    link.timeout = config.acquirer_timeout();
    Ok(Channel {
        account: ProviderAccountId::new(*account),
        environment: Environment::Production,
        day,
        category: acquirer.category,
        shop: ShopName::new(&acquirer.statement_name, &acquirer.statement_town, &acquirer.statement_country),
        link,
    })
}

/// Connects both accounts to the sandbox's simulated acquirer, each by a terminal of its own.
pub(crate) fn connect_sandbox(
    config: &Config,
    address: &str,
    engine: &Arc<Engine>,
) -> Result<[Arc<CardAcquirer>; 2]> {
    Ok([
        connect_terminal(config, address, engine, (SANDBOX_ACCOUNT, "SANDBOX1"))?,
        connect_terminal(config, address, engine, (SANDBOX_SECOND_ACCOUNT, "SANDBOX2"))?,
    ])
}

fn connect_terminal(
    config: &Config,
    address: &str,
    engine: &Arc<Engine>,
    (account, terminal): (ProviderAccountId, &str),
) -> Result<Arc<CardAcquirer>> {
    let mut link = link::Config::new(address, "606213", terminal, "FERROPAYSANDBOX", clock());
    link.timeout = config.acquirer_timeout();
    start(
        Channel {
            account,
            environment: Environment::Test,
            day: OperationDay::default(),
            category: 5999,
            shop: ShopName::new("FERROPAY SANDBOX", "LOOPBACK", "GB"),
            link,
        },
        config,
        engine,
    )
}

fn start(channel: Channel, config: &Config, engine: &Arc<Engine>) -> Result<Arc<CardAcquirer>> {
    let account = channel.account;
    let connector = CardAcquirer::start(channel, late(engine)).with_context(|| not_right(account))?;
    let connector = Arc::new(connector);
    engine.connect_within(connector.clone(), config.limits_of(account));
    Ok(connector)
}
