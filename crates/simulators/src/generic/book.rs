//! Transactions, and what may become of them.

use super::{crediting::Credit, faults::Faults, script::Act};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// A transaction as the platform puts it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Asked {
    pub(super) operation: String,
    pub(super) method: String,
    pub(super) family: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) original: Option<String>,
    #[serde(default)]
    pub(super) agreement: Option<String>,
    #[serde(default)]
    pub(super) shop: String,
    #[serde(default)]
    pub(super) payment_id: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) data: BTreeMap<String, String>,
    pub(super) return_url: String,
    pub(super) notification_url: String,
    pub(super) expires_at: i64,
    #[serde(default)]
    pub(super) fault: Option<String>,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Pending,
    Approved,
    Declined,
    Cancelled,
}

/// A transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) reference: String,
    pub(super) id: String,
    pub(super) asked: Asked,
    pub(super) status: Status,
    pub(super) result: String,
    /// What the customer's page is called by; guesses lead nowhere.
    pub(super) token: String,
    pub(super) faults: Faults,
    pub(super) created_at: i64,
    /// What the customer paid, or pays when somebody approves it.
    pub(super) paid: i64,
    /// What has been returned or captured of it.
    pub(super) used: i64,
    /// The customer has signed, and the rest is the banks' affair.
    pub(super) signed: bool,
    /// The agreement that came about with it was cancelled by the customer since.
    pub(super) revoked: bool,
    /// Whether its money reached whom it is for, where the provider speaks of that.
    pub(super) credit: Option<Credit>,
    /// What its description says of the crediting is under way.
    pub(super) scripted: bool,
    /// How many notices were sent of it, repeats included.
    pub(super) notices: u32,
    /// How often it was approved: more than once would be a defect of this simulator.
    pub(super) approvals: u32,
}

/// What follows from putting a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it is decided, waits for its customer, or was known before.
    Nothing,
    /// After a while this happens.
    Later(Act),
}

/// Why a transaction cannot be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The reference stands for something else.
    Conflict,
    /// It makes no sense.
    Invalid,
}

/// All transactions, the oldest forgotten first.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) known: HashMap<String, Transaction>,
    tokens: HashMap<String, String>,
    order: VecDeque<String>,
    most: usize,
}

impl Book {
    pub(super) fn new(most: usize) -> Self {
        Self { known: HashMap::new(), tokens: HashMap::new(), order: VecDeque::new(), most }
    }

    pub(super) fn get(&mut self, reference: &str) -> Option<&mut Transaction> {
        self.known.get_mut(reference)
    }

    pub(super) fn by_token(&mut self, token: &str) -> Option<&mut Transaction> {
        let reference = self.tokens.get(token)?;
        self.known.get_mut(reference)
    }

    pub(super) fn newest(&self) -> impl Iterator<Item = &Transaction> {
        self.order.iter().rev().filter_map(|reference| self.known.get(reference))
    }

    fn insert(&mut self, transaction: Transaction) {
        let reference = transaction.reference.clone();
        self.tokens.insert(transaction.token.clone(), reference.clone());
        self.known.insert(reference.clone(), transaction);
        self.order.push_back(reference);
        while self.order.len() > self.most {
            if let Some(old) = self.order.pop_front().and_then(|oldest| self.known.remove(&oldest)) {
                self.tokens.remove(&old.token);
            }
        }
    }

    /// Puts a transaction, or finds it as it was put before.
    pub(super) fn put(
        &mut self,
        reference: &str,
        asked: Asked,
        (id, token): (String, String),
        now: i64,
    ) -> Result<Next, Refused> {
        if let Some(known) = self.known.get(reference) {
            // A repeat says the same; the tombstone of a cancellation says nothing.
            let same = known.asked == asked || known.asked.operation.is_empty();
            return if same { Ok(Next::Nothing) } else { Err(Refused::Conflict) };
        }
        let is_known = matches!(
            asked.operation.as_str(),
            "sale"
                | "auth"
                | "capture"
                | "release"
                | "refund"
                | "reversal"
                | "payout"
                | "payout_reversal"
                | "agreement"
                | "debit"
        );
        // The customer of a bank may say how much it is.
        let is_open = asked.operation == "sale" && asked.method.starts_with("banks/");
        let moves_nothing = (asked.operation == "agreement" || is_open) && asked.amount == 0;
        if !is_known || (asked.amount <= 0 && !moves_nothing) || asked.currency.len() != 3 {
            return Err(Refused::Invalid);
        }
        let faults = asked.fault.as_deref().map(Faults::read).unwrap_or_default();
        let mut transaction = Transaction {
            reference: reference.to_owned(),
            id,
            token,
            status: Status::Pending,
            result: String::new(),
            created_at: now,
            paid: paid(&asked),
            used: 0,
            signed: false,
            revoked: false,
            credit: None,
            scripted: false,
            notices: 0,
            approvals: 0,
            faults,
            asked,
        };
        let next = self.first_step(&mut transaction);
        self.insert(transaction);
        Ok(next)
    }

