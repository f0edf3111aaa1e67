//! What merchants ask for by payment methods other than cards, and what customers do about it.

use crate::{
    asking::{Asked, Kind},
    bodies::{self, amount, currency, customer, name, object},
    cast::Merchant,
    device_wallets,
    life::Life,
    subscriptions,
    world::World,
};
use ferropay_domain::{
    ids::{AttemptId, OperationId},
    instrument::Instrument,
    method::{Family, MethodRef},
    payment::{Operation, Payment},
};
use ferropay_engine::{Failure, support::settle_other_amount};
use ferropay_wire::contract::Contract;
use serde_json::json;
use std::sync::atomic::Ordering;

/// Methods of each family, and what merchants ask of each.
const METHODS: [(&str, &[&str]); 6] = [
    ("wallet/paypal", &["sale", "sale", "auth", "payout"]),
    ("bancontact", &["sale"]),
    ("blik", &["sale"]),
    ("pix", &["sale", "payout"]),
    ("sepa", &["sale", "contract/registration"]),
    ("wallet/neteller", &["sale", "auth", "payout"]),
];

/// What `step` of a method is asked for as; none when it has no such endpoint.
pub(crate) fn kind_of(method: MethodRef, step: &str) -> Option<Kind> {
    let steps = method.get().paths().next()?;
    Contract::gate().path_of(&format!("/v2/payment/{steps}/{step}"))?;
    let (name, method, ask) = MethodRef::endpoint(&format!("payment/{steps}/{step}"))?;
    Some(Kind::ByMethod(name, method, ask))
}

/// The same of a payment by a method or a wallet; of a card, none.
pub(crate) fn kind_about(payment: Option<&Payment>, step: &str) -> Option<Kind> {
    let payment = payment?;
    match payment.detail.wallet {
        Some(wallet) => device_wallets::kind_of(wallet, step),
        None => kind_of(payment.method()?, step),
    }
}

/// A purchase, a payout or an agreement.
pub(crate) fn payment(world: &World, merchant: &Merchant) -> Option<Asked> {
    let (code, steps) = world.dice.pick(&METHODS)?;
    let step = world.dice.pick(steps)?;
    let kind = kind_of(MethodRef::of_code(code)?, step)?;
    Some(asked(world, merchant, kind, |body, world| {
        if world.dice.chance(35) || *code == "sepa" {
            body.insert("recurring".to_owned(), subscriptions::registration(world, merchant));
        }
    }))
}

/// A purchase at one click: from some saved account, mostly of the merchant's own.
pub(crate) fn one_click(world: &World, merchant: &Merchant) -> Option<Asked> {
    let account: Instrument = {
        let seen = world.seen.lock();
        let saved: Vec<&Instrument> = seen
            .instruments
            .values()
            .filter(|it| it.project == merchant.id && it.account().is_some() && it.is_saved())
            .collect();
        world.dice.pick(&saved).map(|it| (*it).clone())?
    };
    let kind = kind_of(account.account()?.method, "sale/1click")?;
    Some(asked(world, merchant, kind, |body, world| {
        body.remove("account");
        body.insert("saved_account_id".to_owned(), account.id.get().into());
        let known = body.get_mut("customer").and_then(|it| it.as_object_mut());
        if let (Some(customer), true) = (known, world.dice.chance(95)) {
            customer.insert("id".to_owned(), account.customer.as_str().into());
        }
    }))
}

fn asked(
    world: &World,
    merchant: &Merchant,
    kind: Kind,
    more: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>, &World),
) -> Asked {
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    let taken = next > 0 && world.dice.chance(4);
    let payment = name(merchant, if taken { world.dice.amount(0, next - 1) } else { next });
    let mut who = customer(world);
    if world.dice.chance(30) {
        who.insert("account_save".to_owned(), true.into());
    }
    let number = format!("owner-{}", world.dice.between(1, 9));
    let mut body = object(json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "customer": who,
        "payment": {"amount": amount(world), "currency": currency(world, merchant)},
        "account": {"number": number},
        "return_url": {"success": "http://shop.example/paid", "decline": "http://shop.example/not"},
    }));
    more(&mut body, world);
    bodies::asked(merchant, kind, payment, &body.into())
}

/// The customer of an operation that waits goes to the provider, decides there or does not, and comes back or does not.
pub(crate) fn visit(life: &Life, operation: &Operation) {
    let (world, engine) = (life.world.clone(), life.engine.clone());
    let newest = {
        let seen = world.seen.lock();
        let of_it = seen.attempts.values().filter(|it| it.id.operation == operation.id);
        of_it.max_by_key(|it| it.id.number).map(|it| (it.id, it.account))
    };
    let Some((attempt, account)) = newest else { return };
    let Some(provider) = world.methods.iter().find(|it| it.number() == account) else { return };
    let Some(back) = provider.visited(&world, attempt) else { return };
    if world.dice.chance(60) {
        return;
    }
    tokio::spawn(async move {
        let Some((_, ticket)) = back.split_once("/return/") else {
            return world.finding(format!("customers come back to {back}"));
        };
        let standing = engine.customer_returned(ticket).await;
        world.note(format_args!("the customer comes back: {standing:?}"));
        if matches!(standing, Ok(None)) {
            world.finding(format!("the way back {back} leads nowhere"));
        }
    });
}

/// A customer takes back, at the provider, what was agreed to there.
pub(crate) fn revoke(world: &World) {
    let agreed: Vec<(AttemptId, Family)> = {
        let seen = world.seen.lock();
        let agreements = seen.series.values().filter_map(|it| it.detail.agreement.as_deref());
        agreements.map(|it| (it.attempt, it.method.family)).collect()
    };
    let Some((attempt, family)) = world.dice.pick(&agreed) else { return };
    world.note(format_args!("a customer takes back what was agreed to ({})", family.text()));
    for provider in &world.methods {
        provider.revoke(*attempt);
    }
}

/// Support decides about purchases whose customers paid another amount than was asked for.
pub(crate) fn decide_amounts(life: &Life) {
    let waiting: Vec<OperationId> = {
        let seen = life.world.seen.lock();
        let waits = |it: &&Operation| it.detail.paid_otherwise.is_some();
        seen.operations.values().filter(waits).map(|it| it.id).collect()
    };
    for operation in waiting {
        let (world, store, vault) = (life.world.clone(), life.watched(), life.vault.clone());
        let accept = world.dice.chance(50);
        tokio::spawn(async move {
            let (clock, entropy) = (world.clock.clone(), world.entropy.clone());
            let decided = settle_other_amount(&store, &vault, clock, entropy, operation, accept).await;
            world.note(format_args!("what was paid of {operation} is decided ({accept}): {decided:?}"));
            if !matches!(decided, Ok(_) | Err(Failure::Store(_) | Failure::Busy)) {
                world.finding(format!("what was paid of {operation} cannot be decided: {decided:?}"));
            }
        });
    }
}
