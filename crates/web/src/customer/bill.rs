//! What stands at the side of a page: who is paid, how much, for what.

use super::words;
use askama::Template;
use ferropay_domain::money::Money;

/// See the module.
#[derive(Template)]
#[template(path = "customer/bill.html")]
pub(crate) struct Bill {
    merchant: String,
    initial: String,
    is_test: bool,
    /// None where a card is only checked.
    amount: Option<String>,
    description: String,
    facts: Vec<Fact>,
}

/// A row below the amount.
struct Fact {
    name: &'static str,
    value: String,
    /// Whether it is made of digits that stand together.
    is_number: bool,
}

impl Bill {
    pub(crate) fn new(merchant: &str, is_test: bool, amount: Option<Money>, description: &str) -> Self {
        Self {
            merchant: merchant.to_owned(),
            initial: words::initial(merchant),
            is_test,
            amount: amount.map(words::amount),
            description: description.to_owned(),
            facts: Vec::new(),
        }
    }

    /// The same with another row.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.facts.push(Fact { name, value, is_number: false });
        self
    }

    /// The same with another row of digits that stand together.
    pub(crate) fn with_number(mut self, name: &'static str, value: String) -> Self {
        self.facts.push(Fact { name, value, is_number: true });
        self
    }
}
