//! Writing the file of an archive: what is said to be on disk is there, under the name that was asked for.
//!
//! A write that could not be brought to the disk is told of once, and the system then takes what it has in memory for written: whoever
//! goes on with a file must not rely on what nobody has seen on the disk. Sure is only what was there before a payment was taken
//! away for it; everything behind that is written once more before the file is relied on.

use super::{
    error::ArchiveError,
    file::{self, BEFORE_CONTENT, BEFORE_DIGEST, Content, FORMAT, Header, LONGEST, Place, digest_of, digits},
};
use std::{
    fs::{File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Longer than any first line, bytes.
const LONGEST_HEAD: u64 = 1024;

/// What the disk may lose at once when a write fails, bytes: never less than a page of memory.
const BLOCK: u64 = 1 << 16;

/// What is written to.
pub(super) trait Disk: Read + Write + Seek {
    /// Makes it so long.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Makes durable what was written.
    fn sync_all(&self) -> io::Result<()>;

    /// Whether whoever opens the path finds this.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

impl Disk for File {
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        Self::set_len(self, bytes)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        match std::fs::metadata(path) {
            Ok(found) => Ok(is_same(&found, &self.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len()
}

/// A file that is being written, by nobody else meanwhile.
#[derive(Debug)]
pub(super) struct Writing<D = File> {
    path: PathBuf,
    file: D,
    place: Place,
    buffer: Vec<u8>,
    /// The longest line that can be read again, bytes.
    longest: u64,
}

impl Writing {
    /// Makes a file that must not exist, only for its owner to read, and its first line, all of it on disk.
    pub(super) fn begin(path: &Path, id: Uuid, begun_at: i64) -> Result<Self, ArchiveError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(ArchiveError::file(path))?;
        let mut writing = Self::alone(path, file)?;
        writing.head(id, begun_at)?;
        Ok(writing)
    }

    /// The first line, on disk with the file's name.
    fn head(&mut self, id: Uuid, begun_at: i64) -> Result<(), ArchiveError> {
        self.add(&Content::Archive(Header { format: FORMAT, id, begun_at }))?;
        self.sync()?;
        self.sync_name()
    }

    /// Makes durable that the directory has the file.
    fn sync_name(&self) -> Result<(), ArchiveError> {
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

    /// Begins a file anew that is unbegun, whoever made it: it is only for its owner to read from here on.
    pub(super) fn begin_again(&mut self, id: Uuid, begun_at: i64) -> Result<(), ArchiveError> {
        #[cfg(unix)]
        {
            let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            self.file.set_permissions(only_owner).map_err(ArchiveError::file(&self.path))?;
        }
        self.write_again(0, Place::default())?;
        self.head(id, begun_at)
    }

    /// Locks a file that is to be continued; nothing of it is changed yet.
    pub(super) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(ArchiveError::file(path))?;
        Self::alone(path, file)
    }

    fn alone(path: &Path, file: File) -> Result<Self, ArchiveError> {
        match file.try_lock() {
            Ok(()) => Ok(Self::on(path, file)),
            Err(TryLockError::WouldBlock) => Err(ArchiveError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(ArchiveError::file(path)(error)),
        }
    }

    /// Goes on behind `place`; what stands there is cut off. What stands before it is on disk then, and so is the file's name: of that
    /// only the first `sure` bytes were before.
    pub(super) fn go_on(&mut self, sure: u64, place: Place) -> Result<(), ArchiveError> {
        self.write_again(sure, place)?;
        self.sync_name()
    }
}

impl<D: Disk> Writing<D> {
    fn on(path: &Path, file: D) -> Self {
        let (place, buffer) = (Place::default(), Vec::new());
        Self { path: path.to_owned(), file, place, buffer, longest: LONGEST }
    }

    /// Cuts off what stands behind `place`, and brings to the disk what stands before it and behind the first `sure` bytes.
    fn write_again(&mut self, sure: u64, place: Place) -> Result<(), ArchiveError> {
        let failed = ArchiveError::file(&self.path);
        self.file.set_len(place.bytes).map_err(&failed)?;
        // What is sure may share a block with what is not.
        let mut at = sure.min(place.bytes) / BLOCK * BLOCK;
        while at < place.bytes {
            let mut block = Vec::new();
            self.file.seek(SeekFrom::Start(at)).map_err(&failed)?;
            let most = BLOCK.min(place.bytes.saturating_sub(at));
            Read::by_ref(&mut self.file).take(most).read_to_end(&mut block).map_err(&failed)?;
            let read = u64::try_from(block.len()).unwrap_or(most);
            if read < most {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            self.file.seek(SeekFrom::Start(at)).map_err(&failed)?;
            self.file.write_all(&block).map_err(&failed)?;
            at = at.saturating_add(read);
        }
        self.file.seek(SeekFrom::Start(place.bytes)).map_err(&failed)?;
        self.file.sync_all().map_err(&failed)?;
        self.place = place;
        Ok(())
    }

    /// Adds a line, which is on disk after the next [`sync`](Self::sync); answers its number. One that nobody could read again is
    /// refused, and nothing added.
    pub(super) fn add(&mut self, content: &Content) -> Result<u64, ArchiveError> {
        let text = serde_json::to_vec(content).map_err(ArchiveError::Unwritable)?;
        let around = file::AROUND.saturating_add(text.len());
        let bytes = u64::try_from(around).unwrap_or(u64::MAX);
        if bytes > self.longest {
            let payment =
                if let Content::Payment(whole) = content { whole.payment.id.clone() } else { String::new() };
            return Err(ArchiveError::TooLong { payment, bytes });
        }
        let digest = digest_of(&self.place.digest, &text);
        self.buffer.extend_from_slice(BEFORE_DIGEST);
        self.buffer.extend_from_slice(digits(&digest).as_bytes());
        self.buffer.extend_from_slice(BEFORE_CONTENT);
        self.buffer.extend_from_slice(&text);
        self.buffer.extend_from_slice(file::BEHIND);
        let line = self.place.line.saturating_add(1);
        self.place = Place { digest, line, bytes: self.place.bytes.saturating_add(bytes) };
        Ok(line)
    }

    /// How many bytes wait to be written.
    pub(super) const fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// How far the file goes with what was added.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// Makes everything durable that was added, in the file that has the name still.
    pub(super) fn sync(&mut self) -> Result<(), ArchiveError> {
        let written = self.file.write_all(&self.buffer).and_then(|()| self.file.sync_all());
        written.map_err(ArchiveError::file(&self.path))?;
        self.buffer.clear();
        match self.file.is_at(&self.path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ArchiveError::Gone(self.path.clone())),
            Err(error) => Err(ArchiveError::file(&self.path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::file::{Lines, Stays},
        *,
    };
    use ferropay_domain::ids::PaymentKey;
    use std::{cell::RefCell, rc::Rc};

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
            writing.go_on(0, lines.place()).unwrap();
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

    /// A disk that loses what it is to make durable once, and then takes it for durable, as systems do.
    #[derive(Clone, Default)]
    struct Forgetful(Rc<RefCell<Platter>>);

    #[derive(Default)]
    struct Platter {
        seen: io::Cursor<Vec<u8>>,
        /// Pages that were written since they were brought to the disk.
        dirty: std::collections::BTreeSet<usize>,
        durable: Vec<u8>,
        fails: bool,
    }

    const PAGE: usize = 4096;

    impl Read for Forgetful {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.borrow_mut().seen.read(buffer)
        }
    }

    impl Seek for Forgetful {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.borrow_mut().seen.seek(to)
        }
    }

    impl Write for Forgetful {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut platter = self.0.borrow_mut();
            let from = usize::try_from(platter.seen.position()).unwrap();
            let written = platter.seen.write(bytes)?;
            platter.dirty.extend((from..from + written).map(|byte| byte / PAGE));
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for Forgetful {
        fn set_len(&self, bytes: u64) -> io::Result<()> {
            let length = usize::try_from(bytes).unwrap();
            let mut platter = self.0.borrow_mut();
            platter.seen.get_mut().resize(length, 0);
            platter.durable.resize(length, 0);
            Ok(())
        }

        fn sync_all(&self) -> io::Result<()> {
            let mut platter = self.0.borrow_mut();
            let dirty = std::mem::take(&mut platter.dirty);
            if std::mem::take(&mut platter.fails) {
                return Err(io::Error::other("the disk failed"));
            }
            let seen = platter.seen.get_ref().clone();
            platter.durable.resize(seen.len(), 0);
            for page in dirty {
                let bytes = page * PAGE..seen.len().min((page + 1) * PAGE);
                platter.durable[bytes.clone()].copy_from_slice(&seen[bytes]);
            }
            Ok(())
        }

        fn is_at(&self, _: &Path) -> io::Result<bool> {
            Ok(true)
        }
    }

    #[test]
    fn what_a_disk_failed_to_keep_is_written_again_by_whoever_goes_on() {
        for sure_lines in [0, 1, 700, 1400] {
            let disk = Forgetful::default();
            let mut first = Writing::on(Path::new("a"), disk.clone());
            let mut sure = Place::default();
            for line in 0..1500 {
                if line == sure_lines {
                    first.sync().unwrap();
                    sure = first.place();
                }
                first.add(&stays(line)).unwrap();
            }
            disk.0.borrow_mut().fails = true;
            first.sync().unwrap_err();
            let place = first.place();
            let lost = disk.0.borrow().durable.len();
            assert!(u64::try_from(lost).unwrap() < place.bytes, "the disk has lost something");
            // The second one finds every line.
            assert_eq!(disk.0.borrow().seen.get_ref().len() as u64, place.bytes);
            let mut second = Writing::on(Path::new("a"), disk.clone());
            second.write_again(sure.bytes, place).unwrap();
            second.add(&stays(9999)).unwrap();
            second.sync().unwrap();
            let platter = disk.0.borrow();
            assert!(platter.durable == *platter.seen.get_ref(), "{sure_lines}");
        }
    }

    #[test]
    fn a_line_that_nobody_could_read_again_is_refused_before_it_is_written() {
        let (_directory, path) = written();
        let whole = std::fs::read(&path).unwrap();
        let longest = whole.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
        let mut writing = Writing::open(&path).unwrap();
        writing.longest = longest as u64 - 1;
        writing.go_on(0, Place { bytes: whole.len() as u64, ..Place::default() }).unwrap();
        let error = writing.add(&Content::Archive(Header { format: FORMAT, id: Uuid::max(), begun_at: 5 }));
        assert!(matches!(error.unwrap_err(), ArchiveError::TooLong { bytes, .. } if bytes == longest as u64));
        writing.sync().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_there_before_is_made_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jsonl");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Writing::open(&path).unwrap().begin_again(Uuid::from_u128(9), 6).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_lost_its_name_is_not_relied_on() {
        let (directory, path) = written();
        let mut writing = Writing::open(&path).unwrap();
        writing.sync().unwrap();
        let elsewhere = directory.path().join("b.jsonl");
        std::fs::rename(&path, &elsewhere).unwrap();
        assert!(matches!(writing.sync().unwrap_err(), ArchiveError::Gone(_)));
        std::fs::copy(&elsewhere, &path).unwrap();
        assert!(matches!(writing.sync().unwrap_err(), ArchiveError::Gone(_)), "another file has the name");
        std::fs::rename(&elsewhere, &path).unwrap();
        writing.sync().unwrap();
    }
}
