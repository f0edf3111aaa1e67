//! The platform's HTTP side: the server and its routers.
//!
//! [`server`] bounds what a connection may cost; [`gate`] is the merchants' API, [`contracts`] its description for
//! their tools; [`three_ds`] leads customers to their bank and back, [`links`] shows them what they pay for; [`inspector`]
//! shows developers what happens in test projects; [`provider_side`] is where providers of payment methods report and send
//! customers back; [`operations`] is for whoever runs the platform; [`assets`] are what pages share. Handlers read, check and
//! answer; what happens is decided in the engine.

pub mod assets;
mod body;
pub mod contracts;
mod customer;
pub mod gate;
pub mod held;
pub mod inspector;
pub mod links;
pub mod operations;
pub mod provider_side;
pub mod server;
pub mod three_ds;
