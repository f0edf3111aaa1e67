//! The engine: takes accepted requests to decisions, makes them durable, and does what they ask for.
//!
//! The flow is always the same: load what a command touches, decide purely, commit once, act afterwards. What
//! acts (a call to a provider, a delivery) was recorded as a task in the same commit, so it survives the
//! process; the outcome comes back as the next command. A task just committed is carried on in memory with
//! everything it needs, so the usual path reads nothing again; the [`scheduler`] finds what nobody carries.
//!
//! The engine knows no HTTP server and no particular provider: requests come in through [`intake`], providers
//! are reached through [`connector::Connector`].

mod acceptance;
pub mod administration;
mod attestations;
pub mod authentication;
mod authentications;
mod card_payment;
pub mod card_ranges;
pub mod clock;
mod confirmations;
pub mod connector;
mod conversion;
pub mod courier;
mod crediting;
pub mod customer_page;
pub mod customer_return;
mod debit_retries;
mod delivery;
mod engine;
pub mod entropy;
mod evidence;
mod failure;
pub mod follow_ups;
mod following;
mod given_card;
mod holdings;
mod ids;
mod inquiry;
mod instruments;
pub mod intake;
mod keeping;
pub mod links;
mod locks;
pub mod mail;
mod method;
pub mod metrics;
pub mod migration;
mod named_cards;
pub mod notices;
mod orders;
mod originals;
mod outward;
mod payee;
mod payout;
pub mod payout_registration;
mod projects;
pub mod provider_gate;
mod provider_work;
mod rates;
pub mod recorder;
pub mod recovery;
mod registry;
mod retention;
mod reversals;
mod risk;
mod room;
mod scheduler;
mod second_step;
mod series;
pub mod settlement;
pub mod steps;
pub mod support;
mod tenure;
pub mod time_travel;
mod timers;
mod verdict;
mod waiting;
mod wallet_payment;
pub mod wallet_tokens;

pub use engine::{Engine, Parts, Settings};
pub use failure::Failure;
pub use ferropay_store::Unavailable;
pub use holdings::Company;
pub use inquiry::{PaymentStatus, RequestStatus};
pub use projects::{KnownProject, Projects, Reading};
pub use retention::Keep;
