//! Keeps `docs/gate-paths.md` equal to what the platform says of itself. Run with `UPDATE_DOCS=1` in the environment to
//! rewrite it.

#[cfg(test)]
mod page {
    use ferropay_wire::contract::describe::{ResultBy, groups, paths};
    use std::{fmt::Write, fs, path::Path};

    const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p ferropay-wire --test gate_paths";

    #[test]
    fn the_page_of_paths_is_what_the_catalogue_gives() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gate-paths.md");
        let expected = page().unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&path, expected).unwrap();
            return;
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        let pairs = found.lines().map(Some).chain(std::iter::repeat(None)).zip(expected.lines());
        if let Some((line, (found, expected))) =
            pairs.enumerate().find(|(_, (found, it))| *found != Some(*it))
        {
            panic!(
                "docs/gate-paths.md is out of date at line {}:\n  found    {found:?}\n  expected {expected:?}\n\
                 update it with: {UPDATE}",
                line + 1
            );
        }
        assert_eq!(found, expected, "docs/gate-paths.md has lines too many; update it with: {UPDATE}");
    }

    /// The tests that execute paths, in `crates/web/tests`, each with the path.
    const TESTS: &str = include_str!("../../web/tests/executed-paths.csv");

    /// The test that executes `path`; each path has one, and the test exists.
    fn test_of(path: &str) -> &'static str {
        let mut tests = TESTS.lines().skip(1).filter_map(|line| line.split_once(','));
        let found = tests.find(|(of, _)| *of == path);
        let (_, test) = found.unwrap_or_else(|| panic!("no test in executed-paths.csv executes {path}"));
        let (file, name) = test.split_once("::").unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../web/tests/it/{file}.rs"));
        let source = fs::read_to_string(&file).unwrap_or_default();
        assert!(source.contains(&format!("fn {name}(")), "{} has no test {name}", file.display());
        test
    }

    #[test]
    fn every_test_named_is_named_for_a_path_of_the_contract() {
        let mut lines = TESTS.lines();
        assert_eq!(lines.next(), Some("path,test"));
        for line in lines {
            let path = line.split_once(',').unwrap().0;
            assert!(paths().any(|(known, _)| known == path), "{line}");
        }
    }

    fn page() -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        writeln!(out, "# Paths of the Gate API\n")?;
        writeln!(
            out,
            "All {} paths of the contract are executed: each takes a POST, checks JSON, project, signature and",
            paths().count()
        )?;
        writeln!(
            out,
            "schema in this order, refuses what does not pass, and does the rest. The column *result* says how the"
        )?;
        writeln!(
            out,
            "outcome of a request becomes known: by callback, or in the reply itself. The column *test* names a test"
        )?;
        writeln!(
            out,
            "in `crates/web/tests/it` that sends a request there over HTTP and is answered or called back without"
        )?;
        writeln!(
            out,
            "a refusal. Each run of that test checks this anew, so a name that is no longer true fails.\n"
        )?;
        writeln!(out, "A running platform serves the same with every member as an OpenAPI document, at")?;
        writeln!(out, "`/openapi/gate.json`. This page is made from `catalogue/gate-descriptions.json` and")?;
        writeln!(
            out,
            "`crates/web/tests/executed-paths.csv`; a test compares it with them. To update it run\n"
        )?;
        writeln!(out, "```sh\n{UPDATE}\n```")?;
        for (group, text) in groups() {
            writeln!(out, "\n## {group}\n\n{text}\n")?;
            writeln!(out, "| path | what it does | result | test |\n|---|---|---|---|")?;
            for (path, it) in paths().filter(|(_, path)| path.group == group) {
                let result = match it.result {
                    ResultBy::Callback => "callback",
                    ResultBy::Reply => "reply",
                };
                writeln!(out, "| `{path}` | {} | {result} | `{}` |", it.does, test_of(path))?;
            }
        }
        Ok(out)
    }
}
