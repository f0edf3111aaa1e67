//! The objects that callbacks and status replies share: payment, account, customer, operation.
//!
//! Values the platform chooses stay in the subset on which all official clients agree: no null, integers only,
//! no list longer than ten, members left out when there is nothing to say.

mod errors;
mod mpi;
mod series;
mod waiting;

pub use errors::ErrorView;
pub use mpi::MpiView;
pub use series::{RecurringView, RetryView, scheme_id, series_body};
pub(crate) use series::{day, time};
pub use waiting::{
    AcsView, ClarificationFields, DisplayView, FormView, RedirectView, ThreeDs2View, WaitingView,
};

use crate::mask;
use ferropay_domain::{
    card::DeviceWallet,
    codes::Code,
    ids::ProviderAccountId,
    money::Money,
    payment::{
        AnswerWords, Attempt, Customer, Exemption, Operation, OperationStatus, Payment, PaymentDetail,
        ProviderAnswer,
    },
    time::Timestamp,
};
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap};

/// A moment as callbacks write it: `2026-11-21T12:45:48+0000` (G-067).
pub fn date(moment: Timestamp) -> String {
    let Some(civil) = moment.civil() else { return String::new() };
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let mut text = String::with_capacity("2026-11-21T12:45:48+0000".len());
    // Every callback holds several: the general way of writing numbers takes ten times as long.
    two_digits(&mut text, at.year().div_euclid(100));
    two_digits(&mut text, at.year().rem_euclid(100));
    let rest = [('-', at.month()), ('-', at.day()), ('T', at.hour()), (':', at.minute()), (':', at.second())];
    for (before, number) in rest {
        text.push(before);
        two_digits(&mut text, i16::from(number));
    }
    text.push_str("+0000");
    text
}

/// Writes a number below 100.
fn two_digits(text: &mut String, number: i16) {
    for digit in [number / 10, number % 10] {
        text.push(u8::try_from(digit).map_or('0', |digit| char::from(b'0'.saturating_add(digit))));
    }
}

/// A moment as 3-D Secure writes it: `202611211245`, UTC.
pub(crate) fn moment(moment: Timestamp) -> String {
    moment.civil().map_or_else(String::new, |civil| civil.strftime("%Y%m%d%H%M").to_string())
}

/// An amount.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sum {
    /// Minor units.
    pub amount: i64,
    /// Three letters.
    pub currency: ferropay_domain::money::Currency,
}

impl From<Money> for Sum {
    fn from(money: Money) -> Self {
        Self { amount: money.minor, currency: money.currency }
    }
}

/// `payment` (G-094).
#[derive(Debug, Serialize)]
pub struct PaymentView<'a> {
    id: &'a str,
    r#type: &'static str,
    status: &'static str,
    date: String,
    method: &'a str,
    sum: Sum,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_new_attempts_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cascading_with_redirect: Option<bool>,
}

/// Whether the customer was led away before, when an account that the purchase went on to wants them authenticated;
/// until the operation ends (G-517).
pub(crate) fn cascading_with_redirect(operation: &Operation) -> Option<bool> {
    operation.detail.authentication.as_deref()?.again.filter(|_| !operation.status.is_final())
}

/// Whether the customer may try again at `now` (business time), and for how many seconds: `false` and 0 when not. Only
/// payments of projects that have further attempts say it (G-111, G-512, G-514).
pub(crate) fn further_attempts(payment: &Payment, now: Timestamp) -> Option<(bool, u64)> {
    payment.detail.attempts.as_ref()?;
    let left = payment.attempt_time(now);
    Some((left.is_some(), left.map_or(0, |left| left.as_secs())))
}

