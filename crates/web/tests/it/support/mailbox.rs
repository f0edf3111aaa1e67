//! The merchant's side of callbacks: takes them, and answers what the test wants.

use ferropay_engine::courier::{Courier, Undelivered};
use parking_lot::Mutex;
use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A callback as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) url: String,
    pub(crate) body: Arc<str>,
}

/// Collects callbacks in the order they come.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    letters: Mutex<VecDeque<Letter>>,
    answers: Mutex<VecDeque<u16>>,
    /// Every body that ever came.
    told: Mutex<Vec<Arc<str>>>,
    arrived: Notify,
}

impl Mailbox {
    /// The HTTP status of the next answers; 200 after that.
    pub(crate) fn answer_with(&self, statuses: &[u16]) {
        self.answers.lock().extend(statuses);
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
}
