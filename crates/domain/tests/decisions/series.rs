//! Series: every row of their debits is taken, and whatever happens in whatever order, a moment of a schedule is debited
//! once, one debit is open at most, and the payment's status and sum follow from its debits.

use crate::fixtures::{
    GIVEN_UP, NOT_SENT, answer, approved, card_of, declined, eur, head, members, moment, project,
};
use ferropay_domain::{
    callback::{Content, Event},
    card::Network,
    change::{ChangeSet, PaymentWrite, TaskKey, Write},
    codes::{self, Code},
    decide::{
        self, CallbackOptions, CardCommand, CardFacts, DebitCommand, DebitFacts, Facts, FollowUp, Ids,
        Managed, Now, Outcome, SeriesCommand, SeriesOrder,
    },
    ids::{AttemptId, CallbackId, OperationId, PaymentId, PaymentKey, SeriesId},
    payment::{
        Attempt, CardRequest, Customer, Operation, OperationKind, OperationStatus, Payment, PaymentKind,
        PaymentStatus,
        machine::{Event as Step, OPERATIONS, PaymentMachine},
    },
    project::{MissedDebits, Project, Settings},
    series::{
        ExpiryParts, Interval, Period, Plan, Registration, Scheduled, Series, SeriesKind, SeriesStatus,
    },
    time::Timestamp,
};
use jiff::civil::{date, time};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const DAY: Duration = Duration::from_hours(24);

/// A merchant with one series, and a store in memory that audits every step.
struct Book {
    project: Project,
    now: Now,
    series: Option<Series>,
    payments: BTreeMap<PaymentKey, Payment>,
    operations: BTreeMap<OperationId, Operation>,
    attempts: BTreeMap<AttemptId, Attempt>,
    timer: Option<Timestamp>,
    events: Vec<Event>,
    names: BTreeSet<String>,
    slots: BTreeSet<Timestamp>,
    taken: BTreeSet<(&'static str, &'static str, &'static str)>,
    drawn: i64,
}

impl Book {
    fn new(settings: Settings) -> Self {
        let start = moment("2026-11-21T12:00:00Z");
        Self {
            project: project(settings),
            now: Now { business: start, real: start },
            series: None,
            payments: BTreeMap::new(),
            operations: BTreeMap::new(),
            attempts: BTreeMap::new(),
            timer: None,
            events: Vec::new(),
            names: BTreeSet::new(),
            slots: BTreeSet::new(),
            taken: BTreeSet::new(),
            drawn: 100,
        }
    }

    /// One whose series was registered by a sale.
    fn registered(settings: Settings, asked: Registration) -> Self {
        let mut book = Self::new(settings);
        book.sell(asked);
        book.answer(approved(eur(1000)));
        assert_eq!(book.series().status, SeriesStatus::Active);
        book
    }

    fn draw(&mut self) -> Ids {
        self.drawn += 1;
        Ids {
            payment: PaymentKey::new(uuid::Uuid::from_u128(u128::try_from(self.drawn).unwrap())),
            operation: OperationId::new(self.drawn),
            callback: CallbackId::new(self.drawn),
        }
    }

    fn series(&self) -> &Series {
        self.series.as_ref().unwrap()
    }

    fn advance(&mut self, span: Duration) {
        self.now = Now { business: self.now.business.plus(span), real: self.now.real.plus(span) };
    }

    fn sell(&mut self, asked: Registration) {
        let ids = self.draw();
        let command = CardCommand {
            registration: Some(Box::new(asked)),
            ..card_of(OperationKind::Sale, eur(1000), Network::Visa)
        };
        let changes = decide::card(&self.project, command, CardFacts::default(), ids, self.now).unwrap();
        self.apply(changes);
    }

    fn debit(&mut self, name: &str) -> Option<Code> {
        let ids = self.draw();
        let command = DebitCommand {
            head: head(u128::from(ids.operation.get().unsigned_abs()), "payment/card/recurring"),
            payment_id: PaymentId::parse(name).unwrap(),
            series: SeriesId::new(1),
            amount: eur(400),
            customer: Customer { id: Some("customer-1".to_owned()), ..Customer::default() },
            description: String::new(),
            merchant_data: None,
            booking: None,
            request: CardRequest::default(),
            given: BTreeMap::new(),
            callback: CallbackOptions::default(),
            fault_plan: None,
        };
        let (series, facts) = (self.series.as_ref(), DebitFacts::default());
        let changes = decide::debit(&self.project, command, series, &facts, ids, self.now).unwrap();
        let refused = changes.request.as_ref().unwrap().problems.first().map(|problem| problem.code);
        self.apply(changes);
        refused
    }

