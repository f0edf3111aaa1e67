//! Faults that a request asks for: `lost*2, silent`.

/// What the provider does wrong about one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// So many messages are carried out and answered with an error.
    pub(super) lost: u32,
    /// So many are not carried out and answered with an error.
    pub(super) lost_before: u32,
    /// So many answers are no JSON.
    pub(super) garbage: u32,
    /// No notice is sent.
    pub(super) silent: bool,
    /// Each notice is sent twice, the second time after it was acknowledged.
    pub(super) twice: bool,
    /// The transaction is refused with this result.
    pub(super) refuse: Option<String>,
}

impl Faults {
    /// Reads a plan; whatever is not known is left out, since other providers' faults are asked for in the same way.
    pub(super) fn read(plan: &str) -> Self {
        let mut faults = Self::default();
        for part in plan.split([',', ' ']).filter(|part| !part.is_empty()) {
            let (name, count) = part.split_once('*').unwrap_or((part, "1"));
            let count = count.parse().unwrap_or(1);
            match name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value))) {
                ("lost", None) => faults.lost = count,
                ("lost-before", None) => faults.lost_before = count,
                ("garbage", None) => faults.garbage = count,
                ("silent", None) => faults.silent = true,
                ("twice", None) => faults.twice = true,
                ("refuse", Some(result)) => faults.refuse = Some(result.to_owned()),
                _ => {}
            }
        }
        faults
    }

    /// Counts one of `count` down.
    pub(super) fn takes(count: &mut u32) -> bool {
        let is_due = *count > 0;
        *count = count.saturating_sub(1);
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_faults_and_how_often() {
        let faults = Faults::read("lost*2, silent refuse=expired whatever@sale");
        assert_eq!((faults.lost, faults.silent, faults.twice), (2, true, false));
        assert_eq!(faults.refuse.as_deref(), Some("expired"));
        assert_eq!(Faults::read("drop*2@payout"), Faults::default());
    }
}
