//! 3-D Secure 2: the directory server and the access control server of a demo bank.
//!
//! A 3DS server sends preparation and authentication requests to the directory (`POST /3ds/ds`); the directory checks
//! them element by element and passes them to the bank, which answers at once or wants the cardholder asked. Then the
//! browser comes with a `creq` to the bank's page (`POST /3ds/acs/challenge`), and the bank sends the result through the
//! directory to the 3DS server *before* it lets the browser go back with a `cres`. How each test card behaves is data
//! (`cards`); anything else that can go wrong at the other side of a 3DS server is scripted (`script`) through the
//! control endpoint below `/3ds/control`, outside the protocol.
//!
//! Card numbers are looked at and forgotten: what is kept shows first six and last four digits.

mod book;
mod cards;
mod challenge;
mod control;
mod directory;
mod elements;
mod erro;
mod issuer;
mod json;
mod method;
mod pages;
mod preparation;
mod result;
mod script;
mod server;

pub use crate::shared::clock::Clock;
pub use script::{Answer, Delivery, MethodPage, Script, ScriptError, Word};
pub use server::{Config, Handle, StartError, router};