    fn manage(&mut self, order: SeriesOrder) -> Option<Code> {
        let ids = self.draw();
        let command = SeriesCommand {
            head: head(u128::from(ids.operation.get().unsigned_abs()), "payment/card/recurring/update"),
            payment_id: PaymentId::parse("manage").unwrap(),
            series: SeriesId::new(1),
            order,
            callback: CallbackOptions::default(),
        };
        let facts = (self.series.as_ref(), self.scheduled());
        let changes = decide::manage_series(&self.project, command, facts, false, ids, self.now).unwrap();
        let refused = changes.request.as_ref().unwrap().problems.first().map(|problem| problem.code);
        self.apply(changes);
        refused
    }

    /// The payment of the schedule's debits.
    fn scheduled(&self) -> Option<&Payment> {
        self.payments.get(&self.series.as_ref()?.payment?)
    }

    /// The timer rings, if its time has come; answers whether it did.
    fn ring(&mut self) -> bool {
        if self.timer.is_none_or(|due| due > self.now.business) {
            return false;
        }
        let ids = self.draw();
        let (facts, known) = ((self.series(), self.scheduled()), DebitFacts::default());
        let changes = decide::series_due(&self.project, facts, &known, ids, self.now).unwrap();
        if let Some(changes) = changes {
            self.apply(changes);
        }
        true
    }

    fn open(&self) -> Option<&Operation> {
        self.operations.values().find(|it| !it.status.is_final())
    }

    fn last(&self) -> &Operation {
        self.operations.values().next_back().unwrap()
    }

    fn facts(&self, operation: &Operation) -> (Payment, Operation, Option<Attempt>, Option<Series>) {
        let attempt = self.attempts.values().rfind(|it| it.id.operation == operation.id);
        let series = self.series.clone().filter(|_| operation.kind == OperationKind::Recurring);
        (self.payments[&operation.payment].clone(), operation.clone(), attempt.cloned(), series)
    }

    /// The provider answers about the open operation.
    fn answer(&mut self, outcome: Outcome) {
        let ids = self.draw();
        let Some(open) = self.open() else { return };
        let (payment, operation, attempt, series) = self.facts(open);
        let Some(attempt) = attempt else { return };
        let facts = Facts {
            payment: &payment,
            operation: &operation,
            attempt: Some(&attempt),
            series: series.as_ref(),
        };
        let changes = decide::attempt_outcome(&self.project, facts, outcome, ids, self.now).unwrap();
        self.apply(changes);
    }

    fn follow(&mut self, values: &[(&str, &str)]) {
        let ids = self.draw();
        let (payment, operation, attempt, series) = self.facts(self.open().unwrap());
        let facts = Facts {
            payment: &payment,
            operation: &operation,
            attempt: attempt.as_ref(),
            series: series.as_ref(),
        };
        let values = FollowUp::Clarification { values: members(values) };
        let taken =
            decide::follow_up(&self.project, facts, values, &CardFacts::default(), None, ids, self.now)
                .unwrap();
        self.apply(taken.unwrap());
    }

    fn wait_ended(&mut self) {
        let ids = self.draw();
        let (payment, operation, attempt, series) = self.facts(self.open().unwrap());
        let facts = Facts {
            payment: &payment,
            operation: &operation,
            attempt: attempt.as_ref(),
            series: series.as_ref(),
        };
        let changes = decide::wait_ended(&self.project, facts, ids, self.now).unwrap().unwrap();
        self.apply(changes);
    }

    fn threshold(&mut self) {
        let ids = self.draw();
        let (payment, operation, attempt, series) = self.facts(self.open().unwrap());
        let facts = Facts {
            payment: &payment,
            operation: &operation,
            attempt: attempt.as_ref(),
            series: series.as_ref(),
        };
        let changes = decide::threshold_passed(&self.project, facts, ids, self.now).unwrap().unwrap();
        self.apply(changes);
    }

