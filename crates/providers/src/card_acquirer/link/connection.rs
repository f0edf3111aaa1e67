//! One connection's state: what waits to be written, and who waits for which answer.
//!
//! Requests are encoded straight into the buffer of the next write, so that all that gather while one write is under
//! way leave with the next. Each waiting request remembers the number of the write it belongs to. That tells, when the
//! connection is lost or the time is up, whether a byte of it can have left.

use super::outcome::{NotSent, Unknown};
use crate::card_acquirer::iso8583::EncodeError;
use crate::card_acquirer::message::{
    Answer, Broken, Class, Identity, Incoming, Key, ListPage, Management, Request, ResponseCode, Stamp,
    encode_echo_answer, encode_list,
};
use crate::card_acquirer::reference::Reference;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use tokio::sync::{Notify, oneshot};
use zeroize::Zeroize;

/// Bytes of unwritten messages above which echo answers are dropped: an acquirer that asks but does not read.
const UNREAD_LIMIT: usize = 1 << 20;

/// How a waiting request ends.
pub(super) type Outcome = Result<Answer, Lost>;

/// Why a request ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It never left.
    NotSent(NotSent),
    /// It may have been processed.
    Unknown(Unknown),
}

/// What a connection can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No socket, or not signed on.
    Down,
    /// Carries requests.
    Ready,
    /// Takes no new requests.
    Closing,
}

/// What an answer has to repeat of its request.
#[derive(Clone, Copy, Debug)]
struct Expected {
    processing: u64,
    amount: u64,
    currency: u16,
    /// Whether a smaller amount may be approved.
    partial: bool,
}

struct Waiting {
    serial: u64,
    sender: oneshot::Sender<Outcome>,
    expected: Expected,
    batch: u64,
    start: usize,
    length: usize,
}

struct State {
    phase: Phase,
    /// Frames that wait to be written.
    out: Vec<u8>,
    /// The number of the write that `out` will be.
    batch: u64,
    serial: u64,
    pending: HashMap<Key, Waiting>,
    management: Option<(u32, oneshot::Sender<ResponseCode>)>,
    /// Who waits for a part of the list.
    listing: Option<(u32, oneshot::Sender<ListPage>)>,
}

/// What happened to a request that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withdrawn {
    /// It has ended already.
    Ended,
    /// It was taken back before it was written.
    Unwritten,
    /// It was written.
    Written,
}

/// A request that waits for its answer.
pub(super) struct Ticket {
    pub(super) key: Key,
    pub(super) serial: u64,
    pub(super) answer: oneshot::Receiver<Outcome>,
}

/// One connection to the acquirer, through all its reconnects.
pub(super) struct Connection {
    state: Mutex<State>,
    /// Wakes the writer: there is something to write.
    pub(super) wake: Notify,
    /// Wakes whoever waits for the last request to end.
    pub(super) idle: Notify,
    identity: Identity,
    limit: usize,
}

impl Connection {
    /// A connection that is down; at most `limit` requests will be in flight on it.
    pub(super) fn new(identity: Identity, limit: usize) -> Self {
        let state = State {
            phase: Phase::Down,
            out: Vec::with_capacity(16 * 1024),
            batch: 1,
            serial: 0,
            pending: HashMap::new(),
            management: None,
            listing: None,
        };
        Self { state: Mutex::new(state), wake: Notify::new(), idle: Notify::new(), identity, limit }
    }

    /// Lets requests in, as the connection is signed on; unless the link is closing.
    pub(super) fn open(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Down {
            state.phase = Phase::Ready;
        }
    }

    /// Lets no more requests in, ever; those in flight go on.
    pub(super) fn refuse(&self) {
        self.state.lock().phase = Phase::Closing;
    }

    /// Whether requests can be queued on it.
    pub(super) fn is_ready(&self) -> bool {
        self.state.lock().phase == Phase::Ready
    }

