//! Payments by the tokens of wallets come in: a token is opened with the project's keys and becomes a card.

use crate::{
    card_payment::CardOrder,
    engine::Engine,
    failure::Failure,
    intake::{Intake, Origin, fault_plan, given},
    projects::KnownProject,
    wallet_tokens::{OpenedToken, SessionFault, SessionOrder, TokenFault, WalletTokens},
};
use ferropay_domain::{
    card::DeviceWallet,
    decide::{CardCommand, WalletFacts},
    ids::OperationId,
    payment::{CardRequest, NetworkToken},
};
use ferropay_wire::{
    gate::{ApplePaySession, WalletPayment, three_ds_data},
    json::Value,
};
use std::sync::Arc;
use zeroize::Zeroizing;

impl Engine {
    /// Tokens of wallets are opened by `opener` from now on.
    pub fn open_tokens_with(&self, opener: Arc<dyn WalletTokens>) {
        *self.wallets.write() = Some(opener);
    }

    /// Accepts a purchase in one step or two, or a verification, by a wallet's token (G-465). A token that is not what it
    /// should be is refused at once, and so is one that was used before: nothing is created.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn wallet_payment(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: WalletPayment,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        // An equal request is the first one, although its token may have expired since (G-055).
        let first = self.resent(project, head, self.moment(project)).await?;
        if let Some(first) = first {
            return Ok(Intake::Accepted(first));
        }
        let wallet = request.wallet;
        let opened = match self.opened(project, wallet, &request.token).await? {
            Ok(opened) => opened,
            Err(why) => return Ok(why),
        };
        let OpenedToken { id, pan, expiry, holder, proof, confirmed } = opened;
        let ids = self.ids_for_decision();
        let card = self.given_card(project, pan, None)?;
        let (mut particulars, mut three_ds) = (request.request, request.three_ds);
        // Where the device proves nothing the issuer is asked, as with any card.
        let range = match &proof {
            Some(_) => None,
            None => self.range_facts(project, &card.pan, ids.operation, &three_ds),
        };
        if range.is_some() {
            three_ds.data = three_ds_data(request.kind, body);
        }
        if let Some(proof) = proof {
            let token = NetworkToken { wallet: Some(wallet), cryptogram: proof.cryptogram, eci: proof.eci };
            particulars.network_token = Some(Box::new(token));
            self.seal_cryptogram(ids.operation, &mut particulars)?;
        }
        let command = CardCommand {
            registration: request.registration.map(|terms| Box::new(self.registration(terms))),
            head,
            kind: request.kind,
            payment_id: request.payment_id,
            amount: request.amount,
            card: card.summary(holder, Some(expiry)),
            has_cvv: false,
            request: particulars,
            three_ds,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            booking: request.booking,
            has_booking_dates: request.has_booking_dates,
            given: given(&project.project, request.kind, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let wallet = Some(Box::new(WalletFacts { wallet, token_id: id, confirmed }));
        let recipient = self.recipient(&project.project, request.recipient.as_ref());
        let order = CardOrder { command, range, recipient, wallet, ids, card, customer: None };
        Box::pin(self.accept(project, ids.payment, head, &order)).await
    }

    /// Seals the cryptogram that came with a number that stands for a card, if one did.
    pub(crate) fn seal_cryptogram(
        &self,
        operation: OperationId,
        request: &mut CardRequest,
    ) -> Result<(), Failure> {
        let Some(token) = request.network_token.as_deref_mut() else { return Ok(()) };
        let sealed = self.vault.seal_proof(operation, &token.cryptogram);
        token.cryptogram = sealed.map_err(|error| Failure::Vault(error.to_string()))?;
        Ok(())
    }

    /// What a token holds, or why it is not taken.
    async fn opened(
        &self,
        project: &KnownProject,
        wallet: DeviceWallet,
        token: &str,
    ) -> Result<Result<OpenedToken, Intake>, Failure> {
        let opener = self.wallets.read().clone();
        let Some(opener) = opener else { return Ok(Err(Intake::NotSetUp)) };
        if !opener.is_token(token) {
            return Ok(Err(Intake::BadToken(TokenFault::Malformed("it is no token"))));
        }
        let Some(keys) = self.wallet_keys(project, wallet).await? else { return Ok(Err(Intake::NotSetUp)) };
        // Tokens are made by clocks outside, also in test projects.
        match opener.open(wallet, &keys, token, self.clock.now()) {
            Ok(content) => Ok(Ok(content)),
            Err(TokenFault::Keys(reason)) => Err(Failure::Vault(reason)),
            Err(fault) => {
                let project = project.project.id.get();
                tracing::info!(project, wallet = wallet.name(), %fault, "a payment token is refused");
                Ok(Err(Intake::BadToken(fault)))
            }
        }
    }

    /// Whether the project has been given keys of the wallet.
    ///
    /// # Errors
    /// The store cannot say.
    pub async fn takes_wallet(&self, project: &KnownProject, wallet: DeviceWallet) -> Result<bool, Failure> {
        Ok(self.store.wallet_keys(project.project.id, wallet).await?.is_some())
    }

    async fn wallet_keys(
        &self,
        project: &KnownProject,
        wallet: DeviceWallet,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let id = project.project.id;
        for is_second in [false, true] {
            let Some(sealed) = self.store.wallet_keys(id, wallet).await? else { break };
            let opened = self.vault.open_wallet_keys(id, wallet, &sealed);
            if let Some(keys) = self.unsealed(opened, is_second).await? {
                return Ok(Some(keys));
            }
        }
        Ok(None)
    }

    /// Opens a payment session of Apple Pay (G-464): the wallet's answer as JSON text. None when the project has no keys
    /// of the wallet.
    ///
    /// # Errors
    /// The store cannot be read, or the keys cannot be opened.
    pub async fn apple_pay_session(
        &self,
        project: &KnownProject,
        request: ApplePaySession,
    ) -> Result<Option<Result<String, SessionFault>>, Failure> {
        let opener = self.wallets.read().clone();
        let Some(opener) = opener else { return Ok(None) };
        // What the address is, is a matter of the request; what the project has, of its settings.
        if !opener.is_gateway(project.project.environment, &request.validation_url) {
            return Ok(Some(Err(SessionFault::Address)));
        }
        let keys = self.wallet_keys(project, DeviceWallet::ApplePay).await?;
        let Some(keys) = keys else { return Ok(None) };
        let order = SessionOrder {
            environment: project.project.environment,
            validation_url: request.validation_url,
            domain_name: request.domain_name,
            display_name: request.display_name,
        };
        Ok(Some(opener.session(&keys, order).await))
    }
}
