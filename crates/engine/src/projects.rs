//! The projects this process knows: kept in memory, refreshed when they change.

use crate::clock::passed;
use ferropay_domain::{
    ids::ProjectId,
    project::{Environment, Project},
    time::Timestamp,
};
use ferropay_store::{ProjectRecord, Store, Unavailable, vault::Vault};
use ferropay_wire::signature::Secret;
use parking_lot::RwLock;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// For how long what was read is taken for all there is to know, microseconds. A change of secrets is told to be known everywhere
/// when more time than this has passed since.
const RECENT: i64 = 2_000_000;

/// A project with its opened secrets.
#[derive(Clone, Debug)]
pub struct KnownProject {
    /// What it may do.
    pub project: Project,
    /// A name for people.
    pub name: String,
    /// Its secrets with the end of their validity (real time), the current one first; at most two.
    secrets: Vec<(Secret, Option<Timestamp>)>,
    /// How far its clock is ahead, microseconds; zero in production.
    pub clock_offset: i64,
    /// How often it was saved.
    revision: i64,
}

impl KnownProject {
    /// The secret callbacks and replies are signed with.
    pub fn current_secret(&self) -> Option<&Secret> {
        self.secrets.first().map(|(secret, _)| secret)
    }

    /// The secrets requests may be signed with at `now` (real time).
    pub fn valid_secrets(&self, now: Timestamp) -> Vec<Secret> {
        let valid = self.secrets.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        valid.map(|(secret, _)| secret.clone()).collect()
    }

    /// Its secrets, whether or not they are still valid.
    pub(crate) fn every_secret(&self) -> Vec<Secret> {
        self.secrets.iter().map(|(secret, _)| secret.clone()).collect()
    }

    /// Business time at `real`: ahead by the project's offset in test projects.
    pub fn business(&self, real: Timestamp) -> Timestamp {
        Timestamp::from_micros(real.micros().saturating_add(self.clock_offset))
    }

    /// The clock its business timers run by.
    pub fn timer_clock(&self) -> Option<ProjectId> {
        self.project.timer_clock()
    }
}

/// When what is known of the projects was read.
#[derive(Clone, Copy, Debug)]
pub struct Reading(i64);

impl Reading {
    /// Whether that is so little ago that nobody may rely yet on what has been changed since. A process that was stopped, or does not
    /// reach the database, knows less than others may.
    pub fn is_recent(self) -> bool {
        passed().saturating_sub(self.0) <= RECENT
    }
}

/// All projects.
#[derive(Default)]
pub struct Projects {
    /// When the last reading began, by the time that passes.
    read: AtomicI64,
    known: RwLock<HashMap<ProjectId, Arc<KnownProject>>>,
    /// Those whose secrets could not be opened when they were read last.
    closed: RwLock<HashSet<ProjectId>>,
}

impl Projects {
    /// A project.
    pub fn get(&self, id: ProjectId) -> Option<Arc<KnownProject>> {
        self.known.read().get(&id).cloned()
    }

    /// Whether its secrets cannot be opened at the moment, so that nobody can say who signed a request for it. What was known of
    /// it before stays known for the work under way.
    pub fn is_closed(&self, id: ProjectId) -> bool {
        self.closed.read().contains(&id)
    }

    /// When they were read last. Whoever is to judge what is known by it asks first: what is known may be younger, and never older.
    pub fn reading(&self) -> Reading {
        Reading(self.read.load(Ordering::Acquire))
    }

    /// Every project, by number.
    pub fn all(&self) -> Vec<Arc<KnownProject>> {
        let mut all: Vec<_> = self.known.read().values().cloned().collect();
        all.sort_by_key(|known| known.project.id);
        all
    }

    /// Reads all projects anew.
    pub async fn refresh(&self, store: &dyn Store, vault: &Vault) -> Result<(), Unavailable> {
        let begun = passed();
        let records = store.projects().await?;
        // Read afterwards, so that the key of whatever was read is among them.
        let asked = vault.ask_for_keys(store).await.map_err(|error| Unavailable {
            action: "take the vault's data keys",
            reason: error.to_string(),
        })?;
        self.take(records, vault);
        self.read.fetch_max(begun, Ordering::AcqRel);
        // A key that was destroyed meanwhile may have opened them: it is forgotten last.
        asked.forget_others();
        Ok(())
    }

    /// Takes what was read. Somebody may have read later and been here before: a project that was changed meanwhile stays
    /// as that reader found it, and a clock never goes back. One whose secrets cannot be opened stays as it was known, and is
    /// closed, unless that is what a later reader has found.
    fn take(&self, records: Vec<ProjectRecord>, vault: &Vault) {
        let mut fresh = HashMap::new();
        let mut unopened = HashMap::new();
        for record in records {
            let (id, revision) = (record.project.id, record.revision);
            match open(record, vault) {
                Ok(project) => drop(fresh.insert(id, project)),
                // One project whose secret cannot be opened must not keep the others from their changes.
                Err(error) => drop(unopened.insert(id, (revision, error))),
            }
        }
        let mut known = self.known.write();
        for (id, project) in &mut fresh {
            let Some(before) = known.get(id) else { continue };
            let ahead = before.clock_offset.max(project.clock_offset);
            if before.revision > project.revision {
                *project = KnownProject::clone(before);
            }
            project.clock_offset = ahead;
        }
        let mut closed = HashSet::new();
        for (id, (revision, error)) in unopened {
            let before = known.get(&id);
            if before.is_none_or(|before| before.revision < revision) {
                tracing::error!(project = id.get(), %error, "a project takes no requests: its secrets cannot be opened");
                closed.insert(id);
            }
            if let Some(before) = before {
                fresh.insert(id, KnownProject::clone(before));
            }
        }
        *self.closed.write() = closed;
        *known = fresh.into_iter().map(|(id, project)| (id, Arc::new(project))).collect();
    }
}

