//! What is sent and what comes back, as JSON.

use super::results;
use ferropay_domain::{
    codes,
    decide::Outcome,
    ids::AttemptId,
    money::{Currency, Money},
    payee::{PayeeAnswer, Verdict},
    payment::{AnswerWords, Ask, Credit, DisplayItem, Form, ProviderAnswer, Shown},
    time::Timestamp,
};
use ferropay_engine::connector::{MethodOrder, Order, PayeeOrder};
use ferropay_engine::recorder::{Content, Field};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// A transaction as it is put.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Put<'a> {
    operation: &'static str,
    method: &'a str,
    family: &'static str,
    amount: i64,
    currency: Currency,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
    /// What the customer is to agree to: the kind of later debits.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<&'static str>,
    shop: &'a str,
    payment_id: &'a str,
    description: &'a str,
    data: &'a BTreeMap<String, String>,
    return_url: &'a str,
    notification_url: &'a str,
    /// Seconds since the epoch.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

impl<'a> Put<'a> {
    /// None for what the protocol does not have.
    pub(super) fn of(order: &'a Order, method: &'a MethodOrder) -> Option<Self> {
        Some(Self {
            operation: match order.ask {
                Ask::Sale if order.credential.as_ref().is_some_and(|it| !it.is_first) => "debit",
                Ask::Sale => "sale",
                Ask::Verify => "agreement",
                Ask::Auth => "auth",
                Ask::Capture => "capture",
                Ask::Release => "release",
                Ask::Refund => "refund",
                Ask::Void => "reversal",
                Ask::Payout => "payout",
                Ask::UndoPayout => "payout_reversal",
                _ => return None,
            },
            method: &method.method.get().code,
            family: method.method.family.text(),
            amount: order.amount.minor,
            currency: order.amount.currency,
            original: order.original.as_ref().map(|original| original.attempt.reference().to_string()),
            agreement: order.credential.as_ref().filter(|it| it.is_first).map(|it| it.kind.text()),
            shop: &method.shop,
            payment_id: &method.payment_id,
            description: &method.description,
            data: &method.data,
            return_url: &method.return_url,
            notification_url: &method.notification_url,
            expires_at: method.expires_at.seconds(),
            fault: order.fault_plan.as_deref(),
        })
    }

    pub(super) fn said(&self, reference: &str) -> Said {
        let mut fields = vec![
            field("reference", "the attempt", reference),
            field("method", "payment method", self.method),
            field("amount", "minor units", &self.amount.to_string()),
            field("currency", "currency", self.currency.code()),
        ];
        fields.extend(self.original.as_ref().map(|it| field("original", "what it refers to", it)));
        fields.extend(self.agreement.map(|it| field("agreement", "later debits", it)));
        Said { name: format!("PUT transaction, {}", self.operation), result: None, succeeded: None, fields }
    }
}

/// A transaction as the provider describes it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Transaction {
    #[serde(deserialize_with = "line")]
    pub(super) reference: String,
    #[serde(default, deserialize_with = "line")]
    id: String,
    status: Status,
    #[serde(default, deserialize_with = "line")]
    result: String,
    /// Amount and currency are missing of a reference that was cancelled before it was put.
    #[serde(default)]
    amount: i64,
    #[serde(default)]
    currency: Option<Currency>,
    #[serde(default)]
    action: Option<Action>,
    /// Whether the money reached whom it is for, of what is approved.
    #[serde(default, deserialize_with = "lenient")]
    credit: Option<Credit>,
    /// How far it has come while it is pending.
    #[serde(default)]
    stage: Option<Stage>,
    /// The text that goes with the result.
    #[serde(default, deserialize_with = "lenient")]
    message: String,
    /// A longer text of a refusal.
    #[serde(default, deserialize_with = "lenient")]
    description: String,
    /// What is handed on to the merchant.
    #[serde(default, deserialize_with = "texts")]
    extra: BTreeMap<String, String>,
}

/// Stands for a character that cannot be kept.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// A text of one line: each control character in it is replaced, so that texts that differ still do.
pub(super) fn line<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    let text = String::deserialize(text)?;
    Ok(text.chars().map(|it| if it.is_control() { REPLACEMENT } else { it }).collect())
}

