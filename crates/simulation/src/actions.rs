//! What may happen next.

use crate::{
    asking::{self, Asked, Kind},
    bodies, by_method,
    cast::Merchant,
    customers, device_wallets, invitations,
    life::{self, Life},
    named_cards, oracle, subscriptions,
    world::{Mood, World},
};
use ferropay_domain::{
    ids::{AttemptId, OperationId, PaymentId},
    payment::{AttemptStatus, Operation, OperationKind, OperationStatus, PaymentStatus},
};
use ferropay_engine::{
    Engine, Failure,
    support::{cancel_payout, reverse_payout, undo_refund},
};
use std::{sync::Arc, time::Duration};

#[derive(Clone, Copy, Debug)]
enum Action {
    Card,
    TryAgain,
    ByMethod,
    OneClick,
    Revoke,
    ByWallet,
    NamedCard,
    GiveUpCard,
    Payout,
    SecondStep,
    Customer,
    Refund,
    Debit,
    ChangeSeries,
    StopRetries,
    Link,
    WithdrawLink,
    VisitLink,
    RegisterPayout,
    Burst,
    Resend,
    Status,
    MoveClock,
    Wait,
    Leap,
    Crash,
    CrashSoon,
    Mood,
    UndoRefund,
    UndoPayout,
    Settings,
    Secret,
    TakeOver,
    Restart,
    Look,
}

/// How often each happens.
const ACTIONS: &[(u64, Action)] = &[
    (260, Action::Card),
    (60, Action::TryAgain),
    (150, Action::ByMethod),
    (40, Action::OneClick),
    (6, Action::Revoke),
    (80, Action::ByWallet),
    (130, Action::NamedCard),
    (25, Action::GiveUpCard),
    (110, Action::Payout),
    (130, Action::SecondStep),
    (280, Action::Customer),
    (190, Action::Refund),
    (120, Action::Debit),
    (40, Action::ChangeSeries),
    (10, Action::StopRetries),
    (50, Action::Link),
    (15, Action::WithdrawLink),
    (60, Action::VisitLink),
    (40, Action::RegisterPayout),
    (50, Action::Burst),
    (70, Action::Resend),
    (40, Action::Status),
    (40, Action::MoveClock),
    (120, Action::Wait),
    (6, Action::Leap),
    (14, Action::Crash),
    (30, Action::CrashSoon),
    (50, Action::Mood),
    (40, Action::UndoRefund),
    (40, Action::UndoPayout),
    (12, Action::Settings),
    (6, Action::Secret),
    (8, Action::TakeOver),
    (4, Action::Restart),
    (8, Action::Look),
];

