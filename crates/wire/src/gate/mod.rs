//! The Gate API: bodies that come in and go out.

mod refusal;
mod reply;
mod request;
mod status;
#[cfg(test)]
mod tests;

pub use refusal::{Refusal, refusal_of};
pub use reply::{accepted, error, error_list};
pub use request::{CardSale, Refund, StatusByPayment, StatusByRequest};
pub use status::{StatusFacts, request_status, status, unknown_payment};
