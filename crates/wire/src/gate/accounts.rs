//! Replies about customers' cards and accounts, and about customers (G-408, G-413, G-420).

use crate::view::{date, shown_account};
use ferropay_domain::{
    card::CardSummary,
    ids::{CardKey, ProjectId},
    instrument::{CustomerRecord, Instrument, Means},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// What a customer has left with a project, as far as it is asked for.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// Cards and accounts.
    pub instruments: Vec<Instrument>,
    /// Cards that are debited by series which go on.
    pub with_series: Vec<CardKey>,
    /// What is kept of the customer.
    pub customer: Option<CustomerRecord>,
}

#[derive(Serialize)]
struct Account<'a> {
    id: i64,
    number: Cow<'a, str>,
    r#type: &'a str,
    additional: Additional<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_deposit_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_payout_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_tokenize_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    operation_type: Vec<&'static str>,
}

#[derive(Serialize)]
struct Additional<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Card<'a>>,
    recurring_enable: bool,
}

#[derive(Serialize)]
struct Card<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'a str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_name: Option<&'a str>,
}

impl<'a> Card<'a> {
    fn of(card: &'a CardSummary) -> Self {
        Self {
            expiry: card.expiry.map(|it| format!("{:02}/{:02}", it.month, it.year.rem_euclid(100))),
            holder: card.holder.as_deref(),
            r#type: card.network.code(),
            country: card.country.map(|country| country.to_string()),
            product_name: card.issue().and_then(|issue| issue.product.as_deref()),
            bank_name: card.issue().and_then(|issue| issue.issuer.as_deref()),
        }
    }
}

impl<'a> Account<'a> {
    fn of(instrument: &'a Instrument, holdings: &'a Holdings) -> Self {
        let customer = holdings.customer.as_ref();
        let said = |key: &str| customer?.members.get(key).map(String::as_str);
        // What can be debited again: a card of a series that goes on, a wallet that was agreed upon.
        let (number, r#type, card, recurring_enable) = match &instrument.means {
            Means::Card(it) => (
                Cow::Borrowed(it.masked.as_str()),
                "card",
                Some(Card::of(it)),
                holdings.with_series.contains(&it.key),
            ),
            Means::Account(it) => {
                (shown_account(&it.number), it.method.get().callback_name(), None, it.consent.is_some())
            }
        };
        let done = [
            (instrument.last_deposit, "sale"),
            (instrument.last_payout, "payout"),
            (instrument.last_tokenize, "tokenize"),
        ];
        Self {
            id: instrument.id.get(),
            number,
            r#type,
            additional: Additional {
                country: said("country"),
                phone: said("phone"),
                email: said("email"),
                card,
                recurring_enable,
            },
            last_deposit_date: instrument.last_deposit.map(date),
            last_payout_date: instrument.last_payout.map(date),
            last_tokenize_date: instrument.last_tokenize.map(date),
            token: instrument.active_token().map(|token| token.text.as_str()),
            operation_type: done.into_iter().filter_map(|(at, kind)| at.map(|_| kind)).collect(),
        }
    }
}

/// The unsigned reply to `/v2/customer/card/bytoken`; the signature goes to the root (D-36).
pub fn account_of_token(holdings: &Holdings) -> String {
    json!({ "account": holdings.instruments.first().map(|it| Account::of(it, holdings)) }).to_string()
}

/// The unsigned reply to `/v2/customer/saved_account/list`; the signature goes to the root.
pub fn saved_accounts(holdings: &Holdings) -> String {
    let accounts: Vec<_> = holdings.instruments.iter().map(|it| Account::of(it, holdings)).collect();
    json!({ "accounts": accounts }).to_string()
}

/// The reply to `/v2/customer/saved_account/delete`.
pub fn saved_account_deleted() -> String {
    json!({ "status": "success", "message": "The payment instrument has been removed" }).to_string()
}

/// The unsigned reply to `/v2/customer/info`; the signature goes to the root.
pub fn customer_info(project: ProjectId, customer: &CustomerRecord) -> String {
    let mut members = Map::new();
    let mut billing = Map::new();
    for (path, value) in &customer.members {
        match path.strip_prefix("billing.") {
            Some(key) => billing.insert(key.to_owned(), value.as_str().into()),
            None => members.insert(path.clone(), value.as_str().into()),
        };
    }
    if !billing.is_empty() {
        members.insert("billing".to_owned(), Value::Object(billing));
    }
    // The contract demands an address in every reply: the unspecified one where nobody has said it.
    members.entry("ip_address").or_insert_with(|| "0.0.0.0".into());
    members.insert("id".to_owned(), customer.id.as_str().into());
    members.insert("project_id".to_owned(), project.get().into());
    members.insert("created_at".to_owned(), date(customer.created_at).into());
    json!({ "customer": members }).to_string()
}
