//! How identities and amounts are put into columns, the same for every database.

use crate::DeliveryWrite;
use ferropay_domain::{callback::Subject, change::TaskKey, instrument::Means};

/// What is counted of one use at most, minor units: sums of any number of them that a database can hold stay in range.
pub(crate) const MOST_COUNTED: i64 = 10_000_000_000_000;

/// What the column `method` of an instrument says of a card.
pub(crate) const CARD: &str = "card";

/// The columns `method` and `means` of a card or an account.
pub(crate) fn means_columns(means: &Means) -> (&str, &[u8]) {
    match means {
        Means::Card(card) => (CARD, card.key.as_bytes()),
        Means::Account(it) => (&it.method.get().code, it.number.as_bytes()),
    }
}

/// The row of the delivery a write is about.
pub(crate) fn delivery_id(delivery: &DeliveryWrite) -> i64 {
    TaskKey::Deliver(delivery.callback, delivery.address).parts().1
}

/// Kind and key of a callback's subject.
pub(crate) fn subject_parts(subject: Subject) -> (u8, [u8; 16]) {
    match subject {
        Subject::Payment(key) => (1, *key.as_bytes()),
        Subject::Request(id) => (2, *id.as_bytes()),
        Subject::Series(id) => (16, id.as_subject()),
    }
}
