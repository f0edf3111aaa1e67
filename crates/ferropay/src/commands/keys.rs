//! `ferropay keys`.

use crate::{
    cli::{DataKeys as Command, Keys},
    platform::files::{self, Opened},
};
use anyhow::Result;
use ferropay_domain::time::Timestamp;
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{KeyUse, vault::Pace};
use std::process::ExitCode;

/// After so many cards it is said how far it has come.
const TOLD_EVERY: u64 = 10_000;

/// Runs a sub-command of `keys`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Status(keys) => {
            let store = files::open_store(&keys.database.database).await?;
            print(&store.key_uses().await?);
        }
        Command::Rotate(keys) => {
            let opened = open(&keys).await?;
            let number = opened.vault.rotate_data_key(opened.store.as_ref(), SystemClock.now()).await?;
            println!("Data key {number} is made; everything is sealed with it from now on.");
            return reseal(&opened).await;
        }
        Command::Reseal(keys) => return reseal(&open(&keys).await?).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(keys: &Keys) -> Result<Opened> {
    files::open(&keys.database.database, keys.keys.as_deref()).await
}

/// Seals again what is left; the status says whether older keys could be destroyed.
async fn reseal(Opened { store, vault }: &Opened) -> Result<ExitCode> {
    let mut told = 0;
    let resealed = vault.reseal(store.as_ref(), Pace::default(), SystemClock.now(), |cards| {
        if cards >= told + TOLD_EVERY {
            told = cards;
            eprintln!("{cards} cards are sealed again …");
        }
    });
    let resealed = resealed.await?;
    println!("{} cards and {} secrets were sealed again.", resealed.cards, resealed.others);
    for number in &resealed.destroyed {
        println!("Data key {number} is destroyed.");
    }
    print(&resealed.left);
    if resealed.left.len() > 1 {
        println!(
            "An older key is still needed by what is under way. Run `ferropay keys reseal` again when that has ended."
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(keys: &[KeyUse]) {
    println!(
        "{:>4}  {:<20}  {:>10} {:>8} {:>8} {:>8}  state",
        "key", "made", "cards", "secrets", "wallets", "proofs"
    );
    for key in keys {
        let made = key.made_at.and_then(Timestamp::civil).map_or_else(|| "-".to_owned(), |at| at.to_string());
        let newest = keys.last().is_some_and(|last| last.number == key.number);
        let state = match key.retired_at {
            _ if newest => "seals",
            None => "only opens",
            Some(_) => "retired",
        };
        println!(
            "{:>4}  {made:<20}  {:>10} {:>8} {:>8} {:>8}  {state}",
            key.number, key.cards, key.secrets, key.wallets, key.proofs
        );
    }
}
