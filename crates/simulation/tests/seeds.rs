//! Two hundred seeds, the proof that a seed is all there is and that the database makes no difference, and the page that says
//! what they walk.
#![cfg(test)]

use ferropay_domain::payment::OperationKind;
use ferropay_simulation::{Ground, Plan, Report, Walk, Walks, run};
use std::{fmt::Write, fs, path::Path};

/// How many steps each seed takes.
const STEPS: u32 = 500;

/// How many seeds there are; they begin at 1.
const SEEDS: u64 = 200;

/// Seeds that walk every row between them, unless the platform has changed since they were chosen.
const FOREMOST: [u64; 8] = [100, 7, 195, 109, 119, 71, 52, 25];

/// How many seeds are run on both databases by `./test`; by `./test --all` it is all of them.
const ON_BOTH: usize = 30;

/// How many tests share the seeds out.
const SHARES: usize = 10;

/// All seeds, the foremost first.
fn seeds() -> Vec<u64> {
    let others = (1..=SEEDS).filter(|seed| !FOREMOST.contains(seed));
    FOREMOST.into_iter().chain(others).collect()
}

/// How many of them are run on both databases.
fn on_both() -> usize {
    if std::env::var_os("FERROPAY_TEST_LONG").is_some() { seeds().len() } else { ON_BOTH }
}

/// The seeds of a test that run in memory only, and those that run on both.
fn shared_out(share: usize) -> (Vec<u64>, Vec<u64>) {
    let (on_both, seeds) = (on_both(), seeds());
    let mine = |(place, seed): (usize, &u64)| (place % SHARES == share).then_some(*seed);
    let (both, memory) = seeds.split_at(on_both);
    (memory.iter().enumerate().filter_map(mine).collect(), both.iter().enumerate().filter_map(mine).collect())
}

fn simulate(seed: u64) -> Report {
    simulate_on(&Ground::Memory, seed)
}

fn simulate_on(ground: &Ground, seed: u64) -> Report {
    let report = run(Plan { seed, steps: STEPS, trace: false }, ground).unwrap();
    assert!(
        report.findings.is_empty(),
        "seed {seed}: {:#?}\nthe end of what happened:\n{}\nrun it again: cargo run -p ferropay-simulation -- \
         --seed {seed} --steps {STEPS} --trace{}",
        report.findings,
        report.trace.iter().rev().take(60).rev().cloned().collect::<Vec<_>>().join("\n"),
        if matches!(ground, Ground::Server(_)) { " --postgres" } else { "" }
    );
    assert!(
        report.commits > 100 && report.payments > 20 && report.lives > 1,
        "seed {seed} does next to nothing"
    );
    report
}

/// Runs seeds on both databases: everything that happens is the same, to the last line of the trace, crashes included.
fn alike(seeds: Vec<u64>) {
    assert!(!seeds.is_empty());
    let server = Ground::server().unwrap();
    for seed in seeds {
        let (memory, stored) = (simulate(seed), simulate_on(&server, seed));
        if memory.digest != stored.digest {
            let whole = Plan { seed, steps: STEPS, trace: true };
            let (memory, stored) = (run(whole, &Ground::Memory).unwrap(), run(whole, &server).unwrap());
            let first = memory.trace.iter().zip(&stored.trace).position(|(one, other)| one != other);
            let at = |report: &Report| first.and_then(|line| report.trace.get(line).cloned());
            panic!("seed {seed} in memory: {:?}\non the server: {:?}", at(&memory), at(&stored));
        }
        assert_eq!(memory.walks, stored.walks, "seed {seed}");
        assert_eq!((memory.lives, memory.commits), (stored.lives, stored.commits), "seed {seed}");
    }
}

macro_rules! seeds {
    ($($memory:ident $both:ident: $share:literal;)*) => {
        /// Every share is in one of them.
        const IN_TESTS: &[usize] = &[$($share),*];

        $(
            // D-474 G-052 G-055 G-057 G-089 G-280 G-284
            #[test]
            fn $memory() {
                for seed in shared_out($share).0 {
                    simulate(seed);
                }
            }

            // D-474 G-052 G-055 G-057 G-089 G-280 G-284
            #[test]
            fn $both() {
                alike(shared_out($share).1);
            }
        )*
    };
}

