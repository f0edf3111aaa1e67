//! The mistakes clients make when they sign, each as a way to compute the signature they then send.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::canonical::Order;
use super::flatten::{Booleans, Nulls, Signatures, Style};
use super::place::Place;
use super::secret::Secret;

/// A deviation that reproduces a signature the platform does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mistake {
    /// The signature sits at this place instead of the endpoint's.
    WrongPlace(Place),
    /// The 64 bytes are written in hexadecimal.
    HexInsteadOfBase64,
    /// The hexadecimal text of the bytes is what was put into Base64.
    Base64OfHex,
    /// The URL-safe Base64 alphabet is used.
    UrlSafeBase64,
    /// The padding of the Base64 text is missing.
    NoPadding,
    /// White space surrounds the signature.
    SpaceAroundSignature,
    /// HMAC-SHA256 is used.
    Sha256,
    /// HMAC-SHA1 is used.
    Sha1,
    /// The string is hashed with SHA-512 without any key.
    NotKeyed,
    /// The string is hashed with SHA-512 with the secret appended.
    SecretAppended,
    /// The secret is decoded from hexadecimal before use.
    SecretDecodedFromHex,
    /// The secret is decoded from Base64 before use.
    SecretDecodedFromBase64,
    /// The secret has a line break after it.
    SecretWithLineBreak,
    /// The JSON text itself is signed.
    JsonTextSigned,
    /// The pairs are not sorted.
    NotSorted,
    /// A `;` follows the last pair.
    TrailingSeparator,
    /// White space around values is trimmed.
    ValuesTrimmed,
    /// Null is written as `None`.
    NullAsNone,
    /// Null is written as `null`.
    NullAsWord,
    /// Pairs with null are left out.
    NullLeftOut,
    /// Booleans are written as `true` and `false`.
    BooleansAsWords,
    /// Booleans are written as `True` and `False`.
    BooleansAsCapitalWords,
    /// False is written as nothing.
    FalseAsEmpty,
    /// An empty `signature` is signed with the rest.
    SignatureLeftIn,
    /// `frame_mode` is signed with the rest.
    FrameModeLeftIn,
    /// Keys are turned to lower case.
    LowerCaseKeys,
    /// Nesting is cut at depth 3.
    CutAtDepth3,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongPlace(Place::General) => {
                "the signature is in general, this endpoint expects it elsewhere"
            }
            Self::WrongPlace(Place::Customer) => {
                "the signature is in customer, this endpoint expects it elsewhere"
            }
            Self::WrongPlace(_) => "the signature is at the root, this endpoint expects it elsewhere",
            Self::HexInsteadOfBase64 => "the signature is hexadecimal instead of Base64",
            Self::Base64OfHex => {
                "the signature is the Base64 of the hexadecimal text instead of the raw bytes"
            }
            Self::UrlSafeBase64 => {
                "the signature uses the URL-safe Base64 alphabet instead of the standard one"
            }
            Self::NoPadding => "the signature lacks its Base64 padding",
            Self::SpaceAroundSignature => "white space surrounds the signature",
            Self::Sha256 => "HMAC-SHA256 is used instead of HMAC-SHA512",
            Self::Sha1 => "HMAC-SHA1 is used instead of HMAC-SHA512",
            Self::NotKeyed => "SHA-512 is used without the secret instead of HMAC-SHA512",
            Self::SecretAppended => {
                "SHA-512 of the string followed by the secret is used instead of HMAC-SHA512"
            }
            Self::SecretDecodedFromHex => "the secret is decoded from hexadecimal; its text is the key",
            Self::SecretDecodedFromBase64 => "the secret is decoded from Base64; its text is the key",
            Self::SecretWithLineBreak => "the secret is used with a line break after it",
            Self::JsonTextSigned => "the JSON text is signed instead of the canonical string",
            Self::NotSorted => "the pairs are not sorted",
            Self::TrailingSeparator => "a semicolon follows the last pair",
            Self::ValuesTrimmed => "white space around values is trimmed before signing",
            Self::NullAsNone => "null is written as None instead of as nothing",
            Self::NullAsWord => "null is written as null instead of as nothing",
            Self::NullLeftOut => "values that are null are left out",
            Self::BooleansAsWords => "booleans are written as true and false instead of 1 and 0",
            Self::BooleansAsCapitalWords => "booleans are written as True and False instead of 1 and 0",
            Self::FalseAsEmpty => "false is written as nothing instead of 0",
            Self::SignatureLeftIn => "an empty signature member is part of what is signed",
            Self::FrameModeLeftIn => "frame_mode is part of what is signed",
            Self::LowerCaseKeys => "keys are turned to lower case",
            Self::CutAtDepth3 => "objects and lists below three keys are signed as empty",
        })
    }
}

/// Mistakes in building the pairs.
pub(super) const IN_PAIRS: [Mistake; 11] = [
    Mistake::NullAsNone,
    Mistake::NullAsWord,
    Mistake::NullLeftOut,
    Mistake::BooleansAsWords,
    Mistake::BooleansAsCapitalWords,
    Mistake::FalseAsEmpty,
    Mistake::SignatureLeftIn,
    Mistake::FrameModeLeftIn,
    Mistake::ValuesTrimmed,
    Mistake::LowerCaseKeys,
    Mistake::CutAtDepth3,
];

