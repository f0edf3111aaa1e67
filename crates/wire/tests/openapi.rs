//! The served `OpenAPI` document has the published structure, for every path, and words for every member.
//!
//! `data/gate-structure.json` is the published contract without its words, kept apart from the catalogue that the
//! platform works with: a limit changed by mistake in one place does not go unnoticed.
#![cfg(test)]

use ferropay_wire::contract::{Contract, gate_openapi};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const PUBLISHED: &str = include_str!("data/gate-structure.json");
const DESCRIPTIONS: &str = include_str!("../../../catalogue/gate-descriptions.json");

fn served() -> Value {
    serde_json::from_str(gate_openapi()).unwrap()
}

fn published() -> Value {
    serde_json::from_str(PUBLISHED).unwrap()
}

fn entries<'v>(value: &'v Value, member: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value[member].as_object().unwrap_or_else(|| panic!("no {member}")).iter()
}

/// Components that no published path uses; they are not carried.
const UNUSED: [&str; 2] = ["AccountOnlineBankingPayoutInfo", "PaymentInfoPayoutOnlineBanking"];

/// Where the platform takes or gives something else than the published structure, and the served document says so: place
/// in the components, keyword, what is served, and what was published. What the publisher asks for in words only stands
/// here (G-156, G-248), pages that a browser is sent to, and that nothing is left of a payment that was returned (G-295).
const DIFFERENCES: [(&str, &str, &str, Option<u64>); 8] = [
    ("Sum/properties/amount", "minimum", "0", Some(1)),
    ("BookingInfo/properties/total", "not", r#"{"enum":[0]}"#, None),
    ("BookingInfo/properties/pax", "not", r#"{"enum":[0]}"#, None),
    ("AccountVerificationPaymentInfo/properties/debt_account", "pattern", r#""^[A-Za-z0-9]*$""#, None),
    (
        "AccountVerificationPaymentInfoForCard/allOf/2/properties/debt_account",
        "pattern",
        r#""^[A-Za-z0-9]*$""#,
        None,
    ),
    ("PaymentInfoForCard/allOf/2/properties/debt_account", "pattern", r#""^[A-Za-z0-9]*$""#, None),
    ("ACSReturnUrl/properties/return_url", "pattern", PAGE, None),
    ("ACSReturnUrl/properties/3ds_notification_url", "pattern", PAGE, None),
];

/// An address of a page, as JSON.
const PAGE: &str = r#""^(https?://[A-Za-z0-9][A-Za-z0-9._-]*(:[1-9][0-9]{0,3})?([/?#][!-\\[\\]-~]*)?)?$""#;

/// A schema without words, and with the oddities of the published contract as tools understand them (D-50).
fn plain(schema: &Value) -> Value {
    let Some(parts) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    for (keyword, value) in parts {
        let value = match keyword.as_str() {
            "description" | "strict" => continue,
            "properties" => Value::Object(
                entries(schema, "properties").map(|(name, it)| (name.clone(), plain(it))).collect(),
            ),
            "items" => plain(value),
            // An empty alternative is a slip that would let everything pass (D-16).
            "allOf" | "anyOf" | "oneOf" => {
                value.as_array().unwrap().iter().filter(|part| **part != json!({})).map(plain).collect()
            }
            // Numbers without limits get those of the platform.
            "minimum" | "maximum" if is_limit_of_the_platform(value) => continue,
            "maxLength" if value.is_string() => value.as_str().unwrap().parse::<u64>().unwrap().into(),
            "pattern" => {
                let digits = value.as_str().unwrap().replace(r"\d", "[0-9]");
                digits.replace(r"[a-zA-Z0-9\s\-.']", r"[a-zA-Z0-9 \t\r\n\-.']").into()
            }
            "format" if value == "[A-Z][A-Z][A-Z]" => {
                out.insert("pattern".to_owned(), json!("^[A-Z]{3}$"));
                continue;
            }
            _ => value.clone(),
        };
        out.insert(keyword.clone(), value);
    }
    if parts.contains_key("properties") {
        out.insert("type".to_owned(), json!("object"));
    }
    // A reference with words beside it stands in an `allOf` of its own.
    match out.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) if out.len() == 1 => only.clone(),
        _ => Value::Object(out),
    }
}

fn is_limit_of_the_platform(value: &Value) -> bool {
    [json!(i64::MIN), json!(i64::MAX), json!(-1e27), json!(1e27)].contains(value)
}

#[test]
fn every_number_is_bounded() {
    let served = served();
    let mut numbers = 0;
    let mut look = |trail: &[String], member: &Value| {
        if matches!(member["type"].as_str(), Some("integer" | "number")) && member.get("enum").is_none() {
            assert!(member["minimum"].is_number() && member["maximum"].is_number(), "{trail:?}");
            numbers += 1;
        }
    };
    for (name, schema) in entries(&served["components"], "schemas") {
        each_member(schema, &mut vec![name.clone()], &mut look);
    }
    assert!(numbers > 100, "{numbers}");
}

// G-001: types, patterns, limits, required members, enumerations and alternatives of all 107 requests
#[test]
fn every_request_has_the_published_structure() {
    let (served, published) = (served(), published());
    assert_eq!(entries(&published, "paths").count(), 107);
    assert_eq!(entries(&served, "paths").count(), 107);
    for (path, item) in entries(&published, "paths") {
        let operation = &served["paths"][path]["post"];
        assert_eq!(operation["requestBody"]["required"], true, "{path}");
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(plain(schema), plain(&item["request"]), "{path}");
        let mut parameters = item["parameters"].clone();
        // A step of a path is never optional.
        parameters.as_array_mut().unwrap().iter_mut().for_each(|step| step["required"] = true.into());
        let found = operation["parameters"].as_array().cloned().unwrap_or_default();
        assert_eq!(found.iter().map(plain).collect::<Vec<_>>(), *parameters.as_array().unwrap(), "{path}");
    }
}

// G-001
#[test]
fn every_component_has_the_published_structure() {
    let (served, published) = (served(), published());
    let names = |document: &Value| -> BTreeSet<String> {
        entries(document, "schemas").map(|(name, _)| name.clone()).collect()
    };
    let mut expected = names(&published);
    for name in UNUSED {
        assert!(expected.remove(name), "{name}");
        assert!(!PUBLISHED.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is used");
    }
    assert_eq!(names(&served["components"]), expected);
    for name in expected {
        let mut found = plain(&served["components"]["schemas"][&name]);
        for (place, keyword, said, published) in DIFFERENCES {
            let Some(place) = place.strip_prefix(&format!("{name}/")) else { continue };
            let part = found.pointer_mut(&format!("/{place}")).unwrap().as_object_mut().unwrap();
            assert_eq!(part.remove(keyword).unwrap().to_string(), said, "{name}/{place}");
            if let Some(published) = published {
                part.insert(keyword.to_owned(), published.into());
            }
        }
        assert_eq!(found, plain(&published["schemas"][&name]), "{name}");
    }
}

// G-001, D-03, D-40, D-61: the published replies, and refusals with the usual body where the publisher forgot them
#[test]
fn every_reply_has_the_published_structure_and_forgotten_refusals_are_declared() {
    let (served, published) = (served(), published());
    let mut added = 0;
    for (path, item) in entries(&published, "paths") {
        let operation = &served["paths"][path]["post"];
        for (status, reply) in entries(operation, "responses") {
            assert!(reply["description"].is_string(), "{path} {status}");
            let mut found = plain(&reply["content"]["application/json"]["schema"]);
            if (path.as_str(), status.as_str()) == ("/v2/payment/status", "200") {
                // The older layout may be asked for; the published contract describes it at another path only.
                let older = found["anyOf"].as_array_mut().unwrap().pop().unwrap();
                assert_eq!(older, json!({ "$ref": "#/components/schemas/TransactionStatusResponse" }));
                found = found["anyOf"][0].take();
            }
            if (path.as_str(), status.as_str())
                == ("/v2/info/available-methods/{payment_direction}/list", "200")
            {
                // Published as a list, explained as an object, which alone can carry the signature it is said to have.
                assert_eq!(found["required"], json!(["project_id", "signature", "available_methods"]));
                found = json!({ "type": "array", "items": { "type": "object", "properties": {} } });
            }
            if let Some(expected) = item["responses"].get(status) {
                let expected = Some(plain(expected)).filter(|schema| *schema != json!({}));
                assert_eq!(found, expected.unwrap_or_default(), "{path} {status}");
            } else {
                added += 1;
                assert_eq!(found, json!({ "$ref": "#/components/schemas/ErrorResponse" }), "{path} {status}");
                assert!(status == "403" || path == "/v2/payment/status/request", "{path} {status}");
            }
        }
        let missing =
            entries(item, "responses").find(|(status, _)| operation["responses"].get(status).is_none());
        assert!(missing.is_none(), "{path}: {missing:?}");
    }
    assert_eq!(added, 33 + 3, "33 paths forget 403, and one forgets 400, 422 and 500");
}

/// Calls `look` with the trail of every member, and with the member's schema.
fn each_member(schema: &Value, trail: &mut Vec<String>, look: &mut impl FnMut(&[String], &Value)) {
    for part in ["allOf", "anyOf", "oneOf"] {
        let parts = schema[part].as_array().into_iter().flatten();
        parts.for_each(|part| each_member(part, trail, look));
    }
    if schema.get("items").is_some() {
        each_member(&schema["items"], trail, look);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        trail.push(name.clone());
        look(trail, member);
        each_member(member, trail, look);
        trail.pop();
    }
}

#[test]
fn every_member_is_described_by_its_nearest_entry_and_every_entry_describes_one() {
    let served = served();
    let descriptions: Value = serde_json::from_str(DESCRIPTIONS).unwrap();
    let mut used = BTreeSet::new();
    let mut members = 0;
    let mut look = |trail: &[String], member: &Value| {
        let place = trail.join(".");
        let keys = (0..trail.len()).map(|start| trail[start..].join("."));
        let key = keys.into_iter().find(|key| descriptions["members"].get(key).is_some());
        let key = key.unwrap_or_else(|| panic!("{place} is not described"));
        assert_eq!(member["description"], descriptions["members"][&key], "{place}");
        assert!(member.get("$ref").is_none(), "{place}: words beside a reference are not read");
        used.insert(key);
        members += 1;
    };
    for (path, item) in entries(&served, "paths") {
        let operation = &item["post"];
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        each_member(body, &mut Vec::new(), &mut look);
        for (_, reply) in entries(operation, "responses") {
            let body = &reply["content"]["application/json"]["schema"];
            each_member(body, &mut vec!["reply".to_owned()], &mut look);
        }
        assert!(operation["summary"].is_string() && operation["description"].is_string(), "{path}");
    }
    for (name, schema) in entries(&served["components"], "schemas") {
        each_member(schema, &mut vec![name.clone()], &mut look);
    }
    assert!(members > 1400, "{members}");
    let all: BTreeSet<String> = entries(&descriptions, "members").map(|(key, _)| key.clone()).collect();
    assert_eq!(used, all, "entries that describe nothing are left over");
}

#[test]
fn operations_have_names_of_their_own_and_groups_that_exist() {
    let served = served();
    let groups: BTreeSet<&str> =
        served["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (path, item) in entries(&served, "paths") {
        let operation = &item["post"];
        assert_eq!(item.as_object().unwrap().len(), 1, "{path} is asked by POST only");
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{path}");
        seen.insert(operation["tags"][0].as_str().unwrap());
    }
    assert_eq!(seen, groups);
    assert!(Contract::gate().paths().all(|path| served["paths"].get(path).is_some()));
}
