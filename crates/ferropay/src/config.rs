//! Configuration of `serve`: defaults, then the TOML file, then the environment, then the command line.

mod accounts;
mod environment;
mod limits;
mod retention;

use crate::cli::Serve;
use anyhow::{Context, Result, bail};
use ferropay_domain::ids::ProviderAccountId;
use ferropay_domain::project::Source;
use ferropay_engine::provider_gate::Limits;
use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use limits::ProviderLimits;
use retention::Retention;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Where the admin side is served outside sandboxes.
const ADMIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8082);

/// Everything `serve` needs to know.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) sandbox: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    /// None: the public side's address in a sandbox, else [`ADMIN_LISTEN`].
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Whether a proxy before the inspector lets in only those who may use it.
    pub(crate) inspector_behind_proxy: bool,
    /// Addresses and networks that callbacks come from, for merchants.
    pub(crate) callback_sources: Vec<String>,
    pub(crate) database: String,
    pub(crate) keys: Option<PathBuf>,
    /// Begin with a recovery hold.
    pub(crate) recovery_hold: bool,
    pub(crate) simulators_listen: SocketAddr,
    pub(crate) acquirer_listen: SocketAddr,
    pub(crate) sandbox_project: u32,
    pub(crate) sandbox_secret: Option<String>,
    pub(crate) sandbox_callback_url: Option<String>,
    /// Milliseconds.
    pub(crate) acquirer_timeout: u64,
    /// `HOST:PORT` of an acquirer simulator outside this process.
    pub(crate) sandbox_acquirer: Option<String>,
    /// `http://HOST:PORT` of a simulator of payment methods outside this process.
    pub(crate) sandbox_methods: Option<String>,
    pub(crate) crash_at: Option<String>,
    /// Milliseconds; none: 5,000, or 200 in a sandbox.
    pub(crate) drain_delay: Option<u64>,
    /// How much may wait for the database before requests are answered with 503.
    pub(crate) most_waiting: u64,
    /// The mail server: `smtps://user:password@host`.
    pub(crate) smtp_url: Option<String>,
    /// Whom mails are from that have no sender of their own.
    pub(crate) mail_sender: Option<String>,
    pub(crate) mail_listen: SocketAddr,
    /// Real acquirers, one per provider account (TOML only).
    pub(crate) acquirers: Vec<AcquirerConfig>,
    /// Real providers of payment methods that speak the generic protocol, one per provider account (TOML only).
    pub(crate) method_providers: Vec<MethodProviderConfig>,
    /// How many calls providers take, and when they are left alone (TOML only).
    pub(crate) provider_limits: Vec<ProviderLimits>,
    /// For how long what has lost its use is kept (TOML only).
    pub(crate) retention: Retention,
    /// The directory server of production projects (TOML only).
    pub(crate) three_ds: Option<ThreeDsConfig>,
}

/// A provider of payment methods of production projects.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodProviderConfig {
    /// Number of the provider account, 2 or above; projects name it in `method_accounts`.
    pub(crate) account: i64,
    /// Where the protocol's paths begin, without a slash at the end; https.
    pub(crate) base_url: String,
    /// The account's name at the provider.
    pub(crate) merchant: String,
    /// File with the secret shared with the provider.
    pub(crate) secret_file: PathBuf,
}

/// How the platform's 3DS server is registered.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThreeDsConfig {
    /// Where the directory server takes messages; https.
    pub(crate) directory_url: String,
    /// Of this 3DS server, at most 32 characters.
    pub(crate) server_reference: String,
    /// Of the requestor, at most 35 characters.
    pub(crate) requestor_id: String,
    /// Its name, at most 40 characters.
    pub(crate) requestor_name: String,
    /// The acquirer's identifier, at most 11 characters.
    pub(crate) acquirer_bin: String,
    /// The merchant's identifier at the acquirer, at most 35 characters.
    pub(crate) acquirer_merchant_id: String,
    /// Country of merchants whose project does not name its own, two letters.
    pub(crate) country: String,
    /// File with the certificate chain and key by which the directory knows this 3DS server, PEM.
    pub(crate) identity: Option<PathBuf>,
    /// File with the authorities that the directory's certificate comes from, PEM.
    pub(crate) authorities: Option<PathBuf>,
}

