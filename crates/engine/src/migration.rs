//! Series that were registered elsewhere are taken over from a file (G-367).
//!
//! Like everything support orders it happens on the database, beside any number of running nodes: one of them finds the
//! timers. The whole file is looked at first, and nothing is taken over while anything in it is wrong. Each series is then
//! a commit of its own that takes the name of its registration, so that a file that was interrupted, or comes again, takes
//! over what is missing and nothing twice.

use crate::{
    card_ranges::KnownRanges, clock::Clock, entropy::Entropy, failure::Failure, ids::IdSource,
    support::MOST_TRIES,
};
use ferropay_domain::{
    card::{CardSummary, Expiry, Pan},
    change::NameKind,
    decide::{self, MigratedSeries, MigrationFault, Now},
    ids::{PaymentId, PaymentKey, SeriesId},
    project::Project,
};
use ferropay_store::{
    Commit, CommitError, Loss, Store,
    vault::{Sealed, Vault},
};
use std::{collections::HashSet, sync::Arc};

/// A line of a file of series.
pub struct Line {
    /// Its number, for people.
    pub number: usize,
    /// The card that is debited.
    pub pan: Pan,
    /// When it expires.
    pub expiry: Expiry,
    /// The terms.
    pub terms: MigratedSeries,
}

/// What became of a file.
#[derive(Debug)]
pub enum Migrated {
    /// All of it is here, in the order of the file.
    Done(Vec<Here>),
    /// Nothing was taken over, since these lines are wrong.
    Faulty(Vec<(usize, MigrationFault)>),
    /// The project cannot take series over.
    Impossible(&'static str),
}

/// A series of the file as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// The payment that registered it elsewhere.
    pub registered_by: PaymentId,
    /// Its number, by which it is debited.
    pub id: SeriesId,
    /// Whether it was taken over now.
    pub is_new: bool,
}

/// Takes over the series of a file, all or, where a line is wrong, none.
///
/// # Errors
/// The store or the vault cannot be used.
pub async fn import_series(
    (store, vault): (&dyn Store, &Vault),
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
    project: &Project,
    lines: Vec<Line>,
) -> Result<Migrated, Failure> {
    if let Some(why) = decide::migration_barrier(project) {
        return Ok(Migrated::Impossible(why));
    }
    let at = clock.now();
    let now = Now { business: at, real: at };
    let ids = IdSource::of_administration(store, clock, entropy).await?;
    let place = Place { store, project, ids, now };
    let ranges = KnownRanges::default();
    ranges.refresh(store).await?;
    let mut faults = named_twice(&lines);
    let mut checked = Vec::new();
    for line in lines {
        let sealed = vault.seal_card(project.id, &line.pan);
        let (key, sealed) = sealed.map_err(|error| Failure::Vault(error.to_string()))?;
        let card =
            CardSummary::of(key, &line.pan, ranges.origin(project, &line.pan), None, Some(line.expiry));
        let (number, line) = (line.number, Checked { terms: line.terms, card, sealed });
        match place.standing(&line).await? {
            Standing::Missing => checked.push((line, None)),
            Standing::Known(id) => checked.push((line, Some(id))),
            Standing::Wrong(fault) => faults.push((number, fault)),
        }
    }
    if !faults.is_empty() {
        faults.sort_by_key(|(number, _)| *number);
        return Ok(Migrated::Faulty(faults));
    }
    let mut all = Vec::new();
    for (line, known) in checked {
        let registered_by = line.terms.registered_by.clone();
        let (id, is_new) = match known {
            Some(id) => (id, false),
            None => place.take_over(line).await?,
        };
        all.push(Here { registered_by, id, is_new });
    }
    Ok(Migrated::Done(all))
}

/// Lines that name what a line before them names.
fn named_twice(lines: &[Line]) -> Vec<(usize, MigrationFault)> {
    let (mut registrations, mut payments) = (HashSet::new(), HashSet::new());
    let mut faults = Vec::new();
    for Line { number, terms, .. } in lines {
        let mut twice =
            |column| faults.push((*number, MigrationFault { column, why: "stands in an earlier line" }));
        if !registrations.insert(terms.registered_by.folded()) {
            twice("register_payment_id");
        }
        if terms.scheduled.as_ref().is_some_and(|it| !payments.insert(it.folded())) {
            twice("scheduled_payment_id");
        }
    }
    faults
}

/// A line, its card sealed.
struct Checked {
    terms: MigratedSeries,
    card: CardSummary,
    sealed: Sealed,
}

/// How a line stands to what is here.
enum Standing {
    Missing,
    Known(SeriesId),
    Wrong(MigrationFault),
}

/// The series that a name of a registration stands for.
fn series_named_by(holder: PaymentKey) -> Result<SeriesId, Failure> {
    let id = SeriesId::from_subject(*holder.as_bytes());
    id.ok_or_else(|| Failure::Defect("a registration elsewhere names no series".to_owned()))
}

/// Where series are taken over to.
struct Place<'a> {
    store: &'a dyn Store,
    project: &'a Project,
    ids: IdSource,
    now: Now,
}

impl Place<'_> {
    async fn holder(&self, kind: NameKind, name: &PaymentId) -> Result<Option<PaymentKey>, Failure> {
        Ok(self.store.name_holder(self.project.id, kind, &name.folded()).await?)
    }

    async fn standing(&self, line: &Checked) -> Result<Standing, Failure> {
        let wrong = |column, why| Ok(Standing::Wrong(MigrationFault { column, why }));
        let Checked { terms, card, .. } = line;
        if let Some(holder) = self.holder(NameKind::MigratedSeries, &terms.registered_by).await? {
            let id = series_named_by(holder)?;
            let known = self.store.series(self.project.id, id).await?.map(|series| series.detail);
            let same = known.is_some_and(|known| {
                known.card.is_some_and(|known| known.key == card.key)
                    && known.customer.id.as_ref() == Some(&terms.customer)
            });
            return if same {
                Ok(Standing::Known(id))
            } else {
                wrong("register_payment_id", "is here with another customer or card")
            };
        }
        if let Some(fault) = terms.fault(self.project, card, self.now) {
            return Ok(Standing::Wrong(fault));
        }
        match &terms.scheduled {
            Some(name) if self.holder(NameKind::Payment, name).await?.is_some() => {
                wrong("scheduled_payment_id", "another payment has this name")
            }
            _ => Ok(Standing::Missing),
        }
    }

    /// Answers its number and whether it was missing. An identifier that turns out to be taken is drawn anew.
    async fn take_over(&self, line: Checked) -> Result<(SeriesId, bool), Failure> {
        let Checked { terms, card, sealed } = line;
        for tries in 1.. {
            let drawn = self.ids.for_decision();
            let changes = decide::migrate_series(self.project, (&terms, card.clone()), drawn, self.now);
            let changes = changes.ok_or_else(|| Failure::Defect("a checked series is wrong".to_owned()))?;
            let kept = Some((self.project.id, card.key, sealed.clone()));
            match self.store.commit(Commit { changes, card: kept, ..Commit::default() }).await {
                Ok(()) => return Ok((SeriesId::registered_by(drawn.operation), true)),
                Err(CommitError::Lost(Loss::NameTaken(NameKind::MigratedSeries, holder))) => {
                    return Ok((series_named_by(holder)?, false));
                }
                Err(CommitError::Lost(Loss::Stale)) if tries < MOST_TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Busy)
    }
}
