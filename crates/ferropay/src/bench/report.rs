//! What the bench has found, for people and for machines.

use super::{
    Setting,
    disk::Disk,
    figures::{Figures, SHOWN},
    measure::{Checks, Found},
};
use serde_json::{Value, json};
use std::time::Duration;

/// What all runs of one setting have found.
pub(crate) struct Series {
    pub(crate) label: String,
    pub(crate) setting: Option<Setting>,
    pub(crate) runs: Vec<Figures>,
    pub(crate) checks: Checks,
}

impl Series {
    pub(crate) fn new(label: String, setting: Option<Setting>) -> Self {
        Self { label, setting, runs: Vec::new(), checks: Checks::default() }
    }

    pub(crate) fn add(&mut self, found: Found) {
        self.checks.add(found.checks);
        self.runs.push(found.figures);
    }

    fn json(&self) -> Value {
        let Checks { refused, unsuccessful, lost, repeated, wrong, doubled } = self.checks;
        json!({
            "label": self.label,
            "database": self.setting.map(|it| it.name),
            "nodes": self.setting.map(|it| it.nodes),
            "prefilled": self.setting.map(|it| it.prefill),
            "lost": lost,
            "refused": refused,
            "unsuccessful": unsuccessful,
            "callbacks_repeated": repeated,
            "callbacks_wrong": wrong,
            "done_twice_at_acquirer": doubled,
            "sound": self.checks.is_sound(),
            "medians": Figures::medians(&self.runs).json(),
            "runs": self.runs.iter().map(Figures::json).collect::<Vec<_>>(),
        })
    }
}

/// Everything the bench has found.
pub(crate) struct Report {
    pub(crate) disk: Disk,
    /// What servers say about themselves.
    pub(crate) servers: Vec<String>,
    pub(crate) series: Vec<Series>,
}

impl Report {
    /// Whether nothing was lost, refused or doubled in any run.
    pub(crate) fn is_sound(&self) -> bool {
        self.series.iter().all(|series| series.checks.is_sound())
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "release": env!("CARGO_PKG_VERSION"),
            "processors": processors(),
            "file_system": self.disk.file_system,
            "sync_median_us": super::micros(self.disk.sync_median),
            "sync_p99_us": super::micros(self.disk.sync_p99),
            "servers": self.servers,
            "series": self.series.iter().map(Series::json).collect::<Vec<_>>(),
            "sound": self.is_sound(),
        })
    }

    pub(crate) fn print(&self) {
        println!("processors          {}", processors());
        println!(
            "disk                {}, sync median {:.0?}, p99 {:.0?}",
            self.disk.file_system, self.disk.sync_median, self.disk.sync_p99
        );
        for server in &self.servers {
            println!("server              {server}");
        }
        for series in &self.series {
            print_series(series);
        }
        println!(
            "{}",
            if self.is_sound() { "Nothing was lost or doubled." } else { "SOMETHING WAS LOST OR DOUBLED." }
        );
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

fn print_series(series: &Series) {
    let count = series.runs.len();
    let of = if count == 1 { String::new() } else { format!(" (medians of {count} runs)") };
    println!("\n{}{of}", series.label);
    for line in lines(&Figures::medians(&series.runs)) {
        println!("  {line}");
    }
    let Checks { refused, unsuccessful, lost, repeated, wrong, doubled } = series.checks;
    println!(
        "  lost {lost}, refused {refused}, unsuccessful {unsuccessful}, callbacks repeated {repeated}, callbacks wrong \
         {wrong}, done twice at the acquirer {}",
        doubled.map_or_else(|| "not known".to_owned(), |doubled| doubled.to_string()),
    );
}

/// Figures as people read them. A figure that is not known leaves its part of the line out.
fn lines(figures: &Figures) -> Vec<String> {
    let mut lines = Lines { figures, lines: Vec::new() };
    lines.add("finished", &[("finished_per_second", "per second")]);
    lines.latency("accepted", "accepted");
    lines.latency("to final callback", "final_callback");
    lines.add(
        "platform",
        &[
            ("platform_cpu_us_per_sale", "µs of processor per sale"),
            ("store_threads_cpu_us_per_sale", "µs of these in the store's threads"),
            ("platform_written_bytes_per_sale", "bytes written per sale"),
        ],
    );
    lines.add(
        "database server",
        &[
            ("server_cpu_us_per_sale", "µs of processor per sale"),
            ("server_written_bytes_per_sale", "bytes written per sale"),
            ("log_bytes_per_sale", "of its log"),
        ],
    );
    lines.add("load generator", &[("generator_cpu_us_per_sale", "µs of processor per sale")]);
    lines.add(
        "1,000 sales take",
        &[
            ("statements_per_1000", "statements"),
            ("batches_per_1000", "durable batches"),
            ("syncs_per_1000", "syncs of the server's log"),
        ],
    );
    lines.add("database", &[("database_bytes_per_sale", "bytes per sale")]);
    lines.memory("memory", ["resident_bytes", "own_memory_bytes"]);
    lines.memory("memory when idle", ["idle_resident_bytes", "idle_own_memory_bytes"]);
    lines.add(
        "store alone",
        &[
            ("replay_per_second", "per second"),
            ("replay_cpu_us_per_sale", "µs of processor per sale"),
            ("replay_server_cpu_us_per_sale", "µs of these in the server"),
            ("replay_statements_per_1000", "statements and"),
            ("replay_batches_per_1000", "batches per 1,000"),
        ],
    );
    lines.add("kept of the store", &[("percent_of_replay", "%")]);
    lines.add("single rows", &[("bare_per_second", "per second"), ("bare_clients", "clients")]);
    lines.latency("each", "bare");
    lines.add("one after the other", &[("bare_alone_per_second", "per second")]);
    lines.latency("each", "bare_alone");
    lines.open_loop();
    lines.add(
        "against the first",
        &[
            ("percent_of_first", "% of its sales per second"),
            ("cpu_percent_of_first", "% of its processor time"),
        ],
    );
    lines.lines
}

struct Lines<'f> {
    figures: &'f Figures,
    lines: Vec<String>,
}

