//! Which certificate authorities are trusted: the ones every browser trusts, built into the binary, and
//! those the customer adds.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::{env, fmt, io};

use log::{info, warn};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use crate::tls::CertificateFacts;
use crate::tls::certificate::first_element;
use crate::{files, limits};

/// Variables that name PEM files with more roots: Node's own, which users of the official runner set for
/// proxies that intercept TLS, and OpenSSL's.
pub const EXTRA_ROOTS: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/// Why a file of certificates is of no use.
#[derive(Debug)]
#[non_exhaustive]
pub enum PemError {
    /// The file cannot be opened or read.
    Io(io::Error),
    /// The file is longer than any bundle of roots.
    TooLong,
    /// A section of the file is broken.
    Pem(pem::Error),
    /// The file holds no certificate.
    Empty,
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::TooLong => write!(f, "is longer than {} bytes", limits::MAX_PEM_BYTES),
            Self::Pem(error) => write!(f, "is not PEM: {error}"),
            Self::Empty => f.write_str("holds no certificate"),
        }
    }
}

impl std::error::Error for PemError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Pem(error) => Some(error),
            Self::TooLong | Self::Empty => None,
        }
    }
}

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
            match read_certificates(Path::new(&file)) {
                Ok(certificates) => found.extend(certificates),
                Err(error) => warn!("{variable}: {} {error}", file.display()),
            }
        }
        found
    })
}

/// The certificates of a PEM file, at least one.
pub fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let text = files::read(file, limits::MAX_PEM_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => PemError::TooLong,
        _ => PemError::Io(error),
    })?;
    parse_certificates(&text)
}

/// The certificates of a PEM text, at least one.
pub fn parse_certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found = CertificateDer::pem_slice_iter(usual_pem(text).as_bytes())
        .map(|found| found.map(certificate_alone))
        .collect::<Result<Vec<_>, _>>()
        .map_err(PemError::Pem)?;
    if found.is_empty() {
        return Err(PemError::Empty);
    }
    Ok(found)
}

/// A PEM text without the mark that some editors put before it, and with the usual name on every certificate: old tools
/// have a longer one, and OpenSSL another where it says what the certificate is trusted for.
pub(super) fn usual_pem(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut usual = text.trim_start_matches('\u{feff}').to_owned();
    for name in ["X509 CERTIFICATE", "TRUSTED CERTIFICATE"] {
        for edge in ["BEGIN", "END"] {
            usual = usual.replace(
                &format!("-----{edge} {name}-----"),
                &format!("-----{edge} CERTIFICATE-----"),
            );
        }
    }
    usual
}

/// Without what OpenSSL says of its trust, which follows it.
fn certificate_alone(der: CertificateDer<'static>) -> CertificateDer<'static> {
    match first_element(&der) {
        Some(alone) if alone.len() < der.len() => alone.to_vec().into(),
        _ => der,
    }
}
