//! One connection: reads frames, hands them to the desk, writes what comes back.
//!
//! A single task does everything for a connection, so nothing is locked and nothing is queued on the ordinary path: all
//! frames that one read brought are answered into one buffer, which one write sends. What has to wait (a delayed
//! request, a late answer, an issuer that does not answer) sits in a heap by time, bounded: when it is full, the task
//! stops reading and TCP slows the client down. When the client goes away, work that was only put off is still done, as
//! a real acquirer would: that is how a late original comes to meet its reversal.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::desk::{Desk, Outcome, Session, count};
use super::faults::Effects;
use super::iso::{Breach, LONGEST_MESSAGE};

/// Bytes of answers collected before they are written although more requests are waiting.
const WRITE_AT: usize = 64 * 1_024;
/// Bytes asked of the socket at a time.
const READ_SIZE: usize = 16 * 1_024;

/// What a connection is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Put-off requests and answers at a time.
    pub(super) deferred: usize,
    /// From the first byte of a frame to its last.
    pub(super) frame: Duration,
    /// Without any byte between frames.
    pub(super) idle: Duration,
    /// For the client to take a batch of answers.
    pub(super) write: Duration,
}

/// Something put off.
struct Deferred {
    due: Instant,
    /// Keeps what is due at the same time in order of arrival.
    serial: u64,
    what: What,
}

enum What {
    /// Hand the message to the desk.
    Work { frame: Box<[u8]>, effects: Effects },
    /// Send the bytes.
    Send { bytes: Bytes, close: bool },
}

impl PartialEq for Deferred {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Deferred {}

impl PartialOrd for Deferred {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Deferred {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.serial).cmp(&(other.due, other.serial))
    }
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the client closed it")]
    ByClient,
    #[error("the client closed it in the middle of a message")]
    InsideMessage,
    #[error("the simulator stops")]
    Stopping,
    #[error("a fault plan asked for it")]
    Fault,
    #[error("protocol error: {0}")]
    Breach(#[from] Breach),
    #[error("a message did not arrive whole in time")]
    SlowMessage,
    #[error("nothing was heard for too long")]
    Idle,
    #[error("the client does not take its answers")]
    SlowReader,
    #[error("{0}")]
    Io(#[from] io::Error),
}

struct Connection {
    desk: Arc<Desk>,
    session: Session,
    limits: Limits,
    input: BytesMut,
    output: BytesMut,
    deferred: BinaryHeap<Reverse<Deferred>>,
    serial: u64,
}

/// Serves a connection until it ends; then finishes the work that was put off. `place` is its share of the connections
/// allowed at a time, given back when the socket is closed.
pub(super) async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    desk: Arc<Desk>,
    limits: Limits,
    place: OwnedSemaphorePermit,
    mut stop: watch::Receiver<bool>,
) {
    count(&desk.traffic.connections);
    let mut connection = Connection {
        desk,
        session: Session::default(),
        limits,
        input: BytesMut::new(),
        output: BytesMut::new(),
        deferred: BinaryHeap::new(),
        serial: 0,
    };
    let Err(end) = connection.run(&mut stream, &mut stop).await;
    match end {
        End::ByClient | End::Stopping | End::Fault => {
            debug!(%peer, "acquirer simulator: connection ended: {end}");
        }
        _ => {
            count(&connection.desk.traffic.breaches);
            warn!(%peer, "acquirer simulator: connection ended: {end}");
        }
    }
    drop((stream, place));
    if !matches!(end, End::Stopping) {
        connection.finish(&mut stop).await;
    }
}

impl Connection {
    async fn run(
        &mut self,
        stream: &mut TcpStream,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<std::convert::Infallible, End> {
        let mut frame_since: Option<Instant> = None;
        let mut heard_at = Instant::now();
        loop {
            let answered = self.handle_received().and_then(|()| self.handle_due());
            // What was answered before the end goes out in any case.
            self.flush(stream).await?;
            answered?;
            if self.output.is_empty() && self.deferred.is_empty() && self.send_farewell() {
                continue;
            }
            let may_read = self.deferred.len() < self.limits.deferred;
            if may_read && self.frame_waits() {
                continue;
            }
            if self.input.is_empty() {
                frame_since = None;
            } else if frame_since.is_none() {
                frame_since = Some(Instant::now());
            }
            let (deadline, late) = match frame_since {
                Some(since) => (since + self.limits.frame, End::SlowMessage),
                None => (heard_at + self.limits.idle, End::Idle),
            };
            let due = self.deferred.peek().map(|Reverse(next)| next.due);
            self.input.reserve(READ_SIZE);
            let before = self.input.len();
            tokio::select! {
                biased;
                read = stream.read_buf(&mut self.input), if may_read => {
                    if read? == 0 {
                        return Err(if before == 0 { End::ByClient } else { End::InsideMessage });
                    }
                    heard_at = Instant::now();
                    if self.frame_waits() {
                        frame_since = None;
                    }
                }
                () = tokio::time::sleep_until(due.unwrap_or(deadline)), if due.is_some() => {}
                () = tokio::time::sleep_until(deadline), if may_read && due.is_none_or(|due| deadline < due) => {
                    return Err(late);
                }
                _ = stop.changed() => return Err(End::Stopping),
            }
        }
    }

    /// Whether the input starts with a whole frame (or one that is a breach).
    fn frame_waits(&self) -> bool {
        self.announced().is_some_and(|length| length > LONGEST_MESSAGE || self.input.len() >= length + 2)
    }

    /// The length that the next frame announces.
    fn announced(&self) -> Option<usize> {
        let prefix = self.input.first_chunk::<2>()?;
        Some(usize::from(u16::from_be_bytes(*prefix)))
    }

    /// Handles the whole frames at hand, as far as the bounds allow.
    fn handle_received(&mut self) -> Result<(), End> {
        while self.deferred.len() < self.limits.deferred && self.output.len() < WRITE_AT && self.frame_waits()
        {
            let length = self.announced().unwrap_or_default();
            if length > LONGEST_MESSAGE {
                return Err(Breach::TooLong.into());
            }
            self.input.advance(2);
            if length == 0 {
                continue;
            }
            let frame = self.input.split_to(length);
            let outcome = self.desk.receive(&frame, &mut self.session, &mut self.output)?;
            self.follow(outcome, &frame)?;
        }
        Ok(())
    }

    /// Does what has become due.
    fn handle_due(&mut self) -> Result<(), End> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        while self.deferred.peek().is_some_and(|Reverse(next)| next.due <= now) {
            match self.deferred.pop().map(|Reverse(next)| next.what) {
                Some(What::Work { frame, effects }) => {
                    let outcome = self.desk.resume(&frame, effects, &mut self.output);
                    self.follow(outcome, &frame)?;
                }
                Some(What::Send { bytes, close }) => {
                    self.output.extend_from_slice(&bytes);
                    if close {
                        return Err(End::Fault);
                    }
                }
                None => break,
            }
        }
        Ok(())
    }

