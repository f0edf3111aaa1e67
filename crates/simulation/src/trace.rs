//! What happened, line by line: kept when it is to be read, always taken into a digest that two equal runs share.

use parking_lot::Mutex;
use std::fmt;

/// How many of the last lines are kept in any case, to be shown with a finding.
const TAIL: usize = 400;

/// The trace of a run.
#[derive(Debug)]
pub(crate) struct Trace(Mutex<Inside>);

#[derive(Debug)]
struct Inside {
    digest: u64,
    keep_all: bool,
    lines: std::collections::VecDeque<String>,
}

impl Trace {
    pub(crate) fn new(keep_all: bool) -> Self {
        Self(Mutex::new(Inside {
            digest: 0xcbf2_9ce4_8422_2325,
            keep_all,
            lines: std::collections::VecDeque::new(),
        }))
    }

    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        let line = line.to_string();
        let mut inside = self.0.lock();
        for byte in line.bytes().chain([b'\n']) {
            inside.digest = (inside.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if !inside.keep_all && inside.lines.len() >= TAIL {
            inside.lines.pop_front();
        }
        inside.lines.push_back(line);
    }

    /// The digest of everything noted so far.
    pub(crate) fn digest(&self) -> u64 {
        self.0.lock().digest
    }

    /// The lines that were kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().lines.iter().cloned().collect()
    }
}
