//! Builds commits the way the platform does: by deciding. What a rule needs to be wrong is changed afterwards.

use ferropay_domain::{
    callback::Subject,
    card::{CardSummary, Expiry, Network},
    change::{Buckets, ChangeSet, Hold, PaymentWrite, Task, TaskKey, Write, bucket_of, bucket_of_series},
    decide::{
        self, CallbackOptions, CardCommand, CardFacts, Ids, Now, Outcome, PayoutCommand, PayoutFacts,
        RefundCommand, RefundFacts, RequestHead, ThreeDsRequest,
    },
    ids::{CallbackId, CardKey, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId, RequestId},
    ledger::{self, AccountKey, Owner},
    money::{Currency, FeeRule, Money},
    payment::{
        Attempt, CardRequest, Customer, NetworkToken, Operation, OperationKind, Payment, ProviderAnswer,
    },
    project::{Environment, OperationDay, Project, Settings},
    series::Registration,
    time::Timestamp,
};
use ferropay_store::{Balance, Commit, DeliveryState, DeliveryWrite, NewCallback, Scene, Store};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use uuid::Uuid;

pub(crate) const START: Timestamp = Timestamp::from_seconds(1_780_000_000);
pub(crate) const URL: &str = "http://127.0.0.1:9000/callback";

pub(crate) const NOW: Now = Now { business: START, real: START };

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

/// A project, and identifiers that are never drawn twice.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) project: Project,
    next: Arc<AtomicI64>,
}

