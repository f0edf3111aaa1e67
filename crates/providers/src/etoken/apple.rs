//! Payment tokens of Apple Pay, version `EC_v1`.
//!
//! The device makes a key pair for this one token, agrees on a secret with the merchant's payment processing key,
//! derives a key by one round of SHA-256 (NIST SP 800-56A, with the wallet's name and the merchant's identifier) and
//! seals the payment data with AES-256-GCM under a vector of sixteen zero bytes. A certificate of Apple's signs the
//! ephemeral key, the sealed data, the transaction's identifier and the shop's own data together.

use super::{
    agreement::{Recipient, point_of},
    base64, cms, json_text,
    keys::AppleKeys,
    pan, proof,
};
use aes_gcm::{
    AesGcm, KeyInit as _, Nonce,
    aead::{Aead as _, consts::U16},
    aes::Aes256,
};
use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ferropay_domain::{card::Expiry, money::Currency, time::Timestamp};
use ferropay_engine::wallet_tokens::{OpenedToken, TokenFault};
use serde::Deserialize;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long before or after its signing a token is taken: devices' clocks differ, and a token older than this may have
/// been kept by somebody.
const WINDOW: Duration = Duration::from_mins(5);

#[derive(Deserialize)]
struct Token {
    version: String,
    data: String,
    signature: String,
    header: Header,
}

/// What pages get from the browser around the token proper.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wrapped {
    payment_data: Token,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    transaction_id: String,
    public_key_hash: String,
    #[serde(default)]
    ephemeral_public_key: String,
    #[serde(default)]
    application_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    application_primary_account_number: Zeroizing<String>,
    application_expiration_date: String,
    currency_code: String,
    transaction_amount: i64,
    #[serde(default)]
    cardholder_name: Option<String>,
    payment_data_type: String,
    payment_data: Payment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    #[serde(default)]
    online_payment_cryptogram: Option<Zeroizing<String>>,
    #[serde(default)]
    eci_indicator: Option<String>,
}

/// Opens a token with the project's keys at `now` (real time): the text of `paymentData`, also within the object that
/// the browser hands out, also in Base64.
///
/// # Errors
/// [`TokenFault`]: the first rule that it breaks.
pub fn open(keys: &AppleKeys, token: &str, now: Timestamp) -> Result<OpenedToken, TokenFault> {
    let token = read(&json_text(token)?)?;
    match token.version.as_str() {
        "EC_v1" => {}
        "RSA_v1" => return Err(TokenFault::Unsupported("RSA_v1, which is used in China only")),
        _ => return Err(TokenFault::Unsupported("its version")),
    }
    let header = token.header;
    let hash = base64(&header.public_key_hash, "the hash of the recipient's key")?;
    let recipient = keys.recipients.iter().find(|key| key.hash.as_slice() == hash);
    let recipient = recipient.ok_or(TokenFault::Misdirected)?;
    let ephemeral = base64(&header.ephemeral_public_key, "the ephemeral key")?;
    let point = point_of(&ephemeral).ok_or(TokenFault::Malformed("the ephemeral key"))?;
    let sealed = base64(&token.data, "the data")?;
    let transaction = hex(&header.transaction_id).filter(|id| (1..=64).contains(&id.len()));
    let transaction = transaction.ok_or(TokenFault::Malformed("the transaction's identifier"))?;
    let shop_data = hex(header.application_data.as_deref().unwrap_or_default());
    let shop_data = shop_data.ok_or(TokenFault::Malformed("the application data"))?;

    let signed = [ephemeral.as_slice(), &sealed, &transaction, &shop_data].concat();
    let signature = base64(&token.signature, "the signature")?;
    let signed_at = cms::verify(&signature, &signed, &keys.roots, now)?;
    if now.since(signed_at) > WINDOW || signed_at.since(now) > WINDOW {
        return Err(TokenFault::Expired("it was signed at another time"));
    }
    let content = unseal(recipient, point, &keys.merchant_hash, &sealed)?;
    // The bytes, so that one identifier is not two by the case of its letters.
    opened(&content, header.transaction_id.to_ascii_lowercase())
}

fn read(text: &str) -> Result<Token, TokenFault> {
    let wrapped = serde_json::from_str::<Wrapped>(text).map(|wrapped| wrapped.payment_data);
    wrapped.or_else(|_| serde_json::from_str(text)).map_err(|_| TokenFault::Malformed("its members"))
}

/// The payment data as text.
fn unseal(
    recipient: &Recipient,
    point: &[u8],
    merchant_hash: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TokenFault> {
    let secret = recipient.agree(point)?;
    let mut derivation = Context::new(&SHA256);
    for part in [&[0, 0, 0, 1], secret.as_slice(), b"\x0did-aes256-GCM", b"Apple", merchant_hash] {
        derivation.update(part);
    }
    let broken = || TokenFault::Forged("its data do not open");
    let key = derivation.finish();
    let cipher = AesGcm::<Aes256, U16>::new_from_slice(key.as_ref()).map_err(|_| broken())?;
    let content = cipher.decrypt(&Nonce::<U16>::default(), sealed).map_err(|_| broken())?;
    Ok(Zeroizing::new(content))
}

fn opened(content: &[u8], id: String) -> Result<OpenedToken, TokenFault> {
    let content: Content =
        serde_json::from_slice(content).map_err(|_| TokenFault::Malformed("the payment data"))?;
    if content.payment_data_type != "3DSecure" {
        return Err(TokenFault::Unsupported("payment data of a chip"));
    }
    let payment = content.payment_data;
    let cryptogram = payment.online_payment_cryptogram;
    let cryptogram = cryptogram.ok_or(TokenFault::Malformed("there is no cryptogram"))?;
    let currency = content.currency_code.parse().ok().and_then(|number| Currency::from_numeric(number).ok());
    let currency = currency.ok_or(TokenFault::Malformed("the currency"))?;
    Ok(OpenedToken {
        id,
        pan: pan(&content.application_primary_account_number)?,
        expiry: expiry(&content.application_expiration_date)
            .ok_or(TokenFault::Malformed("the expiry date"))?,
        holder: content
            .cardholder_name
            .map(|name| name.chars().filter(|it| !it.is_control()).collect::<String>())
            .filter(|name| !name.trim().is_empty()),
        proof: Some(proof(&cryptogram, payment.eci_indicator.as_deref())?),
        confirmed: Some((content.transaction_amount, currency)),
    })
}

/// `YYMMDD`.
fn expiry(text: &str) -> Option<Expiry> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u8>().ok();
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let month = number(2..4).filter(|month| (1..=12).contains(month))?;
    Some(Expiry { year: 2000 + u16::from(number(0..2)?), month })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The hash by which tokens name the recipient of a private key, Base64; none when it is no key of P-256 in PEM.
pub fn key_hash(pem: &str) -> Option<String> {
    Recipient::from_pem(pem.as_bytes()).map(|key| STANDARD.encode(key.hash))
}
