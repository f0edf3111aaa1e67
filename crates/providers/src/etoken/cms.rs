//! A detached signature with its certificates (CMS `SignedData`, RFC 5652), as Apple Pay tokens carry it.
//!
//! Only what such a signature has is read: one signer with signed attributes, certificates beside it, no content. The
//! certificate chain is checked by the library that checks TLS certificates; here stand the rules of the wallet: which
//! marks the two certificates bear, and that the attributes tell the content's digest and the time of signing.

use super::definite::definite;
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use der::{
    Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime},
};
use ferropay_domain::time::Timestamp;
use ferropay_engine::wallet_tokens::TokenFault;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, aws_lc_rs as algorithms};
use x509_cert::Certificate;

/// Mark of the certificate that signs tokens.
const LEAF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.6.29");
/// Mark of the authority that issues it.
const INTERMEDIATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.6.2.14");

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Algorithms the authorities may have signed certificates with.
const CHAIN: &[&dyn rustls_pki_types::SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
];

/// More certificates than this no wallet sends.
const MOST_CERTIFICATES: usize = 6;

const MALFORMED: TokenFault = TokenFault::Malformed("the signature");

/// Checks that `signature` is one over `content` by a certificate that comes from `roots`; answers when it was made.
pub(super) fn verify(
    signature: &[u8],
    content: &[u8],
    roots: &[TrustAnchor<'_>],
    now: Timestamp,
) -> Result<Timestamp, TokenFault> {
    let der = definite(signature).ok_or(MALFORMED)?;
    let parts = Parts::read(&der)?;
    let signer = parts.signer()?;
    check_chain(&parts, signer, roots, now)?;
    let attributes = Attributes::read(parts.attributes)?;
    if attributes.content_type != DATA {
        return Err(TokenFault::Unsupported("the type of what was signed"));
    }
    verify_slices_are_equal(digest(&SHA256, content).as_ref(), attributes.digest)
        .map_err(|_| TokenFault::Forged("something else was signed"))?;
    // What is signed is the set by itself; in the message it stands under another tag.
    let set = AnyRef::new(Tag::Set, parts.attributes).and_then(|set| set.to_der()).map_err(|_| MALFORMED)?;
    let certificate = CertificateDer::from(signer);
    EndEntityCert::try_from(&certificate)
        .and_then(|signer| signer.verify_signature(algorithms::ECDSA_P256_SHA256, &set, parts.signature))
        .map_err(|_| TokenFault::Forged("the signature"))?;
    Ok(attributes.signed_at)
}

/// The parts of a signature that matter.
struct Parts<'a> {
    certificates: Vec<&'a [u8]>,
    /// Issuer and serial number of the signer's certificate, encoded.
    signer_id: &'a [u8],
    attributes: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Result<Self, TokenFault> {
        let message = AnyRef::from_der(der).map_err(|_| MALFORMED)?;
        let [kind, wrapped] = children(of(message, Tag::Sequence)?)?;
        if oid(kind)? != SIGNED_DATA {
            return Err(MALFORMED);
        }
        let [content] = children(of(wrapped, numbered(0))?)?;
        let mut fields = values(of(content, Tag::Sequence)?)?.into_iter();
        let mut next = || fields.next().ok_or(MALFORMED);
        let (_version, _digests, about) = (next()?, next()?, next()?);
        let [content_type] = children(of(about, Tag::Sequence)?)?;
        if oid(content_type)? != DATA {
            return Err(TokenFault::Unsupported("the type of what was signed"));
        }
        let certificates = certificates(of(next()?, numbered(0))?)?;
        let mut signers = next()?;
        if signers.tag() == numbered(1) {
            // Lists of revoked certificates; nobody sends any.
            signers = next()?;
        }
        let [signer] = children(of(signers, Tag::Set)?)?;
        let mut fields = values(of(signer, Tag::Sequence)?)?.into_iter();
        let mut next = || fields.next().ok_or(MALFORMED);
        let (_version, signer_id, digest) = (next()?, next()?, next()?);
        let (attributes, algorithm, signature) = (next()?, next()?, next()?);
        if algorithm_of(digest)? != SHA_256 || algorithm_of(algorithm)? != ECDSA_SHA_256 {
            return Err(TokenFault::Unsupported("the signature's algorithm"));
        }
        Ok(Self {
            certificates,
            signer_id: of(signer_id, Tag::Sequence)?,
            attributes: of(attributes, numbered(0))?,
            signature: of(signature, Tag::OctetString)?,
        })
    }

    /// The certificate of the signer: the one it names, which has to bear the wallet's mark.
    fn signer(&self) -> Result<&'a [u8], TokenFault> {
        let is_named = |der: &&&[u8]| {
            let Ok(certificate) = Certificate::from_der(der) else { return false };
            let about = certificate.tbs_certificate();
            let (Ok(issuer), Ok(serial)) = (about.issuer().to_der(), about.serial_number().to_der()) else {
                return false;
            };
            self.signer_id == [issuer, serial].concat()
        };
        let named = self.certificates.iter().find(is_named);
        let signer = named.ok_or(TokenFault::Forged("the signer's certificate is missing"))?;
        if bears(signer, LEAF) {
            Ok(signer)
        } else {
            Err(TokenFault::Forged("the signer's certificate is not for tokens"))
        }
    }
}

