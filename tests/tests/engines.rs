//! The list of tests that run on one kind of database only, `tests/data/one-engine.csv`, is held to the truth here: it names
//! files below `tests/tests`, or single tests in them, and why.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// File, test (none where the whole file is meant) and reason of each row.
fn list() -> Vec<(String, String, String)> {
    let mut table = csv::Reader::from_path(root().join("data/one-engine.csv")).unwrap();
    let field = |row: &csv::StringRecord, column: usize| row[column].to_owned();
    table.records().map(Result::unwrap).map(|row| (field(&row, 0), field(&row, 1), field(&row, 2))).collect()
}

fn source(file: &str) -> String {
    let path = root().join("tests").join(format!("{file}.rs"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of tests, without their ending.
fn files() -> BTreeSet<String> {
    let names = fs::read_dir(root().join("tests")).unwrap().map(|entry| entry.unwrap().path());
    names.filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned())).collect()
}

/// How often a test is declared in a source.
fn declared(source: &str, test: &str) -> usize {
    source
        .lines()
        .filter(|line| line.trim_start_matches("async ").starts_with(&format!("fn {test}(")))
        .count()
}

#[test]
fn the_list_names_only_tests_that_exist_and_each_once() {
    let mut seen = BTreeSet::new();
    for (file, test, reason) in list() {
        assert!(reason.split(' ').count() > 3, "{file} {test}: no reason");
        assert!(seen.insert((file.clone(), test.clone())), "{file} {test} is listed twice");
        if test.is_empty() {
            source(&file);
            continue;
        }
        assert!(
            !seen.contains(&(file.clone(), String::new())),
            "{file} {test}: the file is listed as a whole"
        );
        // Whoever skips it by its name skips nothing else.
        let all: Vec<(String, usize)> = files()
            .into_iter()
            .map(|other| {
                let text = source(&other);
                let count = text.lines().filter(|line| line.contains("fn ") && line.contains(&test)).count();
                (other, count)
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(all, [(file.clone(), 1)], "{test}");
        assert_eq!(declared(&source(&file), &test), 1, "{file} has no test {test}");
    }
    assert!(seen.len() > 5);
}

/// Words of tests that are about a file, or make a database's address themselves.
const OF_ONE_ENGINE: [&str; 4] = ["rusqlite::", "database_file()", "sqlite:", "place.file()"];

#[test]
fn files_that_are_about_one_engine_are_listed() {
    let list = list();
    for file in files() {
        let text = source(&file);
        let about_one = OF_ONE_ENGINE.iter().any(|word| text.contains(word));
        let both_told_apart = text.contains("Engine::of_this_run()");
        let is_listed = list.iter().any(|(listed, ..)| *listed == file);
        assert!(
            !about_one || both_told_apart || is_listed,
            "{file} is about one engine: take its database from ferropay_tests::Place, or list it with a reason"
        );
    }
}
