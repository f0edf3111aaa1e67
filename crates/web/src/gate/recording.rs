//! Letting people see the requests of test projects: what the recorder is told of each.
//!
//! An accepted request is on the hot path. Its body without card data exists already, for the fingerprint, and is moved
//! to the recorder; everything else is an identifier or a number. A refused request is not hot: it is read once more
//! and masked, and when its signature was refused an explanation is begun.

use super::{
    admission::{Admitted, CARD_DATA, place},
    answer::Answer,
};
use ferropay_domain::{codes, ids::RequestId, project::Environment};
use ferropay_engine::{
    Engine, KnownProject,
    recorder::{self, Place, What},
};
use ferropay_wire::{
    json::{Document, Limits, Value},
    mask,
};
use std::{borrow::Cow, sync::Arc, time::Instant};

/// Longer bodies are not kept, bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// What a handler knows and the recorder wants.
#[derive(Debug, Default)]
pub(super) struct Note {
    /// The body without card data, when the handler has made it.
    pub(super) content: Option<String>,
    /// The merchant's name of the payment.
    pub(super) payment_id: Option<Box<str>>,
    /// What the request was accepted as.
    pub(super) request: Option<RequestId>,
}

/// A request that is being executed, as far as the recorder is concerned.
#[derive(Debug)]
pub(super) struct Watch {
    started: Instant,
    length: usize,
    fault_plan: Option<Box<str>>,
}

impl Watch {
    /// A request whose body is here.
    pub(super) fn begin(body: &[u8], fault_plan: Option<&str>) -> Self {
        Self { started: Instant::now(), length: body.len(), fault_plan: fault_plan.map(Into::into) }
    }

    /// Keeps an executed request of a test project.
    pub(super) fn executed(
        self,
        engine: &Engine,
        path: &'static str,
        admitted: &Admitted<'_>,
        note: Note,
        answer: &Answer,
    ) {
        let now = engine.now();
        let Some(place) = engine.recorder().place(&admitted.project, now) else { return };
        let content = note.content.unwrap_or_else(|| admitted.document.root().serialize_without(CARD_DATA));
        let body = if mask::may_hold_card_data(&content) { masked(content.as_bytes()) } else { content };
        let payment_id = note.payment_id.or_else(|| payment_id(&admitted.document));
        let what = self.request(path.into(), body, answer, note.request, None);
        engine.recorder().push(place, now, None, payment_id, what);
    }

    /// Keeps a request that was refused before it could be executed.
    pub(super) fn refused(self, engine: &Engine, path: &'static str, body: &[u8], answer: &Answer) {
        let document = Document::parse(body, Limits::INCOMING).ok();
        let known = document
            .as_ref()
            .and_then(|document| super::admission::project(engine, document, place(path)).ok());
        let Some(to) = whose(engine, known.as_ref()) else { return };
        let signature_refused = answer
            .refusal()
            .is_some_and(|refusal| matches!(refusal.code, codes::INVALID_SIGNATURE | codes::EMPTY_SIGNATURE));
        let explanation = known
            .filter(|_| signature_refused)
            .and_then(|known| engine.recorder().explain(&known, body, place(path), engine.now()));
        let payment_id = document.as_ref().and_then(payment_id);
        let body = match &document {
            Some(document) if body.len() <= LONGEST_BODY => mask::masked_json(document),
            // What cannot be read cannot be masked either.
            _ => String::new(),
        };
        let what = self.request(path.into(), body, answer, None, explanation);
        engine.recorder().push(to, engine.now(), None, payment_id, what);
    }

    fn request(
        self,
        path: Cow<'static, str>,
        body: String,
        answer: &Answer,
        request: Option<RequestId>,
        explanation: Option<Arc<std::sync::OnceLock<recorder::Explained>>>,
    ) -> What {
        let body = if body.len() <= LONGEST_BODY { body } else { String::new() };
        What::Request(recorder::Request {
            path,
            body: body.into(),
            length: self.length,
            status: answer.status(),
            reply: answer.body().into(),
            took: self.started.elapsed(),
            request,
            refusal: answer.refusal().cloned(),
            fault_plan: self.fault_plan,
            explanation,
        })
    }
}

/// Where a refused request belongs: to its project, or to none when it names none and the platform has test projects
/// only. A request that may be meant for a production project is not recorded.
fn whose(engine: &Engine, known: Option<&Arc<KnownProject>>) -> Option<Place> {
    if let Some(known) = known {
        return engine.recorder().place(known, engine.now());
    }
    let is_test = |known: &Arc<KnownProject>| known.project.environment == Environment::Test;
    let only_tests = engine.projects().all().iter().all(is_test);
    only_tests.then(|| engine.recorder().place_of_nobody(engine.now())).flatten()
}

fn masked(body: &[u8]) -> String {
    Document::parse(body, Limits::INCOMING).map(|document| mask::masked_json(&document)).unwrap_or_default()
}

/// The payment a request names, wherever its endpoint has it.
fn payment_id(document: &Document<'_>) -> Option<Box<str>> {
    let named = document.path(&["general", "payment_id"]).or_else(|| document.get("payment_id"));
    let text = named.and_then(Value::as_str)?;
    Some(mask::masked_text(text.get(..text.floor_char_boundary(1_024)).unwrap_or_default()).into())
}
