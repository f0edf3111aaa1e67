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

/// What is written in the platform's own code and in its tests, without comments.
#[derive(Default)]
struct Written {
    /// Words of the platform.
    platform: BTreeSet<String>,
    /// Words of whole files of tests, and of the test modules of others.
    tests: BTreeSet<String>,
    /// Numbers that tests write as codes: in quotation marks, as the wire does, or as `Code::new(…)`.
    told: BTreeSet<u32>,
}

impl Written {
    fn read() -> Self {
        let mut written = Self::default();
        let mut directories = vec![root().join("crates"), root().join("tests")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    if path.file_name().is_none_or(|name| name != "target") {
                        directories.push(path);
                    }
                } else if path.extension().is_some_and(|it| it == "rs" || it == "snap")
                    // These two name every code.
                    && !path.ends_with("tests/codes.rs")
                    && !path.ends_with("domain/src/codes.rs")
                {
                    written.take(&path);
                }
            }
        }
        written
    }

    fn take(&mut self, path: &Path) {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
        let code = lines.join("\n");
        let name = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        // The way to the checkout says nothing of what is in it.
        let inside = path.strip_prefix(root()).unwrap_or(path);
        let is_test = inside.components().any(|part| part.as_os_str() == "tests")
            || name == "tests"
            || name.ends_with("_tests");
        let begin = if is_test { Some(0) } else { code.find("#[cfg(test)]\nmod ") };
        let (platform, tests) = code.split_at(begin.unwrap_or(code.len()));
        self.platform.extend(words(platform));
        self.tests.extend(words(tests));
        for (opening, closing) in [("\"", "\""), ("Code::new(", ")")] {
            for part in tests.split(opening).skip(1) {
                let number = part.split(closing).next().unwrap_or_default().replace('_', "");
                self.told.extend(number.parse::<u32>());
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let separated = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    separated.filter(|word| !word.is_empty()).map(str::to_owned)
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
        assert!(!by_platform || constants.contains_key(code), "{code} is raised by {raised_by}");
        assert!(raised_by != "nobody" || !constants.contains_key(code), "{code} has a name for nothing");
    }
}

/// Codes that the platform raises, with their constants.
fn raised() -> Vec<(u32, String)> {
    let mut constants = constants();
    let platform = |row: &Row| row.raised_by == "platform" || row.raised_by == "risk";
    rows().iter().filter(|row| platform(row)).filter_map(|row| constants.remove_entry(&row.code)).collect()
}

// G-048
#[test]
fn every_code_that_the_platform_raises_stands_in_its_code() {
    let written = Written::read();
    let idle: Vec<_> = raised().into_iter().filter(|(_, name)| !written.platform.contains(name)).collect();
    assert!(idle.is_empty(), "nothing raises {idle:?}");
}

// G-048
#[test]
fn every_code_that_the_platform_raises_is_raised_by_a_test() {
    let written = Written::read();
    let shown = |code: u32, name: &String| {
        // Shorter numbers may be anything.
        let as_word = code > 999 && written.tests.contains(&code.to_string());
        written.tests.contains(name) || written.told.contains(&code) || as_word
    };
    let missing: Vec<_> = raised().into_iter().filter(|(code, name)| !shown(*code, name)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}

// G-048: whoever reads the tests for codes must not find them where codes are only listed, or in remarks
#[test]
fn a_code_that_is_only_listed_or_remarked_on_is_not_taken_for_raised() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("thing.rs");
    let text = "fn f() { codes::USED } // codes::REMARKED \"777\"\n#[cfg(test)]\nconst LISTED: u8 = 1;\n\
                #[cfg(test)]\nmod tests { fn t() { is(\"604\", Code::new(20_602), codes::SHOWN, 319) } }\n";
    fs::write(&path, text).unwrap();
    let mut written = Written::default();
    written.take(&path);
    assert_eq!(written.told.into_iter().collect::<Vec<_>>(), [604, 20_602]);
    assert!(written.tests.contains("SHOWN") && written.platform.contains("USED"));
    for word in ["REMARKED", "LISTED", "777"] {
        assert!(!written.tests.contains(word), "{word}");
    }
}
