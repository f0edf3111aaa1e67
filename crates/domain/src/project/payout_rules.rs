//! What a project's payouts have to look like beyond their amount.

use serde::{Deserialize, Serialize};

/// Categories of merchants whose payouts may be winnings: lotteries, casinos, betting on horses and dogs, and all other
/// betting.
const WINNINGS: [u16; 6] = [7800, 7801, 7802, 7995, 9406, 9754];

/// Rules on payouts that are agreed with a merchant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one documented switch")]
pub struct PayoutRules {
    /// By which methods the project pays out: codes of methods, and `card`; by all where none is listed. Any other is
    /// declined with 3293 (G-328).
    pub methods: Vec<String>,
    /// Whether payouts are winnings of online gambling, which only some categories may pay out: 3292 (G-328).
    pub winnings: bool,
    /// Whether payouts to cards have to say when the card expires: 3020 (G-073).
    pub expiry: bool,
    /// Whether the recipient's middle name is asked for where first and last name are (G-314).
    pub middle_name: bool,
    /// Whether the recipient's names have to be in the letters that card networks take, basic Latin ones, or Chinese ones
    /// by `UnionPay`: 3161 (G-314).
    pub letters: bool,
    /// Whether only customers are paid out who have paid the project before, by a purchase that succeeded: 2606 (G-328).
    pub earlier_purchase: EarlierPurchase,
}

/// What an earlier purchase of the customer has to do with payouts. Who paid is kept from the moment on at which the
/// project wants to know it, so that a project with customers of long standing has it remembered for some time first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlierPurchase {
    /// Nothing, and nothing is kept.
    #[default]
    Unasked,
    /// Nothing yet, but it is kept who has paid.
    Remembered,
    /// Who has not paid, or is not named, is paid out nothing.
    Demanded,
}

impl PayoutRules {
    /// Whether payouts by this method are set up (G-328).
    pub fn take(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|it| it == method)
    }

    /// Whether a merchant of this category may not pay out what its payouts are (G-328).
    pub fn forbid(&self, category: Option<u16>) -> bool {
        self.winnings && category.is_none_or(|category| !WINNINGS.contains(&category))
    }
}
