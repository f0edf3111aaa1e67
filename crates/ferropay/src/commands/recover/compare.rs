//! `ferropay recover check` and `release`: the way out of a recovery hold.

use crate::{
    cli::{Providers, Release},
    config::Config,
    platform::{
        files,
        outward::{described, providers},
    },
};
use anyhow::{Context, Result, bail};
use ferropay_domain::{ids::ProviderAccountId, time::Timestamp};
use ferropay_engine::{
    Engine, Parts, Settings,
    clock::{Clock as _, SystemClock},
    connector::Listed,
    courier::HttpCourier,
    entropy::SystemEntropy,
    recovery::{Comparison, Coverage, Found},
};
use ferropay_store::{Commit, CommitError, Loss, Notification, Recovery, Scene, Store, Unresolved};
use std::{collections::BTreeSet, process::ExitCode, sync::Arc, time::Duration};

/// What has to be seen to before the hold can end.
#[derive(Debug, Default)]
struct Open {
    /// References of attempts, with the account and a line about each.
    attempts: Vec<(i64, ProviderAccountId, String)>,
    /// Accounts whose statement has to be compared by hand.
    not_listed: Vec<ProviderAccountId>,
    /// Accounts that did not answer.
    silent: Vec<ProviderAccountId>,
    /// Series of which a debit is due by schedule.
    series_due: usize,
}

impl Open {
    fn is_empty(&self) -> bool {
        self.attempts.is_empty()
            && self.not_listed.is_empty()
            && self.silent.is_empty()
            && self.series_due == 0
    }
}

/// Compares and says what was found; the exit code says whether anything is left to see to.
pub(super) async fn check(options: &Providers) -> Result<ExitCode> {
    let (store, recovery, comparison) = compare(options).await?;
    let open = tell(&recovery, &comparison);
    drop(store);
    if open.is_empty() {
        println!("Nothing is left open: `ferropay recover release` ends the hold.");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Settle what can be settled (`ferropay recover settle`), see to the rest at the provider, and name it to \
         `ferropay recover release`."
    );
    Ok(ExitCode::FAILURE)
}

/// Compares once more, and ends the hold unless somebody has to see to something.
pub(super) async fn release(options: &Release) -> Result<ExitCode> {
    let named = named(options)?;
    let (store, recovery, comparison) = compare(&options.providers).await?;
    let mut open = tell(&recovery, &comparison);
    let left: Vec<_> = open.attempts.extract_if(.., |(reference, ..)| named.contains(reference)).collect();
    open.not_listed.retain(|account| !options.compared.contains(&account.get()));
    if options.make_debits {
        open.series_due = 0;
    }
    if !open.is_empty() {
        bail!(refusal(&open));
    }
    let now = SystemClock.now();
    if recovery.copied_at.is_some_and(|copied_at| now < copied_at) {
        bail!("the clock of this machine is behind the moment of the copy: set it right first");
    }
    for (reference, account, line) in left {
        keep(store.as_ref(), account, (reference, &line), now).await?;
    }
    if !store.release(comparison.highest, now).await? {
        bail!("the hold has been ended by somebody else meanwhile");
    }
    println!("The hold has ended. A running platform goes on within a second or two.");
    println!(
        "Where --recovery-hold (recovery_hold, FERROPAY_RECOVERY_HOLD) is configured, take it out now, at every node:"
    );
    println!("the next start with it begins a new hold.");
    Ok(ExitCode::SUCCESS)
}

/// What the operator answers for.
fn named(options: &Release) -> Result<BTreeSet<i64>> {
    let mut named: BTreeSet<i64> = options.leave.iter().copied().collect();
    if let Some(file) = &options.leave_from {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let word = line.split_whitespace().next().unwrap_or_default();
            let reference =
                word.parse().with_context(|| format!("{}: {word:?} is no reference", file.display()))?;
            named.insert(reference);
        }
    }
    Ok(named)
}

