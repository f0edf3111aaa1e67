//! The end of the process at any moment: at a step of the engine, before or after a commit, or out of the blue.
//!
//! A process that has ended does nothing more: tasks that come to a step unwind, and whoever turns to the world outside
//! never hears from it again, until the runtime with everything in it is dropped. What is durable stays.

use parking_lot::Mutex;
use std::future::Future;
use tokio::sync::Notify;

/// Whether and when the present life ends.
#[derive(Debug, Default)]
pub(crate) struct Crash {
    state: Mutex<State>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many steps are left.
    armed: Option<u64>,
    happened: bool,
}

/// Unwinds a task of a process that has ended.
struct Ended;

impl Crash {
    /// A new life begins.
    pub(crate) fn begin_life(&self) {
        *self.state.lock() = State::default();
    }

    /// The life ends `steps` steps from now.
    pub(crate) fn arm(&self, steps: u64) {
        self.state.lock().armed = Some(steps);
    }

    /// Nothing is going to end it.
    pub(crate) fn disarm(&self) {
        self.state.lock().armed = None;
    }

    /// The life ends now.
    pub(crate) fn now(&self) {
        self.state.lock().happened = true;
        self.notify.notify_one();
    }

    pub(crate) fn has_happened(&self) -> bool {
        self.state.lock().happened
    }

    /// A step is taken; answers whether the process ended with it, or had ended before.
    pub(crate) fn step(&self) -> bool {
        let mut state = self.state.lock();
        if let Some(left) = state.armed {
            state.armed = left.checked_sub(1);
            if state.armed.is_none() {
                state.happened = true;
                self.notify.notify_one();
            }
        }
        state.happened
    }

    /// A step of the engine. Ends the task when the process has ended.
    pub(crate) fn step_or_unwind(&self) {
        if self.step() {
            // No panic: nothing is wrong, and nothing is to be printed.
            std::panic::resume_unwind(Box::new(Ended));
        }
    }

    /// A step of somebody outside; never returns when the process has ended.
    pub(crate) fn step_or_wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.step();
        async move {
            if ended {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn end(&self) {
        while !self.has_happened() {
            self.notify.notified().await;
        }
    }
}
