//! Every path of the contract is there, checks in the documented order, and says of itself what it does.

use crate::support::{PROJECT, Reply, SECRET, World, example::Examples, place, sign_at};
use ferropay_wire::{
    contract::Contract,
    json::{Document, Limits},
    signature::Place,
};
use serde_json::{Value, json};

/// The path with something in place of the steps in braces.
fn concrete(path: &str) -> String {
    path.replace(['{', '}'], "")
}

/// What a refusal says: code and the member at fault, from an error body or from the first entry of a list.
fn refusal(path: &str, reply: &Reply) -> (u16, String, String) {
    let problem = if reply.body["errors"].is_array() { &reply.body["errors"][0] } else { &reply.body };
    let code = match &problem["code"] {
        Value::String(code) => code.clone(),
        Value::Number(code) => code.to_string(),
        _ => panic!("{path}: {}", reply.text),
    };
    // In an error body the member follows the message, in a list it stands beside it.
    let in_message = problem["message"].as_str().and_then(|text| Some(text.rsplit_once(": ")?.1));
    let field = problem["field"].as_str().or(in_message).unwrap_or_default();
    (reply.status, code, field.to_owned())
}

fn pointer(field: &str) -> String {
    format!("/{}", field.replace('.', "/"))
}

/// Takes a member out of a body.
fn remove(body: &mut Value, field: &str) {
    let (parent, name) = field.rsplit_once('.').map_or(("", field), |(parent, name)| (parent, name));
    let parent = if parent.is_empty() { body } else { body.pointer_mut(&pointer(parent)).unwrap() };
    parent.as_object_mut().unwrap().remove(name).unwrap();
}

/// Where the signature of a path stands.
fn signature_field(path: &str) -> &'static str {
    match place(path) {
        Place::Root => "signature",
        Place::Customer => "customer.signature",
        _ => "general.signature",
    }
}

/// The body without the signature that the example has for completeness.
fn unsigned(path: &str, body: &Value) -> Value {
    let mut body = body.clone();
    remove(&mut body, signature_field(path));
    body
}

fn keeps_the_contract(path: &str, body: &Value) -> Vec<String> {
    let text = body.to_string();
    let document = Document::parse(text.as_bytes(), Limits::INCOMING).unwrap();
    let found = Contract::gate().request(path, document.root()).unwrap();
    found.iter().map(|it| format!("{} {}", it.field, it.rule.name())).collect()
}

// G-045
// G-001, G-013, G-014, G-038, G-041, G-047: all 107 paths; of several faults the first gate answers, and each member
// that is demanded is missed by name
#[tokio::test(flavor = "multi_thread")]
async fn every_path_checks_json_project_signature_and_contract_in_this_order() {
    let world = World::new().await;
    let examples = Examples::new();
    let mut count = 0;
    for path in Contract::gate().paths() {
        count += 1;
        let (at, url) = (place(path), concrete(path));
        let example = examples.body(path, false);
        let right = unsigned(path, &example.body);
        let refused = async |body: &str| refusal(path, &world.post(&url, body.to_owned()).await);
        let own = |field: &String| !field.ends_with("project_id") && !field.ends_with("signature");
        let demanded: Vec<&String> = example.required.iter().filter(|field| own(field)).collect();

        // A member is missing, each in its turn.
        for field in &demanded {
            let mut body = right.clone();
            remove(&mut body, field);
            let missed = refused(&sign_at(at, &body, SECRET)).await;
            assert_eq!(missed, (400, "2004".to_owned(), (*field).clone()), "{path}");
        }

        // A member is wrong. Where nothing but project and signature is demanded, the project's number is.
        let mut wrong = right.clone();
        if let Some(field) = demanded.first() {
            let value = wrong.pointer_mut(&pointer(field)).unwrap();
            // A list where something else stands is a wrong shape.
            let expected = if value.is_array() { 422 } else { 400 };
            *value = if value.is_string() { json!(7) } else { json!("seven") };
            let (status, code, found) = refused(&sign_at(at, &wrong, SECRET)).await;
            assert_eq!((status, found.as_str()), (expected, field.as_str()), "{path}");
            assert!(!["2004", "310", "3261"].contains(&code.as_str()), "{path}: {code}");
        }

        // The same with a wrong signature, without any, of a project that does not exist, and cut off.
        let by_another = sign_at(at, &wrong, "another secret");
        let (status, code, _) = refused(&by_another).await;
        assert_eq!((status, code.as_str()), (400, "3261"), "{path}");
        let (status, code, field) = refused(&wrong.to_string()).await;
        assert_eq!((status, code.as_str(), field.as_str()), (400, "3262", signature_field(path)), "{path}");
        let elsewhere = by_another.replace(&format!(":{PROJECT}"), ":4294967295");
        assert_eq!(refused(&elsewhere).await.1, "2442", "{path}");
        let cut_off = elsewhere.trim_end_matches('}');
        assert_eq!(refused(cut_off).await, (422, "2003".to_owned(), String::new()), "{path}");
    }
    assert_eq!(count, 107);
    world.assert_silence().await;
    assert_eq!(world.engine.in_hand(), 0, "nothing was created");
    world.end().await;
}

// G-001, G-014: the least and the most that each path takes is admitted, and none is refused as something the platform
// does not do
#[tokio::test(flavor = "multi_thread")]
async fn every_path_admits_right_bodies_and_does_what_the_catalogue_says() {
    let world = World::new().await;
    let examples = Examples::new();
    for path in Contract::gate().paths() {
        for everything in [false, true] {
            let mut body = examples.body(path, everything).body;
            assert_eq!(keeps_the_contract(path, &body), [""; 0], "{path}: {body}");
            if body["general"]["payment_id"].is_string() {
                body["general"]["payment_id"] = format!("{}-{everything}", path.replace('/', "-")).into();
            }
            let signed = sign_at(place(path), &unsigned(path, &body), SECRET);
            let reply = world.post(&concrete(path), signed).await;
            let answered = reply.status == 200 || refusal(path, &reply).1 != "310";
            assert!(answered, "{path} is not executed: {}", reply.text);
        }
    }
    world.end().await;
}

// G-032, D-03: the rule about source addresses holds on every path, also where the contract forgets to declare 403, and
// comes before the signature
#[tokio::test(flavor = "multi_thread")]
async fn every_path_refuses_other_addresses_than_the_registered_with_403() {
    let world = World::with(|project| {
        project.settings.allowed_sources = vec!["203.0.113.9".to_owned()];
    })
    .await;
    let examples = Examples::new();
    let registered = "203.0.113.9:5000";
    for path in Contract::gate().paths() {
        let body = unsigned(path, &examples.body(path, false).body);
        let right = sign_at(place(path), &body, SECRET);
        let wrong = sign_at(place(path), &body, "another secret");
        world.come_from("203.0.113.10:5000");
        for text in [&right, &wrong] {
            let denied = refusal(path, &world.post(&concrete(path), text.clone()).await);
            assert_eq!(denied, (403, "303".to_owned(), String::new()), "{path}");
        }
        world.come_from(registered);
        let (status, code, _) = refusal(path, &world.post(&concrete(path), wrong).await);
        assert_eq!((status, code.as_str()), (400, "3261"), "{path}: from here the signature is looked at");
    }
    world.assert_silence().await;
    world.end().await;
}
