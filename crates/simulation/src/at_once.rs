//! Answers that are waited for where they are asked for.

use std::{
    future::{Future, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};
use tokio::task::unconstrained;

/// Wakes a thread that waits.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The answer, which is there before this returns: nothing else of the simulation happens meanwhile, and its time stands still.
pub(crate) fn at_once<'a, T: Send + 'a>(
    answer: impl Future<Output = T>,
) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(ready(wait(answer)))
}

/// Waits on this thread.
pub(crate) fn wait<T>(answer: impl Future<Output = T>) -> T {
    // A task that has had its share of the runtime would otherwise be told to let others go first, for ever.
    let mut answer = pin!(unconstrained(answer));
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}
