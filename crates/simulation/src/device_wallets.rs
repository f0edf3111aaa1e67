//! Purchases by the tokens of wallets on customers' devices. The tokens are plain text here: what opens real ones, and what
//! of them it refuses, is tested where it is made.

use crate::{
    asking::{Asked, Kind},
    bodies,
    cast::Merchant,
    seen::Seen,
    world::World,
};
use ferropay_domain::{
    card::{DeviceWallet, Expiry, Pan},
    ids::RequestId,
    money::Currency,
    project::Environment,
    time::Timestamp,
};
use ferropay_engine::{
    connector::Eventually,
    wallet_tokens::{OpenedToken, SessionFault, SessionOrder, TokenFault, TokenProof, WalletTokens},
};
use ferropay_store::{Store, vault::Vault};
use serde_json::{Value, json};

/// What a project's keys are.
const KEYS: &[u8] = b"keys of a wallet";

/// A cryptogram of the length that devices make.
const CRYPTOGRAM: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What is asked for by a token, or of a payment or a series that began with one.
const ENDPOINTS: [&str; 16] = [
    "payment/applepay/sale",
    "payment/applepay/auth",
    "payment/applepay/account_verification",
    "payment/applepay/capture",
    "payment/applepay/cancel",
    "payment/applepay/refund",
    "payment/applepay/recurring",
    "payment/applepay/recurring/cancel",
    "payment/googlepay/sale",
    "payment/googlepay/auth",
    "payment/googlepay/account_verification",
    "payment/googlepay/capture",
    "payment/googlepay/cancel",
    "payment/googlepay/refund",
    "payment/googlepay/recurring",
    "payment/googlepay/recurring/cancel",
];

/// `step` of a wallet as it is asked for; none when it has no such endpoint.
pub(crate) fn kind_of(wallet: DeviceWallet, step: &str) -> Option<Kind> {
    let of_wallet = match wallet {
        DeviceWallet::ApplePay => "payment/applepay/",
        DeviceWallet::GooglePay => "payment/googlepay/",
    };
    let is_asked = |name: &&&'static str| name.strip_prefix(of_wallet) == Some(step);
    ENDPOINTS.iter().find(is_asked).map(|name| Kind::ByWallet(name))
}

/// A purchase in one step or two, or a verification, by a token; seldom by one that was made for something else, or that
/// has been used.
pub(crate) fn payment(world: &World, merchant: &Merchant) -> Option<Asked> {
    let wallet = *world.dice.pick(DeviceWallet::ALL)?;
    let step = world.dice.weighted(&[(60, "sale"), (30, "auth"), (10, "account_verification")], "sale");
    let minor = if step == "account_verification" { 0 } else { bodies::amount(world) };
    let currency = bodies::currency(world, merchant);
    let (payment, mut body) = bodies::new_purchase(world, merchant, (minor, currency));
    let used = used_with(world, merchant).filter(|_| world.dice.chance(8));
    let members = body.as_object_mut()?;
    members.remove("card");
    let token = used.unwrap_or_else(|| token(world, wallet, minor, currency));
    members.insert("etoken".to_owned(), json!({ "token": token }));
    Some(bodies::asked(merchant, kind_of(wallet, step)?, payment, &body))
}

/// A token of a customer's device: `device.WALLET.ID.PAN.MINOR.CURRENCY.PROOF`.
fn token(world: &World, wallet: DeviceWallet, minor: i64, currency: &str) -> String {
    let id = world.dice.between(1, u64::MAX / 2);
    let pan = world.dice.pick(&bodies::CARDS).copied().unwrap_or("4000000000000077");
    let confirmed = minor.saturating_add(i64::from(world.dice.chance(2)));
    // Google Pay gives a card's own number, too, which proves nothing.
    let proves = wallet == DeviceWallet::ApplePay || world.dice.chance(60);
    let (of, proof) = (wallet.number(), if proves { "proof" } else { "none" });
    format!("device.{of}.{id}.{pan}.{confirmed}.{currency}.{proof}")
}

/// Some token that a merchant has paid with.
fn used_with(world: &World, merchant: &Merchant) -> Option<String> {
    let asked = world.asked.lock();
    let own = asked.iter().filter(|it| it.project == merchant.id && !it.accepted.is_empty());
    let tokens: Vec<String> = own.filter_map(token_of).collect();
    world.dice.pick(&tokens).cloned()
}

/// The token that a request pays with.
fn token_of(asked: &Asked) -> Option<String> {
    let Kind::ByWallet(_) = asked.kind else { return None };
    let body: Value = serde_json::from_str(&asked.body).ok()?;
    body.pointer("/etoken/token")?.as_str().map(str::to_owned)
}

/// What is wrong when a request by a token has begun something as `id`: another one has, with the same token (G-465).
pub(crate) fn used_twice(all: &[Asked], seen: &Seen, asked: &Asked, id: RequestId) -> Option<String> {
    let token = token_of(asked)?;
    // A request that is taken only to be told what is wrong with it begins nothing.
    let begins = |id: &RequestId| seen.requests.get(id).is_some_and(|row| row.problems.is_empty());
    let other = all.iter().filter(|_| begins(&id)).find(|it| {
        let is_another = it.accepted.iter().any(|accepted| *accepted != id && begins(accepted));
        is_another && it.project == asked.project && token_of(it).as_ref() == Some(&token)
    });
    other.map(|other| format!("the token of request {id} was taken for {:?}, too", other.accepted))
}

/// Gives a project keys of both wallets.
pub(crate) async fn give_keys(store: &dyn Store, vault: &Vault, merchant: &Merchant) -> Result<(), String> {
    for wallet in DeviceWallet::ALL {
        let sealed = vault.seal_wallet_keys(merchant.id, *wallet, KEYS).map_err(|error| error.to_string())?;
        let saved = store.save_wallet_keys(merchant.id, *wallet, Some(sealed)).await;
        saved.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Opens the tokens.
pub(crate) struct Tokens;

impl Tokens {
    fn read(wallet: DeviceWallet, token: &str) -> Option<OpenedToken> {
        let mut parts = token.strip_prefix(&format!("device.{}.", wallet.number()))?.split('.');
        let mut next = || parts.next();
        let (id, pan, minor, currency, proof) = (next()?, next()?, next()?, next()?, next()?);
        Some(OpenedToken {
            id: id.to_owned(),
            pan: Pan::parse(pan).ok()?,
            expiry: Expiry { year: 2030, month: 12 },
            holder: None,
            proof: (proof == "proof")
                .then(|| TokenProof { cryptogram: CRYPTOGRAM.to_owned(), eci: Some("05".to_owned()) }),
            confirmed: Some((minor.parse().ok()?, Currency::parse(currency).ok()?)),
        })
    }
}

impl WalletTokens for Tokens {
    fn is_token(&self, token: &str) -> bool {
        token.starts_with("device.")
    }

    fn open(
        &self,
        wallet: DeviceWallet,
        keys: &[u8],
        token: &str,
        _now: Timestamp,
    ) -> Result<OpenedToken, TokenFault> {
        if keys != KEYS {
            return Err(TokenFault::Misdirected);
        }
        Self::read(wallet, token).ok_or(TokenFault::Malformed("it is another wallet's"))
    }

    fn is_gateway(&self, _environment: Environment, _url: &str) -> bool {
        false
    }

    fn session<'a>(
        &'a self,
        _keys: &'a [u8],
        _order: SessionOrder,
    ) -> Eventually<'a, Result<String, SessionFault>> {
        Box::pin(async { Err(SessionFault::Address) })
    }
}
