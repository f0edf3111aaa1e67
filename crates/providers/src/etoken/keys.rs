//! The keys of a project's wallets, as they are kept: JSON documents that the vault seals.

use super::agreement::{Recipient, point_of};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ferropay_domain::time::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKeys(pub &'static str);

/// Keys of Apple Pay, as they are kept. PEM texts may hold several blocks.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppleDocument {
    /// The merchant's identifier at Apple: `merchant.com.example`.
    pub merchant_id: String,
    /// Private keys of payment processing certificates, PEM; the newest and those it replaces.
    pub processing_keys: Vec<String>,
    /// Root certificates that tokens' signers come from, PEM.
    pub roots: String,
    /// Certificate chain and private key of the merchant's identity, PEM; only for payment sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Authorities the gateway's certificate comes from, PEM; the public ones when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_authorities: Option<String>,
}

/// Keys of Google Pay, as they are kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoogleDocument {
    /// Whom tokens are made for: `gateway:NAME`, or `merchant:NUMBER` where the merchant has keys of its own.
    pub recipient_id: String,
    /// The merchant's identifier at the gateway, which Google seals into the tokens made for it. A gateway has one
    /// recipient and one key for all its merchants: nothing else tells whose a token is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_merchant_id: Option<String>,
    /// Private keys, PEM; the newest and those it replaces.
    pub private_keys: Vec<String>,
    /// Google's root signing keys, as published: `{"keys":[…]}`.
    pub root_keys: String,
}

/// Keys of Apple Pay, ready for use.
pub struct AppleKeys {
    /// The merchant's identifier.
    pub merchant_id: String,
    pub(super) merchant_hash: [u8; 32],
    pub(super) recipients: Vec<Recipient>,
    pub(super) roots: Vec<TrustAnchor<'static>>,
    /// See [`AppleDocument::identity`].
    pub identity: Option<String>,
    /// See [`AppleDocument::gateway_authorities`].
    pub gateway_authorities: Option<String>,
}

impl fmt::Debug for AppleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppleKeys").field("merchant_id", &self.merchant_id).finish_non_exhaustive()
    }
}

impl AppleKeys {
    /// Reads a document.
    ///
    /// # Errors
    /// [`InvalidKeys`]: what of it cannot be used.
    pub fn read(document: &[u8]) -> Result<Self, InvalidKeys> {
        let document: AppleDocument =
            serde_json::from_slice(document).map_err(|_| InvalidKeys("the document cannot be read"))?;
        if document.merchant_id.is_empty() {
            return Err(InvalidKeys("the merchant's identifier is empty"));
        }
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(document.roots.as_bytes())
            .map(|certificate| {
                let certificate = certificate.map_err(|_| ())?;
                let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| ())?;
                Ok::<_, ()>(anchor.to_owned())
            })
            .collect();
        let roots = roots.map_err(|()| InvalidKeys("a root certificate cannot be read"))?;
        if roots.is_empty() {
            return Err(InvalidKeys("there is no root certificate"));
        }
        let identity = document.identity.as_deref().map(|pem| reqwest::Identity::from_pem(pem.as_bytes()));
        if identity.is_some_and(|identity| identity.is_err()) {
            return Err(InvalidKeys("the merchant's identity cannot be read"));
        }
        let merchant_hash = digest(&SHA256, document.merchant_id.as_bytes());
        Ok(Self {
            merchant_hash: merchant_hash.as_ref().try_into().map_err(|_| InvalidKeys("the identifier"))?,
            merchant_id: document.merchant_id,
            recipients: recipients(&document.processing_keys)?,
            roots,
            identity: document.identity,
            gateway_authorities: document.gateway_authorities,
        })
    }
}

/// A key that signs other keys.
pub(super) struct RootKey {
    pub(super) point: Vec<u8>,
    expires: Option<Timestamp>,
}

impl RootKey {
    pub(super) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// Keys of Google Pay, ready for use.
pub struct GoogleKeys {
    /// Whom tokens are made for.
    pub recipient_id: String,
    /// Which merchant of the gateway's, if it is one that tokens are made for.
    pub gateway_merchant_id: Option<String>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) roots: Vec<RootKey>,
}

impl fmt::Debug for GoogleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleKeys").field("recipient_id", &self.recipient_id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedKey {
    key_value: String,
    protocol_version: String,
    #[serde(default)]
    key_expiration: Option<String>,
}

impl GoogleKeys {
    /// Reads a document. Root keys of other protocol versions are passed over.
    ///
    /// # Errors
    /// [`InvalidKeys`]: what of it cannot be used.
    pub fn read(document: &[u8]) -> Result<Self, InvalidKeys> {
        let document: GoogleDocument =
            serde_json::from_slice(document).map_err(|_| InvalidKeys("the document cannot be read"))?;
        let named = document.recipient_id.split_once(':').filter(|(_, name)| !name.is_empty());
        match (named.map(|(kind, _)| kind), document.gateway_merchant_id.as_deref()) {
            (Some("gateway"), None | Some("")) => {
                return Err(InvalidKeys("the merchant's identifier at the gateway is missing"));
            }
            (Some("merchant"), Some(_)) => {
                return Err(InvalidKeys("there is a merchant of a gateway, but no gateway"));
            }
            (Some("gateway" | "merchant"), _) => {}
            _ => return Err(InvalidKeys("the recipient is not gateway:NAME or merchant:NUMBER")),
        }
        let unreadable = InvalidKeys("the root keys cannot be read");
        let published: Published = serde_json::from_str(&document.root_keys).map_err(|_| unreadable)?;
        let mut roots = Vec::new();
        for key in published.keys {
            if key.protocol_version != super::google::VERSION {
                continue;
            }
            let info = STANDARD.decode(&key.key_value).map_err(|_| unreadable)?;
            let expires = key.key_expiration.as_deref().map(milliseconds);
            roots.push(RootKey {
                point: point_of(&info).ok_or(unreadable)?.to_vec(),
                expires: expires.map(|moment| moment.ok_or(unreadable)).transpose()?,
            });
        }
        if roots.is_empty() {
            return Err(InvalidKeys("there is no root key of version ECv2"));
        }
        Ok(Self {
            recipient_id: document.recipient_id,
            gateway_merchant_id: document.gateway_merchant_id,
            recipients: recipients(&document.private_keys)?,
            roots,
        })
    }
}

/// A moment as Google writes it: milliseconds since 1970, as text.
pub(super) fn milliseconds(text: &str) -> Option<Timestamp> {
    let is_number = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(Timestamp::from_micros(text.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(1000)?))
}

fn recipients(pems: &[String]) -> Result<Vec<Recipient>, InvalidKeys> {
    let keys: Option<Vec<_>> = pems.iter().map(|pem| Recipient::from_pem(pem.as_bytes())).collect();
    keys.filter(|keys| !keys.is_empty())
        .ok_or(InvalidKeys("a private key is missing, cannot be read, or is not of the curve P-256"))
}
