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

    fn page() -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        let (all, executed) = (paths().count(), paths().filter(|(_, path)| path.executed).count());
        writeln!(out, "# Paths of the Gate API\n")?;
        writeln!(
            out,
            "All {all} paths of the contract are there: each takes a POST, checks JSON, project, signature and"
        )?;
        writeln!(
            out,
            "schema in this order, and refuses what does not pass. {executed} of them are executed; the others then"
        )?;
        writeln!(
            out,
            "answer with 400 and code 310 and create nothing. The column *result* says how the outcome of an"
        )?;
        writeln!(out, "executed request becomes known: by callback, or in the reply itself.\n")?;
        writeln!(out, "A running platform serves the same with every member as an OpenAPI document, at")?;
        writeln!(
            out,
            "`/openapi/gate.json`. This page is made from `catalogue/gate-descriptions.json`; a test compares the"
        )?;
        writeln!(
            out,
            "two, and another holds the column *executed* against what the platform does. To update it run\n"
        )?;
        writeln!(out, "```sh\n{UPDATE}\n```")?;
        for (group, text) in groups() {
            writeln!(out, "\n## {group}\n\n{text}\n")?;
            writeln!(out, "| path | what it does | result | executed |\n|---|---|---|---|")?;
            for (path, it) in paths().filter(|(_, path)| path.group == group) {
                let result = match it.result {
                    ResultBy::Callback => "callback",
                    ResultBy::Reply => "reply",
                };
                let executed = if it.executed { "yes" } else { "no: 310" };
                writeln!(out, "| `{path}` | {} | {result} | {executed} |", it.does)?;
            }
        }
        Ok(out)
    }
}
