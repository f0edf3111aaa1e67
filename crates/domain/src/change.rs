//! A change set: everything one decision changes, applied whole or not at all.

use crate::{
    callback::{Event, Problem},
    codes::Code,
    ids::{AttemptId, CallbackId, InstrumentId, OperationId, PaymentKey, ProjectId, RequestId, SeriesId},
    instrument::{CustomerRecord, Instrument},
    ledger::{AccountKey, Entry},
    payee::PayeeCheck,
    payment::{Attempt, Operation, Payment, Version, machine::Transition},
    risk::Use,
    series::Series,
    time::Timestamp,
};

/// What one decision changes. Guards are the version of the payment it was decided on, the names it takes,
/// the request it answers, and the holds it places; when one of them is lost nothing is applied, and the
/// loss comes back to the decision as a fact.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    /// The merchant request this answers.
    pub request: Option<Request>,
    /// Names taken for good.
    pub names: Vec<Name>,
    /// Names given back: nothing came of what they were taken for.
    pub released: Vec<Name>,
    /// The series, new or changed.
    pub series: Option<SeriesWrite>,
    /// The payment's head.
    pub payment: Option<PaymentWrite>,
    /// Operations created or changed.
    pub operations: Vec<Write<Operation>>,
    /// Attempts created or changed.
    pub attempts: Vec<Write<Attempt>>,
    /// What is counted against the project's limits, and must not be too much (G-521).
    pub counted: Option<Box<Use>>,
    /// Amounts held on guarded accounts for running operations.
    pub holds: Vec<Hold>,
    /// Holds that end.
    pub settled: Vec<Settlement>,
    /// Movements.
    pub entries: Vec<Entry>,
    /// Work that becomes due.
    pub tasks: Vec<Task>,
    /// Work that is done or superseded.
    pub done: Vec<TaskKey>,
    /// What the merchant is told.
    pub events: Vec<Event>,
    /// Operations whose card verification value is no longer needed.
    pub forget_cvv: Vec<OperationId>,
    /// A customer's card that becomes known or changes.
    pub instrument: Option<Box<InstrumentWrite>>,
    /// What a bank said of a payee.
    pub payee: Option<Box<(ProjectId, PayeeCheck)>>,
    /// What is kept of a customer from now on.
    pub customer: Option<Box<(ProjectId, CustomerRecord)>>,
    /// The rows of the operations' machine that were taken, in order: for whoever wants to know why. Not stored.
    pub walked: Vec<Walked>,
}

/// A row of the operations' machine that a decision took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The operation.
    pub operation: OperationId,
    /// The row.
    pub row: &'static Transition,
    /// The code it left the operation with.
    pub code: Code,
}

/// A record that is new or replaces the one with the same identity.
#[derive(Clone, Debug)]
pub enum Write<T> {
    /// The record must not exist.
    Insert(T),
    /// The record must exist.
    Update(T),
}

impl<T> Write<T> {
    /// The record after the change.
    pub const fn record(&self) -> &T {
        match self {
            Self::Insert(record) | Self::Update(record) => record,
        }
    }
}

/// A customer's card, new or changed; applied only while the stored one is what the decision was made on.
#[derive(Clone, Debug)]
pub struct InstrumentWrite {
    /// The card after the change, with its new version.
    pub instrument: Instrument,
    /// The version the decision was made on; none for a card that must not be known yet.
    pub expected: Option<Version>,
    /// How many saved cards the customer may have with this one, when this makes it one of them.
    pub most_saved: Option<u32>,
}

/// A payment's head, new or replaced.
#[derive(Clone, Debug)]
pub enum PaymentWrite {
    /// A new payment.
    Insert(Box<Payment>),
    /// A changed one; applied only while the stored version is `expected`.
    Update {
        /// The head after the change, with its new version.
        payment: Box<Payment>,
        /// The version the decision was made on.
        expected: Version,
    },
}

impl PaymentWrite {
    /// The head after the change.
    pub const fn payment(&self) -> &Payment {
        match self {
            Self::Insert(payment) | Self::Update { payment, .. } => payment,
        }
    }
}

/// A series, new or replaced.
#[derive(Clone, Debug)]
pub struct SeriesWrite {
    /// The series after the change, with its new version.
    pub series: Box<Series>,
    /// The version the decision was made on; none for a new series.
    pub expected: Option<Version>,
    /// The moment of the schedule that is debited now, and the operation that does it: never twice (G-383).
    pub slot: Option<(Timestamp, OperationId)>,
}

/// A merchant request that was accepted.
#[derive(Clone, Debug)]
pub struct Request {
    /// Identity, as answered.
    pub id: RequestId,
    /// The project that sent it.
    pub project: ProjectId,
    /// The endpoint, without the version: `payment/card/sale`.
    pub path: &'static str,
    /// The merchant's name of the payment, as written.
    pub payment_id: String,
    /// The payment, when one exists.
    pub payment: Option<PaymentKey>,
    /// The operation it caused, when one exists.
    pub operation: Option<OperationId>,
    /// Keyed digest of path, signature and body without card data. A second request with the same digest
    /// within [`RESEND_WINDOW_SECONDS`] is the same request. None for a request that failed before an operation
    /// existed: it may be sent again (G-054).
    pub fingerprint: Option<[u8; 16]>,
    /// Why it failed before an operation existed; empty otherwise.
    pub problems: Vec<Problem>,
    /// When, real time.
    pub at: Timestamp,
}

