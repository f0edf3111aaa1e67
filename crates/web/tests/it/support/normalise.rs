//! Putting names in place of what differs from run to run: identifiers, dates, signatures.

use serde_json::Value;
use std::collections::BTreeMap;

/// The body as indented JSON with numbered names for identifiers: `operation.id` is `[id 1]`, the next different one
/// `[id 2]`; equal values keep equal names.
pub(crate) fn normalised(body: &Value) -> String {
    let mut body = body.clone();
    let mut seen = BTreeMap::new();
    walk(&mut body, "", &mut seen);
    serde_json::to_string_pretty(&body).unwrap()
}

fn walk(value: &mut Value, path: &str, seen: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(key, value)| walk(value, &format!("{path}.{key}"), seen));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, path, seen)),
        leaf => {
            let kind = match path.rsplit('.').next().unwrap_or_default() {
                "signature" => "signature",
                "request_id" => "request",
                "auth_code" => "approval",
                "date" | "created_date" => "date",
                "creq" | "pa_req" | "3DSMethodData" | "threeDSMethodData" => "message",
                "md" | "threeDSSessionData" => "session",
                "url" if leaf.as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")) => "page",
                "id" if leaf.is_i64() && !path.contains("provider") => "id",
                "payment_id" if path.contains("provider") => "reference",
                _ => return,
            };
            let text = leaf.to_string();
            if text == "\"\"" {
                return;
            }
            let number = seen.values().filter(|name| name.starts_with(&format!("[{kind} "))).count() + 1;
            let name = seen.entry(format!("{kind} {text}")).or_insert_with(|| format!("[{kind} {number}]"));
            *leaf = name.clone().into();
        }
    }
}
