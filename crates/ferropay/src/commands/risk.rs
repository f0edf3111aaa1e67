//! `ferropay risk`.

use super::project::find;
use crate::{
    cli::{Risk as Command, RiskEntry as Place},
    platform::files::{self, Opened},
};
use anyhow::{Context, Result, bail};
use ferropay_domain::{
    card::Pan,
    ids::ProjectId,
    risk::{Feature, List},
};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{RiskEntry, change_project};
use std::{io::Read as _, process::ExitCode};

/// Longest standard input that is read, bytes.
const LONGEST_INPUT: u64 = 16 << 20;

/// Runs a sub-command of `risk`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Add { entry, note } => add(&entry, &note).await?,
        Command::Remove { entry } => remove(&entry).await?,
        Command::List { database, project, limit } => {
            let store = files::open_store(&database.database).await?;
            let id = ProjectId::new(i64::from(project));
            find(store.as_ref(), id).await?;
            for entry in store.risk_entries(id, limit).await? {
                let RiskEntry { list, feature, value, note, .. } = entry;
                let line = format!("{:<14} {:<13} {value:<34} {note}", list.name(), feature.name());
                println!("{}", line.trim_end());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the command names, read and brought into the form in which it is compared.
struct Named {
    opened: Opened,
    project: ProjectId,
    list: List,
    feature: Feature,
    values: Vec<String>,
}

impl Named {
    async fn of(place: &Place) -> Result<Self> {
        let list = List::named(&place.list).with_context(|| {
            let names = List::ALL.map(|(_, name, _)| name).join(", ");
            format!("there is no list {:?}; there are {names}", place.list)
        })?;
        let feature = Feature::named(&place.feature).with_context(|| {
            let names = Feature::ALL.map(|(_, name, _)| name).join(", ");
            format!("{:?} is nothing that stands on lists; there are {names}", place.feature)
        })?;
        if !list.takes(feature) {
            bail!("the list {} holds no entries about {}", list.name(), feature.name());
        }
        let opened = files::open(&place.keys.database.database, place.keys.keys.as_deref()).await?;
        let project = ProjectId::new(i64::from(place.project));
        find(opened.store.as_ref(), project).await?;
        let given = match &place.value {
            Some(_) if feature == Feature::Card => {
                bail!(
                    "the number of a card is read from standard input, so that no history of commands keeps it"
                )
            }
            Some(value) => value.clone(),
            None => {
                let mut text = String::new();
                std::io::stdin().take(LONGEST_INPUT).read_to_string(&mut text)?;
                text
            }
        };
        let mut values = Vec::new();
        for (line, number) in given.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
            let folded = if feature == Feature::Card {
                let pan = Pan::parse(line.trim()).ok();
                pan.map(|pan| Feature::of_card(opened.vault.card_key(project, &pan)))
            } else {
                feature.folded(line)
            };
            values.push(folded.with_context(|| format!("line {number} is no {}", feature.name()))?);
        }
        if values.is_empty() {
            bail!("nothing is named");
        }
        Ok(Self { opened, project, list, feature, values })
    }
}

async fn add(place: &Place, note: &str) -> Result<()> {
    let Named { opened, project, list, feature, values } = Named::of(place).await?;
    let mut added = 0_usize;
    for value in values {
        let (note, added_at) = (note.to_owned(), SystemClock.now());
        let entry = RiskEntry { list, feature, value, note, added_at };
        added = added.saturating_add(usize::from(opened.store.add_risk_entry(project, entry).await?));
    }
    let switched_on = change_project(opened.store.as_ref(), project, |record| {
        record.project.settings.risk_lists = true;
        Ok::<_, anyhow::Error>(())
    });
    switched_on.await?;
    println!("{added} added to the list {} of project {project}.", list.name());
    Ok(())
}

async fn remove(place: &Place) -> Result<()> {
    let Named { opened, project, list, feature, values } = Named::of(place).await?;
    let mut removed = 0_usize;
    for value in values {
        let gone = opened.store.remove_risk_entry(project, list, feature, value).await?;
        removed = removed.saturating_add(usize::from(gone));
    }
    println!("{removed} removed from the list {} of project {project}.", list.name());
    Ok(())
}
