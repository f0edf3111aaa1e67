//! Commands and facts with ordinary values, to be varied by each test.

use ferropay_domain::{
    card::{CardSummary, Country, Expiry, Issue, Network},
    codes::{self, Code},
    decide::{
        AuthenticationOutcome, CallbackOptions, CardCommand, Completion, LinkCommand, LinkPayment,
        MethodCommand, Now, Outcome, PayoutCommand, RangeFacts, RefundCommand, RegistrationCommand,
        RequestHead, SecondStepCommand, SuppliedAuthentication, ThreeDsRequest,
    },
    ids::{AuthenticationId, CardKey, OperationId, PaymentId, ProjectId, ProviderAccountId, RequestId},
    method::MethodRef,
    money::{Currency, FeeRule, Money, Rounding},
    payment::{
        AuthenticationResult, CardRequest, Credit, Customer, DisplayItem, Form, Link, LinkPays,
        OperationKind, ProviderAnswer, ReturnUrls, Shown, TransStatus,
    },
    project::{Environment, Project, Settings},
    time::Timestamp,
};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

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

pub(crate) fn sale_of(amount: Money, network: Network) -> CardCommand {
    card_of(OperationKind::Sale, amount, network)
}

/// A purchase in one or two steps, or a verification.
pub(crate) fn card_of(kind: OperationKind, amount: Money, network: Network) -> CardCommand {
    CardCommand {
        head: head(1, "payment/card/sale"),
        kind,
        payment_id: PaymentId::parse("Order-7").unwrap(),
        amount,
        card: CardSummary {
            key: CardKey::new(uuid::Uuid::from_u128(9)),
            masked: "431422******0056".to_owned(),
            network,
            holder: Some("JUDY DOE".to_owned()),
            expiry: Some(Expiry { year: 2030, month: 1 }),
            country: Some(Country::parse("DE").unwrap()),
            funding: None,
            issue: None,
        },
        has_cvv: true,
        request: CardRequest::default(),
        three_ds: ThreeDsRequest::default(),
        customer: Customer {
            id: Some("customer-1".to_owned()),
            email: Some("judy@mail.example".to_owned()),
            ..Customer::default()
        },
        description: String::new(),
        merchant_data: None,
        booking: None,
        has_booking_dates: false,
        registration: None,
        given: BTreeMap::new(),
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

/// What an issuer made of a card.
#[expect(clippy::unnecessary_wraps, reason = "as the summary of a card has it")]
pub(crate) fn made(vary: impl FnOnce(&mut Issue)) -> Option<Arc<Issue>> {
    let mut issue = Issue::default();
    vary(&mut issue);
    Some(Arc::new(issue))
}

/// A payout by a merchant to a card of which only the number is known.
pub(crate) fn payout_of(amount: Money, network: Network) -> PayoutCommand {
    let CardCommand { payment_id, card, customer, .. } = sale_of(amount, network);
    PayoutCommand {
        head: head(6, "payment/card/payout"),
        payment_id,
        from_person: false,
        has_sender_card: false,
        amount,
        card: CardSummary { expiry: None, holder: None, ..card },
        customer: Customer {
            first_name: Some("Judy".to_owned()),
            last_name: Some("Doe".to_owned()),
            ..customer
        },
        description: String::new(),
        descriptor: None,
        choice: None,
        given: members(&[("sender.day_of_birth", "05-06-1981")]),
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

/// A payment link for a debit, valid for 30 days from `now` on, which the merchant delivers.
pub(crate) fn link_of(amount: Money, now: Now) -> LinkCommand {
    let CardCommand { payment_id, customer, .. } = sale_of(amount, Network::Visa);
    LinkCommand {
        head: head(7, "payment/invoice/create"),
        payment_id,
        amount,
        link: Link {
            operation: OperationId::new(0),
            token: "token".to_owned(),
            url: "https://pay.example/link/token".to_owned(),
            best_before: now.business.plus(Duration::from_hours(30 * 24)),
            pays: LinkPays::Sale,
            method: None,
            card_token: None,
            mailed_by_platform: false,
            language: None,
            moto: None,
            return_urls: ReturnUrls::default(),
            registration: None,
        },
        customer: Customer { email: Some("judy@mail.example".to_owned()), ..customer },
        description: "Two cups of tea".to_owned(),
        booking: None,
        callback: CallbackOptions::default(),
        unusable: None,
        fault_plan: None,
    }
}

/// What a customer pays by a link with.
pub(crate) fn link_payment(network: Network) -> LinkPayment {
    let CardCommand { card, .. } = sale_of(eur(1), network);
    LinkPayment { card, has_cvv: true, three_ds: ThreeDsRequest::default(), given: BTreeMap::new() }
}

/// A payout that waits for its recipient.
pub(crate) fn registration_of(amount: Money) -> RegistrationCommand {
    let LinkCommand { payment_id, customer, callback, .. } =
        link_of(amount, Now { business: Timestamp::default(), real: Timestamp::default() });
    RegistrationCommand {
        head: head(8, "payment/payout/registration"),
        payment_id,
        amount,
        customer,
        uuid: "uuid".to_owned(),
        mail_works: true,
        callback,
        fault_plan: None,
    }
}

/// What its recipient brings.
pub(crate) fn completion() -> Completion {
    let PayoutCommand { card, given, .. } = payout_of(eur(1), Network::Visa);
    Completion { card, given, names: (Some("Judy".to_owned()), Some("Doe".to_owned())) }
}

pub(crate) fn second_of(kind: OperationKind, amount: Option<Money>) -> SecondStepCommand {
    SecondStepCommand {
        has_trip: false,
        head: head(3, "payment/card/capture"),
        kind,
        amount,
        customer: Some("customer-1".to_owned()),
        description: None,
        given: BTreeMap::new(),
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

pub(crate) fn form(name: &str) -> Form {
    Form {
        url: format!("https://issuer.example/{name}"),
        fields: vec![("field".to_owned(), name.to_owned())],
    }
}

/// A card whose issuer takes part in 3-D Secure, and wants to see the browser first or not.
pub(crate) fn range(with_device_form: bool) -> RangeFacts {
    RangeFacts {
        id: AuthenticationId::of(OperationId::new(101), [7; 16]),
        version: "2.2.0".to_owned(),
        device_form: with_device_form.then(|| form("device")),
        page: form("page"),
        md: "md-1".to_owned(),
    }
}

/// The merchant leads the customer (G-199).
pub(crate) fn extended() -> ThreeDsRequest {
    ThreeDsRequest {
        return_url: Some("https://shop.example/return".to_owned()),
        notification_url: Some("https://shop.example/seen".to_owned()),
        ..ThreeDsRequest::default()
    }
}

pub(crate) fn result(letter: char) -> AuthenticationResult {
    AuthenticationResult {
        status: TransStatus::from_letter(letter).unwrap(),
        eci: None,
        value: Some("AAECAwQFBgcICQoLDA0ODxAREhM=".to_owned()),
        reason: None,
        cancelled: None,
    }
}

pub(crate) fn decided(letter: char) -> AuthenticationOutcome {
    AuthenticationOutcome::Decided {
        result: result(letter),
        ds_transaction: "ds-1".to_owned(),
        acs_transaction: "acs-1".to_owned(),
        cardholder_info: None,
    }
}

pub(crate) fn unavailable() -> AuthenticationOutcome {
    AuthenticationOutcome::Unavailable { reason: "no answer".to_owned() }
}

pub(crate) fn challenge() -> AuthenticationOutcome {
    AuthenticationOutcome::Challenge {
        ds_transaction: "ds-1".to_owned(),
        acs_transaction: "acs-1".to_owned(),
        cardholder_info: Some("Use the app of your bank".to_owned()),
        form: form("challenge"),
    }
}

/// What a merchant that authenticates its customers itself sends along (G-208).
pub(crate) fn supplied(letter: char) -> SuppliedAuthentication {
    SuppliedAuthentication {
        result: AuthenticationResult { eci: Some("05".to_owned()), ..result(letter) },
        xid: "AAECAwQFBgcICQoLDA0ODxAREhM=".to_owned(),
        ds_transaction: Some("ds-9".to_owned()),
        version: "2.1.0".to_owned(),
    }
}

/// Members of a request by dotted path.
pub(crate) fn members(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

pub(crate) fn refund_of(amount: Option<Money>) -> RefundCommand {
    RefundCommand {
        has_trip: false,
        debit: None,
        head: head(2, "payment/card/refund"),
        amount,
        description: "returned goods".to_owned(),
        merchant_refund_id: None,
        given: BTreeMap::new(),
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

/// The provider did it, and speaks of its crediting.
pub(crate) fn credited(amount: Money, credit: Credit) -> Outcome {
    Outcome::Approved { amount, answer: ProviderAnswer { credit: Some(credit), ..answer("ok") } }
}

pub(crate) fn declined(code: Code) -> Outcome {
    Outcome::Declined { code, answer: answer("51") }
}

/// A page of the payment system.
pub(crate) fn redirect() -> Shown {
    Shown::Redirect { form: form("wallet"), post: false }
}

/// Something to be shown.
pub(crate) fn display() -> Shown {
    Shown::Display(vec![DisplayItem { qr: true, title: "Scan".to_owned(), data: "pay:1".to_owned() }])
}

/// The provider has taken it on.
pub(crate) fn pending(shown: Option<Shown>) -> Outcome {
    Outcome::Pending { answer: answer(""), shown: shown.map(Box::new) }
}

/// The customer is done there, and the provider is not.
pub(crate) fn finalizing() -> Outcome {
    Outcome::Pending { answer: ProviderAnswer { finalizing: true, ..answer("") }, shown: None }
}

/// A purchase or a payout by the method with this code.
pub(crate) fn method_of(kind: OperationKind, code: &str, amount: Money) -> MethodCommand {
    let CardCommand { payment_id, customer, .. } = sale_of(amount, Network::Other);
    MethodCommand {
        head: head(7, "payment/blik/sale"),
        kind,
        payment_id,
        method: MethodRef::of_code(code).unwrap(),
        amount,
        account: None,
        save: false,
        consent: None,
        returns: ReturnUrls::default(),
        customer,
        description: String::new(),
        merchant_data: None,
        registration: None,
        given: BTreeMap::new(),
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

/// The settings of a project whose methods lead somewhere.
pub(crate) fn with_methods(settings: Settings) -> Settings {
    Settings { method_accounts: [("*".to_owned(), ProviderAccountId::new(7))].into(), ..settings }
}

pub(crate) const OFFERED: fn() -> Outcome = || Outcome::MerchantAuthOffered { answer: answer("Z1") };

pub(crate) const REPEATED: Outcome = Outcome::Lost { repeatable: true };
pub(crate) const GIVEN_UP: Outcome = Outcome::Lost { repeatable: false };
pub(crate) const NOT_SENT: Outcome = Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE };
