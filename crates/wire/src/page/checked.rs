//! The service with which clients have their parameters checked before they send a customer (P-043).
//!
//! It shows no form, knows no project and tells of none: what it answers follows from the parameters alone. Clients ask before
//! they sign, so no signature is looked at; two of them ask by GET with the parameters in the query, one posts them as JSON.

use super::{
    form::{Received, Unreadable},
    opening::Opening,
    problem::{Problem, listing},
};

/// What parameters are found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked(Result<(), Faults>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Faults {
    Unreadable(Unreadable),
    Problems(Vec<Problem>),
}

impl Checked {
    /// Checks the query of a GET, or a posted form.
    pub fn form(bytes: &[u8]) -> Self {
        Self::of(Received::from_form(bytes))
    }

    /// Checks a posted JSON object.
    pub fn json(bytes: &[u8]) -> Self {
        Self::of(Received::from_json(bytes))
    }

    fn of(received: Result<Received<'_>, Unreadable>) -> Self {
        let received = received.map_err(Faults::Unreadable);
        Self(received.and_then(|received| Opening::read(&received).map_err(Faults::Problems).map(|_| ())))
    }

    /// The HTTP status: 200 of parameters that are right, else 400.
    pub const fn status(&self) -> u16 {
        if self.0.is_ok() { 200 } else { 400 }
    }

    /// The body: JSON with `errors`, an object of reasons by parameter. A request that could not be read has its reason under
    /// `request`.
    pub fn body(&self) -> String {
        let errors: serde_json::Map<String, serde_json::Value> = match &self.0 {
            Ok(()) => serde_json::Map::new(),
            Err(Faults::Unreadable(why)) => {
                [("request".to_owned(), why.to_string().into())].into_iter().collect()
            }
            Err(Faults::Problems(problems)) => {
                problems.iter().map(|problem| (problem.parameter.clone(), problem.reason().into())).collect()
            }
        };
        serde_json::json!({ "errors": errors }).to_string()
    }

    /// The same for people, as the documentation shows it; none where nothing is wrong.
    pub fn text(&self) -> Option<String> {
        match &self.0 {
            Ok(()) => None,
            Err(Faults::Unreadable(why)) => Some(why.to_string()),
            Err(Faults::Problems(problems)) => Some(listing(problems)),
        }
    }
}
