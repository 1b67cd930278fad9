//! Certificates for TLS tests, made at test time: nothing secret or expiring lies in the repository.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;

/// A certificate authority of one test.
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl TestCa {
    /// A new authority with this common name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        Self { issuer }
    }

    /// The authority's own certificate, to be trusted.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// PEM of a certificate for these host names and addresses, and of its key.
    pub fn issue_pem(&self, names: &[&str]) -> (String, String) {
        let (certificate, key) = self.issue(names);
        (certificate.pem(), key.serialize_pem())
    }

    /// The server side of TLS with a certificate for these host names and addresses.
    pub fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(names);
        config(&certificate, &key)
    }

    /// The same with a certificate that has expired on the last day of 2020.
    pub fn expired_server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let mut params = parameters(names);
        expire(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        config(&certificate, &key)
    }

    /// The client side of TLS that trusts what this authority has signed, and nothing else.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    fn issue(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters(names)
            .signed_by(&key, &self.issuer)
            .expect("a certificate");
        (certificate, key)
    }
}

/// A server whose certificate is signed by itself, as `openssl req -x509` makes them.
pub struct SelfSigned {
    certificate: rcgen::Certificate,
    key: KeyPair,
    params: CertificateParams,
}

impl SelfSigned {
    /// A certificate for these host names and addresses; one that calls itself an authority or not.
    pub fn new(names: &[&str], authority: bool) -> Self {
        Self::make(names, authority, |_| {})
    }

    /// The same, expired on the last day of 2020.
    pub fn expired(names: &[&str], authority: bool) -> Self {
        Self::make(names, authority, expire)
    }

    fn make(names: &[&str], authority: bool, change: impl Fn(&mut CertificateParams)) -> Self {
        let mut params = parameters(names);
        params
            .distinguished_name
            .push(DnType::CommonName, "own server");
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate,
            key,
            params,
        }
    }

    /// Another server, with a certificate for these names that this one has signed, whether it may or not.
    pub fn sign_server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = parameters(names)
            .signed_by(&key, &issuer)
            .expect("a certificate");
        config(&certificate, &key)
    }

    /// The certificate, to be trusted.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// PEM of the key.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The server side of TLS.
    pub fn server(&self) -> Arc<ServerConfig> {
        config(&self.certificate, &self.key)
    }
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).expect("parameters")
}

fn expire(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 12, 31);
}

fn config(certificate: &rcgen::Certificate, key: &KeyPair) -> Arc<ServerConfig> {
    let chain = vec![certificate.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key");
    Arc::new(config)
}
