//! `ferropay archive`.

use super::clock::{show_time, span};
use crate::{
    cli::{Archive, Show},
    platform::files,
};
use anyhow::{Context, Result, bail};
use ferropay_domain::{
    ids::fold,
    money::{Currency, Money},
    time::Timestamp,
};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::archive::{ArchiveError, Content, Head, Lines, Order, Whole, archive, sure_now};
use ferropay_wire::mask::masked_text;
use serde_json::Value;
use std::{io::Write as _, path::Path, process::ExitCode, time::Duration};

/// Nothing younger is archived, seconds: for a day equal bytes are the same request.
const YOUNGEST: u64 = 86_400;

/// The least difference of the clocks that is told.
const WORTH_A_WORD: Duration = Duration::from_hours(1);

/// After so many payments it is said how far it has come.
const TOLD_EVERY: u64 = 10_000;

/// Archives, or shows what was archived.
pub(crate) async fn run(options: Archive) -> Result<ExitCode> {
    match options {
        Archive { show: Some(Show::Show { file, payment, project }), .. } => {
            show(&file, payment.as_deref(), project.map(i64::from))
        }
        Archive { database, older_than, to, portion, pause, .. } => {
            let to = to.context("no file is given")?;
            let age = span(&older_than.context("no age is given")?)?;
            if age < Duration::from_secs(YOUNGEST) {
                bail!(
                    "an age of less than a day: what is that young may be asked for again by the same bytes"
                );
            }
            let order = |before| Order {
                portion: usize::from(portion),
                pause: Duration::from_millis(pause),
                ..Order::new(before, to)
            };
            write(&database.database, age, order).await
        }
    }
}

async fn write(database: &str, age: Duration, order: impl FnOnce(Timestamp) -> Order) -> Result<ExitCode> {
    let store = files::open_store(database).await?;
    let own = SystemClock.now();
    let sure = sure_now(store.as_ref(), own).await?;
    if sure < own.minus(WORTH_A_WORD) {
        eprintln!(
            "Ages count from {}: that is the newest moment the database is sure of, while this machine's clock says {}.",
            show_time(sure),
            show_time(own)
        );
    }
    let order = order(sure.minus(age));
    let mut told = 0;
    let archiving = archive(
        store.as_ref(),
        &order,
        || SystemClock.now(),
        |done| {
            if done.payments >= told + TOLD_EVERY {
                told = done.payments;
                eprintln!("{told} payments are archived …");
            }
        },
    );
    let done = archiving
        .await
        .with_context(|| format!("{} is not finished; give it again to go on", order.to.display()))?;
    let Some(bytes) = done.bytes else {
        println!("No payment is to be archived; {} was not made.", order.to.display());
        return Ok(ExitCode::SUCCESS);
    };
    if done.cut_off > 0 {
        println!(
            "The last {} bytes of an earlier run had not been written whole and were cut off.",
            done.cut_off
        );
    }
    if done.before > 0 {
        println!("{} payments had been archived by an earlier run.", done.before);
    }
    println!("Wrote {}: {bytes} bytes, {} payments.", order.to.display(), done.payments);
    if done.stay > 0 {
        println!(
            "{} lines do not count, and the file says so: their payments changed meanwhile and stay, or are in another file.",
            done.stay
        );
    }
    println!("The file is whole and on disk, and they are in no database any more: keep copies of it.");
    Ok(ExitCode::SUCCESS)
}

/// Goes through a file; of each payment its last line is what counts.
fn show(path: &Path, payment: Option<&str>, project: Option<i64>) -> Result<ExitCode> {
    let wanted = payment.map(fold);
    let is_meant = |head: &Head| {
        project.is_none_or(|it| it == head.project) && wanted.as_ref().is_none_or(|it| *it == fold(&head.id))
    };
    let mut out = std::io::stdout().lock();
    let mut found: Vec<(u64, Box<Whole>)> = Vec::new();
    let whole = each_line(path, |line, content| {
        match content {
            Content::Payment(whole) if is_meant(&whole.payment) => {
                if wanted.is_none() {
                    writeln!(out, "{}", summary(line, &whole.payment))?;
                } else {
                    found.retain(|(_, it)| it.payment.key != whole.payment.key);
                    found.push((line, whole));
                }
            }
            Content::Stays(stays) if wanted.is_none() => {
                writeln!(
                    out,
                    "line {} does not count: its payment stayed, or is in another file",
                    stays.line
                )?;
            }
            Content::Stays(stays) => found.retain(|(line, _)| *line != stays.line),
            Content::Archive(_) | Content::Payment(_) | Content::Closed(_) => {}
        }
        Ok(())
    })?;
    if let Some(name) = payment
        && found.is_empty()
    {
        bail!("{} has no payment {name:?}", path.display());
    }
    for (_, whole) in found {
        let mut value = serde_json::to_value(whole)?;
        mask(&mut value);
        writeln!(out, "{}", plain(&serde_json::to_string_pretty(&value)?))?;
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Hands each line on; answers whether the file is whole, and says why not.
fn each_line(path: &Path, mut line: impl FnMut(u64, Content) -> Result<()>) -> Result<bool> {
    let (mut lines, _) = Lines::open(path)?;
    let mut is_closed = false;
    loop {
        match lines.next_line() {
            Ok(Some(content)) => {
                is_closed = matches!(content, Content::Closed(_));
                line(lines.number(), content)?;
            }
            Ok(None) => break,
            Err(broken @ ArchiveError::Broken { .. }) => {
                eprintln!("{}: {broken}", path.display());
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !is_closed {
        eprintln!("{}: the file is not finished", path.display());
    }
    Ok(is_closed)
}

fn summary(line: u64, head: &Head) -> String {
    let money = |minor: i64, currency: Currency| Money::new(minor, currency).to_string();
    format!(
        "{line:>6}  {}  project {}  {:?}  {} ({}), paid {}, returned {}",
        show_time(Timestamp::from_micros(head.updated_at)),
        head.project,
        masked_text(&head.id),
        head.kind,
        head.status,
        money(head.debited, head.currency),
        money(head.returned, head.currency),
    )
}

/// JSON without what a terminal would act on: control characters, and what turns the direction of writing, are escaped, as JSON may be.
fn plain(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && (c.is_control() || turns(c)) {
            // None of them is beyond what four digits say.
            out.push_str("\\u");
            for shift in [12, 8, 4, 0] {
                out.extend(char::from_digit((u32::from(c) >> shift) & 15, 16));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Separators of lines, and what marks, embeds, overrides or isolates a direction of writing.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Texts without what could be a card number, and without sealed proofs. Bodies of callbacks stay as they were signed but for that.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = masked_text(text),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => {
            for (name, value) in members {
                if name == "cryptogram" {
                    *value = Value::String("sealed".to_owned());
                } else {
                    mask(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_is_the_same_json() {
        let text = "a\u{9b}31mb\u{202e}c\u{2066}d\u{7f}e\u{200f}f\u{2028}g\u{61c}h\u{1b}i\n\u{e9}\u{20ac}";
        let value = serde_json::json!({ text: [text, "plain"] });
        let shown = plain(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.contains("\\u009b") && shown.contains("\\u202e") && shown.contains("\u{e9}\u{20ac}"));
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || turns(c))), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }
}
