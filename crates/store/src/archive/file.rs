//! The file of an archive: lines of JSON, of which each vouches for all before it.
//!
//! A line is `{"digest":"…","of":…}`. The digest is SHA-256, in hexadecimal digits, of the bytes of the digest before and of the text behind
//! `"of":`; before the first line stand 32 zero bytes. The first line says what the file is, the last one that it is whole. A file
//! that breaks off before is continued: what was not written whole had not been relied on yet.

use super::record::{Carried, Whole};
use crate::Unavailable;
use aws_lc_rs::digest::{Context, SHA256};
use ferropay_domain::ids::PaymentKey;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The format this release writes, and the only one it reads.
const FORMAT: u32 = 1;

/// The longest line, bytes: a payment of a schedule has all its debits in one.
const LONGEST: u64 = 256 * 1024 * 1024;

/// Longer than any first line, bytes.
const LONGEST_HEAD: u64 = 1024;

const BEFORE_DIGEST: &[u8] = b"{\"digest\":\"";
const BEFORE_CONTENT: &[u8] = b"\",\"of\":";
const DIGITS: usize = 64;

/// What a line holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// The first line: what the file is.
    Archive(Header),
    /// A payment.
    Payment(Box<Whole>),
    /// The payment of an earlier line stays in the database: that line does not count.
    Stays(Stays),
    /// The last line: the file is whole.
    Closed(Closed),
}

/// What the file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub format: u32,
    /// The archive, as the database knows it.
    pub id: Uuid,
    /// When it was begun, UTC microseconds.
    pub begun_at: i64,
}

/// A line that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    /// The line, counted from 1.
    pub line: u64,
    /// Its payment.
    pub payment: PaymentKey,
}

/// The end of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// How many payments count.
    pub payments: u64,
    /// When, UTC microseconds.
    pub at: i64,
    /// What they come to for each account.
    pub carried: Vec<Carried>,
}

/// Why something could not be archived, or a file not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process writes the file.
    #[error("{} is being written by another process", .0.display())]
    InUse(PathBuf),
    /// It is something else.
    #[error("{} is no archive of this release; nothing was changed", .0.display())]
    Foreign(PathBuf),
    /// A line is not what was written.
    #[error("line {line} was not written whole, or was changed since")]
    Broken {
        /// The line, counted from 1.
        line: u64,
        /// Where it begins, bytes.
        from: u64,
    },
    /// A payment cannot be written down.
    #[error("a payment cannot be written: {0}")]
    Unwritable(serde_json::Error),
    /// It holds payments, and the database knows nothing of it.
    #[error(
        "this database knows nothing of the archive {0}: it is that of another database, or of one restored from before it; nothing was changed"
    )]
    Unknown(Uuid),
    /// The database has taken payments away that the file does not have.
    #[error(
        "the file has {found} of the {known} payments that were taken away for it: it is not the file that was written, or lost its end; \
         nothing was changed"
    )]
    Lacks {
        /// How many the file has.
        found: u64,
        /// How many the database knows.
        known: u64,
    },
    /// Nothing is added to a file that is whole.
    #[error("{} is whole and closed: name another file", .0.display())]
    Closed(PathBuf),
    /// The database is in recovery hold.
    #[error("the database is in recovery hold, and nothing leaves it until `ferropay recover release`")]
    Held,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] Unavailable),
}

impl ArchiveError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::File { path: path.to_owned(), error }
    }
}

type Digest = [u8; 32];

fn digest_of(before: &Digest, content: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(before);
    hash.update(content);
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

fn digits(digest: &Digest) -> String {
    digest.iter().fold(String::with_capacity(DIGITS), |text, byte| format!("{text}{byte:02x}"))
}

/// How far a file has been read or written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    digest: Digest,
    /// The last line, counted from 1.
    pub(super) line: u64,
    /// Bytes up to its end.
    pub(super) bytes: u64,
}