fn refusal(open: &Open) -> String {
    let mut words = vec!["the hold stays, as something is left open:".to_owned()];
    if !open.attempts.is_empty() {
        words.push(format!(
            "  {} attempts: name those that have been seen to with --leave or --leave-from",
            open.attempts.len()
        ));
    }
    for account in &open.not_listed {
        words.push(format!(
            "  account {account} does not list everything: compare its statement by hand, then name it with --compared \
             {account}"
        ));
    }
    for account in &open.silent {
        words.push(format!("  account {account} did not answer: try again when it does"));
    }
    if open.series_due > 0 {
        words.push(format!(
            "  debits of {} series have fallen due and may have been made already: where one was, see to it that the customer \
             does not pay twice; then let them be made with --make-debits",
            open.series_due
        ));
    }
    words.join("\n")
}

/// Keeps, as evidence, what was left as it is.
async fn keep(
    store: &dyn Store,
    account: ProviderAccountId,
    (reference, line): (i64, &str),
    now: Timestamp,
) -> Result<()> {
    let id = Unresolved::LeftAtRelease.named(&reference.to_string());
    let notification = Notification { account, id, body: line.to_owned(), at: now };
    let commit = Commit { notification: Some(notification), ..Commit::default() };
    match store.commit(commit).await {
        Ok(()) | Err(CommitError::Lost(Loss::NotificationKnown)) => Ok(()),
        Err(error) => Err(error).context("what is left open could not be put down"),
    }
}

/// Asks every provider, beside whatever platform serves the database.
async fn compare(options: &Providers) -> Result<(Arc<dyn Store>, Recovery, Comparison)> {
    let config = Config::load(&options.serve)?;
    let opened = files::open(&config.database, config.keys.as_deref()).await?;
    let store = opened.store;
    let recovery = store.recovery().await?.filter(Recovery::is_held);
    let recovery = recovery.context(
        "the database is not in recovery hold: there is nothing to compare (`serve --recovery-hold` begins one)",
    )?;
    let since = match &options.since {
        Some(text) => Some(moment(text)?),
        None => recovery.copied_at,
    };
    let since = since.context(
        "nobody knows up to when this database knows everything: say it with --since, such as \
         --since 2026-11-22T14:00:00Z; rather too early than too late",
    )?;
    let latest = recovery.copied_at.unwrap_or_else(|| SystemClock.now());
    if since > latest {
        bail!(
            "--since is later than {}: the database cannot know everything up to then",
            if recovery.copied_at.is_some() { "the moment of the copy" } else { "now" }
        );
    }
    let engine = Engine::beside(Parts {
        store: store.clone(),
        vault: opened.vault,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        courier: Arc::new(HttpCourier::new(config.sandbox).context("the TLS library could not be set up")?),
        hook: None,
        public_url: config.public_url.clone().unwrap_or_default(),
        settings: Settings::default(),
    })
    .await
    .context("the engine could not start")?;
    // The simulators of a sandbox run in the process that serves it.
    let inside = (config.sandbox && config.sandbox_acquirer.is_none())
        .then(|| (config.acquirer_listen.to_string(), format!("http://{}", config.simulators_listen)));
    let acquirer = inside.as_ref().map(|(acquirer, _)| acquirer).or(config.sandbox_acquirer.as_ref());
    let methods = config.sandbox_methods.as_ref().or(inside.as_ref().map(|(_, methods)| methods));
    let (acquirer, methods) = (acquirer.map(String::as_str), methods.map(String::as_str));
    let links = providers(&config, &engine, acquirer, methods)?;
    let comparison = Box::pin(engine.compare(since)).await?;
    for link in links {
        link.close(Duration::from_secs(2)).await;
    }
    Ok((store, recovery, comparison))
}

fn moment(text: &str) -> Result<Timestamp> {
    let moment: jiff::Timestamp =
        text.parse().with_context(|| format!("--since {text}: no moment such as 2026-11-22T14:00:00Z"))?;
    Ok(Timestamp::from_micros(moment.as_microsecond()))
}

