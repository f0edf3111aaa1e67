//! Merchants' requests: as bodies of the Gate API, put to the engine, sent again byte for byte when it pleases.

use crate::{device_wallets, world::World};
use ferropay_domain::{
    card::DeviceWallet,
    ids::{ProjectId, RequestId},
    method::{MethodAsk, MethodRef},
    payment::OperationKind,
    time::Timestamp,
};
use ferropay_engine::{
    Engine, Failure, KnownProject,
    follow_ups::Brought,
    intake::{Intake, Origin, Through},
};
use ferropay_wire::{
    contract::Contract,
    gate::{
        CancelLink, CardPayment, CardPayout, Clarification, CreateLink, MerchantAuth, MerchantAuthRequest,
        MethodRequest, RecurringDebit, Refund, Refusal, RegisterPayout, SecondStep, SeriesChange,
        ThreeDsCheck, ThreeDsProof, ThreeDsResult, WalletPayment, wallet_operation,
    },
    json::{Document, Limits, Value},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Card(OperationKind),
    /// With a card that is named by a token or a saved one.
    Named(OperationKind, &'static str),
    /// At an endpoint of a wallet on customers' devices.
    ByWallet(&'static str),
    SecondStep(OperationKind),
    Refund,
    /// At an endpoint of a payment method other than cards.
    ByMethod(&'static str, MethodRef, MethodAsk),
    /// To a card; from one person to another when true.
    Payout(bool),
    ThreeDsCheck,
    ThreeDsResult,
    MerchantAuth,
    Clarification,
    Debit,
    ChangeSeries,
    CancelSeries,
    CreateLink,
    CancelLink,
    RegisterPayout,
}

impl Kind {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Card(OperationKind::Sale) => "payment/card/sale",
            Self::Card(OperationKind::Auth) => "payment/card/auth",
            Self::Card(_) => "payment/card/account_verification",
            Self::SecondStep(OperationKind::Capture) => "payment/card/capture",
            Self::SecondStep(OperationKind::Cancel) => "payment/card/cancel",
            Self::SecondStep(_) => "payment/card/incremental",
            Self::Refund => "payment/card/refund",
            Self::ByMethod(name, ..) | Self::Named(_, name) | Self::ByWallet(name) => name,
            Self::Payout(false) => "payment/card/payout",
            Self::Payout(true) => "payment/individual/payout",
            Self::ThreeDsCheck => "payment/card/3ds_check_iframe",
            Self::ThreeDsResult => "payment/card/3ds_result",
            Self::MerchantAuth => "payment/card/merchant_auth",
            Self::Clarification => "payment/clarification",
            Self::Debit => "payment/card/recurring",
            Self::ChangeSeries => "payment/card/recurring/update",
            Self::CancelSeries => "payment/card/recurring/cancel",
            Self::CreateLink => "payment/invoice/create",
            Self::CancelLink => "payment/invoice/cancel",
            Self::RegisterPayout => "payment/payout/registration",
        }
    }
}

/// A request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) project: ProjectId,
    pub(crate) kind: Kind,
    pub(crate) payment: String,
    pub(crate) body: String,
    /// The identifiers it was answered with.
    pub(crate) accepted: Vec<RequestId>,
}