/// How long an equal request gets the first answer again (G-055), in seconds.
pub const RESEND_WINDOW_SECONDS: i64 = 24 * 3600;

/// Which namespace a name lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// Payments and scheduled payments of a project (G-052, G-060).
    Payment,
    /// The merchant's refund identifiers (G-061).
    MerchantRefund,
    /// Payment tokens of wallets, each good for one payment on this platform, whoever sends it (G-465).
    WalletToken,
    /// Payments that registered series elsewhere which were taken over (G-367). Who takes such a name is the series.
    MigratedSeries,
    /// Customers of a project who have paid; the payment is their first. Not taken: whoever is known already stays (G-328).
    Payer,
    /// Settlements of a project's balances into another currency (G-449). Who takes such a name is the settlement.
    BalanceSettlement,
    /// What provider and card network call the debit of a transfer, by which a credit names it (G-490). The first that was
    /// called so keeps the name, and nobody loses by it.
    TransferDebit,
    /// Debits of transfers that a credit follows, by their payments' keys: one credit each, until it is declined (G-490).
    FollowedDebit,
}

impl NameKind {
    /// The number the store keeps.
    pub const fn number(self) -> u8 {
        match self {
            Self::Payment => 1,
            Self::MerchantRefund => 2,
            Self::WalletToken => 3,
            Self::MigratedSeries => 4,
            Self::Payer => 5,
            Self::BalanceSettlement => 6,
            Self::TransferDebit => 7,
            Self::FollowedDebit => 8,
        }
    }

    /// Whether such a name is taken once, so that whoever comes second is told; else the first one silently stays.
    pub const fn is_exclusive(self) -> bool {
        !matches!(self, Self::Payer | Self::TransferDebit)
    }

    /// The project in which `project` takes such a name: none of them where a name holds across all.
    pub const fn space(self, project: ProjectId) -> ProjectId {
        match self {
            Self::Payment
            | Self::MerchantRefund
            | Self::MigratedSeries
            | Self::Payer
            | Self::BalanceSettlement
            | Self::TransferDebit
            | Self::FollowedDebit => project,
            Self::WalletToken => ProjectId::new(0),
        }
    }
}

/// A name taken by a payment, unique in its project and kind, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Namespace.
    pub kind: NameKind,
    /// The project, or [the one that stands for all](NameKind::space).
    pub project: ProjectId,
    /// The name in the form in which names are compared.
    pub folded: String,
    /// Who takes it.
    pub payment: PaymentKey,
}

/// An amount held on a guarded account for an operation that runs.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// The operation it is for; one hold per operation.
    pub operation: OperationId,
    /// The account.
    pub account: AccountKey,
    /// Minor units, positive.
    pub minor: i64,
    /// The balance less everything held may not fall below this, minor units.
    pub floor: i64,
}

/// How a hold ends.
#[derive(Clone, Copy, Debug)]
pub struct Settlement {
    /// The operation whose hold ends.
    pub operation: OperationId,
    /// The account.
    pub account: AccountKey,
    /// What was held, minor units.
    pub held: i64,
    /// What the account pays of it, minor units; the settled legs of the same change set add up to this.
    pub paid: i64,
}

/// Work that becomes due, as a row that outlives the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What to do. At most one task has this key.
    pub key: TaskKey,
    /// The bucket whose owner does it.
    pub bucket: u8,
    /// The project whose clock `due` is told by; `None` for real time.
    pub clock: Option<ProjectId>,
    /// When.
    pub due: Timestamp,
    /// How often it has been tried.
    pub tries: u32,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKey {
    /// Send an attempt to its provider.
    Call(AttemptId),
    /// Undo an attempt that was given up, until the provider acknowledges.
    Reverse(AttemptId),
    /// Deliver a callback to its address with this position.
    Deliver(CallbackId, u8),
    /// Ask the directory server about the customer of an operation.
    Authenticate(OperationId),
    /// End the waiting of an operation; business time.
    EndWait(OperationId),
    /// End the hold that an operation placed, before the network does; business time.
    EndHold(OperationId),
    /// End the time in which a customer may try again after this operation failed; business time.
    EndAttempts(OperationId),
    /// Ask the merchant whether an operation may go on.
    Confirm(OperationId),
    /// End a token because its card has expired; business time.
    EndToken(InstrumentId),
    /// Do what is due in a series by itself: a debit, its next try, or the end; business time.
    Series(SeriesId),
    /// Send the customer a mail about an operation.
    Mail(OperationId, Letter),
    /// Send the customer a mail about a change of a series; the number tells the changes apart.
    SeriesMail(SeriesId, u8),
}

/// What a mail to a customer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Letter {
    /// A payment link (G-434).
    Link,
    /// A payment link that was mailed and is withdrawn (G-438).
    LinkCanceled,
    /// The code by which the recipient of a payout confirms it (G-332).
    PayoutCode,
    /// How an operation ended (G-268).
    Result,
}

