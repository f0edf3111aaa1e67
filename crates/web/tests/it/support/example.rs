//! Bodies made from the contract itself: the least and the most a path takes.

use super::PROJECT;
use serde_json::{Map, Value, json};

const CONTRACT: &str = include_str!("../../../../../catalogue/gate-contract.json");

/// Texts of the forms the contract asks for; the first that fits is taken. Every pattern of the contract has one, or
/// [`Examples::body`] would not keep the contract.
const TEXTS: [&str; 17] = [
    "a",
    "GB",
    "EUR",
    "7000",
    "01-12-2026",
    "01",
    "01-12-202612:30",
    "261201",
    "1230",
    "Y",
    "2.2.0",
    "0190f8a2-7b1c-7a3d-8e4f-001122334455",
    "123456789012",
    "4000000000000077",
    "R",
    "D",
    "12:30:00",
];

/// The contract, as a source of bodies.
pub(crate) struct Examples {
    contract: Value,
}

/// A body that keeps the contract, and its leaves that may not be missing, dotted.
pub(crate) struct Example {
    pub(crate) body: Value,
    pub(crate) required: Vec<String>,
}

impl Examples {
    pub(crate) fn new() -> Self {
        Self { contract: serde_json::from_str(CONTRACT).unwrap() }
    }

    /// A body for `path`, with only what is demanded or with everything there is.
    pub(crate) fn body(&self, path: &str, everything: bool) -> Example {
        let mut maker = Maker { contract: &self.contract, everything, required: Vec::new() };
        let request = &self.contract["paths"][path]["request"];
        let body = maker.value(&[request], "", true);
        Example { body, required: maker.required }
    }
}

struct Maker<'c> {
    contract: &'c Value,
    everything: bool,
    required: Vec<String>,
}

impl<'c> Maker<'c> {
    /// The parts of schemas that hold at the same time: references followed, the first of alternatives taken.
    fn parts(&self, schemas: &[&'c Value]) -> Vec<&'c Value> {
        let mut parts = Vec::new();
        for schema in schemas {
            if let Some(target) = schema["$ref"].as_str() {
                let target = self.contract.pointer(target.trim_start_matches('#')).unwrap();
                parts.extend(self.parts(&[target]));
                continue;
            }
            parts.push(*schema);
            let all = schema["allOf"].as_array().into_iter().flatten();
            let first = ["anyOf", "oneOf"].into_iter().filter_map(|of| schema[of].as_array()?.first());
            parts.extend(self.parts(&all.chain(first).collect::<Vec<_>>()));
        }
        parts
    }

    fn value(&mut self, schemas: &[&'c Value], place: &str, demanded: bool) -> Value {
        let parts = self.parts(schemas);
        let find = |keyword: &str| parts.iter().rev().find_map(|part| part.get(keyword));
        let kind = find("type").and_then(Value::as_str).unwrap_or("object");
        if kind == "object" || find("properties").is_some() {
            return self.object(&parts, place, demanded);
        }
        if demanded {
            self.required.push(place.to_owned());
        }
        if let Some(first) = find("enum").and_then(|allowed| allowed.get(0)) {
            return first.clone();
        }
        match kind {
            "array" => {
                let count = find("minItems").and_then(Value::as_u64).unwrap_or(1);
                let items = find("items");
                let item =
                    items.map_or(json!({}), |items| self.value(&[items], &format!("{place}.0"), false));
                vec![item; usize::try_from(count).unwrap()].into()
            }
            "boolean" => true.into(),
            "integer" | "number" => {
                let minimum = find("minimum").and_then(Value::as_i64).unwrap_or(1);
                let maximum = find("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
                if place.ends_with("project_id") {
                    PROJECT.into()
                } else {
                    minimum.max(1).min(maximum).into()
                }
            }
            _ => text(&parts).into(),
        }
    }

    fn object(&mut self, parts: &[&'c Value], place: &str, demanded: bool) -> Value {
        let mut required: Vec<&str> = Vec::new();
        let mut members: Map<String, Value> = Map::new();
        for part in parts {
            required.extend(part["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        }
        let names = parts.iter().flat_map(|part| part["properties"].as_object().into_iter().flatten());
        let names: std::collections::BTreeSet<&String> = names.map(|(name, _)| name).collect();
        for name in names {
            let is_required = required.contains(&name.as_str());
            if is_required || self.everything {
                let schemas: Vec<&Value> =
                    parts.iter().filter_map(|part| part["properties"].get(name)).collect();
                let below = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                members.insert(name.clone(), self.value(&schemas, &below, demanded && is_required));
            }
        }
        members.into()
    }
}

/// A text that keeps length, format and pattern.
fn text(parts: &[&Value]) -> String {
    let find = |keyword: &str| parts.iter().find_map(|part| part.get(keyword));
    let format = find("format").and_then(Value::as_str);
    let by_format = match format {
        Some("pan") => Some("4000000000000077"),
        Some("email") => Some("judy.doe@example.com"),
        Some("ip-address") => Some("203.0.113.7"),
        Some("date") => Some("2026-12-01"),
        Some("date-time" | "dateTime") => Some("2026-12-01T10:00:00+00:00"),
        Some("[A-Z][A-Z][A-Z]") => Some("GBR"),
        _ => None,
    };
    let patterns: Vec<regex::Regex> = parts
        .iter()
        .filter_map(|part| part["pattern"].as_str())
        .map(|pattern| regex::Regex::new(pattern).unwrap())
        .collect();
    let limit = |keyword: &str, otherwise: usize| {
        let limit = find(keyword);
        let number = limit.and_then(|limit| limit.as_u64().or_else(|| limit.as_str()?.parse().ok()));
        number.map_or(otherwise, |number| usize::try_from(number).unwrap())
    };
    let sizes = limit("minLength", 0)..=limit("maxLength", usize::MAX);
    let longer = "a".repeat(*sizes.start());
    let candidates = by_format.into_iter().chain(TEXTS).chain([longer.as_str()]);
    let fits = |text: &&str| {
        sizes.contains(&text.chars().count()) && patterns.iter().all(|pattern| pattern.is_match(text))
    };
    candidates.into_iter().find(fits).unwrap_or_else(|| panic!("no text for {parts:?}")).to_owned()
}
