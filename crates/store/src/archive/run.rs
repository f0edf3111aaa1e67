//! Archiving: payments are written, made durable, and taken away, some at a time, beside whoever serves the database.
//!
//! Whoever is interrupted goes on with the same file. What was written and not taken away is taken away then, or the file says that it
//! stays; what was not written whole is cut off, once it is certain that the file has everything that was taken away for it.

use super::{
    Removal,
    file::{ArchiveError, Closed, Content, Lines, Place, Stays, Writing},
    record::Whole,
};
use crate::Store;
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

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// How many payments are in the file and no longer in the database.
    pub payments: u64,
    /// How many of these an earlier run had taken away.
    pub before: u64,
    /// How many were old enough, but changed as they were to be taken away, and stay.
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
    if store.recovery().await?.is_some_and(|it| it.released_at.is_none()) {
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
        let mut taken: BTreeSet<PaymentKey> =
            store.take_away(file.id, written.clone(), now).await?.into_iter().collect();
        // What whoever was killed had asked for may have been done since the file was read.
        let others = written.iter().filter(|it| !taken.contains(&it.payment)).map(|it| (it.payment, it.line));
        let others: Vec<(PaymentKey, u64)> = others.collect();
        if !others.is_empty() {
            let gone = store.taken_away(file.id, others).await?;
            taken.extend(gone.into_iter().map(|(payment, _)| payment));
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
        let Read { taken, left, closed, place, cut_off } = self.read(lines, header.id).await?;
        match &known {
            // It was begun and nothing more.
            None if taken == 0 && left.is_empty() && closed.is_none() => {}
            None => return Err(ArchiveError::Unknown(header.id)),
            Some(known) if known.payments != taken => {
                return Err(ArchiveError::Lacks { found: taken, known: known.payments });
            }
            Some(_) => {}
        }
        self.done = Archived { payments: taken, before: taken, cut_off, ..Archived::default() };
        if closed.is_some() {
            if cut_off > 0 || !self.store.close_archive(header.id, (self.now)()).await? {
                return Err(ArchiveError::Closed(path.clone()));
            }
            self.done.bytes = Some(place.bytes);
            return Ok(true);
        }
        writing.go_on(place)?;
        self.file = Some(self.begun(header.id, writing).await?);
        let left: Vec<Removal> = left.into_values().collect();
        for portion in left.chunks(self.order.portion.max(1)) {
            self.take_away(portion.to_vec()).await?;
        }
        Ok(false)
    }

    /// Reads a file through. Lines whose payments were not taken away are kept, of which there are no more than one portion, unless
    /// the file is not the one that was written.
    async fn read(&self, mut lines: Lines, id: Uuid) -> Result<Read, ArchiveError> {
        let length = std::fs::metadata(&self.order.to).map_err(ArchiveError::file(&self.order.to))?.len();
        let mut read = Read::default();
        let mut asked = Vec::new();
        loop {
            match lines.next_line() {
                Ok(Some(Content::Payment(whole))) => {
                    let (payment, line) = (whole.payment.key, lines.number());
                    let removal =
                        Removal { payment, version: whole.payment.version, tried: whole.tried(), line };
                    read.left.insert(line, removal);
                    asked.push((payment, line));
                }
                Ok(Some(Content::Stays(stays))) => {
                    read.left.remove(&stays.line);
                }
                Ok(Some(Content::Closed(closed))) => read.closed = Some(closed),
                Ok(Some(Content::Archive(_))) => {
                    return Err(ArchiveError::Foreign(self.order.to.clone()));
                }
                Ok(None) | Err(ArchiveError::Broken { .. }) => break,
                Err(error) => return Err(error),
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
            read.left.remove(&line);
        }
        Ok(())
    }

    /// Writes the last line.
    async fn close(&mut self) -> Result<(), ArchiveError> {
        let (store, at) = (self.store, (self.now)());
        let payments = self.done.payments;
        let Some(file) = &mut self.file else { return Ok(()) };
        let carried = store.carried(file.id).await?;
        file.writing.add(&Content::Closed(Closed { payments, at: at.micros(), carried }))?;
        file.writing.sync()?;
        store.close_archive(file.id, at).await?;
        self.done.bytes = Some(file.writing.bytes());
        Ok(())
    }
}

/// What a file holds that is continued.
#[derive(Default)]
struct Read {
    /// How many lines have payments that were taken away.
    taken: u64,
    /// The other ones, by line.
    left: BTreeMap<u64, Removal>,
    closed: Option<Closed>,
    /// The end of what was written whole.
    place: Place,
    /// How many bytes stand behind it.
    cut_off: u64,
}
