//! The platform's own page in the basic flow of 3-D Secure: what it shows a customer next (G-196, G-197).
//!
//! The customer comes with a ticket that only this platform can make and leaves with another one. What the page is
//! told by the browser moves it from step to step, but never decides whether the customer was authenticated.

use crate::{
    authentications::authentication, engine::Engine, failure::Failure, projects::KnownProject,
    provider_work::Cards,
};
use ferropay_domain::{
    card::Network,
    decide::{self, FollowUp},
    ids::{AuthenticationId, OperationId},
    money::Money,
    payment::{AuthenticationFlow, AuthenticationStep, Form, OperationStatus},
    project::{Environment, Project},
};
use ferropay_store::Standing;
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// How long a page waits for the directory server's answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// How many browsers that an issuer has just seen are remembered.
const MOST_SEEN: usize = 10_000;

/// The purpose of a ticket with which an opened page goes on.
const GOES_ON: &[u8] = b"page";

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Page {
    /// What happens next.
    pub step: PageStep,
    /// The merchant's name.
    pub merchant: String,
    /// Whether no real money moves.
    pub is_test: bool,
    /// What is to be paid; nothing for a verification.
    pub amount: Option<Money>,
    /// What the merchant says it is paid for; empty when it says nothing.
    pub description: String,
    /// The card, masked.
    pub card: String,
    /// The card's network.
    pub network: Network,
    /// Where the customer returns to; empty when nobody has said.
    pub return_url: String,
}

/// What happens next on the page.
#[derive(Clone, Debug)]
pub enum PageStep {
    /// The browser is shown to the issuer in a hidden frame; after at most ten seconds it goes on with this ticket.
    Device {
        /// What the frame posts.
        form: Form,
        /// The ticket to go on with.
        ticket: String,
    },
    /// Nothing is known yet; the page asks again with this ticket.
    Wait {
        /// The ticket to go on with.
        ticket: String,
    },
    /// The browser posts this to the issuer.
    Challenge(Form),
    /// The browser posts this to the merchant.
    Return(Form),
    /// The payment waits for nothing here any more; when the customer wants to, the browser posts this to the merchant.
    Over(Form),
}

/// Browsers that issuers have said they have seen, for as long as somebody may ask.
#[derive(Default)]
pub(crate) struct Seen {
    known: HashSet<AuthenticationId>,
    order: VecDeque<AuthenticationId>,
}

