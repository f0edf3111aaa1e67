//! Accepted requests come in: their bodies have been read, their signatures verified, their shape checked.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    instruments::{customer_record, kept_customer},
    named_cards::{With, not_looked_up},
    projects::KnownProject,
    provider_work::Cards,
    rates,
    series::scheduled_name,
    wallet_tokens::TokenFault,
};
use ferropay_domain::{
    card::{CardSummary, Cvv, Pan},
    decide::{
        self, CallbackOptions, CardCommand, CardFacts, Ids, Named, Now, RangeFacts, RefundCommand,
        RefundFacts, RequestHead,
    },
    ids::{CardKey, PaymentId, PaymentKey, ProjectId, RequestId},
    instrument::CustomerRecord,
    method::MethodRef,
    payment::{OperationKind, Payment},
    project::{Environment, OperationDay, Project},
};
use ferropay_store::{Commit, vault::Sealed};
use ferropay_wire::{
    gate::{CardPayment, PaidWith, Refund, keeps_customer, member, three_ds_data},
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
    /// There is no such payment (3061).
    UnknownPayment,
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

/// Project, name and content of a card in the vault.
pub(crate) type SealedCard = (ProjectId, CardKey, Sealed);

/// A card operation that was asked for. What it is called by is drawn once, however often it is decided.
struct CardOrder {
    command: CardCommand,
    range: Option<RangeFacts>,
    ids: Ids,
    card: SealedCard,
    pan: Pan,
    cvv: Option<Cvv>,
    customer: Option<Box<CustomerRecord>>,
}

impl Acceptable for CardOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let command = &self.command;
        let scheduled_name_taken = engine.scheduled_name_taken(project, command, now).await?;
        let asked = (&command.card, &command.customer, command.description.as_str());
        let risk = engine.risk_facts(project, asked, lost).await?;
        let facts = CardFacts { range: self.range.clone(), scheduled_name_taken, risk, wallet: None };
        let mut changes = decide::card(&project.project, command.clone(), facts, self.ids, now)?;
        let mut commit = Commit::default();
        if let Some(operation) = changes.operations.first() {
            commit.card = Some(self.card.clone());
            // What is declined at once needs no verification value.
            if let (Some(cvv), false) = (&self.cvv, operation.record().status.is_final()) {
                commit.cvv = Some(engine.sealed_cvv(self.ids, cvv)?);
            }
            let kept = self.customer.as_deref().cloned();
            changes.customer = kept_customer(project.project.id, kept, now);
        }
        Ok(Decision::Changes(changes, commit, Found::Nothing))
    }

    fn cards(&self) -> Cards {
        Cards { pan: Some(self.pan.clone()), cvv: self.cvv.clone() }
    }

    fn reserves_another_name(&self) -> bool {
        scheduled_name(&self.command).is_some()
    }
}

/// By which of the paths a refund was asked for (G-271).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The one that takes purchases of any method.
    Any,
    /// That of cards.
    Card,
    /// That of a method.
    Method(MethodRef),
}

impl Through {
    /// Whether the path is for payments like this one.
    pub(crate) fn leads_to(self, payment: &Payment) -> bool {
        match self {
            Self::Any => true,
            Self::Card => payment.detail.method.is_none(),
            Self::Method(method) => payment.method() == Some(method),
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
        let Some(payment) = engine.store.payment(project.project.id, self.payment).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        if !self.through.leads_to(&payment) {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        }
        let account =
            payment.detail.debit.as_ref().map_or(project.project.card_account, |debit| debit.account);
        let connector = engine.connector(account, project.project.environment);
        let fallback = OperationDay::default();
        let facts = RefundFacts {
            of: engine.returned_debit(&payment, &self.command).await?,
            day: connector.as_ref().map_or(&fallback, |connector| connector.operation_day()),
            smallest_rest: rates::worth_a_us_cent(payment.currency),
            balance_short: lost.balance_short,
            refund_id_taken: lost.refund_id_taken,
        };
        let (command, ids) = (self.command.clone(), engine.ids.for_decision());
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

    /// A card as the vault keeps it.
    pub(crate) fn sealed_card(&self, project: &KnownProject, pan: &Pan) -> Result<SealedCard, Failure> {
        let id = project.project.id;
        let sealed = self.vault.seal_card(id, pan);
        let (key, sealed) = sealed.map_err(|error| Failure::Vault(error.to_string()))?;
        Ok((id, key, sealed))
    }

    /// Accepts a card purchase in one step or two, or the verification of a card (G-015, G-165, G-338).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn card(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: CardPayment,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let ids = self.ids.for_decision();
        let customer = keeps_customer(body) || request.request.save;
        let customer = customer.then(|| customer_record(request.customer.id.as_deref(), body)).flatten();
        let mut three_ds = request.three_ds;
        let (number, range, summary) = match request.card {
            PaidWith::Card { pan, expiry } => {
                let sealed = self.sealed_card(project, &pan)?;
                let range = self.range_facts(project, &pan, ids.operation, &three_ds);
                let summary = CardSummary::of(sealed.1, &pan, request.holder, expiry);
                (Ok((sealed, pan)), range, summary)
            }
            PaidWith::Token(token) => (Err(Named::Token(token)), None, not_looked_up(request.holder)),
            PaidWith::Saved(id) => (Err(Named::Saved(id)), None, not_looked_up(request.holder)),
        };
        if range.is_some() || number.is_err() {
            three_ds.data = three_ds_data(request.kind, body);
        }
        let command = CardCommand {
            head,
            kind: request.kind,
            payment_id: request.payment_id,
            amount: request.amount,
            card: summary,
            has_cvv: request.cvv.is_some(),
            request: request.request,
            three_ds,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            booking: request.booking,
            has_booking_dates: request.has_booking_dates,
            registration: request.registration.map(|terms| Box::new(self.registration(terms))),
            given: given(&project.project, request.kind, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let (card, pan) = match number {
            Ok(number) => number,
            Err(named) => {
                let with = With::Card(Box::new(command), request.cvv);
                return Box::pin(self.accept_named(project, (named, false), with, customer, ids)).await;
            }
        };
        let customer = customer.map(Box::new);
        let order = CardOrder { command, range, ids, card, pan, cvv: request.cvv, customer };
        self.accept(project, ids.payment, head, &order).await
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
