//! Archives: finished payments leave the database for a file, and nothing of them is lost or counted twice.
//!
//! A payment is written to the file whole, the file is made durable, and only then the payment is taken away, in one transaction with
//! the marks that stay: that it was archived, in which file and line, and what its postings come to for each account. The
//! transaction takes it only as it was written, so that a line never says less than the database knew; a payment that has changed
//! meanwhile stays, and the file says so. What is written and not taken away is in both, which whoever goes on with the file finds
//! out; never is it in neither.

mod condition;
mod error;
mod file;
mod record;
mod run;
mod verify;
mod writing;

pub(crate) use condition::{Dialect, archivable, follows, follows_one_by_one};
pub use error::ArchiveError;
pub use file::{Closed, Content, Header, Lines, Stays};
pub use record::{
    Account, Attempt, Callback, Carried, Delivery, Head, Operation, Posting, Request, Slot, Whole,
};
pub(crate) use record::{
    TRIED_MODULO, Unknown, attempt_ask, attempt_status, operation_kind, operation_status, payment_kind,
    payment_status,
};
pub use run::{Archived, Order, archive, sure_now};
pub use verify::{Verified, verify};

use crate::Answer;
use ferropay_domain::{
    ids::{AttemptId, PaymentKey, ProjectId},
    payment::{AttemptStatus, Version},
    time::Timestamp,
};
use uuid::Uuid;

/// An archive as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The name that its file carries inside.
    pub id: Uuid,
    /// What the file was called, without its directory.
    pub file: String,
    /// When it was begun, real time.
    pub begun_at: Timestamp,
    /// When it was closed, real time; none while it may be continued.
    pub closed_at: Option<Timestamp>,
    /// How many payments were taken away for it.
    pub payments: u64,
    /// The last line that was in the file when payments were taken away; none before, and for archives of releases that did not keep it.
    pub last: Option<Line>,
    /// The digest of the line that closed it; none while it may be continued, and for archives of releases that did not keep it.
    pub closing: Option<[u8; 32]>,
}

/// A line of a file, which vouches for all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line, counted from 1.
    pub number: u64,
    /// Its digest.
    pub digest: [u8; 32],
}

/// Payments that may be archived among those that were looked at.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Each with the version at which it may be.
    pub payments: Vec<(PaymentKey, Version)>,
    /// Where to go on; none at the end.
    pub next: Option<PaymentKey>,
}

/// A payment to be taken away, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The payment.
    pub payment: PaymentKey,
    /// Its version in the file.
    pub version: Version,
    /// Tells whether one of its callbacks was tried again since it was read.
    pub tried: i64,
    /// The line of the file.
    pub line: u64,
}

/// Where a payment is that is in the database no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    /// What the archive's file was called, without its directory.
    pub file: String,
    /// When the payment was archived, real time.
    pub at: Timestamp,
}

/// What is still known of an attempt whose payment was archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedAttempt {
    /// The payment.
    pub payment: PaymentKey,
    /// How the attempt ended.
    pub status: AttemptStatus,
    /// What the archive's file was called, without its directory.
    pub file: String,
    /// The line of the file that has the payment.
    pub line: u64,
}

/// Taking finished payments out of the database.
pub trait Archives {
    /// Looks at the next payments behind `after`, at most so many, in the order of their keys; answers those that may be archived and
    /// whose last change is before the moment (real time, and as far ahead as the project's clock is).
    fn archivable(&self, after: Option<PaymentKey>, before: Timestamp, most: u32) -> Answer<'_, Page>;

    /// Payments with everything that belongs to them, in the order of their keys; those left out that are not there at this version.
    fn whole(&self, payments: Vec<(PaymentKey, Version)>) -> Answer<'_, Vec<Whole>>;

    /// Begins an archive; one that was begun with the same identity stays as it is.
    fn begin_archive(&self, id: Uuid, file: &str, now: Timestamp) -> Answer<'_, ()>;

    /// An archive.
    fn archive(&self, id: Uuid) -> Answer<'_, Option<Archive>>;

    /// Takes payments away that are as they were written, all in one transaction. What others have begun with one meanwhile loses its
    /// guard. Answers which were taken away; the others stay untouched, and all do in a recovery hold. `last` is the last line of the
    /// file, which the database keeps so that nobody can write the file anew.
    fn take_away(
        &self,
        id: Uuid,
        payments: Vec<Removal>,
        last: Line,
        now: Timestamp,
    ) -> Answer<'_, Vec<PaymentKey>>;

    /// Which of these lines have payments that were taken away for the archive.
    fn taken_away(&self, id: Uuid, lines: Vec<(PaymentKey, u64)>) -> Answer<'_, Vec<(PaymentKey, u64)>>;

    /// Says that an archive's file has its last line, and that line's digest; when it is said again the first moment stays.
    fn close_archive(&self, id: Uuid, closing: [u8; 32], now: Timestamp) -> Answer<'_, ()>;

    /// What an archive's payments came to for each account, by accounts.
    fn carried(&self, id: Uuid) -> Answer<'_, Vec<Carried>>;

    /// Where the payment with this folded name is, when it was archived.
    fn resting<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Resting>>;

    /// An attempt, when its payment was archived.
    fn archived_attempt(&self, attempt: AttemptId) -> Answer<'_, Option<ArchivedAttempt>>;
}