    fn follow(&mut self, outcome: Outcome, frame: &[u8]) -> Result<(), End> {
        let (after, what) = match outcome {
            Outcome::Done => return Ok(()),
            Outcome::Close => return Err(End::Fault),
            Outcome::Again { after, effects } => (after, What::Work { frame: frame.into(), effects }),
            Outcome::Send { after, bytes, close } => (after, What::Send { bytes, close }),
        };
        self.serial += 1;
        self.deferred.push(Reverse(Deferred { due: Instant::now() + after, serial: self.serial, what }));
        Ok(())
    }

    /// Answers a sign-off once nothing is in flight any more.
    fn send_farewell(&mut self) -> bool {
        self.session.farewell.take().is_some_and(|bytes| {
            self.output.extend_from_slice(&bytes);
            true
        })
    }

    async fn flush(&mut self, stream: &mut TcpStream) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        match tokio::time::timeout(self.limits.write, stream.write_all_buf(&mut self.output)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(End::SlowReader),
        }
    }

    /// Does the put-off work of a connection that is gone; the answers have nowhere to go.
    async fn finish(&mut self, stop: &mut watch::Receiver<bool>) {
        while let Some(Reverse(next)) = self.deferred.pop() {
            let What::Work { frame, effects } = next.what else { continue };
            tokio::select! {
                () = tokio::time::sleep_until(next.due) => {}
                _ = stop.changed() => return,
            }
            self.output.clear();
            let outcome = self.desk.resume(&frame, effects, &mut self.output);
            if self.follow(outcome, &frame).is_err() {
                debug!("acquirer simulator: a fault plan would close a connection that is gone already");
            }
        }
    }
}
