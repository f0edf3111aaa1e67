//! The provider's side of every connector of Ferropay.
//!
//! A sandbox without its counterparts would answer from the platform's own imagination, so each provider is played here
//! by a server that speaks the provider's real protocol over real sockets. The simulators are written from the protocol
//! documents and share no protocol code with the connectors: a mistake made on one side is then seen by the other.
//! Beside the protocol each offers a control endpoint, by which tests look into its books and make it misbehave.

pub mod acquirer;
pub mod generic;
pub mod mail;
mod shared;
pub mod three_ds;
pub mod wallets;

pub use shared::clock::Clock;
