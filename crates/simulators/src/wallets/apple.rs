//! Apple's side: certificates, a merchant's keys, tokens, sessions.

use super::{
    AppleIssued, Ephemeral, Refused, Wish,
    asn1::{Signer, detached},
    eci, hex, random,
};
use aes_gcm::{
    AesGcm, KeyInit as _, Nonce,
    aead::{Aead as _, consts::U16},
    aes::Aes256,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SerialNumber, SigningKey as _,
};
use serde_json::{Value, json};

const MERCHANT: &str = "merchant.test.ferropay.sandbox";
const INTERMEDIATE: &str = "Ferropay Sandbox Integration CA";
const SERIAL: &[u8] = &[0x46, 0x65, 0x50, 0x79, 0x01];

/// Marks of the certificates that sign tokens and of their authority.
const LEAF_MARK: &[u64] = &[1, 2, 840, 113_635, 100, 6, 29];
const INTERMEDIATE_MARK: &[u64] = &[1, 2, 840, 113_635, 100, 6, 2, 14];

pub(super) struct Apple {
    root: String,
    intermediate: Vec<u8>,
    leaf: Vec<u8>,
    signer: KeyPair,
    processing: KeyPair,
    identity: String,
}

impl Apple {
    pub(super) fn new() -> Result<Self, Refused> {
        make().map_err(|_| Refused("make certificates"))
    }

    pub(super) fn issued(&self) -> AppleIssued {
        AppleIssued {
            merchant_id: MERCHANT.to_owned(),
            processing_key: self.processing.serialize_pem(),
            identity: self.identity.clone(),
            root: self.root.clone(),
        }
    }

    pub(super) fn token(&self, wish: &Wish, now: i64) -> Result<String, Refused> {
        let merchant = self.processing.public_key_raw();
        let ephemeral = Ephemeral::with(merchant)?;
        let payment = json!({
            "applicationPrimaryAccountNumber": wish.pan,
            "applicationExpirationDate": format!("{:02}{:02}28", wish.year % 100, wish.month),
            "currencyCode": format!("{:03}", wish.currency),
            "transactionAmount": wish.amount,
            "deviceManufacturerIdentifier": "040010030273",
            "paymentDataType": "3DSecure",
            "paymentData": {
                "onlinePaymentCryptogram": STANDARD.encode(random::<20>()?),
                "eciIndicator": eci(&wish.pan),
            },
        });
        let merchant_hash = digest(&SHA256, MERCHANT.as_bytes());
        let key_input =
            [&[0, 0, 0, 1][..], &ephemeral.secret, &[13], b"id-aes256-GCM", b"Apple", merchant_hash.as_ref()];
        let key = digest(&SHA256, &key_input.concat());
        let sealed = AesGcm::<Aes256, U16>::new_from_slice(key.as_ref())
            .ok()
            .and_then(|cipher| cipher.encrypt(&Nonce::<U16>::default(), payment.to_string().as_bytes()).ok())
            .ok_or(Refused("seal a token"))?;
        let transaction = random::<32>()?;
        let content = [ephemeral.info.as_slice(), &sealed, &transaction].concat();
        let sign = |message: &[u8]| self.signer.sign(message).map_err(|_| Refused("sign a token"));
        let signer = Signer {
            certificates: [&self.leaf, &self.intermediate],
            issuer: INTERMEDIATE,
            serial: SERIAL,
            sign: &sign,
        };
        let signature = detached(&content, &signer, now)?;
        let key_info = rcgen::PublicKeyData::subject_public_key_info(&self.processing);
        let token = json!({
            "version": "EC_v1",
            "data": STANDARD.encode(&sealed),
            "signature": STANDARD.encode(signature),
            "header": {
                "ephemeralPublicKey": STANDARD.encode(&ephemeral.info),
                "publicKeyHash": STANDARD.encode(digest(&SHA256, &key_info)),
                "transactionId": hex(&transaction),
            },
        });
        Ok(token.to_string())
    }

    /// The answer to a request for a payment session; none when the merchant is not known.
    pub(super) fn session(&self, request: &Value, now: i64) -> Option<Value> {
        let text = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text("merchantIdentifier")? != MERCHANT || text("initiative")? != "web" {
            return None;
        }
        let (display, domain) = (text("displayName")?, text("initiativeContext")?);
        let session = hex(&random::<32>().ok()?).to_uppercase();
        let merchant = hex(digest(&SHA256, MERCHANT.as_bytes()).as_ref()).to_uppercase();
        let signature = self.signer.sign(session.as_bytes()).ok()?;
        Some(json!({
            "epochTimestamp": now.saturating_mul(1000),
            "expiresAt": now.saturating_add(3600).saturating_mul(1000),
            "merchantSessionIdentifier": session,
            "nonce": hex(&random::<4>().ok()?),
            "merchantIdentifier": merchant,
            "domainName": domain,
            "displayName": display,
            "signature": hex(&signature),
            "operationalAnalyticsIdentifier": format!("{display}:{merchant}"),
            "retries": 0,
            "pspId": merchant,
        }))
    }
}

fn make() -> Result<Apple, rcgen::Error> {
    let root_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let root = authority("Ferropay Sandbox Root CA", BasicConstraints::Unconstrained)?;
    let root_pem = root.self_signed(&root_key)?.pem();
    let root = Issuer::new(root, root_key);

    let intermediate_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut intermediate = authority(INTERMEDIATE, BasicConstraints::Constrained(0))?;
    intermediate.custom_extensions.push(mark(INTERMEDIATE_MARK));
    let intermediate_der = intermediate.signed_by(&intermediate_key, &root)?.der().to_vec();
    let intermediate = Issuer::new(intermediate, intermediate_key);

    let signer = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut leaf = named("Ferropay Sandbox Token Signer")?;
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.serial_number = Some(SerialNumber::from_slice(SERIAL));
    leaf.custom_extensions.push(mark(LEAF_MARK));
    let leaf = leaf.signed_by(&signer, &intermediate)?.der().to_vec();

    let identity_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let identity = named(MERCHANT)?.signed_by(&identity_key, &intermediate)?;
    let identity = identity.pem() + &identity_key.serialize_pem();
    let processing = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Apple { root: root_pem, intermediate: intermediate_der, leaf, signer, processing, identity })
}

fn named(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn authority(name: &str, constraints: BasicConstraints) -> Result<CertificateParams, rcgen::Error> {
    let mut params = named(name)?;
    params.is_ca = IsCa::Ca(constraints);
    Ok(params)
}

/// An extension that says nothing but that it is there.
fn mark(oid: &[u64]) -> CustomExtension {
    CustomExtension::from_oid_content(oid, vec![0x05, 0x00])
}
