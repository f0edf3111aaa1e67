//! What Ferropay knows about payments, without any input or output.
//!
//! Everything here is a value or a pure function: no clock is read, no randomness drawn, nothing awaited.
//! [`decide`] takes what is known, one command and the moment, and answers with a [`change::ChangeSet`]: the
//! new states, postings, tasks and callback events that belong together. Whoever calls it makes the change
//! set durable and acts afterwards. The payment and attempt machines are tables ([`payment::machine`]); the
//! diagrams of `docs/states.md` and the exhaustive walk in the tests are made from the same tables.

pub mod advice;
pub mod callback;
pub mod card;
pub mod change;
pub mod codes;
pub mod decide;
pub mod ids;
pub mod instrument;
pub mod ledger;
pub mod method;
pub mod money;
pub mod page;
pub mod payee;
pub mod payment;
pub mod project;
pub mod risk;
pub mod series;
pub mod time;
