//! The one statement of a batch, as text: `batch.sql`, with the arrays of each table put in where it names the table.

use super::tables::SHAPES;
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

const TEMPLATE: &str = include_str!("batch.sql");
const GUARDS: &str = include_str!("guards.sql");

/// Parameters before those of the tables: slot, batch, fence, number of commits, the window of equal requests in
/// microseconds, and whether any lost guard undoes the whole batch.
const FIRST: usize = 6;

/// The column that says which commit a row is of.
const COMMIT: &str = "n";

/// The columns the guards look at.
static GUARDED: LazyLock<HashSet<(&str, &str)>> = LazyLock::new(|| {
    let columns =
        SHAPES.iter().flat_map(|(table, columns)| columns.iter().map(|(column, _)| (*table, *column)));
    columns.filter(|(table, column)| pieces(GUARDS).any(|piece| takes(piece, table, column))).collect()
});

/// Whether the guards look at a column.
pub(super) fn is_guarded(table: &str, column: &str) -> bool {
    GUARDED.contains(&(table, column))
}

/// The statement of a batch: one row with who lost, or none when the connection's own row is not as it should be.
pub(super) fn batch() -> String {
    filled(&TEMPLATE.replace("@guards", GUARDS), FIRST, |_, _| true)
}

/// The guards of a batch alone: each commit's first one that is lost. Its parameters are the columns guards look at.
pub(super) fn guards() -> String {
    filled(GUARDS, 0, is_guarded)
}

/// The text with its parameters: `@table` becomes the table's rows as `x`, with the columns that are named there, `@n:table`
/// only which commits they are of, `@applied` whether the commit of `x` is applied.
///
/// Arrays are taken apart side by side in a list of results: in a list of tables, each value would go through a buffer of its
/// own, which takes the server several times as long.
fn filled(template: &str, first: usize, wanted: fn(&str, &str) -> bool) -> String {
    let mut numbers = HashMap::new();
    for (table, columns) in SHAPES {
        for (column, _) in columns.iter().filter(|(column, _)| wanted(table, column)) {
            numbers.insert((*table, *column), first.saturating_add(numbers.len()).saturating_add(1));
        }
    }
    let unnested = |table: &'static str, column: &'static str, kind: &str| {
        numbers.get(&(table, column)).map(|number| format!("unnest(${number}::{kind}[]) AS {column}"))
    };
    let mut text = String::new();
    for piece in pieces(template) {
        let mut filled = piece.replace("@applied", "((SELECT a FROM ok))[x.n]");
        for (table, columns) in SHAPES {
            let taken = columns.iter().filter(|(column, _)| takes(piece, table, column));
            let rows: Vec<String> =
                taken.filter_map(|(column, kind)| unnested(table, column, kind)).collect();
            filled =
                replace_mark(&filled, &format!("@{table}"), &format!("(SELECT {}) AS x", rows.join(", ")));
            let commits = unnested(table, COMMIT, "int4").unwrap_or_default();
            filled = replace_mark(&filled, &format!("@n:{table}"), &format!("(SELECT {commits}) AS x"));
        }
        text.push_str(&filled);
    }
    text
}

/// A template in pieces, of which each names rows of one table at most, besides those of which only the commits are wanted.
fn pieces(template: &str) -> impl Iterator<Item = &str> {
    template.split_inclusive("\n),").flat_map(|part| part.split_inclusive("UNION ALL"))
}

/// Whether a piece takes a column of a table's rows.
fn takes(piece: &str, table: &str, column: &str) -> bool {
    let by_mark = column == COMMIT && piece.contains("@applied");
    has_word(piece, &format!("@{table}")) && (by_mark || has_word(piece, &format!("x.{column}")))
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| stands_alone(text, at, word))
}

/// Whether a word found in a text does not go on in either direction.
fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let goes_on = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_');
    let before = text.get(..at).and_then(|it| it.chars().next_back());
    let after = text.get(at.saturating_add(word.len())..).and_then(|it| it.chars().next());
    !goes_on(before) && !goes_on(after)
}

fn replace_mark(text: &str, mark: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(mark).filter(|(at, _)| stands_alone(text, *at, mark)) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(with);
        from = at.saturating_add(mark.len());
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_taken_by_the_statement_and_no_mark_is_left() {
        for (table, columns) in SHAPES {
            let mark = format!("@{table}");
            for (column, _) in *columns {
                let mut all = pieces(TEMPLATE).chain(pieces(GUARDS));
                assert!(all.any(|piece| takes(piece, table, column)), "{table}.{column}");
            }
            assert_eq!(GUARDS.contains(&mark), is_guarded(table, COMMIT), "{table}");
        }
        let text = batch();
        assert!(!text.contains('@'), "{text}");
        assert!(!guards().contains('@'), "{}", guards());
        for piece in pieces(TEMPLATE).chain(pieces(GUARDS)) {
            let named = SHAPES.iter().filter(|(table, _)| has_word(piece, &format!("@{table}")));
            assert!(named.count() <= 1, "{piece}");
        }
        let columns: usize = SHAPES.iter().map(|(_, columns)| columns.len()).sum();
        let last = FIRST + columns;
        assert!(text.contains(&format!("${last}::")) && !text.contains(&format!("${}", last + 1)));
    }
}