/// A text that may have lines. U+0000, which no database keeps, is replaced.
fn text<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    Ok(storable(String::deserialize(text)?))
}

fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', REPLACEMENT.encode_utf8(&mut [0; 4])) } else { text }
}

/// Names and values of a form.
fn pairs<'de, D: Deserializer<'de>>(pairs: D) -> Result<BTreeMap<String, String>, D::Error> {
    let pairs = BTreeMap::<String, String>::deserialize(pairs)?;
    Ok(pairs.into_iter().map(|(name, value)| (storable(name), storable(value))).collect())
}

/// A member that must not keep an outcome from being read: what it is not known to be counts as missing.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(value: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(value)?).unwrap_or_default())
}

/// The members of an object that are texts.
fn texts<'de, D: Deserializer<'de>>(value: D) -> Result<BTreeMap<String, String>, D::Error> {
    let members: BTreeMap<String, Value> = lenient(value)?;
    let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
    Ok(members.into_iter().filter_map(text).collect())
}

/// Longest texts that are kept of an answer, characters: one for merchants, a longer one, and a member handed on.
const LONGEST_TEXTS: (usize, usize, usize) = (255, 1_000, 255);

/// Most members that are handed on; clients sign longer lists differently.
const MOST_EXTRA: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Approved,
    Declined,
    Pending,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// The customer is done.
    Finalizing,
    #[serde(other)]
    Other,
}

/// What the customer has to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Action {
    Redirect {
        #[serde(deserialize_with = "text")]
        url: String,
        #[serde(default)]
        method: Option<String>,
        #[serde(default, deserialize_with = "pairs")]
        fields: BTreeMap<String, String>,
    },
    Display {
        items: Vec<Item>,
    },
}

#[derive(Clone, Debug, Deserialize)]
struct Item {
    kind: String,
    #[serde(deserialize_with = "text")]
    title: String,
    #[serde(deserialize_with = "text")]
    data: String,
}

impl Transaction {
    /// The attempt it is about.
    pub(super) fn attempt(&self) -> Option<AttemptId> {
        let reference: i64 = self.reference.parse().ok().filter(|it| *it > 0)?;
        Some(AttemptId::from_reference(reference))
    }

    /// Whether nothing of it is done, or it was taken back.
    pub(super) const fn is_undone(&self) -> bool {
        matches!(self.status, Status::Declined | Status::Cancelled)
    }

    /// What it says of the attempt; `at` is when it came.
    pub(super) fn outcome(self, at: Timestamp) -> Outcome {
        let answer = self.answer(at);
        match self.status {
            Status::Approved => match self.currency {
                Some(currency) => Outcome::Approved { amount: Money::new(self.amount, currency), answer },
                None => Outcome::Lost { repeatable: true },
            },
            Status::Declined | Status::Cancelled => {
                Outcome::Declined { code: results::code(&self.result), answer }
            }
            Status::Pending => {
                Outcome::Pending { answer, shown: self.action.and_then(Action::shown).map(Box::new) }
            }
        }
    }

    /// What it says of the crediting of a debit that the platform asks about, `amount` in all; `at` is when it came.
    pub(super) fn crediting(self, amount: Money, at: Timestamp) -> Outcome {
        let is_undone = self.is_undone();
        let credit = self.credit;
        let answer = self.answer(at);
        match credit {
            Some(Credit::Confirmed) if !is_undone => Outcome::Approved { amount, answer },
            Some(Credit::Pending) | None if !is_undone => Outcome::Pending { answer, shown: None },
            _ => Outcome::Declined { code: codes::NOT_CREDITED, answer },
        }
    }

