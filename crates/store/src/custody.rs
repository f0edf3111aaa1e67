//! What is sealed, and with which data keys: how a key is replaced while the platform serves.
//!
//! A new key is added, and everybody seals with it from then on. What was sealed with older ones is read in portions, sealed
//! again and written back, each row only where it is still the one that was read. An older key is then *retired*: from that
//! commit on the store takes nothing that is sealed with it, from no node. Only a retired key that nothing is sealed with is
//! destroyed, and so no row can lose its key.

use crate::{Answer, vault::Sealed};
use ferropay_domain::{
    card::DeviceWallet,
    ids::{CardKey, ProjectId},
    time::Timestamp,
};

/// A card as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCard {
    /// Its project.
    pub project: ProjectId,
    /// Where it is kept.
    pub key: CardKey,
    /// Its number, sealed.
    pub sealed: Sealed,
}

/// A data key, and how much is sealed with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Its number.
    pub number: u32,
    /// When it was made, real time; none where nobody wrote it down.
    pub made_at: Option<Timestamp>,
    /// Since when nothing may be sealed with it any more, real time.
    pub retired_at: Option<Timestamp>,
    /// Cards.
    pub cards: u64,
    /// Secrets of projects.
    pub secrets: u64,
    /// Keys of wallets.
    pub wallets: u64,
    /// Proofs that operations under way carry; they are gone when these end.
    pub proofs: u64,
}

impl KeyUse {
    /// Whether something is sealed with it.
    pub const fn is_used(&self) -> bool {
        self.cards > 0 || self.secrets > 0 || self.wallets > 0 || self.proofs > 0
    }
}

/// Replacing the keys that rows are sealed with.
pub trait Custody {
    /// Cards in the order of project and place, those behind `after`, at most so many.
    fn cards_after(&self, after: Option<(ProjectId, CardKey)>, most: u32) -> Answer<'_, Vec<SealedCard>>;

    /// Replaces what cards are sealed as, each only while it is as it was read. Answers how many were replaced.
    fn reseal_cards(&self, cards: Vec<(SealedCard, Sealed)>) -> Answer<'_, usize>;

    /// The same of a wallet's keys. Answers `false`, and changes nothing, where they have changed.
    fn reseal_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        old: Sealed,
        new: Sealed,
    ) -> Answer<'_, bool>;

    /// Every data key with what is sealed with it. Reads all cards.
    fn key_uses(&self) -> Answer<'_, Vec<KeyUse>>;

    /// Retires every key with a lower number. Whatever is committed afterwards is sealed with none of them. Answers how many
    /// were retired by this call.
    fn retire_data_keys(&self, below: u32, now: Timestamp) -> Answer<'_, usize>;

    /// Takes a key away for good. Answers `false`, and changes nothing, unless it is retired and nothing is sealed with it.
    fn destroy_data_key(&self, number: u32) -> Answer<'_, bool>;
}
