//! A card payment of 13.70 USD with one operation, to be changed into whatever a test tells of.

use ferropay_domain::{
    callback::{Content, Event, Problem, Subject},
    card::{CardSummary, Expiry, Network},
    codes::{self, Code},
    ids::{
        AttemptId, AuthenticationId, CallbackId, CardKey, OperationId, PaymentId, PaymentKey, ProjectId,
        ProviderAccountId, RequestId,
    },
    money::{Currency, Money},
    payment::{
        Ask, Attempt, AttemptStatus, Authentication, AuthenticationFlow, AuthenticationStep, Customer, Form,
        Operation, OperationDetail, OperationKind, OperationStatus, Payment, PaymentDetail, PaymentKind,
        PaymentStatus, ProviderAnswer, Wait,
    },
    time::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

const PROJECT: ProjectId = ProjectId::new(239);

/// What a callback tells of.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) payment: Payment,
    pub(crate) operation: Operation,
    pub(crate) attempt: Option<Attempt>,
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").unwrap())
}

fn accepted() -> Timestamp {
    Timestamp::from_seconds(1_573_656_732)
}

impl Scene {
    /// An operation of `kind` and `minor` USD that has just succeeded on a purchase of 13.70 USD, or on a verification.
    pub(crate) fn of(kind: OperationKind, minor: i64) -> Self {
        let verification = kind == OperationKind::AccountVerification;
        let done = accepted().plus(Duration::from_secs(2));
        let requested = if verification { 0 } else { 1_370 };
        let payment = Payment {
            key: PaymentKey::new(Uuid::from_u128(11)),
            project: PROJECT,
            id: PaymentId::parse("order-7").unwrap(),
            kind: if verification { PaymentKind::AccountVerification } else { PaymentKind::Purchase },
            status: PaymentStatus::Success,
            currency: usd(0).currency,
            requested,
            held: 0,
            debited: 0,
            returned: 0,
            returning: 0,
            refunded_any: false,
            open: None,
            last_return_at: None,
            callbacks: 1,
            version: 2,
            created_at: accepted(),
            updated_at: done,
            detail: PaymentDetail {
                series: None,
                description: "A cup of tea".to_owned(),
                customer: Customer {
                    id: Some("1478".to_owned()),
                    ip_address: Some("198.51.100.7".to_owned()),
                    ..Customer::default()
                },
                wallet: None,
                card: Some(CardSummary {
                    key: CardKey::new(Uuid::from_u128(9)),
                    masked: "431422******0056".to_owned(),
                    network: Network::Visa,
                    holder: Some("Judy Doe".to_owned()),
                    expiry: Some(Expiry { year: 2030, month: 3 }),
                    country: None,
                    funding: None,
                    issue: None,
                }),
                instrument: None,
                method: None,
                callback_url: None,
                merchant_data: None,
                debit: None,
                hold: None,
                supplied: BTreeMap::new(),
                booking: None,
                refunds_undone: Vec::new(),
                ..PaymentDetail::default()
            },
        };
        let operation = Operation {
            id: OperationId::new(3862),
            payment: payment.key,
            project: PROJECT,
            kind,
            status: OperationStatus::Success,
            amount: usd(minor),
            request: RequestId::new(Uuid::from_u128(7)),
            code: codes::SUCCESS,
            created_at: accepted(),
            updated_at: done,
            detail: OperationDetail::default(),
        };
        let attempt = Attempt {
            id: AttemptId::first(operation.id),
            payment: payment.key,
            account: ProviderAccountId::new(414),
            ask: Ask::first_of(kind),
            status: AttemptStatus::Approved,
            amount: operation.amount,
            created_at: accepted(),
            updated_at: done,
            suspended: 0,
            late_approvals: 0,
            answer: Some(ProviderAnswer {
                result_code: "00".to_owned(),
                payment_id: "932114563253".to_owned(),
                auth_code: "563253".to_owned(),
                at: done,
                ..ProviderAnswer::default()
            }),
        };
        Self { payment, operation, attempt: Some(attempt) }
    }

    /// A payout of 13.70 USD by the number of a card alone, or what was done about one.
    pub(crate) fn payout(kind: OperationKind) -> Self {
        let mut scene = Self::of(kind, 1_370);
        scene.payment.kind = PaymentKind::Payout;
        let customer = &mut scene.payment.detail.customer;
        (customer.first_name, customer.last_name) = (Some("Judy".to_owned()), Some("Doe".to_owned()));
        if let Some(card) = &mut scene.payment.detail.card {
            "424242******4242".clone_into(&mut card.masked);
            (card.expiry, card.holder) = (None, None);
        }
        scene.answer(|answer| answer.auth_code.clear())
    }

