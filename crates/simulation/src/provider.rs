//! A provider that keeps a book of what it really did, and whose answers go astray.
//!
//! It does what is asked of it once per attempt, whatever is sent again, and never what it was asked to undo before.
//! What the platform believes is held against its book; what the platform must never send it notices at once.

use crate::{
    book::{Book, Entry, Said},
    random::Dice,
    world::{Mood, World},
};
use ferropay_domain::{
    codes,
    decide::Outcome,
    ids::{AttemptId, ProviderAccountId},
    payment::ProviderAnswer,
    project::{Environment, OperationDay},
    time::Timestamp,
};
use ferropay_engine::connector::{Connector, Eventually, LateAnswer, Order, Reversal};
use jiff::{civil, tz};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Weak,
    time::Duration,
};

/// How long an attempt is recognised when it is sent again.
const REPEAT_WINDOW: Duration = Duration::from_mins(15);
/// How long it knows an attempt at all.
const RETENTION: Duration = Duration::from_hours(24);
/// How long the connector waits for an answer.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(30);

/// What becomes of a message and its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Answered,
    RequestLost,
    AnswerLost,
    AnswerLate,
    AnsweredTwice,
    NotSent,
    /// It leaves all the same.
    SaidNotSent,
}

/// Answers still on their way, with the moment they arrive.
type Late = Vec<(Timestamp, LateAnswer)>;

/// The provider, as a connector of the engine.
pub(crate) struct Provider {
    account: ProviderAccountId,
    environment: Environment,
    day: OperationDay,
    dice: Dice,
    book: Mutex<Book>,
    late: Mutex<Late>,
    world: Weak<World>,
}

impl Provider {
    pub(crate) fn new(
        account: ProviderAccountId,
        environment: Environment,
        seed: u64,
        world: Weak<World>,
    ) -> Self {
        let dice = Dice::new(seed, &format!("provider {account}"));
        let hour = i8::try_from(dice.between(0, 23)).unwrap_or(0);
        let zone = tz::TimeZone::fixed(tz::offset(i8::try_from(dice.between(0, 12)).unwrap_or(0)));
        let day = OperationDay { cut_off: civil::time(hour, 0, 0, 0), zone };
        Self { account, environment, day, dice, book: Mutex::default(), late: Mutex::default(), world }
    }

    /// What it has on every attempt it heard of.
    pub(crate) fn entries(&self) -> BTreeMap<AttemptId, Entry> {
        self.book.lock().entries.clone()
    }

    /// Answers that have arrived by now and are not yet known to be recorded (`known`: identifiers that are). They stay
    /// on their way until they are.
    pub(crate) fn arrived(
        &self,
        now: Timestamp,
        known: &BTreeSet<(ProviderAccountId, String)>,
    ) -> Vec<LateAnswer> {
        let mut waiting = self.late.lock();
        waiting.retain(|(_, late)| !known.contains(&(late.account, late.id.clone())));
        waiting.iter().filter(|(at, _)| *at <= now).map(|(_, late)| late.clone()).collect()
    }

    /// When the next answer arrives.
    pub(crate) fn next_arrival(&self, known: &BTreeSet<(ProviderAccountId, String)>) -> Option<Timestamp> {
        let mut waiting = self.late.lock();
        waiting.retain(|(_, late)| !known.contains(&(late.account, late.id.clone())));
        waiting.iter().map(|(at, _)| *at).min()
    }

    fn fate(&self, world: &World) -> Fate {
        fate(&self.dice, world)
    }

    async fn travel(&self) {
        travel(&self.dice).await;
    }

