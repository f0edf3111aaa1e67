//! Durable state: change sets in, state out.
//!
//! The platform decides first and commits once: a [`Commit`] carries everything one decision changes and is
//! applied whole or not at all. Commits that wait at the same time become durable together, in one batch; each
//! is told on its own whether it was applied, lost a guard ([`Loss`]), or could not be stored. Nothing here
//! knows messages, networks or clocks, and nothing of a particular database shows through [`Store`].

pub mod archive;
mod audit;
pub mod bare;
mod columns;
mod commit;
mod custody;
mod nodes;
mod parts;
pub mod postgres;
mod prepared;
mod projects;
mod records;
mod recovery;
pub mod replay;
mod retention;
pub mod sqlite;
mod texts;
pub mod vault;

pub use commit::{Commit, CommitError, DeliveryWrite, Fence, Loss, NewCallback, Notification};
pub use custody::{Custody, KeyUse, SealedCard};
pub use nodes::{Nodes, Tenure};
pub use projects::change_project;
pub use records::{
    AuditReport, Backlog, Balance, CallbackFilter, CallbackRow, CardTable, Delivery, DeliveryState, DueWork,
    ExchangeRate, Finding, Node, NodeId, OperationRow, PendingDelivery, ProjectRecord, RequestRow, RiskEntry,
    Scene, Secret, Standing,
};
pub use recovery::{NODES_PASSED_OVER, Recovery};
pub use retention::{
    Forgettable, Forgotten, Moments, OWN_ACCOUNT, Place, Retention, Unresolved, sure_moment,
};

use ferropay_domain::{
    callback::Subject,
    card::{CardRange, DeviceWallet},
    change::{Buckets, NameKind, Task},
    ids::{
        AttemptId, CallbackId, CardKey, InstrumentId, OperationId, PayeeCheckId, PaymentKey, ProjectId,
        ProviderAccountId, RequestId, SeriesId,
    },
    instrument::{CustomerRecord, Instrument, InstrumentKey},
    money::{Currency, Rate},
    payee::PayeeCheck,
    payment::Payment,
    risk::{Feature, Hit, List},
    series::{Series, SeriesDebit},
    time::Timestamp,
};
use std::{future::Future, pin::Pin};

/// What a store operation returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + Send + 'a>>;

/// The store could not do it; the reason is for the operator, never for a merchant.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store could not {action}: {reason}")]
pub struct Unavailable {
    /// What was to be done, as an infinitive.
    pub action: &'static str,
    /// The database's reason, without any data.
    pub reason: String,
}

