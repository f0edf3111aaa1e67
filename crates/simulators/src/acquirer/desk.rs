//! The desk: one message in, its outcome out.
//!
//! Puts the parts together in the order that the profile fixes: cut into elements, sort by type, is the connection signed
//! on, is the content right, what does a fault plan say, what does the book say; then the answer is written, held back or
//! spoilt. It knows nothing of sockets and does not wait: what has to happen later is handed back to the connection.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::book::{Attempt, Book, Now, Verdict, Wish};
use super::cards::Issuer;
use super::faults::{Effects, Ending, Faults};
use super::iso::{Breach, Message};
use super::reply::{self, Answer};
use super::request::{self, Action, Class, Transaction};

/// Tells the time: seconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

const DONE: [u8; 2] = *b"00";
const UNSUPPORTED: [u8; 2] = *b"12";
const MALFORMED: [u8; 2] = *b"30";
const NOT_PERMITTED: [u8; 2] = *b"58";

/// What all connections share.
pub(super) struct Desk {
    pub(super) book: Mutex<Book>,
    pub(super) faults: Faults,
    issuer: Issuer,
    issuer_timeout: Duration,
    clock: Clock,
    /// Seconds that a sandbox has moved the clock forward.
    pub(super) clock_offset: AtomicI64,
    started: Instant,
    fingerprints: RandomState,
    pub(super) traffic: Traffic,
}

/// Counters that the book does not keep; they need no order among each other.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) connections: AtomicU64,
    pub(super) breaches: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) sign_ons: AtomicU64,
    pub(super) echoes: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) not_signed_on: AtomicU64,
    pub(super) faults_played: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// State of one connection as the protocol sees it.
#[derive(Default)]
pub(super) struct Session {
    pub(super) signed_on: bool,
    /// The answer to a sign-off, sent when everything in flight is done.
    pub(super) farewell: Option<Bytes>,
}

/// What is left to do after a message.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing: the answer, if any, is in the output buffer.
    Done,
    /// Close the connection once the output buffer is written.
    Close,
    /// Hand the same message in again after so long, with the effects drawn for it.
    Again { after: Duration, effects: Effects },
    /// Send these bytes after so long, then close if told so.
    Send { after: Duration, bytes: Bytes, close: bool },
}

impl Desk {
    pub(super) fn new(issuer: Issuer, issuer_timeout: Duration, clock: Clock, most_entries: usize) -> Self {
        Self {
            book: Mutex::new(Book::new(most_entries)),
            faults: Faults::default(),
            issuer,
            issuer_timeout,
            clock,
            clock_offset: AtomicI64::new(0),
            started: Instant::now(),
            fingerprints: RandomState::new(),
            traffic: Traffic::default(),
        }
    }

    /// The acquirer's clock: the injected one moved by the offset.
    pub(super) fn seconds(&self) -> i64 {
        (self.clock)().saturating_add(self.clock_offset.load(Ordering::Relaxed))
    }

    fn now(&self) -> Now {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { seconds: self.seconds(), millis }
    }

    /// Handles a message just received.
    ///
    /// # Errors
    /// A [`Breach`] when the connection must be closed.
    pub(super) fn receive(
        &self,
        frame: &[u8],
        session: &mut Session,
        out: &mut BytesMut,
    ) -> Result<Outcome, Breach> {
        count(&self.traffic.messages);
        let message = Message::decode(frame)?;
        let class = Class::of(&message)?;
        match class {
            Class::NetworkAnswer => return Ok(Outcome::Done),
            Class::Network => self.network(&message, session, out),
            _ if !session.signed_on => {
                count(&self.traffic.not_signed_on);
                reply::write(out, &message, &Answer::plain(NOT_PERMITTED));
            }
            _ => {
                let Ok(request) = request::transaction(&message, class) else {
                    self.malformed(&message, out);
                    return Ok(Outcome::Done);
                };
                let drawn = self.faults.draw(
                    request.tags.faults,
                    request.reference,
                    request.kind(),
                    request.merchant,
                    request.terminal,
                );
                let Ok(effects) = drawn else {
                    self.malformed(&message, out);
                    return Ok(Outcome::Done);
                };
                if effects != Effects::default() {
                    count(&self.traffic.faults_played);
                }
                return Ok(self.work(&message, &request, effects, false, out));
            }
        }
        Ok(Outcome::Done)
    }

    /// Handles a message that was put off by [`Outcome::Again`].
    pub(super) fn resume(&self, frame: &[u8], effects: Effects, out: &mut BytesMut) -> Outcome {
        // It was decoded and checked when it came; should that fail now, there is nothing to answer.
        let Ok(message) = Message::decode(frame) else { return Outcome::Done };
        let Ok(class) = Class::of(&message) else { return Outcome::Done };
        let Ok(request) = request::transaction(&message, class) else { return Outcome::Done };
        self.work(&message, &request, effects, true, out)
    }

