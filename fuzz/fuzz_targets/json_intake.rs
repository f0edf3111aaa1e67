//! The body of a request: from bytes to a document, and the document against the contract of a path.
//!
//! The first byte chooses the path, the rest is the body. What is read must be JSON to others, too, must come out the same
//! when it is written and read once more, and breaks no more rules than are listed.
#![no_main]

use ferropay_wire::{
    contract::Contract,
    gate::{error_list, refusal_of},
    json::{Document, Limits},
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static PATHS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut paths: Vec<&str> = Contract::gate().paths().collect();
    paths.sort_unstable();
    paths
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let Ok(document) = Document::parse(body, Limits::INCOMING) else { return };
    let json: serde_json::Value = match serde_json::from_slice(body) {
        Ok(json) => json,
        // Numbers beyond a double are literals here and errors there.
        Err(error) if error.to_string().starts_with("number out of range") => return,
        Err(error) => panic!("what was read is no JSON: {error}"),
    };
    assert!(json.is_object());
    let written = document.root().to_json_string();
    let again = Document::parse(written.as_bytes(), Limits::OUTGOING).expect("what is written can be read");
    assert_eq!(again.root().to_json_string(), written);
    let path = PATHS[usize::from(*choice) % PATHS.len()];
    let violations = Contract::gate().request(path, document.root()).expect("the path is known");
    assert!(violations.len() <= 20);
    let refusals: Vec<_> = violations.iter().map(refusal_of).collect();
    serde_json::from_str::<serde_json::Value>(&error_list(&refusals)).expect("an error list is JSON");
});