    async fn call_once(&self, world: &World, order: Order) -> Outcome {
        world.crash.step_or_wait().await;
        let mut fate = self.fate(world);
        let (attempt, ask) = (order.attempt, order.ask);
        if ask.is_repeated() && matches!(fate, Fate::SaidNotSent) {
            // Two answers that differ about what is never undone: only a person could settle that.
            fate = Fate::NotSent;
        }
        world.note(format_args!(
            "provider {}: {ask} {} of {}{} ({fate:?})",
            self.account,
            shown(attempt),
            order.amount,
            if order.repeat { " again" } else { "" },
        ));
        self.look_at(world, &order);
        let lost = Outcome::Lost { repeatable: ask.is_repeated() };
        match fate {
            Fate::NotSent => {
                world.crash.step_or_wait().await;
                return Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE };
            }
            Fate::RequestLost => {
                tokio::time::sleep(TIME_OUT).await;
                world.crash.step_or_wait().await;
                return lost;
            }
            Fate::Answered
            | Fate::AnswerLost
            | Fate::AnswerLate
            | Fate::AnsweredTwice
            | Fate::SaidNotSent => {}
        }
        self.travel().await;
        let entry = self.receive(world, &order, fate);
        self.travel().await;
        if matches!(fate, Fate::AnswerLate | Fate::AnsweredTwice | Fate::SaidNotSent) {
            self.send_later(world, attempt, entry.said);
        }
        if matches!(fate, Fate::AnswerLost | Fate::AnswerLate) {
            tokio::time::sleep(TIME_OUT).await;
            world.crash.step_or_wait().await;
            return lost;
        }
        if matches!(fate, Fate::SaidNotSent) {
            world.crash.step_or_wait().await;
            return Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE };
        }
        world.crash.step_or_wait().await;
        let at = world.now();
        match entry.said {
            Said::Approved(amount) => Outcome::Approved { amount, answer: answer(attempt, "00", at) },
            Said::Declined(code) => Outcome::Declined { code, answer: answer(attempt, "05", at) },
            Said::Offered => Outcome::MerchantAuthOffered { answer: answer(attempt, "65", at) },
        }
    }

    /// What must never be sent, whatever becomes of it.
    fn look_at(&self, world: &World, order: &Order) {
        let attempt = order.attempt;
        if !world.seen.lock().attempts.contains_key(&attempt) {
            world.finding(format!("attempt {} leaves before it is recorded", shown(attempt)));
        }
        let book = self.book.lock();
        let Some(entry) = book.entries.get(&attempt) else { return };
        if entry.undone {
            world.finding(format!("attempt {} is sent after it was undone", shown(attempt)));
        }
        // While two nodes run, the later one may have sent it again before the earlier one sends it first.
        if !order.repeat && !world.had_take_over() {
            world.finding(format!("attempt {} is sent again as if it were new", shown(attempt)));
        }
        let age = world.now().since(order.created_at);
        if !order.ask.is_repeated() && age > REPEAT_WINDOW && !world.has_just_leapt() {
            world.finding(format!("attempt {} is repeated when it is no longer recognised", shown(attempt)));
        }
        self.must_know(world, order);
    }

    /// Nothing is asked about an attempt that a provider of its kind has forgotten.
    fn must_know(&self, world: &World, order: &Order) {
        let age = world.now().since(order.created_at);
        if age > self.retention() && !world.has_just_leapt() {
            world.finding(format!("{} is asked about when it is forgotten", shown(order.attempt)));
        }
    }

    /// A message has arrived.
    fn receive(&self, world: &World, order: &Order, fate: Fate) -> Entry {
        let mut book = self.book.lock();
        if let Some(known) = book.entries.get(&order.attempt) {
            return known.clone();
        }
        let hidden = matches!(fate, Fate::SaidNotSent);
        let entry = match book.receive(order, &self.dice, hidden) {
            Ok(entry) => entry,
            Err(wrong) => {
                world.finding(format!("{} {wrong}", shown(order.attempt)));
                book.undo(order);
                return book
                    .entries
                    .get(&order.attempt)
                    .cloned()
                    .unwrap_or_else(|| Entry::refused(order.ask));
            }
        };
        drop(book);
        world.note(format_args!(
            "provider {}: does {} as {:?} says {:?}",
            self.account,
            shown(order.attempt),
            entry.done,
            entry.said
        ));
        if let (Some(amount), false) = (entry.done, matches!(entry.said, Said::Approved(_))) {
            // It will say so in the end.
            let latest = if entry.said == Said::Offered { 20 } else { 900 };
            let at = world.now().plus(Duration::from_secs(self.dice.between(1, latest)));
            let late = self.late(order.attempt, Said::Approved(amount), at);
            self.late.lock().push((at, late));
        }
        entry
    }

    fn send_later(&self, world: &World, attempt: AttemptId, said: Said) {
        let seconds = match self.dice.between(1, 3) {
            1 => self.dice.between(0, 2),
            2 => self.dice.between(2, 60),
            _ => self.dice.between(60, 900),
        };
        let at = world.now().plus(Duration::from_secs(seconds));
        let late = self.late(attempt, said, at);
        let mut waiting = self.late.lock();
        if !waiting.iter().any(|(_, known)| known.id == late.id) {
            waiting.push((at, late));
        }
    }

    fn late(&self, attempt: AttemptId, said: Said, at: Timestamp) -> LateAnswer {
        let (approved, code) = match said {
            Said::Approved(amount) => (Some(amount), "00"),
            Said::Declined(_) | Said::Offered => (None, "05"),
        };
        let id = format!("{}:{code}", attempt.reference());
        LateAnswer { account: self.account, attempt, id, approved, answer: answer(attempt, code, at) }
    }

    async fn reverse_once(&self, world: &World, order: Order, tries: u32) -> Reversal {
        world.crash.step_or_wait().await;
        let fate = self.fate(world);
        let attempt = order.attempt;
        world.note(format_args!("provider {}: undo {} try {tries} ({fate:?})", self.account, shown(attempt)));
        self.must_know(world, &order);
        if order.ask.is_repeated() {
            world.finding(format!("{} is undone, although it is to be repeated", shown(attempt)));
        }
        if matches!(fate, Fate::NotSent | Fate::RequestLost) {
            // A connection that breaks tells so at once.
            let at_once = matches!(fate, Fate::NotSent) || self.dice.chance(50);
            let wait = if at_once { Duration::ZERO } else { TIME_OUT };
            tokio::time::sleep(wait).await;
            world.crash.step_or_wait().await;
            return Reversal::Unanswered;
        }
        self.travel().await;
        self.book.lock().undo(&order);
        if matches!(fate, Fate::AnswerLost | Fate::AnswerLate) {
            tokio::time::sleep(TIME_OUT).await;
            world.crash.step_or_wait().await;
            return Reversal::Unanswered;
        }
        self.travel().await;
        world.crash.step_or_wait().await;
        Reversal::Acknowledged
    }
}

