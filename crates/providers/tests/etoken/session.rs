//! Payment sessions are opened with the merchant's identity, at a gateway that proves its own.

use super::VECTORS;
use ferropay_domain::project::Environment;
use ferropay_engine::wallet_tokens::{SessionFault, SessionOrder, WalletTokens as _};
use ferropay_providers::etoken::Wallets;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier},
};

/// An authority, and its certificate as PEM.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// Certificate and key of somebody with this name, PEM.
fn identity(issuer: &Issuer<'static, KeyPair>, name: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.signed_by(&key, issuer).unwrap().pem() + &key.serialize_pem()
}

/// A gateway that talks only to whoever has an identity by `clients`; its port.
async fn gateway(own: &str, clients: &str) -> u16 {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(clients.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(own.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(own.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut read = Vec::new();
            while !read.ends_with(b"}") {
                if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let asked = String::from_utf8_lossy(&read).into_owned();
            let body = asked.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let reply =
                json!({ "asked": serde_json::from_str::<Value>(body).unwrap_or_default() }).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", reply.len());
            let _ = stream.write_all((head + &reply).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn keys(identity: Option<&str>, authorities: &str) -> Vec<u8> {
    let mut keys = VECTORS["apple"]["keys"].clone();
    if let Some(identity) = identity {
        keys["identity"] = identity.into();
    }
    keys["gateway_authorities"] = authorities.into();
    keys.to_string().into_bytes()
}

async fn open(port: u16, keys: &[u8]) -> Result<Value, SessionFault> {
    let base = format!("https://localhost:{port}");
    let order = SessionOrder {
        environment: Environment::Test,
        validation_url: format!("{base}/paymentservices/startSession"),
        domain_name: "shop.example".to_owned(),
        display_name: "Books".to_owned(),
    };
    let answer = Wallets::new(Some(base)).session(keys, order).await;
    answer.map(|text| serde_json::from_str(&text).unwrap())
}

// G-464
#[tokio::test]
async fn a_session_is_opened_with_the_merchants_identity_at_a_gateway_that_proves_its_own() {
    let (gateways, gateways_pem) = authority("Gateways");
    let (merchants, merchants_pem) = authority("Merchants");
    let (strangers, strangers_pem) = authority("Strangers");
    let port = gateway(&identity(&gateways, "localhost"), &merchants_pem).await;
    let merchant = identity(&merchants, "merchant.example");
    let opened = open(port, &keys(Some(&merchant), &gateways_pem)).await.unwrap();
    let expected = json!({
        "merchantIdentifier": "merchant.com.example.shop",
        "displayName": "Books",
        "initiative": "web",
        "initiativeContext": "shop.example",
    });
    assert_eq!(opened["asked"], expected);

    let stranger = identity(&strangers, "merchant.example");
    let refused = open(port, &keys(Some(&stranger), &gateways_pem)).await;
    assert!(matches!(refused, Err(SessionFault::NoAnswer(_))), "by another authority: {refused:?}");
    let false_gateway = open(port, &keys(Some(&merchant), &strangers_pem)).await;
    assert!(matches!(false_gateway, Err(SessionFault::NoAnswer(_))), "not the gateway: {false_gateway:?}");
    let nobody = open(port, &keys(None, &gateways_pem)).await;
    assert_eq!(nobody, Err(SessionFault::Keys("there is no identity".to_owned())));
}
