//! The sandbox: a demo merchant's project and the simulated providers.

use super::{acquirers::SANDBOX_ACCOUNT, methods::SANDBOX_METHODS};
use crate::{commands::rate, config::Config};
use anyhow::{Context, Result, bail};
use ferropay_domain::{
    change::ChangeSet,
    ids::{OperationId, ProjectId},
    ledger,
    money::{Currency, Money},
    project::{Environment, Project, Settings},
    time::Timestamp,
};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_simulators::{
    acquirer::{Acquirer, Config as AcquirerConfig, Handle, control_router},
    generic, mail, three_ds, wallets,
};
use ferropay_store::{Commit, CommitError, ProjectRecord, Secret, Store, vault::Vault};
use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use tokio::net::TcpListener;

const EXAMPLE_RATES: &str = include_str!("../../../../catalogue/sandbox-rates.csv");

/// What a client of the sandbox needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) project: u32,
    pub(crate) secret: String,
}

/// The simulated providers of a sandbox.
pub(crate) struct Simulators {
    acquirer: Handle,
    mail: Option<mail::Handle>,
    control: SocketAddr,
    base_url: String,
    wallets: wallets::Handle,
    server: tokio::task::JoinHandle<()>,
}

impl Simulators {
    pub(crate) fn acquirer_address(&self) -> SocketAddr {
        self.acquirer.local_addr()
    }

    pub(crate) fn control_address(&self) -> SocketAddr {
        self.control
    }

    /// Where the simulated mail server takes mails; none when the sandbox sends real ones.
    pub(crate) fn mail_address(&self) -> Option<SocketAddr> {
        self.mail.as_ref().map(mail::Handle::local_addr)
    }

    /// Where browsers and the platform reach the simulators.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Apple Pay and Google Pay.
    pub(crate) fn wallets(&self) -> &wallets::Handle {
        &self.wallets
    }

    pub(crate) async fn stop(self) {
        self.server.abort();
        self.acquirer.shutdown().await;
    }
}

/// How often the project is looked at again when another node changed it at the same moment.
const TRIES: usize = 20;

/// Makes the sandbox's project, or finds it as an earlier start left it, with the secret in force. Several nodes may do
/// so at the same moment.
pub(crate) async fn prepare(config: &Config, store: &dyn Store, vault: &Vault) -> Result<Access> {
    for _ in 0..TRIES {
        if let Some(access) = prepare_once(config, store, vault).await? {
            return Ok(access);
        }
    }
    bail!("project {} is being changed all the time; start again", config.sandbox_project)
}

/// The same; none where somebody changed the project meanwhile.
async fn prepare_once(config: &Config, store: &dyn Store, vault: &Vault) -> Result<Option<Access>> {
    let id = ProjectId::new(i64::from(config.sandbox_project));
    let known = store.projects().await?.into_iter().find(|record| record.project.id == id);
    if known.as_ref().is_some_and(|record| record.project.environment == Environment::Production) {
        bail!(
            "project {id} of this database is a production project: a sandbox would give it a known secret and money \
             that does not exist\n  choose another number with --sandbox-project, or another database"
        );
    }
    let kept = known.as_ref().and_then(|record| record.secrets.first());
    let kept = kept.map(|secret| vault.open_secret(id, &secret.sealed)).transpose()?;
    let secret = match (&config.sandbox_secret, &kept) {
        (Some(given), _) => given.clone(),
        (None, Some(kept)) => String::from_utf8(kept.to_vec()).context("the kept secret is no text")?,
        (None, None) => new_secret()?,
    };
    let mut record = known.unwrap_or_else(|| ProjectRecord {
        project: Project {
            id,
            environment: Environment::Test,
            active: true,
            settings: Settings::sandbox(),
            card_account: SANDBOX_ACCOUNT,
        },
        name: "Sandbox".to_owned(),
        secrets: Vec::new(),
        clock_offset: 0,
        revision: 0,
    });
    // Also where an earlier release made the project.
    let accounts = &mut record.project.settings.method_accounts;
    accounts.entry("*".to_owned()).or_insert(SANDBOX_METHODS);
    if let Some(url) = &config.sandbox_callback_url {
        record.project.settings.callback_url = Some(url.clone());
    }
    // A secret that is being replaced stays valid through a restart.
    if kept.is_none_or(|kept| kept.as_slice() != secret.as_bytes()) {
        let sealed = vault.seal_secret(id, secret.as_bytes())?;
        record.secrets = vec![Secret { sealed, valid_until: None }];
    }
    open_balances(store, &record.project).await?;
    example_rates(store).await?;
    let saved = store.save_project(record).await?;
    Ok(saved.then_some(Access { project: config.sandbox_project, secret }))
}

