//! Accepted requests come in: their bodies have been read, their signatures verified, their shape checked.

use crate::{
    engine::Engine,
    failure::Failure,
    projects::KnownProject,
    provider_work::{Cards, Carried},
    rates,
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    card::CardSummary,
    change::{ChangeSet, NameKind, PaymentWrite, TaskKey, bucket_of},
    decide::{self, CallbackOptions, RefundCommand, RefundFacts, RequestHead, SaleCommand},
    ids::{PaymentId, RequestId},
    payment::Payment,
    project::{Environment, OperationDay},
};
use ferropay_store::{Commit, CommitError, Delivery, Loss, Scene};
use ferropay_wire::gate::{CardSale, Refund};
use std::sync::Arc;

/// How a request ended that was well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It is durable, now or since an equal request earlier.
    Accepted(RequestId),
    /// The payment identifier is taken (3041).
    PaymentExists,
    /// There is no such payment (3061).
    UnknownPayment,
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

impl Engine {
    fn head(&self, project: &KnownProject, origin: &Origin<'_>) -> RequestHead {
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

    /// Accepts a card sale (G-015).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn card_sale(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: CardSale,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        if self.is_draining() {
            return Err(Failure::Draining);
        }
        let now = self.moment(project);
        let head = self.head(project, &origin);
        let (key, sealed) = self
            .vault
            .seal_card(project.project.id, &request.pan)
            .map_err(|error| Failure::Vault(error.to_string()))?;
        let command = SaleCommand {
            head,
            payment_id: request.payment_id,
            amount: request.amount,
            card: CardSummary {
                key,
                masked: request.pan.masked(),
                network: request.pan.network(),
                holder: request.holder,
                expiry: request.expiry,
            },
            has_cvv: request.cvv.is_some(),
            moto: request.moto,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            booking: request.booking,
            has_booking_dates: request.has_booking_dates,
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let ids = self.ids.for_decision();
        let changes = decide::sale(&project.project, command, ids, now);
        let mut commit = Commit::default();
        let scene = scene_of(&changes);
        if scene.is_some() {
            commit.card = Some((project.project.id, key, sealed));
            if let Some(cvv) = &request.cvv {
                let sealed = self
                    .vault
                    .seal_cvv(ids.operation, cvv)
                    .map_err(|error| Failure::Vault(error.to_string()))?;
                commit.cvv = Some((ids.operation, sealed));
            }
        }
        let in_hand = self.take_call(scene.as_ref());
        self.step(Step::BeforeAccept);
        let committed = self.commit(project, changes, commit, bucket_of(ids.payment), now).await;
        match committed {
            Ok(deliveries) => {
                self.step(Step::AfterAccept);
                let cards = Cards { pan: Some(request.pan), cvv: request.cvv };
                self.carry_on(project, scene.zip(in_hand), cards, deliveries);
                Ok(Intake::Accepted(head.id))
            }
            Err(CommitError::Lost(Loss::Resent(first))) => Ok(Intake::Accepted(first)),
            Err(CommitError::Lost(Loss::NameTaken(..))) => Ok(Intake::PaymentExists),
            Err(error) => Err(error.into()),
        }
    }

