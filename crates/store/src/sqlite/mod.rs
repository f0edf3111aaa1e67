//! The store on one `SQLite` file.
//!
//! One thread writes ([`writer`]); a few threads read, each with a read-only connection of its own, so that
//! nothing ever waits behind a read. Every commit is on disk before it is answered: WAL, `synchronous=FULL`,
//! one fsync for all commits of a batch. The log's pages are moved into the file beside the writer ([`log`]).
//!
//! Two processes may have the file open at the same time, as when a new version is started before the old one
//! has stopped, but only one of them works: [`crate::Store::enrol`] takes every bucket with a higher epoch,
//! and the fenced commits of the older process are refused from then on.
//!
//! For simulations there is a way without threads and without a file ([`SqliteStore::inline`]).

mod admin;
mod apply;
mod archive;
mod backlog;
mod backup;
mod card_ranges;
mod custody;
mod dependents;
mod exchange;
mod file;
mod inline;
mod inspect;
mod instruments;
mod log;
mod nodes;
mod options;
mod reader;
mod reads;
mod recovery;
mod retention;
mod risk;
mod rows;
pub(crate) mod schema;
mod statements;
#[cfg(test)]
mod tests;
mod writer;

use crate::{
    Answer, AuditReport, Backlog, Balance, CallbackFilter, CallbackRow, CardTable, Commit, CommitError,
    Delivery, Effort, ExchangeRate, Finding, Node, OperationRow, PendingDelivery, ProjectRecord, Recovery,
    RequestRow, RiskEntry, Scene, Standing, Store, Unavailable, audit, prepared::Prepared, vault::Sealed,
};
pub use backup::{BackupError, Copied, backup};
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
use inline::Inline;
pub use inspect::{Inspection, inspect};
use log::Log;
pub use options::{OpenError, Options};
use reader::Readers;
use rusqlite::Connection;
use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, atomic::Ordering, mpsc},
    thread::JoinHandle,
};
use tokio::sync::oneshot;
use writer::{Counters, Job};

/// Durable state in one `SQLite` file. Dropping it writes what is queued.
pub struct SqliteStore {
    path: PathBuf,
    options: Options,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    readers: Option<Readers>,
    /// Instead of threads.
    inline: Option<Inline>,
    counters: Arc<Counters>,
}

impl SqliteStore {
    /// Opens or creates the file, brings its schema up to date and starts the threads. Errors: see
    /// [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let mut connection = schema::open_writer(&path, &options)?;
        let log = Log::watch(&mut connection, &path, options.checkpoint_pages)?;
        let readers = Readers::start(&path, &options)?;
        let counters = Arc::new(Counters::default());
        let (jobs, queue) = mpsc::channel();
        let thread = {
            let (counters, limit) = (Arc::clone(&counters), options.batch_limit);
            std::thread::Builder::new()
                .name("store-writer".into())
                .spawn(move || {
                    if let Err(error) = writer::run(&connection, &queue, counters, limit, log) {
                        tracing::error!(%error, "the store's writer could not start");
                    }
                })
                .map_err(|error| OpenError::Database(error.to_string()))?
        };
        Ok(Self {
            path,
            options,
            jobs: Some(jobs),
            thread: Some(thread),
            readers: Some(readers),
            inline: None,
            counters,
        })
    }

    /// A new store in memory, gone when it is dropped, that does everything at once on the caller's thread: each
    /// commit in a batch of its own, before `commit` returns. Nothing in it depends on timing, which is what a
    /// deterministic simulation needs. Errors: see [`OpenError`].
    pub fn inline(options: Options) -> Result<Self, OpenError> {
        let inline = Inline::open(&options)?;
        let counters = Arc::default();
        let path = PathBuf::from(":memory:");
        Ok(Self { path, options, jobs: None, thread: None, readers: None, inline: Some(inline), counters })
    }

    fn submit(&self, job: Job) -> bool {
        if let Some(inline) = &self.inline {
            return inline.serve(job, &self.counters);
        }
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
    }

    fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        match (&self.inline, &self.readers) {
            (Some(inline), _) => Box::pin(std::future::ready(inline.read(action, work))),
            (None, Some(readers)) => readers.run(action, work),
            (None, None) => Box::pin(std::future::ready(Err(gone(action)))),
        }
    }

    /// Runs something else than a commit on the writer's thread, in a transaction of its own.
    fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let (sender, receiver) = oneshot::channel();
        self.submit(Job::Run(Box::new(move |connection| {
            let result = admin::in_transaction(connection, work);
            let _ = sender.send(result.map_err(|error| unavailable(action, &error)));
        })));
        Box::pin(async move { receiver.await.unwrap_or_else(|_| Err(gone(action))) })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The writer's connection is closed last: only then the log is moved into the file and removed.
        self.readers = None;
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn unavailable(action: &'static str, error: &rusqlite::Error) -> Unavailable {
    Unavailable { action, reason: error.to_string() }
}

