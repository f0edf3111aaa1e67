//! Whether money reached whom it is for, which the provider learns only after it has done its part.
//!
//! Of a purchase whose description has one of the words it says at once that it will tell; of payouts and debits it speaks
//! only when something went wrong. What was not credited lies with the provider, and can be taken back.

use super::{
    book::{Book, Status, Transaction},
    notify,
    server::Handle,
};
use serde::Serialize;

/// What the provider knows of the crediting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Credit {
    /// Nothing yet; it will.
    Pending,
    /// It arrived.
    Confirmed,
    /// It did not, and never will.
    Failed,
}

impl Credit {
    /// What a description asks for in the end.
    fn of_description(text: &str) -> Option<Self> {
        let words = [
            ("[credited]", Self::Confirmed),
            ("[not-credited]", Self::Failed),
            ("[crediting]", Self::Pending),
        ];
        words.into_iter().find_map(|(word, credit)| text.contains(word).then_some(credit))
    }
}

impl Transaction {
    /// It has just been done: of a purchase the provider says at once that it will tell.
    pub(super) fn await_credit(&mut self) {
        let speaks = Credit::of_description(&self.asked.description).is_some();
        if speaks && self.asked.operation == "sale" {
            self.credit = Some(Credit::Pending);
        }
    }

    /// What the description says will become of it, once: it is done and nothing is decided about its crediting.
    fn take_script(&mut self) -> Option<Credit> {
        let may_fail = matches!(self.asked.operation.as_str(), "sale" | "debit" | "payout");
        if !may_fail || self.status != Status::Approved || std::mem::replace(&mut self.scripted, true) {
            return None;
        }
        let credit = Credit::of_description(&self.asked.description)?;
        let is_news = credit == Credit::Failed || self.credit.is_some();
        (credit != Credit::Pending && is_news).then_some(credit)
    }
}

impl Book {
    /// It becomes known whether a purchase, a debit or a payout reached whom it is for; once. Whether that is news.
    pub(super) fn credit(&mut self, reference: &str, credit: Credit) -> bool {
        let Some(transaction) = self.get(reference) else { return false };
        let can = matches!(transaction.asked.operation.as_str(), "sale" | "debit" | "payout");
        let is_open = transaction.credit.is_none_or(|it| it == Credit::Pending);
        let is_news = can && is_open && transaction.status == Status::Approved && credit != Credit::Pending;
        if is_news {
            transaction.credit = Some(credit);
        }
        is_news
    }
}

/// After a while it becomes known what the description says, and the platform is told.
pub(super) fn begin(handle: &Handle, reference: &str) {
    let scripted = handle.0.book.lock().get(reference).and_then(Transaction::take_script);
    let Some(credit) = scripted else { return };
    let (handle, reference) = (handle.clone(), reference.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(handle.0.config.delay).await;
        known(&handle, &reference, credit);
    });
}

/// It is known now; answers whether that was news.
pub(super) fn known(handle: &Handle, reference: &str, credit: Credit) -> bool {
    let is_news = handle.0.book.lock().credit(reference, credit);
    if is_news {
        notify::tell(handle, reference);
    }
    is_news
}
