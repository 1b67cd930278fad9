//! Which certificate authorities are trusted: the ones every browser trusts, built into the binary, and
//! those the customer adds.

use std::env;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use log::{info, warn};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use crate::tls::{CertificateFacts, Pem};

/// Variables that name PEM files with more roots: Node's own, which users of the official runner set for
/// proxies that intercept TLS, and OpenSSL's.
pub const EXTRA_ROOTS: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/// The roots of the public web and [`extra_certificates`].
pub fn roots() -> &'static Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut store = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let (added, refused) = store.add_parsable_certificates(authorities(extra_certificates()));
        if added > 0 {
            info!("trusting {added} more roots");
        }
        if refused > 0 {
            warn!("{refused} extra certificates are not usable as roots");
        }
        let pinned = extra_certificates().len() - added - refused;
        if pinned > 0 {
            info!("trusting {pinned} more certificates, for the servers that they name only");
        }
        Arc::new(store)
    })
}

/// Those that may sign others. Only they become roots: webpki takes whatever it is given for a root, and the
/// certificate of one server, trusted because it is self-signed, could sign for every other name.
pub fn authorities(
    certificates: &[CertificateDer<'static>],
) -> impl Iterator<Item = CertificateDer<'static>> {
    let may_sign = |der: &&CertificateDer<'static>| {
        CertificateFacts::read(der).is_some_and(|facts| facts.authority)
    };
    certificates.iter().filter(may_sign).cloned()
}

/// The certificates of the files that `NODE_EXTRA_CA_CERTS` and `SSL_CERT_FILE` name. Read once. A file that
/// adds nothing is a warning, not an error: most of the time the built-in roots do.
pub fn extra_certificates() -> &'static [CertificateDer<'static>] {
    static EXTRA: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    EXTRA.get_or_init(|| {
        let mut found = Vec::new();
        for variable in EXTRA_ROOTS {
            let Some(file) = env::var_os(variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            let file = PathBuf::from(file);
            let shown = file.display().to_string();
            match Pem::File(file).certificates() {
                Ok(certificates) => found.extend(certificates),
                Err(error) => warn!("{variable}: {shown} {error}"),
            }
        }
        found
    })
}