    /// What it says in words, as far as it is kept.
    fn words(&self) -> Option<Box<AnswerWords>> {
        let (short, long, member) = LONGEST_TEXTS;
        let cut =
            |text: &str, most| text.chars().filter(|it| !it.is_control()).take(most).collect::<String>();
        let is_name = |name: &str| {
            let all = name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
            all && (1..=40).contains(&name.len())
        };
        let extra = self.extra.iter().filter(|(name, value)| is_name(name) && !value.is_empty());
        let words = AnswerWords {
            message: cut(&self.message, short),
            description: cut(&self.description, long),
            extra_fields: extra.take(MOST_EXTRA).map(|(name, it)| (name.clone(), cut(it, member))).collect(),
        };
        (words != AnswerWords::default()).then(|| Box::new(words))
    }

    fn answer(&self, at: Timestamp) -> ProviderAnswer {
        ProviderAnswer {
            result_code: self.result.chars().take(64).collect(),
            payment_id: self.id.chars().take(64).collect(),
            credit: self.credit,
            waits: (self.status == Status::Pending).then(|| results::waits(&self.result)).flatten(),
            finalizing: self.stage == Some(Stage::Finalizing) && self.status == Status::Pending,
            words: self.words(),
            at,
            ..ProviderAnswer::default()
        }
    }

    pub(super) fn said(&self, name: &'static str) -> Said {
        let status = match self.status {
            Status::Approved => "approved",
            Status::Declined => "declined",
            Status::Pending => "pending",
            Status::Cancelled => "cancelled",
        };
        let result = format!("{status} {}", self.result).trim().to_owned();
        let mut fields = vec![
            field("reference", "the attempt", &self.reference),
            field("id", "the provider's number", &self.id),
            field("status", "where it stands", status),
            field("result", "why", &self.result),
            field("amount", "minor units", &self.amount.to_string()),
            field("currency", "currency", self.currency.as_ref().map_or("", Currency::code)),
        ];
        let credit = self.credit.map(|credit| match credit {
            Credit::Pending => "pending",
            Credit::Confirmed => "confirmed",
            Credit::Failed => "failed",
        });
        fields.extend(credit.map(|it| field("credit", "whether it reached whom it is for", it)));
        let is_open = matches!(self.status, Status::Pending);
        let succeeded = (!is_open).then_some(matches!(self.status, Status::Approved));
        Said { name: name.to_owned(), result: Some(result), succeeded, fields }
    }
}

impl Action {
    /// None when there is nothing a browser or a merchant could do with it.
    fn shown(self) -> Option<Shown> {
        match self {
            Self::Redirect { url, method, fields } => {
                let is_page = reqwest::Url::parse(&url)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                let post = method.is_some_and(|method| method.eq_ignore_ascii_case("post"));
                let form = Form { url, fields: fields.into_iter().collect() };
                is_page.then_some(Shown::Redirect { form, post })
            }
            Self::Display { items } if items.is_empty() => None,
            Self::Display { items } => {
                let item =
                    |item: Item| DisplayItem { qr: item.kind == "qr", title: item.title, data: item.data };
                Some(Shown::Display(items.into_iter().map(item).collect()))
            }
        }
    }
}

/// A question about a payee.
#[derive(Debug, Serialize)]
pub(super) struct PayeeQuestion<'a> {
    reference: String,
    name: &'a str,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

impl<'a> PayeeQuestion<'a> {
    pub(super) fn of(order: &'a PayeeOrder) -> Self {
        Self {
            reference: order.id.get().to_string(),
            name: &order.name,
            account: &order.account,
            fault: order.fault_plan.as_deref(),
        }
    }
}

/// The answer to it.
#[derive(Debug, Deserialize)]
pub(super) struct PayeeSaid {
    result: Verdict,
    #[serde(default)]
    holder: Option<String>,
}

impl PayeeSaid {
    /// The holder's name is told where it is nearly the one that was asked about, and nowhere else.
    pub(super) fn answer(self) -> PayeeAnswer {
        let is_told = self.result == Verdict::CloseMatch;
        let holder = self.holder.filter(|_| is_told).map(|name| storable(name.chars().take(255).collect()));
        PayeeAnswer { verdict: self.result, holder }
    }
}

/// A notice.
#[derive(Debug, Deserialize)]
pub(super) struct Notice {
    #[serde(deserialize_with = "line")]
    pub(super) notification: String,
    pub(super) transaction: Transaction,
}

