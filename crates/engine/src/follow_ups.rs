//! Requests about an operation that waits: what the customer's browser brought back, a code, missing data.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    authentications::authentication,
    engine::Engine,
    failure::Failure,
    instruments::known_of_payment,
    intake::{Intake, Origin},
    projects::KnownProject,
};
use ferropay_domain::{
    decide::{self, CardFacts, FollowUp, NotWaiting, Now, RequestHead, ThreeDsRequest},
    ids::{PaymentId, PaymentKey, RequestId},
    instrument::Instrument,
    payment::{AuthenticationFlow, OperationKind, OperationStatus},
};
use ferropay_store::{Commit, Standing};
use std::{collections::BTreeMap, sync::Arc};

/// What a request brings to an operation that waits.
#[derive(Clone, Debug)]
pub enum Brought {
    /// Whether the issuer said in time that it has seen the browser (`3ds_check_iframe`).
    DeviceData {
        /// It did.
        seen: bool,
        /// The value given along, when it was.
        md: Option<String>,
    },
    /// What the browser brought back from the issuer (`3ds_result` with `cres`).
    ChallengeReturn {
        /// As it came.
        cres: String,
        /// The value given along, when it was.
        md: Option<String>,
    },
    /// What the browser brought back from the platform's page (`3ds_result` with `pares`).
    PageReturn {
        /// As it came.
        pares: String,
        /// The value given along, when it was.
        md: Option<String>,
    },
    /// The customer wants a code to be sent (`merchant_auth` start).
    StartMerchantAuth,
    /// The customer's code (`merchant_auth` finish).
    MerchantAuthCode(String),
    /// Missing data by dotted path (`clarification`).
    Data(BTreeMap<String, String>),
}

/// Marks what comes while the customer is authenticated once more within an attempt (G-206); beside the number of the
/// attempt.
const ASKED_AGAIN: u8 = 0x80;

/// A request about a payment that waits.
struct Order {
    payment: PaymentKey,
    /// None when the platform's own page brings it.
    head: Option<RequestHead>,
    brought: Brought,
}

impl Acceptable for Order {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let id = project.project.id;
        let Some(payment) = engine.store.payment(id, self.payment).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        let standing = match payment.open {
            Some(open) => engine.store.standing(open).await?,
            None => None,
        };
        // An equal request that was taken is the same request, also when nothing waits any more.
        let begun = payment.detail.attempts.as_deref().map_or(0, |attempts| attempts.begun);
        let again = standing.as_ref().and_then(authentication).is_some_and(|it| it.again.is_some());
        let round = begun | if again { ASKED_AGAIN } else { 0 };
        let head = self.head.map(|head| head.in_attempt(round));
        if let Some(first) = self.resent(engine, project, [round], now).await? {
            return Ok(Decision::Answer(Intake::Accepted(first)));
        }
        let Some(standing) = standing else {
            return self.refused(engine, project, (begun, now), Intake::NotWaiting).await;
        };
        let follow = match engine.accepted(&standing, &self.brought) {
            Ok(follow) => follow,
            Err(refused) => {
                tracing::warn!(
                    project = id.get(),
                    operation = standing.operation.id.get(),
                    why = refused.why,
                    "a request about a payment that waits is refused"
                );
                return self.refused(engine, project, (begun, now), refused.intake).await;
            }
        };
        let facts = engine.card_facts(project, &standing, &follow).await?;
        let situation = standing.facts();
        let ids = engine.ids_for_decision();
        match decide::follow_up(&project.project, situation, follow, &facts, head, ids, now)? {
            Ok(changes) => {
                Ok(Decision::Changes(changes, Commit::default(), Found::Standing(Box::new(standing))))
            }
            Err(NotWaiting) => self.refused(engine, project, (begun, now), Intake::NotWaiting).await,
        }
    }
}

