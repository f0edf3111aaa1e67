//! The acquirer link against a peer that writes its bytes by hand.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod answers;
mod lifecycle;
mod losses;
mod peer;
