//! The signature of messages: Base64 of HMAC-SHA512 over a canonical string (G-035 … G-042).
//!
//! The canonical string lists every value that has no children as `path:text`, in a fixed order, joined with `;`. A path
//! is the keys from the root joined with `:`, list items counting from 0. Booleans are `1` and `0`, null is empty,
//! numbers keep their literal text, strings stay as they are; `signature` itself and `frame_mode` are left out.
//!
//! Published clients agree on all of this except the order (see [`Order`]). The platform signs in the natural order and
//! accepts the others; [`explain`] names the likely mistake behind a signature that is not accepted at all.
//!
//! The format does not escape values, so different documents can share a canonical string. A verified signature
//! therefore proves only that the holder of the secret signed these pairs: the schema has to be checked afterwards.

mod canonical;
mod explain;
mod flatten;
mod mistake;
mod natural;
mod outgoing;
mod place;
mod portable;
mod rendered;
mod secret;
mod verify;

#[cfg(test)]
mod tests;

pub use canonical::{Order, canonical};
pub use explain::{Explanation, OrderReport, explain};
pub use mistake::Mistake;
pub use natural::natural_order;
pub use outgoing::{insert_signature, insert_signature_root, seal, sign_outgoing, sign_value};
pub use place::Place;
pub use portable::{Portability, is_portable};
pub use secret::{Secret, sign};
pub use verify::{Refusal, Tolerance, Verified, verify};
