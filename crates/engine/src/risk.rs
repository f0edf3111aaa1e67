//! What risk control knows of an operation before it is decided (G-519).

use crate::{acceptance::Lost, engine::Engine, failure::Failure, projects::KnownProject};
use ferropay_domain::{
    change::NameKind,
    decide::{AtRisk, RiskFacts},
    payment::Customer,
    project::EarlierPurchase,
    risk::{Direction, Means, TransferLimits},
};

impl Engine {
    /// What of an operation stands on the project's lists, and which limit was reached. Projects without lists cost
    /// nothing here.
    pub(crate) async fn risk_facts(
        &self,
        project: &KnownProject,
        at_risk: AtRisk<'_>,
        lost: Lost,
    ) -> Result<RiskFacts, Failure> {
        let mut facts = RiskFacts { limit: lost.limit, ..RiskFacts::default() };
        let limits = &project.project.settings.transfer_limits;
        if let (Means::Card(card), Some(dollar)) = (at_risk.means, TransferLimits::currency())
            && at_risk.amount.currency != dollar
            && limits.concern(at_risk.direction, card)
        {
            let now = self.moment(project);
            facts.rate = self.rate_into(at_risk.amount.currency, dollar, now).await?.map(Box::new);
        }
        if at_risk.direction == Direction::Out
            && project.project.settings.payout_rules.earlier_purchase == EarlierPurchase::Demanded
        {
            facts.never_paid = Box::pin(self.has_never_paid(project, at_risk.customer)).await?;
        }
        if project.project.settings.risk_lists {
            let features = at_risk.profile().listable();
            // On the heap: nearly nobody needs it, and what waits for a decision stays small.
            facts.hits = Box::pin(self.store.risk_hits(project.project.id, features)).await?;
        }
        Ok(facts)
    }

    /// Whether nothing is known of a purchase by which the customer paid (G-328). Who is not named cannot be known.
    async fn has_never_paid(&self, project: &KnownProject, customer: &Customer) -> Result<bool, Failure> {
        let Some(id) = &customer.id else { return Ok(true) };
        let paid = self.store.name_holder(project.project.id, NameKind::Payer, id).await?;
        Ok(paid.is_none())
    }
}
