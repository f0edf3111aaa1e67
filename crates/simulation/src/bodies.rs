//! Making requests up: mostly sensible ones, some nonsense.

use crate::{
    asking::{Asked, Kind},
    by_method,
    cast::Merchant,
    subscriptions,
    world::World,
};
use ferropay_domain::payment::{OperationKind, Payment, PaymentStatus};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

/// Documented test cards.
pub(crate) const CARDS: [&str; 6] = [
    "4000000000000077",
    "4314220000000056",
    "4242424242424242",
    "5126160000356675",
    "5413330000000019",
    "5544330000000045",
];

pub(crate) fn currency(world: &World, merchant: &Merchant) -> &'static str {
    if world.dice.chance(3) { "GBP" } else { world.dice.pick(merchant.currencies).copied().unwrap_or("EUR") }
}

pub(crate) fn amount(world: &World) -> i64 {
    match world.dice.between(1, 20) {
        1 => 1,
        2 => world.dice.amount(1, 150),
        3 => world.dice.amount(1_000_000, 1_000_000_000),
        _ => world.dice.amount(100, 20_000),
    }
}

pub(crate) fn object(members: Value) -> Map<String, Value> {
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A purchase in one step or two, or the verification of a card: of a new payment, or of a name that is taken.
pub(crate) fn card(world: &World, merchant: &Merchant) -> Asked {
    let kinds =
        [(55, OperationKind::Sale), (35, OperationKind::Auth), (10, OperationKind::AccountVerification)];
    let kind = world.dice.weighted(&kinds, OperationKind::Sale);
    let amount = if kind == OperationKind::AccountVerification { 0 } else { amount(world) };
    let (payment, body) = new_purchase(world, merchant, (amount, currency(world, merchant)));
    asked(merchant, Kind::Card(kind), payment, &body)
}

/// A request for a purchase by card: the payment's name, mostly a new one, and the body.
pub(crate) fn new_purchase(world: &World, merchant: &Merchant, sum: (i64, &str)) -> (String, Value) {
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    let mut payment = name(merchant, next);
    if next > 0 && world.dice.chance(4) {
        payment = name(merchant, world.dice.amount(0, next - 1));
        if world.dice.chance(50) {
            payment = payment.to_uppercase();
        }
    }
    let mut general = object(json!({"project_id": merchant.id.get(), "payment_id": payment}));
    if world.dice.chance(5) {
        general.insert("merchant_callback_url".to_owned(), format!("http://own.example/{payment}").into());
    }
    let body = purchase(world, merchant, &general, sum);
    (payment, body)
}

/// A customer whose purchase failed tries again; seldom another amount, or something else.
pub(crate) fn again(world: &World, merchant: &Merchant) -> Option<Asked> {
    let waits = |payment: &Payment| payment.status == PaymentStatus::AwaitingCustomer;
    let (payment, chosen) = about(world, merchant, waits)?;
    let chosen = chosen?;
    let kind = chosen.detail.attempts.as_deref().map_or(OperationKind::Sale, |attempts| attempts.kind);
    let kind = if world.dice.chance(3) { OperationKind::Auth } else { kind };
    let amount = chosen.requested.saturating_add(i64::from(world.dice.chance(3)));
    let general = object(json!({"project_id": merchant.id.get(), "payment_id": payment}));
    let body = purchase(world, merchant, &general, (amount, chosen.currency.code()));
    Some(asked(merchant, Kind::Card(kind), payment, &body))
}

/// What a request for a purchase says besides its name.
fn purchase(
    world: &World,
    merchant: &Merchant,
    general: &Map<String, Value>,
    (amount, currency): (i64, &str),
) -> Value {
    let mut pays = object(json!({"amount": amount, "currency": currency}));
    if world.dice.chance(40) {
        pays.insert("allow_partial_approval".to_owned(), true.into());
    }
    let mut body = json!({
        "general": general, "card": card_data(world), "customer": customer(world), "payment": pays,
    });
    if let Some(body) = body.as_object_mut()
        && world.dice.chance(50)
    {
        let addresses = json!({
            "return_url": "http://shop.example/back", "3ds_notification_url": "http://shop.example/seen",
        });
        body.insert("acs_return_url".to_owned(), addresses);
    }
    if let Some(body) = body.as_object_mut()
        && world.dice.chance(35)
    {
        body.insert("recurring".to_owned(), subscriptions::registration(world, merchant));
        if let (Some(card), true) =
            (body.get_mut("card").and_then(Value::as_object_mut), world.dice.chance(30))
        {
            // It expires before the series is over.
            card.insert("year".to_owned(), 2026.into());
            card.insert("month".to_owned(), world.dice.between(3, 6).into());
        }
    }
    add_callback(world, &mut body);
    body
}

/// A payout to a card: a new payment, or one of a name that is taken.
pub(crate) fn payout(world: &World, merchant: &Merchant) -> Asked {
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    let taken = next > 0 && world.dice.chance(4);
    let payment = name(merchant, if taken { world.dice.amount(0, next - 1) } else { next });
    let mut card = object(json!({"pan": world.dice.pick(&CARDS).copied().unwrap_or("4242424242424242")}));
    if world.dice.chance(20) {
        card.insert("year".to_owned(), if world.dice.chance(5) { 2020 } else { 2030 }.into());
        card.insert("month".to_owned(), world.dice.between(1, 12).into());
    }
    let mut who = customer(world);
    for member in ["first_name", "last_name"] {
        if world.dice.chance(80) {
            who.insert(member.to_owned(), "Judy".into());
        }
    }
    let mut sender = Map::new();
    if world.dice.chance(95) {
        sender.insert("day_of_birth".to_owned(), "05-06-1981".into());
    }
    let mut body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "card": card, "customer": who,
        "payment": {"amount": amount(world), "currency": currency(world, merchant)}, "sender": sender,
    });
    add_callback(world, &mut body);
    asked(merchant, Kind::Payout(world.dice.chance(20)), payment, &body)
}