    /// Whether no request is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().pending.is_empty()
    }

    /// Queues a request.
    pub(super) fn enqueue(&self, request: &Request, stamp: Stamp) -> Result<Ticket, NotSent> {
        let key = request.key();
        let attempt = request.attempt();
        let expected = Expected {
            processing: request.processing().code(),
            amount: attempt.amount,
            currency: attempt.currency,
            partial: request.allows_partial(),
        };
        let (sender, answer) = oneshot::channel();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        match state.phase {
            Phase::Ready => {}
            Phase::Down => return Err(NotSent::NoConnection),
            Phase::Closing => return Err(NotSent::Closing),
        }
        if state.pending.len() >= self.limit {
            return Err(NotSent::Overloaded);
        }
        let Entry::Vacant(place) = state.pending.entry(key) else {
            return Err(NotSent::InFlight);
        };
        let start = state.out.len();
        let length = frame(&mut state.out, |out| request.encode(out, stamp, &self.identity))
            .map_err(NotSent::Invalid)?;
        state.serial += 1;
        let serial = state.serial;
        place.insert(Waiting { serial, sender, expected, batch: state.batch, start, length });
        drop(guard);
        if start == 0 {
            self.wake.notify_one();
        }
        Ok(Ticket { key, serial, answer })
    }

    /// Queues a management message; the receiver gets the answer's code. A second one replaces the first.
    pub(super) fn manage(&self, what: Management, stamp: Stamp) -> oneshot::Receiver<ResponseCode> {
        let (sender, code) = oneshot::channel();
        let mut state = self.state.lock();
        if frame(&mut state.out, |out| what.encode(out, stamp, &self.identity)).is_ok() {
            state.management = Some((stamp.trace, sender));
        }
        drop(state);
        self.wake.notify_one();
        code
    }

    /// Queues a request for a part of the list; none where the connection is not signed on or another one waits already. The
    /// receiver gets nothing when the connection is lost.
    pub(super) fn list(&self, after: Reference, stamp: Stamp) -> Option<oneshot::Receiver<ListPage>> {
        let (sender, page) = oneshot::channel();
        let mut state = self.state.lock();
        let waits = state.listing.as_ref().is_some_and(|(_, sender)| !sender.is_closed());
        if state.phase != Phase::Ready || waits {
            return None;
        }
        frame(&mut state.out, |out| encode_list(out, stamp, &self.identity, after)).ok()?;
        state.listing = Some((stamp.trace, sender));
        drop(state);
        self.wake.notify_one();
        Some(page)
    }

    /// Gives up waiting. A request that has not been written is taken back out of the buffer.
    pub(super) fn withdraw(&self, key: Key, serial: u64) -> Withdrawn {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Entry::Occupied(place) = state.pending.entry(key) else { return Withdrawn::Ended };
        if place.get().serial != serial {
            return Withdrawn::Ended;
        }
        let gone = place.remove();
        let last = state.pending.is_empty();
        let withdrawn = if gone.batch == state.batch {
            cut(&mut state.out, gone.start, gone.length);
            for other in state.pending.values_mut().filter(|w| w.batch == gone.batch && w.start > gone.start)
            {
                other.start -= gone.length;
            }
            Withdrawn::Unwritten
        } else {
            Withdrawn::Written
        };
        drop(guard);
        if last {
            self.idle.notify_waiters();
        }
        withdrawn
    }

    /// Hands over what waits to be written, in exchange for an empty buffer; false when nothing waits.
    pub(super) fn take_batch(&self, empty: &mut Vec<u8>) -> bool {
        let mut state = self.state.lock();
        if state.out.is_empty() {
            return false;
        }
        std::mem::swap(&mut state.out, empty);
        state.batch += 1;
        true
    }

    /// Pairs what came in with what waits. Answers nobody waits for go to `unsolicited`, unless they are not this
    /// link's. `done` is scratch space.
    pub(super) fn settle(
        &self,
        incoming: &mut Vec<Incoming>,
        done: &mut Vec<(oneshot::Sender<Outcome>, Outcome)>,
        unsolicited: &dyn Fn(Answer),
    ) {
        let mut evidence = Vec::new();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        for message in incoming.drain(..) {
            match message {
                Incoming::Answer(answer) => {
                    let waiting = state.pending.remove(&answer.key);
                    let expected = waiting.as_ref().map(|waiting| waiting.expected);
                    let wrong = contradiction(&answer, expected, &self.identity);
                    if let Some(field) = wrong {
                        // It proves nothing about the attempt, so it is not handed on as evidence either.
                        tracing::warn!(reference = %answer.key.reference, field, "contradictory answer");
                    }
                    match (waiting, wrong) {
                        (Some(waiting), None) => done.push((waiting.sender, Ok(answer))),
                        (Some(waiting), Some(field)) => {
                            done.push((waiting.sender, Err(Lost::Unknown(Unknown::Contradiction { field }))));
                        }
                        (None, None) => evidence.push(answer),
                        (None, Some(_)) => {}
                    }
                }
                Incoming::Broken(Broken { key, field }) => {
                    if let Some(waiting) = state.pending.remove(&key) {
                        done.push((waiting.sender, Err(Lost::Unknown(Unknown::Malformed { field }))));
                    } else {
                        tracing::warn!(reference = %key.reference, field, "malformed answer that nothing waits for");
                    }
                }
                Incoming::Management { trace, code } => {
                    if state.management.as_ref().is_some_and(|(asked, _)| *asked == trace)
                        && let Some((_, sender)) = state.management.take()
                    {
                        // Nobody listens any more when the time was up; that is no loss.
                        let _ = sender.send(code);
                    }
                }
                Incoming::List(page) => {
                    if state.listing.as_ref().is_some_and(|(asked, _)| *asked == page.trace)
                        && let Some((_, sender)) = state.listing.take()
                    {
                        let _ = sender.send(*page);
                    }
                }
                Incoming::Echo { trace, sent } => {
                    let written = state.out.len() < UNREAD_LIMIT
                        && frame(&mut state.out, |out| encode_echo_answer(out, trace, sent, &self.identity))
                            .is_ok();
                    if written {
                        self.wake.notify_one();
                    }
                }
            }
        }
        let idle = state.pending.is_empty();
        drop(guard);
        for (sender, outcome) in done.drain(..) {
            // The waiting side may have been dropped this very moment; the answer is evidence then.
            if let Err(Ok(answer)) = sender.send(outcome) {
                evidence.push(answer);
            }
        }
        if idle {
            self.idle.notify_waiters();
        }
        for answer in evidence {
            unsolicited(answer);
        }
    }

    /// Ends everything that waits: the socket is gone. What was not yet written never left.
    pub(super) fn fail(&self, reason: Unknown) {
        let mut state = self.state.lock();
        if state.phase == Phase::Ready {
            state.phase = Phase::Down;
        }
        let unwritten = state.batch;
        state.batch += 1;
        state.out.as_mut_slice().zeroize();
        state.out.clear();
        state.management = None;
        state.listing = None;
        let pending = std::mem::take(&mut state.pending);
        drop(state);
        for waiting in pending.into_values() {
            let lost = if waiting.batch == unwritten {
                Lost::NotSent(NotSent::ConnectionLost)
            } else {
                Lost::Unknown(reason)
            };
            let _ = waiting.sender.send(Err(lost));
        }
        self.idle.notify_waiters();
    }
}

