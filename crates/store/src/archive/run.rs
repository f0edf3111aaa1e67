//! Archiving: payments are written, made durable, and taken away, some at a time, beside whoever serves the database.
//!
//! Whoever is interrupted goes on with the same file. What was written and not taken away is taken away then, or the file says that it
//! stays; what was not written whole is cut off, once it is certain that the file has everything that was taken away for it. A database
//! that was brought back to a moment within the archiving is not what the file says, either: what it has again is taken away again.

use super::{
    Line, Removal,
    error::ArchiveError,
    file::{Closed, Content, Digest, Lines, Place, Stays, digest_of},
    record::Whole,
    writing::Writing,
};
use crate::{Store, sure_moment};
use ferropay_domain::{ids::PaymentKey, payment::Version, time::Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};
use uuid::Uuid;

/// How many payments are looked at in one step.
const LOOKED_AT: u32 = 500;

/// As many bytes are made durable and taken away at once, however few payments they are of.
const MOST_BYTES: usize = 1 << 20;

/// How many lines are asked about at once.
const ASKED: usize = 500;

/// What is to be archived.
#[derive(Clone, Debug)]
pub struct Order {
    /// Payments that changed last before this moment (real time, and as far ahead as their project's clock is).
    pub before: Timestamp,
    /// The file: new, or one that was begun and not closed.
    pub to: PathBuf,
    /// How many payments are taken away in one transaction at most: others wait for it.
    pub portion: usize,
    /// How long the database is left to others after each portion.
    pub pause: Duration,
}

impl Order {
    /// At the usual pace.
    pub fn new(before: Timestamp, to: PathBuf) -> Self {
        Self { before, to, portion: 64, pause: Duration::from_millis(10) }
    }
}

/// The latest moment that everybody is sure has come, from which ages count: no single clock says that a payment is old. `own` is what
/// the clock of this machine says.
///
/// # Errors
/// The store cannot be read.
pub async fn sure_now(store: &dyn Store, own: Timestamp) -> Result<Timestamp, ArchiveError> {
    let moments = store.moments().await?;
    Ok(sure_moment(own, moments, Duration::ZERO, moments.server))
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// How many payments are in the file and no longer in the database.
    pub payments: u64,
    /// How many of these an earlier run had taken away.
    pub before: u64,
    /// How many were written and then not taken away: they changed meanwhile, or somebody archived them to another file.
    pub stay: u64,
    /// How many bytes were cut off that had not been written whole.
    pub cut_off: u64,
    /// How long the file is; none when nothing was old enough and no file was made.
    pub bytes: Option<u64>,
}