impl<'a> PaymentView<'a> {
    /// The payment as it stands at `now` (business time).
    pub fn at(payment: &'a Payment, now: Timestamp) -> Self {
        let attempts = further_attempts(payment, now);
        // Until somebody pays by it a link tells how long it is valid (D-38).
        let link = payment.detail.link.as_deref().filter(|_| payment.detail.card.is_none());
        Self {
            id: payment.id.as_str(),
            r#type: payment.kind.text(),
            status: payment.status.text(),
            date: date(payment.updated_at),
            method: method(payment),
            sum: payment.sum().into(),
            description: &payment.detail.description,
            best_before: link.map(|link| date(link.best_before)),
            is_new_attempts_available: attempts.map(|(available, _)| available),
            attempts_timeout: attempts.map(|(_, seconds)| seconds),
            cascading_with_redirect: None,
        }
    }

    /// The same with what `operation`, the payment's latest, says of it.
    #[must_use]
    pub fn about(self, operation: &Operation) -> Self {
        Self { cascading_with_redirect: cascading_with_redirect(operation), ..self }
    }
}

/// The code of the payment method. By a link nobody has paid by it is the one the merchant chose, if any.
pub(crate) fn method(payment: &Payment) -> &str {
    if let Some(method) = payment.method() {
        return method.get().callback_name();
    }
    if let (None, Some(link)) = (&payment.detail.card, payment.detail.link.as_deref()) {
        return link.method.as_deref().unwrap_or_default();
    }
    by_card(payment.detail.wallet)
}

/// The code of cards, or of the wallet that handed one out.
pub(crate) const fn by_card(wallet: Option<DeviceWallet>) -> &'static str {
    match wallet {
        None => "card",
        Some(DeviceWallet::ApplePay) => "etoken",
        Some(DeviceWallet::GooglePay) => "google-pay",
    }
}

/// `account` (G-097).
#[derive(Debug, Serialize)]
pub struct AccountView<'a> {
    number: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_year: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_created_at: Option<String>,
}

impl<'a> AccountView<'a> {
    /// What is known of a payment's card or of the customer's account; nothing when neither is. Of a card that was paid out
    /// to without saying when it expires, less is known (G-312). Where it is known to the project as the customer's, its
    /// identifier and its token are told (G-406, G-416).
    pub fn of(detail: &'a PaymentDetail) -> Option<Self> {
        let known = detail.instrument.as_deref();
        let Some(card) = detail.card.as_ref() else {
            let id = known.filter(|known| known.saved).map(|known| known.id.get());
            return Some(Self { id, ..Self::of_account(detail.method.as_ref()?.account.as_deref()?) });
        };
        Some(Self {
            number: Cow::Borrowed(&card.masked),
            r#type: Some(card.network.code()),
            card_holder: card.holder.as_deref().map(str::to_uppercase),
            expiry_month: card.expiry.map(|expiry| format!("{:02}", expiry.month)),
            expiry_year: card.expiry.map(|expiry| format!("{:04}", expiry.year)),
            id: known.filter(|known| known.saved).map(|known| known.id.get()),
            token: known.and_then(|known| known.token.as_deref()),
            token_created_at: known.and_then(|known| known.token_created_at).map(date),
        })
    }

    /// An account of another method than cards: its number only (G-098).
    fn of_account(number: &'a str) -> Self {
        Self {
            number: shown_account(number),
            r#type: None,
            card_holder: None,
            expiry_month: None,
            expiry_year: None,
            id: None,
            token: None,
            token_created_at: None,
        }
    }
}

/// The number of an account as it is told. What looks like a card's number is masked.
pub(crate) fn shown_account(number: &str) -> Cow<'_, str> {
    let is_card = mask::may_hold_card_data(number);
    if is_card { Cow::Owned(mask::masked_text(number)) } else { Cow::Borrowed(number) }
}

/// `customer` (G-099): the identifier and what the request said of the person.
#[derive(Debug, Serialize)]
pub struct CustomerView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<&'a str>,
}

impl<'a> CustomerView<'a> {
    /// The customer as callbacks show them.
    pub fn of(customer: &'a Customer) -> Self {
        Self {
            id: customer.id.as_deref(),
            phone: customer.phone.as_deref(),
            first_name: customer.first_name.as_deref(),
            middle_name: customer.middle_name.as_deref(),
            last_name: customer.last_name.as_deref(),
            ip_address: None,
        }
    }

