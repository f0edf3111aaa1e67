//! The Gate contract as an `OpenAPI` document, for merchants' tools: code generators, mock servers, testers.
//!
//! The document is the contract that bodies are held to, with words beside it. Where the contract is written in a way
//! that tools would misread, it says the same in theirs: limits written as text become numbers, an object declared as an
//! integer or as nothing becomes an object, numbers have limits, patterns name the characters they mean, and an alternative
//! that asks for nothing is left out.

use super::{
    GATE,
    describe::{Descriptions, PathDescription, ResultBy},
    schema::{ascii_pattern, is_empty},
};
use serde_json::{Map, Value as Json, json};
use std::sync::LazyLock;

const INTRODUCTION: &str = include_str!("../../../../catalogue/gate-introduction.md");

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The document as JSON text.
pub fn gate_openapi() -> &'static str {
    &DOCUMENT
}

fn document() -> Json {
    let contract: Json = serde_json::from_str(GATE).unwrap_or(Json::Null);
    let words = Descriptions::gate();
    let paths = members(&contract, "paths").filter_map(|(path, item)| {
        let description = words.paths.get(path)?;
        Some((path.clone(), json!({ "post": operation(words, path, item, description) })))
    });
    let components = contract.get("components").unwrap_or(&Json::Null);
    let schemas = members(components, "schemas")
        .map(|(name, schema)| (name.clone(), translate(words, schema, &mut vec![name])));
    let mut document = json!({
        "openapi": "3.0.3",
        "info": { "title": "Ferropay Gate API", "version": env!("CARGO_PKG_VERSION"), "description": INTRODUCTION },
        "servers": [{ "url": "/" }],
        "tags": words.groups.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect::<Vec<_>>(),
        "paths": paths.collect::<Map<_, _>>(),
        "components": { "schemas": schemas.collect::<Map<_, _>>() },
    });
    for (place, name, value) in differences() {
        if let Some(part) = document.pointer_mut(place).and_then(Json::as_object_mut) {
            part.insert(name.to_owned(), value);
        }
    }
    document
}

/// Where the platform takes or gives something else than the structure says, which tools would take for mistakes: the
/// place, the keyword there, and what it has to say.
fn differences() -> [(&'static str, &'static str, Json); 9] {
    let layouts = ["PaymentStatusResponse", "TransactionStatusResponse"];
    let layouts = layouts.map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
    let not_zero = json!({ "enum": [0] });
    // Somewhat narrower than what is taken: letters of other scripts may stand in an address, and its host may be an
    // address of the newer kind.
    let page = r"^(https?://[A-Za-z0-9][A-Za-z0-9._-]*(:[1-9][0-9]{0,3})?([/?#][!-\[\]-~]*)?)?$";
    let debt = "^[A-Za-z0-9]*$";
    [
        // Of a payment that was returned as a whole nothing is left (G-295).
        ("/components/schemas/Sum/properties/amount", "minimum", 0.into()),
        // The published contract has these in words only (G-156, G-248).
        ("/components/schemas/BookingInfo/properties/total", "not", not_zero.clone()),
        ("/components/schemas/BookingInfo/properties/pax", "not", not_zero),
        (
            "/components/schemas/AccountVerificationPaymentInfo/properties/debt_account",
            "pattern",
            debt.into(),
        ),
        (
            "/components/schemas/AccountVerificationPaymentInfoForCard/allOf/2/properties/debt_account",
            "pattern",
            debt.into(),
        ),
        ("/components/schemas/PaymentInfoForCard/allOf/2/properties/debt_account", "pattern", debt.into()),
        // A browser is sent there.
        ("/components/schemas/ACSReturnUrl/properties/return_url", "pattern", page.into()),
        ("/components/schemas/ACSReturnUrl/properties/3ds_notification_url", "pattern", page.into()),
        // A request may ask for the older layout, and a project may have it (`destination`).
        (
            "/paths/~1v2~1payment~1status/post/responses/200/content/application~1json",
            "schema",
            json!({ "anyOf": layouts }),
        ),
    ]
}

fn members<'j>(json: &'j Json, name: &str) -> impl Iterator<Item = (&'j String, &'j Json)> {
    json.get(name).and_then(Json::as_object).into_iter().flatten()
}

fn operation(words: &Descriptions, path: &str, item: &Json, description: &PathDescription) -> Json {
    let PathDescription { group, result, does } = description;
    let ends = match result {
        ResultBy::Callback => {
            "The reply says whether the request was accepted; what came of it is told by callback."
        }
        ResultBy::Reply => "The reply has everything; no callback follows.",
    };
    let identifier = path.trim_start_matches("/v2/").replace(['/', '-'], "_").replace(['{', '}'], "");
    let request = item.get("request").unwrap_or(&Json::Null);
    let mut operation = json!({
        "tags": [group],
        "operationId": identifier,
        "summary": does,
        "description": ends,
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": translate(words, request, &mut Vec::new()) } },
        },
        "responses": responses(words, item, *result),
    });
    let steps: Vec<Json> = path
        .split('/')
        .filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
        .map(|step| parameter(words, step))
        .collect();
    if let (false, Some(operation)) = (steps.is_empty(), operation.as_object_mut()) {
        operation.insert("parameters".to_owned(), steps.into());
    }
    operation
}

