//! Replacing the secret of a project: for a while two are valid, and callbacks are signed with the first of them.

use super::{find, no_project};
use crate::{
    cli::Keys,
    platform::{files, sandbox},
};
use anyhow::{Context, Result, bail};
use ferropay_domain::{ids::ProjectId, time::Timestamp};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{CallbackFilter, DeliveryState, ProjectRecord, Secret, Store, change_project};
use std::{
    fs::File,
    io::Write as _,
    os::{
        fd::AsFd as _,
        unix::fs::{FileTypeExt as _, MetadataExt as _},
    },
    time::Duration,
};

/// How long until every node has read a change, or does not say of a request that its signature is wrong: each reads the projects
/// once a second, and says that for two seconds after.
const UNTIL_ALL_KNOW: Duration = Duration::from_millis(2_500);

/// At most so many callbacks are counted.
const MOST_COUNTED: u32 = 1_000;

/// Makes a new secret and prints it. Two stay valid: the new one, and for a while the one that signed until now.
///
/// It is printed before it is written down: where it cannot be printed nothing has changed, and whatever happens afterwards, it is
/// known to whoever ordered it.
pub(super) async fn rotate(
    keys: &Keys,
    id: ProjectId,
    overlap_hours: u32,
    callbacks_stay: bool,
) -> Result<()> {
    let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
    let store = opened.store.as_ref();
    let secret = sandbox::new_secret()?;
    let now = SystemClock.now();
    let new = Secret { sealed: opened.vault.seal_secret(id, secret.as_bytes())?, valid_until: None };
    let change = |record: &mut ProjectRecord| {
        let other = record.secrets.get(1).filter(|it| is_valid(it, now));
        if other.is_some() && (overlap_hours > 0 || callbacks_stay) {
            bail!(two_already(id));
        }
        let old = record.secrets.first().cloned();
        record.secrets = if callbacks_stay {
            old.into_iter().chain([new.clone()]).collect()
        } else {
            let ends = |old| Secret { valid_until: Some(in_hours(now, overlap_hours)), ..old };
            std::iter::once(new.clone()).chain(old.map(ends)).collect()
        };
        Ok(())
    };
    // Whatever is refused, or cannot be found out, is told before a secret is shown.
    change(&mut find(store, id).await?)?;
    let of_waiting = of_waiting(store, id).await?;
    print(&format!(
        "The new secret of project {id}, shown only now; it is valid on every node when this command has ended with 0:\n{secret}\n"
    ))?;
    let changed = change_project(store, id, change).await.with_context(|| may_be_written(id))?;
    changed.with_context(|| no_project(id))?;
    if callbacks_stay {
        eprintln!(
            "Both secrets of project {id} are valid, and callbacks are signed with the old one until \
             `ferropay project switch-secret {id}`."
        );
    } else {
        eprintln!("The old secret of project {id} stays valid for {overlap_hours} hours.");
        if let Some(told) = of_waiting {
            eprintln!("{told}");
        }
    }
    tokio::time::sleep(UNTIL_ALL_KNOW).await;
    Ok(())
}

/// Writes to the standard output what must not be lost.
///
/// # Errors
/// It cannot be written, or would be shown to nobody.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written =
        leads_somewhere(&out).and_then(|()| out.write_all(text.as_bytes())).and_then(|()| out.flush());
    written.context("the secret could not be printed, so nothing was changed")
}

/// A program that is started with its standard output closed has the null device there, which takes everything.
fn leads_somewhere(out: &std::io::StdoutLock<'_>) -> std::io::Result<()> {
    let to = File::from(out.as_fd().try_clone_to_owned()?).metadata()?;
    let null = std::fs::metadata("/dev/null")?;
    if to.file_type().is_char_device() && to.rdev() == null.rdev() {
        return Err(std::io::Error::other("the standard output leads nowhere"));
    }
    Ok(())
}

