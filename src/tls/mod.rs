//! TLS settings shared by the gateway link and the databases: which roots are trusted, with ring as the one
//! source of cryptography. Not for the handshake itself, which belongs to whoever owns the socket.
//!
//! - `pem`: certificates and keys as people have them
//! - `roots`: who is trusted; `verifier`: whether a certificate is good
//! - `problem`: what is wrong with it, and who can help; `chain`: errors with all their causes
//! - `certificate`: what people want to know of one; `channel_binding`: what ties a login to it

mod certificate;
mod chain;
mod channel_binding;
mod pem;
mod problem;
mod roots;
mod settings;
mod verifier;

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};

use verifier::{Trust, Verifier};

pub use certificate::{CertificateFacts, Day};
pub use chain::chain;
pub use channel_binding::server_end_point;
pub use pem::Pem;
pub use problem::{Remedy, certificate_problem, remedy, words};
pub use roots::{EXTRA_ROOTS, authorities, extra_certificates, roots};
pub use settings::{TlsDecision, TlsMode, TlsSettings};

/// What a warning says, after the reason, where no handshake came about and the bridge went on without.
pub const ONLY_PREFERRED: &str = "connections are not encrypted, since TLS is only preferred there";

/// Checks the server's certificate and name against [`roots()`]. Built once; the same every time.
pub fn verified() -> Result<Arc<ClientConfig>, rustls::Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let config = config(trust(&[], false)?, None)?;
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}

/// As [`verified`], with more roots: those that a source names for itself (`sslrootcert`).
pub fn verified_by(own: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, rustls::Error> {
    config(trust(own, false)?, None)
}

/// As [`verified_by`], but a certificate that is good for another name is good too. Only for a database whose
/// configuration asks for it.
pub fn verified_whatever_its_name(
    own: &[CertificateDer<'static>],
) -> Result<Arc<ClientConfig>, rustls::Error> {
    config(trust(own, true)?, None)
}

/// As [`verified_by`], showing the server a certificate of ours if it asks for one.
fn verified_as(
    own: &[CertificateDer<'static>],
    identity: Option<CertifiedKey>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    match identity {
        None if own.is_empty() => verified(),
        identity => config(trust(own, false)?, identity),
    }
}

fn trust(own: &[CertificateDer<'static>], any_name: bool) -> Result<Trust, rustls::Error> {
    let mut store = Arc::clone(roots());
    if !own.is_empty() {
        Arc::make_mut(&mut store).add_parsable_certificates(authorities(own));
    }
    let webpki = webpki(store)?;
    let mut extra = extra_certificates().to_vec();
    extra.extend_from_slice(own);
    Ok(Trust::Roots {
        webpki,
        extra,
        any_name,
    })
}

/// True when the chain that a server has shown leads to a root of the public web, and not only to one that
/// was added here.
pub fn is_public(chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> bool {
    let store = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let Some((end_entity, intermediates)) = chain.split_first() else {
        return false;
    };
    webpki(Arc::new(store)).is_ok_and(|webpki| {
        webpki
            .verify_server_cert(end_entity, intermediates, name, &[], UnixTime::now())
            .is_ok()
    })
}

fn webpki(store: Arc<RootCertStore>) -> Result<Arc<WebPkiServerVerifier>, rustls::Error> {
    WebPkiServerVerifier::builder_with_provider(store, provider())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))
}

/// As [`unverified_as`], showing nothing of ours.
pub fn unverified() -> Result<Arc<ClientConfig>, rustls::Error> {
    unverified_as(None)
}

/// Accepts any certificate; the connection is encrypted, but anybody may be at its other end. Only for a
/// database whose configuration asks for it, never for the gateway. The server is shown a certificate of ours if
/// it asks for one.
fn unverified_as(identity: Option<CertifiedKey>) -> Result<Arc<ClientConfig>, rustls::Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if identity.is_some() {
        return config(Trust::Anybody, identity);
    }
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let config = config(Trust::Anybody, None)?;
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}

fn config(
    trust: Trust,
    identity: Option<CertifiedKey>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = provider();
    let verifier = Verifier::new(Arc::clone(&provider), trust);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(Arc::new(match identity {
        Some(identity) => {
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
        None => config.with_no_client_auth(),
    }))
}

/// What a server is shown that asks who we are: a certificate, those that vouch for it, and its key.
///
/// # Errors
/// The key is of no use, or another certificate's.
pub fn identity(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'_>,
) -> Result<CertifiedKey, String> {
    let key = ring::sign::any_supported_type(key)
        .map_err(|_| "is of a kind that is not supported; RSA, P-256, P-384 and Ed25519 are")?;
    let identity = CertifiedKey::new(chain, key);
    // A certificate of version 1 cannot be looked into here. Whom it is shown to may know it all the same.
    match identity.keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("is not that of the certificate".to_owned())
        }
        _ => Ok(identity),
    }
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
        assert!(Arc::ptr_eq(
            &unverified_as(None).unwrap(),
            &unverified_as(None).unwrap()
        ));
    }
}
