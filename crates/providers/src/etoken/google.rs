//! Payment tokens of Google Pay, version `ECv2`.
//!
//! A root key of Google's signs a short-lived key, and that key signs the message; both signatures name sender, version
//! and content with their lengths, the second the recipient as well. The message is sealed to the recipient's key: from
//! the ephemeral key and the agreed secret HKDF-SHA256 makes one key for AES-256 in counter mode and one for the
//! HMAC-SHA256 over the sealed text. Inside stands the card: its own number, or that of the device with a cryptogram.

use super::{
    agreement::Recipient,
    base64, json_text,
    keys::{GoogleKeys, milliseconds},
    pan, proof,
};
use aws_lc_rs::{
    cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey},
    hkdf, hmac,
    iv::FixedLength,
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use ferropay_domain::{card::Expiry, time::Timestamp};
use ferropay_engine::wallet_tokens::{OpenedToken, TokenFault};
use serde::Deserialize;
use zeroize::Zeroizing;

/// The version of the protocol that is taken.
pub(super) const VERSION: &str = "ECv2";

/// Who signs.
const SENDER: &str = "Google";

/// More signatures of one short-lived key than this are not looked at.
const MOST_SIGNATURES: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    protocol_version: String,
    signature: String,
    #[serde(default)]
    intermediate_signing_key: Option<IntermediateKey>,
    signed_message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntermediateKey {
    signed_key: String,
    signatures: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedKey {
    key_value: String,
    key_expiration: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "encryptedMessage")]
    sealed: String,
    ephemeral_public_key: String,
    tag: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    gateway_merchant_id: Option<String>,
    message_expiration: String,
    message_id: String,
    payment_method: String,
    payment_method_details: Details,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    auth_method: String,
    pan: Zeroizing<String>,
    expiration_month: u8,
    expiration_year: u16,
    #[serde(default)]
    cryptogram: Option<Zeroizing<String>>,
    #[serde(default)]
    eci_indicator: Option<String>,
}

/// Opens a token with the project's keys at `now` (real time): the text of `tokenizationData.token`, also in Base64.
///
/// # Errors
/// [`TokenFault`]: the first rule that it breaks.
pub fn open(keys: &GoogleKeys, token: &str, now: Timestamp) -> Result<OpenedToken, TokenFault> {
    let token: Token = part(&json_text(token)?, "its members")?;
    match token.protocol_version.as_str() {
        VERSION => {}
        "ECv1" => return Err(TokenFault::Unsupported("ECv1, which is no longer made")),
        _ => return Err(TokenFault::Unsupported("its version")),
    }
    let intermediate = token.intermediate_signing_key.ok_or(TokenFault::Malformed("its members"))?;
    let point = check_intermediate(keys, &intermediate, now)?;
    let signature = base64(&token.signature, "the signature")?;
    let signed = with_lengths(&[SENDER, &keys.recipient_id, VERSION, &token.signed_message])?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(&signed, &signature)
        .map_err(|_| TokenFault::Forged("the signature"))?;

    let message: Message = part(&token.signed_message, "the signed message")?;
    let ephemeral = base64(&message.ephemeral_public_key, "the ephemeral key")?;
    let sealed = base64(&message.sealed, "the encrypted message")?;
    let tag = base64(&message.tag, "the tag")?;
    // Nothing in the token says which of the recipient's keys it was made for.
    let mut fault = TokenFault::Misdirected;
    for recipient in &keys.recipients {
        match unseal(recipient, &ephemeral, &sealed, &tag) {
            Ok(content) => return opened(&content, keys, now),
            Err(TokenFault::Misdirected) => {}
            Err(other) => fault = other,
        }
    }
    Err(fault)
}

/// Checks the short-lived key and answers it as a point.
fn check_intermediate(
    keys: &GoogleKeys,
    intermediate: &IntermediateKey,
    now: Timestamp,
) -> Result<Vec<u8>, TokenFault> {
    let signed = with_lengths(&[SENDER, VERSION, &intermediate.signed_key])?;
    let is_signed = intermediate.signatures.iter().take(MOST_SIGNATURES).any(|signature| {
        let Ok(signature) = base64(signature, "") else { return false };
        keys.roots.iter().filter(|root| root.is_valid_at(now)).any(|root| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &root.point).verify(&signed, &signature).is_ok()
        })
    });
    if !is_signed {
        return Err(TokenFault::Forged("the signer's key"));
    }
    let key: SignedKey = part(&intermediate.signed_key, "the signer's key")?;
    let expires = milliseconds(&key.key_expiration).ok_or(TokenFault::Malformed("the signer's key"))?;
    if now >= expires {
        return Err(TokenFault::Expired("the signer's key"));
    }
    let info = base64(&key.key_value, "the signer's key")?;
    let point = super::agreement::point_of(&info).ok_or(TokenFault::Unsupported("the signer's key"))?;
    Ok(point.to_vec())
}

