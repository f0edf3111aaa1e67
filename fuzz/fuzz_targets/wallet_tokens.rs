//! Payment tokens of wallets, which pages hand over: whatever comes is refused, and nothing makes a reader panic. The first
//! byte chooses the wallet; keys are those of the tests' vectors, so that what is right may be found and changed.
#![no_main]

use ferropay_domain::time::Timestamp;
use ferropay_providers::etoken::{AppleKeys, GoogleKeys, apple, google, has_form};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static VECTORS: LazyLock<serde_json::Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../crates/providers/tests/etoken/vectors.json")).unwrap()
});
static APPLE: LazyLock<AppleKeys> =
    LazyLock::new(|| AppleKeys::read(VECTORS["apple"]["keys"].to_string().as_bytes()).unwrap());
static GOOGLE: LazyLock<GoogleKeys> =
    LazyLock::new(|| GoogleKeys::read(VECTORS["google"]["keys"].to_string().as_bytes()).unwrap());

fuzz_target!(|raw: &[u8]| {
    let Some((first, rest)) = raw.split_first() else { return };
    let Ok(token) = std::str::from_utf8(rest) else { return };
    let made_at = Timestamp::from_seconds(VECTORS["made_at"].as_i64().unwrap());
    let opened = match first % 2 {
        0 => apple::open(&APPLE, token, made_at),
        _ => google::open(&GOOGLE, token, made_at),
    };
    if let Ok(opened) = opened {
        assert!(has_form(token) && !opened.id.is_empty());
    }
});
