//! Requests about customers' cards: tokens, saved cards, and what is kept of the customers themselves.

use super::{Part, Refusal, card::expiry, member::scalar};
use crate::json::Value;
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    ids::InstrumentId,
    instrument::CUSTOMER_MEMBERS,
};
use std::collections::BTreeMap;

/// What a payment is made with.
#[derive(Debug)]
pub enum PaidWith {
    /// A card by its number.
    Card {
        /// The number.
        pan: Pan,
        /// When the card expires; a payout need not say (G-312).
        expiry: Option<Expiry>,
    },
    /// A token of the platform (G-419).
    Token(String),
    /// A card the customer has saved with the project (G-411).
    Saved(InstrumentId),
}

impl PaidWith {
    /// By what the requests of `path` name the card, and its verification value.
    pub(super) fn read(path: &str, body: &Value<'_>) -> Result<(Self, Option<Cvv>), Refusal> {
        let whole = Part::whole(body);
        let name = if path.ends_with("/token") {
            Self::Token(token(whole)?)
        } else if path.ends_with("/saved") {
            Self::Saved(saved_account(whole)?)
        } else {
            let card = Part::of(body, "card");
            return Ok((Self::card(card)?, cvv(card)?));
        };
        Ok((name, cvv(whole)?))
    }

    fn card(card: Part<'_, '_>) -> Result<Self, Refusal> {
        let pan = card.text("pan").ok_or_else(|| card.missing("pan"))?;
        let pan = Pan::parse(pan).map_err(|_| card.invalid("pan"))?;
        Ok(Self::Card { pan, expiry: Some(expiry(card)?) })
    }
}

fn cvv(part: Part<'_, '_>) -> Result<Option<Cvv>, Refusal> {
    part.text("cvv").map(Cvv::parse).transpose().map_err(|_| part.invalid("cvv"))
}

fn token(whole: Part<'_, '_>) -> Result<String, Refusal> {
    whole.owned("token").ok_or_else(|| whole.missing("token"))
}

pub(super) fn saved_account(whole: Part<'_, '_>) -> Result<InstrumentId, Refusal> {
    const MEMBER: &str = "saved_account_id";
    whole.get(MEMBER).ok_or_else(|| whole.missing(MEMBER))?;
    whole.integer(MEMBER).map(InstrumentId::new).ok_or_else(|| whole.invalid(MEMBER))
}

fn customer_id(body: &Value<'_>) -> Result<String, Refusal> {
    let customer = Part::of(body, "customer");
    customer.owned("id").ok_or_else(|| customer.missing("id"))
}

/// `/v2/customer/card/tokenize` (G-417).
#[derive(Debug)]
pub struct Tokenize {
    /// The merchant's identifier of the customer.
    pub customer: Option<String>,
    /// The card's number.
    pub pan: Pan,
    /// When the card expires.
    pub expiry: Expiry,
    /// Name on the card.
    pub holder: Option<String>,
}

impl Tokenize {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// The number is none of a card.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let card = Part::of(body, "card");
        let pan = card.text("pan").ok_or_else(|| card.missing("pan"))?;
        Ok(Self {
            customer: Part::of(body, "customer").filled("id").map(str::to_owned),
            pan: Pan::parse(pan).map_err(|_| card.invalid("pan"))?,
            expiry: expiry(card)?,
            holder: card.owned("card_holder"),
        })
    }
}

/// `/v2/customer/card/bytoken` and `/v2/customer/card/token/revoke`.
#[derive(Debug)]
pub struct AboutToken {
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// The token.
    pub token: String,
}

impl AboutToken {
    /// Reads a body that keeps the contract of one of the paths.
    ///
    /// # Errors
    /// A member is missing.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        Ok(Self { customer: customer_id(body)?, token: token(Part::whole(body))? })
    }
}

/// `/v2/customer/saved_account/list` and `/v2/customer/info`.
#[derive(Debug)]
pub struct AboutCustomer {
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// Of which method the instruments are wanted; the path that has no such member means none.
    pub method: Option<String>,
}

impl AboutCustomer {
    /// Reads a body that keeps the contract of one of the paths.
    ///
    /// # Errors
    /// A member is missing.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        Ok(Self { customer: customer_id(body)?, method: Part::whole(body).owned("payment_method") })
    }
}

/// `/v2/customer/saved_account/delete`.
#[derive(Debug)]
pub struct DeleteSaved {
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// Which saved card.
    pub id: InstrumentId,
}

impl DeleteSaved {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A member is missing, or the identifier is none of the platform's numbers.
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        Ok(Self { customer: customer_id(body)?, id: saved_account(Part::whole(body))? })
    }
}

/// What a body says of its customer that is kept (G-413), by dotted path below `customer`.
pub fn customer_members(body: &Value<'_>) -> BTreeMap<String, String> {
    let Some(customer) = body.get("customer") else { return BTreeMap::new() };
    let value = |path: &str| path.split('.').try_fold(customer, |value, key| value.get(key)).and_then(scalar);
    CUSTOMER_MEMBERS.iter().filter_map(|path| Some(((*path).to_owned(), value(path)?))).collect()
}

/// Whether a body wants its customer's data kept for later.
pub fn keeps_customer(body: &Value<'_>) -> bool {
    let customer = Part::of(body, "customer");
    customer.flag("save") || customer.flag("account_save")
}
