//! A provider of payment methods: it takes payments on, waits for customers, and tells what came of it until it is heard.
//!
//! Whatever is put to it again under the same reference is done once, and whoever asks hears where it stands. It decides
//! by and by about what needs no customer. Of some transactions it never tells, so that the platform has to ask.

use crate::{
    book::Entry,
    method_ledger::{Ledger, Notice, State, Transaction},
    method_words::{answer, read, said},
    provider::{Fate, TIME_OUT, fate, shown, travel},
    random::Dice,
    world::World,
};
use ferropay_domain::{
    codes::{self, Code},
    decide::Outcome,
    ids::{AttemptId, ProviderAccountId},
    method::Family,
    money::Money,
    payment::{Ask, Credit, ProviderAnswer},
    project::{Environment, OperationDay},
    time::Timestamp,
};
use ferropay_engine::{
    connector::{Connector, Eventually, NoticeRefused, Order, ProviderNotice, Reversal},
    notices::Noticed,
};
use parking_lot::Mutex;
use serde_json::json;
use std::{collections::BTreeMap, sync::Weak, time::Duration};

/// The provider, as a connector of the engine.
pub(crate) struct MethodProvider {
    account: ProviderAccountId,
    environment: Environment,
    day: OperationDay,
    dice: Dice,
    ledger: Mutex<Ledger>,
    world: Weak<World>,
}

impl MethodProvider {
    pub(crate) fn new(
        account: ProviderAccountId,
        environment: Environment,
        seed: u64,
        world: Weak<World>,
    ) -> Self {
        let dice = Dice::new(seed, &format!("provider {account}"));
        Self { account, environment, day: OperationDay::default(), dice, ledger: Mutex::default(), world }
    }

    /// Its account at the platform.
    pub(crate) const fn number(&self) -> ProviderAccountId {
        self.account
    }

    /// What it has on every attempt it heard of.
    pub(crate) fn entries(&self) -> BTreeMap<AttemptId, Entry> {
        let ledger = self.ledger.lock();
        let entry = |it: &Transaction| {
            Entry::of_method(it.ask, (it.state == State::Approved).then_some(it.paid), it.undone)
        };
        ledger.known.iter().map(|(id, it)| (*id, entry(it))).collect()
    }

    /// When something is to be decided or told next.
    pub(crate) fn next_moment(&self) -> Option<Timestamp> {
        let ledger = self.ledger.lock();
        let pending = ledger.known.values().filter(|it| it.state == State::Pending && !it.undone);
        let uncertain = ledger.known.values().filter(|it| !it.undone).filter_map(|it| it.credited_at);
        pending
            .filter_map(|it| it.decided_at)
            .chain(uncertain)
            .chain(ledger.notices.values().map(|it| it.due))
            .min()
    }

    /// A customer decides about a transaction that waits for it; answers where the customer goes on.
    pub(crate) fn visited(&self, world: &World, attempt: AttemptId) -> Option<String> {
        let mut ledger = self.ledger.lock();
        let it = ledger.known.get_mut(&attempt)?;
        if it.state != State::Pending || it.undone || !it.customers {
            return None;
        }
        let back = it.return_url.clone();
        let state = match self.dice.between(1, 10) {
            1..=6 => State::Approved,
            7 => State::Declined(codes::METHOD_DECLINE),
            8 => State::Declined(Code::new(20_301)),
            _ => return Some(back),
        };
        let slow = it.method.family == Family::Redirect && self.dice.chance(35);
        if state == State::Approved && (it.method.family == Family::Contract || slow) && it.ask == Ask::Sale {
            // The mandate is signed, or the order given; the rest is the banks' affair.
            it.customers = false;
            let most = if slow { 4 * 3_600 } else { 3 * 24 * 3_600 };
            it.decided_at = Some(self.later(world, most));
            return Some(back);
        }
        it.state = state;
        if it.ask == Ask::Sale && self.dice.chance(12) {
            let other = self.dice.amount(1, it.amount.minor.saturating_mul(2));
            it.paid = Money::new(other, it.amount.currency);
        }
        self.done(world, it);
        world.note(format_args!("the customer of {} decides: {state:?}", shown(attempt)));
        self.tell(world, &mut ledger, attempt);
        Some(back)
    }

