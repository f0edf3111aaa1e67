//! Visits of the platform's pages in any form, with what the platform's log says of them.

use super::World;
use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use std::{io::Write, sync::Arc};
use tower::ServiceExt as _;
use tracing::instrument::WithSubscriber as _;

/// What came of a visit.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) page: String,
    /// The lines the platform logged meanwhile, warnings and worse.
    pub(crate) log: String,
}

/// Collects what is logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Collects what this thread logs from now on as an error, until the guard is dropped.
    pub(crate) fn of_errors() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let written = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::ERROR)
            .with_writer(move || written.clone())
            .finish();
        (lines, tracing::subscriber::set_default(log))
    }

    /// How many lines have these words.
    pub(crate) fn count(&self, words: &str) -> usize {
        String::from_utf8(self.0.lock().clone()).unwrap().lines().filter(|line| line.contains(words)).count()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl World {
    /// Asks for a page with any request.
    pub(crate) async fn visit(&self, request: Request<Body>) -> Visit {
        let lines = Lines::default();
        let written = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::WARN)
            .with_writer(move || lines.clone())
            .finish();
        let answered = async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts, body.collect().await.unwrap().to_bytes())
        };
        let (parts, bytes) = answered.with_subscriber(log).await;
        let log = String::from_utf8(written.0.lock().clone()).unwrap();
        let page = String::from_utf8(bytes.to_vec()).unwrap();
        Visit { status: parts.status.as_u16(), headers: parts.headers, page, log }
    }

    /// Posts a form to a page by its path.
    pub(crate) async fn bring(&self, path: &str, fields: &[(&str, &str)]) -> Visit {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(super::bank::form_body(&fields)));
        self.visit(request.unwrap()).await
    }
}
