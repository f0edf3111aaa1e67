//! Limits of risk control: what was used before, read for a whole batch, and judged one commit after the other.

use super::connection::{Live, Trouble};
use crate::{parts::MOST_COUNTED, prepared::Prepared};
use ferropay_domain::{
    codes::Code,
    risk::{Count, Feature, Measure, Reading, Use},
};
use std::collections::{HashMap, HashSet};

/// What was used before a batch and by the commits of it that are applied.
#[derive(Default)]
pub(super) struct Uses {
    /// By commit and position among what it counts.
    before: HashMap<(usize, usize), (Reading, HashSet<String>)>,
    added: Vec<Use>,
}

/// The use's own amount, as it is counted.
fn minor(it: &Use) -> i64 {
    it.amount.minor.min(MOST_COUNTED)
}

/// Adds up what stands under one feature since a moment. The last column has the different values of what is counted.
const SUM: &str = "SELECT count(*), coalesce(sum(minor) FILTER (WHERE currency = $6::int2), 0)::int8,
        count(*) FILTER (WHERE currency = $6::int2 AND minor = $7::int8 AND card IS NOT DISTINCT FROM $8::text),
        coalesce(array_agg(DISTINCT other) FILTER (WHERE other <> $10::text), '{}')
    FROM (SELECT minor, currency, card, CASE $9::int2 WHEN 1 THEN card WHEN 2 THEN customer WHEN 3 THEN holder
            WHEN 6 THEN email WHEN 10 THEN country END AS other
        FROM risk_uses WHERE project = $1::int8 AND direction = $2::int2 AND feature = $3::int2 AND value = $4::text
            AND at > $5::int8) AS u";

impl Uses {
    /// Reads what the batch's commits count.
    pub(super) async fn read(live: &Live, commits: &[&Prepared]) -> Result<Self, Trouble> {
        let mut all = Self::default();
        for (n, prepared) in commits.iter().enumerate() {
            let Some(it) = &prepared.commit.changes.counted else { continue };
            for (position, count) in it.counts.iter().enumerate() {
                let Some(value) = it.profile.get(count.by).filter(|_| count.measure != Measure::Single)
                else {
                    continue;
                };
                let different = count.measure.different();
                let own = different.and_then(|feature| it.profile.get(feature)).unwrap_or_default();
                let row = live
                    .first(
                        SUM,
                        &[
                            &it.project.get(),
                            &i16::from(it.direction.number()),
                            &i16::from(count.by.number()),
                            &value,
                            &count.since.micros(),
                            &super::collect::currency(it.amount.currency.numeric()),
                            &minor(it),
                            &it.profile.get(Feature::Card),
                            &different.map(|feature| i16::from(feature.number())),
                            &own,
                        ],
                    )
                    .await?;
                if let Some(row) = row {
                    let reading =
                        Reading { count: row.get(0), minor: row.get(1), duplicates: row.get(2), others: 0 };
                    let others: Vec<String> = row.get(3);
                    all.before.insert((n, position), (reading, others.into_iter().collect()));
                }
            }
        }
        Ok(all)
    }

    /// The code of the first limit that this commit's use would pass.
    pub(super) fn exceeded(&self, n: usize, it: &Use) -> Option<Code> {
        let passes = |(position, count): &(usize, &Count)| {
            it.profile.get(count.by).is_some() && {
                let reading = self.reading((n, *position), it, count);
                count.is_exceeded_by(reading, minor(it))
            }
        };
        it.counts.iter().enumerate().find(passes).map(|(_, count)| count.code)
    }

    /// What was used before, with what the commits before this one in the batch have used.
    fn reading(&self, place: (usize, usize), it: &Use, count: &Count) -> Reading {
        let (mut reading, mut others) = self.before.get(&place).cloned().unwrap_or_default();
        let own = count.measure.different().and_then(|feature| it.profile.get(feature));
        let same = |used: &&Use| {
            used.project == it.project
                && used.direction == it.direction
                && used.by.contains(&count.by)
                && used.profile.get(count.by) == it.profile.get(count.by)
                && used.at > count.since
        };
        for used in self.added.iter().filter(same) {
            reading.count = reading.count.saturating_add(1);
            if used.amount.currency == it.amount.currency {
                reading.minor = reading.minor.saturating_add(minor(used));
                let is_duplicate = minor(used) == minor(it)
                    && used.profile.get(Feature::Card) == it.profile.get(Feature::Card);
                reading.duplicates = reading.duplicates.saturating_add(i64::from(is_duplicate));
            }
            let other = count.measure.different().and_then(|feature| used.profile.get(feature));
            others.extend(other.filter(|_| own != other).map(str::to_owned));
        }
        reading.others = i64::try_from(others.len()).unwrap_or(i64::MAX);
        reading
    }

    /// A commit of the batch is applied.
    pub(super) fn add(&mut self, used: &Use) {
        self.added.push(used.clone());
    }
}
