//! What both wallets' tokens share: keys of the curve P-256, and the secret agreed on with them.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    digest::{SHA256, digest},
};
use ferropay_engine::wallet_tokens::TokenFault;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

/// What stands before the point in a public key of P-256 as certificates have it (`SubjectPublicKeyInfo`).
const KEY_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Bytes of a point that is not compressed.
const POINT: usize = 65;

/// A private key of P-256.
pub(super) struct Recipient {
    key: PrivateKey,
    /// SHA-256 of the public key in the form of [`KEY_INFO`].
    pub(super) hash: [u8; 32],
}

impl Recipient {
    /// Reads a key in PEM: PKCS #8 or the older form of elliptic curves. None when it is none, or of another curve.
    pub(super) fn from_pem(pem: &[u8]) -> Option<Self> {
        let der = PrivateKeyDer::from_pem_slice(pem).ok()?;
        let key = PrivateKey::from_private_key_der(&ECDH_P256, der.secret_der()).ok()?;
        let point = key.compute_public_key().ok()?;
        let info = [KEY_INFO.as_slice(), point.as_ref()].concat();
        let hash = digest(&SHA256, &info).as_ref().try_into().ok()?;
        Some(Self { key, hash })
    }

    /// The secret agreed on with whoever owns `point`; the library checks that the point lies on the curve.
    pub(super) fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, TokenFault> {
        let wrong = TokenFault::Malformed("the ephemeral key");
        if point.len() != POINT || point.first() != Some(&4) {
            return Err(wrong);
        }
        agree(&self.key, UnparsedPublicKey::new(&ECDH_P256, point), wrong, |secret| {
            Ok(Zeroizing::new(secret.to_vec()))
        })
    }
}

/// The point of a public key that is written as certificates have it; none when it is of another curve.
pub(super) fn point_of(info: &[u8]) -> Option<&[u8]> {
    info.strip_prefix(&KEY_INFO).filter(|point| point.len() == POINT && point.first() == Some(&4))
}
