//! The store as the engine of a simulation sees it: real, but it takes its time, fails now and then, and shows what
//! becomes durable to the world.
//!
//! Whatever it is asked it does at once: time stands still meanwhile, and nobody comes in between, however long a server takes.
//! So nothing depends on how fast a store is, and every store that keeps the rules gives the same run.

use crate::at_once::at_once;
use crate::world::{Mood, World};
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
use ferropay_store::{
    Answer, AuditReport, Backlog, Balance, CallbackFilter, CallbackRow, CardTable, Commit, CommitError,
    Custody, Delivery, Effort, ExchangeRate, Forgettable, Forgotten, KeyUse, Moments, Node, NodeId, Nodes,
    Notification, OperationRow, PendingDelivery, Place, ProjectRecord, Recovery, RequestRow, Retention,
    RiskEntry, Scene, SealedCard, Standing, Store, Tenure, Unavailable, vault::Sealed,
};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// The store of a life.
pub(crate) struct WatchedStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) world: Arc<World>,
    pub(crate) user: User,
}

/// Who uses a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever looks at it from outside the simulation: for them it is as it is.
    Observer,
    Engine,
    /// Draws numbers that may be taken, and then draws again.
    Administrator,
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    /// Nothing is written.
    Refused,
    /// It is written, and nobody hears of it.
    Forgotten,
}

impl WatchedStore {
    /// Takes a little time, so that others come in between.
    async fn pause(&self) {
        self.world.crash.step_or_wait().await;
        match self.world.store_dice.between(1, 20) {
            1..=12 => {}
            13..=16 => tokio::task::yield_now().await,
            17..=19 => {
                let millis = self.world.store_dice.between(1, 4);
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
            _ => {
                let millis = self.world.store_dice.between(5, 80);
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
        }
    }

    fn fate(&self) -> Fate {
        let per_mille = match self.world.mood(|moods| moods.store) {
            Mood::Well => return Fate::Done,
            Mood::Shaky => 60,
            Mood::Away => 1_000,
        };
        if self.world.store_dice.between(1, 1_000) > per_mille {
            Fate::Done
        } else if self.world.store_dice.chance(50) {
            Fate::Refused
        } else {
            Fate::Forgotten
        }
    }

    async fn commit_once(&self, commit: Commit) -> Result<(), CommitError> {
        if self.user == User::Observer {
            return at_once(self.inner.commit(commit)).await;
        }
        self.pause().await;
        let fate = self.fate();
        if fate == Fate::Refused {
            self.world.note(format_args!("the store refuses a commit"));
            return Err(trouble("commit").into());
        }
        let result = at_once(self.inner.commit(commit.clone())).await;
        match &result {
            Ok(()) => {
                let (wrong, line) = self.world.seen.lock().take(&commit);
                self.world.note(format_args!("commit: {line}"));
                for wrong in wrong {
                    self.world.finding(wrong);
                }
            }
            Err(CommitError::Lost(loss)) => self.world.note(format_args!("commit lost: {loss:?}")),
            Err(CommitError::Defect(reason))
                if self.user == User::Administrator && reason.contains("UNIQUE") =>
            {
                self.world.note(format_args!("a number is taken"));
            }
            Err(error) => self.world.finding(format!("a commit failed: {error}")),
        }
        self.pause().await;
        if fate == Fate::Forgotten {
            self.world.note(format_args!("the store does not tell that it committed"));
            return Err(trouble("commit").into());
        }
        result
    }

    /// A read is done at once; its answer arrives later, when it may no longer hold.
    pub(crate) fn read<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        let answer = at_once(answer);
        if self.user == User::Observer {
            return answer;
        }
        Box::pin(async move {
            self.pause().await;
            if self.world.mood(|moods| moods.store) == Mood::Away {
                return Err(trouble("read"));
            }
            let result = answer.await;
            self.pause().await;
            result
        })
    }
}

fn trouble(action: &'static str) -> Unavailable {
    Unavailable { action, reason: "the simulation says so".to_owned() }
}

impl Nodes for WatchedStore {
    fn join(&self, term: Duration) -> Answer<'_, Node> {
        at_once(self.inner.join(term))
    }

