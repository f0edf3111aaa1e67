//! The merchant's side of callbacks: takes them, and answers what the test wants.

use ferropay_engine::courier::{Answer, Courier, Undelivered};
use parking_lot::Mutex;
use serde_json::Value;
use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A callback as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) url: String,
    pub(crate) body: Arc<str>,
}

/// What the merchant says to a question about an operation.
type Word = Box<dyn Fn(&Value) -> Result<Answer, Undelivered> + Send>;

/// Collects callbacks in the order they come.
#[derive(Default)]
pub(crate) struct Mailbox {
    letters: Mutex<VecDeque<Letter>>,
    answers: Mutex<VecDeque<u16>>,
    /// Every body that ever came.
    told: Mutex<Vec<Arc<str>>>,
    arrived: Notify,
    word: Mutex<Option<Word>>,
    /// Where the merchant was asked, and what.
    questions: Mutex<Vec<(String, Arc<str>)>>,
    /// Questions to addresses that begin like this get no answer until it is taken away.
    silent: tokio::sync::watch::Sender<Option<&'static str>>,
}

impl Mailbox {
    /// The HTTP status of the next answers; 200 after that.
    pub(crate) fn answer_with(&self, statuses: &[u16]) {
        self.answers.lock().extend(statuses);
    }

    /// What the merchant says to questions from now on.
    pub(crate) fn answer_questions(
        &self,
        word: impl Fn(&Value) -> Result<Answer, Undelivered> + Send + 'static,
    ) {
        *self.word.lock() = Some(Box::new(word));
    }

    /// Questions to addresses that begin like this get no answer from now on; those that wait get one when there are none.
    pub(crate) fn keep_silent_at(&self, addresses: Option<&'static str>) {
        self.silent.send_replace(addresses);
    }

    /// Every question so far: where, and what.
    pub(crate) fn questions(&self) -> Vec<(String, Arc<str>)> {
        self.questions.lock().clone()
    }

    /// Everything that has come, read or not.
    pub(crate) fn told(&self) -> Vec<Arc<str>> {
        self.told.lock().clone()
    }

    /// The next callback; panics when none comes.
    pub(crate) async fn next(&self) -> Letter {
        self.within(Duration::from_secs(10)).await.expect("a callback within ten seconds")
    }

    /// The next callback within `patience`.
    pub(crate) async fn within(&self, patience: Duration) -> Option<Letter> {
        let arrival = async {
            loop {
                let notified = self.arrived.notified();
                if let Some(letter) = self.letters.lock().pop_front() {
                    return letter;
                }
                notified.await;
            }
        };
        tokio::time::timeout(patience, arrival).await.ok()
    }
}

impl Courier for Mailbox {
    fn post<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            self.told.lock().push(body.clone());
            self.letters.lock().push_back(Letter { url: url.to_owned(), body });
            self.arrived.notify_one();
            Ok(self.answers.lock().pop_front().unwrap_or(200))
        })
    }

    fn ask<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Undelivered>> + Send + 'a>> {
        let question: Value = serde_json::from_str(&body).unwrap();
        let answer = self.word.lock().as_ref().map(|word| word(&question));
        self.questions.lock().push((url.to_owned(), body));
        let nobody = || Err(Undelivered::NoAnswer("nobody listens".to_owned()));
        let mut silent = self.silent.subscribe();
        Box::pin(async move {
            let spoken = silent.wait_for(|silent| !silent.is_some_and(|it| url.starts_with(it))).await;
            drop(spoken.unwrap());
            answer.unwrap_or_else(nobody)
        })
    }
}
