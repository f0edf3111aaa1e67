//! What risk control knows of an operation before it is decided (G-519).

use crate::{acceptance::Lost, engine::Engine, failure::Failure, projects::KnownProject};
use ferropay_domain::{
    decide::{AtRisk, RiskFacts},
    risk::{Means, TransferLimits},
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
        let mut facts = RiskFacts { hits: Vec::new(), limit: lost.limit, rate: None };
        let limits = &project.project.settings.transfer_limits;
        if let (Means::Card(card), Some(dollar)) = (at_risk.means, TransferLimits::currency())
            && at_risk.amount.currency != dollar
            && limits.concern(at_risk.direction, card)
        {
            let now = self.moment(project);
            facts.rate = self.rate_into(at_risk.amount.currency, dollar, now).await?.map(Box::new);
        }
        if project.project.settings.risk_lists {
            let features = at_risk.profile().listable();
            // On the heap: nearly nobody needs it, and what waits for a decision stays small.
            facts.hits = Box::pin(self.store.risk_hits(project.project.id, features)).await?;
        }
        Ok(facts)
    }
}