    fn renew(&self, node: NodeId, term: Duration, back: Buckets) -> Answer<'_, Tenure> {
        at_once(self.inner.renew(node, term, back))
    }

    fn leave(&self, node: NodeId) -> Answer<'_, ()> {
        at_once(self.inner.leave(node))
    }
}

impl Custody for WatchedStore {
    fn cards_after(&self, after: Option<(ProjectId, CardKey)>, most: u32) -> Answer<'_, Vec<SealedCard>> {
        self.read(self.inner.cards_after(after, most))
    }

    fn reseal_cards(&self, cards: Vec<(SealedCard, Sealed)>) -> Answer<'_, usize> {
        at_once(self.inner.reseal_cards(cards))
    }

    fn reseal_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        old: Sealed,
        new: Sealed,
    ) -> Answer<'_, bool> {
        at_once(self.inner.reseal_wallet_keys(project, wallet, old, new))
    }

    fn key_uses(&self) -> Answer<'_, Vec<KeyUse>> {
        self.read(self.inner.key_uses())
    }

    fn retire_data_keys(&self, below: u32, now: Timestamp) -> Answer<'_, usize> {
        at_once(self.inner.retire_data_keys(below, now))
    }

    fn destroy_data_key(&self, number: u32) -> Answer<'_, bool> {
        at_once(self.inner.destroy_data_key(number))
    }
}

impl Retention for WatchedStore {
    fn moments(&self) -> Answer<'_, Moments> {
        at_once(self.inner.moments())
    }

    fn forget(
        &self,
        what: Forgettable,
        from: Option<Place>,
        before: Timestamp,
        most: u32,
    ) -> Answer<'_, Forgotten> {
        at_once(self.inner.forget(what, from, before, most))
    }

    fn without_attempt(&self, most: u32) -> Answer<'_, Vec<Notification>> {
        at_once(self.inner.without_attempt(most))
    }
}