impl Order {
    /// The answer to an equal request that was taken in one of these rounds.
    async fn resent(
        &self,
        engine: &Engine,
        project: &KnownProject,
        rounds: impl IntoIterator<Item = u8, IntoIter: Send> + Send,
        now: Now,
    ) -> Result<Option<RequestId>, Failure> {
        let Some(head) = self.head else { return Ok(None) };
        for round in rounds {
            if let Some(first) = Box::pin(engine.resent(project, head.in_attempt(round), now)).await? {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    /// Nobody waits for it now; unless it was taken in an earlier attempt of the customer, or before they were
    /// authenticated once more.
    async fn refused(
        &self,
        engine: &Engine,
        project: &KnownProject,
        (begun, now): (u8, Now),
        why: Intake,
    ) -> Result<Decision, Failure> {
        let rounds = (0..=begun).flat_map(|begun| [begun, begun | ASKED_AGAIN]);
        let first = self.resent(engine, project, rounds, now).await?;
        Ok(Decision::Answer(first.map_or(why, Intake::Accepted)))
    }
}

impl Engine {
    /// Takes a request about a payment that waits.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn follow_up(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        payment_id: &PaymentId,
        brought: Brought,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        self.accept_about(project, payment_id, head, |payment| Order { payment, head: Some(head), brought })
            .await
    }

    /// Takes what the platform's own page brings to a payment that waits.
    pub(crate) async fn brought_by_page(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        payment: PaymentKey,
        brought: Brought,
    ) -> Result<Intake, Failure> {
        self.accept_from_page(project, payment, &Order { payment, head: None, brought }).await
    }

    /// The 3-D Secure facts a decision needs when the operation may come to that step.
    async fn card_facts(
        &self,
        project: &KnownProject,
        standing: &Standing,
        follow: &FollowUp,
    ) -> Result<CardFacts, Failure> {
        let card = standing.payment.detail.card.as_ref();
        let needed = matches!(follow, FollowUp::Clarification { .. });
        let with = standing.payment.detail.method.as_deref();
        if needed && with.is_some_and(|with| with.consent.is_some()) {
            // The account may have been deleted while data was waited for, and the consent with it.
            let known = Box::pin(known_of_payment(self.store.as_ref(), &standing.payment)).await?.0;
            let account = known.as_ref().filter(|it| it.is_saved()).and_then(Instrument::account);
            let account_is_gone = account.is_none_or(|account| account.consent.is_none());
            return Ok(CardFacts { account_is_gone, ..CardFacts::default() });
        }
        let operation = standing.operation.kind;
        // Nobody is there to be authenticated when stored credentials are used (G-374).
        let needed = needed && operation.is_primary() && operation != OperationKind::Recurring;
        let Some(card) = card.filter(|_| needed) else {
            return Ok(CardFacts::default());
        };
        let pan = self.card_number(standing.payment.project, card).await?;
        let request = authentication(standing).map(ThreeDsRequest::addressed_as).unwrap_or_default();
        let range = self.range_facts(project, &pan, standing.operation.id, &request);
        Ok(CardFacts { range, ..CardFacts::default() })
    }

    /// Checks that what was brought belongs to what the operation waits for.
    fn accepted(&self, standing: &Standing, brought: &Brought) -> Result<FollowUp, Refused> {
        let md_of = |md: &Option<String>| match (authentication(standing), md) {
            (Some(known), Some(md)) if *md != known.md => Err(Refused::bad("the md is another payment's")),
            _ => Ok(()),
        };
        let waiting = || {
            let waits = standing.operation.status == OperationStatus::AwaitingThreeDs;
            authentication(standing).filter(|_| waits).ok_or(Refused::NOT_WAITING)
        };
        match brought {
            Brought::DeviceData { seen, md } => {
                let known = waiting()?;
                md_of(md)?;
                if known.flow != AuthenticationFlow::Extended {
                    return Err(Refused::NOT_WAITING);
                }
                Ok(FollowUp::DeviceData { seen: *seen })
            }
            Brought::ChallengeReturn { cres, md } => {
                let known = waiting()?;
                md_of(md)?;
                if known.flow != AuthenticationFlow::Extended {
                    return Err(Refused::bad("a cres where the platform leads the customer"));
                }
                let authenticators = self.authenticators.read();
                let read = authenticators.iter().find_map(|it| it.read_return(cres));
                let Some(read) = read else { return Err(Refused::bad("the cres cannot be read")) };
                if read.id != known.id {
                    return Err(Refused::bad("the cres is another payment's"));
                }
                if known.acs_transaction.as_deref() != Some(read.acs_transaction.as_str()) {
                    return Err(Refused::bad("the cres is another issuer's"));
                }
                Ok(FollowUp::Returned)
            }
            Brought::PageReturn { pares, md } => {
                let known = waiting()?;
                md_of(md)?;
                if known.flow != AuthenticationFlow::Basic {
                    return Err(Refused::bad("a pares where the merchant leads the customer"));
                }
                if !self.is_secret(&self.page_ticket(b"PaRes", known.id, &known.md), pares) {
                    return Err(Refused::bad("the pares was not made for this payment"));
                }
                Ok(FollowUp::Returned)
            }
            Brought::StartMerchantAuth => Ok(FollowUp::StartMerchantAuth),
            Brought::MerchantAuthCode(code) => Ok(FollowUp::FinishMerchantAuth { code: code.clone() }),
            Brought::Data(values) => Ok(FollowUp::Clarification { values: values.clone() }),
        }
    }
}

/// Why something brought is not taken.
struct Refused {
    intake: Intake,
    why: &'static str,
}

impl Refused {
    const NOT_WAITING: Self = Self { intake: Intake::NotWaiting, why: "the operation does not wait for it" };

    const fn bad(why: &'static str) -> Self {
        Self { intake: Intake::BadResult, why }
    }
}
