//! Cards that customers have left with a merchant: saved ones and tokens, paid with, paid to, and given up.

use crate::{
    actions,
    asking::{Asked, Kind},
    bodies::{self, amount, currency, customer, name, object},
    cast::Merchant,
    life::Life,
    world::World,
};
use ferropay_domain::{
    instrument::Instrument,
    payment::{OperationKind, PaymentStatus},
};
use ferropay_engine::intake::Origin;
use ferropay_wire::gate::DeleteSaved;
use serde_json::json;
use std::sync::atomic::Ordering;

/// What can be asked for by a token or a saved card, and where.
const PATHS: [(OperationKind, &str); 6] = [
    (OperationKind::Sale, "payment/card/sale/token"),
    (OperationKind::Sale, "payment/card/sale/saved"),
    (OperationKind::Auth, "payment/card/auth/token"),
    (OperationKind::Auth, "payment/card/auth/saved"),
    (OperationKind::AccountVerification, "payment/card/account_verification/token"),
    (OperationKind::Payout, "payment/card/payout/token"),
];

/// Some card that a customer of the merchant has left, in whatever state.
fn left_with(world: &World, merchant: &Merchant) -> Option<Instrument> {
    let seen = world.seen.lock();
    let all = seen.instruments.values().filter(|it| it.project == merchant.id && it.card().is_some());
    world.dice.pick(&all.collect::<Vec<_>>()).map(|it| (*it).clone())
}

/// A purchase, a verification or a payout; at times as another attempt of a customer whose purchase failed.
pub(crate) fn payment(world: &World, merchant: &Merchant) -> Option<Asked> {
    let (kind, path) = *world.dice.pick(&PATHS)?;
    let card = left_with(world, merchant)?;
    let failed = {
        let seen = world.seen.lock();
        let waits = seen
            .payments
            .values()
            .filter(|it| it.project == merchant.id && it.status == PaymentStatus::AwaitingCustomer)
            .map(|it| (it.id.as_str().to_owned(), (it.requested, it.currency.code().to_owned())));
        let waits: Vec<_> = waits.collect();
        world.dice.chance(30).then(|| world.dice.pick(&waits).cloned()).flatten()
    };
    let (payment, (minor, currency)) = failed.unwrap_or_else(|| {
        let next = merchant.names.fetch_add(1, Ordering::SeqCst);
        (name(merchant, next), (amount(world), currency(world, merchant).to_owned()))
    });
    let minor = if kind == OperationKind::AccountVerification { 0 } else { minor };
    let mut who = customer(world);
    if world.dice.chance(95) {
        who.insert("id".to_owned(), card.customer.as_str().into());
    }
    let mut body = object(json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "customer": who,
        "payment": {"amount": minor, "currency": currency},
    }));
    if path.ends_with("/token") {
        let token = card.token.as_ref().map_or("0123456789abcdef", |token| token.text.as_str());
        body.insert("token".to_owned(), token.into());
    } else {
        body.insert("saved_account_id".to_owned(), card.id.get().into());
    }
    if kind != OperationKind::Payout {
        body.insert("cvv".to_owned(), "123".into());
    }
    Some(bodies::asked(merchant, Kind::Named(kind, path), payment, &body.into()))
}

/// A customer gives a saved card up, whatever is being paid with it at the moment.
pub(crate) fn give_up(life: &Life) {
    let world = life.world.clone();
    let Some(merchant) = actions::any(&world) else { return };
    let Some(card) = left_with(&world, merchant) else { return };
    let engine = life.engine.clone();
    let Some(project) = engine.projects().get(merchant.id) else { return };
    let nonce = world.dice.between(1, u64::MAX / 2).to_string();
    tokio::spawn(async move {
        let request = DeleteSaved { customer: card.customer, id: card.id };
        let path = "customer/saved_account/delete";
        let origin = Origin { path, signature: &nonce, content: &nonce, fault_plan: None };
        let deleted = engine.delete_saved(&project, &request, origin).await;
        world.note(format_args!("saved card {} is given up: {deleted:?}", card.id.get()));
    });
}
