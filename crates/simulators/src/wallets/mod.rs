//! The wallets Apple Pay and Google Pay, as far as a merchant's server meets them: they issue keys, make payment tokens
//! and open payment sessions.
//!
//! A real token is made on a customer's device and sealed to the merchant's key. Here anybody asks for one by HTTP and
//! names the card it is to hold; what comes has the real format, real signatures and a certificate chain that ends at a
//! root of this simulator's own, so a platform that trusts that root cannot tell the difference. Keys are made anew
//! whenever the simulator starts.

mod apple;
mod asn1;
mod google;
mod server;

pub use server::router;

use crate::shared::clock::Clock;
use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::{AsDer, PublicKeyX509Der},
    rand,
};
use std::{fmt, sync::Arc};

/// The library refused to make a key, a certificate or a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused to {0}")]
pub struct Refused(&'static str);

/// What Apple's developer account hands to a merchant. PEM.
#[derive(Clone)]
pub struct AppleIssued {
    /// The merchant's identifier.
    pub merchant_id: String,
    /// Private key of the payment processing certificate.
    pub processing_key: String,
    /// Certificate and private key of the merchant's identity.
    pub identity: String,
    /// The root that tokens' signers come from.
    pub root: String,
}

/// What Google's console hands to a merchant.
#[derive(Clone)]
pub struct GoogleIssued {
    /// Whom tokens are made for.
    pub recipient_id: String,
    /// The merchant's identifier at that gateway.
    pub gateway_merchant_id: String,
    /// The merchant's private key, PEM.
    pub private_key: String,
    /// The root signing keys as they are published.
    pub root_keys: String,
}

/// What a token is to hold.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Number of the card or device.
    pub pan: String,
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// Minor units; what the customer confirms (Apple Pay).
    pub amount: i64,
    /// ISO 4217, number (Apple Pay).
    pub currency: u16,
    /// The card's own number, without a cryptogram (Google Pay).
    pub pan_only: bool,
}

/// The wallets; clones are the same ones.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    clock: Clock,
    apple: apple::Apple,
    google: google::Google,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    /// Wallets with keys of their own, and a merchant at each.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn new(clock: Clock) -> Result<Self, Refused> {
        Ok(Self(Arc::new(Inner { clock, apple: apple::Apple::new()?, google: google::Google::new()? })))
    }

    /// What the merchant gets of Apple.
    pub fn apple_keys(&self) -> AppleIssued {
        self.0.apple.issued()
    }

    /// What the merchant gets of Google.
    pub fn google_keys(&self) -> GoogleIssued {
        self.0.google.issued()
    }

    /// A token of Apple Pay: the text of `paymentData`.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn apple_token(&self, wish: &Wish) -> Result<String, Refused> {
        self.0.apple.token(wish, self.now())
    }

    /// A token of Google Pay: the text of `tokenizationData.token`.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn google_token(&self, wish: &Wish) -> Result<String, Refused> {
        self.0.google.token(wish, self.now())
    }

    fn now(&self) -> i64 {
        (self.0.clock)()
    }
}

/// So many random bytes.
fn random<const N: usize>() -> Result<[u8; N], Refused> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Refused("draw random bytes"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|it| char::from_digit(it.into(), 16))
        .collect()
}

/// A key made for one token, and the secret it agrees on with the merchant's.
struct Ephemeral {
    point: Vec<u8>,
    info: Vec<u8>,
    secret: Vec<u8>,
}

impl Ephemeral {
    fn with(merchant: &[u8]) -> Result<Self, Refused> {
        const WHY: Refused = Refused("agree on a secret");
        let own = PrivateKey::generate(&ECDH_P256).map_err(|_| WHY)?;
        let public = own.compute_public_key().map_err(|_| WHY)?;
        let info: PublicKeyX509Der<'_> = public.as_der().map_err(|_| WHY)?;
        let merchant = UnparsedPublicKey::new(&ECDH_P256, merchant);
        let secret = agree(&own, merchant, WHY, |secret| Ok(secret.to_vec()))?;
        Ok(Self { point: public.as_ref().to_vec(), info: info.as_ref().to_vec(), secret })
    }
}

/// The indicator that a device sends with a card of this number.
fn eci(pan: &str) -> &'static str {
    if pan.starts_with('4') { "05" } else { "02" }
}
