//! Canonical strings and signatures of whatever can be read as a document.
//!
//! What the platform signs it verifies, under this secret and no other; a message whose content is changed is refused;
//! and no message, signed or not, brings the verification or its explanation down.
#![no_main]

use ferropay_wire::{
    json::{Document, Limits},
    signature::{Order, Place, Secret, Tolerance, canonical, explain, seal, verify},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(document) = Document::parse(body, Limits::INCOMING) else { return };
    let secrets = [Secret::new("the secret of the project")];
    let others = [Secret::new("another secret")];
    for place in [Place::General, Place::Customer, Place::Root, Place::Either] {
        let _ = verify(&document, place, &secrets, Tolerance::ALL);
    }
    for order in Order::ALL {
        assert_eq!(canonical(document.root(), order), canonical(document.root(), order));
    }
    let explanation = explain(&document, Place::Either, &secrets, Tolerance::NONE);
    let _ = format!("{explanation:?}");

    // A member of this name in the body may be what a client signed along; the rest is about bodies without.
    let text = std::str::from_utf8(body).expect("a document is UTF-8");
    if text.contains("signature") || text.contains("frame_mode") || text.contains('\\') {
        return;
    }
    let sealed = seal(text, Place::Root, &secrets[0]).expect("a document can be signed");
    let Ok(signed) = Document::parse(sealed.as_bytes(), Limits::INCOMING) else { return };
    let verified = verify(&signed, Place::Root, &secrets, Tolerance::NONE).expect("what is signed verifies");
    assert_eq!(verified.order, Order::Natural);
    assert!(verify(&signed, Place::Root, &others, Tolerance::ALL).is_err());
    let changed = sealed.replacen('{', "{\"one member more\":\"x\",", 1);
    if let Ok(changed) = Document::parse(changed.as_bytes(), Limits::INCOMING) {
        assert!(verify(&changed, Place::Root, &secrets, Tolerance::NONE).is_err());
    }
});
