//! What opens the Payment Page: parameters in the query of an address or in a posted form.
//!
//! The way of an opening: [`Received`] is what the bytes say, bounded and without ambiguity; [`Signed`] is what the project's
//! secret vouches for; [`Opening`] is what keeps the rules of the table of parameters ([`Parameter`], made from
//! `catalogue/payment-page-params.csv`), typed. What breaks rules is told whole, in a list of [`Problem`]s that name parameters and
//! never repeat a value. [`Checked`] answers the service with which clients check their parameters before they sign them.

mod catalogue;
mod check;
mod checked;
mod display;
mod encoded;
mod form;
mod methods;
mod opening;
mod problem;
mod returns;
mod signed;
mod terms;

#[cfg(test)]
mod tests;

pub use catalogue::{Encoding, Kind, Modes, Parameter};
pub use checked::Checked;
pub use display::{Display, Shown};
pub use form::{MOST_BYTES, Received, Unreadable};
pub use methods::{Offered, Wanted};
pub use opening::{MailOrder, OneStep, Opening};
pub use problem::{HEADING, Problem, Reason, listing};
pub use returns::{Leaving, Offer, Returns, Target, WayBack};
pub use signed::{NotSigned, Signed};
