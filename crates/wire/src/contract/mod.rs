//! The published contract of the Gate API as structure: which members a body must have and what their values
//! may be. It is carried as data (`catalogue/gate-contract.json`), so a changed limit is a change in one place. With the
//! words of [`describe`] it is served to merchants' tools.

pub mod describe;
mod number;
mod openapi;
mod schema;
#[cfg(test)]
mod tests;
mod validate;

pub use openapi::gate_openapi;
pub(crate) use validate::is_email;
pub use validate::{Rule, Violation};

use schema::Schema;
use serde_json::Value as Json;
use std::{collections::HashMap, sync::LazyLock};

const GATE: &str = include_str!("../../../../catalogue/gate-contract.json");

static GATE_CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let json = serde_json::from_str(GATE).unwrap_or(Json::Null);
    Contract::compile(&json)
});

/// A compiled contract.
#[derive(Debug)]
pub struct Contract {
    requests: HashMap<String, Schema>,
    /// The paths with steps in braces, sorted.
    templates: Vec<String>,
    replies: HashMap<(String, u16), Schema>,
}

impl Contract {
    /// The Gate API's contract, compiled at first use.
    pub fn gate() -> &'static Self {
        &GATE_CONTRACT
    }

    fn compile(json: &Json) -> Self {
        let mut contract = Self { requests: HashMap::new(), templates: Vec::new(), replies: HashMap::new() };
        let Some(paths) = json.get("paths").and_then(Json::as_object) else { return contract };
        for (path, item) in paths {
            if let Some(request) = item.get("request") {
                contract.requests.insert(path.clone(), Schema::compile(request, json));
                if path.contains('{') {
                    contract.templates.push(path.clone());
                }
            }
            let replies = item.get("responses").and_then(Json::as_object).into_iter().flatten();
            for (status, reply) in replies {
                if let Ok(status) = status.parse() {
                    contract.replies.insert((path.clone(), status), Schema::compile(reply, json));
                }
            }
        }
        contract.templates.sort_unstable();
        contract
    }

    /// Every path of the contract.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.requests.keys().map(String::as_str)
    }

    /// The contract's name of the path of a request: the path itself, or the template it fits, in which a step such as
    /// `{payment_method}` stands for any one step. `None` when the contract has no such path.
    pub fn path_of(&self, path: &str) -> Option<&str> {
        if let Some((known, _)) = self.requests.get_key_value(path) {
            return Some(known);
        }
        self.templates.iter().find(|template| fits(template, path)).map(String::as_str)
    }

    /// Everything in a request's body that breaks the contract, in the contract's order; at most 20 are listed.
    /// `None` when the contract does not have the path.
    pub fn request(&self, path: &str, body: &crate::json::Value<'_>) -> Option<Vec<Violation>> {
        self.requests.get(path).map(|schema| validate::violations(schema, body))
    }

    /// The same for a reply with this HTTP status; used by tests, since replies are made, not received.
    pub fn reply(&self, path: &str, status: u16, body: &crate::json::Value<'_>) -> Option<Vec<Violation>> {
        self.replies.get(&(path.to_owned(), status)).map(|schema| validate::violations(schema, body))
    }
}

/// Whether `path` has the steps of `template`, any but an empty one in place of a step in braces.
fn fits(template: &str, path: &str) -> bool {
    template.split('/').count() == path.split('/').count()
        && template.split('/').zip(path.split('/')).all(|(wanted, given)| {
            wanted == given || (wanted.starts_with('{') && wanted.ends_with('}') && !given.is_empty())
        })
}