    /// Customers cancel at the provider what they had agreed to.
    pub(crate) fn revoke(&self, attempt: AttemptId) {
        if let Some(it) = self.ledger.lock().known.get_mut(&attempt) {
            it.agrees = false;
        }
    }

    fn later(&self, world: &World, most: u64) -> Timestamp {
        world.now().plus(Duration::from_secs(self.dice.between(1, most)))
    }

    /// Decides what is due.
    pub(crate) fn decide(&self, world: &World) {
        let mut ledger = self.ledger.lock();
        let now = world.now();
        let due = |it: &Transaction| {
            let is_due = it.decided_at.is_some_and(|at| at <= now) || it.expires_at <= now;
            it.state == State::Pending && !it.undone && is_due
        };
        let all: Vec<AttemptId> = ledger.known.iter().filter(|(_, it)| due(it)).map(|(id, _)| *id).collect();
        for id in all {
            let Some(it) = ledger.known.get_mut(&id) else { continue };
            it.state = if it.decided_at.is_none() {
                State::Declined(codes::METHOD_TIME_OUT)
            } else if self.dice.chance(if it.method.family == Family::Redirect { 50 } else { 80 }) {
                State::Approved
            } else {
                State::Declined(codes::METHOD_DECLINE)
            };
            self.done(world, it);
            world.note(format_args!("provider {}: {} is {:?}", self.account, shown(id), it.state));
            self.tell(world, &mut ledger, id);
        }
        let known = |it: &Transaction| it.credited_at.is_some_and(|at| at <= now) && !it.undone;
        let all: Vec<AttemptId> =
            ledger.known.iter().filter(|(_, it)| known(it)).map(|(id, _)| *id).collect();
        for id in all {
            let Some(it) = ledger.known.get_mut(&id) else { continue };
            it.credited_at = None;
            let arrived = it.credit.is_some() && self.dice.chance(70);
            let credit = if arrived { Credit::Confirmed } else { Credit::Failed };
            it.credit = Some(credit);
            world.note(format_args!("provider {}: crediting of {}: {credit:?}", self.account, shown(id)));
            self.tell(world, &mut ledger, id);
        }
    }

    /// A transaction is done, perhaps: of some purchases it says that it will tell whether they were credited, and some
    /// payouts and debits turn out not to be.
    fn done(&self, world: &World, it: &mut Transaction) {
        let by_and_by = match it.ask {
            Ask::Sale if it.original.is_none() => self.dice.chance(40),
            Ask::Sale | Ask::Payout => self.dice.chance(15),
            _ => return,
        };
        if it.state != State::Approved || !by_and_by {
            return;
        }
        if it.ask == Ask::Sale && it.original.is_none() && self.dice.chance(80) {
            it.credit = Some(Credit::Pending);
        }
        it.credited_at = Some(self.later(world, 6 * 3_600));
    }

    /// What it says of the crediting of the purchases it has promised to speak of.
    pub(crate) fn credits(&self) -> BTreeMap<AttemptId, Credit> {
        let ledger = self.ledger.lock();
        ledger.known.iter().filter_map(|(id, it)| Some((*id, it.credit.filter(|_| !it.undone)?))).collect()
    }

    /// A notice of where a transaction stands goes out, mostly.
    fn tell(&self, world: &World, ledger: &mut Ledger, attempt: AttemptId) {
        let Some(it) = ledger.known.get(&attempt) else { return };
        if self.dice.chance(10) {
            return;
        }
        let number = ledger.told;
        ledger.told += 1;
        let code = match it.state {
            State::Declined(code) => Some(code.get()),
            State::Pending | State::Approved => None,
        };
        let body = json!({
            "id": format!("n{number}"), "attempt": attempt.reference(), "declined": code,
            "minor": it.paid.minor, "currency": it.amount.currency.code(), "credit": it.credit,
        });
        let again = u64::from(self.dice.chance(10));
        let due = self.later(world, 90);
        ledger.notices.insert(number, Notice { body: body.to_string(), due, again });
    }

    /// Notices that go out now; they come again until they are taken.
    pub(crate) fn outgoing(&self, world: &World) -> Vec<(u64, String)> {
        let mut ledger = self.ledger.lock();
        let now = world.now();
        let mut out = Vec::new();
        for (number, notice) in ledger.notices.iter_mut().filter(|(_, notice)| notice.due <= now) {
            notice.due = now.plus(Duration::from_secs(self.dice.between(15, 600)));
            out.push((*number, notice.body.clone()));
        }
        out
    }