/// A request that waits for its reply; over when dropped.
struct InFlight(Arc<World>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Puts a request to the engine; the reply is looked at when it comes.
pub(crate) fn ask(world: &Arc<World>, engine: &Arc<Engine>, number: usize) {
    let Some(asked) = world.asked.lock().get(number).cloned() else { return };
    world.in_flight.fetch_add(1, Ordering::SeqCst);
    let in_flight = InFlight(world.clone());
    let (world, engine) = (world.clone(), engine.clone());
    tokio::spawn(async move {
        // A ticket of the platform's page is made with a key that differs from run to run.
        let shown = if asked.kind == Kind::ThreeDsResult { &asked.payment } else { &asked.body };
        world.note(format_args!("ask {number}: {} {shown}", asked.kind.path()));
        match put(&engine, &asked, world.business(asked.project)).await {
            Ok(reply) => replied(&world, number, &asked, &reply),
            Err(Unread::Refused(refusal)) => {
                world.note(format_args!("ask {number}: refused {refusal:?}"));
            }
            Err(Unread::Defect(text)) => world.finding(format!("ask {number}: {text}")),
        }
        drop(in_flight);
    });
}

/// Why a request did not come to the engine.
enum Unread {
    Refused(Refusal),
    Defect(String),
}

async fn put(engine: &Arc<Engine>, asked: &Asked, now: Timestamp) -> Result<Result<Intake, Failure>, Unread> {
    let document = Document::parse(asked.body.as_bytes(), Limits::default())
        .map_err(|error| Unread::Defect(format!("the body is no JSON: {error}")))?;
    let body = document.root();
    let Some(project) = engine.projects().get(asked.project) else {
        return Err(Unread::Defect("the project is not known".to_owned()));
    };
    let origin =
        Origin { path: asked.kind.path(), signature: &asked.body, content: &asked.body, fault_plan: None };
    let refused = Unread::Refused;
    Ok(match asked.kind {
        Kind::Card(kind) => {
            let request = CardPayment::read((kind, asked.kind.path()), body, false).map_err(refused)?;
            engine.card(&project, request, body, origin).await
        }
        Kind::Named(OperationKind::Payout, path) => {
            let request = CardPayout::read(&format!("/v2/{path}"), body).map_err(refused)?;
            engine.card_payout(&project, request, body, origin).await
        }
        Kind::Named(kind, path) => {
            let request = CardPayment::read((kind, path), body, false).map_err(refused)?;
            engine.card(&project, request, body, origin).await
        }
        Kind::ByWallet(name) => return by_wallet(engine, asked, name, (&project, body)).await,
        Kind::SecondStep(kind) => {
            let request = SecondStep::read(kind, body).map_err(refused)?;
            engine.second_step(&project, (Through::Card, request), body, origin).await
        }
        Kind::Refund => {
            let request = Refund::read(body).map_err(refused)?;
            engine.refund(&project, (Through::Card, request), body, origin).await
        }
        Kind::ByMethod(_, method, ask) => {
            return by_method(engine, asked, (method, ask), (&project, body)).await;
        }
        Kind::Payout(_) => {
            let path = format!("/v2/{}", asked.kind.path());
            let request = CardPayout::read(&path, body).map_err(refused)?;
            engine.card_payout(&project, request, body, origin).await
        }
        Kind::ThreeDsCheck => {
            let ThreeDsCheck { payment_id, seen, md } = ThreeDsCheck::read(body).map_err(refused)?;
            engine.follow_up(&project, &payment_id, Brought::DeviceData { seen, md }, origin).await
        }
        Kind::ThreeDsResult => {
            let ThreeDsResult { payment_id, proof, md } = ThreeDsResult::read(body).map_err(refused)?;
            let brought = match proof {
                ThreeDsProof::Cres(cres) => Brought::ChallengeReturn { cres, md },
                ThreeDsProof::Pares(pares) => Brought::PageReturn { pares, md },
            };
            engine.follow_up(&project, &payment_id, brought, origin).await
        }
        Kind::MerchantAuth => {
            let MerchantAuth { payment_id, request } = MerchantAuth::read(body).map_err(refused)?;
            let brought = match request {
                MerchantAuthRequest::Start => Brought::StartMerchantAuth,
                MerchantAuthRequest::Finish { code } => Brought::MerchantAuthCode(code),
            };
            engine.follow_up(&project, &payment_id, brought, origin).await
        }
        Kind::Clarification => {
            let Clarification { payment_id, values } = Clarification::read(body).map_err(refused)?;
            engine.follow_up(&project, &payment_id, Brought::Data(values), origin).await
        }
        Kind::Debit => {
            let request = RecurringDebit::read(asked.kind.path(), body).map_err(refused)?;
            engine.recurring_debit(&project, (Through::Card, request), body, origin).await
        }
        Kind::ChangeSeries | Kind::CancelSeries => {
            let request = SeriesChange::read(asked.kind.path(), body).map_err(refused)?;
            engine.change_series(&project, (Through::Card, request), origin).await
        }
        Kind::CreateLink => {
            let request = CreateLink::read(asked.kind.path(), body, now).map_err(refused)?;
            engine.create_link(&project, request, origin).await
        }
        Kind::CancelLink => {
            let request = CancelLink::read(body).map_err(refused)?;
            engine.cancel_link(&project, request, origin).await
        }
        Kind::RegisterPayout => {
            let request = RegisterPayout::read(body).map_err(refused)?;
            engine.register_payout(&project, request, origin).await
        }
    })
}

/// Puts a request at an endpoint of a wallet.
async fn by_wallet(
    engine: &Arc<Engine>,
    asked: &Asked,
    name: &'static str,
    (project, body): (&Arc<KnownProject>, &Value<'_>),
) -> Result<Result<Intake, Failure>, Unread> {
    let refused = Unread::Refused;
    // A token is left out of what tells requests apart, as it is on the wire.
    let content = body.serialize_without(&[&["etoken", "token"]]);
    let origin = Origin { path: name, signature: &asked.body, content: &content, fault_plan: None };
    let (asks, step) = name.split_once("pay/").unwrap_or_default();
    let wallet = if asks == "payment/apple" { DeviceWallet::ApplePay } else { DeviceWallet::GooglePay };
    let through = Through::Wallet(wallet);
    Ok(match wallet_operation(&format!("/v2/{name}")) {
        Some((_, kind @ (OperationKind::Capture | OperationKind::Cancel))) => {
            let request = SecondStep::read(kind, body).map_err(refused)?;
            engine.second_step(project, (through, request), body, origin).await
        }
        Some((_, OperationKind::Refund)) => {
            let request = Refund::read(body).map_err(refused)?;
            engine.refund(project, (through, request), body, origin).await
        }
        Some(wanted) => {
            let request = WalletPayment::read(wanted, body).map_err(refused)?;
            engine.wallet_payment(project, request, body, origin).await
        }
        None if step == "recurring" => {
            let request = RecurringDebit::read(name, body).map_err(refused)?;
            engine.recurring_debit(project, (through, request), body, origin).await
        }
        None => {
            let request = SeriesChange::read(name, body).map_err(refused)?;
            engine.change_series(project, (through, request), origin).await
        }
    })
}

/// Puts a request at an endpoint of a payment method.
async fn by_method(
    engine: &Arc<Engine>,
    asked: &Asked,
    (method, ask): (MethodRef, MethodAsk),
    (project, body): (&Arc<KnownProject>, &Value<'_>),
) -> Result<Result<Intake, Failure>, Unread> {
    let address = format!("/v2/{}", asked.kind.path());
    let Some(path) = Contract::gate().path_of(&address) else {
        return Err(Unread::Defect(format!("{address} is no path of the contract")));
    };
    let origin =
        Origin { path: asked.kind.path(), signature: &asked.body, content: &asked.body, fault_plan: None };
    let (through, refused) = (Through::Method(method), Unread::Refused);
    let kind = match ask {
        MethodAsk::Operation(OperationKind::Recurring) => {
            let request = RecurringDebit::read(path, body).map_err(refused)?;
            return Ok(engine.recurring_debit(project, (through, request), body, origin).await);
        }
        MethodAsk::ChangeSeries => {
            let request = SeriesChange::read(path, body).map_err(refused)?;
            return Ok(engine.change_series(project, (through, request), origin).await);
        }
        MethodAsk::Operation(OperationKind::Refund) => {
            let request = Refund::read_at(path, body).map_err(refused)?;
            return Ok(engine.refund(project, (through, request), body, origin).await);
        }
        MethodAsk::Operation(kind @ (OperationKind::Capture | OperationKind::Cancel)) => {
            let request = SecondStep::read(kind, body).map_err(refused)?;
            return Ok(engine.second_step(project, (through, request), body, origin).await);
        }
        MethodAsk::Operation(kind) => kind,
        MethodAsk::OneClick => OperationKind::Sale,
    };
    let request = MethodRequest::read(path, body).map_err(refused)?;
    Ok(engine.by_method(project, (method, kind), request, body, origin).await)
}

/// Holds a reply against what is durable.
fn replied(world: &World, number: usize, asked: &Asked, reply: &Result<Intake, Failure>) {
    world.note(format_args!("ask {number}: {reply:?}"));
    let mut wrong = Vec::new();
    {
        let seen = world.seen.lock();
        let name = ferropay_domain::ids::PaymentId::parse(&asked.payment).map(|id| id.folded());
        let exists = name.is_ok_and(|name| seen.names.contains_key(&(asked.project, name)));
        match reply {
            Ok(Intake::Accepted(id)) => match seen.requests.get(id) {
                None => wrong.push(format!("request {id} is accepted and not durable")),
                Some(row) => {
                    // A refund's row names its payment as the payment was named first.
                    let same = row.path == asked.kind.path()
                        && row.project == asked.project
                        && row.payment_id.eq_ignore_ascii_case(&asked.payment);
                    if !same {
                        wrong.push(format!("request {id} is another one"));
                    }
                }
            },
            Ok(Intake::PaymentExists) if !exists => {
                wrong.push(format!("payment {} is said to exist", asked.payment));
            }
            Ok(_) | Err(Failure::Store(_) | Failure::Busy | Failure::Draining | Failure::Overloaded) => {}
            Err(failure) => wrong.push(format!("ask {number} failed: {failure}")),
        }
    }
    if let Ok(other @ (Intake::PaymentExists | Intake::UnknownPayment | Intake::NotWaiting)) = reply
        && let Some(first) = asked.accepted.first()
    {
        let known =
            world.seen.lock().requests.get(first).filter(|it| it.fingerprint.is_some()).map(|it| it.at);
        let day = std::time::Duration::from_hours(24);
        if known.is_some_and(|at| world.now().since(at) < day) {
            wrong.push(format!("request {first} was accepted, and an equal one hears {other:?}"));
        }
    }
    if let Ok(Intake::Accepted(id)) = reply {
        let mut all = world.asked.lock();
        let elsewhere = all
            .iter()
            .enumerate()
            .any(|(other, it)| other != number && it.accepted.contains(id) && it.body != asked.body);
        if elsewhere {
            wrong.push(format!("request {id} answers two different requests"));
        }
        wrong.extend(device_wallets::used_twice(&all, &world.seen.lock(), asked, *id));
        if let Some(it) = all.get_mut(number)
            && !it.accepted.contains(id)
        {
            it.accepted.push(*id);
        }
    }
    for wrong in wrong {
        world.finding(wrong);
    }
}

/// How many requests wait.
pub(crate) fn waiting(world: &World) -> usize {
    AtomicUsize::load(&world.in_flight, Ordering::SeqCst)
}
