//! One compiled schema: what a value may be.

use regex::Regex;
use serde_json::Value as Json;
use std::{collections::BTreeMap, str::FromStr as _};

/// The kind of value a schema asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

/// Named forms of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Pan,
    Email,
    IpAddress,
    Date,
    DateTime,
    /// Three capital letters; the contract writes the pattern as the name of a format.
    ThreeCapitals,
}

/// Schemas of which a value has to keep at least one (`anyOf`), or exactly one (`oneOf`).
#[derive(Debug)]
pub(super) struct Alternatives {
    pub(super) choices: Vec<Schema>,
    pub(super) exactly_one: bool,
}

/// What a value may be. The parts that do not concern its kind are empty.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) kind: Kind,
    pub(super) properties: BTreeMap<String, Vec<Schema>>,
    pub(super) required: Vec<String>,
    pub(super) closed: bool,
    pub(super) alternatives: Vec<Alternatives>,
    pub(super) items: Option<Box<Schema>>,
    pub(super) items_min: Option<usize>,
    pub(super) items_max: Option<usize>,
    pub(super) items_unique: bool,
    pub(super) length_min: Option<usize>,
    pub(super) length_max: Option<usize>,
    pub(super) pattern: Option<Regex>,
    pub(super) format: Option<Format>,
    pub(super) allowed: Vec<String>,
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
    pub(super) multiple_of: Option<rust_decimal::Decimal>,
}

impl Schema {
    /// Compiles the schema `json`, following references into `root`.
    pub(super) fn compile(json: &Json, root: &Json) -> Self {
        let mut schema = Self {
            kind: Kind::Any,
            properties: BTreeMap::new(),
            required: Vec::new(),
            closed: false,
            alternatives: Vec::new(),
            items: None,
            items_min: None,
            items_max: None,
            items_unique: false,
            length_min: None,
            length_max: None,
            pattern: None,
            format: None,
            allowed: Vec::new(),
            minimum: None,
            maximum: None,
            multiple_of: None,
        };
        schema.merge(json, root);
        schema
    }

    /// Adds what `json` asks for; parts of an `allOf` add up in one schema.
    fn merge(&mut self, json: &Json, root: &Json) {
        if let Some(target) = json.get("$ref").and_then(Json::as_str) {
            if let Some(referred) = root.pointer(target.trim_start_matches('#')) {
                self.merge(referred, root);
            }
            return;
        }
        let list = |key: &str| json.get(key).and_then(Json::as_array).into_iter().flatten();
        for part in list("allOf") {
            self.merge(part, root);
        }
        for key in ["anyOf", "oneOf"] {
            // An empty alternative would let everything pass; at the one place that has it, it is a slip (D-16).
            let choices = list(key).filter(|choice| !is_empty(choice));
            let choices: Vec<Self> = choices.map(|choice| Self::compile(choice, root)).collect();
            if !choices.is_empty() {
                self.alternatives.push(Alternatives { choices, exactly_one: key == "oneOf" });
            }
        }
        self.merge_kind(json);
        for (name, property) in json.get("properties").and_then(Json::as_object).into_iter().flatten() {
            self.properties.entry(name.clone()).or_default().push(Self::compile(property, root));
        }
        self.required.extend(list("required").filter_map(Json::as_str).map(str::to_owned));
        self.closed |= json.get("additionalProperties").and_then(Json::as_bool) == Some(false);
        if let Some(items) = json.get("items") {
            self.items = Some(Box::new(Self::compile(items, root)));
        }
        self.merge_limits(json);
    }

    fn merge_kind(&mut self, json: &Json) {
        // The contract calls one object an integer; members decide.
        let kind = match json.get("type").and_then(Json::as_str) {
            _ if json.get("properties").is_some() => Kind::Object,
            Some("object") => Kind::Object,
            Some("array") => Kind::Array,
            Some("string") => Kind::String,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            _ => Kind::Any,
        };
        if kind != Kind::Any {
            self.kind = kind;
        }
    }

    fn merge_limits(&mut self, json: &Json) {
        let size = |key: &str| {
            let value = json.get(key)?;
            // A few limits of the contract are written as text.
            value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|n| usize::try_from(n).ok())
        };
        let string = self.kind == Kind::String;
        self.length_min = size("minLength").filter(|_| string).or(self.length_min);
        self.length_max = size("maxLength").filter(|_| string).or(self.length_max);
        self.items_min = size("minItems").or(self.items_min);
        self.items_max = size("maxItems").or(self.items_max);
        self.items_unique |= json.get("uniqueItems").and_then(Json::as_bool) == Some(true);
        self.minimum = json.get("minimum").and_then(Json::as_i64).or(self.minimum);
        self.maximum = json.get("maximum").and_then(Json::as_i64).or(self.maximum);
        if let Some(step) = json.get("multipleOf") {
            let text = step.to_string();
            self.multiple_of = rust_decimal::Decimal::from_str(&text)
                .or_else(|_| rust_decimal::Decimal::from_scientific(&text))
                .ok();
        }
        if let Some(pattern) = json.get("pattern").and_then(Json::as_str) {
            self.pattern = Regex::new(&ascii_pattern(pattern)).ok();
        }
        self.format = match json.get("format").and_then(Json::as_str) {
            Some("pan") => Some(Format::Pan),
            Some("email") => Some(Format::Email),
            Some("ip-address") => Some(Format::IpAddress),
            Some("date") => Some(Format::Date),
            Some("date-time" | "dateTime") => Some(Format::DateTime),
            Some("[A-Z][A-Z][A-Z]") => Some(Format::ThreeCapitals),
            _ => self.format,
        };
        let allowed = json.get("enum").and_then(Json::as_array).into_iter().flatten();
        self.allowed
            .extend(allowed.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
}

/// A pattern that names the characters it means: the contract means ASCII digits and spaces, where some regex libraries
/// would take any script's.
pub(super) fn ascii_pattern(pattern: &str) -> String {
    pattern.replace(r"\d", "[0-9]").replace(r"[a-zA-Z0-9\s\-.']", r"[a-zA-Z0-9 \t\r\n\-.']")
}

/// Whether a schema asks for nothing.
pub(super) fn is_empty(schema: &Json) -> bool {
    schema.as_object().is_some_and(serde_json::Map::is_empty)
}
