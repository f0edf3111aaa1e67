//! What a provider is told of an attempt.

use crate::{
    connector::{Connector, MethodOrder, Order, OrderCard, PersonName, StoredCredential},
    engine::Engine,
    failure::Failure,
    originals::original,
    projects::KnownProject,
    provider_work::Carried,
};
use ferropay_domain::{
    card::{CardSummary, Pan, comparable_name},
    ids::ProjectId,
    payment::{Ask, Authentication, Customer, MethodPayment},
    series::SeriesKind,
};
use ferropay_store::{Scene, vault::VaultError};

impl Engine {
    pub(crate) async fn order(
        &self,
        carried: &Carried,
        connector: &dyn Connector,
        repeat: bool,
    ) -> Result<Order, Failure> {
        let Scene { payment, operation, attempt, .. } = &carried.scene;
        debug_assert_eq!(connector.account(), attempt.account);
        let detail = &operation.detail;
        let mut card_request = detail.card.as_deref().cloned().unwrap_or_default();
        let token = card_request.network_token.as_deref_mut();
        if let Some(token) = token.filter(|token| !token.cryptogram.is_empty()) {
            let open = || self.vault.open_proof(operation.id, &token.cryptogram);
            token.cryptogram = match self.unsealed(open(), false).await? {
                Some(opened) => opened,
                None => open().map_err(|error| Failure::Vault(error.to_string()))?,
            };
        }
        Ok(Order {
            attempt: attempt.id,
            ask: attempt.ask,
            amount: attempt.amount,
            created_at: attempt.created_at,
            repeat,
            card: self.order_card(carried, repeat).await?,
            original: original(&carried.scene),
            authentication: detail.authentication.as_deref().and_then(Authentication::proof),
            name: card_request.name_check.then(|| checked_name(&payment.detail.customer)),
            credential: stored_credential(&carried.scene),
            card_request,
            method: self.method_order(&carried.project, &carried.scene),
            fault_plan: detail.fault_plan.clone(),
            correspondence: self.correspondence(&carried.project, payment, Some(attempt.id)),
        })
    }

