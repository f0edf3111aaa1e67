//! What customers agree to beyond one purchase: mandates and consents, what refers to them, and their end.

use super::book::{Book, Status, Transaction};
use serde_json::{Map, Value};

impl Book {
    /// Why a debit has no agreement to refer to, if so.
    pub(super) fn broken_agreement(&self, debit: &Transaction) -> Option<&'static str> {
        let original = debit.asked.original.as_deref();
        let Some(agreement) = original.and_then(|reference| self.known.get(reference)) else {
            return Some("unknown_original");
        };
        let is_one = agreement.status == Status::Approved && agreement.asked.agreement.is_some();
        if !is_one || agreement.asked.method != debit.asked.method {
            return Some("wrong_original");
        }
        let is_mandate = agreement.asked.family == "contract";
        agreement.revoked.then_some(if is_mandate { "mandate_ended" } else { "agreement_cancelled" })
    }

    /// The customer cancels an agreement at the bank or the wallet: no debit refers to it any more. Whether there was one.
    pub(super) fn revoke(&mut self, reference: &str) -> bool {
        let known = self.known.get_mut(reference);
        let Some(agreement) = known.filter(|it| it.asked.agreement.is_some()) else { return false };
        let is_new = agreement.status == Status::Approved && !agreement.revoked;
        agreement.revoked |= is_new;
        is_new
    }

    /// The customer signs the mandate of a purchase, or gives an order of which the description says that it takes time; the
    /// banks decide about the money afterwards. Whether that is so.
    pub(super) fn sign(&mut self, reference: &str) -> bool {
        let Some(transaction) = self.known.get_mut(reference) else { return false };
        let asked = &transaction.asked;
        let takes_time = asked.family == "contract" || transaction.is_slow();
        let is_purchase = asked.operation == "sale" && takes_time;
        let signs = is_purchase && transaction.status == Status::Pending && !transaction.signed;
        transaction.signed |= signs;
        signs
    }
}

impl Transaction {
    /// Whether its description says that the payment system takes longer than the customer.
    fn is_slow(&self) -> bool {
        self.asked.description.contains("[finalizing]")
    }

    /// Adds that the customer is done, where that is so.
    pub(super) fn add_stage(&self, told: &mut Map<String, Value>) {
        if self.signed && self.is_slow() && self.status == Status::Pending {
            told.insert("stage".to_owned(), "finalizing".into());
        }
    }
}
