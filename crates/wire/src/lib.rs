//! The merchant-facing wire formats of Ferropay.
//!
//! Everything a merchant's code sends or receives passes through this crate: the JSON document as it was written
//! ([`json`]), the signature that authenticates it ([`signature`]), the published contract it has to keep
//! ([`contract`]), and the bodies themselves ([`gate`], [`callback`]); [`page`] reads what opens the Payment
//! Page; [`mask`] hides card data where people look, and [`address`] says where a browser may be sent. The crate is pure: it knows no network, no store and no clock, and turns
//! bytes into checked values or a named error.

pub mod address;
pub mod callback;
pub mod contract;
pub mod gate;
pub mod json;
pub mod mask;
pub mod page;
pub mod signature;
pub mod view;
