//! The card acquirer: an ISO 8583:1987 server over TCP, as `docs/acquirer-protocol.md` describes it.
//!
//! Requests come over a few long-lived connections, many in flight on each; answers go back in whatever order they are
//! ready. The acquirer remembers what it did under every attempt reference (`book`), decides purchases by test card
//! (`cards`), and misbehaves on demand (`faults`) so that the platform's handling of lost answers, late originals and
//! broken connections can be shown rather than believed. [`control_router`] is the way to look into it and to steer it,
//! outside the provider's protocol.
//!
//! Card numbers are kept and shown with their first six and last four digits only; a CVV2 is reduced to "was sent" while
//! the message is read.

mod book;
mod cards;
#[cfg(test)]
mod codec_tests;
mod connection;
mod control;
mod desk;
mod faults;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod iso;
mod private_tags;
mod reference;
mod reply;
mod request;
mod server;

pub use crate::shared::clock::Clock;
pub use book::{
    AttemptKind, AttemptState, BookReport, Counters, CurrencyTotals, DoubledOperation, OpenEffect,
    OperationReport, ReceivedAuthentication,
};
pub use control::control_router;
pub use faults::PlanError;
pub use reference::Reference;
pub use server::{Acquirer, ClockError, Config, Handle, TrafficCounters};