/// A project with its secrets opened.
pub(crate) fn open(record: ProjectRecord, vault: &Vault) -> Result<KnownProject, Unavailable> {
    let mut secrets = Vec::new();
    for secret in record.secrets {
        let text = vault
            .open_secret(record.project.id, &secret.sealed)
            .map_err(|error| Unavailable { action: "open a project's secret", reason: error.to_string() })?;
        let text = std::str::from_utf8(&text).map_err(|_| Unavailable {
            action: "open a project's secret",
            reason: "it is no text".to_owned(),
        })?;
        secrets.push((Secret::new(text), secret.valid_until));
    }
    Ok(KnownProject {
        clock_offset: if record.project.environment == Environment::Test { record.clock_offset } else { 0 },
        project: record.project,
        name: record.name,
        secrets,
        revision: record.revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use ferropay_domain::{ids::ProviderAccountId, project::Settings};
    use ferropay_store::{
        Secret as Kept,
        sqlite::{Options, SqliteStore},
        vault::Master,
    };

    fn record(vault: &Vault, id: i64, sealed_for: i64) -> ProjectRecord {
        let sealed = vault.seal_secret(ProjectId::new(sealed_for), b"secret").unwrap();
        ProjectRecord {
            project: Project {
                id: ProjectId::new(id),
                environment: Environment::Test,
                active: true,
                settings: Settings::default(),
                card_account: ProviderAccountId::new(1),
            },
            name: String::new(),
            secrets: vec![Kept { sealed, valid_until: None }],
            clock_offset: 0,
            revision: 0,
        }
    }

    #[tokio::test]
    async fn a_project_whose_secret_cannot_be_opened_does_not_keep_the_others_out() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("test.db"), Options::default()).unwrap();
        let keys = directory.path().join("keys");
        let vault = Vault::open(&keys, Master::MakeWhenMissing, &store, SystemClock.now()).await.unwrap();
        store.save_project(record(&vault, 1, 1)).await.unwrap();
        store.save_project(record(&vault, 2, 9)).await.unwrap();
        store.save_project(record(&vault, 3, 3)).await.unwrap();
        let projects = Projects::default();
        projects.refresh(&store, &vault).await.unwrap();
        let known = |id| projects.get(ProjectId::new(id)).is_some();
        assert_eq!((known(1), known(2), known(3)), (true, false, true));
        assert!(projects.is_closed(ProjectId::new(2)) && !projects.is_closed(ProjectId::new(1)));
    }

    #[tokio::test]
    async fn a_project_that_was_known_stays_known_and_is_closed_while_its_secrets_cannot_be_opened() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("test.db"), Options::default()).unwrap();
        let keys = directory.path().join("keys");
        let vault = Vault::open(&keys, Master::MakeWhenMissing, &store, SystemClock.now()).await.unwrap();
        let (id, projects) = (ProjectId::new(1), Projects::default());
        let standing = || (projects.get(id).map(|known| known.revision), projects.is_closed(id));
        let changed = |revision, sealed_for| ProjectRecord { revision, ..record(&vault, 1, sealed_for) };
        projects.take(vec![changed(4, 1)], &vault);
        assert_eq!(standing(), (Some(4), false));
        // Whoever read it earlier, and came when the key that sealed it was gone.
        projects.take(vec![changed(3, 9)], &vault);
        assert_eq!(standing(), (Some(4), false));
        projects.take(vec![changed(5, 9)], &vault);
        assert_eq!(standing(), (Some(4), true));
        projects.take(vec![changed(6, 1)], &vault);
        assert_eq!(standing(), (Some(6), false));
        projects.take(Vec::new(), &vault);
        assert_eq!(standing(), (None, false), "one that is taken away is not known any more");
    }

    #[tokio::test]
    async fn whoever_read_the_projects_earlier_and_comes_later_brings_back_no_old_settings() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("test.db"), Options::default()).unwrap();
        let keys = directory.path().join("keys");
        let vault = Vault::open(&keys, Master::MakeWhenMissing, &store, SystemClock.now()).await.unwrap();
        let early = ProjectRecord { clock_offset: 9, ..record(&vault, 1, 1) };
        let mut late = ProjectRecord { revision: 1, clock_offset: 7, ..record(&vault, 1, 1) };
        late.project.active = false;
        let projects = Projects::default();
        projects.take(vec![late], &vault);
        projects.take(vec![early], &vault);
        let known = projects.get(ProjectId::new(1)).unwrap();
        assert_eq!((known.project.active, known.clock_offset), (false, 9));
    }
}