seeds! {
    nothing_is_lost_or_done_twice_0 both_databases_do_the_same_0: 0;
    nothing_is_lost_or_done_twice_1 both_databases_do_the_same_1: 1;
    nothing_is_lost_or_done_twice_2 both_databases_do_the_same_2: 2;
    nothing_is_lost_or_done_twice_3 both_databases_do_the_same_3: 3;
    nothing_is_lost_or_done_twice_4 both_databases_do_the_same_4: 4;
    nothing_is_lost_or_done_twice_5 both_databases_do_the_same_5: 5;
    nothing_is_lost_or_done_twice_6 both_databases_do_the_same_6: 6;
    nothing_is_lost_or_done_twice_7 both_databases_do_the_same_7: 7;
    nothing_is_lost_or_done_twice_8 both_databases_do_the_same_8: 8;
    nothing_is_lost_or_done_twice_9 both_databases_do_the_same_9: 9;
}

#[test]
fn the_tests_share_all_seeds_out() {
    let mut all: Vec<u64> =
        IN_TESTS.iter().flat_map(|share| [shared_out(*share).0, shared_out(*share).1].concat()).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=SEEDS).collect::<Vec<_>>());
    let on_both: usize = IN_TESTS.iter().map(|share| shared_out(*share).1.len()).sum();
    assert!(on_both >= ON_BOTH && FOREMOST.len() <= ON_BOTH);
}

#[test]
fn equal_seeds_run_alike_and_others_differently() {
    let digests = [1, 77, 200].map(|seed| {
        let (first, second) = (simulate(seed), simulate(seed));
        assert_eq!(first.digest, second.digest, "seed {seed}");
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.walks, second.walks, "seed {seed}");
        first.digest
    });
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
}

/// Why a payment does not end well while data is waited for.
const OF_THE_FIRST: &str =
    "of a schedule's debits only the first may lack data, and nothing was debited before it";

/// Why a row is walked without anybody seeing it.
const STILL_WAITS: &str = "whoever still waits stays as it is, so nothing is seen of the step";

/// Rows that nothing can walk yet, with the reason.
const OUT_OF_SCOPE: &[(&str, &str, &str, &str, &str)] = &[
    ("attempt", "pending", "answer: pending", "pending", STILL_WAITS),
    ("attempt", "pending", "no usable answer", "pending", STILL_WAITS),
    (
        "payment",
        "awaiting retry",
        "",
        "decline",
        "the last try ends a payout when it is refused, not after another wait",
    ),
    ("payment", "awaiting clarification", "", "success", OF_THE_FIRST),
    ("payment", "awaiting clarification", "", "partially refunded", OF_THE_FIRST),
    ("payment", "awaiting clarification", "", "refunded", OF_THE_FIRST),
];

/// Why a row is out of scope, if it is.
fn reason(walk: &Walk) -> Option<&'static str> {
    let is_it = |(what, from, event, to): (&str, &str, &str, &str)| {
        (walk.what, walk.from, walk.event, walk.to) == (what, from, event, to)
    };
    OUT_OF_SCOPE
        .iter()
        .find(|(what, from, event, to, _)| is_it((what, from, event, to)))
        .map(|(.., reason)| *reason)
}

fn is_out_of_scope(walk: &Walk) -> bool {
    reason(walk).is_some()
}

fn rows(walks: &Walks) -> Vec<Walk> {
    walks.all().into_iter().flat_map(|(_, rows)| rows).collect()
}

/// Rows that can be walked and seldom are: all that a schedule brought has to be returned while its last debit is open,
/// few of those who come by a link are asked for a contract alone, and few are refused at the very end where they may try
/// again.
fn is_rare(walk: &Walk) -> bool {
    let finalized = walk.from == "awaiting finalization";
    walk.what == OperationKind::ContractRegistration.text()
        || (walk.what == "payment" && (walk.from, walk.to) == ("processing", "refunded"))
        || (walk.what == "payment" && finalized && walk.to == "awaiting customer")
        || (walk.what == "sale" && finalized && walk.event == "declined, the customer may try again")
}

fn missing(walks: &Walks) -> Vec<Walk> {
    let wanted = |walk: &Walk| walk.times == 0 && !is_out_of_scope(walk) && !is_rare(walk);
    rows(walks).into_iter().filter(wanted).collect()
}

const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p ferropay-simulation --test seeds page";