    /// Where the payment stands.
    pub(crate) fn payment_is(mut self, status: PaymentStatus) -> Self {
        self.payment.status = status;
        self
    }

    /// What is held, what was debited and what of it was returned.
    pub(crate) fn totals(mut self, held: i64, debited: i64, returned: i64) -> Self {
        (self.payment.held, self.payment.debited, self.payment.returned) = (held, debited, returned);
        self
    }

    pub(crate) fn eci(mut self, eci: &str) -> Self {
        self.operation.detail.eci = Some(eci.to_owned());
        self
    }

    /// The provider refused.
    pub(crate) fn declined(mut self, code: Code, result: &str) -> Self {
        self.operation.status = OperationStatus::Decline;
        self.operation.code = code;
        if let Some(attempt) = &mut self.attempt {
            attempt.status = AttemptStatus::Declined;
        }
        self.answer(|answer| {
            result.clone_into(&mut answer.result_code);
            answer.auth_code.clear();
        })
    }

    /// The platform refused before anything was sent.
    pub(crate) fn refused(mut self, code: Code) -> Self {
        self.attempt = None;
        self.operation.status = OperationStatus::Decline;
        self.operation.code = code;
        self
    }

    /// What else the provider answered.
    pub(crate) fn answer(mut self, change: impl FnOnce(&mut ProviderAnswer)) -> Self {
        if let Some(answer) = self.attempt.as_mut().and_then(|attempt| attempt.answer.as_mut()) {
            change(answer);
        }
        self
    }

    /// The operation waits; nothing was sent to a provider.
    pub(crate) fn waits(
        mut self,
        operation: OperationStatus,
        payment: PaymentStatus,
        missing: &[&str],
    ) -> Self {
        self.attempt = None;
        self.operation.status = operation;
        self.operation.code = codes::AWAITING;
        self.payment.status = payment;
        self.payment.open = Some(self.operation.id);
        self.operation.detail.wait = Some(Box::new(Wait {
            until: accepted().plus(Duration::from_mins(30)),
            missing: missing.iter().map(|path| (*path).to_owned()).collect(),
        }));
        self
    }

    /// The operation waits for an authentication at this step.
    pub(crate) fn authenticates(
        self,
        flow: AuthenticationFlow,
        step: AuthenticationStep,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Self {
        let mut scene = self.waits(OperationStatus::AwaitingThreeDs, PaymentStatus::AwaitingThreeDs, &[]);
        scene.operation.detail.authentication = Some(Box::new(Authentication {
            id: AuthenticationId::new(Uuid::from_u128(13)),
            flow,
            step,
            version: "2.2.0".to_owned(),
            md: "bWVyY2hhbnQgZGF0YQ".to_owned(),
            return_url: "https://shop.example/back".to_owned(),
            notification_url: None,
            device_data: None,
            data: BTreeMap::from([("customer.browser".to_owned(), "never shown".to_owned())]),
            form: Some(Form {
                url: url.to_owned(),
                fields: fields
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            }),
            issuer_form: None,
            ds_transaction: None,
            acs_transaction: None,
            result: None,
            returned: false,
            xid: None,
            again: None,
            challenged: false,
            decided_at: None,
            cardholder_info: None,
        }));
        scene
    }

    /// The callback that tells of it.
    pub(crate) fn event(&self) -> Event {
        Event {
            id: CallbackId::new(12),
            project: PROJECT,
            subject: Subject::Payment(self.payment.key),
            number: 1,
            content: Content::Operation {
                payment: Box::new(self.payment.clone()),
                operation: Box::new(self.operation.clone()),
                attempt: self.attempt.clone().map(Box::new),
                series: None,
            },
            addresses: Vec::new(),
            not_before: self.payment.updated_at,
        }
    }
}

/// The callback of a request that failed before an operation existed.
pub(crate) fn rejected(code: Code, field: &'static str) -> Event {
    let request = RequestId::new(Uuid::from_u128(7));
    Event {
        id: CallbackId::new(12),
        project: PROJECT,
        subject: Subject::Request(request),
        number: 1,
        content: Content::Rejected {
            payment_id: PaymentId::parse("order-7").unwrap(),
            errors: vec![Problem { code, field: Some(field) }],
        },
        addresses: Vec::new(),
        not_before: accepted(),
    }
}
