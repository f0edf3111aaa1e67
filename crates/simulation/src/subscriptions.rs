//! What merchants do about series of stored credentials: registering them, debiting on demand, changing and cancelling,
//! and stopping the tries of a declined debit.

use crate::{
    asking::{Asked, Kind},
    bodies::{self, amount, customer, name, object},
    by_method,
    cast::Merchant,
    device_wallets,
    life::Life,
    world::World,
};
use ferropay_domain::{
    ids::ProjectId,
    series::{Series, SeriesKind, SeriesStatus},
};
use ferropay_engine::Failure;
use serde_json::{Map, Value, json};
use std::{sync::atomic::Ordering, time::Duration};

/// A day from the merchant's present one on, as the wire writes it.
fn day(world: &World, merchant: &Merchant, latest: u64) -> String {
    let ahead = Duration::from_hours(world.dice.between(0, latest).saturating_mul(24));
    let moment = world.business(merchant.id).plus(ahead).civil();
    moment.map(|moment| moment.strftime("%d-%m-%Y").to_string()).unwrap_or_default()
}

/// Period, interval and time of a schedule: mostly short ones, of which something is seen.
fn plan(world: &World) -> Map<String, Value> {
    let period = world.dice.pick(&["D", "D", "W", "M"]).copied().unwrap_or("D");
    let mut plan = object(json!({"period": period}));
    if world.dice.chance(40) {
        plan.insert("interval".to_owned(), world.dice.between(1, 9).into());
    }
    if world.dice.chance(40) {
        plan.insert("time".to_owned(), format!("{:02}:30:00", world.dice.between(0, 23)).into());
    }
    plan
}

/// The last day, as far as it is stated: within weeks, or after the card's.
fn expiry(world: &World) -> Map<String, Value> {
    let year = if world.dice.chance(70) { 2026 } else { 2027 };
    let mut expiry = object(json!({"expiry_year": year, "expiry_month": world.dice.between(3, 8)}));
    if world.dice.chance(50) {
        expiry.insert("expiry_day".to_owned(), world.dice.between(1, 28).into());
    }
    expiry
}

/// A name for the payment of a schedule's debits: a new one, or one that is taken.
fn scheduled_name(world: &World, merchant: &Merchant) -> String {
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    name(merchant, if world.dice.chance(5) { world.dice.amount(0, next) } else { next })
}

/// What a card operation says of the series it is to register.
pub(crate) fn registration(world: &World, merchant: &Merchant) -> Value {
    let mut terms = object(json!({"register": true}));
    let kind = world.dice.weighted(&[(20, "C"), (20, "U"), (60, "R")], "R");
    terms.insert("type".to_owned(), kind.into());
    if kind == "R" && world.dice.chance(95) {
        terms.append(&mut plan(world));
        if world.dice.chance(60) {
            terms.insert("scheduled_payment_id".to_owned(), scheduled_name(world, merchant).into());
            terms.insert("start_date".to_owned(), day(world, merchant, 4).into());
        }
    }
    if world.dice.chance(70) {
        terms.insert("amount".to_owned(), amount(world).into());
    }
    if world.dice.chance(60) {
        terms.append(&mut expiry(world));
    }
    terms.into()
}

/// Some series of a merchant: mostly one that may be debited.
fn some_series(world: &World, merchant: &Merchant) -> Option<Series> {
    let seen = world.seen.lock();
    let own: Vec<&Series> = seen.series.values().filter(|it| it.project == merchant.id).collect();
    let good: Vec<&Series> =
        own.iter().copied().filter(|it| it.status == SeriesStatus::Active && it.open.is_none()).collect();
    let unbegun: Vec<&Series> =
        good.iter().copied().filter(|it| it.kind == SeriesKind::Regular && it.payment.is_none()).collect();
    let from = match world.dice.between(1, 100) {
        1..=25 if !unbegun.is_empty() => unbegun,
        1..=85 if !good.is_empty() => good,
        _ => own,
    };
    world.dice.pick(&from).map(|it| (*it).clone())
}

/// A series that goes on and whose schedule has brought money that was returned; rather one that is being debited.
fn returned_to(world: &World, merchant: &Merchant) -> Option<Series> {
    let seen = world.seen.lock();
    let returned = |it: &&Series| {
        let payment = it.payment.and_then(|key| seen.payments.get(&key));
        payment.is_some_and(|payment| payment.returned > 0)
    };
    let active = |it: &&Series| it.project == merchant.id && it.status == SeriesStatus::Active;
    let all: Vec<&Series> = seen.series.values().filter(active).filter(returned).collect();
    let open: Vec<&Series> = all.iter().copied().filter(|it| it.open.is_some()).collect();
    world.dice.pick(if open.is_empty() { &all } else { &open }).map(|it| (*it).clone())
}

