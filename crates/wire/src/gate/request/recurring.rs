//! Series of stored credentials: their registration, debits, and what merchants do with them.

use super::{
    Part, Refusal, callback_address, callback_options, card::choice, currency, customer,
    method::has_callback, payment_id,
};
use crate::json::Value;
use ferropay_domain::{
    codes,
    decide::{CallbackOptions, Managed},
    ids::{OperationId, PaymentId, SeriesId},
    money::Money,
    payment::{CardRequest, Customer},
    series::{ExpiryParts, Interval, Period, Plan, SeriesKind},
};
use jiff::civil::{Date, Time};

/// What a request says of the series it is to register (G-352 to G-354).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesTerms {
    /// What the customer agreed to.
    pub kind: SeriesKind,
    /// What each debit is about, minor units.
    pub amount: Option<i64>,
    /// When it is debited.
    pub plan: Option<Plan>,
    /// How long it runs.
    pub expiry: ExpiryParts,
    /// The name of the payment of all debits.
    pub scheduled: Option<PaymentId>,
}

impl SeriesTerms {
    /// Reads `recurring` and `recurring_register`; none when nothing is to be registered. Without a kind the series is one
    /// with a schedule where there is one, else one whose debits the customer begins.
    ///
    /// # Errors
    /// A member that another one needs is missing (2004), or has a value that its type does not allow (502).
    pub(crate) fn read(body: &Value<'_>) -> Result<Option<Self>, Refusal> {
        let part = Part::of(body, "recurring");
        let register = part.flag("register")
            || (body.get("recurring_register").and_then(Value::as_bool) == Some(true)
                && part.get("register").and_then(Value::as_bool) != Some(false));
        if register { Self::wished(part).map(Some) } else { Ok(None) }
    }

    /// Reads the `recurring` of a mandate, which always registers a series, of a kind that has to be stated (G-474).
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub(super) fn of_mandate(body: &Value<'_>) -> Result<Self, Refusal> {
        let part = Part::of(body, "recurring");
        part.filled("type").ok_or_else(|| part.missing("type"))?;
        Self::wished(part)
    }

    /// Reads the `recurring` of an agreement that moves no money, which always registers a series (G-440).
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub(super) fn of_agreement(body: &Value<'_>) -> Result<Self, Refusal> {
        Self::wished(Part::of(body, "recurring"))
    }

    fn wished(part: Part<'_, '_>) -> Result<Self, Refusal> {
        let terms = terms(part)?;
        let kind = part.filled("type").and_then(SeriesKind::from_letter);
        let usual = if terms.period.is_some() { SeriesKind::Regular } else { SeriesKind::OneClick };
        let kind = kind.unwrap_or(usual);
        if terms.period.is_none() && (terms.interval.is_some() || terms.time.is_some()) {
            return Err(part.missing("period"));
        }
        if terms.scheduled.is_some() {
            if kind != SeriesKind::Regular {
                return Err(part.invalid("type"));
            }
            if terms.period.is_none() {
                return Err(part.missing("period"));
            }
            if terms.start.is_none() {
                return Err(part.missing("start_date"));
            }
        }
        let plan = terms.period.filter(|_| kind == SeriesKind::Regular).map(|period| Plan {
            period,
            interval: terms.interval.unwrap_or(Interval::ONE),
            time: terms.time,
            // Without the name of a payment the merchant makes the first debit.
            start: terms.start.filter(|_| terms.scheduled.is_some()),
        });
        let Terms { amount, expiry, scheduled, .. } = terms;
        Ok(Self { kind, amount, plan, expiry, scheduled })
    }
}

/// Members of `recurring` that registrations and updates share.
#[derive(Debug, Default)]
struct Terms {
    amount: Option<i64>,
    expiry: ExpiryParts,
    period: Option<Period>,
    interval: Option<Interval>,
    time: Option<Time>,
    start: Option<Date>,
    scheduled: Option<PaymentId>,
}

fn terms(part: Part<'_, '_>) -> Result<Terms, Refusal> {
    let number = |key| part.integer(key).and_then(|number| u8::try_from(number).ok());
    let interval = part.integer("interval").map(|it| u8::try_from(it).ok().and_then(|it| it.try_into().ok()));
    let scheduled = part.filled("scheduled_payment_id").map(PaymentId::parse).transpose();
    Ok(Terms {
        amount: part.integer("amount"),
        expiry: ExpiryParts {
            day: number("expiry_day"),
            month: number("expiry_month"),
            year: part.integer("expiry_year").and_then(|year| u16::try_from(year).ok()),
        },
        period: part.filled("period").and_then(Period::from_letter),
        interval: interval.map(|it| it.ok_or_else(|| part.invalid("interval"))).transpose()?,
        time: part
            .filled("time")
            .map(|text| Time::strptime("%H:%M:%S", text).map_err(|_| part.invalid("time")))
            .transpose()?,
        start: part
            .filled("start_date")
            .map(|text| Date::strptime("%d-%m-%Y", text).map_err(|_| part.invalid("start_date")))
            .transpose()?,
        scheduled: scheduled.map_err(|_| part.invalid("scheduled_payment_id"))?,
    })
}

