//! How many calls providers take, and when they are left alone: the `[[provider_limits]]` of the configuration file.

use anyhow::{Result, bail};
use ferropay_domain::ids::ProviderAccountId;
use ferropay_engine::provider_gate::{Limits, Patience, Rate};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, num::NonZeroU32, time::Duration};

/// Limits of one provider account, or of all that have none of their own.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderLimits {
    /// Number of the provider account; none: all that have no limits of their own.
    account: Option<i64>,
    /// Calls in a second, in the long run; none: any number.
    per_second: Option<NonZeroU32>,
    /// Calls at once after a while without any.
    burst: Option<NonZeroU32>,
    /// How long a call waits for its turn, milliseconds.
    #[serde(default = "longest_wait_ms")]
    longest_wait_ms: u64,
    /// How many calls may wait or be under way before requests for another are answered with 503.
    #[serde(default = "most_in_hand")]
    most_in_hand: usize,
    /// After so many calls in a row without an answer the provider is left alone; 0: never.
    #[serde(default = "failures")]
    failures: u32,
    /// For how long, milliseconds, before one call is let through to see.
    #[serde(default = "hold_ms")]
    hold_ms: u64,
}

fn longest_wait_ms() -> u64 {
    10_000
}

fn most_in_hand() -> usize {
    4_096
}

fn failures() -> u32 {
    20
}

fn hold_ms() -> u64 {
    5_000
}

impl Default for ProviderLimits {
    fn default() -> Self {
        Self {
            account: None,
            per_second: None,
            burst: None,
            longest_wait_ms: longest_wait_ms(),
            most_in_hand: most_in_hand(),
            failures: failures(),
            hold_ms: hold_ms(),
        }
    }
}

/// Refuses limits that contradict themselves or each other, or are of an account that is none of `known`.
pub(super) fn check(all: &[ProviderLimits], known: &HashSet<i64>) -> Result<()> {
    let mut seen = HashSet::new();
    for limits in all {
        let whose = limits.account.map_or_else(|| "all accounts".to_owned(), |it| format!("account {it}"));
        if !seen.insert(limits.account) {
            bail!("provider_limits of {whose} are given twice");
        }
        if limits.account.is_some_and(|it| !known.contains(&it)) {
            bail!("provider_limits of {whose}: no provider of this configuration has that number");
        }
        if limits.burst.is_some() && limits.per_second.is_none() {
            bail!("provider_limits of {whose}: burst needs per_second");
        }
        if limits.per_second.is_some_and(|it| it.get() > 1_000_000) {
            bail!("provider_limits of {whose}: per_second is at most 1000000");
        }
        if limits.most_in_hand == 0 {
            bail!("provider_limits of {whose}: most_in_hand must be 1 or above");
        }
    }
    Ok(())
}

/// What an account is held to.
pub(super) fn of(all: &[ProviderLimits], account: ProviderAccountId) -> Limits {
    let own = all.iter().find(|it| it.account == Some(account.get()));
    let limits = own.or_else(|| all.iter().find(|it| it.account.is_none())).cloned().unwrap_or_default();
    let hold = Duration::from_millis(limits.hold_ms);
    Limits {
        rate: limits
            .per_second
            .map(|per_second| Rate { per_second, burst: limits.burst.unwrap_or(NonZeroU32::MIN) }),
        longest_wait: Duration::from_millis(limits.longest_wait_ms),
        most_in_hand: limits.most_in_hand,
        patience: NonZeroU32::new(limits.failures).map(|failures| Patience { failures, hold }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(it: u32) -> NonZeroU32 {
        NonZeroU32::new(it).unwrap()
    }

    #[test]
    fn an_account_has_its_own_limits_else_those_of_all_else_the_defaults() {
        let own =
            ProviderLimits { account: Some(2), per_second: Some(number(50)), ..ProviderLimits::default() };
        let every = ProviderLimits { failures: 0, ..ProviderLimits::default() };
        let of_two = of(&[every.clone(), own], ProviderAccountId::new(2));
        assert_eq!(of_two.rate, Some(Rate { per_second: number(50), burst: NonZeroU32::MIN }));
        assert_eq!(of_two.patience.map(|it| it.failures), Some(number(20)));
        assert_eq!(of(&[every], ProviderAccountId::new(3)).patience, None);
        let default = of(&[], ProviderAccountId::new(3));
        assert_eq!((default.rate, default.longest_wait), (None, Duration::from_secs(10)));
    }

    #[test]
    fn limits_that_contradict_themselves_are_refused() {
        let (good, known) = (ProviderLimits::default(), HashSet::from([2]));
        let check = |all: &[ProviderLimits]| check(all, &known);
        let of = |account| ProviderLimits { account: Some(account), ..good.clone() };
        assert!(check(&[good.clone(), of(2)]).is_ok());
        assert!(check(&[good.clone(), good.clone()]).is_err());
        assert!(check(&[of(2), of(2)]).is_err());
        assert!(check(&[of(20)]).unwrap_err().to_string().contains("account 20"));
        assert!(check(&[ProviderLimits { burst: Some(number(2)), ..good.clone() }]).is_err());
        assert!(check(&[ProviderLimits { most_in_hand: 0, ..good.clone() }]).is_err());
    }
}