impl Letter {
    const PER_OPERATION: i64 = 8;

    const fn number(self) -> i64 {
        match self {
            Self::Link => 1,
            Self::LinkCanceled => 2,
            Self::PayoutCode => 3,
            Self::Result => 4,
        }
    }

    const fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            1 => Self::Link,
            2 => Self::LinkCanceled,
            3 => Self::PayoutCode,
            4 => Self::Result,
            _ => return None,
        })
    }
}

impl TaskKey {
    /// Kind and number, as stored.
    pub fn parts(self) -> (u8, i64) {
        match self {
            Self::Call(attempt) => (1, attempt.reference()),
            Self::Reverse(attempt) => (2, attempt.reference()),
            Self::Deliver(callback, address) => {
                (3, callback.get().saturating_mul(256).saturating_add(i64::from(address)))
            }
            Self::Authenticate(operation) => (4, operation.get()),
            Self::EndWait(operation) => (5, operation.get()),
            Self::EndHold(operation) => (6, operation.get()),
            Self::EndAttempts(operation) => (7, operation.get()),
            Self::Confirm(operation) => (8, operation.get()),
            Self::EndToken(instrument) => (24, instrument.get()),
            Self::Series(series) => (16, series.get()),
            Self::SeriesMail(series, change) => {
                (41, series.get().saturating_mul(256).saturating_add(i64::from(change)))
            }
            Self::Mail(operation, letter) => {
                (40, operation.get().saturating_mul(Letter::PER_OPERATION).saturating_add(letter.number()))
            }
        }
    }

    /// The task with these [`parts`](Self::parts).
    pub fn from_parts(kind: u8, number: i64) -> Option<Self> {
        Some(match kind {
            1 => Self::Call(AttemptId::from_reference(number)),
            2 => Self::Reverse(AttemptId::from_reference(number)),
            3 => Self::Deliver(
                CallbackId::new(number.div_euclid(256)),
                u8::try_from(number.rem_euclid(256)).unwrap_or(0),
            ),
            4 => Self::Authenticate(OperationId::new(number)),
            5 => Self::EndWait(OperationId::new(number)),
            6 => Self::EndHold(OperationId::new(number)),
            7 => Self::EndAttempts(OperationId::new(number)),
            8 => Self::Confirm(OperationId::new(number)),
            24 => Self::EndToken(InstrumentId::new(number)),
            16 => Self::Series(SeriesId::new(number)),
            40 => Self::Mail(
                OperationId::new(number.div_euclid(Letter::PER_OPERATION)),
                Letter::from_number(number.rem_euclid(Letter::PER_OPERATION))?,
            ),
            41 => Self::SeriesMail(
                SeriesId::new(number.div_euclid(256)),
                u8::try_from(number.rem_euclid(256)).unwrap_or(0),
            ),
            _ => return None,
        })
    }
}

/// How many buckets the work is divided into.
pub const BUCKETS: u8 = 64;

/// A set of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets(u64);

impl Buckets {
    /// Every bucket.
    pub const ALL: Self = Self(u64::MAX);
    /// No bucket.
    pub const NONE: Self = Self(0);

    /// Whether the bucket belongs to it.
    pub const fn contains(self, bucket: u8) -> bool {
        bucket < BUCKETS && self.0 >> bucket & 1 == 1
    }

    /// The same set with one bucket more.
    #[must_use]
    pub const fn with(self, bucket: u8) -> Self {
        if bucket < BUCKETS { Self(self.0 | 1 << bucket) } else { self }
    }

    /// How many there are.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One bit for each bucket, the lowest for bucket 0, as databases keep it.
    pub const fn bits(self) -> i64 {
        self.0.cast_signed()
    }

    /// The buckets, in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..BUCKETS).filter(move |bucket| self.contains(*bucket))
    }
}

impl FromIterator<u8> for Buckets {
    fn from_iter<I: IntoIterator<Item = u8>>(buckets: I) -> Self {
        buckets.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The bucket of a payment: its work is always done by the bucket's owner.
pub fn bucket_of(payment: PaymentKey) -> u8 {
    payment.as_bytes().last().map_or(0, |byte| byte % BUCKETS)
}

/// The bucket of what belongs to a customer's card and to no payment.
pub fn bucket_of_instrument(id: InstrumentId) -> u8 {
    u8::try_from(id.get().rem_euclid(i64::from(BUCKETS))).unwrap_or(0)
}

/// The bucket of a series: for what is done about it and not about one of its payments.
pub fn bucket_of_series(series: SeriesId) -> u8 {
    u8::try_from(series.get().rem_euclid(i64::from(BUCKETS))).unwrap_or(0)
}

/// A decision that the tables do not allow (Gate code 3081).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state machine has no step from {from} on {event}")]
pub struct MachineBreak {
    /// The state.
    pub from: &'static str,
    /// The event.
    pub event: &'static str,
}

impl MachineBreak {
    /// The code merchants see.
    pub const CODE: Code = crate::codes::MACHINE_BREAK;
}
