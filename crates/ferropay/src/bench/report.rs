//! What the bench has found, for people and for machines.

use super::{disk::Disk, load::Outcome, target::Usage};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::time::Duration;

/// The store's own limit in the same run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreAlone {
    pub(crate) per_second: u64,
    pub(crate) commits_per_batch: u64,
}

/// Everything the bench has found.
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) disk: Disk,
    pub(crate) used: Option<Usage>,
    pub(crate) generator: Option<Usage>,
    pub(crate) database_bytes_per_sale: Option<u64>,
    pub(crate) callbacks_repeated: u64,
    pub(crate) callbacks_wrong: u64,
    pub(crate) doubled: Option<u64>,
    pub(crate) store_alone: Option<StoreAlone>,
}

impl Report {
    /// Whether nothing was lost, refused or doubled.
    pub(crate) fn is_sound(&self) -> bool {
        let Outcome { refused, unsuccessful, lost, .. } = self.outcome;
        refused == 0
            && unsuccessful == 0
            && lost == 0
            && self.callbacks_repeated == 0
            && self.callbacks_wrong == 0
            && self.doubled.unwrap_or(0) == 0
    }

    fn per_second(&self) -> u64 {
        let micros = u64::try_from(self.outcome.elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        self.outcome.finished.saturating_mul(1_000_000) / micros
    }

    fn cpu_micros_per_sale(&self) -> Option<u64> {
        let micros = u64::try_from(self.used?.cpu.as_micros()).ok()?;
        micros.checked_div(self.outcome.finished)
    }

    fn generator_cpu_micros_per_sale(&self) -> Option<u64> {
        let micros = u64::try_from(self.generator?.cpu.as_micros()).ok()?;
        micros.checked_div(self.outcome.finished)
    }

    fn written_per_sale(&self) -> Option<u64> {
        self.used?.written.checked_div(self.outcome.finished)
    }

    /// Platform against store alone, in percent.
    fn ratio(&self) -> Option<u64> {
        (self.per_second() * 100).checked_div(self.store_alone?.per_second)
    }

    pub(crate) fn print(&self) {
        let outcome = &self.outcome;
        println!(
            "finished            {:>10} sales in {:.1?}: {} per second",
            outcome.finished,
            outcome.elapsed,
            self.per_second()
        );
        println!("accepted            {}", latency(&outcome.accepted));
        println!("to final callback   {}", latency(&outcome.final_callback));
        if let (Some(cpu), Some(written)) = (self.cpu_micros_per_sale(), self.written_per_sale()) {
            println!("platform            {cpu:>10} µs of processor and {written} bytes written per sale");
        }
        if let Some(cpu) = self.generator_cpu_micros_per_sale() {
            println!("load generator      {cpu:>10} µs of processor per sale");
        }
        if let Some(used) = self.used {
            println!(
                "memory              {:>10} MB resident, {} MB without mapped files",
                used.resident / 1_000_000,
                used.own_memory / 1_000_000
            );
        }
        if let Some(bytes) = self.database_bytes_per_sale {
            println!("database            {bytes:>10} bytes per sale");
        }
        println!(
            "disk                {:>10} sync median {:.0?}, p99 {:.0?}",
            self.disk.file_system, self.disk.sync_median, self.disk.sync_p99
        );
        if let (Some(alone), Some(ratio)) = (self.store_alone, self.ratio()) {
            println!(
                "store alone         {:>10} per second; the platform reaches {ratio} % of it",
                alone.per_second
            );
        }
        println!(
            "lost {}, refused {}, unsuccessful {}, callbacks repeated {}, callbacks wrong {}, done twice at the acquirer {}",
            outcome.lost,
            outcome.refused,
            outcome.unsuccessful,
            self.callbacks_repeated,
            self.callbacks_wrong,
            self.doubled.map_or_else(|| "not known".to_owned(), |doubled| doubled.to_string()),
        );
        println!(
            "{}",
            if self.is_sound() { "Nothing was lost or doubled." } else { "SOMETHING WAS LOST OR DOUBLED." }
        );
    }

    pub(crate) fn json(&self) -> Value {
        let outcome = &self.outcome;
        json!({
            "finished": outcome.finished,
            "finished_per_second": self.per_second(),
            "elapsed_ms": millis(outcome.elapsed),
            "accepted_us": quantiles(&outcome.accepted),
            "final_callback_us": quantiles(&outcome.final_callback),
            "lost": outcome.lost,
            "refused": outcome.refused,
            "unsuccessful": outcome.unsuccessful,
            "callbacks_repeated": self.callbacks_repeated,
            "callbacks_wrong": self.callbacks_wrong,
            "done_twice_at_acquirer": self.doubled,
            "platform_cpu_us_per_sale": self.cpu_micros_per_sale(),
            "generator_cpu_us_per_sale": self.generator_cpu_micros_per_sale(),
            "written_bytes_per_sale": self.written_per_sale(),
            "database_bytes_per_sale": self.database_bytes_per_sale,
            "resident_bytes": self.used.map(|used| used.resident),
            "own_memory_bytes": self.used.map(|used| used.own_memory),
            "file_system": self.disk.file_system,
            "sync_median_us": micros(self.disk.sync_median),
            "sync_p99_us": micros(self.disk.sync_p99),
            "store_alone_per_second": self.store_alone.map(|alone| alone.per_second),
            "store_alone_commits_per_batch": self.store_alone.map(|alone| alone.commits_per_batch),
            "percent_of_store_alone": self.ratio(),
            "sound": self.is_sound(),
        })
    }
}

const SHOWN: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

fn latency(histogram: &Histogram<u64>) -> String {
    let parts: Vec<String> = SHOWN
        .iter()
        .map(|(name, share)| {
            format!("{name} {:.1?}", Duration::from_micros(histogram.value_at_quantile(*share)))
        })
        .collect();
    parts.join(", ")
}

fn quantiles(histogram: &Histogram<u64>) -> Value {
    SHOWN
        .iter()
        .map(|(name, share)| ((*name).to_owned(), json!(histogram.value_at_quantile(*share))))
        .collect()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
