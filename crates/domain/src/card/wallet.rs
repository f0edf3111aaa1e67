//! Wallets on customers' devices that hand out cards by payment tokens (G-465).

use serde::{Deserialize, Serialize};

/// A wallet on a customer's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceWallet {
    /// Apple Pay.
    ApplePay,
    /// Google Pay.
    GooglePay,
}

impl DeviceWallet {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::ApplePay, Self::GooglePay];

    /// The number kept in the store.
    pub const fn number(self) -> u8 {
        match self {
            Self::ApplePay => 1,
            Self::GooglePay => 2,
        }
    }

    /// The wallet kept as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::ApplePay),
            2 => Some(Self::GooglePay),
            _ => None,
        }
    }

    /// The name people know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApplePay => "Apple Pay",
            Self::GooglePay => "Google Pay",
        }
    }
}