    fn first_step(&mut self, transaction: &mut Transaction) -> Next {
        if let Some(result) = transaction.faults.refuse.clone() {
            transaction.decline(&result);
            return Next::Nothing;
        }
        let scripted = Act::of_description(&transaction.asked.description);
        match transaction.asked.operation.as_str() {
            "sale" | "auth" | "agreement" => match scripted {
                Some(Act::LeavePending) | None => Next::Nothing,
                Some(act) => Next::Later(act),
            },
            "capture" | "release" => {
                match self.use_original(transaction) {
                    Ok(()) => transaction.approve(),
                    Err(result) => transaction.decline(result),
                }
                Next::Nothing
            }
            "refund" | "reversal" | "payout_reversal" => match self.use_original(transaction) {
                Ok(()) => Next::Later(scripted.unwrap_or(Act::Approve)),
                Err(result) => {
                    transaction.decline(result);
                    Next::Nothing
                }
            },
            "debit" => match self.broken_agreement(transaction) {
                None => Next::Later(scripted.unwrap_or(Act::Approve)),
                Some(result) => {
                    transaction.decline(result);
                    Next::Nothing
                }
            },
            _ => Next::Later(scripted.unwrap_or(Act::Approve)),
        }
    }

    /// Counts what a transaction takes of the one it refers to.
    fn use_original(&mut self, transaction: &Transaction) -> Result<(), &'static str> {
        let original = transaction.asked.original.as_deref();
        let original =
            original.and_then(|reference| self.known.get_mut(reference)).ok_or("unknown_original")?;
        let wanted = match transaction.asked.operation.as_str() {
            "refund" | "reversal" => ["sale", "capture", "debit"].as_slice(),
            "payout_reversal" => ["payout"].as_slice(),
            _ => ["auth"].as_slice(),
        };
        // A capture of the hold is what a refund of a purchase in two steps refers to.
        if !wanted.contains(&original.asked.operation.as_str()) || original.status != Status::Approved {
            return Err("wrong_original");
        }
        let takes_back = matches!(transaction.asked.operation.as_str(), "reversal" | "payout_reversal");
        if takes_back && original.credit != Some(Credit::Failed) {
            return Err("credited");
        }
        let used = original.used.saturating_add(transaction.asked.amount);
        let is_end = matches!(transaction.asked.operation.as_str(), "capture" | "release");
        if used > original.paid || (is_end && original.used > 0) {
            return Err("too_much");
        }
        original.used = if is_end { original.paid } else { used };
        Ok(())
    }

    /// What a refund or a reversal had taken is given back when it was refused.
    fn give_back(&mut self, original: Option<&str>, amount: i64) {
        if let Some(original) = original.and_then(|reference| self.known.get_mut(reference)) {
            original.used = original.used.saturating_sub(amount);
        }
    }

    /// Somebody decides about a transaction that waits. Answers whether anything changed.
    pub(super) fn act(&mut self, reference: &str, act: Act) -> bool {
        let Some(transaction) = self.known.get_mut(reference) else { return false };
        if transaction.status != Status::Pending {
            return false;
        }
        match act {
            Act::Approve => transaction.approve(),
            Act::Decline => transaction.decline("refused"),
            Act::Cancel => transaction.decline("cancelled_by_customer"),
            Act::Insufficient => transaction.decline("insufficient_funds"),
            Act::LeavePending => return false,
        }
        self.after_refusal(reference);
        true
    }

    fn after_refusal(&mut self, reference: &str) {
        let Some(transaction) = self.known.get(reference) else { return };
        let takes_back =
            matches!(transaction.asked.operation.as_str(), "refund" | "reversal" | "payout_reversal");
        if takes_back && transaction.status == Status::Declined {
            let (original, amount) = (transaction.asked.original.clone(), transaction.asked.amount);
            self.give_back(original.as_deref(), amount);
        }
    }

    /// A transaction whose time is over is declined. Answers whether this one just was.
    pub(super) fn expire(&mut self, reference: &str, now: i64) -> bool {
        let Some(transaction) = self.known.get_mut(reference) else { return false };
        let is_over = transaction.status == Status::Pending && now >= transaction.asked.expires_at;
        if is_over {
            transaction.decline("expired");
            self.after_refusal(reference);
        }
        is_over
    }

    /// Undoes a transaction, whatever became of it; one that is not known will never be done.
    pub(super) fn cancel(&mut self, reference: &str, (id, token): (String, String), now: i64) {
        match self.known.get_mut(reference) {
            Some(transaction) => {
                transaction.status = Status::Cancelled;
                "cancelled".clone_into(&mut transaction.result);
            }
            None => self.insert(Transaction::tombstone(reference, (id, token), now)),
        }
    }
}