impl Store for WatchedStore {
    fn commit(&self, commit: Commit) -> Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + '_>> {
        Box::pin(self.commit_once(commit))
    }

    fn payment_named<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Payment>> {
        self.read(self.inner.payment_named(project, folded))
    }

    fn payment(&self, project: ProjectId, key: PaymentKey) -> Answer<'_, Option<Payment>> {
        self.read(self.inner.payment(project, key))
    }

    fn operations(&self, project: ProjectId, key: PaymentKey, limit: u32) -> Answer<'_, Vec<OperationRow>> {
        self.read(self.inner.operations(project, key, limit))
    }

    fn scene(&self, attempt: AttemptId) -> Answer<'_, Option<Scene>> {
        self.read(self.inner.scene(attempt))
    }

    fn standing(&self, operation: OperationId) -> Answer<'_, Option<Standing>> {
        self.read(self.inner.standing(operation))
    }

    fn unsettled(&self, limit: u32) -> Answer<'_, Vec<Scene>> {
        self.read(self.inner.unsettled(limit))
    }

    fn series(&self, project: ProjectId, id: SeriesId) -> Answer<'_, Option<Series>> {
        self.read(self.inner.series(project, id))
    }

    fn series_known(&self, id: SeriesId) -> Answer<'_, Option<Series>> {
        self.read(self.inner.series_known(id))
    }

    fn debit_with(
        &self,
        payment: PaymentKey,
        operation: Option<OperationId>,
        least: i64,
    ) -> Answer<'_, Option<SeriesDebit>> {
        self.read(self.inner.debit_with(payment, operation, least))
    }

    fn name_holder<'a>(
        &'a self,
        project: ProjectId,
        kind: NameKind,
        folded: &'a str,
    ) -> Answer<'a, Option<PaymentKey>> {
        self.read(self.inner.name_holder(project, kind, folded))
    }

    fn request(&self, project: ProjectId, id: RequestId) -> Answer<'_, Option<RequestRow>> {
        self.read(self.inner.request(project, id))
    }

    fn resent(
        &self,
        project: ProjectId,
        fingerprint: [u8; 16],
        now: Timestamp,
    ) -> Answer<'_, Option<RequestId>> {
        self.read(self.inner.resent(project, fingerprint, now))
    }

    fn due(
        &self,
        buckets: Buckets,
        clock: Option<ProjectId>,
        now: Timestamp,
        limit: u32,
    ) -> Answer<'_, Vec<Task>> {
        self.read(self.inner.due(buckets, clock, now, limit))
    }

    fn backlog(&self, clocks: Vec<(Option<ProjectId>, Timestamp)>) -> Answer<'_, Backlog> {
        at_once(self.inner.backlog(clocks))
    }

    fn next_due(&self, clock: Option<ProjectId>) -> Answer<'_, Option<Timestamp>> {
        self.read(self.inner.next_due(clock))
    }

    fn is_busy(&self, project: ProjectId, business: Timestamp, real: Timestamp) -> Answer<'_, bool> {
        self.read(self.inner.is_busy(project, business, real))
    }

    fn delivery(&self, callback: CallbackId, address: u8) -> Answer<'_, Option<Delivery>> {
        self.read(self.inner.delivery(callback, address))
    }

    fn open_before<'a>(
        &'a self,
        subject: Subject,
        number: u32,
        url: &'a str,
    ) -> Answer<'a, Vec<PendingDelivery>> {
        self.read(self.inner.open_before(subject, number, url))
    }

    fn callbacks(&self, filter: CallbackFilter) -> Answer<'_, Vec<CallbackRow>> {
        at_once(self.inner.callbacks(filter))
    }

    fn card(&self, project: ProjectId, key: CardKey) -> Answer<'_, Option<Sealed>> {
        self.read(self.inner.card(project, key))
    }

    fn cvv(&self, operation: OperationId) -> Answer<'_, Option<Sealed>> {
        self.read(self.inner.cvv(operation))
    }

    fn instrument(&self, project: ProjectId, by: InstrumentKey) -> Answer<'_, Option<Instrument>> {
        self.read(self.inner.instrument(project, by))
    }

    fn known_instrument(&self, id: InstrumentId) -> Answer<'_, Option<Instrument>> {
        self.read(self.inner.known_instrument(id))
    }

    fn saved_instruments(
        &self,
        project: ProjectId,
        customer: &str,
        limit: u32,
    ) -> Answer<'_, Vec<Instrument>> {
        self.read(self.inner.saved_instruments(project, customer, limit))
    }

    fn customer(&self, project: ProjectId, id: &str) -> Answer<'_, Option<CustomerRecord>> {
        self.read(self.inner.customer(project, id))
    }

    fn payee_check(&self, project: ProjectId, id: PayeeCheckId) -> Answer<'_, Option<PayeeCheck>> {
        self.read(self.inner.payee_check(project, id))
    }

    fn cvv_in_use(&self) -> Answer<'_, (u64, Option<u32>)> {
        at_once(self.inner.cvv_in_use())
    }

    fn data_keys(&self) -> Answer<'_, Vec<(u32, Vec<u8>)>> {
        at_once(self.inner.data_keys())
    }

    fn add_data_key(&self, number: u32, wrapped: Vec<u8>, now: Timestamp) -> Answer<'_, ()> {
        at_once(self.inner.add_data_key(number, wrapped, now))
    }

    fn projects(&self) -> Answer<'_, Vec<ProjectRecord>> {
        Box::pin(async {
            if self.user == User::Observer {
                return at_once(self.inner.projects()).await;
            }
            if let Some(known) = &*self.world.projects.lock() {
                return Ok(known.clone());
            }
            let read = at_once(self.inner.projects()).await?;
            *self.world.projects.lock() = Some(read.clone());
            Ok(read)
        })
    }

    fn wallet_keys(&self, project: ProjectId, wallet: DeviceWallet) -> Answer<'_, Option<Sealed>> {
        at_once(self.inner.wallet_keys(project, wallet))
    }

    fn save_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        keys: Option<Sealed>,
    ) -> Answer<'_, ()> {
        at_once(self.inner.save_wallet_keys(project, wallet, keys))
    }

    fn save_project(&self, record: ProjectRecord) -> Answer<'_, bool> {
        Box::pin(async move {
            let saved = at_once(self.inner.save_project(record)).await;
            *self.world.projects.lock() = None;
            saved
        })
    }

    fn advance_clock(&self, project: ProjectId, offset_micros: i64) -> Answer<'_, i64> {
        *self.world.projects.lock() = None;
        at_once(self.inner.advance_clock(project, offset_micros))
    }

    fn risk_hits(&self, project: ProjectId, features: Vec<(Feature, String)>) -> Answer<'_, Vec<Hit>> {
        self.read(self.inner.risk_hits(project, features))
    }

    fn risk_entries(&self, project: ProjectId, limit: u32) -> Answer<'_, Vec<RiskEntry>> {
        self.read(self.inner.risk_entries(project, limit))
    }

    fn forget_uses(&self, before: Timestamp, most: u32) -> Answer<'_, usize> {
        at_once(self.inner.forget_uses(before, most))
    }

    fn add_risk_entry(&self, project: ProjectId, entry: RiskEntry) -> Answer<'_, bool> {
        at_once(self.inner.add_risk_entry(project, entry))
    }

    fn remove_risk_entry(
        &self,
        project: ProjectId,
        list: List,
        feature: Feature,
        value: String,
    ) -> Answer<'_, bool> {
        at_once(self.inner.remove_risk_entry(project, list, feature, value))
    }

    fn rate(&self, from: Currency, to: Currency, at: Timestamp) -> Answer<'_, Option<Rate>> {
        self.read(self.inner.rate(from, to, at))
    }

    fn rates(&self) -> Answer<'_, Vec<ExchangeRate>> {
        at_once(self.inner.rates())
    }

    fn cards_with_series<'a>(&'a self, project: ProjectId, customer: &'a str) -> Answer<'a, Vec<CardKey>> {
        at_once(self.inner.cards_with_series(project, customer))
    }

    fn card_ranges(&self, known: i64) -> Answer<'_, Option<CardTable>> {
        at_once(self.inner.card_ranges(known))
    }

    fn set_card_ranges(&self, ranges: Option<Vec<CardRange>>) -> Answer<'_, ()> {
        at_once(self.inner.set_card_ranges(ranges))
    }

    fn set_rates(&self, rates: Vec<ExchangeRate>) -> Answer<'_, ()> {
        at_once(self.inner.set_rates(rates))
    }

    fn remove_rate(&self, from: Currency, to: Currency, valid_from: Timestamp) -> Answer<'_, bool> {
        at_once(self.inner.remove_rate(from, to, valid_from))
    }

    fn enrol(&self, now: Timestamp) -> Answer<'_, Node> {
        at_once(self.inner.enrol(now))
    }

    fn accounts_used(&self) -> Answer<'_, Vec<ProviderAccountId>> {
        self.inner.accounts_used()
    }

    fn recovery(&self) -> Answer<'_, Option<Recovery>> {
        at_once(self.inner.recovery())
    }

    fn hold(&self, copied_at: Option<Timestamp>, now: Timestamp) -> Answer<'_, bool> {
        at_once(self.inner.hold(copied_at, now))
    }

    fn release(&self, highest_known: i64, now: Timestamp) -> Answer<'_, bool> {
        at_once(self.inner.release(highest_known, now))
    }

    fn balances(&self, project: Option<ProjectId>) -> Answer<'_, Vec<Balance>> {
        at_once(self.inner.balances(project))
    }

    fn audit(&self) -> Answer<'_, AuditReport> {
        at_once(self.inner.audit())
    }

    fn effort(&self) -> Effort {
        self.inner.effort()
    }
}
