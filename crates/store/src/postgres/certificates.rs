//! Whose certificates a server may show.

use super::ConnectError;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use std::{path::PathBuf, sync::Arc};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature},
    server::ParsedCertificate,
};

/// Who is trusted.
pub(super) enum Trust {
    /// Whoever answers.
    Anybody,
    /// Whoever has a certificate of an authority in this file.
    Authorities(PathBuf),
    /// The same, with the server's name in the certificate.
    NamedByAuthorities(PathBuf),
    /// Whoever has a certificate of the server's name by an authority the system trusts.
    NamedBySystem,
}

impl Trust {
    /// Errors: the certificates cannot be read.
    pub(super) fn verifier(self) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
        let provider = Arc::new(default_provider());
        let (file, by_name) = match self {
            Self::Anybody => return Ok(Arc::new(Anybody(provider))),
            Self::NamedBySystem => {
                let system = rustls_platform_verifier::Verifier::new(provider);
                let system = system.map_err(|error| ConnectError::Security(error.to_string()))?;
                return Ok(Arc::new(system));
            }
            Self::Authorities(file) => (file, false),
            Self::NamedByAuthorities(file) => (file, true),
        };
        let unusable = |reason: &dyn std::fmt::Display| {
            ConnectError::Security(format!("the certificates in {} cannot be used: {reason}", file.display()))
        };
        let read = CertificateDer::pem_file_iter(&file).map_err(|error| unusable(&error))?;
        let named = read.collect::<Result<Vec<_>, _>>().map_err(|error| unusable(&error))?;
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            roots.add(certificate.clone()).map_err(|error| unusable(&error))?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let chain = verifier.map_err(|error| unusable(&error))?;
        Ok(Arc::new(Authorities { chain, named, by_name }))
    }
}

/// Trusts whoever answers: others cannot listen, but may be the one who is talked to.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts authorities that were named.
#[derive(Debug)]
struct Authorities {
    chain: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
    /// Whether the server's name has to be in its certificate.
    by_name: bool,
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.chain.verify_server_cert(certificate, others, name, ocsp, now) {
            // Names are looked at last, when everything else is right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.by_name => Ok(ServerCertVerified::assertion()),
            // A server's certificate that is signed by itself is its own authority. That it is one is found out after its
            // validity in time, and before everything else, which is as it was when it was named here.
            Err(Error::InvalidCertificate(CertificateError::Other(reason)))
                if is_authority(&reason) && self.named.iter().any(|named| named == certificate) =>
            {
                if self.by_name {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Whether a certificate was refused because it is that of an authority.
fn is_authority(OtherError(reason): &OtherError) -> bool {
    reason.downcast_ref::<webpki::Error>().is_some_and(|it| *it == webpki::Error::CaUsedAsEndEntity)
}

/// Why a connection could not be secured, in words that say what to do; none when the error is another.
pub(super) fn problem(error: &tokio_postgres::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error);
    while let Some(reason) = cause {
        if reason.to_string() == "server does not support TLS" {
            return Some(
                "the server does not take TLS; where everything between is trusted, say so with sslmode=disable".into(),
            );
        }
        let inner = reason.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner =
            inner.and_then(|it| it.downcast_ref::<Error>()).or_else(|| reason.downcast_ref::<Error>());
        if let Some(error) = inner {
            return Some(match error {
                Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                    "the certificate of the server is of an authority that is not trusted; name the authority's with \
                     sslrootcert=FILE"
                        .into()
                }
                Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                ) => "the certificate of the server is not for the name it is reached by".into(),
                Error::InvalidCertificate(
                    CertificateError::Expired | CertificateError::ExpiredContext { .. },
                ) => "the certificate of the server has expired".into(),
                other => format!("the connection cannot be secured: {other}"),
            });
        }
        cause = reason.source();
    }
    None
}