/// A card acquirer of production projects.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcquirerConfig {
    /// Number of the provider account, 2 or above; 1 is the sandbox's.
    pub(crate) account: i64,
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) acquirer_id: String,
    pub(crate) terminal_id: String,
    pub(crate) merchant_id: String,
    /// Merchant category code.
    pub(crate) category: u16,
    /// Name, town and country on the cardholder's statement.
    pub(crate) statement_name: String,
    pub(crate) statement_town: String,
    pub(crate) statement_country: String,
    /// Local time at which the operation day ends, `HH:MM`.
    #[serde(default = "midnight")]
    pub(crate) cut_off: String,
    /// Time zone of that time.
    #[serde(default = "utc")]
    pub(crate) time_zone: String,
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sandbox: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            admin_listen: None,
            inspector_behind_proxy: false,
            callback_sources: Vec::new(),
            database: "sqlite:ferropay.db".to_owned(),
            keys: None,
            recovery_hold: false,
            simulators_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            acquirer_listen: SocketAddr::from(([127, 0, 0, 1], 8583)),
            sandbox_project: 1001,
            sandbox_secret: None,
            sandbox_callback_url: None,
            acquirer_timeout: 15_000,
            sandbox_acquirer: None,
            sandbox_methods: None,
            crash_at: None,
            drain_delay: None,
            most_waiting: 4_096,
            smtp_url: None,
            mail_sender: None,
            mail_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            acquirers: Vec::new(),
            method_providers: Vec::new(),
            provider_limits: Vec::new(),
            retention: Retention::default(),
            three_ds: None,
        }
    }
}

/// The options given on the command line, and only those.
#[derive(Serialize)]
struct Given<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sandbox: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inspector_behind_proxy: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    callback_sources: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a PathBuf>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recovery_hold: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulators_listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acquirer_listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_project: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_callback_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acquirer_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_acquirer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_methods: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crash_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drain_delay: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most_waiting: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_sender: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_listen: Option<SocketAddr>,
}

