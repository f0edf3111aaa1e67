//! 3-D Secure 2: the platform's 3DS server, as far as it speaks the protocol (G-188 to G-194).
//!
//! A 3DS server asks the directory server of the networks which cards take part ([`ranges`](mod@ranges), hourly, in the
//! background) and asks for authentications one by one; [`order`] turns what the engine knows into the elements of the
//! request, [`message`] knows the messages, [`directory`] sends them. What goes through the customer's browser is in
//! [`browser`], what the issuer says of a challenge in [`notice`]. Nothing here decides what becomes of a payment.
//!
//! Card numbers leave in one element of one message and show themselves nowhere.

pub mod browser;
mod countries;
pub mod directory;
pub mod message;
pub mod notice;
pub mod order;
mod order_data;
pub mod ranges;
mod server;

pub use server::{Config, StartError, ThreeDsServer};
