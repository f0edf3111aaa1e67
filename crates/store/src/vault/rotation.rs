//! Replacing data keys while nodes serve: what older keys seal is sealed again, and then they are destroyed.
//!
//! It is done on the database, so that it works beside any number of running nodes, in portions of which each is durable on
//! its own. Whoever is interrupted begins again and finds what is left. See [`crate::Custody`] for why nothing can be lost.

use super::{Vault, VaultError, card_record, read, secret_record, wallet_record, write};
use crate::{KeyUse, ProjectRecord, Store, change_project, vault::Sealed};
use ferropay_domain::{card::DeviceWallet, time::Timestamp};
use std::{collections::BTreeSet, time::Duration};

/// How many cards are sealed again in one transaction.
const PORTION: u32 = 200;

/// The first moment of 2026, from which numbers of keys count seconds.
const BEGINNING: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// The greatest number that a clock may set, some 34 years: whatever it says, there is room for the next ones.
const LATEST: u32 = 1 << 30;

/// How it is done.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long to wait before older keys are retired, so that every node has learnt of the newest: nodes look each second.
    pub patience: Duration,
    /// How long to leave the database to others after each portion.
    pub pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { patience: Duration::from_secs(5), pause: Duration::from_millis(10) }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Cards that were sealed again.
    pub cards: u64,
    /// Secrets and wallets' keys that were.
    pub others: u64,
    /// Keys that were destroyed.
    pub destroyed: Vec<u32>,
    /// The keys there are now; one that is not the newest still seals something.
    pub left: Vec<KeyUse>,
}

/// What the database said of its data keys.
#[derive(Debug)]
pub struct Asked<'a> {
    vault: &'a Vault,
    found: BTreeSet<u32>,
    _asking: tokio::sync::MutexGuard<'a, ()>,
}

impl Asked<'_> {
    /// Forgets every key that the database does not have: it was destroyed, or made in moments that were lost. With one that was
    /// lost nothing may be sealed any more.
    pub fn forget_others(self) {
        write(&self.vault.data_keys).retain(|number, _| self.found.contains(number));
    }
}

/// The number of a key made at `now` (real time) after the one numbered `newest`: at least the seconds since 2026 began. A number
/// is never drawn twice, although the database may have lost the key that had it: by then it is later.
pub(super) fn number_after(newest: Option<u32>, now: Timestamp) -> u32 {
    let Some(newest) = newest else { return 1 };
    let seconds = now.since(BEGINNING).as_secs();
    let told = u32::try_from(seconds).ok().filter(|it| *it <= LATEST).unwrap_or(0);
    told.max(newest.saturating_add(1))
}

impl Vault {
    /// Learns of the data keys that others have made, and forgets none.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), VaultError> {
        let _asking = self.asking.lock().await;
        self.take_data_keys(store.data_keys().await?)
    }

    /// Takes the data keys that the database has. Those it does not have are forgotten when the caller says so, who may still
    /// have something to open that was read before.
    pub async fn ask_for_keys(&self, store: &dyn Store) -> Result<Asked<'_>, VaultError> {
        let asking = self.asking.lock().await;
        let wrapped = store.data_keys().await?;
        let found = wrapped.iter().map(|(number, _)| *number).collect();
        self.take_data_keys(wrapped)?;
        Ok(Asked { vault: self, found, _asking: asking })
    }

    /// Seals everything again that is not sealed with the newest data key, retires the older keys and destroys those that
    /// seal nothing. `told` hears how many cards are done, after each portion. `now` is real time. May be begun again
    /// whenever it was interrupted, and may be done by several at once.
    ///
    /// # Errors
    /// See [`VaultError`]; what was sealed again until then stays so.
    pub async fn reseal(
        &self,
        store: &dyn Store,
        pace: Pace,
        now: Timestamp,
        mut told: impl FnMut(u64),
    ) -> Result<Resealed, VaultError> {
        self.refresh(store).await?;
        let newest = read(&self.data_keys).last_key_value().map_or(0, |(number, _)| *number);
        let mut done = (0_u64, 0_u64);
        self.reseal_once(store, pace, &mut done, &mut told).await?;
        if read(&self.data_keys).len() > 1 {
            tokio::time::sleep(pace.patience).await;
            store.retire_data_keys(newest, now).await?;
            // What nodes had sealed before they learnt of the newest key.
            self.reseal_once(store, pace, &mut done, &mut told).await?;
        }
        let mut destroyed = Vec::new();
        for found in store.key_uses().await? {
            if found.number < newest && !found.is_used() && store.destroy_data_key(found.number).await? {
                write(&self.data_keys).remove(&found.number);
                destroyed.push(found.number);
            }
        }
        Ok(Resealed { cards: done.0, others: done.1, destroyed, left: store.key_uses().await? })
    }

    async fn reseal_once(
        &self,
        store: &dyn Store,
        pace: Pace,
        (cards, others): &mut (u64, u64),
        told: &mut impl FnMut(u64),
    ) -> Result<(), VaultError> {
        let mut after = None;
        loop {
            let found = store.cards_after(after, PORTION).await?;
            let Some(last) = found.last() else { break };
            after = Some((last.project, last.key));
            let mut replaced = Vec::new();
            for card in found {
                let record = card_record(card.project, card.key);
                if let Some(sealed) = self.sealed_anew(&record, &card.sealed)? {
                    replaced.push((card, sealed));
                }
            }
            if !replaced.is_empty() {
                let done = store.reseal_cards(replaced).await?;
                *cards = cards.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
                tokio::time::sleep(pace.pause).await;
            }
            told(*cards);
        }
        for project in store.projects().await? {
            let id = project.project.id;
            *others = others.saturating_add(self.reseal_secrets(store, &project).await?);
            for wallet in DeviceWallet::ALL {
                let Some(old) = store.wallet_keys(id, *wallet).await? else { continue };
                if let Some(new) = self.sealed_anew(&wallet_record(id, *wallet), &old)? {
                    let done = store.reseal_wallet_keys(id, *wallet, old, new).await?;
                    *others = others.saturating_add(u64::from(done));
                }
            }
        }
        Ok(())
    }

    async fn reseal_secrets(&self, store: &dyn Store, found: &ProjectRecord) -> Result<u64, VaultError> {
        let newest = read(&self.data_keys).last_key_value().map_or(0, |(number, _)| *number);
        if found.secrets.iter().all(|secret| secret.sealed.key == newest) {
            return Ok(0);
        }
        let id = found.project.id;
        let changed = change_project(store, id, |record| {
            let mut done = 0_u64;
            for secret in &mut record.secrets {
                if let Some(sealed) = self.sealed_anew(&secret_record(id), &secret.sealed)? {
                    secret.sealed = sealed;
                    done = done.saturating_add(1);
                }
            }
            Ok::<_, VaultError>(done)
        });
        Ok(changed.await?.unwrap_or(0))
    }

    /// What is sealed as the newest key seals it; none where it is the newest already.
    fn sealed_anew(&self, record: &[u8], old: &Sealed) -> Result<Option<Sealed>, VaultError> {
        let newest = read(&self.data_keys).last_key_value().map(|(number, _)| *number);
        if Some(old.key) >= newest {
            return Ok(None);
        }
        let plain = self.unseal(record, old)?;
        self.seal(record, &plain).map(Some)
    }
}