    /// Accepts a refund of a card purchase (G-271). Losing a guard is a fact for the next decision: a payment
    /// changed meanwhile is read again, a balance too small or a refund identifier taken is declined.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn card_refund(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: Refund,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        if self.is_draining() {
            return Err(Failure::Draining);
        }
        let head = self.head(project, &origin);
        let Some(found) = self.find(project, &request.payment_id).await? else {
            return Ok(Intake::UnknownPayment);
        };
        let _turn = self.locks.turn(found.key).await.ok_or(Failure::Busy)?;
        let mut facts = Facts::default();
        loop {
            let Some(payment) = self.store.payment(project.project.id, found.key).await? else {
                return Ok(Intake::UnknownPayment);
            };
            let command = RefundCommand {
                head,
                amount: request.amount,
                description: request.description.clone(),
                merchant_refund_id: request.merchant_refund_id.clone(),
                callback: CallbackOptions { url: None, ..request.callback.clone() },
                fault_plan: fault_plan(project, &origin),
            };
            match self.try_refund(project, &payment, command, facts).await {
                Ok(()) => return Ok(Intake::Accepted(head.id)),
                Err(CommitError::Lost(loss)) => match loss {
                    Loss::Resent(first) => return Ok(Intake::Accepted(first)),
                    Loss::NameTaken(NameKind::MerchantRefund, _) => facts.refund_id_taken = true,
                    Loss::BalanceShort => facts.balance_short = true,
                    Loss::Stale | Loss::ExceedsDebit => {}
                    Loss::NameTaken(..) | Loss::Fenced | Loss::NotificationKnown => {
                        return Err(Failure::Defect(format!("a refund lost {loss:?}")));
                    }
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn try_refund(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        payment: &Payment,
        command: RefundCommand,
        facts: Facts,
    ) -> Result<(), CommitError> {
        let now = self.moment(project);
        let account =
            payment.detail.debit.as_ref().map_or(project.project.card_account, |debit| debit.account);
        let connector = self.connector(account, project.project.environment);
        let fallback = OperationDay::default();
        let facts = RefundFacts {
            day: connector.as_ref().map_or(&fallback, |connector| connector.operation_day()),
            smallest_rest: rates::worth_a_us_cent(payment.currency),
            balance_short: facts.balance_short,
            refund_id_taken: facts.refund_id_taken,
        };
        let ids = self.ids.for_decision();
        let changes = decide::refund(&project.project, payment, command, &facts, ids, now)
            .map_err(|broken| CommitError::Defect(broken.to_string()))?;
        let scene = scene_of(&changes);
        let in_hand = self.take_call(scene.as_ref());
        self.step(Step::BeforeAccept);
        let deliveries =
            self.commit(project, changes, Commit::default(), bucket_of(payment.key), now).await?;
        self.step(Step::AfterAccept);
        self.carry_on(project, scene.zip(in_hand), Cards::default(), deliveries);
        Ok(())
    }

    /// Takes the call of an attempt in hand. This happens before the commit: as soon as the task is durable the
    /// scheduler sees it, and must not begin what is about to be begun here.
    fn take_call(&self, scene: Option<&Scene>) -> Option<InHand> {
        let scene = scene?;
        if !self.owns(bucket_of(scene.payment.key)) {
            return None;
        }
        self.registry.take(TaskKey::Call(scene.attempt.id))
    }

    /// Hands what was just committed to workers of this process. What was not taken, the scheduler will find.
    fn carry_on(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        call: Option<(Scene, InHand)>,
        cards: Cards,
        deliveries: Vec<(Delivery, InHand)>,
    ) {
        if let Some((scene, in_hand)) = call {
            let carried = Carried { project: project.clone(), scene, cards, recovered: false, tries: 0 };
            tokio::spawn(self.clone().call_provider(carried, in_hand));
        }
        self.dispatch(project, deliveries);
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

#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    balance_short: bool,
    refund_id_taken: bool,
}

/// The request's own fault plan or the project's; test projects only.
fn fault_plan(project: &KnownProject, origin: &Origin<'_>) -> Option<String> {
    if project.project.environment != Environment::Test {
        return None;
    }
    origin.fault_plan.clone().or_else(|| project.project.settings.fault_plan.clone())
}

/// The attempt a change set starts, with its payment and operation.
fn scene_of(changes: &ChangeSet) -> Option<Scene> {
    let payment = match changes.payment.as_ref()? {
        PaymentWrite::Insert(payment) | PaymentWrite::Update { payment, .. } => payment.as_ref().clone(),
    };
    let attempt = changes.attempts.first()?.record().clone();
    let operation = changes.operations.first()?.record().clone();
    Some(Scene { payment, operation, attempt })
}
