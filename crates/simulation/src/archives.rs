//! Archives, as the engine of a simulation sees them: nobody archives there, and it only asks where a payment is.

use crate::{at_once::at_once, store::WatchedStore};
use ferropay_domain::{
    ids::{AttemptId, PaymentKey, ProjectId},
    payment::Version,
    time::Timestamp,
};
use ferropay_store::{
    Answer,
    archive::{Archive, ArchivedAttempt, Archives, Carried, Line, Page, Removal, Resting, Whole},
};
use uuid::Uuid;

impl Archives for WatchedStore {
    fn archivable(&self, after: Option<PaymentKey>, before: Timestamp, most: u32) -> Answer<'_, Page> {
        at_once(self.inner.archivable(after, before, most))
    }

    fn whole(&self, payments: Vec<(PaymentKey, Version)>) -> Answer<'_, Vec<Whole>> {
        at_once(self.inner.whole(payments))
    }

    fn begin_archive(&self, id: Uuid, file: &str, now: Timestamp) -> Answer<'_, ()> {
        at_once(self.inner.begin_archive(id, file, now))
    }

    fn archive(&self, id: Uuid) -> Answer<'_, Option<Archive>> {
        at_once(self.inner.archive(id))
    }

    fn take_away(
        &self,
        id: Uuid,
        payments: Vec<Removal>,
        last: Line,
        now: Timestamp,
    ) -> Answer<'_, Vec<PaymentKey>> {
        at_once(self.inner.take_away(id, payments, last, now))
    }

    fn taken_away(&self, id: Uuid, lines: Vec<(PaymentKey, u64)>) -> Answer<'_, Vec<(PaymentKey, u64)>> {
        at_once(self.inner.taken_away(id, lines))
    }

    fn close_archive(&self, id: Uuid, closing: [u8; 32], now: Timestamp) -> Answer<'_, ()> {
        at_once(self.inner.close_archive(id, closing, now))
    }

    fn carried(&self, id: Uuid) -> Answer<'_, Vec<Carried>> {
        at_once(self.inner.carried(id))
    }

    fn resting<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Resting>> {
        self.read(self.inner.resting(project, folded))
    }

    fn archived_attempt(&self, attempt: AttemptId) -> Answer<'_, Option<ArchivedAttempt>> {
        self.read(self.inner.archived_attempt(attempt))
    }
}
