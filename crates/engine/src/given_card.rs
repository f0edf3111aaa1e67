//! A card that a request names by its number: kept in the vault together with what is decided, and in hand for the work
//! that follows.

use crate::{
    engine::Engine, failure::Failure, named_cards::not_looked_up, projects::KnownProject,
    provider_work::Cards,
};
use ferropay_domain::{
    card::{CardSummary, Cvv, Expiry, Origin, Pan},
    change::ChangeSet,
    decide::{Ids, Named},
    ids::{CardKey, OperationId, ProjectId},
};
use ferropay_store::{Commit, vault::Sealed};
use ferropay_wire::gate::PaidWith;

/// Project, name and content of a card in the vault.
pub(crate) type SealedCard = (ProjectId, CardKey, Sealed);

/// A card as it was given, and as the vault will keep it.
pub(crate) struct GivenCard {
    sealed: SealedCard,
    pub(crate) pan: Pan,
    pub(crate) cvv: Option<Cvv>,
    origin: Origin,
}

impl GivenCard {
    /// What everybody may know of it.
    pub(crate) fn summary(&self, holder: Option<String>, expiry: Option<Expiry>) -> CardSummary {
        CardSummary::of(self.sealed.1, &self.pan, self.origin.clone(), holder, expiry)
    }

    /// What is kept of it: nothing when no payment came of the request, and the verification value only while its
    /// operation may need it.
    pub(crate) fn kept(&self, engine: &Engine, ids: Ids, changes: &ChangeSet) -> Result<Commit, Failure> {
        let mut commit = Commit::default();
        if changes.payment.is_some() {
            commit.card = Some(self.sealed.clone());
            commit.cvv = engine.kept_cvv(self.cvv.as_ref(), ids, changes)?;
        }
        Ok(commit)
    }

    /// For the work that follows at once.
    pub(crate) fn in_hand(&self) -> Cards {
        Cards { pan: Some(self.pan.clone()), cvv: self.cvv.clone() }
    }
}

impl Engine {
    /// A card as the vault keeps it.
    pub(crate) fn sealed_card(&self, project: &KnownProject, pan: &Pan) -> Result<SealedCard, Failure> {
        let id = project.project.id;
        let sealed = self.vault.seal_card(id, pan);
        let (key, sealed) = sealed.map_err(|error| Failure::Vault(error.to_string()))?;
        Ok((id, key, sealed))
    }

    /// A card that was given.
    pub(crate) fn given_card(
        &self,
        project: &KnownProject,
        pan: Pan,
        cvv: Option<Cvv>,
    ) -> Result<GivenCard, Failure> {
        let origin = self.card_ranges.origin(&project.project, &pan);
        Ok(GivenCard { sealed: self.sealed_card(project, &pan)?, pan, cvv, origin })
    }

    /// The card of a request, still without its verification value, or the name that the request has for one; and what
    /// is known of it so far.
    pub(crate) fn paid_with(
        &self,
        project: &KnownProject,
        card: PaidWith,
        holder: Option<String>,
    ) -> Result<(Result<GivenCard, Named>, CardSummary), Failure> {
        let named = match card {
            PaidWith::Card { pan, expiry } => {
                let card = self.given_card(project, pan, None)?;
                let summary = card.summary(holder, expiry);
                return Ok((Ok(card), summary));
            }
            PaidWith::Token(token) => Named::Token(token),
            PaidWith::Saved(id) => Named::Saved(id),
        };
        Ok((Err(named), not_looked_up(holder)))
    }

    /// The verification value as the store keeps it; what is declined at once needs none.
    pub(crate) fn kept_cvv(
        &self,
        cvv: Option<&Cvv>,
        ids: Ids,
        changes: &ChangeSet,
    ) -> Result<Option<(OperationId, Sealed)>, Failure> {
        let is_open = changes.operations.first().is_some_and(|write| !write.record().status.is_final());
        let Some(cvv) = cvv.filter(|_| is_open) else { return Ok(None) };
        let sealed = self.vault.seal_cvv(ids.operation, cvv);
        let sealed = sealed.map_err(|error| Failure::Vault(error.to_string()))?;
        Ok(Some((ids.operation, sealed)))
    }
}
