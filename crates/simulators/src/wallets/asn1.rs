//! The signature around a token of Apple Pay, written as DER.

use super::Refused;
use aws_lc_rs::digest::{SHA256, digest};
use yasna::{DERWriter, Tag, construct_der, models::ObjectIdentifier};

const SIGNED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 2];
const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const CONTENT_TYPE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 3];
const MESSAGE_DIGEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 4];
const SIGNING_TIME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 5];
const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const SHA_256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
const ECDSA_SHA_256: &[u64] = &[1, 2, 840, 10_045, 4, 3, 2];

/// Signs with ECDSA and SHA-256.
type Sign<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Refused> + 'a;

/// Whoever signs.
pub(super) struct Signer<'a> {
    /// The certificate of the signer and of its issuer, DER.
    pub(super) certificates: [&'a [u8]; 2],
    /// The common name of the issuer; its only name.
    pub(super) issuer: &'a str,
    /// The serial number of the signer's certificate.
    pub(super) serial: &'a [u8],
    /// Signs with ECDSA and SHA-256.
    pub(super) sign: &'a Sign<'a>,
}

/// A detached signature over `content`, made at `now`.
pub(super) fn detached(content: &[u8], signer: &Signer<'_>, now: i64) -> Result<Vec<u8>, Refused> {
    let time = jiff::Timestamp::from_second(now).map_err(|_| Refused("tell the time"))?;
    let time = time.strftime("%y%m%d%H%M%SZ").to_string();
    let attributes = construct_der(|writer| {
        writer.write_set_of(|set| {
            attribute(set.next(), CONTENT_TYPE, |value| oid(value, DATA));
            attribute(set.next(), MESSAGE_DIGEST, |value| {
                value.write_bytes(digest(&SHA256, content).as_ref());
            });
            // The library writes times only for another library's type.
            let utc_time = [&[0x17, 13], time.as_bytes()].concat();
            attribute(set.next(), SIGNING_TIME, |value| value.write_der(&utc_time));
        });
    });
    let signature = (signer.sign)(&attributes)?;
    // Within the message the same set stands under tag 0.
    let mut tagged = attributes;
    if let Some(tag) = tagged.first_mut() {
        *tag = 0xa0;
    }
    Ok(construct_der(|writer| {
        writer.write_sequence(|message| {
            oid(message.next(), SIGNED_DATA);
            message.next().write_tagged(Tag::context(0), |writer| {
                writer.write_sequence(|signed| {
                    signed.next().write_i64(1);
                    signed.next().write_set_of(|set| algorithm(set.next(), SHA_256));
                    signed.next().write_sequence(|about| oid(about.next(), DATA));
                    signed.next().write_tagged_implicit(Tag::context(0), |writer| {
                        writer.write_set_of(|set| {
                            for certificate in signer.certificates {
                                set.next().write_der(certificate);
                            }
                        });
                    });
                    signed.next().write_set_of(|set| {
                        set.next().write_sequence(|info| {
                            info.next().write_i64(1);
                            info.next().write_sequence(|id| {
                                name(id.next(), signer.issuer);
                                id.next().write_bigint_bytes(signer.serial, true);
                            });
                            algorithm(info.next(), SHA_256);
                            info.next().write_der(&tagged);
                            algorithm(info.next(), ECDSA_SHA_256);
                            info.next().write_bytes(&signature);
                        });
                    });
                });
            });
        });
    }))
}

fn oid(writer: DERWriter<'_>, parts: &[u64]) {
    writer.write_oid(&ObjectIdentifier::from_slice(parts));
}

fn algorithm(writer: DERWriter<'_>, parts: &[u64]) {
    writer.write_sequence(|algorithm| oid(algorithm.next(), parts));
}

fn attribute(writer: DERWriter<'_>, kind: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    writer.write_sequence(|attribute| {
        oid(attribute.next(), kind);
        attribute.next().write_set_of(|set| value(set.next()));
    });
}

fn name(writer: DERWriter<'_>, common: &str) {
    writer.write_sequence(|name| {
        name.next().write_set_of(|set| {
            set.next().write_sequence(|part| {
                oid(part.next(), COMMON_NAME);
                part.next().write_utf8string(common);
            });
        });
    });
}
