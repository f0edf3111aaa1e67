//! `ferropay project etoken`: keys of Apple Pay and Google Pay.

use super::project::find;
use crate::{
    cli::{Etoken, Keys, Wallet},
    platform::files::{self, Opened},
};
use anyhow::{Context, Result};
use ferropay_domain::{card::DeviceWallet, ids::ProjectId};
use ferropay_providers::etoken::{AppleDocument, AppleKeys, GoogleDocument, GoogleKeys};
use std::path::{Path, PathBuf};

/// Runs a sub-command.
pub(crate) async fn run(command: Etoken) -> Result<()> {
    match command {
        Etoken::Apple {
            keys,
            project,
            merchant_id,
            processing_keys,
            root,
            identity,
            gateway_authorities,
        } => {
            let document = AppleDocument {
                merchant_id,
                processing_keys: texts(&processing_keys)?,
                roots: text(&root)?,
                identity: identity.as_deref().map(text).transpose()?,
                gateway_authorities: gateway_authorities.as_deref().map(text).transpose()?,
            };
            let document = serde_json::to_vec(&document)?;
            AppleKeys::read(&document)?;
            put(&keys, project, DeviceWallet::ApplePay, &document).await
        }
        Etoken::Google { keys, project, recipient, gateway_merchant_id, private_keys, root_keys } => {
            let document = GoogleDocument {
                recipient_id: recipient,
                gateway_merchant_id,
                private_keys: texts(&private_keys)?,
                root_keys: text(&root_keys)?,
            };
            let document = serde_json::to_vec(&document)?;
            GoogleKeys::read(&document)?;
            put(&keys, project, DeviceWallet::GooglePay, &document).await
        }
        Etoken::Show { keys, project } => show(&keys, project).await,
        Etoken::Remove { keys, project, wallet } => {
            let wallet = match wallet {
                Wallet::Apple => DeviceWallet::ApplePay,
                Wallet::Google => DeviceWallet::GooglePay,
            };
            let (opened, id) = open(&keys, project).await?;
            opened.store.save_wallet_keys(id, wallet, None).await?;
            println!("Project {id} takes no tokens of {} any more.", wallet.name());
            Ok(())
        }
    }
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn texts(paths: &[PathBuf]) -> Result<Vec<String>> {
    paths.iter().map(|path| text(path)).collect()
}

/// The database with its vault, and a project that is there.
async fn open(keys: &Keys, project: u32) -> Result<(Opened, ProjectId)> {
    let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
    let id = ProjectId::new(i64::from(project));
    find(opened.store.as_ref(), id).await?;
    Ok((opened, id))
}

async fn put(keys: &Keys, project: u32, wallet: DeviceWallet, document: &[u8]) -> Result<()> {
    let (opened, id) = open(keys, project).await?;
    let sealed = opened.vault.seal_wallet_keys(id, wallet, document)?;
    opened.store.save_wallet_keys(id, wallet, Some(sealed)).await?;
    println!("Project {id} takes tokens of {} from the next request on.", wallet.name());
    Ok(())
}

async fn show(keys: &Keys, project: u32) -> Result<()> {
    let (opened, id) = open(keys, project).await?;
    for wallet in DeviceWallet::ALL {
        let sealed = opened.store.wallet_keys(id, *wallet).await?;
        let Some(sealed) = sealed else {
            println!("{}: no keys", wallet.name());
            continue;
        };
        let document = opened.vault.open_wallet_keys(id, *wallet, &sealed)?;
        let whose = match wallet {
            DeviceWallet::ApplePay => AppleKeys::read(&document)?.merchant_id,
            DeviceWallet::GooglePay => {
                let keys = GoogleKeys::read(&document)?;
                let merchant = keys.gateway_merchant_id.map(|it| format!(" for its merchant {it}"));
                keys.recipient_id + &merchant.unwrap_or_default()
            }
        };
        println!("{}: keys of {whose}", wallet.name());
    }
    Ok(())
}
