//! The bench with the built binary: what it starts, measures, refuses and leaves behind.
#![cfg(test)]

use ferropay_tests::{Ran, ferropay};
use serde_json::Value;
use std::{path::Path, process::Command};

/// A directory on a disk: memory file systems are refused.
fn directory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn bench(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = ferropay();
    command.current_dir(directory).args(["bench", "--json", "--seconds", "1"]).args(arguments);
    command
}

/// A figure of the only run.
fn figure(series: &Value, name: &str) -> u64 {
    let run = &series["runs"][0];
    let figure = run[name].as_u64().unwrap_or_else(|| panic!("{name} is not told: {run}"));
    assert_eq!(series["medians"][name].as_u64(), Some(figure), "{name}: the median of one run is the run's");
    figure
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bench_measures_both_databases_and_several_nodes_and_leaves_nothing_behind() {
    let directory = directory();
    let load =
        ["--sales", "300", "--warm-up", "50", "--in-flight", "16", "--share", "20", "--prefill", "400"];
    let where_to = ["--database", "sqlite", "--database", "postgres", "--nodes", "2"];
    let out = Ran::of(bench(directory.path(), &load).args(where_to)).good();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["sound"], true, "{out}");
    let series = report["series"].as_array().unwrap();
    let labels: Vec<&str> = series.iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(
        labels,
        [
            "sqlite, 400 payments stored before",
            "postgres, 400 payments stored before",
            "postgres, 2 nodes, 400 payments stored before"
        ]
    );
    for series in series {
        assert_eq!(figure(series, "finished"), 300);
        assert_eq!(series["done_twice_at_acquirer"], 0, "every acquirer's book was asked for");
        for name in ["finished_per_second", "accepted_p99_us", "share_20_accepted_p999_us"] {
            assert!(figure(series, name) > 0, "{name}");
        }
        assert!((1_000..20_000).contains(&figure(series, "database_bytes_per_sale")), "{series}");
        assert!(
            (10..=3_000).contains(&figure(series, "batches_per_1000")),
            "a sale takes three commits: {series}"
        );
    }
    for first in &series[..2] {
        assert!(figure(first, "replay_per_second") > 0 && figure(first, "bare_alone_per_second") > 0);
        assert!((10..=3_000).contains(&figure(first, "replay_batches_per_1000")), "{first}");
    }
    let postgres = &series[1];
    assert!(figure(postgres, "server_cpu_us_per_sale") > 0, "the server's processes are found");
    assert!(figure(postgres, "syncs_per_1000") > 0 && figure(postgres, "bare_clients") == 16);
    assert!(figure(&series[2], "percent_of_first") > 0);
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bench_refuses_what_it_cannot_measure_and_says_why() {
    let directory = directory();
    let refused = |arguments: &[&str], with: &str| {
        let Ran { ok, out, err } = Ran::of(&mut bench(directory.path(), arguments));
        assert!(!ok && out.is_empty() && err.contains(with), "{arguments:?}: {out}{err}");
    };
    refused(&["--database", "sqlite:pay.db"], "--database takes");
    refused(&["--database", "postgres://nobody:hushed@127.0.0.1:1/none"], "cannot be reached");
    refused(&["--database", "postgres", "--pgbench", "/nowhere/pgbench"], "/nowhere/pgbench");
    refused(&["--nodes", "2"], "--database postgres");
    refused(&["--scenario", "two-step", "--share", "50"], "--scenario");
    refused(&["--runs", "0"], "--runs");
    refused(&["--target", "http://192.0.2.1:80", "--secret", "s"], "not on this machine");
    refused(&["--target", "http://127.0.0.1:1", "--secret", "s", "--prefill", "5"], "--target");
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        refused(&["--directory", "/dev/shm"], "tmpfs");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
