//! Risk control: lists, and the counting of uses inside the commit that adds one.

use super::apply::{Applier, Refusal};
use crate::{Loss, RiskEntry, parts::MOST_COUNTED};
use ferropay_domain::{
    ids::ProjectId,
    risk::{Feature, Hit, List, Measure, Reading, Use},
    time::Timestamp,
};
use rusqlite::{Connection, Result, params, types::ValueRef};
use std::collections::HashSet;

impl Applier<'_> {
    /// Looks whether a use would be too much. Nobody else writes in between. Earlier uses are read from the latest back,
    /// and only until they are too many or too much: what is refused, and what is counted up to a number, costs no more
    /// than the limit is high.
    pub(super) fn within_limits(&mut self, it: &Use) -> Result<(), Refusal> {
        let minor = it.amount.minor.min(MOST_COUNTED);
        for count in &it.counts {
            let Some(value) = it.profile.get(count.by) else { continue };
            let different = count.measure.different();
            let mut before = Reading::default();
            let mut exceeded = count.is_exceeded_by(before, minor);
            if !exceeded && count.measure != Measure::Single {
                let key = params![
                    it.project.get(),
                    it.direction.number(),
                    count.by.number(),
                    value,
                    count.since.micros(),
                    it.amount.currency.numeric(),
                    minor,
                    it.profile.get(Feature::Card),
                    different.map(Feature::number),
                    different.and_then(|feature| it.profile.get(feature)),
                ];
                let mut others = HashSet::<String>::new();
                self.statements.uses.each(key, |row| {
                    before.count = before.count.saturating_add(1);
                    if row.get(1)? {
                        before.minor = before.minor.saturating_add(row.get(0)?);
                    }
                    before.duplicates = before.duplicates.saturating_add(i64::from(row.get::<_, bool>(2)?));
                    if let ValueRef::Text(other) = row.get_ref(3)? {
                        let other = String::from_utf8_lossy(other);
                        if !others.contains(other.as_ref()) {
                            others.insert(other.into_owned());
                            before.others = before.others.saturating_add(1);
                        }
                    }
                    exceeded = count.is_exceeded_by(before, minor);
                    Ok(!exceeded)
                })?;
            }
            if exceeded {
                return Err(Refusal::Lost(Loss::TooMuch(count.code)));
            }
        }
        Ok(())
    }

    /// Records a use under every feature it is counted by.
    pub(super) fn record_use(&mut self, it: &Use) -> Result<()> {
        for feature in &it.by {
            let Some(value) = it.profile.get(*feature) else { continue };
            self.statements.insert_use.execute(params![
                it.project.get(),
                it.direction.number(),
                feature.number(),
                value,
                it.at.micros(),
                it.payment.as_bytes(),
                it.amount.minor.min(MOST_COUNTED),
                it.amount.currency.numeric(),
                it.profile.get(Feature::Card),
                it.profile.get(Feature::Email),
                it.profile.get(Feature::Customer),
                it.profile.get(Feature::Holder),
                it.profile.get(Feature::Country),
            ])?;
        }
        Ok(())
    }
}

/// Forgets uses before a moment, some of the oldest; answers how many.
pub(super) fn forget_uses(it: &Connection, before: Timestamp, most: u32) -> Result<usize> {
    it.execute(
        "DELETE FROM risk_uses WHERE (project, direction, feature, value, at, payment) IN
         (SELECT project, direction, feature, value, at, payment FROM risk_uses WHERE at < ?1 ORDER BY at LIMIT ?2)",
        params![before.micros(), most],
    )
}

pub(super) fn hits(it: &Connection, project: ProjectId, features: &[(Feature, String)]) -> Result<Vec<Hit>> {
    let mut found = Vec::new();
    let mut statement = it.prepare_cached(
        "SELECT list FROM risk_entries WHERE project = ?1 AND feature = ?2 AND value = ?3 ORDER BY list",
    )?;
    for (feature, value) in features {
        let mut rows = statement.query(params![project.get(), feature.number(), value])?;
        while let Some(row) = rows.next()? {
            if let Some(list) = List::numbered(row.get(0)?) {
                found.push(Hit { list, feature: *feature });
            }
        }
    }
    Ok(found)
}

pub(super) fn entries(it: &Connection, project: ProjectId, limit: u32) -> Result<Vec<RiskEntry>> {
    let mut statement = it.prepare_cached(
        "SELECT list, feature, value, note, added_at FROM risk_entries WHERE project = ?1
         ORDER BY list, feature, value LIMIT ?2",
    )?;
    let rows = statement.query_map(params![project.get(), limit], |row| {
        let (list, feature) = (List::numbered(row.get(0)?), Feature::numbered(row.get(1)?));
        let (value, note) = (row.get(2)?, row.get(3)?);
        let added_at = Timestamp::from_micros(row.get(4)?);
        Ok(list.zip(feature).map(|(list, feature)| RiskEntry { list, feature, value, note, added_at }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

pub(super) fn add(it: &Connection, project: ProjectId, entry: &RiskEntry) -> Result<bool> {
    let added = it.execute(
        "INSERT INTO risk_entries (project, feature, value, list, note, added_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (project, feature, value, list) DO NOTHING",
        params![
            project.get(),
            entry.feature.number(),
            entry.value,
            entry.list.number(),
            entry.note,
            entry.added_at.micros()
        ],
    )?;
    Ok(added == 1)
}

pub(super) fn remove(
    it: &Connection,
    project: ProjectId,
    (list, feature, value): (List, Feature, &str),
) -> Result<bool> {
    let removed = it.execute(
        "DELETE FROM risk_entries WHERE project = ?1 AND feature = ?2 AND value = ?3 AND list = ?4",
        params![project.get(), feature.number(), value, list.number()],
    )?;
    Ok(removed == 1)
}