    /// Applies a change set as a store would, and audits the result.
    fn apply(&mut self, changes: ChangeSet) {
        for name in &changes.names {
            assert!(self.names.insert(name.folded.clone()), "{name:?} is taken");
        }
        for name in &changes.released {
            assert!(self.names.remove(&name.folded), "{name:?} was not taken");
        }
        match changes.payment {
            Some(PaymentWrite::Insert(new)) => assert!(self.payments.insert(new.key, *new).is_none()),
            Some(PaymentWrite::Update { payment, expected }) => {
                let known = self.payments.insert(payment.key, (*payment).clone()).unwrap();
                assert_eq!((known.version, payment.version), (expected, expected + 1));
                if known.kind == PaymentKind::Recurring {
                    let automatic = self.series().payment == Some(payment.key);
                    let machine =
                        if automatic { PaymentMachine::Automatic } else { PaymentMachine::OnDemand };
                    assert!(
                        machine.may_become(known.status, payment.status),
                        "{} {}",
                        known.status,
                        payment.status
                    );
                }
            }
            None => {}
        }
        for write in &changes.operations {
            let known = self.operations.insert(write.record().id, write.record().clone());
            assert_eq!(known.is_none(), matches!(write, Write::Insert(_)));
        }
        for write in &changes.attempts {
            self.attempts.insert(write.record().id, write.record().clone());
        }
        for step in &changes.walked {
            let kind = self.operations[&step.operation].kind;
            assert!(step.row.kinds.contains(&kind) && OPERATIONS.contains(step.row));
            let from = step.row.from.map_or("", OperationStatus::text);
            self.taken.insert((kind.text(), from, step.row.event.name()));
        }
        if let Some(write) = changes.series {
            assert_eq!(self.series.as_ref().map(|series| series.version), write.expected);
            if let Some((at, operation)) = write.slot {
                assert!(self.slots.insert(at), "{at:?} is debited twice");
                assert_eq!(self.operations[&operation].kind, OperationKind::Recurring);
            }
            self.series = Some(*write.series);
        }
        for key in &changes.done {
            if matches!(key, TaskKey::Series(_)) {
                self.timer = None;
            }
        }
        for task in changes.tasks.iter().filter(|task| matches!(task.key, TaskKey::Series(_))) {
            assert_eq!(task.clock, Some(self.project.id), "schedules run by the project's clock");
            self.timer = Some(task.due);
        }
        self.events.extend(changes.events);
        self.audit();
    }

