//! `ferropay project`.

mod secrets;

use crate::{
    cli::{Keys, Project as Command},
    platform::{files, sandbox},
};
use anyhow::{Context, Result, bail};
use ferropay_domain::{
    ids::{ProjectId, ProviderAccountId},
    ledger::Owner,
    money::Money,
    project::{Environment, MailSettings, Project, Settings},
};
use ferropay_engine::mail::is_address;
use ferropay_store::{ProjectRecord, Secret, Store, change_project};
use serde_json::Value;
use std::process::ExitCode;

/// Runs a sub-command of `project`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(keys) => list(&keys).await?,
        Command::Create { keys, project, name, production, callback_url, card_account } => {
            let environment = if production { Environment::Production } else { Environment::Test };
            let settings = Settings { callback_url, ..Settings::default() };
            let project = Project {
                id: number(project),
                environment,
                active: true,
                settings,
                card_account: ProviderAccountId::new(card_account),
            };
            create(&keys, project, name).await?;
        }
        Command::Show { keys, project } => show(&keys, number(project)).await?,
        Command::Set { keys, project, settings } => set(&keys, number(project), &settings).await?,
        Command::RotateSecret { keys, project, overlap_hours, callbacks_stay } => {
            secrets::rotate(&keys, number(project), overlap_hours, callbacks_stay).await?;
        }
        Command::SwitchSecret { database, project, overlap_hours } => {
            secrets::switch(&database.database, number(project), overlap_hours).await?;
        }
        Command::RetireSecret { database, project } => {
            secrets::retire(&database.database, number(project)).await?;
        }
        Command::Secrets { database, project } => secrets::show(&database.database, number(project)).await?,
        Command::Etoken(command) => super::etoken::run(command).await?,
        Command::Route(command) => super::route::run(command).await?,
        Command::Balances { database, project } => balances(&database.database, number(project)).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn number(project: u32) -> ProjectId {
    ProjectId::new(i64::from(project))
}

/// A project's record, or an error that says what to do.
pub(super) async fn find(store: &dyn Store, id: ProjectId) -> Result<ProjectRecord> {
    let found = store.projects().await?.into_iter().find(|record| record.project.id == id);
    found.with_context(|| no_project(id))
}

fn no_project(id: ProjectId) -> String {
    format!("there is no project {id}; `ferropay project list` shows those there are")
}

async fn list(keys: &Keys) -> Result<()> {
    let store = files::open_store(&keys.database.database).await?;
    println!("{:>10}  {:<11} {:<6} name", "project", "environment", "active");
    for record in store.projects().await? {
        let environment = match record.project.environment {
            Environment::Test => "test",
            Environment::Production => "production",
        };
        let active = if record.project.active { "yes" } else { "no" };
        println!("{:>10}  {environment:<11} {active:<6} {}", record.project.id, record.name);
    }
    Ok(())
}

async fn create(keys: &Keys, project: Project, name: String) -> Result<()> {
    let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
    let id = project.id;
    if id.get() == 0 {
        bail!("projects are numbered from 1");
    }
    if opened.store.projects().await?.iter().any(|record| record.project.id == id) {
        bail!("project {id} exists already");
    }
    let secret = sandbox::new_secret()?;
    let sealed = opened.vault.seal_secret(id, secret.as_bytes())?;
    if project.environment == Environment::Test {
        sandbox::open_balances(opened.store.as_ref(), &project).await?;
    }
    let secrets = vec![Secret { sealed, valid_until: None }];
    let record = ProjectRecord { project, name, secrets, clock_offset: 0, revision: 0 };
    secrets::print(&format!(
        "The secret of project {id}, shown only now; the project is there when this command has ended with 0:\n{secret}\n"
    ))?;
    if !opened.store.save_project(record).await? {
        bail!("project {id} exists already");
    }
    Ok(())
}

async fn show(keys: &Keys, id: ProjectId) -> Result<()> {
    let store = files::open_store(&keys.database.database).await?;
    let record = find(store.as_ref(), id).await?;
    println!("{}", serde_json::to_string_pretty(&record.project)?);
    Ok(())
}

async fn set(keys: &Keys, id: ProjectId, settings: &[String]) -> Result<()> {
    let store = files::open_store(&keys.database.database).await?;
    let changed = change_project(store.as_ref(), id, |record| {
        record.project.settings = with(id, &record.project.settings, settings)?;
        Ok::<_, anyhow::Error>(())
    });
    changed.await?.with_context(|| no_project(id))?;
    println!("Project {id} is changed; a running platform takes it over within a second or two.");
    Ok(())
}

/// The settings of project `id` with these changes, `NAME=VALUE` each.
fn with(id: ProjectId, known: &Settings, settings: &[String]) -> Result<Settings> {
    let mut json = serde_json::to_value(known)?;
    for setting in settings {
        let (name, value) =
            setting.split_once('=').with_context(|| format!("{setting:?} is not NAME=VALUE"))?;
        let pointer = format!("/{}", name.replace('.', "/"));
        let place = json.pointer_mut(&pointer).with_context(|| {
            format!("there is no setting {name}; `ferropay project show {id}` lists them")
        })?;
        let literal = serde_json::from_str(value).ok();
        // Decimals are kept as text, so that a rate never passes through a floating-point number.
        let as_text = literal.as_ref().is_none_or(|given: &Value| given.is_number() && place.is_string());
        *place = literal.filter(|_| !as_text).unwrap_or_else(|| Value::String(value.to_owned()));
    }
    let changed = serde_json::from_value(json).context("a value does not fit its setting")?;
    check(&changed)?;
    Ok(changed)
}

/// What a settings' type does not say.
fn check(settings: &Settings) -> Result<()> {
    if let Some(fault) = settings.fault() {
        bail!(fault);
    }
    for rule in &settings.routes {
        if rule.accounts.is_empty() {
            bail!("routes: the rule {:?} names no account", rule.name);
        }
        if let Some(unknown) = rule.operations.iter().find(|name| super::route::kind(name).is_none()) {
            bail!("routes: {unknown:?} is no kind of operation");
        }
    }
    if settings.cascading_attempts == 0 {
        bail!("cascading_attempts: 1 at least, which is no further attempt");
    }
    let MailSettings { sender, reply_to, .. } = &settings.mail;
    for (name, address) in [("sender", sender), ("reply_to", reply_to)] {
        if let Some(address) = address.as_ref().filter(|it| !is_address(it)) {
            bail!("mail.{name}: {address:?} is no e-mail address");
        }
    }
    Ok(())
}

async fn balances(database: &str, id: ProjectId) -> Result<()> {
    let store = files::open_store(database).await?;
    let project = find(store.as_ref(), id).await?.project;
    println!("{:<12} {:>24} {:>20}", "account", "balance", "held");
    for balance in store.balances(Some(id)).await? {
        let name = match balance.account.owner {
            Owner::Merchant(_) => "merchant",
            Owner::Customers(_) => "customers",
            Owner::Fees(_) => "fees",
            Owner::Provider(_) => "provider",
            Owner::Suspense(_) => "suspense",
            Owner::Exchange(_) => "exchange",
            Owner::Opening(_) => continue,
        };
        let opening =
            project.settings.test_balance_units * 10_i64.pow(u32::from(balance.account.currency.exponent()));
        let untouched =
            project.environment == Environment::Test && balance.posted == opening && balance.held == 0;
        if untouched {
            continue;
        }
        let money = |minor| Money::new(minor, balance.account.currency).to_string();
        println!("{name:<12} {:>24} {:>20}", money(balance.posted), money(balance.held));
    }
    Ok(())
}