impl Seen {
    fn add(&mut self, id: AuthenticationId) {
        if self.known.insert(id) {
            self.order.push_back(id);
        }
        while self.order.len() > MOST_SEEN {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

impl Engine {
    /// A customer comes to the page with the fields of the older protocol. `browser` is what the request says of the
    /// browser, by the dotted paths of a merchant's request. None when the ticket is not good, or no longer.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn page_opened(
        self: &Arc<Self>,
        pa_req: &str,
        md: &str,
        term_url: Option<&str>,
        browser: BTreeMap<String, String>,
    ) -> Result<Option<Page>, Failure> {
        let found = self.holder(pa_req, b"PaReq").await?;
        let Some((mut project, mut standing)) = found else { return Ok(None) };
        if authentication(&standing).is_none_or(|it| it.md != md) {
            tracing::warn!(operation = standing.operation.id.get(), "a customer came with a foreign md");
            return Ok(None);
        }
        if !waits(&standing) {
            return Ok(self.over(&project, &standing));
        }
        self.learn(&mut project, &mut standing, &browser, term_url).await?;
        // Only a page that was opened has what it takes to go on.
        let ticket = authentication(&standing).map(|it| self.page_ticket(GOES_ON, it.id, &it.md));
        Ok(ticket.and_then(|ticket| self.shown(&project, &standing, &ticket)))
    }

    /// The page goes on: the issuer has seen the browser, or had its time. `browser` is what scripts of the page have
    /// found out about the browser meanwhile, by the dotted paths of a merchant's request.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn page_goes_on(
        self: &Arc<Self>,
        ticket: &str,
        browser: BTreeMap<String, String>,
    ) -> Result<Option<Page>, Failure> {
        let found = self.holder(ticket, GOES_ON).await?;
        let Some((mut project, mut standing)) = found else { return Ok(None) };
        if asks(&standing).is_none() {
            return Ok(self.shown(&project, &standing, ticket));
        }
        // Whoever asks wakes those who waited from before the answer was recorded.
        let operation = standing.operation.id;
        let answer = self.authenticated.on(operation);
        let answered = answer.notified();
        if let Some(AuthenticationStep::DeviceData) = asks(&standing) {
            self.learn(&mut project, &mut standing, &browser, None).await?;
            self.show_device(&mut project, &mut standing).await?;
        }
        let Some((_, standing)) = self.holder(ticket, GOES_ON).await? else { return Ok(None) };
        if asks(&standing).is_some() {
            drop(tokio::time::timeout(PATIENCE, answered).await);
        } else {
            // Nobody may be left to do it.
            self.authenticated.wake(&operation);
        }
        let Some((project, standing)) = self.holder(ticket, GOES_ON).await? else { return Ok(None) };
        Ok(self.shown(&project, &standing, ticket))
    }

    /// The issuer has seen the browser, or not: the directory server is asked.
    async fn show_device(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        standing: &mut Standing,
    ) -> Result<(), Failure> {
        let Some(id) = authentication(standing).map(|it| it.id) else { return Ok(()) };
        let seen = self.devices_seen.lock().known.contains(&id);
        self.settle_said(project, standing, &Cards::default(), |project, standing, ids, now| {
            let situation = (&standing.payment, &standing.operation, standing.attempt.as_ref());
            let follow = FollowUp::DeviceData { seen };
            let facts = decide::CardFacts::default();
            // No request of the merchant caused this.
            Ok(decide::follow_up(project, situation, follow, &facts, None, ids, now)?.ok())
        })
        .await
        .map(drop)
    }

    /// An issuer says, through the hidden frame, that it has seen the browser; `data` is what its page posted to the
    /// address of `id`. Whether that belongs to an authentication which waits for it.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn device_seen(&self, id: AuthenticationId, data: &str) -> Result<bool, Failure> {
        let named = self.authenticators.read().iter().find_map(|it| it.read_seen(data));
        if named != Some(id) {
            tracing::warn!(authentication = %id, "an issuer's page reported something that is not about this browser");
            return Ok(false);
        }
        // What nobody waits for would take the place of what somebody does.
        let found = self.led_by_page(id.operation()).await?;
        let waits = found.is_some_and(|(_, standing)| {
            asks(&standing) == Some(AuthenticationStep::DeviceData)
                && authentication(&standing).is_some_and(|it| it.id == id)
        });
        if waits {
            self.devices_seen.lock().add(id);
        } else {
            tracing::warn!(authentication = %id, "an issuer's page reported a browser that nobody asked about");
        }
        Ok(waits)
    }

