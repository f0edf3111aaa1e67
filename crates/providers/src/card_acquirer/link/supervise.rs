//! Keeping one connection alive: connect, sign on, echo in silence, sign off, and after every loss again with back-off.

use super::Shared;
use super::connection::Connection;
use super::io::{self, End};
use super::outcome::Unknown;
use crate::card_acquirer::message::{Management, ResponseCode};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// How long the answer to a sign-off is waited for.
const SIGN_OFF_TIMEOUT: Duration = Duration::from_secs(1);

/// When the link is to be closed at the latest, once it is being closed.
pub(super) type Closing = watch::Receiver<Option<Instant>>;

/// When something was received last, readable while the reader works.
struct LastReceived {
    start: Instant,
    micros: AtomicU64,
}

impl LastReceived {
    fn now() -> Self {
        Self { start: Instant::now(), micros: AtomicU64::new(0) }
    }

    fn touch(&self) {
        let micros = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.micros.store(micros, Ordering::Relaxed);
    }

    fn get(&self) -> Instant {
        self.start + Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

/// Keeps `connection` alive until the link closes.
pub(super) async fn supervise(shared: Arc<Shared>, connection: Arc<Connection>, mut closing: Closing) {
    let mut losses = 0_u32;
    while closing.borrow().is_none() {
        let (end, signed_on) = run(&shared, &connection, &mut closing).await;
        let reason = match end {
            End::Garbage(_) | End::Oversize(_) => Unknown::Garbage,
            _ => Unknown::ConnectionLost,
        };
        connection.fail(reason);
        // Closing, or the link was dropped.
        if closing.borrow().is_some() || closing.has_changed().is_err() {
            break;
        }
        losses = if signed_on { 0 } else { losses.saturating_add(1) };
        let pause = back_off(losses, shared.config.back_off);
        tracing::warn!(address = %shared.config.address, %end, pause_ms = pause.as_millis(), "acquirer connection down");
        tokio::select! {
            () = sleep(pause) => {}
            _ = closing.changed() => {}
        }
    }
}

/// One life of the connection; also tells whether it was signed on.
async fn run(shared: &Arc<Shared>, connection: &Arc<Connection>, closing: &mut Closing) -> (End, bool) {
    let connecting = timeout(shared.config.connect_timeout, TcpStream::connect(&shared.config.address));
    let socket = tokio::select! {
        socket = connecting => socket,
        _ = closing.changed() => return (End::SignedOff, false),
    };
    let socket = match socket {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return (End::Socket(error), false),
        Err(_) => return (End::ConnectTimedOut, false),
    };
    // Messages are gathered here already; waiting in the kernel would only add time.
    if let Err(error) = socket.set_nodelay(true) {
        return (End::Socket(error), false);
    }
    let (reading, writing) = socket.into_split();
    let last_received = Arc::new(LastReceived::now());
    let mut signed_on = false;
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let (shared, connection, last) =
            (Arc::clone(shared), Arc::clone(connection), Arc::clone(&last_received));
        async move { io::read(&connection, reading, || last.touch(), shared.unsolicited.as_ref()).await }
    });
    tasks.spawn({
        let connection = Arc::clone(connection);
        async move { io::write(&connection, writing).await }
    });
    let end = tokio::select! {
        ended = tasks.join_next() => match ended {
            Some(Ok(end)) => end,
            Some(Err(error)) => End::Socket(std::io::Error::other(error)),
            None => End::Closed,
        },
        end = govern(shared, connection, &last_received, closing, &mut signed_on) => end,
    };
    // Neither half may outlive this connection and meet the state of the next.
    tasks.shutdown().await;
    (end, signed_on)
}

/// Signs on, then sends echoes in silence until the link closes.
async fn govern(
    shared: &Shared,
    connection: &Connection,
    last_received: &LastReceived,
    closing: &mut Closing,
    signed_on: &mut bool,
) -> End {
    let config = &shared.config;
    let code = tokio::select! {
        code = manage(shared, connection, Management::SignOn, config.sign_on_timeout) => code,
        _ = closing.changed() => return End::SignedOff,
    };
    match code {
        Some(ResponseCode::APPROVED) => {}
        Some(code) => return End::Refused(code),
        None => return End::SignOnTimedOut,
    }
    *signed_on = true;
    connection.open();
    shared.ready.notify_waiters();
    tracing::info!(address = %config.address, "acquirer connection signed on");
    loop {
        let deadline = *closing.borrow_and_update();
        if let Some(deadline) = deadline {
            drain(connection, deadline).await;
            manage(shared, connection, Management::SignOff, SIGN_OFF_TIMEOUT).await;
            return End::SignedOff;
        }
        let silent_at = last_received.get() + config.echo_interval;
        tokio::select! {
            changed = closing.changed() => if changed.is_err() {
                return End::Closed;
            },
            () = sleep_until(silent_at) => {
                if last_received.get() + config.echo_interval > Instant::now() {
                    continue;
                }
                tokio::select! {
                    code = manage(shared, connection, Management::Echo, config.echo_timeout) => if code.is_none() {
                        return End::EchoTimedOut;
                    },
                    // Looked at in the next round.
                    _ = closing.changed() => {}
                }
            }
        }
    }
}

/// Sends a management message and waits for the code of its answer.
async fn manage(
    shared: &Shared,
    connection: &Connection,
    what: Management,
    limit: Duration,
) -> Option<ResponseCode> {
    let answer = connection.manage(what, shared.stamp());
    timeout(limit, answer).await.ok()?.ok()
}

/// Waits for the requests in flight, until `deadline` at most. New ones are refused already.
async fn drain(connection: &Connection, deadline: Instant) {
    loop {
        let idle = connection.idle.notified();
        tokio::pin!(idle);
        idle.as_mut().enable();
        if connection.is_idle() || timeout_at(deadline, idle).await.is_err() {
            return;
        }
    }
}

/// The pause after `losses` lost connects in a row: doubling from the shortest to the longest, of which a random
/// half to whole, so that many processes do not come back in step.
fn back_off(losses: u32, (shortest, longest): (Duration, Duration)) -> Duration {
    let whole =
        shortest.saturating_mul(1_u32.checked_shl(losses.saturating_sub(1)).unwrap_or(u32::MAX)).min(longest);
    let random = RandomState::new().hash_one(losses) % 501;
    whole.saturating_mul(500 + u32::try_from(random).unwrap_or_default()) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_the_longest_and_is_never_below_half() {
        let range = (Duration::from_millis(100), Duration::from_secs(10));
        for (losses, whole) in
            [(0, 100), (1, 100), (2, 200), (5, 1600), (8, 10_000), (40, 10_000), (u32::MAX, 10_000)]
        {
            for _ in 0..100 {
                let pause = back_off(losses, range);
                let whole = Duration::from_millis(whole);
                assert!((whole / 2..=whole).contains(&pause), "{losses}: {pause:?}");
            }
        }
    }

    #[test]
    fn pauses_differ() {
        let range = (Duration::from_secs(1), Duration::from_secs(10));
        let pauses: std::collections::HashSet<Duration> = (0..50).map(|_| back_off(1, range)).collect();
        assert!(pauses.len() > 10);
    }
}
