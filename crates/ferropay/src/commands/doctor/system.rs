//! The machine: its clock and its bounds.

use super::{Findings, database::LookedAt};
use ferropay_domain::time::Timestamp;
use ferropay_engine::clock::{Clock as _, MachineClock, SystemClock};
use rustix::process::{Resource, getrlimit};
use std::{
    path::Path,
    time::{Duration, Instant, UNIX_EPOCH},
};

const CLOCK: &str = "clock";

/// How many files and connections may be open at a time.
pub(super) fn open_files(findings: &mut Findings) {
    const AREA: &str = "open files";
    const ADVICE: &str = "allow the service 65536: LimitNOFILE= of a systemd unit, or ulimit -Hn";
    match getrlimit(Resource::Nofile).maximum {
        Some(most) if most < 1_024 => findings.problem(AREA, format!("at most {most} may be open"), ADVICE),
        Some(most) if most < 4_096 => findings.warning(AREA, format!("at most {most} may be open"), ADVICE),
        Some(most) => findings.ok(AREA, format!("{most} may be open")),
        None => findings.ok(AREA, "any number may be open"),
    }
}

/// Whether the clock can be trusted.
pub(super) fn clock(database: Option<&LookedAt>, findings: &mut Findings) {
    const ADVICE: &str = "set it, and keep it set: timedatectl set-ntp true, or another time service";
    let now = SystemClock.now();
    let shown = now.civil().map(|it| it.to_string()).unwrap_or_default();
    // Identifiers count from the beginning of 2025.
    if !(1_735_689_600..4_102_444_800).contains(&now.seconds()) {
        findings.problem(CLOCK, format!("it says {shown}"), ADVICE);
        return;
    }
    let last = database.and_then(|it| it.content.as_ref()?.last_enrolled);
    if let Some(last) = last
        && last > now.plus(Duration::from_secs(5))
    {
        let ahead = last.since(now).as_secs();
        findings.problem(
            CLOCK,
            format!("it says {shown}, and the database was used {ahead} s after that"),
            "the clock has been set back: set it right before payments are taken",
        );
    }
    if let Some(other) = database.and_then(|it| file_time(it.directory.as_ref()?)) {
        let apart = now.since(other).max(other.since(now));
        if apart > Duration::from_secs(2) {
            findings.problem(
                CLOCK,
                format!("it is {} s off the time of the file system", apart.as_secs()),
                "the disk belongs to another machine, or the clock was set just now",
            );
        }
    }
    if let Some(jump) = jump() {
        findings.warning(CLOCK, format!("it jumped by {jump:?} within a fifth of a second"), ADVICE);
    }
    match synchronised() {
        Some(true) => findings.ok(CLOCK, format!("{shown}, kept by a time service")),
        Some(false) => findings.warning(CLOCK, format!("{shown}, not synchronised"), ADVICE),
        None => {
            findings.ok(CLOCK, format!("{shown}; whether a time service keeps it cannot be seen from here"));
        }
    }
}

/// The moment a file is made now, as its file system sees it.
fn file_time(directory: &Path) -> Option<Timestamp> {
    let file = tempfile::tempfile_in(directory).ok()?;
    let made = file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_micros(i64::try_from(made.as_micros()).ok()?))
}

/// By how much the clock and the monotonic one differ after a while, if they do.
fn jump() -> Option<Duration> {
    let (wall, steady) = (MachineClock.now(), Instant::now());
    std::thread::sleep(Duration::from_millis(200));
    let (went, passed) = (MachineClock.now().since(wall), steady.elapsed());
    let apart = went.abs_diff(passed);
    (apart > Duration::from_millis(50)).then_some(apart)
}

/// Whether a time service says that the clock is right; none where none can be asked.
fn synchronised() -> Option<bool> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    Path::new("/run/systemd/timesync").exists().then_some(false)
}