/// Appends a frame: two bytes of length, then what `write` appends. Returns the frame's length in bytes.
fn frame(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<usize, EncodeError>,
) -> Result<usize, EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    let written = write(out).and_then(|length| u16::try_from(length).map_err(|_| EncodeError::TooLong));
    match written {
        Ok(length) => {
            if let Some(place) = out.get_mut(start..start + 2) {
                place.copy_from_slice(&length.to_be_bytes());
            }
            Ok(usize::from(length) + 2)
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Removes `length` bytes at `start` and leaves no copy of them, or of what moved, behind the end.
fn cut(out: &mut Vec<u8>, start: usize, length: usize) {
    let (end, total) = (start + length, out.len());
    if end > total {
        return;
    }
    out.copy_within(end.., start);
    if let Some(rest) = out.get_mut(total - length..) {
        rest.zeroize();
    }
    out.truncate(total - length);
}

/// The first element in which `answer` does not fit this link, or its request as far as that is still known.
fn contradiction(answer: &Answer, expected: Option<Expected>, identity: &Identity) -> Option<u8> {
    if let Some(expected) = expected {
        if u64::from(answer.processing) != expected.processing {
            return Some(3);
        }
        let partly = answer.code == ResponseCode::PARTLY_APPROVED;
        if partly && !expected.partial {
            return Some(39);
        }
        let fits = if partly {
            (1..=expected.amount).contains(&answer.amount)
        } else {
            answer.amount == expected.amount
        };
        if !fits {
            return Some(4);
        }
        if answer.currency != expected.currency {
            return Some(49);
        }
    }
    if answer.code.is_approval() && answer.approval_code.is_none() && answer.key.class != Class::Advice {
        return Some(38);
    }
    if answer.terminal_id.as_bytes() != identity.terminal_id.as_bytes() {
        return Some(41);
    }
    (answer.merchant_id.as_bytes() != identity.merchant_id.as_bytes()).then_some(42)
}

#[cfg(test)]
mod tests;
