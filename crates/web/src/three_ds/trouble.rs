//! Answers that are no step of a confirmation.

use super::page::{View, seen_page};
use crate::customer::answer::{Needs, page};
use axum::{http::StatusCode, response::Response};

/// What cannot go on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What was posted here is not what this page needs.
    Incomplete,
    /// There is nothing to confirm here, or no longer.
    Over,
    /// The platform cannot do it at the moment; the browser may post the same again.
    Unavailable {
        /// To which path.
        path: &'static str,
        /// The fields that came.
        fields: Vec<(String, String)>,
    },
}

impl Trouble {
    /// The page that says so.
    pub(super) fn answer(self) -> Response {
        let status = match self {
            Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::Over => StatusCode::GONE,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        self.with_status(status.as_u16())
    }

    /// The same with another status.
    pub(super) fn with_status(self, status: u16) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        page(status, &View::of_trouble(self), &Needs::default())
    }
}

/// The answer to an issuer's page in the hidden frame; nobody sees it. `known`: the page around it is told.
pub(super) fn seen(known: bool) -> Response {
    let status = if known { StatusCode::OK } else { StatusCode::GONE };
    page(status, &seen_page(known), &Needs::default())
}
