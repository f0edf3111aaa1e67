//! The store alone under the load of card sales, as a measure of what the whole platform could reach.
//!
//! Each sale is three commits, as in the platform: accepted, answered by the provider, callback delivered.
//! Decisions are the real ones and what they carry is as long as in the sales of `ferropay bench`, so that the
//! same rows come of it; nothing is sent anywhere. The rates are a machine's upper bound, and a figure of the
//! full platform says little without the one of this replay from the same run.
//!
//! The same fills a database with sales that were finished earlier, so that a platform can be measured on it.

use crate::{Commit, CommitError, DeliveryState, DeliveryWrite, Fence, NewCallback, Store, vault::Sealed};
use ferropay_domain::{
    callback::Subject,
    card::{CardSummary, Country, Expiry, Funding, Network},
    change::{Buckets, Task, TaskKey, bucket_of},
    decide::{self, CallbackOptions, CardCommand, CardFacts, Ids, Now, Outcome, RequestHead, ThreeDsRequest},
    ids::{CallbackId, CardKey, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId, RequestId},
    money::{Currency, Money},
    payment::{CardRequest, Customer, OperationKind, ProviderAnswer},
    project::{Environment, Project, Settings},
    time::Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;

/// For how long the buckets are held; longer than any replay takes, so that they are not renewed.
const TERM: Duration = Duration::from_hours(24);

/// When numbers of operations begin: 2025, microseconds since 1970.
const FIRST_MOMENT: i64 = 1_735_689_600_000_000;

/// What to replay.
#[derive(Clone, Debug)]
pub struct Load {
    /// How many sales.
    pub sales: u32,
    /// How many of them at the same time.
    pub in_flight: u32,
    /// Bytes of a callback's body.
    pub body_bytes: usize,
    /// The project whose sales these are.
    pub project: ProjectId,
    /// How many customers there are, each with a card of their own.
    pub customers: u32,
    /// The moment of the first sale; identifiers are drawn from it on, so that a later run on the same
    /// database needs a later start.
    pub start: Timestamp,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            sales: 20_000,
            in_flight: 256,
            body_bytes: 960,
            project: ProjectId::new(4_294_967_295),
            customers: 1,
            start: Timestamp::from_seconds(1_780_000_000),
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes {
    /// Sales that went all the way.
    pub finished: u32,
    /// How long all of them took.
    pub elapsed: Duration,
    /// Batches made durable meanwhile.
    pub batches: u64,
    /// Statements run meanwhile.
    pub statements: u64,
}

impl Outcomes {
    /// Sales finished per second, rounded down.
    pub fn per_second(&self) -> u64 {
        let micros = u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        u64::from(self.finished).saturating_mul(1_000_000) / micros
    }
}

struct Run<S: ?Sized> {
    store: Arc<S>,
    project: Project,
    load: Load,
    epochs: Vec<i64>,
    next: AtomicI64,
}

/// Replays `load` on `store`, on the runtime it is awaited on, as a node that holds every bucket meanwhile. Errors:
/// the first commit that was not applied, as it is when another node serves the database.
pub async fn run<S: Store + ?Sized>(store: Arc<S>, load: Load) -> Result<Outcomes, CommitError> {
    let node = store.join(TERM).await?;
    let tenure = store.renew(node.id, TERM, Buckets::NONE).await?;
    if tenure.epochs.contains(&0) {
        store.leave(node.id).await?;
        return Err(CommitError::Defect("another node holds a part of this database".into()));
    }
    let outcomes = replay(&store, load, tenure.epochs.to_vec()).await;
    store.leave(node.id).await?;
    outcomes
}

async fn replay<S: Store + ?Sized>(
    store: &Arc<S>,
    load: Load,
    epochs: Vec<i64>,
) -> Result<Outcomes, CommitError> {
    // Nobody opens what is sealed with it.
    if store.data_keys().await?.is_empty() {
        store.add_data_key(1, vec![0; 60], load.start).await?;
    }
    let before = store.effort();
    let run = Arc::new(Run {
        store: Arc::clone(store),
        project: Project {
            id: load.project,
            environment: Environment::Test,
            active: true,
            settings: Settings::default(),
            card_account: ProviderAccountId::new(1),
        },
        epochs,
        next: AtomicI64::new(0),
        load: load.clone(),
    });
    let started = Instant::now();
    let workers: Vec<_> = (0..load.in_flight)
        .map(|_| {
            let run = Arc::clone(&run);
            tokio::spawn(async move { run.work().await })
        })
        .collect();
    let mut finished = 0;
    for worker in workers {
        let done = worker.await.map_err(|error| CommitError::Defect(error.to_string()))?;
        finished += done?;
    }
    let after = store.effort();
    Ok(Outcomes {
        finished,
        elapsed: started.elapsed(),
        batches: after.batches.saturating_sub(before.batches),
        statements: after.statements.saturating_sub(before.statements),
    })
}

impl<S: Store + ?Sized> Run<S> {
    async fn work(&self) -> Result<u32, CommitError> {
        let mut finished = 0;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= i64::from(self.load.sales) {
                return Ok(finished);
            }
            self.sale(number).await?;
            finished += 1;
        }
    }

    async fn sale(&self, number: i64) -> Result<(), CommitError> {
        let micros = self.load.start.micros().saturating_add(number.saturating_mul(250));
        let at = Timestamp::from_micros(micros);
        let now = Now { business: at, real: at };
        // Operations and callbacks count up, as the platform's do, but more slowly: those that a platform draws later on the
        // same database are greater.
        let serial = micros.saturating_sub(FIRST_MOMENT).saturating_mul(8);
        let ids = Ids {
            payment: PaymentKey::new(uuid(micros, 1)),
            operation: OperationId::new(serial),
            callback: CallbackId::new(serial),
        };
        let refuse = |error: ferropay_domain::change::MachineBreak| CommitError::Defect(error.to_string());

        let command = command(number, micros, self.load.customers)?;
        // A test project's decisions hold by its clock.
        let clock = Some((self.project.id, 0));
        let accepted =
            decide::card(&self.project, command, CardFacts::default(), ids, now).map_err(refuse)?;
        let (Some(head), Some(operation), Some(attempt)) =
            (accepted.payment.as_ref(), accepted.operations.first(), accepted.attempts.first())
        else {
            return Err(CommitError::Defect("the sale was not accepted".into()));
        };
        let (payment, operation, attempt) =
            (head.payment().clone(), operation.record().clone(), attempt.record().clone());
        // As large as what the vault makes of a card number and a verification value.
        let card = payment.detail.card.as_ref();
        let card = card.map(|it| (self.project.id, it.key, Sealed { key: 1, bytes: vec![1; 44] }));
        let cvv = Some((operation.id, Sealed { key: 1, bytes: vec![1; 31] }));
        self.store.commit(Commit { changes: accepted, card, cvv, clock, ..Commit::default() }).await?;

        let answer = ProviderAnswer {
            result_code: "00".into(),
            payment_id: format!("{:012X}", serial & 0xffff_ffff_ffff),
            auth_code: "A1B2C3".into(),
            scheme_id: "400000079897973".into(),
            at,
            ..ProviderAnswer::default()
        };
        let outcome = Outcome::Approved { amount: operation.amount, answer };
        let mut changes =
            decide::attempt_outcome(&self.project, (&payment, &operation, &attempt), outcome, ids, now)
                .map_err(refuse)?;
        let bucket = bucket_of(payment.key);
        let task = Task {
            key: TaskKey::Deliver(ids.callback, 0),
            bucket,
            clock: Some(self.project.id),
            due: at,
            tries: 0,
        };
        let callbacks = changes
            .events
            .drain(..)
            .map(|event| NewCallback {
                id: event.id,
                project: event.project,
                subject: Subject::Payment(payment.key),
                number: event.number,
                body: "x".repeat(self.load.body_bytes),
                addresses: event.addresses,
                created_at: at,
                due: at,
                tasks: vec![task.clone()],
            })
            .collect();
        let fence = self.epochs.get(usize::from(bucket)).map(|epoch| Fence { bucket, epoch: *epoch });
        self.store.commit(Commit { changes, callbacks, fence, clock, ..Commit::default() }).await?;

        let delivered = DeliveryWrite {
            callback: ids.callback,
            address: 0,
            attempts_before: 0,
            attempts: 1,
            state: DeliveryState::Delivered,
            status: 200,
            at,
            task: task.key,
            again: None,
        };
        self.store.commit(Commit { deliveries: vec![delivered], fence, ..Commit::default() }).await
    }
}

/// An identifier that grows with time, with `salt` telling kinds apart and random-looking low bits.
fn uuid(micros: i64, salt: u64) -> Uuid {
    let mixed = (micros.unsigned_abs() ^ (salt << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let millis = u128::from(micros.unsigned_abs() / 1000) & 0xffff_ffff_ffff;
    let within = u128::from(micros.unsigned_abs() % 1000);
    Uuid::from_u128((millis << 80) | (7 << 76) | (within << 64) | u128::from(mixed >> 2) | (2 << 62))
}

fn command(number: i64, micros: i64, customers: u32) -> Result<CardCommand, CommitError> {
    let name = format!("replay-{micros:x}");
    let customer = number.rem_euclid(i64::from(customers.max(1)));
    let defect = |text: &str| CommitError::Defect(text.to_owned());
    let mut fingerprint = [0_u8; 16];
    fingerprint.copy_from_slice(uuid(micros.wrapping_mul(7_919), 2).as_bytes());
    fingerprint.reverse();
    Ok(CardCommand {
        kind: OperationKind::Sale,
        head: RequestHead { id: RequestId::new(uuid(micros, 3)), path: "payment/card/sale", fingerprint },
        payment_id: PaymentId::parse(&name).map_err(|_| defect("no payment identifier"))?,
        amount: Money::new(
            1_000 + number.rem_euclid(100_000),
            Currency::parse("EUR").map_err(|_| defect("no currency"))?,
        ),
        card: CardSummary {
            key: CardKey::new(uuid(customer, 4)),
            masked: "400000******0077".into(),
            network: Network::Visa,
            holder: Some("JUDY DOE".into()),
            expiry: Some(Expiry { year: 2035, month: 12 }),
            country: Country::parse("US").ok(),
            funding: Some(Funding::Debit),
            issue: None,
        },
        has_cvv: true,
        request: CardRequest::default(),
        three_ds: ThreeDsRequest::default(),
        registration: None,
        given: BTreeMap::new(),
        customer: Customer {
            id: Some(format!("customer-{customer}")),
            ip_address: Some("203.0.113.7".into()),
            email: Some("judy.doe@example.com".into()),
            phone: Some("442079460000".into()),
            ..Customer::default()
        },
        description: "Two coffees".into(),
        merchant_data: None,
        booking: None,
        has_booking_dates: false,
        callback: CallbackOptions {
            url: Some("http://127.0.0.1:40000/callback".into()),
            ..CallbackOptions::default()
        },
        fault_plan: None,
    })
}
