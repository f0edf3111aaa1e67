//! What the provider says in words, how long it will take, and what it hands on to the merchant.

use super::book::{Status, Transaction};
use serde_json::{Map, Value, json};

impl Transaction {
    /// Adds what there is to say: why it was refused, that it takes long where `[days]` or `[no-status]` asks for it, and the customer's account here where `[account]` in the description
    /// asks for it.
    pub(super) fn add_words(&self, told: &mut Map<String, Value>) {
        let reason = match (self.status, self.result.as_str()) {
            (Status::Declined, "refused") => {
                ("Refused", "The payment system refused it without a closer reason.")
            }
            (Status::Declined, "cancelled_by_customer") => {
                ("Cancelled", "The customer cancelled on the page.")
            }
            (Status::Declined, "insufficient_funds") => {
                ("Insufficient funds", "The account has less than what was asked for.")
            }
            (Status::Declined, "expired") => ("Expired", "Nobody decided in time."),
            _ => ("", ""),
        };
        if !reason.0.is_empty() {
            told.insert("message".to_owned(), reason.0.into());
            told.insert("description".to_owned(), reason.1.into());
        }
        let waits = [("[days]", "takes_days"), ("[no-status]", "no_status")];
        let wait = waits.into_iter().find(|(word, _)| self.asked.description.contains(word));
        if let (Status::Pending, Some((_, result))) = (self.status, wait) {
            told.insert("result".to_owned(), result.into());
        }
        let hands_on = self.asked.description.contains("[account]");
        if hands_on && self.status == Status::Approved {
            told.insert("extra".to_owned(), json!({ "account_id": self.customer_account() }));
        }
    }

    /// The customer's account here, the same for each customer: twelve characters.
    fn customer_account(&self) -> String {
        let who = self.asked.data.get("customer.id").map_or(self.id.as_str(), String::as_str);
        let digest = who.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        format!("A{:011X}", digest & 0xfff_ffff_ffff)
    }
}