/// A debit on demand.
pub(crate) fn debit(world: &World, merchant: &Merchant) -> Option<Asked> {
    let series = some_series(world, merchant)?;
    let next = merchant.names.fetch_add(1, Ordering::SeqCst);
    let payment = name(merchant, if world.dice.chance(4) { world.dice.amount(0, next) } else { next });
    let mut who = customer(world);
    if let (Some(id), true) = (&series.detail.customer.id, world.dice.chance(95)) {
        who.insert("id".to_owned(), id.as_str().into());
    }
    let id = if world.dice.chance(2) { 424_242 } else { series.id.get() };
    let currency = if world.dice.chance(3) { "GBP" } else { series.currency.code() };
    let body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "customer": who,
        "payment": {"amount": amount(world), "currency": currency}, "recurring": {"id": id},
    });
    let kind = kind_of(&series, "recurring", Kind::Debit);
    Some(bodies::asked(merchant, kind, payment, &body))
}

/// New terms of a series, or its cancellation.
pub(crate) fn change(world: &World, merchant: &Merchant) -> Option<Asked> {
    if let Some(series) = returned_to(world, merchant).filter(|_| world.dice.chance(50)) {
        return Some(cancellation(merchant, &series));
    }
    let series = some_series(world, merchant)?;
    if world.dice.chance(20) {
        return Some(cancellation(merchant, &series));
    }
    let mut terms = object(json!({"id": series.id.get()}));
    if world.dice.chance(50) {
        terms.insert("amount".to_owned(), amount(world).into());
    }
    let is_regular = series.kind == SeriesKind::Regular;
    if is_regular && world.dice.chance(40) {
        terms.append(&mut plan(world));
    }
    if is_regular && world.dice.chance(30) {
        terms.insert("start_date".to_owned(), day(world, merchant, 6).into());
        if series.payment.is_none() {
            terms.insert("scheduled_payment_id".to_owned(), scheduled_name(world, merchant).into());
        }
    }
    if world.dice.chance(30) {
        terms.append(&mut expiry(world));
    }
    Some(about_series(merchant, kind_of(&series, "recurring/update", Kind::ChangeSeries), &terms))
}

/// The merchant cancels a series.
pub(crate) fn cancellation(merchant: &Merchant, series: &Series) -> Asked {
    let kind = kind_of(series, "recurring/cancel", Kind::CancelSeries);
    about_series(merchant, kind, &object(json!({"id": series.id.get()})))
}

/// At which endpoint a series is spoken about: its method's, its wallet's, or the cards'.
fn kind_of(series: &Series, step: &str, of_card: Kind) -> Kind {
    let agreement = series.detail.agreement.as_deref();
    let by_method = agreement.and_then(|it| by_method::kind_of(it.method, step));
    let by_wallet = || device_wallets::kind_of(series.detail.wallet?, step);
    by_method.or_else(by_wallet).unwrap_or(of_card)
}

fn about_series(merchant: &Merchant, kind: Kind, terms: &Map<String, Value>) -> Asked {
    let payment = name(merchant, merchant.names.fetch_add(1, Ordering::SeqCst));
    let body = json!({
        "general": {"project_id": merchant.id.get(), "payment_id": payment}, "recurring": terms,
    });
    bodies::asked(merchant, kind, payment, &body)
}

/// Series that go on, with the projects they belong to.
pub(crate) fn active(world: &World) -> Vec<(ProjectId, Series)> {
    let seen = world.seen.lock();
    let active = seen.series.values().filter(|it| it.status == SeriesStatus::Active);
    active.map(|it| (it.project, it.clone())).collect()
}

/// The merchant stops the tries of a declined debit, or of one that is not tried.
pub(crate) fn stop_retries(life: &Life) {
    let (world, engine) = (life.world.clone(), life.engine.clone());
    let chosen = {
        let seen = world.seen.lock();
        let tried: Vec<&Series> = seen.series.values().filter(|it| it.detail.retry.is_some()).collect();
        world.dice.pick(&tried).map(|it| (*it).clone())
    };
    let Some(series) = chosen else { return };
    let Some(trigger) = series.detail.retry.map(|retry| retry.trigger) else { return };
    tokio::spawn(async move {
        let Some(project) = engine.projects().get(series.project) else { return };
        let stopped = engine.stop_debit_retries(&project, series.id, trigger).await;
        world.note(format_args!("tries of {trigger} are to be stopped: {stopped:?}"));
        if !matches!(
            stopped,
            Ok(_) | Err(Failure::Store(_) | Failure::Busy | Failure::Draining | Failure::Overloaded)
        ) {
            world.finding(format!("tries of {trigger} cannot be stopped: {stopped:?}"));
        }
    });
}
