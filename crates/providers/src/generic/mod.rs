//! The connector for payment methods of the generic families: redirect, display, push and contract.
//!
//! One protocol serves every method (`docs/generic-provider-protocol.md`): a transaction is put under the attempt's
//! reference, which makes repeating it harmless; the provider says at once that it is done, refused or taken on, and of
//! one it has taken on it tells later, by a signed notice or when it is asked. A method that fits a family is therefore a
//! file of the catalogue and nothing else.

mod connector;
mod list;
mod message;
mod results;
mod sign;

pub use connector::{Clock, Config, GenericProvider, StartError};
