//! What providers of payment methods and the customers they send back bring to the public side.
//!
//! | Route | Who calls it |
//! |---|---|
//! | `POST /providers/{account}/notices` | a provider, from server to server: what became of a payment |
//! | `GET /return/{ticket}` (or `POST`) | the customer's browser, coming back from a provider's page |
//!
//! A notice counts by its signature, which the account's connector checks. A browser's coming back counts for nothing: the
//! provider is asked, and the customer goes on to where the merchant wants customers whose payment is done, has failed or
//! is not decided yet.

use crate::{
    body,
    customer::{
        answer::{FramedBy, Needs, page},
        bill::Bill,
    },
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{any, post},
};
use ferropay_domain::ids::ProviderAccountId;
use ferropay_engine::{
    Engine,
    customer_return::{Onward, Standing},
    notices::Noticed,
};
use std::sync::Arc;

/// The largest notice, bytes.
const MAX_BODY: usize = 64 * 1024;

/// The router of notices and of customers who come back.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/providers/{account}/notices", post(notice))
        .route("/return/{ticket}", any(come_back))
        .with_state(engine)
}

async fn notice(State(engine): State<Arc<Engine>>, Path(account): Path<i64>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let taken = match body::take(body, MAX_BODY).await {
        Ok(taken) => taken,
        Err(status) => {
            return StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST).into_response();
        }
    };
    let header = |name: &str| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
    let noticed = engine.provider_notice(ProviderAccountId::new(account), &header, &taken.bytes).await;
    match noticed {
        Ok(Noticed::Taken) => StatusCode::OK.into_response(),
        Ok(Noticed::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Ok(Noticed::Refused) => StatusCode::UNAUTHORIZED.into_response(),
        Ok(Noticed::Later) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(failure) => {
            tracing::error!(%failure, "a provider's notice could not be taken");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn come_back(State(engine): State<Arc<Engine>>, Path(ticket): Path<String>) -> Response {
    match Box::pin(engine.customer_returned(&ticket)).await {
        Ok(Some(onward)) => lead_on(&onward),
        Ok(None) => shown(StatusCode::NOT_FOUND, &View::unknown()),
        Err(failure) => {
            tracing::error!(%failure, "a customer who came back could not be led on");
            shown(StatusCode::SERVICE_UNAVAILABLE, &View::later())
        }
    }
}

fn lead_on(onward: &Onward) -> Response {
    let location = onward.url.as_deref().and_then(|url| HeaderValue::from_str(url).ok());
    let Some(location) = location else { return shown(StatusCode::OK, &View::of(onward)) };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What a customer reads whom nobody waits for.
#[derive(Template)]
#[template(path = "provider_side/back.html")]
struct View {
    heading: &'static str,
    lead: String,
    /// What is paid; none when the address leads nowhere.
    bill: Option<Bill>,
}

impl View {
    fn of(onward: &Onward) -> Self {
        let shop = if onward.merchant.is_empty() { "the shop" } else { &onward.merchant };
        let (heading, lead) = match onward.standing {
            Standing::Done => ("Paid. Thank you.", format!("{shop} knows of it. You can close this page.")),
            Standing::Failed => ("Not paid", format!("{shop} knows of it. Return there to try again.")),
            Standing::Open => (
                "Not decided yet",
                format!("{shop} will hear as soon as it is. There is no need to pay again."),
            ),
        };
        let bill = Bill::new(&onward.merchant, onward.is_test, Some(onward.amount), &onward.description)
            .with("Payment", onward.payment_id.clone());
        Self { heading, lead, bill: Some(bill) }
    }

    fn unknown() -> Self {
        let lead =
            "This address leads nowhere. Return to the shop to see what came of your payment.".to_owned();
        Self { heading: "Nothing to see here", lead, bill: None }
    }

    fn later() -> Self {
        let lead =
            "We cannot say at the moment what came of your payment. Load this page again in a few seconds. \
                    There is no need to pay again."
                .to_owned();
        Self { heading: "This takes longer than it should", lead, bill: None }
    }
}

fn shown(status: StatusCode, view: &View) -> Response {
    page(status, view, &Needs { framed_by: FramedBy::Merchant(""), ..Needs::default() })
}
