//! One merchant, one payment, and a store in memory that applies change sets and audits every step.

mod asked;
mod audit;
mod books;
mod happens;

use crate::fixtures::{approved, card_of, eur, moment, project, range};
use ferropay_domain::{
    callback::Event,
    card::Network,
    change::{Hold, Task, TaskKey},
    codes,
    decide::{CardCommand, Ids, Now, RangeFacts, WalletFacts},
    ids::{AttemptId, CallbackId, OperationId, PaymentKey},
    ledger::{self, AccountKey, EntryKind, Owner},
    money::{Currency, Money, Rate},
    payment::{Attempt, Operation, OperationKind, Payment, PaymentStatus},
    project::{OperationDay, Project, Settings},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

pub(crate) struct World {
    pub(crate) project: Project,
    pub(crate) day: OperationDay,
    pub(crate) now: Now,
    pub(crate) network: Network,
    /// Smallest amount a partial return may leave (G-283).
    pub(crate) smallest_rest: i64,
    pub(crate) payment: Option<Payment>,
    pub(crate) operations: BTreeMap<OperationId, Operation>,
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
    pub(crate) holds: BTreeMap<OperationId, Hold>,
    /// The rate of the moment into the channel's currency.
    pub(crate) rate: Option<Rate>,
    /// What a directory server says of the card, if it takes part in 3-D Secure.
    pub(crate) range: Option<RangeFacts>,
    /// What is known of the wallet's token the card comes in.
    pub(crate) wallet: Option<Box<WalletFacts>>,
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) events: Vec<Event>,
    pub(crate) forgotten: BTreeSet<OperationId>,
    /// Rows of the operations' table that were taken.
    pub(crate) rows: BTreeSet<&'static str>,
    /// Changes of the payment's status, by the machine of the operation that made them.
    pub(crate) moves: BTreeSet<(u8, PaymentStatus, PaymentStatus)>,
    /// Whether what has been returned was returned by a refund, told from the operations (D-25).
    refunded: bool,
    opening: i64,
    names: HashSet<(u8, String)>,
    balances: BTreeMap<AccountKey, i64>,
    booked: HashSet<(OperationId, EntryKind)>,
    drawn: i64,
}

impl World {
    /// A merchant with these settings who has `opening` EUR cents.
    pub(crate) fn new(settings: Settings, opening: i64) -> Self {
        let start = moment("2026-11-21T12:00:00Z");
        let mut world = Self {
            project: project(settings),
            day: OperationDay::default(),
            now: Now { business: start, real: start },
            network: Network::Visa,
            smallest_rest: 1,
            payment: None,
            operations: BTreeMap::new(),
            attempts: BTreeMap::new(),
            holds: BTreeMap::new(),
            range: None,
            rate: None,
            wallet: None,
            tasks: BTreeMap::new(),
            events: Vec::new(),
            forgotten: BTreeSet::new(),
            rows: BTreeSet::new(),
            moves: BTreeSet::new(),
            refunded: false,
            opening,
            names: HashSet::new(),
            balances: BTreeMap::new(),
            booked: HashSet::new(),
            drawn: 100,
        };
        if opening > 0 {
            let entry = ledger::opening(world.project.id, OperationId::new(1), eur(opening), start);
            world.post(&[entry]);
        }
        world
    }

    /// A merchant with plenty of money and no fees.
    pub(crate) fn rich() -> Self {
        Self::new(Settings::default(), 1_000_000)
    }

    /// A successful sale of `minor` EUR cents by a card of `network`.
    pub(crate) fn sold(minor: i64, network: Network) -> Self {
        let mut world = Self { network, ..Self::rich() };
        world.sale(minor);
        world.outcome(approved(eur(minor))).unwrap();
        world
    }

    /// The same, with cards whose issuer takes part in 3-D Secure, and wants to see the browser first or not.
    pub(crate) fn enrolled(self, device_form: bool) -> Self {
        Self { range: Some(range(device_form)), ..self }
    }

    /// The same, where euros are converted into yen, at present at `rate`.
    pub(crate) fn in_yen(mut self, rate: &str) -> Self {
        self.project.settings.conversions.insert("EUR".to_owned(), Currency::parse("JPY").unwrap());
        Self { rate: Some(rate.parse().unwrap()), ..self }
    }

