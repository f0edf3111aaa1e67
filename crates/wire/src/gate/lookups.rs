//! Replies about what a project can use: methods and banks.

use ferropay_domain::{
    ids::ProjectId,
    method::{Bank, Method},
};
use serde_json::{Value, json};

/// The unsigned reply about availability; the signature goes to the root (G-454, D-40).
pub fn available_methods(project: ProjectId, methods: &[(String, bool)]) -> String {
    let methods: Vec<Value> = methods
        .iter()
        .map(|(code, available)| json!({ "payment_method": code, "is_available": available }))
        .collect();
    json!({ "project_id": project.get(), "available_methods": methods }).to_string()
}

/// The reply with banks: a bare list, so not signed (G-458, D-41).
pub fn banks(banks: &[(&Method, &Bank)]) -> String {
    let bank = |(method, bank): &(&Method, &Bank)| {
        let mut item = json!({
            "id": bank.id,
            "name": bank.name,
            "country": bank.country.code(),
            "currency": bank.currency.code(),
            "payment_method": method.code,
        });
        let limits = method.limits.get(bank.currency.code()).copied().unwrap_or_default();
        let more = [
            ("region_id", bank.region.map(i64::from)),
            ("min_amount", limits.smallest),
            ("max_amount", limits.largest),
        ];
        if let Some(members) = item.as_object_mut() {
            members.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))));
        }
        item
    };
    Value::Array(banks.iter().map(bank).collect()).to_string()
}
