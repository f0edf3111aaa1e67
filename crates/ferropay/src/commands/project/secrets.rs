//! Replacing the secret of a project: for a while two are valid, and callbacks are signed with the first of them.

use super::{find, no_project};
use crate::{
    cli::Keys,
    platform::{files, sandbox},
};
use anyhow::{Context, Result, bail};
use ferropay_domain::{ids::ProjectId, time::Timestamp};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{Secret, change_project};
use std::time::Duration;

/// Makes a new secret and prints it. Two stay valid: the new one, and for a while the one that signed until now.
pub(super) async fn rotate(
    keys: &Keys,
    id: ProjectId,
    overlap_hours: u32,
    callbacks_stay: bool,
) -> Result<()> {
    let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
    let secret = sandbox::new_secret()?;
    let now = SystemClock.now();
    let new = Secret { sealed: opened.vault.seal_secret(id, secret.as_bytes())?, valid_until: None };
    let changed = change_project(opened.store.as_ref(), id, |record| {
        let other = record.secrets.get(1).filter(|it| is_valid(it, now));
        if other.is_some() && (overlap_hours > 0 || callbacks_stay) {
            bail!(
                "two secrets of project {id} are valid already: end one with `ferropay project retire-secret {id}` before, \
                 or give --overlap-hours 0, which ends both"
            );
        }
        let old = record.secrets.first().cloned();
        record.secrets = if callbacks_stay {
            old.into_iter().chain([new.clone()]).collect()
        } else {
            let ends = |old| Secret { valid_until: Some(in_hours(now, overlap_hours)), ..old };
            std::iter::once(new.clone()).chain(old.map(ends)).collect()
        };
        Ok(())
    });
    changed.await?.with_context(|| no_project(id))?;
    if callbacks_stay {
        println!(
            "Both secrets of project {id} are valid, and callbacks are signed with the old one until \
             `ferropay project switch-secret {id}`. The new one, shown only now:\n{secret}"
        );
    } else {
        println!(
            "The old secret of project {id} stays valid for {overlap_hours} hours. The new one, shown only now:\n{secret}"
        );
    }
    Ok(())
}

/// Signs callbacks with the other secret.
pub(super) async fn switch(database: &str, id: ProjectId, overlap_hours: u32) -> Result<()> {
    let store = files::open_store(database).await?;
    let now = SystemClock.now();
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
    println!(
        "Callbacks of project {id} are signed with its other secret within a second or two; the one that signed them stays \
         valid for {overlap_hours} hours."
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
    println!(
        "Project {id} has one secret now; requests signed with the other are refused within a second or two."
    );
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

fn only_one(id: ProjectId) -> String {
    format!("project {id} has only one secret: make another with `ferropay project rotate-secret {id}`")
}

fn is_valid(secret: &Secret, now: Timestamp) -> bool {
    secret.valid_until.is_none_or(|until| now < until)
}

fn in_hours(now: Timestamp, hours: u32) -> Timestamp {
    now.plus(Duration::from_secs(u64::from(hours) * 3600))
}
