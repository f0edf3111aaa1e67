//! The platform's HTTP side: the server and its routers.
//!
//! [`server`] bounds what a connection may cost; [`gate`] is the merchants' API; [`operations`] is for whoever runs the
//! platform. Handlers read, check and answer; what happens is decided in the engine.

pub mod gate;
pub mod operations;
pub mod server;
