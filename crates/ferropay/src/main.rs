//! The `ferropay` binary.
fn main() {}