/// A random secret: 32 bytes as hexadecimal text.
pub(crate) fn new_secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect())
}

/// Rates to try conversion out with; those that somebody has set stay, and none are made up beside projects whose money is
/// real.
async fn example_rates(store: &dyn Store) -> Result<()> {
    if store.projects().await?.iter().any(|it| it.project.environment == Environment::Production) {
        return Ok(());
    }
    let known = store.rates().await?;
    let mut examples = rate::table(EXAMPLE_RATES, Timestamp::default())?;
    examples.retain(|it| !known.iter().any(|known| (known.from, known.to) == (it.from, it.to)));
    if !examples.is_empty() {
        store.set_rates(examples).await?;
    }
    Ok(())
}

/// Books a test project's opening balance in every currency (D-475). The operation number is derived, so that
/// booking it again changes nothing.
pub(crate) async fn open_balances(store: &dyn Store, project: &Project) -> Result<()> {
    let now = SystemClock.now();
    let units = project.settings.test_balance_units;
    if units <= 0 || project.environment != Environment::Test {
        return Ok(());
    }
    let opened = store.balances(Some(project.id)).await?;
    let currencies = Currency::all().filter(|currency| project.allows(*currency));
    let missing: Vec<Currency> = currencies
        .filter(|currency| !opened.iter().any(|balance| balance.account.currency == *currency))
        .collect();
    let commits = missing.into_iter().filter_map(|currency| opening(project, currency, units, now));
    let results = futures_util::future::join_all(commits.map(|commit| store.commit(commit))).await;
    for result in results {
        match result {
            // Booked already by an earlier start.
            Ok(()) | Err(CommitError::Defect(_)) => {}
            Err(error) => return Err(error).context("the opening balances could not be booked"),
        }
    }
    Ok(())
}

fn opening(project: &Project, currency: Currency, units: i64, now: Timestamp) -> Option<Commit> {
    let minor = units.checked_mul(10_i64.checked_pow(u32::from(currency.exponent()))?)?;
    let number =
        project.id.get().checked_mul(1000)?.checked_add(i64::from(currency.numeric()))?.checked_neg()?;
    let entry = ledger::opening(project.id, OperationId::new(number), Money::new(minor, currency), now);
    let changes = ChangeSet { entries: vec![entry], ..ChangeSet::default() };
    Some(Commit { changes, ..Commit::default() })
}

/// Starts the simulated providers.
pub(crate) async fn start_simulators(config: &Config) -> Result<Simulators> {
    let clock: ferropay_simulators::acquirer::Clock = Arc::new(|| SystemClock.now().seconds());
    let acquirer =
        Acquirer::start(AcquirerConfig::new(config.acquirer_listen, clock)).await.with_context(|| {
            format!(
                "the acquirer simulator cannot listen on {}; choose another with --acquirer-listen",
                config.acquirer_listen
            )
        })?;
    let listener = TcpListener::bind(config.simulators_listen).await.with_context(|| {
        format!(
            "the simulators cannot listen on {}; choose another with --simulators-listen",
            config.simulators_listen
        )
    })?;
    let control = listener.local_addr()?;
    let base_url = reachable(control);
    let clock: three_ds::Clock = Arc::new(|| SystemClock.now().seconds());
    let three_ds = three_ds::Handle::new(three_ds::Config::new(&base_url, clock))
        .context("the 3-D Secure simulator cannot start")?;
    let wallets = wallets::Handle::new(Arc::new(|| SystemClock.now().seconds()))
        .context("the simulated wallets cannot start")?;
    let clock: generic::Clock = Arc::new(|| SystemClock.now().seconds());
    let methods = generic::Handle::new(generic::Config::new(&base_url, clock))
        .context("the simulator of payment methods cannot start")?;
    let mut router = control_router(acquirer.clone())
        .merge(three_ds::router(three_ds))
        .merge(generic::router(methods))
        .merge(wallets::router(wallets.clone()));
    let mail = match &config.smtp_url {
        Some(_) => None,
        None => Some(start_mail(config).await?),
    };
    if let Some(mail) = &mail {
        router = router.merge(mail::router(mail.clone()));
    }
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the simulators' control endpoint broke");
        }
    });
    Ok(Simulators { acquirer, mail, control, base_url, wallets, server })
}