/// `style` with one of [`IN_PAIRS`] made.
pub(super) fn mistaken(style: Style, mistake: Mistake, place: Place) -> Style {
    match mistake {
        Mistake::NullAsNone => Style { nulls: Nulls::Written("None"), ..style },
        Mistake::NullAsWord => Style { nulls: Nulls::Written("null"), ..style },
        Mistake::NullLeftOut => Style { nulls: Nulls::LeftOut, ..style },
        Mistake::BooleansAsWords => Style { booleans: Booleans::Words, ..style },
        Mistake::BooleansAsCapitalWords => Style { booleans: Booleans::CapitalWords, ..style },
        Mistake::FalseAsEmpty => Style { booleans: Booleans::PhpText, ..style },
        Mistake::SignatureLeftIn => Style { signatures: Signatures::BlankAt(place), ..style },
        Mistake::FrameModeLeftIn => Style { keep_frame_mode: true, ..style },
        Mistake::ValuesTrimmed => Style { trim: true, ..style },
        Mistake::LowerCaseKeys => Style { lower_case_keys: true, ..style },
        Mistake::CutAtDepth3 => Style { cut_at_depth_3: true, ..style },
        _ => style,
    }
}

/// Orders of the pairs a client may use, `None` for no sorting at all.
pub(super) fn orders() -> impl Iterator<Item = Option<Order>> {
    Order::ALL.into_iter().map(Some).chain([None])
}

/// Every way to read a signature text as bytes, with the mistake its spelling shows.
pub(super) fn spellings(given: &str) -> Vec<(Vec<Mistake>, Vec<u8>)> {
    let trimmed = given.trim();
    let mut around = Vec::new();
    if trimmed.len() < given.len() {
        around.push(Mistake::SpaceAroundSignature);
    }
    let mut found = Vec::new();
    let mut add = |mistakes: &[Mistake], bytes: Vec<u8>| {
        found.push((around.iter().chain(mistakes).copied().collect(), bytes));
    };
    if let Some(bytes) = from_hex(trimmed) {
        add(&[Mistake::HexInsteadOfBase64], bytes);
    }
    let alphabets: [(_, &[Mistake]); 4] = [
        (&STANDARD, &[]),
        (&STANDARD_NO_PAD, &[Mistake::NoPadding]),
        (&URL_SAFE, &[Mistake::UrlSafeBase64]),
        (&URL_SAFE_NO_PAD, &[Mistake::UrlSafeBase64, Mistake::NoPadding]),
    ];
    for (alphabet, mistakes) in alphabets {
        let Ok(bytes) = alphabet.decode(trimmed) else { continue };
        if let Some(inner) = std::str::from_utf8(&bytes).ok().and_then(from_hex) {
            let hex: Vec<_> = mistakes.iter().copied().chain([Mistake::Base64OfHex]).collect();
            add(&hex, inner);
        }
        add(mistakes, bytes);
    }
    found
}

/// A way to turn a message into a MAC: the mistakes made, and the computation.
pub(super) struct Hashing {
    pub(super) mistakes: Vec<Mistake>,
    function: Function,
}

enum Function {
    Hmac(Box<hmac::Key>),
    /// SHA-512 of the message and this suffix.
    Digest(zeroize::Zeroizing<Vec<u8>>),
}

impl Hashing {
    pub(super) fn of(&self, message: &[u8]) -> Vec<u8> {
        match &self.function {
            Function::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Function::Digest(suffix) => {
                let mut context = digest::Context::new(&digest::SHA512);
                context.update(message);
                context.update(suffix);
                context.finish().as_ref().to_vec()
            }
        }
    }

    /// All ways a client may hash with this secret; the right one first.
    pub(super) fn all(secret: &Secret) -> Vec<Self> {
        let text = secret.expose();
        let mut keys: Vec<(Option<Mistake>, zeroize::Zeroizing<Vec<u8>>)> =
            vec![(None, text.as_bytes().to_vec().into())];
        if let Some(bytes) = from_hex(text) {
            keys.push((Some(Mistake::SecretDecodedFromHex), bytes.into()));
        }
        if let Ok(bytes) = STANDARD.decode(text) {
            keys.push((Some(Mistake::SecretDecodedFromBase64), bytes.into()));
        }
        keys.push((Some(Mistake::SecretWithLineBreak), format!("{text}\n").into_bytes().into()));
        let algorithms = [
            (None, hmac::HMAC_SHA512),
            (Some(Mistake::Sha256), hmac::HMAC_SHA256),
            (Some(Mistake::Sha1), hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ];
        let mut all = Vec::new();
        for (key_mistake, key) in &keys {
            for (hash_mistake, algorithm) in algorithms {
                let mistakes = key_mistake.iter().copied().chain(hash_mistake).collect();
                all.push(Self {
                    mistakes,
                    function: Function::Hmac(Box::new(hmac::Key::new(algorithm, key))),
                });
            }
        }
        all.push(Self { mistakes: vec![Mistake::NotKeyed], function: Function::Digest(Vec::new().into()) });
        let appended = text.as_bytes().to_vec().into();
        all.push(Self { mistakes: vec![Mistake::SecretAppended], function: Function::Digest(appended) });
        all
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
