//! What the engine asks of a connector to a provider.

use crate::recorder::Correspondence;
use ferropay_domain::{
    card::{Cvv, Expiry, Pan},
    decide::Outcome,
    ids::{AttemptId, PayeeCheckId, ProviderAccountId},
    method::MethodRef,
    money::Money,
    payee::PayeeAnswer,
    payment::{Ask, Authenticated, CardRequest, ProviderAnswer},
    project::{Environment, OperationDay},
    series::SeriesKind,
    time::Timestamp,
};
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

/// What a connector's operation returns.
pub type Eventually<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An attempt, as a connector needs it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Identity; its reference is what the provider recognises the attempt by.
    pub attempt: AttemptId,
    /// What is to be done.
    pub ask: Ask,
    /// How much.
    pub amount: Money,
    /// When the attempt was recorded, real time; the same in every repeat.
    pub created_at: Timestamp,
    /// Whether an earlier message of this attempt may have left.
    pub repeat: bool,
    /// The card.
    pub card: Option<OrderCard>,
    /// The earlier attempt it refers to: the debit of a return, the hold of a capture, the refund or credit that is
    /// taken back, the message a code was offered for.
    pub original: Option<Original>,
    /// Proof of the customer's authentication, when there is one.
    pub authentication: Option<Authenticated>,
    /// How its credentials are stored, or will be.
    pub credential: Option<Box<StoredCredential>>,
    /// Particulars of the request.
    pub card_request: CardRequest,
    /// Cardholder's name, to be checked (G-235).
    pub name: Option<PersonName>,
    /// The payment method, when it is not a card.
    pub method: Option<Box<MethodOrder>>,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
    /// Where the connector tells of its messages; test projects only.
    pub correspondence: Option<Correspondence>,
}

/// What an order by a payment method has beyond its amount.
#[derive(Clone, Debug)]
pub struct MethodOrder {
    /// The method.
    pub method: MethodRef,
    /// The merchant's name.
    pub shop: String,
    /// The merchant's name of the payment.
    pub payment_id: String,
    /// Members of the merchant's request about customer and account, by dotted path.
    pub data: BTreeMap<String, String>,
    /// What the merchant says it is for.
    pub description: String,
    /// Where the customer is to come back to.
    pub return_url: String,
    /// Where the provider is to tell what came of it.
    pub notification_url: String,
    /// When the provider may give it up, real time.
    pub expires_at: Timestamp,
}

/// What a provider tells of its own accord about an attempt it has taken on.
#[derive(Clone, Debug)]
pub struct ProviderNotice {
    /// The provider's identifier of the notice, unique among the account's.
    pub id: String,
    /// The attempt it names.
    pub attempt: AttemptId,
    /// What it says.
    pub outcome: Outcome,
}

/// Why a notice is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeRefused {
    /// The provider does not send any.
    NotExpected,
    /// The signature is missing or wrong.
    Signature,
    /// It is too old, or from the future.
    Stale,
    /// It cannot be read.
    Unreadable,
}

/// A question whether an account belongs to whom it should.
#[derive(Clone, Debug)]
pub struct PayeeOrder {
    /// Its number.
    pub id: PayeeCheckId,
    /// The name the account should have.
    pub name: String,
    /// The account.
    pub account: String,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

/// The card of an order.
#[derive(Clone, Debug)]
pub struct OrderCard {
    /// Its number.
    pub pan: Pan,
    /// Its expiry; a credit may go without, everything else needs it.
    pub expiry: Option<Expiry>,
    /// Its verification value, while it is kept.
    pub cvv: Option<Cvv>,
    /// The name on it.
    pub holder: Option<String>,
}

/// Credentials that are stored to be used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCredential {
    /// What the customer agreed to.
    pub kind: SeriesKind,
    /// Whether they will be stored when this succeeds; else they are used.
    pub is_first: bool,
    /// The network's identifier of the operation after which they were stored; empty when it is not known.
    pub scheme_id: String,
}

/// The earlier attempt an order refers to.
#[derive(Clone, Copy, Debug)]
pub struct Original {
    /// The attempt.
    pub attempt: AttemptId,
    /// What it moved or holds, minor units of the order's currency.
    pub amount: Money,
    /// What will be left of it after this order, minor units.
    pub remaining: i64,
}

/// A person's name as a network compares it: at most 35 characters each, without spaces and special characters
/// (G-236).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Given name.
    pub first: String,
    /// Middle name; empty when not known.
    pub middle: String,
    /// Family name.
    pub last: String,
}

/// What became of a reversal that was sent because an outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// The provider says the attempt is undone, or that there was nothing to undo.
    Acknowledged,
    /// No usable answer; it has to be sent again.
    Unanswered,
}

