//! Connections to a server that has TLS, with certificates made here.

use ferropay_store::{
    Store as _,
    postgres::{Options, PostgresStore},
};
use ferropay_test_postgres::{Server, rows};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{net::TcpListener, path::PathBuf, time::Duration};
use tempfile::TempDir;

/// A server with a certificate for `localhost`, which a test reaches by TCP.
struct Secured {
    server: Server,
    port: u16,
    directory: TempDir,
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

impl Secured {
    /// A server that takes TLS if it has a certificate: `issued` makes it, and its key.
    fn start(issued: Option<(String, String)>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Server::start(&["listen_addresses=127.0.0.1", &format!("port={port}")]);
        let it = Self { server, port, directory: tempfile::tempdir().unwrap() };
        if let Some((certificate, key)) = issued {
            it.server.write("server.crt", &certificate);
            it.server.write("server.key", &key);
            rows(&it.server.url("postgres"), "ALTER SYSTEM SET ssl = on");
            rows(&it.server.url("postgres"), "SELECT pg_reload_conf()");
            while rows(&it.server.url("postgres"), "SHOW ssl").1 != [[Some("on".to_owned())]] {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        it
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Connects as the address' parameters say: whether the server saw TLS, or what was said.
    async fn reached(&self, host: &str, parameters: &str) -> Result<bool, String> {
        let url = format!("postgres://ferropay:hushed@{host}:{}/postgres?{parameters}", self.port);
        let options = Options { readers: 1, ..Options::default() };
        let store = PostgresStore::connect(&url, options).await.map_err(|error| {
            assert!(!error.to_string().contains("hushed"), "{error}");
            error.to_string()
        })?;
        store.projects().await.unwrap();
        let sql =
            "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_port > 0";
        let seen = rows(&self.server.url("postgres"), sql).1;
        assert_eq!(seen.len(), 1, "all of its connections are alike: {seen:?}");
        Ok(seen[0][0].as_deref() == Some("t"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_trusted_as_far_as_its_address_says() {
    let (ours, other) = (authority("ours"), authority("another"));
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &ours).unwrap();
    let secured = Secured::start(Some((certificate.pem(), key.serialize_pem())));
    let (ours, other) = (secured.file("ours.pem", &ours.pem()), secured.file("other.pem", &other.pem()));
    let with = |mode: &str, roots: &PathBuf| format!("sslmode={mode}&sslrootcert={}", roots.display());

    for (host, parameters, by_tls) in [
        ("localhost", String::new(), true),
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", with("require", &ours), true),
        ("127.0.0.1", with("verify-ca", &ours), true),
        ("localhost", with("verify-full", &ours), true),
        ("localhost", format!("sslrootcert={}", ours.display()), true),
    ] {
        assert_eq!(secured.reached(host, &parameters).await, Ok(by_tls), "{host} {parameters}");
    }
    let name = "not for the name it is reached by";
    let authority = "an authority that is not trusted";
    for (host, parameters, reason) in [
        ("127.0.0.1", with("verify-full", &ours), name),
        ("127.0.0.1", format!("sslrootcert={}", ours.display()), name),
        ("localhost", with("verify-full", &other), authority),
        ("localhost", with("verify-ca", &other), authority),
        ("localhost", with("require", &other), authority),
        ("localhost", "sslmode=verify-full".to_owned(), authority),
    ] {
        let said = secured.reached(host, &parameters).await.unwrap_err();
        assert!(said.contains(reason), "{host} {parameters}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_signed_by_itself_is_trusted_where_it_is_named() {
    let own = |name: &str, is_ca: IsCa| {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.is_ca = is_ca;
        (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    // As `openssl req -x509` makes it.
    let (certificate, key) = own("localhost", IsCa::Ca(BasicConstraints::Unconstrained));
    let secured = Secured::start(Some((certificate.clone(), key)));
    let named = secured.file("server.pem", &certificate);
    let (other, _) = own("localhost", IsCa::Ca(BasicConstraints::Unconstrained));
    let other = secured.file("other.pem", &other);
    let with = |mode: &str, roots: &PathBuf| format!("sslmode={mode}&sslrootcert={}", roots.display());
    assert_eq!(secured.reached("localhost", &with("verify-full", &named)).await, Ok(true));
    assert_eq!(secured.reached("127.0.0.1", &with("verify-ca", &named)).await, Ok(true));
    let said = secured.reached("127.0.0.1", &with("verify-full", &named)).await.unwrap_err();
    assert!(said.contains("not for the name"), "{said}");
    assert!(secured.reached("localhost", &with("verify-full", &other)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_reached_only_where_that_is_said() {
    let secured = Secured::start(None);
    for parameters in ["", "sslmode=prefer", "sslmode=disable"] {
        assert_eq!(secured.reached("localhost", parameters).await, Ok(false), "{parameters}");
    }
    for parameters in ["sslmode=require", "sslmode=verify-full"] {
        let said = secured.reached("localhost", parameters).await.unwrap_err();
        assert!(said.contains("does not take TLS") && said.contains("sslmode=disable"), "{said}");
    }
}