    /// The identifier alone, for projects that want no more of them (G-099).
    pub fn named(customer: &'a Customer) -> Self {
        let of_whom = Self::of(customer);
        Self { phone: None, first_name: None, middle_name: None, last_name: None, ..of_whom }
    }

    /// The same with the address, which status replies demand by contract.
    #[must_use]
    pub fn with_address(self, customer: &'a Customer) -> Self {
        Self { ip_address: customer.ip_address.as_deref(), ..self }
    }
}

/// `operation.provider` (G-101, G-102).
#[derive(Debug, Serialize)]
pub struct ProviderView<'a> {
    id: i64,
    payment_id: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    date: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    auth_code: &'a str,
    endpoint_id: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    result_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_message: Option<Cow<'a, str>>,
}

impl<'a> ProviderView<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let account = attempt.account.get();
        match &attempt.answer {
            Some(answer) => Self {
                id: account,
                payment_id: &answer.payment_id,
                date: date(answer.at),
                auth_code: &answer.auth_code,
                endpoint_id: account,
                result_code: &answer.result_code,
                result_message: said(Some(answer), |words| &words.message),
            },
            None => Self::untouched(attempt.account),
        }
    }

    /// The account alone: nothing was heard from it, or nothing was sent to it.
    fn untouched(account: ProviderAccountId) -> Self {
        Self {
            id: account.get(),
            payment_id: "",
            date: String::new(),
            auth_code: "",
            endpoint_id: account.get(),
            result_code: "",
            result_message: None,
        }
    }
}

/// `operation` (G-101).
#[derive(Debug, Serialize)]
pub struct OperationView<'a> {
    id: i64,
    r#type: &'static str,
    status: &'static str,
    date: String,
    created_date: String,
    request_id: String,
    sum_initial: Sum,
    sum_converted: Sum,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eci: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_validation_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_3ds_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_fee: Option<Sum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderView<'a>>,
}

impl<'a> OperationView<'a> {
    /// The operation in a list of all there are.
    pub fn listed(payment: &Payment, operation: &'a Operation, attempt: Option<&'a Attempt>) -> Self {
        // By contract a listed operation has no longer text.
        let message = reasons(operation, told_code(operation, attempt));
        Self { message, description: None, ..Self::of(payment, operation, attempt) }
    }

    /// The operation with its latest attempt. Without conversion both sums are equal (G-104). A return that was refused
    /// at once names the account that took the money, as published examples do (G-297), and a second step that of the
    /// hold.
    pub fn of(payment: &Payment, operation: &'a Operation, attempt: Option<&'a Attempt>) -> Self {
        let code = told_code(operation, attempt);
        Self {
            id: operation.id.get(),
            r#type: operation.kind.text(),
            status: operation.status.text(),
            date: date(operation.updated_at),
            created_date: date(operation.created_at),
            request_id: operation.request.to_string(),
            sum_initial: operation.amount.into(),
            sum_converted: operation.processed().into(),
            code: match code.get() {
                0 => Cow::Borrowed("0"),
                9999 => Cow::Borrowed("9999"),
                other => Cow::Owned(other.to_string()),
            },
            message: Cow::Borrowed(code.message()),
            description: attempt
                .filter(|_| operation.status == OperationStatus::Decline)
                .and_then(|attempt| said(attempt.answer.as_ref(), |words| &words.description)),
            eci: operation.detail.eci.as_deref(),
            name_validation_result: answered(operation, attempt, |answer| &answer.name_check),
            non_3ds_reason: exemption(operation),
            operation_fee: None,
            provider: attempt
                .map(ProviderView::of)
                .or_else(|| earlier_account(payment).map(ProviderView::untouched)),
        }
    }
}

impl OperationView<'_> {
    /// The same with what the operation cost the merchant, where that is told (G-103) and it cost anything.
    #[must_use]
    pub fn with_fee(self, operation: &Operation, told: bool) -> Self {
        let minor = operation.detail.fee_minor;
        let cost = told && operation.status.is_final() && minor > 0;
        let fee = cost.then(|| Sum::from(Money::new(minor, operation.amount.currency)));
        Self { operation_fee: fee, ..self }
    }
}

