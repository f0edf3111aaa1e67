//! What was found, as numbers by name: whole ones, so that those of several runs are told by their medians.

use super::usage::Usage;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// The quantiles of a latency that are told, by their names in keys and in print.
pub(crate) const SHOWN: [(&str, &str, f64); 4] =
    [("p50", "p50", 0.5), ("p90", "p90", 0.9), ("p99", "p99", 0.99), ("p999", "p99.9", 0.999)];

/// Figures by name. What is not known has none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<String, u64>);

impl Figures {
    pub(crate) fn set(&mut self, name: &str, figure: impl Into<Option<u64>>) {
        if let Some(figure) = figure.into() {
            self.0.insert(name.to_owned(), figure);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// The names that begin so.
    pub(crate) fn named<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// The quantiles of a latency, as `NAME_p50_us` and so on.
    pub(crate) fn set_latency(&mut self, name: &str, latency: &Histogram<u64>) {
        for (short, _, share) in SHOWN {
            self.set(&format!("{name}_{short}_us"), latency.value_at_quantile(share));
        }
    }

    /// What each of so many sales took of a platform.
    pub(crate) fn set_usage(&mut self, used: Option<Usage>, sales: u64) {
        let Some(used) = used else { return };
        self.set("platform_cpu_us_per_sale", per(used.cpu, sales));
        self.set("store_threads_cpu_us_per_sale", per(used.store_cpu, sales));
        self.set("platform_written_bytes_per_sale", used.written.checked_div(sales));
        self.set("resident_bytes", used.resident);
        self.set("own_memory_bytes", used.own_memory);
    }

    /// The sum of what is known of these; none when the first is not.
    pub(crate) fn sum(&self, names: [&str; 2]) -> Option<u64> {
        let [first, second] = names;
        Some(self.get(first)?.saturating_add(self.get(second).unwrap_or(0)))
    }

    /// One figure in hundredths of another.
    pub(crate) fn percent(&self, name: &str, of: &str) -> Option<u64> {
        self.get(name)?.saturating_mul(100).checked_div(self.get(of)?)
    }

    pub(crate) fn json(&self) -> Value {
        json!(self.0)
    }

    /// For each name the figure in the middle; of an even number of runs the lower one of the two there.
    pub(crate) fn medians(runs: &[Self]) -> Self {
        let mut all: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (name, figure) in runs.iter().flat_map(|run| &run.0) {
            all.entry(name).or_default().push(*figure);
        }
        let middle = |mut figures: Vec<u64>| {
            figures.sort_unstable();
            figures.get(figures.len().saturating_sub(1) / 2).copied()
        };
        let middles = all.into_iter().filter_map(|(name, them)| Some((name.to_owned(), middle(them)?)));
        Self(middles.collect())
    }
}

/// Microseconds of each of so many.
pub(crate) fn per(span: Duration, count: u64) -> Option<u64> {
    super::micros(span).checked_div(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_runs_the_middle_one_counts_for_each_figure_alone() {
        let run = |sales, cpu: Option<u64>| {
            let mut figures = Figures::default();
            figures.set("sales", sales);
            figures.set("cpu", cpu);
            figures
        };
        let medians = Figures::medians(&[run(9, Some(3)), run(1, None), run(5, Some(1)), run(7, Some(2))]);
        assert_eq!((medians.get("sales"), medians.get("cpu")), (Some(5), Some(2)));
        assert_eq!(medians.percent("cpu", "sales"), Some(40));
        assert_eq!(medians.sum(["cpu", "unknown"]), Some(2));
        assert_eq!(medians.sum(["unknown", "cpu"]), None);
        assert_eq!(Figures::medians(&[]).get("sales"), None);
    }

    #[test]
    fn a_latency_is_told_by_its_quantiles() {
        let mut latency = super::super::latencies().unwrap();
        (1..=1000).for_each(|micros| latency.saturating_record(micros));
        let mut figures = Figures::default();
        figures.set_latency("accepted", &latency);
        assert_eq!(figures.get("accepted_p50_us"), Some(500));
        assert_eq!(figures.get("accepted_p999_us"), Some(999));
        assert_eq!(figures.named("accepted").count(), 4);
    }
}
