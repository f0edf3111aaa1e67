//! The Gate API (`/v2/…`).
//!
//! A request passes four gates in this order, and nothing is created unless it passes all of them: its body is
//! JSON, its project exists, its signature is right, its body keeps the contract. What the platform's rules say
//! about it afterwards, the merchant hears by callback (G-013, G-014).

mod admission;
mod answer;
mod by_method;
mod commands;
mod customers;
mod handlers;
mod lookups;
mod recording;
mod series;
mod wallets;

use crate::{body, operations::ANSWER_WITHIN};
use answer::Answer;
pub(crate) use answer::RETRY_AFTER;
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use ferropay_domain::codes;
use ferropay_engine::Engine;
use ferropay_wire::{contract::Contract, gate::Refusal};
use recording::{Note, Watch};
use std::{sync::Arc, time::Instant};

/// The largest body of a request, bytes.
const MAX_BODY: usize = 1024 * 1024;

/// Header in which a test project may ask the simulated provider for a fault.
const FAULT_PLAN: &str = "ferropay-fault-plan";

/// The router of the Gate API.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new().route("/v2/{*path}", axum::routing::any(handle)).with_state(engine)
}

async fn handle(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    let Some(path) = Contract::gate().path_of(request.uri().path()) else {
        return answer::plain(StatusCode::NOT_FOUND);
    };
    let called = by_method::called(path, request.uri().path());
    match *request.method() {
        Method::POST => {}
        Method::OPTIONS => return answer::plain(StatusCode::NO_CONTENT),
        _ => return answer::plain(StatusCode::METHOD_NOT_ALLOWED),
    }
    let started = Instant::now();
    if engine.is_held() && !crate::held::only_asks(path) {
        let refused = Answer::refused(&handlers::held());
        engine.metrics().gate(path, refused.status(), started.elapsed());
        return refused.into_response();
    }
    let peer = request.extensions().get::<crate::server::Peer>().copied();
    let fault_plan = request
        .headers()
        .get(FAULT_PLAN)
        .and_then(|value| value.to_str().ok())
        .filter(|plan| plan.len() <= 200)
        .map(str::to_owned);
    let (parts, body) = request.into_parts();
    // Before the body is read, so that refusing costs next to nothing.
    let taken = if engine.is_overloaded() { Err(503) } else { body::take(body, MAX_BODY).await };
    let answer = match taken {
        Ok(body) => {
            let watch = Watch::begin(&body.bytes, fault_plan.as_deref());
            match admission::admit(&engine, path, &body.bytes, peer) {
                Ok(admitted) => {
                    let admitted = admission::Admitted { called, address: parts.uri.path(), ..admitted };
                    let mut note = Note::default();
                    let answering = handlers::execute(&engine, path, &admitted, fault_plan, &mut note);
                    let answer = tokio::time::timeout(ANSWER_WITHIN, answering).await;
                    let answer = answer.unwrap_or_else(|_| Answer::refused(&handlers::later()));
                    watch.executed(&engine, path, &admitted, note, &answer);
                    answer
                }
                Err(refused) => {
                    watch.refused(&engine, path, &body.bytes, &refused);
                    refused
                }
            }
        }
        Err(503) => Answer::refused(&handlers::later()),
        Err(status) => Answer::refused(&Refusal { status, ..Refusal::bad_request(codes::MALFORMED) }),
    };
    engine.metrics().gate(path, answer.status(), started.elapsed());
    answer.into_response()
}
