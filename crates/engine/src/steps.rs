//! The named steps of the platform's work, so that tests can end the process at each of them.

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A moment before or after something leaves or enters the process for good.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Step { $($(#[$doc])* $name,)* }

        impl Step {
            /// Every step, in the order of a sale, then of a lost answer, then of a notice.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The step's name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

steps! {
    /// A request is decided, its change set not yet durable.
    BeforeAccept = "accept.before-commit",
    /// The request is durable, its reply not yet sent.
    AfterAccept = "accept.after-commit",
    /// An attempt is about to leave.
    BeforeCall = "call.before-send",
    /// The provider's answer is here, nothing recorded.
    AfterCall = "call.after-receive",
    /// The outcome is decided, not yet durable.
    BeforeOutcome = "outcome.before-commit",
    /// The outcome is durable, nothing delivered.
    AfterOutcome = "outcome.after-commit",
    /// A callback is about to leave.
    BeforeDelivery = "delivery.before-send",
    /// The merchant has answered, nothing recorded.
    AfterDelivery = "delivery.after-receive",
    /// The delivery's result is about to be recorded.
    BeforeDelivered = "delivered.before-commit",
    /// The delivery's result is durable.
    AfterDelivered = "delivered.after-commit",
    /// A reversal is about to leave.
    BeforeReversal = "reversal.before-send",
    /// The reversal is acknowledged, nothing recorded.
    AfterReversal = "reversal.after-receive",
    /// The reversal's outcome is about to be recorded.
    BeforeReversed = "reversed.before-commit",
    /// The reversal's outcome is durable.
    AfterReversed = "reversed.after-commit",
    /// What a provider has told of its own accord is decided, not yet durable.
    BeforeNotice = "notice.before-commit",
    /// What a provider has told is durable, not yet acknowledged.
    AfterNotice = "notice.after-commit",
}

impl Step {
    /// The step with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.name() == name)
    }
}

/// Called at every step; tests end the process in it.
pub type Hook = std::sync::Arc<dyn Fn(Step) + Send + Sync>;
