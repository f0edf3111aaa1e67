//! Data supplied on demand.

use super::{
    Refusal,
    member::{is_secret, scalar},
    payment_id,
};
use crate::{
    contract::{Contract, Rule},
    json::Value,
};
use ferropay_domain::{codes, ids::PaymentId};
use std::{borrow::Cow, collections::BTreeMap};

/// How many values of one request are looked at; what the platform asks for is far less.
const MAX_VALUES: usize = 200;

/// Longest path of a value, bytes; those of the contract have less than half of it.
const LONGEST_PATH: usize = 200;

/// The path whose contract says what a supplied member may be: it has every member that can be asked for.
const INITIATING: &str = "/v2/payment/card/sale";

/// `/v2/payment/clarification` (G-219).
#[derive(Debug)]
pub struct Clarification {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// The values by the dotted path they would have in the initiating request, such as `customer.billing.city`. Empty
    /// values, values that the initiating request could not have and values of more than 2,048 characters are left out: what they were to supply stays missing
    /// (G-221). Card numbers and verification values are never taken.
    pub values: BTreeMap<String, String>,
}

impl Clarification {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// `additional_data` is missing (2004) or no object (702).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let mut supplied = Supplied { values: BTreeMap::new(), seen: 0 };
        match body.get("additional_data") {
            Some(data @ Value::Object(_)) => supplied.flatten(data, &mut Vec::new()),
            None | Some(Value::Null) => {
                return Err(Refusal::bad_request(codes::REQUIRED_MISSING).at("additional_data"));
            }
            Some(_) => return Err(Refusal::unprocessable(codes::MALFORMED).at("additional_data")),
        }
        Ok(Self { payment_id: payment_id(body)?, values: supplied.values })
    }
}

/// The values found so far, and how many were looked at.
struct Supplied {
    values: BTreeMap<String, String>,
    seen: usize,
}

impl Supplied {
    fn flatten<'d>(&mut self, value: &'d Value<'_>, path: &mut Vec<&'d str>) {
        if let Some(members) = value.members() {
            // A member whose own name has a dot would be taken for one deeper down, which no rule has looked at.
            for (key, child) in members.iter().filter(|(key, _)| !key.contains('.')) {
                path.push(key);
                self.flatten(child, path);
                path.pop();
            }
            return;
        }
        self.seen += 1;
        let Some(text) = scalar(value).filter(|_| self.seen <= MAX_VALUES) else { return };
        let dotted = path.join(".");
        if dotted.len() <= LONGEST_PATH && !is_secret(&dotted) && is_allowed(value, path, &dotted) {
            self.values.insert(dotted, text);
        }
    }
}

/// Whether the initiating request could have this value at this path: an invalid one counts as none (G-220).
fn is_allowed(value: &Value<'_>, path: &[&str], dotted: &str) -> bool {
    let body =
        path.iter().rev().fold(value.clone(), |inner, key| Value::Object(vec![(Cow::Borrowed(*key), inner)]));
    let broken = Contract::gate().request(INITIATING, &body).unwrap_or_default();
    !broken.iter().any(|violation| violation.rule != Rule::Required && violation.field == dotted)
}
