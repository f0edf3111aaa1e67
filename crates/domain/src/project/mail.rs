//! What a project mails to customers, and how that looks.

use crate::payment::{Operation, OperationKind, OperationStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the mails of a project look. What is empty is the platform's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailSettings {
    /// Name of the sender; the project's name where there is none.
    pub sender_name: Option<String>,
    /// Address of the sender; the platform's where there is none.
    pub sender: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The language when the customer's is not known or not spoken: English where there is none.
    pub language: Option<String>,
    /// Colour of the button and the headline, as `#12456E`.
    pub colour: Option<String>,
    /// The merchant's own wording of the mail with a payment link, by language.
    pub link_texts: BTreeMap<String, MailText>,
    /// Of what customers whose address is known hear that it succeeded (G-268); of nothing unless listed.
    pub results: Vec<MailedResult>,
    /// Of what they hear that it was declined.
    pub declines: Vec<MailedResult>,
}

/// A merchant's own wording; what is left out is the platform's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailText {
    /// The subject.
    pub subject: Option<String>,
    /// The paragraph before the payment's data.
    pub lead: Option<String>,
    /// A paragraph after the button.
    pub closing: Option<String>,
}

/// What customers may hear of by mail (G-268).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailedResult {
    /// A purchase, or a debit of a series.
    Sale,
    /// A purchase in two steps: its hold.
    Auth,
    /// The release of a hold.
    Cancel,
    /// A payout.
    Payout,
    /// A return, whether refund or reversal.
    Refund,
    /// A change of a series, and its end.
    Series,
}

impl MailedResult {
    /// What operations of a kind count as; none for those that customers never hear of.
    pub const fn of(kind: OperationKind) -> Option<Self> {
        match kind {
            OperationKind::Sale | OperationKind::Recurring => Some(Self::Sale),
            OperationKind::Auth => Some(Self::Auth),
            OperationKind::Cancel => Some(Self::Cancel),
            OperationKind::Payout => Some(Self::Payout),
            OperationKind::Refund | OperationKind::Reversal => Some(Self::Refund),
            _ => None,
        }
    }
}

impl MailSettings {
    /// Whether customers hear of anything by itself.
    pub const fn tells_results(&self) -> bool {
        !self.results.is_empty() || !self.declines.is_empty()
    }

    /// Whether the customer hears how an operation that is over ended.
    pub fn tells(&self, operation: &Operation) -> bool {
        let listed =
            if operation.status == OperationStatus::Success { &self.results } else { &self.declines };
        MailedResult::of(operation.kind).is_some_and(|result| listed.contains(&result))
    }
}