#[test]
fn every_row_in_scope_is_walked_and_the_page_lists_them_all() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulation.md");
    let update = std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1");
    let mut walks = Walks::default();
    let mut of_each = Vec::new();
    for seed in seeds() {
        let walked = simulate(seed).walks;
        walks.add(&walked);
        if update {
            of_each.push((seed, walked));
        }
        if !update && missing(&walks).is_empty() {
            break;
        }
    }
    assert_eq!(missing(&walks), [], "no seed walks these rows");
    let walked_in_vain: Vec<Walk> =
        rows(&walks).into_iter().filter(|walk| is_out_of_scope(walk) && walk.times > 0).collect();
    assert_eq!(walked_in_vain, [], "these rows can be walked after all");
    if update {
        println!("the foremost seeds now: {:?}", foremost(of_each));
        fs::write(&page, page_of(&walks).unwrap()).unwrap();
        return;
    }
    let found = without_counts(&fs::read_to_string(&page).unwrap_or_default());
    let expected = without_counts(&page_of(&walks).unwrap());
    assert_eq!(found, expected, "docs/simulation.md lists other rows; update it with: {UPDATE}");
}

/// Few seeds that walk every row between them: each next one is that which walks most of what is missing.
fn foremost(mut of_each: Vec<(u64, Walks)>) -> Vec<u64> {
    let mut walks = Walks::default();
    let mut chosen = Vec::new();
    while !missing(&walks).is_empty() {
        let left = |(_, walked): &(u64, Walks)| {
            let mut with = walks.clone();
            with.add(walked);
            missing(&with).len()
        };
        let next = (0..of_each.len()).min_by_key(|place| left(&of_each[*place])).unwrap();
        let (seed, walked) = of_each.swap_remove(next);
        walks.add(&walked);
        chosen.push(seed);
    }
    chosen
}

/// A page without its numbers of walks, which change with every change of the platform.
fn without_counts(page: &str) -> String {
    let cut = |line: &str| match line.rsplit_once(" | ") {
        Some((row, count)) if line.starts_with("| ") && count.ends_with(" |") => row.to_owned(),
        _ => line.to_owned(),
    };
    page.lines().map(cut).collect::<Vec<_>>().join("\n")
}

fn page_of(walks: &Walks) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(
        out,
        "# Simulation\n\n\
         The engine is simulated from seeds: merchants, providers, endpoints, a store that fails, clocks that leap, and\n\
         crashes at any step, all of it following from one number. `./test` runs {SEEDS} seeds of {STEPS} steps. A seed\n\
         that fails is run again, with everything that happens, by\n\n\
         ```sh\ncargo run -p ferropay-simulation -- --seed 17 --trace\n```\n\n\
         The store is the real one on the real database: in memory for every seed, and on a PostgreSQL server (`--postgres`)\n\
         for {ON_BOTH} of them, in `./test --all` for all. There a crash breaks the connections off, and the next life connects\n\
         again. Both have to do the same: the digest over every line of the trace is compared, which holds each commit with\n\
         what became of it, each reply, each callback, and each warning of the platform, with its virtual time. What is not\n\
         compared is what depends on real time: commits come one at a time, so batches of several, and connections that break\n\
         while one is under way, are left to the conformance suite and the tests of the built binary.\n\n\
         This page lists the rows of the machines ([states](states.md)) and how often the {SEEDS} seeds walked each when\n\
         the page was made. A test fails when a row in scope is never walked. To make the page again:\n\n\
         ```sh\n{UPDATE}\n```\n\n\
         Not simulated: confirmation by the merchant ([G-092](merchant-confirmation.md)), whose step has no row of its own:\n\
         simulated merchants take callbacks and answer no questions, so no project has it on. The decisions on their word\n\
         are walked at random in the tests of the domain. Nor are balances settled into other currencies (G-449), an\n\
         operator's command whose repetitions the tests of the engine show.\n"
    )?;
    for (title, rows) in walks.all() {
        writeln!(out, "## {title}\n\n| row | of | from | event | to | times |\n|---|---|---|---|---|---|")?;
        for walk in rows {
            let Walk { id, what, from, event, to, times } = walk.clone();
            let event = if event.is_empty() { "" } else { event };
            let times = reason(&walk).map_or_else(|| times.to_string(), |reason| format!("none: {reason}"));
            writeln!(out, "| {id} | {what} | `{from}` | {event} | `{to}` | {times} |")?;
        }
        writeln!(out)?;
    }
    Ok(out.trim_end().to_owned() + "\n")
}
