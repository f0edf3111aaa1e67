//! What a provider of payment methods says: where a transaction stands, when it is asked and of its own accord.

use crate::method_ledger::{State, Transaction};
use ferropay_domain::{
    codes::{self, Code},
    decide::Outcome,
    ids::AttemptId,
    method::Family,
    money::{Currency, Money},
    payment::{Ask, DisplayItem, Form, ProviderAnswer, Shown},
    time::Timestamp,
};
use ferropay_engine::connector::ProviderNotice;
use serde_json::Value;

/// Where a transaction stands, as the platform is answered.
pub(crate) fn said(it: &Transaction, attempt: AttemptId, at: Timestamp) -> Outcome {
    match it.state {
        _ if it.undone => {
            Outcome::Declined { code: codes::METHOD_DECLINE, answer: answer(attempt, "cancelled", at) }
        }
        State::Approved => {
            let answer = ProviderAnswer { credit: it.credit, ..answer(attempt, "ok", at) };
            Outcome::Approved { amount: it.paid, answer }
        }
        State::Declined(code) => Outcome::Declined { code, answer: answer(attempt, "refused", at) },
        State::Pending => {
            let action = it.customers.then(|| Box::new(action(it.method.family, attempt)));
            let ordered = it.ask == Ask::Sale && it.original.is_none() && it.decided_at.is_some();
            let finalizing = ordered && it.method.family == Family::Redirect;
            let answer = ProviderAnswer { finalizing, ..answer(attempt, "", at) };
            Outcome::Pending { answer, shown: action }
        }
    }
}

fn action(family: Family, attempt: AttemptId) -> Shown {
    let page = format!("http://method.example/pay/{}", attempt.reference());
    match family {
        Family::Redirect | Family::Contract => {
            Shown::Redirect { form: Form { url: page, fields: Vec::new() }, post: false }
        }
        Family::Display | Family::Push => {
            Shown::Display(vec![DisplayItem { qr: true, title: "Scan to pay".to_owned(), data: page }])
        }
    }
}

pub(crate) fn answer(attempt: AttemptId, result: &str, at: Timestamp) -> ProviderAnswer {
    ProviderAnswer {
        result_code: result.to_owned(),
        payment_id: format!("M{}", attempt.reference()),
        at,
        ..ProviderAnswer::default()
    }
}

/// What a notice says; none when it cannot be read.
pub(crate) fn read(body: &[u8], at: Timestamp) -> Option<ProviderNotice> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let attempt = AttemptId::from_reference(body.get("attempt")?.as_i64()?);
    let outcome = if let Some(code) = body.get("declined").and_then(Value::as_u64) {
        Outcome::Declined {
            code: Code::new(u32::try_from(code).ok()?),
            answer: answer(attempt, "refused", at),
        }
    } else {
        let currency = Currency::parse(body.get("currency")?.as_str()?).ok()?;
        let amount = Money::new(body.get("minor")?.as_i64()?, currency);
        let credit = body.get("credit").and_then(|it| serde_json::from_value(it.clone()).ok());
        Outcome::Approved { amount, answer: ProviderAnswer { credit, ..answer(attempt, "ok", at) } }
    };
    Some(ProviderNotice { id: body.get("id")?.as_str()?.to_owned(), attempt, outcome })
}
