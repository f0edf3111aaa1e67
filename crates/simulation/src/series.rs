//! What became durable of series: each change is held against their machine, and no moment of a schedule comes twice.

use crate::seen::Seen;
use ferropay_domain::{
    change::{ChangeSet, Name, NameKind, SeriesWrite, Write},
    payment::OperationKind,
    series::{SERIES, Series, SeriesEvent, SeriesStatus},
};

impl Seen {
    /// Takes what a commit says of a series.
    pub(crate) fn take_series(&mut self, changes: &ChangeSet, wrong: &mut Vec<String>) {
        let Some(SeriesWrite { series, expected, slot }) = &changes.series else { return };
        let id = series.id.get();
        let before = self.series.insert(series.id, Series::clone(series));
        let version = before.as_ref().map(|before| before.version);
        let is_next = expected.is_none_or(|expected| series.version == expected.saturating_add(1));
        if version != *expected || !is_next {
            wrong.push(format!("series {id} comes from version {version:?}, decided on {expected:?}"));
        }
        if let Some((at, _)) = slot
            && !self.slots.insert((series.id, *at))
        {
            wrong.push(format!("series {id} is debited twice for {at:?}"));
        }
        let Some(before) = before else { return };
        if before.open.is_some() && series.open.is_some() && before.open != series.open {
            wrong.push(format!("series {id} is debited while another debit is open"));
        }
        let debited = changes.operations.iter().any(
            |write| matches!(write, Write::Insert(operation) if operation.kind == OperationKind::Recurring),
        );
        if debited && before.status != SeriesStatus::Active {
            wrong.push(format!("series {id} is debited although it is {}", before.status));
        }
        let event = event_of(changes, &before, series);
        let row = SERIES
            .iter()
            .position(|(_, from, on, to)| (*from, Some(*on), *to) == (before.status, event, series.status));
        match row {
            Some(row) => self.walks.series(row),
            None if before.status != series.status => {
                wrong.push(format!("series {id} becomes {} out of {}", series.status, before.status));
            }
            None => {}
        }
    }

    /// Payments' names that a commit takes or gives back. A schedule's payment has its name before it exists.
    pub(crate) fn take_names(&mut self, changes: &ChangeSet, wrong: &mut Vec<String>) {
        let place = |name: &Name| (name.project, name.folded.clone());
        for name in changes.names.iter().filter(|name| name.kind == NameKind::Payment) {
            if let Some(taken) = self.names.insert(place(name), name.payment) {
                wrong.push(format!("the name {} was taken by {taken}", name.folded));
            }
        }
        for name in changes.released.iter().filter(|name| name.kind == NameKind::Payment) {
            if self.names.remove(&place(name)) != Some(name.payment) {
                wrong.push(format!("the name {} is given back by somebody else", name.folded));
            }
        }
    }
}

/// What happened to a series, as far as its machine knows it.
fn event_of(changes: &ChangeSet, before: &Series, after: &Series) -> Option<SeriesEvent> {
    let asked = changes.request.is_some();
    match after.status {
        SeriesStatus::Active if asked && after.callbacks > before.callbacks => Some(SeriesEvent::Updated),
        SeriesStatus::Canceled if asked => Some(SeriesEvent::Canceled),
        SeriesStatus::Canceled => Some(SeriesEvent::CanceledAtIssuer),
        SeriesStatus::Expired => Some(SeriesEvent::TermEnded),
        SeriesStatus::Invalidated => Some(SeriesEvent::CardExpired),
        SeriesStatus::Active => None,
    }
}