impl Config {
    /// The configuration in force.
    pub(crate) fn load(options: &Serve) -> Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = &options.config {
            if !file.exists() {
                bail!("the configuration file {} does not exist", file.display());
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(environment::ours())
            .merge(Serialized::defaults(Given {
                sandbox: options.sandbox,
                listen: options.listen,
                public_url: options.public_url.as_deref(),
                admin_listen: options.admin_listen,
                inspector_behind_proxy: options.inspector_behind_proxy,
                callback_sources: &options.callback_sources,
                database: options.database.as_deref(),
                keys: options.keys.as_ref(),
                recovery_hold: options.recovery_hold,
                simulators_listen: options.simulators_listen,
                acquirer_listen: options.acquirer_listen,
                sandbox_project: options.sandbox_project,
                sandbox_secret: options.sandbox_secret.as_deref(),
                sandbox_callback_url: options.sandbox_callback_url.as_deref(),
                acquirer_timeout: options.acquirer_timeout,
                sandbox_acquirer: options.sandbox_acquirer.as_deref(),
                sandbox_methods: options.sandbox_methods.as_deref(),
                crash_at: options.crash_at.as_deref(),
                drain_delay: options.drain_delay,
                most_waiting: options.most_waiting,
                smtp_url: options.smtp_url.as_deref(),
                mail_sender: options.mail_sender.as_deref(),
                mail_listen: options.mail_listen,
            }))
            .extract()
            .context("the configuration cannot be used")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if !self.sandbox && self.keys.is_none() {
            bail!(
                "no key directory is configured, so card data could not be sealed\n  give one with --keys DIRECTORY \
                 (or FERROPAY_KEYS), on storage that is not backed up with the database;\n  or start a sandbox with \
                 --sandbox"
            );
        }
        if !self.sandbox && self.crash_at.is_some() {
            bail!("--crash-at is for sandboxes");
        }
        if !self.sandbox && self.sandbox_acquirer.is_some() {
            bail!(
                "--sandbox-acquirer is for sandboxes; real acquirers are configured in the file of --config"
            );
        }
        if !self.sandbox && self.sandbox_methods.is_some() {
            bail!(
                "--sandbox-methods is for sandboxes; real providers are configured in the file of --config"
            );
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("https://") || (self.sandbox && url.starts_with("http://")))
        {
            bail!("--public-url {url}: an https address is needed (http is enough for a sandbox)");
        }
        if let Some(wrong) = self.callback_sources.iter().find(|it| Source::parse(it).is_none()) {
            bail!("--callback-source {wrong}: no IP address and no network");
        }
        if self.smtp_url.is_some() && self.mail_sender.is_none() {
            bail!("--smtp-url needs --mail-sender, the address mails are from");
        }
        limits::check(&self.provider_limits, &accounts::known(self)?)?;
        self.retention.check()?;
        if self.most_waiting == 0 {
            bail!("--most-waiting must be 1 or above");
        }
        if self.sandbox_project == 0 {
            bail!("--sandbox-project must be 1 or above");
        }
        Ok(())
    }

    /// Where the admin side is served; none when it shares the address of the public side.
    pub(crate) fn admin_listen(&self) -> Option<SocketAddr> {
        let own = self.admin_listen.or((!self.sandbox).then_some(ADMIN_LISTEN));
        own.filter(|address| *address != self.listen || address.port() == 0)
    }

    /// What calls of a provider account are held to.
    pub(crate) fn limits_of(&self, account: ProviderAccountId) -> Limits {
        limits::of(&self.provider_limits, account)
    }

    /// How long requests are still taken after the signal to stop.
    pub(crate) fn drain_delay(&self) -> Duration {
        Duration::from_millis(self.drain_delay.unwrap_or(if self.sandbox { 200 } else { 5_000 }))
    }

    /// How long an answer of the acquirer is waited for.
    pub(crate) fn acquirer_timeout(&self) -> Duration {
        Duration::from_millis(self.acquirer_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    const PAGE: &str = include_str!("../../../docs/operations.md");

    /// The cells of the table's rows by option.
    fn rows() -> Vec<(String, Vec<String>)> {
        let rows = PAGE.lines().filter(|line| line.starts_with("| `--"));
        rows.map(|line| {
            let cells: Vec<String> =
                line.trim_matches('|').split(" | ").map(|it| it.trim().to_owned()).collect();
            (cells[0].trim_matches('`').trim_start_matches('-').to_owned(), cells)
        })
        .collect()
    }

    #[test]
    fn the_page_for_operators_has_every_option_of_serve_with_its_default() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let rows = rows();
        let defaults = serde_json::to_value(Config::default()).unwrap();
        let mut expected = Vec::new();
        for option in serve.get_arguments().filter(|it| !it.is_hide_set() && !it.is_global_set()) {
            let Some(name) = option.get_long().filter(|it| *it != "help") else { continue };
            expected.push(name.to_owned());
            let (_, cells) =
                rows.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("--{name}"));
            let key = option.get_id().as_str();
            assert_eq!(cells[1], format!("`FERROPAY_{}`", key.to_uppercase()), "--{name}");
            // What the command line says of it, and what the code does.
            let help = option.get_long_help().or(option.get_help()).unwrap().to_string().replace('\n', " ");
            if let Some((_, said)) = help.split_once("[default: ") {
                let said = said.split(']').next().unwrap();
                let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
                assert_eq!(cells[2].replace('`', ""), said, "--{name}");
            }
            match &defaults[key] {
                serde_json::Value::Null | serde_json::Value::Array(_) => {}
                value => {
                    assert_eq!(cells[2].replace('`', "").split(';').next().unwrap(), plain(value, &cells[2]));
                }
            }
        }
        let described: Vec<&String> = rows.iter().map(|(name, _)| name).collect();
        assert_eq!(described.len(), expected.len(), "{described:?} against {expected:?}");
    }

    /// A value as the page writes it; a port that may be any has words of its own there.
    fn plain(value: &serde_json::Value, said: &str) -> String {
        match value.as_str() {
            Some(address) if address.ends_with(":0") => said.replace('`', ""),
            Some(text) => text.to_owned(),
            None => value.to_string(),
        }
    }
}