impl World {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::from_number(store, 1)
    }

    /// A world whose identifiers begin at `first`.
    pub(crate) fn from_number(store: Arc<dyn Store>, first: i64) -> Self {
        let project = Project {
            id: ProjectId::new(1001),
            environment: Environment::Test,
            active: true,
            settings: Settings {
                callback_url: Some(URL.into()),
                refund_interval_seconds: 0,
                sale_fee: FeeRule { fixed_minor: 5, ..FeeRule::default() },
                refund_fee: FeeRule { fixed_minor: 3, ..FeeRule::default() },
                payout_fee: FeeRule { fixed_minor: 2, ..FeeRule::default() },
                payout_data_required: false,
                ..Settings::default()
            },
            card_account: ProviderAccountId::new(7),
        };
        Self { store, project, next: Arc::new(AtomicI64::new(first)) }
    }

    pub(crate) fn number(&self) -> i64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn uuid(&self) -> Uuid {
        let number = u128::try_from(self.number()).unwrap();
        Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) | number)
    }

    pub(crate) fn ids(&self) -> Ids {
        Ids {
            payment: PaymentKey::new(self.uuid()),
            operation: OperationId::new(self.number()),
            callback: CallbackId::new(self.number()),
        }
    }

    pub(crate) fn head(&self, path: &'static str) -> RequestHead {
        let id = self.uuid();
        RequestHead { id: RequestId::new(id), path, fingerprint: *self.uuid().as_bytes() }
    }

    pub(crate) fn merchant(&self) -> AccountKey {
        AccountKey { owner: Owner::Merchant(self.project.id), currency: eur(0).currency }
    }

    /// A sale is accepted.
    pub(crate) fn sale(&self, name: &str, amount: Money) -> Commit {
        self.card(OperationKind::Sale, name, amount)
    }

    /// A card operation is accepted.
    pub(crate) fn card(&self, kind: OperationKind, name: &str, amount: Money) -> Commit {
        self.registering(kind, name, amount, None)
    }

    /// The same; it may register a series.
    pub(crate) fn registering(
        &self,
        kind: OperationKind,
        name: &str,
        amount: Money,
        registration: Option<Registration>,
    ) -> Commit {
        let command = CardCommand {
            registration: registration.map(Box::new),
            kind,
            head: self.head("payment/card/sale"),
            payment_id: PaymentId::parse(name).unwrap(),
            amount,
            card: CardSummary {
                key: CardKey::new(self.uuid()),
                masked: "431422******0056".into(),
                network: Network::Visa,
                holder: Some("John Smith".into()),
                expiry: Some(Expiry { year: 2099, month: 12 }),
                country: None,
                funding: None,
                issue: None,
            },
            has_cvv: true,
            request: CardRequest::default(),
            three_ds: ThreeDsRequest::default(),
            given: BTreeMap::new(),
            customer: Customer { id: Some("c1".into()), ..Customer::default() },
            description: String::new(),
            merchant_data: None,
            booking: None,
            has_booking_dates: false,
            callback: CallbackOptions::default(),
            fault_plan: None,
        };
        let (ids, facts) = (self.ids(), CardFacts::default());
        self.rendered(decide::card(&self.project, command, facts, ids, NOW).unwrap())
    }

    /// A payout is accepted; its hold may still be lost.
    pub(crate) fn payout(&self, name: &str, minor: i64) -> Commit {
        let command = PayoutCommand {
            head: self.head("payment/card/payout"),
            payment_id: PaymentId::parse(name).unwrap(),
            from_person: false,
            has_sender_card: false,
            amount: eur(minor),
            card: CardSummary {
                key: CardKey::new(self.uuid()),
                masked: "424242******4242".into(),
                network: Network::Visa,
                holder: None,
                expiry: None,
                country: None,
                funding: None,
                issue: None,
            },
            customer: Customer { id: Some("c1".into()), ..Customer::default() },
            description: String::new(),
            descriptor: None,
            choice: None,
            given: BTreeMap::new(),
            callback: CallbackOptions::default(),
            fault_plan: None,
        };
        let (ids, facts) = (self.ids(), PayoutFacts::default());
        self.rendered(decide::payout(&self.project, command, &facts, ids, NOW).unwrap())
    }

    /// A change set with its events rendered.
    pub(crate) fn rendered(&self, mut changes: ChangeSet) -> Commit {
        let callbacks = changes
            .events
            .drain(..)
            .map(|event| {
                let bucket = match event.subject {
                    Subject::Payment(key) => bucket_of(key),
                    Subject::Request(_) => 0,
                    Subject::Series(id) => bucket_of_series(id),
                };
                let tasks = (0_u8..)
                    .zip(&event.addresses)
                    .map(|(position, _)| Task {
                        key: TaskKey::Deliver(event.id, position),
                        bucket,
                        clock: Some(self.project.id),
                        due: event.not_before,
                        tries: 0,
                    })
                    .collect();
                NewCallback {
                    id: event.id,
                    project: event.project,
                    subject: event.subject,
                    number: event.number,
                    body: format!("{{\"callback\":{}}}", event.id),
                    addresses: event.addresses,
                    created_at: START,
                    due: event.not_before,
                    tasks,
                }
            })
            .collect();
        Commit { changes, callbacks, ..Commit::default() }
    }

    /// Lets the operation that a commit makes carry a proof.
    pub(crate) fn carry_proof(commit: &mut Commit, sealed: &str) {
        let Write::Insert(operation) = &mut commit.changes.operations[0] else { panic!("it is not new") };
        let token = NetworkToken { cryptogram: sealed.to_owned(), ..NetworkToken::default() };
        let request = CardRequest { network_token: Some(Box::new(token)), ..CardRequest::default() };
        operation.detail.card = Some(Box::new(request));
    }

    /// What a commit made: payment, operation and attempt.
    pub(crate) fn scene_of(commit: &Commit) -> Scene {
        Scene {
            series: commit.changes.series.as_ref().map(|write| write.series.clone()),
            payment: commit.changes.payment.as_ref().unwrap().payment().clone(),
            operation: commit.changes.operations[0].record().clone(),
            attempt: commit.changes.attempts[0].record().clone(),
        }
    }

    /// The provider's answer to an attempt.
    pub(crate) fn outcome(&self, scene: &Scene, outcome: Outcome) -> Commit {
        self.rendered(
            decide::attempt_outcome(&self.project, scene.facts(), outcome, self.ids(), NOW).unwrap(),
        )
    }

    pub(crate) fn approved(&self, scene: &Scene) -> Commit {
        let answer = ProviderAnswer { result_code: "00".into(), at: START, ..ProviderAnswer::default() };
        self.outcome(scene, Outcome::Approved { amount: scene.operation.amount, answer })
    }

    pub(crate) fn declined(&self, scene: &Scene) -> Commit {
        let code = ferropay_domain::codes::CARD_GENERAL_DECLINE;
        self.outcome(scene, Outcome::Declined { code, answer: ProviderAnswer::default() })
    }

    /// Accepts and approves a sale; the payment afterwards.
    pub(crate) async fn paid(&self, name: &str, amount: Money) -> Payment {
        let sale = self.sale(name, amount);
        let scene = Self::scene_of(&sale);
        self.store.commit(sale).await.unwrap();
        self.store.commit(self.approved(&scene)).await.unwrap();
        self.payment(scene.payment.key).await
    }

    pub(crate) async fn payment(&self, key: PaymentKey) -> Payment {
        self.store.payment(self.project.id, key).await.unwrap().unwrap()
    }

    /// A refund as the domain decides it.
    pub(crate) fn refund(&self, payment: &Payment, amount: i64, own_id: Option<&str>) -> Commit {
        let command = RefundCommand {
            has_trip: false,
            debit: None,
            head: self.head("payment/card/refund"),
            amount: Some(eur(amount)),
            description: "test".into(),
            merchant_refund_id: own_id.map(str::to_owned),
            given: BTreeMap::new(),
            callback: CallbackOptions::default(),
            fault_plan: None,
        };
        let day = OperationDay::default();
        let facts = RefundFacts {
            of: decide::ReturnOf::Only,
            day: &day,
            smallest_rest: 1,
            balance_short: false,
            refund_id_taken: false,
            rate: None,
        };
        let (ids, now) = (self.ids(), NOW);
        self.rendered(decide::refund(&self.project, payment, command, &facts, ids, now).unwrap())
    }

    /// A refund that no rule of the domain has looked at.
    pub(crate) fn lawless_refund(&self, payment: &Payment, amount: i64) -> Commit {
        let willing = Payment {
            debited: i64::MAX / 4,
            returned: 0,
            returning: 0,
            open: None,
            status: ferropay_domain::payment::PaymentStatus::Success,
            ..payment.clone()
        };
        let mut commit = self.refund(&willing, amount, None);
        assert_eq!(commit.changes.holds.len(), 1);
        let open = commit.changes.operations[0].record().id;
        let after = Payment {
            returning: payment.returning + amount,
            open: Some(open),
            version: payment.version + 1,
            ..payment.clone()
        };
        commit.changes.payment =
            Some(PaymentWrite::Update { payment: Box::new(after), expected: payment.version });
        commit
    }

    pub(crate) fn opening(&self, minor: i64) -> Commit {
        let operation = OperationId::new(self.number());
        let entry = ledger::opening(self.project.id, operation, eur(minor), START);
        Commit { changes: ChangeSet { entries: vec![entry], ..ChangeSet::default() }, ..Commit::default() }
    }

    pub(crate) async fn balance(&self, account: AccountKey) -> Balance {
        let all = self.store.balances(None).await.unwrap();
        all.into_iter().find(|it| it.account == account).unwrap_or(Balance { account, posted: 0, held: 0 })
    }

    /// Everything agrees.
    pub(crate) async fn assert_sound(&self) {
        let report = self.store.audit().await.unwrap();
        assert_eq!(report.findings, [], "{report:?}");
    }

    /// Nothing of this commit is stored: no request, payment, operation, attempt, task, callback, hold.
    pub(crate) async fn assert_absent(&self, commit: &Commit) {
        let changes = &commit.changes;
        if let Some(request) = &changes.request {
            assert!(self.store.request(request.project, request.id).await.unwrap().is_none());
            if let Some(digest) = request.fingerprint {
                let holder = self.store.resent(request.project, digest, START).await.unwrap();
                assert_ne!(holder, Some(request.id));
            }
        }
        if let Some(PaymentWrite::Insert(payment)) = &changes.payment {
            assert!(self.store.payment(payment.project, payment.key).await.unwrap().is_none());
        }
        if let Some(PaymentWrite::Update { payment, expected }) = &changes.payment {
            let stored = self.payment(payment.key).await;
            assert!(stored != **payment, "stored although expected {expected} was lost");
        }
        for name in &changes.names {
            let holder = self.store.payment_named(name.project, &name.folded).await.unwrap();
            assert_ne!(holder.map(|it| it.key), Some(name.payment));
        }
        for attempt in &changes.attempts {
            if let Write::Insert(attempt) = attempt {
                assert!(self.store.scene(attempt.id).await.unwrap().is_none());
            }
        }
        let due = self.all_tasks().await;
        for task in &changes.tasks {
            assert!(!due.iter().any(|it| it.key == task.key), "{task:?}");
        }
        for callback in &commit.callbacks {
            assert!(self.store.delivery(callback.id, 0).await.unwrap().is_none());
        }
        if let Some((operation, _)) = &commit.cvv {
            assert!(self.store.cvv(*operation).await.unwrap().is_none());
        }
        if let Some((project, key, _)) = &commit.card {
            assert!(self.store.card(*project, *key).await.unwrap().is_none());
        }
    }

    pub(crate) async fn all_tasks(&self) -> Vec<Task> {
        let end = Timestamp::from_micros(i64::MAX);
        let mut tasks = self.store.due(Buckets::ALL, None, end, 100_000).await.unwrap();
        tasks.extend(self.store.due(Buckets::ALL, Some(self.project.id), end, 100_000).await.unwrap());
        tasks
    }
}

