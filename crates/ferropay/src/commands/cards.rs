//! `ferropay cards`.

use crate::{cli::Cards as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::card::{CardRange, CardRanges, quotable};
use ferropay_engine::card_ranges;
use std::{
    fs::File,
    io::{self, Read},
    process::ExitCode,
};

/// Longest table that is read, bytes.
const LONGEST_INPUT: u64 = 64 << 20;

/// Runs a sub-command of `cards`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Import { database, file } => {
            let ranges = if file.as_os_str() == "-" {
                table(io::stdin())?
            } else {
                let file = File::open(&file).with_context(|| format!("{} cannot be read", file.display()))?;
                table(file)?
            };
            let count = ranges.len();
            let store = files::open_store(&database.database).await?;
            store.set_card_ranges(Some(ranges)).await?;
            println!("{count} ranges of card numbers are known.");
        }
        Command::List { database } => {
            let store = files::open_store(&database.database).await?;
            let mut lines = csv::Writer::from_writer(io::stdout());
            lines.write_record(CardRange::COLUMNS)?;
            for range in card_ranges::in_force(store.as_ref()).await?.ranges() {
                lines.write_record(range.cells())?;
            }
            lines.flush()?;
        }
        Command::Remove { database } => {
            files::open_store(&database.database).await?.set_card_ranges(None).await?;
            println!("The built-in table holds, with examples for the documented test cards.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The ranges of a table.
///
/// # Errors
/// The first line that is wrong, and why.
fn table(file: impl Read) -> Result<Vec<CardRange>> {
    let mut file = file.take(LONGEST_INPUT.saturating_add(1));
    let mut text = String::new();
    file.read_to_string(&mut text).context("the table is no text in UTF-8")?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST_INPUT {
        bail!("that is more than {LONGEST_INPUT} bytes; nothing was changed");
    }
    let mut lines = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let columns = lines.headers()?.clone();
    if !columns.iter().any(|it| it == "first") {
        bail!("the first line has to name the columns, one of them first");
    }
    if let Some(unknown) = columns.iter().find(|it| !CardRange::COLUMNS.contains(it)) {
        let unknown = quotable(unknown);
        bail!("there is no column {unknown:?}; there are {}", CardRange::COLUMNS.join(", "));
    }
    let place = |column: &str| columns.iter().position(|it| it == column);
    let mut ranges = Vec::new();
    for line in lines.records() {
        let line = line?;
        let number = line.position().map_or(0, csv::Position::line);
        let cell = |column: &str| place(column).and_then(|at| line.get(at)).unwrap_or_default();
        ranges.push(CardRange::read(cell).with_context(|| format!("line {number}"))?);
    }
    if ranges.is_empty() {
        bail!("there is no range");
    }
    CardRanges::new(ranges.clone())?;
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_the_names_of_its_columns_and_only_as_a_whole() {
        let text = "\u{feff}issuer,first,last,named\n\"Bank, Ltd\", 400001,400002,no\n,40001000000,,\n";
        let ranges = table(text.as_bytes()).unwrap();
        assert_eq!((ranges[0].first, ranges[0].last), (40_000_100_000, 40_000_299_999));
        assert_eq!(ranges[0].issue.issuer.as_deref(), Some("Bank, Ltd"));
        assert!(ranges[0].issue.nameless && !ranges[1].issue.nameless);
        assert_eq!((ranges[1].first, ranges[1].last), (40_001_000_000, 40_001_000_000));
        for (wrong, why) in [
            ("", "name the columns"),
            ("400001,400002\n", "name the columns"),
            ("first\n", "no range"),
            ("first,contry\n400001,DE\n", "no column \"contry\""),
            ("first,country\n400001,DE\n400002,XYZ\n", "line 3"),
            ("first,4000056655665556\n", "no column \"400005**********\""),
            ("first,country\n400001\n", "found record with 1 fields"),
            ("first,last\n400001,400003\n400002,400004\n", "overlap"),
        ] {
            let said = format!("{:#}", table(wrong.as_bytes()).unwrap_err());
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
