//! Connectors to payment providers.
//!
//! One module per provider. A connector speaks the provider's own protocol over real sockets and tells its caller, for
//! every request, one of three things: the provider's answer, that the request certainly never left, or that its
//! outcome is not known.

pub mod card_acquirer;
pub mod etoken;
pub mod generic;
pub mod three_ds;
