//! Google's side: root keys, a merchant's key, tokens.

use super::{Ephemeral, GoogleIssued, Refused, Wish, eci, hex, random};
use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    encoding::{AsDer, PublicKeyX509Der},
    hkdf, hmac,
    iv::FixedLength,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

const RECIPIENT: &str = "gateway:ferropaysandbox";
/// The sandbox's merchant at that gateway.
const MERCHANT: &str = "sandbox";

pub(super) struct Google {
    root: EcdsaKeyPair,
    merchant: rcgen::KeyPair,
}

/// Length of the derived keys, bytes.
struct Keys;

impl hkdf::KeyType for Keys {
    fn len(&self) -> usize {
        64
    }
}

impl Google {
    pub(super) fn new() -> Result<Self, Refused> {
        let merchant = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256);
        Ok(Self { root: key()?, merchant: merchant.map_err(|_| Refused("make a key"))? })
    }

    pub(super) fn issued(&self) -> GoogleIssued {
        let root = info(&self.root).unwrap_or_default();
        GoogleIssued {
            recipient_id: RECIPIENT.to_owned(),
            gateway_merchant_id: MERCHANT.to_owned(),
            private_key: self.merchant.serialize_pem(),
            root_keys: json!({ "keys": [{ "keyValue": root, "protocolVersion": "ECv2" }] }).to_string(),
        }
    }

    pub(super) fn token(&self, wish: &Wish, now: i64) -> Result<String, Refused> {
        let in_milliseconds = |seconds: i64| now.saturating_add(seconds).saturating_mul(1000).to_string();
        let details = if wish.pan_only {
            json!({
                "authMethod": "PAN_ONLY",
                "pan": wish.pan,
                "expirationMonth": wish.month,
                "expirationYear": wish.year,
            })
        } else {
            json!({
                "authMethod": "CRYPTOGRAM_3DS",
                "pan": wish.pan,
                "expirationMonth": wish.month,
                "expirationYear": wish.year,
                "cryptogram": STANDARD.encode(random::<20>()?),
                "eciIndicator": eci(&wish.pan),
            })
        };
        let content = json!({
            "gatewayMerchantId": MERCHANT,
            "messageExpiration": in_milliseconds(3600),
            "messageId": format!("AH2Ejtd{}", hex(&random::<16>()?)),
            "paymentMethod": "CARD",
            "paymentMethodDetails": details,
        });
        let message = self.seal(&content.to_string())?;
        let intermediate = key()?;
        let signed_key =
            json!({ "keyValue": info(&intermediate)?, "keyExpiration": in_milliseconds(86_400) }).to_string();
        let token = json!({
            "protocolVersion": "ECv2",
            "signature": sign(&intermediate, &["Google", RECIPIENT, "ECv2", &message])?,
            "intermediateSigningKey": {
                "signedKey": signed_key,
                "signatures": [sign(&self.root, &["Google", "ECv2", &signed_key])?],
            },
            "signedMessage": message,
        });
        Ok(token.to_string())
    }

    fn seal(&self, content: &str) -> Result<String, Refused> {
        let refused = |_| Refused("seal a token");
        let ephemeral = Ephemeral::with(self.merchant.public_key_raw())?;
        let input = [ephemeral.point.as_slice(), &ephemeral.secret].concat();
        let mut keys = [0; 64];
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(&input)
            .expand(&[b"Google"], Keys)
            .and_then(|output| output.fill(&mut keys))
            .map_err(refused)?;
        let (cipher, mac) = keys.split_at(32);
        let mut sealed = content.as_bytes().to_vec();
        UnboundCipherKey::new(&AES_256, cipher)
            .and_then(EncryptingKey::ctr)
            .and_then(|key| {
                key.less_safe_encrypt(&mut sealed, EncryptionContext::Iv128(FixedLength::from([0; 16])))
            })
            .map_err(refused)?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, mac), &sealed);
        let message = json!({
            "encryptedMessage": STANDARD.encode(&sealed),
            "ephemeralPublicKey": STANDARD.encode(&ephemeral.point),
            "tag": STANDARD.encode(tag),
        });
        Ok(message.to_string())
    }
}

fn key() -> Result<EcdsaKeyPair, Refused> {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| Refused("make a key"))
}

fn info(key: &EcdsaKeyPair) -> Result<String, Refused> {
    let info: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| Refused("write a key"))?;
    Ok(STANDARD.encode(info.as_ref()))
}

/// A signature over texts, each after its length in four bytes, the lowest first; Base64.
fn sign(key: &EcdsaKeyPair, texts: &[&str]) -> Result<String, Refused> {
    let mut message = Vec::new();
    for text in texts {
        let length = u32::try_from(text.len()).map_err(|_| Refused("sign a text so long"))?;
        message.extend(length.to_le_bytes());
        message.extend(text.as_bytes());
    }
    let signature = key.sign(&SystemRandom::new(), &message).map_err(|_| Refused("sign a token"))?;
    Ok(STANDARD.encode(signature))
}