/// An answer nobody waits for any more.
#[derive(Clone, Debug)]
pub struct LateAnswer {
    /// The account it came from.
    pub account: ProviderAccountId,
    /// The attempt it names.
    pub attempt: AttemptId,
    /// Unique among this account's answers: kind, reference and result.
    pub id: String,
    /// What it approves; none for a refusal.
    pub approved: Option<Money>,
    /// The answer.
    pub answer: ProviderAnswer,
}

/// What a provider says of an attempt when it is only asked: nothing is done by it, whatever it is about.
#[derive(Clone, Debug)]
pub enum Inquiry {
    /// This became of it.
    Known(Outcome),
    /// It has it, and has not decided it.
    Undecided,
    /// It has never heard of it.
    NeverSeen,
    /// It answers, and what it says does not tell what became of this one.
    Unclear,
    /// No answer: it would not answer about another one either.
    Unanswered,
    /// The protocol has no such question.
    NotPossible,
}

/// How a listed attempt stands at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It did it.
    Approved,
    /// It refused it.
    Declined,
    /// It did it, or might have, and has undone it.
    Undone,
    /// It has not decided it, or says so in no word that is known.
    Undecided,
}

/// An attempt as its provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The attempt.
    pub attempt: AttemptId,
    /// What the provider did, and how that stands, in words for people.
    pub what: String,
    /// How it stands.
    pub stands: Stands,
    /// How much, where the provider says so.
    pub amount: Option<Money>,
}

/// A part of what a provider was asked for in the account's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The next ones, by rising reference; empty when there are no more.
    Page(Vec<Listed>),
    /// No usable answer.
    Unanswered,
    /// The protocol has no such question, or the provider does not answer it.
    NotPossible,
}

/// Where late answers go.
pub type LateAnswers = Arc<dyn Fn(LateAnswer) + Send + Sync>;

/// A provider the engine can send operations to.
pub trait Connector: Send + Sync + 'static {
    /// The account it speaks for.
    fn account(&self) -> ProviderAccountId;

    /// Whether it reaches an emulator or the real provider; operations of the other environment never get here
    /// (D-474).
    fn environment(&self) -> Environment;

    /// The clearing day of the channel (G-270).
    fn operation_day(&self) -> &OperationDay;

    /// How long after an attempt was recorded a repeat of it is still recognised, and may be sent.
    fn repeat_window(&self) -> Duration;

    /// How long after an attempt was recorded the provider still knows its reference at all. Later the answer to a
    /// repeat, or to a reversal, would say nothing of what became of the attempt; the engine stops well before that.
    fn retention(&self) -> Duration;

    /// Whether a lost outcome of what is asked is found by asking again with the same reference, which never does it
    /// twice. All others are undone.
    fn repeats(&self, ask: Ask) -> bool {
        ask.is_repeated()
    }

    /// Whether the provider can be reached at the moment; none where that shows only when something is asked.
    fn is_up(&self) -> Option<bool> {
        None
    }

    /// Reads what the provider tells of its own accord; `header` looks up a header by its name.
    ///
    /// # Errors
    /// Why it is not taken.
    fn notice(
        &self,
        _header: &dyn Fn(&str) -> Option<String>,
        _body: &[u8],
    ) -> Result<ProviderNotice, NoticeRefused> {
        Err(NoticeRefused::NotExpected)
    }

    /// Asks the banks behind the provider about a payee (G-460). Nothing changes by asking.
    fn verify_payee(&self, _order: PayeeOrder) -> Eventually<'_, PayeeAnswer> {
        Box::pin(std::future::ready(PayeeAnswer::NOT_POSSIBLE))
    }

    /// Asks what became of an attempt. Nothing is done by asking.
    fn inquire(&self, _order: Order) -> Eventually<'_, Inquiry> {
        Box::pin(std::future::ready(Inquiry::NotPossible))
    }

    /// Asks for the attempts the provider knows whose references are above that of `after`.
    fn listed(&self, _after: AttemptId) -> Eventually<'_, Listing> {
        Box::pin(std::future::ready(Listing::NotPossible))
    }

    /// Waits until the provider takes another attempt; those who wait have their turns in the order in which they came. Whoever
    /// gives up while waiting loses nothing but the place.
    fn turn(&self) -> Eventually<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Sends an attempt and waits for its outcome.
    fn call(&self, order: Order) -> Eventually<'_, Outcome>;

    /// Asks the provider to undo an attempt with an unknown outcome. `tries` counts earlier reversals of it.
    fn reverse(&self, order: Order, tries: u32) -> Eventually<'_, Reversal>;
}
