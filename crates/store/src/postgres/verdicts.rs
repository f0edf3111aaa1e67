//! What those who handed commits in are told.

use super::{connection::Trouble, queue::Verdict};
use crate::{
    CommitError, Loss, Unavailable,
    commit::{KEY_RETIRED, is_sealed_anew},
    prepared::Prepared,
};
use ferropay_domain::ids::{PaymentKey, RequestId};
use std::collections::HashMap;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// All of them the same.
pub(super) fn all_refused(commits: &[&Prepared], reason: &Unavailable) -> Vec<Verdict> {
    commits.iter().map(|_| Err(reason.clone().into())).collect()
}

/// The verdicts of a batch whose statement told `losers`: `commit:rank:position:who`, joined by commas.
pub(super) fn verdicts_of(commits: &[&Prepared], losers: Option<&str>) -> Vec<Verdict> {
    let lost: HashMap<usize, Loss> = losers
        .into_iter()
        .flat_map(|all| all.split(','))
        .filter_map(|one| {
            let mut parts = one.split(':');
            let n = parts.next()?.parse::<usize>().ok()?.checked_sub(1)?;
            let rank = parts.next()?.parse().ok()?;
            let position = parts.next()?.parse().ok()?;
            let who = parts.next().and_then(|text| Uuid::parse_str(text).ok());
            Some((n, loss(commits.get(n)?, rank, position, who)))
        })
        .collect();
    (0..commits.len()).map(|n| lost.get(&n).map_or(Ok(()), |loss| Err(CommitError::Lost(*loss)))).collect()
}

/// The guard with this rank.
pub(super) fn loss(prepared: &Prepared, rank: i32, position: usize, who: Option<Uuid>) -> Loss {
    match (rank, who) {
        (1, _) => Loss::Fenced,
        (2, _) => Loss::ClockMoved,
        (3, _) => Loss::NotificationKnown,
        (4, Some(who)) => Loss::Resent(RequestId::new(who)),
        (5, Some(who)) => match prepared.commit.changes.names.get(position) {
            Some(name) => Loss::NameTaken(name.kind, PaymentKey::new(who)),
            None => Loss::Stale,
        },
        _ => Loss::Stale,
    }
}

/// Whether a commit may fit when it is tried again: what it was checked against was changed at the same moment.
pub(super) fn is_unfit(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Refused(code, _) => {
            *code == SqlState::UNIQUE_VIOLATION
                || *code == SqlState::NOT_NULL_VIOLATION && !is_sealed_anew(&trouble.reason())
        }
        Trouble::Senseless(_) => true,
        Trouble::Gone(_) => false,
    }
}

/// A constraint or a contradiction is a defect of the platform; anything else is the database's trouble.
pub(super) fn error_of(trouble: &Trouble) -> CommitError {
    match trouble {
        Trouble::Refused(code, reason) if *code == SqlState::NOT_NULL_VIOLATION && is_sealed_anew(reason) => {
            CommitError::Unavailable(Unavailable { action: "commit", reason: KEY_RETIRED.into() })
        }
        Trouble::Refused(code, _) if code.code().starts_with("23") || code.code().starts_with("22") => {
            let what = if *code == SqlState::NOT_NULL_VIOLATION {
                "it changes what does not exist".to_owned()
            } else {
                trouble.reason()
            };
            CommitError::Defect(what)
        }
        Trouble::Senseless(reason) => CommitError::Defect(reason.clone()),
        _ => CommitError::Unavailable(trouble.unavailable("commit")),
    }
}