/// Prints what was found, and answers what is left open.
fn tell(recovery: &Recovery, comparison: &Comparison) -> Open {
    let mut open = Open::default();
    println!("Recovery hold: {}.", described(recovery));
    let of_unknown = "Attempts whose outcome the database did not know";
    println!("{of_unknown}: {}", comparison.attempts.len());
    for (scene, found) in &comparison.attempts {
        let (reference, account) = (scene.attempt.id.reference(), scene.attempt.account);
        let line = format!("{reference}  {}: {}", about(scene), words(found));
        println!("  {line}");
        if !found.is_resolved() {
            open.attempts.push((reference, account, line));
        }
    }
    println!("What providers know and the database does not: {}", comparison.unknown.len());
    for (account, listed) in &comparison.unknown {
        let line = in_words(*account, listed);
        println!("  {line}");
        open.attempts.push((listed.attempt.reference(), *account, line));
    }
    println!("Done by providers, and taken for not done by the database: {}", comparison.booked.len());
    for (account, listed) in &comparison.booked {
        let line = in_words(*account, listed);
        println!("  {line}: is in suspense, and is undone after the release");
    }
    println!("Of archived payments, and as they were archived: {}", comparison.archived);
    let differ = comparison.different.len().saturating_add(comparison.archived_otherwise.len());
    println!("What stands differently at providers: {differ}");
    for (account, listed, archived) in &comparison.archived_otherwise {
        let (said, status) = (in_words(*account, listed), archived.status.text());
        let line = format!("{said}; {status} in line {} of the archive {:?}", archived.line, archived.file);
        println!("  {line}");
        open.attempts.push((listed.attempt.reference(), *account, line));
    }
    for (account, listed, status) in &comparison.different {
        let line = format!("{}; {} in the database", in_words(*account, listed), status.text());
        println!("  {line}");
        open.attempts.push((listed.attempt.reference(), *account, line));
    }
    println!("Series of which a debit has fallen due: {}", comparison.series_due);
    open.series_due = comparison.series_due;
    println!("Provider accounts: {}", comparison.accounts.len());
    for (account, coverage) in &comparison.accounts {
        let said = match coverage {
            Coverage::Listed(count) => format!("listed {count} attempts"),
            Coverage::NotPossible => {
                open.not_listed.push(*account);
                "lists nothing; its statement has to be compared by hand".to_owned()
            }
            Coverage::ListedFrom(count, moment) => {
                open.not_listed.push(*account);
                let moment = moment.civil().map(|moment| moment.to_string()).unwrap_or_default();
                format!(
                    "listed {count} attempts, and need not know those before {moment} any more; its statement of the time \
                     before has to be compared by hand"
                )
            }
            Coverage::NotConnected => {
                open.not_listed.push(*account);
                "is not configured here; give the configuration that serve has, or compare its statement by hand".to_owned()
            }
            Coverage::Unanswered => {
                open.silent.push(*account);
                "did not answer".to_owned()
            }
        };
        println!("  account {account} {said}");
    }
    open
}

fn in_words(account: ProviderAccountId, listed: &Listed) -> String {
    let amount = listed.amount.map(|amount| format!(" of {amount}")).unwrap_or_default();
    let (reference, operation) = (listed.attempt.reference(), listed.attempt.operation);
    format!("{reference}  operation {operation} at account {account}: {}{amount}", listed.what)
}

fn about(Scene { payment, operation, attempt, .. }: &Scene) -> String {
    format!(
        "operation {}  project {}  payment {:?}  {} of {} at account {}",
        operation.id,
        payment.project,
        payment.id.as_str(),
        attempt.ask.text(),
        attempt.amount,
        attempt.account
    )
}

fn words(found: &Found) -> String {
    match found {
        Found::Settled(status) => format!("is settled, {}", status.text()),
        Found::Pending => "is not decided at the provider; goes on after the release".to_owned(),
        Found::NeverSeen => "never reached the provider; goes on after the release".to_owned(),
        Found::BeingUndone => "is being undone; goes on after the release".to_owned(),
        Found::Unclear => "OPEN, the provider's answer does not tell what became of it".to_owned(),
        Found::Unanswered => "OPEN, the provider did not answer".to_owned(),
        Found::NotPossible => "OPEN, the provider cannot be asked about it".to_owned(),
        Found::Forgotten => "OPEN, the provider need not know it any more".to_owned(),
        Found::NoProvider => "OPEN, no provider is configured for its account".to_owned(),
        Found::Failed(reason) => format!("OPEN, it could not be asked: {reason}"),
    }
}