/// Callbacks that wait were signed when they were made, and are never altered: whoever checks them still needs the secret that
/// signed then.
async fn of_waiting(store: &dyn Store, id: ProjectId) -> Result<Option<String>> {
    let count = async |state| {
        let filter = CallbackFilter {
            project: Some(id),
            state: Some(state),
            limit: MOST_COUNTED,
            ..CallbackFilter::default()
        };
        store.callbacks(filter).await.map(|rows| rows.len())
    };
    let (waiting, given_up) = (count(DeliveryState::Open).await?, count(DeliveryState::Parked).await?);
    let at_least = if waiting.max(given_up) >= usize::try_from(MOST_COUNTED)? { "at least " } else { "" };
    Ok((waiting + given_up > 0).then(|| {
        format!(
            "Callbacks keep the signature they were made with: {at_least}{waiting} that wait and {given_up} that were given up bear \
             that of the secret which signed until now, also when they are delivered after its end."
        )
    }))
}

/// Signs callbacks with the other secret.
pub(super) async fn switch(database: &str, id: ProjectId, overlap_hours: u32) -> Result<()> {
    let store = files::open_store(database).await?;
    let now = SystemClock.now();
    let of_waiting = of_waiting(store.as_ref(), id).await?;
    let changed = change_project(store.as_ref(), id, |record| {
        let [old, new] = record.secrets.as_mut_slice() else { bail!(only_one(id)) };
        if !is_valid(new, now) {
            bail!("the other secret of project {id} is not valid any more: make one with `rotate-secret`");
        }
        new.valid_until = None;
        old.valid_until = Some(in_hours(now, overlap_hours));
        record.secrets.swap(0, 1);
        Ok(())
    });
    changed.await?.with_context(|| no_project(id))?;
    if let Some(told) = of_waiting {
        eprintln!("{told}");
    }
    tokio::time::sleep(UNTIL_ALL_KNOW).await;
    println!(
        "Callbacks of project {id} are signed with its other secret; the one that signed them stays valid for {overlap_hours} hours."
    );
    Ok(())
}

/// Takes away the secret that signs no callbacks.
pub(super) async fn retire(database: &str, id: ProjectId) -> Result<()> {
    let store = files::open_store(database).await?;
    let changed = change_project(store.as_ref(), id, |record| {
        if record.secrets.len() < 2 {
            bail!(only_one(id));
        }
        record.secrets.truncate(1);
        Ok(())
    });
    changed.await?.with_context(|| no_project(id))?;
    tokio::time::sleep(UNTIL_ALL_KNOW).await;
    println!("Project {id} has one secret now; requests signed with the other are refused.");
    Ok(())
}

/// Shows which secrets there are.
pub(super) async fn show(database: &str, id: ProjectId) -> Result<()> {
    let store = files::open_store(database).await?;
    let now = SystemClock.now();
    for (position, secret) in find(store.as_ref(), id).await?.secrets.iter().enumerate() {
        let use_of = if position == 0 { "signs callbacks" } else { "signs no callbacks" };
        let validity = match secret.valid_until {
            None => "valid".to_owned(),
            Some(until) if is_valid(secret, now) => {
                format!("valid until {}", until.civil().map(|it| it.to_string()).unwrap_or_default())
            }
            Some(_) => "no longer valid".to_owned(),
        };
        println!("{}  {use_of:<20} {validity}", position + 1);
    }
    Ok(())
}

fn two_already(id: ProjectId) -> String {
    format!(
        "two secrets of project {id} are valid already (`ferropay project secrets {id}` shows which signs callbacks). `ferropay project \
         retire-secret {id}` ends the one that signs none; where that is the one you know, because the other was never received, sign \
         with it first: `ferropay project switch-secret {id}`. --overlap-hours 0 makes a new one and ends both"
    )
}

fn may_be_written(id: ProjectId) -> String {
    format!(
        "the secret above may have been written down or not; `ferropay project secrets {id}` shows which there are, and when each ends"
    )
}

fn only_one(id: ProjectId) -> String {
    format!("project {id} has only one secret: make another with `ferropay project rotate-secret {id}`")
}

fn is_valid(secret: &Secret, now: Timestamp) -> bool {
    secret.valid_until.is_none_or(|until| now < until)
}

fn in_hours(now: Timestamp, hours: u32) -> Timestamp {
    now.plus(Duration::from_secs(u64::from(hours) * 3600))
}
