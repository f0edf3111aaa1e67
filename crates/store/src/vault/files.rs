//! The key directory: the master key, and the keys of card verification values.
//!
//! Files appear whole or not at all and are never replaced, so that nodes can share the directory.

use super::{VaultError, keys};
use ferropay_domain::time::Timestamp;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const MASTER: &str = "master.key";

/// The directory.
pub(super) struct KeyFiles {
    directory: PathBuf,
}

impl KeyFiles {
    pub(super) fn open(directory: &Path, make: bool) -> Result<Self, VaultError> {
        if !directory.is_dir() {
            if !make {
                return Err(VaultError::NoMaster(directory.join(MASTER)));
            }
            make_directory(directory)?;
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// The master key; made when it is missing and may be.
    pub(super) fn master(&self, may_make: bool) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let path = self.directory.join(MASTER);
        match read(&path) {
            Err(VaultError::Files(error)) if error.kind() == ErrorKind::NotFound => {}
            other => return exact(&path, &other?),
        }
        if !may_make {
            return Err(VaultError::NoMaster(path));
        }
        self.make(&path, keys::random::<32>()?.as_ref())?;
        exact(&path, &read(&path)?)
    }

    /// Makes a key for verification values; leaves one of that number alone.
    pub(super) fn make_cvv(&self, number: u32, now: Timestamp) -> Result<(), VaultError> {
        let raw = keys::random::<32>()?;
        let content = Zeroizing::new([&now.micros().to_be_bytes(), raw.as_slice()].concat());
        self.make(&self.cvv_path(number), &content)
    }

    /// When the key was made, and the key.
    pub(super) fn cvv(&self, number: u32) -> Result<(Timestamp, Zeroizing<[u8; 32]>), VaultError> {
        let path = self.cvv_path(number);
        let content = match read(&path) {
            Err(VaultError::Files(error)) if error.kind() == ErrorKind::NotFound => {
                return Err(VaultError::NoKey(number));
            }
            other => other?,
        };
        let (made_at, raw) =
            content.split_first_chunk().ok_or_else(|| VaultError::Malformed(path.clone()))?;
        Ok((Timestamp::from_micros(i64::from_be_bytes(*made_at)), exact(&path, raw)?))
    }

    /// The numbers of all keys for verification values.
    pub(super) fn cvv_numbers(&self) -> Result<Vec<u32>, VaultError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|it| it.strip_prefix("cvv-")?.strip_suffix(".key"));
            numbers.extend(number.and_then(|it| it.parse::<u32>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Overwrites and removes a key; one that is gone already is no error.
    pub(super) fn destroy_cvv(&self, number: u32) -> Result<(), VaultError> {
        let path = self.cvv_path(number);
        let file = OpenOptions::new().write(true).open(&path);
        match file {
            Ok(mut file) => {
                file.write_all(&[0; 40])?;
                file.sync_all()?;
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
                self.sync()?;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn cvv_path(&self, number: u32) -> PathBuf {
        self.directory.join(format!("cvv-{number}.key"))
    }

    /// Writes a file under another name and links it into place, so that nobody ever sees a part of it and of
    /// two processes that make it at the same time one wins. The other name is drawn: processes that share the directory may have
    /// the same number, and a file that is being linked must not be written to.
    fn make(&self, path: &Path, content: &[u8]) -> Result<(), VaultError> {
        let suffix = u128::from_be_bytes(*keys::random::<16>()?);
        let draft = self.directory.join(format!(".draft-{suffix:032x}"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
        fs::remove_file(&draft)?;
        linked?;
        self.sync()?;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// A key file's content. Error: others may read the file.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let content = Zeroizing::new(fs::read(path)?);
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 != 0 {
        return Err(VaultError::Exposed(path.to_owned()));
    }
    Ok(content)
}

fn exact(path: &Path, content: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let raw = content.try_into().map_err(|_| VaultError::Malformed(path.to_owned()))?;
    Ok(Zeroizing::new(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn making_a_key_writes_to_no_file_that_is_there_already() {
        let directory = tempfile::tempdir().unwrap();
        let files = KeyFiles::open(directory.path(), true).unwrap();
        let now = Timestamp::from_seconds(1_780_000_000);
        files.make_cvv(7, now).unwrap();
        let before = files.cvv(7).unwrap();
        // Another process of the same number has just linked its draft into place and not yet taken the draft away.
        for number in 0..200 {
            let draft = directory.path().join(format!(".draft-{}-{number}", std::process::id()));
            fs::hard_link(files.cvv_path(7), draft).unwrap();
        }
        files.make_cvv(8, now).unwrap();
        assert_eq!(files.cvv(7).unwrap().1, before.1);
        assert_ne!(files.cvv(8).unwrap().1, before.1);
        let drafts = fs::read_dir(directory.path()).unwrap();
        let drafts =
            drafts.filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().starts_with(".draft"));
        assert_eq!(drafts.count(), 200, "its own is gone");
    }
}
