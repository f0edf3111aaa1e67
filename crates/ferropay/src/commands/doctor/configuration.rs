//! The options and the configuration file.

use super::Findings;
use crate::{cli::Serve, config::Config, platform::acquirers};
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
        && (config.smtp_url.is_some() || config.sandbox_secret.is_some())
        && is_exposed(file)
    {
        findings.warning(
            AREA,
            format!("{} may hold a password, and everybody can read it", file.display()),
            format!("chmod 640 {}", file.display()),
        );
    }
    for acquirer in &config.acquirers {
        if let Err(error) = acquirers::day(acquirer) {
            findings.problem(AREA, format!("{error:#}"), "correct it in the [[acquirers]] of the file");
        }
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

/// The files with what is shared with providers.
fn secrets(config: &Config, findings: &mut Findings) {
    for provider in &config.method_providers {
        let file = &provider.secret_file;
        let account = provider.account;
        match std::fs::read(file) {
            Err(error) => findings.problem(
                AREA,
                format!("account {account}: the secret in {} cannot be read: {error}", file.display()),
                "put the file there, readable by the service's user",
            ),
            Ok(secret) if secret.trim_ascii().len() < 16 => findings.problem(
                AREA,
                format!("account {account}: the secret in {} has fewer than 16 bytes", file.display()),
                "agree with the provider on a longer one",
            ),
            Ok(_) if is_exposed(file) => findings.warning(
                AREA,
                format!("account {account}: everybody can read the secret in {}", file.display()),
                format!("chmod 600 {}", file.display()),
            ),
            Ok(_) => findings.ok(AREA, format!("account {account}: the secret can be read")),
        }
    }
    let three_ds = config.three_ds.iter();
    for file in three_ds.flat_map(|it| it.identity.iter().chain(&it.authorities)) {
        if let Err(error) = std::fs::read(file) {
            findings.problem(
                AREA,
                format!("three_ds: {} cannot be read: {error}", file.display()),
                "put the file there, readable by the service's user",
            );
        }
    }
}

/// Whether everybody on the machine may read a file.
fn is_exposed(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|it| it.permissions().mode() & 0o004 != 0)
}
