//! Small and read-only file systems, for tests of disks that are full or cannot be written.
//!
//! Mounting needs a mount namespace of its own, so the test is run again in one by `unshare`; what is mounted there is gone
//! with it, whatever becomes of the test.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Set inside the namespace.
const INSIDE: &str = "FERROPAY_TESTS_MAY_MOUNT";

/// Whether the test runs where it may mount. Otherwise it has been run there, to its end, by the name `test`.
pub fn entered(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let user = Command::new("id").arg("-u").output().expect("`id` is needed").stdout;
    let is_root = String::from_utf8_lossy(&user).trim() == "0";
    let namespaces = if is_root { "-m" } else { "-rm" };
    let itself = std::env::current_exe().unwrap();
    let run = || {
        let mut unshare = Command::new("unshare");
        unshare.arg(namespaces).arg(&itself).args(["--exact", test, "--nocapture"]);
        unshare.env(INSIDE, "1").status()
    };
    let possible = Command::new("unshare").args([namespaces, "true"]).status();
    assert!(
        possible.is_ok_and(|status| status.success()),
        "this test mounts file systems in a namespace of its own: run it as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1), with `unshare` of util-linux installed"
    );
    let ran = tokio::task::block_in_place(run).unwrap();
    assert!(ran.success(), "the test failed in its namespace: see above");
    false
}

fn mount(arguments: &[&str]) {
    let mounted = Command::new("mount").args(arguments).status().expect("`mount` is needed");
    assert!(mounted.success(), "mount {arguments:?}");
}

/// A file system in memory with room for little.
#[derive(Debug)]
pub struct SmallDisk {
    directory: PathBuf,
}

impl SmallDisk {
    /// Mounts one with room for `mebibytes` on a directory.
    pub fn on(directory: &Path, mebibytes: u32) -> Self {
        fs::create_dir_all(directory).unwrap();
        let size = format!("size={mebibytes}m");
        mount(&["-t", "tmpfs", "-o", &size, "none", directory.to_str().unwrap()]);
        Self { directory: directory.to_owned() }
    }

    fn filler(&self) -> PathBuf {
        self.directory.join("filler")
    }

    /// Fills it up to the last byte, then makes room for `free` bytes.
    pub fn fill(&self, free: u64) {
        let mut file = File::create(self.filler()).unwrap();
        let mut written = 0_u64;
        let chunk = [b'x'; 4096];
        while let Ok(count) = file.write(&chunk) {
            if count == 0 {
                break;
            }
            written += count as u64;
        }
        assert!(written > free, "there was less than {free} bytes of room");
        file.set_len(written - free).unwrap();
    }

    /// Takes away what it was filled with.
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    /// Lets nothing be written any more.
    pub fn protect(&self) {
        mount(&["-o", "remount,ro", self.directory.to_str().unwrap()]);
    }
}

/// Lets a file be read only, whoever reads it; its directory can be written.
pub fn protect_file(file: &Path) {
    let path = file.to_str().unwrap();
    mount(&["--bind", path, path]);
    mount(&["-o", "remount,bind,ro", path]);
}
