//! `ferropay rate`.

use crate::{cli::Rate as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{money::Currency, time::Timestamp};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::{ExchangeRate, Store};
use std::{io::Read as _, process::ExitCode};

/// Longest file that is read, bytes.
const LONGEST_INPUT: u64 = 16 << 20;

/// How the first columns are named.
const HEADER: [&str; 3] = ["from", "to", "rate"];

/// Runs a sub-command of `rate`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Set { database, from, to, rate, valid_from, valid_until, force } => {
            let until = valid_until.unwrap_or_default();
            let cells = [from, to, rate, valid_from.unwrap_or_default(), until];
            let rate = parsed(&cells.each_ref().map(String::as_str), SystemClock.now())?;
            let store = files::open_store(&database.database).await?;
            plausible(store.as_ref(), std::slice::from_ref(&rate), force).await?;
            store.set_rates(vec![rate.clone()]).await?;
            println!("{}", line(&rate));
            if let Some(later) = next_after(&store.rates().await?, &rate) {
                eprintln!("From then on another one takes its place: {}", line(later));
            }
        }
        Command::Remove { database, from, to, valid_from } => {
            let store = files::open_store(&database.database).await?;
            let (from, to) = (currency(&from)?, currency(&to)?);
            let at = moment(&valid_from)?;
            if !store.remove_rate(from, to, at).await? {
                bail!("no rate from {from} into {to} begins at {valid_from}");
            }
        }
        Command::List { database } => {
            println!("{:<4} {:<4} {:>18}  {:<20} until", "from", "to", "rate", "valid from");
            for rate in files::open_store(&database.database).await?.rates().await? {
                println!("{}", line(&rate));
            }
        }
        Command::Import { database, file, force } => {
            let text = if file.as_os_str() == "-" {
                let mut text = String::new();
                std::io::stdin().take(LONGEST_INPUT.saturating_add(1)).read_to_string(&mut text)?;
                if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST_INPUT {
                    bail!("that is more than {LONGEST_INPUT} bytes; nothing was set");
                }
                text
            } else {
                std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?
            };
            let rates = table(&text, SystemClock.now())?;
            let count = rates.len();
            let store = files::open_store(&database.database).await?;
            plausible(store.as_ref(), &rates, force).await?;
            store.set_rates(rates).await?;
            println!("{count} rates are set.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The rate of the same pair that takes the place of this one before its own end, if it has one.
fn next_after<'a>(rates: &'a [ExchangeRate], it: &ExchangeRate) -> Option<&'a ExchangeRate> {
    let same = |other: &&ExchangeRate| (other.from, other.to) == (it.from, it.to);
    let later = |other: &&ExchangeRate| {
        other.valid_from > it.valid_from && it.valid_until.is_none_or(|until| other.valid_from < until)
    };
    rates.iter().filter(same).filter(later).min_by_key(|other| other.valid_from)
}

/// A slip of a decimal point, or a rate the wrong way round, turns up beside what held before.
///
/// # Errors
/// The first rate that is far from the one in force when it begins, unless it is meant.
async fn plausible(store: &dyn Store, rates: &[ExchangeRate], force: bool) -> Result<()> {
    for it in rates.iter().filter(|_| !force) {
        let before = store.rate(it.from, it.to, it.valid_from).await?;
        if let Some(before) = before.filter(|before| it.rate.is_far_from(*before)) {
            bail!(
                "{} {} {} is more than half as much again as the rate in force, {before}, or less than two thirds of it; \
                 with --force it is set all the same",
                it.from,
                it.to,
                it.rate
            );
        }
    }
    Ok(())
}

/// The rates of a table: a line each of two currencies, the rate, and as far as they are stated the moments it holds from
/// and until. A first line may name the columns. All lines have to be right, and no two of one pair and
/// moment.
///
/// # Errors
/// The first line that is wrong, and why.
pub(crate) fn table(text: &str, now: Timestamp) -> Result<Vec<ExchangeRate>> {
    let mut rates: Vec<ExchangeRate> = Vec::new();
    let mut is_first = true;
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if std::mem::take(&mut is_first)
            && HEADER.iter().zip(&cells).all(|(name, cell)| *name == cell.to_lowercase())
        {
            continue;
        }
        let rate = parsed(&cells, now).with_context(|| format!("line {number}"))?;
        let place = (rate.from, rate.to, rate.valid_from);
        if rates.iter().any(|it| (it.from, it.to, it.valid_from) == place) {
            bail!("line {number}: an earlier line has a rate of the same currencies and moment");
        }
        rates.push(rate);
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
    let (from, to) = (currency(from)?, currency(to)?);
    if from == to {
        bail!("{from} into {to} needs no rate");
    }
    let stated =
        |text: Option<&&str>| text.filter(|text| !text.is_empty()).map(|text| moment(text)).transpose();
    let valid_from = stated(more.first())?.unwrap_or(now);
    let valid_until = stated(more.get(1))?;
    if valid_until.is_some_and(|until| until <= valid_from) {
        bail!("the rate ends before it begins");
    }
    let rate = rate.parse().with_context(|| format!("{rate:?}"))?;
    Ok(ExchangeRate { from, to, rate, valid_from, valid_until })
}

fn currency(code: &str) -> Result<Currency> {
    Currency::parse(code).ok().with_context(|| format!("{code:?} is no currency"))
}

fn moment(text: &str) -> Result<Timestamp> {
    let moment: jiff::Timestamp =
        text.parse().with_context(|| format!("{text:?} is no moment such as 2026-11-21T12:00:00Z"))?;
    Ok(Timestamp::from_micros(moment.as_microsecond()))
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
    fn a_rate_that_another_one_soon_replaces_is_told() {
        let text = "USD,EUR,0.92,2026-11-21T00:00:00Z\nUSD,EUR,0.93,2026-11-25T00:00:00Z\nUSD,EUR,0.94,2026-11-23T00:00:00Z
            EUR,USD,1.1,2026-11-22T00:00:00Z";
        let rates = table(text, Timestamp::default()).unwrap();
        let next = |it: &ExchangeRate| next_after(&rates, it).map(|it| it.rate.to_string());
        assert_eq!(next(&rates[0]).as_deref(), Some("0.94"));
        assert_eq!(next(&ExchangeRate { valid_until: Some(rates[2].valid_from), ..rates[0].clone() }), None);
        assert_eq!((next(&rates[1]), next(&rates[3])), (None, None));
    }

    // G-447
    #[test]
    fn a_table_is_read_line_by_line_and_only_as_a_whole() {
        let now = Timestamp::from_seconds(1_000);
        let text = "\nfrom,To,rate,valid_from,valid_until\nUSD,EUR,0.92\n\nEUR, JPY, 164.2, 2026-11-21T12:00:00Z, 2026-11-22T12:00:00Z\n";
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
            ("from,to,rate", "no rate"),
            ("USD,EUR,", "line 1"),
            ("USD,EUR,O", "line 1"),
            ("USD,EUR,0.92\nEUR,USD,1.1\nUSD,EUR,0.93", "line 3: an earlier line"),
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
