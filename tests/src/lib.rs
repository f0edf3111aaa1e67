//! Helpers for the black-box tests: the built binary on free ports, a merchant with a signer of its own, a receiver of
//! callbacks that can misbehave, an acquirer that outlives the platform, and a look into the database.
//!
//! Nothing here uses the platform's own code for what it checks: signatures are computed by [`sign`], databases are read
//! by their tables. Only the acquirer simulator is a crate of the workspace; it shares nothing with the platform.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "helpers of tests: whatever goes wrong in them is a failed test"
)]

pub mod binary;
pub mod browser;
pub mod crash;
pub mod cut;
pub mod database;
pub mod false_clock;
pub mod merchant;
pub mod metrics;
pub mod mounts;
pub mod nodes;
pub mod payment_system;
pub mod place;
pub mod receiver;
pub mod shop;
pub mod sign;
pub mod world;

pub use binary::{Platform, Ran, Start, ferropay};
pub use database::{Audit, Database};
pub use merchant::{Answer, Merchant};
pub use place::{Engine, Place};
pub use receiver::{Received, Receiver, Reply};
pub use shop::Shop;
pub use world::World;

use std::{future::Future, time::Duration};
use tokio::time::Instant;

/// Test cards of the documentation and what the simulated acquirer does with them.
pub mod cards {
    /// Approved.
    pub const APPROVED: &str = "4000000000000077";
    /// Approved; Mastercard.
    pub const APPROVED_MASTERCARD: &str = "5413330000000019";
    /// The issuer asks the customer; then approved.
    pub const CHALLENGED: &str = "4314220000000056";
    /// The issuer asks the customer, and is not satisfied; Mastercard.
    pub const CHALLENGED_IN_VAIN: &str = "5544330000000045";
    /// The issuer looks at the browser and does not ask; approved.
    pub const FRICTIONLESS: &str = "4477000000000006";
    /// Declined without a reason.
    pub const DECLINED: &str = "4111111111111111";
    /// Credited by a payout.
    pub const CREDITED: &str = "4242424242424242";
    /// Not credited by a payout.
    pub const NOT_CREDITED: &str = "4314220000000072";
    /// The issuer does not answer in time.
    pub const ISSUER_SILENT: &str = "4539121411168251";
}

/// Asks until the answer is `true`; the test fails with `what` when that takes longer than `patience`.
pub async fn eventually<F: Future<Output = bool>>(what: &str, patience: Duration, ask: impl Fn() -> F) {
    let started = Instant::now();
    while !ask().await {
        assert!(started.elapsed() < patience, "waited {patience:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Seconds, for readable tests.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
