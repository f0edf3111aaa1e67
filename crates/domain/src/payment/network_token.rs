//! A number that stands for a card, and the proof that goes with it.

use crate::card::DeviceWallet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The proof that whoever pays with a number that stands for a card may do so: it takes the place of verification value
/// and 3-D Secure.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkToken {
    /// The wallet that made it; none where a card network did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet: Option<DeviceWallet>,
    /// The cryptogram, good for one payment: sealed by the vault where it is kept, Base64 where it is sent; empty once
    /// the operation is over.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cryptogram: String,
    /// Electronic commerce indicator, two digits, where it came with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eci: Option<String>,
}

impl NetworkToken {
    /// Forgets what proves something.
    pub fn forget(&mut self) {
        self.cryptogram.clear();
    }
}

impl fmt::Debug for NetworkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkToken")
            .field("wallet", &self.wallet)
            .field("eci", &self.eci)
            .finish_non_exhaustive()
    }
}