    /// What the connector needs to know of a payment by a method.
    fn method_order(&self, project: &KnownProject, scene: &Scene) -> Option<Box<MethodOrder>> {
        let Scene { payment, operation, attempt, .. } = scene;
        let MethodPayment { method, .. } = payment.detail.method.as_deref()?;
        let customer = &payment.detail.customer;
        let known = [
            ("customer.id", &customer.id),
            ("customer.ip_address", &customer.ip_address),
            ("customer.phone", &customer.phone),
            ("customer.email", &customer.email),
            ("customer.first_name", &customer.first_name),
            ("customer.middle_name", &customer.middle_name),
            ("customer.last_name", &customer.last_name),
        ];
        let mut data = payment.detail.supplied.clone();
        data.extend(known.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value.clone()?))));
        let reason = operation.detail.description.as_ref().filter(|text| !text.is_empty());
        let account = attempt.account.get();
        Some(Box::new(MethodOrder {
            method: *method,
            shop: format!("{} ({})", project.name, project.project.id),
            payment_id: payment.id.as_str().to_owned(),
            data,
            description: reason.unwrap_or(&payment.detail.description).clone(),
            return_url: self.return_address(attempt.id),
            notification_url: format!("{}/providers/{account}/notices", self.public_url),
            expires_at: attempt.created_at.plus(project.project.method_threshold(*method)),
        }))
    }

    /// The number of a card, from the vault.
    pub(crate) async fn card_number(&self, project: ProjectId, card: &CardSummary) -> Result<Pan, Failure> {
        for is_second in [false, true] {
            let Some(sealed) = self.store.card(project, card.key).await? else { break };
            let opened = self.vault.open_card(project, card.key, &sealed);
            if let Some(pan) = self.unsealed(opened, is_second).await? {
                return Ok(pan);
            }
        }
        Err(Failure::Vault("a card is missing".to_owned()))
    }

    /// What was opened. None where it is sealed with a key that this node does not know: keys were replaced a moment ago, and
    /// have been read anew, once; what is sealed has to be read anew, too.
    pub(crate) async fn unsealed<T>(
        &self,
        opened: Result<T, VaultError>,
        is_second: bool,
    ) -> Result<Option<T>, Failure> {
        let failed = |error: VaultError| Failure::Vault(error.to_string());
        match opened {
            Err(VaultError::NoKey(_)) if !is_second => {
                self.vault.refresh(self.store.as_ref()).await.map_err(failed)?;
                Ok(None)
            }
            opened => opened.map(Some).map_err(failed),
        }
    }

    /// The card of an order. A repeat, and what undoes, are recognised without the verification value: where its key was
    /// destroyed, as it is after a while on purpose, they go without.
    async fn order_card(&self, carried: &Carried, repeat: bool) -> Result<Option<OrderCard>, Failure> {
        let Scene { payment, operation, attempt, .. } = &carried.scene;
        let Some(card) = payment.card_of(operation.id) else { return Ok(None) };
        let vault_failed = |error: VaultError| Failure::Vault(error.to_string());
        let pan = match &carried.cards.pan {
            Some(pan) => pan.clone(),
            None => self.card_number(payment.project, card).await?,
        };
        let cvv = match &carried.cards.cvv {
            Some(cvv) => Some(cvv.clone()),
            None if attempt.ask.takes_cvv() => match self.store.cvv(operation.id).await? {
                Some(sealed) => match self.vault.open_cvv(operation.id, &sealed) {
                    Err(VaultError::NoKey(_)) if repeat => None,
                    opened => Some(opened.map_err(vault_failed)?),
                },
                None => None,
            },
            None => None,
        };
        Ok(Some(OrderCard { pan, expiry: card.expiry, cvv, holder: card.holder.clone() }))
    }
}

/// What the networks want to know of credentials that are stored, or will be, here or by the merchant (G-106, G-360).
fn stored_credential(scene: &Scene) -> Option<Box<StoredCredential>> {
    if let Some(series) = scene.series.as_deref() {
        let (kind, scheme_id) = (series.kind, series.detail.scheme_id.clone());
        return Some(Box::new(StoredCredential { kind, is_first: false, scheme_id }));
    }
    if let Some(stored) = scene.operation.detail.card.as_deref().and_then(|card| card.stored.as_deref()) {
        let scheme_id = stored.scheme_id.clone().unwrap_or_default();
        let is_first = !stored.is_debit();
        return Some(Box::new(StoredCredential { kind: stored.series(), is_first, scheme_id }));
    }
    // A provider takes an agreement with a purchase or by itself, and with nothing else.
    if !matches!(scene.attempt.ask, Ask::Sale | Ask::Auth | Ask::Verify) {
        return None;
    }
    let one_click =
        |is_first| StoredCredential { kind: SeriesKind::OneClick, is_first, scheme_id: String::new() };
    let with = scene.payment.detail.method.as_deref();
    if with.is_some_and(|with| with.consent.is_some()) {
        return Some(Box::new(one_click(false)));
    }
    let asked = scene.operation.detail.series.as_deref().and_then(|series| series.registration.as_ref());
    let credential = match asked {
        Some(asked) => StoredCredential { kind: asked.kind, is_first: true, scheme_id: String::new() },
        None if with.is_some_and(MethodPayment::asks_for_consent) => one_click(true),
        None => return None,
    };
    Some(Box::new(credential))
}

/// A name in the form in which networks compare it (G-236).
fn checked_name(customer: &Customer) -> PersonName {
    let part = |text: &Option<String>| text.as_deref().map(comparable_name).unwrap_or_default();
    PersonName {
        first: part(&customer.first_name),
        middle: part(&customer.middle_name),
        last: part(&customer.last_name),
    }
}
