//! The platform's HTTP side: the server and its routers.
//!
//! [`server`] bounds what a connection may cost; [`gate`] is the merchants' API, [`contracts`] its description for
//! their tools; [`inspector`] shows developers what happens in test projects; [`operations`] is for whoever runs the
//! platform; [`assets`] are what pages share. Handlers read, check and answer; what happens is decided in the engine.

pub mod assets;
pub mod contracts;
pub mod gate;
pub mod inspector;
pub mod operations;
pub mod server;
