//! Series of stored credentials: debits on demand, what merchants order about a series, and what it does by itself.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    following::{Advance, Before, Situation},
    intake::{Intake, Origin, Through, fault_plan, given},
    projects::KnownProject,
    provider_work::Cards,
    registry::InHand,
};
use ferropay_domain::{
    change::{NameKind, bucket_of_series},
    codes::Code,
    decide::{
        self, DebitCommand, DebitFacts, Ids, Now, RefundCommand, RequestHead, ReturnOf, SeriesCommand,
        SeriesOrder,
    },
    ids::{OperationId, PaymentId, RequestId, SeriesId},
    payment::{OperationKind, Payment, PaymentKind},
    series::{Registration, Scheduled, Series},
};
use ferropay_store::{Commit, CommitError, Loss, Store, Unavailable};
use ferropay_wire::{
    gate::{RecurringDebit, SeriesChange, SeriesTerms},
    json::Value,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A series, and the payment of its schedule's debits once it exists.
#[derive(Debug)]
pub(crate) struct SeriesStanding {
    series: Series,
    payment: Option<Payment>,
    /// What is known of a debit that is due.
    facts: DebitFacts,
}

impl SeriesStanding {
    pub(crate) async fn of(store: &dyn Store, series: Series) -> Result<Self, Unavailable> {
        let payment = match series.payment {
            Some(key) => store.payment(series.project, key).await?,
            None => None,
        };
        Ok(Self { series, payment, facts: DebitFacts::default() })
    }
}

impl Situation for SeriesStanding {
    fn before(&self) -> Before<'_> {
        Before { payment: self.payment.as_ref(), series: Some(&self.series), ..Before::default() }
    }

    async fn reload(&self, store: &dyn Store) -> Result<Option<Self>, Unavailable> {
        match store.series_known(self.series.id).await? {
            Some(series) => {
                let fresh = Self::of(store, series).await?;
                Ok(Some(Self { facts: self.facts.clone(), ..fresh }))
            }
            None => Ok(None),
        }
    }

    fn limit_reached(&mut self, code: Code) -> bool {
        self.facts.risk.limit.replace(code).is_none()
    }

    fn advance(&mut self, changes: Advance) {
        let (payment, series) = changes.payment_and_series();
        self.payment = payment.or(self.payment.take());
        if let Some(series) = series {
            self.series = *series;
        }
    }

    fn bucket(&self) -> Option<u8> {
        Some(bucket_of_series(self.series.id))
    }
}

/// A debit that was asked for. What it is called by is drawn once, however often it is decided.
struct DebitOrder {
    through: Through,
    command: DebitCommand,
    ids: Ids,
}

impl Acceptable for DebitOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let (known, command) = (&project.project, &self.command);
        let series = engine.series_through(self.through, project, command.series).await?;
        let facts = match &series {
            Some(series) => {
                let payer = series.payer(&command.customer);
                let at_risk = series.at_risk(&payer, &command.description, command.amount);
                let risk = engine.risk_facts(project, at_risk, lost).await?;
                DebitFacts { risk, rate: engine.rate(project, series.currency, now).await? }
            }
            None => DebitFacts::default(),
        };
        let changes = decide::debit(known, command.clone(), series.as_ref(), &facts, self.ids, now)?;
        Ok(Decision::Changes(changes, Commit::default(), Found::Nothing))
    }

    /// While the debit is open an equal request would find it, and be refused.
    fn repeatable(&self) -> Option<RequestHead> {
        Some(self.command.head)
    }
}

/// An order about a series.
struct Order {
    through: Through,
    command: SeriesCommand,
}

impl Acceptable for Order {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let standing = match engine.series_through(self.through, project, self.command.series).await? {
            Some(series) => Some(SeriesStanding::of(engine.store.as_ref(), series).await?),
            None => None,
        };
        let name_taken = match self.scheduled() {
            Some(Scheduled { id, .. }) => engine.is_taken(project, id).await?,
            None => false,
        };
        let facts = standing.as_ref().map_or((None, None), |it| (Some(&it.series), it.payment.as_ref()));
        let (command, ids) = (self.command.clone(), engine.ids_for_decision());
        let changes = decide::manage_series(&project.project, command, facts, name_taken, ids, now)?;
        let found = standing.map_or(Found::Nothing, |standing| Found::Series(Box::new(standing)));
        Ok(Decision::Changes(changes, Commit::default(), found))
    }

    fn repeatable(&self) -> Option<RequestHead> {
        Some(self.command.head)
    }

    fn reserves_another_name(&self) -> bool {
        self.scheduled().is_some()
    }
}

