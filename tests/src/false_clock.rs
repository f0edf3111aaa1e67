//! A machine's clock that jumps, for one process: libfaketime answers in the system's place.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A clock that can be set. Monotonic time is left alone, as it is by whoever sets a machine's clock.
#[derive(Debug)]
pub struct FalseClock {
    library: PathBuf,
    directory: TempDir,
}

impl FalseClock {
    /// A clock that is right.
    pub fn new() -> Self {
        let clock = Self { library: library(), directory: tempfile::tempdir().unwrap() };
        clock.set(0);
        clock
    }

    /// Sets it this many seconds ahead of the true time; a process notices within a second.
    pub fn set(&self, seconds: i64) {
        let new = self.directory.path().join("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("offset")
    }

    /// What a process is started with to go by it.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", self.library.clone().into()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().into()),
            ("FAKETIME_CACHE_DURATION", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }
}

impl Default for FalseClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Where Debian's package keeps it, or what `FERROPAY_TEST_FAKETIME` names.
fn library() -> PathBuf {
    if let Some(named) = std::env::var_os("FERROPAY_TEST_FAKETIME") {
        return named.into();
    }
    let machines = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut found =
        machines.map(|it| it.join("faketime/libfaketimeMT.so.1")).filter(|it: &PathBuf| Path::exists(it));
    found.next().expect(
        "tests of clocks that jump need libfaketime: install it (Debian: apt-get install libfaketime), or name its \
         libfaketimeMT.so.1 by FERROPAY_TEST_FAKETIME",
    )
}
