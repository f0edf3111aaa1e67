//! The platform's HTTP side: the server and its routers.
//!
//! [`server`] bounds what a connection may cost; [`gate`] is the merchants' API, [`contracts`] its description for
//! their tools; [`operations`] is for whoever runs the platform. Handlers read, check and answer; what happens is decided
//! in the engine.

pub mod contracts;
pub mod gate;
pub mod operations;
pub mod server;
