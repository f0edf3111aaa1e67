//! Merchants' requests: as bodies of the Gate API, put to the engine, sent again byte for byte when it pleases.

use crate::world::World;
use ferropay_domain::ids::{ProjectId, RequestId};
use ferropay_engine::{
    Engine, Failure,
    intake::{Intake, Origin},
};
use ferropay_wire::{
    gate::{CardSale, Refund, Refusal},
    json::{Document, Limits},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sale,
    Refund,
}

impl Kind {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Sale => "payment/card/sale",
            Self::Refund => "payment/card/refund",
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
        world.note(format_args!("ask {number}: {} {}", asked.kind.path(), asked.body));
        match put(&engine, &asked).await {
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

async fn put(engine: &Arc<Engine>, asked: &Asked) -> Result<Result<Intake, Failure>, Unread> {
    let document = Document::parse(asked.body.as_bytes(), Limits::default())
        .map_err(|error| Unread::Defect(format!("the body is no JSON: {error}")))?;
    let body = document.root();
    let Some(project) = engine.projects().get(asked.project) else {
        return Err(Unread::Defect("the project is not known".to_owned()));
    };
    let origin =
        Origin { path: asked.kind.path(), signature: &asked.body, content: &asked.body, fault_plan: None };
    Ok(match asked.kind {
        Kind::Sale => {
            let sale = CardSale::read(body).map_err(Unread::Refused)?;
            engine.card_sale(&project, sale, origin).await
        }
        Kind::Refund => {
            let refund = Refund::read(body).map_err(Unread::Refused)?;
            engine.card_refund(&project, refund, origin).await
        }
    })
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
            Ok(Intake::PaymentExists | Intake::UnknownPayment)
            | Err(Failure::Store(_) | Failure::Busy | Failure::Draining) => {}
            Err(failure) => wrong.push(format!("ask {number} failed: {failure}")),
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
