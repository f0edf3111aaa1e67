//! The published contract itself: nothing in it is passed over without a reason.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CONTRACT: &str = include_str!("../../../../catalogue/gate-contract.json");

/// Keywords that bodies are held to.
const ENFORCED: [&str; 19] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "uniqueItems",
];

/// Keywords that ask nothing of a body, each with the reason why it is passed over.
const PASSED_OVER: [(&str, &str); 2] = [
    ("default", "says what an absent member means; whoever reads the member applies it"),
    (
        "strict",
        "a word of one publisher's tools without meaning in JSON Schema; texts are compared as they are",
    ),
];

/// A schema of the contract with the place it stands at.
type Found<'c> = (String, &'c serde_json::Map<String, Value>);

fn contract() -> Value {
    serde_json::from_str(CONTRACT).unwrap()
}

/// Every schema: those of requests, replies and components, and all below them.
fn schemas(contract: &Value) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        walk(&item["request"], path, &mut found);
        for (status, reply) in item["responses"].as_object().unwrap() {
            walk(reply, &format!("{path} {status}"), &mut found);
        }
    }
    for (name, schema) in contract["components"]["schemas"].as_object().unwrap() {
        walk(schema, name, &mut found);
    }
    found
}

fn walk<'c>(schema: &'c Value, place: &str, found: &mut Vec<Found<'c>>) {
    let members = schema.as_object().unwrap_or_else(|| panic!("{place} is no schema"));
    found.push((place.to_owned(), members));
    for (key, value) in members {
        match key.as_str() {
            "properties" => {
                value
                    .as_object()
                    .unwrap()
                    .iter()
                    .for_each(|(name, part)| walk(part, &format!("{place}.{name}"), found));
            }
            "items" => walk(value, &format!("{place}[]"), found),
            "allOf" | "anyOf" | "oneOf" => {
                value.as_array().unwrap().iter().for_each(|part| walk(part, &format!("{place}|"), found));
            }
            _ => {}
        }
    }
}

// G-001: each keyword of the contract is enforced or passed over for a reason
#[test]
fn every_keyword_of_the_contract_is_enforced_or_passed_over_for_a_reason() {
    let contract = contract();
    let used: BTreeSet<&str> =
        schemas(&contract).iter().flat_map(|(_, schema)| schema.keys().map(String::as_str)).collect();
    let known: BTreeSet<&str> =
        ENFORCED.into_iter().chain(["type"]).chain(PASSED_OVER.iter().map(|(keyword, _)| *keyword)).collect();
    assert_eq!(used, known);
}

// G-001
#[test]
fn every_type_and_format_of_the_contract_is_known() {
    let contract = contract();
    let mut types = BTreeMap::new();
    let mut formats = BTreeSet::new();
    for (_, schema) in schemas(&contract) {
        if let Some(kind) = schema.get("type") {
            *types.entry(kind.as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        formats.extend(schema.get("format").map(|format| format.as_str().unwrap().to_owned()));
    }
    let names: Vec<&str> = types.keys().map(String::as_str).collect();
    assert_eq!(names, ["array", "boolean", "integer", "number", "object", "string"]);
    let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
    assert_eq!(formats, ["[A-Z][A-Z][A-Z]", "date", "date-time", "dateTime", "email", "ip-address", "pan"]);
}

/// Where a keyword stands in a schema it does not fit; bodies are not held to these (D-50).
const MISPLACED: [(&str, &str); 3] =
    [("maxLength", "integer"), ("additionalProperties", "array"), ("properties", "integer")];

// G-001, D-50: a keyword that does not fit its type is an oddity of the published contract, and these are all of them
#[test]
fn keywords_stand_where_they_mean_something_but_for_known_oddities() {
    let contract = contract();
    let fits = |keyword: &str| -> &[&str] {
        match keyword {
            "minLength" | "maxLength" | "pattern" | "format" => &["string"],
            "minimum" | "maximum" | "multipleOf" => &["integer", "number"],
            "items" | "minItems" | "maxItems" | "uniqueItems" => &["array"],
            "properties" | "required" | "additionalProperties" => &["object"],
            _ => &[],
        }
    };
    let mut odd = BTreeSet::new();
    for (place, schema) in schemas(&contract) {
        let Some(kind) = schema.get("type").and_then(Value::as_str) else { continue };
        for keyword in schema.keys() {
            let fitting = fits(keyword);
            if !fitting.is_empty() && !fitting.contains(&kind) {
                odd.insert((keyword.clone(), kind.to_owned()));
                assert!(
                    MISPLACED.contains(&(keyword.as_str(), kind))
                        || (keyword == "required" && kind == "integer"),
                    "{keyword} of a {kind} at {place}"
                );
            }
        }
    }
    assert!(
        MISPLACED.iter().all(|(keyword, kind)| odd.contains(&((*keyword).to_owned(), (*kind).to_owned())))
    );
}

// G-001
#[test]
fn every_reference_leads_to_a_schema_and_stands_alone() {
    let contract = contract();
    for (place, schema) in schemas(&contract) {
        if let Some(target) = schema.get("$ref") {
            let pointer = target.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(contract.pointer(pointer).is_some_and(Value::is_object), "{place}: {target}");
            assert_eq!(schema.len(), 1, "{place}: members beside a reference would be lost");
        }
    }
}

// G-001
#[test]
fn every_pattern_and_number_of_the_contract_can_be_read() {
    let contract = contract();
    for (place, schema) in schemas(&contract) {
        for limit in ["minLength", "maxLength", "minItems", "maxItems"] {
            let readable = |value: &Value| {
                value.as_u64().is_some() || value.as_str().is_some_and(|text| text.parse::<u64>().is_ok())
            };
            assert!(schema.get(limit).is_none_or(readable), "{place}: {limit}");
        }
        for limit in ["minimum", "maximum"] {
            assert!(schema.get(limit).is_none_or(Value::is_i64), "{place}: {limit}");
        }
    }
}
