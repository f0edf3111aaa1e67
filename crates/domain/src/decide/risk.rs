//! Risk control before anything else is done with an accepted operation (G-519).

use super::{Now, data::Members};
use crate::{
    card::CardSummary,
    codes::{self, Code},
    ids::PaymentKey,
    money::{Money, Rate},
    payment::Customer,
    project::Project,
    risk::{
        Crossing, Direction, Hit, Listed, Means, Profile, Screening, Use, is_from_elsewhere, judge, screen,
    },
};

/// What risk control knows besides.
#[derive(Clone, Debug, Default)]
pub struct RiskFacts {
    /// What of the operation stands on the project's lists.
    pub hits: Vec<Hit>,
    /// A limit that was looked at in the commit, and reached.
    pub limit: Option<Code>,
    /// The rate into the currency of the networks' limits on single transfers, where one of them is about the operation.
    pub rate: Option<Box<Rate>>,
    /// Whether the project demands that the customer has paid before, and nothing is known of that (G-328).
    pub never_paid: bool,
}

impl RiskFacts {
    /// The networks' limit that a transfer from or to a card exceeds, by its code (G-326).
    pub(super) fn transfer_limit(
        &self,
        project: &Project,
        direction: Direction,
        card: &CardSummary,
        amount: Money,
    ) -> Option<Code> {
        project.settings.transfer_limits.exceeded(direction, card, amount, self.rate.as_deref().copied())
    }
}

/// What risk control looks at.
#[derive(Clone, Copy, Debug)]
pub struct AtRisk<'a> {
    /// Which way the money goes.
    pub direction: Direction,
    /// What is paid with, or to.
    pub means: Means<'a>,
    /// Who pays or is paid.
    pub customer: &'a Customer,
    /// What the merchant says about it.
    pub description: &'a str,
    /// How much it is.
    pub amount: Money,
}

impl AtRisk<'_> {
    /// Its features, as they are compared.
    pub fn profile(&self) -> Profile {
        Profile::of(self.means, self.customer, self.description)
    }
}

/// What [`check`] says, and besides whether the card is from where the customer's addresses are.
pub(super) fn check_resident(
    project: &Project,
    facts: &RiskFacts,
    at_risk: &AtRisk<'_>,
    given: &Members,
    (payment, now): (PaymentKey, Now),
) -> Result<Option<Box<Use>>, Code> {
    let rules = &project.settings.risk_screening;
    let counted = check(project, facts, at_risk, payment, now)?;
    let elsewhere = at_risk.means.card().is_some_and(|card| is_from_elsewhere(rules, card, given));
    if elsewhere { Err(codes::RISK_COUNTRY_MISMATCH) } else { Ok(counted) }
}

/// The use that the commit counts and records, if any rule is about it. Error: the code of the decline. What stands on
/// a white list is not counted.
pub(super) fn check(
    project: &Project,
    facts: &RiskFacts,
    at_risk: &AtRisk<'_>,
    payment: PaymentKey,
    now: Now,
) -> Result<Option<Box<Use>>, Code> {
    let settings = &project.settings;
    let has_rules = !settings.risk_limits.is_empty() || settings.risk_screening != Screening::default();
    if !settings.risk_lists && !has_rules {
        return Ok(None);
    }
    let listed = judge(&facts.hits)?;
    let profile = at_risk.profile();
    let seen = screen(&settings.risk_screening, settings.country, at_risk.means, &profile, at_risk.amount);
    if let Some(code) = seen.or(facts.limit) {
        return Err(code);
    }
    if listed == Listed::White {
        return Ok(None);
    }
    let (rules, of) = (&settings.risk_limits, (project.id, payment));
    let flow = (at_risk.direction, Crossing::of(at_risk.means.country(), settings.country));
    Ok(Use::under(rules, of, flow, profile, at_risk.amount, now.business).map(Box::new))
}
