//! The inspector (`/inspector`): what happens in test projects, as developers of an integration want to see it.
//!
//! The list is a sequence diagram of requests, callbacks and provider messages with the newest on top; beside it
//! stands one of them whole, or a payment's course in one column with the reason of every step, or a project with its
//! clock and its faults. What is shown comes from the engine's recorder and from the store; production projects are
//! not in the first and are refused in the second. Until there are user accounts the inspector answers this machine
//! only (see [`guard`]).

mod actions;
mod callbacks;
mod describe;
mod detail;
mod diff;
mod filter;
mod guard;
mod json_view;
mod live;
mod page;
mod payment;
mod project;
mod row;
mod signature;
mod timeline;
mod words;

use axum::{
    Router, middleware,
    routing::{get, post},
};
use ferropay_domain::{ids::ProjectId, project::Environment};
use ferropay_engine::{Engine, KnownProject};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::Semaphore;

/// How many pages may be live at a time.
const MOST_STREAMS: usize = 64;

/// How the inspector is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether requests that a proxy on this machine has forwarded are answered, because it lets in only those who may see
    /// everything.
    pub behind_proxy: bool,
    /// Addresses and networks that callbacks come from, as merchants are shown them (G-087).
    pub callback_sources: Arc<[String]>,
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Inspector {
    engine: Arc<Engine>,
    /// Proves that a form came from a page of this process.
    token: Arc<str>,
    /// Where the inspector is served.
    address: SocketAddr,
    options: Options,
    streams: Arc<Semaphore>,
}

impl Inspector {
    /// The test projects, by number.
    fn projects(&self) -> Vec<Arc<KnownProject>> {
        let mut all = self.engine.projects().all();
        all.retain(|known| known.project.environment == Environment::Test);
        all.sort_by_key(|known| known.project.id);
        all
    }

    /// A test project.
    fn project(&self, id: ProjectId) -> Option<Arc<KnownProject>> {
        let known = self.engine.projects().get(id)?;
        (known.project.environment == Environment::Test).then_some(known)
    }
}

/// The router of the inspector, served at `address`.
pub fn router(engine: Arc<Engine>, address: SocketAddr, options: Options) -> Router {
    let streams = Arc::new(Semaphore::new(MOST_STREAMS));
    let inspector = Inspector { engine, token: guard::new_token(), address, options, streams };
    Router::new()
        .route("/inspector", get(page::list))
        .route("/inspector/live", get(live::stream))
        .route("/inspector/records/{number}", get(page::record))
        .route("/inspector/records/{number}/compare", post(page::compare))
        .route("/inspector/payment", get(payment::page))
        .route("/inspector/projects/{project}", get(project::page))
        .route("/inspector/projects/{project}/faults", post(actions::faults))
        .route("/inspector/projects/{project}/clock", post(actions::clock))
        .route("/inspector/projects/{project}/callbacks", get(callbacks::list).post(actions::resend))
        .route("/inspector/projects/{project}/callbacks/{callback}/{address}", get(callbacks::one))
        .route_layer(middleware::from_fn_with_state(inspector.clone(), guard::check))
        .with_state(inspector)
}