fn series(body: &Value<'_>) -> Result<SeriesId, Refusal> {
    let part = Part::of(body, "recurring");
    let own = part.integer("id");
    let beside = || body.get("recurring_id").and_then(Value::as_number)?.parse().ok();
    own.or_else(beside).map(SeriesId::new).ok_or_else(|| part.missing("id"))
}

/// `/v2/payment/card/recurring` and its likes for other instruments (G-368, G-378).
#[derive(Debug)]
pub struct RecurringDebit {
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// The series.
    pub series: SeriesId,
    /// What to debit.
    pub amount: Money,
    /// Who pays.
    pub customer: Customer,
    /// Free text; empty when none.
    pub description: String,
    /// The merchant's opaque text.
    pub merchant_data: Option<String>,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Particulars as requested.
    pub request: CardRequest,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl RecurringDebit {
    /// Reads a body that keeps the contract of `path`.
    ///
    /// # Errors
    /// The series is not named (2004); a value that the contract allows and its type does not.
    pub fn read(path: &str, body: &Value<'_>) -> Result<Self, Refusal> {
        let [payment, merchant] = ["payment", "merchant"].map(|name| Part::of(body, name));
        let amount = payment.integer("amount").ok_or_else(|| payment.missing("amount"))?;
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        let booking = body.get("booking_info").filter(|info| !info.is_null());
        Ok(Self {
            payment_id: payment_id(body)?,
            series: series(body)?,
            amount: Money::new(amount, currency(code)?),
            customer: customer(Part::of(body, "customer")),
            description: payment.owned("description").unwrap_or_default(),
            merchant_data: merchant.owned("data"),
            booking: booking.map(Value::to_json_string),
            request: CardRequest {
                descriptor: merchant.filled("descriptor").map(str::to_owned),
                extra_param: payment.filled("extra_param").map(str::to_owned),
                choice: choice(payment)?,
                ..CardRequest::default()
            },
            callback: if has_callback(path) { callback_options(body) } else { callback_address(body) },
        })
    }
}

/// `/v2/payment/card/recurring/{update,cancel}` and their likes for other instruments (G-389, G-391).
#[derive(Debug)]
pub struct SeriesChange {
    /// The merchant's name of the request.
    pub payment_id: PaymentId,
    /// The series.
    pub series: SeriesId,
    /// New terms; none of a cancellation. The payment of the schedule's debits is beside them.
    pub terms: Option<(Managed, Option<PaymentId>)>,
    /// Callback options: the contract has the address only.
    pub callback: CallbackOptions,
}

impl SeriesChange {
    /// Reads a body that keeps the contract of `path`.
    ///
    /// # Errors
    /// A value that the contract allows and its type does not (502).
    pub fn read(path: &str, body: &Value<'_>) -> Result<Self, Refusal> {
        let terms = if path.ends_with("/update") {
            let Terms { amount, expiry, period, interval, time, start, scheduled } =
                terms(Part::of(body, "recurring"))?;
            let description = Part::of(body, "recurring").owned("description");
            let managed =
                Managed { amount, expiry, period, interval, time, start, description, scheduled: None };
            Some((managed, scheduled))
        } else {
            None
        };
        let (payment_id, series) = (payment_id(body)?, series(body)?);
        Ok(Self { payment_id, series, terms, callback: callback_address(body) })
    }
}

/// `/v2/payment/recurring/info` and `/v2/recurring/retry_stop` (G-387, G-403).
#[derive(Debug)]
pub struct SeriesQuery {
    /// The series.
    pub series: SeriesId,
    /// The declined debit whose tries are to be stopped.
    pub trigger: Option<OperationId>,
}

impl SeriesQuery {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// The series is not named (2004).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let trigger = body.get("trigger_operation_id").and_then(Value::as_number);
        let series = series(body)?;
        Ok(Self { series, trigger: trigger.and_then(|number| number.parse().ok()).map(OperationId::new) })
    }
}

/// A series that the project does not have (G-395).
pub fn unknown_series() -> Refusal {
    Refusal::bad_request(codes::SERIES_UNKNOWN).at("recurring.id")
}
