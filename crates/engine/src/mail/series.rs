//! Mails about changes of a series: each change has a task of its own, so that none is lost when the next one comes while
//! a mail server is away. A mail that waited tells how the series stands by then.

use super::{MOST_TRIES, Posted, report, results};
use crate::{
    engine::Engine, failure::Failure, projects::KnownProject, provider_work::Cards, registry::InHand,
    series::SeriesStanding,
};
use ferropay_domain::{
    change::{ChangeSet, Task, TaskKey, bucket_of_series},
    series::Series,
};
use std::sync::Arc;

impl Engine {
    /// Sends the mail about a change of a series.
    pub(crate) async fn mail_series(
        self: Arc<Self>,
        mut project: Arc<KnownProject>,
        series: Series,
        (change, tries): (u8, u32),
        in_hand: InHand,
    ) {
        let id = series.id;
        let posted = match results::write_about_series(&project, &series, change) {
            Some(mail) => Some(self.hand_over(&mail).await),
            None => None,
        };
        let again = matches!(posted, Some(Posted::Later(_))) && tries < MOST_TRIES;
        let (key, pause) = (TaskKey::SeriesMail(id, change), self.pause_after(tries));
        let recorded = self.record_series_mail(&mut project, series, (key, again, tries), pause).await;
        report(&key, tries, posted.as_ref(), recorded);
        drop(in_hand);
    }

    async fn record_series_mail(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        series: Series,
        (key, again, tries): (TaskKey, bool, u32),
        pause: std::time::Duration,
    ) -> Result<(), Failure> {
        let bucket = bucket_of_series(series.id);
        let mut standing = SeriesStanding::of(self.store.as_ref(), series).await?;
        self.settle(project, &mut standing, &Cards::default(), |_, _, _, now| {
            let due = now.real.plus(pause);
            let later = Task { key, bucket, clock: None, due, tries: tries.saturating_add(1) };
            Ok(Some(if again {
                ChangeSet { tasks: vec![later], ..ChangeSet::default() }
            } else {
                ChangeSet { done: vec![key], ..ChangeSet::default() }
            }))
        })
        .await?;
        Ok(())
    }
}