    fn audit(&self) {
        let Some(series) = &self.series else { return };
        assert_eq!(series.due, self.timer);
        let open: Vec<_> = self
            .operations
            .values()
            .filter(|it| it.kind == OperationKind::Recurring && !it.status.is_final())
            .map(|it| it.id)
            .collect();
        assert!(open.len() <= 1, "one open debit at most");
        assert_eq!(series.open, open.first().copied());
        if series.status != SeriesStatus::Active {
            assert!(series.detail.next.is_none() && !series.goes_on());
        }
        for payment in self.payments.values().filter(|it| it.kind == PaymentKind::Recurring) {
            let debits = || self.operations.values().filter(|it| it.payment == payment.key);
            let done = debits().filter(|it| it.status == OperationStatus::Success);
            let debited: i64 = done.map(|it| it.amount.minor).sum();
            assert_eq!(payment.debited, debited);
            let expected = match debits().find(|it| !it.status.is_final()) {
                Some(open) if open.status == OperationStatus::AwaitingClarification => {
                    PaymentStatus::AwaitingClarification
                }
                Some(_) => PaymentStatus::Processing,
                None if series.payment == Some(payment.key) && series.goes_on() => {
                    PaymentStatus::ScheduledRecurringProcessing
                }
                // Its timer is about to give it its final status.
                None if series.payment == Some(payment.key)
                    && series.status != SeriesStatus::Active
                    && series.due.is_some() =>
                {
                    PaymentStatus::ScheduledRecurringProcessing
                }
                None if debited > 0 => PaymentStatus::Success,
                None => PaymentStatus::Decline,
            };
            assert_eq!(payment.status, expected, "M-026 to M-032");
        }
    }
}

fn plan(period: Period) -> Plan {
    Plan { period, interval: Interval::ONE, time: Some(time(10, 0, 0, 0)), start: Some(date(2026, 11, 30)) }
}

fn on_demand(kind: SeriesKind) -> Registration {
    Registration { kind, amount: None, plan: None, expiry: ExpiryParts::default(), scheduled: None }
}

fn automatic(period: Period) -> Registration {
    let scheduled =
        Scheduled { id: PaymentId::parse("Rent").unwrap(), key: PaymentKey::new(uuid::Uuid::from_u128(7)) };
    Registration {
        kind: SeriesKind::Regular,
        amount: Some(100),
        plan: Some(plan(period)),
        expiry: ExpiryParts { day: None, month: Some(6), year: Some(2027) },
        scheduled: Some(scheduled),
    }
}

fn retrying() -> Settings {
    Settings { debit_retries_allowed: true, ..Settings::default() }
}

// G-374, G-381, T-087 to T-092
#[test]
fn decisions_take_every_row_of_a_debit_and_none_beside() {
    let mut taken = BTreeSet::new();
    let mut book = Book::registered(Settings::default(), on_demand(SeriesKind::Auto));
    assert_eq!(book.debit("a"), None);
    book.answer(approved(eur(400)));
    assert_eq!(book.debit("b"), None);
    book.answer(declined(codes::CARD_GENERAL_DECLINE));
    assert_eq!(book.debit("c"), None);
    assert_eq!(book.debit("d"), Some(codes::WRONG_STATE), "one at a time");
    book.answer(GIVEN_UP);
    book.advance(2 * DAY);
    book.threshold();
    assert_eq!(book.last().code, codes::AUTO_DECLINE);
    let missing = vec!["customer.email".to_owned()];
    book.project.settings.required_data = [("recurring".to_owned(), missing)].into();
    assert_eq!(book.debit("e"), None);
    book.follow(&[]);
    book.follow(&[("customer.email", "a@shop.example")]);
    book.answer(approved(eur(400)));
    assert_eq!(book.debit("f"), None);
    book.advance(DAY);
    book.wait_ended();
    assert_eq!(book.last().code, codes::AUTO_DECLINE);
    taken.append(&mut book.taken);
    let mut book = Book::registered(retrying(), automatic(Period::Month));
    book.advance(10 * DAY);
    assert!(book.ring());
    book.answer(declined(codes::CARD_GENERAL_DECLINE));
    taken.append(&mut book.taken);
    let own = |row: &&(&str, &str, &str)| row.0 == OperationKind::Recurring.text();
    let table: BTreeSet<_> = OPERATIONS
        .iter()
        .filter(|row| row.kinds.contains(&OperationKind::Recurring))
        .map(|row| ("recurring", row.from.map_or("", OperationStatus::text), row.event.name()))
        .collect();
    assert_eq!(taken.iter().filter(own).copied().collect::<BTreeSet<_>>(), table);
    assert_eq!(Step::ALL.iter().filter(|event| **event == Step::DebitRetryPlanned).count(), 1);
}

// P-161 to P-175
#[test]
fn payments_of_debits_follow_the_documented_order_of_statuses() {
    let scheduled = "scheduled recurring processing";
    let on_demand: BTreeSet<(&str, &str)> = [
        ("processing", "awaiting clarification"),
        ("processing", "success"),
        ("processing", "decline"),
        ("awaiting clarification", "processing"),
        ("awaiting clarification", "decline"),
        ("success", "partially reversed"),
        ("success", "reversed"),
        ("success", "partially refunded"),
        ("success", "refunded"),
        ("partially reversed", "reversed"),
        ("partially reversed", "partially refunded"),
        ("partially reversed", "refunded"),
        ("partially refunded", "refunded"),
        ("partially refunded", "success"),
        ("refunded", "partially refunded"),
        ("refunded", "success"),
    ]
    .into();
    let mut by_schedule: BTreeSet<(&str, &str)> = [
        ("processing", "awaiting clarification"),
        ("awaiting clarification", "processing"),
        (scheduled, "processing"),
        ("processing", scheduled),
        ("awaiting clarification", scheduled),
        ("success", "partially refunded"),
        ("success", "refunded"),
        ("partially refunded", "refunded"),
        ("partially refunded", "success"),
        ("refunded", "partially refunded"),
        ("refunded", "success"),
    ]
    .into();
    for from in ["processing", "awaiting clarification", scheduled] {
        by_schedule.extend(["success", "decline", "partially refunded", "refunded"].map(|to| (from, to)));
    }
    for (machine, documented) in
        [(PaymentMachine::OnDemand, on_demand), (PaymentMachine::Automatic, by_schedule)]
    {
        for from in PaymentStatus::ALL {
            for to in PaymentStatus::ALL {
                let expected = from == to || documented.contains(&(from.text(), to.text()));
                assert_eq!(machine.may_become(*from, *to), expected, "{machine:?}: {from} to {to}");
            }
        }
    }
}

// G-355, G-359, G-060
#[test]
fn a_payment_that_fails_registers_nothing_and_gives_the_name_back() {
    let mut book = Book::new(Settings::default());
    book.sell(automatic(Period::Month));
    assert!(book.names.contains("rent"));
    book.answer(NOT_SENT);
    assert!(book.series.is_none() && !book.names.contains("rent"));
}

// G-106: what the network said of the registration is kept for the debits
#[test]
fn a_series_keeps_the_networks_identifier_of_its_registration() {
    let mut book = Book::new(Settings::default());
    book.sell(on_demand(SeriesKind::OneClick));
    let mut approval = answer("00");
    approval.scheme_id = "MCS38A0790706".to_owned();
    book.answer(Outcome::Approved { amount: eur(1000), answer: approval });
    assert_eq!(book.series().detail.scheme_id, "MCS38A0790706");
    assert_eq!(book.series().id.registration(), book.operations.values().next().unwrap().id);
    assert!(matches!(&book.events[0].content, Content::Operation { series: Some(_), .. }));
}

// G-366, G-376: a schedule is debited only with the network's identifier where the project demands one
#[test]
fn a_series_without_the_networks_identifier_is_not_debited_where_one_is_demanded() {
    for (identifier, expected) in [("", Some(codes::TRACE_ID_MISSING)), ("MCS38A0790706", None)] {
        let mut book = Book::new(Settings { trace_id_required: true, ..Settings::default() });
        book.sell(automatic(Period::Day));
        let mut approval = answer("00");
        approval.scheme_id = identifier.to_owned();
        book.answer(Outcome::Approved { amount: eur(1000), answer: approval });
        book.advance(9 * DAY);
        assert!(book.ring());
        let debit = book.operations.values().find(|it| it.kind == OperationKind::Recurring).unwrap();
        assert_eq!(debit.status.is_final().then_some(debit.code), expected);
    }
}

// G-383, D-54: the moments are told in the project's zone
#[test]
fn a_schedule_runs_by_the_clock_on_the_merchants_wall() {
    let settings = Settings { series_utc_offset_minutes: 330, ..Settings::default() };
    let book = Book::registered(settings, automatic(Period::Month));
    assert_eq!(book.timer, Some(moment("2026-11-30T04:30:00Z")));
}

// G-300: what is due while another operation of the payment is open waits for it
#[test]
fn what_is_due_waits_while_a_debit_is_open() {
    let mut book = Book::registered(Settings::default(), automatic(Period::Day));
    book.advance(9 * DAY);
    assert!(book.ring());
    let open = book.open().unwrap().id;
    book.advance(DAY);
    assert!(book.ring());
    assert_eq!(book.open().unwrap().id, open);
    assert_eq!(book.timer, Some(book.now.business.plus(Duration::from_mins(5))));
    book.answer(approved(eur(100)));
    assert!(book.timer.unwrap() <= book.now.business, "it is due at once");
    assert!(book.ring());
    assert_ne!(book.open().unwrap().id, open);
}

// M-030, M-032, P-172, P-173: a series may be read before it is cancelled, and its payment after
#[test]
fn nothing_is_debited_once_the_payment_of_the_schedule_has_its_final_status() {
    let outcomes = [
        (approved(eur(100)), PaymentStatus::Success),
        (declined(codes::CARD_GENERAL_DECLINE), PaymentStatus::Decline),
    ];
    for (outcome, settled) in outcomes {
        // The second moment of the schedule is due, or another try of the declined debit.
        for tries in [false, true] {
            let settings = if tries { retrying() } else { Settings::default() };
            let mut book = Book::registered(settings, automatic(Period::Month));
            book.advance(9 * DAY);
            assert!(book.ring());
            book.answer(outcome.clone());
            book.advance(40 * DAY);
            let stale = book.series().clone();
            let tried_again = stale.detail.retry.is_some_and(|retry| retry.next.is_some());
            assert_eq!(tried_again, tries && settled == PaymentStatus::Decline);
            assert_eq!(book.manage(SeriesOrder::Cancel), None);
            let ids = book.draw();
            let due = |payment: &Payment| {
                let facts = (&stale, Some(payment));
                decide::series_due(&book.project, facts, &DebitFacts::default(), ids, book.now).unwrap()
            };
            let mut payment = book.scheduled().unwrap().clone();
            assert_eq!(payment.status, settled);
            for status in [settled, PaymentStatus::PartiallyRefunded, PaymentStatus::Refunded] {
                payment.status = status;
                assert!(due(&payment).is_none());
            }
            // Had it not been cancelled, a debit would begin.
            payment.status = PaymentStatus::ScheduledRecurringProcessing;
            assert_eq!(due(&payment).unwrap().operations.len(), 1);
        }
    }
}

#[derive(Clone, Debug)]
enum Happening {
    Hours(u64),
    Answer(u8),
    Debit,
    Cancel,
    Update(u8),
    Stop,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1_u64..400).prop_map(Happening::Hours),
        8 => any::<u8>().prop_map(Happening::Answer),
        2 => Just(Happening::Debit),
        1 => Just(Happening::Cancel),
        2 => any::<u8>().prop_map(Happening::Update),
        1 => Just(Happening::Stop),
    ]
}