impl Lines<'_> {
    fn push(&mut self, label: &str, text: &str) {
        self.lines.push(format!("{label:<20} {text}"));
    }

    fn add(&mut self, label: &str, parts: &[(&str, &str)]) {
        let known = parts.iter().filter_map(|(name, unit)| Some((self.figures.get(name)?, unit)));
        let text: Vec<String> = known.map(|(figure, unit)| format!("{} {unit}", grouped(figure))).collect();
        if !text.is_empty() {
            self.push(label, &text.join(", "));
        }
    }

    fn latency(&mut self, label: &str, name: &str) {
        let known = SHOWN.iter().filter_map(|(short, shown, _)| {
            let figure = self.figures.get(&format!("{name}_{short}_us"))?;
            Some(format!("{shown} {:.1?}", Duration::from_micros(figure)))
        });
        let text: Vec<String> = known.collect();
        if !text.is_empty() {
            self.push(label, &text.join(", "));
        }
    }

    fn memory(&mut self, label: &str, [resident, own]: [&str; 2]) {
        let megabytes = |name| Some(self.figures.get(name)? / 1_000_000);
        if let Some((resident, own)) = megabytes(resident).zip(megabytes(own)) {
            self.push(label, &format!("{resident} MB resident, {own} MB without mapped files"));
        }
    }

    /// Load that came at its own times.
    fn open_loop(&mut self) {
        let figures = self.figures;
        for kind in ["share_", "rate_"] {
            for name in figures.named(kind).filter_map(|name| name.strip_suffix("_sent_per_second")) {
                let rate = figures.get(&format!("{name}_sent_per_second")).unwrap_or(0);
                let share = name.strip_prefix("share_").map(|share| format!(", {share} % of the capacity"));
                self.push("open loop", &format!("{} per second{}", grouped(rate), share.unwrap_or_default()));
                self.latency("  sent late by", &format!("{name}_sent"));
                self.latency("  accepted", &format!("{name}_accepted"));
                self.latency("  to final callback", &format!("{name}_final_callback"));
                if let Some(single) = figures.get("bare_alone_p99_us") {
                    // Two and a half times what a single row takes, and 5 ms.
                    let bar = single.saturating_mul(5) / 2 + 5_000;
                    self.push("  bar", &format!("accepted p99 {:.1?}", Duration::from_micros(bar)));
                }
            }
        }
    }
}

/// With a comma between thousands.
fn grouped(figure: u64) -> String {
    let digits = figure.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut figures = Figures::default();
        assert!(lines(&figures).is_empty());
        figures.set("finished_per_second", 12_345);
        figures.set("statements_per_1000", 40);
        let lines = lines(&figures);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("12,345 per second"), "{lines:?}");
        assert!(lines[1].ends_with("40 statements"), "{lines:?}");
    }

    #[test]
    fn each_rate_has_its_latencies_and_the_bar_of_its_run() {
        let mut figures = Figures::default();
        figures.set("share_50_sent_per_second", 1_500);
        figures.set("share_50_accepted_p99_us", 7_000);
        figures.set("bare_alone_p99_us", 1_000);
        let text = lines(&figures).join("\n");
        assert!(text.contains("1,500 per second, 50 % of the capacity"), "{text}");
        assert!(text.contains("p99 7.0ms") && text.contains("accepted p99 7.5ms"), "{text}");
    }

    #[test]
    fn numbers_are_read_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
