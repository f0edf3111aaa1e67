//! What directory and issuer remember: transactions, visits to the method page, scripts. Bounded; the oldest go first.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use super::cards::Cards;
use super::script::{Delivery, MethodPage, Script, ScriptError, Word};

/// Most scripts that wait for transactions, and most that belong to cards.
const MOST_SCRIPTS: usize = 1_000;
/// Most attempts to deliver a result that are kept per transaction.
const MOST_ATTEMPTS: usize = 32;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Answered for good; there is no challenge.
    Decided,
    /// The cardholder is to be asked.
    Asking,
    /// The cardholder has answered or given up.
    Asked,
}

/// What came of sending a result request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Attempt {
    /// `transStatus` that was sent.
    pub(super) status: Word,
    /// Whether it was the forged one.
    pub(super) forged: bool,
    /// What the 3DS server said: `RRes`, `Erro 301`, or why nothing came.
    pub(super) answered: String,
}

/// One authentication.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) server_id: Uuid,
    /// The same as the 3DS server wrote it.
    pub(super) server_id_text: String,
    pub(super) directory_id: Uuid,
    pub(super) issuer_id: Uuid,
    pub(super) version: String,
    pub(super) category: String,
    /// `deviceChannel`.
    pub(super) channel: String,
    pub(super) server_url: String,
    pub(super) notification_url: String,
    pub(super) merchant: String,
    /// For the eye.
    pub(super) amount: Option<String>,
    /// First six and last four digits.
    pub(super) card: String,
    pub(super) network: &'static str,
    /// Seconds since the epoch, by the simulator's clock.
    pub(super) created_at: i64,
    /// Status of the authentication response.
    pub(super) status: Word,
    /// What the challenge ends with once a code has been entered, and why.
    pub(super) challenge_status: Word,
    pub(super) reason: Option<String>,
    pub(super) delivery: Delivery,
    pub(super) late_ms: u64,
    pub(super) device_data: bool,
    pub(super) phase: Phase,
    /// Codes entered.
    pub(super) tries: u8,
    pub(super) cancelled: bool,
    pub(super) final_status: Option<Word>,
    /// Comes back to the shop unchanged.
    pub(super) session: Option<String>,
    pub(super) window: Option<String>,
    pub(super) forged: bool,
    /// Becomes true when the browser may go back.
    pub(super) released: watch::Sender<bool>,
    pub(super) attempts: Vec<Attempt>,
    /// The result as it was first sent; a repeat is the same message.
    pub(super) result: Option<Value>,
}

impl Transaction {
    pub(super) fn note(&mut self, attempt: Attempt) {
        if self.attempts.len() < MOST_ATTEMPTS {
            self.attempts.push(attempt);
        }
    }
}

#[derive(Debug, Default)]
struct Visit {
    script: Option<Script>,
}

/// Everything that is remembered.
pub(super) struct Book {
    pub(super) cards: Cards,
    most: usize,
    transactions: HashMap<Uuid, Transaction>,
    /// Issuer's number by the 3DS server's.
    by_server: HashMap<Uuid, Uuid>,
    order: VecDeque<Uuid>,
    visits: HashMap<Uuid, Visit>,
    visit_order: VecDeque<Uuid>,
    next: VecDeque<Script>,
    by_card: HashMap<String, Script>,
}

impl Book {
    /// An empty book that remembers at most so many transactions.
    pub(super) fn new(cards: Cards, most: usize) -> Self {
        Self {
            cards,
            most: most.max(1),
            transactions: HashMap::new(),
            by_server: HashMap::new(),
            order: VecDeque::new(),
            visits: HashMap::new(),
            visit_order: VecDeque::new(),
            next: VecDeque::new(),
            by_card: HashMap::new(),
        }
    }

    pub(super) fn insert(&mut self, transaction: Transaction) {
        while self.order.len() >= self.most {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(gone) = self.transactions.remove(&oldest) {
                self.by_server.remove(&gone.server_id);
            }
        }
        self.order.push_back(transaction.issuer_id);
        self.by_server.insert(transaction.server_id, transaction.issuer_id);
        self.transactions.insert(transaction.issuer_id, transaction);
    }

    /// By the issuer's number (`acsTransID`).
    pub(super) fn get(&mut self, issuer_id: Uuid) -> Option<&mut Transaction> {
        self.transactions.get_mut(&issuer_id)
    }

    /// By the 3DS server's number (`threeDSServerTransID`).
    pub(super) fn of_server(&self, server_id: Uuid) -> Option<&Transaction> {
        self.transactions.get(self.by_server.get(&server_id)?)
    }

    /// All transactions, the newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Transaction> {
        self.order.iter().rev().filter_map(|id| self.transactions.get(id))
    }

    /// The browser is on the method page. The script of the next transaction is taken here when one waits, since the
    /// authentication request of this transaction is yet to come.
    pub(super) fn visit(&mut self, server_id: Uuid, method_number: Option<usize>) -> MethodPage {
        if !self.visits.contains_key(&server_id) && !self.by_server.contains_key(&server_id) {
            while self.visit_order.len() >= self.most {
                let Some(oldest) = self.visit_order.pop_front() else { break };
                self.visits.remove(&oldest);
            }
            let script = self.next.pop_front();
            self.visit_order.push_back(server_id);
            self.visits.insert(server_id, Visit { script });
        }
        if let Some(script) = self.visits.get(&server_id).and_then(|visit| visit.script.as_ref()) {
            return script.method;
        }
        let card = method_number.and_then(|number| self.cards.by_method(number));
        card.and_then(|card| self.by_card.get(card)).map(|script| script.method).unwrap_or_default()
    }

    /// Whether the browser was on the method page, and the script in force for an authentication request.
    pub(super) fn begin(&mut self, server_id: Uuid, card_number: &str) -> (bool, Option<Script>) {
        let visit = self.visits.remove(&server_id);
        if visit.is_some() {
            self.visit_order.retain(|id| *id != server_id);
        }
        let seen = visit.is_some();
        let script = visit
            .and_then(|visit| visit.script)
            .or_else(|| self.next.pop_front())
            .or_else(|| self.by_card.get(card_number).cloned());
        (seen, script)
    }

    /// A script for the next transaction: the first whose method page is visited or whose authentication request comes.
    ///
    /// # Errors
    /// [`ScriptError`] when it cannot be, or too many wait.
    pub(super) fn script_next(&mut self, script: Script) -> Result<usize, ScriptError> {
        script.check()?;
        if self.next.len() >= MOST_SCRIPTS {
            return Err(ScriptError::TooMany);
        }
        self.next.push_back(script);
        Ok(self.next.len())
    }

    /// A script for all transactions of a card; `None` takes it away.
    ///
    /// # Errors
    /// [`ScriptError`] when it cannot be, or too many cards have one.
    pub(super) fn script_card(
        &mut self,
        card_number: &str,
        script: Option<Script>,
    ) -> Result<(), ScriptError> {
        let Some(script) = script else {
            self.by_card.remove(card_number);
            return Ok(());
        };
        script.check()?;
        if self.by_card.len() >= MOST_SCRIPTS && !self.by_card.contains_key(card_number) {
            return Err(ScriptError::TooMany);
        }
        self.by_card.insert(card_number.to_owned(), script);
        Ok(())
    }

    /// Forgets the scripts that wait.
    pub(super) fn clear_next(&mut self) {
        self.next.clear();
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
