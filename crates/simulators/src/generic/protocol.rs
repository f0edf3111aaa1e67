//! The protocol's own addresses: putting a transaction, asking for it, undoing it.

use super::{
    book::{Asked, Next, Refused},
    faults::Faults,
    notify,
    script::Act,
    server::Handle,
    sign,
};
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

/// An answer that says what is wrong.
pub(super) fn problem(status: StatusCode, sentence: &str) -> Response {
    (status, Json(json!({ "error": sentence }))).into_response()
}

/// The body of a message that comes from the account.
pub(super) struct Authentic(pub(super) Bytes);

impl FromRequest<Handle> for Authentic {
    type Rejection = Response;

    async fn from_request(request: Request, handle: &Handle) -> Result<Self, Response> {
        let (verb, path) = (request.method().clone(), request.uri().path().to_owned());
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, handle).await.map_err(IntoResponse::into_response)?;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let config = &handle.0.config;
        let message = (verb.as_str(), path.as_str(), body.as_ref());
        let is_authentic = header("x-account") == config.account
            && sign::request_is_signed(&config.secret, header("x-signature"), message, handle.now());
        if is_authentic {
            Ok(Self(body))
        } else {
            Err(problem(StatusCode::UNAUTHORIZED, "The account or the signature is wrong."))
        }
    }
}

fn names() -> (String, String) {
    (format!("tx_{}", Uuid::new_v4().simple()), Uuid::new_v4().simple().to_string())
}

/// `PUT /generic/v1/transactions/{reference}`.
pub(super) async fn put(
    State(handle): State<Handle>,
    Path(reference): Path<String>,
    Authentic(body): Authentic,
) -> Response {
    let Ok(asked) = serde_json::from_slice::<Asked>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "The body is no transaction.");
    };
    if let Some(answer) = lost_before(&handle, &reference, &asked) {
        return answer;
    }
    let next = handle.0.book.lock().put(&reference, asked, names(), handle.now());
    match next {
        Ok(Next::Later(act)) => later(&handle, &reference, act),
        Ok(Next::Nothing) => {}
        Err(Refused::Conflict) => {
            return problem(StatusCode::CONFLICT, "The reference stands for another transaction.");
        }
        Err(Refused::Invalid) => return problem(StatusCode::BAD_REQUEST, "There is no such transaction."),
    }
    answer(&handle, &reference)
}

/// A request that is lost before it is carried out: counted outside the book, where nothing is known of it yet.
fn lost_before(handle: &Handle, reference: &str, asked: &Asked) -> Option<Response> {
    let faults = asked.fault.as_deref().map(Faults::read).unwrap_or_default();
    let mut lost = handle.0.lost_before.lock();
    let left = lost.entry(reference.to_owned()).or_insert(faults.lost_before);
    let is_lost = Faults::takes(left);
    if *left == 0 && !is_lost {
        lost.remove(reference);
    }
    is_lost.then(|| problem(StatusCode::BAD_GATEWAY, "Lost on the way."))
}

/// `GET /generic/v1/transactions/{reference}`.
pub(super) async fn get(
    State(handle): State<Handle>,
    Path(reference): Path<String>,
    _: Authentic,
) -> Response {
    let expired = handle.0.book.lock().expire(&reference, handle.now());
    if expired {
        notify::tell(&handle, &reference);
    }
    answer(&handle, &reference)
}

/// Most transactions listed at a time.
const MOST_LISTED: usize = 100;

/// `GET /generic/v1/transactions-after/{reference}`.
pub(super) async fn after(
    State(handle): State<Handle>,
    Path(reference): Path<String>,
    _: Authentic,
) -> Response {
    let Ok(after) = reference.parse::<i64>() else {
        return problem(StatusCode::BAD_REQUEST, "A reference is a number.");
    };
    let book = handle.0.book.lock();
    let mut known: Vec<_> = book
        .newest()
        .filter_map(|it| Some((it.reference.parse::<i64>().ok().filter(|it| *it > after)?, it)))
        .collect();
    known.sort_by_key(|(reference, _)| *reference);
    let listed: Vec<_> = known.into_iter().take(MOST_LISTED).map(|(_, it)| it.listed()).collect();
    Json(json!({ "transactions": listed })).into_response()
}

/// `POST /generic/v1/transactions/{reference}/cancel`.
pub(super) async fn cancel(
    State(handle): State<Handle>,
    Path(reference): Path<String>,
    _: Authentic,
) -> Response {
    handle.0.book.lock().cancel(&reference, names(), handle.now());
    answer(&handle, &reference)
}

/// The transaction as it stands, or what a fault makes of the answer.
fn answer(handle: &Handle, reference: &str) -> Response {
    let mut book = handle.0.book.lock();
    let Some(transaction) = book.get(reference) else {
        return problem(StatusCode::NOT_FOUND, "The reference is not known.");
    };
    if Faults::takes(&mut transaction.faults.lost) {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "Something broke.");
    }
    if Faults::takes(&mut transaction.faults.garbage) {
        return (StatusCode::OK, "<html>").into_response();
    }
    Json(transaction.told(&handle.0.config.base_url)).into_response()
}

/// After a while somebody decides, and the platform is told.
pub(super) fn later(handle: &Handle, reference: &str, act: Act) {
    let (handle, reference) = (handle.clone(), reference.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(handle.0.config.delay).await;
        if handle.0.book.lock().act(&reference, act) {
            notify::tell(&handle, &reference);
        }
    });
}
