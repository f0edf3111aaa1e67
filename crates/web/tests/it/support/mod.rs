//! What the tests share: the platform under test, request bodies, and the documented structure of callbacks.

pub(crate) mod bank;
mod bodies;
mod clock;
pub(crate) mod example;
mod executed;
mod mailbox;
pub(crate) mod normalise;
pub(crate) mod provider;
// One description for the crate that writes callbacks and for the platform that sends them.
mod steps;
#[path = "../../../../wire/tests/support/structure.rs"]
pub(crate) mod structure;
mod tokens;
pub(crate) mod visit;
mod world;

pub(crate) use bodies::{
    CARD_DECLINED, CARD_MASTERCARD, CARD_OK, again, cancel, capture, clarification, incremental, on_card,
    payout, refund, sale, status, verification,
};
pub(crate) use clock::TestClock;
pub(crate) use mailbox::Mailbox;
pub(crate) use tokens::{about_customer, about_token, by_token, tokenize};
pub(crate) use world::{
    CALLBACK_URL, OTHER_PROJECT, PROJECT, PUBLIC_URL, Reply, SECRET, World, place, sign_at,
};

/// The members `names` of an object, dotted, in one list; a missing one is null.
pub(crate) fn pick(value: &serde_json::Value, names: &[&str]) -> serde_json::Value {
    names
        .iter()
        .map(|name| value.pointer(&format!("/{}", name.replace('.', "/"))).cloned())
        .collect::<Vec<_>>()
        .into()
}
