//! Which operations wait for the merchant's word before a provider is asked.

use crate::payment::OperationKind;
use serde::{Deserialize, Serialize};

/// What is done only when the merchant confirms it (G-092): nothing unless listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confirmation {
    /// Operations that wait for it.
    pub operations: Vec<ConfirmedKind>,
    /// Codes of the methods it is about, `card` for cards; none listed means all.
    pub methods: Vec<String>,
    /// Where the merchant is asked; where callbacks go when there is none.
    pub url: Option<String>,
}

/// Operations a merchant may confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedKind {
    /// Purchases in one step.
    Sale,
    /// Holds of purchases in two steps.
    Auth,
    /// Payouts.
    Payout,
}

impl Confirmation {
    /// Whether an operation by `method`, or by card, waits for the merchant.
    pub fn covers(&self, kind: OperationKind, method: Option<&str>) -> bool {
        let kind = match kind {
            OperationKind::Sale => ConfirmedKind::Sale,
            OperationKind::Auth => ConfirmedKind::Auth,
            OperationKind::Payout => ConfirmedKind::Payout,
            _ => return false,
        };
        let method = method.unwrap_or("card");
        self.operations.contains(&kind)
            && (self.methods.is_empty() || self.methods.iter().any(|it| it == method))
    }
}