impl Order {
    fn scheduled(&self) -> Option<&Scheduled> {
        match &self.command.order {
            SeriesOrder::Update(terms) => terms.scheduled.as_ref(),
            SeriesOrder::Cancel => None,
        }
    }
}

/// The name that registering a series takes for the payment of its schedule's debits.
pub(crate) fn scheduled_name(asked: Option<&Registration>) -> Option<&PaymentId> {
    Some(&asked?.scheduled.as_ref()?.id)
}

impl Engine {
    /// Whether somebody else has the name for the payment of a schedule's debits. Nobody is asked where there is no such
    /// name.
    pub(crate) async fn scheduled_name_taken(
        &self,
        project: &KnownProject,
        (asked, head): (Option<&Registration>, RequestHead),
        now: Now,
    ) -> Result<bool, Failure> {
        let Some(name) = scheduled_name(asked) else { return Ok(false) };
        // On the heap: nearly nobody needs it. When the same request took it before, the commit says so.
        let resent = Box::pin(self.resent(project, head, now)).await?;
        Ok(resent.is_none() && Box::pin(self.is_taken(project, name)).await?)
    }

    /// The request that an equal one was taken for before.
    pub(crate) async fn resent(
        &self,
        project: &KnownProject,
        head: RequestHead,
        now: Now,
    ) -> Result<Option<RequestId>, Failure> {
        Ok(self.store.resent(project.project.id, head.fingerprint, now.real).await?)
    }

    /// Whether a payment's name is taken.
    pub(crate) async fn is_taken(&self, project: &KnownProject, name: &PaymentId) -> Result<bool, Failure> {
        let folded = name.folded();
        let holder = self.store.name_holder(project.project.id, NameKind::Payment, &folded).await?;
        Ok(holder.is_some())
    }

    /// What is to be registered; the payment of a schedule's debits gets its key now.
    pub(crate) fn registration(&self, terms: SeriesTerms) -> Registration {
        let SeriesTerms { kind, amount, plan, expiry, scheduled } = terms;
        Registration { kind, amount, plan, expiry, scheduled: scheduled.map(|id| self.scheduled(id)) }
    }

    fn scheduled(&self, id: PaymentId) -> Scheduled {
        Scheduled { id, key: self.ids_for_decision().payment }
    }

    /// A series that a path is for; one that it is not for is as one that does not exist.
    async fn series_through(
        &self,
        through: Through,
        project: &KnownProject,
        id: SeriesId,
    ) -> Result<Option<Series>, Failure> {
        let found = self.series(project, id).await?;
        Ok(found.filter(|series| through.leads_to_series(series)))
    }

    /// Accepts a debit with stored credentials (G-368).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn recurring_debit(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        (through, request): (Through, RecurringDebit),
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let ids = self.ids_for_decision();
        let command = DebitCommand {
            head,
            payment_id: request.payment_id,
            series: request.series,
            amount: request.amount,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            booking: request.booking,
            request: request.request,
            given: given(&project.project, OperationKind::Recurring, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        self.accept(project, ids.payment, head, &DebitOrder { through, command, ids }).await
    }

    /// Accepts an update of a series, or its cancellation (G-389, G-391).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn change_series(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        (through, request): (Through, SeriesChange),
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let order = match request.terms {
            None => SeriesOrder::Cancel,
            Some((mut terms, scheduled)) => {
                terms.scheduled = scheduled.map(|id| self.scheduled(id));
                SeriesOrder::Update(Box::new(terms))
            }
        };
        let command = SeriesCommand {
            head,
            payment_id: request.payment_id,
            series: request.series,
            order,
            callback: request.callback,
        };
        // Work about a series has its bucket; the key only names it.
        let key = command.series.as_key();
        self.accept(project, key, head, &Order { through, command }).await
    }

