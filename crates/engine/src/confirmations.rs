//! Asking merchants whether an operation may be carried out (G-092). The notification is the callback of an operation in
//! processing, signed like any other; the answer is a signed JSON object that names payment and operation and says
//! `confirm` or `decline`. What nobody answers is asked again for a while, the same question each time, and counts as
//! refused after that: nothing has been sent to a provider by then.

use crate::{
    courier::{Answer, Undelivered},
    engine::{Engine, render},
    failure::Failure,
    outward::Leave,
    projects::KnownProject,
    provider_work::Cards,
    recorder,
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    callback::{Content, Event, Subject},
    change::{TaskKey, bucket_of},
    decide::{self, MerchantAnswer},
    money::{Currency, Money},
};
use ferropay_store::Standing;
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Tolerance},
};
use std::{sync::Arc, time::Duration};

/// Questions under way at a time, and to one host. What does not fit is left to the store and asked later, so that
/// merchants who do not answer hold up nobody but themselves.
pub(crate) const MOST_QUESTIONS: (usize, usize) = (512, 64);

impl Engine {
    /// Asks the merchant about an operation that waits for its word, and goes on by the answer.
    pub(crate) async fn confirm(
        self: Arc<Self>,
        mut project: Arc<KnownProject>,
        mut standing: Standing,
        cards: Cards,
        tries: u32,
        in_hand: InHand,
    ) {
        let operation = standing.operation.id;
        if decide::is_confirming(&standing.operation) {
            let asked = match self.room_to_ask(&project, &standing) {
                Some(_room) => self.ask_merchant(&mut project, &mut standing, &cards, tries).await,
                None => self.question_later(&mut project, &mut standing, &cards, tries).await,
            };
            match asked {
                Ok(()) | Err(Failure::Fenced) => {}
                Err(error) => {
                    tracing::error!(operation = operation.get(), %error, "a merchant's word could not be had");
                }
            }
        }
        drop(in_hand);
    }

    async fn ask_merchant(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        standing: &mut Standing,
        cards: &Cards,
        tries: u32,
    ) -> Result<(), Failure> {
        let (answer, is_last) = self.merchants_answer(project, standing).await?;
        let key = TaskKey::Confirm(standing.operation.id);
        self.settle(project, standing, cards, |project, standing, ids, now| {
            let about = (&standing.payment, &standing.operation);
            let again = if is_last { None } else { decide::asked_again_at(project, about, tries, now) };
            match again.filter(|_| decide::is_confirming(&standing.operation)) {
                Some(due) => Ok(Some(decide::put_off(&standing.payment, key, due, tries.saturating_add(1)))),
                None => decide::merchant_answered(project, standing.facts(), answer, ids, now),
            }
        })
        .await?;
        Ok(())
    }

    /// Leave to ask the merchant now.
    fn room_to_ask(&self, project: &KnownProject, standing: &Standing) -> Option<Leave> {
        let url = decide::confirmation_address(&project.project, &standing.payment);
        let url = url.and_then(|url| reqwest::Url::parse(&url).ok());
        self.questions.leave_now(url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default())
    }

    /// The merchant has too many questions before it: this one is put later, or counts as undelivered when its time is
    /// over.
    async fn question_later(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        standing: &mut Standing,
        cards: &Cards,
        tries: u32,
    ) -> Result<(), Failure> {
        let key = TaskKey::Confirm(standing.operation.id);
        self.settle(project, standing, cards, |project, standing, ids, now| {
            let due = decide::asked_later_at(project, (&standing.payment, &standing.operation), now);
            if let Some(due) = due.filter(|_| decide::is_confirming(&standing.operation)) {
                return Ok(Some(decide::put_off(&standing.payment, key, due, tries)));
            }
            decide::merchant_answered(project, standing.facts(), MerchantAnswer::Undelivered, ids, now)
        })
        .await?;
        Ok(())
    }