    fn malformed(&self, message: &Message<'_>, out: &mut BytesMut) {
        count(&self.traffic.malformed);
        reply::write(out, message, &Answer::plain(MALFORMED));
    }

    fn network(&self, message: &Message<'_>, session: &mut Session, out: &mut BytesMut) {
        let Ok(code) = request::network(message) else { return self.malformed(message, out) };
        let answer = match code {
            "001" => {
                count(&self.traffic.sign_ons);
                session.signed_on = true;
                DONE
            }
            _ if !session.signed_on => {
                count(&self.traffic.not_signed_on);
                NOT_PERMITTED
            }
            "301" => {
                count(&self.traffic.echoes);
                DONE
            }
            "002" => {
                session.signed_on = false;
                let mut bytes = BytesMut::new();
                reply::write(&mut bytes, message, &Answer::plain(DONE));
                session.farewell = Some(bytes.freeze());
                return;
            }
            _ => UNSUPPORTED,
        };
        reply::write(out, message, &Answer::plain(answer));
    }

    fn work(
        &self,
        message: &Message<'_>,
        request: &Transaction<'_>,
        mut effects: Effects,
        resumed: bool,
        out: &mut BytesMut,
    ) -> Outcome {
        match effects.ending {
            Some(Ending::DropBefore) => return Outcome::Done,
            Some(Ending::ResetBefore) => return Outcome::Close,
            _ => {}
        }
        if effects.delay > 0 {
            let after = Duration::from_millis(std::mem::take(&mut effects.delay));
            return Outcome::Again { after, effects };
        }
        match self.decide(request, effects, resumed) {
            Verdict::Answer(answer) => deliver(message, &answer, effects, out),
            Verdict::Wait(millis) => Outcome::Again { after: Duration::from_millis(millis), effects },
        }
    }

    fn decide(&self, request: &Transaction<'_>, effects: Effects, resumed: bool) -> Verdict {
        let mut merchant = [b' '; 15];
        for (place, byte) in merchant.iter_mut().zip(request.merchant.bytes()) {
            *place = byte;
        }
        let mut attempt = Attempt {
            reference: request.reference,
            fingerprint: 0,
            card: request.masked,
            merchant,
            amount: request.amount,
            currency: request.currency,
            cvv_sent: request.tags.cvv_sent,
            resumed,
        };
        let card = request.card_number;
        let asked = (request.amount, request.currency, request.tags.original);
        let (wish, fingerprint) = match &request.action {
            Action::Advice => {
                if let Some(code) = effects.decline {
                    return Verdict::Answer(Answer::plain(code));
                }
                let now = self.now();
                return Verdict::Answer(self.book.lock().advise(&attempt, now));
            }
            Action::Purchase => {
                let word = self.issuer.decide(card, request.amount, request.currency);
                let wait = if word.times_out { self.issuer_timeout.as_millis() } else { 0 };
                let wish = Wish::Purchase { code: word.code, wait: u64::try_from(wait).unwrap_or(u64::MAX) };
                (wish, self.fingerprints.hash_one(("purchase", card, asked)))
            }
            Action::Refund(original) => {
                (Wish::Refund { original: *original }, self.fingerprints.hash_one(("refund", card, asked)))
            }
            Action::Void { original, part } => {
                // The card is not among what a repeated void may not change.
                (
                    Wish::Void { original: *original, part: *part },
                    self.fingerprints.hash_one(("void", asked, part)),
                )
            }
            Action::Unsupported { kind, code } => {
                (Wish::Decline(*kind, UNSUPPORTED), self.fingerprints.hash_one(("other", card, code, asked)))
            }
        };
        attempt.fingerprint = fingerprint;
        let wish = effects.decline.map_or(wish, |code| Wish::Decline(wish.kind(), code));
        let now = self.now();
        self.book.lock().attempt(&attempt, &wish, now)
    }
}

/// Writes the answer as the effects have it.
fn deliver(message: &Message<'_>, answer: &Answer, effects: Effects, out: &mut BytesMut) -> Outcome {
    let close = match effects.ending {
        Some(Ending::Drop) => return Outcome::Done,
        Some(Ending::Reset) => true,
        _ => false,
    };
    let write = |out: &mut BytesMut| match effects.ending {
        Some(Ending::Reset) => {}
        Some(Ending::Garbage) => reply::write_garbage(out),
        _ => {
            reply::write(out, message, answer);
            if effects.duplicate {
                reply::write(out, message, answer);
            }
        }
    };
    if effects.late > 0 {
        let mut bytes = BytesMut::new();
        write(&mut bytes);
        return Outcome::Send { after: Duration::from_millis(effects.late), bytes: bytes.freeze(), close };
    }
    write(out);
    if close { Outcome::Close } else { Outcome::Done }
}
