//! The one statement of a batch, as text: `batch.sql`, with the arrays of each table put in where it names the table.

use super::tables::SHAPES;
use std::fmt::Write;

const TEMPLATE: &str = include_str!("batch.sql");
const GUARDS: &str = include_str!("guards.sql");

/// Parameters before those of the tables: slot, batch, fence, number of commits, the window of equal requests in
/// microseconds, and whether any lost guard undoes the whole batch.
const FIRST: usize = 6;

/// The tables the guards look at.
const GUARDED: [&str; 7] =
    ["fences", "clocks", "notifications", "fingerprints", "names", "payments", "deliveries"];

/// Whether the guards look at a table.
pub(super) fn is_guarded(table: &str) -> bool {
    GUARDED.contains(&table)
}

/// The statement of a batch: one row with who lost, or none when the connection's own row is not as it should be.
pub(super) fn batch() -> String {
    filled(&TEMPLATE.replace("@guards", GUARDS), FIRST, |_| true)
}

/// The guards of a batch alone: each commit's first one that is lost. Its parameters are those of the tables guards look at.
pub(super) fn guards() -> String {
    filled(GUARDS, 0, is_guarded)
}

/// The text with its parameters: `@table` becomes the table's rows as `x`, `@n:table` only which commits they are of,
/// `@applied` whether the commit of `x` is applied.
fn filled(template: &str, mut parameter: usize, wanted: fn(&str) -> bool) -> String {
    let mut text = template.replace("@applied", "((SELECT a FROM ok))[x.n]");
    let mut tables = Vec::new();
    for (table, columns) in SHAPES.iter().filter(|(table, _)| wanted(table)) {
        let first = parameter.saturating_add(1);
        let (mut arrays, mut names) = (String::new(), String::new());
        for (column, kind) in *columns {
            parameter = parameter.saturating_add(1);
            let separator = if arrays.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(arrays, "{separator}${parameter}::{kind}[]");
            let _ = write!(names, "{separator}{column}");
        }
        let rows = format!("unnest({arrays}) AS x({names})");
        tables.push((*table, rows, format!("unnest(${first}::int4[]) AS x(n)")));
    }
    // No name is replaced in the middle of a longer one.
    tables.sort_by_key(|(table, ..)| std::cmp::Reverse(table.len()));
    for (table, rows, commits) in tables {
        text = text.replace(&format!("@n:{table}"), &commits).replace(&format!("@{table}"), &rows);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_named_by_the_statement_and_no_mark_is_left() {
        for (table, _) in SHAPES {
            let mark = format!("@{table}");
            assert!(TEMPLATE.contains(&mark) || GUARDS.contains(&mark), "{table}");
            assert_eq!(GUARDS.contains(&mark), is_guarded(table), "{table}");
        }
        let text = batch();
        assert!(!text.contains('@'), "{text}");
        assert!(!guards().contains('@'), "{}", guards());
        let columns: usize = SHAPES.iter().map(|(_, columns)| columns.len()).sum();
        let last = FIRST + columns;
        assert!(text.contains(&format!("${last}::")) && !text.contains(&format!("${}", last + 1)));
    }
}