    /// What the platform answered to a notice.
    pub(crate) fn answered(&self, world: &World, number: u64, answer: Noticed) {
        match answer {
            Noticed::Taken => {
                let mut ledger = self.ledger.lock();
                if let Some(notice) = ledger.notices.get_mut(&number) {
                    match notice.again.checked_sub(1) {
                        Some(again) => notice.again = again,
                        None => drop(ledger.notices.remove(&number)),
                    }
                }
            }
            Noticed::Later => {}
            Noticed::Unknown | Noticed::Refused => {
                world.finding(format!("notice {number} of provider {} is {answer:?}", self.account));
            }
        }
    }

    async fn call_once(&self, world: &World, order: Order) -> Outcome {
        world.crash.step_or_wait().await;
        let fate = match fate(&self.dice, world) {
            // What differs from what is told later, only a person could settle.
            Fate::SaidNotSent => Fate::NotSent,
            fate => fate,
        };
        let (attempt, ask) = (order.attempt, order.ask);
        let again = if order.repeat { " again" } else { "" };
        world.note(format_args!(
            "provider {}: {ask} {} of {}{again} ({fate:?})",
            self.account,
            shown(attempt),
            order.amount
        ));
        if !world.seen.lock().attempts.contains_key(&attempt) {
            world.finding(format!("attempt {} leaves before it is recorded", shown(attempt)));
        }
        let lost = Outcome::Lost { repeatable: true };
        match fate {
            Fate::NotSent | Fate::SaidNotSent => {
                world.crash.step_or_wait().await;
                return Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE };
            }
            Fate::RequestLost => {
                tokio::time::sleep(TIME_OUT).await;
                world.crash.step_or_wait().await;
                return lost;
            }
            Fate::Answered | Fate::AnswerLost | Fate::AnswerLate | Fate::AnsweredTwice => {}
        }
        travel(&self.dice).await;
        let told = if ask == Ask::Confirm {
            self.crediting(world, &order)
        } else {
            self.receive(world, &order).map(|it| said(&it, attempt, world.now()))
        };
        travel(&self.dice).await;
        if matches!(fate, Fate::AnswerLost | Fate::AnswerLate) {
            tokio::time::sleep(TIME_OUT).await;
            world.crash.step_or_wait().await;
            return lost;
        }
        world.crash.step_or_wait().await;
        told.unwrap_or(Outcome::NotSent { code: codes::UNSUPPORTED })
    }

    /// What is answered to the question whether a purchase was credited.
    fn crediting(&self, world: &World, order: &Order) -> Option<Outcome> {
        let (attempt, debit) = (order.attempt, order.original?.attempt);
        let ledger = self.ledger.lock();
        let known = ledger.known.get(&debit).filter(|it| it.state == State::Approved && !it.undone);
        let Some(credit) = known.and_then(|it| it.credit) else {
            world.finding(format!(
                "{} asks of {}, of which nothing was promised",
                shown(attempt),
                shown(debit)
            ));
            return None;
        };
        let answer = answer(debit, "ok", world.now());
        let answer = ProviderAnswer { credit: Some(credit), ..answer };
        Some(match credit {
            Credit::Pending => Outcome::Pending { answer, shown: None },
            Credit::Confirmed => Outcome::Approved { amount: order.amount, answer },
            Credit::Failed => Outcome::Declined { code: codes::NOT_CREDITED, answer },
        })
    }

    /// A message has arrived; what is known under its reference now. None of what the protocol does not have.
    fn receive(&self, world: &World, order: &Order) -> Option<Transaction> {
        let method = order.method.as_deref()?;
        // Neither holds are changed by methods, nor what was returned taken back.
        if matches!(order.ask, Ask::Increment | Ask::Decrement | Ask::UndoRefund) {
            return None;
        }
        let attempt = order.attempt;
        let mut ledger = self.ledger.lock();
        if let Some(known) = ledger.known.get(&attempt) {
            // While two nodes run, the later one may have sent it again before the earlier one sends it first.
            if !order.repeat && !world.had_take_over() {
                world.finding(format!("attempt {} is sent again as if it were new", shown(attempt)));
            }
            if known.undone && !order.repeat {
                world.finding(format!("attempt {} is sent after it was undone", shown(attempt)));
            }
            if known.amount != order.amount || known.method != method.method {
                world.finding(format!("attempt {} is another one when it comes again", shown(attempt)));
            }
            return Some(known.clone());
        }
        let first = matches!(order.ask, Ask::Sale | Ask::Auth | Ask::Verify);
        let debits = order.credential.as_ref().is_some_and(|it| !it.is_first);
        let mut it = Transaction {
            original: order.original.map(|original| original.attempt),
            agrees: order.credential.as_ref().is_some_and(|it| it.is_first),
            state: State::Pending,
            customers: first && !debits,
            ..Transaction::refused(order.ask, order.amount, method)
        };
        match ledger.look_at(&it, debits) {
            Ok(None) => self.begin(world, &mut it),
            Ok(Some(code)) => it.state = State::Declined(code),
            Err(wrong) => {
                world.finding(format!("{}: {wrong}", shown(attempt)));
                it.state = State::Declined(codes::METHOD_DECLINE);
            }
        }
        world.note(format_args!("provider {}: {} is {:?}", self.account, shown(attempt), it.state));
        ledger.known.insert(attempt, it.clone());
        Some(it)
    }

    /// What it does about a new transaction that makes sense.
    fn begin(&self, world: &World, it: &mut Transaction) {
        let at_once = matches!(it.ask, Ask::Capture | Ask::Release);
        it.state = match self.dice.between(1, 100) {
            1..=7 => State::Declined(codes::METHOD_DECLINE),
            8..=14 => State::Approved,
            _ if at_once => State::Approved,
            _ => State::Pending,
        };
        if it.state == State::Pending && !it.customers {
            let most = if self.dice.chance(80) { 3_600 } else { 2 * 24 * 3_600 };
            it.decided_at = Some(self.later(world, most));
        }
        self.done(world, it);
    }

    async fn reverse_once(&self, world: &World, order: Order, tries: u32) -> Reversal {
        world.crash.step_or_wait().await;
        let fate = fate(&self.dice, world);
        let attempt = order.attempt;
        world.note(format_args!("provider {}: undo {} try {tries} ({fate:?})", self.account, shown(attempt)));
        if !matches!(order.ask, Ask::Sale | Ask::Auth | Ask::Verify) {
            world.finding(format!("{} is undone, although it is to be repeated", shown(attempt)));
        }
        if matches!(fate, Fate::NotSent | Fate::SaidNotSent | Fate::RequestLost) {
            tokio::time::sleep(TIME_OUT).await;
            world.crash.step_or_wait().await;
            return Reversal::Unanswered;
        }
        travel(&self.dice).await;
        if let Some(method) = order.method.as_deref() {
            // What has not arrived yet will never be done.
            let never = || Transaction::refused(order.ask, order.amount, method);
            self.ledger.lock().known.entry(attempt).or_insert_with(never).undone = true;
        }
        if matches!(fate, Fate::AnswerLost | Fate::AnswerLate) {
            tokio::time::sleep(TIME_OUT).await;
            world.crash.step_or_wait().await;
            return Reversal::Unanswered;
        }
        travel(&self.dice).await;
        world.crash.step_or_wait().await;
        Reversal::Acknowledged
    }
}

impl Connector for MethodProvider {
    fn account(&self) -> ProviderAccountId {
        self.account
    }

    fn environment(&self) -> Environment {
        self.environment
    }

    fn operation_day(&self) -> &OperationDay {
        &self.day
    }

    fn repeat_window(&self) -> Duration {
        Duration::MAX
    }

    fn retention(&self) -> Duration {
        Duration::MAX
    }

    fn repeats(&self, _: Ask) -> bool {
        true
    }

    fn notice(
        &self,
        _: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
    ) -> Result<ProviderNotice, NoticeRefused> {
        let at = self.world.upgrade().map(|world| world.now());
        at.and_then(|at| read(body, at)).ok_or(NoticeRefused::Unreadable)
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        Box::pin(async move {
            match self.world.upgrade() {
                Some(world) => self.call_once(&world, order).await,
                None => Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE },
            }
        })
    }

    fn reverse(&self, order: Order, tries: u32) -> Eventually<'_, Reversal> {
        Box::pin(async move {
            match self.world.upgrade() {
                Some(world) => self.reverse_once(&world, order, tries).await,
                None => Reversal::Unanswered,
            }
        })
    }
}