fn card_data(world: &World) -> Map<String, Value> {
    let mut card = object(json!({
        "pan": world.dice.pick(&CARDS).copied().unwrap_or("4000000000000077"),
        "year": 2030, "month": world.dice.between(1, 12), "card_holder": "JOHN SMITH",
    }));
    if !world.dice.chance(3) {
        card.insert("cvv".to_owned(), "123".into());
    }
    if world.dice.chance(2) {
        card.insert("year".to_owned(), 2020.into());
    }
    if world.dice.chance(40) {
        card.insert("save".to_owned(), true.into());
    }
    card
}

pub(crate) fn customer(world: &World) -> Map<String, Value> {
    let mut customer = object(json!({"ip_address": "192.0.2.1"}));
    if !world.dice.chance(5) {
        customer.insert("id".to_owned(), format!("c{}", world.dice.between(1, 9)).into());
    }
    if world.dice.chance(70) {
        customer.insert("phone".to_owned(), "4915100000".into());
    }
    if world.dice.chance(70) {
        customer.insert("email".to_owned(), "john@example.com".into());
    }
    customer
}

/// The second step of a purchase: of one that waits for it, when there is one and nonsense is not wanted.
pub(crate) fn second_step(world: &World, merchant: &Merchant) -> Option<Asked> {
    let kinds = [(45, OperationKind::Capture), (30, OperationKind::Cancel), (25, OperationKind::Incremental)];
    let kind = world.dice.weighted(&kinds, OperationKind::Capture);
    let is_held = |payment: &Payment| payment.status == PaymentStatus::AwaitingCapture;
    let (payment, chosen) = about(world, merchant, is_held)?;
    let held = chosen.as_ref().map_or(1_000, |payment| payment.held.max(1));
    let amount = match world.dice.between(1, 10) {
        1..=3 if kind != OperationKind::Incremental => None,
        1..=5 => Some(world.dice.amount(1, held)),
        6 => Some(held),
        7..=9 => Some(world.dice.amount(1, held.saturating_div(10).max(1))),
        _ => Some(held.saturating_add(world.dice.amount(1, held))),
    };
    let mut pays = Map::new();
    add_amount(world, &mut pays, amount, chosen.as_ref());
    let mut general = object(json!({"project_id": merchant.id.get(), "payment_id": payment}));
    if world.dice.chance(20) {
        general.insert("note".to_owned(), world.dice.between(1, 1_000).into());
    }
    let mut body = json!({"general": general, "payment": pays});
    add_data(world, &mut body);
    add_callback(world, &mut body);
    let step = if kind == OperationKind::Capture { "capture" } else { "cancel" };
    let by_method = by_method::kind_about(chosen.as_ref(), step);
    let by_method = by_method.filter(|_| kind != OperationKind::Incremental);
    Some(asked(merchant, by_method.unwrap_or(Kind::SecondStep(kind)), payment, &body))
}

