//! Each documented type of callback about card payments, word for word.
//!
//! Every scene is rendered as callback in both layouts and as status reply. The callback has to keep the documented
//! structure, the replies and the older layout the contract; what the merchant is asked to do has to be the same
//! everywhere. The snapshots are the callbacks in the standard layout.

mod attempts;
mod payments;
mod payouts;
mod second_steps;
mod waiting;

use crate::support::{rendered, sealed, structure, values::Scene};
use ferropay_domain::{payment::PaymentKind, project::Settings};
use ferropay_wire::{
    contract::{Contract, Rule},
    gate::{StatusFacts, request_status, status},
    json::{Document, Limits},
    signature::Place,
};
use serde_json::Value;

/// What the three kinds of messages have to agree on.
const SHARED: [&str; 5] = ["acs", "threeds2", "clarification_fields", "avs_result", "account"];

/// The callback of a scene as indented text without its signature, after everything about it was checked.
fn told(scene: &Scene) -> String {
    let settings = Settings::default();
    let (callback, place) = rendered(&scene.event(), &settings);
    assert_eq!(place, Place::Root);
    structure::assert_callback(&callback);
    let older = Settings { legacy_callbacks: true, ..settings };
    let (older, place) = rendered(&scene.event(), &older);
    assert_eq!(place, Place::General);
    assert_keeps_contract("/v2/payment/status/request", scene, &older);

    let operations = [(&scene.operation, scene.attempt.as_ref())];
    let facts = StatusFacts {
        project: scene.payment.project,
        payment: &scene.payment,
        operations: &operations,
        series: None,
        fees: false,
        now: scene.payment.updated_at,
    };
    let reply = sealed(&status(facts), Place::Root);
    assert_keeps_contract("/v2/payment/status", scene, &reply);
    let request = scene.operation.request;
    let by_request = request_status(facts.project, request, scene.payment.id.as_str(), Some(facts), &[]);
    assert_eq!(sealed(&by_request, Place::General), older, "callback and reply of the older layout are one");

    for member in SHARED {
        assert_eq!(reply.get(member), callback.get(member), "{member} of the status reply");
        assert_eq!(older.get(member), callback.get(member), "{member} of the older layout");
    }
    for member in ["payment", "project_id"] {
        assert_eq!(reply[member], callback[member], "{member} of the status reply");
    }
    assert_eq!(reply["operations"][0], callback["operation"]);
    assert_eq!(older["status"], callback["payment"]["status"]);
    let mut shown = callback;
    assert!(shown.as_object_mut().unwrap().remove("signature").is_some());
    serde_json::to_string_pretty(&shown).unwrap()
}

/// Holds a message against the contract, which wants sums of at least 1: a verification is of nothing (G-138), and of a
/// payment that was returned as a whole nothing is left (G-295).
fn assert_keeps_contract(path: &str, scene: &Scene, body: &Value) {
    let text = body.to_string();
    let document = Document::parse(text.as_bytes(), Limits::OUTGOING).unwrap();
    let mut violations = Contract::gate().reply(path, 200, document.root()).unwrap();
    let verification = scene.payment.kind == PaymentKind::AccountVerification;
    violations.retain(|violation| {
        let zero = body.pointer(&format!("/{}", violation.field.replace('.', "/"))) == Some(&Value::from(0));
        let known = verification || violation.field == "payment.sum.amount";
        !(zero && known && violation.rule == Rule::TooSmall)
    });
    assert!(violations.is_empty(), "{violations:?} in {text}");
}

/// A member of the text that [`told`] gives.
fn said(told: &str, pointer: &str) -> Value {
    let body: Value = serde_json::from_str(told).unwrap();
    body.pointer(pointer).cloned().unwrap_or_default()
}