    /// An amount at the provider: in the currency it is asked in.
    pub(crate) fn there(&self, minor: i64) -> Money {
        let channel = self.project.channel_of(eur(0).currency, None).unwrap();
        Money::new(minor, channel.unwrap_or(eur(0).currency))
    }

    /// The same, with cards of `network`.
    pub(crate) fn with(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// A hold of `minor` EUR cents on a card of `network`.
    pub(crate) fn holding(settings: Settings, minor: i64, network: Network) -> Self {
        let mut world = Self { network, ..Self::new(settings, 1_000_000) };
        let command = card_of(OperationKind::Auth, eur(minor), network);
        assert!(world.card(CardCommand { has_booking_dates: true, ..command }));
        world.outcome(approved(eur(minor))).unwrap();
        assert_eq!(world.status(), PaymentStatus::AwaitingCapture);
        world
    }

    pub(crate) fn draw(&mut self) -> Ids {
        self.drawn += 1;
        Ids {
            payment: PaymentKey::new(uuid::Uuid::from_u128(77)),
            operation: OperationId::new(self.drawn),
            callback: CallbackId::new(self.drawn),
        }
    }

    pub(crate) fn advance(&mut self, span: Duration) {
        self.now = Now { business: self.now.business.plus(span), real: self.now.real.plus(span) };
    }

    pub(crate) fn payment(&self) -> &Payment {
        self.payment.as_ref().unwrap()
    }

    pub(crate) fn status(&self) -> PaymentStatus {
        self.payment().status
    }

    pub(crate) fn sum(&self) -> i64 {
        self.payment().sum().minor
    }

    /// The latest operation that the platform did not record beside another.
    pub(crate) fn operation(&self) -> &Operation {
        let beside = |it: &&Operation| {
            matches!(it.kind, OperationKind::Incremental | OperationKind::Decremental) && it.detail.automatic
        };
        self.operations.values().rfind(|it| !beside(it)).unwrap()
    }

    pub(crate) fn attempt(&self) -> &Attempt {
        self.attempts.values().next_back().unwrap()
    }

    pub(crate) fn balance(&self, owner: Owner) -> i64 {
        let key = AccountKey { owner, currency: eur(0).currency };
        self.balances.get(&key).copied().unwrap_or(0)
    }

    pub(crate) fn merchant(&self) -> i64 {
        self.balance(Owner::Merchant(self.project.id))
    }

    /// What all providers owe together.
    pub(crate) fn provider(&self) -> i64 {
        self.sum_of(|owner| matches!(owner, Owner::Provider(_)))
    }

    /// What is in suspense with all of them.
    pub(crate) fn suspense(&self) -> i64 {
        self.sum_of(|owner| matches!(owner, Owner::Suspense(_)))
    }

    fn sum_of(&self, counts: impl Fn(Owner) -> bool) -> i64 {
        self.balances.iter().filter(|(key, _)| counts(key.owner)).map(|(_, minor)| minor).sum()
    }

    /// The open operation, or the latest, with its latest attempt.
    pub(crate) fn situation(&self) -> (&Payment, &Operation, Option<&Attempt>) {
        let open = self.payment().open.and_then(|open| self.operations.get(&open));
        let operation = open.unwrap_or_else(|| self.operation());
        let attempts = self.attempts.values().filter(|it| it.id.operation == operation.id);
        (self.payment(), operation, attempts.max_by_key(|it| it.id.number))
    }

    /// The link's operation.
    fn link(&self) -> (&Payment, &Operation) {
        let link = self.payment().detail.link.as_ref().unwrap().operation;
        (self.payment(), self.operations.get(&link).unwrap())
    }

    /// A payout of `minor` EUR cents that was done.
    pub(crate) fn paid_out(settings: Settings, minor: i64, network: Network) -> Self {
        let mut world = Self { network, ..Self::new(settings, 1_000_000) };
        assert_eq!(world.payout(minor), codes::AWAITING);
        world.outcome(approved(eur(minor))).unwrap();
        world
    }

    pub(crate) fn scene(&self, id: AttemptId) -> (&Payment, &Operation, &Attempt) {
        (self.payment(), self.operations.get(&id.operation).unwrap(), self.attempts.get(&id).unwrap())
    }

    pub(crate) fn has_task(&self, key: TaskKey) -> bool {
        self.tasks.contains_key(&format!("{key:?}"))
    }
}
