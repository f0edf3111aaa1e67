//! The acquirer's messages as people look at them.
//!
//! What is kept of a message is what can be shown: the card number masked, no verification value. Names, meanings and
//! texts are made when somebody looks.

use super::{
    codes,
    link::Exchange,
    message::{Answer, Class, Request, ResponseCode},
    reference::Reference,
};
use ferropay_domain::{
    codes::Code,
    money::{Currency, Money},
};
use ferropay_engine::recorder::{Content, Field};
use std::borrow::Cow;

/// What tells one request from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    mti: [u8; 4],
    processing: u64,
    reference: Reference,
}

/// A request that left.
#[derive(Debug)]
pub(super) struct Sent {
    question: Question,
    /// With asterisks in the middle, and how much of it there is.
    pan: ([u8; 19], usize),
    amount: u64,
    currency: u16,
    category: u16,
    made_at: jiff::Timestamp,
}

/// An answer that came.
#[derive(Debug)]
pub(super) struct Received {
    answer: Answer,
    /// The card's network, which decides what some codes mean.
    network: &'static str,
}

/// An answer that did not come.
#[derive(Debug)]
pub(super) struct Missing {
    question: Question,
    why: Exchange,
}

impl Sent {
    pub(super) fn of(request: &Request) -> Self {
        let attempt = request.attempt();
        Self {
            question: Question {
                mti: request.key().class.request(attempt.repeat),
                processing: request.processing().code(),
                reference: attempt.reference,
            },
            pan: masked(attempt.pan.expose()),
            amount: attempt.amount,
            currency: attempt.currency,
            category: attempt.category,
            made_at: attempt.made_at,
        }
    }

    /// What an answer will be about.
    pub(super) const fn question(&self) -> Question {
        self.question
    }
}

impl Missing {
    pub(super) const fn of(question: Question, why: Exchange) -> Self {
        Self { question, why }
    }
}

impl Received {
    pub(super) fn of(answer: Answer, network: &'static str) -> Self {
        Self { answer, network }
    }

    /// The code with its meaning to a merchant.
    fn meaning(&self) -> (codes::Meaning, String) {
        let meaning = codes::meaning(self.network, self.answer.code);
        let code = text(&self.answer.code.0);
        let told = if self.answer.code == ResponseCode::APPROVED {
            format!("{code} approved")
        } else if meaning.approved {
            format!("{code} approved in part")
        } else {
            let gate = Code::new(meaning.gate_code);
            format!("{code}: {gate} {}", gate.known_message().unwrap_or("declined"))
        };
        (meaning, told)
    }
}

/// The first six and the last four digits; everything when there is less than that, which is no card number.
fn masked(pan: &[u8]) -> ([u8; 19], usize) {
    let mut shown = [b'*'; 19];
    let hidden = 6..pan.len().saturating_sub(4);
    for (index, (place, digit)) in shown.iter_mut().zip(pan).enumerate() {
        if !hidden.contains(&index) {
            *place = *digit;
        }
    }
    (shown, pan.len().min(19))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The message type of the answer to a request.
fn answer_to(class: Class) -> [u8; 4] {
    let mut mti = class.request(false);
    if let Some(function) = mti.get_mut(2) {
        *function += 1;
    }
    mti
}

/// What a message is about, by its type and processing code.
fn subject(mti: [u8; 4], processing: u64) -> &'static str {
    match (mti.get(1..3), processing) {
        (Some(b"10" | b"11"), 0) => "authorisation",
        (Some(b"10" | b"11"), 330_000) => "verification",
        (Some(b"10" | b"11"), 390_000) => "code request",
        (Some(b"20" | b"21"), 0) => "purchase",
        (Some(b"20" | b"21"), 200_000) => "refund",
        (Some(b"20" | b"21"), 260_000) => "credit",
        (Some(b"22" | b"23"), _) => "capture",
        (Some(b"40" | b"41"), 200_000) => "refund cancellation",
        (Some(b"40" | b"41"), 260_000) => "credit cancellation",
        (Some(b"40" | b"41"), _) => "reversal",
        (Some(b"42" | b"43"), _) => "reversal advice",
        _ => "message",
    }
}

fn amount(minor: u64, currency: u16) -> String {
    let money = i64::try_from(minor).ok().zip(Currency::from_numeric(currency).ok());
    let shown = money.map(|(minor, currency)| Money::new(minor, currency).to_string()).unwrap_or_default();
    format!("{minor:012} ({shown})")
}