/// The lines of a file, one after the other.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    place: Place,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file and reads what it is.
    ///
    /// # Errors
    /// It cannot be read, or is no archive.
    pub fn open(path: &Path) -> Result<(Self, Header), ArchiveError> {
        let file = File::open(path).map_err(ArchiveError::file(path))?;
        let reader = BufReader::with_capacity(1 << 16, file);
        let mut lines = Self { path: path.to_owned(), reader, place: Place::default(), line: Vec::new() };
        match lines.next_line() {
            Ok(Some(Content::Archive(header))) if header.format == FORMAT => Ok((lines, header)),
            Ok(_) | Err(ArchiveError::Broken { .. }) => Err(ArchiveError::Foreign(path.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// The line that was read last, counted from 1.
    pub const fn number(&self) -> u64 {
        self.place.line
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// The file cannot be read, or the line is not what was written.
    pub fn next_line(&mut self) -> Result<Option<Content>, ArchiveError> {
        self.line.clear();
        let read = (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.line);
        if read.map_err(ArchiveError::file(&self.path))? == 0 {
            return Ok(None);
        }
        let line = self.place.line.saturating_add(1);
        let broken = || ArchiveError::Broken { line, from: self.place.bytes };
        let (told, content) = parts(&self.line).ok_or_else(broken)?;
        let digest = digest_of(&self.place.digest, content);
        if told != digits(&digest).as_bytes() {
            return Err(broken());
        }
        let content = serde_json::from_slice(content).map_err(|_| broken())?;
        let bytes = u64::try_from(self.line.len()).unwrap_or(u64::MAX);
        self.place = Place { digest, line, bytes: self.place.bytes.saturating_add(bytes) };
        Ok(Some(content))
    }
}

/// The digest that a line tells, and what it is of.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(BEFORE_DIGEST)?;
    let (told, rest) = rest.split_at_checked(DIGITS)?;
    Some((told, rest.strip_prefix(BEFORE_CONTENT)?.strip_suffix(b"}\n")?))
}

/// A file that is being written, by nobody else meanwhile.
#[derive(Debug)]
pub(super) struct Writing {
    path: PathBuf,
    file: File,
    place: Place,
    buffer: Vec<u8>,
}

impl Writing {
    /// Makes a file that must not exist, only for its owner to read, and its first line, all of it on disk.
    pub(super) fn begin(path: &Path, id: Uuid, begun_at: i64) -> Result<Self, ArchiveError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(ArchiveError::file(path))?;
        let mut writing = Self::alone(path, file, Place::default())?;
        writing.head(id, begun_at)?;
        Ok(writing)
    }

    /// The first line, on disk with the file's name.
    fn head(&mut self, id: Uuid, begun_at: i64) -> Result<(), ArchiveError> {
        self.add(&Content::Archive(Header { format: FORMAT, id, begun_at }))?;
        self.sync()?;
        let directory = self.path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = File::open(directory).and_then(|it| it.sync_all());
        synced.map_err(ArchiveError::file(directory))
    }

    /// Whether the file has not even got its first line whole.
    pub(super) fn is_unbegun(&self) -> Result<bool, ArchiveError> {
        let mut start = Vec::new();
        let file = File::open(&self.path).map_err(ArchiveError::file(&self.path))?;
        file.take(LONGEST_HEAD).read_to_end(&mut start).map_err(ArchiveError::file(&self.path))?;
        let as_ours = start.iter().zip(BEFORE_DIGEST).all(|(found, ours)| found == ours);
        Ok(as_ours
            && u64::try_from(start.len()).unwrap_or(LONGEST_HEAD) < LONGEST_HEAD
            && !start.contains(&b'\n'))
    }

    /// Begins a file anew that is unbegun.
    pub(super) fn begin_again(&mut self, id: Uuid, begun_at: i64) -> Result<(), ArchiveError> {
        self.go_on(Place::default())?;
        self.head(id, begun_at)
    }

    /// Locks a file that is to be continued; nothing of it is changed yet.
    pub(super) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = OpenOptions::new().write(true).open(path).map_err(ArchiveError::file(path))?;
        Self::alone(path, file, Place::default())
    }

    fn alone(path: &Path, file: File, place: Place) -> Result<Self, ArchiveError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), file, place, buffer: Vec::new() }),
            Err(TryLockError::WouldBlock) => Err(ArchiveError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(ArchiveError::file(path)(error)),
        }
    }

    /// Goes on behind `place`; what stands there is cut off.
    pub(super) fn go_on(&mut self, place: Place) -> Result<(), ArchiveError> {
        let failed = ArchiveError::file(&self.path);
        self.file.set_len(place.bytes).map_err(&failed)?;
        self.file.seek(SeekFrom::Start(place.bytes)).map_err(&failed)?;
        self.file.sync_all().map_err(&failed)?;
        self.place = place;
        Ok(())
    }

    /// Adds a line, which is on disk after the next [`sync`](Self::sync); answers its number.
    pub(super) fn add(&mut self, content: &Content) -> Result<u64, ArchiveError> {
        let text = serde_json::to_vec(content).map_err(ArchiveError::Unwritable)?;
        let digest = digest_of(&self.place.digest, &text);
        let before = self.buffer.len();
        self.buffer.extend_from_slice(BEFORE_DIGEST);
        self.buffer.extend_from_slice(digits(&digest).as_bytes());
        self.buffer.extend_from_slice(BEFORE_CONTENT);
        self.buffer.extend_from_slice(&text);
        self.buffer.extend_from_slice(b"}\n");
        let bytes = u64::try_from(self.buffer.len().saturating_sub(before)).unwrap_or(u64::MAX);
        let line = self.place.line.saturating_add(1);
        self.place = Place { digest, line, bytes: self.place.bytes.saturating_add(bytes) };
        Ok(line)
    }

    /// How many bytes wait to be written.
    pub(super) const fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// How long the file is with what was added.
    pub(super) const fn bytes(&self) -> u64 {
        self.place.bytes
    }

    /// Makes everything durable that was added.
    pub(super) fn sync(&mut self) -> Result<(), ArchiveError> {
        let written = self.file.write_all(&self.buffer).and_then(|()| self.file.sync_all());
        written.map_err(ArchiveError::file(&self.path))?;
        self.buffer.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(line: u64) -> Content {
        Content::Stays(Stays { line, payment: PaymentKey::new(Uuid::from_u128(line.into())) })
    }

    fn all(path: &Path) -> Result<u64, ArchiveError> {
        let (mut lines, _) = Lines::open(path)?;
        while lines.next_line()?.is_some() {}
        Ok(lines.number())
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jsonl");
        let mut writing = Writing::begin(&path, Uuid::from_u128(7), 5).unwrap();
        for line in 0..3 {
            writing.add(&stays(line)).unwrap();
        }
        writing.sync().unwrap();
        (directory, path)
    }

    #[test]
    fn every_line_is_json_and_is_read_back_as_it_was_written() {
        let (_directory, path) = written();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4);
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value.as_object().unwrap().len(), 2, "{line}");
        }
        let (mut lines, header) = Lines::open(&path).unwrap();
        assert_eq!(header, Header { format: FORMAT, id: Uuid::from_u128(7), begun_at: 5 });
        for line in 0..3 {
            let Some(Content::Stays(found)) = lines.next_line().unwrap() else { panic!("{line}") };
            assert_eq!((found.line, lines.number()), (line, line + 2));
        }
        assert!(lines.next_line().unwrap().is_none());
    }

    #[test]
    fn a_file_that_breaks_off_anywhere_is_read_up_to_there_and_goes_on() {
        let (_directory, path) = written();
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in (first..whole.len()).step_by(3) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let complete = whole[..length].split(|byte| *byte == b'\n').count() - 1;
            let (mut lines, _) = Lines::open(&path).unwrap();
            let end = loop {
                match lines.next_line() {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(ArchiveError::Broken { line, from }) => break Some((line, from)),
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(lines.number(), complete as u64);
            assert_eq!(end.is_some(), whole[length - 1] != b'\n', "{length}");
            let mut writing = Writing::open(&path).unwrap();
            writing.go_on(lines.place()).unwrap();
            writing.add(&stays(99)).unwrap();
            writing.sync().unwrap();
            assert_eq!(all(&path).unwrap(), complete as u64 + 1);
        }
    }

    #[test]
    fn a_file_without_its_first_line_is_begun_again_and_no_other_file_is() {
        let (_directory, path) = written();
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
        for length in [0, 1, 30, first] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut writing = Writing::open(&path).unwrap();
            assert!(writing.is_unbegun().unwrap());
            writing.begin_again(Uuid::from_u128(9), 6).unwrap();
            assert_eq!(Lines::open(&path).unwrap().1.id, Uuid::from_u128(9));
        }
        for other in [&whole[..=first], b"{}", b"anything else", &[b'{'; 2000]] {
            std::fs::write(&path, other).unwrap();
            assert!(!Writing::open(&path).unwrap().is_unbegun().unwrap());
        }
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        let (_directory, path) = written();
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            all(&path).unwrap_err();
        }
        // So is a line that is missing, and two that changed places.
        let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        for order in [vec![0, 1, 3], vec![0, 2, 1, 3]] {
            let changed: Vec<u8> = order.iter().flat_map(|line| lines[*line].to_vec()).collect();
            std::fs::write(&path, &changed).unwrap();
            assert!(matches!(all(&path).unwrap_err(), ArchiveError::Broken { .. }));
        }
    }

    #[test]
    fn a_file_is_written_by_one_at_a_time_and_never_made_over_another() {
        let (_directory, path) = written();
        let _first = Writing::open(&path).unwrap();
        assert!(matches!(Writing::open(&path).unwrap_err(), ArchiveError::InUse(_)));
        Writing::begin(&path, Uuid::from_u128(8), 5).unwrap_err();
        assert_eq!(all(&path).unwrap(), 4);
    }
}