/// The code an operation is told with: while it is under way, that of its provider where it says how long to wait
/// (G-486).
pub(crate) fn told_code(operation: &Operation, attempt: Option<&Attempt>) -> Code {
    let waits = || attempt?.answer.as_ref()?.waits;
    if operation.status.is_final() { operation.code } else { waits().unwrap_or(operation.code) }
}

/// `operations[].message`: what the code says; of a purchase that failed through several accounts, the reason of each in
/// their order (G-518).
pub(crate) fn reasons(operation: &Operation, code: Code) -> Cow<'static, str> {
    let last = code.message();
    let earlier = &operation.detail.failed_tries;
    if earlier.is_empty() || operation.status != OperationStatus::Decline {
        return Cow::Borrowed(last);
    }
    let all = earlier.iter().map(|failed| failed.code.message()).chain([last]);
    Cow::Owned(all.collect::<Vec<_>>().join("; "))
}

/// Why the customer was not authenticated, where an operation that has ended was exempt from it (G-195).
fn exemption(operation: &Operation) -> Option<&'static str> {
    let request = operation.detail.card.as_deref().filter(|_| operation.status.is_final())?;
    request.exemption.map(Exemption::text)
}

/// The account an earlier operation of the payment went through.
fn earlier_account(payment: &Payment) -> Option<ProviderAccountId> {
    let debit = payment.detail.debit.as_ref().map(|debit| debit.account);
    debit.or_else(|| payment.detail.hold.as_ref().map(|hold| hold.account))
}

/// A text of the provider's answer that only final operations show, and only when the provider said it.
fn answered<'a>(
    operation: &Operation,
    attempt: Option<&'a Attempt>,
    text: impl FnOnce(&'a ProviderAnswer) -> &'a String,
) -> Option<&'a str> {
    let answer = attempt.filter(|_| operation.status.is_final())?.answer.as_ref()?;
    Some(text(answer).as_str()).filter(|text| !text.is_empty())
}

/// A text in a provider's own words, with whatever could be card data masked.
fn said<'a>(
    answer: Option<&'a ProviderAnswer>,
    text: impl FnOnce(&'a AnswerWords) -> &'a String,
) -> Option<Cow<'a, str>> {
    let text = text(answer?.words.as_deref()?).as_str();
    (!text.is_empty()).then(|| shown_account(text))
}

/// `provider_extra_fields`: what the provider hands on to the merchant, in the final callback (G-098, G-128).
pub fn extra_fields<'a>(
    operation: &Operation,
    attempt: Option<&'a Attempt>,
) -> Option<BTreeMap<&'a str, Cow<'a, str>>> {
    let answer = attempt.filter(|_| operation.status.is_final())?.answer.as_ref()?;
    let fields = &answer.words.as_deref()?.extra_fields;
    let all = || fields.iter().map(|(name, value)| (name.as_str(), shown_account(value))).collect();
    (!fields.is_empty()).then(all)
}

/// `avs_result`: one letter, in the final callback of an operation whose address was checked (G-233).
pub fn avs_result<'a>(operation: &Operation, attempt: Option<&'a Attempt>) -> Option<&'a str> {
    answered(operation, attempt, |answer| &answer.avs_result)
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-067
    #[test]
    fn dates_are_written_in_utc_with_a_numeric_offset() {
        assert_eq!(date(Timestamp::from_seconds(1_573_656_734)), "2019-11-13T14:52:14+0000");
        for seconds in (0..253_402_300_799_i64).step_by(98_765_431).chain([253_402_207_199]) {
            let moment = Timestamp::from_seconds(seconds);
            let expected = moment.civil().unwrap().strftime("%Y-%m-%dT%H:%M:%S+0000").to_string();
            assert_eq!(date(moment), expected);
        }
    }
}