fn gone(action: &'static str) -> Unavailable {
    Unavailable { action, reason: "its thread has ended".into() }
}

impl Store for SqliteStore {
    fn commit(&self, commit: Commit) -> Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + '_>> {
        let prepared = match Prepared::new(commit) {
            Ok(prepared) => prepared,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let (sender, receiver) = oneshot::channel();
        self.submit(Job::Commit(Box::new(prepared), sender));
        Box::pin(async move { receiver.await.unwrap_or_else(|_| Err(gone("commit").into())) })
    }

    fn payment_named<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Payment>> {
        let folded = folded.to_owned();
        self.read("find a payment", move |it| reads::payment_named(it, project, &folded))
    }

    fn payment(&self, project: ProjectId, key: PaymentKey) -> Answer<'_, Option<Payment>> {
        self.read("read a payment", move |it| reads::payment(it, project, key))
    }

    fn operations(&self, project: ProjectId, key: PaymentKey, limit: u32) -> Answer<'_, Vec<OperationRow>> {
        self.read("read operations", move |it| reads::operations(it, project, key, limit))
    }

    fn scene(&self, attempt: AttemptId) -> Answer<'_, Option<Scene>> {
        self.read("read an attempt", move |it| reads::scene(it, attempt))
    }

    fn standing(&self, operation: OperationId) -> Answer<'_, Option<Standing>> {
        self.read("read an operation", move |it| reads::standing(it, operation))
    }

    fn unsettled(&self, limit: u32) -> Answer<'_, Vec<Scene>> {
        self.read("read unsettled attempts", move |it| reads::unsettled(it, limit))
    }

    fn series(&self, project: ProjectId, id: SeriesId) -> Answer<'_, Option<Series>> {
        self.read("read a series", move |it| reads::series(it, project, id))
    }

    fn series_known(&self, id: SeriesId) -> Answer<'_, Option<Series>> {
        self.read("read a series", move |it| reads::series_known(it, id))
    }

    fn debit_with(
        &self,
        payment: PaymentKey,
        operation: Option<OperationId>,
        least: i64,
    ) -> Answer<'_, Option<SeriesDebit>> {
        self.read("find a debit", move |it| reads::debit_with(it, payment, operation, least))
    }

    fn name_holder<'a>(
        &'a self,
        project: ProjectId,
        kind: NameKind,
        folded: &'a str,
    ) -> Answer<'a, Option<PaymentKey>> {
        let folded = folded.to_owned();
        self.read("look for a name", move |it| reads::name_holder(it, project, kind, &folded))
    }

    fn request(&self, project: ProjectId, id: RequestId) -> Answer<'_, Option<RequestRow>> {
        self.read("read a request", move |it| reads::request(it, project, id))
    }

    fn resent(
        &self,
        project: ProjectId,
        fingerprint: [u8; 16],
        now: Timestamp,
    ) -> Answer<'_, Option<RequestId>> {
        self.read("look for an equal request", move |it| reads::resent(it, project, fingerprint, now))
    }

    fn due(
        &self,
        buckets: Buckets,
        clock: Option<ProjectId>,
        now: Timestamp,
        limit: u32,
    ) -> Answer<'_, Vec<Task>> {
        self.read("read due tasks", move |it| reads::due(it, buckets, clock, now, limit))
    }

    fn backlog(&self, clocks: Vec<(Option<ProjectId>, Timestamp)>) -> Answer<'_, Backlog> {
        self.read("count what waits", move |it| backlog::backlog(it, &clocks))
    }

    fn next_due(&self, clock: Option<ProjectId>) -> Answer<'_, Option<Timestamp>> {
        self.read("find the next task", move |it| reads::next_due(it, clock))
    }

    fn is_busy(&self, project: ProjectId, business: Timestamp, real: Timestamp) -> Answer<'_, bool> {
        self.read("look for work", move |it| reads::is_busy(it, project, business, real))
    }

    fn delivery(&self, callback: CallbackId, address: u8) -> Answer<'_, Option<Delivery>> {
        self.read("read a delivery", move |it| reads::delivery(it, callback, address))
    }

    fn open_before<'a>(
        &'a self,
        subject: Subject,
        number: u32,
        url: &'a str,
    ) -> Answer<'a, Vec<PendingDelivery>> {
        let url = url.to_owned();
        self.read("read earlier deliveries", move |it| reads::open_before(it, subject, number, &url))
    }

    fn callbacks(&self, filter: CallbackFilter) -> Answer<'_, Vec<CallbackRow>> {
        self.read("read callbacks", move |it| reads::callbacks(it, &filter))
    }

    fn card(&self, project: ProjectId, key: CardKey) -> Answer<'_, Option<Sealed>> {
        self.read("read a card", move |it| reads::card(it, project, key))
    }

    fn cvv(&self, operation: OperationId) -> Answer<'_, Option<Sealed>> {
        self.read("read a verification value", move |it| reads::cvv(it, operation))
    }

    fn instrument(&self, project: ProjectId, by: InstrumentKey) -> Answer<'_, Option<Instrument>> {
        self.read("read a customer's card", move |it| instruments::find(it, project, &by))
    }

    fn known_instrument(&self, id: InstrumentId) -> Answer<'_, Option<Instrument>> {
        self.read("read a customer's card", move |it| instruments::known(it, id))
    }

    fn saved_instruments(
        &self,
        project: ProjectId,
        customer: &str,
        limit: u32,
    ) -> Answer<'_, Vec<Instrument>> {
        let customer = customer.to_owned();
        self.read("read saved cards", move |it| instruments::saved(it, project, &customer, limit))
    }

    fn cards_with_series(&self, project: ProjectId, customer: &str) -> Answer<'_, Vec<CardKey>> {
        let customer = customer.to_owned();
        self.read("read which cards series debit", move |it| {
            instruments::cards_with_series(it, project, &customer)
        })
    }

    fn customer(&self, project: ProjectId, id: &str) -> Answer<'_, Option<CustomerRecord>> {
        let id = id.to_owned();
        self.read("read a customer", move |it| instruments::customer(it, project, &id))
    }

    fn payee_check(&self, project: ProjectId, id: PayeeCheckId) -> Answer<'_, Option<PayeeCheck>> {
        self.read("read what a bank said", move |it| instruments::payee_check(it, project, id))
    }

    fn cvv_in_use(&self) -> Answer<'_, (u64, Option<u32>)> {
        self.read("count verification values", reads::cvv_in_use)
    }

    fn data_keys(&self) -> Answer<'_, Vec<(u32, Vec<u8>)>> {
        self.read("read data keys", reads::data_keys)
    }

    fn add_data_key(&self, number: u32, wrapped: Vec<u8>, now: Timestamp) -> Answer<'_, ()> {
        self.write("add a data key", move |it| admin::add_data_key(it, number, &wrapped, now))
    }

    fn projects(&self) -> Answer<'_, Vec<ProjectRecord>> {
        self.read("read projects", admin::projects)
    }

    fn save_project(&self, record: ProjectRecord) -> Answer<'_, bool> {
        self.write("save a project", move |it| admin::save_project(it, &record))
    }

    fn wallet_keys(&self, project: ProjectId, wallet: DeviceWallet) -> Answer<'_, Option<Sealed>> {
        self.read("read a wallet's keys", move |it| reads::wallet_keys(it, project, wallet))
    }

    fn save_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        keys: Option<Sealed>,
    ) -> Answer<'_, ()> {
        self.write("save a wallet's keys", move |it| {
            admin::save_wallet_keys(it, project, wallet, keys.as_ref())
        })
    }

    fn advance_clock(&self, project: ProjectId, offset_micros: i64) -> Answer<'_, i64> {
        self.write("advance a clock", move |it| admin::advance_clock(it, project, offset_micros))
    }

    fn risk_hits(&self, project: ProjectId, features: Vec<(Feature, String)>) -> Answer<'_, Vec<Hit>> {
        self.read("look at risk lists", move |it| risk::hits(it, project, &features))
    }

    fn risk_entries(&self, project: ProjectId, limit: u32) -> Answer<'_, Vec<RiskEntry>> {
        self.read("read risk lists", move |it| risk::entries(it, project, limit))
    }

    fn forget_uses(&self, before: Timestamp, most: u32) -> Answer<'_, usize> {
        self.write("forget old uses", move |it| risk::forget_uses(it, before, most))
    }

    fn add_risk_entry(&self, project: ProjectId, entry: RiskEntry) -> Answer<'_, bool> {
        self.write("add to a risk list", move |it| risk::add(it, project, &entry))
    }

    fn remove_risk_entry(
        &self,
        project: ProjectId,
        list: List,
        feature: Feature,
        value: String,
    ) -> Answer<'_, bool> {
        self.write("remove from a risk list", move |it| risk::remove(it, project, (list, feature, &value)))
    }

    fn rate(&self, from: Currency, to: Currency, at: Timestamp) -> Answer<'_, Option<Rate>> {
        self.read("read an exchange rate", move |it| exchange::rate(it, from, to, at))
    }

    fn rates(&self) -> Answer<'_, Vec<ExchangeRate>> {
        self.read("read exchange rates", exchange::rates)
    }

    fn set_rates(&self, rates: Vec<ExchangeRate>) -> Answer<'_, ()> {
        self.write("set exchange rates", move |it| exchange::set(it, &rates))
    }

    fn remove_rate(&self, from: Currency, to: Currency, valid_from: Timestamp) -> Answer<'_, bool> {
        self.write("remove an exchange rate", move |it| exchange::remove(it, from, to, valid_from))
    }

    fn card_ranges(&self, known: i64) -> Answer<'_, Option<CardTable>> {
        self.read("read the table of card ranges", move |it| card_ranges::read(it, known))
    }

    fn set_card_ranges(&self, ranges: Option<Vec<CardRange>>) -> Answer<'_, ()> {
        let action = "set the table of card ranges";
        match card_ranges::text(ranges.as_deref()) {
            Ok(text) => self.write(action, move |it| card_ranges::set(it, text.as_deref())),
            Err(error) => Box::pin(std::future::ready(Err(unavailable(action, &error)))),
        }
    }

    fn enrol(&self, now: Timestamp) -> Answer<'_, Node> {
        self.write("enrol a node", move |it| nodes::enrol(it, now))
    }

    fn accounts_used(&self) -> Answer<'_, Vec<ProviderAccountId>> {
        self.read("read the accounts in use", recovery::accounts)
    }

    fn recovery(&self) -> Answer<'_, Option<Recovery>> {
        self.read("read whether the database is held", recovery::read)
    }

    fn hold(&self, copied_at: Option<Timestamp>, now: Timestamp) -> Answer<'_, bool> {
        self.write("hold the database", move |it| recovery::hold(it, copied_at, now))
    }

    fn release(&self, highest_known: i64, now: Timestamp) -> Answer<'_, bool> {
        self.write("release the database", move |it| recovery::release(it, highest_known, now))
    }

    fn balances(&self, project: Option<ProjectId>) -> Answer<'_, Vec<Balance>> {
        self.read("read balances", move |it| reads::balances(it, project))
    }

    fn audit(&self) -> Answer<'_, AuditReport> {
        const ACTION: &str = "audit the database";
        let whole = |it: &Connection| {
            let damage = file::damage(it, "PRAGMA integrity_check(1)")?;
            let mut report = audit::audit(it)?;
            report.findings.extend(damage.map(|detail| Finding { rule: "file", detail }));
            Ok(report)
        };
        match &self.inline {
            Some(inline) => Box::pin(std::future::ready(inline.read(ACTION, audit::audit))),
            None => reader::once(&self.path, &self.options, ACTION, whole),
        }
    }

    fn effort(&self) -> Effort {
        Effort {
            batches: self.counters.batches.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
            statements: self.counters.statements.load(Ordering::Relaxed),
            commits_waiting: self.counters.waiting.load(Ordering::Relaxed),
            reads_waiting: self.readers.as_ref().map_or(0, Readers::waiting),
        }
    }
}
