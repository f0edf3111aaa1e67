//! Commands and facts with ordinary values, to be varied by each test.

use ferropay_domain::{
    card::{CardSummary, Expiry, Network},
    codes::{self, Code},
    decide::{CallbackOptions, Outcome, RefundCommand, RequestHead, SaleCommand},
    ids::{CardKey, PaymentId, ProjectId, ProviderAccountId, RequestId},
    money::{Currency, FeeRule, Money, Rounding},
    payment::{Customer, ProviderAnswer},
    project::{Environment, Project, Settings},
    time::Timestamp,
};
use rust_decimal::Decimal;

pub(crate) fn moment(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").unwrap())
}

/// `permille` thousandths of the amount plus a fixed part.
pub(crate) fn fee(permille: i64, fixed_minor: i64) -> FeeRule {
    FeeRule { rate: Decimal::new(permille, 3), fixed_minor, rounding: Rounding::HalfUp }
}

pub(crate) fn project(settings: Settings) -> Project {
    Project {
        id: ProjectId::new(1001),
        environment: Environment::Test,
        active: true,
        settings: Settings { callback_url: Some("https://shop.example/callback".to_owned()), ..settings },
        card_account: ProviderAccountId::new(7),
    }
}

pub(crate) fn request_id(number: u128) -> RequestId {
    RequestId::new(uuid::Uuid::from_u128(number))
}

pub(crate) fn head(number: u128, path: &'static str) -> RequestHead {
    RequestHead { id: request_id(number), path, fingerprint: number.to_be_bytes() }
}

pub(crate) fn sale_of(amount: Money, network: Network) -> SaleCommand {
    SaleCommand {
        head: head(1, "payment/card/sale"),
        payment_id: PaymentId::parse("Order-7").unwrap(),
        amount,
        card: CardSummary {
            key: CardKey::new(uuid::Uuid::from_u128(9)),
            masked: "431422******0056".to_owned(),
            network,
            holder: Some("JUDY DOE".to_owned()),
            expiry: Expiry { year: 2030, month: 1 },
        },
        has_cvv: true,
        moto: false,
        customer: Customer { id: Some("customer-1".to_owned()), ..Customer::default() },
        description: String::new(),
        merchant_data: None,
        booking: None,
        has_booking_dates: false,
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

pub(crate) fn refund_of(amount: Option<Money>) -> RefundCommand {
    RefundCommand {
        head: head(2, "payment/card/refund"),
        amount,
        description: "returned goods".to_owned(),
        merchant_refund_id: None,
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

pub(crate) fn answer(result_code: &str) -> ProviderAnswer {
    ProviderAnswer { result_code: result_code.to_owned(), ..ProviderAnswer::default() }
}

pub(crate) fn approved(amount: Money) -> Outcome {
    Outcome::Approved { amount, answer: answer("00") }
}

pub(crate) fn declined(code: Code) -> Outcome {
    Outcome::Declined { code, answer: answer("51") }
}

pub(crate) const REPEATED: Outcome = Outcome::Lost { repeatable: true };
pub(crate) const GIVEN_UP: Outcome = Outcome::Lost { repeatable: false };
pub(crate) const NOT_SENT: Outcome = Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE };
