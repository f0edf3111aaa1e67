//! Making requests up: mostly sensible ones, some nonsense.

use crate::{
    asking::{Asked, Kind},
    cast::Merchant,
    world::World,
};
use ferropay_domain::payment::{Payment, PaymentStatus};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

/// Documented test cards.
const CARDS: [&str; 6] = [
    "4000000000000077",
    "4314220000000056",
    "4242424242424242",
    "5126160000356675",
    "5413330000000019",
    "5544330000000045",
];

fn currency(world: &World, merchant: &Merchant) -> &'static str {
    if world.dice.chance(3) { "GBP" } else { world.dice.pick(merchant.currencies).copied().unwrap_or("EUR") }
}

fn amount(world: &World) -> i64 {
    match world.dice.between(1, 20) {
        1 => 1,
        2 => world.dice.amount(1, 150),
        3 => world.dice.amount(1_000_000, 1_000_000_000),
        _ => world.dice.amount(100, 20_000),
    }
}

fn callback(world: &World) -> Option<Value> {
    match world.dice.between(1, 20) {
        1 => Some(json!({"force_disable": true})),
        2 => Some(json!({"delay": world.dice.between(1, 600)})),
        _ => None,
    }
}

/// A sale, of a new payment or of a name that is taken.
pub(crate) fn sale(world: &World, merchant: &Merchant) -> Asked {
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    let mut payment = name(merchant, next);
    if next > 0 && world.dice.chance(4) {
        payment = name(merchant, world.dice.amount(0, next - 1));
        if world.dice.chance(50) {
            payment = payment.to_uppercase();
        }
    }
    let mut general = Map::new();
    general.insert("project_id".to_owned(), merchant.id.get().into());
    general.insert("payment_id".to_owned(), payment.clone().into());
    if world.dice.chance(5) {
        general.insert("merchant_callback_url".to_owned(), format!("http://own.example/{payment}").into());
    }
    let mut card = json!({
        "pan": world.dice.pick(&CARDS).copied().unwrap_or("4000000000000077"),
        "year": 2030, "month": world.dice.between(1, 12), "card_holder": "JOHN SMITH",
    });
    if let Some(card) = card.as_object_mut() {
        if !world.dice.chance(3) {
            card.insert("cvv".to_owned(), "123".into());
        }
        if world.dice.chance(2) {
            card.insert("year".to_owned(), 2020.into());
        }
    }
    let mut customer = json!({"ip_address": "192.0.2.1"});
    if let Some(customer) = customer.as_object_mut()
        && !world.dice.chance(5)
    {
        customer.insert("id".to_owned(), format!("c{}", world.dice.between(1, 9)).into());
    }
    let mut body = json!({
        "general": general, "card": card, "customer": customer,
        "payment": {"amount": amount(world), "currency": currency(world, merchant)},
    });
    add_callback(world, &mut body);
    asked(merchant, Kind::Sale, payment, &body)
}

/// A refund: of a payment that can be refunded, when one is at hand and nonsense is not wanted.
pub(crate) fn refund(world: &World, merchant: &Merchant) -> Option<Asked> {
    let all = merchant.names.load(Ordering::SeqCst);
    let chosen = if world.dice.chance(85) { refundable(world, merchant) } else { None };
    let payment = match &chosen {
        Some(payment) => payment.id.as_str().to_owned(),
        None if all > 0 => name(merchant, world.dice.amount(0, all)),
        None => return None,
    };
    let left = chosen.as_ref().map_or(1_000, |payment| payment.returnable().max(1));
    let own = chosen.as_ref().map_or("EUR", |payment| payment.currency.code());
    let mut asks = json!({"description": "returned"});
    let amount = match world.dice.between(1, 10) {
        1..=3 => None,
        4..=7 => Some(world.dice.amount(1, left)),
        8 => Some(left),
        9 => Some(left.saturating_add(1)),
        _ => Some(world.dice.amount(1, left.saturating_mul(2))),
    };
    if let (Some(amount), Some(asks)) = (amount, asks.as_object_mut()) {
        let currency = if world.dice.chance(4) { "GBP" } else { own };
        asks.insert("amount".to_owned(), amount.into());
        asks.insert("currency".to_owned(), currency.into());
    }
    if let Some(asks) = asks.as_object_mut()
        && world.dice.chance(20)
    {
        let id = format!("r{}", world.dice.between(1, 40));
        asks.insert("merchant_refund_id".to_owned(), id.into());
    }
    let mut body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "payment": asks,
    });
    add_callback(world, &mut body);
    Some(asked(merchant, Kind::Refund, payment, &body))
}

/// Some payment that has something left to return.
fn refundable(world: &World, merchant: &Merchant) -> Option<Payment> {
    let may = |payment: &&Payment| {
        payment.project == merchant.id
            && payment.returnable() > 0
            && payment.status != PaymentStatus::Processing
    };
    let seen = world.seen.lock();
    let payments: Vec<&Payment> = seen.payments.values().filter(may).collect();
    world.dice.pick(&payments).map(|payment| (*payment).clone())
}

/// A merchant's name for its payment of this number.
fn name(merchant: &Merchant, number: i64) -> String {
    format!("p{}-{number}", merchant.id)
}

fn add_callback(world: &World, body: &mut Value) {
    if let (Some(callback), Some(body)) = (callback(world), body.as_object_mut()) {
        body.insert("callback".to_owned(), callback);
    }
}

fn asked(merchant: &Merchant, kind: Kind, payment: String, body: &Value) -> Asked {
    Asked { project: merchant.id, kind, payment, body: body.to_string(), accepted: Vec::new() }
}
