//! The ledger of requirements, `docs/requirements.csv`, is held to the truth here.
//!
//! It lists every requirement once, with its state and the tests that show it. A claim nobody can check is worth nothing,
//! so a row that says `done` or `partly` has to name tests that exist and that cite the row's id themselves, and the totals
//! printed in the README have to be those of the file. Tests are named `path/from/root.rs::test_name`, several joined by `; `.
//! The rules every store keeps are functions that a macro makes tests of, store by store: such a rule counts as a test where
//! the macro's list beside it names it.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where the rules of every store stand; the macro in `rules.rs` there makes tests of them.
const CONFORMANCE: &str = "crates/store/tests/conformance/";

const STATES: [&str; 4] = ["done", "partly", "open", "out"];

struct Row {
    id: String,
    statement: String,
    state: String,
    tests: String,
    note: String,
}

impl Row {
    /// Whether the row claims that something works.
    fn claims(&self) -> bool {
        matches!(self.state.as_str(), "done" | "partly")
    }

    fn tests(&self) -> impl Iterator<Item = &str> {
        self.tests.split("; ").filter(|test| !test.is_empty())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_path_buf()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn ledger() -> Vec<Row> {
    let text = read("docs/requirements.csv");
    assert!(!text.contains('\r'), "docs/requirements.csv: lines end with LF alone");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().expect("a header row").iter().collect::<Vec<_>>().join(",");
    assert_eq!(columns, "id,statement,state,tests,note");
    reader
        .records()
        .map(|record| {
            let record = record.expect("five well-formed columns");
            let field = |i: usize| record[i].to_owned();
            Row { id: field(0), statement: field(1), state: field(2), tests: field(3), note: field(4) }
        })
        .collect()
}

/// The committed list of ids with the section each stands in, in order.
fn known_ids() -> Vec<(String, String)> {
    csv::Reader::from_reader(read("tests/data/requirement-ids.csv").as_bytes())
        .records()
        .map(|record| {
            let record = record.expect("two well-formed columns");
            (record[0].to_owned(), record[1].to_owned())
        })
        .collect()
}

/// The line the README shows between its two markers.
fn totals(rows: &[Row]) -> String {
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    format!(
        "{} requirements: {} done, {} partly, {} open, {} out.",
        rows.len(),
        count("done"),
        count("partly"),
        count("open"),
        count("out")
    )
}

/// What of a function makes it a test.
#[derive(Clone, Copy)]
enum Counts {
    /// An attribute that says so.
    Marked,
    /// A macro's list names it.
    Listed,
}

/// Whether `list`, the source of a file with a macro that makes tests of rules (`guards: first_rule second_rule;`), names
/// the rule of this module.
fn lists(list: &str, module: &str, rule: &str) -> bool {
    let after = list.split_once(&format!("\n        {module}:\n")).map_or("", |(_, after)| after);
    let rules = after.split(';').next().unwrap_or_default();
    rules.split_whitespace().any(|listed| listed == rule)
}

/// The comments, attributes and body of the test function `name`, or `None` where `source` has no such test.
///
/// Works on formatted source: the body ends at the first closing brace that is indented like the function.
fn test_text(source: &str, name: &str, counts: Counts) -> Option<String> {
    let lines: Vec<&str> = source.lines().collect();
    let declares = |line: &str| {
        let rest = line
            .trim_start()
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ")
            .trim_start_matches("async ");
        rest.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    let start = lines.iter().position(|line| declares(line))?;
    let head = lines[..start]
        .iter()
        .rposition(|line| {
            let line = line.trim_start();
            line.is_empty() || (line.ends_with(['{', '}', ';']) && !line.starts_with("//"))
        })
        .map_or(0, |before| before + 1);
    let is_test = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("#[") && (line.contains("test]") || line.contains("test("))
    };
    if matches!(counts, Counts::Marked) && !lines[head..start].iter().any(is_test) {
        return None;
    }
    let indent = &lines[start][..lines[start].len() - lines[start].trim_start().len()];
    let closing = format!("{indent}}}");
    let end = if lines[start].ends_with('}') {
        start
    } else {
        start + lines[start..].iter().position(|line| *line == closing)?
    };
    Some(lines[head..=end].join("\n"))
}

/// Whether `text` holds `id` as a word of its own: `G-03` is not cited by `G-035`.
fn cites(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// What is wrong with `test`, the entry `path::name` of the requirement `id`; `None` where it holds.
fn fault_of(test: &str, id: &str, sources: &mut BTreeMap<String, Option<String>>) -> Option<String> {
    let Some((path, name)) = test.split_once("::") else {
        return Some(format!("{id}: `{test}` is not of the form path/to/file.rs::test_name"));
    };
    let mut source = |path: &str| {
        let read = || std::fs::read_to_string(root().join(path)).ok();
        sources.entry(path.to_owned()).or_insert_with(read).clone()
    };
    let module = path.strip_prefix(CONFORMANCE).and_then(|file| file.strip_suffix(".rs"));
    let list = module.and_then(|_| source(&format!("{CONFORMANCE}rules.rs"))).unwrap_or_default();
    let is_listed = module.is_some_and(|module| lists(&list, module, name));
    let counts = if is_listed { Counts::Listed } else { Counts::Marked };
    let Some(source) = source(path) else {
        return Some(format!("{id}: {path} does not exist"));
    };
    let Some(shown) = test_text(&source, name, counts) else {
        return Some(format!("{id}: {path} has no test `{name}`"));
    };
    (!cites(&shown, id)).then(|| format!("{id}: the test `{name}` in {path} does not cite it"))
}

#[test]
fn every_requirement_is_listed_once_and_in_order() {
    let known: Vec<String> = known_ids().into_iter().map(|(id, _)| id).collect();
    assert_eq!(
        known.iter().collect::<BTreeSet<_>>().len(),
        known.len(),
        "an id is twice in requirement-ids.csv"
    );
    let listed: Vec<String> = ledger().into_iter().map(|row| row.id).collect();
    let missing: Vec<_> = known.iter().filter(|id| !listed.contains(id)).collect();
    let unknown: Vec<_> = listed.iter().filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}; unknown: {unknown:?}");
    assert_eq!(listed, known, "the ledger keeps the order of requirement-ids.csv, each id once");
}

#[test]
fn every_row_has_a_state_and_a_statement_of_one_line() {
    for row in ledger() {
        assert!(STATES.contains(&row.state.as_str()), "{}: unknown state `{}`", row.id, row.state);
        assert!(!row.statement.trim().is_empty(), "{}: no statement", row.id);
        assert!(!row.statement.contains('\n'), "{}: the statement has several lines", row.id);
    }
}

#[test]
fn every_claim_is_shown_by_tests_that_cite_it() {
    let mut sources = BTreeMap::new();
    let mut faults = Vec::new();
    for row in ledger() {
        if row.claims() && row.tests().next().is_none() {
            faults.push(format!("{}: `{}` without a test", row.id, row.state));
        }
        faults.extend(row.tests().filter_map(|test| fault_of(test, &row.id, &mut sources)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_claim_is_stated_in_words_of_its_own() {
    let sections: BTreeMap<String, String> = known_ids().into_iter().collect();
    let bare: Vec<String> = ledger()
        .into_iter()
        .filter(|row| row.claims() && sections.get(&row.id) == Some(&row.statement))
        .map(|row| row.id)
        .collect();
    assert!(bare.is_empty(), "rows that claim something but carry only their section's name: {bare:?}");
}

#[test]
fn a_requirement_left_out_has_a_reason_and_a_partly_met_one_says_what_is_missing() {
    let silent: Vec<String> = ledger()
        .into_iter()
        .filter(|row| matches!(row.state.as_str(), "out" | "partly") && row.note.trim().is_empty())
        .map(|row| row.id)
        .collect();
    assert!(silent.is_empty(), "no note: {silent:?}");
}

#[test]
fn the_readme_shows_the_totals_of_the_ledger() {
    let readme = read("README.md");
    let shown = readme
        .split_once("<!-- ledger -->")
        .and_then(|(_, rest)| rest.split_once("<!-- /ledger -->"))
        .map(|(shown, _)| shown.trim())
        .expect("README.md has the markers <!-- ledger --> and <!-- /ledger -->");
    assert_eq!(shown, totals(&ledger()), "README.md, between the ledger markers");
}

mod the_checks_themselves {
    use super::{CONFORMANCE, Counts, cites, fault_of, lists, test_text};
    use std::collections::BTreeMap;

    const SAMPLE: &str = "\
use std::fmt;

/// G-001: first.
#[test]
fn first() {
    assert!(true);
}

// G-002
#[tokio::test(
    flavor = \"multi_thread\"
)]
async fn second() {
    if true {
        third(); // G-003
    }
}
fn third() {
    // G-004
}
";

    #[test]
    fn a_test_is_its_comments_attributes_and_body() {
        let second = test_text(SAMPLE, "second", Counts::Marked).expect("found");
        assert!(second.starts_with("// G-002"), "{second}");
        assert!(cites(&second, "G-003") && !cites(&second, "G-001") && !cites(&second, "G-004"), "{second}");
        assert!(cites(&test_text(SAMPLE, "first", Counts::Marked).expect("found"), "G-001"));
    }

    #[test]
    fn a_function_that_is_no_test_and_a_name_that_only_begins_alike_are_not_found() {
        assert_eq!(test_text(SAMPLE, "third", Counts::Marked), None);
        assert_eq!(test_text(SAMPLE, "fir", Counts::Marked), None);
    }

    #[test]
    fn an_id_is_cited_only_as_a_whole_word() {
        assert!(cites("// G-035, G-036", "G-036"));
        assert!(!cites("// G-0361 and AG-036", "G-036"));
    }

    #[test]
    fn a_row_naming_a_missing_file_a_missing_test_or_another_requirement_is_a_fault() {
        let mut sources =
            BTreeMap::from([("a.rs".to_owned(), Some(SAMPLE.to_owned())), ("b.rs".to_owned(), None)]);
        assert_eq!(fault_of("a.rs::first", "G-001", &mut sources), None);
        for wrong in ["b.rs::first", "a.rs::absent", "a.rs::second", "a.rs", "a.rs::third"] {
            assert!(fault_of(wrong, "G-001", &mut sources).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_rule_that_a_macro_makes_a_test_of_counts_only_where_it_is_listed() {
        let rules =
            "// G-009\npub(crate) async fn kept(world: World) {\n}\n\n// G-009\nasync fn left_out() {\n}\n";
        let list = "        rules! {\n            $store:\n        guards:\n            kept\n            other;\n        books:\n            left_out;\n";
        assert!(lists(list, "guards", "kept") && lists(list, "guards", "other"));
        assert!(!lists(list, "guards", "left_out") && !lists(list, "books", "kept"));
        let mut sources = BTreeMap::from([
            (format!("{CONFORMANCE}guards.rs"), Some(rules.to_owned())),
            (format!("{CONFORMANCE}rules.rs"), Some(list.to_owned())),
        ]);
        let mut fault =
            |rule: &str, id: &str| fault_of(&format!("{CONFORMANCE}guards.rs::{rule}"), id, &mut sources);
        assert_eq!(fault("kept", "G-009"), None);
        assert!(fault("kept", "G-010").is_some() && fault("left_out", "G-009").is_some());
    }
}
