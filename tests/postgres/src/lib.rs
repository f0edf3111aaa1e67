//! `PostgreSQL` servers for tests, and databases on them.
//!
//! Tests share one server: that which `FERROPAY_TEST_POSTGRES` names, as `./test` does with the one it starts. Without it each
//! process starts one for itself. Every server started here ends with the process that started it, however that ends, and
//! everything on it with the server, so that a test that is killed leaves nothing behind. A test that stops and starts its
//! server, or wants other settings, starts one of its own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "helpers of tests: whatever goes wrong in them is a failed test"
)]

mod database;
mod locked;
mod query;
mod server;

pub use database::Database;
pub use locked::Locked;
pub use query::{change, rows};
pub use server::{Frozen, Server};