/// Starts the simulated mail server.
async fn start_mail(config: &Config) -> Result<mail::Handle> {
    let clock: mail::Clock = Arc::new(|| SystemClock.now().seconds());
    mail::start(mail::Config::new(config.mail_listen, clock)).await.with_context(|| {
        format!(
            "the mail simulator cannot listen on {}; choose another with --mail-listen",
            config.mail_listen
        )
    })
}

/// The address by which this machine reaches what listens on `address`.
fn reachable(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_store::{
        sqlite::{Options, SqliteStore},
        vault::Master,
    };
    use std::time::Duration;

    async fn opened(directory: &std::path::Path) -> (SqliteStore, Vault) {
        let store = SqliteStore::open(directory.join("test.db"), Options::default()).unwrap();
        let keys = directory.join("keys");
        let vault = Vault::open(&keys, Master::MakeWhenMissing, &store, SystemClock.now()).await.unwrap();
        (store, vault)
    }

    fn record(vault: &Vault, environment: Environment) -> ProjectRecord {
        let id = ProjectId::new(1001);
        let settings = Settings::default();
        let secret =
            |text: &[u8], valid_until| Secret { sealed: vault.seal_secret(id, text).unwrap(), valid_until };
        let until = SystemClock.now().plus(Duration::from_hours(1));
        ProjectRecord {
            project: Project { id, environment, active: true, settings, card_account: SANDBOX_ACCOUNT },
            name: "Shop".to_owned(),
            secrets: vec![secret(b"new", None), secret(b"old", Some(until))],
            clock_offset: 0,
            revision: 0,
        }
    }

    #[test]
    fn an_address_that_means_all_of_the_machine_is_reached_by_loopback() {
        for (listened, reached) in [
            ("0.0.0.0:8081", "http://127.0.0.1:8081"),
            ("[::]:8081", "http://[::1]:8081"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(reachable(listened.parse().unwrap()), reached);
        }
    }

    #[tokio::test]
    async fn a_sandbox_never_touches_a_production_project() {
        let directory = tempfile::tempdir().unwrap();
        let (store, vault) = opened(directory.path()).await;
        store.save_project(record(&vault, Environment::Production)).await.unwrap();
        let config = Config { sandbox: true, sandbox_secret: Some("known".to_owned()), ..Config::default() };
        assert!(prepare(&config, &store, &vault).await.is_err());
        assert!(store.balances(None).await.unwrap().is_empty(), "no money is made up");
        let secrets = store.projects().await.unwrap().remove(0).secrets;
        assert_eq!(vault.open_secret(ProjectId::new(1001), &secrets[0].sealed).unwrap().as_slice(), b"new");
    }

    #[tokio::test]
    async fn a_secret_being_replaced_stays_valid_when_the_sandbox_starts_again() {
        let directory = tempfile::tempdir().unwrap();
        let (store, vault) = opened(directory.path()).await;
        store.save_project(record(&vault, Environment::Test)).await.unwrap();
        let config = Config { sandbox: true, ..Config::default() };
        assert_eq!(prepare(&config, &store, &vault).await.unwrap().secret, "new");
        assert_eq!(store.projects().await.unwrap()[0].secrets.len(), 2);
    }
}