fn new_terms(choice: u8, now: Timestamp) -> Managed {
    let today = now.civil().unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
    let year = u16::try_from(today.year()).unwrap() + u16::from(choice % 2);
    match choice % 5 {
        0 => Managed { amount: Some(50 + i64::from(choice)), ..Managed::default() },
        1 => Managed { time: Some(time(i8::try_from(choice % 24).unwrap(), 30, 0, 0)), ..Managed::default() },
        2 => Managed { period: Some(Period::Week), start: Some(today), ..Managed::default() },
        3 => Managed { interval: 3.try_into().ok(), ..Managed::default() },
        _ => Managed {
            expiry: ExpiryParts { day: None, month: Some(12), year: Some(year) },
            ..Managed::default()
        },
    }
}

proptest! {
    // G-382, G-383, G-402, M-028 to M-032: [`Book`] audits every step
    #[test]
    fn whatever_happens_a_schedule_keeps_its_books(
        period in prop::sample::select(Period::ALL),
        each in any::<bool>(),
        tries in any::<bool>(),
        happenings in prop::collection::vec(happening(), 1..80),
    ) {
        let missed_debits = if each { MissedDebits::Each } else { MissedDebits::One };
        let settings = Settings { missed_debits, debit_retries_allowed: tries, ..Settings::default() };
        let mut book = Book::registered(settings, automatic(period));
        for (number, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Hours(hours) => {
                    book.advance(Duration::from_hours(hours));
                    for _ in 0..3 {
                        book.ring();
                    }
                }
                Happening::Answer(choice) => {
                    let amount = book.open().map_or(eur(1), |open| open.amount);
                    book.answer(match choice % 8 {
                        0..=3 => approved(amount),
                        4 | 5 => declined(codes::CARD_GENERAL_DECLINE),
                        6 => NOT_SENT,
                        _ => declined(if choice > 200 { codes::CANCELED_AT_ISSUER } else { codes::GENERAL_DECLINE }),
                    });
                    book.ring();
                }
                Happening::Debit => {
                    book.debit(&format!("d-{number}"));
                }
                Happening::Cancel if number > 30 => {
                    book.manage(SeriesOrder::Cancel);
                }
                Happening::Cancel => {}
                Happening::Update(choice) => {
                    let terms = new_terms(choice, book.now.business);
                    book.manage(SeriesOrder::Update(Box::new(terms)));
                }
                Happening::Stop => {
                    let trigger = book.series().detail.retry.map_or(OperationId::new(1), |it| it.trigger);
                    let facts = (book.series.as_ref(), book.scheduled());
                    let stopped = decide::stop_retries(&book.project, facts.0, facts.1, trigger, book.now);
                    if let Ok(changes) = stopped {
                        book.apply(changes);
                    }
                }
            }
        }
    }
}
