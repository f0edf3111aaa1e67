//! Whether an archive's file and the database agree.

use super::{
    error::ArchiveError,
    file::{Closed, Content, Lines},
    record::{Account, Carried, Whole},
};
use crate::{Finding, Store};
use ferropay_domain::ids::PaymentKey;
use std::{collections::BTreeMap, path::Path};
use uuid::Uuid;

/// How many lines are asked about at once.
const ASKED: usize = 64;

/// The rule of the digests that the database keeps.
const THE_FILE: &str = "the file is the one that was written";

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Payments in the file that the database has no more.
    pub payments: u64,
    /// Their postings.
    pub postings: u64,
    /// Everything that does not agree.
    pub findings: Vec<Finding>,
}

/// Reads an archive's file through and compares it with what the database knows of it.
///
/// # Errors
/// The file cannot be read or is no archive, or the store cannot be read.
pub async fn verify(store: &dyn Store, path: &Path) -> Result<Verified, ArchiveError> {
    let (mut lines, header) = Lines::open(path)?;
    let mut sums = Sums { id: header.id, verified: Verified::default(), accounts: BTreeMap::new() };
    let mut waiting: Vec<(u64, Box<Whole>)> = Vec::new();
    let mut closed: Option<Closed> = None;
    // Lines are only added, so that what was known before the file is read holds for it.
    let (last, closing) =
        store.archive(header.id).await?.map_or((None, None), |known| (known.last, known.closing));
    loop {
        match lines.next_line() {
            Ok(Some(Content::Payment(whole))) => waiting.push((lines.number(), whole)),
            Ok(Some(Content::Closed(last))) => closed = Some(last),
            Ok(Some(Content::Stays(_) | Content::Archive(_))) => {}
            Ok(None) => break,
            Err(broken @ ArchiveError::Broken { .. }) => {
                sums.found("a line is as it was written", broken.to_string());
                break;
            }
            Err(error) => return Err(error),
        }
        if last.is_some_and(|it| lines.place().belies(it)) {
            sums.found(THE_FILE, format!("line {} is another", lines.number()));
        }
        if waiting.len() >= ASKED {
            sums.add(store, std::mem::take(&mut waiting)).await?;
        }
    }
    sums.add(store, waiting).await?;
    let Some(known) = store.archive(header.id).await? else {
        sums.found("an archive is known to its database", format!("archive {}", header.id));
        return Ok(sums.verified);
    };
    let payments = sums.verified.payments;
    if payments != known.payments {
        let detail = format!("in the file {payments}, taken away {}", known.payments);
        sums.found("an archive has every payment that was taken away for it", detail);
    }
    if let Some(last) = last.filter(|it| lines.number() < it.number) {
        sums.found(THE_FILE, format!("line {} is missing", last.number));
    }
    if closed.is_some() && closing.is_some_and(|it| lines.place().digest != it) {
        sums.found(THE_FILE, "the last line is another".to_owned());
    }
    let carried = store.carried(header.id).await?;
    sums.compare("the file's postings come to what is carried forward", &carried);
    match closed {
        None => sums.found("an archive is closed", "the file breaks off; archive to it again".to_owned()),
        Some(last) => {
            if last.payments != payments {
                let detail = format!("said {}, found {payments}", last.payments);
                sums.found("the last line says how many payments there are", detail);
            }
            sums.compare("the last line says what is carried forward", &last.carried);
        }
    }
    Ok(sums.verified)
}

struct Sums {
    id: Uuid,
    verified: Verified,
    /// Sum and number of postings by account.
    accounts: BTreeMap<Account, (i128, u64)>,
}

impl Sums {
    fn found(&mut self, rule: &'static str, detail: String) {
        self.verified.findings.push(Finding { rule, detail });
    }

    /// Adds up what was taken away.
    async fn add(&mut self, store: &dyn Store, wholes: Vec<(u64, Box<Whole>)>) -> Result<(), ArchiveError> {
        let lines: Vec<(PaymentKey, u64)> =
            wholes.iter().map(|(line, whole)| (whole.payment.key, *line)).collect();
        let taken = store.taken_away(self.id, lines).await?;
        for (line, whole) in wholes {
            if !taken.contains(&(whole.payment.key, line)) {
                continue;
            }
            self.verified.payments += 1;
            for posting in whole.postings {
                self.verified.postings += 1;
                let (minor, count) = self.accounts.entry(posting.account).or_default();
                *minor = minor.saturating_add(posting.minor.into());
                *count += 1;
            }
        }
        Ok(())
    }

    /// Whether what was added up is what is told.
    fn compare(&mut self, rule: &'static str, told: &[Carried]) {
        let told: BTreeMap<Account, (i128, u64)> =
            told.iter().map(|it| (it.account.clone(), (it.minor.into(), it.postings))).collect();
        let accounts: Vec<&Account> = self.accounts.keys().chain(told.keys()).collect();
        let mut different = Vec::new();
        for account in accounts {
            let (found, said) = (self.accounts.get(account), told.get(account));
            if found != said {
                let Account { owner, of, currency } = account;
                let (found, said) = (found.copied().unwrap_or_default(), said.copied().unwrap_or_default());
                different.push(format!(
                    "{owner} {of} {currency}: in the file {} in {} postings, told {} in {}",
                    found.0, found.1, said.0, said.1
                ));
            }
        }
        different.sort();
        different.dedup();
        for detail in different {
            self.found(rule, detail);
        }
    }
}
