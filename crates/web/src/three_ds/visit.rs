//! What is posted here, step by step.

use super::{
    browser::{self, FoundOut},
    page::View,
    trouble::{self, Trouble},
};
use crate::{
    customer::{
        address,
        answer::{self, FramedBy, Needs},
    },
    server::Peer,
};
use axum::{
    Extension, Form,
    body::Bytes,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ferropay_domain::ids::AuthenticationId;
use ferropay_engine::{
    Engine, Failure,
    customer_page::{Page, PageStep},
};
use serde::Deserialize;
use std::{future::Future, sync::Arc, time::Duration};

/// How long the platform may take for a step, the directory server's answer included.
const PATIENCE: Duration = Duration::from_secs(25);

/// What comes of reading a form.
type Read<T> = Result<Form<T>, FormRejection>;

/// `POST /3ds/result`: an issuer's result, by way of the directory server (T-049).
pub(super) async fn result(State(engine): State<Arc<Engine>>, body: Bytes) -> Response {
    let kind =
        [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    match tokio::time::timeout(PATIENCE, engine.result_notice(&body)).await {
        Ok(reply) => (kind, reply).into_response(),
        // The sender tries again.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What the merchant's page posts.
#[derive(Deserialize)]
pub(super) struct Opened {
    #[serde(rename = "PaReq")]
    pa_req: String,
    #[serde(rename = "MD")]
    md: String,
    #[serde(rename = "TermUrl", default)]
    term_url: String,
}

/// `POST /3ds/acs`: the merchant sends the customer (G-196, G-197).
pub(super) async fn open(
    State(engine): State<Arc<Engine>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    form: Read<Opened>,
) -> Response {
    let Some(Opened { pa_req, md, term_url }) = read(form) else { return Trouble::Incomplete.answer() };
    let term_url = Some(term_url.trim()).filter(|url| !url.is_empty());
    if term_url.is_some_and(|url| !address::is_page(url)) {
        tracing::warn!("a customer came with a TermUrl that is no plain web address");
        return Trouble::Incomplete.answer();
    }
    let told = browser::told_by_request(&headers, peer.map(|Extension(peer)| peer));
    let page = within(engine.page_opened(&pa_req, &md, term_url, told)).await;
    let again = || {
        let term_url = term_url.unwrap_or_default().to_owned();
        vec![
            ("PaReq".to_owned(), pa_req.clone()),
            ("MD".to_owned(), md.clone()),
            ("TermUrl".to_owned(), term_url),
        ]
    };
    show(page, "/3ds/acs", again)
}

/// What the platform's page posts to go on.
#[derive(Deserialize)]
pub(super) struct Ticket {
    ticket: String,
    #[serde(flatten)]
    found_out: FoundOut,
}

/// `POST /3ds/continue`: the platform's page goes on.
pub(super) async fn go_on(State(engine): State<Arc<Engine>>, form: Read<Ticket>) -> Response {
    let Some(Ticket { ticket, found_out }) = read(form) else { return Trouble::Incomplete.answer() };
    let page = within(Box::pin(engine.page_goes_on(&ticket, found_out.told()))).await;
    show(page, "/3ds/continue", || vec![("ticket".to_owned(), ticket.clone())])
}

/// What an issuer's page posts at the end of a challenge.
#[derive(Deserialize)]
pub(super) struct CameBack {
    cres: String,
    #[serde(rename = "threeDSSessionData", default)]
    session_data: String,
}

/// `POST /3ds/return`: the issuer sends the customer back.
pub(super) async fn come_back(State(engine): State<Arc<Engine>>, form: Read<CameBack>) -> Response {
    let Some(CameBack { cres, session_data }) = read(form) else { return Trouble::Incomplete.answer() };
    let page = within(engine.page_returned(&cres, &session_data)).await;
    let again =
        || vec![("cres".to_owned(), cres.clone()), ("threeDSSessionData".to_owned(), session_data.clone())];
    show(page, "/3ds/return", again)
}

/// What an issuer's page posts in the hidden frame.
#[derive(Deserialize)]
pub(super) struct MethodData {
    #[serde(rename = "threeDSMethodData")]
    data: String,
}

/// `POST /3ds/device/{id}`: the issuer has seen the browser.
pub(super) async fn device(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    form: Read<MethodData>,
) -> Response {
    let (Some(id), Some(MethodData { data })) = (AuthenticationId::parse(&id), read(form)) else {
        tracing::warn!("an issuer's page reported to an address or with a form that names no browser");
        return trouble::seen(false);
    };
    let known = within(engine.device_seen(id, &data)).await.unwrap_or(false);
    trouble::seen(known)
}

fn read<T>(form: Read<T>) -> Option<T> {
    // The rejection itself may repeat what was posted.
    let why = match form {
        Ok(Form(read)) => return Some(read),
        Err(FormRejection::InvalidFormContentType(_)) => "it is no form",
        Err(FormRejection::FailedToDeserializeForm(_) | FormRejection::FailedToDeserializeFormBody(_)) => {
            "a field is missing or comes twice"
        }
        Err(_) => "it cannot be read",
    };
    tracing::warn!(why, "what was posted to a 3-D Secure page is not what it takes");
    None
}

/// The platform cannot do a step at the moment.
struct Unavailable;

/// A step within the time it may take.
async fn within<T>(step: impl Future<Output = Result<T, Failure>>) -> Result<T, Unavailable> {
    let done = tokio::time::timeout(PATIENCE, step).await.map_err(|_| {
        tracing::error!("a 3-D Secure page took too long to go on");
        Unavailable
    })?;
    done.map_err(|error| {
        tracing::error!(%error, "a 3-D Secure page could not go on");
        Unavailable
    })
}

/// Shows a page. `again`: the fields with which the same step is tried again at `path`.
fn show(
    page: Result<Option<Page>, Unavailable>,
    path: &'static str,
    again: impl FnOnce() -> Vec<(String, String)>,
) -> Response {
    let page = match page {
        Err(Unavailable) => return Trouble::Unavailable { path, fields: again() }.answer(),
        Ok(None) => return Trouble::Over.answer(),
        Ok(Some(page)) => page,
    };
    // Nobody may have said where to; and the address may be older than the rule it has to keep.
    if !address::is_page(&page.return_url) {
        tracing::warn!("a customer came who could not be brought back to the merchant");
        return Trouble::Incomplete.answer();
    }
    let mut needs = Needs { framed_by: FramedBy::Merchant(&page.return_url), ..Needs::default() };
    let mut status = StatusCode::OK;
    match &page.step {
        PageStep::Device { form, .. } => needs.frame = Some(&form.url),
        PageStep::Wait { .. } => {}
        PageStep::Challenge(form) | PageStep::Return(form) => needs.leave_for = Some(&form.url),
        PageStep::Over(form) => {
            needs.leave_for = Some(&form.url);
            status = StatusCode::GONE;
        }
    }
    answer::page(status, &View::of(&page), &needs)
}
