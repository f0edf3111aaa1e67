//! What every store can do, put into the words of this one.

use super::{
    PostgresStore, admin, audit, backlog, gone, instruments, lists, messages, nodes, reads, recovery,
};
use crate::{
    Answer, AuditReport, Backlog, Balance, CallbackFilter, CallbackRow, CardTable, Commit, CommitError,
    Delivery, Effort, ExchangeRate, Node, OperationRow, PendingDelivery, ProjectRecord, Recovery, RequestRow,
    RiskEntry, Scene, Standing, Store, Unavailable, prepared::Prepared, vault::Sealed,
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
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};

impl Store for PostgresStore {
    fn commit(&self, commit: Commit) -> Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + '_>> {
        let prepared = match Prepared::new(commit) {
            Ok(prepared) => prepared,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let verdict = self.submit(prepared);
        Box::pin(async move { verdict.await.unwrap_or_else(|_| Err(gone().into())) })
    }

    fn payment_named<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Payment>> {
        ask!(self, "find a payment", reads::payment_named(project, folded))
    }

    fn payment(&self, project: ProjectId, key: PaymentKey) -> Answer<'_, Option<Payment>> {
        ask!(self, "read a payment", reads::payment(project, key))
    }

    fn operations(&self, project: ProjectId, key: PaymentKey, limit: u32) -> Answer<'_, Vec<OperationRow>> {
        ask!(self, "read operations", reads::operations(project, key, limit))
    }

    fn scene(&self, attempt: AttemptId) -> Answer<'_, Option<Scene>> {
        ask!(self, "read an attempt", reads::scene(attempt))
    }

    fn standing(&self, operation: OperationId) -> Answer<'_, Option<Standing>> {
        ask!(self, "read an operation", reads::standing(operation))
    }

    fn unsettled(&self, limit: u32) -> Answer<'_, Vec<Scene>> {
        ask!(self, "read unsettled attempts", reads::unsettled(limit))
    }

    fn series(&self, project: ProjectId, id: SeriesId) -> Answer<'_, Option<Series>> {
        ask!(self, "read a series", reads::series(project, id))
    }

    fn series_known(&self, id: SeriesId) -> Answer<'_, Option<Series>> {
        ask!(self, "read a series", reads::series_known(id))
    }

    fn debit_with(
        &self,
        payment: PaymentKey,
        operation: Option<OperationId>,
        least: i64,
    ) -> Answer<'_, Option<SeriesDebit>> {
        ask!(self, "find a debit", reads::debit_with(payment, operation, least))
    }

    fn name_holder<'a>(
        &'a self,
        project: ProjectId,
        kind: NameKind,
        folded: &'a str,
    ) -> Answer<'a, Option<PaymentKey>> {
        ask!(self, "look for a name", reads::name_holder(project, kind, folded))
    }

    fn request(&self, project: ProjectId, id: RequestId) -> Answer<'_, Option<RequestRow>> {
        ask!(self, "read a request", reads::request(project, id))
    }

    fn resent(
        &self,
        project: ProjectId,
        fingerprint: [u8; 16],
        now: Timestamp,
    ) -> Answer<'_, Option<RequestId>> {
        ask!(self, "look for an equal request", reads::resent(project, fingerprint, now))
    }

    fn due(
        &self,
        buckets: Buckets,
        clock: Option<ProjectId>,
        now: Timestamp,
        limit: u32,
    ) -> Answer<'_, Vec<Task>> {
        ask!(self, "read due tasks", reads::due(buckets, clock, now, limit))
    }

    fn backlog(&self, clocks: Vec<(Option<ProjectId>, Timestamp)>) -> Answer<'_, Backlog> {
        ask!(self, "count what waits", backlog::backlog(&clocks))
    }

    fn next_due(&self, clock: Option<ProjectId>) -> Answer<'_, Option<Timestamp>> {
        ask!(self, "find the next task", reads::next_due(clock))
    }

    fn is_busy(&self, project: ProjectId, business: Timestamp, real: Timestamp) -> Answer<'_, bool> {
        ask!(self, "look for work", reads::is_busy(project, business, real))
    }

    fn delivery(&self, callback: CallbackId, address: u8) -> Answer<'_, Option<Delivery>> {
        ask!(self, "read a delivery", messages::delivery(callback, address))
    }

    fn open_before<'a>(
        &'a self,
        subject: Subject,
        number: u32,
        url: &'a str,
    ) -> Answer<'a, Vec<PendingDelivery>> {
        ask!(self, "read earlier deliveries", messages::open_before(subject, number, url))
    }

    fn callbacks(&self, filter: CallbackFilter) -> Answer<'_, Vec<CallbackRow>> {
        ask!(self, "read callbacks", messages::callbacks(&filter))
    }

    fn card(&self, project: ProjectId, key: CardKey) -> Answer<'_, Option<Sealed>> {
        ask!(self, "read a card", instruments::card(project, key))
    }

    fn cvv(&self, operation: OperationId) -> Answer<'_, Option<Sealed>> {
        ask!(self, "read a verification value", instruments::cvv(operation))
    }

    fn instrument(&self, project: ProjectId, by: InstrumentKey) -> Answer<'_, Option<Instrument>> {
        ask!(self, "read a customer's card", instruments::find(project, &by))
    }

    fn known_instrument(&self, id: InstrumentId) -> Answer<'_, Option<Instrument>> {
        ask!(self, "read a customer's card", instruments::known(id))
    }

    fn saved_instruments(
        &self,
        project: ProjectId,
        customer: &str,
        limit: u32,
    ) -> Answer<'_, Vec<Instrument>> {
        let customer = customer.to_owned();
        ask!(self, "read saved cards", instruments::saved(project, &customer, limit))
    }

    fn cards_with_series<'a>(&'a self, project: ProjectId, customer: &'a str) -> Answer<'a, Vec<CardKey>> {
        ask!(self, "read which cards series debit", instruments::cards_with_series(project, customer))
    }

    fn customer(&self, project: ProjectId, id: &str) -> Answer<'_, Option<CustomerRecord>> {
        let id = id.to_owned();
        ask!(self, "read a customer", instruments::customer(project, &id))
    }

    fn payee_check(&self, project: ProjectId, id: PayeeCheckId) -> Answer<'_, Option<PayeeCheck>> {
        ask!(self, "read what a bank said", instruments::payee_check(project, id))
    }

    fn cvv_in_use(&self) -> Answer<'_, (u64, Option<u32>)> {
        ask!(self, "count verification values", instruments::cvv_in_use())
    }

    fn data_keys(&self) -> Answer<'_, Vec<(u32, Vec<u8>)>> {
        ask!(self, "read data keys", admin::data_keys())
    }

    fn add_data_key(&self, number: u32, wrapped: Vec<u8>, now: Timestamp) -> Answer<'_, ()> {
        tell!(self, "add a data key", admin::add_data_key(number, &wrapped, now))
    }

    fn projects(&self) -> Answer<'_, Vec<ProjectRecord>> {
        ask!(self, "read projects", admin::projects())
    }

    fn save_project(&self, record: ProjectRecord) -> Answer<'_, bool> {
        tell!(self, "save a project", admin::save_project(&record))
    }

    fn wallet_keys(&self, project: ProjectId, wallet: DeviceWallet) -> Answer<'_, Option<Sealed>> {
        ask!(self, "read a wallet's keys", instruments::wallet_keys(project, wallet))
    }

    fn save_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        keys: Option<Sealed>,
    ) -> Answer<'_, ()> {
        tell!(self, "save a wallet's keys", admin::save_wallet_keys(project, wallet, keys.as_ref()))
    }

    fn advance_clock(&self, project: ProjectId, offset_micros: i64) -> Answer<'_, i64> {
        tell!(self, "advance a clock", admin::advance_clock(project, offset_micros))
    }

    fn risk_hits(&self, project: ProjectId, features: Vec<(Feature, String)>) -> Answer<'_, Vec<Hit>> {
        ask!(self, "look at risk lists", lists::hits(project, &features))
    }

    fn risk_entries(&self, project: ProjectId, limit: u32) -> Answer<'_, Vec<RiskEntry>> {
        ask!(self, "read risk lists", lists::entries(project, limit))
    }

    fn forget_uses(&self, before: Timestamp, most: u32) -> Answer<'_, usize> {
        tell!(self, "forget old uses", lists::forget_uses(before, most))
    }

    fn add_risk_entry(&self, project: ProjectId, entry: RiskEntry) -> Answer<'_, bool> {
        tell!(self, "add to a risk list", lists::add(project, &entry))
    }

    fn remove_risk_entry(
        &self,
        project: ProjectId,
        list: List,
        feature: Feature,
        value: String,
    ) -> Answer<'_, bool> {
        tell!(self, "remove from a risk list", lists::remove(project, (list, feature, &value)))
    }

    fn rate(&self, from: Currency, to: Currency, at: Timestamp) -> Answer<'_, Option<Rate>> {
        ask!(self, "read an exchange rate", lists::rate(from, to, at))
    }

    fn rates(&self) -> Answer<'_, Vec<ExchangeRate>> {
        ask!(self, "read exchange rates", lists::rates())
    }

    fn set_rates(&self, rates: Vec<ExchangeRate>) -> Answer<'_, ()> {
        tell!(self, "set exchange rates", lists::set_rates(&rates))
    }

    fn remove_rate(&self, from: Currency, to: Currency, valid_from: Timestamp) -> Answer<'_, bool> {
        tell!(self, "remove an exchange rate", lists::remove_rate(from, to, valid_from))
    }

    fn card_ranges(&self, known: i64) -> Answer<'_, Option<CardTable>> {
        ask!(self, "read the table of card ranges", lists::card_ranges(known))
    }

    fn set_card_ranges(&self, ranges: Option<Vec<CardRange>>) -> Answer<'_, ()> {
        let text = ranges.map(|ranges| serde_json::to_string(&ranges)).transpose();
        match text {
            Ok(text) => tell!(self, "set the table of card ranges", lists::set_card_ranges(text.as_deref())),
            Err(error) => {
                let action = "set the table of card ranges";
                Box::pin(std::future::ready(Err(Unavailable { action, reason: error.to_string() })))
            }
        }
    }

    fn enrol(&self, now: Timestamp) -> Answer<'_, Node> {
        tell!(self, "enrol a node", nodes::enrol(now))
    }

    fn accounts_used(&self) -> Answer<'_, Vec<ProviderAccountId>> {
        take_time!(self, "read the accounts in use", recovery::accounts())
    }

    fn recovery(&self) -> Answer<'_, Option<Recovery>> {
        ask!(self, "read whether the database is held", recovery::read())
    }

    fn hold(&self, copied_at: Option<Timestamp>, now: Timestamp) -> Answer<'_, bool> {
        tell!(self, "hold the database", recovery::hold(copied_at, now))
    }

    fn release(&self, highest_known: i64, now: Timestamp) -> Answer<'_, bool> {
        tell!(self, "release the database", recovery::release(highest_known, now))
    }

    fn balances(&self, project: Option<ProjectId>) -> Answer<'_, Vec<Balance>> {
        ask!(self, "read balances", reads::balances(project))
    }

    fn audit(&self) -> Answer<'_, AuditReport> {
        audit::run(Arc::clone(&self.setup))
    }

    fn ended(&self) -> Option<Unavailable> {
        self.queue.ended()
    }

    fn effort(&self) -> Effort {
        Effort {
            batches: self.counters.batches.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
            statements: self.counters.statements.load(Ordering::Relaxed),
            commits_waiting: self.queue.waiting(),
            reads_waiting: self.links.asked(),
        }
    }
}