/// Archives what is old enough and closes the file. `now` tells the time, `told` hears of progress. Nothing is lost and nothing doubled
/// wherever it is interrupted; done again with the same file it goes on.
///
/// # Errors
/// See [`ArchiveError`]. What was taken away until then is in the file.
pub async fn archive(
    store: &dyn Store,
    order: &Order,
    now: impl Fn() -> Timestamp,
    mut told: impl FnMut(&Archived),
) -> Result<Archived, ArchiveError> {
    if is_held(store).await? {
        return Err(ArchiveError::Held);
    }
    let mut run = Run { store, order, now, done: Archived::default(), file: None };
    if order.to.exists() && run.resume().await? {
        return Ok(run.done);
    }
    let mut after = None;
    loop {
        let page = store.archivable(after, order.before, LOOKED_AT).await?;
        for portion in page.payments.chunks(order.portion.max(1)) {
            run.portion(portion).await?;
            told(&run.done);
            tokio::time::sleep(order.pause).await;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    run.close().await?;
    Ok(run.done)
}

async fn is_held(store: &dyn Store) -> Result<bool, ArchiveError> {
    Ok(store.recovery().await?.is_some_and(|it| it.is_held()))
}

struct Run<'s, N> {
    store: &'s dyn Store,
    order: &'s Order,
    now: N,
    done: Archived,
    file: Option<Begun>,
}

/// A file with its place in the database.
struct Begun {
    id: Uuid,
    writing: Writing,
}

impl<N: Fn() -> Timestamp> Run<'_, N> {
    /// The file, made where there is none.
    async fn file(&mut self) -> Result<&mut Begun, ArchiveError> {
        if self.file.is_none() {
            let (id, now) = (Uuid::now_v7(), (self.now)());
            let writing = Writing::begin(&self.order.to, id, now.micros())?;
            self.file = Some(self.begun(id, writing).await?);
        }
        self.file.as_mut().ok_or_else(|| ArchiveError::Foreign(self.order.to.clone()))
    }

    async fn begun(&self, id: Uuid, writing: Writing) -> Result<Begun, ArchiveError> {
        let name = self.order.to.file_name().unwrap_or_default().to_string_lossy();
        self.store.begin_archive(id, &name, (self.now)()).await?;
        Ok(Begun { id, writing })
    }

    /// Writes some payments and takes them away.
    async fn portion(&mut self, payments: &[(PaymentKey, Version)]) -> Result<(), ArchiveError> {
        let wholes = self.store.whole(payments.to_vec()).await?;
        let mut written = Vec::new();
        for whole in wholes {
            written.push(self.write(whole).await?);
            if self.file().await?.writing.waiting() >= MOST_BYTES {
                self.take_away(std::mem::take(&mut written)).await?;
            }
        }
        self.take_away(written).await
    }

    async fn write(&mut self, whole: Whole) -> Result<Removal, ArchiveError> {
        let (payment, version, tried) = (whole.payment.key, whole.payment.version, whole.tried());
        let line = self.file().await?.writing.add(&Content::Payment(Box::new(whole)))?;
        Ok(Removal { payment, version, tried, line })
    }

    /// Makes durable what was written, and takes it away; of what stays the file says so.
    async fn take_away(&mut self, written: Vec<Removal>) -> Result<(), ArchiveError> {
        if written.is_empty() {
            return Ok(());
        }
        let (store, now) = (self.store, (self.now)());
        let file = self.file().await?;
        file.writing.sync()?;
        let last = file.writing.place().last();
        let taken = store.take_away(file.id, written.clone(), last, now).await?;
        self.settle(&written, taken.into_iter().collect()).await
    }

    /// Goes on with lines that somebody else wrote, who may have meant another moment of the database: those that say what it says.
    async fn take_left(&mut self, left: &[Left]) -> Result<(), ArchiveError> {
        let asked = left.iter().map(|it| (it.removal.payment, it.removal.version)).collect();
        let mut as_it_is = BTreeMap::new();
        for whole in self.store.whole(asked).await? {
            as_it_is.insert(whole.payment.key, digest_alone(&whole)?);
        }
        let same = |it: &&Left| as_it_is.get(&it.removal.payment) == Some(&it.digest);
        let (same, other): (Vec<&Left>, Vec<&Left>) = left.iter().partition(same);
        self.take_away(same.into_iter().map(|it| it.removal).collect()).await?;
        let other: Vec<Removal> = other.into_iter().map(|it| it.removal).collect();
        self.settle(&other, BTreeSet::new()).await
    }

    /// Writes down which of these were not taken away.
    async fn settle(
        &mut self,
        written: &[Removal],
        mut taken: BTreeSet<PaymentKey>,
    ) -> Result<(), ArchiveError> {
        let store = self.store;
        let file = self.file().await?;
        // What whoever was killed had asked for may have been done since the file was read.
        let others = written.iter().filter(|it| !taken.contains(&it.payment)).map(|it| (it.payment, it.line));
        let others: Vec<(PaymentKey, u64)> = others.collect();
        if !others.is_empty() {
            let gone = store.taken_away(file.id, others).await?;
            taken.extend(gone.into_iter().map(|(payment, _)| payment));
            // A hold that began meanwhile lets nothing go; whoever goes on after it takes these away.
            if taken.len() < written.len() && is_held(store).await? {
                return Err(ArchiveError::Held);
            }
        }
        let mut stay = 0;
        for Removal { payment, line, .. } in written.iter().filter(|it| !taken.contains(&it.payment)) {
            file.writing.add(&Content::Stays(Stays { line: *line, payment: *payment }))?;
            stay += 1;
        }
        file.writing.sync()?;
        self.done.stay += stay;
        self.done.payments += u64::try_from(taken.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Goes on with a file; answers whether there is nothing left to do but what has been done.
    async fn resume(&mut self) -> Result<bool, ArchiveError> {
        let path = &self.order.to;
        let mut writing = Writing::open(path)?;
        if writing.is_unbegun()? {
            let (id, now) = (Uuid::now_v7(), (self.now)());
            writing.begin_again(id, now.micros())?;
            self.file = Some(self.begun(id, writing).await?);
            return Ok(false);
        }
        let (lines, header) = Lines::open(path)?;
        let known = self.store.archive(header.id).await?;
        let last = known.as_ref().and_then(|it| it.last);
        let Read { taken, left, closed, place, cut_off, sure } = self.read(lines, header.id, last).await?;
        match &known {
            // It was begun and nothing more.
            None if taken == 0 && left.is_empty() && closed.is_none() => {}
            None => return Err(ArchiveError::Unknown(header.id)),
            Some(known) if known.payments != taken => {
                return Err(ArchiveError::Lacks { found: taken, known: known.payments });
            }
            Some(_) => {}
        }
        if let Some(last) = last.filter(|it| place.line < it.number) {
            return Err(ArchiveError::Changed { line: last.number });
        }
        self.done = Archived { payments: taken, before: taken, cut_off, ..Archived::default() };
        let mut place = place;
        if let Some((closed, before)) = closed {
            if cut_off > 0 || known.is_some_and(|it| it.closed_at.is_some()) {
                return Err(ArchiveError::Closed(path.clone()));
            }
            if closed.payments == taken && left.is_empty() {
                writing.go_on(sure, place)?;
                self.store.close_archive(header.id, place.digest, (self.now)()).await?;
                self.done.bytes = Some(place.bytes);
                return Ok(true);
            }
            // The database is that of an earlier moment and has some of them again: the last line does not hold.
            place = before;
        }
        writing.go_on(sure, place)?;
        self.file = Some(self.begun(header.id, writing).await?);
        let left: Vec<Left> = left.into_values().collect();
        for portion in left.chunks(self.order.portion.max(1)) {
            self.take_left(portion).await?;
        }
        Ok(false)
    }

    /// Reads a file through. Lines whose payments were not taken away are kept, of which there are no more than one portion, unless
    /// the file is not the one that was written, or the database is that of an earlier moment.
    async fn read(&self, mut lines: Lines, id: Uuid, last: Option<Line>) -> Result<Read, ArchiveError> {
        let length = std::fs::metadata(&self.order.to).map_err(ArchiveError::file(&self.order.to))?.len();
        let mut read = Read::default();
        let mut asked = Vec::new();
        loop {
            let before = lines.place();
            match lines.next_line() {
                Ok(Some(Content::Payment(whole))) => {
                    let (payment, line) = (whole.payment.key, lines.number());
                    let removal =
                        Removal { payment, version: whole.payment.version, tried: whole.tried(), line };
                    let digest = digest_alone(&whole)?;
                    read.left.insert(line, Left { removal, digest, end: lines.place().bytes });
                    asked.push((payment, line));
                }
                Ok(Some(Content::Stays(stays))) => {
                    read.left.remove(&stays.line);
                }
                Ok(Some(Content::Closed(closed))) => read.closed = Some((closed, before)),
                Ok(Some(Content::Archive(_))) => {
                    return Err(ArchiveError::Foreign(self.order.to.clone()));
                }
                Ok(None) | Err(ArchiveError::Broken { .. }) => break,
                Err(error) => return Err(error),
            }
            if last.is_some_and(|it| lines.place().belies(it)) {
                return Err(ArchiveError::Changed { line: lines.number() });
            }
            if asked.len() >= ASKED {
                self.ask(id, std::mem::take(&mut asked), &mut read).await?;
            }
        }
        self.ask(id, asked, &mut read).await?;
        read.place = lines.place();
        read.cut_off = length.saturating_sub(read.place.bytes);
        Ok(read)
    }

    /// Forgets the lines whose payments were taken away.
    async fn ask(
        &self,
        id: Uuid,
        lines: Vec<(PaymentKey, u64)>,
        read: &mut Read,
    ) -> Result<(), ArchiveError> {
        for (_, line) in self.store.taken_away(id, lines).await? {
            read.taken += 1;
            if let Some(left) = read.left.remove(&line) {
                read.sure = read.sure.max(left.end);
            }
        }
        Ok(())
    }

    /// Writes the last line.
    async fn close(&mut self) -> Result<(), ArchiveError> {
        let (store, at) = (self.store, (self.now)());
        let payments = self.done.payments;
        let Some(file) = &mut self.file else { return Ok(()) };
        let known = store.archive(file.id).await?.ok_or(ArchiveError::Unknown(file.id))?.payments;
        if known != payments {
            return Err(ArchiveError::Older { known, found: payments });
        }
        let carried = store.carried(file.id).await?;
        file.writing.add(&Content::Closed(Closed { payments, at: at.micros(), carried }))?;
        file.writing.sync()?;
        store.close_archive(file.id, file.writing.place().digest, at).await?;
        self.done.bytes = Some(file.writing.place().bytes);
        Ok(())
    }
}

/// What vouches for the payment of a line, without the lines before.
fn digest_alone(whole: &Whole) -> Result<Digest, ArchiveError> {
    let text = serde_json::to_vec(whole).map_err(ArchiveError::Unwritable)?;
    Ok(digest_of(&Digest::default(), &text))
}

/// A line whose payment was not taken away.
struct Left {
    removal: Removal,
    digest: Digest,
    /// Bytes up to its end.
    end: u64,
}

/// What a file holds that is continued.
#[derive(Default)]
struct Read {
    /// How many lines have payments that were taken away.
    taken: u64,
    /// The other ones, by line.
    left: BTreeMap<u64, Left>,
    /// The last line, and what stands before it.
    closed: Option<(Closed, Place)>,
    /// The end of what was written whole.
    place: Place,
    /// How many bytes stand behind it.
    cut_off: u64,
    /// How many bytes are on disk for certain: a payment was taken away after they were.
    sure: u64,
}
