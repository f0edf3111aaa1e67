//! What is still answered while the platform is held after a restore: what changes nothing.
//!
//! The lists name what is allowed; whatever is added to the platform later is refused until somebody puts it on one.

use crate::gate::RETRY_AFTER;
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use ferropay_engine::Engine;
use std::sync::Arc;

const MESSAGE: &str = "The platform is in recovery hold and takes nothing on. Please try again later.\n";

/// Whether requests to this path of the Gate API only ask.
pub(crate) fn only_asks(path: &str) -> bool {
    matches!(
        path,
        "/v2/payment/status"
            | "/v2/payment/status/request"
            | "/v2/payment/recurring/info"
            | "/v2/recurring/retry-custom-schedule/info"
            | "/v2/customer/saved_account/list"
            | "/v2/customer/info"
    ) || path.starts_with("/v2/info/")
}

/// Lets nothing of `router` through while the engine is held, but for what looks at the inspector.
pub fn guard(router: Router, engine: Arc<Engine>) -> Router {
    router.layer(middleware::from_fn_with_state(engine, refuse))
}

async fn refuse(State(engine): State<Arc<Engine>>, request: Request, next: Next) -> Response {
    let looks = matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().path().starts_with("/inspector");
    if looks || !engine.is_held() {
        return next.run(request).await;
    }
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, MESSAGE).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

#[cfg(test)]
mod tests {
    use super::only_asks;
    use ferropay_wire::contract::Contract;

    #[test]
    fn what_only_asks_is_in_the_contract_and_what_moves_money_is_not_among_it() {
        for path in [
            "/v2/payment/status",
            "/v2/payment/status/request",
            "/v2/payment/recurring/info",
            "/v2/recurring/retry-custom-schedule/info",
            "/v2/customer/saved_account/list",
            "/v2/customer/info",
        ] {
            assert!(only_asks(path), "{path}");
            assert_eq!(Contract::gate().path_of(path), Some(path));
        }
        for path in [
            "/v2/payment/card/sale",
            "/v2/payment/card/payout",
            "/v2/payment/card/refund",
            "/v2/payment/card/recurring/cancel",
            "/v2/customer/card/tokenize",
            "/v2/customer/saved_account/delete",
            "/v2/recurring/retry-custom-schedule/save",
        ] {
            assert!(!only_asks(path), "{path}");
        }
    }
}