/// Durable state. All look-ups name their project or are by an identifier unique over the platform that the
/// caller got from the store.
pub trait Store: Nodes + Custody + Retention + archive::Archives + Send + Sync + 'static {
    /// Applies a commit, durably, or says why not. The future may be dropped; the commit happens all the same.
    fn commit(&self, commit: Commit) -> Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + '_>>;

    /// The payment with this folded name.
    fn payment_named<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Payment>>;

    /// A payment's head.
    fn payment(&self, project: ProjectId, key: PaymentKey) -> Answer<'_, Option<Payment>>;

    /// A payment's operations with their latest attempts, oldest first, at most `limit`.
    fn operations(&self, project: ProjectId, key: PaymentKey, limit: u32) -> Answer<'_, Vec<OperationRow>>;

    /// Everything a decision about an attempt needs.
    fn scene(&self, attempt: AttemptId) -> Answer<'_, Option<Scene>>;

    /// An operation with its payment and its latest attempt.
    fn standing(&self, operation: OperationId) -> Answer<'_, Option<Standing>>;

    /// Attempts that were sent and whose outcome is not known, or that are being undone, oldest first, at most `limit`.
    fn unsettled(&self, limit: u32) -> Answer<'_, Vec<Scene>>;

    /// A series of the project.
    fn series(&self, project: ProjectId, id: SeriesId) -> Answer<'_, Option<Series>>;

    /// A series that a task or an operation names.
    fn series_known(&self, id: SeriesId) -> Answer<'_, Option<Series>>;

    /// The newest debit of a payment, or the one named, of which at least this much can still be returned (D-06).
    fn debit_with(
        &self,
        payment: PaymentKey,
        operation: Option<OperationId>,
        least: i64,
    ) -> Answer<'_, Option<SeriesDebit>>;

    /// Who has taken a name, if anybody. A payment's name may be taken before there is one (G-060).
    fn name_holder<'a>(
        &'a self,
        project: ProjectId,
        kind: NameKind,
        folded: &'a str,
    ) -> Answer<'a, Option<PaymentKey>>;

    /// A merchant request.
    fn request(&self, project: ProjectId, id: RequestId) -> Answer<'_, Option<RequestRow>>;

    /// The request that took this fingerprint less than a resend window before `now` (real time).
    fn resent(
        &self,
        project: ProjectId,
        fingerprint: [u8; 16],
        now: Timestamp,
    ) -> Answer<'_, Option<RequestId>>;

    /// Tasks of these buckets due at `now` by the clock of `clock` (real time when `None`), earliest first, at most `limit`.
    fn due(
        &self,
        buckets: Buckets,
        clock: Option<ProjectId>,
        now: Timestamp,
        limit: u32,
    ) -> Answer<'_, Vec<Task>>;

    /// How much waits: tasks that are due by these clocks (as [`due`](Self::due) takes them), and what is not done.
    fn backlog(&self, clocks: Vec<(Option<ProjectId>, Timestamp)>) -> Answer<'_, Backlog>;

    /// When the next task of this clock is due.
    fn next_due(&self, clock: Option<ProjectId>) -> Answer<'_, Option<Timestamp>>;

    /// Whether something is due in a test project and not done: a task of its clock at `business`, or at `real` an attempt
    /// that has no answer yet, a reversal or a question to a directory server. What has been put off to a later moment,
    /// or is repeated because an answer was lost, does not count.
    fn is_busy(&self, project: ProjectId, business: Timestamp, real: Timestamp) -> Answer<'_, bool>;

    /// A callback and its delivery to one address.
    fn delivery(&self, callback: CallbackId, address: u8) -> Answer<'_, Option<Delivery>>;

    /// Deliveries of earlier callbacks of `subject` to the same URL that are still open.
    fn open_before<'a>(
        &'a self,
        subject: Subject,
        number: u32,
        url: &'a str,
    ) -> Answer<'a, Vec<PendingDelivery>>;

    /// Callbacks, newest first.
    fn callbacks(&self, filter: CallbackFilter) -> Answer<'_, Vec<CallbackRow>>;

    /// A sealed card.
    fn card(&self, project: ProjectId, key: CardKey) -> Answer<'_, Option<vault::Sealed>>;

    /// A sealed card verification value.
    fn cvv(&self, operation: OperationId) -> Answer<'_, Option<vault::Sealed>>;

    /// A customer's card.
    fn instrument(&self, project: ProjectId, by: InstrumentKey) -> Answer<'_, Option<Instrument>>;

    /// The customer's card with this identifier, of whatever project.
    fn known_instrument(&self, id: InstrumentId) -> Answer<'_, Option<Instrument>>;

    /// A customer's saved cards, oldest first, at most `limit`.
    fn saved_instruments(
        &self,
        project: ProjectId,
        customer: &str,
        limit: u32,
    ) -> Answer<'_, Vec<Instrument>>;

    /// Which cards are debited by series of the customer that go on.
    fn cards_with_series<'a>(&'a self, project: ProjectId, customer: &'a str) -> Answer<'a, Vec<CardKey>>;

    /// What is kept of a customer.
    fn customer(&self, project: ProjectId, id: &str) -> Answer<'_, Option<CustomerRecord>>;

    /// What a bank said of a payee of the project.
    fn payee_check(&self, project: ProjectId, id: PayeeCheckId) -> Answer<'_, Option<PayeeCheck>>;

    /// How many card verification values are stored, and the oldest key one is sealed with.
    fn cvv_in_use(&self) -> Answer<'_, (u64, Option<u32>)>;

    /// The wrapped data keys of the vault, by number.
    fn data_keys(&self) -> Answer<'_, Vec<(u32, Vec<u8>)>>;

    /// Adds a wrapped data key, made at `now` (real time).
    fn add_data_key(&self, number: u32, wrapped: Vec<u8>, now: Timestamp) -> Answer<'_, ()>;

    /// All projects with their secrets (sealed by the vault).
    fn projects(&self) -> Answer<'_, Vec<ProjectRecord>>;

    /// Adds a project (revision 0), or replaces the one with the record's revision. Answers `false`, and changes nothing,
    /// when it has been added or changed meanwhile; [`change_project`] reads it again then.
    fn save_project(&self, record: ProjectRecord) -> Answer<'_, bool>;

    /// The sealed keys of a wallet that a project takes tokens of.
    fn wallet_keys(&self, project: ProjectId, wallet: DeviceWallet) -> Answer<'_, Option<vault::Sealed>>;

    /// Keeps the sealed keys of a wallet, in place of earlier ones; none takes them away.
    fn save_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        keys: Option<vault::Sealed>,
    ) -> Answer<'_, ()>;

    /// Moves a test project's clock on; the offset never shrinks. Answers the offset in force, microseconds.
    fn advance_clock(&self, project: ProjectId, offset_micros: i64) -> Answer<'_, i64>;

    /// Which of these features stand on a list of the project.
    fn risk_hits(&self, project: ProjectId, features: Vec<(Feature, String)>) -> Answer<'_, Vec<Hit>>;

    /// What stands on a project's lists, at most `limit` entries, by list, feature and value.
    fn risk_entries(&self, project: ProjectId, limit: u32) -> Answer<'_, Vec<RiskEntry>>;

    /// Forgets what limits counted before a moment, at most so many uses, the oldest first; answers how many.
    fn forget_uses(&self, before: Timestamp, most: u32) -> Answer<'_, usize>;

    /// Puts something on a list. Answers `false` when it stands there already.
    fn add_risk_entry(&self, project: ProjectId, entry: RiskEntry) -> Answer<'_, bool>;

    /// Takes something off a list. Answers `false` when it does not stand there.
    fn remove_risk_entry(
        &self,
        project: ProjectId,
        list: List,
        feature: Feature,
        value: String,
    ) -> Answer<'_, bool>;

    /// The rate that holds from one currency into another at a moment (G-447); a rate holds in its direction only.
    fn rate(&self, from: Currency, to: Currency, at: Timestamp) -> Answer<'_, Option<Rate>>;

    /// All rates, by currencies and moments.
    fn rates(&self) -> Answer<'_, Vec<ExchangeRate>>;

    /// Sets rates, all or none; one that begins at the same moment as an earlier one takes its place. What was converted
    /// before keeps its rate.
    fn set_rates(&self, rates: Vec<ExchangeRate>) -> Answer<'_, ()>;

    /// Takes out the rate that begins at this moment; whether there was one.
    fn remove_rate(&self, from: Currency, to: Currency, valid_from: Timestamp) -> Answer<'_, bool>;

    /// The operator's table of card ranges; none when there has never been one, or it is still the one with the revision
    /// `known`.
    fn card_ranges(&self, known: i64) -> Answer<'_, Option<CardTable>>;

    /// Replaces the table of card ranges, which is whole and right; none goes back to the built-in one.
    fn set_card_ranges(&self, ranges: Option<Vec<CardRange>>) -> Answer<'_, ()>;

    /// Registers this process as the only node, takes over every bucket for good, and answers number and epoch. Commits
    /// fenced with an older epoch are refused from then on.
    fn enrol(&self, now: Timestamp) -> Answer<'_, Node>;

    /// The last recovery hold, in force or released; none when there has never been one.
    fn recovery(&self) -> Answer<'_, Option<Recovery>>;

    /// Begins a recovery hold, and passes over [`NODES_PASSED_OVER`] numbers of nodes. While one is in force nothing
    /// changes, and `false` is answered.
    fn hold(&self, copied_at: Option<Timestamp>, now: Timestamp) -> Answer<'_, bool>;

    /// Every provider account that an attempt was ever made at.
    fn accounts_used(&self) -> Answer<'_, Vec<ProviderAccountId>>;

    /// Ends the hold that is in force; `highest_known` is kept as [`Recovery::highest_known`] unless that is greater
    /// already. Answers `false`, and changes nothing, when none is in force.
    fn release(&self, highest_known: i64, now: Timestamp) -> Answer<'_, bool>;

    /// Balances of a project's accounts, or of all.
    fn balances(&self, project: Option<ProjectId>) -> Answer<'_, Vec<Balance>>;

    /// Recomputes everything from postings and operations and lists what does not agree.
    fn audit(&self) -> Answer<'_, AuditReport>;

    /// Why this store writes nothing any more, and only a process started anew does: the database was found not to have what was
    /// written to it, and is held, or not to know this process.
    fn ended(&self) -> Option<Unavailable> {
        None
    }

    /// How much was written since start, and how much waits to be written or read.
    fn effort(&self) -> Effort;
}

/// What the store has done since start, and what it is asked to do at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Batches made durable, each with one fsync.
    pub batches: u64,
    /// Commits applied.
    pub commits: u64,
    /// Statements run.
    pub statements: u64,
    /// Commits and other writes handed in and not answered yet.
    pub commits_waiting: u64,
    /// Reads handed in and not answered yet.
    pub reads_waiting: u64,
}
