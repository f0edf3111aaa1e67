//! A provider of payment methods of the generic families, with a page for the customer.
//!
//! The platform puts transactions under references of its own (`docs/generic-provider-protocol.md`). Purchases wait for the
//! customer, who decides on the page at `/generic/pay`: it stands for a bank's site, a wallet's app and a cash machine alike,
//! and each button does what it says. Refunds and payouts are done after some seconds. Words in the description change
//! that (`script`), faults that a request asks for make the provider misbehave (`faults`), and the control endpoint below
//! `/generic/control` looks into the book and acts for the customer.

mod agreements;
mod book;
mod control;
mod crediting;
mod faults;
mod notify;
mod pages;
mod payees;
mod protocol;
mod script;
mod server;
mod sign;
mod words;

pub use crate::shared::clock::Clock;
pub use server::{Config, Handle, StartError, TEST_ACCOUNT, TEST_SECRET, router};
