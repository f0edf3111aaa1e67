//! The desk: one message in, its outcome out.
//!
//! Puts the parts together in the order that the profile fixes: cut into elements, sort by type, is the connection signed
//! on, is the content right, what does a fault plan say, what does the book say; then the answer is written, held back or
//! spoilt. It knows nothing of sockets and does not wait: what has to happen later is handed back to the connection.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::book::details::Details;
use super::book::{self, Attempt, AttemptKind, Book, Now, ReceivedAuthentication, Verdict, Wish};
use super::cards::{self, Issuer};
use super::faults::{Effects, Ending, Faults};
use super::iso::{Breach, Message};
use super::reply::{self, Answer};
use super::request::{self, Action, Class, Transaction};
use crate::shared::clock::{Clock, Moved};

const DONE: [u8; 2] = *b"00";
const UNSUPPORTED: [u8; 2] = *b"12";
const MALFORMED: [u8; 2] = *b"30";
const NOT_PERMITTED: [u8; 2] = *b"58";
/// The address does not match, and the merchant wanted it to.
const ADDRESS_REFUSED: [u8; 2] = *b"A1";
/// The cardholder typed another code than the one in the statement entry.
const WRONG_CONFIRMATION: [u8; 2] = *b"Z2";
/// The code in every statement entry of the simulator.
const CONFIRMATION: &str = "123456";

/// What all connections share.
pub(super) struct Desk {
    pub(super) book: Mutex<Book>,
    pub(super) faults: Faults,
    issuer: Issuer,
    issuer_timeout: Duration,
    pub(super) clock: Moved,
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
            clock: Moved::new(clock),
            started: Instant::now(),
            fingerprints: RandomState::new(),
            traffic: Traffic::default(),
        }
    }

    /// The acquirer's clock: the injected one moved by the offset.
    pub(super) fn seconds(&self) -> i64 {
        self.clock.now()
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
                let Ok(effects) = self.faults.draw(&request.to_faults()) else {
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
        if code == "401" && session.signed_on {
            match request::listing(message) {
                Ok((merchant, after)) => {
                    let list = self.book.lock().list(filled(merchant), after);
                    reply::write_listing(out, message, &list);
                }
                Err(request::Malformed) => self.malformed(message, out),
            }
            return;
        }
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
        let mut attempt = attempt(request, resumed);
        if matches!(request.action, Action::Advice) {
            if let Some(code) = effects.decline {
                return Verdict::Answer(Answer::plain(code));
            }
            let now = self.now();
            return Verdict::Answer(self.book.lock().advise(&attempt, now));
        }
        let (wish, fingerprint) = self.wish(request);
        attempt.fingerprint = fingerprint;
        let instead = effects.decline.or(effects.offer_code.then_some(book::CODE_OFFERED));
        let wish = if let Some(code) = instead {
            attempt.address_check = None;
            attempt.name_check = None;
            Wish::Decline(wish.kind(), code)
        } else {
            wish
        };
        let now = self.now();
        self.book.lock().attempt(&attempt, &wish, now)
    }

    /// What the request asks of the book, and the hash of what its repeats may not change.
    fn wish(&self, request: &Transaction<'_>) -> (Wish, u64) {
        let Transaction { card_number: card, amount, currency, ref tags, .. } = *request;
        let asked = (amount, currency, tags.original);
        let hash = |what| self.fingerprints.hash_one((what, card, asked));
        match request.action {
            Action::Purchase => (self.debit(AttemptKind::Purchase, request), hash("purchase")),
            Action::Authorisation => (self.debit(AttemptKind::Authorisation, request), hash("authorisation")),
            Action::Verification => (self.debit(AttemptKind::Verification, request), hash("verification")),
            Action::Increment(original) => (Wish::Increment { original }, hash("increment")),
            Action::CodeRequest(original) => (Wish::CodeRequest { original }, hash("code")),
            Action::Capture(original) => (Wish::Capture { original }, hash("capture")),
            Action::Refund(original) => (Wish::Refund { original }, hash("refund")),
            Action::Credit => (Wish::Credit { code: self.issuer.credit(card) }, hash("credit")),
            Action::Reversal { original, part, undone } => {
                // The card is not among what a repeated 0400 may not change.
                let fingerprint = self.fingerprints.hash_one(("reversal", asked, part, undone));
                (Wish::Reversal { original, part, undone }, fingerprint)
            }
            Action::Unsupported { kind, code } => (Wish::Decline(kind, UNSUPPORTED), hash(code)),
            // Advices never come here.
            Action::Advice => (Wish::Decline(AttemptKind::Unseen, UNSUPPORTED), 0),
        }
    }

    /// What the issuer says: to the code of a merchant authentication, to the card, to the address.
    fn debit(&self, kind: AttemptKind, request: &Transaction<'_>) -> Wish {
        let Transaction { card_number, amount, currency, ref tags, .. } = *request;
        if tags.confirmation.is_some_and(|code| code != CONFIRMATION) {
            return Wish::Decline(kind, WRONG_CONFIRMATION);
        }
        let partial = tags.may_be_partial && kind != AttemptKind::Verification;
        let is_debit = tags.credential.is_some_and(|credential| credential.starts_with('U'));
        let word = self.issuer.decide(card_number, amount, currency, partial, is_debit);
        let approved = word.code == DONE || word.code == book::PARTLY_APPROVED;
        let refused = tags.address_must_match
            && tags.post_code.is_some_and(|code| cards::check_address(card_number, code) == b'N');
        let code = if approved && refused { ADDRESS_REFUSED } else { word.code };
        let wait = if word.times_out { self.issuer_timeout.as_millis() } else { 0 };
        let less = (code == book::PARTLY_APPROVED).then_some(word.approved);
        Wish::Debit { kind, code, less, wait: u64::try_from(wait).unwrap_or(u64::MAX) }
    }
}

/// What the book keeps of a request.
fn attempt(request: &Transaction<'_>, resumed: bool) -> Attempt {
    let tags = &request.tags;
    let asks_issuer =
        matches!(request.action, Action::Purchase | Action::Authorisation | Action::Verification);
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let details = Details {
        authentication: ReceivedAuthentication {
            eci: owned(tags.eci),
            cavv: owned(tags.cavv),
            cryptogram: owned(tags.cryptogram),
            wallet: owned(tags.wallet),
            ds_transaction_id: owned(tags.ds_transaction),
            version: owned(tags.version),
            xid: owned(tags.xid),
        },
        credential: owned(tags.credential),
        transfer: tags.transfer,
        exemption: tags.exemption,
        chosen: owned(tags.chosen),
        remote_order: tags.remote_order,
        confirmed: tags.confirmation.is_some(),
        may_be_partial: tags.may_be_partial,
    };
    Attempt {
        reference: request.reference,
        fingerprint: 0,
        card: request.masked,
        merchant: filled(request.merchant),
        place: filled(request.place),
        amount: request.amount,
        currency: request.currency,
        cvv_sent: tags.cvv_sent,
        address_check: tags
            .post_code
            .filter(|_| asks_issuer)
            .map(|code| cards::check_address(request.card_number, code)),
        name_check: tags
            .last_name
            .filter(|_| matches!(request.action, Action::Verification))
            .map(cards::check_name),
        details: (details != Details::default()).then_some(details),
        resumed,
    }
}

/// A text in a place of fixed length, spaces behind it.
fn filled<const N: usize>(text: &str) -> [u8; N] {
    let mut place = [b' '; N];
    for (place, byte) in place.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    place
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