fn parameter(words: &Descriptions, name: &str) -> Json {
    let mut schema = json!({ "type": "string" });
    let step = words.steps.get(name);
    if let (Some(step), Some(schema)) = (step.filter(|step| !step.allowed.is_empty()), schema.as_object_mut())
    {
        schema.insert("enum".to_owned(), step.allowed.clone().into());
    }
    let is = step.map(|step| step.is.as_str());
    json!({ "name": name, "in": "path", "required": true, "description": is, "schema": schema })
}

/// The replies of the contract, and the refusals that every path gives although the contract forgets them at some (D-03,
/// D-61).
fn responses(words: &Descriptions, item: &Json, result: ResultBy) -> Json {
    let mut replies: Map<String, Json> = members(item, "responses")
        .map(|(status, schema)| (status.clone(), reply(words, status, schema, result)))
        .collect();
    let error = json!({ "$ref": "#/components/schemas/ErrorResponse" });
    for status in ["400", "403", "422", "500"] {
        if !replies.contains_key(status) {
            replies.insert(status.to_owned(), reply(words, status, &error, result));
        }
    }
    Json::Object(replies)
}

fn reply(words: &Descriptions, status: &str, schema: &Json, result: ResultBy) -> Json {
    let text = match (status, result) {
        ("200", ResultBy::Callback) => "Accepted. The outcome comes by callback.",
        ("200", ResultBy::Reply) => "The answer.",
        ("400", _) => {
            "Refused: a member is missing or wrong, the project is unknown, or the signature is not right."
        }
        ("403", _) => "Refused: the project takes no requests from this address.",
        ("404", _) => "The project made no such request.",
        ("422", _) => "Refused: the body is not JSON, or has objects and lists where they do not belong.",
        _ => "A fault of the platform.",
    };
    if schema.as_object().is_none_or(Map::is_empty) {
        return json!({ "description": text });
    }
    let schema = translate(words, schema, &mut vec!["reply"]);
    json!({ "description": text, "content": { "application/json": { "schema": schema } } })
}

/// A schema of the contract in the words of `OpenAPI`. `trail` leads to it: a component or nothing, then members.
fn translate<'t>(words: &Descriptions, schema: &'t Json, trail: &mut Vec<&'t str>) -> Json {
    let Some(parts) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    for (keyword, value) in parts {
        let value = match keyword.as_str() {
            "properties" => properties(words, value, trail),
            "items" => translate(words, value, trail),
            "allOf" | "anyOf" | "oneOf" => {
                let parts = value.as_array().into_iter().flatten().filter(|part| !is_empty(part));
                parts.map(|part| translate(words, part, trail)).collect()
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" => number(value),
            "pattern" => value.as_str().map(ascii_pattern).into(),
            // The contract writes one pattern as the name of a format.
            "format" if value == "[A-Z][A-Z][A-Z]" => {
                out.insert("pattern".to_owned(), "^[A-Z]{3}$".into());
                continue;
            }
            // A word of one publisher's tools.
            "strict" => continue,
            _ => value.clone(),
        };
        out.insert(keyword.clone(), value);
    }
    if parts.contains_key("properties") {
        out.insert("type".to_owned(), "object".into());
    }
    bound(&mut out);
    Json::Object(out)
}

/// Numbers without limits get those of the platform: integers of 64 bits, and other numbers well below the 28 digits before
/// the point that are read.
fn bound(schema: &mut Map<String, Json>) {
    let (least, most): (Json, Json) = match schema.get("type").and_then(Json::as_str) {
        Some("integer") if !schema.contains_key("enum") => (i64::MIN.into(), i64::MAX.into()),
        Some("number") => ((-1e27).into(), 1e27.into()),
        _ => return,
    };
    schema.entry("minimum").or_insert(least);
    schema.entry("maximum").or_insert(most);
}

fn properties<'t>(words: &Descriptions, members: &'t Json, trail: &mut Vec<&'t str>) -> Json {
    let described = members.as_object().into_iter().flatten().map(|(name, schema)| {
        trail.push(name);
        let text = words.member(trail).map(|(_, text)| text);
        let translated = translate(words, schema, trail);
        trail.pop();
        (name.clone(), with_description(translated, text))
    });
    Json::Object(described.collect())
}

/// Beside a reference tools read nothing, so that a described one stands in an `allOf` of its own.
fn with_description(schema: Json, text: Option<&str>) -> Json {
    let Some(text) = text else { return schema };
    let mut schema = match schema {
        Json::Object(parts) if !parts.contains_key("$ref") => parts,
        reference => Map::from_iter([("allOf".to_owned(), json!([reference]))]),
    };
    schema.insert("description".to_owned(), text.into());
    Json::Object(schema)
}

/// A limit, which the contract writes as text at times (D-50).
fn number(limit: &Json) -> Json {
    let written = limit.as_str().and_then(|text| text.parse::<u64>().ok());
    written.map_or_else(|| limit.clone(), Json::from)
}
