//! One merchant, one payment, and a store in memory that applies change sets and audits every step.

mod audit;

use crate::fixtures::{answer, card_of, eur, moment, payout_of, project, refund_of, sale_of, second_of};
use ferropay_domain::{
    callback::{Event, Problem},
    card::Network,
    change::{ChangeSet, Hold, MachineBreak, PaymentWrite, Settlement, Task, TaskKey, Write},
    codes::Code,
    decide::{
        self, AuthenticationOutcome, CardCommand, CardFacts, Completion, FollowUp, Ids, Lateness,
        LinkCommand, LinkPayment, MethodCommand, NotWaiting, Noticed, Now, Outcome, PayLink, PayoutCommand,
        PayoutFacts, RangeFacts, RefundCommand, RefundFacts, RegistrationCommand, SecondStepCommand,
        SecondStepFacts, WalletFacts,
    },
    ids::{AttemptId, CallbackId, OperationId, PaymentKey},
    ledger::{self, AccountKey, EntryKind, Owner},
    money::Money,
    payment::{Attempt, AuthenticationResult, Operation, OperationKind, Payment, PaymentStatus},
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
        world.outcome(crate::fixtures::approved(eur(minor))).unwrap();
        world
    }

    /// The same, with cards whose issuer takes part in 3-D Secure, and wants to see the browser first or not.
    pub(crate) fn enrolled(self, device_form: bool) -> Self {
        Self { range: Some(crate::fixtures::range(device_form)), ..self }
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
        world.outcome(crate::fixtures::approved(eur(minor))).unwrap();
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

    pub(crate) fn provider(&self) -> i64 {
        self.balance(Owner::Provider(self.project.card_account))
    }

    pub(crate) fn suspense(&self) -> i64 {
        self.balance(Owner::Suspense(self.project.card_account))
    }

    pub(crate) fn sale(&mut self, minor: i64) -> bool {
        self.card(sale_of(eur(minor), self.network))
    }

    /// Holds, or verifies with zero, `minor` EUR cents.
    pub(crate) fn ask_for(&mut self, kind: OperationKind, minor: i64) -> bool {
        self.card(card_of(kind, eur(minor), self.network))
    }

    /// The same, where project and request allow that less is approved (G-240).
    pub(crate) fn ask_for_a_part(&mut self, kind: OperationKind, minor: i64) -> bool {
        self.project.settings.partial_approval_allowed = true;
        let mut command = card_of(kind, eur(minor), self.network);
        command.request.partial_allowed = true;
        self.card(command)
    }

    /// Answers whether an operation came of it.
    pub(crate) fn card(&mut self, command: CardCommand) -> bool {
        let ids = self.draw();
        let facts =
            CardFacts { range: self.range.clone(), wallet: self.wallet.clone(), ..CardFacts::default() };
        let changes = decide::card(&self.project, command, facts, ids, self.now).unwrap();
        let accepted = changes.payment.is_some();
        self.apply(changes);
        accepted
    }

    /// A second step of `minor` EUR cents, or of the whole hold; answers the code of the operation it made.
    pub(crate) fn second(&mut self, kind: OperationKind, minor: Option<i64>) -> Code {
        self.second_by(second_of(kind, minor.map(eur)))
    }

    pub(crate) fn second_by(&mut self, command: SecondStepCommand) -> Code {
        let ids = self.draw();
        let facts = SecondStepFacts { smallest_rest: self.smallest_rest };
        let changes =
            decide::second_step(&self.project, self.payment(), command, &facts, ids, self.now).unwrap();
        self.apply(changes);
        self.operations.get(&ids.operation).unwrap().code
    }

    /// The open operation, or the latest, with its latest attempt.
    pub(crate) fn situation(&self) -> (&Payment, &Operation, Option<&Attempt>) {
        let open = self.payment().open.and_then(|open| self.operations.get(&open));
        let operation = open.unwrap_or_else(|| self.operation());
        let attempts = self.attempts.values().filter(|it| it.id.operation == operation.id);
        (self.payment(), operation, attempts.max_by_key(|it| it.id.number))
    }

    pub(crate) fn follow(&mut self, follow_up: FollowUp) -> Result<(), NotWaiting> {
        let ids = self.draw();
        let head = crate::fixtures::head(4, "payment/follow_up");
        let facts =
            CardFacts { range: self.range.clone(), wallet: self.wallet.clone(), ..CardFacts::default() };
        let taken =
            decide::follow_up(&self.project, self.situation(), follow_up, &facts, Some(head), ids, self.now);
        self.apply(taken.unwrap()?);
        Ok(())
    }

    pub(crate) fn clarify(&mut self, values: &[(&str, &str)]) -> Result<(), NotWaiting> {
        self.follow(FollowUp::Clarification { values: crate::fixtures::members(values) })
    }

    /// The directory server answers; false when nobody asks any more.
    pub(crate) fn authenticated(&mut self, outcome: AuthenticationOutcome) -> bool {
        let ids = self.draw();
        let (payment, operation, _) = self.situation();
        let changes =
            decide::authenticated(&self.project, (payment, operation), outcome, ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// The issuer's result comes from server to server.
    pub(crate) fn notice(&mut self, result: AuthenticationResult) -> Noticed {
        let ids = self.draw();
        let (payment, operation, _) = self.situation();
        let facts = (payment, operation);
        match decide::result_noticed(&self.project, facts, "ds-1", "acs-1", result, ids, self.now) {
            Noticed::Recorded(changes) => {
                self.apply((*changes).clone());
                Noticed::Recorded(changes)
            }
            other => other,
        }
    }

    /// The timer of the waiting operation is looked at; answers whether it had run out.
    pub(crate) fn wait_ended(&mut self) -> bool {
        let ids = self.draw();
        let changes = decide::wait_ended(&self.project, self.situation(), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// The timer of the hold is looked at.
    pub(crate) fn hold_ended(&mut self) -> bool {
        let ids = self.draw();
        let changes = decide::hold_ended(&self.project, self.payment(), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    pub(crate) fn undo_refund(&mut self, refund: OperationId) -> Result<(), Code> {
        let ids = self.draw();
        let refund = self.operations.get(&refund).unwrap();
        let changes = decide::undo_refund(&self.project, self.payment(), refund, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// Asks for a payout of `minor` EUR cents; answers the code of the operation it made.
    pub(crate) fn payout(&mut self, minor: i64) -> Code {
        self.payout_by(&payout_of(eur(minor), self.network)).expect("an operation")
    }

    /// Asks for a payout, as the engine does it: a lost hold becomes a fact and is decided again. None when no operation
    /// came of it.
    pub(crate) fn payout_by(&mut self, command: &PayoutCommand) -> Option<Code> {
        let ids = self.draw();
        let decide = |facts| decide::payout(&self.project, command.clone(), &facts, ids, self.now).unwrap();
        let mut changes = decide(PayoutFacts::default());
        if self.is_short_for(&changes) {
            changes = decide(PayoutFacts { balance_short: true, ..PayoutFacts::default() });
            assert!(changes.holds.is_empty());
        }
        self.apply(changes);
        self.operations.get(&ids.operation).map(|it| it.code)
    }

    /// Asks for a purchase or a payout by a method; none when no operation came of it.
    pub(crate) fn by_method(&mut self, command: &MethodCommand) -> Option<Code> {
        let ids = self.draw();
        let decide = |short| decide::method(&self.project, command.clone(), short, ids, self.now).unwrap();
        let mut changes = decide(false);
        if self.is_short_for(&changes) {
            changes = decide(true);
        }
        self.apply(changes);
        self.operations.get(&ids.operation).map(|it| it.code)
    }

    /// Makes a payment link; answers what was decided.
    pub(crate) fn create_link(&mut self, command: LinkCommand) -> ChangeSet {
        let ids = self.draw();
        let changes = decide::create_link(&self.project, command, ids, self.now).unwrap();
        self.apply(changes.clone());
        changes
    }

    /// The link's operation.
    fn link(&self) -> (&Payment, &Operation) {
        let link = self.payment().detail.link.as_ref().unwrap().operation;
        (self.payment(), self.operations.get(&link).unwrap())
    }

    pub(crate) fn cancel_link(&mut self) -> Result<(), NotWaiting> {
        let ids = self.draw();
        let head = crate::fixtures::head(9, "payment/invoice/cancel");
        let changes = decide::cancel_link(&self.project, self.link(), Some(head), ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    pub(crate) fn link_mailed(&mut self) {
        let ids = self.draw();
        let changes = decide::link_mailed(&self.project, self.link(), ids, self.now).unwrap();
        self.apply(changes);
    }

    /// The link's timer is looked at; answers whether anything came of it.
    pub(crate) fn link_rings(&mut self) -> bool {
        let ids = self.draw();
        let (payment, operation) = self.link();
        let changes = decide::wait_ended(&self.project, (payment, operation, None), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    /// A customer whose request reached the platform at `reached` pays by the link.
    pub(crate) fn pay_link(&mut self, paid: LinkPayment, reached: Now) -> PayLink {
        let ids = self.draw();
        let facts = CardFacts { range: self.range.clone(), ..CardFacts::default() };
        let moments = (reached, self.now);
        let answer = decide::pay_link(&self.project, self.link(), paid, facts, ids, moments).unwrap();
        if let PayLink::Begun(changes) = &answer {
            self.apply(ChangeSet::clone(changes));
        }
        answer
    }

    /// Registers a payout; answers whether an operation came of it.
    pub(crate) fn register_payout(&mut self, command: RegistrationCommand) -> bool {
        let ids = self.draw();
        let changes = decide::register_payout(&self.project, command, ids, self.now).unwrap();
        let accepted = changes.payment.is_some();
        self.apply(changes);
        accepted
    }

    /// The recipient confirms; the inner error are rules it breaks, none when nobody waits.
    pub(crate) fn complete_payout(&mut self, completion: &Completion) -> Result<Code, Vec<Problem>> {
        let ids = self.draw();
        let (payment, operation, _) = self.situation();
        let pair = (payment, operation);
        let decide = |balance_short| {
            let facts = PayoutFacts { balance_short, ..PayoutFacts::default() };
            decide::complete_payout(&self.project, pair, completion.clone(), &facts, ids, self.now).unwrap()
        };
        let mut changes = decide(false)?;
        if self.is_short_for(&changes) {
            changes = decide(true)?;
        }
        self.apply(changes);
        Ok(self.operation().code)
    }

    fn is_short_for(&self, changes: &ChangeSet) -> bool {
        changes.holds.iter().any(|hold| {
            let held: i64 = self.holds.values().map(|other| other.minor).sum();
            self.balances.get(&hold.account).copied().unwrap_or(0) - held - hold.minor < hold.floor
        })
    }

    /// A payout of `minor` EUR cents that was done.
    pub(crate) fn paid_out(settings: Settings, minor: i64, network: Network) -> Self {
        let mut world = Self { network, ..Self::new(settings, 1_000_000) };
        assert_eq!(world.payout(minor), ferropay_domain::codes::AWAITING);
        world.outcome(crate::fixtures::approved(eur(minor))).unwrap();
        world
    }

    /// The payout did not reach the customer.
    pub(crate) fn reverse_payout(&mut self, payout: OperationId) -> Result<(), Code> {
        let ids = self.draw();
        let payout = self.operations.get(&payout).unwrap();
        let changes =
            decide::reverse_payout(&self.project, self.payment(), payout, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    /// Support cancels the payout.
    pub(crate) fn cancel_payout(&mut self, payout: OperationId) -> Result<(), Code> {
        let ids = self.draw();
        let operation = self.operations.get(&payout).unwrap();
        let attempt = self.attempts.values().rfind(|it| it.id.operation == payout);
        let scene = (self.payment(), operation, attempt);
        let changes = decide::cancel_payout(&self.project, scene, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    fn apply_some(&mut self, changes: Option<ChangeSet>) -> bool {
        let some = changes.is_some();
        if let Some(changes) = changes {
            self.apply(changes);
        }
        some
    }

    /// Asks for a return of `minor` EUR cents, or of everything; answers the code of the operation it made.
    pub(crate) fn refund(&mut self, minor: Option<i64>) -> Code {
        self.refund_by(&refund_of(minor.map(eur)))
    }

    /// Asks for a return, as the engine does it: a lost hold or name becomes a fact and is decided again.
    pub(crate) fn refund_by(&mut self, command: &RefundCommand) -> Code {
        let ids = self.draw();
        let (mut balance_short, mut refund_id_taken) = (false, false);
        loop {
            let facts = RefundFacts {
                of: decide::ReturnOf::Only,
                day: &self.day,
                smallest_rest: self.smallest_rest,
                balance_short,
                refund_id_taken,
            };
            let changes =
                decide::refund(&self.project, self.payment(), command.clone(), &facts, ids, self.now)
                    .unwrap();
            let short = self.is_short_for(&changes);
            let taken = changes
                .names
                .iter()
                .any(|name| self.names.contains(&(name.kind.number(), name.folded.clone())));
            if short && !balance_short {
                balance_short = true;
            } else if taken && !refund_id_taken {
                refund_id_taken = true;
            } else {
                self.apply(changes);
                return self.operations.get(&ids.operation).unwrap().code;
            }
        }
    }

    /// The call of the latest attempt ends.
    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<(), MachineBreak> {
        self.outcome_of(self.attempt().id, outcome)
    }

    pub(crate) fn outcome_of(&mut self, id: AttemptId, outcome: Outcome) -> Result<(), MachineBreak> {
        let ids = self.draw();
        let changes = decide::attempt_outcome(&self.project, self.scene(id), outcome, ids, self.now)?;
        self.apply(changes);
        Ok(())
    }

    /// People found out what became of the latest attempt.
    pub(crate) fn find(&mut self, finding: decide::Finding) -> Result<(), Code> {
        let ids = self.draw();
        let changes = decide::found(&self.project, self.situation(), finding, ids, self.now).unwrap()?;
        self.apply(changes);
        Ok(())
    }

    pub(crate) fn acknowledge(&mut self, id: AttemptId) -> Result<(), MachineBreak> {
        let ids = self.draw();
        let changes = decide::reversal_acknowledged(&self.project, self.scene(id), ids, self.now)?;
        self.apply(changes);
        Ok(())
    }

    /// An approval outside its call; answers whether it changed anything.
    pub(crate) fn late(&mut self, id: AttemptId, amount: Money) -> Result<bool, MachineBreak> {
        let ids = self.draw();
        let late = decide::late_approval(&self.project, self.scene(id), amount, answer("00"), ids, self.now)?;
        match late {
            Lateness::Known => Ok(false),
            Lateness::Booked(changes) => {
                self.apply(*changes);
                Ok(true)
            }
        }
    }

    /// The threshold is looked at; answers whether it had passed.
    pub(crate) fn threshold(&mut self, id: AttemptId) -> Result<bool, MachineBreak> {
        let ids = self.draw();
        let changes = decide::threshold_passed(&self.project, self.scene(id), ids, self.now)?;
        let passed = changes.is_some();
        if let Some(changes) = changes {
            self.apply(changes);
        }
        Ok(passed)
    }

    /// The provider is not relied upon to know the attempt any more.
    pub(crate) fn forgotten_by_provider(&mut self, id: AttemptId) -> bool {
        let ids = self.draw();
        let changes = decide::forgotten(&self.project, self.scene(id), ids, self.now).unwrap();
        self.apply_some(changes)
    }

    pub(crate) fn scene(&self, id: AttemptId) -> (&Payment, &Operation, &Attempt) {
        (self.payment(), self.operations.get(&id.operation).unwrap(), self.attempts.get(&id).unwrap())
    }

    pub(crate) fn has_task(&self, key: TaskKey) -> bool {
        self.tasks.contains_key(&format!("{key:?}"))
    }

    /// Applies a change set as a store would, and audits the result.
    pub(crate) fn apply(&mut self, changes: ChangeSet) {
        let before = self.payment.clone();
        for name in &changes.names {
            assert!(self.names.insert((name.kind.number(), name.folded.clone())), "{name:?} is taken");
        }
        match changes.payment {
            Some(PaymentWrite::Insert(new)) => assert!(self.payment.replace(*new).is_none()),
            Some(PaymentWrite::Update { payment, expected }) => {
                assert_eq!(before.as_ref().unwrap().version, expected, "decided on another version");
                assert_eq!(payment.version, expected + 1);
                self.payment = Some(*payment);
            }
            None => {}
        }
        for hold in changes.holds {
            assert!(self.holds.insert(hold.operation, hold).is_none(), "one hold per operation");
        }
        self.settle(&changes.settled, &changes.entries);
        self.post(&changes.entries);
        let beside =
            |it: &Operation| it.detail.automatic && it.request == self.request_of_open(before.as_ref());
        let others = changes.operations.iter().filter(|it| !beside(it.record())).count();
        assert!(others <= 1, "a decision is about one operation, and records a change of a hold beside it");
        let mut old = BTreeMap::new();
        for write in &changes.operations {
            let new = write.record().clone();
            let known = self.operations.insert(new.id, new.clone());
            assert_eq!(known.is_none(), matches!(write, Write::Insert(_)));
            old.insert(new.id, known);
        }
        if changes.entries.iter().any(|entry| entry.kind == EntryKind::PayoutCancelled) {
            assert!(changes.operations.is_empty() && changes.attempts.is_empty());
            self.audit_cancellation(before.as_ref(), &changes.walked, &changes.events);
        } else if changes.operations.is_empty() {
            audit::assert_untouched(before.as_ref(), self.payment.as_ref());
        } else {
            self.audit_walk(before.as_ref(), &old, &changes.walked, &changes.events);
        }
        for write in changes.attempts {
            let old = self.attempts.insert(write.record().id, write.record().clone());
            assert_eq!(old.is_none(), matches!(write, Write::Insert(_)));
            let moved = old.is_none_or(|old| old.status != write.record().status);
            assert!(!moved || write.record().updated_at == self.now.real);
        }
        for key in changes.done {
            self.tasks.remove(&format!("{key:?}"));
        }
        for task in changes.tasks {
            let timer = matches!(task.key, TaskKey::EndWait(_) | TaskKey::EndHold(_));
            let mail = matches!(task.key, TaskKey::Mail(..));
            let clock = timer.then_some(self.project.id);
            assert_eq!(task.clock, clock, "business timers run by the project's clock, calls by real time");
            let known = self.tasks.insert(format!("{:?}", task.key), task.clone());
            let put_off = task.due > self.now.real;
            assert!(known.is_none() || timer || mail || put_off, "{:?} is there already", task.key);
        }
        self.forgotten.extend(changes.forget_cvv);
        self.events.extend(changes.events);
        if self.payment.is_some() {
            self.audit();
        }
    }

    fn request_of_open(&self, before: Option<&Payment>) -> ferropay_domain::ids::RequestId {
        let open = before.and_then(|payment| payment.open).and_then(|id| self.operations.get(&id));
        open.map_or(crate::fixtures::request_id(0), |operation| operation.request)
    }

    fn post(&mut self, entries: &[ledger::Entry]) {
        for entry in entries {
            assert!(entry.is_balanced(), "{entry:?}");
            assert!(self.booked.insert((entry.operation, entry.kind)), "{entry:?} is booked already");
            if let EntryKind::Unsuspended(occurrence) = entry.kind {
                let suspended = (entry.operation, EntryKind::Suspended(occurrence));
                assert!(self.booked.contains(&suspended), "{entry:?} clears what was booked");
            }
            for leg in &entry.legs {
                *self.balances.entry(leg.account).or_default() += leg.minor;
            }
        }
    }

    /// A settlement ends exactly the hold that was placed and pays what the settled legs say.
    fn settle(&mut self, settled: &[Settlement], entries: &[ledger::Entry]) {
        let legs: i64 =
            entries.iter().flat_map(|entry| &entry.legs).filter(|leg| leg.settled).map(|leg| leg.minor).sum();
        let paid: i64 = settled.iter().map(|settlement| settlement.paid).sum();
        assert_eq!(paid, -legs, "settled legs add up to what is paid");
        for settlement in settled {
            let hold = self.holds.remove(&settlement.operation).expect("a hold is settled once");
            assert_eq!((hold.minor, hold.account), (settlement.held, settlement.account));
            assert!(settlement.paid == 0 || settlement.paid == settlement.held);
        }
    }
}
