//! Keys in memory and what is done with them.

use super::VaultError;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac, rand,
};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Random bytes from the operating system's generator.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(bytes.as_mut()).map_err(|_| VaultError::Library("draw random bytes"))?;
    Ok(bytes)
}

/// An AES-256-GCM key with a random nonce per use.
pub(super) struct AeadKey(LessSafeKey);

impl AeadKey {
    pub(super) fn new(raw: &[u8; 32]) -> Result<Self, VaultError> {
        UnboundKey::new(&AES_256_GCM, raw)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| VaultError::Library("take a key"))
    }

    /// Nonce, ciphertext and tag of `plain` for the record that `record` names.
    pub(super) fn seal(&self, record: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce = *random::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(record), &mut text)
            .map_err(|_| VaultError::Library("seal"))?;
        Ok([nonce.as_slice(), &text, tag.as_ref()].concat())
    }

    /// What [`seal`](Self::seal) sealed for the same record.
    pub(super) fn open(&self, record: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Broken)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length =
            self.0.open_in_place(nonce, Aad::from(record), &mut text).map_err(|_| VaultError::Broken)?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// What is derived from the master key, one key per purpose.
pub(super) struct Subkeys {
    wrapping: AeadKey,
    cards: hmac::Key,
    fingerprints: hmac::Key,
}

impl Subkeys {
    pub(super) fn derive(master: &[u8; 32]) -> Result<Self, VaultError> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master);
        let subkey = |purpose: &str| -> Result<Zeroizing<[u8; 32]>, VaultError> {
            let tag = hmac::sign(&master, purpose.as_bytes());
            let raw = <[u8; 32]>::try_from(tag.as_ref());
            raw.map(Zeroizing::new).map_err(|_| VaultError::Library("derive a key"))
        };
        let mac = |purpose| Ok::<_, VaultError>(hmac::Key::new(hmac::HMAC_SHA256, subkey(purpose)?.as_ref()));
        Ok(Self {
            wrapping: AeadKey::new(&*subkey("ferropay wrapping of data keys 1")?)?,
            cards: mac("ferropay card keys 1")?,
            fingerprints: mac("ferropay request fingerprints 1")?,
        })
    }

    pub(super) fn wrap(&self, number: u32, raw: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
        self.wrapping.seal(&number.to_be_bytes(), raw)
    }

    pub(super) fn unwrap(&self, number: u32, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let raw = self.wrapping.open(&number.to_be_bytes(), wrapped).map_err(|_| VaultError::WrongMaster)?;
        let raw: [u8; 32] = raw.as_slice().try_into().map_err(|_| VaultError::Broken)?;
        Ok(Zeroizing::new(raw))
    }

    /// The same for equal numbers of a project, and of no use without the master key.
    pub(super) fn card_key(&self, project: i64, digits: &[u8]) -> Uuid {
        let mut context = hmac::Context::with_key(&self.cards);
        context.update(&project.to_be_bytes());
        context.update(digits);
        uuid::Builder::from_custom_bytes(first_16(&context.sign())).into_uuid()
    }

    pub(super) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.fingerprints);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        first_16(&context.sign())
    }
}

fn first_16(tag: &hmac::Tag) -> [u8; 16] {
    let mut first = [0; 16];
    for (to, from) in first.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    first
}
