//! The one way in which a merchant's request becomes durable: decided on what stands in the store, applied while that
//! still stands, and otherwise decided again.

use crate::{
    engine::Engine,
    failure::Failure,
    following::{Before, Situation as _},
    intake::Intake,
    projects::KnownProject,
    provider_work::Cards,
    series::{SeriesStanding, scheduled_name},
    steps::Step,
};
use ferropay_domain::{
    change::{ChangeSet, MachineBreak, NameKind, bucket_of},
    codes::Code,
    decide::{Now, RequestHead},
    ids::{PaymentId, PaymentKey},
    payment::Payment,
    project::Project,
    series::Registration,
};
use ferropay_store::{Commit, CommitError, Loss, Standing};
use std::{future::Future, sync::Arc};

/// What the decision was made on.
pub(crate) enum Found {
    /// Nothing yet: the payment comes into being.
    Nothing,
    /// A payment.
    Payment(Box<Payment>),
    /// An operation that is under way.
    Standing(Box<Standing>),
    /// A series, and the payment of its schedule's debits.
    Series(Box<SeriesStanding>),
}

impl Found {
    /// A payment that is tried again, if one is.
    pub(crate) fn tried(earlier: Option<Box<Payment>>) -> Self {
        earlier.map_or(Self::Nothing, Self::Payment)
    }

    fn before(&self) -> Before<'_> {
        match self {
            Self::Nothing => Before::default(),
            Self::Payment(payment) => Before { payment: Some(payment), ..Before::default() },
            Self::Standing(standing) => standing.before(),
            Self::Series(standing) => standing.before(),
        }
    }
}

/// What a request comes to.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is nearly always the large one"
)]
pub(crate) enum Decision {
    /// Nothing changes, and this is the answer.
    Answer(Intake),
    /// This is to be made durable, with what belongs to it beside the change set.
    Changes(ChangeSet, Commit, Found),
}

/// Guards that were lost: facts for the next decision.
#[expect(clippy::struct_excessive_bools, reason = "each is one guard")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lost {
    /// The account cannot hold the amount.
    pub(crate) balance_short: bool,
    /// A limit of risk control is reached.
    pub(crate) limit: Option<Code>,
    /// A payment of this name exists: the request may be another attempt at it.
    pub(crate) payment_exists: bool,
    /// The merchant's identifier of the refund is taken.
    pub(crate) refund_id_taken: bool,
    /// One of the names was taken meanwhile; which one was is looked up once more.
    name_looked_up: bool,
}

/// A request for something new: nothing that stands in the store has a say in it.
pub(crate) struct Fresh<F>(pub(crate) F);

impl<F> Acceptable for Fresh<F>
where
    F: Fn(&Project, Lost, Now) -> Result<ChangeSet, MachineBreak> + Sync,
{
    async fn decide(
        &self,
        _: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let changes = (self.0)(&project.project, lost, now)?;
        Ok(Decision::Changes(changes, Commit::default(), Found::Nothing))
    }
}

/// The same, where it may register a series, whose name for the payment of its debits may be taken: the third argument.
pub(crate) struct Registering<'r, F> {
    /// The series.
    pub(crate) asked: Option<&'r Registration>,
    /// The request.
    pub(crate) head: RequestHead,
    /// What decides.
    pub(crate) decide: F,
}

impl<F> Acceptable for Registering<'_, F>
where
    F: Fn(&Project, Lost, bool, Now) -> Result<ChangeSet, MachineBreak> + Sync,
{
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let name_taken = engine.scheduled_name_taken(project, (self.asked, self.head), now).await?;
        let changes = (self.decide)(&project.project, lost, name_taken, now)?;
        Ok(Decision::Changes(changes, Commit::default(), Found::Nothing))
    }

    fn reserves_another_name(&self) -> bool {
        scheduled_name(self.asked).is_some()
    }
}

/// A request whose body has been read.
pub(crate) trait Acceptable: Sync {
    /// Decides on what stands in the store now.
    fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> impl Future<Output = Result<Decision, Failure>> + Send;

    /// The request, when what an equal one has done would stand in its way: the equal one is looked for first.
    fn repeatable(&self) -> Option<RequestHead> {
        None
    }

    /// Card data for the work that follows.
    fn cards(&self) -> Cards {
        Cards::default()
    }

    /// Whether it may be another attempt at the payment that has its name (G-512).
    fn may_try_again(&self) -> bool {
        false
    }

    /// Whether it takes a payment's name besides its own, which the decision looks up.
    fn reserves_another_name(&self) -> bool {
        false
    }
}

impl Engine {
    /// The payment that a request may be another attempt at, once the commit has said that its name is taken; so that a
    /// purchase that comes into being reads nothing more for it.
    pub(crate) async fn tried_before(
        &self,
        project: &KnownProject,
        name: &PaymentId,
        lost: Lost,
    ) -> Result<Option<Box<Payment>>, Failure> {
        if !lost.payment_exists {
            return Ok(None);
        }
        Ok(Box::pin(self.find(project, name)).await?.map(Box::new))
    }

