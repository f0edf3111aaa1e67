//! Accepted requests come in: their bodies have been read, their signatures verified, their shape checked.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    projects::KnownProject,
    rates,
    wallet_tokens::TokenFault,
};
use ferropay_domain::{
    callback::Problem,
    card::DeviceWallet,
    codes,
    decide::{self, CallbackOptions, Now, RefundCommand, RefundFacts, RequestHead},
    ids::{PaymentId, PaymentKey, RequestId},
    method::MethodRef,
    payment::{OperationKind, Payment},
    project::{Environment, OperationDay, Project},
    series::Series,
};
use ferropay_store::{Commit, archive::Resting};
use ferropay_wire::{
    gate::{Refund, member},
    json::Value,
};
use std::{collections::BTreeMap, sync::Arc};

/// How a request ended that was well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It is durable, now or since an equal request earlier.
    Accepted(RequestId),
    /// The payment identifier is taken (3041).
    PaymentExists,
    /// The payment waits for another attempt of its customer, and this is none: why, and the member at fault (G-515);
    /// nothing was changed.
    NoAttempt(Problem),
    /// There is no such payment (3061).
    UnknownPayment,
    /// The payment was archived and takes nothing on any more (3060).
    Archived,
    /// The payment does not wait for what was brought (3060); nothing was changed.
    NotWaiting,
    /// What was brought from an authentication belongs to something else, or cannot be read (2466); nothing was
    /// changed.
    BadResult,
    /// The wallet's token is not what it should be (502); nothing was changed.
    BadToken(TokenFault),
    /// The wallet's token has been used for another payment (502); nothing was changed.
    TokenUsed,
    /// The project has no keys of the wallet, or asks for what is not possible with it (310); nothing was changed.
    NotSetUp,
}

impl Intake {
    /// The answer to a request for a payment that exists.
    pub(crate) fn no_attempt(why: Problem) -> Self {
        if why.code == codes::PAYMENT_EXISTS { Self::PaymentExists } else { Self::NoAttempt(why) }
    }
}

/// What identifies a request beyond its content.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The endpoint, without the version.
    pub path: &'static str,
    /// The signature it carried.
    pub signature: &'a str,
    /// Its body without card data.
    pub content: &'a str,
    /// Fault the simulated provider is asked to show; ignored outside test projects.
    pub fault_plan: Option<String>,
}

/// By which of the paths a refund was asked for (G-271).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The one that takes purchases of any method.
    Any,
    /// That of cards.
    Card,
    /// That of a wallet on the customer's device.
    Wallet(DeviceWallet),
    /// That of a method.
    Method(MethodRef),
}

impl Through {
    /// Whether the path is for payments like this one.
    fn leads_to(self, payment: &Payment) -> bool {
        match self {
            Self::Any => true,
            Self::Card => payment.detail.method.is_none(),
            Self::Wallet(wallet) => payment.detail.wallet == Some(wallet),
            Self::Method(method) => payment.method() == Some(method),
        }
    }

    /// Whether the path is for series like this one: each instrument's has its own (G-368, G-392).
    pub(crate) fn leads_to_series(self, series: &Series) -> bool {
        match self {
            Self::Any => true,
            Self::Card => series.detail.wallet.is_none() && series.detail.agreement.is_none(),
            Self::Wallet(wallet) => series.detail.wallet == Some(wallet),
            Self::Method(method) => {
                series.detail.agreement.as_deref().is_some_and(|agreement| agreement.method == method)
            }
        }
    }
}

/// A refund that was asked for.
struct RefundOrder {
    payment: PaymentKey,
    through: Through,
    command: RefundCommand,
}

