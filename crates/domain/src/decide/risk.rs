//! Risk control before anything else is done with an accepted operation (G-519).

use super::Now;
use crate::{
    card::CardSummary,
    codes::Code,
    ids::PaymentKey,
    money::Money,
    payment::Customer,
    project::Project,
    risk::{Crossing, Direction, Hit, Listed, Profile, Screening, Use, judge, screen},
};

/// What risk control knows besides.
#[derive(Clone, Debug, Default)]
pub struct RiskFacts {
    /// What of the operation stands on the project's lists.
    pub hits: Vec<Hit>,
    /// A limit that was looked at in the commit, and reached.
    pub limit: Option<Code>,
}

/// What is asked of risk control.
pub(super) struct Asked<'a> {
    pub(super) direction: Direction,
    pub(super) card: &'a CardSummary,
    pub(super) customer: &'a Customer,
    pub(super) description: &'a str,
    pub(super) amount: Money,
}

/// The use that the commit counts and records, if any rule is about it. Error: the code of the decline. What stands on
/// a white list is not counted.
pub(super) fn check(
    project: &Project,
    facts: &RiskFacts,
    asked: &Asked<'_>,
    payment: PaymentKey,
    now: Now,
) -> Result<Option<Box<Use>>, Code> {
    let settings = &project.settings;
    let has_rules = !settings.risk_limits.is_empty() || settings.risk_screening != Screening::default();
    if !settings.risk_lists && !has_rules {
        return Ok(None);
    }
    let listed = judge(&facts.hits)?;
    let profile = Profile::of(asked.card, asked.customer, asked.description);
    let seen = screen(&settings.risk_screening, settings.country, asked.card, &profile, asked.amount);
    if let Some(code) = seen.or(facts.limit) {
        return Err(code);
    }
    if listed == Listed::White {
        return Ok(None);
    }
    let (rules, of) = (&settings.risk_limits, (project.id, payment));
    let flow = (asked.direction, Crossing::of(asked.card.country, settings.country));
    Ok(Use::under(rules, of, flow, profile, asked.amount, now.business).map(Box::new))
}
