//! What processes have used, from the system's own accounting.

use std::time::Duration;

/// What a process, or several, have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// The part of it that threads of the store took.
    pub(crate) store_cpu: Duration,
    /// Bytes handed to the disk.
    pub(crate) written: u64,
    /// Resident memory, bytes.
    pub(crate) resident: u64,
    /// The part of it that is not a mapped file, bytes.
    pub(crate) own_memory: u64,
}

impl Usage {
    /// What has been used since, and the memory of now.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            store_cpu: self.store_cpu.saturating_sub(before.store_cpu),
            written: self.written.saturating_sub(before.written),
            ..self
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_add(other.cpu),
            store_cpu: self.store_cpu.saturating_add(other.store_cpu),
            written: self.written.saturating_add(other.written),
            resident: self.resident.saturating_add(other.resident),
            own_memory: self.own_memory.saturating_add(other.own_memory),
        }
    }
}

/// Names of the store's threads begin so.
const STORE_THREADS: &str = "store-";

/// A line of `/proc/…/stat`.
struct Stat {
    name: String,
    parent: u32,
    /// In user and system mode, of the process and of its children that have ended; hundredths of a second.
    ticks: [u64; 4],
}

impl Stat {
    fn read(path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        // The name stands in parentheses and may hold anything.
        let (head, rest) = text.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = rest.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let mut ticks = [0; 4];
        // The second of them has been taken; the 12th to 15th are the times.
        let mut fields = fields.skip(9);
        for tick in &mut ticks {
            *tick = fields.next()?.parse().ok()?;
        }
        Some(Self { name: name.to_owned(), parent, ticks })
    }

    /// Without the children.
    fn cpu(&self) -> Duration {
        spent(self.ticks.iter().take(2))
    }
}

/// The kernel counts in hundredths of a second for user space on every platform Linux supports.
fn spent<'a>(ticks: impl Iterator<Item = &'a u64>) -> Duration {
    Duration::from_millis(ticks.sum::<u64>().saturating_mul(10))
}

/// What a process has used so far.
pub(crate) fn of(process: u32) -> Option<Usage> {
    let cpu = Stat::read(&format!("/proc/{process}/stat"))?.cpu();
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let store_cpu = threads
        .filter_map(|thread| Stat::read(thread.ok()?.path().join("stat").to_str()?))
        .filter(|thread| thread.name.starts_with(STORE_THREADS))
        .map(|thread| thread.cpu())
        .sum();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    Some(Usage {
        cpu,
        store_cpu,
        written: field(&io, "write_bytes:").unwrap_or(0),
        resident: field(&status, "VmRSS:").unwrap_or(0).saturating_mul(1024),
        own_memory: field(&status, "RssAnon:").unwrap_or(0).saturating_mul(1024),
    })
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What several processes have used so far; none when one of them is not known.
pub(crate) fn of_all(processes: impl IntoIterator<Item = u32>) -> Option<Usage> {
    processes.into_iter().try_fold(Usage::default(), |sum, process| Some(sum.and(of(process)?)))
}

/// What this process, the load generator, has used so far.
pub(crate) fn own() -> Option<Usage> {
    of(std::process::id())
}

/// What a process and its children have used so far, those that have ended included as far as processor time goes. None
/// of their memory: children share it.
pub(crate) fn of_family(parent: u32) -> Option<Usage> {
    let stat = Stat::read(&format!("/proc/{parent}/stat"))?;
    let mut sum = Usage { cpu: spent(stat.ticks.iter()), written: written(parent), ..Usage::default() };
    for entry in std::fs::read_dir("/proc").ok()? {
        let Some(process) = entry.ok().and_then(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(child) = Stat::read(&format!("/proc/{process}/stat"))
            && child.parent == parent
        {
            sum = sum.and(Usage { cpu: child.cpu(), written: written(process), ..Usage::default() });
        }
    }
    Some(sum)
}

fn written(process: u32) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    field(&io, "write_bytes:").unwrap_or(0)
}

/// The parent of a process of this machine that has this name.
pub(crate) fn parent_of(process: u32, name: &str) -> Option<u32> {
    let stat = Stat::read(&format!("/proc/{process}/stat"))?;
    (stat.name == name).then_some(stat.parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_and_has_a_parent() {
        let own = own().unwrap();
        assert!(own.resident > own.own_memory && own.own_memory > 0, "{own:?}");
        let stat = Stat::read("/proc/self/stat").unwrap();
        assert_eq!(stat.parent, std::os::unix::process::parent_id());
        assert_eq!(parent_of(std::process::id(), &stat.name), Some(stat.parent));
        assert_eq!(parent_of(std::process::id(), "another name"), None);
        assert!(of_all([std::process::id(), u32::MAX]).is_none());
    }

    #[test]
    fn a_family_has_used_what_its_children_did_while_they_live_and_when_they_have_ended() {
        let before = of_family(std::process::id()).unwrap().cpu;
        let loops = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", loops]).status().unwrap().success());
        let after = of_family(std::process::id()).unwrap().cpu;
        assert!(after > before, "{before:?} {after:?}");
    }

    #[test]
    fn the_time_of_the_stores_threads_is_told_apart() {
        let busy = std::thread::Builder::new().name("store-test".to_owned()).spawn(|| {
            let begun = std::time::Instant::now();
            // The system counts in hundredths of a second, and other programs may have the processors.
            while own().unwrap().store_cpu.is_zero() && begun.elapsed() < Duration::from_mins(1) {
                std::hint::spin_loop();
            }
            own().unwrap()
        });
        let usage = busy.unwrap().join().unwrap();
        assert!(usage.store_cpu > Duration::ZERO && usage.store_cpu <= usage.cpu, "{usage:?}");
    }
}
