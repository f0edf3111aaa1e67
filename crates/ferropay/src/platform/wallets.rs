//! Apple Pay and Google Pay: who opens tokens, and the sandbox's keys.

use anyhow::{Context, Result};
use ferropay_domain::{card::DeviceWallet, ids::ProjectId};
use ferropay_engine::Engine;
use ferropay_providers::etoken::{AppleDocument, AppleKeys, GoogleDocument, GoogleKeys, Wallets};
use ferropay_simulators::wallets::Handle;
use ferropay_store::vault::Vault;
use std::sync::Arc;

/// Opens tokens with the projects' keys. In a sandbox payment sessions of test projects may be opened at its simulator.
pub(crate) fn connect(engine: &Engine, simulators: Option<&str>) {
    engine.open_tokens_with(Arc::new(Wallets::new(simulators.map(str::to_owned))));
}

/// Gives the sandbox's project the keys that its simulated wallets have issued at this start. Keys of other wallets,
/// which somebody has put there, stay.
pub(crate) async fn prepare_sandbox(
    engine: &Engine,
    vault: &Vault,
    project: u32,
    wallets: &Handle,
) -> Result<()> {
    let id = ProjectId::new(i64::from(project));
    let (apple, google) = (wallets.apple_keys(), wallets.google_keys());
    let merchant = apple.merchant_id.clone();
    let apple = AppleDocument {
        merchant_id: apple.merchant_id,
        processing_keys: vec![apple.processing_key],
        roots: apple.root,
        identity: Some(apple.identity),
        gateway_authorities: None,
    };
    let recipient = google.recipient_id.clone();
    let google = GoogleDocument {
        recipient_id: google.recipient_id,
        gateway_merchant_id: Some(google.gateway_merchant_id),
        private_keys: vec![google.private_key],
        root_keys: google.root_keys,
    };
    let documents = [
        (DeviceWallet::ApplePay, serde_json::to_vec(&apple)?, merchant),
        (DeviceWallet::GooglePay, serde_json::to_vec(&google)?, recipient),
    ];
    for (wallet, document, whose) in documents {
        if let Some(sealed) = engine.store().wallet_keys(id, wallet).await? {
            let kept = vault.open_wallet_keys(id, wallet, &sealed)?;
            let known = match wallet {
                DeviceWallet::ApplePay => AppleKeys::read(&kept).map(|keys| keys.merchant_id),
                DeviceWallet::GooglePay => GoogleKeys::read(&kept).map(|keys| keys.recipient_id),
            };
            if known.is_ok_and(|known| known != whose) {
                continue;
            }
        }
        let sealed = vault.seal_wallet_keys(id, wallet, &document)?;
        let saved = engine.store().save_wallet_keys(id, wallet, Some(sealed)).await;
        saved.with_context(|| format!("the sandbox's keys of {} cannot be kept", wallet.name()))?;
    }
    Ok(())
}
