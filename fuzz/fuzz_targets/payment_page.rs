//! What opens the Payment Page: the reader of queries and forms, the signature in all its forms, and the table of parameters.
//!
//! Whatever comes is read or refused whole; no opening is believed without the secret; problems name parameters and repeat no
//! value; what may be checked may be checked as JSON, too.
#![no_main]

use ferropay_wire::{
    page::{Checked, HEADING, Received, listing},
    signature::Secret,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SECRETS: LazyLock<[Secret; 1]> = LazyLock::new(|| [Secret::new("secret")]);

fuzz_target!(|bytes: &[u8]| {
    for checked in [Checked::form(bytes), Checked::json(bytes)] {
        let answer: serde_json::Value = serde_json::from_str(&checked.body()).expect("an answer is JSON");
        let errors = answer["errors"].as_object().expect("errors are an object");
        assert_eq!(errors.is_empty(), checked.status() == 200);
        assert_eq!(errors.is_empty(), checked.text().is_none());
    }
    let Ok(received) = Received::from_form(bytes) else { return };
    let project = received.project();
    // The seeds are signed with this secret, so that what is right may be found and changed.
    let Ok(signed) = received.verify(&*SECRETS) else { return };
    match signed.open() {
        Ok(opening) => assert_eq!(Some(opening.project), project),
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= 100);
            let text = listing(&problems);
            assert!(text.starts_with(HEADING) && text.lines().count() == problems.len() + 1);
        }
    }
});