fn field(name: &'static str, meaning: &'static str, value: impl Into<String>) -> Field {
    Field { name: name.into(), meaning, value: value.into() }
}

impl Content for Sent {
    fn name(&self) -> Cow<'_, str> {
        format!(
            "{} {} request",
            text(&self.question.mti),
            subject(self.question.mti, self.question.processing)
        )
        .into()
    }

    fn result(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn succeeded(&self) -> Option<bool> {
        None
    }

    fn fields(&self) -> Vec<Field> {
        let (pan, length) = &self.pan;
        let made = self.made_at.strftime("%m%d %H%M%S").to_string();
        vec![
            field("MTI", "message type", text(&self.question.mti)),
            field("DE2", "card number", text(pan.get(..*length).unwrap_or_default())),
            field("DE3", "processing code", format!("{:06}", self.question.processing)),
            field("DE4", "amount", amount(self.amount, self.currency)),
            field("DE13, DE12", "local date and time", made),
            field("DE18", "merchant category", format!("{:04}", self.category)),
            field("DE37", "reference", text(&self.question.reference.encode())),
            field("DE49", "currency", format!("{:03}", self.currency)),
        ]
    }
}

impl Content for Received {
    fn name(&self) -> Cow<'_, str> {
        let mti = answer_to(self.answer.key.class);
        format!("{} {} answer", text(&mti), subject(mti, self.answer.processing.into())).into()
    }

    fn result(&self) -> Option<Cow<'_, str>> {
        Some(self.meaning().1.into())
    }

    fn succeeded(&self) -> Option<bool> {
        Some(self.meaning().0.approved)
    }

    fn fields(&self) -> Vec<Field> {
        let Answer { key, processing, currency, trace, .. } = self.answer;
        let mut fields = vec![
            field("MTI", "message type", text(&answer_to(key.class))),
            field("DE3", "processing code", format!("{processing:06}")),
            field("DE4", "amount", amount(self.answer.amount, currency)),
            field("DE11", "trace number", format!("{trace:06}")),
            field("DE37", "reference", text(&key.reference.encode())),
        ];
        fields.extend(self.answer.approval_code.map(|code| field("DE38", "approval code", code.as_str())));
        fields.push(field("DE39", "response code", self.meaning().1));
        fields.push(field("DE41", "terminal", self.answer.terminal_id.as_str()));
        fields.push(field("DE42", "merchant", self.answer.merchant_id.as_str()));
        fields.extend(
            self.answer
                .cvv_result
                .map(|result| field("DE48 tag 01", "verification value", format!("{result:?}"))),
        );
        fields.extend(
            self.answer
                .network_transaction
                .map(|id| field("DE48 tag 08", "network transaction", id.as_str())),
        );
        fields.push(field("DE49", "currency", format!("{currency:03}")));
        fields
    }
}

impl Content for Missing {
    fn name(&self) -> Cow<'_, str> {
        format!("no answer to the {}", subject(self.question.mti, self.question.processing)).into()
    }

    fn result(&self) -> Option<Cow<'_, str>> {
        Some(self.why.to_string().into())
    }

    fn succeeded(&self) -> Option<bool> {
        Some(false)
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            field("MTI", "message type of the request", text(&self.question.mti)),
            field("DE37", "reference", text(&self.question.reference.encode())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ends_of_a_card_number_are_kept() {
        for (pan, shown) in [
            ("4314220000000056", "431422******0056"),
            ("431422000000", "431422**0000"),
            ("4314220000000000056", "431422*********0056"),
        ] {
            let (digits, length) = masked(pan.as_bytes());
            assert_eq!(text(&digits[..length]), shown);
        }
    }

    #[test]
    fn messages_are_named_by_type_and_processing_code() {
        for (mti, processing, name) in [
            (b"0200", 0, "purchase"),
            (b"0201", 0, "purchase"),
            (b"0210", 200_000, "refund"),
            (b"0200", 260_000, "credit"),
            (b"0210", 260_000, "credit"),
            (b"0401", 260_000, "credit cancellation"),
            (b"0410", 260_000, "credit cancellation"),
            (b"0400", 0, "reversal"),
            (b"0430", 0, "reversal advice"),
            (b"0110", 330_000, "verification"),
        ] {
            assert_eq!(subject(*mti, processing), name);
        }
        assert_eq!(&answer_to(Class::Financial), b"0210");
        assert_eq!(&answer_to(Class::Advice), b"0430");
    }
}
