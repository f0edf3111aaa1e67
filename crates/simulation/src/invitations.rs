//! What somebody else than the merchant is invited to complete: payment links that customers pay by, and payouts whose
//! recipients give the card.

use crate::{
    asking::{Asked, Kind},
    bodies::{self, CARDS, amount, currency, customer, name},
    cast::Merchant,
    life::Life,
    mailbox,
    world::World,
};
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    money::Money,
    payment::{LinkState, Operation, Payment, PaymentKind, PaymentStatus},
};
use ferropay_engine::{
    Failure,
    links::{LinkCard, LinkNumber, LinkPaid},
    payout_registration::{PayoutConfirmed, PayoutOpening, Recipient},
};
use serde_json::json;
use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

fn new_name(world: &World, merchant: &Merchant) -> String {
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    name(merchant, if world.dice.chance(4) { world.dice.amount(0, next) } else { next })
}

/// A payment link.
pub(crate) fn link(world: &World, merchant: &Merchant) -> Asked {
    let payment = new_name(world, merchant);
    let hours = world.dice.between(1, 24 * 20);
    let until = world.business(merchant.id).plus(Duration::from_hours(hours)).civil();
    let mut who = customer(world);
    who.entry("id").or_insert_with(|| "c1".into());
    who.insert("email".to_owned(), "john@example.com".into());
    let pays = world.dice.weighted(&[(60, "sale"), (35, "auth"), (5, "contract registration")], "sale");
    let body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "customer": who,
        "payment": {
            "amount": amount(world), "currency": currency(world, merchant),
            "best_before": until.map(|until| until.to_string()).unwrap_or_default(),
        },
        "operation_type": pays, "send_email": world.dice.chance(60),
    });
    bodies::asked(merchant, Kind::CreateLink, payment, &body)
}

/// The merchant withdraws a link, mostly one that is open.
pub(crate) fn withdrawal(world: &World, merchant: &Merchant) -> Option<Asked> {
    let is_open = |payment: &Payment| payment.status.is_payable();
    let is_link = |payment: &Payment| payment.kind == PaymentKind::Invoice;
    let open = world.dice.chance(80);
    let (payment, _) = bodies::about(world, merchant, |it| is_link(it) && (!open || is_open(it)))?;
    let body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment},
        "note": world.dice.between(1, 1_000),
    });
    Some(bodies::asked(merchant, Kind::CancelLink, payment, &body))
}

/// A payout that its recipient is to confirm.
pub(crate) fn registration(world: &World, merchant: &Merchant) -> Asked {
    let payment = new_name(world, merchant);
    let mut who = customer(world);
    who.entry("id").or_insert_with(|| "c1".into());
    // One address each, so that the mails are told apart.
    who.insert("email".to_owned(), format!("{payment}@example.com").into());
    let body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "customer": who,
        "payment": {"amount": amount(world), "currency": currency(world, merchant)},
    });
    bodies::asked(merchant, Kind::RegisterPayout, payment, &body)
}

fn pan(world: &World) -> Option<Pan> {
    Pan::parse(world.dice.pick(&CARDS).copied()?).ok()
}