impl Acceptable for RefundOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let Some(payment) = engine.payment_through(self.through, project, self.payment).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        let account =
            payment.detail.debit.as_ref().map_or(project.project.card_account, |debit| debit.account);
        let connector = engine.connector(account, project.project.environment);
        let fallback = OperationDay::default();
        let of = engine.returned_debit(&payment, &self.command).await?;
        let facts = RefundFacts {
            of,
            rate: engine.rate_of_return(&payment, of, now).await?,
            day: connector.as_ref().map_or(&fallback, |connector| connector.operation_day()),
            smallest_rest: rates::worth_a_us_cent(payment.currency),
            balance_short: lost.balance_short,
            refund_id_taken: lost.refund_id_taken,
        };
        let (command, ids) = (self.command.clone(), engine.ids_for_decision());
        let changes = decide::refund(&project.project, &payment, command, &facts, ids, now)?;
        Ok(Decision::Changes(changes, Commit::default(), Found::Payment(Box::new(payment))))
    }
}

impl Engine {
    pub(crate) fn head(&self, project: &KnownProject, origin: &Origin<'_>) -> RequestHead {
        let id = project.project.id.get().to_be_bytes();
        RequestHead {
            id: self.ids.for_request(),
            path: origin.path,
            fingerprint: self.vault.fingerprint(&[
                origin.path.as_bytes(),
                &id,
                origin.signature.as_bytes(),
                origin.content.as_bytes(),
            ]),
        }
    }

    /// Accepts a refund of a purchase (G-271); of one that the path is not for, as of one that does not exist. Losing a guard is a fact for the next decision: a payment
    /// changed meanwhile is read again, a balance too small or a refund identifier taken is declined.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn refund(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        (through, request): (Through, Refund),
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let command = RefundCommand {
            head,
            amount: request.amount,
            debit: request.debit,
            description: request.description,
            has_trip: request.has_trip,
            merchant_refund_id: request.merchant_refund_id,
            given: given(&project.project, OperationKind::Refund, body),
            callback: CallbackOptions { url: None, ..request.callback },
            fault_plan: fault_plan(project, &origin),
        };
        self.accept_about(project, &request.payment_id, head, |payment| RefundOrder {
            payment,
            through,
            command,
        })
        .await
    }

    /// A payment, when it is one that the path is for.
    pub(crate) async fn payment_through(
        &self,
        through: Through,
        project: &KnownProject,
        payment: PaymentKey,
    ) -> Result<Option<Payment>, Failure> {
        let found = self.store.payment(project.project.id, payment).await?;
        Ok(found.filter(|payment| through.leads_to(payment)))
    }

    /// Where a payment is that was archived, by the merchant's name for it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn resting(
        &self,
        project: &KnownProject,
        payment_id: &PaymentId,
    ) -> Result<Option<Resting>, Failure> {
        Ok(self.store.resting(project.project.id, &payment_id.folded()).await?)
    }

    /// What is said of a request about a payment that is not there. One that is archived may have been asked for the same before: a test
    /// project's clock makes payments old within the day in which equal bytes are the same request.
    pub(crate) async fn absent(
        &self,
        project: &KnownProject,
        payment_id: &PaymentId,
        head: RequestHead,
    ) -> Result<Intake, Failure> {
        if self.resting(project, payment_id).await?.is_none() {
            return Ok(Intake::UnknownPayment);
        }
        let first = self.resent(project, head, self.moment(project)).await?;
        Ok(first.map_or(Intake::Archived, Intake::Accepted))
    }

    /// A payment by the merchant's name for it.
    pub(crate) async fn find(
        &self,
        project: &KnownProject,
        payment_id: &PaymentId,
    ) -> Result<Option<Payment>, Failure> {
        Ok(self.store.payment_named(project.project.id, &payment_id.folded()).await?)
    }
}

/// The request's own fault plan or the project's; test projects only.
pub(crate) fn fault_plan(project: &KnownProject, origin: &Origin<'_>) -> Option<String> {
    if project.project.environment != Environment::Test {
        return None;
    }
    origin.fault_plan.clone().or_else(|| project.project.settings.fault_plan.clone())
}

/// The members that some rule of the project demands of an operation of `kind`, as far as the request has them.
pub(crate) fn given(project: &Project, kind: OperationKind, body: &Value<'_>) -> BTreeMap<String, String> {
    let demanded = decide::demanded(project, kind);
    demanded.iter().filter_map(|path| Some((path.clone(), member(body, path)?))).collect()
}
