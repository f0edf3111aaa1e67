//! What the tests of callbacks share: domain values, rendering, and the documented structure.

pub(crate) mod structure;
pub(crate) mod values;

use ferropay_domain::{callback::Event, project::Settings};
use ferropay_wire::{
    callback,
    json::{Document, Limits},
    signature::{Place, Secret, Tolerance, is_portable, seal, verify},
};
use serde_json::Value;

/// The callback as it is sent, and where it is signed. Panics unless every published client verifies it.
pub(crate) fn rendered(event: &Event, settings: &Settings) -> (Value, Place) {
    let (body, place) = callback::body(event, settings);
    (sealed(&body, place), place)
}

/// The body with its signature. Panics unless every published client verifies it.
pub(crate) fn sealed(body: &str, place: Place) -> Value {
    let secret = Secret::new("secret");
    let sealed = seal(body, place, &secret).unwrap();
    let document = Document::parse(sealed.as_bytes(), Limits::INCOMING).unwrap();
    assert!(
        verify(&document, Place::Either, &[secret], Tolerance::NONE).is_ok(),
        "clients verify it: {sealed}"
    );
    let booleans: [&[&str]; 2] =
        [&["payment", "is_new_attempts_available"], &["payment", "cascading_with_redirect"]];
    assert_eq!(is_portable(&document, &booleans), Ok(()), "{sealed}");
    serde_json::from_str(&sealed).unwrap()
}