/// A customer opens a link, and perhaps pays by it.
pub(crate) fn visit_link(life: &Life) {
    let (world, engine) = (life.world.clone(), life.engine.clone());
    let chosen = {
        let seen = world.seen.lock();
        let links: Vec<&Payment> = seen.payments.values().filter(|it| it.detail.link.is_some()).collect();
        let awaited = |it: &Payment| it.status.is_payable() || it.status == PaymentStatus::AwaitingCustomer;
        let open: Vec<&Payment> = links.iter().copied().filter(|it| awaited(it)).collect();
        let from = if world.dice.chance(90) { open } else { links };
        world.dice.pick(&from).map(|it| (*it).clone())
    };
    let Some(payment) = chosen else { return };
    let Some(token) = payment.detail.link.as_deref().map(|link| link.token.clone()) else { return };
    let Some(pan) = pan(&world) else { return };
    let twice = world.dice.chance(15);
    let card = LinkCard {
        number: Some(LinkNumber {
            pan,
            expiry: Expiry { year: 2030, month: 12 },
            holder: Some("JOHN SMITH".to_owned()),
        }),
        cvv: if world.dice.chance(95) { Cvv::parse("123").ok() } else { None },
        browser: BTreeMap::new(),
        given: [("customer.phone", "4915100000"), ("customer.ip_address", "192.0.2.7")]
            .into_iter()
            .filter(|_| world.dice.chance(80))
            .map(|(path, value)| (path.to_owned(), value.to_owned()))
            .collect(),
    };
    for _ in 0..=u8::from(twice) {
        let (world, engine, token) = (world.clone(), engine.clone(), token.clone());
        let (card, payment) = (card.clone(), payment.clone());
        tokio::spawn(async move {
            let name = &payment.id;
            match engine.pay_link(&token, card).await {
                Ok(paid) => {
                    world.note(format_args!("a customer pays by the link of {name}: {paid:?}"));
                    let now = world.seen.lock().payments.get(&payment.key).cloned();
                    let begun = now.is_some_and(|now| !now.status.is_payable());
                    match paid {
                        Some(LinkPaid::Begun) if !begun => {
                            world.finding(format!("the link of {name} is paid by, and nothing is durable"));
                        }
                        Some(LinkPaid::Unpayable(LinkState::Open | LinkState::Again)) => {
                            world.finding(format!("the link of {name} is open and cannot be paid by"));
                        }
                        Some(_) => {}
                        None => world.finding(format!("the link of {name} is not known")),
                    }
                }
                Err(Failure::Store(_) | Failure::Busy | Failure::Draining | Failure::Overloaded) => {}
                Err(error) => world.finding(format!("the link of {name} cannot be paid by: {error}")),
            }
        });
    }
}

/// The recipient of a registered payout confirms it, with the code of the mail or another one.
pub(crate) fn confirm(life: &Life, operation: &Operation) {
    let (world, engine) = (life.world.clone(), life.engine.clone());
    let Some(payment) = world.seen.lock().payments.get(&operation.payment).cloned() else { return };
    let Some(registration) = payment.detail.registration.as_deref().cloned() else { return };
    let (Some(customer_id), Some(email)) =
        (payment.detail.customer.id.clone(), payment.detail.customer.email.clone())
    else {
        return;
    };
    let right = mailbox::code_for(&world, &email).filter(|_| world.dice.chance(80));
    let is_right = right.is_some();
    let Some(pan) = pan(&world) else { return };
    let opening = PayoutOpening {
        payment_id: payment.id.clone(),
        uuid: if world.dice.chance(97) { registration.uuid } else { "another".to_owned() },
        amount: Money::new(payment.requested, payment.currency),
        customer_id,
        email,
    };
    let recipient = Recipient {
        // No code has these letters.
        code: right.unwrap_or_else(|| "000000".to_owned()),
        pan,
        expiry: world
            .dice
            .chance(30)
            .then_some(Expiry { year: if world.dice.chance(90) { 2030 } else { 2020 }, month: 12 }),
        holder: None,
        names: (Some("Judy".to_owned()), Some("Doe".to_owned())),
        given: [("sender.day_of_birth", "05-06-1981"), ("customer.phone", "4915100000")]
            .into_iter()
            .filter(|_| world.dice.chance(90))
            .map(|(path, value)| (path.to_owned(), value.to_owned()))
            .collect(),
    };
    let name = payment.id.clone();
    tokio::spawn(async move {
        let Some(project) = engine.projects().get(payment.project) else { return };
        match engine.confirm_payout(&project, opening, recipient).await {
            Ok(answer) => {
                world.note(format_args!("a recipient confirms {name}: {answer:?}"));
                let taken = answer == PayoutConfirmed::Taken;
                let counted = matches!(answer, PayoutConfirmed::WrongCode(_));
                if taken && !is_right || counted && is_right {
                    world.finding(format!("the code of {name} (right: {is_right}) came to {answer:?}"));
                }
            }
            Err(Failure::Store(_) | Failure::Busy | Failure::Draining | Failure::Overloaded) => {}
            Err(error) => world.finding(format!("payout {name} cannot be confirmed: {error}")),
        }
    });
}
