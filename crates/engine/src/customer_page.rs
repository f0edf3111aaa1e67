//! The platform's own page in the basic flow of 3-D Secure: what it shows a customer next (G-196, G-197).
//!
//! The customer comes with a ticket that only this platform can make and leaves with another one. What the page is
//! told by the browser moves it from step to step, but never decides whether the customer was authenticated.

use crate::{
    authentications::authentication, engine::Engine, failure::Failure, projects::KnownProject,
    provider_work::Cards,
};
use ferropay_domain::{
    change::ChangeSet,
    decide::{self, FollowUp, RequestHead},
    ids::AuthenticationId,
    money::Money,
    payment::{AuthenticationFlow, AuthenticationStep, Form, OperationKind, OperationStatus},
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

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Page {
    /// What happens next.
    pub step: PageStep,
    /// The merchant's name.
    pub merchant: String,
    /// What is to be paid; nothing for a verification.
    pub amount: Option<Money>,
    /// The card, masked.
    pub card: String,
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
        let Some((mut project, mut standing)) = self.holder(pa_req).await? else { return Ok(None) };
        if authentication(&standing).is_none_or(|it| it.md != md) {
            tracing::warn!(operation = standing.operation.id.get(), "a customer came with a foreign md");
            return Ok(None);
        }
        let cards = Cards::default();
        self.settle(&mut project, &mut standing, &cards, |_, standing, _, now| {
            let situation = (&standing.payment, &standing.operation);
            Ok(decide::browser_known(situation, &browser, term_url, now))
        })
        .await?;
        Ok(self.shown(&project, &standing, pa_req))
    }

    /// The page goes on: the issuer has seen the browser, or had its time.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn page_goes_on(self: &Arc<Self>, ticket: &str) -> Result<Option<Page>, Failure> {
        let Some((mut project, mut standing)) = self.holder(ticket).await? else { return Ok(None) };
        let operation = standing.operation.id;
        let answer = self.authenticated.on(operation);
        let answered = answer.notified();
        let step = authentication(&standing).map(|it| (it.step, it.id));
        if let Some((AuthenticationStep::DeviceData, id)) = step {
            let seen = self.devices_seen.lock().known.contains(&id);
            let head =
                RequestHead { id: self.ids.for_request(), path: "3ds/page", fingerprint: *id.as_bytes() };
            self.settle(&mut project, &mut standing, &Cards::default(), |project, standing, ids, now| {
                let situation = (&standing.payment, &standing.operation, standing.attempt.as_ref());
                let follow = FollowUp::DeviceData { seen };
                let facts = decide::CardFacts::default();
                let decided = decide::follow_up(project, situation, follow, &facts, head, ids, now)?;
                // No request of the merchant caused this.
                Ok(decided.ok().map(|changes| ChangeSet { request: None, ..changes }))
            })
            .await?;
        }
        let asking = matches!(step, Some((AuthenticationStep::DeviceData | AuthenticationStep::Asking, _)));
        if asking {
            drop(tokio::time::timeout(PATIENCE, answered).await);
        }
        let Some((project, standing)) = self.holder(ticket).await? else { return Ok(None) };
        Ok(self.shown(&project, &standing, ticket))
    }

    /// An issuer says, through the hidden frame, that it has seen the browser.
    pub fn device_seen(&self, id: AuthenticationId) {
        self.devices_seen.lock().add(id);
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
        let Some((project, standing)) = self.waiting_for(read.id).await? else { return Ok(None) };
        let ours = authentication(&standing).is_some_and(|it| {
            it.md == session_data && it.acs_transaction.as_deref() == Some(read.acs_transaction.as_str())
        });
        if !ours {
            tracing::warn!(
                operation = standing.operation.id.get(),
                "a customer came back with another payment's answer"
            );
            return Ok(None);
        }
        let step = return_form(self, &standing).map(PageStep::Return);
        Ok(step.map(|step| page(&project, &standing, step)))
    }

    /// The operation a ticket was made for, while it waits for its customer.
    async fn holder(&self, ticket: &str) -> Result<Option<(Arc<KnownProject>, Standing)>, Failure> {
        let Some(id) = Self::ticket_holder(ticket) else { return Ok(None) };
        let found = self.waiting_for(id).await?;
        Ok(found.filter(|(_, standing)| {
            let right = authentication(standing)
                .is_some_and(|it| self.page_ticket(b"PaReq", it.id, &it.md) == ticket);
            if !right {
                tracing::warn!(
                    operation = standing.operation.id.get(),
                    "a customer came with a forged ticket"
                );
            }
            right
        }))
    }

    async fn waiting_for(
        &self,
        id: AuthenticationId,
    ) -> Result<Option<(Arc<KnownProject>, Standing)>, Failure> {
        let Some(standing) = self.store.standing(id.operation()).await? else { return Ok(None) };
        let waits = standing.operation.status == OperationStatus::AwaitingThreeDs
            && authentication(&standing)
                .is_some_and(|it| it.id == id && it.flow == AuthenticationFlow::Basic);
        if !waits {
            return Ok(None);
        }
        let project = self.project(standing.payment.project)?;
        Ok(Some((project, standing)))
    }

    fn shown(&self, project: &KnownProject, standing: &Standing, ticket: &str) -> Option<Page> {
        let known = authentication(standing)?;
        let ticket = ticket.to_owned();
        let step = match (known.step, &known.issuer_form, &known.result) {
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
    let verifies = standing.operation.kind == OperationKind::AccountVerification;
    Page {
        step,
        merchant: project.name.clone(),
        amount: (!verifies).then_some(standing.operation.amount),
        card: standing.payment.detail.card.as_ref().map(|card| card.masked.clone()).unwrap_or_default(),
    }
}
