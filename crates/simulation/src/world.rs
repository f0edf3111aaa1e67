//! Everything outside the platform, and what is known of the platform from outside; it outlives every crash.

use crate::{
    asking::Asked,
    cast::{self, Merchant},
    clock::VirtualClock,
    crash::Crash,
    issuers::Issuers,
    methods::MethodProvider,
    provider::Provider,
    random::Dice,
    seen::Seen,
    trace::Trace,
};
use ferropay_domain::{ids::ProjectId, project::Environment, time::Timestamp};
use ferropay_engine::clock::Clock as _;
use ferropay_store::ProjectRecord;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How the parts of the world behave at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As they should, nearly always.
    Well,
    /// Often not.
    Shaky,
    /// Not at all.
    Away,
}

/// The moods of everybody.
#[derive(Clone, Debug)]
pub(crate) struct Moods {
    /// Everybody does as they should, so that all can come to an end.
    pub(crate) calm: bool,
    pub(crate) provider: Mood,
    pub(crate) merchants: Mood,
    pub(crate) store: Mood,
}

/// The world of one simulation.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) trace: Trace,
    pub(crate) crash: Crash,
    pub(crate) entropy: Arc<Dice>,
    /// Which actions are taken.
    pub(crate) dice: Dice,
    /// How long the store takes, and whether it fails.
    pub(crate) store_dice: Dice,
    /// How merchants answer.
    pub(crate) merchant_dice: Dice,
    pub(crate) merchants: Vec<Merchant>,
    pub(crate) providers: Vec<Arc<Provider>>,
    /// Providers of payment methods.
    pub(crate) methods: Vec<Arc<MethodProvider>>,
    pub(crate) issuers: Vec<Arc<Issuers>>,
    pub(crate) moods: Mutex<Moods>,
    pub(crate) seen: Mutex<Seen>,
    pub(crate) asked: Mutex<Vec<Asked>>,
    /// How many requests wait for their replies.
    pub(crate) in_flight: AtomicUsize,
    lives: AtomicU32,
    /// Whether another node took over in this life.
    taken_over: AtomicBool,
    /// The projects as the store has them, when they were read since they changed: engines look at them all the time.
    pub(crate) projects: Mutex<Option<Vec<ProjectRecord>>>,
    /// The last mail to each address.
    pub(crate) mails: Mutex<BTreeMap<String, String>>,
    /// When the clock leapt last.
    leapt_at: Mutex<Option<Timestamp>>,
    findings: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, keep_trace: bool) -> Arc<Self> {
        let clock = Arc::new(VirtualClock::new());
        Arc::new_cyclic(|world| Self {
            clock,
            trace: Trace::new(keep_trace),
            crash: Crash::default(),
            entropy: Arc::new(Dice::new(seed, "identifiers")),
            dice: Dice::new(seed, "actions"),
            store_dice: Dice::new(seed, "store"),
            merchant_dice: Dice::new(seed, "merchants"),
            merchants: cast::merchants(&Dice::new(seed, "cast")),
            providers: cast::ACCOUNTS
                .into_iter()
                .map(|(account, environment)| {
                    Arc::new(Provider::new(account, environment, seed, world.clone()))
                })
                .collect(),
            methods: cast::METHOD_ACCOUNTS
                .into_iter()
                .map(|(account, environment)| {
                    Arc::new(MethodProvider::new(account, environment, seed, world.clone()))
                })
                .collect(),
            issuers: [Environment::Test, Environment::Production]
                .into_iter()
                .map(|environment| Arc::new(Issuers::new(environment, seed, world.clone())))
                .collect(),
            moods: Mutex::new(Moods {
                calm: false,
                provider: Mood::Well,
                merchants: Mood::Well,
                store: Mood::Well,
            }),
            seen: Mutex::default(),
            asked: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            lives: AtomicU32::new(0),
            taken_over: AtomicBool::new(false),
            projects: Mutex::default(),
            mails: Mutex::default(),
            leapt_at: Mutex::default(),
            findings: Mutex::default(),
        })
    }

    /// The platform starts.
    pub(crate) fn begin_life(&self) {
        self.taken_over.store(false, Ordering::SeqCst);
        self.lives.fetch_add(1, Ordering::SeqCst);
        self.clock.begin_life();
        self.crash.begin_life();
    }

    /// Another node takes over.
    pub(crate) fn take_over(&self) {
        self.taken_over.store(true, Ordering::SeqCst);
    }

    /// Whether another node took over in this life.
    pub(crate) fn had_take_over(&self) -> bool {
        self.taken_over.load(Ordering::SeqCst)
    }

    /// How often it has started.
    pub(crate) fn lives(&self) -> u32 {
        self.lives.load(Ordering::SeqCst)
    }

    /// Real time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock leaps.
    pub(crate) fn leap(&self, span: Duration) {
        self.clock.leap(span);
        *self.leapt_at.lock() = Some(self.now());
    }

    /// Whether the clock leapt a moment ago, so that somebody may still go by what it showed before.
    pub(crate) fn has_just_leapt(&self) -> bool {
        self.leapt_at.lock().is_some_and(|at| self.now().since(at) < Duration::from_secs(2))
    }

    /// Business time of a project.
    pub(crate) fn business(&self, project: ProjectId) -> Timestamp {
        let offset = self.merchant(project).map_or(0, Merchant::offset);
        Timestamp::from_micros(self.now().micros().saturating_add(offset))
    }

    pub(crate) fn merchant(&self, project: ProjectId) -> Option<&Merchant> {
        self.merchants.iter().find(|merchant| merchant.id == project)
    }

    /// Notes what happened.
    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        let micros = self.now().micros().saturating_sub(crate::clock::BEGINNING.micros());
        let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        self.trace.note(format_args!("{seconds:>8}.{rest:06} {line}"));
    }

    /// Something is as it must not be.
    pub(crate) fn finding(&self, text: String) {
        self.note(format_args!("FINDING: {text}"));
        self.findings.lock().push(text);
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.findings.lock().clone()
    }

    pub(crate) fn has_findings(&self) -> bool {
        !self.findings.lock().is_empty()
    }

    /// How `of` behaves now.
    pub(crate) fn mood(&self, of: fn(&Moods) -> Mood) -> Mood {
        let moods = self.moods.lock();
        if moods.calm { Mood::Well } else { of(&moods) }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.moods.lock().calm
    }
}