    /// Which debit a return refers to (D-06).
    pub(crate) async fn returned_debit(
        &self,
        payment: &Payment,
        command: &RefundCommand,
    ) -> Result<ReturnOf, Failure> {
        let Some(id) = payment.detail.series.filter(|_| payment.kind == PaymentKind::Recurring) else {
            return Ok(ReturnOf::Only);
        };
        let series = Box::pin(self.store.series(payment.project, id)).await?;
        if series.is_none_or(|series| !series.debits(payment.key)) {
            return Ok(ReturnOf::Only);
        }
        let least = command.amount.map_or(1, |amount| amount.minor.max(1));
        if least > payment.returnable() {
            return Ok(ReturnOf::NoneFits);
        }
        let found = Box::pin(self.store.debit_with(payment.key, command.debit, least)).await?;
        Ok(found.map_or(ReturnOf::NoneFits, ReturnOf::One))
    }

    /// A series of the project; none when there is no such series.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn series(&self, project: &KnownProject, id: SeriesId) -> Result<Option<Series>, Failure> {
        Ok(self.store.series(project.project.id, id).await?)
    }

    /// Stops further tries of a declined debit (G-403). Inner error: the code of a refusal.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn stop_debit_retries(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        id: SeriesId,
        trigger: OperationId,
    ) -> Result<Result<(), Code>, Failure> {
        let mut project = project.clone();
        loop {
            let now = self.moment(&project);
            let standing = match self.store.series(project.project.id, id).await? {
                Some(series) => Some(SeriesStanding::of(self.store.as_ref(), series).await?),
                None => None,
            };
            let facts = standing.as_ref();
            let (series, payment) = (facts.map(|it| &it.series), facts.and_then(|it| it.payment.as_ref()));
            let stopped = decide::stop_retries(&project.project, series, payment, trigger, now);
            let changes = match stopped {
                Ok(changes) => changes,
                Err(code) => return Ok(Err(code)),
            };
            let place = (bucket_of_series(id), now);
            let applied =
                self.apply(&project, changes, Commit::default(), Before::default(), Cards::default, place);
            match Box::pin(applied).await {
                Ok(()) => return Ok(Ok(())),
                Err(CommitError::Lost(Loss::Stale)) => {}
                Err(CommitError::Lost(Loss::ClockMoved)) => self.catch_up(&mut project).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does what is due in a series by itself.
    pub(crate) async fn series_rings(
        self: Arc<Self>,
        project: Arc<KnownProject>,
        series: Series,
        in_hand: InHand,
    ) {
        let id = series.id;
        if let Err(error) = self.do_what_is_due(project, series).await {
            tracing::error!(series = id.get(), %error, "what is due in a series could not be done");
        }
        drop(in_hand);
    }

    async fn do_what_is_due(
        self: &Arc<Self>,
        mut project: Arc<KnownProject>,
        series: Series,
    ) -> Result<(), Failure> {
        let (id, missed) = (series.id, series.detail.missed);
        let mut standing = SeriesStanding::of(self.store.as_ref(), series).await?;
        let at_risk = standing.series.scheduled_at_risk();
        let risk = self.risk_facts(&project, at_risk, Lost::default()).await?;
        standing.facts = DebitFacts { risk, rate: None };
        let cards = Cards::default();
        loop {
            // A rate is one between two currencies: when the project's have changed, it is read again.
            project = self.renewed(&project);
            let channel = project.project.channel_of(standing.series.currency, None);
            standing.facts.rate =
                self.rate(&project, standing.series.currency, self.moment(&project)).await?;
            let is_outdated = AtomicBool::new(false);
            self.settle(&mut project, &mut standing, &cards, |project, standing, ids, now| {
                if project.channel_of(standing.series.currency, None) != channel {
                    is_outdated.store(true, Ordering::Relaxed);
                    return Ok(None);
                }
                let facts = (&standing.series, standing.payment.as_ref());
                decide::series_due(project, facts, &standing.facts, ids, now)
            })
            .await?;
            if !is_outdated.into_inner() {
                break;
            }
        }
        let more = standing.series.detail.missed.saturating_sub(missed);
        if more > 0 {
            tracing::warn!(
                series = id.get(),
                missed = more,
                "moments of a schedule passed without a debit; the latest is debited"
            );
        }
        Ok(())
    }
}
