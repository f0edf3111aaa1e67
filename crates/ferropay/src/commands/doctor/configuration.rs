//! The options and the configuration file.

use super::Findings;
use crate::{
    cli::Serve,
    config::Config,
    platform::{address::Address, usable},
};
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use std::path::Path;

const AREA: &str = "configuration";

/// The configuration that `serve` would run with; none when it would refuse it.
pub(super) fn read(options: &Serve, findings: &mut Findings) -> Option<Config> {
    let config = match Config::load(options) {
        Ok(config) => config,
        Err(error) => {
            findings.problem(
                AREA,
                format!("{error:#}"),
                "correct the option, the FERROPAY_ variable or the key; docs/operations.md lists all of them",
            );
            return None;
        }
    };
    match &options.config {
        Some(file) => findings.ok(AREA, format!("{} is read, every key is known", file.display())),
        None => findings.ok(AREA, "no file; options and environment are right"),
    }
    if let Some(file) = &options.config
        && may_hold_password(file)
        && is_exposed(file)
    {
        findings.warning(
            AREA,
            format!("{} may hold a password, and everybody can read it", file.display()),
            format!("chmod 640 {}", file.display()),
        );
    }
    for complaint in usable::complaints(&config) {
        findings.problem(
            AREA,
            format!("{complaint:#}"),
            "correct it in the file, or put the file it names there, readable by the service's user",
        );
    }
    secrets(&config, findings);
    if config.sandbox {
        findings.ok(AREA, "a sandbox: nothing it does is real");
    } else if config.public_url.is_none() {
        findings.warning(
            AREA,
            "customers and issuers are told to come to the address of --listen, by http",
            "give the address they reach the platform by: --public-url https://…",
        );
    }
    Some(config)
}

/// The files with what is shared with providers; whether they can be used is asked elsewhere.
fn secrets(config: &Config, findings: &mut Findings) {
    for provider in &config.method_providers {
        let (account, file) = (provider.account, &provider.secret_file);
        if is_exposed(file) {
            findings.warning(
                AREA,
                format!("account {account}: everybody can read the secret in {}", file.display()),
                format!("chmod 600 {}", file.display()),
            );
        } else if file.exists() {
            findings.ok(AREA, format!("account {account}: the secret in {} is kept", file.display()));
        }
    }
}

/// Whether something stands in the configuration file that only the service's user should read.
fn may_hold_password(file: &Path) -> bool {
    let written = Figment::from(Toml::file_exact(file));
    let text = |key: &str| written.extract_inner::<String>(key).ok();
    let database = text("database").and_then(|it| Address::parse(&it).ok());
    text("smtp_url").is_some()
        || text("sandbox_secret").is_some()
        || database.is_some_and(|it| it.may_hold_password())
}

/// Whether everybody on the machine may read a file.
pub(super) fn is_exposed(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|it| it.permissions().mode() & 0o004 != 0)
}