impl Transaction {
    fn tombstone(reference: &str, (id, token): (String, String), now: i64) -> Self {
        let asked = Asked {
            operation: String::new(),
            method: String::new(),
            family: String::new(),
            amount: 0,
            currency: String::new(),
            original: None,
            agreement: None,
            shop: String::new(),
            payment_id: String::new(),
            description: String::new(),
            data: BTreeMap::new(),
            return_url: String::new(),
            notification_url: String::new(),
            expires_at: 0,
            fault: None,
        };
        Self {
            reference: reference.to_owned(),
            id,
            token,
            asked,
            status: Status::Cancelled,
            result: "cancelled".to_owned(),
            faults: Faults::default(),
            created_at: now,
            paid: 0,
            used: 0,
            signed: false,
            revoked: false,
            credit: None,
            scripted: false,
            notices: 0,
            approvals: 0,
        }
    }

    /// As it stands in a list.
    pub(super) fn listed(&self) -> Value {
        let mut listed = json!({ "reference": self.reference, "status": self.status });
        if let (false, Some(members)) = (self.asked.operation.is_empty(), listed.as_object_mut()) {
            members.insert("operation".to_owned(), json!(self.asked.operation));
            members.insert("amount".to_owned(), json!(self.asked.amount));
            members.insert("currency".to_owned(), json!(self.asked.currency));
        }
        listed
    }

    fn approve(&mut self) {
        self.status = Status::Approved;
        "ok".clone_into(&mut self.result);
        self.approvals += 1;
        self.await_credit();
    }

    fn decline(&mut self, result: &str) {
        self.status = Status::Declined;
        result.clone_into(&mut self.result);
    }

    /// Whether its customer decides.
    pub(super) fn is_customers(&self) -> bool {
        matches!(self.asked.operation.as_str(), "sale" | "auth" | "agreement") && !self.signed
    }

    /// As the protocol describes it. `base` is where browsers reach the provider.
    pub(super) fn told(&self, base: &str) -> Value {
        let mut told = json!({
            "reference": self.reference,
            "id": self.id,
            "operation": self.asked.operation,
            "status": self.status,
            "result": self.result,
        });
        if !self.asked.operation.is_empty()
            && let Some(object) = told.as_object_mut()
        {
            let is_done = self.status == Status::Approved;
            object.insert("amount".to_owned(), if is_done { self.paid } else { self.asked.amount }.into());
            object.insert("currency".to_owned(), self.asked.currency.as_str().into());
        }
        if let Some(object) = told.as_object_mut() {
            self.add_words(object);
            self.add_stage(object);
        }
        if let (Status::Approved, Some(credit)) = (self.status, self.credit)
            && let Some(object) = told.as_object_mut()
        {
            object.insert("credit".to_owned(), json!(credit));
        }
        if self.status == Status::Pending
            && self.is_customers()
            && let Some(object) = told.as_object_mut()
        {
            object.insert("action".to_owned(), self.action(base));
        }
        told
    }

    fn action(&self, base: &str) -> Value {
        let page = format!("{base}/generic/pay?t={}", self.token);
        let item =
            |kind: &str, title: &str, data: &str| json!({ "kind": kind, "title": title, "data": data });
        match self.asked.family.as_str() {
            "display" => json!({ "type": "display", "items": [
                item("qr", "Scan to pay", &page),
                item("text", "Payment reference", &self.id),
            ]}),
            "push" => json!({ "type": "display", "items": [
                item("text", "Confirm the payment", "Open your app and confirm the payment."),
                item("qr", "Simulated app", &page),
            ]}),
            _ => json!({ "type": "redirect", "method": "GET", "url": page }),
        }
    }
}

/// What the customer will pay: another amount than was asked for where the description has one, as `[paid=900]`.
fn paid(asked: &Asked) -> i64 {
    let other = asked.description.split_once("[paid=").and_then(|(_, rest)| rest.split_once(']'));
    let other = other.and_then(|(minor, _)| minor.parse::<i64>().ok());
    other.filter(|minor| asked.operation == "sale" && *minor > 0).unwrap_or(asked.amount)
}
