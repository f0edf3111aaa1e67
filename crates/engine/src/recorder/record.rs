//! What a record of the recorder holds.

use ferropay_domain::{
    change::Walked,
    ids::{AttemptId, CallbackId, PaymentKey, ProjectId, RequestId},
    payment::{AttemptStatus, OperationKind},
    time::Timestamp,
};
use ferropay_wire::gate::Refusal;
use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// One thing that happened in a test project.
#[derive(Debug)]
pub struct Record {
    /// Position among all records of this process, from 1.
    pub number: u64,
    /// When it was known, real time.
    pub at: Timestamp,
    /// How far the project's clock was ahead then, microseconds.
    pub ahead: i64,
    /// The project; none for a request that names none, in a process that has test projects only.
    pub project: Option<ProjectId>,
    /// The payment inside the platform, where known.
    pub payment: Option<PaymentKey>,
    /// The merchant's name of the payment, where known; none of a callback, whose body says it.
    pub payment_id: Option<Box<str>>,
    /// What happened.
    pub what: What,
}

impl Record {
    /// When it was known, by the project's clock.
    pub fn business(&self) -> Timestamp {
        Timestamp::from_micros(self.at.micros().saturating_add(self.ahead))
    }

    /// About how much memory it keeps, bytes.
    pub(super) fn weight(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let held = match &self.what {
            What::Request(request) => {
                // An explanation repeats the body several times.
                let explained = if request.explanation.is_some() { 4 } else { 1 };
                request.body.len().saturating_mul(explained) + request.reply.len() + text(&request.fault_plan)
            }
            What::Delivery(delivery) => delivery.body.len() + delivery.url.len(),
            What::Question(question) => {
                let answer = question.answer.as_ref().map_or(0, |(_, body)| body.len());
                question.body.len() + question.url.len() + answer
            }
            What::Message(_) => 512,
            What::Steps(steps) => steps.walked.len().saturating_mul(size_of::<Walked>()),
        };
        size_of::<Self>() + text(&self.payment_id) + held
    }
}

/// The kinds of records.
#[derive(Debug)]
pub enum What {
    /// A request of the merchant, with its reply.
    Request(Request),
    /// One try to deliver a callback.
    Delivery(Delivery),
    /// A question to the merchant about an operation, with its answer.
    Question(Question),
    /// A message to or from a provider.
    Message(Message),
    /// Steps of the machines that one decision took.
    Steps(Steps),
}

/// A request of the merchant, with its reply.
#[derive(Debug)]
pub struct Request {
    /// The endpoint as the contract names it.
    pub path: Cow<'static, str>,
    /// The body without card data; empty when it was no JSON document.
    pub body: Box<str>,
    /// How long the body was, bytes.
    pub length: usize,
    /// The HTTP status of the reply.
    pub status: u16,
    /// The reply's body.
    pub reply: Box<str>,
    /// From the last byte of the request to the reply.
    pub took: Duration,
    /// The identifier it was accepted under.
    pub request: Option<RequestId>,
    /// Why it was refused before anything was decided.
    pub refusal: Option<Refusal>,
    /// The fault it asked the simulated provider for.
    pub fault_plan: Option<Box<str>>,
    /// Why its signature was refused, once that has been worked out.
    pub explanation: Option<Arc<OnceLock<super::Explained>>>,
}

/// One try to deliver a callback.
#[derive(Debug)]
pub struct Delivery {
    /// The callback.
    pub callback: CallbackId,
    /// Position of the address.
    pub address: u8,
    /// Its number among the subject's callbacks.
    pub number: u32,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// Where it went.
    pub url: Box<str>,
    /// The signed body.
    pub body: Arc<str>,
    /// The merchant's answer: HTTP status, or why there was none.
    pub answer: Result<u16, Box<str>>,
    /// From the first byte sent to the answer.
    pub took: Duration,
    /// When it is tried again, business time; none when it is over.
    pub again: Option<Timestamp>,
}

/// One question to the merchant about an operation that waits for its word.
#[derive(Debug)]
pub struct Question {
    /// Where it went.
    pub url: Box<str>,
    /// The signed body.
    pub body: Arc<str>,
    /// The merchant's answer: HTTP status and body, or why there was none.
    pub answer: Result<(u16, Box<str>), Box<str>>,
    /// Whether it is one, so that the operation goes on by it or is declined.
    pub is_usable: bool,
    /// From the first byte sent to the answer.
    pub took: Duration,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the provider.
    Sent,
    /// From the provider.
    Received,
    /// An answer was waited for and did not come.
    Missing,
}

/// A message to or from a provider.
#[derive(Debug)]
pub struct Message {
    /// The attempt it is about; none when it is about something else than money.
    pub attempt: Option<AttemptId>,
    /// Which way it went.
    pub direction: Direction,
    /// For answers: since the request left.
    pub took: Duration,
    /// What it says.
    pub content: Box<dyn Content>,
}

/// What a provider's message says. It is asked for when somebody looks, never on the way; what implements it holds no
/// whole card number and no verification value.
pub trait Content: std::fmt::Debug + Send + Sync {
    /// The message's name in the provider's protocol: `0100 purchase`.
    fn name(&self) -> Cow<'_, str>;

    /// Its result in a word, for answers: `00 approved`.
    fn result(&self) -> Option<Cow<'_, str>>;

    /// Whether the result is what was asked for; none of requests.
    fn succeeded(&self) -> Option<bool>;

    /// Its fields in the order of the protocol: name, what it means, value.
    fn fields(&self) -> Vec<Field>;
}

/// A field of a provider's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The protocol's name of it: `DE39`.
    pub name: Cow<'static, str>,
    /// What it means.
    pub meaning: &'static str,
    /// Its value, with card data masked.
    pub value: String,
}

/// The rows of the operations' machine that one decision took.
#[derive(Debug)]
pub struct Steps {
    /// The rows in order.
    pub walked: Vec<Walked>,
    /// What their operation does.
    pub kind: OperationKind,
    /// Where the attempt at the provider stands then, if there is one.
    pub attempt: Option<AttemptStatus>,
}
