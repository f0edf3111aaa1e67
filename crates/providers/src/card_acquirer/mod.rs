//! The card acquirer: ISO 8583:1987 in ASCII over TCP, as `docs/acquirer-protocol.md` lays it down.
//!
//! Layers, from the wire upwards: [`iso8583`] turns bytes into data elements and back; [`private_data`] does the same
//! for the tags inside DE48; [`message`] gives the messages of the profile types; [`link`] keeps the connections and
//! pairs answers with requests; [`codes`] says what a response code means to a merchant. [`reference`](mod@reference)
//! is the key by which both sides know an attempt.

pub mod codes;
mod connector;
mod conversation;
mod inquiry;
pub mod iso8583;
pub mod link;
pub mod message;
pub mod private_data;
pub mod reference;
pub mod secret;
pub mod text;

pub use connector::{CardAcquirer, Channel};