/// What the signer signed beside the content's digest.
struct Attributes<'a> {
    content_type: ObjectIdentifier,
    digest: &'a [u8],
    signed_at: Timestamp,
}

impl<'a> Attributes<'a> {
    fn read(set: &'a [u8]) -> Result<Self, TokenFault> {
        let (mut content_type, mut digest, mut signed_at) = (None, None, None);
        for attribute in values(set)? {
            let [kind, set] = children(of(attribute, Tag::Sequence)?)?;
            let kind = oid(kind)?;
            if ![CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME].contains(&kind) {
                continue;
            }
            let [value] = children(of(set, Tag::Set)?)?;
            let is_again = match kind {
                CONTENT_TYPE => content_type.replace(oid(value)?).is_some(),
                MESSAGE_DIGEST => digest.replace(of(value, Tag::OctetString)?).is_some(),
                _ => signed_at.replace(time(value)?).is_some(),
            };
            if is_again {
                return Err(MALFORMED);
            }
        }
        Ok(Self {
            content_type: content_type.ok_or(MALFORMED)?,
            digest: digest.ok_or(MALFORMED)?,
            signed_at: signed_at.ok_or(TokenFault::Forged("the time of signing is missing"))?,
        })
    }
}

/// The chain from the signer to a root, at this moment, through an authority that bears the wallet's mark.
fn check_chain(
    parts: &Parts<'_>,
    signer: &[u8],
    roots: &[TrustAnchor<'_>],
    now: Timestamp,
) -> Result<(), TokenFault> {
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let certificate = CertificateDer::from(signer);
    let others: Vec<_> = parts.certificates.iter().map(|der| CertificateDer::from(*der)).collect();
    let forged = || TokenFault::Forged("the signer's certificate");
    let signer = EndEntityCert::try_from(&certificate).map_err(|_| forged())?;
    let through_the_right_authority = |path: &webpki::VerifiedPath<'_>| {
        let issuer = path.intermediate_certificates().next();
        let marked = issuer.is_some_and(|issuer| bears(&issuer.der(), INTERMEDIATE));
        if marked { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
    };
    let path = signer.verify_for_usage(
        CHAIN,
        roots,
        &others,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        KeyUsage::client_auth(),
        None,
        Some(&through_the_right_authority),
    );
    match path {
        Ok(_) => Ok(()),
        Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }) => {
            Err(TokenFault::Expired("the signer's certificate"))
        }
        Err(_) => Err(forged()),
    }
}

/// Whether a certificate has this extension.
fn bears(certificate: &[u8], mark: ObjectIdentifier) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return false };
    let extensions = certificate.tbs_certificate().extensions();
    extensions.into_iter().flatten().any(|extension| extension.extn_id == mark)
}

fn certificates(set: &[u8]) -> Result<Vec<&[u8]>, TokenFault> {
    let mut reader = SliceReader::new(set).map_err(|_| MALFORMED)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        if found.len() == MOST_CERTIFICATES {
            return Err(MALFORMED);
        }
        found.push(reader.tlv_bytes().map_err(|_| MALFORMED)?);
    }
    Ok(found)
}

/// The values that stand one after the other in `content`.
fn values(content: &[u8]) -> Result<Vec<AnyRef<'_>>, TokenFault> {
    let mut reader = SliceReader::new(content).map_err(|_| MALFORMED)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(AnyRef::decode(&mut reader).map_err(|_| MALFORMED)?);
    }
    Ok(found)
}

/// The same where their number is fixed.
fn children<const N: usize>(content: &[u8]) -> Result<[AnyRef<'_>; N], TokenFault> {
    values(content)?.try_into().map_err(|_| MALFORMED)
}

/// The content of a value with this tag.
fn of(value: AnyRef<'_>, tag: Tag) -> Result<&[u8], TokenFault> {
    if value.tag() == tag { Ok(value.value()) } else { Err(MALFORMED) }
}

fn oid(value: AnyRef<'_>) -> Result<ObjectIdentifier, TokenFault> {
    value.decode_as().map_err(|_| MALFORMED)
}

/// The algorithm of an identifier; parameters stand behind it.
fn algorithm_of(value: AnyRef<'_>) -> Result<ObjectIdentifier, TokenFault> {
    values(of(value, Tag::Sequence)?)?.first().copied().ok_or(MALFORMED).and_then(oid)
}

fn time(value: AnyRef<'_>) -> Result<Timestamp, TokenFault> {
    let since_epoch = match value.tag() {
        Tag::UtcTime => value.decode_as::<UtcTime>().map(|time| time.to_unix_duration()),
        _ => value.decode_as::<GeneralizedTime>().map(|time| time.to_unix_duration()),
    };
    let seconds = since_epoch.map_err(|_| MALFORMED)?.as_secs();
    Ok(Timestamp::from_seconds(i64::try_from(seconds).map_err(|_| MALFORMED)?))
}

const fn numbered(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}
