//! TLS settings shared by the gateway link and the databases: which roots are trusted, with ring as the one
//! source of cryptography. Not for the handshake itself, which belongs to whoever owns the socket.

mod roots;
mod unverified;

use std::sync::{Arc, OnceLock};

use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

pub use roots::{PemError, extra_certificates, parse_certificates, read_certificates, roots};

/// Checks the server's certificate and name against [`roots`]. Built once; the same every time.
pub fn verified() -> Result<Arc<ClientConfig>, rustls::Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let config = verified_by(Arc::clone(roots()))?;
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}

/// Checks the server's certificate and name against these roots only; for a source that names its own
/// (`sslrootcert`) they are a copy of [`roots`] with more added.
pub fn verified_by(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = builder()?.with_root_certificates(roots);
    Ok(Arc::new(finish(builder)))
}

/// Accepts any certificate; the connection is encrypted, but anybody may be at its other end. Only for a
/// database whose configuration asks for it, never for the gateway.
pub fn unverified() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        #[expect(
            clippy::expect_used,
            reason = "fails only for a provider without cipher suites, and ring has both versions' suites"
        )]
        let builder = builder().expect("ring supports TLS 1.2 and 1.3");
        let verifier = unverified::AnyCertificate::new(provider());
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Arc::new(finish(builder))
    });
    Arc::clone(config)
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()
}

fn finish(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig {
    builder.with_no_client_auth()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_built_once() {
        assert!(Arc::ptr_eq(&verified().unwrap(), &verified().unwrap()));
        assert!(Arc::ptr_eq(&unverified(), &unverified()));
    }
}