    /// Accepts a request about the payment `payment_id`, which others wait for meanwhile.
    pub(crate) async fn accept_about<R: Acceptable>(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        payment_id: &PaymentId,
        head: RequestHead,
        request: impl FnOnce(PaymentKey) -> R + Send,
    ) -> Result<Intake, Failure> {
        let Some(found) = self.find(project, payment_id).await? else {
            return self.absent(project, payment_id, head).await;
        };
        let _turn = self.locks.turn(found.key).await.ok_or(Failure::Busy)?;
        match self.accept(project, found.key, head, &request(found.key)).await? {
            // It may have been archived since.
            Intake::UnknownPayment => self.absent(project, payment_id, head).await,
            intake => Ok(intake),
        }
    }

    /// Decides a request and makes the decision durable. Losing a guard is a fact for the next decision: what changed
    /// meanwhile is read again, a balance too small or an identifier taken is declined, and a clock that was moved on
    /// counts.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        payment: PaymentKey,
        head: RequestHead,
        request: &impl Acceptable,
    ) -> Result<Intake, Failure> {
        if self.is_draining() {
            return Err(Failure::Draining);
        }
        if self.is_held() {
            return Err(Failure::Held);
        }
        let mut project = project.clone();
        let mut facts = Lost::default();
        loop {
            let now = self.moment(&project);
            if let Some(head) = request.repeatable()
                && let Some(first) = Box::pin(self.resent(&project, head, now)).await?
            {
                return Ok(Intake::Accepted(first));
            }
            let (changes, commit, found) = match request.decide(self, &project, facts, now).await? {
                Decision::Answer(intake) => {
                    // What stands in the way of another attempt may be an equal request that was taken just now.
                    let first = if facts.payment_exists {
                        Box::pin(self.resent(&project, head, now)).await?
                    } else {
                        None
                    };
                    return Ok(first.map_or(intake, Intake::Accepted));
                }
                Decision::Changes(changes, commit, found) => (changes, commit, found),
            };
            if !self.has_room_for(&changes) {
                return Err(Failure::Overloaded);
            }
            self.step(Step::BeforeAccept);
            // Another attempt is about a payment that it has not made.
            let about = changes.payment.as_ref().map_or(payment, |write| write.payment().key);
            let bucket = bucket_of(about);
            let place = (bucket, now);
            // Where the bucket is another's, the guards are enough for what is accepted, and that one does it.
            let fence = if self.owns(bucket) { self.fence_of(bucket) } else { None };
            let commit = Commit { fence, ..commit };
            let cards = || request.cards();
            // On the heap, so that what waits for it stays small.
            let applied = Box::pin(self.apply(&project, changes, commit, found.before(), cards, place));
            let loss = match applied.await {
                Ok(()) => {
                    self.step(Step::AfterAccept);
                    return Ok(Intake::Accepted(head.id));
                }
                Err(CommitError::Lost(loss)) => loss,
                Err(error) => return Err(error.into()),
            };
            match loss {
                Loss::Resent(first) => return Ok(Intake::Accepted(first)),
                Loss::NameTaken(NameKind::Payment, _)
                    if request.reserves_another_name() && !facts.name_looked_up =>
                {
                    facts.name_looked_up = true;
                }
                Loss::NameTaken(NameKind::Payment, _) if request.may_try_again() && !facts.payment_exists => {
                    facts.payment_exists = true;
                }
                Loss::NameTaken(NameKind::Payment, _) => return Ok(Intake::PaymentExists),
                Loss::NameTaken(NameKind::WalletToken, _) => return Ok(Intake::TokenUsed),
                Loss::NameTaken(NameKind::MerchantRefund, _) => facts.refund_id_taken = true,
                Loss::BalanceShort => facts.balance_short = true,
                Loss::TooMuch(code) => facts.limit = Some(code),
                Loss::ClockMoved => self.catch_up(&mut project).await?,
                Loss::Stale
                | Loss::ExceedsDebit
                | Loss::InstrumentChanged
                // Somebody was quicker with the debit; the next decision finds it followed.
                | Loss::NameTaken(NameKind::FollowedDebit, _) => {}
                Loss::Fenced if fence.is_some() => {
                    self.disown(bucket);
                }
                Loss::Fenced
                | Loss::NotificationKnown
                | Loss::NameTaken(
                    NameKind::MigratedSeries
                    | NameKind::Payer
                    | NameKind::BalanceSettlement
                    | NameKind::TransferDebit,
                    _,
                ) => {
                    return Err(Failure::Defect(format!("a request lost {loss:?}")));
                }
            }
        }
    }
}
