//! `ferropay rate`.

use crate::{cli::Rate as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{money::Currency, time::Timestamp};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::ExchangeRate;
use std::{io::Read as _, process::ExitCode};

/// Longest file that is read, bytes.
const LONGEST_INPUT: u64 = 16 << 20;

/// Runs a sub-command of `rate`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Set { database, from, to, rate, valid_from, valid_until } => {
            let until = valid_until.unwrap_or_default();
            let cells = [from, to, rate, valid_from.unwrap_or_default(), until];
            let rate = parsed(&cells.each_ref().map(String::as_str), SystemClock.now())?;
            files::open_store(&database.database, true)?.set_rates(vec![rate.clone()]).await?;
            println!("{}", line(&rate));
        }
        Command::List { database } => {
            println!("{:<4} {:<4} {:>18}  {:<20} until", "from", "to", "rate", "valid from");
            for rate in files::open_store(&database.database, true)?.rates().await? {
                println!("{}", line(&rate));
            }
        }
        Command::Import { database, file } => {
            let text = if file.as_os_str() == "-" {
                let mut text = String::new();
                std::io::stdin().take(LONGEST_INPUT).read_to_string(&mut text)?;
                text
            } else {
                std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?
            };
            let rates = table(&text, SystemClock.now())?;
            let count = rates.len();
            files::open_store(&database.database, true)?.set_rates(rates).await?;
            println!("{count} rates are set.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The rates of a table: a line each of two currencies, the rate, and as far as they are stated the moments it holds from
/// and until. A first line without a rate names the columns. All lines have to be right.
///
/// # Errors
/// The first line that is wrong, and why.
pub(crate) fn table(text: &str, now: Timestamp) -> Result<Vec<ExchangeRate>> {
    let mut rates = Vec::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let names_columns = cells.get(2).is_some_and(|cell| cell.chars().all(char::is_alphabetic));
        if number == 1 && names_columns {
            continue;
        }
        rates.push(parsed(&cells, now).with_context(|| format!("line {number}"))?);
    }
    if rates.is_empty() {
        bail!("there is no rate");
    }
    Ok(rates)
}

fn parsed(cells: &[&str], now: Timestamp) -> Result<ExchangeRate> {
    let (from, to, rate, more) = match cells {
        [from, to, rate, more @ ..] if more.len() <= 2 => (*from, *to, *rate, more),
        _ => bail!("there have to be two currencies and a rate, and at most two moments"),
    };
    let currency =
        |code: &str| Currency::parse(code).ok().with_context(|| format!("{code:?} is no currency"));
    let (from, to) = (currency(from)?, currency(to)?);
    if from == to {
        bail!("{from} into {to} needs no rate");
    }
    let moment = |text: Option<&&str>| -> Result<Option<Timestamp>> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        let moment: jiff::Timestamp =
            text.parse().with_context(|| format!("{text:?} is no moment such as 2026-11-21T12:00:00Z"))?;
        Ok(Some(Timestamp::from_micros(moment.as_microsecond())))
    };
    let valid_from = moment(more.first())?.unwrap_or(now);
    let valid_until = moment(more.get(1))?;
    if valid_until.is_some_and(|until| until <= valid_from) {
        bail!("the rate ends before it begins");
    }
    let rate = rate.parse().with_context(|| format!("{rate:?}"))?;
    Ok(ExchangeRate { from, to, rate, valid_from, valid_until })
}

fn line(it: &ExchangeRate) -> String {
    let moment = |at: Timestamp| at.civil().map(|at| at.to_string()).unwrap_or_default();
    let until = it.valid_until.map(moment).unwrap_or_default();
    let (from, to, rate) = (it.from, it.to, it.rate.to_string());
    format!("{:<4} {:<4} {rate:>18}  {:<20} {until}", from.code(), to.code(), moment(it.valid_from))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-447
    #[test]
    fn a_table_is_read_line_by_line_and_only_as_a_whole() {
        let now = Timestamp::from_seconds(1_000);
        let text = "from,to,rate,valid_from,valid_until\nUSD,EUR,0.92\n\nEUR, JPY, 164.2, 2026-11-21T12:00:00Z, 2026-11-22T12:00:00Z\n";
        let rates = table(text, now).unwrap();
        assert_eq!(rates.len(), 2);
        assert_eq!((rates[0].valid_from, rates[0].valid_until), (now, None));
        let at =
            |text: &str| Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let span = (rates[1].valid_from, rates[1].valid_until);
        assert_eq!(span, (at("2026-11-21T12:00:00Z"), Some(at("2026-11-22T12:00:00Z"))));
        for (wrong, why) in [
            ("", "no rate"),
            ("USD,EUR", "two currencies and a rate"),
            ("USD,EUR,0.92\nUSD,EUR,-1", "line 2"),
            ("USD,EUR,rate", "no rate"),
            ("USD,XXZ,0.92", "\"XXZ\" is no currency"),
            ("USD,USD,1", "needs no rate"),
            ("USD,EUR,0.92,yesterday", "is no moment"),
            ("USD,EUR,0.92,2026-11-21T12:00:00Z,2026-11-21T12:00:00Z", "ends before it begins"),
            ("USD,EUR,0.92,,,", "at most two moments"),
        ] {
            let said = format!("{:#}", table(wrong, now).unwrap_err());
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