/// Takes one step.
pub(crate) async fn act(life: &mut Life) {
    let world = life.world.clone();
    if is_delicate(&world) && world.dice.chance(60) {
        return strain(life).await;
    }
    match world.dice.weighted(ACTIONS, Action::Wait) {
        Action::Card => {
            if let Some(merchant) = any(&world) {
                ask(life, bodies::card(&world, merchant));
            }
        }
        Action::TryAgain => {
            if let Some(asked) = any(&world).and_then(|merchant| bodies::again(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::ByMethod => {
            if let Some(asked) = any(&world).and_then(|merchant| by_method::payment(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::OneClick => {
            if let Some(asked) = any(&world).and_then(|merchant| by_method::one_click(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::Revoke => by_method::revoke(&world),
        Action::ByWallet => {
            if let Some(asked) = any(&world).and_then(|merchant| device_wallets::payment(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::NamedCard => {
            if let Some(asked) = any(&world).and_then(|merchant| named_cards::payment(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::GiveUpCard => named_cards::give_up(life),
        Action::Payout => {
            if let Some(merchant) = any(&world) {
                ask(life, bodies::payout(&world, merchant));
            }
        }
        Action::SecondStep => {
            if let Some(asked) = any(&world).and_then(|merchant| bodies::second_step(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::Customer => customers::act(life),
        Action::Refund => {
            if let Some(asked) = any(&world).and_then(|merchant| bodies::refund(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::Debit => {
            if let Some(asked) = any(&world).and_then(|merchant| subscriptions::debit(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::ChangeSeries => {
            if let Some(asked) = any(&world).and_then(|merchant| subscriptions::change(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::StopRetries => subscriptions::stop_retries(life),
        Action::Link => {
            if let Some(merchant) = any(&world) {
                ask(life, invitations::link(&world, merchant));
            }
        }
        Action::WithdrawLink => {
            if let Some(asked) = any(&world).and_then(|merchant| invitations::withdrawal(&world, merchant)) {
                ask(life, asked);
            }
        }
        Action::VisitLink => invitations::visit_link(life),
        Action::RegisterPayout => {
            if let Some(merchant) = any(&world) {
                ask(life, invitations::registration(&world, merchant));
            }
        }
        Action::Burst => burst(life),
        Action::Resend => resend(life),
        Action::Status => status(life),
        Action::MoveClock => move_clock(life).await,
        Action::Wait => {
            let seconds = world.dice.between(1, 120);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        Action::Leap => {
            let hours = world.dice.between(1, 24 * 20);
            world.note(format_args!("the machine sleeps for {hours} hours"));
            world.leap(Duration::from_hours(hours));
        }
        Action::Crash => world.crash.now(),
        Action::CrashSoon => world.crash.arm(world.dice.between(0, 60)),
        Action::Mood => change_moods(&world),
        Action::UndoRefund => take_back(life),
        Action::UndoPayout => undo_payout(life),
        Action::Settings => change_settings(life).await,
        Action::Secret => change_secret(life).await,
        Action::TakeOver => {
            world.note(format_args!("--- another node takes over"));
            life.take_over().await;
        }
        Action::Restart => {
            world.note(format_args!("the platform is stopped and started"));
            life.engine.drain(Duration::from_secs(world.dice.between(0, 60))).await;
            world.crash.now();
        }
        Action::Look => oracle::look(life, oracle::Depth::Books).await,
    }
    let pause = match world.dice.between(1, 20) {
        1..=8 => 0,
        9..=15 => world.dice.between(1, 100),
        16..=19 => world.dice.between(100, 4_000),
        _ => world.dice.between(4_000, 60_000),
    };
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

/// Whether a payment waits for its customer's code while something the provider did too late is being undone: few
/// things happen then by chance.
fn is_delicate(world: &World) -> bool {
    let seen = world.seen.lock();
    let open = seen.payments.values().filter(|it| it.status == PaymentStatus::AwaitingMerchantAuth);
    open.filter_map(|payment| payment.open).any(|open| {
        let first = seen.attempts.get(&AttemptId::first(open));
        first.is_some_and(|attempt| attempt.status == AttemptStatus::Reversing)
    })
}

/// The provider goes away, and then the time of everything that is open runs out at once.
async fn strain(life: &Life) {
    let world = &life.world;
    if world.mood(|moods| moods.provider) == Mood::Away {
        world.note(format_args!("time runs out"));
        world.leap(Duration::from_hours(25));
    } else {
        world.note(format_args!("the provider goes away"));
        world.moods.lock().provider = Mood::Away;
    }
    let seconds = world.dice.between(1, 12);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub(crate) fn any(world: &World) -> Option<&Merchant> {
    world.dice.pick(&world.merchants)
}

/// A new request is made.
pub(crate) fn ask(life: &Life, asked: Asked) {
    ask_with(&life.world, &life.engine, asked);
}

/// A new request is made of an engine.
pub(crate) fn ask_with(world: &Arc<World>, engine: &Arc<Engine>, asked: Asked) {
    let number = {
        let mut all = world.asked.lock();
        all.push(asked);
        all.len() - 1
    };
    asking::ask(world, engine, number);
}

/// Several requests at the same moment: the same one, or several of whatever comes up.
fn burst(life: &Life) {
    let world = life.world.clone();
    let Some(merchant) = any(&world) else { return };
    let many = world.dice.between(2, 5);
    if world.dice.chance(50) {
        let payout = world.dice.chance(30);
        let asked = if payout { bodies::payout(&world, merchant) } else { bodies::card(&world, merchant) };
        for _ in 0..many {
            ask(life, asked.clone());
        }
        return;
    }
    let about = world.dice.between(1, 4);
    let body = || match about {
        1 => bodies::refund(&world, merchant),
        4 => bodies::again(&world, merchant),
        2 => subscriptions::debit(&world, merchant),
        _ => bodies::second_step(&world, merchant),
    };
    let Some(first) = body() else { return };
    for _ in 1..many {
        if let Some(other) = body() {
            ask(life, if world.dice.chance(30) { first.clone() } else { other });
        }
    }
    ask(life, first);
}

/// A request is sent again, byte for byte; mostly one of the last.
fn resend(life: &Life) {
    let world = &life.world;
    let all = world.asked.lock().len();
    let Some(last) = all.checked_sub(1) else { return };
    let reach = if world.dice.chance(80) { 10 } else { all };
    let back = usize::try_from(world.dice.between(0, u64::try_from(reach).unwrap_or(1))).unwrap_or(0);
    asking::ask(world, &life.engine, last.saturating_sub(back));
}

/// The status of a payment is asked for: it is at least as new as what was durable before.
fn status(life: &Life) {
    let chosen = {
        let asked = life.world.asked.lock();
        life.world.dice.pick(&asked).cloned()
    };
    let Some(asked) = chosen else { return };
    let (world, engine) = (life.world.clone(), life.engine.clone());
    tokio::spawn(async move {
        let Ok(name) = PaymentId::parse(&asked.payment) else { return };
        let before = {
            let seen = world.seen.lock();
            let key = seen.names.get(&(asked.project, name.folded()));
            key.and_then(|key| seen.payments.get(key)).map(|payment| payment.version)
        };
        let Some(project) = engine.projects().get(asked.project) else { return };
        match engine.payment_status(&project, &name).await {
            Ok(status) => {
                let version = status.as_ref().map(|status| status.payment.version);
                world.note(format_args!("status of {}: {version:?}", asked.payment));
                if version < before {
                    world.finding(format!("the status of {} is older than what was durable", asked.payment));
                }
                let open = status.as_ref().is_some_and(|status| {
                    let listed = status.operations.iter().map(|row| &row.operation);
                    status.payment.open != listed.filter(|it| it.status.is_open()).map(|it| it.id).next()
                });
                if open {
                    world.finding(format!("the status of {} contradicts itself", asked.payment));
                }
            }
            Err(error) => world.note(format_args!("status of {}: {error}", asked.payment)),
        }
        if matches!(asked.kind, Kind::Card(_) | Kind::Named(..))
            && let Some(id) = asked.accepted.first()
        {
            match engine.request_status(&project, *id).await {
                Ok(None) => world.finding(format!("request {id} was accepted and is not known")),
                Ok(Some(_)) => {}
                Err(error) => world.note(format_args!("status of request {id}: {error}")),
            }
        }
    });
}

async fn move_clock(life: &Life) {
    let world = &life.world;
    let Some(merchant) = any(world).filter(|merchant| merchant.has_clock()) else { return };
    let seconds = match world.dice.between(1, 4) {
        1 => world.dice.between(1, 120),
        2 => world.dice.between(120, 7_200),
        3 => world.dice.between(7_200, 100_000),
        _ => world.dice.between(100_000, 3_000_000),
    };
    let by = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
    world.note(format_args!("the clock of {} moves on by {seconds} s", merchant.id));
    life.move_clock(merchant, merchant.offset().saturating_add(by)).await;
    if world.dice.chance(50) {
        refresh(life).await;
    }
}

async fn refresh(life: &Life) {
    if let Err(error) = life.engine.refresh_projects().await {
        life.world.note(format_args!("the projects cannot be read: {error}"));
    }
}

fn change_moods(world: &Arc<World>) {
    let mood = |well: u64| {
        let moods = [(well, Mood::Well), (25, Mood::Shaky), (6, Mood::Away)];
        world.dice.weighted(&moods, Mood::Well)
    };
    let mut moods = world.moods.lock();
    moods.provider = mood(50);
    moods.merchants = mood(50);
    moods.store = mood(100);
    let told = format!("{moods:?}");
    drop(moods);
    world.note(format_args!("moods: {told}"));
}

/// Support takes a refund back, or tries to: mostly one of the last.
fn take_back(life: &Life) {
    let world = life.world.clone();
    let refund = {
        let seen = world.seen.lock();
        let kind = if world.dice.chance(95) { OperationKind::Refund } else { OperationKind::Sale };
        let refunds: Vec<OperationId> =
            seen.operations.values().filter(|it| it.kind == kind).map(|it| it.id).collect();
        let last = refunds.len().saturating_sub(6);
        refunds.get(last..).and_then(|last| world.dice.pick(last).copied())
    };
    let Some(refund) = refund else { return };
    let store = life.watched();
    tokio::spawn(async move {
        let (clock, entropy) = (world.clock.clone(), world.entropy.clone());
        let undone = undo_refund(&store, clock, entropy, refund).await;
        world.note(format_args!("refund {refund} is to be taken back: {undone:?}"));
        if !matches!(undone, Ok(_) | Err(Failure::Store(_) | Failure::Busy)) {
            world.finding(format!("refund {refund} cannot be taken back: {undone:?}"));
        }
    });
}

/// Support hears that a payout did not arrive, or agrees with the network to cancel one: mostly one of the last.
fn undo_payout(life: &Life) {
    if life.world.dice.chance(30) {
        return by_method::decide_amounts(life);
    }
    let world = life.world.clone();
    let payout = {
        let seen = world.seen.lock();
        let kind = if world.dice.chance(95) { OperationKind::Payout } else { OperationKind::Sale };
        let done = |it: &&Operation| it.kind == kind && it.status == OperationStatus::Success;
        let payouts: Vec<OperationId> = seen.operations.values().filter(done).map(|it| it.id).collect();
        let last = payouts.len().saturating_sub(6);
        payouts.get(last..).and_then(|last| world.dice.pick(last).copied())
    };
    let Some(payout) = payout else { return };
    let (store, vault) = (life.watched(), life.vault.clone());
    tokio::spawn(async move {
        let (clock, entropy) = (world.clock.clone(), world.entropy.clone());
        let undone = if world.dice.chance(60) {
            reverse_payout(&store, clock, entropy, payout).await
        } else {
            cancel_payout(&store, &vault, clock, entropy, payout).await
        };
        world.note(format_args!("payout {payout} is to be undone: {undone:?}"));
        if !matches!(undone, Ok(_) | Err(Failure::Store(_) | Failure::Busy)) {
            world.finding(format!("payout {payout} cannot be undone: {undone:?}"));
        }
    });
}

async fn change_settings(life: &Life) {
    let world = &life.world;
    let Some(merchant) = any(world) else { return };
    {
        let mut project = merchant.project.lock();
        let settings = &mut project.settings;
        match world.dice.between(1, 7) {
            1 => settings.refunds_allowed = world.dice.chance(80),
            2 => settings.card_sales_allowed = world.dice.chance(80),
            3 => project.active = world.dice.chance(85),
            4 => settings.card_payouts_allowed = world.dice.chance(80),
            5 => settings.payout_retries = u8::try_from(world.dice.between(0, 3)).unwrap_or(0),
            6 => settings.debit_retries_allowed = world.dice.chance(80),
            _ => settings.refund_interval_seconds = u32::try_from(world.dice.between(0, 300)).unwrap_or(0),
        }
        world.note(format_args!("the settings of {} change", merchant.id));
    }
    store_project(life, merchant).await;
}

async fn change_secret(life: &Life) {
    let world = &life.world;
    let Some(merchant) = any(world) else { return };
    merchant.add_secret(format!("secret {} of {}", world.dice.between(1, 1_000_000), merchant.id));
    world.note(format_args!("{} gets another secret", merchant.id));
    store_project(life, merchant).await;
}

pub(crate) async fn store_project(life: &Life, merchant: &Merchant) {
    if let Err(error) = life::save(&life.watched(), &life.vault, merchant).await {
        life.world.finding(format!("a project cannot be stored: {error}"));
    }
    if life.world.dice.chance(50) {
        refresh(life).await;
    }
}
