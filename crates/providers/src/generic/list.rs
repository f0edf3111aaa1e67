//! What the provider lists of the transactions it knows.

use super::message::line;
use ferropay_domain::{
    ids::AttemptId,
    money::{Currency, Money},
};
use ferropay_engine::connector::{Listed, Stands};
use serde::Deserialize;

/// A part of the list, by rising reference.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    transactions: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    reference: String,
    /// Empty of a reference that was cancelled before it was put.
    #[serde(default, deserialize_with = "line")]
    operation: String,
    #[serde(deserialize_with = "line")]
    status: String,
    #[serde(default)]
    amount: i64,
    #[serde(default)]
    currency: Option<Currency>,
}

impl Page {
    /// None when a reference is none of this platform's making: the list cannot be gone through then.
    pub(super) fn listed(self) -> Option<Vec<Listed>> {
        self.transactions.into_iter().map(Entry::listed).collect()
    }
}

impl Entry {
    fn listed(self) -> Option<Listed> {
        let reference = self.reference.parse().ok().filter(|reference| *reference > 0)?;
        let words: Vec<&str> =
            [self.operation.as_str(), self.status.as_str()].into_iter().filter(|it| !it.is_empty()).collect();
        Some(Listed {
            attempt: AttemptId::from_reference(reference),
            stands: match self.status.as_str() {
                "approved" => Stands::Approved,
                "declined" => Stands::Declined,
                "cancelled" => Stands::Undone,
                _ => Stands::Undecided,
            },
            what: words.join(" "),
            amount: self.currency.map(|currency| Money::new(self.amount, currency)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<Listed>> {
        serde_json::from_str::<Page>(text).ok()?.listed()
    }

    #[test]
    fn a_list_is_read_and_one_with_a_foreign_reference_is_none() {
        let listed = read(
            r#"{"transactions":[{"reference":"3584001","operation":"sale\u0000","status":"approved","amount":900,
                "currency":"EUR"},{"reference":"3584513","status":"cancelled"}]}"#,
        )
        .unwrap();
        assert_eq!(listed[0].attempt, AttemptId::from_reference(3_584_001));
        assert_eq!(listed[0].what, "sale\u{fffd} approved");
        assert_eq!(listed[0].amount.unwrap().minor, 900);
        assert_eq!((listed[0].stands, listed[1].stands), (Stands::Approved, Stands::Undone));
        assert_eq!((listed[1].what.as_str(), listed[1].amount), ("cancelled", None));
        assert_eq!(read(r#"{"transactions":[]}"#).unwrap(), []);
        for foreign in ["tx-7", "-3", "0", ""] {
            let text = format!(r#"{{"transactions":[{{"reference":"{foreign}","status":"approved"}}]}}"#);
            assert_eq!(read(&text), None, "{foreign}");
        }
    }
}