/// The first try to deliver a callback succeeds.
pub(crate) fn delivered(callback: CallbackId) -> Commit {
    let write = DeliveryWrite {
        callback,
        address: 0,
        attempts_before: 0,
        attempts: 1,
        state: DeliveryState::Delivered,
        status: 200,
        at: START,
        task: TaskKey::Deliver(callback, 0),
        again: None,
    };
    Commit { deliveries: vec![write], ..Commit::default() }
}

/// The hold a commit places.
pub(crate) fn hold(commit: &mut Commit) -> &mut Hold {
    &mut commit.changes.holds[0]
}

/// The operation a commit creates or changes.
pub(crate) fn operation(commit: &mut Commit) -> &mut Operation {
    match &mut commit.changes.operations[0] {
        Write::Insert(it) | Write::Update(it) => it,
    }
}

/// The attempt a commit creates or changes.
pub(crate) fn attempt(commit: &mut Commit) -> &mut Attempt {
    match &mut commit.changes.attempts[0] {
        Write::Insert(it) | Write::Update(it) => it,
    }
}

/// The payment a commit creates or changes.
pub(crate) fn payment(commit: &mut Commit) -> &mut Payment {
    match commit.changes.payment.as_mut().unwrap() {
        PaymentWrite::Insert(it) | PaymentWrite::Update { payment: it, .. } => it,
    }
}
