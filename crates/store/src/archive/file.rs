//! The file of an archive: lines of JSON, of which each vouches for all before it.
//!
//! A line is `{"digest":"…","of":…}`. The digest is SHA-256, in hexadecimal digits, of the bytes of the digest before and of the text behind
//! `"of":`; before the first line stand 32 zero bytes. The first line says what the file is, the last one that it is whole. A file
//! that breaks off before is continued: what was not written whole had not been relied on yet.

use super::{
    error::ArchiveError,
    record::{Carried, Whole},
};
use aws_lc_rs::digest::{Context, SHA256};
use ferropay_domain::ids::PaymentKey;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The format this release writes, and the only one it reads.
pub(super) const FORMAT: u32 = 1;

/// The longest line, bytes: a payment of a schedule has all its debits in one.
pub(super) const LONGEST: u64 = 256 * 1024 * 1024;

pub(super) const BEFORE_DIGEST: &[u8] = b"{\"digest\":\"";
pub(super) const BEFORE_CONTENT: &[u8] = b"\",\"of\":";
pub(super) const BEHIND: &[u8] = b"}\n";
const DIGITS: usize = 64;

/// What a line has besides its content, bytes.
pub(super) const AROUND: usize = BEFORE_DIGEST.len() + DIGITS + BEFORE_CONTENT.len() + BEHIND.len();

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

pub(super) type Digest = [u8; 32];

pub(super) fn digest_of(before: &Digest, content: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(before);
    hash.update(content);
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

pub(super) fn digits(digest: &Digest) -> String {
    digest.iter().fold(String::with_capacity(DIGITS), |text, byte| format!("{text}{byte:02x}"))
}

/// How far a file has been read or written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The digest of the last line.
    pub(super) digest: Digest,
    /// The last line, counted from 1.
    pub(super) line: u64,
    /// Bytes up to its end.
    pub(super) bytes: u64,
}

impl Place {
    /// The last line.
    pub(super) const fn last(self) -> super::Line {
        super::Line { number: self.line, digest: self.digest }
    }

    /// Whether the last line is this one in number and another one in what it says.
    pub(super) fn belies(self, line: super::Line) -> bool {
        self.line == line.number && self.digest != line.digest
    }
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
    Some((told, rest.strip_prefix(BEFORE_CONTENT)?.strip_suffix(BEHIND)?))
}