    /// A customer comes back from a challenge with `cres` and the session data, which is the `md`.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn page_returned(
        self: &Arc<Self>,
        cres: &str,
        session_data: &str,
    ) -> Result<Option<Page>, Failure> {
        let read = self.authenticators.read().iter().find_map(|it| it.read_return(cres));
        let Some(read) = read else {
            tracing::warn!("a customer came back with something that is no answer of an issuer");
            return Ok(None);
        };
        let Some((project, standing)) = self.led_by_page(read.id.operation()).await? else {
            tracing::warn!(authentication = %read.id, "a customer came back to an authentication that is not known");
            return Ok(None);
        };
        let ours = authentication(&standing).is_some_and(|it| {
            it.id == read.id
                && it.md == session_data
                && it.acs_transaction.as_deref() == Some(read.acs_transaction.as_str())
        });
        if !ours {
            tracing::warn!(
                operation = standing.operation.id.get(),
                "a customer came back with another payment's answer"
            );
            return Ok(None);
        }
        if !waits(&standing) {
            return Ok(self.over(&project, &standing));
        }
        let step = return_form(self, &standing).map(PageStep::Return);
        Ok(step.map(|step| page(&project, &standing, step)))
    }

    /// Keeps what is new about the browser and the way back.
    async fn learn(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        standing: &mut Standing,
        browser: &BTreeMap<String, String>,
        term_url: Option<&str>,
    ) -> Result<(), Failure> {
        let learn = |_: &Project, standing: &Standing, _, _| {
            let situation = (&standing.payment, &standing.operation);
            Ok(decide::browser_known(situation, browser, term_url))
        };
        self.settle_said(project, standing, &Cards::default(), learn).await.map(drop)
    }

    /// The operation a ticket was made for; a ticket serves one purpose.
    async fn holder(
        &self,
        ticket: &str,
        purpose: &[u8],
    ) -> Result<Option<(Arc<KnownProject>, Standing)>, Failure> {
        let id = Self::ticket_holder(ticket);
        let found = match id {
            Some(id) => self.led_by_page(id.operation()).await?,
            None => None,
        };
        let (Some(id), Some((project, standing))) = (id, found) else {
            tracing::warn!("a customer came with a ticket of no authentication");
            return Ok(None);
        };
        // The authentication may have got another identifier since the ticket was made (after a restart), but no
        // other md.
        let known = authentication(&standing).map(|it| self.page_ticket(purpose, id, &it.md));
        let right = known.is_some_and(|known| self.is_secret(&known, ticket));
        if !right {
            tracing::warn!(operation = standing.operation.id.get(), "a customer came with a forged ticket");
            return Ok(None);
        }
        Ok(Some((project, standing)))
    }

    /// The operation with an authentication that this page leads the customer through, whatever has come of it.
    async fn led_by_page(
        &self,
        operation: OperationId,
    ) -> Result<Option<(Arc<KnownProject>, Standing)>, Failure> {
        let Some(standing) = self.store.standing(operation).await? else { return Ok(None) };
        if authentication(&standing).is_none_or(|it| it.flow != AuthenticationFlow::Basic) {
            return Ok(None);
        }
        let project = self.project(standing.payment.project)?;
        Ok(Some((project, standing)))
    }

    /// What is shown of an operation that waits for its customer no more, when the customer comes to it.
    fn over(&self, project: &KnownProject, standing: &Standing) -> Option<Page> {
        let operation = standing.operation.id.get();
        tracing::warn!(operation, "a customer came to an authentication that is over");
        return_form(self, standing).map(|form| page(project, standing, PageStep::Over(form)))
    }

    /// What comes next for a customer who is on the page. When the payment has gone on meanwhile, or has ended, the
    /// customer is brought back to the merchant, who knows what came of it.
    fn shown(&self, project: &KnownProject, standing: &Standing, ticket: &str) -> Option<Page> {
        let known = authentication(standing)?;
        let ticket = ticket.to_owned();
        let step = match (known.step, &known.issuer_form, &known.result) {
            _ if !waits(standing) => return_form(self, standing).map(PageStep::Return),
            (_, _, Some(_)) | (AuthenticationStep::Done, ..) => {
                return_form(self, standing).map(PageStep::Return)
            }
            (AuthenticationStep::Challenge, Some(form), None) => Some(PageStep::Challenge(form.clone())),
            (AuthenticationStep::DeviceData, Some(form), None) => {
                Some(PageStep::Device { form: form.clone(), ticket })
            }
            _ => Some(PageStep::Wait { ticket }),
        };
        step.map(|step| page(project, standing, step))
    }
}

/// Whether an operation waits for its customer to be authenticated.
fn waits(standing: &Standing) -> bool {
    standing.operation.status == OperationStatus::AwaitingThreeDs
}

/// The step an operation is at when the directory server is to be asked yet, or is being asked.
fn asks(standing: &Standing) -> Option<AuthenticationStep> {
    let step = authentication(standing).map(|it| it.step).filter(|_| waits(standing))?;
    matches!(step, AuthenticationStep::DeviceData | AuthenticationStep::Asking).then_some(step)
}

/// What brings the customer back to the merchant.
fn return_form(engine: &Engine, standing: &Standing) -> Option<Form> {
    let known = authentication(standing).filter(|it| !it.return_url.is_empty())?;
    let fields = vec![
        ("PaRes".to_owned(), engine.page_ticket(b"PaRes", known.id, &known.md)),
        ("MD".to_owned(), known.md.clone()),
    ];
    Some(Form { url: known.return_url.clone(), fields })
}

fn page(project: &KnownProject, standing: &Standing, step: PageStep) -> Page {
    let verifies = standing.operation.kind.moves_nothing();
    let card = standing.payment.detail.card.as_ref();
    Page {
        step,
        merchant: project.name.clone(),
        is_test: project.project.environment == Environment::Test,
        amount: (!verifies).then_some(standing.operation.amount),
        description: standing.payment.detail.description.clone(),
        card: card.map(|card| card.masked.clone()).unwrap_or_default(),
        network: card.map_or(Network::Other, |card| card.network),
        return_url: authentication(standing).map(|it| it.return_url.clone()).unwrap_or_default(),
    }
}
