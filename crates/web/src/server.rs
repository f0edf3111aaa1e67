//! The HTTP server: bounded connections, headers, bodies and time, and an end at which no request fails.

use axum::{Router, body::Body, extract::Request, response::Response};
use futures_util::FutureExt as _;
use hyper::{
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// How many connections are served at a time; more wait in the system's queue.
const MAX_CONNECTIONS: u16 = 8_192;

/// How long a client may take to send the head of a request, also the next one on a kept connection.
const HEAD_TIME_OUT: Duration = Duration::from_mins(1);

/// The largest head of a request, bytes.
const MAX_HEAD: usize = 32 * 1024;

/// How long a connection on which nothing was ever asked is kept when the server ends. Browsers open some in advance.
const UNUSED: Duration = Duration::from_secs(1);

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// How far the server is on its way to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Far from it.
    #[default]
    Serving,
    /// Every request is served, but each answer is the last on its connection, and says so: clients and load balancers
    /// go elsewhere with the next one.
    Leaving,
    /// No connection is taken any more; requests under way are answered.
    Closing,
}

/// Serves `router` until [`Stage::Closing`], then lets running requests end for at most `patience`.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stages: watch::Receiver<Stage>,
    patience: Duration,
) -> std::io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_OUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(64)
        .keep_alive(true);
    let slots = Arc::new(Semaphore::new(usize::from(MAX_CONNECTIONS)));
    let mut closing = std::pin::pin!(closing(stages.clone()));
    let begin = |stream, peer, slot| {
        tokio::spawn(converse(http.clone(), router.clone(), (stream, peer), stages.clone(), slot));
    };
    loop {
        // Waiting for a slot must not keep the signal to stop from being heard.
        let slot_and_connection = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            both = slot_and_connection => both,
            () = &mut closing => break,
        };
        match (slot, accepted) {
            (Ok(slot), Ok((stream, peer))) => begin(stream, peer, slot),
            (_, Err(error)) => {
                // Out of file handles, or the client went away: neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (Err(_), _) => break,
        }
    }
    // Whom the system has let in on our behalf is served, too: closing the listener would cut them off.
    while let Ok(slot) = slots.clone().try_acquire_owned()
        && let Some(Ok((stream, peer))) = tokio::task::unconstrained(listener.accept()).now_or_never()
    {
        begin(stream, peer, slot);
    }
    drop(listener);
    let all_ended = slots.acquire_many(u32::from(MAX_CONNECTIONS));
    drop(tokio::time::timeout(patience, all_ended).await);
    Ok(())
}

/// Completes at [`Stage::Closing`], or when nobody is left who could say so.
async fn closing(mut stages: watch::Receiver<Stage>) {
    drop(stages.wait_for(|stage| *stage == Stage::Closing).await);
}

/// Serves one connection to its end.
async fn converse(
    http: http1::Builder,
    router: Router,
    (stream, peer): (TcpStream, SocketAddr),
    stages: watch::Receiver<Stage>,
    slot: OwnedSemaphorePermit,
) {
    drop(stream.set_nodelay(true));
    let asked = AtomicBool::new(false);
    let service = tower::service_fn(|mut request: hyper::Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(peer));
        let answer = tower::Service::call(&mut router.clone(), request.map(Body::new) as Request);
        let stages = &stages;
        async move {
            let mut answer = answer.await?;
            if *stages.borrow() != Stage::Serving {
                say_goodbye(&mut answer);
            }
            Ok::<Response, std::convert::Infallible>(answer)
        }
    });
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing(stages.clone()) => {
            connection.as_mut().graceful_shutdown();
            let unused = async {
                tokio::time::sleep(UNUSED).await;
                if asked.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = unused => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(slot);
}

/// Marks an answer as the last one on its connection.
fn say_goodbye(answer: &mut Response) {
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.remove("keep-alive");
}
