//! 3-D Secure: asking the directory server, taking the issuer's result, and leading customers through the platform's
//! own page.

use crate::{
    authentication::{
        AuthenticationOrder, Authenticator, CardRange, DeviceData, MerchantFacts, NoticeRefused, ResultNotice,
    },
    engine::Engine,
    failure::Failure,
    following::Situation as _,
    projects::KnownProject,
    provider_work::Cards,
    recorder::authentication::{Asked, Said},
    registry::InHand,
};
use ferropay_domain::{
    card::Pan,
    change::{TaskKey, bucket_of},
    decide::{self, AuthenticationOutcome, Noticed, RangeFacts, ThreeDsRequest},
    ids::{AuthenticationId, OperationId},
    payment::{Authentication, AuthenticationFlow, Form},
    project::Environment,
};
use ferropay_store::{Commit, CommitError, Loss, Standing};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// An authentication in hand.
struct Asking {
    project: Arc<KnownProject>,
    standing: Standing,
    cards: Cards,
}

/// How often a result notice is decided again when the payment changes meanwhile.
const MOST_TRIES: u32 = 20;

impl Engine {
    /// Adds a 3DS server; customers of its environment's projects are authenticated by it from now on.
    pub fn authenticate_with(&self, authenticator: Arc<dyn Authenticator>) {
        let mut known = self.authenticators.write();
        known.retain(|it| it.environment() != authenticator.environment());
        known.push(authenticator);
    }

    pub(crate) fn authenticator(&self, environment: Environment) -> Option<Arc<dyn Authenticator>> {
        self.authenticators.read().iter().find(|it| it.environment() == environment).cloned()
    }

    /// The range a card lies in; none when its issuer, or the platform for this project, takes no part.
    fn card_range(&self, project: &KnownProject, pan: &Pan) -> Option<(Arc<dyn Authenticator>, CardRange)> {
        let authenticator = self.authenticator(project.project.environment)?;
        let range = authenticator.range(pan)?;
        Some((authenticator, range))
    }

    /// What an authentication of `operation` would begin with; `data` is asked for only when the card takes part.
    pub(crate) fn range_facts(
        &self,
        project: &KnownProject,
        pan: &Pan,
        operation: OperationId,
        request: &ThreeDsRequest,
    ) -> Option<RangeFacts> {
        let (authenticator, range) = self.card_range(project, pan)?;
        let id = self.ids.for_authentication(operation);
        let md = self.ids.for_session();
        let extended = request.return_url.is_some() && request.notification_url.is_some();
        let platform_page = self.device_page(id);
        let seen_at = match (&request.notification_url, extended) {
            (Some(url), true) => url.as_str(),
            _ => &platform_page,
        };
        let device_form = range.method_url.as_deref().map(|url| authenticator.device_form(id, url, seen_at));
        Some(RangeFacts {
            id,
            version: range.version.to_string(),
            device_form,
            page: self.page_form(id, &md, request.return_url.as_deref()),
            md,
        })
    }

    /// Where an issuer says, on the platform's page, that it has seen the browser.
    fn device_page(&self, id: AuthenticationId) -> String {
        format!("{}/3ds/device/{id}", self.public_url)
    }

    /// The form that brings a customer to the platform's page (G-196): the members are those of the older protocol.
    fn page_form(&self, id: AuthenticationId, md: &str, term_url: Option<&str>) -> Form {
        let mut fields =
            vec![("PaReq".to_owned(), self.page_ticket(b"PaReq", id, md)), ("MD".to_owned(), md.to_owned())];
        fields.extend(term_url.map(|url| ("TermUrl".to_owned(), url.to_owned())));
        Form { url: format!("{}/3ds/acs", self.public_url), fields }
    }

    /// A text that only this platform can make: `PaReq` brings a customer to the page, `PaRes` says that the page has
    /// let them go. It begins with the identifier, so that the authentication is found by it.
    pub(crate) fn page_ticket(&self, purpose: &[u8], id: AuthenticationId, md: &str) -> String {
        let digest = self.vault.fingerprint(&[purpose, id.as_bytes(), md.as_bytes()]);
        format!("{id}{}", Uuid::from_bytes(digest).simple())
    }

    /// The authentication a ticket was made for.
    pub(crate) fn ticket_holder(ticket: &str) -> Option<AuthenticationId> {
        ticket.get(..32).and_then(AuthenticationId::parse).filter(|_| ticket.len() == 64)
    }