    /// What the merchant says, and whether that is its last word.
    async fn merchants_answer(
        &self,
        project: &Arc<KnownProject>,
        standing: &Standing,
    ) -> Result<(MerchantAnswer, bool), Failure> {
        let now = self.moment(project);
        let payment = &standing.payment;
        let Some(url) = decide::confirmation_address(&project.project, payment) else {
            return Ok((MerchantAnswer::Undelivered, true));
        };
        let event = Event {
            id: self.ids.for_decision().callback,
            project: payment.project,
            subject: Subject::Payment(payment.key),
            number: payment.callbacks.saturating_add(1),
            content: Content::Operation {
                payment: Box::new(payment.clone()),
                operation: Box::new(standing.operation.clone()),
                attempt: None,
                series: standing.series.clone(),
            },
            addresses: Vec::new(),
            not_before: now.business,
        };
        let (question, _) = render(project, event, bucket_of(payment.key), now)?;
        let question: Arc<str> = question.body.into();
        self.step(Step::BeforeDelivery);
        let sent = tokio::time::Instant::now();
        let answer = self.courier.ask(&url, question.clone()).await;
        let took = sent.elapsed();
        self.step(Step::AfterDelivery);
        let operation = standing.operation.id.get();
        let word = match &answer {
            Ok((200, body)) => self.read_answer(project, standing, body),
            _ => None,
        };
        self.record_question(project, standing, (url, question), (&answer, word.is_some(), took));
        Ok(match answer {
            Ok((200, _)) => {
                if let Some(answer) = word {
                    (answer, true)
                } else {
                    tracing::warn!(
                        operation,
                        "a merchant answered a question about an operation with nothing usable"
                    );
                    (MerchantAnswer::Silent, false)
                }
            }
            Ok((status, _)) => {
                tracing::warn!(operation, status, "a merchant did not take a question about an operation");
                (MerchantAnswer::Undelivered, false)
            }
            Err(Undelivered::NoAnswerInTime) => (MerchantAnswer::Silent, false),
            Err(reason) => {
                tracing::warn!(operation, %reason, "a merchant could not be asked about an operation");
                (MerchantAnswer::Undelivered, false)
            }
        })
    }

    /// Lets people see a question of a test project, and what was answered.
    fn record_question(
        &self,
        project: &KnownProject,
        standing: &Standing,
        (url, body): (String, Arc<str>),
        (answer, is_usable, took): (&Result<Answer, Undelivered>, bool, Duration),
    ) {
        let now = self.clock.now();
        let Some(place) = self.recorder.place(project, now) else { return };
        let answer = match answer {
            Ok((status, body)) => Ok((*status, String::from_utf8_lossy(body).into())),
            Err(reason) => Err(reason.to_string().into()),
        };
        let what = recorder::Question { url: url.into(), body, answer, is_usable, took };
        let payment = Some(standing.payment.key);
        self.recorder.push(place, now, payment, None, recorder::What::Question(what));
    }

    /// The answer, when the merchant has signed it and it is about this operation.
    fn read_answer(
        &self,
        project: &KnownProject,
        standing: &Standing,
        body: &[u8],
    ) -> Option<MerchantAnswer> {
        let document = Document::parse(body, Limits::INCOMING).ok()?;
        let settings = &project.project.settings;
        let tolerance = if settings.tolerant_signature { Tolerance::ALL } else { Tolerance::NONE };
        let secrets = project.valid_secrets(self.now());
        signature::verify(&document, Place::Root, &secrets, tolerance).ok()?;
        let text = |path: &[&str]| document.path(path).and_then(|value| value.as_str());
        let number = |path: &[&str]| document.path(path)?.as_number()?.parse::<i64>().ok();
        let is_ours = text(&["payment", "id"]) == Some(standing.payment.id.as_str())
            && number(&["operation", "id"]) == Some(standing.operation.id.get())
            && number(&["project_id"]) == Some(project.project.id.get());
        if !is_ours {
            return None;
        }
        let sum = document.path(&["payment", "sum"]).filter(|sum| !sum.is_null());
        let amount = || {
            let currency = Currency::parse(text(&["payment", "sum", "currency"])?).ok()?;
            Some(Money::new(number(&["payment", "sum", "amount"])?, currency))
        };
        Some(match (text(&["confirmation"]), sum) {
            (Some("confirm"), None) => MerchantAnswer::Confirmed(None),
            (Some("confirm"), Some(_)) => {
                amount().map_or(MerchantAnswer::Unsaid, |it| MerchantAnswer::Confirmed(Some(it)))
            }
            (Some("decline"), _) => MerchantAnswer::Refused,
            _ => MerchantAnswer::Unsaid,
        })
    }
}