fn field(name: &'static str, meaning: &'static str, value: &str) -> Field {
    Field { name: Cow::Borrowed(name), meaning, value: value.to_owned() }
}

/// A message for people to look at.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) name: String,
    pub(super) result: Option<String>,
    pub(super) succeeded: Option<bool>,
    pub(super) fields: Vec<Field>,
}

impl Said {
    pub(super) fn plain(name: &str, result: Option<&str>, reference: &str) -> Self {
        Self {
            name: name.to_owned(),
            result: result.map(str::to_owned),
            succeeded: result.map(|_| false),
            fields: vec![field("reference", "the attempt", reference)],
        }
    }
}

impl Content for Said {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    fn result(&self) -> Option<Cow<'_, str>> {
        self.result.as_deref().map(Cow::Borrowed)
    }

    fn succeeded(&self) -> Option<bool> {
        self.succeeded
    }

    fn fields(&self) -> Vec<Field> {
        self.fields.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-026, G-160: the outcome counts, whatever else is said
    #[test]
    fn words_nobody_knows_keep_no_outcome_from_being_read() {
        let text = r#"{"reference":"513","status":"approved","amount":900,"currency":"EUR","message":null,
            "description":["a","b"],"extra":{"shop":"Books","points":7,"none":null},"credit":"on_its_way"}"#;
        let read: Transaction = serde_json::from_str(text).unwrap();
        let Outcome::Approved { amount, answer } = read.outcome(Timestamp::from_seconds(1)) else {
            panic!("it is approved")
        };
        assert_eq!((amount.minor, answer.credit), (900, None));
        let words = answer.words.unwrap();
        assert_eq!((words.message.as_str(), words.description.as_str()), ("", ""));
        assert_eq!(words.extra_fields, BTreeMap::from([("shop".to_owned(), "Books".to_owned())]));
        let text = r#"{"reference":"513","status":"approved","credit":"failed","extra":[]}"#;
        let read: Transaction = serde_json::from_str(text).unwrap();
        assert_eq!(read.credit, Some(Credit::Failed));
    }

    /// Every text of a debugging print; a character that cannot be kept would be escaped there.
    fn has_zero(value: &impl std::fmt::Debug) -> bool {
        format!("{value:?}").contains("\\0")
    }

    // U+0000 is kept by no database, and one in an answer would keep its outcome from being recorded for ever.
    #[test]
    fn no_text_of_an_answer_keeps_a_character_that_cannot_be_stored() {
        let said = r#"{"notification":"n\u00001","transaction":{"reference":"513","id":"p\u00007","status":"pending",
            "result":"wait\u0000ing","amount":900,"currency":"EUR","message":"a\u0000b","description":"c\u0000d",
            "extra":{"shop":"B\u0000ooks"},"action":ACTION}}"#;
        let actions = [
            r#"{"type":"display","items":[{"kind":"text","title":"t\u0000","data":"one\ntwo\u0000"}]}"#,
            r#"{"type":"redirect","url":"https://pay.example/\u0000","fields":{"na\u0000me":"val\u0000ue"}}"#,
        ];
        for action in actions {
            let notice: Notice = serde_json::from_str(&said.replace("ACTION", action)).unwrap();
            assert_eq!(notice.notification, "n\u{fffd}1");
            assert!(!has_zero(&notice.transaction.said("answer")));
            let Outcome::Pending { answer, shown } = notice.transaction.outcome(Timestamp::from_seconds(1))
            else {
                panic!("it is pending")
            };
            assert!(shown.is_some(), "{action}");
            assert!(!has_zero(&answer) && !has_zero(&shown), "{answer:?} {shown:?}");
            assert_eq!(
                (answer.payment_id.as_str(), answer.result_code.as_str()),
                ("p\u{fffd}7", "wait\u{fffd}ing")
            );
        }
        let payee: PayeeSaid =
            serde_json::from_str(r#"{"result":"close_match","holder":"J\u0000 Doe"}"#).unwrap();
        assert_eq!(payee.answer().holder.as_deref(), Some("J\u{fffd} Doe"));
    }
}
