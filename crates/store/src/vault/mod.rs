//! Secrets at rest: cards, card verification values and project secrets, sealed with AES-256-GCM.

/// A sealed value: which key, and nonce, ciphertext and tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Number of the key it is sealed with.
    pub key: u32,
    /// Nonce (12 bytes), ciphertext, tag (16 bytes).
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed(key {}, {} bytes)", self.key, self.bytes.len())
    }
}