/// What is signed: each part after its length in four bytes, the lowest first.
fn with_lengths(parts: &[&str]) -> Result<Vec<u8>, TokenFault> {
    let mut signed = Vec::new();
    for part in parts {
        let length = u32::try_from(part.len()).map_err(|_| TokenFault::Malformed("it is too long"))?;
        signed.extend_from_slice(&length.to_le_bytes());
        signed.extend_from_slice(part.as_bytes());
    }
    Ok(signed)
}

/// The length of the derived key material, bytes.
struct Both;

impl hkdf::KeyType for Both {
    fn len(&self) -> usize {
        64
    }
}

/// The content of a message. [`TokenFault::Misdirected`] when its tag does not fit: it was sealed to another key, or
/// was changed, which cannot be told apart.
fn unseal(
    recipient: &Recipient,
    ephemeral: &[u8],
    sealed: &[u8],
    tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TokenFault> {
    let broken = |_| TokenFault::Forged("its data do not open");
    let secret = recipient.agree(ephemeral)?;
    let material = Zeroizing::new([ephemeral, &secret].concat());
    let mut derived = Zeroizing::new([0; 64]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(&material)
        .expand(&[SENDER.as_bytes()], Both)
        .and_then(|keys| keys.fill(derived.as_mut()))
        .map_err(broken)?;
    let (key, mac) = derived.split_at(32);
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, mac), sealed, tag)
        .map_err(|_| TokenFault::Misdirected)?;
    let mut content = Zeroizing::new(sealed.to_vec());
    let key = UnboundCipherKey::new(&AES_256, key).and_then(DecryptingKey::ctr).map_err(broken)?;
    key.decrypt(&mut content, DecryptionContext::Iv128(FixedLength::from([0; 16]))).map_err(broken)?;
    Ok(content)
}

fn opened(content: &[u8], keys: &GoogleKeys, now: Timestamp) -> Result<OpenedToken, TokenFault> {
    let malformed = TokenFault::Malformed;
    let content: Content = serde_json::from_slice(content).map_err(|_| malformed("the payment data"))?;
    let expires = milliseconds(&content.message_expiration).ok_or(malformed("the time it expires"))?;
    if now >= expires {
        return Err(TokenFault::Expired("the message"));
    }
    // The key is the gateway's; whose customer confirmed stands here only.
    if keys.gateway_merchant_id.is_some() && keys.gateway_merchant_id != content.gateway_merchant_id {
        return Err(TokenFault::Misdirected);
    }
    let id = &content.message_id;
    if !(1..=255).contains(&id.len()) || id.chars().any(char::is_control) {
        return Err(malformed("the message's identifier"));
    }
    if content.payment_method != "CARD" {
        return Err(TokenFault::Unsupported("it holds no card"));
    }
    let details = content.payment_method_details;
    let cryptogram = details.cryptogram.as_deref().map(String::as_str);
    let proof = match (details.auth_method.as_str(), cryptogram) {
        ("PAN_ONLY", _) => None,
        ("CRYPTOGRAM_3DS", Some(cryptogram)) => Some(proof(cryptogram, details.eci_indicator.as_deref())?),
        ("CRYPTOGRAM_3DS", None) => return Err(malformed("there is no cryptogram")),
        _ => return Err(TokenFault::Unsupported("its way of authentication")),
    };
    let is_date =
        (1..=12).contains(&details.expiration_month) && (2000..=9999).contains(&details.expiration_year);
    if !is_date {
        return Err(malformed("the expiry date"));
    }
    Ok(OpenedToken {
        id: content.message_id,
        pan: pan(&details.pan)?,
        expiry: Expiry { year: details.expiration_year, month: details.expiration_month },
        holder: None,
        proof,
        confirmed: None,
    })
}

fn part<'a, T: Deserialize<'a>>(text: &'a str, name: &'static str) -> Result<T, TokenFault> {
    serde_json::from_str(text).map_err(|_| TokenFault::Malformed(name))
}