    /// Asks the directory server, and takes its answer. `before`: the question was found in the store, put off so many
    /// times; an earlier process may have asked it.
    pub(crate) async fn authenticate(
        self: Arc<Self>,
        project: Arc<KnownProject>,
        standing: Standing,
        cards: Cards,
        before: Option<u32>,
        in_hand: InHand,
    ) {
        let operation = standing.operation.id;
        let mut asked = Asking { project, standing, cards };
        let result = match self.ask_directory(&mut asked, before.is_some()).await {
            Err(Failure::Fenced) | Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(operation = operation.get(), %error, "an authentication could not be carried on");
                self.ask_later(&mut asked, before.unwrap_or(0)).await
            }
        };
        if let Err(error) = result {
            tracing::error!(operation = operation.get(), %error, "an authentication could not be put off");
        }
        drop(in_hand);
        self.authenticated.wake(&operation);
    }

    /// Puts the question off, for longer each time, until the method's threshold ends the operation.
    async fn ask_later(self: &Arc<Self>, asked: &mut Asking, tries: u32) -> Result<(), Failure> {
        let Asking { project, standing, cards } = asked;
        let pause = self.pause_after(tries);
        self.settle(project, standing, cards, |_, standing, _, now| {
            let key = TaskKey::Authenticate(standing.operation.id);
            let put_off =
                || decide::put_off(&standing.payment, key, now.real.plus(pause), tries.saturating_add(1));
            Ok(decide::is_asking(&standing.operation).then(put_off))
        })
        .await?;
        Ok(())
    }

    async fn ask_directory(self: &Arc<Self>, asked: &mut Asking, recovered: bool) -> Result<(), Failure> {
        let Asking { project, standing, cards } = asked;
        let operation = standing.operation.id;
        if recovered {
            self.settle(project, standing, cards, |project, standing, ids, now| {
                decide::asking_overdue(project, (&standing.payment, &standing.operation), ids, now)
            })
            .await?;
            if !decide::is_asking(&standing.operation) {
                return Ok(());
            }
        }
        // What may fail comes before anything is recorded of another question.
        self.have_number(standing, cards).await?;
        if recovered {
            // An earlier process may have asked already: nobody answers twice about one transaction.
            let id = self.ids.for_authentication(operation);
            let asks = self.settle(project, standing, cards, |project, standing, _, now| {
                Ok(decide::asked_again(project, (&standing.payment, &standing.operation), id, now))
            });
            if !asks.await? {
                // Its time was over before the question could be asked again.
                return Ok(());
            }
        }
        let Some(order) = self.authentication_order(project, standing, cards) else {
            return Ok(());
        };
        let outcome = match self.authenticator(project.project.environment) {
            Some(authenticator) => self.asked(project, standing, authenticator.as_ref(), order).await,
            None => AuthenticationOutcome::Unavailable { reason: "there is no 3DS server".to_owned() },
        };
        if let AuthenticationOutcome::Unavailable { reason } = &outcome {
            tracing::warn!(operation = operation.get(), %reason, "a customer could not be authenticated");
        }
        self.settle(project, standing, cards, |project, standing, ids, now| {
            let facts = (&standing.payment, &standing.operation);
            decide::authenticated(project, facts, outcome.clone(), ids, now)
        })
        .await?;
        Ok(())
    }

    /// Asks, and lets people see question and answer of a test project.
    async fn asked(
        &self,
        project: &KnownProject,
        standing: &Standing,
        authenticator: &dyn Authenticator,
        order: AuthenticationOrder,
    ) -> AuthenticationOutcome {
        let Some(people) = self.correspondence(project, &standing.payment, None) else {
            return authenticator.authenticate(order).await;
        };
        people.sent(Box::new(Asked::of(&order)));
        let started = tokio::time::Instant::now();
        let answer = authenticator.authenticate(order).await;
        let (took, said) = (started.elapsed(), Box::new(Said::of(&answer)));
        match &answer {
            AuthenticationOutcome::Unavailable { .. } => people.missing(took, said),
            _ => people.received(took, said),
        }
        answer
    }

    /// Reads the card's number from the vault, unless it is at hand.
    async fn have_number(&self, standing: &Standing, cards: &mut Cards) -> Result<(), Failure> {
        if let (None, Some(card)) = (&cards.pan, &standing.payment.detail.card) {
            cards.pan = Some(self.card_number(standing.payment.project, card).await?);
        }
        Ok(())
    }

    fn authentication_order(
        &self,
        project: &KnownProject,
        standing: &Standing,
        cards: &Cards,
    ) -> Option<AuthenticationOrder> {
        let Standing { payment, operation, .. } = standing;
        let authentication = operation.detail.authentication.as_deref()?;
        let card = payment.detail.card.as_ref()?;
        Some(AuthenticationOrder {
            id: authentication.id,
            version: authentication.version.clone(),
            is_payment: !operation.kind.moves_nothing(),
            amount: operation.processed(),
            at: operation.created_at,
            pan: cards.pan.clone()?,
            expiry: card.expiry?,
            holder: card.holder.clone(),
            device_data: match authentication.device_data {
                Some(true) => DeviceData::Seen,
                Some(false) => DeviceData::NotSeen,
                None => DeviceData::NotWanted,
            },
            notification_url: match authentication.flow {
                AuthenticationFlow::Extended => authentication.return_url.clone(),
                _ => format!("{}/3ds/return", self.public_url),
            },
            session_data: authentication.md.clone(),
            data: authentication.data.clone(),
            merchant: MerchantFacts {
                name: project.name.clone(),
                country: project.project.settings.country.map(|it| it.code().to_owned()).unwrap_or_default(),
                category: project.project.settings.category.unwrap_or(0),
                url: self.public_url.clone(),
            },
        })
    }

    /// Takes a result notice of an issuer (`RReq`). Answers the body to reply with; only this tells what came of a
    /// challenge. A notice that belongs to nothing, or contradicts what is known, changes nothing.
    pub async fn result_notice(self: &Arc<Self>, body: &[u8]) -> String {
        let authenticators = self.authenticators.read().clone();
        let mut refused = String::new();
        for authenticator in authenticators {
            let notice = match authenticator.read_result(body) {
                Ok(notice) => notice,
                Err(error) => {
                    tracing::warn!("a result of an authentication breaks the protocol");
                    refused = error;
                    continue;
                }
            };
            match self.take_notice(authenticator.environment(), &notice).await {
                Ok(()) => return authenticator.acknowledge(&notice),
                Err(why) => {
                    tracing::warn!(authentication = %notice.id, ?why, "a result of an authentication is refused");
                    refused = authenticator.refuse(&notice, why);
                    if why != NoticeRefused::Unknown {
                        break;
                    }
                }
            }
        }
        refused
    }

    async fn take_notice(
        self: &Arc<Self>,
        environment: Environment,
        notice: &ResultNotice,
    ) -> Result<(), NoticeRefused> {
        let unavailable = |error: Failure| {
            tracing::error!(%error, "a result of an authentication could not be recorded");
            NoticeRefused::Unavailable
        };
        for _ in 0..MOST_TRIES {
            let found = self.store.standing(notice.id.operation()).await;
            let standing = found.map_err(|error| unavailable(error.into()))?.ok_or(NoticeRefused::Unknown)?;
            let mut project = self.project(standing.payment.project).map_err(unavailable)?;
            let ours = authentication(&standing).is_some_and(|it| it.id == notice.id)
                && project.project.environment == environment;
            if !ours {
                return Err(NoticeRefused::Unknown);
            }
            let now = self.moment(&project);
            let noticed = decide::result_noticed(
                &project.project,
                (&standing.payment, &standing.operation),
                &notice.ds_transaction,
                &notice.acs_transaction,
                notice.result.clone(),
                self.ids.for_decision(),
                now,
            );
            let changes = match noticed {
                Noticed::Recorded(changes) => *changes,
                Noticed::Known => return Ok(()),
                Noticed::Unknown => return Err(NoticeRefused::Unknown),
                Noticed::Contradicts => return Err(NoticeRefused::Contradicts),
            };
            let bucket = bucket_of(standing.payment.key);
            let applied = self
                .apply(&project, changes, Commit::default(), standing.before(), Cards::default, (bucket, now))
                .await;
            match applied {
                Ok(()) => {
                    if let Some(people) = self.correspondence(&project, &standing.payment, None) {
                        people.received(Duration::ZERO, Box::new(Said::Noticed(notice.result.clone())));
                    }
                    return Ok(());
                }
                Err(CommitError::Lost(Loss::Stale)) => {}
                Err(CommitError::Lost(Loss::ClockMoved)) => {
                    self.catch_up(&mut project).await.map_err(unavailable)?;
                }
                Err(error) => return Err(unavailable(error.into())),
            }
        }
        Err(NoticeRefused::Unavailable)
    }
}

/// The authentication an operation waits for.
pub(crate) fn authentication(standing: &Standing) -> Option<&Authentication> {
    standing.operation.detail.authentication.as_deref()
}