/// What becomes of the next message and its answer.
pub(crate) fn fate(dice: &Dice, world: &World) -> Fate {
    use Fate::{AnswerLate, AnswerLost, Answered, AnsweredTwice, NotSent, RequestLost, SaidNotSent};
    let fates: &[(u64, Fate)] = match world.mood(|moods| moods.provider) {
        Mood::Well if world.is_calm() => &[(1, Answered)],
        Mood::Well => &[
            (90, Answered),
            (2, RequestLost),
            (3, AnswerLost),
            (2, AnswerLate),
            (2, AnsweredTwice),
            (1, NotSent),
        ],
        Mood::Shaky => &[
            (30, Answered),
            (15, RequestLost),
            (20, AnswerLost),
            (20, AnswerLate),
            (10, AnsweredTwice),
            (5, NotSent),
            (1, SaidNotSent),
        ],
        Mood::Away => &[(1, NotSent)],
    };
    dice.weighted(fates, Answered)
}

/// How long a message is on its way.
pub(crate) async fn travel(dice: &Dice) {
    let millis = match dice.between(1, 20) {
        1..=6 => 0,
        7..=18 => dice.between(1, 400),
        _ => dice.between(400, 20_000),
    };
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn answer(attempt: AttemptId, code: &str, at: Timestamp) -> ProviderAnswer {
    ProviderAnswer {
        result_code: code.to_owned(),
        payment_id: format!("P{}", attempt.reference()),
        at,
        ..ProviderAnswer::default()
    }
}

/// An attempt in the trace.
pub(crate) fn shown(attempt: AttemptId) -> String {
    format!("{}/{}", attempt.operation, attempt.number)
}

impl Connector for Provider {
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
        REPEAT_WINDOW
    }

    /// When everything is to come to an end people at the provider look up for the operator what it has forgotten.
    fn retention(&self) -> Duration {
        let calm = self.world.upgrade().is_some_and(|world| world.is_calm());
        if calm { Duration::MAX } else { RETENTION }
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
