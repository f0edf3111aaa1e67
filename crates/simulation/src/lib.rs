//! Deterministic simulation of the platform.
//!
//! The real engine runs on the real SQL of either database, on one thread and in time that stands still until everybody waits. Around it is
//! a world made from a seed: merchants who ask for sensible things and nonsense, at once and twice; providers whose
//! answers are lost, late, doubled or wrong; endpoints that do not answer; a store that fails; clocks that leap; and a
//! crash at any step, after which the platform starts again on what it had made durable. An oracle that knows what really
//! happened looks at every commit, every message and every reply, and when everything has come to an end at the books of
//! both sides.
//!
//! Nothing depends on anything but the seed: a run that found something is run again by its seed.

mod actions;
mod archives;
mod asking;
mod at_once;
mod bodies;
mod book;
mod by_method;
mod cast;
mod clock;
mod courier;
mod crash;
mod crediting;
mod customers;
mod device_wallets;
mod ground;
mod invitations;
mod issuers;
mod life;
mod log;
mod mailbox;
mod method_ledger;
mod method_words;
mod methods;
mod named_cards;
mod oracle;
mod provider;
mod random;
mod seen;
mod series;
mod store;
mod subscriptions;
mod trace;
mod walked;
mod world;

pub use ground::Ground;
pub use walked::{Walk, Walks};

use life::{Durable, End};
use std::{path::Path, sync::Arc, time::Duration};
use world::World;

/// Which simulation to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Everything follows from it.
    pub seed: u64,
    /// How many steps are taken before everything is to come to an end.
    pub steps: u32,
    /// Whether the whole trace is kept, not only its end.
    pub trace: bool,
}

/// What came of a simulation.
#[derive(Clone, Debug)]
pub struct Report {
    /// What is not as it must be; empty when all is well.
    pub findings: Vec<String>,
    /// Digest of everything that happened.
    pub digest: u64,
    /// What happened, or the end of it.
    pub trace: Vec<String>,
    /// Which rows of the machines were walked.
    pub walks: Walks,
    /// How often the platform was started.
    pub lives: u32,
    /// How many commits were applied.
    pub commits: u64,
    /// How many payments came into being.
    pub payments: usize,
    /// How many requests were accepted.
    pub requests: usize,
    /// How many callbacks were made.
    pub callbacks: usize,
}

/// The simulation itself could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Unable {
    /// A directory for keys could not be made, or the runtime not be started.
    #[error("the simulation cannot be set up: {0}")]
    System(#[from] std::io::Error),
    /// The store could not be made.
    #[error("the store cannot be made: {0}")]
    Store(#[from] ferropay_store::sqlite::OpenError),
    /// The store on a server could not be reached or made.
    #[error("the store cannot be made: {0}")]
    Server(#[from] ferropay_store::postgres::ConnectError),
}

/// Runs a simulation.
///
/// # Errors
/// It could not be set up; nothing was simulated.
pub fn run(plan: Plan, ground: &Ground) -> Result<Report, Unable> {
    let world = World::new(plan.seed, plan.trace);
    let log = log::Log::new(world.clone());
    tracing::subscriber::with_default(log, || simulate(plan, &world, ground))?;
    let seen = world.seen.lock();
    Ok(Report {
        findings: world.findings(),
        digest: world.trace.digest(),
        trace: world.trace.lines(),
        walks: seen.walks.clone(),
        lives: world.lives(),
        commits: seen.commits,
        payments: seen.payments.len(),
        requests: seen.requests.len(),
        callbacks: seen.callbacks.len(),
    })
}

fn simulate(plan: Plan, world: &Arc<World>, ground: &Ground) -> Result<(), Unable> {
    let keys = directory()?;
    let poll_every = Duration::from_millis(world.dice.pick(&[500, 4_000, 15_000]).copied().unwrap_or(500));
    let part = ground.part()?;
    let mut steps = plan.steps;
    loop {
        let open = part.open()?;
        let durable = Durable { world: world.clone(), store: open.store(), keys: keys.path(), poll_every };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let end = runtime.block_on(life::live(&durable, &mut steps));
        // Whatever was still running is gone with it.
        drop(runtime);
        drop(durable);
        if end == End::Over {
            return Ok(());
        }
        open.crash();
    }
}

/// Where the keys are kept: in memory where the system has such a place.
fn directory() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())
    } else {
        tempfile::tempdir()
    }
}