/// A refund: of a payment that can be refunded, when one is at hand and nonsense is not wanted.
pub(crate) fn refund(world: &World, merchant: &Merchant) -> Option<Asked> {
    // What a schedule brings is rarer.
    let scheduled = world.dice.chance(25);
    let goes_on = |it: &Payment| it.status == PaymentStatus::ScheduledRecurringProcessing;
    let may = |payment: &Payment| {
        let fits = !scheduled || goes_on(payment);
        payment.returnable() > 0 && payment.status != PaymentStatus::Processing && fits
    };
    let (payment, chosen) = about(world, merchant, may)?;
    let left = chosen.as_ref().map_or(1_000, |payment| payment.returnable().max(1));
    let amount = match world.dice.between(1, 10) {
        1..=3 => None,
        4..=7 => Some(world.dice.amount(1, left)),
        8 => Some(left),
        9 => Some(left.saturating_add(1)),
        _ => Some(world.dice.amount(1, left.saturating_mul(2))),
    };
    let mut asks = object(json!({"description": "returned"}));
    add_amount(world, &mut asks, amount, chosen.as_ref());
    if world.dice.chance(20) {
        asks.insert("merchant_refund_id".to_owned(), format!("r{}", world.dice.between(1, 40)).into());
    }
    let mut body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "payment": asks,
    });
    add_data(world, &mut body);
    add_callback(world, &mut body);
    let by_method = by_method::kind_about(chosen.as_ref(), "refund");
    Some(asked(merchant, by_method.unwrap_or(Kind::Refund), payment, &body))
}

/// Some payment of the merchant that `may` hold of, mostly; else some name. With its state, when it is known.
pub(crate) fn about(
    world: &World,
    merchant: &Merchant,
    may: impl Fn(&Payment) -> bool,
) -> Option<(String, Option<Payment>)> {
    let chosen = if world.dice.chance(88) {
        let seen = world.seen.lock();
        let payments: Vec<&Payment> =
            seen.payments.values().filter(|it| it.project == merchant.id && may(it)).collect();
        world.dice.pick(&payments).map(|payment| (*payment).clone())
    } else {
        None
    };
    if let Some(payment) = chosen {
        return Some((payment.id.as_str().to_owned(), Some(payment)));
    }
    let all = merchant.names.load(Ordering::SeqCst);
    (all > 0).then(|| (name(merchant, world.dice.amount(0, all)), None))
}

/// A merchant's name for its payment of this number.
pub(crate) fn name(merchant: &Merchant, number: i64) -> String {
    format!("p{}-{number}", merchant.id)
}

fn add_amount(world: &World, to: &mut Map<String, Value>, amount: Option<i64>, payment: Option<&Payment>) {
    let own = payment.map_or("EUR", |payment| payment.currency.code());
    if let Some(amount) = amount {
        let currency = if world.dice.chance(4) { "GBP" } else { own };
        to.insert("amount".to_owned(), amount.into());
        to.insert("currency".to_owned(), currency.into());
    }
}

/// Data that some channels demand.
fn add_data(world: &World, body: &mut Value) {
    if let Some(body) = body.as_object_mut()
        && world.dice.chance(60)
    {
        let mut customer = customer(world);
        customer.remove("id");
        body.insert("customer".to_owned(), customer.into());
    }
}

fn add_callback(world: &World, body: &mut Value) {
    let callback = match world.dice.between(1, 20) {
        1 => json!({"force_disable": true}),
        2 => json!({"delay": world.dice.between(1, 600)}),
        _ => return,
    };
    if let Some(body) = body.as_object_mut() {
        body.insert("callback".to_owned(), callback);
    }
}

/// A request of a merchant about one of its payments.
pub(crate) fn asked(merchant: &Merchant, kind: Kind, payment: String, body: &Value) -> Asked {
    Asked { project: merchant.id, kind, payment, body: body.to_string(), accepted: Vec::new() }
}
