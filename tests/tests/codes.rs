//! Holds `catalogue/response-codes.csv` to the truth: who raises each code, and that what the platform raises is raised by
//! a test.
#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A row of the table.
struct Row {
    code: u32,
    raised_by: String,
    reason: String,
}

fn rows() -> Vec<Row> {
    let mut table = csv::Reader::from_path(root().join("catalogue/response-codes.csv")).unwrap();
    let headers = table.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|it| it == name).unwrap();
    let (code, raised_by, reason) = (column("code"), column("raised_by"), column("reason"));
    table
        .records()
        .map(Result::unwrap)
        .map(|row| Row {
            code: row[code].parse().unwrap(),
            raised_by: row[raised_by].to_owned(),
            reason: row[reason].to_owned(),
        })
        .collect()
}

/// The constants of the platform, by code.
fn constants() -> BTreeMap<u32, String> {
    let source = fs::read_to_string(root().join("crates/domain/src/codes.rs")).unwrap();
    let lines = source.lines().map(str::trim).filter_map(|line| line.strip_suffix(';'));
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    pairs
        .filter(|(name, _)| {
            name.chars().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_')
        })
        .filter_map(|(name, number)| Some((number.parse().ok()?, name.to_owned())))
        .collect()
}

/// Everything that tests say, word by word: whole files of tests, and the test modules of others.
fn words_of_tests() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut directories = vec![root().join("crates"), root().join("tests")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target") {
                    directories.push(path);
                }
                continue;
            }
            if path.extension().is_none_or(|it| it != "rs" && it != "snap")
                || path.ends_with("tests/codes.rs")
            {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_test = path.components().any(|part| part.as_os_str() == "tests");
            let tests = if is_test { Some(0) } else { text.find("#[cfg(test)]") };
            let Some(said) = tests.and_then(|start| text.get(start..)) else { continue };
            let separated = said.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
            words.extend(separated.filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    words
}

// G-048
#[test]
fn each_response_code_says_who_raises_it_or_why_nobody_does() {
    let (rows, constants) = (rows(), constants());
    assert!(rows.len() > 380 && constants.len() > 100);
    for Row { code, raised_by, reason } in &rows {
        let known = ["platform", "risk", "limit", "acquirer", "method", "nobody"];
        assert!(known.contains(&raised_by.as_str()), "{code}: {raised_by}");
        assert_eq!(
            raised_by == "nobody",
            !reason.is_empty(),
            "{code}: a reason stands where nobody raises it"
        );
        let by_platform = raised_by == "platform" || raised_by == "risk";
        assert_eq!(by_platform, constants.contains_key(code), "{code} is raised by {raised_by}");
    }
}

// G-048
#[test]
fn every_code_that_the_platform_raises_is_raised_by_a_test() {
    let words = words_of_tests();
    let missing: Vec<String> = constants()
        .into_iter()
        .filter(|(code, name)| !words.contains(name) && !words.contains(&code.to_string()))
        .map(|(code, name)| format!("{code} {name}"))
        .collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}
